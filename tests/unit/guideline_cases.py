"""How the guideline tests are written: a dictation, who was examined, and what the guideline must say, ask or keep to itself."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from engine.guidelines import Answer
from engine.guidelines.patient import Patient


@dataclass(frozen=True)
class Case:
    """One dictation and the answer expected of one guideline.

    `says` is (action, interval) or (action, interval, category), `asks` the inputs that must be among the missing ones; with neither
    the guideline must be silent.
    """

    findings: str
    exam: str = ""
    indication: str = ""
    age: int | None = None
    sex: str | None = None
    risk: str | None = None
    says: tuple[Any, ...] | None = None
    asks: frozenset[str] | None = None

    def answer(self, guideline: str) -> Answer | None:
        patient = Patient(self.findings, self.indication, self.exam, self.age, self.sex, self.risk)
        answer: Answer | None = import_module(f"engine.guidelines.{guideline}").advise(patient)
        return answer

    def hold(self, guideline: str) -> None:
        """Fails unless the guideline answers as expected."""
        answer = self.answer(guideline)
        if self.says is None and self.asks is None:
            assert answer is None, answer
            return
        assert answer is not None, "silent"
        if self.asks is not None:
            assert answer.action is None
            assert answer.recommendation is None
            assert self.asks <= set(answer.missing), answer.missing
            return
        assert self.says is not None
        assert not answer.missing, answer.missing
        assert (answer.action, answer.interval_months) == self.says[:2]
        assert self.says[2:] in ((), (answer.category,)), answer.category
        assert answer.citation
        assert answer.version


def name(case: Case) -> str:
    """A readable test id."""
    return case.findings[:70].replace("\n", " ")
