"""Where a sentence of a dictation ends: at its full stop, at a semicolon, before a heading or the next item of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
#: Each way begins with the mark itself, and looks behind it afterwards: so the search runs from mark to mark.
_SENTENCE_END = re.compile(
    r"[.!?](?<!\bvs.)(?<!\bno.)(?<!\bapprox.)(?<!\bser.)(?<!\bim.)(?<!\bimg.)(?<!\bDr.)(?=\s|$)|\.(?<=\b(?:no|im)\.)(?=\s+[A-Z][a-z]|\s*$)"
    r"|\.(?<=\bser\.)(?=\s*$)|;|\n\s*\n|\n(?=\s*(?:[-*•]|\d+[.)]\s)|[ \t]*[A-Z][A-Za-z0-9 /,&()'-]{1,45}:)"
    r"|\n(?<![\dA-Za-z,]\n)(?=[ \t]*[a-z][A-Za-z0-9 /,&()'-]{1,45}:)"
)
_LONGEST_SENTENCE = 700


def sentences_of(text: str) -> Iterator[Span]:
    """The places of the sentences, headings and items of a list of `text`, in order."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if match.start() > start and text[start : match.start()].strip():
            yield from _pieces(text, start, match.start())
        start = match.end()
    if text[start:].strip():
        yield from _pieces(text, start, len(text))


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """A sentence, or an endless one in pieces: nobody dictates that far, and reading time stays linear."""
    while end - start > _LONGEST_SENTENCE:
        cut = max(text.rfind(", ", start, start + _LONGEST_SENTENCE), text.rfind(" ", start, start + _LONGEST_SENTENCE))
        cut = cut + 1 if cut > start else start + _LONGEST_SENTENCE
        yield start, cut
        start = cut
    yield start, end
