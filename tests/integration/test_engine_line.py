"""What goes over a line to the model server: kept connections, broken answers, and who may ask."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.line import Line

LARGEST = 1000


class _Server(BaseHTTPRequestHandler):
    """Tells who asked and how; `/short` ends before its time, `/long` never, `/pieces` comes in chunks, `/last` hangs up."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"] or 0))
        caller = {"port": self.client_address[1], "said": asked.decode(), "may": self.headers.get("Authorization")}
        said = json.dumps(caller).encode()
        self.send_response(200)
        if self.path == "/pieces":
            self.send_header("Transfer-Encoding", "chunked")
            said = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (said[:5], said[5:], b""))
        elif self.path == "/last":
            self.send_header("Connection", "close")
        else:
            extra = {"/short": 7, "/long": LARGEST}.get(self.path, 0)
            self.send_header("Content-Length", str(len(said) + extra))
            said += b" " * (extra if self.path == "/long" else 0)
        self.end_headers()
        self.wfile.write(said)
        self.close_connection = self.path in ("/short", "/last", "/then-away")

    def log_message(self, *_: object) -> None:
        """A test is quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def told(line: Line, path: str = "/") -> dict[str, str]:
    heard = line.ask("POST", path, b"a prompt", deadline=time.monotonic() + 10.0, largest=LARGEST)
    return dict(json.loads(heard.body))


def test_one_report_after_another_goes_over_one_connection(address: str) -> None:
    line = Line(f"http://{address}", {})

    asked = [told(line, path) for path in ("/", "/pieces", "/")]

    assert {one["said"] for one in asked} == {"a prompt"}
    assert len({one["port"] for one in asked}) == 1
    line.close()


@pytest.mark.parametrize("path", ["/last", "/then-away"])
def test_a_connection_that_its_server_has_closed_is_not_used_again(address: str, path: str) -> None:
    line = Line(f"http://{address}", {})

    first = told(line, path)
    time.sleep(0.2)
    second = told(line)

    assert first["port"] != second["port"]
    line.close()


@pytest.mark.parametrize("path", ["/short", "/long"])
def test_an_answer_cut_off_or_without_end_is_none_and_the_next_report_has_a_line_of_its_own(address: str, path: str) -> None:
    line = Line(f"http://{address}", {})

    with pytest.raises((OSError, HTTPException)):
        told(line, path)

    assert told(line)["said"] == "a prompt"
    line.close()


def test_a_name_and_password_in_the_address_are_given_to_the_server(address: str) -> None:
    line = Line(f"http://ward:se%40cret@{address}", {})

    assert told(line)["may"] == f"Basic {base64.b64encode(b'ward:se@cret').decode()}"
    line.close()


def test_a_key_is_given_to_the_server(address: str) -> None:
    line = Line(f"http://{address}", {"Authorization": "Bearer key"})

    assert told(line)["may"] == "Bearer key"
    line.close()


@pytest.mark.parametrize("wrong", ["localhost:8000", "ftp://localhost", "http://", "127.0.0.1"])
def test_what_is_no_address_of_a_server_is_refused(wrong: str) -> None:
    with pytest.raises(HTTPException, match="HOST:PORT"):
        told(Line(wrong, {}))


def test_after_the_deadline_nobody_is_asked(address: str) -> None:
    line = Line(f"http://{address}", {})
    told(line)

    with pytest.raises(TimeoutError):
        line.ask("POST", "/", b"a prompt", deadline=time.monotonic(), largest=LARGEST)

    line.close()
