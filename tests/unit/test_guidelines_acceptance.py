"""What an acceptance set of 197 dictations taught about whose size a number is, cysts by name, and tumour in a vein."""

from __future__ import annotations

import pytest

from engine.guidelines import recommend


@pytest.mark.parametrize(
    "text", ["Solid pulmonary nodule 7 mm, right lower lobe.", "Pulmonary nodule 7 mm, left upper lobe, solid."]
)
def test_the_lobe_behind_a_comma_does_not_take_the_nodules_size(text: str) -> None:
    (answer,) = recommend(text, exam="CT chest", age=60, risk="low")

    assert (answer.category, answer.interval_months) == ("single solid 6-8 mm", (6, 12))


@pytest.mark.parametrize("text", ["2 cm hepatic cyst.", "Multiple hepatic cysts.", "1.5 cm cyst in the left hepatic lobe."])
def test_a_hepatic_cyst_is_benign_by_its_name(text: str) -> None:
    (answer,) = recommend(text, exam="CT abdomen with contrast", age=60)

    assert (answer.category, answer.action, answer.missing) == ("benign features", "none", ())


@pytest.mark.parametrize(
    "text", ["3 cm septated hepatic cyst.", "5 cm hydatid cyst of the liver.", "2 cm hepatic cyst measuring 45 HU."]
)
def test_a_cyst_that_is_more_than_a_cyst_is_asked_about(text: str) -> None:
    assert all(answer.action != "none" for answer in recommend(text, exam="CT abdomen with contrast", age=60))


def test_tumour_in_the_portal_vein_needs_no_observation_beside_it() -> None:
    (answer,) = recommend("Cirrhosis. Tumor in the main portal vein with arterial enhancement.", exam="MRI liver", age=60)

    assert answer.category == "LR-TIV"


@pytest.mark.parametrize(
    "text",
    [
        "Cirrhosis. Bland thrombus in the portal vein.",
        "Tumor thrombus in the left renal vein.",
        "Cirrhosis. No tumor in vein.",
        "Cirrhosis. 4 cm tumor in the left renal vein. The portal vein is patent.",
    ],
)
def test_other_thrombi_have_no_li_rads_category(text: str) -> None:
    assert not [answer for answer in recommend(text, exam="CT abdomen", age=60) if answer.guideline.startswith("LI-RADS")]
