"""Claim: many radiologists share one server: switching between their adapters is quick, and its memory does not grow with their number.

`python -m bench.adapters --known 500 --hot 16 --requests 600` makes so many adapters of random weights for the shipped base, starts
vLLM, and sends short requests: nine in ten to the hot ones, the rest to anybody. Says how long a request takes whose adapter was the
one before, one the server held, and one it had to fetch; and the server's memory along the way. Seconds are this machine's; the ratio
to a request to the base model, in the same run and in turn with the others, is what travels.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from bench.random_weights import random_adapter
from engine.adapters import Adapter, Shelf
from engine.base import name_of_base
from engine.vllm import VllmModel
from engine.vllm_server import local_server
from settings import SHIPPED_BASE

PROMPT = "FINDINGS: There is a small right pleural effusion.\nDRAFT: Small right pleural effusion.\nIMPRESSION:"
#: Tokens per request: as few as show that the adapter was there.
TOKENS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--known", type=int, default=60)
    parser.add_argument("--hot", type=int, default=8)
    parser.add_argument("--requests", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--url", help="a vLLM on this machine that serves the shipped base already, and loads adapters")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        adapters = made(Path(folder), options.known)
        url = options.url or closing.enter_context(local_server(str(SHIPPED_BASE), Path(folder) / "vllm.log", wait=900.0))
        print(json.dumps(measured(url, adapters, options.hot, options.requests, options.seed)), flush=True)


def made(folder: Path, known: int, scale: float = 0.05) -> list[Adapter]:
    """Rank 8, about half a megabyte each, every one with weights of its own."""
    shelf, base = Shelf(folder / "shelf"), name_of_base(str(SHIPPED_BASE))
    return [
        shelf.put(
            random_adapter(SHIPPED_BASE, folder / "made", seed=number, scale=scale),
            radiologist=f"RAD{number:04}",
            night="2026-11-20",
            base_model=base,
            metrics={},
            card={},
        )
        for number in range(known)
    ]


def measured(url: str, adapters: Sequence[Adapter], hot: int, requests: int, seed: int) -> dict[str, object]:
    chance = random.Random(seed)
    model = VllmModel(url, str(SHIPPED_BASE))
    model.warm_up(adapters[0], timeout=600.0)
    took: dict[str, list[float]] = {"base": [], "the one before": [], "known to the server": [], "new to the server": []}
    memory: list[float] = [resident(url)]
    before, seen = adapters[0], {adapters[0].radiologist}
    for number in range(requests):
        adapter = chance.choice(adapters[:hot]) if chance.random() < 0.9 else chance.choice(adapters)
        way = (
            "the one before"
            if adapter is before
            else "known to the server"
            if adapter.radiologist in seen
            else "new to the server"
        )
        took["base"].append(seconds_of(model, None, number))
        took[way].append(seconds_of(model, adapter, number))
        before = adapter
        seen.add(adapter.radiologist)
        if number % max(1, requests // 10) == 0:
            memory.append(resident(url))
    for adapter in adapters:  # everybody once: the server has heard of all of them
        took["known to the server" if adapter.radiologist in seen else "new to the server"].append(seconds_of(model, adapter, 0))
        seen.add(adapter.radiologist)
    memory.append(resident(url))
    model.close()
    base = statistics.median(took["base"])
    return {
        "known": len(adapters),
        "hot": hot,
        "requests": requests,
        "seed": seed,
        "ms": {way: spread(times) for way, times in took.items() if times},
        "times the base": {way: round(statistics.median(times) / base, 2) for way, times in took.items() if times},
        "server_mib": {"after_warm_up": round(memory[0]), "along_the_way": [round(one) for one in memory[1:-1]], "at_the_end": round(memory[-1])},
    }  # fmt: skip


def seconds_of(model: VllmModel, adapter: Adapter | None, seed: int) -> float:
    began = time.perf_counter()
    model.complete(PROMPT, adapter=adapter, n=1, temperature=0.0, seed=seed, max_tokens=TOKENS, priority=0, timeout=300.0)
    return time.perf_counter() - began


def spread(times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "requests": len(ordered),
        "p50": round(1000 * statistics.median(ordered), 1),
        "p95": round(1000 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
    }


def resident(url: str) -> float:
    """MiB of the server."""
    return sum(one.memory_info().rss for one in processes_of(url)) / 2**20


def processes_of(url: str) -> list[psutil.Process]:
    """Whoever listens there, and all it started."""
    port = urlsplit(url).port
    owners = {
        one.pid
        for one in psutil.net_connections("tcp")
        if one.status == "LISTEN" and one.laddr and one.laddr.port == port and one.pid
    }
    servers = [psutil.Process(pid) for pid in owners]
    return [one for server in servers for one in (server, *server.children(recursive=True))]


if __name__ == "__main__":
    main()
