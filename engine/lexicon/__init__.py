"""The words of radiology as data: what is a finding, what is it a kind of, where does it live, which words say so.

The tables beside this file are written by us and readable in any editor; this module only loads them and finds their words in
tokens, longest first, in one walk along a tree of words (linear in the text, whatever the size of the tables).
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal

from engine.sentences import Span, tokens_of

#: Kinds of words that describe a finding and are read on their own.
MODIFYING = frozenset({"place", "side", "severity", "number", "acuity", "position", "change"})
CHOICE = re.compile(r"[{}]")
#: Begins a phrase of a concept or place that is meant only where that place is examined.
BOUND = "@"
HERE = Path(__file__).parent
Weight = Literal["critical", "major", "minor", "trivial"]
WEIGHTS: dict[str, int] = {"trivial": 0, "minor": 1, "major": 2, "critical": 3}


@dataclass(frozen=True, slots=True)
class Concept:
    """One finding, device or procedure; `equals` names heads that mean this concept at this place (`nodule` at `lung`)."""

    name: str
    parents: tuple[str, ...]
    equals: tuple[str, ...]
    place: str | None
    weight: int  #: 0 trivial … 3 critical: how much it matters when left out
    is_acute: bool  #: denied by "no acute abnormality"
    kind: str  #: finding, device, quality or procedure
    label: str


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the body, inside its parents; `side` when it has only one (lingula)."""

    name: str
    parents: tuple[str, ...]
    side: str | None
    label: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one phrase says: its `kind` (concept, place, side, severity, negate-before, …) and the value.

    Bound to its place it says so only where that is examined: `ms` are milliseconds to the heart.
    """

    kind: str
    value: str
    side: str | None = None
    is_bound: bool = False


class Term:
    """A phrase found in a text: tokens `first` to `last` (excluded) and all it means, a concept before anything else."""

    __slots__ = ("first", "last", "meanings")

    def __init__(self, first: int, last: int, meanings: tuple[Meaning, ...]) -> None:
        self.first, self.last, self.meanings = first, last, meanings


class Branch:
    """A place in the tree of words: what may follow each next word, and what the words up to here mean when they are a whole phrase."""

    __slots__ = ("after", "meanings")

    def __init__(self) -> None:
        self.after: dict[str, Branch] = {}
        self.meanings: tuple[Meaning, ...] = ()


def rows_of(name: str, columns: int) -> Iterator[list[str]]:
    """The rows of one table, comments and blank lines left out, missing columns empty."""
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            cells = [cell.strip() for cell in line.split("\t")]
            yield cells + [""] * (columns - len(cells))


def phrases_of(cell: str) -> list[str]:
    """Phrases are parted by semicolons; `{worse|better} than {before|prior}` is four of them."""
    return [phrase for part in cell.split(";") for phrase in _spelt_out(part.strip()) if phrase]


def _spelt_out(phrase: str) -> list[str]:
    choices = [part.split("|") for part in CHOICE.split(phrase)]
    return ["".join(chosen) for chosen in product(*choices)]


class Lexicon:
    """All tables at once, and the relations between their rows."""

    def __init__(self) -> None:
        self.concepts: dict[str, Concept] = {}
        self.places: dict[str, Place] = {}
        self._phrases: dict[tuple[str, ...], list[Meaning]] = {}
        self._composed_at: dict[tuple[str, str | None], str] = {}
        self._read_places()
        #: For every place, itself and everything it lies in.
        self.around = {name: self._outwards(name) for name in self.places}
        for table in sorted(HERE.glob("concepts_*.tsv")):
            self._read_concepts(table.name)
        #: For every concept, itself and everything it is a kind of.
        self.above = {name: self._climb(name) for name in self.concepts}
        #: head -> the concepts that it makes at some place, e.g. enlargement -> cardiomegaly, splenomegaly, …
        self.composed = self._compositions()
        self.aged = dict(rows_of("ages.tsv", 2))
        self._read_cues()
        self._drop_described()
        self._tree = self._grown()

    def find(self, words: Sequence[str], seen_at: frozenset[str] = frozenset()) -> list[Term]:
        """Leftmost-longest phrases in the texts of tokens, in order, not overlapping; bound ones only of what is seen at these places, if any."""
        ended = [*words, ""]  # follows nothing
        found = []
        after = 0
        beginnings = self._tree.after
        for index, word in enumerate(words):
            branch = beginnings.get(word) if index >= after else None
            if branch is None:
                continue
            last = index
            meanings: tuple[Meaning, ...] = ()
            while branch is not None:
                last += 1
                said = branch.meanings
                if said and seen_at and said[0].is_bound:
                    said = self._said_there(said, seen_at)
                if said:
                    after, meanings = last, said
                branch = branch.after.get(ended[last])
            if meanings:
                found.append(Term(index, after, meanings))
        return found

    def _said_there(self, meanings: Sequence[Meaning], seen_at: frozenset[str]) -> tuple[Meaning, ...]:
        """Of the meanings those that are bound to no place, or to one in sight: `LAD` is an artery, and nodes only in a neck."""
        usual = [self._usual_place(meaning) if meaning.is_bound else None for meaning in meanings]
        return tuple(
            meaning
            for meaning, one in zip(meanings, usual, strict=True)
            if one is None or any(self.lies_in(one, place) or self.lies_in(place, one) for place in seen_at)
        )

    def _usual_place(self, meaning: Meaning) -> str | None:
        return meaning.value if meaning.kind == "place" else self.concepts[meaning.value].place

    def _climb(self, name: str) -> frozenset[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one in seen or one not in self.concepts:
                continue
            seen.add(one)
            row = self.concepts[one]
            waiting += [*row.parents, *row.equals]
        return frozenset(seen)

    def _outwards(self, name: str) -> frozenset[str]:
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += self.places[one].parents
        return frozenset(seen)

    def _compositions(self) -> dict[str, tuple[Concept, ...]]:
        found: dict[str, list[Concept]] = {}
        for concept in self.concepts.values():
            for head in concept.equals:
                found.setdefault(head, []).append(concept)
        return {head: tuple(made) for head, made in found.items()}

    def compose(self, head: str, place: str | None) -> str:
        """The concept that `head` means at `place`; `head` itself when no row is nearer."""
        known = self._composed_at.get((head, place))
        if known is not None:
            return known
        best, depth = head, -1
        while place is not None:
            around = self.around[place]
            better = None
            for made in self.composed.get(best, ()):
                if made.place in around and len(self.around[made.place]) > depth:
                    better, depth = made.name, len(self.around[made.place])
            if better is None:
                break
            best = better
        self._composed_at[head, place] = best
        return best

    def lies_in(self, inner: str, outer: str) -> bool:
        return outer in self.around[inner]

    def _read_places(self) -> None:
        for name, parent, side, words in rows_of("places.tsv", 4):
            label = name.replace("_", " ")
            self.places[name] = Place(name, tuple(phrases_of(parent)), side or None, label)
            phrases = phrases_of(words)
            for phrase in phrases if BOUND + label in phrases else (label, *phrases):
                sided, _, rest = phrase.removeprefix(BOUND).rpartition("=")
                self._say(rest, Meaning("place", name, sided or side or None, phrase.startswith(BOUND)))

    def _read_concepts(self, table: str) -> None:
        kind = "device" if "devices" in table else "finding"
        for name, parents, place, weight, words in rows_of(table, 5):
            names = phrases_of(parents)
            equals = tuple(parent[1:] for parent in names if parent.startswith("="))
            grade, _, acute = weight.partition(" ")
            phrases = phrases_of(words)
            label = (phrases[0].removeprefix(BOUND) if phrases else name).replace("_", " ")
            self.concepts[name] = Concept(
                name, tuple(parent for parent in names if not parent.startswith("=")), equals, place or None,
                WEIGHTS[grade or "minor"], bool(acute), kind, label,
            )  # fmt: skip
            self._say(name.replace("_", " "), Meaning("concept", name))
            for phrase in phrases:
                sided, _, rest = phrase.removeprefix(BOUND).rpartition("=")
                self._say(rest, Meaning("concept", name, sided or None, phrase.startswith(BOUND)))

    def _read_cues(self) -> None:
        for kind, value, words in rows_of("cues.tsv", 3):
            for phrase in phrases_of(words):
                self._say(phrase, Meaning(kind, value), inflect=False)

    def _drop_described(self) -> None:
        """`apical pneumothorax` is a pneumothorax at the apex: a phrase that only adds a modifier must not hide it."""
        for words in list(self._phrases):
            names = {meaning.value for meaning in self._phrases[words] if meaning.kind == "concept"}
            for cut in range(1, len(words)) if names else ():
                meanings = self._phrases.get(words[:cut], ())
                head = {meaning.kind for meaning in meanings}
                if any(
                    meaning.kind == "place" and not self._adds_a_place(meaning.value, name)
                    for meaning in meanings
                    for name in names
                ):
                    continue
                rest = {meaning.value for meaning in self._phrases.get(words[cut:], ()) if meaning.kind == "concept"}
                if head and head <= MODIFYING and names <= rest:
                    del self._phrases[words]
                    break

    def _adds_a_place(self, place: str, name: str) -> bool:
        """A nearer place within the usual one; "heart failure" and "subsegmental atelectasis" add none."""
        usual = self.concepts[name].place
        return usual is None or (place != usual and (usual in self.around[place] or "lung" in self.around[place]))

    def _say(self, phrase: str, meaning: Meaning, inflect: bool = True) -> None:
        words = tuple(token.text for token in tokens_of(phrase))
        if not words:
            return
        for form in {words, *((*words[:-1], last) for last in plurals(words[-1]))} if inflect else {words}:
            known = self._phrases.setdefault(form, [])
            if meaning not in known:
                known.append(meaning)

    def _grown(self) -> Branch:
        tree = Branch()
        for words, meanings in self._phrases.items():
            meanings.sort(key=lambda meaning: -len(self._climb(meaning.value)) if meaning.kind == "concept" else 0)
            branch = tree
            for word in words:
                branch = branch.after.setdefault(word, Branch())
            branch.meanings = tuple(meanings)
        return tree


def by_sentence(terms: Sequence[Term], sentences: Sequence[Span]) -> tuple[tuple[Term, ...], ...]:
    """The terms of each sentence; one that runs over an end belongs to where it began."""
    found: list[list[Term]] = [[] for _ in sentences]
    index = 0
    for term in terms:
        while index < len(sentences) and term.first >= sentences[index].last:
            index += 1
        if index < len(sentences) and term.first >= sentences[index].first:
            found[index].append(term)
    return tuple(tuple(group) for group in found)


def plurals(word: str) -> list[str]:
    """The plural forms a dictation uses; harmless where a word has none."""
    if len(word) < 4 or not word.isalpha():
        return []
    if word.endswith("is"):
        return [word[:-2] + "es"]
    if word.endswith("y") and word[-2] not in "aeo":
        return [word[:-1] + "ies"]
    if word.endswith(("s", "x", "ch", "sh")):
        return [word + "es"]
    if word.endswith("um"):
        return [word[:-2] + "a", word + "s"]
    if word.endswith("us"):
        return [word[:-2] + "i"]
    return [word + "s"]


_READ: Final[list[Lexicon]] = []


def lexicon() -> Lexicon:
    """The shipped tables, read once per process and never collected: without the freeze each full collection walks through them all."""
    if not _READ:  # asked for a thousand times a report: functools.cache would cost more than it keeps
        _READ.append(Lexicon())
        gc.collect()
        gc.freeze()
    return _READ[0]
