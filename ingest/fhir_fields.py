"""The fields of a report out of a DiagnosticReport and what came with it: numbers, people, exam, times, patient, in five FHIR versions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ingest.exam import exam, modality_of
from ingest.hl7v2 import patient_hash
from ingest.people import named_reader
from ingest.places import Trace
from ingest.profiles.profile import Profile
from ingest.report import Exam, Patient, Radiologist, Section, Status
from ingest.statuses import status_said
from ingest.tables import PRIORITY_BY_CODE, SEX_BY_CODE, STATUS_BY_FHIR, Priority
from ingest.times import iso_moment

if TYPE_CHECKING:
    from ingest.fhir_narrative import Told

Resource = dict[str, Any]
_PERSONS = ("Practitioner", "PractitionerRole", "Person")
#: What a report was ordered by and made from; the keys of DSTU2 to R5. A resource without any is asked nothing further about them.
_ORDERS = ("basedOn", "request")
_LINKS = (*_ORDERS, "imagingStudy", "study", "order")
#: Who reads under supervision, as their role says it.
_TRAINEE = re.compile(r"\b(?:resident|registrar|trainee|in training|assistenz\w*|specializzando)\b|^interne\b", re.IGNORECASE)
#: A display that is no person's.
_DEPARTMENT = re.compile(
    r"\b(?:dept|department|radiology|imaging|hospital|clinic|group|institut\w*|abteilung|klinik\w*|service|servicio|servizio|ospedale|h[oô]pital|ziekenhuis|praxis)\b",
    re.IGNORECASE,
)
#: Where times stand, best first; a time inside another field as its path.
OBSERVED = (("effectiveDateTime",), ("effectiveInstant",), ("effectivePeriod", "start"), ("date",))
ISSUED = (("issued",), ("date",), ("meta", "lastUpdated"))
_PEOPLE = (
    ("resultsInterpreter", "interpreter"),
    ("performer", "performer"),
    ("authenticator", "attester"),
    ("attester", "attester"),
    ("author", "author"),
)
_ROLES = frozenset(role for _, role in _PEOPLE)


class Shelf:
    """The resources that came together, found by Type/id, fullUrl, urn or bare id. Contained ones belong to their own resource."""

    __slots__ = ("by_reference", "compositions", "documented", "reports")

    def __init__(self) -> None:
        self.by_reference: dict[str, Resource] = {}
        self.compositions: list[Resource] = []
        self.reports: list[Resource] = []
        #: The Composition of a report, by the report's `id()`, where its own fields hold no text.
        self.documented: dict[int, Resource] | None = None

    def put(self, resource: Resource, full_url: object) -> None:
        kind, identifier = resource.get("resourceType"), resource.get("id")
        if isinstance(full_url, str) and full_url:
            self.by_reference.setdefault(full_url, resource)
        if isinstance(identifier, str):
            self.by_reference.setdefault(f"{kind}/{identifier}", resource)
        if kind == "Composition":
            self.compositions.append(resource)
        elif kind == "DiagnosticReport":
            self.reports.append(resource)

    def document_of(self, report: Resource) -> Resource | None:
        """The Composition that is the report's document, as far as anybody has looked."""
        return self.documented.get(id(report)) if self.documented else None

    def find(self, reference: object, inside: Resource) -> Resource | None:
        """The resource a Reference means, if it is here."""
        if not isinstance(reference, dict):
            return None
        target = reference.get("reference")
        if not isinstance(target, str):
            return None
        if target.startswith("#"):
            return next((r for r in items(inside, "contained") if r.get("id") == target[1:]), None)
        if not self.by_reference:
            return None
        target = target.split("/_history/", 1)[0]
        return self.by_reference.get(target) or self.by_reference.get("/".join(target.split("/")[-2:]))


