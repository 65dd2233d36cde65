"""The night door: whoever has signed enough gets a new adapter, and it is promoted only if it is better and no less safe.

Preferences come in from feedback, adapters go to the shelf, decisions to the database and an event to the outbox. What training
and writing run on is the `School`'s affair. A night may be killed at any step and started again: what it has recorded
stands, what it has put on the shelf is found there with its verdict, and the rest is trained to the same bytes.
"""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from engine.adapters import Adapter, BrokenAdapter, Shelf, verify
from engine.base import name_of_base
from engine.habits import Habits
from engine.prompts import PROMPT_VERSION, personalising
from feedback.capture import preferences_of, radiologists_with_enough
from feedback.database import reading, transaction
from feedback.nights import NightOutcome, night_of, record_adapter, record_night, record_promotion
from feedback.outbox import Outgoing, send
from feedback.preference import Preference
from ingest.report import REPORT_NAMESPACE
from trainer.judge import Gate, Trial, Verdict, judge, try_out
from trainer.pairs import Example, Pair, examples_of, pairs_of, split, teachable

log = logging.getLogger(__name__)

#: (examples, pairs, empty folder) -> figures for the card; the adapter lies in the folder afterwards.
Teach = Callable[[Sequence[Example], Sequence[Pair], Path], Mapping[str, float]]
#: (prompts, an adapter's folder or None for the base) -> one impression per prompt.
Write = Callable[[Sequence[str], Path | None], list[str]]


class NightUnderWay(Exception):
    """Another night is training on this shelf."""


@dataclass(frozen=True, slots=True)
class School:
    """What training and writing run on: real weights (`School.of`), or a fake in tests."""

    teach: Teach
    write: Write
    base_model: str
    base: Path | None = None

    @classmethod
    def of(cls, base_model: Path, seed: int) -> School:
        """The real one: TRL and PEFT on the weights in that folder. Torch, seconds to import, waits for the first lesson."""

        @cache
        def workshop() -> tuple[Teach, Write]:
            from trainer import fit

            return fit.teacher(base_model, seed), fit.Writer(base_model)

        def teach(examples: Sequence[Example], pairs: Sequence[Pair], folder: Path) -> Mapping[str, float]:
            return workshop()[0](examples, pairs, folder)

        def write(prompts: Sequence[str], adapter: Path | None) -> list[str]:
            return workshop()[1](prompts, adapter)

        return cls(teach, write, name_of_base(str(base_model)), base_model)


@dataclass(frozen=True, slots=True)
class Plan:
    """One night: its name, what it looks at and how strict it is."""

    night: str
    gate: Gate
    enough: int  #: signed reports below which nobody is trained for
    held_out: int  #: the latest of them, which judge
    window: int  #: how far back it looks, in reports
    before: datetime | None = None  #: reports signed later belong to another night
    topic_events: str = "radiology.events"


def train_tonight(
    plan: Plan, *, database: Engine, shelf: Shelf, school: School, clock: Callable[[], datetime], only: str | None = None
) -> list[NightOutcome]:
    """Train, judge and promote for each radiologist, or for `only` one. What this night has decided before is left as it is."""
    outcomes = []
    with one_night_at_a_time(shelf.root) as workroom:
        with reading(database) as session:
            radiologists = [only] if only else radiologists_with_enough(session, 1, before=plan.before)
        started = clock()
        for radiologist in radiologists:
            with reading(database) as session:
                outcome = night_of(session, plan.night, radiologist)
                signed = preferences_of(session, radiologist, plan.window, before=plan.before)
            if outcome is None:
                began = time.monotonic()
                candidate, verdict = learn_and_judge(
                    radiologist, signed, plan=plan, shelf=shelf, school=school, workroom=workroom
                )
                if candidate and verdict.better:
                    shelf.promote(candidate)
                seconds = time.monotonic() - began
                outcome = outcome_of(plan.night, radiologist, len(signed), candidate, verdict, seconds=seconds)
                with transaction(database) as session:
                    record(session, outcome, candidate, plan=plan, shelf=shelf, started=started, at=clock())
                log.info(f"Night {plan.night}, radiologist {radiologist}: {outcome.verdict}, {outcome.reason}.")
            outcomes.append(outcome)
        with transaction(database) as session:
            send(session, [night_finished(plan, outcomes, clock())], clock())
    return outcomes


