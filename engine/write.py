"""From a report to an impression: draft, refine, check, and a way down when a check fails.

`own-words → draft → extractive → nothing`: each step is taken only when the one before is not to be had or says what the findings do
not. Own words are an adapter's; for a radiologist without one, the base model's that reads their signed examples, else the draft laid out
in their manner. `LanguageModel` is the port; its real side is engine/vllm.py, its honest fake stands in the tests.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from engine.adapters import Adapter, BrokenAdapter
from engine.checks import check_and_score, slips_of
from engine.deeds import without_deeds
from engine.extract import condense, extract, sentences_at
from engine.grounds import grounded
from engine.guidance import Where, advised
from engine.habits import Habits
from engine.hand import UNKNOWN, Hand
from engine.impression import Check, FlagClass, Impression, Kind
from engine.prompts import PROMPT_VERSION, Dictation, drafting, personalising
from engine.rewording import in_keeping
from engine.tools import Tool, consult
from ingest.report import REPORT_NAMESPACE, Report, Section, Status

#: Longer than any impression worth reading; a model that has not stopped by then is looping.
MAX_TOKENS = 192
#: Share of a report's time that is the model's; the rest is for looking at what it wrote, or at the findings when it wrote nothing.
MODEL_SHARE = 0.9
#: Share of it the coarse pass may use when a fine pass is to follow.
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
    text: str = field(repr=False)
    check: Check
    facts: float  #: how well it keeps the findings' facts, 0 … 1
    logprob: float  #: how likely its own writer finds it

    @property
    def is_clean(self) -> bool:
        return bool(self.text) and self.check.verdict == "clean"

    @property
    def is_spotless(self) -> bool:
        """Nothing to object to, however minor."""
        return self.is_clean and not self.check.flags

    def worth(self) -> tuple[bool, float, float]:
        """Clean before flagged, then by facts, then by the writer's own liking."""
        return self.is_clean, self.facts, self.logprob


def write_impression(
    report: Report,
    *,
    model: LanguageModel,
    adapter: Adapter | None,
    deadline: float,
    candidates: int = 4,
    seed: int = 7,
    hand: Hand = UNKNOWN,
    guidelines: Where = "beside",
    tools: Sequence[Tool] = (),
) -> Impression | None:
    """The impression to show for `report`, or None when nothing trustworthy can be said.

    `hand` is what is known of the radiologist's: own words advise nothing but their habits and what the findings ask for, and
    without an adapter it writes. `guidelines` is where their recommendations go; no model words them. `tools` may add evidence
    and objections in the time that is left. `deadline` is in seconds and is kept whatever the model does. The answer is the same
    for the same report, adapter, base, prompt version and seed. Never raises `ModelUnavailable`: without a model the important
    findings are shown in their own words.
    """
    started = time.monotonic()
    dictation = Dictation.of(report)
    priority, sex = PRIORITY.get(report.priority or "", 0), report.patient.sex or ""
    desk = _Desk(model, dictation, dictation, sex, priority, seed, started + deadline * MODEL_SHARE)

    share = COARSE_SHARE if adapter or hand.examples else 1.0
    coarse, reason = _draft(desk, candidates, until=started + deadline * MODEL_SHARE * share)
    shown: _Candidate | None = None
    if coarse and adapter:
        shown, reason = _own_words(desk, coarse.text, adapter, candidates, hand.habits)
    elif coarse:
        shown = _like_the_examples(desk, coarse.text, candidates, hand) or _laid_out(desk, coarse.text, hand)
        reason = "no-adapter"
    if shown is None and coarse:
        shown, reason = (coarse, reason) if coarse.is_clean else (None, "draft-failed-check")
    if shown is None:
        shown = desk.judge(Kind.EXTRACTIVE, Completion(extract(dictation.findings, dictation.exam), 0.0))
    if not shown.text:
        return None
    is_own = shown.kind is Kind.OWN_WORDS
    used = adapter.version if adapter and is_own else None
    impression = Impression(
        report_id=report.id,
        draft_id=draft_id(report.id, dictation, used or (_hash_of(shown.text) if is_own else None), model.base_model),
        kind=shown.kind,
        text=shown.text,
        coarse=coarse.text if coarse else shown.text,
        sentences=shown.check.sentences,
        flags=shown.check.flags,
        adapter=used,
        base_model=model.base_model,
        prompt_version=PROMPT_VERSION,
        seconds=time.monotonic() - started,
        fell_back=reason,
    )
    return consult(tools, report, grounded(advised(impression, report, guidelines)), started + deadline)


