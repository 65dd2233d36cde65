"""What a shown sentence rests on when it states no finding of its own: the findings it advises about, or none.

Every other sentence has its place from the checker, or the guideline's row from engine/guidance.py. A sentence the checker calls
unsupported keeps that name and its flag: there is nothing it could rest on.
"""

from __future__ import annotations

from dataclasses import replace

from engine.impression import Evidence, Impression, Sentence
from engine.recommendations import ADVICE

#: The rules a sentence may name beside a guideline's row.
ADVICE_RULE = "advice"  #: a next step that the checker finds called for by the findings named
NO_FINDING_RULE = "no-finding"  #: states nothing of this patient: an opening, a closing line


def grounded(impression: Impression) -> Impression:
    """`impression` with evidence or a rule for every sentence that is not unsupported.

    Advice rests on the findings of its own line; where its line has none, on all of them.
    """
    lines = _lines_of(impression)
    places = [one.evidence for one in impression.sentences]

    def ground(number: int, one: Sentence) -> Sentence:
        if one.evidence or one.rule or one.status == "unsupported":
            return one
        beside = [evidence for other, evidence in enumerate(places) if lines[other] == lines[number]]
        findings = _once(beside) or _once(places)
        if findings and ADVICE.search(one.text):
            return replace(one, evidence=findings, rule=ADVICE_RULE)
        return replace(one, rule=NO_FINDING_RULE)

    return replace(impression, sentences=tuple(ground(number, one) for number, one in enumerate(impression.sentences)))


def _lines_of(impression: Impression) -> list[int]:
    """The printed line on which each sentence begins."""
    lines, at = [], 0
    for sentence in impression.sentences:
        at = max(at, impression.text.find(sentence.text, at))
        lines.append(impression.text.count("\n", 0, at))
    return lines


def _once(places: list[tuple[Evidence, ...]]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(one for evidence in places for one in evidence))
