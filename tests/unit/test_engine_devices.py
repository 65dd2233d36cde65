"""Devices, ages and ends: what an impression may not turn round, and what it may say in other words."""

from __future__ import annotations

from engine.checks import check
from engine.impression import FlagClass


def flagged(findings: str, impression: str, exam: str = "") -> set[FlagClass]:
    return {flag.flag_class for flag in check(findings, impression, exam=exam).flags if flag.severity != "minor"}


def test_a_tube_in_the_main_bronchus_is_not_in_satisfactory_position() -> None:
    findings = "Endotracheal tube tip in the right main bronchus. Lungs are clear."
    assert FlagClass.DEVICE in flagged(findings, "ET tube in satisfactory position.")
    assert FlagClass.DEVICE not in flagged(findings, "ET tube tip in the right main bronchus; withdrawal advised.")


def test_a_lead_is_broken_only_where_the_findings_say_so() -> None:
    intact = "Left chest wall ICD with single lead in the right ventricle. Cardiomegaly."
    assert FlagClass.DEVICE in flagged(intact, "Cardiomegaly. Fractured ICD lead.")
    assert FlagClass.DEVICE not in flagged(intact, "Cardiomegaly. No evidence of fractured ICD lead.")
    assert FlagClass.DEVICE not in flagged(
        f"{intact} The lead is fractured at the clavicle.", "Cardiomegaly. Fractured ICD lead."
    )


def test_an_old_lacune_is_no_acute_infarct() -> None:
    findings = "Old lacune in the left thalamus. No hemorrhage."
    assert FlagClass.TEMPORAL in flagged(findings, "Acute left thalamic lacunar infarct. No hemorrhage.", "CT HEAD")
    assert FlagClass.TEMPORAL not in flagged(findings, "Old left thalamic lacunar infarct. No hemorrhage.", "CT HEAD")


def test_what_lies_mostly_below_is_not_upper_lobe_predominant() -> None:
    findings = "Basal predominant reticulation with honeycombing."
    assert FlagClass.LOCATION in flagged(findings, "Upper lobe predominant reticulation with honeycombing.", "HRCT CHEST")
    assert FlagClass.LOCATION not in flagged(findings, "Lower lobe predominant reticulation with honeycombing.", "HRCT CHEST")


def test_what_befalls_one_stent_is_told_of_that_stent() -> None:
    findings = "The left nephrostomy has pulled back into the perinephric fat. Right ureteral stent well placed, loops in pelvis and bladder."

    assert FlagClass.DEVICE in flagged(findings, "Left nephrostomy displaced. Right ureteral stent has migrated.")
    assert FlagClass.DEVICE not in flagged(findings, "Left nephrostomy displaced. Right ureteral stent in place.")


def test_a_lead_that_was_pulled_back_has_migrated() -> None:
    findings = "Left pacemaker. The atrial lead has pulled back, its tip now projecting over the superior vena cava."

    assert FlagClass.DEVICE not in flagged(findings, "Atrial pacer lead has migrated.")
    assert FlagClass.DEVICE in flagged("Left pacemaker. The atrial lead is unchanged.", "Atrial pacer lead has migrated.")


def test_an_artery_occluded_at_its_tip_is_no_device() -> None:
    findings = (
        "Occlusive filling defect in the basilar artery including the basilar tip. Endotracheal tube 4 cm above the carina."
    )

    assert FlagClass.DEVICE not in flagged(findings, "Basilar artery occlusion extending to the tip.", "CTA HEAD")


def test_an_error_about_a_device_is_the_devices_and_told_once() -> None:
    findings = "Right common iliac stent patent. No hydronephrosis. Right dialysis catheter, tip in the right atrium."

    assert flagged(findings, "Occluded right common iliac stent.") == {FlagClass.DEVICE}
    assert FlagClass.NEGATION not in flagged(findings, "Dialysis catheter removed.")
    assert FlagClass.DEVICE in flagged(findings, "Dialysis catheter removed.")


def test_a_denied_finding_does_not_deny_the_device_behind_the_comma() -> None:
    findings = "Left ureteral stent in position. No hydronephrosis."

    assert not flagged(findings, "No hydronephrosis, left ureteral stent in position.")
    assert FlagClass.DEVICE in flagged(findings, "No hydronephrosis, left ureteral stent migrated into the bladder.")
