"""A dictated text -> its sections, by the headings radiologists really type.

Comes in: the narrative, as one text or as pieces whose sender already said what each is. Goes out: sections under the contract's
names. Works line by line in one pass; a sentence is never rewritten, only cut at headings, signatures and attestations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from ingest.endings import is_paperwork, may_open, opens_trailer
from ingest.headings import (
    BODY,
    IN_OTHER_SCRIPTS,
    LABELS,
    OTHER,
    QUALIFIERS,
    SECTION_BY_HEADING,
    STRONG,
    TRAILER,
    WEAK_IMPRESSION,
    folded,
)
from ingest.paperwork import KINDS
from ingest.parts import FINDINGS, IMPRESSION, Part, settled
from ingest.prose import RULERS
from ingest.report import Section

ADDENDUM = str(Section.ADDENDUM)
LONGEST_HEADING = 60
#: How many colons inside lines are looked at for a heading: bounds the work on hostile text.
MID_LINE_LIMIT = 1000
#: Characters read at a time, and how many lines at the end of what was read stay apart for `settled` to look at.
LARGEST_BLOCK = 100_000
LAST_LINES = 50
_MID_LINE = frozenset({str(s) for s in Section} - {"critical_communication"})
#: Sections that speak of reports and dates of others.
_ABOUT_OTHERS = frozenset({"comparison", "indication", "technique"})
#: How lines of plain dictation begin, as met so far: letters that open neither a heading nor a trailer. A bounded memory.
_PLAIN_BEGINNINGS: set[str] = set()
#: Lines that are a heading and nothing else, as met so far, with their section.
_BARE_HEADINGS: dict[str, str] = {}
MOST_BEGINNINGS = 20_000
_CAPITALS = re.compile(r"(?<=\s)((?:[A-Z&/]{2,20}[ ]){0,3}[A-Z]{4,20})\Z")
_TITLED = re.compile(r"(?<=\s)([A-ZÀ-Ý][a-zà-ÿ]{5,15})\Z")
_NUMBERED = re.compile(r"(?:[A-H]|[IVX]{1,4}|\d)[.)]\s+(?=[A-Z])")
_MID_HEAD = re.compile(r"(?:[.;!?)\]*:|]\s{0,4}|\s{2,8}|\A\s*)[*_#\-]{0,3}\s?([^\W\d_][^\d:.;!?]{1,40}?)\**\s?\Z")
#: 【所見】, 诊断意见：, Заключение: and what follows.
_OTHER_SCRIPT = re.compile(
    r"[【\[＜<■●◆]?\s?([\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]{2,20})\s?(?:[】\]＞>][:：]?|[:：]|\Z)\s{0,8}(.*)",
    re.DOTALL,
)
#: An addendum with its number, author or day before the colon: Nachtrag vom 06.05.2026: / ADDENDUM #1 by Dr. Roe on 5/6/2026 14:02:
#: A word that heads other things, too, has its number or day at once behind it: Complement C3 level 40: is a laboratory's.
_DATED_ADDENDUM = re.compile(
    r"(?:(?:adden(?:dum|da)|adend[aou]m?|nachtrag|befunderg[aä]nzung|naschrift)\b(?! (?:signed|dictated|electronically|verified))[^:\d]{0,40}"
    r"|(?:erg[aä]nzung|compl[eé]ment|additif|aanvulling|integrazione|ampliaci[oó]n|supplement(?:al|ary) report)\b"
    r"(?:\s|[#(]|n[°ºor]\.?|vom|du|del|van|of|dated)*)\d(?:[^:]|:(?=\d)){0,60}:(?=\s|\Z)",
    re.IGNORECASE,
)
#: [Findings] No mass. / <Impression>
_BRACKETED = re.compile(r"[\[<(]([^\]>)]{3,40})[\]>)]\s?:?\s{0,8}(.*)", re.DOTALL)
_WIDE_COLON = re.compile(r"(?<=[A-Za-z])：\s?")
#: "CT HEAD:" alone on a line: the exam's name, under which its report begins.
_EXAM_TITLE = re.compile(
    r"(?:CTA?|MRI?|MRA|USS?|XR|X-?ray|Ultrasound|PET(?:[ -]CT)?|Mammogra\w+|Fluoroscopy)\b[^:.]{0,60}:\Z", re.IGNORECASE
)
#: F I N D I N G S: as typewriters stressed a word; two blanks or three divide words.
_SPACED = re.compile(r"((?:[^\W\d_] {1,3}){4,40}[^\W\d_])\s?(?::\s*|\Z)")
_DECORATION = " \t*=_#-–—•·>|~<[]().:\u00a0\ufeff"
_SENTENCE_WORDS = frozenset({"ARE", "IS", "WAS", "WERE", "WITH", "NO", "NOT", "CONSISTENT", "SUGGEST", "SUGGESTS", "HAS", "HAVE"})
#: Words in whose company a strong one heads nothing: ADDENDUM SIGNED BY, FINDINGS DISCUSSED WITH, None FINDINGS.
_SAID_OF_IT = frozenset(
    {"BY", "SIGNED", "WITH", "DISCUSSED", "DICTATED", "VERIFIED", "PRIOR", "CLINICAL", "NONE", "AVAILABLE", "UNAVAILABLE"}
)
#: No heading ends otherwise: a colon behind any other word heads nothing.
_LAST_WORDS = frozenset(heading.rpartition(" ")[2] for heading in SECTION_BY_HEADING)
_CLINICAL = frozenset("CLINICAL KLINISCHE KLINISCHER KLIN CLINIQUE CLINIQUES CLINICA CLINICO CLINICOS CLINICAS CLINICHE".split())
_JOINTS = (" AND ", " UND ", " ET ", " Y ", " EN ", " E ")


def sections(narrative: str) -> dict[Section, str]:
    """The sections of one text that came without any markup."""
    return sections_of([("", narrative)])


def sections_of(pieces: Iterable[tuple[str, str]]) -> dict[Section, str]:
    """The sections of a narrative in pieces: (what the sender says it is, its text); "" or `BODY` when the sender says nothing.

    A heading inside a piece wins over the piece's own name.
    """
    parts: list[Part] = []
    for name, text in pieces:
        _read_piece(name, text, parts)
    return settled(parts)


def section_named(name: str) -> str | None:
    """The section a heading, an OBX-3 text or a CDA title stands for; None when it stands for none."""
    return _section_by_name(name.strip()[:LONGEST_HEADING])


@lru_cache(maxsize=8192)
def _section_by_name(name: str) -> str | None:
    key = folded(name)
    if not key:
        return IN_OTHER_SCRIPTS.get(name.upper())
    found = SECTION_BY_HEADING.get(key) or SECTION_BY_HEADING.get(key.replace(" AND ", " "))
    if found:
        return found
    if name.endswith(")") and name.find("(") > 2:  # IMPRESSION (preliminary)
        return _section_by_name(name[: name.index("(")].strip())
    for joint in _JOINTS:
        if joint in key:
            halves = [SECTION_BY_HEADING.get(half) for half in key.split(joint)]
            if all(halves):
                return IMPRESSION if IMPRESSION in halves else halves[0]
    words = key.split()
    if words[0] == "END":
        return None
    typed_so = name.isupper() or (len(words) <= 4 and all(word[:1].isupper() for word in name.split()))
    if (typed_so or name[0].isupper()) and ". " not in name and (composed := _composed(words)):
        return composed
    if 2 <= len(words) <= 7 and typed_so and ". " not in name and _SAID_OF_IT.isdisjoint(words):
        return STRONG.get(words[0]) or STRONG.get(words[-1])
    return None


def _composed(words: list[str]) -> str | None:
    """The section of a heading with an adjective: Conclusion finale, Hallazgos de imagen; None when any word is of another kind."""
    if len(words) == 1 and words[0].endswith("BEFUND") and words[0] not in KINDS:
        return FINDINGS  # Röntgenbefund, CT-Detailbefund
    if not 2 <= len(words) <= 5 or (QUALIFIERS.isdisjoint(words) and _CLINICAL.isdisjoint(words)):
        return None
    named = {SECTION_BY_HEADING.get(word, "") for word in words if word not in QUALIFIERS}
    if "indication" in named:  # Klinische Diagnose, Clinical summary: what is clinical stands before the exam
        named -= {WEAK_IMPRESSION, OTHER}
    return named.pop() if len(named) == 1 and not named & {"", BODY, OTHER} else None


def _read_piece(name: str, text: str, parts: list[Part]) -> None:
    """Add one piece's lines to `parts`, opening a new part at each heading."""
    if not text.isascii():
        text = _as_typed(text)
    parts.append(Part(name))
    opened = parts[-1]
    for block in (text,) if len(text) <= LARGEST_BLOCK else _blocks(text):
        _read_block(block, name, opened, parts)
        lines = parts[-1].lines
        if len(text) > LARGEST_BLOCK and len(lines) > 2 * LAST_LINES:
            lines[:-LAST_LINES] = ["\n".join(lines[:-LAST_LINES])]


