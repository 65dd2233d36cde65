"""Sizes and sides of an impression that stand nowhere in the findings, whatever they belong to.

The last net under engine/compare.py: it needs no partner for a fact, so it also catches what was attached to the wrong word or read as an
interpretation. A size is strange when the findings give sizes and none of them is this one; a side, when only the other side was dictated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.facts import Fact, Reading
from engine.impression import Flag, FlagClass
from engine.lexicon import lexicon
from engine.measures import Size, same_size, sizes_in
from engine.sentences import Span, Token

OTHER = {"left": "right", "right": "left"}
#: What is moved or grows by a distance.
MOVES = frozenset(
    "withdraw withdrawing withdrawn retract retracting retracted advance advancing advanced pull pulling increased grown".split()
)
#: A sentence with one of these speaks of something else than this examination, or denies.
SPARED = frozenset({"recommend", "advised", "ask", "negate-before", "negate-after", "history", "normal", "except"})


def strangers(seen: Reading, stated: Reading, told: Sequence[Fact], flags: Sequence[Flag]) -> list[Flag]:
    """Flags for strange sizes and sides in sentences that carry no flag of that class yet."""
    flagged = {
        (flag.flag_class, index)
        for flag in flags
        if flag.impression_span
        for index in [_sentence_of(stated, flag.impression_span[0])]
    }
    return [flag for flag in (*_sizes(seen, stated, told), *_sides(seen, stated, told))
            if flag.impression_span and (flag.flag_class, _sentence_of(stated, flag.impression_span[0])) not in flagged]  # fmt: skip


def _sizes(seen: Reading, stated: Reading, told: Sequence[Fact]) -> Iterator[Flag]:
    stated_sizes = _all_sizes(stated)
    known = [number for size in _all_sizes(seen) for number in size.mm] if stated_sizes else []
    known += [number for fact in told for size in (*fact.sizes, *fact.earlier_sizes) for number in size]
    if not known:
        return
    for size in stated_sizes:
        if _is_a_change(stated.tokens, size.first):
            continue
        if size.mm and not all(any(same_size(number, other) for other in known) for number in size.mm):
            start, end = stated.tokens[size.first].start, stated.tokens[size.last - 1].end
            message = f"The impression gives a size of “{stated.text[start:end]}”; the findings give no such size."
            yield Flag(FlagClass.SIZE, "major", message, (start, end), None)


def _is_a_change(tokens: Sequence[Token], first: int) -> bool:
    """`withdrawing 2 cm`, `increased by 4 mm`: how far, not how large."""
    before = {token.text for token in tokens[max(0, first - 2) : first]}
    return not MOVES.isdisjoint(before)


def _all_sizes(reading: Reading) -> list[Size]:
    return [size for span in reading.sentences for size in sizes_in(reading.tokens, span.first, span.last)]


def _sides(seen: Reading, stated: Reading, told: Sequence[Fact]) -> Iterator[Flag]:
    known = set().union(
        *(_sides_in(seen, index) for index in range(len(seen.sentences))), {fact.side for fact in told if fact.side}
    )
    if "bilateral" in known or not known:
        return
    for index, span in enumerate(stated.sentences):
        strange = {side for side in _sides_in(stated, index) if side in OTHER and side not in known and OTHER[side] in known}
        if strange and not _is_spared(stated, index) and any(fact.sentence == index for fact in stated.facts):
            side = strange.pop()
            words = _words(stated, span)
            message = f"The impression says {side} in “{words}”; the findings speak of the {OTHER[side]} only."
            yield Flag(FlagClass.LATERALITY, "major", message, (span.start, span.end), None)


def _is_spared(reading: Reading, index: int) -> bool:
    return any(meaning.kind in SPARED for term in reading.terms[index] for meaning in term.meanings)


def _sides_in(reading: Reading, index: int) -> set[str]:
    places = lexicon().places
    found = {
        meaning.value if meaning.kind == "side" else meaning.side
        for term in reading.terms[index] for meaning in term.meanings
        if meaning.kind != "place" or places[meaning.value].side is None  # the lingula is left, whoever dictates it
    }  # fmt: skip
    return {side for side in found if side in ("left", "right", "bilateral")}


def _words(reading: Reading, span: Span) -> str:
    words = " ".join(reading.text[span.start : span.end].split())
    return words if len(words) <= 110 else f"{words[:80]} … {words[-25:]}"


def _sentence_of(reading: Reading, at: int) -> int:
    return next((index for index, span in enumerate(reading.sentences) if span.start <= at < span.end), -1)