def rehearse(model: LanguageModel, timeout: float = 15.0) -> Impression | None:
    """A made-up report through everything, so that no patient's waits for the lexicon, the guidelines or the model to be loaded."""
    findings = "There is a 7 mm solid nodule in the right upper lobe. No pleural effusion."
    made_up = Report("fhir", None, "rehearsal", None, ("rehearsal",), Status.PRELIMINARY, sections={Section.FINDINGS: findings})
    return write_impression(made_up, model=model, adapter=None, deadline=timeout)


def draft_id(report_id: str, dictation: Dictation, writer: str | None, base_model: str) -> str:
    """UUIDv5 of report, version, who wrote in own words, base and prompt: repeated work gives the same id.

    Who wrote is an adapter by its version; examples and a manner by what came of them, because each signature changes both.
    """
    name = "\x1f".join((report_id, dictation.version, writer or "none", base_model, PROMPT_VERSION))
    return str(uuid.uuid5(REPORT_NAMESPACE, name))


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class _Desk:
    """One report on the desk: what was dictated, who helps, and until when."""

    model: LanguageModel
    dictation: Dictation  #: as dictated: what every text is checked against
    prompted: Dictation  #: what of it the model reads
    sex: str  #: of the patient, as the feed says
    priority: int
    seed: int
    until: float
    a_look: float = 0.0  #: seconds the last look at a text took; findings of many pages take long

    def ask(self, prompt: str, *, adapter: Adapter | None, n: int, temperature: float, until: float) -> list[Completion]:
        timeout = until - time.monotonic()
        if timeout <= 0:
            raise ModelUnavailable("the time for this report is over")
        answers = self.model.complete(
            prompt,
            adapter=adapter,
            n=n,
            temperature=temperature,
            seed=self.seed,
            max_tokens=MAX_TOKENS,
            priority=self.priority,
            timeout=timeout,
        )
        return [replace(one, text=without_deeds(one.text, self.dictation)) for one in answers]

    def judge(self, kind: Kind, answer: Completion) -> _Candidate:
        d, text = self.dictation, answer.text
        told = {"indication": d.indication, "comparison": d.comparison, "exam": d.exam, "sex": self.sex}
        with self.looking():
            return _Candidate(kind, text, *check_and_score(d.findings, text, **told), answer.logprob)

    def in_keeping(self, coarse: str, text: str, habits: Habits) -> str:
        """`text` as it may be shown in the draft's place; empty if it may not."""
        with self.looking():
            return in_keeping(coarse, text, self.dictation, habits) or ""

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.a_look = time.monotonic() - began

    @property
    def has_time_to_look(self) -> bool:
        """Whether one more candidate can be looked at, and after it, should it be refused, what is shown instead."""
        return time.monotonic() + 2 * self.a_look < self.until


def _draft(desk: _Desk, candidates: int, until: float) -> tuple[_Candidate | None, str | None]:
    """The coarse pass: the greedy draft if nothing stands against it, else the best of several, clean or not; or None and why."""
    try:
        drafts = [desk.judge(Kind.DRAFT, draft) for draft in _drafts_that_fit(desk, until) if draft.text]
        if candidates > 1 and not any(draft.is_spotless for draft in drafts):
            with contextlib.suppress(ModelUnavailable):  # one draft is better than none
                prompt = drafting(desk.prompted)
                more = desk.ask(prompt, adapter=None, n=candidates, temperature=SAMPLING_TEMPERATURE, until=until)
                drafts += [desk.judge(Kind.DRAFT, draft) for draft in more if draft.text and desk.has_time_to_look]
    except PromptTooLong:
        return None, "findings-too-long"
    except ModelUnavailable:
        return None, "model-unavailable"
    return (_completed(desk, max(drafts, key=_Candidate.worth)), None) if drafts else (None, "model-said-nothing")


