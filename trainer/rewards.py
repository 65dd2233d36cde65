"""What makes an impression good, one function per reward, each between 0 and 1. Judging and on-policy preference read them.

Facts come first and are never traded: see `worst`.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.checks import check, fact_score
from engine.prompts import Dictation
from feedback.edits import edit_distance, tokens_of


def facts(dictation: Dictation, impression: str) -> float:
    """How faithfully it carries the findings: weighted F1 over facts, as RadGraph-F1 does over graphs (Yu, Patterns 2023)."""
    told = {"indication": dictation.indication, "comparison": dictation.comparison, "exam": dictation.exam}
    return fact_score(dictation.findings, impression, **told)


def is_faithful(dictation: Dictation, impression: str) -> bool:
    """Whether the engine would show it: it says something, and the checker finds nothing grave against it."""
    told = {"indication": dictation.indication, "comparison": dictation.comparison, "exam": dictation.exam}
    return bool(impression.strip()) and check(dictation.findings, impression, **told).verdict == "clean"


def style(signed: str, impression: str) -> float:
    """How little is left to edit: one minus the word edit distance, the cost Gao (arXiv 2404.15269) learns to lower."""
    return 1.0 - edit_distance(impression, signed)


def length(signed: str, impression: str) -> float:
    """How near in length, by the shorter over the longer: DPO's known way to cheat is length (Park, arXiv 2403.19159)."""
    a, b = len(tokens_of(signed)), len(tokens_of(impression))
    return min(a, b) / max(a, b) if a and b else float(a == b)


def worst(dictation: Dictation, signed: str, texts: Sequence[str]) -> int:
    """Which of several texts is most worth unlearning: the one with fewest facts, then least style, then least like in length."""
    ranked = [(facts(dictation, one), style(signed, one), length(signed, one)) for one in texts]
    return min(range(len(ranked)), key=ranked.__getitem__)
