"""Which exam a message is about: its accession numbers, wherever this sender keeps them (HL7 v2)."""

from __future__ import annotations

import re
from itertools import groupby

from ingest.er7 import Message
from ingest.narrative import Narrative
from ingest.places import Reader
from ingest.profiles.profile import Place

_VISTA_CASE = re.compile(r"(?:\d{3}-)?\d{6}-\d{1,6}\Z")
_NAMED_ACCESSION = re.compile(r"ACC[NS]?(?:ESSION|N|SN)?(?:ID|NBR|NUM)?\Z|ACCESSION|ACSN", re.IGNORECASE)
_SPOKEN_ACCESSION = re.compile(
    r"\bAcc(?:ession)?[ ]?(?:Nos?|Numbers?|Num|#|Nbr|\(s\))?[.]?[ ]?(?:\(s\))?[:#][ ]*((?:[A-Z0-9][A-Z0-9.\-]{3,24}(?:[ ]?[,;&/][ ]?|[ ]and[ ])?){1,8})",
    re.IGNORECASE,
)


def accessions_of(reader: Reader, narrative: Narrative) -> tuple[str, ...]:
    """One accession per OBR: the place a namespace or the text itself proves, else the profile's first place that holds something."""
    found: list[str] = []
    listed = next((numbers for _, text in narrative.pieces[:20] if (numbers := _spoken_accessions(text[:4000]))), [])
    proven = _proven_place(reader, listed)
    places = (proven, *reader.profile.accession) if proven else reader.profile.accession
    for place in places:
        if place.segment == "IPC" and (text := reader.at(place)):
            reader.tell("accession", place)
            found.append(text)
    for of_order, run in groupby(places, lambda place: place.segment == "OBR"):
        if found:
            break
        if of_order:
            found = _of_orders(reader, list(run), proven)
        elif text := reader.first(run, "accession"):
            found = [text]
    found = found or list(narrative.orders)
    if len(listed) > 1 and set(listed) & set(found):
        found.extend(listed)
    return tuple(dict.fromkeys(found))


def _of_orders(reader: Reader, places: list[Place], proven: Place | None) -> list[str]:
    """Of every OBR what its first place that holds something says."""
    found: list[str] = []
    for row in reader.rows("OBR"):
        for place in places:
            texts = _numbers_at(reader.message, row, place)
            if texts:
                reader.tell("accession", place, "proven by its namespace, its neighbours or the text" if place is proven else "")
                found.extend(texts)
                break
    return found


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


def _spoken_accessions(head: str) -> list[str]:
    """The numbers a text calls accession: "Accession Numbers: 123456, 123457"."""
    match = _SPOKEN_ACCESSION.search(head) if "Acc" in head or "ACC" in head or "acc" in head else None
    return (
        [number for number in re.split(r"[\s,;&/]+|\band\b", match[1]) if len(number) > 3 and any(c.isdigit() for c in number)]
        if match
        else []
    )


def _proven_place(reader: Reader, listed: list[str]) -> Place | None:
    """A place whose namespace is called accession, the IHE trio OBR-18/19/20, or the number the text calls accession.

    Never asked when a profile says itself where accessions are.
    """
    rows = reader.rows("OBR")
    if not rows or reader.profile.accession_is_own:
        return None
    row, message = rows[0], reader.message
    for number in (3, 2, 18, 20):
        if number < len(row) and message.component in row[number]:
            kinds = row[number].replace(message.repetition, message.component).split(message.component)[1:]
            if any(_NAMED_ACCESSION.search(kind) for kind in kinds):
                return Place("OBR", number, 1)
    if listed:
        for number in (3, 18, 20, 2):
            if message.part(row, number) in listed:
                return Place("OBR", number, 1)
    if len(row) > 18 and row[18] and _is_number(message.part(row, 18)):
        has_study = any(
            line.split(message.field, 4)[3].startswith("113014")
            for line in message.lines("OBX")[:3]
            if line.count(message.field) > 3
        )
        if has_study or (_is_number(message.part(row, 19)) and _is_number(message.part(row, 20))):
            return Place("OBR", 18, 1)
    return None


def _is_number(text: str) -> bool:
    return len(text) >= 3 and " " not in text and any(c.isdigit() for c in text)
