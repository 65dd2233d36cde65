"""Tokens as servers and files really give them, and the watchers of an agent as they really come: on real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.deliver import NotThere
from connectors.deliver.web import Web
from connectors.health import Health
from connectors.tokens import FetchedToken, NoToken, from_file, given
from demo.parts import free_ports


class TokenServer(BaseHTTPRequestHandler):
    """Gives a token at /token and takes the newest one anywhere else; `said` is what it gives instead."""

    protocol_version = "HTTP/1.1"
    said: bytes | None = None
    is_cut, status = False, 200
    given = 0
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        TokenServer.given += 1
        TokenServer.asked.append(self.path)
        self._say(self.said or json.dumps({"access_token": f"T{TokenServer.given}", "expires_in": 300}).encode())

    def do_GET(self) -> None:
        is_good = self.headers["Authorization"] == f"Bearer T{TokenServer.given}" and TokenServer.given > 1
        self._say(b"{}", 200 if is_good else 401)

    def _say(self, said: bytes, status: int | None = None) -> None:
        self.send_response(status or self.status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said[: len(said) // 2] if self.is_cut else said)
        self.close_connection = True  # and does not say so

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(TokenServer, "given", 0)
    monkeypatch.setattr(TokenServer, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), TokenServer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_token_that_is_refused_before_its_time_is_fetched_anew_and_the_request_said_again(address: str) -> None:
    web = Web(address, token=FetchedToken(f"{address}/token?tenant=north", "me", "secret"))

    assert web.ask("GET", "/metadata").status == 200
    assert TokenServer.asked == ["/token?tenant=north"] * 2


@pytest.mark.parametrize(
    "said", [b"<html>Sign in</html>", b"{}", b"[]", b'"T"', b'{"access_token": null}', b'{"access_token": "CANARY\\nX: 1"}', b"["]
)
def test_what_is_no_token_is_said_in_a_sentence_without_it(address: str, said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TokenServer, "said", said)

    with pytest.raises(NotThere, match=r"^(the token server at|what the token server at)") as refusal:
        Web(address, token=FetchedToken(f"{address}/token", "me", "CANARYSECRET")).ask("GET", "/metadata")

    assert "CANARY" not in str(refusal.value)


@pytest.mark.parametrize("how", [{"is_cut": True}, {"status": 503}, {"status": 400}])
def test_half_a_token_is_none_and_a_server_in_trouble_is_not_the_clients_fault(
    address: str, how: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in how.items():
        monkeypatch.setattr(TokenServer, name, value)

    with pytest.raises(NoToken) as refusal:
        FetchedToken(f"{address}/token", "me", "secret")(False)

    assert ("client's id" in str(refusal.value)) == (how == {"status": 400})


@pytest.mark.parametrize("held", ["", "\n", "two words", "caf\u00e9", "a\nb"])
def test_a_token_file_in_the_middle_of_its_rotation_is_waited_for(tmp_path: Path, held: str) -> None:
    file = tmp_path / "token"
    file.write_text(held, encoding="utf-8")

    with pytest.raises(NoToken):
        from_file(file)(False)
    with pytest.raises(NoToken):
        given(held)(False)


def test_a_watcher_that_hangs_up_or_says_nothing_leaves_no_trace_and_the_next_is_answered(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    with Health(port, host="127.0.0.1"):
        until = time.monotonic() + 5
        silent = socket.create_connection(("127.0.0.1", port))
        for _ in range(5):
            hasty = socket.create_connection(("127.0.0.1", port))
            hasty.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            hasty.close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            assert answer.status == 200
        silent.close()

    assert time.monotonic() < until
    assert "Traceback" not in capfd.readouterr().err
