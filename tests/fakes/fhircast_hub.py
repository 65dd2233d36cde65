"""A small FHIRcast 3 hub on real sockets: subscriptions over websockets, versions of a report's content, the current context.

It keeps the standard's rules for hubs that share content (section 2.10): a version per open and per update, updates of another version
refused whole, every event passed to every subscriber with its prior version. It drops lines and hides events where a test says so.
"""

from __future__ import annotations

import json
import secrets
import threading
import urllib.parse
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.server import ServerConnection, serve


class FhircastHubOnASocket:
    """One session per topic. `sessions` are the topics that exist: others are answered 404."""

    def __init__(self, sessions: set[str]) -> None:
        self.sessions = sessions
        self.open: dict[str, dict[str, Any]] = {}  #: topic -> report, accession, version, content of the current one
        self.beside: dict[str, list[dict[str, Any]]] = {}  #: those open beside it, the one opened last at the end
        self.instead: tuple[int, Any] | None = None  #: what is answered when the current context is asked for, if not that
        self.asked_for_context: Callable[[], None] = lambda: None  #: happens between looking it up and answering
        self.updates: list[str] = []  #: how each update request was answered
        self.hidden: Callable[[dict[str, Any]], bool] = lambda event: False
        self.before_update: Callable[[], None] = lambda: None
        self.refuses_late = False  #: answers 202 and refuses with a SyncError
        self.answered: list[str] = []
        self._endpoints: dict[str, str] = {}
        self._lines: dict[str, list[ServerConnection]] = {}
        self._lock = threading.RLock()
        self._sockets = serve(self._followed, "127.0.0.1", 0)
        threading.Thread(target=self._sockets.serve_forever, daemon=True).start()
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._web.daemon_threads = True
        threading.Thread(target=self._web.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._web.server_address[1]}/hub"

    def close(self) -> None:
        self.drop_lines()
        self._sockets.shutdown()
        self._web.shutdown()
        self._web.server_close()

    def drop_lines(self) -> None:
        """As a network does: no goodbye."""
        for lines in self._lines.values():
            for line in list(lines):
                line.socket.close()

    def subscribers(self, topic: str) -> int:
        return len(self._lines.get(topic, []))

    def opens(self, topic: str, accession: str) -> None:
        """The radiologist opens a report; what was open stays so beside it."""
        version, report = str(uuid.uuid4()), str(uuid.uuid4())
        with self._lock:
            if topic in self.open:
                self.beside.setdefault(topic, []).append(self.open[topic])
            self.open[topic] = {"report": report, "accession": accession, "version": version, "content": {}}
            self._tell(
                topic, {"hub.event": "DiagnosticReport-open", "context.versionId": version, "context": self.context(topic)}
            )

    def closes(self, topic: str, accession: str | None = None) -> None:
        """The current report, or the one of that accession beside it. The one opened last and not closed is current then."""
        with self._lock:
            beside = self.beside.setdefault(topic, [])
            closed = next((one for one in beside if one["accession"] == accession), None)
            if closed is not None:
                beside.remove(closed)
            else:
                closed = self.open.pop(topic)
                if beside:
                    self.open[topic] = beside.pop()
            self._tell(topic, {"hub.event": "DiagnosticReport-close", "context": self._context_of(closed)})

    def tells(self, topic: str, said: object) -> None:
        """To every subscriber, whatever it is."""
        for line in list(self._lines.get(topic, [])):
            line.send(json.dumps(said))

    def context(self, topic: str) -> list[dict[str, Any]]:
        return self._context_of(self.open[topic])

    def _context_of(self, here: dict[str, Any]) -> list[dict[str, Any]]:
        acsn = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
        return [
            {"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": here["report"], "status": "unknown"}},
            {
                "key": "study",
                "resource": {
                    "resourceType": "ImagingStudy",
                    "id": "s",
                    "identifier": [{"type": acsn, "value": here["accession"]}],
                },
            },
        ]

    def content(self, topic: str) -> list[dict[str, Any]]:
        return list(self.open[topic]["content"].values())

    def changed_by_another(self, topic: str, resource: dict[str, Any]) -> None:
        here = self.open[topic]
        self._apply(topic, {"id": str(uuid.uuid4()), "event": self._update(topic, here, resource)})

    def _update(self, topic: str, here: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
        entry = [{"request": {"method": "PUT"}, "resource": resource}]
        report = {"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": here["report"]}}
        context = [report, {"key": "updates", "resource": {"resourceType": "Bundle", "entry": entry}}]
        return {
            "hub.topic": topic,
            "hub.event": "DiagnosticReport-update",
            "context.versionId": here["version"],
            "context": context,
        }

    def _apply(self, topic: str, said: dict[str, Any]) -> int:
        with self._lock:
            here = self.open.get(topic)
            event = said["event"]
            if here is None or event["context.versionId"] != here["version"]:
                if self.refuses_late:
                    issue = {
                        "details": {
                            "coding": [{"system": "https://fhircast.hl7.org/events/syncerror/eventid", "code": said["id"]}]
                        }
                    }
                    outcome = {"key": "operationoutcome", "resource": {"resourceType": "OperationOutcome", "issue": [issue]}}
                    self._tell(topic, {"hub.event": "SyncError", "context": [outcome]})
                    return 202
                return 409
            content = dict(here["content"])
            for entry in next(one for one in event["context"] if one["key"] == "updates")["resource"]["entry"]:
                if entry["request"]["method"] == "PUT":
                    content[entry["resource"]["id"]] = entry["resource"]
                elif content.pop(entry["fullUrl"].rpartition("/")[2], None) is None:
                    return 400
            prior, here["version"], here["content"] = here["version"], str(uuid.uuid4()), content
            told = {**event, "context.versionId": here["version"], "context.priorVersionId": prior}
            self._tell(topic, told, name=said["id"])
            return 202

    def _tell(self, topic: str, event: dict[str, Any], name: str | None = None) -> None:
        event = {"hub.topic": topic, **event}
        if self.hidden(event):
            return
        said = {"timestamp": datetime.now(UTC).isoformat(), "id": name or str(uuid.uuid4()), "event": event}
        for line in list(self._lines.get(topic, [])):
            try:
                line.send(json.dumps(said))
            except (WebSocketException, OSError):
                self._lines[topic].remove(line)

    def _followed(self, line: ServerConnection) -> None:
        topic = self._endpoints.get(line.request.path if line.request else "")
        if topic is None:
            return
        confirmed = {"hub.mode": "subscribe", "hub.topic": topic, "hub.events": "*", "hub.lease_seconds": 7200}
        line.send(json.dumps(confirmed))
        with self._lock:
            self._lines.setdefault(topic, []).append(line)
        try:
            for said in line:
                self.answered.append(json.loads(said)["id"])
        except (WebSocketException, OSError):
            pass
        with self._lock:
            if line in self._lines[topic]:
                self._lines[topic].remove(line)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if "form-urlencoded" in self.headers["Content-Type"]:
                    topic = urllib.parse.parse_qs(body.decode())["hub.topic"][0]
                    if topic not in hub.sessions:
                        self._say(404, {})
                        return
                    path = f"/{secrets.token_urlsafe()}"
                    hub._endpoints[path] = topic
                    port = hub._sockets.socket.getsockname()[1]
                    self._say(202, {"hub.channel.endpoint": f"ws://127.0.0.1:{port}{path}"})
                    return
                said = json.loads(body)
                hub.before_update()
                status = hub._apply(said["event"]["hub.topic"], said)
                hub.updates.append(str(status))
                self._say(status, {})

            def do_GET(self) -> None:
                if self.path.endswith("/.well-known/fhircast-configuration"):
                    self._say(
                        200, {"eventsSupported": ["DiagnosticReport-open", "DiagnosticReport-update"], "websocketSupport": True}
                    )
                    return
                topic = urllib.parse.unquote(self.path.removeprefix("/hub/"))
                if hub.instead is not None:
                    self._say(*hub.instead)
                    return
                told = self._context(topic)
                hub.asked_for_context()
                self._say(200, told)

            def _context(self, topic: str) -> dict[str, Any]:
                if topic not in hub.open:
                    return {"context.type": "", "context": []}
                entry = [{"resource": one} for one in hub.content(topic)]
                content = {"key": "content", "resource": {"resourceType": "Bundle", "type": "collection", "entry": entry}}
                version = hub.open[topic]["version"]
                return {
                    "context.type": "DiagnosticReport",
                    "context.versionId": version,
                    "context": [*hub.context(topic), content],
                }

            def _say(self, status: int, told: Any) -> None:
                said = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Answer
