"""The benefit of the doubt: names of what was described pass, inventions and contradictions do not."""

from __future__ import annotations

import pytest

from engine.checks import check


def classes(findings: str, impression: str, **context: str) -> set[str]:
    flags = check(findings, impression, **context).flags
    return {flag.flag_class.value for flag in flags if flag.severity != "minor"}


LESIONS = (
    "There are ring-enhancing lesions: a 14 mm lesion in the right frontal lobe and a 9 mm lesion in the left occipital lobe."
)


def test_lesions_may_be_called_metastases_where_nothing_else_names_them() -> None:
    assert not classes(LESIONS, "Multiple brain metastases.", exam="MR BRAIN")


def test_a_name_at_an_organ_that_was_never_described_is_an_invention() -> None:
    assert "false-finding" in classes(LESIONS, "Multiple brain metastases. Acute appendicitis.", exam="MR BRAIN")


def test_a_description_that_is_named_already_carries_no_second_name_in_another_sentence() -> None:
    findings = "Consolidation in the left lower lobe. The heart is normal."

    assert not classes(findings, "Left lower lobe pneumonia.")
    assert "false-finding" in classes(findings, "Left lower lobe pneumonia. Large left pneumothorax.")


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_side_is_wrong_only_where_the_findings_never_speak_of_it(side: str) -> None:
    one, two = "Opacity in the right lower lobe.", "The left upper lobe is hazy."

    assert ("laterality" in classes(one, f"{side.capitalize()} lower lobe opacity.")) is (side == "left")
    assert "laterality" not in classes(f"{one} {two}", f"{side.capitalize()} lung opacity.")


def test_gallstones_on_a_chest_film_may_stay_in_the_findings_and_a_rib_fracture_may_not() -> None:
    assert "omission" not in classes("Gallstones in the upper abdomen.", "No acute disease.", exam="XR CHEST")
    assert "omission" in classes("Displaced fracture of the left ninth rib.", "Normal liver.", exam="CT ABDOMEN")


def test_a_sign_beside_what_it_belongs_to_is_no_omission_and_a_tear_is_one() -> None:
    knee = "Complete tear of the anterior cruciate ligament. Lateral meniscus tear."

    assert "omission" in classes(knee, "Complete ACL tear.", exam="MR KNEE LEFT")
    assert not classes("Mass in the left temporal lobe with vasogenic edema.", "Left temporal lobe mass.", exam="MR BRAIN")


def test_an_invented_device_is_never_a_reading() -> None:
    assert "device" in classes("Opacity in the left lower lobe.", "Left lower lobe opacity. Left chest tube in place.")


def test_what_stands_before_a_denial_is_told() -> None:
    findings = "Compression fracture of L1. Further metastases in T4 and T11 without collapse."

    assert check(findings, "Metastases at T4 and T11. Compression fracture of L1.", exam="MR SPINE").verdict == "clean"


def test_what_was_not_imaged_is_no_ground_for_a_finding_there() -> None:
    findings = "Liver laceration. Thyroid not imaged."

    assert check(findings, "Liver laceration. Thyroid nodule.", exam="CT CHEST ABDOMEN").verdict == "review"
