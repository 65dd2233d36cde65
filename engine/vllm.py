"""The real `LanguageModel`: an OpenAI-compatible vLLM, and the only file that knows it.

Goes in: a prompt and, perhaps, one radiologist's adapter. Comes out: completions, or `ModelUnavailable`. An adapter is loaded under a
name that holds its content hash and is never loaded in place: vLLM's prefix cache is keyed by that name, and requests in flight
would otherwise mix old keys with new weights. Callers hand in an `Adapter`, never a model name, so nobody can ask for a colleague's.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

from engine.adapters import Adapter, verify
from engine.base import name_of_base
from engine.prompts import STOPS
from engine.write import Completion, ModelUnavailable, PromptTooLong

log = logging.getLogger(__name__)

#: Failures in a row after which the server is left alone for `REST_SECONDS`: callers fall back at once instead of each waiting.
FAILURES_BEFORE_REST = 3
REST_SECONDS = 2.0
#: A LoRA load takes 10–90 ms; a server that needs longer is not healthy.
LOAD_TIMEOUT = 30.0
#: Requests by which the replica with the warm prefix may be busier than the idlest one before the prefix is given up.
CROWDED = 8


class VllmModel:
    """One or several vLLM replicas behind one port; safe to call from many threads.

    `urls` are separated by commas. A report's two passes go to the same replica, whose prefix cache still holds the dictation, unless
    it is much busier than another; a replica that fails is left alone for a while and its requests go to the next.
    """

    def __init__(self, urls: str, base_model: str, *, key: str | None = None) -> None:
        self._replicas = [_Replica(url.strip(), key) for url in urls.split(",") if url.strip()]
        self._base_model = name_of_base(base_model)

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
        if priority:
            body["priority"] = priority
        answer = self._ask(body, adapter, deadline)
        return [Completion(choice["text"].strip(), _mean_logprob(choice)) for choice in answer["choices"]]

    def choose(self, prompt: str, among: Sequence[str], *, timeout: float) -> str:
        """The one of `among` that the base model goes on with; structured output leaves it no other way. Raises `ModelUnavailable`."""
        body = {"prompt": prompt, "temperature": 0.0, "max_tokens": 16, "structured_outputs": {"choice": list(among)}}
        answer = str(self._ask(body, None, time.monotonic() + timeout)["choices"][0]["text"])
        if answer not in among:
            raise ModelUnavailable("the model server did not choose")
        return answer

    def is_ready(self, timeout: float = 2.0) -> bool:
        """Whether any replica answers and serves a base model."""
        return any(replica.is_ready(timeout) for replica in self._replicas)

    def warm_up(self, adapter: Adapter | None = None, timeout: float = 180.0) -> None:
        """One plain, one log-probability and one adapter request per replica, so that no radiologist waits for compilation.

        All that answer within `timeout` seconds together are warm afterwards; raises `ModelUnavailable` when one did not.
        """
        until = time.monotonic() + timeout
        refusal: ModelUnavailable | None = None
        for replica in self._replicas:
            try:
                for n, whose in ((1, None), (2, None), *([(1, adapter)] if adapter else [])):
                    body = {
                        "prompt": "FINDINGS: Lungs are clear.\nDRAFT:",
                        "n": n,
                        "temperature": 0.7,
                        "seed": 1,
                        "max_tokens": 2,
                    }
                    replica.ask(body | ({"logprobs": 0} if n > 1 else {}), whose, until)
            except ModelUnavailable as reason:
                refusal = reason
        if refusal:
            raise refusal

    def unload(self, adapter: Adapter) -> None:
        """Forget a name nobody routes to any more, on every replica."""
        for replica in self._replicas:
            replica.unload(adapter)

    def close(self) -> None:
        for replica in self._replicas:
            replica.close()

    def _ask(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> dict[str, Any]:
        """The first answer of the replicas in the order they are asked; the last refusal when none answers."""
        refusal = ModelUnavailable("the model server is not answering; it is tried again in a moment")
        for replica in self._in_order(body["prompt"]):
            if time.monotonic() >= deadline:
                break
            try:
                return replica.ask(body, adapter, deadline)
            except PromptTooLong:
                raise
            except ModelUnavailable as reason:
                refusal = reason
        raise refusal

    def _in_order(self, prompt: str) -> list[_Replica]:
        """The replica with the warm prefix first (rendezvous hashing over the dictation), but the idle before the crowded."""
        dictation = prompt.partition("\nDRAFT:")[0].encode()
        awake = [replica for replica in self._replicas if not replica.is_resting]
        least = min((replica.in_flight for replica in awake), default=0)

        def rank(replica: _Replica) -> tuple[bool, bytes]:
            return replica.in_flight > least + CROWDED, hashlib.sha256(replica.url.encode() + dictation).digest()

        return sorted(awake, key=rank)


class _Replica:
    """One vLLM server: which adapters it holds, how it is doing, and how to ask it."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url.rstrip("/")
        self.in_flight = 0
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=64)
        self._http = httpx.Client(base_url=self.url, headers=headers, limits=limits)
        self._served_base: str | None = None
        self._takes_priority = True
        self._loaded: set[str] = set()
        self._loading = threading.Lock()
        self._counting = threading.Lock()
        self._failures = 0
        self._resting_until = 0.0

    @property
    def is_resting(self) -> bool:
        return time.monotonic() < self._resting_until

    def is_ready(self, timeout: float) -> bool:
        with contextlib.suppress(ModelUnavailable):
            self._served_base = self._find_base(timeout)
            self._rested()
            return True
        return False

    def ask(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> dict[str, Any]:
        """One completion request; a server that has restarted without its adapters gets them back once."""
        with self._counting:
            self.in_flight += 1
        try:
            return self._answer_of(body, adapter, deadline)
        finally:
            with self._counting:
                self.in_flight -= 1

    def unload(self, adapter: Adapter) -> None:
        """A server that is away has forgotten it already."""
        with contextlib.suppress(httpx.HTTPError):
            self._http.post("/v1/unload_lora_adapter", json={"lora_name": served_name(adapter)}, timeout=LOAD_TIMEOUT)
        self._loaded.discard(served_name(adapter))

    def close(self) -> None:
        self._http.close()

    def _answer_of(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> dict[str, Any]:
        if not self._takes_priority:
            body = {name: value for name, value in body.items() if name != "priority"}
        response = self._post(body, adapter, deadline)
        if response.status_code == 404:  # restarted: it knows neither the adapter nor, perhaps, the base by that name
            self._forget(adapter)
            response = self._post(body, adapter, deadline)
        if response.status_code == 400 and "priority" in body and "riority" in response.text:
            self._takes_priority = False
            return self._answer_of(body, adapter, deadline)
        if response.status_code == 400 and "context length" in response.text:
            raise PromptTooLong("the findings are longer than the model's context")
        if response.status_code != 200:
            self._count_failure(response.status_code >= 500)
            raise ModelUnavailable(f"the model server answered {response.status_code}")
        answer = _read_json(response)
        if not answer.get("choices"):
            raise ModelUnavailable("the model server answered without a completion")
        self._rested()
        return answer

    def _post(self, body: dict[str, Any], adapter: Adapter | None, deadline: float) -> httpx.Response:
        model = self._model_name(adapter, deadline)
        try:
            return self._http.post("/v1/completions", json=body | {"model": model}, timeout=_until(deadline))
        except httpx.HTTPError as reason:
            # A timeout under a short deadline says nothing about the server's health; a refused connection does.
            self._count_failure(not isinstance(reason, httpx.ReadTimeout))
            raise ModelUnavailable(f"the model server did not answer ({type(reason).__name__})") from None

    def _rested(self) -> None:
        self._failures, self._resting_until = 0, 0.0

    def _count_failure(self, is_server_fault: bool) -> None:
        if not is_server_fault:
            return
        self._failures += 1
        self._served_base = None
        if self._failures >= FAILURES_BEFORE_REST:
            self._resting_until = time.monotonic() + REST_SECONDS

    def _forget(self, adapter: Adapter | None) -> None:
        self._served_base = None
        if adapter:
            self._loaded.discard(served_name(adapter))

    def _model_name(self, adapter: Adapter | None, deadline: float) -> str:
        if adapter is None:
            if self._served_base is None:
                self._served_base = self._find_base(_until(deadline))
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
            served = {str(card["id"]) for card in self._cards(LOAD_TIMEOUT)}
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

    def _cards(self, timeout: float) -> list[dict[str, Any]]:
        response = self._http.get("/v1/models", timeout=timeout)
        response.raise_for_status()
        return list(_read_json(response).get("data", []))


def _until(deadline: float) -> float:
    return max(0.05, deadline - time.monotonic())


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
            preexec_fn=_die_with_parent,  # noqa: PLW1509  one system call, before any thread of the child exists
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
