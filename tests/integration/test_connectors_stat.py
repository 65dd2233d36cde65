"""A STAT among a morning's backlog, through the whole agent: it is what is drafted next, every time."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import ClassVar, TypeVar

import pytest

from bench.chaos_parts import dictated, topics_named, wait_until
from connectors import agent
from connectors.agent import Day, run
from connectors.broker import Message
from connectors.deliver.fhir import FhirForm
from connectors.lanes import Lanes
from connectors.twin import InMemoryBroker
from engine.adapters import Adapter
from feedback.database import open_database
from ingest.read import read
from tests.fakes.model import ScriptedModel

TOPICS = topics_named("stat")
ROUTINE, STATS = 5_000, 20


One = TypeVar("One")


class WatchedLanes(Lanes[One]):
    """As `Lanes`, noting who comes and who is next in the moment in which that is decided."""

    moments: ClassVar[list[tuple[str, bool]]] = []

    def put(self, work: One, reports: tuple[str, ...], is_stat: bool) -> None:
        with self._changed:
            super().put(work, reports, is_stat)
            self.moments.append(("comes", is_stat))

    def take(self, timeout: float) -> One | None:
        with self._changed:
            work = super().take(timeout)
            if work is not None:
                self.moments.append(("is next", self._places[work].is_stat))
            return work


def slowly(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
    time.sleep(0.02)
    return ["No acute abnormality."] * n


def routine(number: int) -> Message:
    return Message(TOPICS.reports, str(number).encode(), dictated(number), ())


def stat(number: int) -> Message:
    urgent = dictated(number).replace(b"^C4|||20260101110000", b"^C4|S||20260101110000")  # OBR-5
    return Message(TOPICS.reports, str(number).encode(), urgent, ())


@pytest.mark.timeout(600)
def test_a_stat_among_five_thousand_waiting_reports_is_drafted_next_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = WatchedLanes.moments
    monkeypatch.setattr(agent, "Lanes", WatchedLanes)
    broker, books, stop = InMemoryBroker(), open_database(f"sqlite:///{tmp_path}/books.db"), threading.Event()
    broker.prepare(TOPICS.all, 6)
    broker.publish([routine(number) for number in range(ROUTINE)])
    day = Day(
        broker=broker,
        books=books,
        model=ScriptedModel(slowly),
        reader=lambda raw, source, content_type: read(raw, content_type=content_type),
        promoted_for=lambda radiologist: None,
        forms=[FhirForm(TOPICS.impressions)],
        topics=TOPICS,
        workers=4,
    )
    chance, today = random.Random(7), threading.Thread(target=run, args=(day, stop))

    today.start()
    assert wait_until(lambda: moments.count(("comes", False)) == ROUTINE, 120, 0.1)
    for number in range(ROUTINE, ROUTINE + STATS):
        broker.publish([stat(number)])
        time.sleep(chance.uniform(0, 0.3))
    assert wait_until(lambda: moments.count(("is next", True)) == STATS, 120, 0.1)
    left = ROUTINE - moments.count(("is next", False))
    stop.set()
    today.join(60)
    books.dispose()

    assert left > ROUTINE / 2, "the backlog was still there"
    overtaken = [next_after(moments, at) for at, moment in enumerate(moments) if moment == ("comes", True)]
    assert overtaken == [True] * STATS


def next_after(moments: list[tuple[str, bool]], at: int) -> bool:
    """Whether whoever is next after this moment is a STAT."""
    return next(is_stat for what, is_stat in moments[at:] if what == "is next")
