"""A word that the findings deny and the impression states, whatever it means: `no collapse`, and then `with collapse`.

The net under engine/compare.py for findings that have no name in the lexicon. A word counts as denied where it ends a run behind a "no"
or a "without", and nowhere else in the findings is said without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.facts import Reading
from engine.impression import Flag, FlagClass, Span

NO = frozenset({"no", "without", "nor"})
ENDS = frozenset(
    ". , ; : ( ) of in to on at from with for by or and is are was were seen noted identified beyond over above within".split()
)
#: A sentence with one of these asks, advises, doubts or tells of the past.
SPARED = frozenset(
    "recommend advised ask history hedge-before hedge-after negate-before negate-after normal except ask-mark".split()
)
#: `Pre-collapse` is none; the empty text stands before the first word.
HYPHENS = ("-", "–")
#: Words that deny nothing by themselves.
EMPTY = frozenset(
    "evidence change changes other further new acute significant definite suspicious abnormality abnormalities finding findings disease lesion lesions "
    "complication complications features signs sign appearance previous prior comparison examination study imaging residual focal".split()
)


def turned_round(seen: Reading, stated: Reading, settled: Sequence[Span]) -> Iterator[Flag]:
    """A major flag for every word of the impression that the findings only deny, outside of what is `settled` by its name."""
    told = [token for token in stated.tokens if len(token.text) > 4 and token.text in seen.words and token.text not in EMPTY]
    if not told or NO.isdisjoint(seen.words):
        return
    denied, said = _denied(seen)
    flagged: set[str] = set()
    for token in told:
        if token.text not in denied or token.text in said or token.text in flagged:
            continue
        is_settled = any(start <= token.start < end for start, end in settled)
        if is_settled or stated.text[token.start - 1 : token.start] in HYPHENS or _is_spared(stated, token.start):
            continue
        flagged.add(token.text)
        message = f"The impression says “{stated.text[token.start : token.end]}”; the findings say so only behind a “no”."
        yield Flag(FlagClass.NEGATION, "major", message, (token.start, token.end), None)


def _denied(seen: Reading) -> tuple[set[str], set[str]]:
    """The words that end a run behind a "no", and the words said outside of any such run."""
    denied: set[str] = set()
    said: set[str] = set()
    is_denied = False
    for index, token in enumerate(seen.tokens):
        if token.text in NO:
            is_denied = True
        elif token.text in ENDS:
            is_denied = is_denied and token.text in ("or", ",", "and") and _goes_on(seen, index)
        elif is_denied:
            after = seen.tokens[index + 1].text if index + 1 < len(seen.tokens) else "."
            if after in ENDS:
                denied.add(token.text)
        else:
            said.add(token.text)
    return denied, said


def _goes_on(seen: Reading, index: int) -> bool:
    """`No A, B or C`: the list goes on to its "or"."""
    for token in seen.tokens[index : index + 8]:
        if token.text == "or":
            return True
        if token.text in (".", ";"):
            return False
    return False


def _is_spared(stated: Reading, at: int) -> bool:
    """In a sentence that denies or asks, or in a word that is part of another: `fracture risk`."""
    index = next((index for index, span in enumerate(stated.sentences) if span.start <= at < span.end), 0)
    return any(
        meaning.kind in SPARED
        or (meaning.kind == "filler" and stated.tokens[term.first].start <= at < stated.tokens[term.last - 1].end)
        for term in stated.terms[index]
        for meaning in term.meanings
    )
