"""One HL7 v2 message -> a `Report`: ORU^R01 and its kin, MDM^T01–T11. Where things stand is the profile's business, not this file's.

Statuses: ingest/tables.py. Text: ingest/narrative.py. Everything else of a message is left alone and never split.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.er7 import Message, parse
from ingest.exam import body_part_of, modality_of
from ingest.narrative import Narrative, narrative_of
from ingest.profiles.profile import Place, Profile
from ingest.report import Exam, Patient, Radiologist, Report, Section, Status, Unreadable
from ingest.sections import sections_of
from ingest.tables import (
    PRIORITY_BY_CODE,
    SEX_BY_CODE,
    SIGNED_BY_TRIGGER,
    STATUS_BY_OBR25,
    STATUS_BY_OBX11,
    STATUS_BY_ORC5,
    STATUS_BY_TXA17,
    STATUS_BY_TXA19,
    STATUS_BY_WORD,
    Priority,
)
from ingest.times import moment

#: What `--explain` shows: (what was sought, where it was found or "", the rule that chose it).
Trace = list[tuple[str, str, str]]
ROLE_BY_PLACE = {
    "OBR-32": "principal-interpreter", "OBR-33": "assistant-interpreter", "OBR-34": "technician", "OBR-35": "transcriptionist",
    "TXA-9": "originator", "TXA-10": "assigned-authenticator", "TXA-11": "transcriptionist", "TXA-22": "authenticator",
    "OBX-16": "responsible-observer",
}  # fmt: skip
_STATUS_TABLES = {"OBR-25": STATUS_BY_OBR25, "OBX-11": STATUS_BY_OBX11, "ORC-5": STATUS_BY_ORC5, "TXA-17": STATUS_BY_TXA17}
_DICTATED = re.compile(
    r"^[ \t*]*(Dictated|Interpreted|Read|Reported|Electronically signed|Signed|Verified|Befundet|Diktiert|Dict[ée]|Sign[ée]|Valid[ée]|Informado|"
    r"Firmado|Laudado|Assinado|Refertato|Firmato|Verslag|Gedicteerd|Ondertekend)"
    r"(?:[ \t]*(?:and signed by|electronically by|digitalmente da|by|von|par|por|da|door)\b[ \t]*:?|[ \t]*:)[ \t]*([^\n]{3,120})$",
    re.IGNORECASE | re.MULTILINE,
)
_TITLES = re.compile(r"^(?:(?:Dr|Prof|PD|med|Priv|Doz|Dra|Dott|ssa|Drs|Dres)\b\.?[ -]*)+", re.IGNORECASE)
_AFTER_NAME = re.compile(r"(?:,? (?:M\.? ?D\.?|D\.?O\.?|MBBS|FRCR|Ph\.?D\.?)\b.*|,? (?:on|at|am|le|el|il|op|em) \d.*|,? on [A-Z][a-z]{2,8} \d.*|\d.*)$")
_VISTA_CASE = re.compile(r"(?:\d{3}-)?\d{6}-\d{1,6}\Z")
_NAMED_ACCESSION = re.compile(r"ACC[NS]?(?:ESSION|N|SN)?(?:ID|NBR|NUM)?\Z|ACCESSION|ACSN", re.IGNORECASE)
_SPOKEN_ACCESSION = re.compile(
    r"\bAcc(?:ession)?[ ]?(?:Nos?|Numbers?|Num|#|Nbr|\(s\))?[.]?[ ]?(?:\(s\))?[:#][ ]*((?:[A-Z0-9][A-Z0-9.\-]{3,24}(?:[ ]?[,;&/][ ]?|[ ]and[ ])?){1,8})",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Reader:
    """One message with its segments sorted by name; the questions below are asked of it."""

    message: Message
    profile: Profile
    fields: dict[str, list[list[str]]]
    notes: list[str] = field(default_factory=list)
    trace: Trace | None = None

    def at(self, place: Place, fields: list[str] | None = None) -> str:
        """The plain text at a place of the first segment that has it (or of `fields`); "" when nowhere."""
        for row in [fields] if fields is not None else self.fields.get(place.segment, ()):
            if place.field < len(row) and row[place.field]:
                text = self.message.part(row, place.field, place.component or 1, place.subcomponent or 1)
                if text and text != '""':
                    return text
        return ""

    def first(self, places: Iterable[Place], sought: str) -> str:
        """What the first place that holds anything says."""
        for place in places:
            text = self.at(place)
            if text:
                self.tell(sought, str(place))
                return text
        return ""

    def tell(self, sought: str, found: str, rule: str = "") -> None:
        if self.trace is not None:
            self.trace.append((sought, found, rule or f"profile {self.profile.name}"))


def message_type(message: Message) -> tuple[str, str]:
    """MSH-9 as (type, trigger); also from ORU_R01, or from the structure alone."""
    header = message.fields(message.segments[0])
    kind, trigger = message.part(header, 9), message.part(header, 9, 2)
    if "_" in kind and not trigger:
        kind, _, trigger = kind.partition("_")
    if not kind:
        kind, _, trigger = message.part(header, 9, 3).partition("_")
    return kind.upper(), trigger.upper()


def read_message(raw: bytes | Message, profile: Profile, *, patient_key: bytes, trace: Trace | None = None) -> tuple[Report | None, str, list[str]]:
    """(report, "", notes), or (None, why it is ignored, notes). Raises `Unreadable`.

    Ignored are messages of other types and of other departments; unreadable is what should have been a report.
    """
    message = raw if isinstance(raw, Message) else parse(raw)
    reader = _sorted(message, profile, trace)
    kind, trigger = message_type(message)
    if kind not in profile.read:
        if len(message.segments) == 1 and len(reader.fields["MSH"][0]) < 10:
            raise Unreadable("truncated", "The message ends inside its header: send it again, whole.")
        return None, f"{kind or 'a message without type'}{'^' + trigger if trigger else ''} is no report", reader.notes
    why = _other_department(reader)
    if why:
        return None, why, reader.notes
    if not any(name in reader.fields for name in ("OBR", "TXA", "OBX", "ORC")):
        raise Unreadable("truncated", "The message has a header and nothing to read after it (no OBR, TXA or OBX): send it again, whole.")
    narrative = narrative_of(reader.message, profile, reader.fields, is_addendum=trigger in ("T05", "T06"))
    reader.notes.extend(narrative.notes)
    report = _report(reader, narrative, kind, trigger, patient_key)
    if narrative.numbers and _is_laboratory(report):
        return None, "measurements without dictation or imaging exam are no report", reader.notes
    return report, "", reader.notes


def _sorted(message: Message, profile: Profile, trace: Trace | None) -> Reader:
    fields: dict[str, list[list[str]]] = {}
    separator = message.field
    last: list[str] = []
    for segment in message.segments:
        row = segment.split(separator)
        name = row[0]
        if name == "MSH":
            row.insert(1, separator)
        if name == "ADD" and fields:  # HL7 v2.5.1 2.10.2: the rest of a field that was too long for its segment
            last[-1] += separator.join(row[1:])
            continue
        last = row
        rows = fields.get(name)
        if rows is None:
            fields[name] = [row]
        else:
            rows.append(row)
    return Reader(message, profile, fields, list(message.notes), trace)


def _other_department(reader: Reader) -> str:
    """Laboratories and wards use ORU too: OBR-24 tells them apart."""
    rows = reader.fields.get("OBR", ())
    services = {reader.message.part(row, 24).upper() for row in rows} - {""}
    if services and services <= reader.profile.ignore_services and not any(modality_of("", reader.message.part(row, 4, 2)) for row in rows):
        return f"service {min(services)} (OBR-24) is not imaging"
    return ""


def _is_laboratory(report: Report) -> bool:
    """Values with units, no modality anywhere, no section that only a dictation has."""
    dictated = report.sections.keys() & {Section.IMPRESSION, Section.TECHNIQUE, Section.COMPARISON}
    return report.exam.modality is None and not dictated


def _report(reader: Reader, narrative: Narrative, kind: str, trigger: str, patient_key: bytes) -> Report:
    message, profile = reader.message, reader.profile
    header = reader.fields["MSH"][0]
    accessions = _accessions(reader, narrative)
    group = reader.first(profile.group, "report group") or None
    document = reader.first(profile.document, "document") if kind == "MDM" else ""
    message_id = message.part(header, 10) or None
    if not accessions and not group and not document:
        raise Unreadable("no-identity", "No accession number where the profile looks: name its place in the profile, or fill OBR-3.")
    status, raw_status = _status(reader, kind, trigger)
    sections = sections_of(narrative.pieces)
    _add_indication(reader, sections)
    radiologist = _radiologist(reader, narrative)
    exam = _exam(reader)
    return Report(
        kind="hl7v2",
        message_id=message_id,
        message_type=f"{kind}^{trigger}" if trigger else kind,
        version=message.part(header, 12) or None,
        accessions=accessions,
        status=status,
        raw_status=raw_status or None,
        report_group=group or (None if accessions else document) or None,
        is_addendum=Section.ADDENDUM in sections or status is Status.APPENDED or trigger in ("T05", "T06"),
        exam=exam,
        radiologist=radiologist,
        assistants=_assistants(reader, radiologist),
        observed=_time(reader, profile.observed, "observed"),
        issued=_time(reader, profile.issued, "issued"),
        priority=_priority(reader),
        patient=_patient(reader, patient_key),
        sections=sections,
        text=narrative.text,
        attachments=tuple(narrative.attachments),
    )


def _accessions(reader: Reader, narrative: Narrative) -> tuple[str, ...]:
    """One accession per OBR: the place a namespace or the text itself proves, else the profile's first place that holds something."""
    found: list[str] = []
    listed = _spoken_accessions(narrative.text)
    proven = _proven_place(reader, listed)
    places = (proven, *reader.profile.accession) if proven else reader.profile.accession
    elsewhere = [place for place in places if place.segment != "OBR"]
    for place in elsewhere:
        if place.segment == "IPC" and (text := reader.at(place)):
            reader.tell("accession", str(place))
            found.append(text)
    if not found:
        in_obr = [place for place in places if place.segment == "OBR"]
        for row in reader.fields.get("OBR", ()):
            for place in in_obr:
                texts = _numbers_at(reader.message, row, place)
                if texts:
                    reader.tell("accession", str(place), "proven by its namespace, its neighbours or the text" if place is proven else "")
                    found.extend(texts)
                    break
    if not found:
        text = reader.first(elsewhere, "accession")
        found = [text] if text else list(narrative.orders)
    if len(listed) > 1 and set(listed) & set(found):
        found.extend(listed)
    return tuple(dict.fromkeys(found))


