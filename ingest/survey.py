"""`impresario profile`: look at a sample of a new feed, count what stands where, and propose a profile with the counts beside each choice.

Nothing is decided here that an analyst cannot see: every line of the proposal has its evidence as a comment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ingest import er7
from ingest.hl7v2 import message_type
from ingest.narrative import section_of
from ingest.people import person
from ingest.profiles.profile import Place, Profiles, place
from ingest.read import read
from ingest.report import Section, Status, Unreadable
from ingest.tables import STATUS_BY_OBR25, STATUS_BY_OBX11, STATUS_BY_ORC5, STATUS_BY_TXA17, STATUS_BY_WORD

ACCESSION_PLACES = ("IPC-1.1", "OBR-3.1", "OBR-18.1", "OBR-20.1", "OBR-2.1", "ORC-3.1", "ORC-2.1", "TXA-15.1", "TXA-14.1")
READER_PLACES = ("OBR-32", "OBR-33", "TXA-9", "TXA-10", "TXA-22", "OBX-16", "OBR-34", "OBR-35")
STATUS_PLACES = {"OBR-25": STATUS_BY_OBR25, "OBX-11": STATUS_BY_OBX11, "ORC-5": STATUS_BY_ORC5, "TXA-17": STATUS_BY_TXA17}


@dataclass(slots=True)
class Survey:
    """Counts over a sample. Identifiers and texts are counted, never kept."""

    messages: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    accessions: Counter[str] = field(default_factory=Counter)
    distinct: dict[str, set[int]] = field(default_factory=dict)
    spoken: Counter[str] = field(default_factory=Counter)
    readers: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Counter[str]] = field(default_factory=dict)
    value_types: Counter[str] = field(default_factory=Counter)
    meanings: Counter[tuple[str, str]] = field(default_factory=Counter)
    sections: Counter[str] = field(default_factory=Counter)
    with_offset: int = 0
    services: Counter[str] = field(default_factory=Counter)


def survey(payloads: Iterable[bytes], profiles: Path | None = None) -> Survey:
    """Look at every message of every payload."""
    seen = Survey()
    default = Profiles.of(profiles).named("default")
    for raw in payloads:
        for reading in read(raw, profiles=profiles):
            seen.outcomes[reading.outcome if reading.outcome != "unreadable" else f"unreadable: {reading.code}"] += 1
            for section in reading.report.sections if reading.report else ():
                seen.sections[str(section)] += 1
        for message_bytes in er7.messages(raw):
            try:
                message = er7.parse(message_bytes)
            except Unreadable:
                continue
            seen.messages += 1
            kind, trigger = message_type(message)
            seen.types[f"{kind}^{trigger}"] += 1
            if kind in default.read:
                _look(message, seen, default)
    return seen


def _look(message: er7.Message, seen: Survey, default: object) -> None:
    header = message.first("MSH")
    seen.senders[message.part(header, 3)] += 1
    seen.with_offset += any(sign in message.part(header, 7) for sign in "+-")
    text = "\n".join(row[5] for row in message.rows("OBX") if len(row) > 5)
    for name in ACCESSION_PLACES:
        value = _at(message, place(name))
        if value:
            seen.accessions[name] += 1
            seen.distinct.setdefault(name, set()).add(hash(value))
            seen.spoken[name] += value in text
    for name in READER_PLACES:
        seen.readers[name] += any(_names_somebody(message, row, place(name).field) for row in message.rows(name[:3]))
    for name in STATUS_PLACES:
        for word in {message.part(row, place(name).field).upper() for row in message.rows(name[:3])} - {""}:
            seen.statuses.setdefault(name, Counter())[word[:40]] += 1
    for row in message.rows("OBR"):
        seen.services[message.part(row, 24)] += 1
    for row in message.rows("OBX"):
        seen.value_types[row[2] if len(row) > 2 else ""] += 1
        if len(row) > 3 and row[2] in ("TX", "FT", "ST", ""):
            seen.meanings[(_shape(row[3]), section_of(message, default, row[3]))] += 1  # type: ignore[arg-type]


def _at(message: er7.Message, where: Place) -> str:
    return message.part(message.first(where.segment), where.field, where.component or 1)


def _names_somebody(message: er7.Message, row: list[str], number: int) -> bool:
    return number < len(row) and bool(row[number]) and person(message, row[number]) is not None


def _shape(identifier: str) -> str:
    """OBX-3 without its numbers, so that `71260&IMP` and `70450&IMP` count as one."""
    return "".join("9" if c.isdigit() else c for c in identifier[:60]).replace("99999", "9…")


def proposal(seen: Survey) -> str:
    """A profile in TOML; each choice with its evidence."""
    best = _ranked_accessions(seen)
    readers = [name for name, count in seen.readers.most_common() if count]
    lines = [
        f"# Proposed from {seen.messages} messages: {_counts(seen.types)}.",
        f"# Read with the default profile: {_counts(seen.outcomes)}; sections found: {_counts(seen.sections) or 'none'}.",
        'about = "say here what this feed is"',
        "",
        "[match]",
        f"# MSH-3: {_counts(seen.senders)}",
        f'"MSH-3" = [{", ".join(_quoted(name) for name, _ in seen.senders.most_common(3) if name)}]',
        "",
        "[identity]",
        *(
            f"# {name}: filled in {seen.accessions[name]}, {len(seen.distinct.get(name, ()))} different, in the text of {seen.spoken[name]}"
            for name in ACCESSION_PLACES
            if seen.accessions[name]
        ),
        f"accession = [{', '.join(_quoted(name) for name in best)}]",
        "",
        "[reader]",
        *(f"# {name}: filled in {seen.readers[name]} of {seen.messages}" for name in readers),
        f"radiologist = [{', '.join(_quoted(name) for name in sorted(readers, key=READER_PLACES.index) if name not in ('OBR-34', 'OBR-35'))}]",
        "",
        "[times]",
        f"# MSH-7 carries an offset in {seen.with_offset} of {seen.messages}; without one, times are in this zone. Set yours.",
        'zone = "UTC"',
        "",
        *_status_lines(seen),
        "",
        "[text.sections]",
        f"# OBX-2: {_counts(seen.value_types)}",
        *(
            f"# OBX-3 {shape or '(empty)'}: {count} lines, read as {means or 'what their headings say'}"
            for (shape, means), count in seen.meanings.most_common(20)
        ),
    ]
    return "\n".join(lines) + "\n"


def _ranked_accessions(seen: Survey) -> list[str]:
    """Places by: named so in the text, filled, different from message to message; at most three."""

    def worth(name: str) -> tuple[int, int, int]:
        return seen.spoken[name], seen.accessions[name], len(seen.distinct.get(name, ()))

    filled = [name for name in ACCESSION_PLACES if seen.accessions[name] * 2 >= max(seen.messages, 1)]
    ranked = sorted(filled, key=lambda name: (worth(name)[0] > 0, -ACCESSION_PLACES.index(name)), reverse=True)
    varied = [name for name in ranked if len(seen.distinct[name]) * 2 >= seen.accessions[name]]
    return (varied or ranked or ["OBR-3.1"])[:3]


def _status_lines(seen: Survey) -> list[str]:
    lines = ["[status]"]
    filled = [name for name in ("TXA-17", "OBR-25", "OBX-11", "ORC-5") if seen.statuses.get(name)]
    for name in filled:
        lines.append(f"# {name}: {_counts(seen.statuses[name])}")
    lines += [f"places = [{', '.join(_quoted(name) for name in filled)}]", "", "[status.words]"]
    for name in filled:
        table = STATUS_PLACES[name]
        for word in seen.statuses[name]:
            if word not in table and word not in STATUS_BY_WORD:
                lines.append(
                    f'# {_quoted(word)} = "…"   # in {name}, {seen.statuses[name][word]} times, in no table: one of {", ".join(Status)}'
                )
    return lines


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name or '(empty)'} {count}" for name, count in counter.most_common(8))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def as_json(seen: Survey) -> dict[str, object]:
    """The counts, for --json."""
    return {
        "messages": seen.messages,
        "types": dict(seen.types),
        "outcomes": dict(seen.outcomes),
        "accession": {
            name: {"filled": seen.accessions[name], "different": len(seen.distinct.get(name, ())), "in_text": seen.spoken[name]}
            for name in ACCESSION_PLACES
        },
        "reader": dict(seen.readers),
        "status": {name: dict(counter) for name, counter in seen.statuses.items()},
        "sections": {str(section): seen.sections[str(section)] for section in Section},
        "obx2": dict(seen.value_types),
        "profile": proposal(seen),
    }
