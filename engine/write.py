"""From a report to an impression: draft, refine, check, and a way down when a check fails.

`own-words → draft → extractive → nothing`: each step is taken only when the one before is not to be had or says what the findings do
not. `LanguageModel` is the port; its real side is engine/vllm.py, its honest fake stands in the tests.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from engine.adapters import Adapter, BrokenAdapter
from engine.checks import check, fact_score
from engine.extract import condense, extract
from engine.impression import Check, Impression, Kind
from engine.prompts import PROMPT_VERSION, Dictation, drafting, personalising
from ingest.report import REPORT_NAMESPACE, Report

#: Longer than any impression worth reading; a model that has not stopped by then is looping.
MAX_TOKENS = 192
#: Share of a report's time the coarse pass may use when a fine pass is to follow.
COARSE_SHARE = 0.6
SAMPLING_TEMPERATURE = 0.7
#: How much of the findings the model reads when all of them do not fit its context: the weightiest sentences of so large a share.
SHARES_OF_LONG_FINDINGS = (1.0, 0.5, 0.25, 0.1)
#: vLLM serves lower numbers first.
PRIORITY = {"stat": -2, "urgent": -1}


class ModelUnavailable(Exception):
    """The language model did not answer in time or at all. The caller falls back or waits; nothing is lost."""


class PromptTooLong(ModelUnavailable):
    """The dictation does not fit the model's context; asked again with fewer words it may."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One continuation of a prompt; `logprob` is the mean natural log-probability per token, 0.0 when not asked for."""

    text: str = field(repr=False)
    logprob: float


class LanguageModel(Protocol):
    """What the engine needs of a model server."""

    @property
    def base_model(self) -> str:
        """The name of the base weights, as kept with every draft."""
        ...

    def complete(
        self,
        prompt: str,
        *,
        adapter: Adapter | None,
        n: int,
        temperature: float,
        seed: int,
        max_tokens: int,
        priority: int,
        timeout: float,
    ) -> list[Completion]:
        """`n` continuations of `prompt`. Lower `priority` goes first; `timeout` in seconds. Raises `ModelUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A text that might be shown, with what the checker says of it."""

    kind: Kind
    text: str
    check: Check

    @property
    def is_clean(self) -> bool:
        return bool(self.text) and self.check.verdict == "clean"


def write_impression(
    report: Report,
    *,
    model: LanguageModel,
    adapter: Adapter | None,
    deadline: float,
    candidates: int = 4,
    seed: int = 7,
) -> Impression | None:
    """The impression to show for `report`, or None when nothing trustworthy can be said.

    `deadline` is in seconds and is kept whatever the model does. The answer is the same for the same report, adapter, base, prompt
    version and seed. Never raises `ModelUnavailable`: without a model the important findings are shown in their own words.
    """
    started = time.monotonic()
    dictation = Dictation.of(report)
    desk = _Desk(model, dictation, dictation, PRIORITY.get(report.priority or "", 0), seed, started + deadline)

    coarse, reason = _draft(desk, deadline * (COARSE_SHARE if adapter else 1.0))
    shown: _Candidate | None = None
    if coarse and adapter:
        shown, reason = _own_words(desk, coarse, adapter, candidates)
    elif coarse:
        reason = "no-adapter"
    if shown is None and coarse:
        shown = desk.judge(Kind.DRAFT, coarse)
        if not shown.is_clean:
            shown, reason = None, "draft-failed-check"
    if shown is None:
        shown = desk.judge(Kind.EXTRACTIVE, extract(dictation.findings, dictation.exam))
    if not shown.text:
        return None
    used = adapter.version if adapter and shown.kind is Kind.OWN_WORDS else None
    return Impression(
        report_id=report.id,
        draft_id=draft_id(report.id, dictation, used, model.base_model),
        kind=shown.kind,
        text=shown.text,
        coarse=coarse or shown.text,
        sentences=shown.check.sentences,
        flags=shown.check.flags,
        adapter=used,
        base_model=model.base_model,
        prompt_version=PROMPT_VERSION,
        seconds=time.monotonic() - started,
        fell_back=None if shown.kind is Kind.OWN_WORDS else reason,
    )


def draft_id(report_id: str, dictation: Dictation, adapter: str | None, base_model: str) -> str:
    """UUIDv5 of report, version, adapter, base and prompt: repeated work gives the same id."""
    name = "\x1f".join((report_id, dictation.version, adapter or "none", base_model, PROMPT_VERSION))
    return str(uuid.uuid5(REPORT_NAMESPACE, name))


@dataclass(slots=True)
class _Desk:
    """One report on the desk: what was dictated, who helps, and until when."""

    model: LanguageModel
    dictation: Dictation  #: as dictated: what every text is checked against
    prompted: Dictation  #: what of it the model reads
    priority: int
    seed: int
    until: float

    def ask(
        self, prompt: str, *, adapter: Adapter | None, n: int, temperature: float, at_most: float | None = None
    ) -> list[Completion]:
        remaining = self.until - time.monotonic()
        timeout = min(remaining, at_most) if at_most else remaining
        if timeout <= 0:
            raise ModelUnavailable("the time for this report is over")
        return self.model.complete(
            prompt,
            adapter=adapter,
            n=n,
            temperature=temperature,
            seed=self.seed,
            max_tokens=MAX_TOKENS,
            priority=self.priority,
            timeout=timeout,
        )

    def judge(self, kind: Kind, text: str) -> _Candidate:
        d = self.dictation
        return _Candidate(kind, text, check(d.findings, text, indication=d.indication, comparison=d.comparison, exam=d.exam))


def _draft(desk: _Desk, at_most: float) -> tuple[str, str | None]:
    """The coarse pass: the base model's draft, or an empty text and why. Findings beyond the model's context are cut by their weight."""
    for share in SHARES_OF_LONG_FINDINGS:
        if share < 1.0:
            desk.prompted = replace(desk.dictation, findings=condense(desk.dictation.findings, share, desk.dictation.exam))
        try:
            answers = desk.ask(drafting(desk.prompted), adapter=None, n=1, temperature=0.0, at_most=at_most)
        except PromptTooLong:
            continue
        except ModelUnavailable:
            return "", "model-unavailable"
        return (answers[0].text, None) if answers and answers[0].text else ("", "model-said-nothing")
    return "", "findings-too-long"


def _own_words(desk: _Desk, coarse: str, adapter: Adapter, candidates: int) -> tuple[_Candidate | None, str | None]:
    """The fine pass: the first greedy wording if it is clean, else the best clean one of several, else None and why."""
    prompt = personalising(desk.prompted, coarse)
    try:
        greedy = desk.ask(prompt, adapter=adapter, n=1, temperature=0.0)
        chosen = _best(desk, greedy)
        if chosen is None and candidates > 1:
            chosen = _best(desk, desk.ask(prompt, adapter=adapter, n=candidates, temperature=SAMPLING_TEMPERATURE))
    except ModelUnavailable:
        return None, "adapter-unavailable"
    except BrokenAdapter:
        return None, "adapter-broken"
    return (chosen, None) if chosen else (None, "own-words-failed-check")


def _best(desk: _Desk, answers: Sequence[Completion]) -> _Candidate | None:
    """Of the clean answers the one that keeps the facts best, then the one the adapter itself finds likeliest."""
    judged = [(desk.judge(Kind.OWN_WORDS, answer.text), answer.logprob) for answer in answers]
    clean = [(candidate, logprob) for candidate, logprob in judged if candidate.is_clean]
    if not clean:
        return None
    return max(clean, key=lambda pair: (fact_score(desk.dictation.findings, pair[0].text), pair[1]))[0]
