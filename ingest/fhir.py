"""FHIR JSON -> `Report`s: a bare DiagnosticReport, any Bundle, NDJSON, a Parameters wrapper, a Composition that stands alone.

DSTU2 to R5 are told apart by their content. Entries are judged one by one, so nothing foreign sinks a Bundle. What the field does
and the standard refuses is repaired and noted (ingest/fhir_shape.py finds it); the bytes themselves are never changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.er7 import western
from ingest.exam import body_part_of, modality_of
from ingest.fhir_narrative import Told, narrative_of
from ingest.fhir_shape import faults, surely_right, version_of
from ingest.hl7v2 import patient_hash
from ingest.places import Trace
from ingest.profiles.profile import Profile
from ingest.report import Exam, Patient, Radiologist, Report, Section, Status, Unreadable
from ingest.tables import PRIORITY_BY_CODE, SEX_BY_CODE, STATUS_BY_FHIR, STATUS_BY_WORD, Priority
from ingest.times import iso_moment

MOST_ENTRIES = 20_000
DEEPEST = 64
Resource = dict[str, Any]

#: Category codes of other departments (HL7 table 0074, LOINC, SNOMED CT): such a report is ignored when no category says imaging.
_OTHER_DEPARTMENTS = frozenset(
    {"LAB", "LABORATORY", "CH", "HM", "MB", "MCB", "BLB", "IMM", "SR", "SP", "CP", "GE", "PAT", "TX", "VR", "LP29693-6", "LP7839-6", "108252007",
     "26436-6", "15220000", "394595002", "394597005", "CG", "GENETICS", "PATHOLOGY", "LP7819-8"}
)  # fmt: skip
_IMAGING = frozenset(
    {"RAD", "IMAGING", "LP29684-5", "394914008", "363679005", "18748-4", "CT", "MR", "NMR", "US", "RUS", "XR", "CR", "DX", "MG", "NM", "NMS", "PT",
     "RX", "CUS", "VUS", "OUS", "XRC", "XA", "RAD-DIAG", "RADIOLOGY", "DIAGNOSTIC-IMAGING", "4201000179104"}
)  # fmt: skip
#: Half a character outside the basic plane, which no encoding can write.
_LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_PERSONS = ("Practitioner", "PractitionerRole", "Person")


@dataclass(slots=True)
class Judged:
    """What became of one resource, before it gets its place in a file."""

    report: Report | None = None
    code: str | None = None
    message: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Shelf:
    """The resources that came together, found by Type/id, fullUrl, urn or bare id. Contained ones belong to their own resource."""

    by_reference: dict[str, Resource] = field(default_factory=dict)

    def put(self, resource: Resource, full_url: object) -> None:
        kind, identifier = resource.get("resourceType"), resource.get("id")
        if isinstance(full_url, str) and full_url:
            self.by_reference.setdefault(full_url, resource)
        if isinstance(identifier, str):
            self.by_reference.setdefault(f"{kind}/{identifier}", resource)

    def find(self, reference: object, inside: Resource) -> Resource | None:
        """The resource a Reference means, if it is here."""
        if not isinstance(reference, dict):
            return None
        target = reference.get("reference")
        if not isinstance(target, str):
            return None
        if target.startswith("#"):
            return next((r for r in items(inside, "contained") if r.get("id") == target[1:]), None)
        target = target.split("/_history/", 1)[0]
        return self.by_reference.get(target) or self.by_reference.get("/".join(target.split("/")[-2:]))


@dataclass(slots=True)
class Reader:
    """One DiagnosticReport (or Composition) among the resources it came with."""

    resource: Resource
    shelf: Shelf
    profile: Profile
    version: str
    notes: list[str]
    trace: Trace | None = None

    def find(self, reference: object) -> Resource | None:
        return self.shelf.find(reference, self.resource)

    def tell(self, sought: str, found: str, rule: str = "") -> None:
        if self.trace is not None:
            self.trace.append((sought, found, rule or f"profile {self.profile.name}"))


class Right(dict[str, Any]):
    """A DiagnosticReport whose shape is known to be right: it is not judged again."""


def load(raw: bytes) -> list[Any]:
    """JSON, a JSON array, or NDJSON as a list of documents; `Unreadable` for what is none, cut off, or nested too deeply."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b'"DiagnosticReport"' in raw[:400] and b'"Bundle"' not in raw[:400]:
        resource = surely_right(raw)
        if resource is not None:
            return [Right(resource)]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = western(raw)
    if "\\ud" in text or "\\uD" in text:
        text = _LONE_SURROGATE.sub("\\\\ufffd", text)
    try:
        whole = json.loads(text, parse_constant=_no_constant)
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
        if isinstance(document, Unreadable):
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
            wanted.append((document, "", "none"))
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
    if nothing:
        return _without_report(document, shelf, profile, patient_key, content_type, trace)
    try:
        return _read(document, shelf, profile, patient_key, content_type, trace, method)
    except Unreadable as reason:
        return Judged(code=reason.code, message=reason.message)


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


