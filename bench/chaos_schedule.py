"""One schedule of the simulation: a hospital's messages, a broker, two agents of our own code, their clocks, and a seed that decides
what comes next.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from bench.chaos_parts import topics_named
from connectors.agent import Day, Work, read, settle, store, think
from connectors.broker import Event, Message, Partition
from connectors.deadletters import Limit
from connectors.deliver import Shown
from connectors.deliver.fhir import about
from connectors.health import Health
from connectors.lanes import Lanes
from connectors.outbox import Relay
from connectors.progress import Progress
from connectors.topics import DRAFTED, WITHDRAWN
from connectors.twin import InMemoryBroker
from engine.impression import Impression, Kind
from engine.prompts import Dictation
from engine.write import Completion, draft_id
from feedback.outbox import Outgoing
from ingest.report import Exam, Radiologist, Reading, Report, Section, Status, Unreadable

LEASE = 8.0
#: Nobody reads these measures, and making them takes a while.
HEALTH = Health()


class Crash(BaseException):
    """The process is gone; nothing in it says goodbye."""


class Writer:
    """Stands in for the engine, and never says the same twice, so that a second draft cannot hide."""

    base_model = "simulated"

    def __init__(self) -> None:
        self._said = 0

    def complete(self, prompt: str, **_: object) -> list[Completion]:
        raise AssertionError("the engine is stood in for")

    def write(self, report: Report) -> Impression:
        self._said += 1
        said = f"No acute abnormality. Version {self._said}."
        name = draft_id(report.id, Dictation.of(report), None, self.base_model)
        return Impression(report.id, name, Kind.DRAFT, said, said, (), (), None, self.base_model, "0", 0.0)


class PlainForm:
    """As much of a FHIR draft as the promises are checked by."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def message(self, shown: Shown) -> Outgoing:
        name, withdrawn = about(shown), shown.withdrawn_because is not None
        said = {
            "id": shown.impression.draft_id,
            "conclusion": shown.impression.text,
            "identifier": [{"value": accession} for accession in shown.report.accessions],
        }
        headers = (("ce_id", name.encode()), ("ce_type", (WITHDRAWN if withdrawn else DRAFTED).encode()))
        return Outgoing(name, self.topic, shown.report.id.encode(), headers, json.dumps(said).encode())


