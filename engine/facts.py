"""Text -> facts: which finding, present or not, how sure, which side and place, what size, how severe, what changed, read where.

Linear in the text and explainable: every fact carries the span it was read from. The words are data (engine/lexicon); negation and
doubt are engine/scope.py; which modifier belongs to which finding is engine/attach.py. No model, no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, Literal

from engine.attach import attach
from engine.exams import seen_at
from engine.fact import EXCLUDED, STATED, UNLIKELY, Fact, Reading
from engine.impression import Span
from engine.lexicon import Lexicon, Term, by_sentence, lexicon
from engine.look_back import OF_THEN, THEN, call_new, look_back, without_then
from engine.measures import LEVELS, NARROWED, PER_CENT, SIZED, Level, Size, levels_in, narrowings_in, sizes_in
from engine.modifiers import SYSTEMS, About
from engine.scope import Event, Mention, events_of, read_scope
from engine.sentences import BLANK, Token, sentences_of, tokens_of
from engine.sentences import Span as TokenSpan
from engine.values import told_by_number, values_in

Side = Literal["left", "right", "bilateral", "midline"]
THYROID_POLES: Final = {
    "kidney_upper_pole": "thyroid_upper_pole",
    "kidney_interpolar": "thyroid_mid",
    "kidney_lower_pole": "thyroid_lower_pole",
    "middle_lobe": "thyroid_mid",
    "prostate_mid": "thyroid_mid",
}
#: What breaks is the bone over a lobe.
BROKEN: Final = {
    "frontal_lobe": "frontal_bone",
    "parietal_lobe": "parietal_bone",
    "occipital_lobe": "occipital_bone",
    "temporal_lobe": "squamous_temporal_bone",
}
#: What else has poles.
KIDNEY: Final = frozenset({"kidney", "kidneys", "renal"})
#: Organs that are examined alone and then left out of the dictation.
LEFT_OUT: Final = frozenset({"thyroid", "breast", "prostate", "scrotum", "testis"})
MEASURED: Final = SIZED | LEVELS
#: What is denied behind one of these is denied of what stands before it: "the cephalic vein has no thrombus".
SCOPING: Final = frozenset({"without", ":", "has", "have", "shows", "show", "demonstrates", "demonstrate", "contains", "contain"})
Change = Literal["new", "larger", "unchanged", "again", "smaller", "resolved"]


def read_facts(text: str, *, section: str = "findings", exam: str = "") -> tuple[Fact, ...]:
    """The facts that `text` states, in reading order. `exam` gives a place to words like "normal study"."""
    return read(text, section=section, exam=exam).facts


def read(text: str, *, section: str = "findings", exam: str = "") -> Reading:
    """Like `read_facts`, with tokens, sentences and plans kept for whoever needs to look closer."""
    return _read(text, section, exam)


@lru_cache(maxsize=16)  # a report's texts are read again by every rule that judges its candidates; no more than that is kept
def _read(text: str, section: str, exam: str) -> Reading:
    words = lexicon()
    tokens = tokens_of(text)
    sentences = sentences_of(text, tokens)
    said = [token.text for token in tokens]
    terms = by_sentence(words.find(said, seen_at(exam) if exam else frozenset()), sentences)
    facts: list[Fact] = []
    plans: list[Fact] = []
    sizes: list[Size] = []
    levels: list[Level] = []
    level: tuple[str, ...] = ()
    site: tuple[str, str] | None = None
    of_thyroid = "thyroid" in exam.lower() or _speaks_of_thyroid(said)
    home = _organ_of(exam.lower()) if exam else None
    topic: str | None = None
    for index, (span, found) in enumerate(zip(sentences, terms, strict=True)):
        page = _Sentence(words, tokens, said, span, found, index, section, text, home)
        if of_thyroid:
            page.move_poles()
        level = page.carried_level(level)
        site = page.carried_site(site)
        made, planned = page.read(level)
        if site:
            for fact in made:
                page.put_under_heading(fact, *site)
        if facts and not made and not planned:
            look_back(facts[-1], page.events, tokens, span, index, words)
        if facts and page.goes_on_denying(facts[-1]):
            for fact in made:
                fact.certainty = EXCLUDED
        topic = page.put_near(made, topic)
        sizes += page.sizes
        levels += page.levels
        facts += made
        plans += planned
    return Reading(text, section, tuple(tokens), tuple(sentences), terms, tuple(facts), tuple(plans), tuple(sizes), tuple(levels), frozenset(said))  # fmt: skip


@lru_cache(maxsize=1024)
def _organ_of(exam: str) -> str | None:
    """`us thyroid` -> thyroid: where a nodule without a place lies. None when the name has no such organ, or another place too."""
    words = lexicon()
    terms = words.find([token.text for token in tokens_of(exam)])
    places = {meaning.value for term in terms for meaning in term.meanings if meaning.kind == "place"}
    return places.pop() if len(places) == 1 and places <= LEFT_OUT else None


def _speaks_of_thyroid(said: Sequence[str]) -> bool:
    """A pole is the kidney's unless the text is about the thyroid alone."""
    return "thyroid" in said and KIDNEY.isdisjoint(said)