def _completed(desk: _Desk, draft: _Candidate) -> _Candidate:
    """A draft whose only fault is what it leaves out, a slip included, with the findings' own sentences about that behind it."""
    d = desk.dictation
    faults = [flag for flag in draft.check.flags if flag.severity != "minor"]
    left_out = [flag.findings_span for flag in faults if flag.flag_class is FlagClass.OMISSION and flag.findings_span]
    if len(left_out) < len(faults) or not desk.has_time_to_look:
        return draft
    left_out += slips_of(d.findings, draft.text, exam=d.exam)
    if not left_out:
        return draft
    text = " ".join([draft.text, *sentences_at(d.findings, left_out)])
    whole = desk.judge(Kind.DRAFT, Completion(text, draft.logprob))
    return whole if whole.is_clean else draft


def _drafts_that_fit(desk: _Desk, until: float) -> list[Completion]:
    """The greedy draft. Findings beyond the model's context are cut by their weight, and the fine pass reads them as cut."""
    for share in SHARES_OF_LONG_FINDINGS:
        if share < 1.0:
            desk.prompted = replace(desk.dictation, findings=condense(desk.dictation.findings, share, desk.dictation.exam))
        with contextlib.suppress(PromptTooLong):
            return desk.ask(drafting(desk.prompted), adapter=None, n=1, temperature=0.0, until=until)
    raise PromptTooLong("the findings are too long for the model's context")


def _own_words(
    desk: _Desk, coarse: str, adapter: Adapter, candidates: int, habits: Habits
) -> tuple[_Candidate | None, str | None]:
    """The fine pass of an adapter; or None and why."""
    try:
        faithful = _faithful(desk, coarse, personalising(desk.prompted, coarse), adapter, candidates, habits)
    except PromptTooLong:
        return None, "findings-too-long"
    except ModelUnavailable:
        return None, "adapter-unavailable"
    except BrokenAdapter:
        return None, "adapter-broken"
    return (faithful, None) if faithful else (None, "own-words-failed-check")


def _like_the_examples(desk: _Desk, coarse: str, candidates: int, hand: Hand) -> _Candidate | None:
    """The fine pass of the base model, which reads as many of the nearest signed examples as fit its context."""
    like = hand.nearest(desk.dictation)
    while like:
        prompt = personalising(desk.prompted, coarse, like, hand.manner.in_words())
        try:
            return _faithful(desk, coarse, prompt, None, candidates, hand.habits)
        except PromptTooLong:
            like = like[1:]
        except ModelUnavailable:
            break
    return None


def _faithful(
    desk: _Desk, coarse: str, prompt: str, adapter: Adapter | None, candidates: int, habits: Habits
) -> _Candidate | None:
    """The greedy wording if it is faithful, else the best faithful one of several, else None."""
    for n, temperature in ((1, 0.0), (candidates, SAMPLING_TEMPERATURE)):
        answers = desk.ask(prompt, adapter=adapter, n=n, temperature=temperature, until=desk.until)
        faithful = []
        for number, answer in enumerate(answers):
            if (number == 0 or desk.has_time_to_look) and (text := desk.in_keeping(coarse, answer.text, habits)):
                faithful.append(desk.judge(Kind.OWN_WORDS, replace(answer, text=text)))
        if faithful:
            return max(faithful, key=_Candidate.worth)
    return None


def _laid_out(desk: _Desk, coarse: str, hand: Hand) -> _Candidate | None:
    """The draft as its radiologist lays out an impression, where all that it says stays as it is."""
    laid_out = hand.manner.lay_out(coarse)
    if laid_out == coarse:
        return None
    text = desk.in_keeping(coarse, laid_out, hand.habits)
    return desk.judge(Kind.OWN_WORDS, Completion(text, 0.0)) if text else None
