"""The shelf: one folder per adapter version, never changed in place, and a pointer per radiologist to the promoted one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class BrokenAdapter(Exception):
    """The files on the shelf are not the ones that were put there, or do not fit the base model: refused before it is loaded."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One version of one radiologist's LoRA adapter; `version` is `<night>-<first 12 of sha256>`."""

    radiologist: str
    version: str
    folder: Path
    sha256: str
    base_model: str
    night: str
    metrics: Mapping[str, float] = field(default_factory=dict)
