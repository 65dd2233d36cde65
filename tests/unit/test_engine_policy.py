"""Who is written for, and when it is better not to."""

from __future__ import annotations

import pytest

from engine.policy import Policy, WhyNot, is_in_shadow, is_readable, subjects_of, why_not
from ingest.read import read
from ingest.report import Exam
from tests.unit.test_engine_write import report


def test_without_a_policy_every_report_is_written() -> None:
    assert why_not(report(), Policy()) is None


@pytest.mark.parametrize("subject", ["all", "radiologist:RAD101", "site:NORTH", "site:north-ris"])
def test_a_kill_switch_stops_all_one_site_or_one_radiologist(subject: str) -> None:
    of_north = report(site="NORTH")

    assert why_not(of_north, Policy(switched_off=frozenset({subject})), source="north-ris") is WhyNot.SWITCHED_OFF


@pytest.mark.parametrize("subject", ["radiologist:RAD999", "site:SOUTH", "RAD101", "site:RAD101"])
def test_a_kill_switch_leaves_everybody_else_alone(subject: str) -> None:
    assert why_not(report(site="NORTH"), Policy(switched_off=frozenset({subject})), source="north-ris") is None


def test_a_radiologist_in_shadow_is_written_for_and_shown_nothing() -> None:
    policy = Policy(in_shadow=frozenset({"radiologist:RAD101"}))

    assert why_not(report(), policy) is None
    assert is_in_shadow(report(), policy)
    assert not is_in_shadow(report(radiologist=None), policy)


def test_who_has_not_opted_in_gets_no_draft() -> None:
    assert why_not(report(), Policy(radiologists=frozenset({"RAD102"}))) is WhyNot.RADIOLOGIST_NOT_OPTED_IN


def test_a_report_without_a_reader_is_nobodys_who_opted_in() -> None:
    assert why_not(report(radiologist=None), Policy(radiologists=frozenset({"RAD101"}))) is WhyNot.RADIOLOGIST_NOT_OPTED_IN


def test_an_exam_kind_that_is_not_opted_in_gets_no_draft() -> None:
    assert why_not(report(exam=Exam(modality="MG")), Policy(modalities=frozenset({"CT"}))) is WhyNot.EXAM_NOT_OPTED_IN


def test_findings_in_german_are_left_to_the_radiologist() -> None:
    german = "Der Herzschatten ist nicht verbreitert. Kein Pleuraerguss und keine Infiltrate in den Lungen."

    assert why_not(report(german), Policy()) is WhyNot.LANGUAGE


def test_a_one_line_normal_study_may_be_left_out() -> None:
    policy = Policy(short_normals=False)

    assert why_not(report("Normal chest radiograph."), policy) is WhyNot.SHORT_NORMAL
    assert why_not(report(), policy) is None


@pytest.mark.parametrize(
    "text",
    [
        "Es zeigt sich ein kleiner Erguss rechts mit einer Atelektase bei der Basis.",
        "Il existe un petit épanchement pleural droit avec une atélectasie de la base.",
        "No se observa derrame pleural y los campos pulmonares se encuentran sin lesiones en el examen.",
        "Er is een klein pleuravocht rechts en geen pneumothorax te zien op de foto.",
    ],
)
def test_another_language_is_told_by_its_small_words(text: str) -> None:
    assert not is_readable(text, {"en"})


@pytest.mark.parametrize(
    "text",
    [
        "There is a small right pleural effusion with no pneumothorax.",
        "Lungs clear.",
        "LA enlargement. No effusion. No consolidation. Right IJ line unchanged.",
        "Cardiomegaly. Calcified nodule, LUL. Interval sternotomy. LA dilated.",
    ],
)
def test_telegraphic_english_is_english(text: str) -> None:
    assert is_readable(text, {"en"})


def test_a_hospital_may_read_two_languages() -> None:
    german = "Es zeigt sich ein kleiner Erguss rechts mit einer Atelektase bei der Basis."

    assert is_readable(german, {"en", "de"})


def test_the_site_is_who_the_message_says_it_comes_from() -> None:
    sent = (
        b"MSH|^~\\&|RIS|NORTH^1.2.3^ISO|||20260301||ORU^R01|1|P|2.5.1\rPID|1\r"
        b"OBR|1||A1|71045^XR CHEST|||||||||||||||||||||P\rOBX|1|TX|GDT||Lungs are clear.\r"
    )

    (reading,) = read(sent)

    assert reading.report is not None
    assert "site:NORTH" in subjects_of(reading.report)
