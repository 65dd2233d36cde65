"""Every real message we were given, through a real broker: drafted, signed, ignored or set aside, and none of it lost."""

from __future__ import annotations

import uuid
from collections import Counter
from pathlib import Path

import pytest

from bench.chaos_feed import WAYS, files_under, through_the_agent, way_of


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["hl7v2", "fhir"])
def test_every_real_message_is_accounted_for(kind: str, shared_data: Path, kafka_bootstrap: str, tmp_path: Path) -> None:
    files = files_under(shared_data / kind)
    assert len(files) > 60

    ended = through_the_agent(files, kafka_bootstrap, f"sqlite:///{tmp_path}/impresario.db", f"feed-{uuid.uuid4().hex[:8]}")

    counts = Counter(way_of(outcome, code) for _, outcome, code in ended)
    assert sum(counts[way] for way in WAYS) == len(files)
    assert counts["signed"] > 0
    faults = {code for _, _, code in ended} & {"reader-failed", "not-handled"}
    assert not faults, [file.name for file, _, code in ended if code in faults]
