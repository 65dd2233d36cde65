"""Out of memory: the process starts anew and blames no report, until one has been in hand every time."""

from __future__ import annotations

import pytest

from connectors.agent import store
from engine.adapters import Adapter
from tests.unit.test_connectors_agent import DRAFT, FINDINGS, TOPICS, Hospital, hospital

__all__ = ["hospital"]  # the fixture


def without_memory(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
    raise MemoryError


def test_when_memory_runs_out_the_agent_stops_and_sets_no_report_aside(hospital: Hospital) -> None:
    hospital.sends(FINDINGS)
    model = hospital.day.model
    model._script = without_memory  # type: ignore[attr-defined]
    with pytest.raises(MemoryError):
        hospital.works_through(1)

    model._script = lambda prompt, adapter, n: [DRAFT] * n  # type: ignore[attr-defined]
    hospital.works_through(1)

    assert len(hospital.drafts()) == 1
    assert hospital.topic(TOPICS.dead_letters) == []


def test_a_report_that_takes_all_memory_at_every_start_is_set_aside_in_the_end(hospital: Hospital) -> None:
    hospital.sends(FINDINGS)
    hospital.day.model._script = without_memory  # type: ignore[attr-defined]
    for _ in range(3):
        store(hospital.topic(TOPICS.reports), hospital.day)

    hospital.works_through(1)

    assert [letter.header("impresario-code") for letter in hospital.topic(TOPICS.dead_letters)] == ["not-handled"]
