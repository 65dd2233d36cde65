"""Grades, categories and readings of an impression are those of its findings."""

from __future__ import annotations

import pytest

from engine.checks import check
from engine.scales import scale_differences


def differing(findings: str, impression: str, known: str = "") -> list[str]:
    return [str(flag.flag_class) for flag in scale_differences(findings, impression, known)]


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Right peripheral zone lesion, PI-RADS 5.", "PI-RADS 2 lesion in the right peripheral zone."),
        ("Thyroid nodule, TR4.", "Left thyroid nodule, TI-RADS 2."),
        ("Observation with washout, LR-5.", "LI-RADS category LR-3 observation."),
        ("Left renal cyst, Bosniak IIF.", "Bosniak category III cyst of the left kidney."),
        ("Type II endoleak from a lumbar artery.", "Type 1a endoleak."),
        ("Weber B fracture of the fibula.", "Weber type C fracture."),
        ("Grade 2 anterolisthesis of L5.", "Grade I anterolisthesis at L5-S1."),
        ("Salter-Harris type II fracture.", "Salter Harris IV fracture of the distal radius."),
        ("LVEF of 52%.", "Ejection fraction 25%."),
        ("Lumbar T-score: -2.7", "Osteopenia, T-score -1.7."),
    ],
)
def test_another_grade_is_a_difference_in_severity(findings: str, impression: str) -> None:
    assert differing(findings, impression) == ["severity"]
    assert "severity" in {str(flag.flag_class) for flag in check(findings, impression).flags}


def test_another_reading_is_a_difference_in_size() -> None:
    assert differing("FDG-avid mass, SUVmax 12.4.", "Avid mass (SUV max 4.2).") == ["size"]


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Right lesion, PI-RADS 5.", "PI-RADS score: 5."),
        ("BI-RADS 4A.", "BI-RADS category 4."),
        ("Bosniak 2F cyst.", "Bosniak IIF cyst."),
        ("Type II endoleak.", "Type 2 endoleak. No type I endoleak."),
        ("EF 52 %.", "Ejection fraction approximately 50%."),
        ("Two cysts, Bosniak I and Bosniak III.", "Bosniak III cyst."),
        ("Lesion in the peripheral zone.", "PI-RADS 4 lesion."),
        ("SUV 12.4", "Avid mass, SUVmax 12."),
        ("Modic type 1 change.", "Type II odontoid fracture."),
    ],
)
def test_the_same_in_other_words_and_a_grade_of_the_readers_own_pass(findings: str, impression: str) -> None:
    assert differing(findings, impression) == []


def test_what_was_known_before_may_be_said() -> None:
    assert differing("Lesion, now PI-RADS 5.", "PI-RADS 5, previously PI-RADS 3.", "MRI 2024: PI-RADS 3.") == []


def test_a_second_grade_beside_the_dictated_one_is_the_readers_own() -> None:
    assert differing("Right breast mass, BI-RADS 4.", "Known left cancer, BI-RADS 6. Right breast mass, BI-RADS 4.") == []


def test_a_grade_at_the_end_of_its_sentence_is_read() -> None:
    findings = "Reflux into the left ureter with mild blunting of the calyces, grade III."

    assert differing(findings, "Left vesicoureteral reflux, grade V.") == ["severity"]
    assert differing(findings, "Grade 3 left vesicoureteral reflux.") == []


def test_a_category_of_the_other_side_or_zone_is_no_other_category() -> None:
    assert differing("Right hip: Graf I. Left hip: alpha angle 45 degrees.", "Left Graf IIc hip.") == []
    assert differing("Left hip: Graf I.", "Left hip Graf IIc.") == ["severity"]
    assert differing("TZ: nodules, PI-RADS 2. PZ: 16 mm lesion, DWI 5.", "PI-RADS 5 lesion of the peripheral zone.") == []


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("EFW 1870 g, 42nd centile.", "Normal growth, EFW 4th centile."),
        ("RV 51 mm, LV 31 mm, ratio 1.6.", "Right heart strain, RV:LV 0.6."),
        ("Left ICA PSV 312 cm/s.", "Left ICA stenosis, PSV 132 cm/s."),
    ],
)
def test_a_reading_that_was_not_dictated_differs_in_size(findings: str, impression: str) -> None:
    assert differing(findings, impression) == ["size"]


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("L1-L4 T-score -2.8. Femoral neck T-score -1.9.", "Osteopenia."),
        ("T-score -1.4 at the spine, T-score -1.7 at the hip.", "Osteoporosis."),
    ],
)
def test_the_lowest_t_score_decides(findings: str, impression: str) -> None:
    assert differing(findings, impression) == ["severity"]
    assert (
        differing(findings, "No osteoporosis." if "-1.7" in findings else "Osteoporosis of the spine, osteopenia of the hip.")
        == []
    )
