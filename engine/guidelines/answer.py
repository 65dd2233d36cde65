"""What a guideline says about one dictation: an `Answer`, with the contract's fields and no others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["none", "follow-up", "short-follow-up", "further-imaging", "biopsy", "referral", "urgent-communication"]

#: How much each action asks of a patient: of several lesions, the one that asks most drives the plan.
WEIGHT: dict[str | None, float] = {
    "none": 0,
    "follow-up": 1,
    "short-follow-up": 2,
    None: 2.5,  # something is missing: more than another look later, less than going on at once
    "further-imaging": 3,
    "biopsy": 4,
    "referral": 4,
    "urgent-communication": 5,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One guideline's answer; with `missing` filled it recommends nothing and `action` is None.

    `interval_months` is the first next examination, both ends included; `findings_span` counts code points of the findings.
    """

    guideline: str
    version: str
    citation: str
    category: str | None = None
    recommendation: str | None = field(default=None, repr=False)
    action: Action | None = None
    interval_months: tuple[float, float] | None = None
    modality: str | None = None
    missing: tuple[str, ...] = ()
    findings_span: tuple[int, int] | None = None
    rule: str | None = None  #: the row's id, `fleischner/solid-single-6-8`

    def as_json(self) -> dict[str, Any]:
        """The contract's object; whole months are written as integers."""
        interval = self.interval_months
        return {
            "guideline": self.guideline,
            "version": self.version,
            "category": self.category,
            "recommendation": self.recommendation,
            "action": self.action,
            "interval_months": None if interval is None else [_whole(months) for months in interval],
            "modality": self.modality,
            "missing": list(self.missing),
            "citation": self.citation,
            "findings_span": None if self.findings_span is None else list(self.findings_span),
            "rule": self.rule,
        }


def _whole(months: float) -> float | int:
    return int(months) if months == int(months) else months


def driving(answers: list[Answer]) -> Answer | None:
    """Of several lesions under one guideline, the answer that asks most; the earlier one where two ask the same."""
    return max(answers, key=lambda answer: WEIGHT[answer.action], default=None)
