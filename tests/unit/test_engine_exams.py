"""What an examination's name tells: where it looks, and what a short word can mean there."""

from __future__ import annotations

import pytest

from engine.exams import parts_of, places_of
from engine.facts import read
from engine.lexicon import lexicon, rows_of


@pytest.mark.parametrize(
    ("exam", "places", "parts"),
    [
        ("MR CARDIAC", {"heart"}, {"thorax", "spine"}),
        ("XR_KNEE_LEFT", {"knee"}, {"lower_extremity", "pelvis"}),
        ("PORTABLE", set(), set()),
    ],
)
def test_a_name_tells_places_and_parts(exam: str, places: set[str], parts: set[str]) -> None:
    assert places_of(exam.lower()) == places
    assert parts_of(exam.lower()) == parts


@pytest.mark.parametrize(
    ("exam", "text", "concept"),
    [
        ("MR BRAIN", "Lesions typical of MS.", "demyelination"),
        ("US OBSTETRIC", "BPD 52 mm.", None),
        ("XR CHEST", "Changes of BPD.", "bronchopulmonary_dysplasia"),
        ("MR CARDIAC", "Native T1 1050 ms.", None),
        ("", "MS.", "demyelination"),
    ],
)
def test_a_short_word_is_read_where_its_organ_is_examined(exam: str, text: str, concept: str | None) -> None:
    concepts = [fact.concept for fact in read(text, exam=exam).facts]
    assert concept in concepts if concept else not concepts


def test_every_place_that_a_name_may_mean_is_in_the_lexicon() -> None:
    assert {place for _, place in rows_of("exams.tsv", 2)} <= set(lexicon().places)
