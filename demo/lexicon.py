"""What the demo's radiologists can see and how it is called: one TOML table per kind of examination, all written by us.

A concept has one plain name (`noun`), other names used while dictating, and the attributes it can carry. `rank` is its importance:
1 must be acted on today … 4 worth a line in the impression, 5 mentioned in the findings only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

EXAMS = Path(__file__).parent / "exams"
#: Findings of this rank are dictated and left out of an impression.
MINOR = 5

SEVERITIES: Mapping[str, tuple[str, ...]] = {
    "slm": ("small", "moderate", "large"),
    "mms": ("mild", "moderate", "severe"),
    "pc": ("partial", "complete"),
}
SIDES: Mapping[str, tuple[str, ...]] = {"lr": ("left", "right"), "lrb": ("left", "right", "bilateral")}


@dataclass(frozen=True, slots=True)
class Place:
    """One place a finding can be, as said before the noun, after it, and in short."""

    before: str
    after: str
    short: str
    joint: str  #: what leads to it when it stands after the noun
    sided: bool


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that can be seen; `places` is by the words before the noun, which are also its value in a latent finding."""

    id: str
    rank: int
    region: str
    noun: str
    short: str
    also: tuple[str, ...]
    article: bool
    plural: bool
    sides: tuple[str, ...]
    places: Mapping[str, Place]
    severities: tuple[str, ...]
    size: tuple[int, int] | None
    many: bool
    say: tuple[str, ...]
    more: tuple[str, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class ExamKind:
    """One kind of examination: its names and codes, the regions in the order of dictation, and the concepts."""

    id: str
    name: str
    texts: tuple[str, ...]
    code: str
    modality: str
    body_part: str
    normal: str
    symptoms: tuple[str, ...]
    techniques: tuple[str, ...]
    denials: tuple[str, ...]
    regions: Mapping[str, tuple[str, ...]]
    concepts: Mapping[str, Concept]


@cache
def exam_kinds() -> Mapping[str, ExamKind]:
    """Every kind of examination by its id, read once."""
    places = _read_places(EXAMS / "places.toml")
    files = sorted(file for file in EXAMS.glob("*.toml") if file.stem != "places")
    return {file.stem: _read_kind(file, places) for file in files}


def _read_places(file: Path) -> dict[str, dict[str, Place]]:
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        name: {
            item[0]: Place(
                item[0],
                item[min(1, len(item) - 1)],
                item[min(2, len(item) - 1)] if len(item) > 2 else item[0],
                table.get("joint", "in the"),
                table.get("sided", False),
            )
            for item in table["items"]
        }
        for name, table in tables.items()
    }


def _read_kind(file: Path, places: Mapping[str, Mapping[str, Place]]) -> ExamKind:
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return ExamKind(
        id=file.stem,
        name=table["name"],
        texts=tuple(table["texts"]),
        code=table["code"],
        modality=table["modality"],
        body_part=table["body_part"],
        normal=table["normal"],
        symptoms=tuple(table["symptoms"]),
        techniques=tuple(table["techniques"]),
        denials=tuple(table["negatives"]),
        regions={region: tuple(lines) for region, lines in table["regions"].items()},
        concepts={id: _read_concept(id, entry, places) for id, entry in table["findings"].items()},
    )


def _read_concept(id: str, entry: Mapping[str, Any], places: Mapping[str, Mapping[str, Place]]) -> Concept:
    place = "level" if entry.get("level") else entry.get("place")
    size = entry.get("size")
    return Concept(
        id=id,
        rank=entry["rank"],
        region=entry["region"],
        noun=entry["noun"],
        short=entry.get("short", entry["noun"]),
        also=tuple(entry.get("also", ())),
        article=entry.get("article", "a") != "",
        plural=entry.get("plural", False),
        sides=SIDES[entry["side"]] if "side" in entry else (),
        places=places[place] if place else {},
        severities=SEVERITIES[entry["severity"]] if "severity" in entry else (),
        size=(size[0], size[1]) if size else None,
        many=entry.get("many", False),
        say=tuple(entry.get("say", ())),
        more=tuple(entry.get("more", ())),
        advice=entry.get("advice", ""),
    )