def _numbers_at(message: Message, row: list[str], place: Place) -> list[str]:
    """The number at a place of one OBR. Repetitions of one kind are several exams; of several kinds, the one called accession counts."""
    if place.field >= len(row) or not row[place.field]:
        return []
    field = row[place.field]
    if message.repetition not in field:
        text = message.part(row, place.field, place.component or 1, place.subcomponent or 1)
        if place.field == 3 and "." in text:  # VistA: 6889271.8764-1^113092-1234^L, the case number is the second component
            second = message.part(row, 3, 2)
            text = second if _VISTA_CASE.match(second) else text
        return [text] if text and text != '""' else []
    kinds: dict[str, list[str]] = {}
    for number in range(1, min(field.count(message.repetition) + 2, 50)):
        text = message.part(row, place.field, place.component or 1, place.subcomponent or 1, number)
        kind = message.part(row, place.field, 2, 1, number)
        if text and text not in kinds.setdefault(kind, []):
            kinds[kind].append(text)
    named = [texts for kind, texts in kinds.items() if _NAMED_ACCESSION.search(kind)]
    return named[0] if named else next((texts for texts in kinds.values() if texts), [])


def _spoken_accessions(text: str) -> list[str]:
    """The numbers a text calls accession: "Accession Numbers: 123456, 123457"."""
    head = text[:4000]
    if "cc" not in head and "CC" not in head:
        return []
    match = _SPOKEN_ACCESSION.search(head)
    return [number for number in re.split(r"[\s,;&/]+|\band\b", match[1]) if len(number) > 3 and any(c.isdigit() for c in number)] if match else []