def learn_and_judge(
    radiologist: str, signed: Sequence[Preference], *, plan: Plan, shelf: Shelf, school: School, workroom: Path
) -> tuple[Adapter | None, Verdict]:
    """The candidate, on the shelf but not promoted, and what the gate says of it. A failure is a verdict, no more."""
    try:
        learn_from, held_out = split(signed, plan.held_out)
        lessons = teachable(learn_from)
        if shelf.is_frozen(radiologist):
            return None, Verdict("kept", "a person has frozen the present adapter")
        if len(signed) < plan.enough or len(held_out) < plan.gate.reports or not lessons:
            needed = max(plan.enough, plan.gate.reports + 1)
            return None, Verdict(
                "too_few", f"{len(signed)} signed reports of {needed} needed, {len(lessons)} of them to learn from"
            )
        if left := shelf.of_night(radiologist, plan.night):
            return left, Verdict(**shelf.card(left)["judged"])
        folder = Path(tempfile.mkdtemp(dir=workroom))
        training = school.teach(examples_of(lessons), pairs_of(lessons), folder)
        verdict = compare(radiologist, lessons, held_out, folder, plan=plan, shelf=shelf, school=school)
        return shelf.put(
            folder,
            radiologist=radiologist,
            night=plan.night,
            base_model=school.base_model,
            metrics=verdict.metrics,
            card=card_of(lessons, held_out, training, verdict, plan),
            base=school.base,
        ), verdict
    except Exception as error:  # noqa: BLE001  # whatever it is, the others are still to be trained; its words may be a report's
        log.warning(
            f"Night {plan.night}, radiologist {radiologist}: {type(error).__name__} at {where(error)}; going on with the next."
        )
        reason = str(error) if isinstance(error, BrokenAdapter) else f"{type(error).__name__} at {where(error)}"
        return None, Verdict("failed", reason)


def compare(
    radiologist: str,
    lessons: Sequence[Preference],
    held_out: Sequence[Preference],
    folder: Path,
    *,
    plan: Plan,
    shelf: Shelf,
    school: School,
) -> Verdict:
    """The candidate beside the bare draft, the present adapter and a colleague's, on the same later reports."""
    habits = Habits.of((one.chosen, one.dictation.exam) for one in lessons)
    prompts = [personalising(report.dictation, report.coarse) for report in held_out]

    def written_with(adapter: Path) -> list[Trial]:
        return [try_out(report, text, habits) for report, text in zip(held_out, school.write(prompts, adapter), strict=True)]

    present = fitting(shelf.promoted_for(radiologist), school)
    colleague = fitting(colleague_of(radiologist, shelf), school)
    return judge(
        own=written_with(folder),
        incumbent=written_with(present.folder) if present else None,
        draft=[try_out(report, report.coarse) for report in held_out],
        other=written_with(colleague.folder) if colleague else None,
        gate=plan.gate,
        attempt=1 + nights_since_promotion(radiologist, present, shelf),
    )


def record(
    session: Session,
    outcome: NightOutcome,
    candidate: Adapter | None,
    *,
    plan: Plan,
    shelf: Shelf,
    started: datetime,
    at: datetime,
) -> None:
    """One transaction for all that is remembered of a radiologist's night: the adapters' states, the decision, the event."""
    if candidate and outcome.verdict == "promoted":
        record_promotion(session, candidate, at)
        send(session, [adapter_promoted(plan, candidate, outcome, at)], at)
    record_states(session, shelf, outcome.radiologist, at)
    settings = {"gate": asdict(plan.gate), "enough": plan.enough, "held_out": plan.held_out, "window": plan.window}
    record_night(session, plan.night, [outcome], settings=settings, started_at=started, at=at)


def record_states(session: Session, shelf: Shelf, radiologist: str, at: datetime) -> None:
    """Bring the database's history of one radiologist's adapters to what the shelf says."""
    for adapter, state in shelf.all():
        if adapter.radiologist == radiologist:
            record_adapter(session, adapter, state, at)


