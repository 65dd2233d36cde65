"""What an examination's name says of where it looks: `MR CARDIAC` at the heart, `CT CHEST` at everything in the thorax, and the spine with it."""

from __future__ import annotations

from functools import lru_cache

from engine.lexicon import lexicon, rows_of
from engine.sentences import tokens_of

#: Parts that are examined by themselves, and what lies in the same picture.
PARTS = frozenset("head neck thorax abdomen pelvis spine upper_extremity lower_extremity".split())
SEEN_TOGETHER = {
    "head": ("neck",), "neck": ("head", "spine"), "abdomen": ("pelvis", "spine"), "pelvis": ("abdomen", "lower_extremity", "spine"),
    "lower_extremity": ("pelvis",), "upper_extremity": ("thorax",), "thorax": ("spine",), "spine": ("neck",),
}  # fmt: skip


@lru_cache(maxsize=1024)
def places_of(exam: str) -> frozenset[str]:
    """The places that an examination's name speaks of; none when it names no place."""
    words = [token.text for token in tokens_of(exam.replace("_", " "))]
    terms = (
        *lexicon().find(words),
        *(term for word in words for term in lexicon().find([word])),
    )  # "ct chest" is a term of its own
    named = {meaning.value for term in terms for meaning in term.meanings if meaning.kind == "place"}
    return frozenset(named | {place for word, place in rows_of("exams.tsv", 2) if word in words})


@lru_cache(maxsize=1024)
def parts_of(exam: str) -> frozenset[str]:
    """The parts of the body that an examination's name speaks of, and what is always seen with them; none when it names no place."""
    named = frozenset(part for place in places_of(exam) for part in PARTS & lexicon().around[place])
    return named | {other for part in named for other in SEEN_TOGETHER.get(part, ())}


@lru_cache(maxsize=1024)
def seen_at(exam: str) -> frozenset[str]:
    """The places of the name, and what is seen with those that are whole parts of the body: a knee shows nothing else, an abdomen the spine."""
    places = places_of(exam)
    return places | {other for place in places for other in SEEN_TOGETHER.get(place, ())}
