"""A draft as a FHIR R4 DiagnosticReport: preliminary, labelled as written by an AI, with the device that wrote it.

The labels are those of the AI Transparency guide: `AIAST` on the resource and, inline, on the conclusion. Nobody is named as
interpreter, because nobody has read it yet.
"""

from __future__ import annotations

import json
from typing import Any

from fhir.resources.R4B.diagnosticreport import DiagnosticReport
from pydantic import ValidationError

from connectors import topics
from connectors.deliver import Shown
from engine.impression import Impression
from feedback.outbox import Outgoing
from ingest.report import Report

AI_ASSERTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
LABELS_INLINE = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "code": "PROCESSINLINELABEL",
    "display": "process inline security label",
}
INLINE_LABEL = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
RADIOLOGY = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"}
ACCESSION = {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN", "display": "Accession ID"}
AUTHOR = {"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "author", "display": "Author"}
RECOMMENDATION = {"system": "http://loinc.org", "code": "18783-1", "display": "Radiology Study recommendation (narrative)"}
DRAFT_ID, REPORT_ID, ADAPTER_HASH = "urn:impresario:draft", "urn:impresario:report", "urn:impresario:adapter-sha256"
BANNER = "Draft written by an AI; no radiologist has read or signed it."


class FhirForm:
    """Drafts for the topic `radiology.impressions`."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def message(self, shown: Shown) -> Outgoing:
        resource = diagnostic_report(shown)
        try:
            DiagnosticReport.model_validate(resource)
        except ValidationError as refusal:  # its text quotes the draft
            places = sorted({".".join(map(str, error["loc"])) for error in refusal.errors()})
            raise AssertionError(f"our own DiagnosticReport is not valid at {', '.join(places)}") from None
        return Outgoing(
            about=about(shown),
            topic=self.topic,
            key=shown.report.id.encode(),
            headers=headers(shown, content_type=topics.FHIR, about=about(shown)),
            value=json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode(),
        )


def about(shown: Shown) -> str:
    """The id of the message: the draft's own, or for a withdrawal one made of it."""
    return shown.impression.draft_id + ("" if shown.withdrawn_because is None else ":withdrawn")


def headers(shown: Shown, *, content_type: str, about: str) -> tuple[tuple[str, bytes], ...]:
    """The contract's headers (docs/interface.md)."""
    radiologist = shown.report.radiologist.id if shown.report.radiologist else ""
    said = {
        topics.CE_SPECVERSION: "1.0",
        topics.CE_ID: about,
        topics.CE_TYPE: topics.DRAFTED if shown.withdrawn_because is None else topics.WITHDRAWN,
        topics.CE_SOURCE: "/impresario",
        topics.CE_TIME: shown.drafted_at.isoformat(),
        topics.CONTENT_TYPE: content_type,
        topics.REPORT_ID: shown.report.id,
        topics.RADIOLOGIST: radiologist,
        "adapter": shown.impression.adapter or "none",
        "kind": shown.impression.kind.value,
    }
    return tuple((name, value.encode()) for name, value in said.items())


def diagnostic_report(shown: Shown) -> dict[str, Any]:
    """The resource, without an interpreter and with its author a machine."""
    report, impression = shown.report, shown.impression
    resource: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "id": impression.draft_id,
        "meta": {"security": [AI_ASSERTED, LABELS_INLINE]},
        "contained": [_device(shown), _provenance(shown), *_recommendations(shown)],
        "identifier": _identifiers(report, impression),
        "status": "preliminary" if shown.withdrawn_because is None else "entered-in-error",
        "category": [{"coding": [RADIOLOGY]}],
        "code": _code(report),
        "issued": shown.drafted_at.isoformat(),
        "text": {"status": "generated", "div": _narrative(shown)},
    }
    if report.observed and report.observed.tzinfo:
        resource["effectiveDateTime"] = report.observed.isoformat()
    if advised := _recommendations(shown):
        resource["result"] = [{"reference": f"#{one['id']}"} for one in advised]
    if shown.withdrawn_because is None:
        resource["conclusion"] = impression.text
        resource["_conclusion"] = {"extension": [{"url": INLINE_LABEL, "valueCoding": AI_ASSERTED}]}
    return resource


def _device(shown: Shown) -> dict[str, Any]:
    impression = shown.impression
    names = [{"name": f"Impresario ({impression.base_model})", "type": "model-name"}]
    if impression.adapter:
        names.append({"name": f"adapter {impression.adapter}", "type": "other"})
    device: dict[str, Any] = {
        "resourceType": "Device",
        "id": "writer",
        "deviceName": names,
        "modelNumber": impression.base_model,
        "version": [{"type": {"text": "prompt"}, "value": impression.prompt_version}],
    }
    if shown.adapter_sha256:
        device["identifier"] = [{"system": ADAPTER_HASH, "value": shown.adapter_sha256}]
    return device


def _provenance(shown: Shown) -> dict[str, Any]:
    return {
        "resourceType": "Provenance",
        "id": "origin",
        "meta": {"security": [AI_ASSERTED]},
        "target": [{"reference": "#"}],
        "recorded": shown.drafted_at.isoformat(),
        "agent": [{"type": {"coding": [AUTHOR]}, "who": {"reference": "#writer"}}],
    }


def _recommendations(shown: Shown) -> list[dict[str, Any]]:
    """What guidelines advise beside the conclusion, each with the row it comes from."""
    return [
        {
            "resourceType": "Observation",
            "id": f"recommendation-{number}",
            "status": "preliminary",
            "code": {"coding": [RECOMMENDATION]},
            "valueString": one.sentence,
            "method": {"text": f"{one.guideline}, {one.rule}"},
            "note": [{"text": f"{one.row} {one.citation}"}],
        }
        for number, one in enumerate(shown.impression.recommendations, 1)
    ]


def _identifiers(report: Report, impression: Impression) -> list[dict[str, Any]]:
    ours = [{"system": DRAFT_ID, "value": impression.draft_id}, {"system": REPORT_ID, "value": report.id}]
    return ours + [{"type": {"coding": [ACCESSION]}, "value": accession} for accession in report.accessions]


def _code(report: Report) -> dict[str, Any]:
    exam = report.exam
    code: dict[str, Any] = {"text": exam.text or exam.modality or "Diagnostic imaging report"}
    if exam.code:
        code["coding"] = [{"code": exam.code, **({"system": exam.system} if exam.system and ":" in exam.system else {})}]
    return code


def _narrative(shown: Shown) -> str:
    said = BANNER if shown.withdrawn_because is None else "This draft was withdrawn."
    return f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{said}</p></div>'
