"""ACR actionable findings: whom to call now. What counts, and what silences it, stands in engine/critical.py and critical.toml."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from engine.critical import critical_results
from engine.guidelines.answer import Answer
from engine.guidelines.patient import Patient
from engine.guidelines.table import load

#: the answer does not depend on the hour; only the event of a critical result does
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def advise(patient: Patient) -> Answer | None:
    found = critical_results(patient.findings, now=_ANY_TIME)
    if not found or found[0].tier == 3:
        return None
    first = found[0]
    answer = load("actionable").decide({"tier": float(first.tier)}, (first.evidence.start, first.evidence.end))
    return None if answer is None else replace(answer, category=f"tier {first.tier}: {first.name}")
