"""Whether a word stands under a negation, and whether something is affirmed, denied or not said at all."""

from __future__ import annotations

import re

from engine.guidelines import words
from engine.guidelines.patterns import opens


def negated_at(sentence: str, at: int, left: int = 0, reach: int = 110) -> bool:
    """Whether the word at `at` stands under a negation that began at most `reach` characters before it in the same stretch."""
    window = sentence[max(left, at - reach) : at]
    cues = list(words.NEGATION.finditer(window))
    if not cues:
        return False
    between = window[cues[-1].end() :]
    if cues[-1][0].lower() == "not" and "," in between:  # "not taller than wide, margins smooth"
        return False
    return not words.NEGATION_ENDS.search(between)


def said(text: str, clauses: list[tuple[int, int]], pattern: re.Pattern[str], hedges: bool) -> bool | None:
    """True when `pattern` is affirmed in one of the clauses, False when it is only denied, None when it is not mentioned."""
    verdict: bool | None = None
    for start, end in clauses:
        clause = text[start:end]
        for match in pattern.finditer(clause):
            denied = (
                negated_at(clause, match.start()) or words.NEGATED_AFTER.match(clause[match.end() : match.end() + 40]) is not None
            )
            if (
                not denied
                and not hedges
                and (
                    words.HEDGE.search(clause[: match.start()])
                    or opens(r"\s*(?:is|are)?\s*(?:equivocal|uncertain|questionable|\?)", clause[match.end() :])
                )
            ):
                denied = True
            if not denied:
                return True
            verdict = False
    return verdict
