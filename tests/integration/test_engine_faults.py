"""Whatever becomes of the model server, every report is answered in its time, with the right kind, and with nobody else's adapter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import psutil
import pytest

from bench.random_weights import random_adapter
from engine.adapters import Adapter, Shelf
from engine.base import name_of_base
from engine.impression import Impression, Kind
from engine.vllm import VllmModel, served_name
from engine.vllm_server import local_server
from engine.write import rehearse, write_impression
from ingest.report import Exam, Radiologist, Report, Section
from settings import SHIPPED_BASE
from tests.fakes.fault_proxy import Fault, FaultProxy
from tests.fakes.model import ScriptedModel, away
from tests.unit.test_engine_write import report

RADIOLOGISTS = ("RAD201", "RAD202", "RAD203")
#: A report's time when something is wrong, and what a busy machine may take to see that it is over.
DEADLINE, SLACK = 4.0, 3.0
#: Long enough for anything on two busy cores.
AGES = 120.0
FINDINGS = "There is a small right pleural effusion. No pneumothorax. The heart is normal in size."


@dataclass(frozen=True)
class Answered:
    """One report, who read it, what came back and when."""

    report: Report
    adapter: Adapter
    impression: Impression
    seconds: float


@pytest.fixture(scope="module", autouse=True)
def _everything_is_loaded() -> None:
    rehearse(ScriptedModel(away))


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Adapter]:
    """One per radiologist, each with weights of its own, too small to change a word."""
    folder = tmp_path_factory.mktemp("adapters")
    base = name_of_base(str(SHIPPED_BASE))
    shelf = Shelf(folder / "shelf")
    return {
        whose: shelf.put(
            random_adapter(SHIPPED_BASE, folder / whose, seed=seed, scale=0.001),
            radiologist=whose,
            night="2026-11-20",
            base_model=base,
            metrics={},
            card={},
        )
        for seed, whose in enumerate(RADIOLOGISTS, 1)
    }


@pytest.fixture
def line(vllm_url: str) -> Iterator[FaultProxy]:
    proxy = FaultProxy(vllm_url)
    yield proxy
    proxy.close()


def dictated(number: int) -> Report:
    return report(
        FINDINGS,
        accessions=(f"A{number}",),
        exam=Exam(text="XR CHEST", modality="CR"),
        radiologist=Radiologist(RADIOLOGISTS[number % 3], "principal"),
        sections={Section.FINDINGS: FINDINGS, Section.INDICATION: f"Cough, request {number}."},
    )


def answered(urls: str, adapters: dict[str, Adapter], *, reports: int = 6, deadline: float = DEADLINE) -> list[Answered]:
    """So many reports at once, in turn of three radiologists."""
    model = VllmModel(urls, str(SHIPPED_BASE))

    def write(number: int) -> Answered:
        one = dictated(number)
        adapter = adapters[RADIOLOGISTS[number % 3]]
        began = time.monotonic()
        impression = write_impression(one, model=model, adapter=adapter, deadline=deadline, candidates=2)
        assert impression is not None
        return Answered(one, adapter, impression, time.monotonic() - began)

    try:
        with ThreadPoolExecutor(reports) as pool:
            return list(pool.map(write, range(reports)))
    finally:
        model.close()


def nobody_was_answered_as_somebody_else(answers: list[Answered], line: FaultProxy) -> None:
    """By what went over the line: a radiologist's prompt only ever went to the base model or to their own adapter."""
    for one in answers:
        asked = {model for model, prompt in line.asked if one.report.sections[Section.INDICATION] in prompt}
        assert asked <= {"base", served_name(one.adapter)}
        assert one.impression.adapter in (None, one.adapter.version)


def test_on_a_sound_line_every_radiologist_is_answered_by_the_model_and_by_their_own_adapter(
    line: FaultProxy, adapters: dict[str, Adapter]
) -> None:
    answers = answered(line.url, adapters, deadline=AGES)

    assert {one.impression.fell_back for one in answers} <= {None, "own-words-failed-check", "draft-failed-check"}
    assert Kind.OWN_WORDS in {one.impression.kind for one in answers}
    assert {served_name(adapter) for adapter in adapters.values()} <= {model for model, _ in line.asked}
    nobody_was_answered_as_somebody_else(answers, line)


