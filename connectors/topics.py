"""The names on the wire: topics as settings give them, and the headers every message carries (docs/interface.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """The five topics of one hospital; the defaults are the contract's."""

    reports: str = "radiology.reports"  #: read: reports as the integration engine sends them
    impressions: str = "radiology.impressions"  #: written: drafts as FHIR DiagnosticReports
    impressions_hl7v2: str = "radiology.impressions.hl7v2"  #: written when asked for: drafts as ORU^R01
    dead_letters: str = "radiology.reports-dlt"  #: written: what could not be read, byte for byte
    events: str = "radiology.events"  #: written: critical results, promotions, nights

    @property
    def all(self) -> tuple[str, ...]:
        return (self.reports, self.impressions, self.impressions_hl7v2, self.dead_letters, self.events)

    @property
    def ours(self) -> tuple[str, ...]:
        """Those we write to, and so may read back."""
        return self.all[1:]


#: CloudEvents in binary mode: the id is ours and deterministic, so that readers and we ourselves can tell a repetition.
CE_ID = "ce_id"
CE_TYPE = "ce_type"
CE_SOURCE = "ce_source"
CE_TIME = "ce_time"
CE_SPECVERSION = "ce_specversion"
CONTENT_TYPE = "content-type"
REPORT_ID = "report-id"
RADIOLOGIST = "radiologist"

HL7V2 = "application/hl7-v2"
FHIR = "application/fhir+json"
CLOUDEVENT = "application/cloudevents+json"

DRAFTED = "impresario.impression.drafted"  #: a draft, to be shown
WITHDRAWN = "impresario.impression.withdrawn"  #: that draft is no longer to be shown
DEAD_LETTER = "impresario.report.unreadable"  #: bytes set aside
CRITICAL = "impresario.result.critical"  #: findings that somebody must be told about now


def value(headers: Iterable[tuple[str, bytes]], name: str) -> str:
    """The header of that name as text; empty when absent."""
    return next((value.decode("utf-8", "replace") for key, value in headers if key == name), "")
