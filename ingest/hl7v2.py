"""One HL7 v2 message -> a `Report`: ORU^R01 and its kin, MDM^T01–T11. Where things stand is the profile's business, not this file's.

Statuses: ingest/tables.py. Text: ingest/narrative.py. Everything else of a message is left alone and never split.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache

from ingest.accessions import accessions_of
from ingest.er7 import Message, parse
from ingest.exam import exam, is_other_diagnostics, modality_of
from ingest.narrative import Narrative, narrative_of
from ingest.parts import results
from ingest.people import assistants_of, radiologist_of
from ingest.places import Reader, Trace
from ingest.profiles.profile import Place, Profile
from ingest.report import Exam, Patient, Report, Section, Status, Unreadable
from ingest.sections import sections_of
from ingest.statuses import status_of
from ingest.tables import MODALITY_BY_CODE, PRIORITY_BY_CODE, SEX_BY_CODE, Priority
from ingest.times import moment

#: HL7 v2.5.1 table 0270: operative report, procedure note. An intervention of radiology is one, and so is an endoscopy.
_ANY_DEPARTMENT = frozenset({"OP", "PN"})
#: Sections of a dictation; beside measurements an "interpretation" alone may be a laboratory's.
_WHOLE_DICTATIONS = (
    frozenset({Section.TECHNIQUE}),
    frozenset({Section.COMPARISON}),
    frozenset({Section.FINDINGS, Section.IMPRESSION}),
)
_DICTATIONS = (*_WHOLE_DICTATIONS, frozenset({Section.IMPRESSION}))
#: OBR-24 of radiology, whatever the exam is called.
_OF_IMAGING = frozenset({"RAD", *MODALITY_BY_CODE})


def message_type(message: Message) -> tuple[str, str]:
    """MSH-9 as (type, trigger); also from ORU_R01, or from the structure alone."""
    header = message.rows("MSH")[0]
    kind, trigger = message.part(header, 9), message.part(header, 9, 2)
    if "_" in kind and not trigger:
        kind, _, trigger = kind.partition("_")
    if not kind:
        kind, _, trigger = message.part(header, 9, 3).partition("_")
    return kind.upper(), trigger.upper()


def read_message(
    raw: bytes | Message, profile: Profile, *, patient_key: bytes, trace: Trace | None = None
) -> tuple[Report | None, str, list[str]]:
    """(report, "", notes), or (None, why it is ignored, notes). Raises `Unreadable`.

    Ignored are messages of other types and of other departments; unreadable is what should have been a report.
    """
    message = raw if isinstance(raw, Message) else parse(raw)
    reader = Reader(message, profile, list(message.notes), trace)
    kind, trigger = message_type(message)
    if kind not in profile.read:
        if len(message.segments) == 1 and len(message.rows("MSH")[0]) < 10:
            raise Unreadable("truncated", "The message ends inside its header: send it again, whole.")
        return None, f"{kind or 'a message without type'}{'^' + trigger if trigger else ''} is no report", reader.notes
    why = _other_department(reader)
    if why:
        return None, why, reader.notes
    if not any(message.lines(name) for name in ("OBR", "TXA", "OBX", "ORC")):
        raise Unreadable(
            "truncated", "The message has a header and nothing to read after it (no OBR, TXA or OBX): send it again, whole."
        )
    narrative = narrative_of(message, profile, is_addendum=trigger in ("T05", "T06"))
    reader.notes.extend(narrative.notes)
    if narrative.numbers and _is_not_imaging(reader, narrative, _WHOLE_DICTATIONS):
        return None, "measurements without dictation or imaging exam are no report", reader.notes
    document = reader.at(Place("TXA", 2)).upper()
    if document in _ANY_DEPARTMENT and _is_not_imaging(reader, narrative, _DICTATIONS):
        return None, f"document {document} (TXA-2) without imaging exam or impression is no report", reader.notes
    return _report(reader, narrative, kind, trigger, patient_key), "", reader.notes


def _other_department(reader: Reader) -> str:
    """Laboratories and wards use ORU too: OBR-24 tells them apart."""
    document = reader.at(Place("TXA", 2)).upper()
    if document in reader.profile.ignore_documents:
        return f"document {document} (TXA-2) is no imaging report"
    rows = reader.rows("OBR")
    services = {reader.message.part(row, 24).upper() for row in rows} - {""}
    if (
        services
        and services <= reader.profile.ignore_services
        and not any(modality_of("", reader.message.part(row, 4, 2)) for row in rows)
    ):
        return f"service {min(services)} (OBR-24) is not imaging"
    if rows and services.isdisjoint(_OF_IMAGING) and all(is_other_diagnostics(reader.message.part(row, 4, 2)) for row in rows):
        return "the exam (OBR-4) is not imaging"
    return ""


def _is_not_imaging(reader: Reader, narrative: Narrative, dictations: tuple[frozenset[Section], ...]) -> bool:
    """No modality anywhere, and none of the sets of sections that only a dictation has."""
    said = sections_of(narrative.pieces).keys()
    return not any(sections <= said for sections in dictations) and _exam(reader).modality is None


def _report(reader: Reader, narrative: Narrative, kind: str, trigger: str, patient_key: bytes) -> Report:
    message, profile = reader.message, reader.profile
    header = reader.rows("MSH")[0]
    accessions = accessions_of(reader, narrative)
    group = reader.first(profile.group, "report group") or None
    document = reader.first(profile.document, "document") if kind == "MDM" else ""
    message_id = message.part(header, 10) or None
    if not accessions and not group and not document:
        raise Unreadable(
            "no-identity", "No accession number where the profile looks: name its place in the profile, or fill OBR-3."
        )
    version, site = message.part(header, 12) or None, message.part(header, 4) or None
    status, raw_status = status_of(reader, kind, trigger)
    radiologist = radiologist_of(reader, narrative)
    assistants = assistants_of(reader, radiologist)
    examined, patient = _exam(reader), _patient(reader, patient_key)
    observed, issued = _time(reader, profile.observed, "observed"), _time(reader, profile.issued, "issued")
    priority = _priority(reader)
    order_group = reader.first(profile.order_group, "order group") or None
    reason = _reason(reader)
    if reader.trace is None:
        message.forget()
    sections = results(status, sections_of(narrative.pieces))
    if reason:
        sections.setdefault(Section.INDICATION, reason)
    return Report(
        kind="hl7v2",
        message_id=message_id,
        message_type=f"{kind}^{trigger}" if trigger else kind,
        version=version,
        accessions=accessions,
        status=status,
        raw_status=raw_status or None,
        report_group=group or (None if accessions else document) or None,
        is_addendum=Section.ADDENDUM in sections or status is Status.APPENDED or trigger in ("T05", "T06"),
        exam=examined,
        radiologist=radiologist,
        assistants=assistants,
        observed=observed,
        issued=issued,
        priority=priority,
        patient=patient,
        sections=sections,
        text=narrative.text,
        attachments=tuple(narrative.attachments),
        site=site,
        order_group=order_group,
    )


def _exam(reader: Reader) -> Exam:
    """OBR-4 (or the profile's place): code^text^system^code^text^system; the modality from OBR-24 or from the exam's name."""
    message, place = reader.message, reader.profile.exam_code
    rows = reader.rows(place.segment)
    texts: list[str] = []
    code = system = None
    for row in rows:
        if place.field >= len(row) or not row[place.field]:
            continue
        text = message.part(row, place.field, 2) or message.part(row, place.field, 5)
        if code is None:
            code = message.part(row, place.field) or message.part(row, place.field, 4) or None
            system = message.part(row, place.field, 3) or message.part(row, place.field, 6) or None
        if text and text not in texts:
            texts.append(text)
    text = " + ".join(texts)
    names = " ".join([*texts, *[message.part(row, place.field, 5) for row in rows]])
    service = ""
    for at in reader.profile.modality:
        service = reader.at(at)
        if service:
            break
    site = next((said for said in map(reader.at, reader.profile.body_part) if said), "")
    return exam(code, system, text or None, service, site, names)


def _reason(reader: Reader) -> str:
    """The order's own reason: the indication, where the text gives none."""
    for place in reader.profile.indication:
        for row in reader.rows(place.segment):
            if place.field < len(row) and row[place.field]:
                message = reader.message
                said = message.part(row, place.field, 2) or message.part(row, place.field, 5) or message.part(row, place.field)
                if said and any(c.isalpha() for c in said):
                    reader.tell("indication", place)
                    return said
    return ""


def _time(reader: Reader, places: tuple[Place, ...], sought: str) -> datetime | None:
    for place in places:
        text = reader.at(place)
        if text:
            found = moment(text, reader.profile.zone)
            if found is not None:
                reader.tell(sought, place)
                return found
    return None


def _priority(reader: Reader) -> Priority | None:
    for place in reader.profile.priority:
        text = reader.at(place)
        if text:
            found = PRIORITY_BY_CODE.get(text.upper())
            if found:
                reader.tell("priority", place, "tables 0485 and 0027")
                return found
    return None


def _patient(reader: Reader, key: bytes) -> Patient:
    """The id as a keyed hash (HMAC-SHA256 of authority and id), year of birth and sex: nothing else of PID is looked at."""
    rows = reader.rows("PID")
    if not rows:
        return Patient()
    row, message = rows[0], reader.message
    identifier = authority = ""
    for number in (3, 2, 4):
        if number < len(row) and row[number]:
            repetition = 1
            if message.repetition in row[number]:
                kinds = [piece.split(message.component) for piece in row[number].split(message.repetition)]
                repetition = next((i for i, kind in enumerate(kinds, 1) if len(kind) > 4 and kind[4] in ("MR", "PI", "MRN")), 1)
            identifier = message.part(row, number, 1, 1, repetition)
            authority = message.part(row, number, 4, 1, repetition)
            if identifier:
                break
    born = message.part(row, 7)[:4]
    return Patient(
        patient_hash(key, authority, identifier) if identifier else None,
        int(born) if len(born) == 4 and born.isdigit() and born.isascii() and "1850" < born < "2200" else None,
        SEX_BY_CODE.get(message.part(row, 8).upper()),
    )


def patient_hash(key: bytes, authority: str, identifier: str) -> str:
    """The same patient of the same authority always has the same hash; without the key it cannot be guessed.

    HMAC-SHA256 (RFC 2104). Half of the work is the key's, and a hospital has one: `hmac` would do it again, in thrice the time.
    """
    kept_inner, kept_outer = _keyed(key)
    inner, outer = kept_inner.copy(), kept_outer.copy()
    inner.update(f"{authority}\x1f{identifier}".encode())
    outer.update(inner.digest())
    return outer.hexdigest()


@lru_cache(maxsize=16)
def _keyed(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The key's share in the inner and the outer hash."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    return hashlib.sha256(bytes(byte ^ 0x36 for byte in block)), hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
