"""A vLLM of our own on this machine, for rehearsals and for a hospital with one: started, waited for, and stopped with all it started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from engine.vllm import VllmModel
from engine.write import ModelUnavailable

#: n-gram speculation.
GUESSING = ["--speculative-config", '{"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4}']


@contextlib.contextmanager
def local_server(base_model: str, log_file: Path, *, wait: float = 300.0, speculate: bool = False) -> Iterator[str]:
    """Start vLLM on this machine, yield its URL once it answers, stop it with everything it started.

    `speculate` guesses the next words from the prompt (n-gram): the same text, quicker where cores are idle (bench/drafting.py).

    The first start in a fresh environment compiles for up to two minutes; later ones take about 40 s on two cores.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("wb") as output:
        server = subprocess.Popen(
            _server_command(base_model, port) + (GUESSING if speculate else []),
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
    with contextlib.closing(VllmModel(url, "base")) as model:
        while time.monotonic() < until:
            if server.poll() is not None:
                raise ModelUnavailable(f"vLLM stopped while starting; its last words stand in {log_file}")
            if model.is_ready():
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
