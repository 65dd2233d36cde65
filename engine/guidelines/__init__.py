"""Imaging guidelines as readable tables (one TOML each) and the small rules that read a dictation for them.

`recommend()` asks every guideline; each answers, asks for what is missing, or stays silent because it does not apply. To add one:
write `<name>.toml` and `<name>.py` with `advise(patient)`, and add it to `GUIDELINES`. docs/guidelines.md is made from the tables by
`python -m engine.guidelines`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Literal

from engine.guidelines.answer import Answer
from engine.guidelines.patient import Patient

#: every guideline by the name of its table and rule file, in the order of the body
GUIDELINES: tuple[str, ...] = (
    "actionable",
    "lung_rads",
    "fleischner",
    "bi_rads",
    "ti_rads",
    "thyroid_incidental",
    "aaa",
    "li_rads",
    "liver",
    "gallbladder_polyp",
    "pancreatic_cyst",
    "spleen",
    "adrenal",
    "bosniak",
    "renal_mass",
    "adnexal",
    "o_rads_us",
    "pi_rads",
)

Advice = Callable[[Patient], Answer | None]

__all__ = ["GUIDELINES", "Answer", "recommend"]


def recommend(
    findings: str,
    *,
    indication: str = "",
    exam: str = "",
    age: int | None = None,
    sex: str | None = None,
    risk: Literal["low", "high"] | None = None,
    among: Sequence[str] = GUIDELINES,
) -> tuple[Answer, ...]:
    """What the guidelines `among` these that apply say about the findings; age, sex and risk are also read from the texts."""
    patient = Patient(findings, indication, exam, age, sex, risk)
    answers = (_rule(name)(patient) for name in among)
    return tuple(answer for answer in answers if answer is not None)


@cache
def _rule(name: str) -> Advice:
    rule: Advice = import_module(f"engine.guidelines.{name}").advise
    return rule
