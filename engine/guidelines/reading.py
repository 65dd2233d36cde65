"""Reads a findings section into lesions: which organ, which words are about it, which sizes are its own, today's and before.

Guidelines ask a `Document` for the lesions of an organ and ask each `Lesion` whether something is said of it (yes, no, not at all).
Deliberately simple: one pass over sentences, no grammar. Whatever cannot be placed is left unplaced, and the guideline then asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from engine.guidelines import words
from engine.guidelines.denial import negated_at, said
from engine.guidelines.elsewhere import ELSEWHERE, FAR, outside
from engine.guidelines.measures import Attenuation, Measure, attenuations, measures, months
from engine.guidelines.ownership import GAP_STOPS, Noun, owner
from engine.guidelines.patterns import opens, seen
from engine.guidelines.sentences import Span, sentences_of
from engine.guidelines.table import Between

_LOBE = re.compile(r"\b([rl])([uml])l\b")
_SIDE, _HEIGHT = {"r": "right", "l": "left"}, {"u": "upper", "m": "middle", "l": "lower"}
_NUMBERED = re.compile(r"\w+\s*(?:#|no\.?|number)?\s*[1-9]\b")
_OPENING = re.compile(rf"\W*{words.ADJACENT.pattern}", re.IGNORECASE)
#: Two sizes of one lesion differ when they are this many millimetres apart (Fleischner: less is measurement error).
MEASUREMENT_ERROR = 2.0
_NOW = re.compile(
    r"\b(?:now|currently|today|current(?:ly)?\s+measur\w+)\W+(?:\w+\W+){0,3}$"
    r"|\b(?:increas|enlarg|gr[eo]w|decreas|shr[aiu]nk)\w*\s+(?:in\s+size\s+)?to\W+$"
)


@dataclass(frozen=True, slots=True)
class Owned:
    """A size and what it is the size of."""

    measure: Measure
    noun: Noun | None
    sentence: Span


@dataclass(slots=True)
class Lesion:
    """One lesion as far as the dictation can be followed; texts are slices of the findings."""

    document: Document = field(repr=False)
    organ: str | None
    head: Noun
    clauses: list[Span]
    sizes: list[Measure] = field(default_factory=list)
    parts: list[Owned] = field(default_factory=list)
    negated: bool = False
    resolved: bool = False
    plural: bool = False

    @property
    def span(self) -> Span:
        start, end = self.clauses[0]
        text = self.document.text[start:end]
        return start + len(text) - len(text.lstrip()), end - (len(text) - len(text.rstrip()))

    @property
    def text(self) -> str:
        return " . ".join(self.document.masked[start:end] for start, end in self.clauses)

    @property
    def own_text(self) -> str:
        """Only the clause that names it."""
        start, end = self.clauses[0]
        return self.document.masked[start:end]

    def says(self, pattern: re.Pattern[str], *, hedges: bool = True) -> bool | None:
        """True when `pattern` is affirmed of this lesion, False when it is denied, None when it is not mentioned.

        With `hedges=False` a hedged mention ("possible washout") counts as denied.
        """
        return said(self.document.masked, self.clauses, pattern, hedges)

    def current(self) -> list[Measure]:
        """Today's sizes; the sizes of a prior when the lesion is said to be unchanged and no other is given."""
        now = [measure for measure in self.sizes if not measure.prior and measure.kind != "delta"]
        if not now and self.change == "stable":
            now = [measure for measure in self.sizes if measure.prior]
        return now

    def longest(self) -> float | Between | None:
        """The largest dimension in mm of today's sizes, as a range where that is all that is known."""
        now = self.current()
        if not now:
            return None
        top = max(now, key=lambda measure: measure.longest)
        if top.bounds and not (self.plural and top.bounds.high < 1e9 and not top.bounds.high_open):
            return top.bounds
        return top.longest

    def before(self) -> float | None:
        """The largest earlier size in mm, when there is also one of today."""
        earlier = [measure.longest for measure in self.sizes if measure.prior]
        return max(earlier) if earlier and any(not m.prior for m in self.sizes) else None

    @property
    def change(self) -> str | None:
        """`growing`, `stable`, `new` or `smaller`, from words, else from a prior size; None when nothing is said."""
        if self.says(words.GROWING):
            return "growing"
        if _plain(words.STABLE, self.text):
            return "stable"
        if self.says(words.NEW):
            return "new"
        if self.says(words.SMALLER) and (
            self.before() is not None or seen(r"\bsince\b|\bprior\b|interval|compar|previous|from", self.text, re.I)
        ):
            return "smaller"
        now = [m.longest for m in self.sizes if not m.prior and m.kind != "delta"]
        earlier = self.before()
        if earlier is None or not now:
            return None
        difference = max(now) - earlier
        return "stable" if abs(difference) < MEASUREMENT_ERROR else "growing" if difference > 0 else "smaller"

    def stable_months(self) -> Between | None:
        """For how long it has been unchanged; None when that is not said."""
        return months(self.text)

    def attenuations(self) -> list[Attenuation]:
        return attenuations(self.text)