def _as_typed(text: str) -> str:
    """Without the marks of writing direction, and with our colon for the wide one behind a Latin word."""
    if "\u200e" in text or "\u200f" in text:
        text = text.replace("\u200e", "").replace("\u200f", "")
    return _WIDE_COLON.sub(": ", text) if "：" in text else text


def _blocks(text: str) -> Iterator[str]:
    """A text of many thousand lines is never held as lines all at once: each would cost as much again as its words."""
    start = 0
    while (end := text.find("\n", start + LARGEST_BLOCK)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:] if start else text


def _read_block(block: str, name: str, opened: Part, parts: list[Part]) -> None:
    lines, plain = parts[-1].lines, _PLAIN_BEGINNINGS
    colons = 0
    for line in block.split("\n"):
        if (line[:4] in plain or line[:12] in plain) and ":" not in line and (line[-1] == "." or _is_long(line)):
            lines.append(line)  # nearly every line: plain dictation, told apart cheaply
            continue
        stripped = line.strip()
        if not stripped:
            lines.append("")
            continue
        is_plain = stripped not in _BARE_HEADINGS and _begins_plainly(stripped) and ":" not in stripped
        if is_plain and (stripped[-1] == "." or len(stripped) > LONGEST_HEADING):
            lines.append(stripped)
            continue
        heading, rest = _heading_of(stripped)
        if heading is not None and not _stays(heading, stripped, parts):
            if heading == name == FINDINGS:
                opened.name = ""  # the sender calls the whole report findings: what stands before its own heading is not
            if heading in (FINDINGS, OTHER, "technique", "indication"):
                _drop_title(lines)
            parts.append(Part(heading))
            lines = parts[-1].lines
            stripped = rest
            if not stripped:
                continue
        if parts[-1].name not in _ABOUT_OTHERS and is_paperwork(stripped):
            continue
        if ":" in stripped and colons < MID_LINE_LIMIT:
            colons += stripped.count(":")
            for part in _split_mid_line(stripped):
                if part.name or part.soft:
                    parts.append(part)
                    lines = part.lines
                else:
                    lines.extend(part.lines)
        elif stripped[0].isalnum() or stripped.strip(RULERS):
            lines.append(stripped)


