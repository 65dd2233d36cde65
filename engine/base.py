"""What we call a base model: a name that changes when its weights do."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

#: Enough of each weights file to tell two trainings apart without reading tens of gigabytes at every start.
SAMPLE_BYTES = 1 << 20


@cache
def name_of_base(base_model: str) -> str:
    """`<folder name>@<12 hex digits>` for a folder of weights, the name itself for a model named otherwise."""
    folder = Path(base_model)
    weights = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if not weights:
        return base_model
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for file in weights:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(SAMPLE_BYTES))
            stream.seek(max(0, file.stat().st_size - SAMPLE_BYTES))
            digest.update(stream.read(SAMPLE_BYTES))
    return f"{folder.resolve().name}@{digest.hexdigest()[:12]}"
