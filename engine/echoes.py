"""What the impression says of a finding in words that make no fact: the one word that the findings use only there, its initials, its number.

No lexicon is ever complete. Whoever repeats the rare word, the abbreviation or the measurement of what was dictated speaks of it, unless he
denies it in the same breath; and whoever names a disease that we cannot read may mean any lesser finding. Knows words and numbers, no medicine.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from engine.compare import Match
from engine.facts import Fact, Reading
from engine.kinship import organs_of, place_of, places_meet
from engine.lexicon import lexicon
from engine.sentences import Token

#: What a sentence says of its findings beside their names and places.
NAMING = frozenset({"concept", "place"})
DENYING = frozenset({"negate-before", "negate-after", "normal"})
#: Where a statement ends within its sentence.
JOINTS = frozenset({",", ";", ":", "but", "with"})
#: Words that anything may be described with.
COMMON = frozenset(
    "approximately area arteries artery bone bones change changes from joint joints ligament muscle soft tendon tissue tissues vein veins vessel "
    "vessels wall largest level likely lobe measures measuring multiple noted normal possible prior previous region seen "
    "side since size than that this with within".split()
)
#: The fewest letters of a word, and of an ending.
SHORTEST, ENDING = 4, 4
#: How the names of diseases end.
DISEASE = re.compile(
    r"(?:itis|omas?|(?<!gn)os[ie]s|pathy|emia|plasia|cele|ectasi[sa]|megaly|rrhage|trophy|malacia|penia|syndrome)$"
)
#: Smaller measurements are met by chance.
LEAST = 3


def is_echoed(fact: Fact, seen: Reading, stated: Reading, matches: Sequence[Match], exam: str) -> bool:
    """Does the impression repeat a word, the initials or a number that the findings have for this one alone, and not to tell of another?"""
    paired = [match.partner for match in matches if match.partner is not None and match.how in ("same", "inferred")]
    others = [
        (match.fact.start, match.fact.end)
        for match in matches
        if match.partner is None or match.partner.sentence != fact.sentence
    ]
    words = [token for index in range(len(stated.sentences)) for token in _asserted(stated, index)]
    free = [token for token in words if not any(start <= token.start < end for start, end in others)]
    is_grave = lexicon().concepts[fact.concept].weight > 2
    own = _own_words(fact, seen, paired)
    return (
        any(
            _is_alike(word.text, token.text)
            for word, is_place in own
            if not (is_place and word.text in exam.lower())
            for token in (free if is_grave and is_place else words)
        )
        or _has_its_initials(fact, seen, stated, words)
        or _has_its_number(fact, seen, stated)
        or (not is_grave and _names_the_unread(stated, words))
    )


def _asserted(stated: Reading, index: int) -> Iterator[Token]:
    """The words of a sentence, without the parts of it that deny something or call it normal."""
    span = stated.sentences[index]
    denying = {term.first for term in stated.terms[index] if any(meaning.kind in DENYING for meaning in term.meanings)}
    part: list[Token] = []
    is_denied = False
    for at in range(span.first, span.last):
        if stated.tokens[at].text in JOINTS:
            yield from () if is_denied else part
            part, is_denied = [], False
        part.append(stated.tokens[at])
        is_denied = is_denied or at in denying
    yield from () if is_denied else part


def _own_words(fact: Fact, seen: Reading, told: Sequence[Fact]) -> Iterator[tuple[Token, bool]]:
    """The words of a finding that no other sentence uses and no finding that is told shares, and whether they name its place."""
    spoken_for = [(one.start, one.end) for one in told if one.sentence == fact.sentence]
    qualifying = {
        index
        for term in seen.terms[fact.sentence]
        if NAMING.isdisjoint(meaning.kind for meaning in term.meanings)
        for index in range(term.first, term.last)
    }
    placing = {
        index for term in seen.terms[fact.sentence] if term.meanings[0].kind == "place" for index in range(term.first, term.last)
    }
    elsewhere = [
        token.text
        for index, span in enumerate(seen.sentences)
        if index != fact.sentence
        for token in seen.tokens[span.first : span.last]
    ]
    for index in range(*_range(fact, seen)):
        token = seen.tokens[index]
        if (
            len(token.text) >= SHORTEST
            and token.text.isalpha()
            and token.text not in COMMON
            and index not in qualifying
            and not any(start <= token.start < end for start, end in spoken_for)
            and not any(_is_alike(token.text, other) for other in elsewhere)
        ):
            yield token, index in placing


def _range(fact: Fact, seen: Reading) -> tuple[int, int]:
    """The tokens of its span."""
    return bisect_left(seen.tokens, fact.start, key=_start), bisect_left(seen.tokens, fact.end, key=_start)


def _start(token: Token) -> int:
    return token.start


def _is_alike(one: str, other: str) -> bool:
    """The same word but for its ending: "endometrium" and "endometrial", never "hypertrophied" and "hypertension"."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < SHORTEST:
        return False
    stem = max(SHORTEST + 1, len(longer) // 2 + 1)
    return longer[:stem] == shorter[:stem] or (longer.startswith(shorter) and len(longer) <= len(shorter) + ENDING)


def _has_its_initials(fact: Fact, seen: Reading, stated: Reading, words: Sequence[Token]) -> bool:
    """`RAS` for "renal artery … stenosis"."""
    initials = "".join(token.text[0] for token in seen.tokens[slice(*_range(fact, seen))] if token.text.isalpha())
    return any(len(word.text) >= 3 and word.text in initials and stated.text[word.start : word.end].isupper() for word in words)


def _names_the_unread(stated: Reading, words: Sequence[Token]) -> bool:
    """A word with the ending of a disease that no term knows."""
    known = {stated.tokens[index].start for terms in stated.terms for term in terms for index in range(term.first, term.last)}
    return any(word.start not in known and DISEASE.search(word.text) is not None for word in words)


def _has_its_number(fact: Fact, seen: Reading, stated: Reading) -> bool:
    """`Endometrial thickness 14 mm`, `62 mm subcutaneous lipoma`: measured so was this alone, and no other organ is named beside the number."""
    own = {number for size in fact.sizes for number in size if number >= LEAST}
    others = {number for one in seen.facts if one.start != fact.start for size in one.sizes for number in size}
    place = place_of(fact)
    for size in stated.sizes if own - others else ():
        if own.isdisjoint(size.mm) or not others.isdisjoint(size.mm):
            continue
        terms = next(terms for terms, span in zip(stated.terms, stated.sentences, strict=True) if size.first < span.last)
        places = {meaning.value for term in terms for meaning in term.meanings if meaning.kind == "place"}
        if not places or place is None or any(places_meet(one, place) or organs_of(one) & organs_of(place) for one in places):
            return True
    return False


__all__ = ["is_echoed"]
