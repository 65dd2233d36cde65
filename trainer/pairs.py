"""From preferences to what a night learns from: signed texts to imitate, and pairs to prefer.

Preferences come in as feedback hands them out, without identifiers; examples and pairs go out in the words of engine/prompts.py.
Earlier reports teach, later ones judge: a split by chance would let tomorrow's wording leak into today's lesson.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.prompts import Dictation, personalising
from feedback.preference import Preference
from trainer.rewards import is_faithful


@dataclass(frozen=True, slots=True)
class Example:
    """One signed impression to imitate, and what it was written for."""

    dictation: Dictation
    coarse: str = field(repr=False)
    signed: str = field(repr=False)

    @property
    def prompt(self) -> str:
        return personalising(self.dictation, self.coarse)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two impressions of one report: the one that was signed, and one that was not."""

    prompt: str = field(repr=False)
    chosen: str = field(repr=False)
    rejected: str = field(repr=False)


def split(preferences: Sequence[Preference], held_out: int) -> tuple[list[Preference], list[Preference]]:
    """What teaches and what judges: the last `held_out` signed reports judge. Signed twice counts once, as signed last."""
    in_order = sorted(preferences, key=lambda one: (one.signed_at, one.id))
    by_report = {one.report_id: one for one in in_order if one.chosen.strip()}
    signed = sorted(by_report.values(), key=lambda one: (one.signed_at, one.id))
    cut = max(0, len(signed) - held_out)
    return signed[:cut], signed[cut:]


def teachable(preferences: Sequence[Preference]) -> list[Preference]:
    """Without the edits that changed clinical content to what the findings do not say: learned, those cost facts (.82 -> .78 F1).

    An edit that changed content because the draft was wrong stays: what was signed is faithful.
    """
    return [one for one in preferences if one.change in ("none", "style") or is_faithful(one.dictation, one.chosen)]


def examples_of(preferences: Sequence[Preference]) -> list[Example]:
    """Every signed text, also one signed as shown: it says that the wording was right."""
    return [Example(one.dictation, one.coarse, one.chosen.strip()) for one in preferences]


def pairs_of(preferences: Sequence[Preference]) -> list[Pair]:
    """The edits of wording, as signed before shown."""
    return [
        Pair(personalising(one.dictation, one.coarse), one.chosen.strip(), one.rejected.strip())
        for one in preferences
        if one.is_pair and one.rejected.strip()
    ]
