"""The words of a flag: what a colleague would say, quoting both places. Shown to the radiologist, never logged."""

from __future__ import annotations

from engine.facts import Fact
from engine.lexicon import lexicon


def quoted(fact: Fact) -> str:
    """The words it was read from, shortened in the middle when they run long."""
    words = " ".join(fact.words.split())
    if len(words) > 90:
        words = f"{words[:60]} … {words[-25:]}"
    return f"“{words}”"


def said(fact: Fact, singular: bool = False) -> str:
    """`suspect “…”`, or `suspects “…”` when one section says so."""
    verb, rest = (
        ("exclude", ""),
        ("doubt", ""),
        ("raise", " the possibility of"),
        ("suspect", ""),
        ("speak", " of"),
        ("state", ""),
    )[fact.certainty]
    return f"{verb}{'s' if singular else ''}{rest} {quoted(fact)}"


def name(concept: str) -> str:
    return lexicon().concepts[concept].label