def _proven_place(reader: Reader, listed: list[str]) -> Place | None:
    """A place whose namespace is called accession, the IHE trio OBR-18/19/20, or the number the text calls accession.

    Never asked when a profile says itself where accessions are.
    """
    rows = reader.fields.get("OBR")
    if not rows or reader.profile.accession_is_own:
        return None
    row, message = rows[0], reader.message
    for number in (3, 2, 18, 20):
        if number < len(row) and message.component in row[number]:
            if any(_NAMED_ACCESSION.search(piece) for piece in re.split(f"[{re.escape(message.component + message.repetition)}]", row[number])[1:]):
                return Place("OBR", number, 1)
    for number in (3, 18, 20, 2):
        if listed and message.part(row, number) in listed:
            return Place("OBR", number, 1)
    trio = [_is_number(message.part(row, number)) for number in (18, 19, 20)]
    if all(trio) or (trio[0] and any(len(obx) > 3 and obx[3].startswith("113014") for obx in reader.fields.get("OBX", ())[:3])):
        return Place("OBR", 18, 1)
    return None


def _is_number(text: str) -> bool:
    return len(text) >= 3 and " " not in text and any(c.isdigit() for c in text)


def _status(reader: Reader, kind: str, trigger: str) -> tuple[Status, str]:
    """The report's status and the sender's own word for it. The first place with a word we know decides."""
    if kind == "MDM":
        if trigger == "T11":
            return Status.CANCELLED, reader.at(Place("TXA", 17)) or "T11"
        gone = STATUS_BY_TXA19.get(reader.at(Place("TXA", 19)).upper())
        if gone:
            reader.tell("status", "TXA-19", "table 0273")
            return gone, reader.at(Place("TXA", 19))
    raw = ""
    for place in reader.profile.status:
        words = _status_words(reader, place)
        raw = raw or next((word for word in words if word), "")
        status = _told(reader.profile, str(place), words)
        if status is not None:
            reader.tell("status", str(place), f"table of {place}")
            if kind == "MDM" and status is Status.FINAL:
                status = SIGNED_BY_TRIGGER.get(trigger, status)
            return status, raw
    if kind == "MDM":
        signed = reader.at(Place("TXA", 22))
        return (SIGNED_BY_TRIGGER.get(trigger, Status.FINAL) if signed else Status.UNKNOWN), raw
    return Status.UNKNOWN, raw


