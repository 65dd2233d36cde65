"""Lines of a dictation, cleaned: what is a sentence and what is letterhead, where rulers, prompts and names below a report end it."""

from __future__ import annotations

import re

#: A line of nothing else divides and says nothing.
RULERS = "*=_-–—~. #|"
_PROMPT = re.compile(
    r"\[<[^<>\]]{0,80}>\]|<<[^<>]{0,80}>>|\{[^{}]{0,80}:\d{1,9}\}|\[\s*\]|\*{3}|_{3,}|\[?\b(?:none entered|not dictated|pending dictation|tbd)\b\]?",
    re.IGNORECASE,
)
#: What a template says of itself where nobody dictated.
_UNANSWERED = frozenset({"", "none entered", "not dictated", "pending dictation", "tbd"})
SHORTEST_PROSE = 24
_EDGES = " \n.-:*[]_"
_BLANK_LINES = re.compile(r"\n{3,}")
_NAMELIKE = re.compile(
    r"(?:(?:Dr|Prof|PD|Priv|OA|OÄ|CA|Dra|Dott|Dipl|Drs|Docteur|Doctor|Pr)\b[^!?:]{2,90}|(?:[^.!?:]|(?<=\b[A-Z])\.){3,50}"
    r"(?:,? (?:M\.? ?D\.?|D\.?O\.?|MBBS|FRCR|FRANZCR|PhD)|, (?:[Oo]verl[eæ]ge|[Öö]verläkare|[Rr]adi[oó]lo\w{1,6}))\.?)\Z"
)
_OFFICE = re.compile(
    r"(?:Consultant|Attending|Staff|Specialist|Radiolog|Fach[aä]rzt|Ober[aä]rzt|Chef[aä]rzt|Assistenz[aä]rzt|Leitende|M[ée]dec|M[ée]dic|GMC|RPPS|CRM|NPI|BIG|AGB|"
    r"Neuroradiolog|Diagnostic|Department|Abteilung|Institut|Klinik|Service|Servi[cz]|Colegiado|N[ºo°])",
    re.IGNORECASE,
)
_SALUTATION = re.compile(
    r"(?:Sehr geehrte|Liebe[r]? (?:Frau|Herr|Kolleg)|Ch[eè]re? (?:confr|coll|doct)|Monsieur|Madame|Estimad[oa]|Geachte|Egregio|Gentile|Prezad[oa]|Dear )"
)
_SMALL_WORDS = frozenset(
    {
        "radioloog",
        "radiologue",
        "radiologo",
        "radiólogo",
        "radiologista",
        "radiologist",
        "med",
        "med.",
        "e.h",
        "von",
        "van",
        "de",
        "der",
        "den",
        "di",
        "da",
        "la",
        "le",
        "du",
        "des",
        "dos",
        "y",
        "und",
        "für",
        "e",
        "el",
        "overlege",
        "overlæge",
        "överläkare",
        "radiologi",
    }
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
        and not _is_namelike(text)
        and text.strip("*-_= ") != ""
    )


def tidy(lines: list[str]) -> str:
    """The section's text: no blank edges, no unanswered template prompts, no lone name at its end."""
    start, end = 0, len(lines)
    while end and (not lines[end - 1] or (len(lines[end - 1]) < 70 and (_is_name(lines[end - 1]) or _is_office(lines, end)))):
        end -= 1
    while start < end and not lines[start]:
        start += 1
    kept = lines[start:end]
    text = "\n".join(kept)
    if len(text) < SHORTEST_PROSE and text.strip(_EDGES).lower() in _UNANSWERED:
        return ""
    has_prompt = "[" in text or "*" in text or "_" in text or "{" in text or ("<" in text and "<<" in text)
    if has_prompt and not _PROMPT.sub("", text).strip(_EDGES):
        return ""
    return text if all(kept) else _BLANK_LINES.sub("\n\n", text)


def _is_name(line: str) -> bool:
    """Dr. med. Anna Beispiel / Jane Doe, MD / Dr. P. Jansen, radioloog: a signature without a word before it."""
    words = line.replace("/", " ").split(None, 10)
    if len(words) > 9:
        return False
    for word in words:
        if not word[0].isupper() and word[0].isalpha() and word.strip(",.") not in _SMALL_WORDS:
            return False
    return _is_namelike(line)


def _is_namelike(text: str) -> bool:
    """Looks first at the edges, where a title, a degree or an office must stand."""
    may_be = text[0] in "DPOC" or text.rstrip(".")[-1:] in "DOSR" or ", " in text
    return may_be and _NAMELIKE.match(text) is not None


def _is_office(lines: list[str], end: int) -> bool:
    """What stands below a name: Consultant Radiologist, Facharzt für Radiologie, GMC 123456; only in a paragraph that a name opens."""
    if end < 2 or not lines[end - 2] or not _OFFICE.match(lines[end - 1]):
        return False
    for line in reversed(lines[max(0, end - 4) : end - 1]):
        if not line:
            return False
        if _is_name(line):
            return True
    return False
