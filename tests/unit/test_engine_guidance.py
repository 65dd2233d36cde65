"""What guidelines advise goes beside a draft, or into it when a hospital asks for that; never when a guideline is not certain."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.deliver import Shown
from connectors.deliver.fhir import FhirForm
from connectors.deliver.hl7v2 import Hl7v2Form
from engine import guidance
from engine.facts import read_facts
from engine.guidance import ADVISED, Where, plans_of, saying
from engine.guidelines import GUIDELINES, Answer
from engine.guidelines.table import load
from engine.impression import Impression
from engine.write import write_impression
from ingest.report import Exam, Patient, Report
from tests.fakes.model import ScriptedModel
from tests.unit.test_engine_write import report

FINDINGS = "There is a 7 mm solid nodule in the right upper lobe. No pleural effusion. Smoker."
DRAFT = "Solid right upper lobe nodule, 7 mm."


def of(findings: str = FINDINGS, draft: str = DRAFT, where: Where = "beside", **more: object) -> Impression:
    impression = write_impression(
        dictated(findings, **more),
        model=ScriptedModel(lambda prompt, adapter, n: [draft]),
        adapter=None,
        deadline=5.0,
        guidelines=where,
    )
    assert impression is not None
    return impression


def dictated(findings: str = FINDINGS, **more: object) -> Report:
    return report(findings, exam=Exam(text="CT chest without contrast", modality="CT"), patient=Patient(birth_year=1950), **more)


def test_what_a_guideline_advises_stands_beside_the_draft_and_leaves_its_words_alone() -> None:
    impression = of()

    (advice,) = impression.recommendations
    assert impression.text == DRAFT
    assert advice.sentence == "Recommend CT in 6 to 12 months."
    assert advice.guideline == "Fleischner 2017" and advice.rule.startswith("fleischner/")
    assert "nodule" in FINDINGS[advice.evidence[0].start : advice.evidence[0].end]


def test_a_hospital_may_have_it_within_the_impression_where_the_sentence_names_its_rule() -> None:
    impression = of(where="within")

    assert impression.text == f"{DRAFT} Recommend CT in 6 to 12 months."
    assert impression.recommendations == ()
    assert [sentence.rule for sentence in impression.sentences] == [None, "fleischner/solid-single-middle"]
    assert all(sentence.evidence for sentence in impression.sentences)


def test_a_draft_that_says_it_already_is_told_its_rule_and_not_told_twice() -> None:
    said = f"{DRAFT} Follow-up CT in 6-12 months is recommended."

    for where in ("beside", "within"):
        impression = of(draft=said, where=where)
        assert impression.text == said
        assert impression.recommendations == ()
        assert [sentence.rule for sentence in impression.sentences] == [None, "fleischner/solid-single-middle"]


def test_another_interval_is_other_advice() -> None:
    impression = of(draft=f"{DRAFT} Recommend CT in 3 months.")

    assert len(impression.recommendations) == 1


@pytest.mark.parametrize(
    "findings",
    [
        "There is a nodule in the right upper lobe.",  # no size, no composition
        "There is a 7 mm nodule in the right upper lobe.",  # solid or not?
        "There is a calcified 4 mm nodule in the right upper lobe.",  # nothing need be done
        "The lungs are clear. No nodule.",
    ],
)
def test_where_a_guideline_is_not_certain_or_asks_for_nothing_there_is_no_advice(findings: str) -> None:
    impression = of(findings, draft="Nodule in the right upper lobe.", where="within")

    assert "Recommend" not in impression.text
    assert impression.recommendations == ()


def test_advice_the_checker_objects_to_stays_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(guidance.guidance(dictated())[0], sentence="Large left pleural effusion: recommend drainage.")
    monkeypatch.setattr(guidance, "guidance", lambda report: (wrong,))

    impression = of(where="within")

    assert impression.text == DRAFT
    assert impression.recommendations == (wrong,)


def test_a_fault_in_a_guideline_costs_the_advice_and_not_the_draft(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(report: Report) -> None:
        raise KeyError(report.findings)

    monkeypatch.setattr(guidance, "guidance", breaks)

    with caplog.at_level(logging.ERROR):
        assert of().text == DRAFT
    assert "goes without guidelines (KeyError" in caplog.text
    assert "nodule" not in caplog.text


def test_off_is_off() -> None:
    assert of(where="off").recommendations == ()


def test_every_row_that_advises_makes_a_sentence_that_advises_the_same_and_states_no_fact() -> None:
    """Otherwise a sentence of ours would be flagged, or a draft that says it would be told twice."""
    told = dictated()
    rows = [(name, row) for name in GUIDELINES for row in load(name).rows if row.action in ADVISED]
    for name, row in rows:
        answer = Answer(name, "", "", None, row.recommendation, row.action, row.interval, row.modality, rule=row.id)
        recommendation = guidance._recommendation(answer)

        assert plans_of(recommendation.sentence, told), recommendation.sentence
        assert saying(recommendation, plans_of(f"Nodule. {recommendation.sentence}", told), told)
        assert read_facts(recommendation.sentence, section="impression") == ()

    assert len(rows) > 100


def test_advice_beside_the_draft_reaches_the_reporting_system_with_its_row() -> None:
    shown = Shown(dictated(), of(), datetime(2026, 3, 1, tzinfo=UTC))

    resource = json.loads(FhirForm("t").message(shown).value)
    message = Hl7v2Form("t").message(shown).value.decode()

    advice = next(one for one in resource["contained"] if one["resourceType"] == "Observation")
    assert resource["result"] == [{"reference": f"#{advice['id']}"}]
    assert advice["valueString"] == "Recommend CT in 6 to 12 months." and "Fleischner 2017" in advice["method"]["text"]
    assert resource["conclusion"] == DRAFT
    assert "18783-1^Radiology Study recommendation (narrative)^LN||Recommend CT in 6 to 12 months. (Fleischner 2017" in message
