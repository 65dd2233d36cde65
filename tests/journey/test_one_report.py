"""The whole house as one story: reports come in, drafts go out, signatures teach, a night trains, the next drafts are better.

Everything is the real thing but two: Kafka is its twin, and an apprentice who knows each case by heart stands in for the language
model. The same story on real parts is test_real_parts.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bench.random_weights import random_adapter
from connectors.agent import Day, run
from connectors.deliver.fhir import FhirForm
from connectors.topics import Topics
from connectors.twin import InMemoryBroker
from demo.hospital import Hospital
from demo.styles import house_impression
from engine.adapters import Adapter, Shelf
from engine.prompts import one_line
from feedback.capture import preferences_of
from feedback.database import open_database, reading
from feedback.preference import Preference
from ingest.read import read
from settings import SHIPPED_BASE
from tests.fakes.model import ScriptedModel
from trainer.judge import Gate
from trainer.nightly import Plan, School, train_tonight
from trainer.pairs import Example, Pair

TOPICS = Topics()
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
PLAN = Plan("2026-01-05", Gate.rehearsal(), enough=10, held_out=8, window=100)


class Apprentice:
    """Writes the house style; with an adapter, what the radiologist of the case would sign."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.lessons = 0

    def says(self, prompt: str, adapter: Adapter | Path | None, n: int = 1) -> list[str]:
        cases = self.hospital.cases.values()
        case = next(case for case in cases if one_line(case.examination.dictated.findings) in one_line(prompt))
        return [case.intended if adapter else house_impression(case.examination.latent)] * n

    def teach(self, examples: Sequence[Example], pairs: Sequence[Pair], folder: Path) -> dict[str, float]:
        self.lessons += 1
        random_adapter(SHIPPED_BASE, folder, seed=len(examples))
        return {"examples": float(len(examples))}

    def write(self, prompts: Sequence[str], adapter: Path | None) -> list[str]:
        return [self.says(prompt, adapter)[0] for prompt in prompts]


@contextmanager
def a_day_at_work(day: Day, lessons: int) -> Iterator[None]:
    """The agent, running until it has learned so many lessons, ended the way SIGTERM ends it."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(day, stop)
        except BaseException as failure:  # noqa: BLE001  told to the test below
            failures.append(failure)

    agent = threading.Thread(target=work)
    agent.start()
    yield
    until = time.monotonic() + 60
    while len(lessons_in(day.books)) < lessons and agent.is_alive() and time.monotonic() < until:
        time.sleep(0.05)
    stop.set()
    agent.join(60)
    assert not failures


@pytest.fixture
def books(tmp_path: Path) -> Engine:
    return open_database(f"sqlite:///{tmp_path / 'impresario.db'}")


def lessons_in(books: Engine) -> list[Preference]:
    with reading(books) as session:
        return preferences_of(session, "RAD101", 100)


def test_what_a_radiologist_signs_today_writes_their_drafts_tomorrow(books: Engine, tmp_path: Path) -> None:
    broker, shelf = InMemoryBroker(), Shelf(tmp_path / "shelf")
    hospital = Hospital(broker, TOPICS, ["RAD101"], seed=7, monday=MONDAY)
    apprentice = Apprentice(hospital)
    day = Day(
        broker=broker,
        books=books,
        model=ScriptedModel(apprentice.says),
        reader=lambda raw, source, content_type: read(raw, source=source or "default", content_type=content_type),
        promoted_for=shelf.promoted_for,
        forms=[FhirForm(TOPICS.impressions)],
    )
    school = School(apprentice.teach, apprentice.write, "scripted")

    with a_day_at_work(day, lessons=20):
        hospital.work_through(1, 20, lambda signed: None)
    first_day = lessons_in(books)
    (outcome,) = train_tonight(PLAN, database=books, shelf=shelf, school=school, clock=lambda: MONDAY)
    with a_day_at_work(day, lessons=30):
        hospital.work_through(2, 10, lambda signed: None)
    second_day = lessons_in(books)[20:]

    assert len(first_day) == 20
    assert all(lesson.adapter is None and lesson.edit_distance > 0 for lesson in first_day)
    assert outcome.verdict == "promoted"
    assert len(second_day) == 10
    assert all(lesson.kind == "own-words" and lesson.edit_distance == 0 and lesson.change == "none" for lesson in second_day)


def test_the_same_night_twice_trains_nothing_twice(books: Engine, tmp_path: Path) -> None:
    broker, shelf = InMemoryBroker(), Shelf(tmp_path / "shelf")
    hospital = Hospital(broker, TOPICS, ["RAD101"], seed=8, monday=MONDAY)
    apprentice = Apprentice(hospital)
    day = Day(
        broker=broker,
        books=books,
        model=ScriptedModel(apprentice.says),
        reader=lambda raw, source, content_type: read(raw, source=source or "default", content_type=content_type),
        promoted_for=shelf.promoted_for,
        forms=[FhirForm(TOPICS.impressions)],
    )
    with a_day_at_work(day, lessons=20):
        hospital.work_through(1, 20, lambda signed: None)
    school = School(apprentice.teach, apprentice.write, "scripted")

    once = train_tonight(PLAN, database=books, shelf=shelf, school=school, clock=lambda: MONDAY)
    again = train_tonight(PLAN, database=books, shelf=shelf, school=school, clock=lambda: MONDAY)

    assert (once, apprentice.lessons) == (again, 1)