class _Sentence:
    """One sentence while it is read."""

    def __init__(
        self,
        words: Lexicon,
        tokens: Sequence[Token],
        said: Sequence[str],  #: the texts of all tokens
        span: TokenSpan,
        terms: Sequence[Term],
        index: int,
        section: str,
        text: str,
        home: str | None,  #: the one organ that is examined
    ):
        self.home = home
        self.words, self.tokens, self.span, self.index, self.section, self.text = words, tokens, span, index, section, text
        self.said = set(said[span.first : span.last])
        self.events = events_of(terms, said, span.first, span.last)
        self.sizes: list[Size] = []
        self.levels: list[Level] = []
        if not self.said.isdisjoint(MEASURED):
            self._add_measures()
        if not (self.said.isdisjoint(PER_CENT) or self.said.isdisjoint(NARROWED)):
            self.events += [
                Event("severity", str(grade), start, end) for start, end, grade in narrowings_in(tokens, span.first, span.last)
            ]
            self.events.sort(key=lambda event: event.first)
        self.kinds = {event.kind for event in self.events}
        if "severity" in self.kinds and not self.said.isdisjoint(OF_THEN):
            self.events = without_then(self.events, tokens)

    def _add_measures(self) -> None:
        tokens, span = self.tokens, self.span
        sizes = self.sizes = sizes_in(tokens, span.first, span.last)
        levels = self.levels = levels_in(tokens, span.first, span.last)
        for size in sizes:
            kind = "earlier" if size.was else "distance" if size.distance else "size"
            self.events.append(Event("size", kind, size.first, size.last, numbers=size.mm))
        for level in levels:
            self.events.append(Event("level", level.names[0], level.first, level.last))
        if sizes or levels:
            inside = [(event.first, event.last) for event in self.events if event.kind in ("size", "level")]
            self.events = [
                event for event in self.events
                if event.kind in ("size", "level") or not any(first <= event.first < last for first, last in inside)
            ]  # fmt: skip
            self.events.sort(key=lambda event: event.first)

    def goes_on_denying(self, before: Fact) -> bool:
        """`No consolidation. Effusion or pneumothorax.`: a fragment whose "no" stands before the full stop."""
        return (
            "or" in self.kinds
            and self.kinds <= {"concept", "or", "place", "severity"}
            and before.is_absent
            and not before.is_normal
            and before.sentence == self.index - 1
        )

    def move_poles(self) -> None:
        for event in self.events:
            if event.kind == "place" and event.value in THYROID_POLES:
                event.value = THYROID_POLES[event.value]

    def carried_level(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """`L4-5:` or `At L4-5` at a start holds until the next such start, and never into the next item of a list."""
        if not before and "level" not in self.kinds:
            return before
        opening = [event for event in self.events[:3] if event.kind != "close"][:2]  # "2) L4-5: …"
        kinds = [event.kind for event in opening]
        if "level" not in self.kinds:
            return () if "colon" in kinds or self.is_item else before
        is_heading = "level" in kinds and (kinds[0] != "level" or kinds[1:] in (["colon"], ["comma"], ["verb"]))
        return (opening[kinds.index("level")].value,) if is_heading else ()

    def carried_site(self, before: tuple[str, str] | None) -> tuple[str, str] | None:
        """`Left knee:` at a start holds until the next heading."""
        if not before and "colon" not in self.kinds:
            return before
        colon = next((index for index, event in enumerate(self.events[:4]) if event.kind in ("colon", "concept")), None)
        if colon is None or self.events[colon].kind == "concept":
            return None if self.is_item or "level" in self.kinds else before
        side, place = (
            next((event.value for event in self.events[:colon] if event.kind == kind), None) for kind in ("side", "place")
        )
        return (side, place) if side and place else None

    def put_under_heading(self, fact: Fact, side: str, place: str) -> None:
        """A fact that names no side of its own has the heading's, if it can be there."""
        usual = self.words.concepts[fact.concept].place
        if fact.side or not any(
            one is None or self.words.lies_in(one, place) or self.words.lies_in(place, one) or one in SYSTEMS
            for one in (fact.place, usual)
        ):
            return
        fact.side, fact.place = side, fact.place or place
        fact.concept = self.words.compose(fact.concept, fact.place)

    def put_near(self, made: Sequence[Fact], topic: str | None) -> str | None:
        """Tell every finding without a place which one was spoken of last; what is denied is told so only behind "without"."""
        kinds, events = self.kinds, self.events
        places = [event for event in events if event.kind == "place" and event.value not in SYSTEMS] if "place" in kinds else []
        levels = {event.value for event in events if event.kind == "level"} if "level" in kinds else ()
        sides = [event for event in events if event.kind == "side"] if "side" in kinds else []
        only = sides[0] if len({event.value for event in sides}) == 1 else None
        for fact in made:
            if (
                only is not None
                and fact.is_present
                and fact.side is None
                and self.tokens[only.first].start < fact.start
                and only.value in ("left", "right")
            ):
                fact.near_side = only.value
            usual = fact.place or self.words.concepts[fact.concept].place
            if usual and not fact.levels and len(levels) == 1 and self.words.lies_in(usual, "spine"):
                fact.levels = tuple(levels)
            if usual and usual not in SYSTEMS:
                if fact.is_present:
                    topic = usual
                continue
            before = [event for event in places if self.tokens[event.first].start < fact.start]
            if fact.is_present:
                fact.near = before[-1].value if before else topic
            elif before:
                between = [token.text for token in self.tokens[before[-1].last : self.span.last] if token.start < fact.start]
                is_scoped = not SCOPING.isdisjoint(between) or between[:1] == ["no"] or between[-2:] == [",", "no"]
                subject = next((one for one in reversed(made) if one.is_present and one.end <= fact.start and one.place), None)
                fact.near = subject.place if subject is not None else before[-1].value if is_scoped else None
                fact.near_side = subject.side if subject is not None and subject.side != "bilateral" else None
        return places[-1].value if places else topic

    @property
    def is_item(self) -> bool:
        """`2. …`: an item of a numbered list."""
        first = self.span.first
        return self.tokens[first].text.isdigit() and self.span.last > first + 1 and self.tokens[first + 1].text in (".", ")")

    def read(self, level: tuple[str, ...]) -> tuple[list[Fact], list[Fact]]:
        self._name_the_prominent()
        mentions = read_scope(self.events) if "concept" in self.kinds else []
        facts = self._normal_statements() if "normal" in self.kinds else []
        if mentions and not self.said.isdisjoint(THEN):
            call_new(mentions, self.text[self.span.start : self.span.end].lower())
        attach(self.events, mentions)
        plans: list[Fact] = []
        for mention in mentions:
            made = self._facts_of(mention, level)
            (plans if mention.is_plan else facts).extend(made)
        if not self.said.isdisjoint(told_by_number()):
            facts += self._measured()
        facts.sort(key=lambda fact: fact.start)
        return facts, plans

    def _measured(self) -> list[Fact]:
        at = self.span.start
        return [
            Fact(concept, certainty, self.section, at + start, at + end, self.index, words=self.text[at + start : at + end])
            for concept, certainty, start, end in values_in(self.text[at : self.span.end])
        ]

    def _name_the_prominent(self) -> None:
        """`The pulmonary arteries are prominent.` speaks of an enlargement without the word."""
        if "concept" in self.kinds or not self.kinds >= {"place", "severity"}:
            return
        for event in self.events:
            if event.kind == "severity" and event.word in ("prominent", "large", "bulky"):
                event.kind, event.value = "concept", "enlargement"
                self.kinds.add("concept")
                return

    @property
    def has_blank(self) -> bool:
        return BLANK in self.said

    # --- normal statements ------------------------------------------------------------------------------------------

    def _normal_statements(self) -> list[Fact]:
        facts: list[Fact] = []
        for index, event in enumerate(self.events):
            if event.kind != "normal" or (index and self.events[index - 1].kind == "negate-before"):
                continue
            later = [event.kind for event in self.events[index + 1 : index + 3]]
            of = later[:1] == ["place-link"] or later == ["and", "place-link"]
            after = self._subjects_after(index) if of else []  # "views show normal size of the heart"
            subjects = after or self._subjects_before(index) or self._subjects_after(index)
            for subject in subjects:
                subject.taken = True
                place = subject.value if subject.kind == "place" else None
                facts.append(self._normal_fact(subject, event, place))
        return facts

    def _subjects_before(self, index: int) -> list[Event]:
        subjects: list[Event] = []
        for event in reversed(self.events[:index]):
            if event.kind == "place" and not event.taken:
                subjects.append(event)
            elif event.kind not in ("side", "comma", "and", "verb", "place-link", "article", "filler", "colon", "or", "position", "change",
                                    "blank", "severity", "exam", "number", "slash"):  # fmt: skip
                break
        return self._with_sides(subjects)

    def _subjects_after(self, index: int) -> list[Event]:
        subjects: list[Event] = []
        for event in self.events[index + 1 :]:
            if event.kind == "place" or (event.kind == "exam" and not subjects):
                subjects.append(event)
            elif event.kind == "concept" and subjects and subjects[-1].last == event.first:
                return []  # "smooth pleural thickening" calls no pleura normal
            elif event.kind not in (
                "side", "comma", "and", "place-link", "article", "filler", "acuity", "exam", "blank", "position", "or",
            ):  # fmt: skip
                break
        places = [subject for subject in subjects if subject.kind == "place"]
        return self._with_sides(places or subjects[:1])

    def _with_sides(self, subjects: list[Event]) -> list[Event]:
        for subject in subjects:
            at = self.events.index(subject)
            near = self.events[at - 1] if at else None
            if near is not None and near.kind == "side" and near.value in ("left", "right"):
                subject.side, near.taken = near.value, True
        return subjects

    def _normal_fact(self, subject: Event, event: Event, place: str | None) -> Fact:
        first, last = min(subject.first, event.first), max(subject.last, event.last)
        concept = self._broken(place) if place and self.tokens[event.first].text == "intact" else "abnormality"
        return Fact(
            concept, EXCLUDED, self.section, self.tokens[first].start, self.tokens[last - 1].end, self.index,
            side=subject.side, place=place, is_normal=True, has_blank=self.has_blank,
            words=self.text[self.tokens[first].start : self.tokens[last - 1].end],
        )  # fmt: skip

    def _broken(self, place: str) -> str:
        """What "intact" denies: a tear of a ligament, tendon or meniscus, the rupture of a globe, a fracture of all else."""
        return next((made for head in ("tear", "rupture") if (made := self.words.compose(head, place)) != head), "fracture")

    # --- mentions ---------------------------------------------------------------------------------------------------

    def _facts_of(self, mention: Mention, level: tuple[str, ...]) -> list[Fact]:
        if parts := self._split(mention):
            return [fact for part in parts for fact in self._facts_of(part, level)]
        about = About(self.words, mention)
        start, end = self._extent(mention)
        certainty, change = mention.certainty, about.change
        if "fracture" in mention.name:
            about.sites = [(side, BROKEN.get(place or "", place), severity) for side, place, severity in about.sites]
        is_news_only = (change == "new" and certainty == EXCLUDED) or mention.no_new
        if is_news_only:
            change = "new"
        elif change == "resolved":
            certainty = EXCLUDED
        usual = self.words.concepts[mention.name].place if about.acuity == "chronic" and mention.name in self.words.aged else None
        facts = [
            Fact(
                self._named(mention.name, place or (self.home if certainty > UNLIKELY else None), about), certainty, self.section, start, end, self.index,
                side=side, place=place or usual, levels=about.levels or level, positions=about.positions, sizes=about.sizes,
                earlier_sizes=about.earlier, distance=about.distance, severity=about.severity if severity is None else severity,
                number=about.number, change=change, acuity=about.acuity, is_history=mention.is_history, is_plan=mention.is_plan,
                is_normal=is_news_only or (certainty == EXCLUDED and mention.name == "abnormality"),
                explained_by=mention.explained_by, described_by=mention.described_by, is_alternative=mention.is_alternative,
                shares_site=mention.shares_site, has_blank=self.has_blank, words=self.text[start:end],
            )
            for side, place, severity in about.sites
        ]  # fmt: skip
        if len(facts) > 1:
            _pair(facts, about)
        return facts

    def _split(self, mention: Mention) -> tuple[Mention, ...]:
        """`clavicle and rib fractures`: a place outside the usual one, joined by "and", is a second finding with a name of its own."""
        concept = self.words.concepts[mention.name]
        for site in mention.events if concept.place else ():
            if site.kind != "place" or site.last > mention.first or not self._lies_apart(concept.place, site.value):
                continue
            joined = any(event.kind == "and" and site.last <= event.first < mention.first for event in self.events)
            named = next((made for head in concept.equals if (made := self.words.compose(head, site.value)) != head), None)
            if joined and named:
                before = [event for event in mention.events if event.first <= site.first]
                rest = [event for event in mention.events if event is not site]
                if any(event.kind == "side" for event in rest if event.first > site.first):
                    rest = [event for event in rest if event.kind != "side" or event.first > site.first]
                return replace(mention, name=named, events=before), replace(mention, events=rest)
        return ()

    def _lies_apart(self, usual: str | None, place: str) -> bool:
        return usual is not None and not (self.words.lies_in(place, usual) or self.words.lies_in(usual, place))

    def _named(self, concept: str, place: str | None, about: About) -> str:
        """A nodule in the thyroid is a thyroid nodule, an old infarct is another thing than an infarct."""
        if about.of_nodes:
            concept = self.words.compose(concept, "lymph_nodes")
        concept = self.words.compose(concept, place)
        return self.words.aged.get(concept, concept) if about.acuity == "chronic" else concept

    def _extent(self, mention: Mention) -> Span:
        first, last = mention.first, mention.last
        for event in mention.events:
            first, last = min(first, event.first), max(last, event.last)
        return self.tokens[first].start, self.tokens[last - 1].end


def _pair(facts: Sequence[Fact], about: About) -> None:
    """`6 mm left upper lobe, unchanged, and 4 mm middle lobe, new`: as many sizes as sites belong to them in order."""
    if len(about.sizes) == len(facts):
        for fact, size in zip(facts, about.sizes, strict=True):
            fact.sizes = (size,)
    if len(about.changes) > 1:
        for fact in facts:
            fact.change = None


def forget() -> None:
    """Drop what `read` keeps, for whoever measures how long a first reading takes."""
    _read.cache_clear()


__all__ = ["EXCLUDED", "STATED", "Fact", "Reading", "forget", "read", "read_facts"]
