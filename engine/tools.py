"""Tools beside our own checker: each may add evidence to what is about to be shown, or object to it; none changes a word of it.

Two are here: an image AI whose results come as FHIR Observations, and a second opinion by a language model. A tool that is late, away or
broken has no opinion, and the draft goes out without it.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from engine import messages
from engine.facts import Fact, read_facts
from engine.impression import Evidence, Flag, FlagClass, Impression
from engine.kinship import same_kind, sides_meet
from engine.lexicon import lexicon
from engine.prompts import one_line
from ingest.report import Report

log = logging.getLogger(__name__)

Observation = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a tool says: evidence for one sentence of the impression (by its number), or a flag against it."""

    tool: str
    sentence: int | None = None
    flag: Flag | None = field(default=None, repr=False)


class Tool(Protocol):
    """Anything that has an opinion on an impression."""

    @property
    def name(self) -> str:
        """What its opinions are known by; the `section` of its evidence."""
        ...

    def consult(self, report: Report, impression: Impression, timeout: float) -> Sequence[Opinion]:
        """What it thinks, within `timeout` seconds. May raise: then it has no opinion."""
        ...


def consult(tools: Iterable[Tool], report: Report, impression: Impression, until: float) -> Impression:
    """`impression` with every tool's evidence and objections. `until` is on the monotonic clock; tools share what is left of it."""
    for tool in tools:
        left = until - time.monotonic()
        if left <= 0:
            log.warning("Report %s: no time was left to ask %s.", report.id, tool.name)
            break
        try:
            opinions = tool.consult(report, impression, left)
        except Exception as fault:  # noqa: BLE001  its text may quote the report
            place = traceback.extract_tb(fault.__traceback__)[-1]
            log.warning("Report %s: %s has no opinion (%s at line %s).", report.id, tool.name, type(fault).__name__, place.lineno)
            continue
        impression = _with_opinions(impression, opinions)
    return impression


def _with_opinions(impression: Impression, opinions: Sequence[Opinion]) -> Impression:
    sentences = list(impression.sentences)
    for opinion in opinions:
        if opinion.flag is None and opinion.sentence is not None:
            one = sentences[opinion.sentence]
            sentences[opinion.sentence] = replace(one, evidence=(*one.evidence, Evidence(opinion.tool, 0, 0)))
    flags = tuple(opinion.flag for opinion in opinions if opinion.flag)
    return replace(impression, sentences=tuple(sentences), flags=(*impression.flags, *flags))


# --- an image AI -------------------------------------------------------------------------------------------------------------------

#: SNOMED CT, HL7 v3 interpretation and v2 table 0136: there, or not there.
PRESENT = {"52101004", "260373001", "373066001", "POS", "Y", "true"}
ABSENT = {"2667000", "260415000", "373067005", "NEG", "N", "false"}
#: Codes of SNOMED CT for sides, beside what the words say.
SIDES = {"24028007": "right", "7771000": "left", "51440002": "bilateral"}
#: FHIR R4 ObservationStatus: the rest is not there yet, or taken back.
STANDS = {"preliminary", "final", "amended", "corrected"}


