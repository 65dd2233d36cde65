"""The day door: reports in, drafts out, signatures kept. `run` is the whole day; `think` and `settle` are one message's life.

Stored, then shown, then committed: one transaction holds what became of a message, its effect and what is to leave; the offset
goes to Kafka afterwards. A crash anywhere repeats work and changes nothing that was shown. This file knows no medicine.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import Engine
from sqlmodel import Session

from connectors.broker import Broker, BrokerAway, Event, Feed, Partition
from connectors.crew import Crew
from connectors.deadletters import Limit, TooManyDeadLetters, dead_letter
from connectors.deliver import Form, Shown
from connectors.events import CALLED_OFF, critical, withdrawals
from connectors.hands import Hands, WithoutAdapter
from connectors.health import Health
from connectors.lanes import Lanes
from connectors.outbox import LEASE, Relay
from connectors.probe import SUSPICIOUS, deadly
from connectors.progress import Progress
from connectors.restored import set_back
from connectors.topics import Topics
from engine.adapters import Adapter
from engine.guidance import Where
from engine.hand import UNKNOWN
from engine.impression import Impression
from engine.policy import Policy, WhyNot, is_in_shadow, why_not
from engine.tools import Tool
from engine.write import LanguageModel, write_impression
from feedback.capture import draft_of, hold, moves_forward, record_draft, record_signature, record_version
from feedback.database import DatabaseUnavailable, done_again, on_disk, reading, transaction, undisturbed
from feedback.inbox import Arrival, Outcome, handled_meanwhile, record_arrival, record_outcome
from feedback.outbox import Outgoing, doubt, send
from feedback.sqlite_log import log_kept_short
from feedback.switches import pulled
from ingest.report import Reading, Report, Unreadable

log = logging.getLogger(__name__)

#: raw bytes, source, content type -> what was found in them
Reader = Callable[[bytes, str | None, str | None], Iterable[Reading]]
#: What became of one report, the weightiest first.
Effect = Literal["drafted", "signed", "called-off", "held-back", "nothing-to-say", "kept", "seen-before"]
#: Seconds a routine report waits at most while STATs keep coming.
LONGEST_WAIT = 120.0
#: Seconds between two commits of offsets, each of which waits for the disk and for Kafka: what a crash does again, and finds done.
COMMIT_EVERY = 1.0
AFTER_A_FAULT = "tell Impresario's makers, and requeue it after the next release."
#: Read ahead so far that a STAT behind a morning's backlog is seen at once.
AHEAD_MESSAGES, AHEAD_BYTES = 10_000, 64 * 1024 * 1024


@dataclass(frozen=True)
class Day:
    """What one day needs, in plain values and open doors."""

    broker: Broker
    books: Engine
    model: LanguageModel
    reader: Reader
    promoted_for: Callable[[str], Adapter | None]
    forms: Sequence[Form]
    forms_by_name: Mapping[str, Form] = field(default_factory=dict)  #: those a source's profile may ask for instead
    policy: Policy = field(default_factory=Policy)
    topics: Topics = field(default_factory=Topics)
    group: str = "impresario"
    workers: int = 8
    deadline: float = 15.0
    deadline_stat: float = 5.0
    candidates: int = 4
    seed: int = 7
    without_adapter: WithoutAdapter = "layout"
    guidelines: Where = "beside"
    tools: Sequence[Tool] = ()
    dead_letters: Limit = field(default_factory=lambda: Limit(0.5, 50))
    accept_gap: bool = False
    withdraw_signed: bool = False  #: say that a draft is not to be shown any more not only when its exam is called off
    lease: float = LEASE
    deadly: Callable[[Sequence[bytes]], Collection[int]] = deadly
    health: Health = field(default_factory=Health)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    hands: Hands = field(default_factory=Hands)


@dataclass(frozen=True, eq=False)
class Work:
    """One message in hand: stored, read, and waiting for its effect."""

    event: Event
    arrival: Arrival
    readings: tuple[Reading, ...]
    polled: float = field(default_factory=time.monotonic)

    @property
    def place(self) -> str:
        return f"{self.event.topic}[{self.event.partition}]@{self.event.offset}"

    @cached_property
    def source(self) -> str | None:
        return self.event.header("source")

    @property
    def is_unreadable(self) -> bool:
        return any(one.outcome == "unreadable" for one in self.readings)

    @property
    def why(self) -> str:
        """Why something in it could not be read."""
        return next((one.message or "" for one in self.readings if one.outcome == "unreadable"), "")

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        return tuple(reading.report for reading in self.readings if reading.report is not None)


@dataclass(frozen=True)
class Written:
    """A new impression, and the messages that will show it."""

    impression: Impression
    messages: tuple[Outgoing, ...]


@dataclass(frozen=True)
class Thought:
    """One message thought about, ready to be settled: for each of its reports a new draft, or none."""

    work: Work
    drafts: Sequence[Written | None] = ()


def run(day: Day, stop: threading.Event) -> None:
    """Work until `stop` is set; then finish what is in hand, commit it and leave the group. Raises what a person must know."""
    progress, lanes, committed = Progress(), Lanes[Work](day.workers, LONGEST_WAIT), time.monotonic()
    relay = Relay(day.books, day.broker, our_topics=day.topics.ours, lease=day.lease, health=day.health, begun=False)
    gc.freeze()  # to look through all that was loaded before the day for rubbish would hold everybody up for a tenth of a second
    gc.set_threshold(50_000)  # new objects; Python's own 700 looked at everything read ahead ten times over

    def last_words(places: Iterable[Partition]) -> Mapping[Partition, int]:
        offsets = progress.last_words(places)
        if offsets:
            on_disk(day.books)
        return offsets

    def finish(thoughts: Sequence[Thought]) -> None:
        settle(thoughts, day)
        relay.wake()
        for thought in thoughts:
            progress.finish(thought.work.event)

    with ExitStack() as closing:
        closing.enter_context(log_kept_short(day.books))
        feed = day.broker.join(
            [day.topics.reports],
            day.group,
            last_words,
            accept_gap=day.accept_gap,
            set_back=lambda done: set_back(done, day.books),
        )
        closing.callback(feed.close)
        crew = closing.enter_context(Crew(lanes, lambda work: think(work, day), finish, relay, hands=day.workers))
        while not stop.is_set():
            crew.raise_if_failed()
            feed.hold(progress.unfinished >= AHEAD_MESSAGES or progress.unfinished_bytes >= AHEAD_BYTES)
            events = feed.poll(0.1, 500)
            if feed.owned():
                relay.begin()
            progress.take(events)
            for work in opened(events, store(events, day), day):
                if work.arrival.is_handled:
                    progress.finish(work.event)
                else:
                    lanes.put(work, tuple(report.id for report in work.reports), is_stat=is_stat(work))
            if time.monotonic() - committed > COMMIT_EVERY:
                commit(feed, progress, day)
                committed = time.monotonic()
            day.health.beat(owned=len(feed.owned()), lag=feed.waiting(), waiting=lanes.waiting(), oldest=lanes.oldest())
        crew.finish()
        commit(feed, progress, day)


def commit(feed: Feed, progress: Progress, day: Day) -> None:
    """Tell the group how far everything is done. What it does not take is done again by whoever reads on, and found done."""
    offsets = progress.committable()
    if offsets:
        on_disk(day.books)
    try:
        if not feed.commit(offsets):
            day.health.failed("commit")
    except BrokerAway:
        day.health.failed("commit")
        raise


@done_again
def store(events: Sequence[Event], day: Day) -> list[Arrival]:
    """The bytes as received, before anybody reads them; all of one poll in one transaction.

    They are on the disk before what they cause leaves, and before their offset is committed.
    """
    if not events:
        return []
    with day.health.stage("store"), transaction(day.books, waits_for_disk=False) as session:
        return [
            record_arrival(
                session,
                topic=event.topic,
                partition=event.partition,
                offset=event.offset,
                key=event.key,
                headers=event.headers,
                raw=event.value,
                content_type=event.header("content-type"),
                source=event.header("source"),
                at=day.clock(),
            )
            for event in events
        ]


def opened(events: Sequence[Event], arrivals: Sequence[Arrival], day: Day) -> list[Work]:
    """Each message read, but for those that are done already, and those that killed whoever read them before."""
    suspects = [n for n, arrival in enumerate(arrivals) if arrival.starts > SUSPICIOUS and not arrival.is_handled]
    killers = {suspects[n] for n in day.deadly([events[n].value for n in suspects])} if suspects else set[int]()
    with undisturbed(day.books):
        return [
            Work(event, arrival, () if arrival.is_handled else tuple(read_once(event, arrival, number in killers, day)))
            for number, (event, arrival) in enumerate(zip(events, arrivals, strict=True))
        ]


def read_once(event: Event, arrival: Arrival, kills: bool, day: Day) -> Iterable[Reading]:
    if kills:
        log.error("%s[%d]@%d killed its reader; it is set aside.", *event.place, event.offset)
        yield Reading("unreadable", 0, "kills-the-reader", f"Reading it ends the process: {AFTER_A_FAULT}")
        return
    with day.health.stage("read", event.headers, place=f"{event.topic}[{event.partition}]@{event.offset}"):
        yield from read(event, day, arrival.starts)


def read(event: Event, day: Day, starts: int = 1) -> Iterable[Reading]:
    """What is in one message. A reader that fails is a fault of ours, and this message is set aside like any unreadable one."""
    try:
        yield from day.reader(event.value, event.header("source"), event.header("content-type"))
    except Unreadable as reason:
        yield Reading("unreadable", 0, reason.code, reason.message)
    except Exception as fault:  # noqa: BLE001  one message must not stop a feed
        raise_if_ours(fault, starts)
        log.error("%s[%d]@%d: the reader failed (%s).", event.topic, event.partition, event.offset, where(fault))
        yield Reading("unreadable", 0, "reader-failed", f"The reader failed ({where(fault)}): {AFTER_A_FAULT}")


def is_stat(work: Work) -> bool:
    return any(report.priority == "stat" for report in work.reports)


def think(work: Work, day: Day) -> Thought:
    """What takes its time, before anything is written. A fault of ours sets the message aside; a service that is away stops us."""
    try:
        with day.health.stage("think", work.event.headers, place=work.place):
            drafts = [draft(one, one.report, work.source, day) for one in work.readings if one.report is not None]
    except DatabaseUnavailable:
        raise
    except Exception as fault:  # noqa: BLE001  one message must not stop a feed
        raise_if_ours(fault, work.arrival.starts)
        return Thought(not_handled(work, fault))
    return Thought(work, drafts)


def settle(thoughts: Sequence[Thought], day: Day) -> None:
    """All that these messages cause in one transaction. When one of them breaks it, each is settled alone, and that one set aside."""
    thoughts = thoughts[: day.dead_letters.until_too_much([thought.work.is_unreadable for thought in thoughts])]
    try:
        with day.health.stage("settle"):
            settle_together(thoughts, day)
    except (DatabaseUnavailable, TooManyDeadLetters, MemoryError):
        raise
    except Exception as fault:  # noqa: BLE001  one message must not stop a feed
        if len(thoughts) == 1:
            settle_together([Thought(not_handled(thoughts[0].work, fault))], day)
            return
        for thought in thoughts:
            settle([thought], day)


def raise_if_ours(fault: Exception, starts: int) -> None:
    """A process without memory starts anew and blames nobody, until a message has been in hand every time."""
    if isinstance(fault, MemoryError) and starts <= SUSPICIOUS:
        raise fault


def not_handled(work: Work, fault: Exception) -> Work:
    log.error("%s could not be handled (%s); it is set aside.", work.place, where(fault))
    reason = f"Handling failed ({where(fault)}): {AFTER_A_FAULT}"
    return replace(work, readings=(Reading("unreadable", 0, "not-handled", reason),))


@done_again
def settle_together(thoughts: Sequence[Thought], day: Day) -> None:
    settled: list[tuple[Work, Outcome, str]] = []
    with transaction(day.books, waits_for_disk=False) as session:
        if any(thought.work.event.is_again for thought in thoughts):
            doubt(session)
        late = handled_meanwhile(session, [thought.work.arrival for thought in thoughts])
        in_time = [thought for thought in thoughts if thought.work.arrival.id not in late]
        hold(session, [report.id for thought in in_time for report in thought.work.reports])
        policy, now = in_force(session, day), day.clock()
        for thought in in_time:
            effects = take_effects(session, thought, policy, now, day)
            outcome, code = became(thought.work, effects)
            set_down(session, thought.work, outcome, code, now, day)
            settled.append((thought.work, outcome, code))

    if late:
        log.info("%d messages: another agent was first; nothing of them is changed.", len(late))
    for work, outcome, code in settled:
        log.info("%s: %s, %s.", work.place, outcome, code)
        day.health.handled(outcome, code, time.monotonic() - work.polled)
        day.dead_letters.count(outcome == "unreadable", code)


def draft(read_as: Reading, report: Report, source: str | None, day: Day) -> Written | None:
    """A new impression. None when one stands already, the version is no news, none is wanted, or nothing can be said."""
    if not report.awaits_impression:
        return None
    with reading(day.books) as session:
        if why_not(report, in_force(session, day), source) is not None:
            return None
        if not moves_forward(session, report) or draft_of(session, report) is not None:
            return None
    adapter = day.promoted_for(report.radiologist.id) if report.radiologist else None
    impression = write_impression(
        report,
        model=day.model,
        adapter=adapter,
        deadline=day.deadline_stat if report.priority == "stat" else day.deadline,
        candidates=day.candidates,
        seed=day.seed,
        hand=day.hands.of(report.radiologist.id, adapter, day.books, day.without_adapter) if report.radiologist else UNKNOWN,
        guidelines=day.guidelines,
        tools=day.tools,
    )
    if impression is None:
        return None
    day.health.drafted(impression.kind, impression.fell_back, impression.seconds)
    shown = Shown(report, impression, day.clock(), adapter.sha256 if adapter and impression.adapter else None)
    return Written(impression, tuple(day.health.traced(form.message(shown)) for form in forms_for(read_as, day)))


def in_force(session: Session, day: Day) -> Policy:
    """The hospital's policy with the switches as they stand now; asked before a draft is written, and again before it is shown."""
    stand = pulled(session).items()
    off, shadow = (frozenset(subject for subject, state in stand if state == pulled_to) for pulled_to in ("off", "shadow"))
    return replace(day.policy, switched_off=off, in_shadow=shadow)