def _status_words(reader: Reader, place: Place) -> list[str]:
    """What a place says in every segment of its name; OBX-11 only counts where a value stands or the text is not sent (U)."""
    said = []
    for row in reader.fields.get(place.segment, ()):
        if place.field < len(row) and row[place.field]:
            said.append(row[place.field] if row[place.field].isalnum() else reader.message.part(row, place.field, place.component or 1))
    return said


def _told(profile: Profile, where: str, words: list[str]) -> Status | None:
    """One status out of what all segments say: an error only when all say so, a correction when one does, else the least advanced."""
    table = _STATUS_TABLES.get(where, STATUS_BY_OBR25)
    told: set[Status] = set()
    for word in dict.fromkeys(words):
        status = status_word(profile, table, word)
        if status is not None:
            told.add(status)
    if not told:
        return None
    if len(told) == 1:
        return told.pop()
    told -= {Status.ENTERED_IN_ERROR, Status.CANCELLED, Status.UNKNOWN}
    if where == "OBX-11":
        told -= {Status.REGISTERED} if len(told) > 1 else set()
    later = [s for s in (Status.APPENDED, Status.CORRECTED, Status.AMENDED) if s in told]
    early = [s for s in (Status.REGISTERED, Status.PARTIAL, Status.PRELIMINARY) if s in told]
    return early[0] if early else later[0] if later else next(iter(told), Status.UNKNOWN)


def status_word(profile: Profile, table: object, word: str) -> Status | None:
    """A code of the table, a word of the profile, or a word of the field. An unknown word is `UNKNOWN` only in OBR-25."""
    key = word.strip().upper()
    if key in profile.status_words:
        return profile.status_words[key]
    assert isinstance(table, dict)
    if key in table:
        status: Status | None = table[key]
        return status
    plain = " ".join(re.sub(r"[^A-Z]+", " ", key.replace("Ä", "A").replace("É", "E")).split())
    return STATUS_BY_WORD.get(plain)


def person(message: Message, text: str) -> str | None:
    """The id in an XCN, CNN or NDL field, else the name as "GIVEN FAMILY". First repetition that says anything.

    `id^family^given`, `id&family&given^start^end`, `^family^given` (HL7 v2.5.1 2.A.9, 2.A.47, 2.A.88).
    """
    for repetition in text.split(message.repetition) if message.repetition in text else (text,):
        parts = repetition.split(message.component)
        if message.subcomponent in parts[0]:
            parts = parts[0].split(message.subcomponent)
        identifier = message.plain(parts[0]).strip()
        if identifier and identifier != '""':
            return identifier
        name = [message.plain(part).strip() for part in parts[1:3]]
        if any(name):
            return " ".join(word for word in reversed(name) if word)
    return None