class Reader:
    """One DiagnosticReport (or Composition) among the resources it came with."""

    __slots__ = ("notes", "profile", "resource", "shelf", "trace", "version")

    def __init__(self, resource: Resource, shelf: Shelf, profile: Profile, version: str, trace: Trace | None) -> None:
        self.resource = resource
        self.shelf = shelf
        self.profile = profile
        self.version = version
        self.trace = trace
        self.notes: list[str] = []

    def find(self, reference: object) -> Resource | None:
        return self.shelf.find(reference, self.resource)

    def tell(self, sought: str, found: str, rule: str = "") -> None:
        if self.trace is not None:
            self.trace.append((sought, found, rule or f"profile {self.profile.name}"))


def items(resource: Mapping[str, Any], key: str) -> list[Resource]:
    """The objects under a key, whether it holds a list, one object or something else."""
    return concepts(resource[key]) if key in resource else []


def concepts(value: object) -> list[Resource]:
    """The objects a value holds: one (DSTU2, STU3) or many (R4)."""
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    return [value] if isinstance(value, dict) else []


def _first(found: list[Resource]) -> Resource:
    return found[0] if found else {}


def text_in(value: object) -> str | None:
    """A non-empty string, or None."""
    return value.strip() or None if isinstance(value, str) else None


def codes_of(concept: Mapping[str, Any]) -> list[str]:
    """Codes and displays of a concept, and its text."""
    said = []
    for coding in items(concept, "coding"):
        said += [text_in(coding.get("code")), text_in(coding.get("display"))]
    said.append(text_in(concept.get("text")))
    return [text for text in said if text]


def values_of(resource: Mapping[str, Any]) -> list[str]:
    return [value for value in (text_in(i.get("value")) for i in items(resource, "identifier")) if value]


def accession_values(identifiers: list[Resource], systems: tuple[str, ...]) -> list[str]:
    """Values of identifiers that say they are accession numbers: type ACSN, a system of the profile, or a system so named."""
    found = []
    for identifier in identifiers:
        value = text_in(identifier.get("value"))
        if value and _is_accession(identifier, systems):
            found.append(value.removeprefix("urn:oid:"))
    return found


def _is_accession(identifier: Resource, systems: tuple[str, ...]) -> bool:
    kind = identifier.get("type")
    for code in codes_of(kind) if isinstance(kind, dict) else ():
        if code.upper() == "ACSN" or "ACCESSION" in code.upper():
            return True
    system = str(identifier.get("system") or "").lower()
    return "accession" in system or "acsn" in system or any(system == own.lower() for own in systems)


def accessions_of(reader: Reader) -> tuple[str, ...]:
    """ACSN identifiers of the report, its orders and studies; else any identifier of the orders; else the report's own."""
    resource, systems = reader.resource, reader.profile.accession_systems
    found = accession_values(items(resource, "identifier"), systems)
    linked: list[Resource] = []
    logical: list[Resource] = []
    links = [reference for key in _LINKS if key in resource for reference in items(resource, key)]
    if resource.get("resourceType") == "Composition":
        links += _orders_of_composition(resource)
    for context in items(resource, "context") if resource.get("resourceType") == "DocumentReference" else ():
        links += items(context, "related")
    for reference in links:
        if isinstance(reference.get("identifier"), dict):
            logical.append(reference["identifier"])
        target = reader.find(reference)
        if target is not None:
            linked.append(target)
    typed = accession_values(logical, systems) if logical else []
    for target in linked:
        own = items(target, "accession") + items(target, "accessionIdentifier")
        typed += [v for v in (text_in(i.get("value")) for i in own) if v] + accession_values(items(target, "identifier"), systems)
    for where, values in (("identifier", found), ("basedOn or study", typed)):
        if values:
            reader.tell("accession", where, "type ACSN or an accession system")
    if found or typed:
        return tuple(dict.fromkeys([*found, *typed]))
    ordered = [i for i in logical if not (isinstance(i.get("type"), dict) and "PLAC" in codes_of(i["type"]))]
    values = [v for v in (text_in(i.get("value")) for i in ordered) if v and not v.startswith("urn:")]
    if values:
        reader.tell("accession", "basedOn.identifier")
        return tuple(dict.fromkeys(values))
    identifiers = [identifier for holder in (resource, *linked) for identifier in items(holder, "identifier")] + logical
    for wanted in ("FILL", "PLAC"):
        for identifier in identifiers:
            kind, value = identifier.get("type"), text_in(identifier.get("value"))
            if value and isinstance(kind, dict) and wanted in codes_of(kind):
                reader.tell("accession", "identifier", f"type {wanted}")
                return (value,)
    values = [v for v in values_of(resource) if not v.startswith(("urn:oid:", "urn:uuid:"))]
    only = values[:1] or [v for target in linked for v in values_of(target) if not v.startswith("urn:")][:1]
    if only:
        reader.tell("accession", "identifier", "the only number there is")
    return tuple(only)