@pytest.mark.parametrize("fault", sorted(set(get_args(Fault)) - {"none", "somebody-else", "no-adapters"}))
def test_with_a_spoilt_line_every_report_gets_the_findings_own_words_in_time(
    fault: Fault, line: FaultProxy, adapters: dict[str, Adapter]
) -> None:
    line.fault = fault

    answers = answered(line.url, adapters)

    assert [(one.impression.kind, one.impression.fell_back) for one in answers] == [(Kind.EXTRACTIVE, "model-unavailable")] * 6
    assert {one.impression.text for one in answers} == {"There is a small right pleural effusion."}
    assert max(one.seconds for one in answers) < DEADLINE + SLACK
    nobody_was_answered_as_somebody_else(answers, line)


@pytest.mark.parametrize("fault", ["no-adapters", "somebody-else"])
def test_without_their_own_adapter_every_radiologist_gets_the_draft(
    fault: Fault, line: FaultProxy, adapters: dict[str, Adapter]
) -> None:
    restarted = VllmModel(line.url, str(SHIPPED_BASE))
    for adapter in adapters.values():
        restarted.unload(adapter)
    restarted.close()
    line.fault = fault

    answers = answered(line.url, adapters, deadline=AGES)

    assert {(one.impression.kind, one.impression.fell_back) for one in answers} == {(Kind.DRAFT, "adapter-unavailable")}
    assert {one.impression.adapter for one in answers} == {None}


def test_when_the_line_is_mended_the_model_writes_again(line: FaultProxy, adapters: dict[str, Adapter]) -> None:
    model = VllmModel(line.url, str(SHIPPED_BASE))
    kinds = []
    for fault in ("failing", "failing", "failing", "failing", "none"):
        line.fault = fault
        if fault == "none":
            time.sleep(5)  # it was left alone for a while
        impression = write_impression(dictated(0), model=model, adapter=adapters["RAD201"], deadline=AGES)
        assert impression is not None
        kinds.append(impression.fell_back)
    model.close()

    assert kinds[:4] == ["model-unavailable"] * 4
    assert kinds[4] in (None, "own-words-failed-check")


def test_of_two_replicas_a_frozen_one_costs_nobody_a_draft(line: FaultProxy, vllm_url: str, adapters: dict[str, Adapter]) -> None:
    line.fault = "frozen"

    answers = answered(f"{line.url},{vllm_url}", adapters, reports=6, deadline=AGES)

    assert "model-unavailable" not in {one.impression.fell_back for one in answers}
    assert Kind.EXTRACTIVE not in {one.impression.kind for one in answers}
    assert max(one.seconds for one in answers) < AGES + SLACK
    assert all(one.impression.adapter in (None, one.adapter.version) for one in answers)


@pytest.mark.timeout(900)
def test_a_replica_killed_in_the_middle_of_its_work_costs_nobody_a_draft_and_alone_nobody_the_findings(
    vllm_url: str, adapters: dict[str, Adapter], tmp_path: Path
) -> None:
    before = set(psutil.Process().children(recursive=True))
    with local_server(str(SHIPPED_BASE), tmp_path / "vllm.log", wait=600.0) as doomed:
        started = [child for child in psutil.Process().children(recursive=True) if child not in before]
        answered(doomed, adapters, reports=3, deadline=AGES)
        with ThreadPoolExecutor(1) as pool:
            both = pool.submit(answered, f"{doomed},{vllm_url}", adapters, reports=12, deadline=AGES)
            time.sleep(1.0)
            for process in started:
                process.kill()
            answers = both.result()
        alone = answered(doomed, adapters)

    assert "model-unavailable" not in {one.impression.fell_back for one in answers}
    assert Kind.EXTRACTIVE not in {one.impression.kind for one in answers}
    assert all(one.impression.adapter in (None, one.adapter.version) for one in answers)
    assert {(one.impression.kind, one.impression.fell_back) for one in alone} == {(Kind.EXTRACTIVE, "model-unavailable")}
    assert max(one.seconds for one in alone) < DEADLINE + SLACK
