"""The hospital around Impresario: an integration engine that sends reports, a RIS that shows drafts, radiologists who sign.

It meets Impresario only where a real hospital would, on the topics. The truth behind each report stays here, so that what was shown
can be held against it and not against our own fact checker.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.broker import Broker, Event, Message
from connectors.topics import DRAFTED, Topics
from demo import feeds
from demo.dictation import Dictated, Latent, dictated_report
from demo.styles import signed_impression
from feedback.edits import edit_distance

#: Reports that get no draft (nothing to say, a dead letter) are signed without one after so long a silence on the topic.
PATIENCE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Case:
    """One patient's examination: the truth, the dictation, and what its radiologist will sign."""

    accession: str
    radiologist: str
    day: int
    latent: Latent = field(repr=False)
    dictated: Dictated = field(repr=False)
    vendor: str

    @property
    def report_id(self) -> str:
        return feeds.report_id(self.accession)

    @property
    def intended(self) -> str:
        return signed_impression(self.latent, self.radiologist)

    def sign(self, shown: str) -> str:
        """Keep the draft when it says what one would say, else put it in one's own words."""
        return shown if edit_distance(shown, self.intended) == 0 else self.intended


class Hospital:
    """Sends a day's dictations, waits for drafts, signs each, and remembers every case."""

    def __init__(self, broker: Broker, topics: Topics, radiologists: Sequence[str], seed: int, start: datetime) -> None:
        self.broker = broker
        self.topics = topics
        self.radiologists = tuple(radiologists)
        self.seed = seed
        self.start = start
        self.cases: dict[str, Case] = {}
        broker.prepare(topics.all, 6)
        self._ris = broker.join([topics.impressions], f"ris-{seed}", lambda places: {})

    def work_through(self, day: int, reports: int, progress: Callable[[int, int], None]) -> list[Case]:
        """One day: `reports` examinations per radiologist, each dictated, drafted and signed; `progress(drafted, signed)`."""
        cases = [self._examine(day, number, radiologist) for number in range(reports) for radiologist in self.radiologists]
        self.cases |= {case.report_id: case for case in cases}
        waiting = {case.report_id: case for case in cases}
        self.broker.publish([self._dictation(case, minute) for minute, case in enumerate(cases)])
        drafted, silent_since = 0, time.monotonic()
        while waiting and time.monotonic() - silent_since < PATIENCE.total_seconds():
            events = self._ris.poll(0.5, 100)
            signed = [self._signature(case, shown_in(event)) for event in events if (case := self._drafted(event, waiting))]
            if signed:
                self.broker.publish(signed)
                drafted, silent_since = drafted + len(signed), time.monotonic()
                progress(drafted, drafted)
        self.broker.publish([self._signature(case, "") for case in waiting.values()])
        progress(drafted, len(cases))
        return cases

    def close(self) -> None:
        self._ris.close()

    def _examine(self, day: int, number: int, radiologist: str) -> Case:
        latent, dictated = dictated_report(f"{self.seed}/{day}/{number}/{radiologist}")
        vendor = feeds.VENDORS[(self.radiologists.index(radiologist) + number) % len(feeds.VENDORS)]
        return Case(f"D{self.seed}{day:02d}{number:04d}{radiologist[-3:]}", radiologist, day, latent, dictated, vendor)

    def _drafted(self, event: Event, waiting: dict[str, Case]) -> Case | None:
        """The case this event brings a draft for; a draft for a case that is signed already is read over, as people do."""
        return waiting.pop(event.header("report-id") or "", None) if event.header("ce_type") == DRAFTED else None

    def _dictation(self, case: Case, minute: int) -> Message:
        return self._message(feeds.dictated(case, self._clock(case.day, minute)))

    def _signature(self, case: Case, shown: str) -> Message:
        return self._message(feeds.signed(case, case.sign(shown), self._clock(case.day, 600)))

    def _message(self, sent: feeds.Sent) -> Message:
        key, headers, value = sent
        return Message(self.topics.reports, key.encode(), value, tuple(headers))

    def _clock(self, day: int, minute: int) -> datetime:
        return self.start + timedelta(days=day - 1, hours=8, minutes=minute)


def shown_in(event: Event) -> str:
    """The draft as a RIS reads it from the FHIR resource on the topic."""
    resource = json.loads(event.value)
    for form in resource.get("presentedForm", []):
        if form.get("contentType", "").startswith("text/plain"):
            return base64.b64decode(form["data"]).decode()
    return str(resource.get("conclusion", ""))
