"""The way down: own words, else the draft, else the findings' own sentences, else nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.adapters import Adapter, BrokenAdapter
from engine.checks import check
from engine.impression import Kind
from engine.write import write_impression
from ingest.report import Exam, Patient, Radiologist, Report, Section, Status
from tests.fakes.model import ScriptedModel, away

FINDINGS = "There is a small right pleural effusion. No pneumothorax. The heart is normal in size."
DRAFT = "Small right pleural effusion."
OWN = "1. Small R pleural effusion."
WRONG_SIDE = "1. Small L pleural effusion."
ADAPTER = Adapter(
    "RAD101", "2026-11-20-aaaaaaaaaaaa", Path("shelf/rad101/2026-11-20-aaaaaaaaaaaa"), "a" * 64, "scripted", "2026-11-20"
)


def report(findings: str = FINDINGS, **changes: object) -> Report:
    plain = Report(
        kind="hl7v2",
        message_id="M1",
        message_type="ORU^R01",
        version="2.5.1",
        accessions=("A1",),
        status=Status.PRELIMINARY,
        exam=Exam(text="Chest X-ray"),
        radiologist=Radiologist("RAD101", "primary"),
        sections={Section.FINDINGS: findings},
        text=findings,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def says(draft: str, *own: str) -> ScriptedModel:
    return ScriptedModel(lambda prompt, adapter, n: list(own[:1] if n == 1 else own[1:]) if adapter else [draft])


def written(model: ScriptedModel, adapter: Adapter | None = ADAPTER, findings: str = FINDINGS):  # type: ignore[no-untyped-def]
    return write_impression(report(findings), model=model, adapter=adapter, deadline=5.0)


def test_a_clean_wording_is_shown_in_the_radiologists_own_words() -> None:
    impression = written(says(DRAFT, OWN))

    assert (impression.kind, impression.text, impression.coarse) == (Kind.OWN_WORDS, OWN, DRAFT)
    assert impression.adapter == ADAPTER.version
    assert impression.fell_back is None


def test_a_wording_that_changes_the_side_gives_way_to_the_draft() -> None:
    impression = written(says(DRAFT, WRONG_SIDE, WRONG_SIDE, WRONG_SIDE))

    assert (impression.kind, impression.text) == (Kind.DRAFT, DRAFT)
    assert impression.fell_back == "own-words-failed-check"
    assert impression.adapter is None


def test_a_second_wording_is_asked_for_before_falling_back() -> None:
    impression = written(says(DRAFT, WRONG_SIDE, WRONG_SIDE, OWN))

    assert (impression.kind, impression.text) == (Kind.OWN_WORDS, OWN)


def test_without_an_adapter_the_draft_is_shown() -> None:
    model = says(DRAFT)

    impression = written(model, adapter=None)

    assert (impression.kind, impression.fell_back) == (Kind.DRAFT, "no-adapter")
    assert [adapter for _, adapter, _ in model.asked] == [None]


def test_a_draft_that_denies_a_finding_gives_way_to_the_findings_own_sentence() -> None:
    impression = written(says("No pleural effusion.", "No pleural effusion."))

    assert (impression.kind, impression.text) == (Kind.EXTRACTIVE, "There is a small right pleural effusion.")
    assert impression.fell_back == "draft-failed-check"


def test_without_a_model_the_findings_speak_for_themselves() -> None:
    impression = written(ScriptedModel(away))

    assert (impression.kind, impression.fell_back) == (Kind.EXTRACTIVE, "model-unavailable")
    assert impression.text == "There is a small right pleural effusion."


def test_a_broken_adapter_is_refused_and_the_draft_shown() -> None:
    def script(prompt: str, adapter: Adapter | None, n: int) -> list[str]:
        if adapter:
            raise BrokenAdapter("the files do not match their hash")
        return [DRAFT]

    impression = written(ScriptedModel(script))

    assert (impression.kind, impression.fell_back) == (Kind.DRAFT, "adapter-broken")


def test_findings_that_state_nothing_get_no_impression() -> None:
    assert written(ScriptedModel(away), findings="See above.") is None


def test_of_several_drafts_the_one_that_keeps_the_facts_is_taken() -> None:
    drafts = {1: ["No pleural effusion."], 4: ["Small left pleural effusion.", DRAFT, "No pleural effusion.", "Normal."]}

    impression = written(ScriptedModel(lambda prompt, adapter, n: drafts[n]), adapter=None)

    assert (impression.kind, impression.text) == (Kind.DRAFT, DRAFT)


def test_a_draft_with_a_minor_fault_gives_way_to_one_without() -> None:
    findings = "Left hilar lymphadenopathy is present, improved since the prior."
    as_before, improved = "Left hilar lymphadenopathy, unchanged.", "Left hilar lymphadenopathy, improved."

    impression = written(ScriptedModel(lambda prompt, adapter, n: {1: [as_before], 4: [as_before, improved]}[n]), None, findings)

    assert check(findings, as_before).verdict == "clean"
    assert impression.text == improved


def test_what_every_draft_leaves_out_is_said_in_the_findings_own_words() -> None:
    findings = "Small right pleural effusion. There is a large left pneumothorax. The heart is normal in size."

    impression = written(ScriptedModel(lambda prompt, adapter, n: [DRAFT] * n), None, findings)

    assert (impression.kind, impression.text) == (Kind.DRAFT, DRAFT + " There is a large left pneumothorax.")
    assert check(findings, impression.text).verdict == "clean"


def test_a_draft_that_says_one_slight_finding_and_not_its_equal_is_completed() -> None:
    findings = "There is mild emphysema. The study shows mild coronary artery calcification. A lytic lesion at T11 is noted."
    draft = "Mild emphysema. Lytic lesion at T11."

    impression = written(ScriptedModel(lambda prompt, adapter, n: [draft] * n), None, findings)

    assert check(findings, draft).verdict == "clean"
    assert impression.text == draft + " The study shows mild coronary artery calcification."


def test_a_draft_that_keeps_to_what_weighs_more_is_left_as_it_is() -> None:
    findings = "There is mild emphysema. The study shows mild coronary artery calcification. A lytic lesion at T11 is noted."

    impression = written(ScriptedModel(lambda prompt, adapter, n: ["Lytic lesion at T11."] * n), None, findings)

    assert impression.text == "Lytic lesion at T11."


def test_a_draft_with_more_wrong_than_what_it_leaves_out_is_not_completed() -> None:
    findings = "Small right pleural effusion. There is a large left pneumothorax. The heart is normal in size."

    impression = written(ScriptedModel(lambda prompt, adapter, n: ["Small left pleural effusion."] * n), None, findings)

    assert impression.kind is Kind.EXTRACTIVE


def test_the_fine_prompt_is_the_coarse_prompt_carried_on() -> None:
    model = says(DRAFT, OWN)

    written(model)

    (coarse, _, _), (fine, _, _) = model.asked
    assert fine.startswith(coarse + " " + DRAFT)


def test_the_same_report_gets_the_same_draft_id() -> None:
    first, again = written(says(DRAFT, OWN)), written(says(DRAFT, OWN))

    assert first.draft_id == again.draft_id


@pytest.mark.parametrize("changed", ["There is a small left pleural effusion.", FINDINGS + " Lungs are clear."])
def test_other_findings_get_another_draft_id(changed: str) -> None:
    assert written(says(DRAFT, OWN)).draft_id != written(says(DRAFT, OWN), findings=changed).draft_id


def test_a_draft_about_an_organ_the_patient_does_not_have_is_not_shown() -> None:
    draft = "Small right pleural effusion. Normal prostate."

    of_a_woman = write_impression(report(patient=Patient(sex="F")), model=says(draft), adapter=None, deadline=5.0)

    assert of_a_woman is not None and of_a_woman.kind is Kind.EXTRACTIVE
