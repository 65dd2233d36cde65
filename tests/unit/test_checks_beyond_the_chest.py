"""What every part of the body has in common: where a word without a place lies, what a grave finding lets go, what nobody dictated."""

from __future__ import annotations

import pytest

from engine.checks import check
from engine.facts import Fact, read_facts


def classes(findings: str, impression: str, **context: str) -> set[str]:
    flags = check(findings, impression, **context).flags
    return {flag.flag_class.value for flag in flags if flag.severity != "minor"}


def only(concept: str, text: str) -> Fact:
    (found,) = [fact for fact in read_facts(text) if fact.concept == concept]
    return found


def test_a_narrowing_lies_where_was_spoken_last() -> None:
    findings = "Mural thickening of the terminal ileum. Luminal narrowing with upstream dilation."

    assert only("stenosis", findings).near == "ileum"
    assert "false-finding" in classes(findings, "Active terminal ileitis with stricture. Portal vein thrombosis.")


def test_stones_denied_in_the_gallbladder_are_not_denied_in_the_kidney() -> None:
    gallbladder = "The gallbladder contains sludge, without stones."
    kidney = "Right kidney with a 7 mm shadowing echogenic focus at the lower pole."

    assert not classes(f"{gallbladder} {kidney}", "Gallbladder sludge. 7 mm right renal stone.")
    assert classes(gallbladder, "Cholelithiasis.")


def test_a_small_effusion_yields_to_a_torn_aorta_and_a_large_one_does_not() -> None:
    dissection = "Intimal flap in the descending thoracic aorta."

    assert not classes(f"{dissection} Small left pleural effusion.", "Acute type B aortic dissection.")
    assert "omission" in classes(f"{dissection} Large left pleural effusion.", "Acute type B aortic dissection.")


def test_one_level_of_the_spine_is_told_by_the_gravest_that_is_there() -> None:
    findings = "L4-5: disc protrusion, facet arthropathy and severe canal stenosis. L5-S1: disc protrusion."

    flags = check(findings, "Severe canal stenosis at L4-5.").flags
    major = [findings[slice(*flag.findings_span)] for flag in flags if flag.severity != "minor" and flag.findings_span]
    assert major and all("L5-S1" in words for words in major)


@pytest.mark.parametrize(
    ("findings", "right", "wrong"),
    [
        ("Chronic wedging of T12. New L1 compression fracture.", "Old T12 fracture.", "Old T6 fracture."),
        ("Erosion of the distal phalanx of the great toe.", "Osteomyelitis of the distal phalanx.", "Osteomyelitis of the proximal phalanx."),
        ("Wall thickening of the sigmoid colon with diverticula and stranding.", "Sigmoid diverticulitis.", "Cecal diverticulitis."),
        ("Hypoechoic mass at 10 o'clock in the right breast.", "Right breast mass at 10:00.", "Right breast mass at 4:00."),
    ],
)  # fmt: skip
def test_a_level_an_end_a_part_or_an_hour_that_nobody_dictated_is_a_wrong_place(findings: str, right: str, wrong: str) -> None:
    assert "location" not in classes(findings, right)
    assert "location" in classes(findings, wrong)


def test_an_amount_is_right_when_it_was_dictated_or_rounds_what_was() -> None:
    findings = "Post void residual 15 ml."

    assert "size" not in classes(findings, "Residual of 15 ml.")
    assert "size" in classes(findings, "Residual of 150 ml.")


def test_a_growing_collection_is_not_called_stable() -> None:
    findings = "Left subdural collection of 18 mm, previously 7 mm."

    assert not classes(findings, "Left subdural collection, 18 mm, enlarging.")
    assert "temporal" in classes(findings, "Left subdural collection, 18 mm, stable.")


def test_three_signs_of_one_organ_add_up_and_two_do_not() -> None:
    signs = "The gallbladder is distended. Pericholecystic fluid. Positive sonographic Murphy sign."

    assert "omission" in classes(signs, "No biliary dilatation.")
    assert "omission" not in classes("Pericholecystic fluid.", "No biliary dilatation.")
    assert not classes(signs, "Acute cholecystitis.")


def test_a_biopsy_asks_for_something_to_sample() -> None:
    assert "recommendation" in classes("New superior endplate fracture of L1.", "L1 fracture. Recommend CT-guided biopsy.")
    assert "recommendation" not in classes("Enhancing 3 cm renal mass.", "3 cm renal mass. Recommend biopsy.")


def test_what_is_acute_is_not_sent_home() -> None:
    volvulus = "Dilated sigmoid loop with a coffee bean appearance, sigmoid volvulus."

    assert "recommendation" in classes(volvulus, "Sigmoid volvulus. No urgent action needed.")
    assert "recommendation" not in classes("Simple cyst of the right kidney.", "Simple renal cyst. No treatment needed.")


def test_the_root_that_leaves_at_a_level_is_no_level() -> None:
    (fact,) = read_facts("L4-L5 disc protrusion contacting the L5 nerve root.")[:1]

    assert fact.levels == ("L4-L5",)


def test_a_sequence_is_no_vertebra_and_a_speed_no_size() -> None:
    assert all(not fact.levels for fact in read_facts("T2/FLAIR hyperintense lesion in the pons."))
    assert all(not fact.sizes for fact in read_facts("ICA stenosis, peak velocity 285 cm/s."))


def test_the_margins_of_a_fracture_may_be_sharp() -> None:
    assert only("fracture", "The fracture margins are sharp.").is_present


def test_a_subject_of_its_own_does_not_speak_of_the_sentence_before() -> None:
    torsion, *_ = read_facts("Torsion of the spermatic cord. The left testis measures 4.1 cm.")

    assert not torsion.sizes


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Left femoral vein is thrombosed and not compressible.", "Left femoral DVT."),
        ("Echogenic thrombus in the right external iliac vein.", "Right external iliac DVT."),
        ("Right subclavian vein thrombus.", "Right subclavian DVT."),
        ("Thrombus in the left internal jugular vein.", "Left internal jugular DVT."),
        ("Occlusion of the left superficial femoral artery.", "Left superficial femoral occlusion."),
    ],
)
def test_the_adjective_of_a_vessel_names_the_vessel_and_no_bone(findings: str, impression: str) -> None:
    assert check(findings, impression).verdict == "clean"
    assert (
        check(findings, impression.replace("Left", "Other").replace("Right", "Left").replace("Other", "Right")).verdict
        == "review"
    )
