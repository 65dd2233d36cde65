"""What the guidelines advise for one report, as sentences that rest on a row of a table: only where a guideline is certain.

A guideline that misses an input, or says that nothing need be done, adds nothing here; whom to call now is engine/critical.py's. The
sentence is made from the row's action, modality and interval: no model words it, so no model can change it.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from engine.checks import check
from engine.facts import read
from engine.guidelines import GUIDELINES, Answer, recommend
from engine.impression import Evidence, Impression, Recommendation, Sentence
from engine.recommendations import Plan, plans_in
from ingest.report import Report, Section

log = logging.getLogger(__name__)

#: Not at all; as a list of its own; or as the last sentences of the impression.
Where = Literal["off", "beside", "within"]
#: What is advised, where the row names no examination. The other actions are nothing to do, or to be done now by telephone.
ADVISED = {
    "follow-up": "follow-up imaging",
    "short-follow-up": "follow-up imaging",
    "further-imaging": "further imaging",
    "biopsy": "biopsy",
    "referral": "specialist consultation",
}
#: Whom to call now is asked of every report elsewhere (engine/critical.py), and is no advice for an impression.
LASTING = tuple(name for name in GUIDELINES if name != "actionable")
#: A first step in such words leaves a choice: "consider", not "recommend".
LEAVES_A_CHOICE = re.compile(r"^(?:(?!\bthen\b)[^;])*?\b(?:consider\w*|optional|may|usually|often|careful)\b", re.IGNORECASE)


def advised(impression: Impression, report: Report, where: Where) -> Impression:
    """`impression` with what guidelines advise and it does not say: beside its text, or within where the checker has no objection.

    A sentence that says it already is marked with the rule it follows. A fault in here is logged and costs the advice, not the draft.
    """
    if where == "off":
        return impression
    try:
        return _advised(impression, report, where)
    except Exception as fault:  # noqa: BLE001
        line = traceback.extract_tb(fault.__traceback__)[-1].lineno
        log.error("Report %s goes without guidelines (%s at line %d).", report.id, type(fault).__name__, line)
        return impression


def _advised(impression: Impression, report: Report, where: Where) -> Impression:
    certain = guidance(report)
    if not certain:
        return impression
    plans = plans_of(impression.text, report)
    beside: list[Recommendation] = []
    for recommendation in certain:
        plan = saying(recommendation, plans, report)
        if plan is not None:
            impression = _marked(impression, plan, recommendation)
        elif where == "within" and (longer := _with(impression, recommendation, report)):
            impression = longer
        else:
            beside.append(recommendation)
    return replace(impression, recommendations=tuple(beside))


def guidance(report: Report) -> tuple[Recommendation, ...]:
    """Everything a guideline advises for certain, in the order of the body, each once."""
    answers = recommend(
        report.findings,
        indication=report.sections.get(Section.INDICATION, ""),
        exam=_exam(report),
        age=_age(report),
        sex=report.patient.sex,
        among=LASTING,
    )
    certain = [answer for answer in answers if answer.action in ADVISED and answer.rule and not answer.missing]
    return tuple(dict.fromkeys(_recommendation(answer) for answer in certain))


def plans_of(text: str, report: Report) -> list[Plan]:
    """What an impression advises, sentence by sentence."""
    return plans_in(read(text, section="impression", exam=_exam(report)))


def saying(recommendation: Recommendation, plans: Sequence[Plan], report: Report) -> Plan | None:
    """The plan that says what `recommendation` says: an action in common, and no other interval."""
    wanted = next(iter(plans_of(recommendation.sentence, report)), None)
    if wanted is None:
        return None
    same = [plan for plan in plans if plan.actions & wanted.actions]
    return next((plan for plan in same if not plan.days or not wanted.days or set(plan.days) & set(wanted.days)), None)


def _marked(impression: Impression, plan: Plan, recommendation: Recommendation) -> Impression:
    """The sentence that advises it names its rule, and the findings it rests on where it had none."""
    said = plan.words.strip()
    sentences = tuple(
        replace(one, rule=one.rule or recommendation.rule, evidence=one.evidence or recommendation.evidence)
        if said in one.text or one.text in said
        else one
        for one in impression.sentences
    )
    return replace(impression, sentences=sentences)


def _with(impression: Impression, recommendation: Recommendation, report: Report) -> Impression | None:
    """The impression with one sentence more; None when the checker finds more to say against it than before."""
    text = impression.text + ("\n" if "\n" in impression.text else " ") + recommendation.sentence
    told = {name.value: report.sections.get(name, "") for name in (Section.INDICATION, Section.COMPARISON)}
    flags = check(report.findings, text, exam=_exam(report), **told).flags
    if len(flags) > len(impression.flags):
        return None
    sentence = Sentence(recommendation.sentence, "supported", recommendation.evidence, recommendation.rule)
    return replace(impression, text=text, sentences=(*impression.sentences, sentence), flags=flags)


def _recommendation(answer: Answer) -> Recommendation:
    row = answer.recommendation or ""
    what = (answer.modality if answer.action != "referral" else None) or ADVISED[answer.action or "follow-up"]
    verb = "Consider" if LEAVES_A_CHOICE.match(row) else "Recommend"
    sentence = f"{verb} {what}{_when(answer.interval_months)}."
    evidence = (Evidence("findings", *answer.findings_span),) if answer.findings_span else ()
    return Recommendation(sentence, row, answer.guideline, answer.rule or "", answer.citation, evidence)


def _when(months: tuple[float, float] | None) -> str:
    if months is None:
        return ""
    first, last = (f"{number:g}" for number in months)
    if months[0] == months[1]:
        return f" in {last} months"
    return f" within {last} months" if months[0] == 0 else f" in {first} to {last} months"


def _exam(report: Report) -> str:
    return report.exam.text or report.exam.modality or ""


def _age(report: Report) -> int | None:
    """Whole years, as nearly as a year of birth allows."""
    seen = report.observed or report.issued
    return seen.year - report.patient.birth_year if seen and report.patient.birth_year else None
