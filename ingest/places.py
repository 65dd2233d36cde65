"""One message and the profile it is read by: what stands at a place, and what `--explain` remembers of the asking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ingest.er7 import Message
from ingest.profiles.profile import Place, Profile

#: What `--explain` shows: (what was sought, where it was found, the rule that chose it).
Trace = list[tuple[str, str, str]]


@dataclass(slots=True)
class Reader:
    """Answers questions about one message, by the standard's numbers."""

    message: Message
    profile: Profile
    notes: list[str] = field(default_factory=list)
    trace: Trace | None = None

    def rows(self, name: str) -> list[list[str]]:
        return self.message.rows(name)

    def at(self, place: Place, fields: list[str] | None = None) -> str:
        """The plain text at a place of the first segment that has it (or of `fields`); "" when nowhere."""
        number = place.field
        for row in self.message.each(place.segment) if fields is None else (fields,):
            if number < len(row) and row[number]:
                text = self.message.part(row, number, place.component or 1, place.subcomponent or 1)
                if text and text != '""':
                    return text
        return ""

    def first(self, places: Iterable[Place], sought: str) -> str:
        """What the first place that holds anything says."""
        for place in places:
            text = self.at(place)
            if text:
                self.tell(sought, place)
                return text
        return ""

    def tell(self, sought: str, found: Place | str, rule: str = "") -> None:
        if self.trace is not None:
            self.trace.append((sought, str(found), rule or f"profile {self.profile.name}"))
