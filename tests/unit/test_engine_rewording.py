"""Own words may change the wording of a draft and nothing else."""

from __future__ import annotations

import pytest

from demo.dictation import dictated_report
from demo.styles import RADIOLOGISTS, house_impression, signed_impression
from engine.prompts import Dictation
from engine.rewording import keeps_the_facts, may_replace

FINDINGS = "There is a 12 mm right upper lobe pulmonary nodule, unchanged. Small left pleural effusion. No pneumothorax."
DRAFT = "There is a 12 mm right upper lobe pulmonary nodule, unchanged. There is a small left pleural effusion."
DICTATION = Dictation("CT CHEST WITHOUT CONTRAST", FINDINGS)


@pytest.mark.parametrize(
    "wording",
    [
        "1. Stable RUL nodule (1.2 cm).\n2. Small L pleural effusion.",
        "Small left pleural effusion. Unchanged right upper lobe nodule measuring 12 mm. No pneumothorax.",
    ],
)
def test_the_same_findings_in_other_words_may_be_shown(wording: str) -> None:
    assert may_replace(DRAFT, wording, DICTATION)


@pytest.mark.parametrize(
    ("change", "wording"),
    [
        ("side", "Stable RUL nodule (1.2 cm). Small R pleural effusion."),
        ("size", "Stable RUL nodule (1.3 cm). Small L pleural effusion."),
        ("severity", "Stable RUL nodule (1.2 cm). Moderate L pleural effusion."),
        ("place", "Stable RLL nodule (1.2 cm). Small L pleural effusion."),
        ("course", "New RUL nodule (1.2 cm). Small L pleural effusion."),
        ("course left out", "RUL nodule (1.2 cm). Small L pleural effusion."),
        ("doubt", "Stable RUL nodule (1.2 cm). Possible small L pleural effusion."),
        ("a finding left out", "Stable RUL nodule (1.2 cm)."),
        ("a finding said twice", "Stable RUL nodule (1.2 cm). Small L pleural effusion. Small L pleural effusion."),
        ("a finding added", "Stable RUL nodule (1.2 cm). Small L pleural effusion. Cardiomegaly."),
        ("a denial added", "Stable RUL nodule (1.2 cm). Small L pleural effusion. No consolidation."),
    ],
)
def test_a_wording_that_changes_one_thing_is_refused(change: str, wording: str) -> None:
    assert not may_replace(DRAFT, wording, DICTATION), change


def test_a_wrong_draft_does_not_bind_its_rewording() -> None:
    wrong = "There is a 12 mm left upper lobe pulmonary nodule, unchanged. There is a small left pleural effusion."

    assert may_replace(wrong, DRAFT, DICTATION)


def test_a_wrong_draft_is_mended_with_what_was_dictated_and_nothing_else() -> None:
    wrong = "There is a 12 mm left upper lobe pulmonary nodule, unchanged. There is a small left pleural effusion."

    assert not may_replace(wrong, "Stable large RUL nodule (1.2 cm). Small L pleural effusion.", DICTATION)


def test_what_the_demos_radiologists_write_keeps_the_facts() -> None:
    refused = 0
    for number in range(60):
        latent, dictated = dictated_report(f"rewording/{number}")
        for radiologist in RADIOLOGISTS:
            signed = signed_impression(latent, radiologist)
            refused += not keeps_the_facts(house_impression(latent), signed, dictated.findings, dictated.exam)

    assert refused <= 5  # of 180; the reader of facts is good, not perfect


def test_a_wording_that_stutters_is_refused_though_it_says_the_same() -> None:
    draft = "There is a left L3-L4 disc protrusion."
    dictation = Dictation(exam="MRI L-SPINE WO CONTRAST", findings="Left L3-L4 disc protrusion is seen.")

    assert may_replace(draft, "1. L L3-L4 disc protrusion.", dictation)
    assert not may_replace(draft, "1. L L L3-L4 disc protrusion.", dictation)
