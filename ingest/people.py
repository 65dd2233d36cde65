"""Who read, dictated, assisted and signed: NDL, XCN and CNN fields, and the lines that name them in the text (HL7 v2)."""

from __future__ import annotations

import re

from ingest.endings import is_name, is_office, is_paperwork, opens_trailer, signer
from ingest.er7 import Message
from ingest.narrative import Narrative
from ingest.places import Reader
from ingest.profiles.profile import Place
from ingest.report import Radiologist

ROLE_BY_PLACE = {
    ("OBR", 32): "principal-interpreter", ("OBR", 33): "assistant-interpreter", ("OBR", 34): "technician", ("OBR", 35): "transcriptionist",
    ("TXA", 9): "originator", ("TXA", 10): "assigned-authenticator", ("TXA", 11): "transcriptionist", ("TXA", 22): "authenticator",
    ("OBX", 16): "responsible-observer",
}  # fmt: skip
#: PRT-4, who took part (HL7 v2.9 table 0912), where OBR-32 to 35 and OBX-16 are withdrawn.
ROLE_BY_PARTICIPATION = {
    "PRI": "principal-interpreter", "RO": "responsible-observer", "ARI": "assistant-interpreter", "AI": "assistant-interpreter",
    "TN": "technician", "TR": "transcriptionist",
}  # fmt: skip
_DICTATED = re.compile(
    r"^[ \t*]*(Dictated|Interpreted|Read|Reported|Electronically signed|Signed|Verified|Befundet|Diktiert|Dict[ée]|Sign[ée]|Valid[ée]|Informado|"
    r"Firmado|Laudado|Assinado|Refertato|Firmato|Verslag|Gedicteerd|Ondertekend)"
    r"(?:[ \t]*(?:and signed by|electronically by|digitalmente da|by|von|par|por|da|door)\b[ \t]*:?|[ \t]*:)[ \t]*([^\n]{3,120})$",
    re.IGNORECASE | re.MULTILINE,
)
#: Who types, assists or is in training, where a line says nothing more of who signs.
_TRAINEE = re.compile(
    r"(?:resident|registrar|trainee|fellow|ai?os|anios|arts-ass|assistenz|interne|externe|specializz|tsrm|typ|transcri|getypt|laborant|sonogr|radiogr)",
    re.IGNORECASE,
)
#: How far up from its end a report is signed: characters, lines.
TAIL, LAST_LINES = 800, 10
_TITLES = re.compile(
    r"^(?:(?:i\. ?[VA]\.|gez\.) ?)?(?:(?:Dr|Prof|PD|med|Priv|Doz|Dra|Dott|ssa|Drs|Dres)\b\.?[ -]*)+", re.IGNORECASE
)
_AFTER_NAME = re.compile(
    r"(?: ?\(.*|,? (?:M\.? ?D\.?|D\.?O\.?|MBBS|FRCR|FRANZCR|Ph\.?D\.?)\b.*|, [a-z].*|,? (?:Consultant |Attending |Staff )?Radiolog.*|"
    r",? (?:on|at|am|le|el|il|op|em) \d.*|,? on [A-Z][a-z]{2,8} \d.*|\d.*)$"
)


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


def radiologist_of(reader: Reader, narrative: Narrative) -> Radiologist | None:
    """The first place that names somebody; a document's bare name (TXA) waits for a place that has an id."""
    nameless: Radiologist | None = None
    for place in reader.profile.radiologist:
        for row in reader.message.each(place.segment):
            if place.field >= len(row) or not row[place.field]:
                continue
            field = _component(reader.message, row[place.field], place)
            found = person(reader.message, field)
            if found is None:
                continue
            who = Radiologist(found, ROLE_BY_PLACE.get(place[:2], "interpreter"))
            if place.segment == "TXA" and reader.message.component not in field and not any(c.isdigit() for c in found):
                nameless = nameless or who
                continue
            reader.tell("radiologist", place)
            return who
    for role in ("principal-interpreter", "responsible-observer"):
        for who in _participants(reader):
            if who.role == role:
                reader.tell("radiologist", "PRT-5", "PRT-4, table 0912")
                return who
    if nameless or narrative.author:
        return nameless or Radiologist(str(narrative.author), "author")
    name = named_reader(narrative.text)
    if name:
        reader.tell("radiologist", "the text", "a line that says who dictated or signed")
        return Radiologist(name, "named-in-text")
    return None


def named_reader(text: str) -> str | None:
    """The name on a "Dictated by" line, else on the line that says who signed; without titles and dates."""
    lines = list(_DICTATED.finditer(text))
    spoken = [
        line for line in lines if line[1].lower().startswith(("dict", "dikt", "interpret", "read", "report", "gedict"))
    ] or lines
    for line in spoken:
        name = _plain_name(line[2])
        if name and len(name.split()) <= 6:
            return name
    return _name_below(text)


def _name_below(text: str) -> str | None:
    """Who signs on a line of its own (Fdo. Dra. Ana Ruiz), else the only name below the report, where nothing but paperwork follows it."""
    lines = [line.strip() for line in text[-TAIL:].split("\n") if line.strip()]
    for line in lines[-LAST_LINES:]:
        if (name := _plain_name(signer(line))) and not _TRAINEE.match(line):
            return name
    for at in reversed(range(1, len(lines))):
        if is_name(lines[at]) and not any(is_name(line) for line in lines[:at]):
            return _plain_name(lines[at])
        if not (is_office(lines, at + 1) or is_paperwork(lines[at]) or opens_trailer(lines[at])):
            return None
    return None


def _plain_name(text: str) -> str:
    return _TITLES.sub("", _AFTER_NAME.sub("", text.strip())).strip(" .,;:-*_")


def _component(message: Message, text: str, place: Place) -> str:
    if not place.component:
        return text
    parts = text.split(message.component)
    return parts[place.component - 1] if place.component <= len(parts) else ""


def assistants_of(reader: Reader, radiologist: Radiologist | None) -> tuple[Radiologist, ...]:
    """Everybody else who had a hand in the report, each once per role."""
    message, found = reader.message, []
    for place in reader.profile.assistants:
        for row in message.each(place.segment):
            if place.field < len(row) and row[place.field]:
                role = ROLE_BY_PLACE.get(place[:2], "assistant")
                for repetition in row[place.field].split(message.repetition):
                    who = person(message, repetition)
                    if who and (radiologist is None or who != radiologist.id):
                        found.append(Radiologist(who, role))
    found += [who for who in _participants(reader) if radiologist is None or who.id != radiologist.id]
    return tuple(dict.fromkeys(found))


def _participants(reader: Reader) -> list[Radiologist]:
    """Everybody a PRT segment names (HL7 v2.7 on: PRT-4 the part taken, PRT-5 the person)."""
    found = []
    for row in reader.rows("PRT"):
        role = ROLE_BY_PARTICIPATION.get(reader.message.part(row, 4).upper())
        who = person(reader.message, row[5]) if role and len(row) > 5 else None
        if role and who:
            found.append(Radiologist(who, role))
    return found
