"""Lines of a dictation, cleaned: what is a sentence and what is letterhead, where rulers, prompts and names below a report end it."""

from __future__ import annotations

import re

from ingest.endings import is_dated_place, is_mark, is_namelike, is_office, without_ending

#: A line of nothing else divides and says nothing.
RULERS = "*=_-–—~. #|"
_PROMPT = re.compile(
    r"\[<[^<>\]]{0,80}>\]|<<[^<>]{0,80}>>|\{[^{}]{0,80}:\d{1,9}\}|\[\s*\]|\*{3}|_{3,}|\[?\b(?:none entered|not dictated|pending dictation|tbd)\b\]?",
    re.IGNORECASE,
)
#: What a template says of itself where nobody dictated.
_UNANSWERED = frozenset({"", "none entered", "not dictated", "pending dictation", "tbd"})
SHORTEST_PROSE = 24
#: In how many of a section's last lines a signature may follow a sentence; what stands below it is the signature's.
LAST_SIGNED = 4
_EDGES = " \n.-:*[]_"
_BLANK_LINES = re.compile(r"\n{3,}")
_SALUTATION = re.compile(
    r"(?:Sehr geehrte|Liebe[r]? (?:Frau|Herr|Kolleg)|Ch[eè]re? (?:confr|coll|doct)|Monsieur|Madame|Estimad[oa]|Geachte|Egregio|Gentile|Prezad[oa]|Dear )"
)


def prose(lines: list[str]) -> list[str]:
    """Paragraphs that are dictation rather than letterhead: at least one of their lines is part of a sentence."""
    kept: list[str] = []
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line:
            paragraph.append(line)
            continue
        text = " ".join(paragraph)
        if paragraph and is_sentence(text) and not _SALUTATION.match(text):
            kept.extend([*paragraph, ""])
        paragraph = []
    return kept[:-1]


def is_sentence(text: str) -> bool:
    words = text.split()
    if text.isupper():
        return len(words) >= 4 and text.rstrip()[-1] in ".!?"
    return (
        len(words) >= 3
        and (text.rstrip()[-1] in ".!?" or len(words) >= 8)
        and not is_namelike(text)
        and text.strip("*-_= ") != ""
    )


def _is_below(lines: list[str], end: int) -> bool:
    """Whether the last line is no part of the section: a mark, an office below a name, a place and its day below a blank line."""
    line = lines[end - 1]
    return is_mark(line) or is_office(lines, end) or (end > 1 and not lines[end - 2] and is_dated_place(line))


def tidy(lines: list[str]) -> str:
    """The section's text: no blank edges, no unanswered template prompts, no lone name at its end."""
    start, end = 0, len(lines)
    while end and (not lines[end - 1] or (len(lines[end - 1]) < 70 and _is_below(lines, end))):
        end -= 1
    while start < end and not lines[start]:
        start += 1
    kept = lines[start:end]
    for at in range(len(kept) - LAST_SIGNED if len(kept) > LAST_SIGNED else 0, len(kept)):
        line = kept[at]
        if (said := without_ending(line)) != line:
            kept[at:] = [said]
            break
    text = "\n".join(kept)
    if len(text) < SHORTEST_PROSE and text.strip(_EDGES).lower() in _UNANSWERED:
        return ""
    has_prompt = "[" in text or "*" in text or "_" in text or "{" in text or ("<" in text and "<<" in text)
    if has_prompt and not _PROMPT.sub("", text).strip(_EDGES):
        return ""
    return text if all(kept) else _BLANK_LINES.sub("\n\n", text)
