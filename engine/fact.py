"""A fact as engine/facts.py reads it, and a section read once."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from engine.lexicon import Term
from engine.measures import Level, Size
from engine.sentences import Span, Token


class Certainty(IntEnum):
    """How sure a statement is, from 0 to 5."""

    EXCLUDED = 0  #: "no", "without"
    UNLIKELY = 1  #: "unlikely", "doubtful"
    POSSIBLE = 2  #: "may represent", "cannot exclude", "versus"
    PROBABLE = 3  #: "likely", "suspicious for"
    CONSISTENT = 4  #: "consistent with", "representing"
    STATED = 5  #: said without a hedge


EXCLUDED, UNLIKELY, POSSIBLE, PROBABLE, CONSISTENT, STATED = Certainty


@dataclass(slots=True, eq=False, init=False)
class Fact:
    """One statement about one finding at one site; an attribute that is not stated is None or empty.

    Written by engine/facts.py alone: a frozen one takes three times as long to make, and a report has dozens.
    """

    concept: str
    certainty: int  #: 0 excluded, 1 unlikely, 2 possible, 3 probable, 4 consistent with, 5 stated
    section: str
    start: int
    end: int
    sentence: int  #: index of the sentence it was read from
    side: str | None = None
    place: str | None = None
    levels: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()  #: proximal, distal, anterior, …
    sizes: tuple[tuple[float, ...], ...] = ()  #: mm, one tuple per measurement
    earlier_sizes: tuple[tuple[float, ...], ...] = ()
    distance: float | None = None  #: mm from a landmark, for tips
    severity: int | None = None  #: 1 trace, 2 mild, 3 moderate, 4 severe
    number: str | None = None
    change: str | None = None
    acuity: str | None = None
    is_history: bool = False
    is_plan: bool = False
    is_normal: bool = False  #: read from a normal statement ("lungs are clear") or about a set ("no acute abnormality")
    explained_by: tuple[str, ...] = ()  #: what it is taken for in the same breath
    described_by: tuple[str, ...] = ()  #: findings said of it as adjectives: "calcified nodule"
    is_alternative: bool = False  #: one of several readings
    shares_site: bool = False  #: side and place were said of the finding beside it
    near: str | None = None  #: the place spoken of last, for a finding that has none of its own
    near_side: str | None = None  #: the only side its sentence has spoken of, for a finding that has none of its own
    has_blank: bool = False  #: a word of its sentence is missing (left blank or masked)
    words: str = field(default="", repr=False)

    def __init__(  # written out: the compiler leaves the one that dataclasses writes to the interpreter (ADR 18)
        self,
        concept: str,
        certainty: int,
        section: str,
        start: int,
        end: int,
        sentence: int,
        side: str | None = None,
        place: str | None = None,
        levels: tuple[str, ...] = (),
        positions: tuple[str, ...] = (),
        sizes: tuple[tuple[float, ...], ...] = (),
        earlier_sizes: tuple[tuple[float, ...], ...] = (),
        distance: float | None = None,
        severity: int | None = None,
        number: str | None = None,
        change: str | None = None,
        acuity: str | None = None,
        is_history: bool = False,
        is_plan: bool = False,
        is_normal: bool = False,
        explained_by: tuple[str, ...] = (),
        described_by: tuple[str, ...] = (),
        is_alternative: bool = False,
        shares_site: bool = False,
        near: str | None = None,
        near_side: str | None = None,
        has_blank: bool = False,
        words: str = "",
    ) -> None:
        self.concept = concept
        self.certainty = certainty
        self.section = section
        self.start = start
        self.end = end
        self.sentence = sentence
        self.side = side
        self.place = place
        self.levels = levels
        self.positions = positions
        self.sizes = sizes
        self.earlier_sizes = earlier_sizes
        self.distance = distance
        self.severity = severity
        self.number = number
        self.change = change
        self.acuity = acuity
        self.is_history = is_history
        self.is_plan = is_plan
        self.is_normal = is_normal
        self.explained_by = explained_by
        self.described_by = described_by
        self.is_alternative = is_alternative
        self.shares_site = shares_site
        self.near = near
        self.near_side = near_side
        self.has_blank = has_blank
        self.words = words

    @property
    def is_present(self) -> bool:
        return self.certainty > 1

    @property
    def is_absent(self) -> bool:
        return self.certainty <= 1


@dataclass(frozen=True, slots=True)
class Reading:
    """A section read once: its tokens, sentences, terms and facts."""

    text: str = field(repr=False)
    section: str
    tokens: tuple[Token, ...]
    sentences: tuple[Span, ...]
    terms: tuple[tuple[Term, ...], ...]
    facts: tuple[Fact, ...]
    plans: tuple[Fact, ...]  #: findings named only in a recommendation or a question
    sizes: tuple[Size, ...]
    levels: tuple[Level, ...]
    words: frozenset[str] = field(repr=False)  #: of all tokens, for whoever looks whether a word is there at all
