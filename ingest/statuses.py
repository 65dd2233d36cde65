"""Where a report stands, out of what an HL7 v2 message says in many places. The tables are in ingest/tables.py."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.headings import folded
from ingest.places import Reader
from ingest.profiles.profile import Place, Profile
from ingest.report import Status
from ingest.tables import (
    NOT_YET,
    SIGNED_BY_TRIGGER,
    STATUS_BY_OBR25,
    STATUS_BY_OBX11,
    STATUS_BY_ORC5,
    STATUS_BY_TXA17,
    STATUS_BY_TXA19,
    STATUS_BY_WORD,
)

_TABLES: Mapping[tuple[str, int], Mapping[str, Status | None]] = {
    ("OBR", 25): STATUS_BY_OBR25,
    ("OBX", 11): STATUS_BY_OBX11,
    ("ORC", 5): STATUS_BY_ORC5,
    ("TXA", 17): STATUS_BY_TXA17,
}


#: Never read out of a longer phrase: "transmission error" withdraws nothing.
_GONE = frozenset({Status.CANCELLED, Status.ENTERED_IN_ERROR})


def status_of(reader: Reader, kind: str, trigger: str) -> tuple[Status, str]:
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
        status = _told(reader.profile, place, words)
        if status is not None:
            reader.tell("status", place, "its table")
            table = _TABLES.get(place[:2], STATUS_BY_OBR25)
            raw = (
                raw
                if place[:2] != ("OBX", 11) or raw not in words
                else next((w for w in words if status_word(reader.profile, table, w) is status), raw)
            )
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
    for row in reader.message.each(place.segment):
        if place.field < len(row) and row[place.field]:
            said.append(
                row[place.field] if row[place.field].isalnum() else reader.message.part(row, place.field, place.component or 1)
            )
    return said


def _told(profile: Profile, where: Place, words: list[str]) -> Status | None:
    """One status out of what all segments say: an error only when all say so, a correction when one does, else the least advanced."""
    table = _TABLES.get(where[:2], STATUS_BY_OBR25)
    if len(words) == 1:
        return status_word(profile, table, words[0])
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
    if where[:2] == ("OBX", 11):
        told -= {Status.REGISTERED} if len(told) > 1 else set()
    later = [s for s in (Status.APPENDED, Status.CORRECTED, Status.AMENDED) if s in told]
    early = [s for s in (Status.REGISTERED, Status.PARTIAL, Status.PRELIMINARY) if s in told]
    return early[0] if early else later[0] if later else next(iter(told), Status.UNKNOWN)


def status_word(profile: Profile, table: Mapping[str, Status | None], word: str) -> Status | None:
    """A code of the table, a word of the profile, or a word of the field. An unknown word is `UNKNOWN` only in OBR-25."""
    key = word.strip().upper()
    if key in profile.status_words:
        return profile.status_words[key]
    if key in table:
        return table[key]
    return status_said(word)


def status_said(words: str) -> Status | None:
    """What a phrase says: as it stands, else word by word where all that are known agree: Verified - Final, Nicht freigegeben."""
    said = folded(words).split()
    known = STATUS_BY_WORD.get(" ".join(said))
    if known is not None or len(said) > 5:
        return known
    if not NOT_YET.isdisjoint(said) and any(STATUS_BY_WORD.get(word) is Status.FINAL for word in said):
        return Status.PRELIMINARY
    told = {STATUS_BY_WORD[word] for word in said if word in STATUS_BY_WORD}
    return told.pop() if len(told) == 1 and not told & _GONE else None
