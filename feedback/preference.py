"""What one signature teaches: a `Preference`, the difference between what was shown and what was signed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from engine.impression import Kind
from engine.prompts import Dictation

#: What the edit was: nothing, wording only, other facts, or other facts that could harm.
Change = Literal["none", "style", "content", "safety"]


@dataclass(frozen=True, slots=True)
class Preference:
    """One draft and the impression signed in its place."""

    id: str
    report_id: str
    radiologist: str
    dictation: Dictation
    coarse: str = field(repr=False)  #: the bare draft
    rejected: str = field(repr=False)  #: what was shown
    chosen: str = field(repr=False)  #: what was signed
    kind: Kind  #: of what was shown
    adapter: str | None
    change: Change
    edit_distance: float  #: 0 signed as shown … 1 nothing kept; see feedback.edits.edit_distance
    signed_at: datetime

    @property
    def is_pair(self) -> bool:
        """Worth a preference pair: the texts differ and the facts do not. Equal texts count, and teach as examples only."""
        return self.change == "style"
