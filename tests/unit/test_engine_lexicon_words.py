"""Words that mean one thing here and another there, and families of words that are read as one finding."""

from __future__ import annotations

import pytest

from engine.facts import Fact, read
from engine.lexicon import lexicon


def facts(text: str, exam: str = "") -> list[Fact]:
    return list(read(text, exam=exam).facts)


def concepts(text: str, exam: str = "") -> set[str]:
    return {fact.concept for fact in facts(text, exam) if fact.is_present}


def test_the_lad_is_an_artery_of_the_heart_and_nodes_only_in_a_neck() -> None:
    assert concepts("Left-sided LAD.", "CT NECK") >= {"cervical_lymphadenopathy"}
    assert not concepts("Calcified LAD.", "CT CHEST") & {"cervical_lymphadenopathy", "lymphadenopathy"}


def test_stenoses_of_two_coronary_arteries_lie_at_two_places() -> None:
    places = {fact.place for text in ("Mid LAD stenosis.", "Proximal RCA stenosis.") for fact in facts(text, "CTCA")}

    assert places == {"left_anterior_descending", "right_coronary"}


@pytest.mark.parametrize(
    ("exam", "text", "place"),
    [
        ("XR CHEST", "Patchy opacity at the left base.", "base"),
        ("XR FOOT", "Fracture at the base of the fifth metatarsal.", "metatarsal_5"),
        ("", "Opacity at the right base.", "base"),
    ],
)
def test_a_base_is_the_lungs_only_where_a_lung_is_in_sight(exam: str, text: str, place: str) -> None:
    assert [fact.place for fact in facts(text, exam)] == [place]


@pytest.mark.parametrize(
    ("exam", "one", "other"),
    [
        ("US LEG VEINS", "The femoral vein does not compress.", "The femoral vein is non compressible."),
        ("XR CHEST", "Airspace opacity in the right mid zone.", "Air space shadowing in the right mid zone."),
        ("XR CHEST", "Subcutaneous emphysema on the left.", "Surgical emphysema on the left."),
        ("CT PULMONARY ANGIOGRAM", "Septal bowing to the left.", "Interventricular septum bowed to the left."),
        ("CT HEAD", "Uncal herniation.", "Medialisation of the left uncus."),
        ("MRI BREAST", "Intracapsular rupture of the implant.", "Linguine sign in the implant."),
    ],
)
def test_six_radiologists_name_one_finding(exam: str, one: str, other: str) -> None:
    assert concepts(one, exam) & concepts(other, exam)


@pytest.mark.parametrize(
    ("exam", "text", "never"),
    [
        ("V/Q SCAN", "Matched non-segmental perfusion defects.", "vq_mismatch"),
        ("CT NECK", "Retropharyngeal oedema without a rim.", "retropharyngeal_abscess"),
        ("CT FACIAL BONES", "The fracture runs through the infraorbital canal.", "vertebral_fracture"),
        ("MR ENTEROGRAPHY", "Good distension of the ileum.", "bowel_dilation"),
        ("MRCP", "Meniscus sign in the distal duct.", "limb_embolus"),
        ("CT ABDOMEN", "The aorta is non aneurysmal.", "aneurysm"),
    ],
)
def test_a_phrase_is_not_read_as_the_graver_thing_it_resembles(exam: str, text: str, never: str) -> None:
    assert all(never not in lexicon().above[fact.concept] for fact in facts(text, exam) if fact.is_present)


def test_a_rupture_within_the_capsule_is_not_one_beyond_it() -> None:
    found = concepts("Linguine sign. No silicone outside the capsule.", "MRI BREAST")

    assert "intracapsular_rupture" in found
    assert "extracapsular_rupture" not in found
