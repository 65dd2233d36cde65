"""Tubes and lines of an impression end where the findings put them."""

from __future__ import annotations

import pytest

from engine.checks import check


def classes(findings: str, impression: str) -> set[str]:
    return {str(flag.flag_class) for flag in check(findings, impression).flags if flag.severity != "minor"}


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("Nasogastric tube tip in the distal esophagus.", "NG tube tip in the stomach, satisfactory."),
        ("ETT tip in the right main bronchus, 2 cm beyond the carina.", "ETT satisfactory above the carina."),
        ("Right PICC tip in the right atrium.", "PICC tip in the mid SVC."),
        ("UVC tip projects over the liver.", "UVC satisfactory at the inferior cavoatrial junction."),
        ("Left PICC tip in the lower SVC.", "Left PICC malpositioned in the internal jugular vein."),
        ("The drain lies anterior to the collection, not within it.", "Drain tip within the collection."),
        ("IUD in the uterine cavity at the fundus.", "IUD displaced into the cervical canal."),
    ],
)
def test_an_end_that_lies_elsewhere_is_asked_about(findings: str, impression: str) -> None:
    assert "device" in classes(findings, impression)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("NG tube passes down the esophagus, its tip in the stomach.", "NG tube in the stomach."),
        ("ETT ends 1.5 cm above the carina.", "Low ETT, consider withdrawing 2 cm."),
        ("Right IJ line with its tip in the lower SVC.", "Right jugular line in good position."),
        ("PICC tip at the cavoatrial junction.", "PICC tip in the distal SVC."),
        ("Left chest tube in place with subcutaneous emphysema.", "Left chest tube in satisfactory position."),
        ("UAC tip at T7. UVC tip over the liver.", "UAC satisfactory. UVC over the liver, reposition."),
    ],
)
def test_an_end_that_lies_there_stands(findings: str, impression: str) -> None:
    assert "device" not in classes(findings, impression)


@pytest.mark.parametrize(
    ("findings", "impression"),
    [
        ("The syndesmotic screw is broken at the clear space.", "All screws including the syndesmotic screw are intact."),
        ("Pacemaker leads unchanged. No lead fracture or kinked wire.", "The pacemaker lead is dislodged."),
    ],
)
def test_a_device_called_sound_or_gone_against_the_findings_is_asked_about(findings: str, impression: str) -> None:
    assert "device" in classes(findings, impression)
