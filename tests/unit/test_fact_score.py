"""The fact score as a reward: what a learner could try, and what must stay in order."""

from __future__ import annotations

import pytest

from engine.checks import fact_score

FINDINGS = (
    "The heart is mildly enlarged. There is a moderate left pleural effusion. Consolidation in the left lower lobe. "
    "No pneumothorax. The mediastinum is normal."
)
GOOD = "Moderate left pleural effusion and left lower lobe consolidation. Mild cardiomegaly."


@pytest.mark.parametrize(
    "normal", ["No acute abnormality.", "No acute abnormalities identified.", "No acute cardiopulmonary disease."]
)
def test_a_normal_study_may_be_called_normal_in_any_words(normal: str) -> None:
    healthy = "The lungs are clear. No effusion or pneumothorax. Heart size is normal."

    assert fact_score(healthy, normal) > 0.95
    assert fact_score(healthy, normal) > fact_score(healthy, f"{normal} Left pneumothorax.")


def test_a_general_normal_earns_no_more_than_what_the_rest_carries() -> None:
    alone = fact_score(FINDINGS, "No acute cardiopulmonary abnormality.")

    assert alone < 0.05
    assert alone < fact_score(FINDINGS, "Mild cardiomegaly and left lung mass. No acute cardiopulmonary abnormality.")


def test_every_finding_that_is_added_raises_the_score() -> None:
    said = ["Mild cardiomegaly.", "Moderate left pleural effusion.", "Left lower lobe consolidation."]

    scores = [fact_score(FINDINGS, " ".join(said[:number])) for number in range(len(said) + 1)]

    assert scores == sorted(set(scores))


@pytest.mark.parametrize(
    "wrong",
    [
        "Moderate right pleural effusion and left lower lobe consolidation. Mild cardiomegaly.",
        "Moderate left pleural effusion and left upper lobe consolidation. Mild cardiomegaly.",
        "Large left pleural effusion and left lower lobe consolidation. Mild cardiomegaly.",
        "Moderate left pleural effusion and possible left lower lobe consolidation. Mild cardiomegaly.",
        "Moderate left pleural effusion. Mild cardiomegaly.",
        f"{GOOD} Left rib fracture.",
        f"{GOOD} Pneumothorax.",
    ],
)
def test_an_error_costs(wrong: str) -> None:
    assert fact_score(FINDINGS, wrong) < fact_score(FINDINGS, GOOD)


def test_the_findings_said_over_again_are_worth_next_to_nothing() -> None:
    assert fact_score(FINDINGS, FINDINGS) < 0.02


def test_findings_that_all_matter_may_be_repeated_without_the_rest() -> None:
    findings = "Avascular necrosis of the left femoral head. Moderate left hip effusion. The right hip is normal."

    assert fact_score(findings, "Avascular necrosis of the left femoral head. Moderate left hip effusion.") > 0.9


def test_changes_of_nothing_earn_nothing_in_a_normal_study() -> None:
    assert fact_score("The lungs are clear. Heart size is normal.", "Chronic changes.") < 0.4


def test_a_finding_under_another_name_is_worth_more_at_its_own_place() -> None:
    findings = "Compression fracture of T12. The lungs are clear."

    assert fact_score(findings, "Old injury at T12.") > fact_score(findings, "Old injury at L3.")


def test_what_the_findings_deny_carries_nothing_else() -> None:
    findings = "Fluid-containing density beside the heart, stable. No pleural effusion."

    assert fact_score(findings, "Bilateral pleural effusions.") < fact_score(findings, "Stable density beside the heart.") / 3
