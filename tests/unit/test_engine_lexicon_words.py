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


@pytest.mark.parametrize(
    ("exam", "text", "place"),
    [
        ("CT SINUSES", "Polyp in the right antrum.", "maxillary_sinus"),
        ("CT ABDOMEN", "Ulcer of the antrum.", "gastric_antrum"),
        ("CT ANGIOGRAM AORTA", "Pseudoaneurysm at the isthmus.", "thoracic_aorta"),
        ("CT ABDOMEN", "Occlusion of the IMA.", "inferior_mesenteric_artery"),
        ("US VENOUS LEFT LEG", "Thrombus in the left peroneal vein.", "peroneal_vein"),
        ("PET/CT FDG SKULL BASE TO MID THIGH", "Uptake at the left hilum.", "hilum"),
        ("MR WRIST", "Fluid at the LT ligament.", "lunotriquetral"),
    ],
)
def test_a_word_of_two_places_means_the_one_that_is_looked_at(exam: str, text: str, place: str) -> None:
    assert place in {fact.place for fact in facts(text, exam)}


@pytest.mark.parametrize(
    ("exam", "text", "never"),
    [
        ("CT HEAD", "Swirling low attenuation in the left subdural.", "twisting"),
        ("CT ABDOMEN", "NG decompression of the stomach.", "laminectomy"),
        ("CT AORTA EVAR", "Perigraft gas, infected graft.", "endoleak"),
        ("MR KNEE", "Intact ACL graft.", "amputation"),
        ("MR THORACIC SPINE", "Increased T2 signal within the cord.", "myocardial_edema"),
        ("CT LUMBAR SPINE", "Minor anterior superior corner fracture of T12.", "child_abuse_fracture"),
        ("CT PELVIS", "Pelvic phleboliths.", "heterotopic_ossification"),
        ("XR TIBIA", "Lucent nidus in the tibial cortex.", "cerebral_avm"),
        ("CT SINUSES", "Impacted wisdom tooth.", "deformity"),
    ],
)
def test_a_word_of_two_diseases_means_the_one_that_can_be_there(exam: str, text: str, never: str) -> None:
    assert all(never not in lexicon().above[fact.concept] for fact in facts(text, exam))


@pytest.mark.parametrize(
    ("exam", "one", "other"),
    [
        ("CT HEAD", "Dense left MCA sign.", "Hyperdense left MCA."),
        ("CT ENTEROGRAPHY", "Fibrofatty proliferation.", "Stricturing Crohn's."),
        ("US OBSTETRIC", "Reduced liquor.", "Oligohydramnios."),
        ("US PELVIS", "Lacy reticular pattern in a cyst.", "Haemorrhagic cyst."),
        ("XR SHOULDER", "Globular calcific deposit.", "Calcific tendinitis."),
        ("XR FOREARM", "Galeazzi with disruption of the distal joint.", "Galeazzi fracture."),
        ("US VENOUS", "Incompetent GSV.", "Venous reflux."),
        ("CT ABDOMEN", "Hypoenhancing loop.", "Ischaemic bowel."),
    ],
)
def test_a_sign_is_told_by_the_name_of_what_it_shows(exam: str, one: str, other: str) -> None:
    assert concepts(one, exam) & concepts(other, exam)


def test_a_question_mark_before_a_finding_doubts_it_and_ends_no_sentence() -> None:
    (effusion, infection) = facts("Small effusion, ?infection.")

    assert (effusion.certainty, infection.certainty) == (5, 2)
    assert effusion.sentence == infection.sentence
    assert facts("Is there a fracture? No fracture.")[-1].is_absent
