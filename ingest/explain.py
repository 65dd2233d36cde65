"""`impresario read --explain`: for one message every field used, its place, the rule that chose it, and what was left alone.

Values of the text and of the patient are never shown, only how long they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.er7 import Message
from ingest.narrative import section_of
from ingest.places import Trace
from ingest.profiles.profile import Profile

_USED = ("MSH", "PID", "OBR", "OBX", "ORC", "TXA", "TQ1", "IPC", "NTE", "DG1")


def explained(message: Message, profile: Profile, trace: Trace, ignored: str = "") -> Iterator[str]:
    """The explanation, line by line; `ignored` says why there is no report."""
    yield f"profile     {profile.name}: {profile.about}"
    divided = message.field + message.component + message.repetition + message.escape + message.subcomponent
    yield f"bytes       {len(message.segments)} segments, charset {message.encoding}, separators {divided}"
    if ignored:
        yield f"no report   {ignored}"
    for note in message.notes:
        yield f"note        {note}"
    for sought, place, rule in trace:
        yield f"{sought:11} {place:12} {rule}"
    yield from _texts(message, profile)
    left = sorted({segment[:3] for segment in message.segments} - set(_USED))
    if left:
        yield f"left alone  {' '.join(left)}"


def _texts(message: Message, profile: Profile) -> Iterator[str]:
    """Runs of OBX that were read alike."""
    run: tuple[str, str] | None = None
    first = last = letters = 0
    for number, row in enumerate([*message.rows("OBX"), None], 1):
        told = _told(message, profile, row) if row is not None else None
        if told == run and row is not None:
            last, letters = number, letters + len(row[5] if len(row) > 5 else "")
            continue
        if run is not None:
            yield f"{run[0]:11} {'OBX ' + (str(first) if first == last else f'{first}-{last}'):12} {run[1]}, {letters} characters"
        if row is not None:
            run, first, last, letters = told, number, number, len(row[5] if len(row) > 5 else "")


def _told(message: Message, profile: Profile, row: list[str]) -> tuple[str, str]:
    """(what an OBX was read as, why)."""
    kind = row[2] if len(row) > 2 else ""
    identifier = row[3] if len(row) > 3 else ""
    if kind == "ED":
        return "document", "OBX-2 is ED"
    if kind == "RP":
        return "pointer", "OBX-2 is RP"
    if kind not in profile.types:
        return "ignored", f"OBX-2 {kind[:8]} is no narrative"
    section = section_of(message, profile, identifier)
    if section == "-":
        return "ignored", f"OBX-3 {identifier[:40]} is no narrative"
    return "text", f"OBX-3 {identifier[:40] or '(empty)'} means {section or 'nothing by itself: headings decide'}"


def explained_resource(notes: list[str], profile: Profile, trace: Trace) -> list[str]:
    """The same for a FHIR resource."""
    lines = [f"profile     {profile.name}: {profile.about}"]
    lines += [f"repaired    {note}" for note in notes]
    return lines + [f"{sought:11} {place:20} {rule}" for sought, place, rule in trace]
