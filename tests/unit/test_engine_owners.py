"""A number, and whatever is counted, belongs to the side and the part it was dictated of; a side to the organ that was described."""

from __future__ import annotations

import pytest

from engine.checks import check

KIDNEYS = "There is a 14 mm calculus in the lower pole of the left kidney. Right kidney: 3 mm calculus. No hydronephrosis."
FOOT = "Transverse fracture of the base of the fifth metatarsal. The second toe is amputated. No dislocation."
RIBS = "Fractures of the left ribs 4 to 6 laterally. The 10th rib shows an old deformity. No pneumothorax."
LIVER = "Hypervascular lesion of 21 mm in segment VII. A second lesion of 9 mm in segments 2/3."


def classes(findings: str, impression: str) -> set[str]:
    return {str(flag.flag_class.value) for flag in check(findings, impression).flags if flag.severity != "minor"}


@pytest.mark.parametrize(
    ("findings", "wrong", "right", "flag"),
    [
        (KIDNEYS, "Right renal calculus of 14 mm.", "Left renal calculus of 14 mm.", "laterality"),
        (KIDNEYS, "Renal calculi, 3 mm (left) and 14 mm (right).", "Renal calculi, 14 mm (left) and 3 mm (right).", "laterality"),
        ("Peak uptake of 62% on the left and 38% on the right.", "Right share 62%.", "Left share 62%.", "laterality"),
        (
            "Odontoid fracture with 5 mm posterior displacement.",
            "Odontoid fracture displaced 5 mm anteriorly.",
            "Odontoid fracture displaced 5 mm posteriorly.",
            "location",
        ),
        (FOOT, "Fracture of the third metatarsal base.", "Fracture of the 5th metatarsal base.", "location"),
        (RIBS, "Fracture of the left 8th rib.", "Fractures of the left 5th and 6th ribs.", "location"),
        (LIVER, "Hypervascular lesion in segment IVb.", "Hypervascular lesions in segments VII and II.", "location"),
    ],
)
def test_a_number_of_the_other_side_or_another_bone_is_noticed(findings: str, wrong: str, right: str, flag: str) -> None:
    assert flag in classes(findings, wrong)
    assert flag not in classes(findings, right)


def test_a_number_that_both_sides_share_tells_nothing() -> None:
    findings = "Alpha angle of 61% coverage on the left and 61% on the right."

    assert "laterality" not in classes(findings, "Coverage of 61% on the right.")


def test_a_shift_goes_to_the_side_that_the_mass_is_not_on() -> None:
    findings = "Left convexity subdural hematoma. Midline shift of 7 mm to the right."

    assert "laterality" not in classes(findings, "Left subdural hematoma with a midline shift of 7 mm.")


def test_a_count_of_ribs_is_not_the_number_of_one() -> None:
    assert "location" not in classes(RIBS, "Three left rib fractures, 2 mm displaced.")


def test_an_organ_described_on_one_side_only_is_not_diseased_on_the_other() -> None:
    findings = "Right testis: ill-defined hypoechoic mass with flow. Left testis: normal echotexture. Small left groin hernia."

    assert "laterality" in classes(findings, "Left testicular tumor.")
    assert "laterality" not in classes(findings, "Right testicular tumor.")


def test_what_is_told_of_both_sides_may_be_named_of_one() -> None:
    findings = "Bilateral renal cysts. Right kidney enlarged with perinephric stranding. Small left inguinal hernia."

    assert "laterality" not in classes(findings, "Left renal cysts.")


@pytest.mark.parametrize(
    ("findings", "wrong"),
    [
        ("Medial meniscus: vertical tear of the posterior horn. Lateral meniscus: normal.", "Lateral meniscal tear."),
        ("High-grade partial tear of the supraspinatus.", "Partial subscapularis tear."),
        ("Fracture of the lateral tibial plateau.", "Fracture of the medial tibial plateau."),
    ],
)
def test_a_part_beside_the_one_that_was_dictated_is_a_wrong_place(findings: str, wrong: str) -> None:
    assert classes(findings, wrong) & {"location", "negation"}
    assert not classes(findings, findings.partition(". Lateral")[0])


def test_what_follows_a_semicolon_without_a_name_is_no_side_of_the_finding_before() -> None:
    findings = "Right periventricular venous infarction. Small left subependymal hemorrhage."

    assert "laterality" not in classes(findings, "Right periventricular venous infarction; grade one left.")
