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
