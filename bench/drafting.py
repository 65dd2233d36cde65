"""Claim: what we do around vLLM costs next to nothing: whole drafts go through our engine as fast as their prompts go through vLLM alone.

`python -m bench.drafting --reports 64 --rounds 3` writes so many synthetic reports at once through `write_impression` (prompt, coarse
pass, facts, checks, guidelines), and sends the same prompts straight to the same vLLM with as many threads, in turn which of the two is
first; the raw requests carry a salt of their own, so that neither finds the other's prefixes warm. Then, one report after another,
what a fine pass adds to a draft; `--speculate` does all of it on a server with n-gram speculation. Ratios travel, seconds are this
machine's.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.adapters import made, processes_of
from demo.dictation import dictated_report
from engine.adapters import Adapter
from engine.impression import Impression
from engine.prompts import STOPS, Dictation, drafting
from engine.vllm import VllmModel
from engine.vllm_server import local_server
from engine.write import MAX_TOKENS, Completion, rehearse, write_impression
from ingest.report import Exam, Report, Section, Status
from settings import SHIPPED_BASE


class Timed:
    """A model that notes how long each of its requests took, and whether an adapter wrote."""

    def __init__(self, model: VllmModel) -> None:
        self._model = model
        self.base_model = model.base_model
        self.took: list[tuple[bool, float]] = []

    def complete(self, prompt: str, *, adapter: Adapter | None, **more: Any) -> list[Completion]:
        began = time.perf_counter()
        answer = self._model.complete(prompt, adapter=adapter, **more)
        self.took.append((adapter is not None, time.perf_counter() - began))
        return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reports", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--fine", type=int, default=4, help="reports with a fine pass, one after another")
    parser.add_argument("--speculate", action="store_true")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--url", help="a vLLM that serves the shipped base already, and loads adapters from this machine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        (adapter,) = made(Path(folder), 1, scale=0.001)
        log = Path(folder) / "vllm.log"
        url = options.url or closing.enter_context(local_server(str(SHIPPED_BASE), log, wait=900.0, speculate=options.speculate))
        model = VllmModel(url, str(SHIPPED_BASE))
        closing.callback(model.close)
        if not model.is_ready():
            parser.exit(3, f"No vLLM answers at {url}: start one there, or leave --url out to have one started.\n")
        model.warm_up(adapter, timeout=600.0)
        rehearse(model)
        told = {"reports": options.reports, "rounds": options.rounds, "seed": options.seed, "speculation": options.speculate}
        if options.rounds:
            told |= throughput(url, model, options.reports, options.rounds, options.seed)
        if options.fine:
            told |= fine_pass(model, adapter, options.fine, options.seed)
        print(json.dumps(told), flush=True)


def throughput(url: str, model: VllmModel, reports: int, rounds: int, seed: int) -> dict[str, Any]:
    """Our engine's share of raw vLLM's throughput on the same prompts: by the clock, which a busy machine blurs, and by CPU time.

    The server does the same work for both, so a difference in its CPU time is the machine's unrest; the caller's is what we cost.
    """
    took: dict[str, list[float]] = {"ours": [], "raw": []}
    cpu: dict[str, list[float]] = {"ours": [], "raw": []}
    callers: dict[str, list[float]] = {"ours": [], "raw": []}
    with httpx.Client(base_url=url, timeout=600.0) as line:
        for number in range(rounds):
            told = [made_up(f"{seed}-{number}-{one}") for one in range(reports)]
            ways: list[tuple[str, Callable[[], float]]] = [
                ("ours", partial(at_once, partial(draft, model=model), [report for report, _ in told])),
                ("raw", partial(at_once, partial(ask, line, salt=f"{number}"), [drafting(one) for _, one in told])),
            ]
            for way, measure in ways if number % 2 == 0 else reversed(ways):
                before, own = cpu_seconds(url), time.process_time()
                took[way].append(measure())
                cpu[way].append(cpu_seconds(url) - before)
                callers[way].append(time.process_time() - own)
    return {
        "share_of_raw": ratio(took),
        "share_of_raw_by_cpu": ratio(cpu),
        "each_round": [round(raw / ours, 3) for raw, ours in zip(took["raw"], took["ours"], strict=True)],
        "each_round_by_cpu": [round(raw / ours, 3) for raw, ours in zip(cpu["raw"], cpu["ours"], strict=True)],
        "seconds": {way: round(statistics.median(times), 2) for way, times in took.items()},
        "cpu_ms_per_report": {way: round(1000 * statistics.median(times) / reports, 1) for way, times in cpu.items()},
        "of_it_the_callers": {way: round(1000 * statistics.median(times) / reports, 2) for way, times in callers.items()},
    }


def ratio(of: dict[str, list[float]]) -> float:
    """The median of the rounds."""
    return round(statistics.median(raw / ours for raw, ours in zip(of["raw"], of["ours"], strict=True)), 3)


def cpu_seconds(url: str) -> float:
    """Of the server and of this process, since they began."""
    servers = [one.cpu_times() for one in processes_of(url)]
    return time.process_time() + sum(one.user + one.system for one in servers)


def fine_pass(model: VllmModel, adapter: Adapter, reports: int, seed: int) -> dict[str, Any]:
    """How long a report takes with its fine pass (n=1), as a multiple of the draft alone."""
    drafted, refined = [], []
    for number in range(reports):
        timed = Timed(model)
        report, _ = made_up(f"{seed}-fine-{number}")
        write_impression(report, model=timed, adapter=adapter, deadline=600.0, candidates=1)
        coarse = [seconds for fine, seconds in timed.took if not fine]
        fine = [seconds for fine, seconds in timed.took if fine]
        drafted.append(coarse[0])
        refined.append(fine[0])
    draft_s, fine_s = statistics.median(drafted), statistics.median(refined)
    return {
        "fine_pass": {
            "draft_ms": round(1000 * draft_s),
            "adds_ms": round(1000 * fine_s),
            "adds_times": round(fine_s / draft_s, 2),
        }
    }


def made_up(seed: str) -> tuple[Report, Dictation]:
    """A synthetic report and its dictation."""
    _, dictated = dictated_report(seed)
    return report_of(seed, dictated.dictation), dictated.dictation


def report_of(name: str, dictation: Dictation) -> Report:
    """A report that awaits the impression of this dictation."""
    sections = {
        Section.FINDINGS: dictation.findings,
        Section.INDICATION: dictation.indication,
        Section.COMPARISON: dictation.comparison,
    }
    exam = Exam(text=dictation.exam)
    return Report("hl7v2", name, "ORU^R01", "2.5.1", (name,), Status.PRELIMINARY, exam=exam, sections=sections)


def draft(report: Report, model: VllmModel) -> Impression | None:
    return write_impression(report, model=model, adapter=None, deadline=600.0, candidates=1)


def ask(line: httpx.Client, prompt: str, salt: str) -> None:
    """The request our engine makes, without our engine: through httpx, as OpenAI's own client would."""
    body = {
        "model": "base",
        "prompt": prompt,
        "n": 1,
        "temperature": 0.0,
        "seed": 7,
        "max_tokens": MAX_TOKENS,
        "stop": list(STOPS),
    }
    line.post("/v1/completions", json=body | {"cache_salt": salt}).raise_for_status()


def at_once(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    with ThreadPoolExecutor(len(items)) as pool:
        began = time.perf_counter()
        list(pool.map(work, items))
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
