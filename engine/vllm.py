"""The real `LanguageModel`: an OpenAI-compatible vLLM, and the only file that knows it.

Goes in: a prompt and, perhaps, one radiologist's adapter. Comes out: completions, or `ModelUnavailable`. An adapter is loaded under a
name that holds its content hash and is never loaded in place: vLLM's prefix cache is keyed by that name, and requests in flight
would otherwise mix old keys with new weights. Callers hand in an `Adapter`, never a model name, so nobody can ask for a colleague's.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from engine.adapters import Adapter, verify
from engine.base import name_of_base
from engine.prompts import STOPS
from engine.write import Completion, ModelUnavailable

log = logging.getLogger(__name__)

#: Failures in a row after which the server is left alone for `REST_SECONDS`: callers fall back at once instead of each waiting.
FAILURES_BEFORE_REST = 3
REST_SECONDS = 2.0
#: A LoRA load takes 10–90 ms; a server that needs longer is not healthy.
LOAD_TIMEOUT = 30.0


class VllmModel:
    """One vLLM server; safe to call from many threads."""

    def __init__(self, url: str, base_model: str, *, key: str | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64)
        self._http = httpx.Client(base_url=url.rstrip("/"), headers=headers, limits=limits)
        self._base_model = name_of_base(base_model)
        self._served_base: str | None = None
        self._takes_priority = True
        self._loaded: set[str] = set()
        self._loading = threading.Lock()
        self._failures = 0
        self._resting_until = 0.0

    @property
    def base_model(self) -> str:
        return self._base_model

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
        """`n` continuations, see `LanguageModel.complete`; log-probabilities are asked for only when there is a choice to make."""
        deadline = time.monotonic() + timeout
        body: dict[str, Any] = {
            "prompt": prompt,
            "n": n,
            "temperature": temperature,
            "seed": seed,
            "max_tokens": max_tokens,
            "stop": list(STOPS),
        }
        if n > 1:
            body["logprobs"] = 0
        if priority and self._takes_priority:
            body["priority"] = priority
        answer = self._ask(body, adapter, deadline)
        return [Completion(choice["text"].strip(), _mean_logprob(choice)) for choice in answer["choices"]]

    def is_ready(self, timeout: float = 2.0) -> bool:
        """Whether the server answers and serves a base model."""
        with contextlib.suppress(httpx.HTTPError, ModelUnavailable):
            self._served_base = self._find_base(timeout)
            return True
        return False

    def warm_up(self, adapter: Adapter | None = None, timeout: float = 180.0) -> None:
        """One plain, one log-probability and one adapter request, so that the first radiologist does not wait for compilation."""
        for n in (1, 2):
            self.complete("FINDINGS: Lungs are clear.\nDRAFT:", adapter=None, n=n, temperature=0.7, seed=1, max_tokens=2, priority=1, timeout=timeout)
        if adapter:
            self.complete("FINDINGS: Lungs are clear.\nDRAFT:", adapter=adapter, n=1, temperature=0.0, seed=1, max_tokens=2, priority=1, timeout=timeout)

    def unload(self, adapter: Adapter) -> None:
        """Forget a name nobody routes to any more; a server that is away has forgotten it already."""
        with contextlib.suppress(httpx.HTTPError):
            self._http.post("/v1/unload_lora_adapter", json={"lora_name": served_name(adapter)}, timeout=LOAD_TIMEOUT)
        self._loaded.discard(served_name(adapter))

    def close(self) -> None:
        self._http.close()

    def _ask(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> dict[str, Any]:
        """Send one completion request; a server that has restarted without its adapters gets them back once."""
        if time.monotonic() < self._resting_until:
            raise ModelUnavailable("the model server is not answering; it is tried again in a moment")
        response = self._post(body | {"model": self._model_name(adapter, deadline)}, deadline)
        if response.status_code == 404 and adapter:
            self._loaded.discard(served_name(adapter))
            response = self._post(body | {"model": self._model_name(adapter, deadline)}, deadline)
        if response.status_code == 400 and "priority" in body and "priority" in response.text:
            self._takes_priority = False
            del body["priority"]
            response = self._post(body | {"model": self._model_name(adapter, deadline)}, deadline)
        if response.status_code != 200:
            self._count_failure(response.status_code >= 500)
            raise ModelUnavailable(f"the model server answered {response.status_code}")
        self._failures = 0
        return _read_json(response)

    def _post(self, body: dict[str, Any], deadline: float) -> httpx.Response:
        try:
            return self._http.post("/v1/completions", json=body, timeout=max(0.05, deadline - time.monotonic()))
        except httpx.HTTPError as reason:
            # A timeout under a short deadline says nothing about the server's health; a refused connection does.
            self._count_failure(not isinstance(reason, httpx.TimeoutException))
            raise ModelUnavailable(f"the model server did not answer ({type(reason).__name__})") from None

    def _count_failure(self, is_server_fault: bool) -> None:
        if not is_server_fault:
            return
        self._failures += 1
        self._served_base = None
        if self._failures >= FAILURES_BEFORE_REST:
            self._resting_until = time.monotonic() + REST_SECONDS

    def _model_name(self, adapter: Adapter | None, deadline: float) -> str:
        if adapter is None:
            if self._served_base is None:
                self._served_base = self._find_base(max(0.05, deadline - time.monotonic()))
            return self._served_base
        name = served_name(adapter)
        with self._loading:
            if name not in self._loaded:
                self._load(adapter, name)
                self._loaded.add(name)
        return name

    def _load(self, adapter: Adapter, name: str) -> None:
        """Verify the files against their hash, then load them under their own name; already loaded is as good."""
        verify(adapter)
        try:
            response = self._http.post(
                "/v1/load_lora_adapter",
                json={"lora_name": name, "lora_path": str(adapter.folder.resolve())},
                timeout=LOAD_TIMEOUT,
            )
            served = self._names(LOAD_TIMEOUT)
        except httpx.HTTPError as reason:
            raise ModelUnavailable(f"the model server did not load an adapter ({type(reason).__name__})") from None
        if name not in served:
            raise ModelUnavailable(f"the model server refused adapter {adapter.version} with {response.status_code}")
        log.info("Loaded adapter %s of radiologist %s.", adapter.version, adapter.radiologist)

    def _find_base(self, timeout: float) -> str:
        try:
            cards = self._cards(timeout)
        except httpx.HTTPError as reason:
            self._count_failure(True)
            raise ModelUnavailable(f"the model server did not answer ({type(reason).__name__})") from None
        for card in cards:
            if not card.get("parent"):
                return str(card["id"])
        raise ModelUnavailable("the model server serves no base model")

    def _names(self, timeout: float) -> set[str]:
        return {str(card["id"]) for card in self._cards(timeout)}

    def _cards(self, timeout: float) -> list[dict[str, Any]]:
        response = self._http.get("/v1/models", timeout=timeout)
        response.raise_for_status()
        return list(_read_json(response).get("data", []))


def served_name(adapter: Adapter) -> str:
    """The name vLLM knows an adapter by: whose it is and what it holds, so that new weights are always a new name."""
    return f"{adapter.folder.parent.name}@{adapter.version}"


def _read_json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        raise ModelUnavailable("the model server answered with something that is not JSON") from None
    if not isinstance(answer, dict):
        raise ModelUnavailable("the model server answered with an unknown shape")
    return answer


def _mean_logprob(choice: dict[str, Any]) -> float:
    scores = [score for score in (choice.get("logprobs") or {}).get("token_logprobs") or [] if score is not None]
    return sum(scores) / len(scores) if scores else 0.0


# --- a server of our own, for rehearsals and for one machine -------------------------------------------------------------------


@contextlib.contextmanager
def local_server(base_model: str, log_file: Path, *, wait: float = 300.0) -> Iterator[str]:
    """Start vLLM on this machine, yield its URL once it answers, stop it with everything it started.

    The first start in a fresh environment compiles for up to two minutes; later ones take about 40 s on two cores.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("wb") as output:
        server = subprocess.Popen(
            _server_command(base_model, port),
            env=_server_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    try:
        _await_health(server, url, log_file, wait)
        yield url
    finally:
        _stop(server)


def _server_command(base_model: str, port: int) -> list[str]:
    # fmt: off
    return [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server",
        "--model", base_model, "--served-model-name", "base", "--host", "127.0.0.1", "--port", str(port),
        "--enable-lora", "--max-lora-rank", "16", "--max-loras", "4", "--max-cpu-loras", "32",
        "--scheduling-policy", "priority", "--max-num-seqs", "32",
    ]
    # fmt: on


def _server_environment() -> dict[str, str]:
    """vLLM's environment on a host without a GPU; one thread, because OpenMP barriers collapse when a neighbour holds a core."""
    defaults = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return defaults | dict(os.environ) | {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "PATH": path}


def _await_health(server: subprocess.Popen[bytes], url: str, log_file: Path, wait: float) -> None:
    until = time.monotonic() + wait
    while time.monotonic() < until:
        if server.poll() is not None:
            raise ModelUnavailable(f"vLLM stopped while starting; its last words stand in {log_file}")
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=2.0).status_code == 200:
                return
        time.sleep(0.5)
    raise ModelUnavailable(f"vLLM did not answer within {wait:.0f} s; see {log_file}")


def _die_with_parent() -> None:
    """Linux: the kernel ends the server when the process that started it is gone, even after kill -9."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def _stop(server: subprocess.Popen[bytes]) -> None:
    for farewell in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, farewell)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=20)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