def _without_report(
    document: Any, shelf: Shelf, profile: Profile, patient_key: bytes, content_type: str, trace: Trace | None
) -> Judged:
    """A document Bundle may hold its report as a Composition; anything else without DiagnosticReport is ignored."""
    for resource, _, _ in _unpacked(document, 0):
        if isinstance(resource, dict) and resource.get("resourceType") == "Composition":
            try:
                return _read(resource, shelf, profile, patient_key, content_type, trace, "")
            except Unreadable as reason:
                return Judged(code=reason.code, message=reason.message)
    if not isinstance(document, dict) or not isinstance(document.get("resourceType"), str):
        return Judged(
            code="no-resource-type",
            message="JSON without a resourceType is no FHIR resource: send a DiagnosticReport or a Bundle.",
        )
    kind = str(document["resourceType"])[:40]
    return Judged(code="not-a-report", message=f"{kind if kind.isalnum() else 'This resource'} holds no DiagnosticReport.")


def _read(
    resource: Resource, shelf: Shelf, profile: Profile, patient_key: bytes, content_type: str, trace: Trace | None, method: str
) -> Judged:
    """One DiagnosticReport (or Composition) -> its report, or why it is none."""
    version = version_of(resource, content_type)
    notes = [] if type(resource) is Right and version == "R4" else faults(resource, version)
    reader = Reader(resource, shelf, profile, version, notes, trace)
    if _is_other_department(resource):
        return Judged(code="not-a-report", message="A DiagnosticReport of another department is not imaging.", notes=notes)
    accessions = _accessions(reader)
    identifier = text_in(resource.get("id"))
    if not accessions and not identifier and not values_of(resource):
        raise Unreadable("no-identity", "No accession number (identifier of type ACSN), no other identifier and no id: send one.")
    told = narrative_of(resource, shelf, notes)
    exam = _exam(reader)
    if (
        not told.text
        and not told.attachments
        and exam.modality is None
        and items(resource, "result")
        and not _is_imaging(resource)
    ):
        return Judged(code="not-a-report", message="Results without narrative or imaging exam are no report.", notes=notes)
    sections = told.sections
    status, raw_status = _status(resource, notes)
    if method == "DELETE":
        status = Status.ENTERED_IN_ERROR
    _add_indication(reader, sections)
    radiologist, assistants = _people(reader, told)
    return Judged(
        Report(
            kind="fhir",
            message_id=identifier,
            message_type=str(resource["resourceType"]),
            version=version,
            accessions=accessions,
            status=status,
            raw_status=raw_status,
            report_group=None if accessions else next(iter(values_of(resource)), identifier),
            is_addendum=Section.ADDENDUM in sections or status is Status.APPENDED,
            exam=exam,
            radiologist=radiologist,
            assistants=assistants,
            observed=_time(reader, ("effectiveDateTime", "effectiveInstant", "effectivePeriod.start", "date")),
            issued=_time(reader, ("issued", "date", "meta.lastUpdated")),
            priority=_priority(reader),
            patient=_patient(reader, patient_key),
            sections=sections,
            text=told.text,
            attachments=tuple(told.attachments),
        ),
        notes=notes,
    )