class Clock:
    """Time that passes, and the wall clocks of two hosts, which differ and jump."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.wrong_by = [0.0, 0.0]

    def now(self, host: int = 0) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.seconds + self.wrong_by[host])

    def timer(self) -> float:
        return self.seconds


class Agent:
    """One process: what it holds in memory is lost in a crash."""

    def __init__(self, world: World, host: int) -> None:
        self.world = world
        self.progress, self.lanes = Progress(), Lanes[Work](hands=1, longest_wait=60, clock=world.clock.timer)
        self.in_hand: list[Work] = []
        day = world.day
        self.relay = Relay(
            world.books,
            world.broker,
            our_topics=day.topics.ours,
            lease=LEASE,
            health=HEALTH,
            clock=lambda: world.clock.now(host),
            timer=world.clock.timer,
        )
        if world.bug == "no-read-back":
            self.relay._already_there = lambda doubtful: {}  # type: ignore[method-assign]
        if world.bug == "no-lease-check":
            self.relay._renew = lambda: True  # type: ignore[method-assign]
        if world.bug == "wall-clock-lease":
            self.relay._others.dead = lambda session, now: None  # type: ignore[assignment, method-assign, return-value]
        self.feed = world.broker.join([day.topics.reports], day.group, self._last_words)

    def _last_words(self, places: Iterable[Partition]) -> Mapping[Partition, int]:
        return self.progress.last_words(places)

    def poll(self) -> None:
        events = self.feed.poll(0, self.world.chance.randrange(1, 5))
        self.progress.take(events)
        if self.world.bug == "commit-before-store":
            for event in events:
                self.progress.finish(event)
            self.commit()
        for event, arrival in zip(events, store(events, self.world.day), strict=True):
            if arrival.is_handled:
                self.progress.finish(event)
                continue
            work = Work(event, arrival, tuple(read(event, self.world.day)))
            self.lanes.put(work, tuple(report.id for report in work.reports), is_stat=False)

    def handle(self) -> None:
        """One hand after the other thinks, and the writer takes what is ready."""
        works: list[Work] = []
        for _ in range(self.world.chance.randrange(1, 5)):
            if (work := self.lanes.take(0)) is not None:
                works.append(work)
        if not works:
            return
        if self.world.bug == "publish-before-store":
            self.publish_at_once(works)
        settle([think(work, self.world.day) for work in works], self.world.day)
        self.world.may_crash()
        for work in works:
            self.progress.finish(work.event)
            self.lanes.done(work)

    def publish_at_once(self, works: Sequence[Work]) -> None:
        for report in (report for work in works for report in work.reports if report.awaits_impression):
            self.world.broker.publish([Message(self.world.day.topics.impressions, report.id.encode(), b"{}", (("ce_id", b"x"),))])

    def commit(self) -> None:
        self.feed.commit(self.progress.committable())

    def send(self) -> None:
        if self.world.has_unsent():
            self.relay.send_some()

    def die(self) -> None:
        """Without last words: the group learns of it by time-out."""
        self.feed._last_words = lambda places: {}
        self.feed.close()


class World:
    """One schedule: its own topics and reports in a shared database."""

    def __init__(self, books: Engine, look: sqlite3.Connection, seed: int, bug: str) -> None:
        self.books, self.look, self.seed, self.bug = books, look, seed, bug
        self.chance = random.Random(seed)
        self.clock = Clock()
        self.may_fault = True
        self.depth = 0
        ((self.first_number,),) = look.execute("SELECT coalesce(max(number), 0) FROM outbox")
        self.broker = SimulatedBroker(self)
        topics = topics_named(f"s{seed}")
        self.broker.prepare(topics.all, 2)
        self.day = Day(
            broker=self.broker,
            books=books,
            model=Writer(),
            reader=self.reader,
            promoted_for=lambda radiologist: None,
            forms=[PlainForm(topics.impressions)],
            topics=topics,
            group=topics.reports,
            without_adapter="draft",
            dead_letters=Limit(1.0, 10_000),
            health=HEALTH,
            clock=self.clock.now,
        )
        self.to_send = self.lives()
        self.sent: list[Message] = []
        self.crashes = 0
        self.paused: set[int] = set()
        self.agents: list[Agent | None] = [Agent(self, 0), Agent(self, 1)]

    def lives(self) -> list[dict[str, Any]]:
        """What the integration engine will send: lives of a few reports, interleaved, some of it twice, some of it late, some broken."""
        messages: list[dict[str, Any]] = []
        for number in range(self.chance.randrange(2, 5)):
            accession = f"{self.day.topics.reports}-{number}"
            life = [{"accession": accession, "status": "preliminary", "findings": "The lungs are clear. No pleural effusion."}]
            if self.chance.random() < 0.3:
                life.append(
                    {"accession": accession, "status": "preliminary", "findings": "There is a small left pleural effusion."}
                )
            ending = self.chance.choice(["open", "open", "final", "cancelled"])
            if ending != "open":
                life.append(
                    {"accession": accession, "status": ending, "findings": "The lungs are clear.", "impression": "Normal."}
                )
            if self.chance.random() < 0.3:
                life.insert(self.chance.randrange(len(life)), self.chance.choice(life))
            if self.chance.random() < 0.2:
                self.chance.shuffle(life)
            messages.append({"life": life})
        if self.chance.random() < 0.4:
            messages.append({"life": [{"broken": self.chance.random()}]})
        flat = []
        while any(one["life"] for one in messages):
            flat.append(self.chance.choice([one for one in messages if one["life"]])["life"].pop(0))
        return flat

    def reader(self, raw: bytes, source: str | None, content_type: str | None) -> Iterator[Reading]:
        said = json.loads(raw)
        if "broken" in said:
            raise Unreadable("not-a-report", "Broken on purpose.")
        sections = {Section.FINDINGS: said["findings"], Section.IMPRESSION: said.get("impression", "")}
        yield Reading(
            "report",
            0,
            report=Report(
                kind="hl7v2",
                message_id=None,
                message_type="ORU^R01",
                version=None,
                accessions=(said["accession"],),
                status=Status(said["status"]),
                exam=Exam(text="Chest"),
                radiologist=Radiologist("r17", "principal"),
                sections={name: text for name, text in sections.items() if text},
                text=json.dumps(said),
            ),
        )

    def may_crash(self) -> None:
        """Between any two steps."""
        if self.may_fault and self.chance.random() < 0.04:
            raise Crash

    def may_pause(self) -> None:
        """Stopped in the middle of sending until its lease is over and the others have gone on: a zombie when it comes back."""
        if not self.may_fault or self.depth or self.chance.random() > 0.1:
            return
        self.depth += 1
        for _ in range(self.chance.randrange(1, 12)):
            self.clock.seconds += self.chance.choice([0.0, 1.0, 1.5 * LEASE])
            self.step()
        self.depth -= 1

    def step(self) -> None:
        what = self.chance.random()
        if what < 0.15 and self.to_send:
            said = self.to_send.pop(0)
            message = Message(self.day.topics.reports, str(said.get("accession")).encode(), json.dumps(said).encode(), ())
            self.sent.append(message)
            self.broker.really_publish([message])
        elif what < 0.2:
            self.clock.seconds += self.chance.uniform(0.1, 12)
        elif what < 0.22:
            self.clock.wrong_by[self.chance.randrange(2)] = self.chance.uniform(-7200, 7200)
        else:
            self.turn(self.chance.randrange(2), self.chance.choice(["poll", "handle", "handle", "commit", "send", "send"]))

    def turn(self, number: int, what: str) -> None:
        agent = self.agents[number]
        if agent is None:
            self.agents[number] = Agent(self, number)
            return
        if number in self.paused:  # one thing at a time, each
            return
        self.paused.add(number)
        try:
            self.may_crash()
            getattr(agent, what)()
        except Crash:
            self.crashes += 1
            agent.die()
            self.agents[number] = None
        finally:
            self.paused.discard(number)

    def run_out(self) -> None:
        """No more faults: let everything come to its end."""
        self.may_fault = False
        while self.to_send:
            self.chance.random()
            said = self.to_send.pop(0)
            message = Message(self.day.topics.reports, str(said.get("accession")).encode(), json.dumps(said).encode(), ())
            self.sent.append(message)
            self.broker.really_publish([message])
        for _ in range(40):
            self.clock.seconds += LEASE
            for number in range(2):
                self.turn(number, "poll")
                while (agent := self.agents[number]) is not None and any(agent.lanes.waiting().values()):
                    self.turn(number, "handle")
                self.turn(number, "commit")
            self.turn(0, "send")
            if self.is_quiet():
                return

    def is_quiet(self) -> bool:
        behind = any(self.committed(number) < self.broker.end(self.day.topics.reports, number) for number in range(2))
        return not behind and not self.has_unsent()

    def has_unsent(self) -> bool:
        """Schedules that share a file follow one another: what is unsent is this one's."""
        unsent = "SELECT 1 FROM outbox WHERE published_at IS NULL AND number > ? LIMIT 1"
        return self.look.execute(unsent, (self.first_number,)).fetchone() is not None

    def committed(self, number: int) -> int:
        return self.broker._groups[self.day.group].committed.get(Partition(self.day.topics.reports, number), 0)


class SimulatedBroker(InMemoryBroker):
    """The twin, dying around every publish and pausing before it."""

    def __init__(self, world: World) -> None:
        super().__init__(partitions=2)
        self._world = world

    def really_publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        return super().publish(messages)

    def publish(self, messages: Sequence[Message]) -> list[tuple[int, int]]:
        self._world.may_crash()
        places = super().publish(messages)
        self._world.may_crash()
        self._world.may_pause()
        return places

    def tail(self, topic: str, since: datetime | None, at_least: int) -> list[Event]:
        return super().tail(topic, None, at_least)  # the clock of the simulation is not the broker's

    def end(self, topic: str, number: int) -> int:
        return self._logs[Partition(topic, number)].end
