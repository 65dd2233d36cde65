"""Drafts into the report a radiologist has open: FHIRcast 3, `DiagnosticReport-update` with one preliminary Observation.

A draft waits until its report is opened in its reader's session; its withdrawal takes the Observation out again. What a hub holds ends
with the report's closing, so a withdrawal of what the hub says is not open has nothing to do; what the hub does not say is not believed.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import topics
from connectors.deliver import ACCEPTED, Absences, Answer, NotThere
from connectors.deliver.fhir import ACCESSION, BANNER, REPORT_ID
from connectors.deliver.fhir_server import identifier
from connectors.deliver.fhircast_session import NoSession, Session
from connectors.deliver.web import Heard, Web
from connectors.tls import why_refused
from feedback.outbox import Waiting

IMPRESSION = {"system": "http://loinc.org", "code": "19005-8", "display": "Radiology Imaging study [Impression] (narrative)"}
#: A report nobody has opened for so long is read elsewhere.
GIVEN_UP_AFTER = timedelta(days=7)
MOST_HOPES = 10_000


class FhircastHub:
    """A line to one hub; `session` makes the topic of a radiologist's session of their id."""

    def __init__(self, web: Web, session: str = "{radiologist}", absences: Absences | None = None) -> None:
        self._web = web
        self._absences = absences or Absences()
        self._template = session
        self._sessions: dict[str, Session] = {}
        self._hopes: OrderedDict[str, str] = OrderedDict()  #: accession -> the message that waits for it
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._wake: Callable[[str], None] = lambda message: None

    def wakes(self, wake: Callable[[str], None]) -> None:
        """Have `wake` told which message may go now."""
        self._wake = wake

    def say(self, message: Waiting) -> Answer:
        radiologist = topics.value(message.headers, topics.RADIOLOGIST)
        if not radiologist:
            return Answer("refused", "no reader is named, and so no session")
        if message.created_at < datetime.now(UTC) - GIVEN_UP_AFTER:
            return Answer("refused", "nobody opened its report for a week")
        draft = json.loads(message.value)
        is_draft = topics.value(message.headers, topics.CE_TYPE) == topics.DRAFTED
        accessions = accessions_of(draft)
        self._hope(accessions, message.id)
        try:
            session = self._session(self._template.replace("{radiologist}", radiologist))
            answer = session.update(putting(draft) if is_draft else deleting(draft), accessions)
            if is_draft or answer.word != "not-yet":
                return answer
            is_gone = session.knows_closed(accessions)
        except NoSession as reason:
            answer, is_gone = Answer("not-yet", str(reason)), not is_draft and self._absences.is_sure(message.id)
        except NotThere as reason:
            return Answer("not-yet", str(reason))
        except (OSError, http.client.HTTPException) as fault:
            return Answer("later", why_refused(fault))
        return ACCEPTED if is_gone else answer

    def hang_up(self) -> None:
        for session in self._sessions.values():
            session.leave()
        self._web.hang_up()

    def greet(self) -> str:
        try:
            heard = self._ask("GET", "/.well-known/fhircast-configuration")
        except (OSError, http.client.HTTPException) as fault:
            raise NotThere(why_refused(fault)) from None
        if heard.status != 200:
            raise NotThere(f"it answered {heard.status} when asked for its FHIRcast configuration")
        events = {str(one).lower() for one in heard.json().get("eventsSupported", ())}
        if "diagnosticreport-update" not in events:
            raise NotThere("it does not support DiagnosticReport-update, which drafts need")
        return "answers, and shares the content of reports"

    def _session(self, topic: str) -> Session:
        with self._lock:
            if topic not in self._sessions or self._sessions[topic].is_left:
                self._sessions[topic] = Session(self._ask, self._web.tls, topic, self._opened)
            return self._sessions[topic]

    def _hope(self, accessions: frozenset[str], message: str) -> None:
        with self._lock:
            self._hopes |= dict.fromkeys(accessions, message)
            while len(self._hopes) > MOST_HOPES:
                self._hopes.popitem(last=False)

    def _opened(self, accessions: frozenset[str]) -> None:
        with self._lock:
            due = {self._hopes.pop(one) for one in accessions if one in self._hopes}
        for message in due:
            self._wake(message)

    def _ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Heard:
        with self._asking:
            return self._web.ask(method, path, body, headers)


def accessions_of(draft: dict[str, Any]) -> frozenset[str]:
    ours = (one for one in draft.get("identifier", ()) if one.get("type", {}).get("coding") == [ACCESSION])
    return frozenset(str(one["value"]) for one in ours)


def putting(draft: dict[str, Any]) -> dict[str, Any]:
    """The entry that shows a draft. Its id is the report's: said twice, or dictated anew, it stands there once."""
    device = next(one for one in draft["contained"] if one["resourceType"] == "Device")
    observation = {
        "resourceType": "Observation",
        "id": identifier(draft, REPORT_ID),
        "meta": draft["meta"],
        "contained": [device],
        "status": "preliminary",
        "code": {"coding": [IMPRESSION]},
        "device": {"reference": f"#{device['id']}"},
        "issued": draft["issued"],
        "valueString": draft["conclusion"],
        "_valueString": draft["_conclusion"],
        "note": [{"text": BANNER}],
    }
    return {"fullUrl": f"urn:uuid:{observation['id']}", "request": {"method": "PUT"}, "resource": observation}


def deleting(draft: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"Observation/{identifier(draft, REPORT_ID)}", "request": {"method": "DELETE"}}