# ── helpers, in the order of their first use ────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def one_night_at_a_time(shelf: Path) -> Iterator[Path]:
    """A room to train in, on the shelf's own disk; what a killed night left in it is swept. Raises `NightUnderWay`."""
    workroom = shelf / ".workroom"
    workroom.mkdir(parents=True, exist_ok=True)
    with (shelf / ".night.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NightUnderWay("another night is training on this shelf; wait until it has finished") from None
        for left in workroom.iterdir():
            shutil.rmtree(left, ignore_errors=True)
        try:
            yield workroom
        finally:
            shutil.rmtree(workroom, ignore_errors=True)


def outcome_of(
    night: str, radiologist: str, preferences: int, candidate: Adapter | None, verdict: Verdict, *, seconds: float
) -> NightOutcome:
    return NightOutcome(
        night=night,
        radiologist=radiologist,
        preferences=preferences,
        verdict=verdict.verdict,
        reason=verdict.reason,
        edit_distance={who: distance for who, distance in verdict.edit_distance.items() if distance is not None},
        facts_changed=verdict.facts_changed,
        adapter=candidate.version if candidate else None,
        seconds=round(seconds, 3),
    )


def card_of(
    lessons: Sequence[Preference], held_out: Sequence[Preference], training: Mapping[str, float], verdict: Verdict, plan: Plan
) -> dict[str, Any]:
    """Where an adapter comes from. Preferences are named by id, so that what taught it can be found again, and unlearned."""
    return {
        "learned_from": [one.id for one in lessons],
        "judged_on": [one.id for one in held_out],
        "judged": {"verdict": verdict.verdict, "reason": verdict.reason, "metrics": dict(verdict.metrics)},
        "gate": asdict(plan.gate),
        "training": dict(training),
        "prompt_version": PROMPT_VERSION,
    }


def fitting(adapter: Adapter | None, school: School) -> Adapter | None:
    """The adapter if it can write on this base; one made for another base, or broken, takes no part."""
    if adapter is None or adapter.base_model != school.base_model:
        return None
    try:
        verify(adapter, school.base)
    except BrokenAdapter as reason:
        log.warning(f"{reason}. It takes no part in tonight's comparison.")
        return None
    return adapter


def colleague_of(radiologist: str, shelf: Shelf) -> Adapter | None:
    """The promoted adapter of the next radiologist by id: how much is personal shows against somebody else's words."""
    promoted = {adapter.radiologist: adapter for adapter, state in shelf.all() if state in ("promoted", "frozen")}
    others = sorted(set(promoted) - {radiologist})
    after = [one for one in others if one > radiologist] or others
    return promoted[after[0]] if after else None


def nights_since_promotion(radiologist: str, present: Adapter | None, shelf: Shelf) -> int:
    """How many candidates were judged and kept since the present adapter, deleted ones too: each has spent some of alpha."""
    since = present.night if present else ""
    return sum(adapter.radiologist == radiologist and adapter.night > since for adapter, _ in shelf.all())


def adapter_promoted(plan: Plan, adapter: Adapter, outcome: NightOutcome, at: datetime) -> Outgoing:
    said = {"radiologist": adapter.radiologist, "adapter": adapter.version, "sha256": adapter.sha256, "reason": outcome.reason}
    return event(plan.topic_events, "adapter.promoted", adapter.radiologist, {**said, "night": plan.night}, at)


def night_finished(plan: Plan, outcomes: Sequence[NightOutcome], at: datetime) -> Outgoing:
    verdicts = {outcome.radiologist: outcome.verdict for outcome in outcomes}
    return event(plan.topic_events, "night.finished", plan.night, {"night": plan.night, "verdicts": verdicts}, at)


def event(topic: str, what: str, subject: str, said: Mapping[str, Any], at: datetime) -> Outgoing:
    """A CloudEvent in structured JSON; said twice, it is the same event."""
    id = str(uuid.uuid5(REPORT_NAMESPACE, json.dumps([what, subject, said], sort_keys=True)))
    told = {
        "specversion": "1.0",
        "id": id,
        "source": "/impresario",
        "type": f"impresario.{what}",
        "subject": subject,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": dict(said),
    }
    headers = (
        ("content-type", b"application/cloudevents+json"),
        ("ce_id", id.encode()),
    )  # by ce_id the relay knows what it has sent
    return Outgoing(about=id, topic=topic, key=subject.encode(), headers=headers, value=json.dumps(told).encode())


def where(error: BaseException) -> str:
    """File and line where it was raised: enough to look, and no word of what was being worked on."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "an unknown place"
