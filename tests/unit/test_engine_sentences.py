"""Words as they are spelt on either side of the ocean."""

from __future__ import annotations

import pytest

from engine.sentences import tokens_of


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("Haemorrhage in the oedematous caecum.", "Hemorrhage in the edematous cecum."),
        ("Oesophageal tumour, ischaemic colour change.", "Esophageal tumor, ischemic color change."),
        (
            "Localised necrotising inflammation at the grey-white junction.",
            "Localized necrotizing inflammation at the gray-white junction.",
        ),
    ],
)
def test_british_and_american_spellings_are_the_same_words_at_their_own_places(british: str, american: str) -> None:
    assert [token.text for token in tokens_of(british)] == [token.text for token in tokens_of(american)]
    assert [british[token.start : token.end].lower() for token in tokens_of(british)][:1] == [
        british.split(maxsplit=1)[0].lower()
    ]


@pytest.mark.parametrize("word", ["raised", "advised", "disease", "otherwise", "exercise", "comparison", "before", "four"])
def test_a_word_that_only_looks_british_stays(word: str) -> None:
    assert [token.text for token in tokens_of(word)] == [word]