def forms_for(reading: Reading, day: Day) -> Sequence[Form]:
    """How drafts for this source go out. Where the hospital shows nothing to anybody, no profile does."""
    if reading.drafts_to is None or not day.forms:
        return day.forms
    return [day.forms_by_name[name] for name in reading.drafts_to]


def take_effects(session: Session, thought: Thought, policy: Policy, now: datetime, day: Day) -> list[Effect]:
    """What becomes of each report of one message, by the policy as it stands now."""
    source = thought.work.source
    effects = []
    for report, written in zip(thought.work.reports, thought.drafts, strict=True):
        held_back = why_not(report, policy, source) if report.awaits_impression else None
        in_shadow = is_in_shadow(report, policy, source)
        kept = replace(written, messages=()) if written is not None and in_shadow else written
        effects.append(take_effect(session, report, kept, held_back, thought.work.arrival.id, now=now, day=day))
    return effects


def take_effect(
    session: Session,
    report: Report,
    written: Written | None,
    held_back: WhyNot | None,
    arrival_id: int,
    *,
    now: datetime,
    day: Day,
) -> Effect:
    """Record the version, and with it the draft and its messages, the signature, the withdrawal, and what somebody must be told."""
    is_news = record_version(session, report, arrival_id=arrival_id, at=now)
    if written is not None and held_back is None:
        kept = record_draft(session, report, written.impression, written.messages, now)
        effect: Effect = "drafted" if kept is written.impression else "seen-before"
    elif not is_news:
        return "seen-before"
    elif report.is_signed:
        record_signature(session, report, now)
        effect = "signed"
    elif report.status in CALLED_OFF:
        effect = "called-off"
    elif held_back is not None:
        effect = "held-back"
        day.health.held_back(held_back)
    else:
        effect = "nothing-to-say" if report.awaits_impression else "kept"
    if is_news:
        send(session, critical(report, now, day.topics.events), now)
    if effect == "called-off" or (effect == "signed" and day.withdraw_signed):
        everywhere = [*day.forms, *day.forms_by_name.values()]
        send(session, withdrawals(session, report, everywhere, report.status.value), now)
    return effect


def set_down(session: Session, work: Work, outcome: Outcome, code: str, now: datetime, day: Day) -> None:
    """What became of one message, and its dead letter if it could not be read."""
    if outcome == "unreadable":
        letter = dead_letter(work.event, code, work.why, topic=day.topics.dead_letters, group=day.group)
        send(session, [letter], now)
    report_id = work.reports[0].id if work.reports else None
    record_outcome(session, work.arrival, outcome, at=now, code=code, report_id=report_id)


def became(work: Work, effects: Sequence[Effect]) -> tuple[Outcome, str]:
    """One word for the whole message, and its code: what could not be read counts first, then what was."""
    one = min(work.readings, key=lambda one: ("unreadable", "report", "ignored").index(one.outcome), default=None)
    if one is None:
        return "ignored", "empty"
    if one.outcome == "report":
        return one.outcome, min(effects, key=get_args(Effect).index)
    return one.outcome, one.code or one.outcome


def where(fault: BaseException) -> str:
    """The kind of an exception and the line it came from; never its text, which may quote a report."""
    frames = traceback.extract_tb(fault.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(fault).__name__}{place}"
