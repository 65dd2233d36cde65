"""FHIR JSON -> `Report`s: a bare DiagnosticReport, any Bundle, NDJSON, a Parameters wrapper, a Composition that stands alone.

DSTU2 to R5 are told apart by their content. Entries are judged one by one, so nothing foreign sinks a Bundle. What the field does
and the standard refuses is repaired and noted (ingest/fhir_shape.py finds it); the bytes themselves are never changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ingest.charset import FRAME, western
from ingest.exam import is_other_diagnostics
from ingest.fhir_fields import (
    ISSUED,
    OBSERVED,
    Reader,
    Resource,
    Shelf,
    accessions_of,
    add_indication,
    codes_of,
    exam_of,
    items,
    patient_of,
    people_of,
    priority_of,
    status_of,
    text_in,
    time_of,
    values_of,
)
from ingest.fhir_narrative import is_imaging_document, narrative_of
from ingest.fhir_shape import faults, surely_right, version_of
from ingest.fhir_xml import Unchecked
from ingest.parts import results
from ingest.places import Trace
from ingest.profiles.profile import Profile
from ingest.report import Report, Section, Status, Unreadable

MOST_ENTRIES = 20_000
DEEPEST = 64

#: Category codes of other departments (HL7 table 0074, LOINC, SNOMED CT): such a report is ignored when no category says imaging.
_OTHER_DEPARTMENTS = frozenset(
    {"LAB", "LABORATORY", "CH", "HM", "MB", "MCB", "BLB", "IMM", "SR", "SP", "CP", "GE", "PAT", "TX", "VR", "LP29693-6", "LP7839-6", "108252007",
     "26436-6", "15220000", "394595002", "394597005", "CG", "GENETICS", "PATHOLOGY", "LP7819-8", "EC", "EN", "AU", "PF", "RC", "PHR", "BG", "MYC", "PAR"}
)  # fmt: skip
_IMAGING = frozenset(
    {"RAD", "IMAGING", "LP29684-5", "394914008", "363679005", "18748-4", "CT", "MR", "NMR", "US", "RUS", "XR", "CR", "DX", "MG", "NM", "NMS", "PT",
     "RX", "CUS", "VUS", "OUS", "XRC", "XA", "RAD-DIAG", "RADIOLOGY", "DIAGNOSTIC-IMAGING", "4201000179104"}
)  # fmt: skip
#: Types a refusal may name: what else stands there may be anything, even a word of the report.
_USUAL = frozenset(
    "Bundle Parameters Patient Practitioner PractitionerRole Organization Encounter Observation ServiceRequest ImagingStudy DocumentReference "
    "Binary Composition MessageHeader OperationOutcome Subscription SubscriptionStatus Provenance Specimen Device Location Task Media".split()
)
#: Half a character outside the basic plane, which no encoding can write.
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


class Judged:
    """What became of one resource, before it gets its place in a file."""

    __slots__ = ("code", "message", "notes", "report")

    def __init__(
        self, report: Report | None = None, code: str | None = None, message: str | None = None, notes: list[str] | None = None
    ) -> None:
        self.report = report
        self.code = code
        self.message = message
        self.notes: list[str] = [] if notes is None else notes


class Right:
    """A lone DiagnosticReport whose shape is known to be right for R4: it is not judged again."""

    __slots__ = ("resource",)

    def __init__(self, resource: Resource) -> None:
        self.resource = resource


def load(raw: bytes) -> list[Any]:
    """JSON, a JSON array, or NDJSON as a list of documents; `Unreadable` for what is none, cut off, or nested too deeply."""
    head = raw[:400]
    if head.find(b'"DiagnosticReport"') >= 0 and head.find(b'"Bundle"') < 0:
        resource = surely_right(raw)
        if resource is not None:
            return [Right(resource)]
    raw = raw.strip(FRAME).removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = western(raw)
    if "\\ud" in text or "\\uD" in text:
        text = _LONE_SURROGATE.sub("\\\\ufffd", text)
    try:
        whole = json.loads(text, parse_constant=_no_constant)
        if whole == []:
            raise Unreadable("empty", "There is nothing in it: send the message again.")
        return whole if isinstance(whole, list) else [whole]
    except RecursionError:
        raise Unreadable("too-deep", "The JSON is nested too deeply to be a resource.") from None
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1 and _is_json(lines[0]):
            return [_line(line) for line in lines]
        if error.pos >= len(text.rstrip()) - 1 or "Unterminated string" in error.msg:
            raise Unreadable("truncated", "The JSON ends before it is complete: send the resource again, whole.") from None
        raise Unreadable(
            "bad-json", f"This is no JSON (line {error.lineno}, column {error.colno}): send valid FHIR JSON."
        ) from None
    except ValueError:
        raise Unreadable("bad-json", "This is no JSON (NaN, Infinity or an endless number): send valid FHIR JSON.") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
        return True
    except (ValueError, RecursionError):
        return False


def _line(line: str) -> Any:
    """One NDJSON line; a broken one is judged as unreadable by itself."""
    try:
        return json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Unreadable("bad-json", "This line is no JSON: send it again, whole.")


def read_resources(
    documents: list[Any], profile: Profile, *, patient_key: bytes, content_type: str = "", trace: Trace | None = None
) -> Iterator[Judged]:
    """Every report among the documents; where there is none, one polite no per document."""
    shelf = Shelf()
    wanted: list[tuple[Any, str, str]] = []
    entries = 0
    for document in documents:
        if isinstance(document, (Unreadable, Right)):
            wanted.append((document, "", ""))
            continue
        found = False
        for resource, full_url, method in _unpacked(document, 0):
            entries += 1
            if entries > MOST_ENTRIES:
                yield Judged(code="too-many-entries", message=f"More than {MOST_ENTRIES} entries: send smaller Bundles.")
                return
            if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
                shelf.put(resource, full_url)
                if resource["resourceType"] == "DiagnosticReport":
                    wanted.append((resource, method, ""))
                    found = True
            elif isinstance(resource, Unreadable):
                wanted.append((resource, "", ""))
                found = True
        if not found:
            wanted += [(one, "", "") for one in _lone_documents(document)] or [(document, "", "none")]
    for document, method, nothing in wanted:
        yield _judged(document, method, nothing, shelf, profile, patient_key, content_type, trace)


def _judged(
    document: Any,
    method: str,
    nothing: str,
    shelf: Shelf,
    profile: Profile,
    patient_key: bytes,
    content_type: str,
    trace: Trace | None,
) -> Judged:
    if isinstance(document, Unreadable):
        return Judged(code=document.code, message=document.message)
    is_right = isinstance(document, Right)
    resource = document.resource if is_right else document
    if nothing:
        return _no_report(document)
    version = version_of(resource, content_type) if content_type or not is_right else "R4"
    try:
        judged = _read(Reader(resource, shelf, profile, version, trace), patient_key, method)
    except Unreadable as reason:
        return Judged(code=reason.code, message=reason.message)
    if judged.report is not None and not (is_right and version == "R4"):  # what is ignored is not held against the standard
        judged.notes[:0] = _notes(resource, version)
    return judged


def _unpacked(document: Any, depth: int) -> Iterator[tuple[Any, object, str]]:
    """(resource, fullUrl, method) of a resource, of each entry of a Bundle, of each part of a Parameters; Bundles in Bundles too."""
    if not isinstance(document, dict):
        return
    kind = document.get("resourceType")
    if kind == "Bundle" and depth < 8:
        for entry in document.get("entry") or () if isinstance(document.get("entry"), list) else ():
            if not isinstance(entry, dict):
                yield Unreadable("bad-entry", "An entry of the Bundle is no object: send it again."), None, ""
                continue
            request = entry.get("request")
            method = str(request.get("method", "")) if isinstance(request, dict) else ""
            inner = entry.get("resource")
            if isinstance(inner, dict) and inner.get("resourceType") in ("Bundle", "Parameters"):
                yield from _unpacked(inner, depth + 1)
            elif isinstance(inner, dict):
                if not isinstance(inner.get("resourceType"), str):
                    yield Unreadable("bad-entry", "An entry of the Bundle has no resourceType: send it again."), None, ""
                yield inner, entry.get("fullUrl"), method
            elif inner is not None:
                yield Unreadable("bad-entry", "An entry of the Bundle holds no resource: send it again."), None, ""
    elif kind == "Parameters" and depth < 8:
        for part in items(document, "parameter"):
            if isinstance(part.get("resource"), dict):
                yield from _unpacked(part["resource"], depth + 1)
    else:
        yield document, None, ""


def _lone_documents(document: Any) -> list[Any]:
    """Without a DiagnosticReport a Composition may be the report, and without that a DocumentReference."""
    resources = [resource for resource, _, _ in _unpacked(document, 0) if isinstance(resource, dict)]
    for kind in ("Composition", "DocumentReference"):
        found = [one for one in resources if one.get("resourceType") == kind and is_imaging_document(one)]
        if found:
            return found
    return []


def _no_report(document: Any) -> Judged:
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        return Judged(
            code="no-resource-type",
            message="JSON without a resourceType is no FHIR resource: send a DiagnosticReport or a Bundle.",
        )
    kind = document["resourceType"]
    return Judged(code="not-a-report", message=f"{kind if kind in _USUAL else 'This resource'} holds no DiagnosticReport.")


def _read(reader: Reader, patient_key: bytes, method: str) -> Judged:
    """One DiagnosticReport (or Composition) -> its report, or why it is none."""
    resource, notes = reader.resource, reader.notes
    categories = [code for concept in items(resource, "category") for code in codes_of(concept)]
    departments = {code.upper() for code in categories}
    if not _OTHER_DEPARTMENTS.isdisjoint(departments) and _IMAGING.isdisjoint(departments):
        return Judged(code="not-a-report", message="A DiagnosticReport of another department is not imaging.", notes=notes)
    accessions = accessions_of(reader)
    identifier = text_in(resource.get("id"))
    if not accessions and not identifier and not values_of(resource):
        raise Unreadable("no-identity", "No accession number (identifier of type ACSN), no other identifier and no id: send one.")
    told = narrative_of(resource, reader.shelf, notes)
    exam = exam_of(reader, categories)
    if departments.isdisjoint(_IMAGING) and is_other_diagnostics(" ".join([exam.text or "", *categories])):
        return Judged(code="not-a-report", message="A DiagnosticReport of another examination is not imaging.", notes=notes)
    if (
        not told.text
        and not told.attachments
        and exam.modality is None
        and items(resource, "result")
        and not (departments & _IMAGING or any(key in resource for key in ("imagingStudy", "study", "media", "image")))
    ):
        return Judged(code="not-a-report", message="Results without narrative or imaging exam are no report.", notes=notes)
    status, raw_status = status_of(resource, notes)
    if method == "DELETE":
        status = Status.ENTERED_IN_ERROR
    sections = results(status, told.sections)
    add_indication(reader, sections)
    radiologist, assistants = people_of(reader, told)
    group = None if accessions else next(iter(values_of(resource)), identifier)
    is_addendum = Section.ADDENDUM in sections or status is Status.APPENDED
    observed, issued, priority = time_of(reader, OBSERVED), time_of(reader, ISSUED), priority_of(reader)
    # Nineteen fields by their names would take a fortieth of the whole reading: they stand in the order of Report.
    report = Report(
        "fhir", identifier, str(resource["resourceType"]), reader.version, accessions, status, raw_status, group, is_addendum,
        exam, radiologist, assistants, observed, issued, priority, patient_of(reader, patient_key), sections, told.text,
        tuple(told.attachments),
    )  # fmt: skip
    return Judged(report, notes=notes)


def _notes(resource: Resource, version: str) -> list[str]:
    """What the standard has against the resource."""
    if isinstance(resource, Unchecked):
        return ["it came as XML: read, and not held against the standard"]
    return faults(resource, version)
