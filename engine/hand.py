"""A radiologist's hand, as a few signatures show it: what writes for them until a night has trained their adapter.

Signed examples come in. Out go their manner of laying out an impression, which needs no model; the examples nearest to a dictation, for
a model that can read them; and what they are used to advising. All of one radiologist alone: who hands in the examples sees to that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from engine.facts import read_facts
from engine.habits import NO_HABITS, Habits
from engine.prompts import Dictation, Example
from engine.sentences import sentences_of, tokens_of

#: Fewer signatures than this show no manner, and less than this share of them no habit.
FEWEST, MOST_OF_THEM = 3, 0.8
#: How many examples a prompt holds at most, where they fit.
EXAMPLES_SHOWN = 4
MARK = re.compile(r"[ \t]*(?:(?P<number>\d{1,2})(?P<stop>[.)])|(?P<bullet>[-*•]))[ \t]+")
OPENER = re.compile(r"[^\n.:]{2,40}:(?=\s)")
LEAD_IN = re.compile(r"There (?:is|are) (?:an? )?(?=\w)", re.IGNORECASE)
WORD = re.compile(r"[^\W\d_]{3,}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody lays out an impression. A habit is one when most of their signatures have it; None or empty: there is none."""

    mark: str | None = None  #: of each statement of several: "1.", "1)", "-", or ""
    mark_alone: str | None = None  #: of a statement that stands alone
    is_listed: bool | None = None  #: a line for each statement
    is_bare: bool = False  #: "Small effusion.", never "There is a small effusion."
    is_lower_case: bool = False
    opener: str = field(default="", repr=False)  #: "In summary:"; like the closer it states no finding
    closer: str = field(default="", repr=False)

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Manner:
        """What most of these signatures do; nothing where there are too few."""
        if len(examples) < FEWEST:
            return NO_MANNER
        pages = [_Page.of(example.signed) for example in examples]
        several = [page for page in pages if len(page.statements) > 1]
        alone = [page for page in pages if len(page.statements) == 1]
        of_led_in = [page for page, one in zip(pages, examples, strict=True) if _is_led_in(_statements(one.draft))]
        closers = (page.closer(one.draft) for page, one in zip(pages, examples, strict=True))
        exams = frozenset(word for one in examples for word in _words(one.dictation.exam))
        return cls(
            mark=_habit((page.mark for page in several), len(several)),
            mark_alone=_habit((page.mark for page in alone), len(alone)),
            is_listed=_habit((page.is_listed for page in several), len(several)),
            is_bare=bool(_habit((not _is_led_in(page.statements) for page in of_led_in), len(of_led_in))),
            is_lower_case=bool(_habit((page.is_lower_case for page in pages), len(pages))),
            opener=_standing(_habit((page.opener for page in pages), len(pages)), exams),
            closer=_standing(_habit(closers, len(pages)), exams),
        )

    def lay_out(self, draft: str) -> str:
        """`draft` in this manner: its statements, their order and all that they say stay as they are."""
        if self == NO_MANNER:
            return draft
        said = [self._said(statement) for statement in _statements(draft)]
        if self.closer and self.closer not in said:
            said.append(self.closer)
        mark = self.mark if len(said) > 1 else self.mark_alone
        mark = _mark_of(draft) if mark is None else mark
        is_listed = "\n" in draft if self.is_listed is None else self.is_listed
        lines = [f"{mark.replace('1', str(number))} {one}" if mark else one for number, one in enumerate(said, 1)]
        return ("\n" if is_listed else " ").join([self.opener, *lines] if self.opener else lines)

    def _said(self, statement: str) -> str:
        bare = LEAD_IN.sub("", statement, count=1) if self.is_bare else statement
        if _is_abbreviation(bare):
            return bare
        if self.is_lower_case:
            return bare[0].lower() + bare[1:]
        return bare if bare == statement else bare[0].upper() + bare[1:]

    def in_words(self) -> str:
        """The manner as an instruction; empty where there is none."""
        told = [
            f'every statement is marked like "{self.mark}"' if self.mark else "",
            "one line for each statement" if self.is_listed else "",
            'no "there is"' if self.is_bare else "",
            "lower case" if self.is_lower_case else "",
            f'begins with "{self.opener}"' if self.opener else "",
            f'ends with "{self.closer}"' if self.closer else "",
        ]
        return "; ".join(one for one in told if one)


