"""The one place where a prompt is made: serving, training and judging all call these two functions.

The fine prompt is the coarse prompt carried on: it repeats the dictation and the draft byte for byte, so that vLLM's prefix cache,
warm from the draft, already holds most of it. Prompts end at a colon and completions start with a space, which keeps the token
boundary in one place for every tokenizer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from ingest.report import Report, Section

#: Part of a draft's identity: change it with every change of the text below.
PROMPT_VERSION = "1"

INSTRUCTION = "Write the impression of this radiology report. State only what the findings support."

#: What stands before a radiologist's signed examples.
LIKE_THESE = "Say it in the manner in which the same radiologist signed these drafts"

#: Where a completion ends if the model goes on writing the next part of the form.
STOPS = ("\nDRAFT:", "\nIMPRESSION:", "\nFINDINGS:", "\nEXAM:")


@dataclass(frozen=True, slots=True)
class Dictation:
    """What the radiologist dictated before the impression; all that a prompt may know of a report."""

    exam: str = field(repr=False)
    findings: str = field(repr=False)
    indication: str = field(default="", repr=False)
    comparison: str = field(default="", repr=False)

    @classmethod
    def of(cls, report: Report) -> Dictation:
        return cls(
            exam=report.exam.text or report.exam.modality or "",
            findings=report.findings,
            indication=report.sections.get(Section.INDICATION, ""),
            comparison=report.sections.get(Section.COMPARISON, ""),
        )

    @property
    def version(self) -> str:
        """SHA-256 (hex) of what was dictated: a resent report keeps it, new findings change it."""
        return hashlib.sha256("\x1f".join((self.exam, self.findings, self.indication, self.comparison)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Example:
    """One signed report: what was dictated, the bare draft of it, and what its radiologist signed in its place."""

    dictation: Dictation
    draft: str = field(repr=False)
    signed: str = field(repr=False)
    is_style_alone: bool = True  #: both say the same of the findings


def drafting(dictation: Dictation) -> str:
    """The coarse prompt: the model goes on with a draft impression."""
    lines = [INSTRUCTION]
    if dictation.exam:
        lines.append(f"EXAM: {one_line(dictation.exam)}")
    if dictation.indication:
        lines.append(f"INDICATION: {one_line(dictation.indication)}")
    if dictation.comparison:
        lines.append(f"COMPARISON: {one_line(dictation.comparison)}")
    lines += [f"FINDINGS: {one_line(dictation.findings)}", "DRAFT:"]
    return "\n".join(lines)


def personalising(dictation: Dictation, draft: str, like: Sequence[Example] = (), manner: str = "") -> str:
    """The fine prompt: the model goes on with the draft said in the radiologist's own words.

    An adapter knows them. A base model is told their `manner` and reads what they signed before, `like` this, and then the draft again.
    """
    draft = draft.strip()
    prompt = f"{drafting(dictation)} {draft}\n"
    if like:
        told = f": {manner}" if manner else ""
        pairs = [f"DRAFT: {one_line(one.draft)}\nIMPRESSION: {one.signed.strip()}" for one in like]
        prompt += "\n\n".join((f"{LIKE_THESE}{told}.", *pairs, f"DRAFT: {draft}\n"))
    return f"{prompt}IMPRESSION:"


def completion(text: str) -> str:
    """What a model should say after either prompt; the end-of-text token is the tokenizer's business."""
    return " " + text.strip()


def one_line(text: str) -> str:
    """Printed lines are a layout, not a meaning: a prompt knows a section as running text."""
    return " ".join(text.split())
