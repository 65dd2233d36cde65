"""Running text -> tokens and sentences, every one with its place in the text as given.

Offsets count Unicode code points of the original, whatever is lower-cased or left out on the way: a flag must be able to point.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

#: Words, vertebral levels (`l4`, `t12`), numbers, slashed shorthand, blanks; hyphens inside words are skipped like spaces.
TOKEN = re.compile(
    r"(?P<short>(?:w/o|w/|s/p|c/w|b/l|r/o|h/o|d/t|a/w|f/u|y/o|w\.r\.t\.|vs\.|e\.g\.|i\.e\.|approx\.|dr\.|a\.m\.|p\.m\.)(?![a-z]))"
    r"|(?P<number>\d+(?:\.\d+)?|(?<![\w.])\.\d+)"
    r"|(?P<blank>x{3,}|_{2,}|\[[^\]]{0,20}\]|\*{3,})"
    r"|(?P<word>[^\W\d_]+(?:\d{1,2}(?![\d.]*[^\W\d_]))?)(?:['’]s\b)?"
    r"|(?P<mark>[^\w\s])"
)
LEVEL = re.compile(r"[ctls]\d{1,2}$")
#: A printed line that starts like this starts a new statement.
NEW_LINE_STARTS = re.compile(r"\s*\n\s*(?:\n|[-•*·]|\d{1,2}[.)]|[A-Z][a-z]|[A-Z][A-Z /]{2,30}:)")
CLOSERS = frozenset(".!?")
BLANK = "xxxx"


class Token(NamedTuple):
    """One word, number or mark; `text` is lower-cased, `start` and `end` count code points of the original. A tuple: there are many."""

    text: str
    start: int
    end: int

    def __repr__(self) -> str:
        return f"Token({self.start}, {self.end})"


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens `first` to `last` (excluded) make one sentence, found at `start` to `end` of the original."""

    first: int
    last: int
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """The tokens of `text`; a blank left by dictation or de-identification becomes one token, `xxxx`."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters (İ) grow when lowered: keep the length, offsets matter more
        lowered = "".join(one if len(low := one.lower()) != 1 else low for one in text)
    found = []
    for match in TOKEN.finditer(lowered):
        kind = match.lastgroup
        start, end = match.span()
        word = BLANK if kind == "blank" else match.group(kind or 0)
        if word == "-" and not _is_dash(lowered, start):
            continue
        found.append(Token(word, start, end))
    return found


def _is_dash(text: str, at: int) -> bool:
    """A hyphen between spaces is a pause, one after a number or level is a range; any other only joins a word."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return (before.isspace() and after.isspace()) or (before.isdigit() and (after.isdigit() or after in "ctls"))


def sentences_of(text: str, tokens: list[Token]) -> list[Span]:
    """Sentences in order: split at full stops and at printed lines that start something new, never inside a number."""
    breaks = {match.end() for match in NEW_LINE_STARTS.finditer(text)} if "\n" in text else set()
    starts = sorted(breaks)
    spans: list[Span] = []
    first, next_break = 0, 0
    for index, token in enumerate(tokens):
        while next_break < len(starts) and token.end >= starts[next_break]:
            if index > first:
                _close(spans, tokens, first, index)
                first = index
            next_break += 1
        if token.text in CLOSERS and index >= first and not _is_item_number(tokens, first, index):
            _close(spans, tokens, first, index + 1)
            first = index + 1
    if first < len(tokens):
        _close(spans, tokens, first, len(tokens))
    return spans


def _is_item_number(tokens: list[Token], first: int, index: int) -> bool:
    """`2.` at the start of a sentence numbers it and does not end it."""
    return index == first + 1 and tokens[first].text.isdigit() and len(tokens[first].text) <= 2


def _close(spans: list[Span], tokens: list[Token], first: int, last: int) -> None:
    if all(not token.text[0].isalnum() for token in tokens[first:last]):
        return
    if spans and last - first <= 2 and tokens[first].text.isdigit() and tokens[first].start == spans[-1].end:
        return
    spans.append(Span(first, last, tokens[first].start, tokens[last - 1].end))