def _is_long(line: str) -> bool:
    return len(line) > LONGEST_HEADING and not line[-1].isspace()


def _begins_plainly(line: str) -> bool:
    """Whether no heading in capitals, no decoration and no trailer begins so. What does is remembered."""
    if line[0] in _DECORATION or line[1:4].isupper():
        return False
    for beginning in (line[:4], line[:12]):  # "The " may open an attestation, "The lungs ar" may not
        if beginning in _PLAIN_BEGINNINGS:
            return True
        if not may_open(beginning):
            if len(_PLAIN_BEGINNINGS) < MOST_BEGINNINGS:
                _PLAIN_BEGINNINGS.add(beginning)
            return True
    return False


def _drop_title(lines: list[str]) -> None:
    """The name of the next exam, in capitals after a blank line, is no sentence of the impression above it."""
    while lines and not lines[-1]:
        lines.pop()
    if (
        len(lines) > 2
        and lines[-1].isupper()
        and len(lines[-1]) < 70
        and not lines[-2]
        and not all(line.isupper() for line in lines if line)
    ):
        lines.pop()


def _stays(heading: str, line: str, parts: list[Part]) -> bool:
    """A heading that changes nothing: a sub-heading of the same section, or part of an addendum that follows its report."""
    now = parts[-1].name
    if heading == BODY and now in (FINDINGS, IMPRESSION, ADDENDUM):
        return _EXAM_TITLE.match(line) is not None
    if heading == now and heading in (FINDINGS, IMPRESSION):
        return folded(line.split(":", 1)[0]) not in SECTION_BY_HEADING
    if now == ADDENDUM and heading in (
        IMPRESSION,
        FINDINGS,
        "recommendation",
        "comparison",
        "technique",
        "indication",
        WEAK_IMPRESSION,
    ):
        return any(part.name == IMPRESSION and any(part.lines) for part in parts)
    if heading == OTHER and now in (FINDINGS, IMPRESSION):
        return folded(line.split(":", 1)[0]) in LABELS and not opens_trailer(line)
    return heading == WEAK_IMPRESSION and now == IMPRESSION


