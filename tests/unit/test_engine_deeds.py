"""No draft says that somebody was told, or that images were reviewed: only a person can have done it."""

from __future__ import annotations

import pytest

from engine.deeds import without_deeds
from engine.habits import Habits
from engine.impression import Kind
from engine.prompts import Dictation
from engine.rewording import in_keeping
from engine.write import write_impression
from tests.unit.test_engine_write import DRAFT, OWN, report, says, written

DICTATION = Dictation("CT CHEST", "There is a small right pleural effusion. No pneumothorax.")
EFFUSION = "Small right pleural effusion."
DEEDS = (
    "Findings discussed with the clinical team.",
    "Dr. Smith was notified at 14:05.",
    "I have personally reviewed the images and agree with the resident's interpretation.",
    "Critical result communicated by telephone, with read-back.",
    "The emergency department was called at the time of dictation.",
)


@pytest.mark.parametrize("deed", DEEDS)
def test_a_model_does_not_say_what_only_a_person_can_have_done(deed: str) -> None:
    assert without_deeds(f"{EFFUSION} {deed}", DICTATION) == EFFUSION
    assert without_deeds(f"1. {EFFUSION}\n2. {deed}\n3. Cardiomegaly.", DICTATION) == f"1. {EFFUSION}\n2. Cardiomegaly."
    assert in_keeping(EFFUSION, f"{EFFUSION} {deed}", DICTATION, Habits()) == EFFUSION


@pytest.mark.parametrize("deed", DEEDS)
def test_a_deed_is_left_out_of_drafts_and_of_own_words(deed: str) -> None:
    own = written(says(f"{DRAFT} {deed}", f"{OWN}\n2. {deed}"))

    assert (own.kind, own.coarse, own.text) == (Kind.OWN_WORDS, DRAFT, OWN)


def test_what_was_dictated_may_be_repeated() -> None:
    deed = "Findings discussed with the clinical team."
    findings = f"{DICTATION.findings} {deed}"

    impression = write_impression(report(findings), model=says(f"{EFFUSION} {deed}"), adapter=None, deadline=5.0)

    assert impression is not None and impression.text == f"{EFFUSION} {deed}"


def test_a_finding_in_the_same_sentence_is_missed_and_not_lost() -> None:
    impression = written(says(DRAFT, "Small right pleural effusion, discussed with Dr. Miller."))

    assert (impression.kind, impression.text) == (Kind.DRAFT, DRAFT)


@pytest.mark.parametrize(
    "finding",
    [
        "Communicating hydrocephalus.",
        "Chronic changes as discussed above.",
        "We recommend chest CT.",
        "So-called bovine arch.",
        "Findings reported previously are unchanged.",
    ],
)
def test_words_of_a_finding_are_no_deed(finding: str) -> None:
    assert without_deeds(finding, DICTATION) == finding