def _orders_of_composition(composition: Resource) -> list[Resource]:
    """What a Composition documents (`event.detail`, in R5 behind one more `reference`) and the orders its extensions name."""
    details = [detail for event in items(composition, "event") for detail in items(event, "detail")]
    inner = [detail["reference"] if isinstance(detail.get("reference"), dict) else detail for detail in details]
    return inner + [one for extension in items(composition, "extension") for one in items(extension, "valueReference")]


def status_of(resource: Resource, notes: list[str]) -> tuple[Status, str | None]:
    raw = text_in(resource.get("docStatus")) or text_in(resource.get("status"))
    if raw is None:
        return Status.UNKNOWN, None
    status = STATUS_BY_FHIR.get(raw.lower()) or status_said(raw)
    if status is None:
        notes.append("status is no code of DiagnosticReport.status: read as unknown")
    return status or Status.UNKNOWN, raw


def add_indication(reader: Reader, sections: dict[Section, str]) -> None:
    """The order's reason, when the text gives none."""
    if Section.INDICATION in sections:
        return
    for key in _ORDERS:
        for reference in items(reader.resource, key) if key in reader.resource else ():
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


def people_of(reader: Reader, told: Told) -> tuple[Radiologist | None, tuple[Radiologist, ...]]:
    """resultsInterpreter, else a performer who is a person (R4 list, STU3 performer.actor, DSTU2 one reference), else an author."""
    found = _named(reader, reader.resource)
    if not found and (document := reader.shelf.document_of(reader.resource)) is not None:
        found = _named(reader, document)
    if not found and told.author:
        found.append(Radiologist(told.author, "author"))
    if not found and (name := named_reader(told.text)):
        found.append(Radiologist(name, "named-in-text"))
    if not found:
        return None, ()
    chosen = ([person for person in found if person.role == "interpreter" or "adiolog" in person.role] or found)[0]
    reader.tell("radiologist", chosen.role)
    return chosen, tuple(dict.fromkeys(person for person in found if person.id != chosen.id)) if len(found) > 1 else ()


def _named(reader: Reader, holder: Resource) -> list[Radiologist]:
    """Everybody a report or a document names as having read, signed or written it."""
    found: list[Radiologist] = []
    for key, role in _PEOPLE:
        for reference in items(holder, key) if key in holder else ():
            actor = reference.get("actor") or reference.get("party") or reference
            if not isinstance(actor, dict):
                continue
            who = _person(reader, actor)
            if who:
                named = role
                if key != "resultsInterpreter" and isinstance(reference.get("role"), dict):
                    said = codes_of(reference["role"])
                    named = next((text for text in said if not text.isdigit()), role)  # SNOMED CT codes say nothing to a person
                found.append(Radiologist(who, _office(reader, actor, named)))
    return found


