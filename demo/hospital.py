"""The hospital around Impresario: an integration engine that sends reports, a RIS that shows drafts, radiologists who sign.

It meets Impresario only where a real hospital would, on the topics. The truth behind each report stays here, so that what was shown
can be held against it and not against our own fact checker.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.broker import Broker, Event, Message
from connectors.topics import DRAFTED, Topics
from demo.dictation import dictated_report
from demo.feeds import VENDORS, Examination, Record, dictated_event, signed_event
from demo.styles import signed_impression
from feedback.edits import edit_distance

#: Reports that get no draft (nothing to say, a dead letter) are signed without one after so many seconds of silence on the topic.
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Case:
    """One examination on its way through the day."""

    examination: Examination
    vendor: str
    day: int

    @property
    def radiologist(self) -> str:
        return self.examination.radiologist

    @property
    def intended(self) -> str:
        """What its radiologist would write without any draft."""
        return signed_impression(self.examination.latent, self.radiologist)

    def sign(self, shown: str) -> str:
        """Keep the draft when it says what one would say, else put it in one's own words."""
        return shown if edit_distance(shown, self.intended) == 0 else self.intended


class Hospital:
    """Sends a day's dictations, waits for drafts, signs each, and remembers every case by its accession number."""

    def __init__(self, broker: Broker, topics: Topics, radiologists: Sequence[str], seed: int, monday: datetime) -> None:
        self.broker = broker
        self.topics = topics
        self.radiologists = tuple(radiologists)
        self.seed = seed
        self.monday = monday
        self.cases: dict[str, Case] = {}
        broker.prepare(topics.all, 6)
        self._ris = broker.join([topics.impressions], f"ris-{seed}", lambda places: {})

    def work_through(self, day: int, reports: int, progress: Callable[[int], None]) -> list[Case]:
        """One day: `reports` examinations per radiologist, each dictated, drafted and signed; `progress(signed)`."""
        cases = {case.examination.accession: case for case in self._examine(day, reports)}
        self.cases |= cases
        self._publish([dictated_event(case.vendor, case.examination) for case in cases.values()])
        waiting, silent_since = dict(cases), time.monotonic()
        while waiting and time.monotonic() - silent_since < PATIENCE:
            drafts = [draft for event in self._ris.poll(0.5, 100) if (draft := read_draft(event))]
            signing = [(waiting.pop(accession), shown) for accession, shown in drafts if accession in waiting]
            if signing:
                self._publish([signed_event(case.vendor, case.examination, case.sign(shown)) for case, shown in signing])
                silent_since = time.monotonic()
            progress(len(cases) - len(waiting))
        self._publish([signed_event(case.vendor, case.examination, case.intended) for case in waiting.values()])
        return list(cases.values())

    def close(self) -> None:
        self._ris.close()

    def _examine(self, day: int, reports: int) -> list[Case]:
        """The work list: the radiologists in turn, each sending through every vendor's system, one report in twelve a STAT."""
        cases: list[Case] = []
        vendors = tuple(VENDORS)
        for number in range(reports):
            for place, radiologist in enumerate(self.radiologists):
                latent, dictated = dictated_report(f"{self.seed}/{day}/{number}/{radiologist}")
                made_at = self.monday + timedelta(days=day - 1, hours=8, minutes=len(cases))
                accession = f"S{self.seed}D{day}N{number:03d}{radiologist}"
                examination = Examination(accession, radiologist, latent, dictated, made_at, stat=number % 12 == 11)
                cases.append(Case(examination, vendors[(number + place) % len(vendors)], day))
        return cases

    def _publish(self, records: Sequence[Record]) -> None:
        self.broker.publish(
            [Message(self.topics.reports, key.encode(), value, tuple(headers)) for key, headers, value in records]
        )


def read_draft(event: Event) -> tuple[str, str] | None:
    """Accession number and text of a draft, as a RIS reads them from the FHIR resource; None for anything else on the topic."""
    if event.header("ce_type") != DRAFTED:
        return None
    resource = json.loads(event.value)
    accession = next(one["value"] for one in resource["identifier"] if _is_accession(one))
    return str(accession), str(resource["conclusion"])


def _is_accession(identifier: dict[str, object]) -> bool:
    kind = identifier.get("type")
    return isinstance(kind, dict) and any(coding.get("code") == "ACSN" for coding in kind.get("coding", []))
