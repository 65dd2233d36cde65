"""What is left out and no rule excuses is weighed: what a colleague would have left out as well is a note."""

from __future__ import annotations

from engine.checks import check
from engine.facts import read
from engine.impression import FlagClass
from engine.left_out import Telling, signs
from engine.lexicon import rows_of

HEAD = (
    "Large right frontal haematoma, 52 mm, with 11 mm of leftward midline shift and effaced cisterns. Intraventricular blood. "
    "Chronic infarct of the left cerebellum. Mastoid air cells clear. Orbits normal. No skull fracture. "
)


def severity(findings: str, impression: str, exam: str, concept: str) -> str:
    """How loud the omission of `concept` is: empty where there is none."""
    flags = [flag for flag in check(findings, impression, exam=exam).flags if flag.flag_class is FlagClass.OMISSION]
    return next((flag.severity for flag in flags if concept in flag.message), "")


def test_a_chance_find_at_the_end_of_a_long_report_may_stay_there_beside_a_catastrophe() -> None:
    findings = HEAD + "Scalp normal. Paranasal sinuses: a polyp. Parotid: 11 mm thyroid nodule partly shown."

    assert (
        severity(findings, "Large right frontal haematoma with midline shift and intraventricular blood.", "CT HEAD", "nodule")
        == "minor"
    )


def test_the_gravest_finding_is_asked_about_wherever_it_stands() -> None:
    findings = "Lungs clear. Heart normal. Liver normal. Kidneys normal. Small hiatal hernia. Bowel normal. Spleen normal. Also free air under the diaphragm."

    assert severity(findings, "Small hiatal hernia.", "CT ABDOMEN PELVIS", "free") == "critical"


def test_a_critical_finding_is_asked_about_where_nothing_as_grave_is_told() -> None:
    findings = HEAD + "Small subdural haematoma over the left convexity."

    assert severity(findings, "Chronic left cerebellar infarct.", "CT HEAD", "midline shift") == "critical"


def test_in_a_short_report_everything_that_matters_is_worth_saying_again() -> None:
    findings = "Left lower lobe consolidation. Displaced fracture of the left seventh rib."

    assert severity(findings, "Left lower lobe pneumonia.", "XR CHEST", "fracture") == "major"


def test_every_sign_of_the_table_is_known_and_every_known_sign_is_in_the_table() -> None:
    seen = read(HEAD, section="findings", exam="CT HEAD")

    found = signs(seen.facts[0], Telling(seen, [], "CT HEAD"))

    assert list(found) == [name for name, _, _ in rows_of("left_out.tsv", 3)]
    assert found["nothing is told"] == 1 and found["graver is told"] < 0
