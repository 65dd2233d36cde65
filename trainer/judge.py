"""The gate: is the candidate better on later reports, and no less safe? Pure: trials in, a verdict out; it promotes nothing.

A trial is what a radiologist would have been shown: the written text if the engine's checker lets it pass, else the bare draft.
So an adapter that often strays is not dangerous here but useless, and pays for it in edit distance and in fall-backs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import numpy as np

from engine.habits import NO_HABITS, Habits
from engine.rewording import in_keeping
from feedback.edits import change_of, edit_distance, tokens_of
from feedback.preference import Preference
from trainer import rewards

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Gate:
    """What a candidate must prove. The defaults are a hospital's; docs/adr says why."""

    name: str = "hospital"
    reports: int = 40  #: later reports it is judged on, at least
    alpha: float = 0.05  #: chance of promoting what is not better, over all nights until the next promotion
    spending: bool = True  #: share alpha out over nights; else every night has all of it
    gain: float = 0.02  #: edit distance it must save on average: less is not worth another wording
    fact_margin: float = 0.02  #: fact score it may lose, at the pessimistic end of the interval
    new_errors: float = 0.0  #: share of reports whose facts it may change where the bare draft did not
    fallbacks: float = 0.25  #: share of reports on which the checker may refuse it
    shortest: float = 0.8  #: length against the signed text
    longest: float = 1.25

    @classmethod
    def rehearsal(cls) -> Gate:
        """For a demonstration with few reports: the same questions, weaker proof. Not for patients."""
        return cls(
            name="rehearsal", reports=8, alpha=0.1, spending=False, gain=0.0, fact_margin=0.05, new_errors=0.15, fallbacks=0.5
        )

    def alpha_tonight(self, attempt: int) -> float:
        """The part of `alpha` spent on the `attempt`-th night since the last promotion: 1/2, 1/6, 1/12, … of it, in all 1."""
        return self.alpha / (attempt * (attempt + 1)) if self.spending else self.alpha