def _is_nodule_of_cyst(sentence: str, noun: Noun, head: Noun) -> bool:
    """In a "cystic mass with an enhancing nodule of 5 mm" the nodule is part of the mass."""
    return (
        noun.word.startswith("nodul")
        and head.end < noun.start
        and seen(r"\bcyst|\bbosniak", sentence[: head.end]) is not None
        and seen(r"\b(?:enhancing|solid)\s+$", sentence[: noun.start]) is not None
    )


def _is_past(sentence: str, measure: Measure, now: Measure, lesions: int) -> bool:
    """Beside a size of now, one that `was`; or of a single lesion the one before it: "the 4 mm nodule is now 7 mm"."""
    return seen(r"\b(?:was|were)\s+(?:\w+\s+){0,2}$", sentence[: measure.start]) is not None or (
        lesions == 1 and measure.end <= now.start
    )


def _lobes_spelt_out(text: str) -> str:
    """`rul` as `right upper lobe`, in lower case."""
    return _LOBE.sub(lambda match: f"{_SIDE[match[1]]} {_HEIGHT[match[2]]} lobe", text.lower())


def _lower(text: str) -> str:
    """Lower case that moves no character."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _plain(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(text) is not None


class Document:
    """The findings of one report, read once. `default` is the organ an examination is of, where it is of one."""

    def __init__(self, text: str, default: str | None = None) -> None:
        self.text = text
        #: lower-cased, without image numbers, every character at its place
        self.masked = words.IMAGE_REFERENCE.sub(lambda match: " " * len(match[0]), _lower(text)).replace("\n", " ")
        self._organs: dict[Span, list[tuple[str, int, int]]] = {}
        self.default = default
        self.lesions: list[Lesion] = []
        self.owned: list[Owned] = []
        self.sentences: list[Span] = list(sentences_of(text))
        self._heading: str | None = None
        self._said_above = ""  #: a heading that names none of these organs
        self._said_organ: str | None = None
        self._passed: list[Span] = []  #: sentences since the one that named it
        self._last: Lesion | None = None
        for start, end in self.sentences:
            self._read(start, end)

    def of(self, organ: str) -> list[Lesion]:
        """The lesions of one organ that are there: not denied, not resolved."""
        return [lesion for lesion in self.lesions if lesion.organ == organ and not lesion.negated and not lesion.resolved]

    def organs_in(self, sentence: Span) -> list[tuple[str, int, int]]:
        """The organs that a sentence names, as `words.organs` gives them; most sentences are never asked."""
        if sentence not in self._organs:
            self._organs[sentence] = words.organs(self.masked[sentence[0] : sentence[1]])
        return self._organs[sentence]

    def denied(self, organ: str) -> list[Lesion]:
        return [lesion for lesion in self.lesions if lesion.organ == organ and (lesion.negated or lesion.resolved)]

    def says(self, pattern: re.Pattern[str], *, hedges: bool = True) -> bool | None:
        """As `Lesion.says`, of the whole text."""
        return said(self.masked, self.sentences, pattern, hedges)

    # --- one sentence -------------------------------------------------------------------------------------------------------

    def _read(self, start: int, end: int) -> None:
        sentence = self.masked[start:end]
        body = self._heading_of(sentence)
        nouns = [Noun(kind, sentence[left:right], left, right) for kind, left, right in words.nouns(sentence)]
        mentions = self._mentions(sentence, body, nouns)
        found: list[tuple[Lesion, int, int]] = []
        for index, (head, left, right) in enumerate(mentions):
            previous = found[-1][0] if index else None
            organs = self.organs_in((start, end))
            found.append((self._place(sentence, start, organs, head, left, right, previous), left, right))
        if not found and self._last is not None:
            self._follow(sentence, start, end, self._last)
        self._measure(sentence, start, end, nouns, found)
        self._passed.append((start, end))

    def _organ_said(self) -> str | None:
        """The first organ of the last sentence before this one that names any."""
        while self._passed:
            if organs := self.organs_in(self._passed.pop()):
                self._said_organ, self._passed = organs[0][0], []
        return self._said_organ

    def _heading_of(self, sentence: str) -> int:
        """Where the words after a heading start; an organ named in the heading holds until the next one."""
        match = words.HEADING.match(sentence)
        if not match:
            return 0
        named = words.organs(match[1])
        if named:
            self._heading, self._said_above = named[0][0], ""
            self._last = None if self._last and self._last.organ != self._heading else self._last
        else:
            self._said_above = match[1]
        if not named and seen(
            r"impression|other|findings|bones?|incidental|additional|misc|comparison|technique", match[1], re.I
        ):
            self._heading = None
        if any(kind == "lesion" for kind, _, _ in words.nouns(match[1])):
            return match.start(1)  # "Nodule 2: ..." names a lesion, it is no heading
        return match.end()

    def _mentions(self, sentence: str, body: int, nouns: list[Noun]) -> list[tuple[Noun, int, int]]:
        """The lesion nouns that stand for themselves, each with its stretch of the sentence."""
        heads: list[tuple[Noun, int]] = []
        lesions = [noun for noun in nouns if noun.kind == "lesion" and noun.end > body]
        for noun in lesions:
            if not heads:
                heads.append((noun, 0))
                continue
            previous = heads[-1][0]
            gap = sentence[previous.end : noun.start]
            cut = self._cut(gap)
            if cut is not None:
                heads.append((noun, previous.end + cut))
        bounds = [*(left for _, left in heads[1:]), len(sentence)] if heads else []
        return [(noun, left, right) for (noun, left), right in zip(heads, bounds, strict=True)]

    @staticmethod
    def _cut(gap: str) -> int | None:
        """Where in the words between two lesion nouns a new lesion begins; None when both name the same one."""
        adjacent = words.ADJACENT.search(gap)
        if adjacent:
            return adjacent.start()
        cuts = [cut for cut in words.BOUNDARY.finditer(gap) if not opens(r",\s*\d[\d.x×\s]*(?:mm|cm)\s*,", gap[cut.start() :])]
        if cuts and not (
            words.NAMING.search(gap[cuts[-1].end() :]) or words.NAMING.search(gap[cuts[-1].start() : cuts[-1].end() + 3])
        ):
            return cuts[-1].start()
        joins = list(words.JOIN.finditer(gap))
        if joins and words.organs(gap[joins[-1].end() :]) and not words.NAMING.search(gap[joins[-1].end() :]):
            return joins[-1].start()
        return None

    def _place(
        self,
        sentence: str,
        offset: int,
        organs: list[tuple[str, int, int]],
        head: Noun,
        left: int,
        right: int,
        previous: Lesion | None,
    ) -> Lesion:
        """The lesion this mention speaks of: one already known, or a new one with its organ."""
        determiners = list(words.DETERMINER.finditer(sentence, left, head.start))
        determiner = determiners[-1][1].lower() if determiners else ""
        numbered = seen(
            r"(?:nodule|lesion|mass|cyst|polyp|observation)\s*(?:#|no\.?|number)?\s*[2-9]\b", sentence[head.start : right], re.I
        )
        definite = determiner in ("the", "this", "these", "that", "those", "it") or (
            not determiner
            and opens(r"\W*(?:dominant|largest|nodule|mass|lesion|cyst|polyp)\b", sentence[left:right], re.I) is not None
            and self._last is not None
        )
        organ = self._organ_near(sentence, organs, head, left, right)
        negated = negated_at(sentence, head.start, left) or words.NEGATED_AFTER.match(sentence[head.end : right]) is not None
        resolved = (
            words.RESOLVED.search(sentence, head.start, right) is not None
            or words.REMOVED.search(sentence, left, right) is not None
        )
        of_number = self.default if _NUMBERED.match(sentence, head.start) else None  # "nodule 1" of the organ that was examined
        known = self._known(organ or of_number, head) if definite and not numbered else None
        if known and not negated and not resolved and not self._elsewhere(known, sentence[left:right]):
            known.clauses.append((offset + left, offset + right))
            self._last = known
            return known
        if organ is None:
            goes_on = self._last is not None and definite and not _NUMBERED.match(sentence, head.start)
            organ = (previous.organ if previous else None) or self._heading
            organ = organ or (self._last.organ if goes_on and self._last else None) or self.default or self._organ_said()
            if organ is not None and self._is_elsewhere(sentence, organ, head, left, right):
                organ = ELSEWHERE
        plural = (head.word.endswith("s") and head.word not in ("ectasis", "metastasis", "mass")) or head.word in (
            "foci",
            "opacities",
            "masses",
            "metastases",
        )
        counted = list(words.PLURAL_COUNT.finditer(sentence, left, head.start))
        lesion = Lesion(
            self,
            organ,
            head,
            [(offset + left, offset + right)],
            negated=negated,
            resolved=resolved,
            plural=plural or bool(counted and plural),
        )
        if not (resolved and known):
            self.lesions.append(lesion)
        elif known:
            known.resolved = True
        self._last = None if negated or resolved else lesion
        return lesion

    def _is_elsewhere(self, sentence: str, organ: str, head: Noun, left: int, right: int) -> bool:
        """The words around the lesion, or the heading above it, name another part of the body than `organ`."""
        places = outside(sentence, organ)
        if any(name == FAR and left <= start < right for name, start, _ in places):
            return True  # near the knee is nowhere near the lung
        near = self._organ_near(sentence, places, head, left, right)
        return near is not None or bool(outside(self._said_above, organ))

    def _known(self, organ: str | None, head: Noun) -> Lesion | None:
        """The last lesion a definite mention can mean."""
        for lesion in reversed(self.lesions):
            if not lesion.negated and (organ is None or lesion.organ == organ):
                return lesion
        return None

    @staticmethod
    def _elsewhere(known: Lesion, text: str) -> bool:
        """A different side or lobe: the definite mention is of another lesion after all."""
        for pattern in (r"\b(right|left)\b", r"\b(upper|middle|lower)\s+lobe", r"\b(head|body|tail)\b"):
            here = set(re.findall(pattern, _lobes_spelt_out(text)))
            there = set(re.findall(pattern, _lobes_spelt_out(known.own_text)))
            if here and there and not here & there:
                return True
        return False

    @staticmethod
    def _organ_near(sentence: str, organs: list[tuple[str, int, int]], head: Noun, left: int, right: int) -> str | None:
        """The organ in the lesion's own stretch of words: before the noun in its phrase, else after it, else anywhere before."""
        inside = []
        opening = _OPENING.match(sentence, left)  # this stretch is itself the neighbour: "adjacent to a 3 cm liver cyst"
        first = opening.end() if opening else left
        for name, start, end in organs:
            if start < left or end > right:
                continue
            lead = sentence[max(first, start - 45) : start]
            near = list(words.ADJACENT.finditer(lead))
            if near and not seen(r"\b(?:in|of|within)\s+(?:the\s+)?(?:\w+\s+)?$", lead[near[-1].end() :]):
                continue
            inside.append((name, start, end))
        within = [one for one in inside if one[1] >= head.start and one[1] < head.end]
        if within:
            return within[0][0]
        phrase = [one for one in inside if one[2] <= head.start and not GAP_STOPS.search(sentence[one[2] : head.start])]
        after = [one for one in inside if one[1] >= head.end]
        before = [one for one in inside if one[2] <= head.start]
        if phrase:
            return phrase[-1][0]
        if after and seen(
            r"\b(?:in|of|within|at|from|involving|arising|along|throughout|on|to)\b", sentence[head.end : after[0][1]], re.I
        ):
            return after[0][0]
        if before:
            return before[-1][0]
        if after and not seen(r"\b(?:with|without|and)\b", sentence[head.end : after[0][1]]):
            return after[0][0]  # "nodule, right lower lobe", but not "nodule with enlarged lymph nodes"
        return None

    def _follow(self, sentence: str, start: int, end: int, last: Lesion) -> None:
        """A sentence that names no lesion goes on about the last one, unless it turns to another organ."""
        organs = [name for name, _, _ in self.organs_in((start, end))]
        if organs and last.organ not in organs and not words.ANAPHOR.match(sentence):
            self._last = None
            return
        if words.RESOLVED.search(sentence):
            last.resolved = True
        last.clauses.append((start, end))

    # --- sizes --------------------------------------------------------------------------------------------------------------

    def _measure(self, sentence: str, start: int, end: int, nouns: list[Noun], found: list[tuple[Lesion, int, int]]) -> None:
        sizes = measures(sentence)
        now = [measure for measure in sizes if _NOW.search(sentence, 0, measure.start)]
        for measure in sizes:
            past = bool(now) and measure not in now and _is_past(sentence, measure, now[0], len(found))
            noun = owner(sentence, measure, nouns)
            placed = replace(measure, start=start + measure.start, end=start + measure.end, prior=measure.prior or past)
            lesion = self._holder(sentence, measure, noun, found)
            owned = Owned(
                placed, None if noun is None else Noun(noun.kind, noun.word, start + noun.start, start + noun.end), (start, end)
            )
            self.owned.append(owned)
            if lesion is None:
                continue
            if noun is not None and (noun.kind == "part" or _is_nodule_of_cyst(sentence, noun, lesion.head)):
                lesion.parts.append(owned)
            elif noun is None or noun.kind == "lesion":
                lesion.sizes.append(placed)

    def _holder(self, sentence: str, measure: Measure, noun: Noun | None, found: list[tuple[Lesion, int, int]]) -> Lesion | None:
        at = noun.start if noun is not None and noun.kind != "structure" else measure.start
        for lesion, left, right in found:
            if left <= at < right:
                return lesion
        return self._last if found or words.GOES_ON.match(sentence) else None
