"""The findings, weighed: which of their sentences matter most.

Used three times: as the last way of writing, in the findings' own words; to say what a draft leaves out; and to let a model with a short
context read what matters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.facts import Fact, read_facts
from engine.impression import Span
from engine.lexicon import lexicon
from engine.sentences import sentences_of, tokens_of

#: An impression is read in one glance: more sentences than this are a second findings section.
MOST_SENTENCES = 4


@dataclass(frozen=True, slots=True)
class Weighed:
    """One sentence of the findings; `weight` is 0 for what is denied or normal, None when it states no fact we can read."""

    start: int
    text: str = field(repr=False)
    weight: int | None


def extract(findings: str, exam: str = "") -> str:
    """The sentences of `findings` that state something abnormal, gravest first; of a normal study the first that deny anything.

    Empty when the findings state no fact we can read: then nothing is shown.
    """
    stated = [sentence for sentence in weigh(findings, exam) if sentence.weight is not None]
    abnormal = [sentence for sentence in stated if sentence.weight]
    chosen = sorted(abnormal, key=lambda sentence: (-(sentence.weight or 0), sentence.start)) or stated[:2]
    return " ".join(sentence.text for sentence in chosen[:MOST_SENTENCES])


def condense(findings: str, share: float, exam: str = "") -> str:
    """The weightiest sentences that fit in `share` of the length, in the order of dictation: cut by facts, never by characters."""
    room = int(len(findings) * share)
    sentences = weigh(findings, exam)
    kept: list[Weighed] = []
    for sentence in sorted(sentences, key=lambda one: (-(-1 if one.weight is None else one.weight), one.start)):
        if len(sentence.text) < room:
            kept.append(sentence)
            room -= len(sentence.text) + 1
    return " ".join(sentence.text for sentence in sorted(kept, key=lambda one: one.start))


def sentences_at(findings: str, places: Iterable[Span]) -> list[str]:
    """The sentences of `findings` in which these places begin, each once, in the order of dictation."""
    starts = {start for start, _ in places}
    spans = [span for span in sentences_of(findings, tokens_of(findings)) if any(span.start <= at < span.end for at in starts)]
    return [_on_one_line(findings[span.start : span.end]) for span in spans]


def weigh(findings: str, exam: str = "") -> list[Weighed]:
    """Every sentence of `findings` with the weight of the gravest fact it states."""
    facts = read_facts(findings, exam=exam)
    sentences = []
    for span in sentences_of(findings, tokens_of(findings)):
        weights = [weight_of(fact) for fact in facts if span.start <= fact.start < span.end]
        sentences.append(Weighed(span.start, _on_one_line(findings[span.start : span.end]), max(weights, default=None)))
    return sentences


def weight_of(fact: Fact) -> int:
    """0 for what is denied, normal or only history; else the concept's weight, one more so that every finding counts."""
    if not fact.is_present or fact.is_normal or fact.is_history:
        return 0
    return lexicon().concepts[fact.concept].weight + 1


def _on_one_line(sentence: str) -> str:
    return " ".join(sentence.split())
