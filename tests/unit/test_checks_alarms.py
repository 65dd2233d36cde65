"""Where a radiologist means no error: each case beside the one that looks alike and is an error."""

from __future__ import annotations

import pytest

from engine.checks import check, fact_score
from engine.facts import read_facts


def classes(findings: str, impression: str, **context: str) -> set[str]:
    flags = check(findings, impression, **context).flags
    return {flag.flag_class.value for flag in flags if flag.severity != "minor"}


def test_a_nodule_that_may_be_artifact_may_stay_in_the_findings_and_a_nodule_may_not() -> None:
    assert not classes("8 mm nodular density at the left base may represent soft tissue overlay.", "No acute disease.")
    assert "omission" in classes("8 mm nodular density at the left base.", "No acute disease.")


def test_an_effusion_dictated_with_its_extent_left_blank_is_no_omission() -> None:
    assert "omission" not in classes("Stable heart. XXXX bilateral pleural effusions.", "Stable heart.")
    assert "omission" in classes("Stable heart. Moderate bilateral pleural effusions.", "Stable heart.")


def test_swelling_beside_a_subdural_hematoma_is_its_companion_and_a_fracture_is_not() -> None:
    hematoma = "Left convexity subdural hematoma, 9 mm."

    assert not classes(f"{hematoma} Left parietal scalp swelling.", hematoma, exam="CT HEAD")
    assert "omission" in classes(f"{hematoma} Left parietal skull fracture.", hematoma, exam="CT HEAD")


def test_the_mass_of_a_later_sentence_is_no_second_mass() -> None:
    first = "There is a 2.8 cm mass in the pancreatic head."
    impression = "2.8 cm pancreatic head mass."

    assert not classes(f"{first} The mass contacts the superior mesenteric vein.", impression)
    assert "omission" in classes(f"{first} A mass of the left kidney measures 4 cm.", impression)


def test_what_was_stated_may_be_called_questionable_afterwards_and_not_from_the_start() -> None:
    findings = "6 mm nodule in the left upper lobe."

    assert "certainty" not in classes(findings, "6 mm nodule in the left upper lobe. The possible nodule was not seen before.")
    assert "certainty" in classes(findings, "Possible nodule in the left upper lobe.")


def test_a_hedge_behind_a_comma_doubts_the_metastasis_and_not_the_nodule() -> None:
    (nodule,) = [fact for fact in read_facts("Left adrenal nodule, metastasis not excluded.") if fact.concept == "adrenal_nodule"]

    assert nodule.certainty == 5


def test_each_foramen_keeps_its_own_severity() -> None:
    facts = read_facts("Severe canal stenosis with facet arthropathy; severe right and moderate left foraminal narrowing.")

    assert {(fact.side, fact.severity) for fact in facts if fact.concept == "foraminal_stenosis"} == {("right", 4), ("left", 3)}


def test_an_intact_skull_denies_no_fracture_elsewhere() -> None:
    findings = "Corner fracture of the distal femur. Skull is intact."

    assert "negation" not in classes(findings, "Fractures in different stages of healing.")
    assert "negation" in classes(findings, "Skull fracture.")


@pytest.mark.parametrize("words", ["withdrawing 2 cm", "withdraw by 2 cm"])
def test_a_distance_to_withdraw_is_no_size(words: str) -> None:
    findings = "Endotracheal tube ends 1.5 cm above the carina."

    assert "size" not in classes(findings, f"Low endotracheal tube, consider {words}.")
    assert "size" in classes(findings, "Endotracheal tube ends 3 cm above the carina.")


def test_the_left_hip_belongs_to_a_film_of_the_right_hip_and_pelvis_and_not_to_one_of_the_right_hip() -> None:
    impression = "Left hip prosthesis without loosening."

    assert "laterality" not in classes("Left hip prosthesis without loosening.", impression, exam="XR HIP RIGHT AND PELVIS")
    assert "laterality" in classes("Left hip prosthesis without loosening.", impression, exam="XR HIP RIGHT")


def test_a_low_lying_placenta_is_no_tube() -> None:
    assert "device" not in classes("The placenta is anterior, 9 mm from the internal os.", "Low-lying anterior placenta.")


def test_the_findings_copied_whole_are_worth_next_to_nothing() -> None:
    findings = "Moderate left pneumothorax. Mild cardiomegaly. The right lung is clear."

    assert fact_score(findings, findings) < 0.1 < fact_score(findings, "Moderate left pneumothorax.")


def test_one_word_calls_two_findings_stable() -> None:
    findings = "Stable cardiomegaly and central vascular congestion. No effusion."

    assert "omission" not in classes(findings, "Stable cardiomegaly.")
    assert "omission" in classes("Stable cardiomegaly. New vascular congestion.", "Stable cardiomegaly.")


def test_a_full_stop_slipped_into_a_denial_does_not_end_it() -> None:
    (tuberculosis,) = [
        fact for fact in read_facts("No cavitary lesion to suggest. active tuberculosis.") if "tuberculosis" in fact.concept
    ]

    assert tuberculosis.is_absent


def test_nodules_that_shrank_and_are_no_longer_seen_contradict_nothing() -> None:
    findings = "The pulmonary nodules on the previous exam are smaller and not definitely seen."

    assert not classes(findings, "Interval decrease in size of pulmonary nodules. No nodules are definitely seen.")


def test_a_nodule_of_a_thyroid_scan_is_a_thyroid_nodule() -> None:
    findings = "In the left mid lobe there is a 2.3 cm solid nodule. A 9 mm nodule in the right lower pole."

    assert "laterality" not in classes(findings, "Left thyroid nodule, 2.3 cm.", exam="US THYROID")
    assert "laterality" in classes("A 9 mm nodule in the right lower pole.", "Left thyroid nodule.", exam="US THYROID")
