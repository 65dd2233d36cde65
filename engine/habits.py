"""What this radiologist is used to advising: own words may repeat a habit, never invent a referral.

The fact checker lets a plan pass that any finding of enough weight calls for; that is right for what a person signed, and too
kind to a model that writes in a person's name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.deeds import cut
from engine.facts import read
from engine.prompts import Dictation
from engine.recommendations import ADVICE

#: "in 6 months" is one word of advice: another interval is other advice.
WORD = re.compile(r"\d+(?:[-–]\d+)?[\s-](?:day|week|month|year)|[^\W\d_]+", re.IGNORECASE)
#: Words that advise, whatever it is they advise, and those that hold a sentence together.
GLUE = re.compile(
    r"an?|and|are|be|been|for|if|in|is|it|of|on|or|s|should|that|the|this|to|was|were|with"
    r"|(?:recommend|advis|suggest|consider|warrant|need|requir|necessary|helpful|indicated)\w*"
)


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence that advises something, and the findings it stands beside."""

    start: int
    end: int
    words: frozenset[str] = field(repr=False)
    concepts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Habits:
    """What a radiologist has advised, and in how many signed impressions each finding stood."""

    advice: tuple[Advice, ...] = ()
    impressions: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, signed: Iterable[tuple[str, str]]) -> Habits:
        """From signed impressions (text, examination)."""
        advice, impressions = list[Advice](), Counter[str]()
        for text, exam in signed:
            advice += advice_in(text, exam)
            impressions.update(_present(text, exam))
        return cls(tuple(advice), impressions)

    def include(self, words: frozenset[str], concept: str) -> bool:
        """Whether half of the impressions with this finding advise so: twice at least, or once where nothing else was found."""
        given = [one for one in self.advice if concept in one.concepts and words <= one.words]
        is_clear = len(given) >= 2 or any(one.concepts == {concept} for one in given)
        return is_clear and 2 * len(given) >= self.impressions.get(concept, 0)


NO_HABITS = Habits()


def without_new_advice(wording: str, draft: str, dictation: Dictation, habits: Habits) -> str:
    """`wording` without the sentences that advise what neither the draft nor the dictation does, nor this radiologist for such a finding."""
    new = [one for one in advice_in(wording, dictation.exam) if not is_called_for(one, draft, dictation, habits)]
    return cut(wording, [(one.start, one.end) for one in new])


def is_called_for(advice: Advice, draft: str, dictation: Dictation, habits: Habits) -> bool:
    """Whether its words stand in the draft or the dictation, or were signed before for one of the findings it stands beside."""
    new = advice.words - _words(draft) - _words(dictation.findings) - _words(dictation.indication)
    return not new or any(habits.include(new, concept) for concept in advice.concepts)


def advice_in(text: str, exam: str = "") -> list[Advice]:
    """The advice of an impression. It belongs to the findings of its line, or to all of them where its line has none."""
    reading = read(text, section="impression", exam=exam)
    present = [fact for fact in reading.facts if fact.is_present and not fact.is_normal]
    found = []
    for sentence in reading.sentences:
        words = text[sentence.start : sentence.end]
        if ADVICE.search(words):
            line = text.rfind("\n", 0, sentence.start) + 1, (text + "\n").find("\n", sentence.start)
            beside = frozenset(fact.concept for fact in present if line[0] <= fact.start < line[1])
            concepts = beside or frozenset(fact.concept for fact in present)
            found.append(Advice(sentence.start, sentence.end, _words(words), concepts))
    return found


def _present(text: str, exam: str) -> set[str]:
    facts = read(text, section="impression", exam=exam).facts
    return {fact.concept for fact in facts if fact.is_present and not fact.is_normal}


def _words(text: str) -> frozenset[str]:
    return frozenset(re.sub(r"\s+", " ", word) for word in WORD.findall(text.lower()) if not GLUE.fullmatch(word))
