"""Parts of a dictation, each under the heading that opened it -> sections: what weak headings meant, and where findings without any stand."""

from __future__ import annotations

import re
from itertools import pairwise

from ingest.exam import modality_of
from ingest.headings import BODY, OTHER, TRAILER, WEAK_IMPRESSION
from ingest.prose import is_sentence, prose, tidy
from ingest.report import SECTIONS, Section, Status

FINDINGS, IMPRESSION = str(Section.FINDINGS), str(Section.IMPRESSION)
#: A line so short was not wrapped: whoever ended it there had finished.
SHORT_LINE = 50
_BEFORE_BODY = frozenset({OTHER, "indication", "comparison", "technique", "", "recommendation"})
#: "Right kidney: 10 cm." A line of findings under its organ.
_LABELLED = re.compile(r"[A-Z][^\W\d][\w ,/()\-]{1,40}:\s+\S")


class Part:
    """A run of lines under one heading. `soft`: the heading stood inside a line and was no capitals, so it counts only if no other does."""

    __slots__ = ("lines", "name", "soft")

    def __init__(self, name: str, lines: list[str] | None = None, soft: str = "") -> None:
        self.name = name
        self.lines: list[str] = [] if lines is None else lines
        self.soft = soft


def settled(parts: list[Part]) -> dict[Section, str]:
    """Decide what the weak headings meant and where findings without a heading stand; then join each section's lines."""
    if any(part.soft for part in parts):
        parts = _soft_decided(parts)
    if any(part.name == WEAK_IMPRESSION for part in parts):
        parts = _weak_decided(parts)
    joined: dict[str, list[str]] = {}
    bodies: list[Part] = []
    for part in parts:
        if part.name == BODY:
            bodies.append(part)
        elif part.name not in ("", OTHER, TRAILER):
            text = tidy(part.lines)
            if text and text not in joined.setdefault(part.name, []):
                joined[part.name].append(text)
    joined = {name: texts for name, texts in joined.items() if texts}
    if FINDINGS not in joined:
        for part in bodies:
            text = tidy(prose(part.lines)) or tidy(part.lines)
            if text and (text[-1] == "." or is_sentence(text)):
                joined.setdefault(FINDINGS, []).append(text)
    if FINDINGS not in joined:
        found = _unheaded_findings(parts, joined)
        if found:
            joined[FINDINGS] = [found]
    return {section: "\n".join(joined[section]) for section in SECTIONS if section in joined}


def results(status: Status, found: dict[Section, str]) -> dict[Section, str]:
    """A cancelled exam has none: what stands there alone is why, neither a finding nor an impression."""
    if status is Status.CANCELLED and not (Section.FINDINGS in found and Section.IMPRESSION in found):
        return {section: said for section, said in found.items() if section not in (Section.FINDINGS, Section.IMPRESSION)}
    return found


def _soft_decided(parts: list[Part]) -> list[Part]:
    """ "... swelling. Conclusion: normal." opens a section only where no line begins with that heading; else it was a sentence."""
    firm = {part.name for part in parts if not part.soft and any(part.lines)}
    decided: list[Part] = []
    for part in parts:
        if part.soft and part.name in firm and decided:
            said = f"{part.soft} {part.lines[0]}".strip()
            before = decided[-1].lines
            before[-1:] = [f"{before[-1]} {said}".strip() if before else said]
            before.extend(part.lines[1:])
        else:
            decided.append(part)
    return decided


def _weak_decided(parts: list[Part]) -> list[Part]:
    """COMMENT, SUMMARY, INTERPRETATION … are the impression unless another heading is; beside one they are the body or a remark.

    An empty CONCLUSION: below them waits to be dictated: they are not what it waits for.
    """
    strong = any(part.name == IMPRESSION and tidy(part.lines) for part in parts)
    findings = any(part.name == FINDINGS for part in parts)
    last = max((index for index, part in enumerate(parts) if part.name == IMPRESSION), default=-1)
    decided: list[Part] = []
    for index, part in enumerate(parts):
        if part.name != WEAK_IMPRESSION:
            decided.append(part)
        elif not strong and index > last:
            decided.append(Part(IMPRESSION, part.lines))
        elif not findings:
            decided.append(Part(FINDINGS, part.lines))
        elif decided:
            decided[-1].lines.extend(part.lines)
    return decided


def _unheaded_findings(parts: list[Part], joined: dict[str, list[str]]) -> str:
    """Findings that stand without a heading: prose at the start, or paragraphs after a blank line under a short section."""
    found: list[str] = []
    for index, part in enumerate(parts):
        name, lines = part.name, part.lines
        if name == IMPRESSION and found:
            break
        if name == "":
            found.extend(prose(lines))
        elif name == TRAILER and not found and not any(one.name for one in parts[:index] if one.name != TRAILER):
            own, _, after = _at_first_gap(lines)  # it stood above the report
            found.extend(prose(lines if lines and not lines[0] else after))
        elif name in _BEFORE_BODY:
            own, _, after = _at_first_gap(lines)
            said = prose(after)
            if not said:
                own, said = _at_first_label(lines)
            if said and own:
                found.extend(said)
                if name in joined:
                    whole, kept = tidy(lines), tidy(own)
                    joined[name] = [kept if text == whole else text for text in joined[name]]
            elif name == OTHER:
                found.extend(prose(lines[1:]))
    if len(found) > 1 and _names_exam(found[0]):
        del found[0]
    return tidy(found or _after_first_statement(parts, joined))


def _names_exam(line: str) -> bool:
    """XR chest PA and lateral 12/03/2025, above the first sentence of a report without headings."""
    return (
        len(line) < 2 * SHORT_LINE and line[-1] not in ".:;,!?" and modality_of("", " ".join(line.split(None, 2)[:2])) is not None
    )


def _after_first_statement(parts: list[Part], joined: dict[str, list[str]]) -> list[str]:
    """Reason: Cough / The lungs are clear. / IMPRESSION: ... Without findings anywhere, a new sentence under the last section before
    the impression is where they begin."""
    impression = next((index for index, part in enumerate(parts) if part.name == IMPRESSION), 0)
    part = next((part for part in reversed(parts[:impression]) if any(part.lines)), None)
    if part is None or part.name not in _BEFORE_BODY - {"", OTHER}:
        return []
    lines = [line for line in part.lines if line]
    for index, (before, line) in enumerate(pairwise(lines), 1):
        if line[0].isupper() and (before[-1] in ".?!" or len(before) < SHORT_LINE):
            said = prose(lines[index:])
            if len(" ".join(said).split()) < 5 or part.name not in joined:
                return []
            joined[part.name] = [tidy(lines[:index])]
            return said
    return []


def _at_first_label(lines: list[str]) -> tuple[list[str], list[str]]:
    """Lines before and from the first of several that name an organ; a report may have neither a blank line nor a heading there."""
    labelled = [index for index, line in enumerate(lines) if index and _LABELLED.match(line)]
    return (lines[: labelled[0]], lines[labelled[0] :]) if len(labelled) > 1 else (lines, [])


def _at_first_gap(lines: list[str]) -> tuple[list[str], bool, list[str]]:
    """Lines before and after the first blank line that follows some text."""
    for index, line in enumerate(lines):
        if not line and any(lines[:index]):
            return lines[:index], True, lines[index:]
    return lines, False, []