def _is_other_department(resource: Resource) -> bool:
    codes = {code.upper() for concept in concepts(resource.get("category")) for code in codes_of(concept)}
    return bool(codes & _OTHER_DEPARTMENTS) and not codes & _IMAGING


def _is_imaging(resource: Resource) -> bool:
    codes = {code.upper() for concept in concepts(resource.get("category")) for code in codes_of(concept)}
    return bool(codes & _IMAGING) or any(key in resource for key in ("imagingStudy", "study", "media", "image"))


def items(resource: Mapping[str, Any], key: str) -> list[Resource]:
    """The objects under a key, whether it holds a list, one object or something else."""
    value = resource.get(key)
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_in(value: object) -> str | None:
    """A non-empty string, or None."""
    return value.strip() or None if isinstance(value, str) else None


def concepts(value: object) -> list[Resource]:
    """CodeableConcepts: one (DSTU2, STU3) or many (R4)."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def codes_of(concept: Mapping[str, Any]) -> list[str]:
    """Codes and displays of a concept, and its text."""
    said = [text_in(coding.get(key)) for coding in items(concept, "coding") for key in ("code", "display")]
    return [text for text in [*said, text_in(concept.get("text"))] if text]


def values_of(resource: Mapping[str, Any]) -> list[str]:
    return [value for value in (text_in(i.get("value")) for i in items(resource, "identifier")) if value]


def accession_values(identifiers: list[Resource], systems: tuple[str, ...]) -> list[str]:
    """Values of identifiers that say they are accession numbers: type ACSN, a system of the profile, or a system so named."""
    found = []
    for identifier in identifiers:
        value, system = text_in(identifier.get("value")), str(identifier.get("system") or "").lower()
        kind = identifier.get("type")
        codes = [code.upper() for code in codes_of(kind)] if isinstance(kind, dict) else []
        if value and (
            any(code == "ACSN" or "ACCESSION" in code for code in codes)
            or system in (s.lower() for s in systems)
            or "accession" in system
            or "acsn" in system
        ):
            found.append(value.removeprefix("urn:oid:"))
    return found


def _accessions(reader: Reader) -> tuple[str, ...]:
    """ACSN identifiers of the report, its orders and studies; else any identifier of the orders; else the report's own."""
    resource, systems = reader.resource, reader.profile.accession_systems
    found = accession_values(items(resource, "identifier"), systems)
    linked: list[Resource] = []
    logical: list[Resource] = []
    for key in ("basedOn", "request", "imagingStudy", "study", "order"):
        for reference in items(resource, key):
            if isinstance(reference.get("identifier"), dict):
                logical.append(reference["identifier"])
            target = reader.find(reference)
            if target is not None:
                linked.append(target)
    typed = accession_values(logical, systems)
    for target in linked:
        own = items(target, "accession") + items(target, "accessionIdentifier")
        typed += [v for v in (text_in(i.get("value")) for i in own) if v] + accession_values(items(target, "identifier"), systems)
    for where, values in (("identifier", found), ("basedOn or study", typed)):
        if values:
            reader.tell("accession", where, "type ACSN or an accession system")
    if found or typed:
        return tuple(dict.fromkeys([*found, *typed]))
    values = [v for v in (text_in(i.get("value")) for i in logical) if v and not v.startswith("urn:")]
    if values:
        reader.tell("accession", "basedOn.identifier")
        return tuple(dict.fromkeys(values))
    for kinds in (("FILL",), ("PLAC",)):
        for holder in (resource, *linked):
            for identifier in items(holder, "identifier"):
                kind, value = identifier.get("type"), text_in(identifier.get("value"))
                if value and isinstance(kind, dict) and set(codes_of(kind)) & set(kinds):
                    reader.tell("accession", "identifier", f"type {kinds[0]}")
                    return (value,)
    values = [v for v in values_of(resource) if not v.startswith(("urn:oid:", "urn:uuid:"))]
    only = values[:1] or [v for target in linked for v in values_of(target) if not v.startswith("urn:")][:1]
    if only:
        reader.tell("accession", "identifier", "the only number there is")
    return tuple(only)


