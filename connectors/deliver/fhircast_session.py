"""One radiologist's FHIRcast session, followed over a websocket: which report is open, and at which version its content stands.

A thread keeps the subscription for as long as somebody asks for it: it joins, reads the current context, follows the events and begins
again when the line breaks. The version rules are the standard's: every update names the version it changes; an event whose
`context.priorVersionId` is not the version we knew means that one was missed, and the context is asked for anew. Several reports may be
open: the current one is the one opened last and not closed (glossary), and only that is changed.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import urllib.parse
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.sync.client import ClientConnection, connect

from connectors.deliver import ACCEPTED, Answer, NotThere
from connectors.deliver.fhir import ACCESSION
from connectors.deliver.web import LARGEST_ANSWER, Heard
from connectors.tls import TlsFiles, why_refused

log = logging.getLogger(__name__)

EVENTS = "DiagnosticReport-open,DiagnosticReport-close,DiagnosticReport-update,SyncError"
#: Seconds until the hub has passed our own update on to us; until a line that broke is opened again.
CONFIRMED_WITHIN, AGAIN_AFTER = 5.0, 1.0
#: A session nobody asked for so long is left.
FORGOTTEN_AFTER = 3600.0

Ask = Callable[[str, str, bytes | None, Mapping[str, str] | None], Heard]


@dataclass(frozen=True, slots=True)
class Open:
    """A report a radiologist has open; `version` is None when a change was missed."""

    report: str
    accessions: frozenset[str]
    version: str | None
    content: Mapping[str, Any] | None = field(default=None, repr=False)  #: by id, where it was just asked for


class NoSession(NotThere):
    """The hub says that there is no such session: then nothing is open in it."""


class Session:
    """Follows one topic of one hub. `opened` is told the accessions of every report that is opened."""

    def __init__(self, ask: Ask, tls: TlsFiles, topic: str, opened: Callable[[frozenset[str]], None]) -> None:
        self._ask = ask
        self._tls = tls
        self._topic = topic
        self._opened = opened
        self._changed = threading.Condition()
        self._reports: dict[str, Open] = {}  #: those that are open, by their id, the one opened last at the end
        self._events = 0  #: how many were heard
        self._joined = self._tried = False
        self._why_not = NotThere("its session is not joined yet")
        self._heard: deque[str] = deque(maxlen=100)  #: ids of events, among them our own, passed back
        self._refused: deque[str] = deque(maxlen=100)  #: ids of our updates a SyncError was about
        self._stop = threading.Event()
        self._asked_for = time.monotonic()
        self._thread = threading.Thread(target=self._follow, name="fhircast", daemon=True)
        self._thread.start()

    def shown(self, patience: float = 5.0) -> Open | None:
        """The report that is current now. Raises `NotThere` when the session cannot be joined."""
        self._asked_for = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._joined or self._tried, patience)
            if not self._joined:
                raise type(self._why_not)(str(self._why_not))  # one raised again and again would keep every caller's frames
            return self._current()

    def update(self, entry: dict[str, Any], accessions: frozenset[str]) -> Answer:
        """Put or delete one resource of the content of the report with one of these accessions, if it is the current one.

        A refused version is looked up and tried once more. What another report holds is never touched, whatever is opened meanwhile.
        """
        for _ in range(2):
            here = self.shown()
            if here is not None and here.version is None:
                self._resync()
                here = self.shown()
            if here is None or not here.accessions & accessions:
                return Answer("not-yet", "its report is not open")
            if is_done(entry, here):
                return ACCEPTED
            if here.version is not None and (answer := self._requested(entry, here)) is not None:
                return answer
            self._resync()
        return Answer("later", "others change the report at the same time")

    def knows_closed(self, accessions: frozenset[str]) -> bool:
        """Whether the hub says just now that no report with one of these accessions is open."""
        self.shown()
        is_told = self._resync()
        with self._changed:
            return is_told and not any(one.accessions & accessions for one in self._reports.values())

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

    def _resync(self) -> bool:
        """Asks the hub for the current context; whether it told. Events that come meanwhile know better."""
        before = self._events
        heard = self._ask("GET", f"/{urllib.parse.quote(self._topic, safe='')}", None, None)
        told = heard.json() if heard.status == 200 else {}
        if "context.type" not in told and "context" not in told:  # a proxy's page, or a hub that cannot say
            return False
        is_report = told.get("context.type") == "DiagnosticReport"
        current = opening(told.get("context", ()), told.get("context.versionId")) if is_report else None
        with self._changed:
            if self._events == before:
                self._now_current(current)
        return True

    def _current(self) -> Open | None:
        return next(reversed(self._reports.values()), None)

    def _now_current(self, current: Open | None) -> None:
        if current is None:
            self._reports.clear()
        else:
            self._reports.pop(current.report, None)
            self._reports[current.report] = current

    # ── following ───────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _follow(self) -> None:
        while not self._stop.is_set() and time.monotonic() - self._asked_for < FORGOTTEN_AFTER:
            try:
                with self._subscribed() as line:
                    self._resync()
                    self._is_joined(True)
                    while not self._stop.is_set():
                        try:
                            said = json.loads(line.recv(timeout=1.0))
                        except TimeoutError:
                            continue
                        self._hear(said, line)
            except NotThere as reason:
                self._say_why(reason)
            except Exception as fault:  # noqa: BLE001  whatever a hub says, its session is followed; the text may quote it
                self._say_why(NotThere(f"the line to its session broke: {why_refused(fault)}"))
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
            kind = NoSession if heard.status in (404, 410) else NotThere
            raise kind(f"the hub answered {heard.status} to our subscription")
        secured = self._tls.client() if endpoint.startswith("wss") else None
        with connect(endpoint, ssl=secured, proxy=None, open_timeout=10, close_timeout=1, max_size=LARGEST_ANSWER) as line:
            if json.loads(line.recv(timeout=10)).get("hub.mode") != "subscribe":
                raise NoSession("the hub denied our subscription")
            yield line

    def _hear(self, said: dict[str, Any], line: ClientConnection) -> None:
        if said.get("hub.mode") == "denied":
            self.leave()
            return
        name, event = str(said.get("id", "")), said.get("event")
        if not isinstance(event, dict):
            return
        kind, context = str(event.get("hub.event", "")).lower(), event.get("context") or ()
        with self._changed:
            self._events += 1
            self._heard.append(name)
            moved = frozenset[str]()  #: accessions of reports that were opened or closed, or became current again
            if kind == "syncerror":
                self._refused.extend(ids_in(context))
            elif kind == "diagnosticreport-open" and (here := opening(context, event.get("context.versionId"))):
                self._now_current(here)
                moved = here.accessions
            elif kind == "diagnosticreport-close":
                closed = self._reports.pop(report_in(context), None)
                here = self._current()
                moved = frozenset().union(*(one.accessions for one in (closed, here) if one))
            elif kind == "diagnosticreport-update" and (known := self._reports.get(report_in(context))):
                missed = known.version != event.get("context.priorVersionId", known.version)
                version = None if missed else event.get("context.versionId")
                self._reports[known.report] = Open(known.report, known.accessions, version)
            self._changed.notify_all()
        line.send(json.dumps({"id": name, "status": "200"}))
        if moved:
            self._opened(moved)

    def _say_why(self, reason: NotThere) -> None:
        if str(reason) != str(self._why_not):
            log.info("FHIRcast session %s: %s; it is tried again.", self._topic, reason)
        self._why_not = reason

    def _is_joined(self, joined: bool) -> None:
        with self._changed:
            self._joined, self._tried = joined, True
            here = self._current() if joined else None
            self._changed.notify_all()
        if here is not None:
            self._opened(here.accessions)


def opening(context: Iterable[Mapping[str, Any]], version: Any) -> Open | None:
    """What an open event or the current context says is open."""
    resources = {str(one.get("key")): one.get("resource", {}) for one in context}
    report = resources.get("report", {})
    if not report.get("id"):
        return None
    entries = [one.get("resource", {}) for one in resources["content"].get("entry", ())] if "content" in resources else None
    content = None if entries is None else {str(one.get("id")): one for one in entries}
    around = [resource for key, resource in resources.items() if key != "content"]
    return Open(str(report["id"]), accessions_in(around), str(version) if version else None, content)


def report_in(context: Iterable[Mapping[str, Any]]) -> str:
    """The id of the report an event is about."""
    return next((str(one.get("resource", {}).get("id", "")) for one in context if one.get("key") == "report"), "")


def is_done(entry: Mapping[str, Any], here: Open) -> bool:
    """Whether the content, where it was just asked for, is as the entry would have it: an earlier try arrived."""
    if here.content is None:
        return False
    there = here.content.get(name_in(entry))
    if entry["request"]["method"] == "DELETE":
        return there is None
    return there is not None and all(there.get(key) == entry["resource"][key] for key in ("issued", "valueString"))


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
