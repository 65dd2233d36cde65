"""Nobody's signatures write for a colleague: the agent hands the engine one radiologist's own, and logs none of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors import hands
from connectors.hands import WithoutAdapter
from engine.prompts import LIKE_THESE
from feedback.database import open_database
from ingest.report import Radiologist, Reading
from tests.fakes.model import ScriptedModel
from tests.unit.test_connectors_agent import DRAFT, FINDINGS, TOPICS, Hospital, read_json

NUMBERED, DASHED = f"1. {DRAFT}", f"- {DRAFT}"


def read_by_accession(raw: bytes, source: str | None, content_type: str | None) -> Iterator[Reading]:
    """Whose report it is stands before the number: r18-3."""
    for reading in read_json(raw, source, content_type):
        assert reading.report is not None
        whose = Radiologist(reading.report.accessions[0].split("-")[0], "principal")
        yield replace(reading, report=replace(reading.report, radiologist=whose))


@pytest.fixture
def hospital(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hospital]:
    monkeypatch.setattr(hands, "FRESH", -1.0)
    books = open_database(f"sqlite:///{tmp_path}/impresario.db")
    hospital = Hospital(books, ScriptedModel(lambda prompt, adapter, n: [DRAFT] * n))
    hospital.day = replace(hospital.day, reader=read_by_accession)
    yield hospital
    books.dispose()


def sign(hospital: Hospital, signed: dict[str, str], times: int = 3) -> None:
    """Each radiologist is shown so many drafts and signs each in this way."""
    for number in range(times):
        for whose, text in signed.items():
            dictated = FINDINGS | {"accession": f"{whose}-{number}"}
            hospital.sends(dictated, dictated | {"status": "final", "impression": text})
    hospital.works_through(2 * times * len(signed))


def drafted_next(hospital: Hospital, whose: str) -> tuple[str, str | None, str | None]:
    before = {event.header("ce_id") for event in hospital.topic(TOPICS.impressions)}
    hospital.sends(FINDINGS | {"accession": f"{whose}-next"})
    with hospital.at_work():
        hospital.waits_for(lambda: len(hospital.drafts()) > len(before))
    (event,) = [one for one in hospital.topic(TOPICS.impressions) if one.header("ce_id") not in before]
    return json.loads(event.value)["conclusion"], event.header("kind"), event.header("adapter")


def test_each_radiologists_next_draft_is_laid_out_as_they_sign(hospital: Hospital) -> None:
    sign(hospital, {"r17": NUMBERED, "r18": DASHED})

    assert drafted_next(hospital, "r17") == (NUMBERED, "own-words", "none")
    assert drafted_next(hospital, "r18") == (DASHED, "own-words", "none")
    assert drafted_next(hospital, "r19") == (DRAFT, "draft", "none")


@pytest.mark.parametrize("setting", ["draft", "examples"])
def test_a_base_model_reads_nobodys_examples_or_its_own_radiologists(
    setting: WithoutAdapter, hospital: Hospital, caplog: pytest.LogCaptureFixture
) -> None:
    hospital.day = replace(hospital.day, without_adapter=setting)
    with caplog.at_level(logging.DEBUG):
        sign(hospital, {"r17": NUMBERED, "r18": DASHED})
        drafted_next(hospital, "r18")

    assert isinstance(hospital.day.model, ScriptedModel)
    last = hospital.day.model.asked[-1][0]
    assert (LIKE_THESE in last, DASHED in last) == ((True, True) if setting == "examples" else (False, False))
    assert NUMBERED not in last
    assert DASHED not in caplog.text