def _status(resource: Resource, notes: list[str]) -> tuple[Status, str | None]:
    raw = text_in(resource.get("status"))
    if raw is None:
        return Status.UNKNOWN, None
    status = STATUS_BY_FHIR.get(raw.lower()) or STATUS_BY_WORD.get(raw.upper().replace("-", " "))
    if status is None:
        notes.append("status is no code of DiagnosticReport.status: read as unknown")
    return status or Status.UNKNOWN, raw


def _add_indication(reader: Reader, sections: dict[Section, str]) -> None:
    """The order's reason, when the text gives none."""
    if Section.INDICATION in sections:
        return
    for key in ("basedOn", "request"):
        for reference in items(reader.resource, key):
            order = reader.find(reference) or {}
            reasons = (
                concepts(order.get("reasonCode")) + concepts(order.get("reason")) + [order.get("reasonCodeableConcept") or {}]
            )
            for reason in reasons:
                concept = reason.get("concept") if isinstance(reason.get("concept"), dict) else reason
                said = text_in(concept.get("text")) or next(
                    iter(text_in(c.get("display")) or "" for c in items(concept, "coding")), ""
                )
                if said:
                    sections[Section.INDICATION] = said
                    return


def _people(reader: Reader, told: Told) -> tuple[Radiologist | None, tuple[Radiologist, ...]]:
    """resultsInterpreter, else a performer who is a person (R4 list, STU3 performer.actor, DSTU2 one reference), else an author."""
    found: list[Radiologist] = []
    for key, role in (
        ("resultsInterpreter", "interpreter"),
        ("performer", "performer"),
        ("attester", "attester"),
        ("author", "author"),
    ):
        for reference in items(reader.resource, key):
            actor = reference.get("actor") or reference.get("party") or reference
            if not isinstance(actor, dict):
                continue
            who = _person(reader, actor)
            if who:
                named = next(iter(codes_of(reference["role"])), role) if isinstance(reference.get("role"), dict) else role
                found.append(Radiologist(who, role if key == "resultsInterpreter" else named))
    if not found and told.author:
        found.append(Radiologist(told.author, "author"))
    readers = [person for person in found if "adiolog" in person.role or person.role == "interpreter"] or found
    if not readers:
        return None, ()
    reader.tell("radiologist", readers[0].role)
    others = tuple(dict.fromkeys(person for person in found if person.id != readers[0].id))
    return readers[0], others


def _person(reader: Reader, reference: Resource) -> str | None:
    """The id of a practitioner: an identifier of the resource or the reference, else the reference's own id, else the name displayed."""
    target = reader.find(reference)
    if target is not None and target.get("resourceType") == "PractitionerRole":
        inner = target.get("practitioner")
        own = _identifier(items(target, "identifier"), reader.profile.identifier_systems)
        return (_person(reader, inner) if isinstance(inner, dict) else None) or own or text_in(target.get("id"))
    if target is not None:
        if target.get("resourceType") not in _PERSONS:
            return None
        return _identifier(items(target, "identifier"), reader.profile.identifier_systems) or text_in(target.get("id"))
    if isinstance(reference.get("identifier"), dict):
        value = text_in(reference["identifier"].get("value"))
        if value and reference.get("type") not in ("Organization", "Device", "CareTeam"):
            return value
    path = text_in(reference.get("reference"))
    if path and "/" in path:
        kind, _, identifier = path.split("/_history/", 1)[0].rpartition("/")
        return identifier if kind.rpartition("/")[2] in _PERSONS and identifier else None
    if path and not path.startswith("#"):
        return path.removeprefix("urn:uuid:")
    return text_in(reference.get("display")) if not path else None


