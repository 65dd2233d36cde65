"""When not to write, on a running agent: what the hospital did not ask for, what a person stopped, what is kept in shadow."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from engine.adapters import Adapter
from engine.policy import Policy
from feedback.capture import preferences_of
from feedback.database import open_database, reading, transaction
from feedback.switches import State, turn
from feedback.tables import Audit, Draft
from tests.fakes.model import ScriptedModel
from tests.unit.test_connectors_agent import DRAFT, FINDINGS, TOPICS, Hospital


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    books = open_database(f"sqlite:///{tmp_path}/impresario.db")
    yield Hospital(books, ScriptedModel(lambda prompt, adapter, n: [DRAFT] * n))
    books.dispose()


def turns(hospital: Hospital, subject: str, state: State) -> None:
    with transaction(hospital.books) as session:
        turn(session, subject, state, by="anna", why="wrong side this morning", at=datetime.now(UTC))


def codes(hospital: Hospital) -> str:
    return hospital.day.health.metrics().decode()


@pytest.mark.parametrize("subject", ["all", "radiologist:r17", "site:test"])
def test_a_switch_pulled_on_a_running_agent_stops_drafts_within_two_seconds(hospital: Hospital, subject: str) -> None:
    """A new report every 50 ms; the last draft must have left before two seconds have passed, and the act be in the chain."""
    with hospital.at_work():
        hospital.sends(FINDINGS)
        hospital.waits_for(lambda: len(hospital.drafts()) == 1)
        turns(hospital, subject, "off")
        pulled_at, sent, shown_late = time.monotonic(), 0, 0
        while time.monotonic() - pulled_at < 3.0:
            sent += 1
            hospital.sends(FINDINGS | {"accession": f"AFTER{sent}"})
            if time.monotonic() - pulled_at < 2.0:
                shown_by_then = len(hospital.drafts())
            time.sleep(0.05)
        hospital.waits_for(lambda: hospital.outcomes(sum) == sent + 1 and hospital.unsent() == 0)
        shown_late = len(hospital.drafts()) - shown_by_then

    assert shown_late == 0
    assert len(hospital.drafts()) == 1  # in fact none at all: the switch is read with every draft
    assert f'impresario_held_back_total{{reason="switched-off"}} {sent}.0' in codes(hospital)
    with reading(hospital.books) as session:
        (act,) = session.exec(select(Audit)).all()
    assert (act.actor, act.act, act.subject, act.details["why"]) == (
        "anna",
        "drafts turned off",
        subject,
        "wrong side this morning",
    )


def test_a_draft_being_written_when_the_switch_is_pulled_is_not_shown(hospital: Hospital) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def slowly(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
        writing.set()
        go_on.wait(20)
        return [DRAFT]

    hospital.day = replace(hospital.day, model=ScriptedModel(slowly))
    hospital.sends(FINDINGS)
    with hospital.at_work():
        assert writing.wait(20)
        turns(hospital, "radiologist:r17", "off")
        go_on.set()
        hospital.waits_for(lambda: hospital.outcomes(sum) == 1 and hospital.unsent() == 0)

    assert hospital.drafts() == []
    with reading(hospital.books) as session:
        assert session.exec(select(Draft)).all() == []


def test_when_the_switch_is_lifted_new_reports_are_drafted_again(hospital: Hospital) -> None:
    turns(hospital, "all", "off")
    with hospital.at_work():
        hospital.sends(FINDINGS)
        hospital.waits_for(lambda: hospital.outcomes(sum) == 1)
        turns(hospital, "all", "on")
        hospital.sends(FINDINGS | {"accession": "ACC2"})
        hospital.waits_for(lambda: len(hospital.drafts()) == 1)

    assert len(hospital.drafts()) == 1


def test_in_shadow_a_draft_is_kept_and_taught_by_and_shown_to_nobody(hospital: Hospital) -> None:
    turns(hospital, "radiologist:r17", "shadow")
    hospital.day = replace(hospital.day, withdraw_signed=True)
    hospital.sends(FINDINGS, FINDINGS | {"status": "final", "impression": "Normal chest."})

    hospital.works_through(2)

    assert hospital.topic(TOPICS.impressions) == []
    assert hospital.topic(TOPICS.impressions_hl7v2) == []
    with reading(hospital.books) as session:
        (preference,) = preferences_of(session, "r17", 10)
    assert (preference.rejected, preference.chosen) == (DRAFT, "Normal chest.")


def test_who_has_not_opted_in_is_not_written_for_and_their_signatures_are_kept(hospital: Hospital) -> None:
    hospital.day = replace(hospital.day, policy=Policy(radiologists=frozenset({"r1"})))
    hospital.sends(FINDINGS, FINDINGS | {"status": "final", "impression": "Normal chest."})

    hospital.works_through(2)

    assert hospital.drafts() == []
    assert isinstance(hospital.day.model, ScriptedModel) and hospital.day.model.asked == []
    assert 'impresario_held_back_total{reason="radiologist-not-opted-in"} 1.0' in codes(hospital)


def test_findings_in_german_and_an_exam_nobody_asked_for_get_no_draft(hospital: Hospital) -> None:
    german = "Der Herzschatten ist nicht verbreitert. Kein Pleuraerguss und keine Infiltrate in den Lungen."
    hospital.sends(FINDINGS | {"accession": "DE", "findings": german})
    hospital.works_through(1)
    hospital.day = replace(hospital.day, policy=Policy(modalities=frozenset({"CT"})))
    hospital.sends(FINDINGS)
    hospital.works_through(2)

    assert hospital.drafts() == []
    assert 'reason="language"' in codes(hospital) and 'reason="exam-not-opted-in"' in codes(hospital)


def test_a_critical_finding_is_told_even_while_drafts_are_switched_off(hospital: Hospital) -> None:
    turns(hospital, "all", "off")
    hospital.sends(FINDINGS | {"findings": "There is a large right tension pneumothorax."})

    hospital.works_through(1)

    assert hospital.drafts() == []
    assert len(hospital.topic(TOPICS.events)) == 1
