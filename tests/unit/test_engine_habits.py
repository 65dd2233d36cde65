"""Own words repeat what a radiologist is used to advising, and lose what nobody advised."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.habits import Habits, without_new_advice
from engine.prompts import Dictation
from engine.rewording import in_keeping

DICTATION = Dictation(
    "CT CHEST", "There is a 12 mm right upper lobe pulmonary nodule, unchanged. Small left pleural effusion. No pneumothorax."
)
DRAFT = "There is a 12 mm right upper lobe pulmonary nodule, unchanged. There is a small left pleural effusion."
NODULE, EFFUSION = "Stable RUL nodule (1.2 cm).", "Small L pleural effusion."
SIGNED = [
    (
        "1. Stable RUL nodule (9 mm). Recommend follow-up chest CT in 6 months.\n2. Cardiomegaly. Consider cardiology referral.",
        "CT CHEST",
    )
]


def kept(wording: str, habits: Habits | None = None, dictation: Dictation = DICTATION) -> str:
    return without_new_advice(wording, DRAFT, dictation, Habits.of(SIGNED) if habits is None else habits)


def test_what_was_signed_for_such_a_finding_stays() -> None:
    wording = f"1. {NODULE} Recommend follow-up chest CT in 6 months.\n2. {EFFUSION}"

    assert kept(wording) == wording
    assert in_keeping(DRAFT, wording, DICTATION, Habits.of(SIGNED)) == wording


@pytest.mark.parametrize(
    ("nodule", "effusion"),
    [
        (" Recommend follow-up chest CT in 12 months.", ""),
        (" Consider cardiology referral.", ""),
        ("", " Consider cardiology referral."),
        ("", "\n3. Recommend PET/CT."),
    ],
)
def test_another_interval_and_another_findings_referral_go_and_the_rest_stays(nodule: str, effusion: str) -> None:
    assert kept(f"1. {NODULE}{nodule}\n2. {EFFUSION}{effusion}") == f"1. {NODULE}\n2. {EFFUSION}"


def test_a_list_counts_on_where_an_item_went() -> None:
    assert kept(f"1. {NODULE}\n2. Recommend PET/CT.\n3. {EFFUSION}") == f"1. {NODULE}\n2. {EFFUSION}"


def test_in_running_text_the_sentence_goes() -> None:
    assert kept(f"In summary: {NODULE} PET/CT advised. Correlate clinically.") == f"In summary: {NODULE} Correlate clinically."


def test_what_was_dictated_may_be_advised() -> None:
    dictation = replace(DICTATION, findings=DICTATION.findings + " Follow-up chest CT in 12 months is recommended.")
    wording = f"{NODULE} Recommend follow-up chest CT in 12 months. {EFFUSION}"

    assert kept(wording, Habits(), dictation) == wording


def test_advice_that_stood_beside_several_findings_is_a_habit_only_when_it_comes_back() -> None:
    once = [("Right upper lobe nodule is seen. Consolidation is seen. Follow-up chest CT advised.", "CT CHEST")]
    wording = f"{NODULE} {EFFUSION} Follow-up chest CT advised."

    assert kept(wording, Habits.of(once)) == f"{NODULE} {EFFUSION}"
    assert kept(wording, Habits.of(once * 2)) == wording


def test_what_is_advised_for_few_of_the_impressions_with_a_finding_is_no_habit() -> None:
    rarely = [*SIGNED, *[("Stable RUL nodule (9 mm).", "CT CHEST")] * 2]

    assert kept(f"{NODULE} Recommend follow-up chest CT in 6 months.", Habits.of(rarely)) == NODULE


def test_an_impression_of_nothing_but_new_advice_is_not_shown() -> None:
    assert in_keeping(DRAFT, "Recommend PET/CT.", DICTATION, Habits()) is None