def _identifier(identifiers: list[Resource], systems: tuple[str, ...]) -> str | None:
    """The identifier of a preferred system, else the first that is not old."""
    ranked = sorted(
        (i for i in identifiers if text_in(i.get("value")) and i.get("use") != "old"),
        key=lambda i: systems.index(i["system"]) if i.get("system") in systems else len(systems),
    )
    return text_in(ranked[0].get("value")) if ranked else None


def _exam(reader: Reader) -> Exam:
    concept = next(iter(concepts(reader.resource.get("code") or reader.resource.get("type"))), {})
    codings = items(concept, "coding")
    coding = next((c for c in codings if "loinc" in str(c.get("system", ""))), codings[0] if codings else {})
    text = text_in(concept.get("text")) or next((text_in(c.get("display")) for c in codings if text_in(c.get("display"))), None)
    names = " ".join(codes_of(concept))
    service = next(
        (c for concept in concepts(reader.resource.get("category")) for c in codes_of(concept) if modality_of(c, "")), ""
    )
    site = ""
    for key in ("imagingStudy", "study"):
        for reference in items(reader.resource, key):
            study = reader.find(reference) or {}
            for series in (study, *items(study, "series"), *items(study, "modality")):
                modality = series.get("modality")
                for m in concepts(modality):
                    service = service or next(iter(text_in(m.get("code")) or next(iter(codes_of(m)), "") for m in [m]), "")
                for part in concepts(series.get("bodySite")):
                    site = site or next(iter([text_in(part.get("display")) or next(iter(codes_of(part)), "")]), "")
    return Exam(
        text_in(coding.get("code")), text_in(coding.get("system")), text, modality_of(service, names), body_part_of(site, names)
    )


def _time(reader: Reader, keys: tuple[str, ...]) -> datetime | None:
    for key in keys:
        value: Any = reader.resource
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str) and (found := iso_moment(value, reader.profile.zone)) is not None:
            return found
    return None


def _priority(reader: Reader) -> Priority | None:
    for holder in (
        reader.resource,
        *(reader.find(r) or {} for key in ("basedOn", "request") for r in items(reader.resource, key)),
    ):
        said = text_in(holder.get("priority"))
        if said and said.upper() in PRIORITY_BY_CODE:
            return PRIORITY_BY_CODE[said.upper()]
        for extension in items(holder, "extension"):
            if "priority" in str(extension.get("url", "")).lower():
                value = text_in(extension.get("valueCode")) or text_in(extension.get("valueString")) or ""
                if value.upper() in PRIORITY_BY_CODE:
                    return PRIORITY_BY_CODE[value.upper()]
    return None


def _patient(reader: Reader, key: bytes) -> Patient:
    reference = next(iter(items(reader.resource, "subject")), {})
    person = reader.find(reference) or {}
    identifiers = [i for i in items(person, "identifier") if text_in(i.get("value"))] or items(reference, "identifier")
    chosen = next(
        (i for i in identifiers if isinstance(i.get("type"), dict) and "MR" in codes_of(i["type"])), next(iter(identifiers), {})
    )
    value = text_in(chosen.get("value"))
    if value is None and isinstance(reference.get("reference"), str):
        value = reference["reference"].split("/_history/", 1)[0].rpartition("/")[2] or None
    born = str(person.get("birthDate") or "")[:4]
    return Patient(
        patient_hash(key, str(chosen.get("system") or ""), value) if value else None,
        int(born) if len(born) == 4 and born.isdigit() and born.isascii() else None,
        SEX_BY_CODE.get(str(person.get("gender") or "").upper()),
    )
