"""Tools beside the checker add evidence or object, and never change a word or cost a draft."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from engine.impression import FlagClass, Impression
from engine.tools import ImageAi, Opinion, SecondOpinion, Tool, seen_in
from engine.write import ModelUnavailable, write_impression
from ingest.report import Report
from tests.fakes.model import ScriptedModel
from tests.unit.test_engine_write import DRAFT, FINDINGS, report


def with_tools(*tools: Tool, findings: str = FINDINGS, draft: str = DRAFT, deadline: float = 60.0) -> Impression:
    model = ScriptedModel(lambda prompt, adapter, n: [draft])
    impression = write_impression(report(findings), model=model, adapter=None, deadline=deadline, tools=tools)
    assert impression is not None
    return impression


def observed(finding: str, present: bool | None = True, side: str = "", status: str = "final", **more: object) -> dict[str, Any]:
    said: dict[str, Any] = {"resourceType": "Observation", "status": status, "code": {"coding": [{"display": finding}]}}
    if present is not None:
        said["valueBoolean"] = present
    if side:
        said["bodySite"] = {"coding": [{"code": {"right": "24028007", "left": "7771000"}[side]}]}
    return said | more


def image_ai(*observations: Mapping[str, Any]) -> ImageAi:
    return ImageAi(lambda report, timeout: observations)


def test_an_image_ai_that_sees_the_same_is_evidence_for_the_sentence() -> None:
    impression = with_tools(image_ai(observed("Pleural effusion", side="right")))

    assert "image-ai" in [place.section for place in impression.sentences[0].evidence]
    assert impression.flags == ()


@pytest.mark.parametrize(
    ("observation", "flag_class", "severity", "message"),
    [
        (observed("Pneumothorax", side="left"), FlagClass.NEGATION, "major", "image-ai sees left pneumothorax; the report excludes “pneumothorax”."),
        (observed("Pleural effusion", side="left"), FlagClass.LATERALITY, "major", "sees left pleural effusion; the report states “small right pleural effusion”."),
        (observed("Pulmonary nodule"), FlagClass.OMISSION, "major", "the report does not mention it"),
        (observed("Pleural effusion", present=False), FlagClass.FALSE_FINDING, "minor", "sees no pleural effusion"),
    ],
)  # fmt: skip
def test_an_image_ai_that_sees_something_else_objects(
    observation: dict[str, Any], flag_class: FlagClass, severity: str, message: str
) -> None:
    impression = with_tools(image_ai(observation))

    (flag,) = impression.flags
    assert (flag.flag_class, flag.severity) == (flag_class, severity)
    assert message in flag.message
    assert impression.text == DRAFT


@pytest.mark.parametrize(
    "observation",
    [
        observed("Pneumothorax", status="cancelled"),
        observed("Pneumothorax", present=None),
        observed("Image quality"),
        observed("Pneumothorax", present=False),
        {},
    ],
)
def test_what_is_taken_back_undecided_unknown_or_agreed_is_no_objection(observation: dict[str, Any]) -> None:
    assert with_tools(image_ai(observation)).flags == ()


def test_coded_values_say_yes_and_no() -> None:
    detected = observed("Pneumothorax", None, valueCodeableConcept={"coding": [{"code": "260373001"}]})
    negative = observed("Pneumothorax", None, interpretation=[{"coding": [{"code": "NEG"}]}])
    both = observed("Pneumothorax", None, interpretation=[{"coding": [{"code": "NEG"}, {"code": "POS"}]}])

    assert [fact.is_present for fact in seen_in(detected)] == [True]
    assert [fact.is_present for fact in seen_in(negative)] == [False]
    assert seen_in(both) == ()


class Answering:
    """A model that gives the answers of a list, one per question."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def choose(self, prompt: str, among: Sequence[str], *, timeout: float) -> str:
        self.asked.append(prompt)
        answer = self._answers.pop(0)
        assert answer in among
        return answer


def test_a_second_opinion_is_asked_sentence_by_sentence_and_objects_mildly() -> None:
    model = Answering(" supported", " unsupported", " unclear")

    impression = with_tools(SecondOpinion(model), draft="Small right pleural effusion. No pneumothorax. Heart size is normal.")

    assert len(model.asked) == 3 and "STATEMENT: No pneumothorax." in model.asked[1]
    assert impression.sentences[0].evidence[-1].section == "second-opinion"
    assert [(flag.severity, "No pneumothorax." in flag.message) for flag in impression.flags] == [("minor", True)]


class Broken:
    name = "broken"

    def consult(self, report: Report, impression: Impression, timeout: float) -> Sequence[Opinion]:
        raise ModelUnavailable(report.findings)


def test_a_tool_that_is_away_has_no_opinion_and_costs_no_draft(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        impression = with_tools(Broken(), image_ai(observed("Pneumothorax", side="left")))

    assert impression.text == DRAFT and len(impression.flags) == 1
    assert "broken has no opinion (ModelUnavailable" in caplog.text
    assert "effusion" not in caplog.text


def test_a_tool_is_given_what_is_left_of_the_reports_time(caplog: pytest.LogCaptureFixture) -> None:
    given: list[float] = []

    class Slow:
        name = "slow"

        def consult(self, report: Report, impression: Impression, timeout: float) -> Sequence[Opinion]:
            given.append(timeout)
            time.sleep(timeout)
            return ()

    impression = with_tools(Slow(), Slow(), deadline=1.5)

    assert impression.text == DRAFT
    assert len(given) == 1 and given[0] <= 1.5
    assert "no time was left to ask slow" in caplog.text