def _office(reader: Reader, actor: Resource, named: str) -> str:
    """`trainee` where the role says so, else as the report names it: a resident dictates, another person answers for it."""
    said = [] if named in _ROLES else [named]
    target = reader.find(actor)
    if target is not None:
        said += [text for concept in items(target, "code") for text in codes_of(concept)]
    return "trainee" if said and any(_TRAINEE.search(text) for text in said) else named


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
    shown = text_in(reference.get("display")) if not path else None
    return shown if shown and not _DEPARTMENT.search(shown) else None


def _identifier(identifiers: list[Resource], systems: tuple[str, ...]) -> str | None:
    """The identifier of a preferred system, else the first that is not old."""
    ranked = sorted(
        (i for i in identifiers if text_in(i.get("value")) and i.get("use") != "old"),
        key=lambda i: systems.index(i["system"]) if i.get("system") in systems else len(systems),
    )
    return text_in(ranked[0].get("value")) if ranked else None


def exam_of(reader: Reader, categories: list[str]) -> Exam:
    concept = _first(concepts(reader.resource.get("code") or reader.resource.get("type")))
    codings = items(concept, "coding")
    coding = _first([c for c in codings if "loinc" in str(c.get("system", ""))] or codings)
    shown = [text for c in codings if (text := text_in(c.get("display")))]
    text = text_in(concept.get("text")) or (shown[0] if shown else None)
    names = " ".join(codes_of(concept))
    services = [code for code in categories if modality_of(code, "")]
    service = services[0] if services else ""
    site = ""
    for key in ("imagingStudy", "study"):
        for reference in items(reader.resource, key) if key in reader.resource else ():
            study = reader.find(reference) or {}
            for series in (study, *items(study, "series"), *items(study, "modality")):
                for modality in concepts(series.get("modality")):
                    service = service or text_in(modality.get("code")) or next(iter(codes_of(modality)), "")
                for part in concepts(series.get("bodySite")):
                    site = site or text_in(part.get("display")) or next(iter(codes_of(part)), "")
    return exam(text_in(coding.get("code")), text_in(coding.get("system")), text, service, site, names)


def time_of(reader: Reader, places: tuple[tuple[str, ...], ...]) -> datetime | None:
    for place in places:
        value: Any = reader.resource
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and (found := iso_moment(value, reader.profile.zone)) is not None:
            return found
    return None


def priority_of(reader: Reader) -> Priority | None:
    orders = [reader.find(reference) or {} for key in _ORDERS for reference in items(reader.resource, key)]
    for holder in (reader.resource, *orders):
        said = text_in(holder.get("priority"))
        if said and said.upper() in PRIORITY_BY_CODE:
            return PRIORITY_BY_CODE[said.upper()]
        for extension in items(holder, "extension"):
            if "priority" in str(extension.get("url", "")).lower():
                value = text_in(extension.get("valueCode")) or text_in(extension.get("valueString")) or ""
                if value.upper() in PRIORITY_BY_CODE:
                    return PRIORITY_BY_CODE[value.upper()]
    return None


def patient_of(reader: Reader, key: bytes) -> Patient:
    reference = _first(items(reader.resource, "subject"))
    person = reader.find(reference) or {}
    identifiers = [i for i in items(person, "identifier") if text_in(i.get("value"))] or items(reference, "identifier")
    numbers = [i for i in identifiers if isinstance(i.get("type"), dict) and "MR" in codes_of(i["type"])]
    chosen = _first(numbers or identifiers)
    value = text_in(chosen.get("value"))
    if value is None and isinstance(reference.get("reference"), str):
        value = reference["reference"].split("/_history/", 1)[0].rpartition("/")[2] or None
    born = str(person.get("birthDate") or "")[:4]
    return Patient(
        patient_hash(key, str(chosen.get("system") or ""), value) if value else None,
        int(born) if len(born) == 4 and born.isdigit() and born.isascii() else None,
        SEX_BY_CODE.get(str(person.get("gender") or "").upper()),
    )