class ImageAi:
    """What an image AI saw, as FHIR R4 Observations: one finding each, said to be there or not, with its site in `bodySite`."""

    def __init__(self, observations_of: Callable[[Report, float], Iterable[Observation]], name: str = "image-ai") -> None:
        self._observations_of = observations_of
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def consult(self, report: Report, impression: Impression, timeout: float) -> Sequence[Opinion]:
        exam = report.exam.text or report.exam.modality or ""
        dictated = read_facts(report.findings, exam=exam)
        stated = [read_facts(one.text, section="impression", exam=exam) for one in impression.sentences]
        opinions: list[Opinion] = []
        for observation in self._observations_of(report, timeout):
            for seen in seen_in(observation, exam):
                opinions += self._opinion(seen, [*dictated, *(fact for facts in stated for fact in facts)], stated)
        return opinions

    def _opinion(self, seen: Fact, said: Sequence[Fact], stated: Sequence[Sequence[Fact]]) -> list[Opinion]:
        about = [fact for fact in said if same_kind(fact.concept, seen.concept) and not fact.is_history]
        agreeing = [fact for fact in about if fact.is_present == seen.is_present and sides_meet(fact.side, seen.side)]
        if agreeing:
            supported = [number for number, facts in enumerate(stated) if any(fact in agreeing for fact in facts)]
            return [Opinion(self._name, sentence=number) for number in supported]
        if seen.is_absent:
            firm = next((fact for fact in about if fact.certainty >= 4), None)
            return [self._objection(FlagClass.FALSE_FINDING, seen, firm)] if firm else []
        denied = next((fact for fact in about if fact.is_absent), None)
        other_side = next((fact for fact in about if fact.is_present), None)
        if other_side:
            return [self._objection(FlagClass.LATERALITY, seen, other_side)]
        return [self._objection(FlagClass.NEGATION if denied else FlagClass.OMISSION, seen, denied)]

    def _objection(self, flag_class: FlagClass, seen: Fact, said: Fact | None) -> Opinion:
        concept = lexicon().concepts[seen.concept]
        what = " ".join(word for word in (seen.side, concept.label) if word)
        says = f"sees {what}" if seen.is_present else f"sees no {what}"
        against = f"the report {messages.said(said, singular=True)}" if said else "the report does not mention it"
        severity: Literal["critical", "major", "minor"] = "minor" if seen.is_absent or concept.weight < 2 else "major"
        place = (said.start, said.end) if said and said.section == "findings" else None
        return Opinion(self._name, flag=Flag(flag_class, severity, f"{self._name} {says}; {against}.", None, place))


def seen_in(observation: Observation, exam: str = "") -> tuple[Fact, ...]:
    """The findings of one Observation as facts; none when it is not final enough, says neither yes nor no, or means nothing to us."""
    present = _is_there(observation)
    if observation.get("status") not in STANDS or present is None:
        return ()
    site = observation.get("bodySite") or {}
    side = next((SIDES[code] for code in _codes(site) if code in SIDES), "")
    words = " ".join(word for word in (side, _words(site), _words(observation.get("code") or {})) if word)
    return read_facts(f"There is {words}." if present else f"No {words}.", exam=exam)


def _is_there(observation: Observation) -> bool | None:
    if isinstance(observation.get("valueBoolean"), bool):
        return bool(observation["valueBoolean"])
    said = _codes(observation.get("valueCodeableConcept") or {})
    for concept in observation.get("interpretation") or []:
        said |= _codes(concept)
    return True if said & PRESENT and not said & ABSENT else False if said & ABSENT and not said & PRESENT else None


def _codes(concept: Mapping[str, Any]) -> set[str]:
    return {str(coding.get("code")) for coding in concept.get("coding") or []}


def _words(concept: Mapping[str, Any]) -> str:
    displays = [str(coding["display"]) for coding in concept.get("coding") or [] if coding.get("display")]
    return str(concept.get("text") or (displays[0] if displays else ""))


# --- a second opinion --------------------------------------------------------------------------------------------------------------

#: What the model may answer; anything else is no opinion.
ANSWERS = (" supported", " unsupported", " unclear")


class Chooser(Protocol):
    """A model server that answers with one of several texts; engine/vllm.py is one."""

    def choose(self, prompt: str, among: Sequence[str], *, timeout: float) -> str: ...


class SecondOpinion:
    """A language model asked sentence by sentence whether the findings support it. Slow and not reproducible: it only ever objects mildly."""

    def __init__(self, model: Chooser, name: str = "second-opinion") -> None:
        self._model = model
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def consult(self, report: Report, impression: Impression, timeout: float) -> Sequence[Opinion]:
        until = time.monotonic() + timeout
        opinions = []
        for number, sentence in enumerate(impression.sentences):
            answer = self._model.choose(_question(report, sentence.text), ANSWERS, timeout=until - time.monotonic()).strip()
            if answer == "supported":
                opinions.append(Opinion(self._name, sentence=number))
            elif answer == "unsupported":
                message = f"{self._name} does not find this in the findings: “{one_line(sentence.text)}”"
                opinions.append(Opinion(self._name, number, Flag(FlagClass.FALSE_FINDING, "minor", message)))
        return opinions


def _question(report: Report, sentence: str) -> str:
    return (
        f"FINDINGS: {one_line(report.findings)}\nSTATEMENT: {one_line(sentence)}\n"
        "Do the findings support the statement? Answer supported, unsupported or unclear.\nANSWER:"
    )