NO_MANNER = Manner()


@dataclass(frozen=True, slots=True)
class Hand:
    """What is known of one radiologist's hand."""

    habits: Habits = field(default=NO_HABITS, repr=False)
    manner: Manner = NO_MANNER
    examples: tuple[Example, ...] = field(default=(), repr=False)  #: oldest first

    @classmethod
    def of(cls, signed: Sequence[Example], may_read: bool = False) -> Hand:
        """From one radiologist's signatures, oldest first; `may_read`: whether a base model is to read those that changed no fact."""
        habits = Habits.of((one.signed, one.dictation.exam) for one in signed)
        return cls(habits, Manner.of(signed), tuple(one for one in signed if one.is_style_alone) if may_read else ())

    def nearest(self, dictation: Dictation) -> list[Example]:
        """The examples to show for `dictation`, the nearest last: of the same examination first, then by the words in common."""
        exam, words = _words(dictation.exam), _words(dictation.findings)

        def likeness(place: int) -> tuple[float, float, int]:
            known = self.examples[place].dictation
            return _overlap(exam, _words(known.exam)), _overlap(words, _words(known.findings)), place

        order = sorted(range(len(self.examples)), key=likeness)
        return [self.examples[place] for place in order[-EXAMPLES_SHOWN:]]


UNKNOWN = Hand()


@dataclass(frozen=True, slots=True)
class _Page:
    """A signed impression as it stands on the page."""

    mark: str
    is_listed: bool
    opener: str = field(repr=False)
    statements: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, text: str) -> _Page:
        opened = OPENER.match(text)
        body = text[opened.end() :].strip() if opened else text.strip()
        return cls(_mark_of(body), "\n" in body, opened[0] if opened else "", _statements(body))

    @property
    def is_lower_case(self) -> bool:
        return all(said[0].islower() for said in self.statements if said[0].isalpha() and not _is_abbreviation(said))

    def closer(self, draft: str) -> str:
        """The last of several statements, where the draft does not say it."""
        is_new = len(self.statements) > 1 and self.statements[-1].lower() not in draft.lower()
        return self.statements[-1] if is_new else ""


def _mark_of(text: str) -> str:
    """What marks the first statement, a number as 1; empty where nothing does."""
    mark = MARK.match(text)
    return ("1" + mark["stop"] if mark["number"] else mark["bullet"]) if mark else ""


def _statements(text: str) -> tuple[str, ...]:
    """The sentences and items of an impression, without the marks of a list."""
    found = []
    for line in text.splitlines():
        mark = MARK.match(line)
        item = line[mark.end() :] if mark else line
        found += [MARK.sub("", item[span.start : span.end], count=1).strip() for span in sentences_of(item, tokens_of(item))]
    return tuple(statement for statement in found if statement)


def _is_led_in(statements: Sequence[str]) -> bool:
    return any(LEAD_IN.match(statement) for statement in statements)


def _is_abbreviation(statement: str) -> bool:
    """Whether its first word keeps its capitals wherever it stands: RUL, L4-L5."""
    first = statement.split(" ", 1)[0]
    return any(letter.isupper() or letter.isdigit() for letter in first[1:])


def _habit(seen: Iterable[T], of: int) -> T | None:
    """What most of them have; None where they differ or are too few."""
    common = Counter(seen).most_common(1)
    if not common or common[0][1] < max(FEWEST - 1, MOST_OF_THEM * of):
        return None
    return common[0][0]


def _standing(phrase: str | None, exams: frozenset[str]) -> str:
    """`phrase` as it may stand in any impression: it names no finding and no examination."""
    is_of_one_report = phrase and (exams & _words(phrase) or read_facts(phrase, section="impression"))
    return "" if is_of_one_report else phrase or ""


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text.lower()))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard: 0 nothing in common … 1 the same words."""
    return len(one & other) / len(one | other) if one | other else 0.0
