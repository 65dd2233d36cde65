"""What a text advises, and whether this radiologist has advised so before: own words may repeat a habit, never invent a referral.

The fact checker lets a plan pass that any finding of enough weight calls for; that is right for what a person signed, and too
kind to a model that writes in a person's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.facts import read
from engine.prompts import Dictation
from engine.recommendations import ADVICE

#: "in 6 months" is one word of advice: another interval is other advice.
WORD = re.compile(r"\d+(?:[-–]\d+)?[\s-](?:day|week|month|year)|[^\W\d_]+", re.IGNORECASE)
#: Words that advise, whatever it is they advise.
GLUE = re.compile(
    r"an?|and|are|be|been|for|if|in|is|it|of|on|or|s|should|that|the|this|to|was|were|with"
    r"|(?:recommend|advis|suggest|consider|warrant|need|requir|necessary|helpful|indicated)\w*"
)


@dataclass(frozen=True, slots=True)
class Advice:
    """One sentence that advises something, and the findings it stands beside."""

    words: frozenset[str] = field(repr=False)
    concepts: frozenset[str]


def advice_in(text: str, exam: str = "") -> list[Advice]:
    """The advice of an impression. It belongs to the findings of its line, or to all of them where its line has none."""
    reading = read(text, section="impression", exam=exam)
    present = [fact for fact in reading.facts if fact.is_present and not fact.is_normal]
    lines = [(line.start(), line.end()) for line in re.finditer(r"[^\n]+", text)]
    found = []
    for sentence in reading.sentences:
        words = text[sentence.start : sentence.end]
        if ADVICE.search(words):
            line = next(((start, end) for start, end in lines if start <= sentence.start < end), (0, 0))
            beside = frozenset(fact.concept for fact in present if line[0] <= fact.start < line[1])
            found.append(Advice(_words(words), beside or frozenset(fact.concept for fact in present)))
    return found


def signed_advice(signed: Iterable[tuple[str, str]]) -> tuple[Advice, ...]:
    """What a radiologist has advised in these signed impressions (text, examination)."""
    return tuple(dict.fromkeys(advice for text, exam in signed for advice in advice_in(text, exam)))


def is_called_for(advice: Advice, draft: str, dictation: Dictation, signed: Sequence[Advice]) -> bool:
    """Whether its words stand in the draft or the dictation, or were signed before for one of the findings it stands beside."""
    new = advice.words - _words(draft) - _words(dictation.findings) - _words(dictation.indication or "")
    return not new or any(new <= one.words and advice.concepts & one.concepts for one in signed)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.sub(r"\s+", " ", word) for word in WORD.findall(text.lower()) if not GLUE.fullmatch(word))
