"""Who is written for, and when it is better not to."""

from __future__ import annotations

import pytest

from engine.policy import Policy, WhyNot, language_of, why_not
from ingest.report import Exam
from tests.unit.test_engine_write import report


def test_without_a_policy_every_report_is_written() -> None:
    assert why_not(report(), Policy()) is None


@pytest.mark.parametrize("switched_off", ["all", "RAD101"])
def test_a_kill_switch_stops_all_or_one_radiologist(switched_off: str) -> None:
    assert why_not(report(), Policy(switched_off=frozenset({switched_off}))) is WhyNot.SWITCHED_OFF


def test_a_kill_switch_leaves_the_colleagues_alone() -> None:
    assert why_not(report(), Policy(switched_off=frozenset({"RAD999"}))) is None


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
    ("text", "language"),
    [
        ("There is a small right pleural effusion with no pneumothorax.", "en"),
        ("Es zeigt sich ein kleiner Erguss rechts mit einer Atelektase bei der Basis.", "de"),
        ("Il existe un petit épanchement pleural droit avec une atélectasie de la base.", "fr"),
        ("No se observa derrame pleural y los campos pulmonares se encuentran sin lesiones en el examen.", "es"),
        ("Er is een klein pleuravocht rechts en geen pneumothorax te zien op de foto.", "nl"),
    ],
)
def test_the_language_of_findings_is_told_by_its_small_words(text: str, language: str) -> None:
    assert language_of(text) == language


def test_too_few_words_have_no_language() -> None:
    assert language_of("Lungs clear.") is None