def _radiologist(reader: Reader, narrative: Narrative) -> Radiologist | None:
    for place in reader.profile.radiologist:
        for row in reader.fields.get(place.segment, ()):
            if place.field < len(row) and row[place.field]:
                found = person(reader.message, _component(reader.message, row[place.field], place))
                if found:
                    reader.tell("radiologist", str(place))
                    return Radiologist(found, ROLE_BY_PLACE.get(f"{place.segment}-{place.field}", "interpreter"))
    if narrative.author:
        return Radiologist(narrative.author, "author")
    name = named_reader(narrative.text)
    if name:
        reader.tell("radiologist", "the text", "a line that says who dictated or signed")
        return Radiologist(name, "named-in-text")
    return None


def named_reader(text: str) -> str | None:
    """The name on a "Dictated by" line, else on the line that says who signed; without titles and dates."""
    lines = list(_DICTATED.finditer(text))
    spoken = [line for line in lines if line[1].lower().startswith(("dict", "dikt", "interpret", "read", "report", "gedict"))] or lines
    for line in spoken:
        name = _TITLES.sub("", _AFTER_NAME.sub("", line[2].strip())).strip(" .,;:-")
        if name and len(name.split()) <= 6:
            return name
    return None


def _component(message: Message, text: str, place: Place) -> str:
    if not place.component:
        return text
    parts = text.split(message.component)
    return parts[place.component - 1] if place.component <= len(parts) else ""


def _assistants(reader: Reader, radiologist: Radiologist | None) -> tuple[Radiologist, ...]:
    """Everybody else who had a hand in the report, each once per role."""
    message, found = reader.message, []
    for place in reader.profile.assistants:
        role = ROLE_BY_PLACE.get(f"{place.segment}-{place.field}", "assistant")
        for row in reader.fields.get(place.segment, ()):
            if place.field < len(row) and row[place.field]:
                for repetition in row[place.field].split(message.repetition):
                    who = person(message, repetition)
                    if who and (radiologist is None or who != radiologist.id):
                        found.append(Radiologist(who, role))
    return tuple(dict.fromkeys(found))


def _exam(reader: Reader) -> Exam:
    """OBR-4 (or the profile's place): code^text^system^code^text^system; the modality from OBR-24 or from the exam's name."""
    message, place = reader.message, reader.profile.exam_code
    rows = reader.fields.get(place.segment, ())
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
    names = " ".join([*texts, *(message.part(row, place.field, 5) for row in rows)])
    service = ""
    for at in reader.profile.modality:
        service = reader.at(at)
        if service:
            break
    site = next((said for said in map(reader.at, reader.profile.body_part) if said), "")
    return Exam(code, system, text or None, modality_of(service, names), body_part_of(site, names))


def _add_indication(reader: Reader, sections: dict[Section, str]) -> None:
    """The order's own reason, when the text gives none."""
    if Section.INDICATION in sections:
        return
    for place in reader.profile.indication:
        for row in reader.fields.get(place.segment, ()):
            if place.field < len(row) and row[place.field]:
                message = reader.message
                said = message.part(row, place.field, 2) or message.part(row, place.field, 5) or message.part(row, place.field)
                if said and any(c.isalpha() for c in said):
                    reader.tell("indication", str(place))
                    sections[Section.INDICATION] = said
                    return


def _time(reader: Reader, places: tuple[Place, ...], sought: str):  # type: ignore[no-untyped-def]
    for place in places:
        text = reader.at(place)
        if text:
            found = moment(text, reader.profile.zone)
            if found is not None:
                reader.tell(sought, str(place))
                return found
    return None


def _priority(reader: Reader) -> Priority | None:
    for place in reader.profile.priority:
        text = reader.at(place)
        if text:
            found = PRIORITY_BY_CODE.get(text.upper())
            if found:
                reader.tell("priority", str(place), "tables 0485 and 0027")
                return found
    return None


def _patient(reader: Reader, key: bytes) -> Patient:
    """The id as a keyed hash (HMAC-SHA256 of authority and id), year of birth and sex: nothing else of PID is looked at."""
    rows = reader.fields.get("PID")
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
    """The same patient of the same authority always has the same hash; without the key it cannot be guessed."""
    return hmac.digest(key, f"{authority}\x1f{identifier}".encode(), "sha256").hex()
