"""HTTPS as archives and hubs speak it: closed after each answer, slow in the middle of one."""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.deliver.web import Web
from connectors.tls import TlsFiles
from tests.fakes.certificates import Authority


class Archive(BaseHTTPRequestHandler):
    """Remembers who introduced himself, and closes the connection, as it says."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[str]] = []
    pause = 0.0

    def do_GET(self) -> None:
        certificate = self.connection.getpeercert()
        self.seen.append(dict(pair for part in certificate["subject"] for pair in part)["commonName"])
        self.send_response(200)
        self.send_header("Content-Length", "40")
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(40):
                self.wfile.write(b" ")
                time.sleep(self.pause)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def address(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Archive, "seen", [])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issues("archive"))
    context.load_verify_locations(authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_certificate_that_was_renewed_is_shown_at_the_next_request(authority: Authority, address: str, tmp_path: Path) -> None:
    ours = tmp_path / "ours.pem"
    shutil.copy(authority.issues("old"), ours)
    web = Web(address, tls=TlsFiles(authority.certificate, ours), answer_within=5)
    web.ask("GET", "/metadata")

    shutil.copy(authority.issues("new"), ours)
    os.utime(ours, (0, 0))
    web.ask("GET", "/metadata")

    assert Archive.seen == ["old", "new"]


def test_an_answer_that_trickles_in_is_given_up_in_time(
    authority: Authority, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Archive, "pause", 0.1)
    web = Web(address, tls=TlsFiles(authority.certificate, authority.issues("ours")), answer_within=0.5)
    begun = time.monotonic()

    with pytest.raises(TimeoutError):
        web.ask("GET", "/metadata")

    assert time.monotonic() - begun < 3
