"""One radiologist's FHIRcast session, followed over a websocket: which report is open, and at which version its content stands.

A thread keeps the subscription for as long as somebody asks for it: it joins, reads the current context, follows the events and begins
again when the line breaks. The version rules are the standard's: every update names the version it changes; an event whose
`context.priorVersionId` is not the version we knew means that one was missed, and the context is asked for anew.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
import urllib.parse
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from connectors.deliver import ACCEPTED, Answer, NotThere
from connectors.deliver.fhir import ACCESSION
from connectors.deliver.web import Heard
from connectors.tls import BadFile, TlsFiles, why_refused

log = logging.getLogger(__name__)

EVENTS = "DiagnosticReport-open,DiagnosticReport-close,DiagnosticReport-update,SyncError"
#: Seconds until the hub has passed our own update on to us; until a line that broke is opened again.
CONFIRMED_WITHIN, AGAIN_AFTER = 5.0, 1.0
#: A session nobody asked for so long is left.
FORGOTTEN_AFTER = 3600.0

Ask = Callable[[str, str, bytes | None, Mapping[str, str] | None], Heard]


@dataclass(frozen=True, slots=True)
class Open:
    """The report a radiologist has open; `version` is None when a change was missed."""

    report: str
    accessions: frozenset[str]
    version: str | None
    content: frozenset[str] | None = None  #: ids of its content, where it was just asked for


class Session:
    """Follows one topic of one hub. `opened` is told the accessions of every report that is opened."""

    def __init__(self, ask: Ask, tls: TlsFiles, topic: str, opened: Callable[[frozenset[str]], None]) -> None:
        self._ask = ask
        self._tls = tls
        self._topic = topic
        self._opened = opened
        self._changed = threading.Condition()
        self._open: Open | None = None
        self._joined = self._tried = False
        self._why = "its session is not joined yet"
        self._heard: deque[str] = deque(maxlen=100)  #: ids of events, among them our own, passed back
        self._refused: deque[str] = deque(maxlen=100)  #: ids of our updates a SyncError was about
        self._stop = threading.Event()
        self._asked_for = time.monotonic()
        self._thread = threading.Thread(target=self._follow, name="fhircast", daemon=True)
        self._thread.start()

    def shown(self, patience: float = 5.0) -> Open | None:
        """The report that is open now. Raises `NotThere` when the session cannot be joined."""
        self._asked_for = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._joined or self._tried, patience)
            if not self._joined:
                raise NotThere(self._why)
            return self._open

    def update(self, entry: dict[str, Any]) -> Answer:
        """Put or delete one resource of the open report's content. A refused version is looked up and tried once more."""
        for _ in range(2):
            here = self.shown()
            if here is None:
                return Answer("not-yet", "its report is not open any more")
            if here.version is None and (here := self._resynced()) is None:
                continue
            if entry["request"]["method"] == "DELETE" and here.content is not None and name_in(entry) not in here.content:
                return ACCEPTED
            answer = self._requested(entry, here)
            if answer is not None:
                return answer
            self._resynced()
        return Answer("later", "others change the report at the same time")

    def leave(self) -> None:
        self._stop.set()

    @property
    def is_left(self) -> bool:
        return self._stop.is_set()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _requested(self, entry: dict[str, Any], here: Open) -> Answer | None:
        """One update; None when the version was not the hub's, or the update was not seen to arrive."""
        name = str(uuid.uuid4())
        event = {
            "hub.topic": self._topic,
            "hub.event": "DiagnosticReport-update",
            "context.versionId": here.version,
            "context": [
                {"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": here.report}},
                {
                    "key": "updates",
                    "resource": {"resourceType": "Bundle", "id": name, "type": "transaction", "entry": [entry]},
                },
            ],
        }
        said = {"timestamp": datetime.now(UTC).isoformat(), "id": name, "event": event}
        heard = self._ask("POST", "", json.dumps(said).encode(), {"Content-Type": "application/json"})
        if heard.status in (401, 403):
            return Answer("away", f"{heard.status}: the hub does not accept our token")
        if heard.status >= 500 or heard.status == 429:
            return Answer("later", f"the hub answered {heard.status}", heard.after)
        if not 200 <= heard.status < 300:
            return None
        with self._changed:
            self._changed.wait_for(lambda: name in self._heard or name in self._refused, CONFIRMED_WITHIN)
            return ACCEPTED if name in self._heard and name not in self._refused else None

    def _resynced(self) -> Open | None:
        """Asks the hub for the current context."""
        heard = self._ask("GET", f"/{urllib.parse.quote(self._topic, safe='')}", None, None)
        told = heard.json() if heard.status == 200 else {}
        with self._changed:
            if told.get("context.type") == "DiagnosticReport":
                self._open = opening(told.get("context", ()), told.get("context.versionId"))
            elif heard.status == 200:
                self._open = None
            return self._open

    # ── following ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _follow(self) -> None:
        while not self._stop.is_set() and time.monotonic() - self._asked_for < FORGOTTEN_AFTER:
            try:
                with self._subscribed() as line:
                    self._resynced()
                    self._is_joined(True)
                    while not self._stop.is_set():
                        try:
                            said = json.loads(line.recv(timeout=1.0))
                        except TimeoutError:
                            continue
                        self._hear(said, line)
            except NotThere as reason:
                self._say_why(str(reason))
            except (OSError, ValueError, WebSocketException, http.client.HTTPException, BadFile) as fault:
                self._say_why(f"the line to its session broke: {why_refused(fault)}")
            self._is_joined(False)
            self._stop.wait(AGAIN_AFTER)
        self._stop.set()
        self._is_joined(False)

    @contextmanager
    def _subscribed(self) -> Iterator[ClientConnection]:
        """Asks for a subscription, opens its websocket and waits until the hub confirms it."""
        asked = {
            "hub.channel.type": "websocket",
            "hub.mode": "subscribe",
            "hub.topic": self._topic,
            "hub.events": EVENTS,
            "subscriber.name": "Impresario",
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        heard = self._ask("POST", "", urllib.parse.urlencode(asked).encode(), headers)
        endpoint = str(heard.json().get("hub.channel.endpoint", ""))
        if heard.status != 202 or not endpoint.startswith(("ws://", "wss://")):
            raise NotThere(f"the hub answered {heard.status} to our subscription")
        secured = self._tls.client() if endpoint.startswith("wss") else None
        with connect(endpoint, ssl=secured, open_timeout=10, close_timeout=1) as line:
            if json.loads(line.recv(timeout=10)).get("hub.mode") != "subscribe":
                raise NotThere("the hub denied our subscription")
            yield line

    def _hear(self, said: dict[str, Any], line: ClientConnection) -> None:
        if said.get("hub.mode") == "denied":
            self.leave()
            return
        name, event = str(said.get("id", "")), said.get("event")
        if not isinstance(event, dict):
            return
        kind = str(event.get("hub.event", "")).lower()
        with self._changed:
            self._heard.append(name)
            if kind == "syncerror":
                self._refused.extend(ids_in(event.get("context", ())))
            elif kind == "diagnosticreport-open":
                self._open = opening(event.get("context", ()), event.get("context.versionId"))
            elif kind == "diagnosticreport-close":
                self._open = None
            elif kind == "diagnosticreport-update" and self._open is not None:
                missed = self._open.version != event.get("context.priorVersionId", self._open.version)
                version = None if missed else event.get("context.versionId")
                self._open = Open(self._open.report, self._open.accessions, version)
            here = self._open
            self._changed.notify_all()
        line.send(json.dumps({"id": name, "status": "200"}))
        if kind == "diagnosticreport-open" and here is not None:
            self._opened(here.accessions)

    def _say_why(self, why: str) -> None:
        if why != self._why:
            log.info("FHIRcast session %s: %s; it is tried again.", self._topic, why)
        self._why = why

    def _is_joined(self, joined: bool) -> None:
        with self._changed:
            self._joined, self._tried = joined, True
            here = self._open if joined else None
            self._changed.notify_all()
        if here is not None:
            self._opened(here.accessions)


def opening(context: Iterable[Mapping[str, Any]], version: Any) -> Open | None:
    """What an open event or the current context says is open."""
    resources = {str(one.get("key")): one.get("resource", {}) for one in context}
    report = resources.get("report", {})
    if not report.get("id"):
        return None
    entries = resources["content"].get("entry", ()) if "content" in resources else None
    content = None if entries is None else frozenset(str(one.get("resource", {}).get("id")) for one in entries)
    around = [resource for key, resource in resources.items() if key != "content"]
    return Open(str(report["id"]), accessions_in(around), str(version) if version else None, content)


def name_in(entry: Mapping[str, Any]) -> str:
    """The id of the resource an entry is about."""
    return str(entry["fullUrl"]).rpartition("/" if "/" in entry["fullUrl"] else ":")[2]


def accessions_in(resource: Any) -> frozenset[str]:
    """Every identifier of type ACSN, wherever it stands."""
    if isinstance(resource, list):
        return frozenset().union(*map(accessions_in, resource))
    if not isinstance(resource, dict):
        return frozenset()
    codings = resource["type"].get("coding", ()) if isinstance(resource.get("type"), dict) else ()
    own = (
        {str(resource["value"])}
        if "value" in resource and any(one.get("code") == ACCESSION["code"] for one in codings)
        else set()
    )
    return frozenset(own).union(*map(accessions_in, resource.values()))


def ids_in(context: Iterable[Mapping[str, Any]]) -> list[str]:
    """The event ids a SyncError is about."""
    issues = [issue for one in context for issue in one.get("resource", {}).get("issue", ())]
    return [str(coding.get("code")) for issue in issues for coding in issue.get("details", {}).get("coding", ())]