def _heading_of(line: str) -> tuple[str | None, str]:
    """The section a line opens and the text after the heading; (None, line) for a line of plain text. Called once a line: be quick."""
    if line in _BARE_HEADINGS:
        return _BARE_HEADINGS[line], ""
    if not line.isascii() and (other := _OTHER_SCRIPT.match(line)) and (heading := IN_OTHER_SCRIPTS.get(other[1].upper())):
        return heading, other[2]
    first = line[0]
    core = line
    if first in _DECORATION:
        if first in "[<(" and (marked := _BRACKETED.match(line)) and (heading := _section_by_name(marked[1])):
            return heading, marked[2]
        core = line.strip(_DECORATION)
        if not core:
            return None, line
    if core[1:2] in ".)IVX" and (number := _NUMBERED.match(core)) is not None:  # B. FINDINGS:
        heading, rest = _heading_of(core[number.end() :])
        return (heading, rest) if heading is not None else (None, line)
    if core[1:2] == " " == core[3:4] and (spaced := _SPACED.match(core)) is not None:
        heading = _section_by_name(" ".join(word.replace(" ", "") for word in re.split(" {2,}", spaced[1])))
        if heading is not None:
            return heading, core[spaced.end() :]
    colon = core.find(":", 0, LONGEST_HEADING)
    if colon > 0 and core[0] in "AaNnBbEeCcIiSs" and (dated := _DATED_ADDENDUM.match(core)):
        return ADDENDUM, core[dated.end() :].strip()
    if colon > 0:
        heading = _section_by_name(core[:colon])
        if heading is not None:
            rest = line[_after(line.find(":") + 1, line) :].rstrip(" \t*_=")
            if not rest and len(_BARE_HEADINGS) < MOST_BEGINNINGS:
                _BARE_HEADINGS[line] = heading
            return heading, rest
        if core[-1] == ":" and _EXAM_TITLE.match(core):
            return BODY, ""
    elif len(core) <= LONGEST_HEADING and core.count(" ") < 7 and _is_one_phrase(core):
        heading = _section_by_name(core)
        if heading is not None and _stands_alone(core, heading):
            return heading, ""
    if may_open(core[:4]) and opens_trailer(core):
        return TRAILER, ""
    if core[1:4].isupper():
        return _heading_in_capitals(core, line)
    return None, line


def _after(start: int, line: str) -> int:
    """Where the text behind a heading begins. A report may be a single line: it is not copied to find that out."""
    while start < len(line) and line[start] in " \t*_=":
        start += 1
    return start


def _is_one_phrase(line: str) -> bool:
    """No heading with its text behind a gap or a dash, and no sentence."""
    return "  " not in line and " - " not in line and (line[-1] != "." or line.isupper())


