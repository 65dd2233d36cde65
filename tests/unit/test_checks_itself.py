"""What an impression says against itself, against the examination, and against the patient; and what carries across sentences."""

from __future__ import annotations

import pytest

from engine.checks import check
from engine.contradictions import sex_in
from engine.facts import read_facts
from engine.impression import Flag


def flags(findings: str, impression: str, **context: str) -> list[Flag]:
    return [flag for flag in check(findings, impression, **context).flags if flag.severity != "minor"]


def classes(findings: str, impression: str, **context: str) -> set[str]:
    return {flag.flag_class.value for flag in flags(findings, impression, **context)}


def test_a_pneumothorax_denied_and_stated_contradicts_itself() -> None:
    found = flags("", "1. No pneumothorax. 2. Small left pneumothorax.")

    assert [(flag.flag_class.value, flag.message.split(":")[0]) for flag in found] == [
        ("negation", "The impression contradicts itself")
    ]


def test_one_nodule_cannot_be_left_and_then_right() -> None:
    findings = "There is a 6 mm pulmonary nodule."

    assert "laterality" in classes(findings, "6 mm left upper lobe nodule. The right upper lobe nodule needs follow-up.")
    assert "laterality" not in classes(findings, "6 mm left upper lobe nodule. The left upper lobe nodule needs follow-up.")


def test_two_nodules_on_two_sides_are_no_contradiction() -> None:
    findings = "6 mm nodule in the left upper lobe. 4 mm nodule in the right upper lobe."

    assert not classes(findings, "6 mm left upper lobe nodule. 4 mm right upper lobe nodule.")


def test_a_lesion_named_twice_without_a_side_has_not_changed_sides() -> None:
    findings = "Main pulmonary artery is enlarged at 34 mm."

    assert not classes(findings, "Enlarged pulmonary artery measuring 34 mm. Dilated main PA, 34 mm.")


@pytest.mark.parametrize("exam", ["XR KNEE LEFT 3 VIEWS", "XR LT KNEE", "XR_KNEE_LEFT"])
def test_a_right_effusion_in_a_report_on_the_left_knee_is_flagged_although_the_findings_say_so_too(exam: str) -> None:
    findings = "Moderate effusion of the right knee."

    assert classes(findings, "Right knee effusion.", exam=exam) == {"laterality"}
    assert not classes(findings, "Right knee effusion.", exam="XR KNEE RIGHT")


def test_a_comparison_with_the_other_knee_is_meant() -> None:
    assert not classes(
        "Left knee effusion. Right knee effusion for comparison.", "Left knee effusion, unlike the right knee effusion compared.",
        exam="XR KNEE LEFT",
    )  # fmt: skip


def test_a_chest_film_has_two_sides_whatever_its_name() -> None:
    assert not classes("Right pleural effusion.", "Right pleural effusion.", exam="XR CHEST LEFT DECUBITUS")


@pytest.mark.parametrize(
    ("sex", "indication"), [("F", ""), ("female", ""), ("", "61-year-old woman with pain."), ("", "61 yo F with pain.")]
)
def test_a_prostate_in_a_woman_is_flagged(sex: str, indication: str) -> None:
    findings = "The prostate is enlarged."

    assert classes(findings, "Enlarged prostate.", sex=sex, indication=indication) == {"false-finding"}
    assert not classes(findings, "Enlarged prostate.", sex="M")


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("54-year-old male", "male"),
        ("54 yo F", "female"),
        ("Her husband, a man, and the woman", ""),
        ("Fever", ""),
        ("Vitamin F", ""),
    ],
)
def test_the_sex_is_read_from_the_indication_only_when_it_is_plain(text: str, sex: str) -> None:
    assert sex_in(text) == sex


def test_a_level_does_not_pass_into_the_next_item_of_a_list() -> None:
    found = {fact.concept: fact.levels for fact in read_facts("1. L3 compression fracture. 2. Mild scoliosis. 3. Gallstones.")}

    assert found["compression_fracture"] == ("L3",)
    assert found["scoliosis"] == ()


def test_a_heading_with_a_side_holds_for_its_sentences() -> None:
    text = "Right knee: Moderate effusion. Left knee: Joint space narrowing. No effusion."
    found = [(fact.concept, fact.side, fact.is_present) for fact in read_facts(text)]

    assert found == [
        ("joint_effusion", "right", True),
        ("joint_space_narrowing", "left", True),
        ("joint_effusion", "left", False),
    ]


def test_two_bones_under_one_fracture_are_two_fractures() -> None:
    found = {fact.concept for fact in read_facts("Left clavicle and rib fractures.")}

    assert found == {"clavicle_fracture", "rib_fracture"}


def test_an_adjective_said_for_a_finding_carries_it() -> None:
    findings = "The 1.7 cm left lower lobe nodule is hypermetabolic."

    assert "omission" not in classes(findings, "Hypermetabolic 1.7 cm left lower lobe nodule.")


@pytest.mark.parametrize(
    ("text", "concept", "certainty"),
    [
        ("There may be a pericardial effusion.", "pericardial_effusion", 2),
        ("Differential includes pneumonia and lung mass.", "lung_mass", 2),
        ("Lungs are clear airspace disease.", "airspace_opacity", 0),
        ("Infection is another consideration.", "infection", 2),
    ],
)
def test_doubt_and_denial_reach_as_far_as_they_are_meant(text: str, concept: str, certainty: int) -> None:
    assert [fact.certainty for fact in read_facts(text) if fact.concept == concept] == [certainty]


def test_a_question_in_the_indication_is_no_earlier_knowledge() -> None:
    findings = "The lungs are clear. Heart size is normal."

    assert "false-finding" in classes(findings, "Active tuberculosis.", indication="Rule out tuberculosis.")
    assert not classes(findings, "Known multiple myeloma. Clear lungs.", indication="Multiple myeloma.")


def test_a_large_heart_calls_for_no_biopsy() -> None:
    assert "recommendation" in classes("The heart is enlarged.", "Cardiomegaly. Recommend CT-guided biopsy.")


def test_an_examination_that_could_not_show_all_may_be_repeated() -> None:
    assert not classes("Limited by motion artifact. No consolidation.", "Limited study. Recommend repeat chest radiograph.")
    assert "recommendation" in classes("Limited by motion artifact. No consolidation.", "Recommend MRI of the brain.")


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Acute thrombus in the left popliteal vein.", "Acute thrombus in the left femoral vein."),
        ("Fracture of the right distal fibula.", "Right proximal fibular fracture."),
        ("1.4 cm mass in the upper outer quadrant of the left breast.", "1.4 cm left breast mass, lower inner quadrant."),
        ("However, in the left lower lobe there is a 1 cm nodule.", "Left upper lobe nodule, 1 cm."),
    ],
)
def test_a_wrong_part_of_the_right_organ_is_a_wrong_location(findings: str, impression: str) -> None:
    assert "location" in classes(findings, impression)
