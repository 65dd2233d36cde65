"""What a radiologist changed: how much, sentence by sentence, and of what nature.

The distance is the one the contract names and every figure we print uses. The nature is asked of the engine's checker.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from engine.checks import check
from engine.impression import Flag, FlagClass, Severity
from engine.prompts import Dictation
from feedback.preference import Change

TOKEN = re.compile(r"\w+|[^\w\s]")
#: A new line, the number or bullet of a list, or the space after a full stop that ends a word.
SENTENCE_BREAK = re.compile(r"\s*\n\s*|(?<=[a-z)\]%][.!?])\s+(?=[A-Z0-9(])|(?<=[A-Z0-9][.!?])\s+(?=[A-Z][a-z])")
LIST_MARK = re.compile(r"^(?:\(?\d{1,2}[.)]|[-*•–])\s+")
#: Less alike than this, two sentences are one removed and one added.
ALIKE = 0.5
#: Two texts that differ in one of these contradict each other; the other classes are a matter of choice.
CONTRADICTIONS = frozenset(
    {
        FlagClass.NEGATION,
        FlagClass.LATERALITY,
        FlagClass.LOCATION,
        FlagClass.SIZE,
        FlagClass.SEVERITY,
        FlagClass.CERTAINTY,
        FlagClass.TEMPORAL,
    }
)
CHANGE_BY_SEVERITY: dict[Severity, Change] = {"critical": "safety", "major": "content", "minor": "style"}
GRAVITY: dict[Change, int] = {"none": 0, "style": 1, "content": 2, "safety": 3}


@dataclass(frozen=True, slots=True)
class SentenceChange:
    """One line of the signed-off diff; `shown` or `signed` is None where the other side has no counterpart."""

    what: Literal["kept", "moved", "changed", "removed", "added"]
    shown: str | None = field(repr=False)
    signed: str | None = field(repr=False)


def edit_distance(shown: str, signed: str) -> float:
    """Levenshtein over lower-cased word and punctuation tokens by the longer length: 0 signed as shown, 1 nothing kept."""
    a, b = tokens_of(shown), tokens_of(signed)
    longest = max(len(a), len(b))
    return levenshtein(a, b) / longest if longest else 0.0


def change_of(dictation: Dictation, shown: str, signed: str) -> Change:
    """The nature of an edit.

    `style` when both texts say of the findings what the other says; `content` when a fact was mended, added or lost that a reader
    would act on; `safety` when that fact could harm. Which finding deserves a mention is the radiologist's taste, unless the
    checker holds the omission to be a major one.
    """
    if tokens_of(shown) == tokens_of(signed):
        return "none"
    of_shown, of_signed = _flags(dictation, shown), _flags(dictation, signed)
    changes = [_weight(flag) for flag in _only_in(of_shown, of_signed) + _only_in(of_signed, of_shown)]
    changes += [_weight(flag) for flag in _contradictions(dictation, shown, signed)]
    return max(changes, key=GRAVITY.__getitem__, default="style")


def sentence_diff(shown: str, signed: str) -> list[SentenceChange]:
    """The two texts side by side, in the order of the signed one; what was removed stands where it stood."""
    old, new = sentences_of(shown), sentences_of(signed)
    partner = _partners(old, new)
    in_order = _longest_rise([partner[at] for at in range(len(new)) if at in partner])
    left = [at for at in range(len(old)) if at not in partner.values()]
    rows: list[SentenceChange] = []
    for at, sentence in enumerate(new):
        counterpart = partner.get(at)
        while left and counterpart is not None and left[0] < counterpart:
            rows.append(SentenceChange("removed", old[left.pop(0)], None))
        if counterpart is None:
            rows.append(SentenceChange("added", None, sentence))
        elif tokens_of(old[counterpart]) != tokens_of(sentence):
            rows.append(SentenceChange("changed", old[counterpart], sentence))
        else:
            rows.append(SentenceChange("kept" if counterpart in in_order else "moved", old[counterpart], sentence))
    return rows + [SentenceChange("removed", old[at], None) for at in left]


def tokens_of(text: str) -> list[str]:
    return TOKEN.findall(text.lower())


def sentences_of(text: str) -> list[str]:
    """Sentences and list items, without the marks of the list."""
    pieces = (LIST_MARK.sub("", piece.strip()).strip() for piece in SENTENCE_BREAK.split(text))
    return [piece for piece in pieces if piece and not re.fullmatch(r"\(?\d{1,2}[.)]", piece)]


def levenshtein(a: Sequence[str], b: Sequence[str]) -> int:
    """How many tokens to insert, delete or replace; the table one column at a time, in one integer (Myers 1999, Hyyrö 2003)."""
    if not a or not b:
        return max(len(a), len(b))
    last, every = 1 << (len(a) - 1), (1 << len(a)) - 1
    where: dict[str, int] = {}
    for at, token in enumerate(a):
        where[token] = where.get(token, 0) | 1 << at
    distance, rising, falling = len(a), every, 0
    for token in b:
        equal = where.get(token, 0)
        vertical = equal | falling
        diagonal = (((equal & rising) + rising) ^ rising) | equal
        up = falling | (every & ~(diagonal | rising))
        down = rising & diagonal
        distance += (up & last > 0) - (down & last > 0)
        up = (up << 1) | 1
        down <<= 1
        rising = (down | ~(vertical | up)) & every
        falling = up & vertical & every
    return distance


def _flags(dictation: Dictation, impression: str) -> tuple[Flag, ...]:
    d = dictation
    return check(d.findings, impression, indication=d.indication, comparison=d.comparison, exam=d.exam).flags


def _contradictions(dictation: Dictation, shown: str, signed: str) -> list[Flag]:
    """What the signed text says otherwise than the shown one."""
    d = dictation
    said = check(shown, signed, indication=d.indication, comparison=d.comparison, exam=d.exam).flags
    return [flag for flag in said if flag.flag_class in CONTRADICTIONS]


def _only_in(these: Sequence[Flag], those: Sequence[Flag]) -> list[Flag]:
    """Flags of one text that the other does not share; a flag is about a class and a place in the findings."""
    known = {(flag.flag_class, flag.findings_span) for flag in those}
    return [flag for flag in these if (flag.flag_class, flag.findings_span) not in known]


def _weight(flag: Flag) -> Change:
    return CHANGE_BY_SEVERITY[flag.severity]


def _partners(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Signed sentence -> the shown sentence it comes from; the most alike find each other first."""
    pairs = [(i, j) for i in range(len(old)) for j in range(len(new))]
    alike = sorted(((_likeness(old[i], new[j]), -abs(i - j), i, j) for i, j in pairs), reverse=True)
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for likeness, _, i, j in alike:
        if likeness >= ALIKE and i not in taken and j not in partner:
            partner[j] = i
            taken.add(i)
    return partner


def _likeness(a: str, b: str) -> float:
    one, other = ([token for token in tokens_of(text) if token[0].isalnum()] for text in (a, b))
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """The members of the longest rising run (with gaps): what was not moved."""
    runs: list[tuple[int, ...]] = [()]
    for number in numbers:
        before = [run for run in runs if not run or run[-1] < number]
        runs.append((*max(before, key=len), number))
    longest = max(runs, key=len)
    return set(longest)
