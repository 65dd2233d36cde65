"""A small FHIR R4 server on a real socket: it keeps what the standard says of create, read, update, search, `If-None-Exist` and
`If-Match`, and breaks the line where a test tells it to.

Its own honesty is tested against the sentences of the standard in tests/integration/test_connectors_fhir_server.py.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fhir.resources.R4B.diagnosticreport import DiagnosticReport

#: What goes wrong with one request: before the server acts on it, or after, on the way back; `page`: a proxy says 200 and HTML.
FAULTS = (
    "500",
    "503",
    "500-after",
    "202-after",
    "page-before",
    "page-after",
    "reset-before",
    "reset-after",
    "half-written",
    "half-chunked",
    "silent-after",
    "closed-idle",
)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what it is for."""


class FhirServerOnASocket:
    """Holds DiagnosticReports and their versions. `fault` is asked before each request what is to go wrong with it."""

    def __init__(self) -> None:
        self.resources: dict[str, list[dict[str, Any]]] = {}
        self.requests: list[str] = []
        self.fault: Callable[[str], str | None] = lambda request: None
        self.token: str | None = None
        self.changed_between: Callable[[], None] = lambda: None
        self.capabilities: dict[str, Any] = {"resourceType": "CapabilityStatement"}
        self.lag = 0  #: how many requests a search is behind what it searches
        self.page = 50  #: resources on one page of a search
        self.is_lenient = False  #: passes over search parameters, as a server may with those it does not know
        self._made: dict[str, int] = {}
        self._lock = threading.Lock()
        self._server = _Quiet(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/fhir"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def newest(self) -> list[dict[str, Any]]:
        """The current version of everything."""
        return [versions[-1] for versions in self.resources.values()]

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], dict[str, Any]]:
        """What the standard says is to happen, all of it at once: as a server with transactions."""
        with self._lock:
            url = urllib.parse.urlsplit(path)
            parts = url.path.removeprefix("/fhir/").split("/")
            if self.token is not None and headers.get("Authorization") != f"Bearer {self.token}":
                return 401, {}, {}
            if (method, parts) == ("GET", ["metadata"]):
                return 200, {}, self.capabilities
            if parts[0] != "DiagnosticReport":
                return 404, {}, {}
            if method == "GET" and len(parts) == 1:
                return 200, {}, self._page_of(url.query)
            if method == "GET":
                versions = self.resources.get(parts[1])
                return self._said(200, versions[-1]) if versions else (404, {}, {})
            resource = json.loads(body)
            DiagnosticReport.model_validate(resource)
            if method == "POST":
                return self._create(resource, headers.get("If-None-Exist"))
            return self._update(parts[1], resource, headers.get("If-Match"))

    def search(self, query: str) -> list[dict[str, Any]]:
        system, _, value = urllib.parse.parse_qs(query)["identifier"][0].partition("|")
        wanted = {"system": system, "value": value}
        seen = [
            versions[-1] for name, versions in self.resources.items() if len(self.requests) - self._made.get(name, -99) > self.lag
        ]
        return [one for one in seen if self.is_lenient or wanted in one.get("identifier", [])]

    def _page_of(self, query: str) -> dict[str, Any]:
        """One page; a page before the last may be empty, and links name the server as it knows itself."""
        found, first = self.search(query), int(urllib.parse.parse_qs(query).get("after", ["0"])[0])
        last = first + self.page
        entries: list[dict[str, Any]] = [{"resource": one, "search": {"mode": "match"}} for one in found[first:last]]
        entries.append({"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}})
        links = [{"relation": "self", "url": f"{self.base}/DiagnosticReport?{query}"}]
        if last < len(found):
            own = self.base.replace("127.0.0.1", "inside.hospital")
            links.append({"relation": "next", "url": f"{own}/DiagnosticReport?{query.partition('&after')[0]}&after={last}"})
        return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}

    def _create(self, resource: dict[str, Any], only_if_new: str | None) -> tuple[int, dict[str, str], dict[str, Any]]:
        if only_if_new:
            there = self.search(only_if_new)
            if len(there) == 1:
                return self._said(200, there[0])
            if there:
                return 412, {}, {}
        name = str(len(self.resources) + 1000)  # an id of the server's choice: a client's is ignored on create
        self._made[name] = len(self.requests)
        self.resources[name] = [{**resource, "id": name, "meta": {**resource.get("meta", {}), "versionId": "1"}}]
        return self._said(201, self.resources[name][-1])

    def _update(self, name: str, resource: dict[str, Any], version: str | None) -> tuple[int, dict[str, str], dict[str, Any]]:
        self.changed_between()
        versions = self.resources.get(name)
        if resource.get("id") != name:
            return 400, {}, {}
        if versions is None:
            return 405, {}, {}
        if version is not None and version != f'W/"{len(versions)}"':
            return 412, {}, {}
        meta = {**resource.get("meta", {}), "versionId": str(len(versions) + 1)}
        versions.append({**resource, "meta": meta})
        return self._said(200, versions[-1])

    def _said(self, status: int, resource: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        version = resource["meta"]["versionId"]
        place = f"{self.base}/DiagnosticReport/{resource['id']}/_history/{version}"
        return status, {"ETag": f'W/"{version}"', "Location": place}, resource

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = f"{self.command} {self.path.removeprefix('/fhir/').split('?')[0]}"
                server.requests.append(request)
                fault = server.fault(request)
                if fault in ("500", "503"):
                    self._send(int(fault), {}, {})
                    return
                if fault == "page-before":
                    self._send_page()
                    return
                if fault == "reset-before":
                    self._reset()
                    return
                status, headers, resource = server.answer(self.command, self.path, self.headers, body)
                if fault == "reset-after":
                    self._reset()
                elif fault == "silent-after":
                    time.sleep(1.5)
                    self.close_connection = True
                elif fault in ("500-after", "202-after"):
                    self._send(int(fault[:3]), {}, {})
                elif fault == "page-after":
                    self._send_page()
                elif fault == "half-written":
                    self._send(status, headers, resource, cut=True)
                elif fault == "half-chunked":
                    self._send_half_of_a_chunk(status, resource)
                else:
                    self._send(status, headers, resource)
                    self.close_connection = fault == "closed-idle"

            do_GET = do_POST = do_PUT = _do

            def _send(self, status: int, headers: dict[str, str], resource: dict[str, Any], cut: bool = False) -> None:
                said = json.dumps(resource).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Type": "application/fhir+json", "Content-Length": str(len(said))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said[: len(said) // 2] if cut else said)
                self.close_connection = cut

            def _send_page(self) -> None:
                page = b"<html>The archive is being looked after.</html>"
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def _send_half_of_a_chunk(self, status: int, resource: dict[str, Any]) -> None:
                said = json.dumps(resource).encode()
                self.send_response(status)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n" % len(said) + said[: len(said) // 2])
                self.close_connection = True

            def _reset(self) -> None:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                """Requests are remembered, not printed."""

        return Answer
