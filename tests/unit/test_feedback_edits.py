"""How much a radiologist changed, sentence by sentence, and of what nature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.prompts import Dictation
from feedback.edits import change_of, edit_distance, levenshtein, sentence_diff, sentences_of, tokens_of

FINDINGS = (
    "Heart size is normal. There is a 9 mm nodule in the right upper lobe. Small left pleural effusion. No pneumothorax. "
    "Mild degenerative change of the spine."
)
CHEST = Dictation("CT chest", FINDINGS, "Cough", "CT of last year")
SHOWN = "9 mm right upper lobe nodule. Small left pleural effusion."
WORDS = st.lists(st.sampled_from(["the", "lungs", "are", "clear", "no", "effusion", ".", ","]), max_size=90)


@pytest.mark.parametrize(
    ("shown", "signed", "distance"),
    [
        ("No acute disease.", "No acute disease.", 0.0),
        ("No acute disease.", "NO ACUTE DISEASE .", 0.0),
        ("", "", 0.0),
        ("", "No acute disease.", 1.0),
        ("No acute disease.", "", 1.0),
        ("No acute disease.", "No acute abnormality.", 1 / 4),
        ("Normal.", "No acute cardiopulmonary disease.", 4 / 5),
        ("A 9 mm nodule.", "A 9 mm nodule, unchanged.", 2 / 7),
    ],
)
def test_the_distance_is_the_share_of_words_and_stops_that_were_changed(shown: str, signed: str, distance: float) -> None:
    assert edit_distance(shown, signed) == pytest.approx(distance)


@given(WORDS, WORDS)
def test_the_quick_levenshtein_is_the_textbooks(a: list[str], b: list[str]) -> None:
    row = list(range(len(b) + 1))
    for i, token in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (token != other))

    assert levenshtein(a, b) == row[-1]


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_distance_is_the_same_both_ways_and_between_nothing_and_everything(shown: str, signed: str) -> None:
    distance = edit_distance(shown, signed)

    assert 0.0 <= distance <= 1.0
    assert distance == edit_distance(signed, shown)
    assert (distance == 0.0) == (tokens_of(shown) == tokens_of(signed))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("1. No acute disease.\n2. Stable 5 mm nodule.", ["No acute disease.", "Stable 5 mm nodule."]),
        ("1. No acute disease. 2. Stable 5 mm nodule.", ["No acute disease.", "Stable 5 mm nodule."]),
        ("- Clear lungs\n- No effusion", ["Clear lungs", "No effusion"]),
        ("A 1.5 cm cyst in segment 4. No stone.", ["A 1.5 cm cyst in segment 4.", "No stone."]),
        ("  \n ", []),
    ],
)
def test_a_list_and_running_text_have_the_same_sentences(text: str, sentences: list[str]) -> None:
    assert sentences_of(text) == sentences


def test_the_diff_says_what_was_kept_moved_changed_removed_and_added() -> None:
    shown = "Clear lungs. No effusion. Normal heart size. Old rib fracture."
    signed = "Normal heart size. Clear lungs. Small left effusion today. Old healed rib fracture."

    diff = [(row.what, row.shown, row.signed) for row in sentence_diff(shown, signed)]

    assert ("kept", "Clear lungs.", "Clear lungs.") in diff or ("moved", "Clear lungs.", "Clear lungs.") in diff
    assert [what for what, _, _ in diff].count("moved") == 1
    assert ("removed", "No effusion.", None) in diff
    assert ("added", None, "Small left effusion today.") in diff
    assert ("changed", "Old rib fracture.", "Old healed rib fracture.") in diff


@given(st.lists(st.sampled_from(["Clear lungs.", "No effusion.", "Normal heart."]), max_size=4), WORDS)
def test_the_diff_loses_no_sentence_of_either_side(shown: list[str], signed: list[str]) -> None:
    old, new = " ".join(shown), " ".join(signed)

    rows = sentence_diff(old, new)

    assert sorted(row.shown for row in rows if row.shown) == sorted(sentences_of(old))
    assert [row.signed for row in rows if row.signed] == sentences_of(new)


def test_a_signature_equal_to_the_draft_changes_nothing() -> None:
    assert change_of(CHEST, SHOWN, SHOWN.upper()) == "none"


@pytest.mark.parametrize(
    "signed",
    [
        "1. Right upper lobe nodule measuring 9 mm.\n2. Small left pleural effusion.",
        "Small left effusion. 9 mm RUL nodule.",
        SHOWN + " No pneumothorax.",
        SHOWN + " Mild degenerative change.",
    ],
)
def test_the_same_facts_in_other_words_are_style(signed: str) -> None:
    assert change_of(CHEST, SHOWN, signed) == "style"


@pytest.mark.parametrize(
    "signed",
    [
        "9 mm left upper lobe nodule. Small left pleural effusion.",
        "6 mm right upper lobe nodule. Small left pleural effusion.",
        "No nodule. Small left pleural effusion.",
        "9 mm right upper lobe nodule. Large left pleural effusion.",
        "No acute disease.",
    ],
)
def test_other_facts_are_no_matter_of_style(signed: str) -> None:
    assert change_of(CHEST, SHOWN, signed) in {"content", "safety"}


def test_a_critical_finding_the_draft_did_not_have_is_a_matter_of_safety() -> None:
    assert change_of(CHEST, SHOWN, SHOWN + " Right tension pneumothorax.") == "safety"
