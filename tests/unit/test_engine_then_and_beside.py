"""What a sentence denies of another day or of the place beside it, and whose a number of then is."""

from __future__ import annotations

import pytest

from engine.checks import check
from engine.facts import read_facts


def classes(findings: str, impression: str) -> set[str]:
    return {str(flag.flag_class.value) for flag in check(findings, impression).flags if flag.severity != "minor"}


@pytest.mark.parametrize(
    "findings",
    (
        "3 cm mass in the right lower lobe, not present before.",
        "None of the 3 cm right lower lobe mass was there on the previous study.",
    ),
)
def test_what_was_not_there_before_is_new(findings: str) -> None:
    assert [(fact.change, fact.certainty) for fact in read_facts(findings) if fact.concept == "lung_mass"][-1] == ("new", 5)
    assert not classes(findings, "New 3 cm right lower lobe mass.")
    assert "negation" in classes("No mass in the right lower lobe.", "Right lower lobe mass.")


def test_a_number_of_then_has_the_unit_of_the_number_of_now() -> None:
    node, cyst = read_facts("Pulmonary nodule 14 mm, was 22. Hepatic cyst 31 x 28 mm (previously 30 x 28).")

    assert (node.sizes, node.earlier_sizes) == (((14.0,),), ((22.0,),))
    assert cyst.earlier_sizes == ((30.0, 28.0),)
    assert read_facts("Nodule 6 mm, previously seen 2 years ago.")[0].earlier_sizes == ()


def test_a_contraction_negates_and_doubts_like_the_words_it_stands_for() -> None:
    assert [fact.certainty for fact in read_facts("A fistula can't be excluded.")] == [2]
    assert [fact.certainty for fact in read_facts("There isn't a fracture.")] == [0]


def test_no_other_fracture_leaves_the_new_one_that_was_told() -> None:
    findings = "New T9 wedge fracture with 50% height loss. No other fracture."

    assert "false-finding" not in classes(findings, "New pathological T9 fracture.")
    assert classes(findings, "New fracture of the left humerus.") & {"false-finding", "negation"}


def test_thrombus_denied_of_one_vein_is_not_denied_of_the_next() -> None:
    findings = "Left femoral vein with echogenic thrombus. The left popliteal vein is compressible, no thrombus."

    assert not classes(findings, "Left femoral vein thrombosis.")
    assert classes(findings, "Left popliteal vein thrombosis.")


def test_undisplaced_is_said_of_what_it_stands_before() -> None:
    findings = "Lateral tibial plateau fracture displaced by 6 mm. Undisplaced tibial spine avulsion fracture."

    assert not classes(findings, "Displaced lateral tibial plateau fracture, with undisplaced tibial spine avulsion fracture.")


def test_a_congruent_joint_may_be_broken_and_not_dislocated() -> None:
    assert "negation" not in classes("Hip joint congruent. Lucent line through the acetabulum.", "Acetabular fracture.")
    assert classes("Hip joint congruent.", "Hip dislocation.")


@pytest.mark.parametrize(
    ("findings", "said", "wrong"),
    (
        ("Bilateral pleural effusions, moderate on the right, small on the left.", "larger on the right", "larger on the left"),
        ("Right pleural effusion greater than left.", "right greater than left", "left greater than right"),
    ),
)
def test_an_effusion_is_larger_on_the_side_that_has_more_of_it(findings: str, said: str, wrong: str) -> None:
    assert "laterality" not in classes(findings, f"Bilateral pleural effusions, {said}.")
    assert "laterality" in classes(findings, f"Bilateral pleural effusions, {wrong}.")


def test_a_course_told_in_words_nobody_knows_is_told_all_the_same() -> None:
    honeycombing = "Basal honeycombing. It has reached the apices since 2022. Mediastinal nodes stable."

    assert "temporal" not in classes(honeycombing, "Progressive pulmonary fibrosis.")
    assert "temporal" in classes("Basal honeycombing, stable. Mediastinal nodes stable.", "Progressive pulmonary fibrosis.")


def test_a_volume_is_rounded_to_fives_and_not_to_another_one() -> None:
    findings = "Infarct core 12 mL, hypoperfused volume 118 mL."

    assert "size" not in classes(findings, "Infarct core 12 mL, hypoperfused volume 120 mL.")
    assert "size" in classes(findings, "Infarct core 112 mL.")


def test_an_extent_of_another_day_is_none_of_today() -> None:
    findings = (
        "Medial joint space narrowing, now bone on bone, moderate in 2018. Right pleural effusion reduced from large to small."
    )

    assert [fact.severity for fact in read_facts(findings)] == [None, 2]
    assert "severity" not in classes(findings, "Small right pleural effusion.")
    assert "severity" in classes(findings, "Large right pleural effusion.")


def test_a_torn_meniscus_on_the_wrong_side_of_the_knee_is_a_wrong_place() -> None:
    findings = "Medial meniscus: vertical tear of the posterior horn. Lateral meniscus intact."

    assert "location" in classes(findings, "Lateral meniscal tear.")
    assert "negation" in classes(findings, "Medial meniscal tear. Lateral meniscal tear.")