def _stands_alone(line: str, heading: str) -> bool:
    """A bare line is a heading when it is one of ours, or in capitals and no sentence: FINDINGS ARE STABLE. is one."""
    if line.isupper():
        return folded(line) in SECTION_BY_HEADING or not (line.endswith(".") or _SENTENCE_WORDS & set(line.split()))
    if heading == OTHER or (heading == WEAK_IMPRESSION and " " in line):
        return False
    return line[0].isupper() and _is_listed(folded(line))


def _is_listed(key: str) -> bool:
    """One of our headings, or two of them joined: Befund und Beurteilung."""
    return (
        key in SECTION_BY_HEADING
        or _composed(key.split()) is not None
        or any(joint in key and all(half in SECTION_BY_HEADING for half in key.split(joint)) for joint in _JOINTS)
    )


def _heading_in_capitals(core: str, line: str) -> tuple[str | None, str]:
    """IMPRESSION No acute disease. / FINDINGS - Clear lungs. In a report all in capitals a dash, a number or a wide gap proves it."""
    for gap in ("  ", "\t", " - ", " – "):
        head, found, rest = core.partition(gap)
        if found and head.isupper() and len(head) > 3 and (heading := _capital_heading(head)) is not None:
            return heading, rest.strip()
    word, _, rest = core.partition(" ")
    if word.isupper() and len(word) > 3 and rest:
        heading = _capital_heading(word.rstrip(".-–—"))
        if heading is not None:
            rest = rest.lstrip(" -–—.=>*")
            if rest and (word[-1] in ".-–—" or core[len(word) + 1] in "-–—=>" or rest[0].isdigit() or not rest.isupper()):
                return heading, rest
    return None, line


@lru_cache(maxsize=2048)
def _capital_heading(word: str) -> str | None:
    heading = SECTION_BY_HEADING.get(folded(word))
    return heading if heading in _MID_LINE and heading not in ("recommendation",) else None


def _split_mid_line(line: str) -> list[Part]:
    """Cut a line at headings inside it: "... clear. IMPRESSION: Normal." gives the text before and the new section."""
    cuts: list[tuple[int, int, str]] = []
    colon = line.find(":")
    looked_at = 0
    while colon >= 0 and looked_at < MID_LINE_LIMIT:
        looked_at += 1
        if cut := _heading_before(line, colon):
            cuts.append(cut)
        colon = line.find(":", colon + 1)
    if not cuts:
        return [Part("", [line])]
    pieces = [Part("", [line[: cuts[0][0]].strip(" *_")])]
    for (start, after, heading), (end, _, _) in zip(cuts, [*cuts[1:], (len(line), 0, "")], strict=True):
        soft = "" if line[start : after - 1].strip(" *_").isupper() else line[start:after].strip()
        pieces.append(Part(heading, [line[after:end].strip(" *_")], soft))
    return pieces


def _heading_before(line: str, colon: int) -> tuple[int, int, str] | None:
    """(start, end, section) of the heading that a colon inside a line closes."""
    near = max(0, colon - 44)
    if folded(line[near:colon]).rpartition(" ")[2] not in _LAST_WORDS:
        return None
    for pattern in (_MID_HEAD, _CAPITALS, _TITLED):
        match = pattern.search(line, near, colon)
        if match is None or match.start(1) == 0:
            continue
        words, start = match[1], match.start(1)
        heading = _mid_line_heading(words)
        while heading is None and " " in words and words.isupper():  # CONTRAST CLINICAL HISTORY: -> CLINICAL HISTORY:
            words = words.partition(" ")[2]
            start = colon - len(line[start:colon].lstrip().partition(" ")[2])
            heading = _mid_line_heading(words)
        if heading is not None:
            return start, colon + 1, heading
    return None


def _mid_line_heading(words: str) -> str | None:
    """Inside a line only capitals open any section; a capitalised word opens the strong ones."""
    words = words.strip(" *_")
    heading = SECTION_BY_HEADING.get(folded(words))
    if heading is None:
        return None
    if words.isupper():
        return heading if heading in _MID_LINE or folded(words) in ("EXAM", "EXAMINATION", "STUDY", "PROCEDURE") else None
    if words[0].isupper() and heading in (FINDINGS, IMPRESSION, "comparison", "technique", "indication") and len(words) > 5:
        return heading
    return None
