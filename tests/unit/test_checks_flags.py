"""What stands against an impression: one planted error each, and correct impressions that must stay clean."""

from __future__ import annotations

import pytest

from engine.checks import check, fact_score
from engine.impression import Flag

FINDINGS = (
    "There is a small right pleural effusion. No pneumothorax. Consolidation in the right lower lobe. "
    "A 6 mm nodule in the left upper lobe is unchanged. The heart is mildly enlarged."
)
IMPRESSION = "1. R pleural effusion, small. 2. RLL consolidation c/w pneumonia. 3. LUL nodule, 6 mm, stable. 4. No PTX. 5. Mild cardiomegaly."


def flags(findings: str, impression: str, **context: str) -> list[Flag]:
    return [flag for flag in check(findings, impression, **context).flags if flag.severity != "minor"]


def classes(findings: str, impression: str, **context: str) -> set[str]:
    return {flag.flag_class.value for flag in flags(findings, impression, **context)}


def test_a_terse_and_abbreviated_impression_that_is_right_is_clean() -> None:
    result = check(FINDINGS, IMPRESSION)

    assert result.verdict == "clean"
    assert {sentence.status for sentence in result.sentences} == {"supported"}


@pytest.mark.parametrize(
    ("right", "wrong", "flag_class"),
    [
        ("R pleural", "L pleural", "laterality"),
        ("RLL consolidation", "RUL consolidation", "location"),
        ("6 mm", "6 cm", "size"),
        ("6 mm", "60 mm", "size"),
        ("effusion, small", "effusion, large", "severity"),
        ("No PTX", "PTX", "negation"),
        ("nodule, 6 mm, stable", "nodule, 6 mm, new", "temporal"),
        ("5. Mild cardiomegaly.", "5. Mild cardiomegaly. 6. Acute left rib fracture.", "false-finding"),
        ("1. R pleural effusion, small. ", "", "omission"),
        ("2. RLL consolidation c/w pneumonia. ", "", "omission"),
        ("5. Mild cardiomegaly.", "5. Left chest tube in place.", "device"),
    ],
)
def test_one_planted_error_is_seen_and_named(right: str, wrong: str, flag_class: str) -> None:
    changed = IMPRESSION.replace(right, wrong)

    assert changed != IMPRESSION
    assert flag_class in classes(FINDINGS, changed)


def test_a_dropped_pneumothorax_is_a_critical_omission() -> None:
    found = flags("Large left pneumothorax. Heart size is normal.", "Normal heart size.")

    assert [(flag.flag_class.value, flag.severity) for flag in found] == [("omission", "critical")]


def test_a_flag_quotes_both_places_and_points_at_them() -> None:
    impression = "Small left pleural effusion."
    flag = flags(FINDINGS, impression)[0]

    assert flag.flag_class == "laterality"
    assert flag.impression_span is not None and flag.findings_span is not None
    assert impression[slice(*flag.impression_span)] in flag.message
    assert FINDINGS[slice(*flag.findings_span)] in flag.message


def test_the_words_of_a_flag_stay_out_of_its_repr() -> None:
    flag = flags(FINDINGS, "Small left pleural effusion.")[0]

    assert "effusion" not in repr(flag)


def test_an_invented_certainty_is_seen_and_a_kept_doubt_is_not() -> None:
    findings = "Possible fracture of the left sixth rib. No pneumothorax."

    assert "certainty" in classes(findings, "Left sixth rib fracture.")
    assert not classes(findings, "Possible left sixth rib fracture.")


def test_an_opacity_may_be_read_as_pneumonia_but_not_as_a_fracture() -> None:
    findings = "Patchy opacity in the right lower lobe."

    assert check(findings, "Right lower lobe pneumonia.").verdict == "clean"
    assert "false-finding" in classes(findings, "Right rib fracture.")


def test_what_only_the_prior_report_says_is_from_prior() -> None:
    result = check("The lungs are clear.", "Known multiple myeloma. Clear lungs.", prior="Multiple myeloma.")

    assert [sentence.status for sentence in result.sentences] == ["from-prior", "supported"]
    assert result.sentences[0].evidence[0].section == "prior"


def test_an_invented_biopsy_is_flagged_and_a_called_for_ct_is_not() -> None:
    assert classes("The lungs are clear. Normal heart.", "No acute abnormality. Recommend biopsy.") == {"recommendation"}
    assert not classes("2 cm nodule in the right upper lobe.", "2 cm right upper lobe nodule. Recommend CT chest.")


def test_an_mri_of_the_brain_does_not_follow_from_a_lung_nodule() -> None:
    assert "recommendation" in classes(
        "2 cm nodule in the right upper lobe.", "2 cm right upper lobe nodule. Recommend MRI of the brain."
    )


def test_a_wrong_disc_level_is_a_wrong_location() -> None:
    findings = "L4-L5: Disc protrusion with severe canal stenosis. L5-S1: Normal."

    assert "location" in classes(findings, "Disc protrusion and severe canal stenosis at L1-L2.")
    assert not classes(findings, "Disc protrusion and severe canal stenosis at L4-5.")


def test_centimetres_and_millimetres_of_one_size_agree() -> None:
    assert not classes("14 mm right renal calculus.", "Right renal stone, 1.4 cm.")
    assert "size" in classes("14 mm right renal calculus.", "Right renal stone, 14 cm.")


def test_nothing_acute_does_not_deny_what_is_old() -> None:
    assert not classes(
        "Calcified granuloma in the left base. Degenerative changes of the spine.", "No acute cardiopulmonary abnormality."
    )


def test_an_acute_abnormality_out_of_nothing_is_a_turned_negation() -> None:
    assert classes("The lungs are clear. Heart size is normal.", "Acute cardiopulmonary abnormality.") == {"negation"}


def test_the_right_impression_scores_above_every_cheap_trick() -> None:
    right = fact_score(FINDINGS, IMPRESSION)
    tricks = (
        "No acute cardiopulmonary abnormality.",
        FINDINGS,
        "Left pneumothorax. Pulmonary edema. Rib fracture. Mass. Hernia.",
        "",
    )

    assert all(right > fact_score(FINDINGS, trick) for trick in tricks)


def test_a_normal_report_is_served_by_a_normal_impression() -> None:
    normal = "The lungs are clear. No effusion or pneumothorax. Heart size is normal."

    assert fact_score(normal, "No acute cardiopulmonary abnormality.") > 0.8
    assert fact_score(normal, "Large left pleural effusion.") < 0.5


def test_an_empty_pair_is_answered_and_does_not_fall() -> None:
    assert check("", "").verdict == "clean"
    assert fact_score("", "") == 0.0
