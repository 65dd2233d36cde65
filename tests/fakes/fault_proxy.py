"""A line to a real vLLM that a test may spoil: slow, frozen, dripping, cut, garbled, failing, or answering as somebody else."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import httpx

Fault = Literal[
    "none",
    "slow",  # every answer comes after a minute
    "frozen",  # takes requests and never answers
    "dripping",  # one byte of the answer per second
    "cut",  # half an answer, then the line is gone
    "failing",  # 500
    "not-json",
    "wrong-shape",
    "endless",  # more bytes than any completion has
    "somebody-else",  # another model writes, and the answer says so
    "no-adapters",  # loading an adapter is refused
]
#: What of a request's path a fault spoils; the rest passes.
SPOILT = {"no-adapters": "/v1/load_lora_adapter", "somebody-else": "/v1/completions", "wrong-shape": "/v1/completions"}


class FaultProxy:
    """In front of `target`; `fault` may change at any time. Remembers which model each prompt was sent to."""

    def __init__(self, target: str) -> None:
        self.fault: Fault = "none"
        self.asked: list[tuple[str, str]] = []  #: (model, prompt) of every completion that was answered
        self._target = httpx.Client(base_url=target, timeout=120.0)
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._target.close()

    @property
    def is_closing(self) -> bool:
        return self._closing.is_set()

    def wait(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def fault_of(self, path: str) -> Fault:
        return self.fault if path.startswith(SPOILT.get(self.fault, "/v1/")) else "none"

    def forward(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        answer = self._target.request(method, path, content=body, headers={"content-type": "application/json"})
        if path == "/v1/completions" and answer.status_code == 200:
            said = json.loads(body)
            self.asked.append((said["model"], said["prompt"]))
        return answer.status_code, answer.content


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Line(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass_on(b"")

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers["content-length"])))

        def _pass_on(self, body: bytes) -> None:
            fault = proxy.fault_of(self.path)
            if fault in ("slow", "frozen"):
                proxy.wait(60 if fault == "slow" else 3600)
            if proxy.is_closing:
                return
            with contextlib.suppress(OSError, httpx.HTTPError):
                if fault == "failing":
                    self._say(500, b"Internal Server Error")
                elif fault == "not-json":
                    self._say(200, b"<html>It works!</html>\xff")
                elif fault == "wrong-shape":
                    self._say(200, json.dumps({"choices": [{"index": 0}], "model": json.loads(body)["model"]}).encode())
                elif fault == "endless":
                    self._say(200, b"[" * 20_000_000)
                elif fault == "no-adapters":
                    self._say(403, b'{"error": "not allowed"}')
                else:
                    self._answer(fault, body)

        def _answer(self, fault: Fault, body: bytes) -> None:
            if fault == "somebody-else":
                said: dict[str, Any] = json.loads(body)
                body = json.dumps(said | {"model": "base"}).encode() if said["model"] != "base" else body
            status, answer = proxy.forward(self.command, self.path, body)
            if fault == "cut":
                self._head(status, len(answer))
                self.wfile.write(answer[: len(answer) // 2])
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault == "dripping":
                self._head(status, len(answer))
                for byte in answer:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(1)
            else:
                self._say(status, answer)

        def _say(self, status: int, body: bytes) -> None:
            self._head(status, len(body))
            self.wfile.write(body)

        def _head(self, status: int, length: int) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(length))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Prompts are nobody's log."""

    return Line