@dataclass(frozen=True, slots=True)
class Trial:
    """How one writer would have served one later report."""

    edit_distance: float  #: from what is shown to what was signed
    facts: float  #: of what is shown, against the findings
    facts_changed: bool  #: what is shown says something else than what was signed
    fell_back: bool  #: the checker refused the text, the bare draft is shown
    tokens: int
    signed_tokens: int
    signed_facts: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided, in one sentence and in figures."""

    verdict: Literal["promoted", "kept", "too_few", "failed"]
    reason: str
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def better(self) -> bool:
        return self.verdict == "promoted"

    @property
    def edit_distance(self) -> dict[str, float | None]:
        """The contract's four: the bare draft, the candidate, a colleague's adapter, the incumbent."""
        return {who: self.metrics.get(f"edit_distance_{who}") for who in ("draft", "own", "other", "incumbent")}

    @property
    def facts_changed(self) -> int | None:
        return int(self.metrics["facts_changed"]) if "facts_changed" in self.metrics else None


def try_out(report: Preference, text: str, habits: Habits = NO_HABITS) -> Trial:
    """Show `text` for a report that has since been signed, as the engine would: checked, with the bare draft to fall back to.

    `habits` are what the radiologist advised in the reports that taught.
    """
    said = report.dictation
    kept = text if text == report.coarse else in_keeping(report.coarse, text, said, habits)
    shown = kept or report.coarse
    return Trial(
        edit_distance=edit_distance(shown, report.chosen),
        facts=rewards.facts(said, shown),
        facts_changed=change_of(said, shown, report.chosen) in ("content", "safety"),
        fell_back=kept is None,
        tokens=len(tokens_of(shown)),
        signed_tokens=len(tokens_of(report.chosen)),
        signed_facts=rewards.facts(said, report.chosen),
    )


def judge(
    own: Sequence[Trial],
    incumbent: Sequence[Trial] | None,
    draft: Sequence[Trial],
    other: Sequence[Trial] | None,
    *,
    gate: Gate,
    attempt: int = 1,
) -> Verdict:
    """Compare writers on the same later reports, in the same order. `attempt` counts the nights since the last promotion."""
    if len(own) < max(gate.reports, 1):
        return Verdict("too_few", f"{len(own)} later reports to judge on, the {gate.name} gate asks for {gate.reports}")
    rivals = {"draft": draft} | ({"incumbent": incumbent} if incumbent else {})
    metrics = figures(own, rivals | ({"other": other} if other else {}))
    alpha = gate.alpha_tonight(attempt)
    for name, rival in rivals.items():
        metrics |= {
            f"p_{name}": p_better(own, rival),
            f"gain_{name}": gain(own, rival),
            f"gain_{name}_low": gain_low(own, rival, alpha),
        }
    objection = unsafe(metrics, gate) or not_better(metrics, list(rivals), gate, alpha)
    if objection:
        return Verdict("kept", objection, metrics)
    than = " and ".join(f"{metrics[f'edit_distance_{name}']:.2f} of the {NAMES[name]}" for name in rivals)
    return Verdict(
        "promoted",
        f"edit distance {metrics['edit_distance_own']:.2f} against {than} on {len(own)} later reports, facts kept",
        metrics,
    )


NAMES = {"draft": "bare draft", "incumbent": "present adapter"}


def figures(own: Sequence[Trial], rivals: Mapping[str, Sequence[Trial]]) -> dict[str, float]:
    """Everything the verdict rests on, by name."""
    draft = rivals["draft"]
    metrics = {f"edit_distance_{name}": fmean(trial.edit_distance for trial in trials) for name, trials in rivals.items()}
    metrics |= {f"facts_{name}": fmean(trial.facts for trial in trials) for name, trials in rivals.items()}
    return metrics | {
        "reports": len(own),
        "edit_distance_own": fmean(trial.edit_distance for trial in own),
        "facts_own": fmean(trial.facts for trial in own),
        "facts_low": low([mine.facts - expected(mine, bare) for mine, bare in zip(own, draft, strict=True)], 0.05),
        "facts_changed": sum(trial.facts_changed for trial in own),
        "facts_changed_draft": sum(trial.facts_changed for trial in draft),
        "new_errors": sum(mine.facts_changed and not bare.facts_changed for mine, bare in zip(own, draft, strict=True)),
        "fallbacks": fmean(trial.fell_back for trial in own),
        "length_ratio": length_ratio([trial for trial in own if not trial.fell_back]),
    }


def length_ratio(trials: Sequence[Trial]) -> float:
    """Words written over words signed, of what the adapter wrote itself: the length of a bare draft is not its doing."""
    return sum(trial.tokens for trial in trials) / max(1, sum(trial.signed_tokens for trial in trials)) if trials else 1.0


def expected(mine: Trial, bare: Trial) -> float:
    """The fact score to hold against: a terse radiologist who signs less than the draft said asks no more of the adapter."""
    return min(bare.facts, mine.signed_facts)


def unsafe(metrics: Mapping[str, float], gate: Gate) -> str | None:
    """Why it must not be promoted however much it pleases; None when it is no less safe."""
    reports = metrics["reports"]
    if metrics["new_errors"] > gate.new_errors * reports:
        return f"it changes facts in {metrics['new_errors']:.0f} of {reports:.0f} later reports where the bare draft does not"
    if metrics["facts_low"] < -gate.fact_margin:
        return f"its fact score may be {-metrics['facts_low']:.2f} lower, {gate.fact_margin:.2f} is allowed"
    if metrics["fallbacks"] > gate.fallbacks:
        return f"the checker refuses it on {metrics['fallbacks']:.0%} of later reports, {gate.fallbacks:.0%} is allowed"
    if not gate.shortest <= metrics["length_ratio"] <= gate.longest:
        return f"it writes {metrics['length_ratio']:.2f} of the signed length, {gate.shortest} to {gate.longest} is allowed"
    return None


def not_better(metrics: Mapping[str, float], rivals: Sequence[str], gate: Gate, alpha: float) -> str | None:
    """Why it is not shown to be better than each rival; None when it is."""
    for name in rivals:
        against = f"{metrics['edit_distance_own']:.2f} against {metrics[f'edit_distance_{name}']:.2f} of the {NAMES[name]}"
        if metrics[f"gain_{name}"] < gate.gain or metrics[f"p_{name}"] > alpha or metrics[f"gain_{name}_low"] <= 0:
            return f"not shown to be better: edit distance {against} (p {metrics[f'p_{name}']:.3f}, {alpha:.3f} is needed)"
    return None


def p_better(own: Sequence[Trial], rival: Sequence[Trial]) -> float:
    """One-sided paired Wilcoxon test (Pratt's zeros): the chance of such a gain if `own` were no better."""
    saved = [theirs.edit_distance - mine.edit_distance for mine, theirs in zip(own, rival, strict=True)]
    if not any(saved):
        return 1.0
    from scipy import stats  # a second to import, and the shelf's desk does without

    p = float(stats.wilcoxon(saved, alternative="greater", zero_method="pratt", method="auto").pvalue)
    return 1.0 if math.isnan(p) else p


def gain(own: Sequence[Trial], rival: Sequence[Trial]) -> float:
    """Edit distance saved on average."""
    return fmean(theirs.edit_distance - mine.edit_distance for mine, theirs in zip(own, rival, strict=True))


def gain_low(own: Sequence[Trial], rival: Sequence[Trial], alpha: float) -> float:
    return low([theirs.edit_distance - mine.edit_distance for mine, theirs in zip(own, rival, strict=True)], alpha)


def low(differences: Sequence[float], alpha: float) -> float:
    """The pessimistic end of a mean: the `alpha` quantile of its bootstrap, resampled the same way every time."""
    drawn = np.random.default_rng(7).choice(np.asarray(differences, dtype=float), size=(RESAMPLES, len(differences)))
    return float(np.quantile(drawn.mean(axis=1), alpha))
