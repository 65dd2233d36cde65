"""Do we accept what fhir.resources accepts? Official examples and mutations of them, verdict against verdict, and the time of both.

    python bench/ingest_fhir_verdicts.py [MUTATIONS] [SEED]      # default 1000, seed 7

A resource is accepted when reading it notes no fault. Prints every kind of difference.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import copy
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fhir.resources.R4B.diagnosticreport import DiagnosticReport

from bench.ingest_speed import resource
from ingest.fhir_shape import faults, is_surely_right, surely_right
from ingest.read import read

VALUES: tuple[Any, ...] = (
    "", " ", "x", "a  b", 5, -1, 1.5, True, None, [], {}, [{}], [None], "2020", "2020-13", "2020-02-31", "2020-01-01T00:00:00", "2020-01-01T00:00:00Z", "final",
    {"reference": "Practitioner/1"}, {"reference": ""}, {"text": "x"}, [{"text": "x"}], [{"value": "A", "type": {"coding": [{"code": "ACSN"}]}}], {"coding": {"code": "x"}},
    [{"contentType": "text/plain", "data": base64.b64encode(b"FINDINGS: Clear.").decode()}], [{"data": "QUJ"}], [{"size": "5"}], [{"url": "x", "valueString": "y"}], [{"valueString": "y"}],
    {"extension": [{"url": "u", "valueCode": "c"}]}, {"start": "2020"}, {"status": "generated", "div": "<div/>"}, {"status": "generated"},
)  # fmt: skip
KEYS = (
    "resourceType id meta implicitRules language text contained extension modifierExtension identifier basedOn status category code subject encounter effectiveDateTime "
    "effectivePeriod issued performer resultsInterpreter specimen result imagingStudy media conclusion conclusionCode presentedForm study foreign _status _conclusion _id"
).split()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    rng = random.Random(seed)
    base = [json.loads(resource(rng)), *examples(Path(os.environ.get("IMPRESARIO_SHARED_DATA", "../shared/data")))]
    corpus = [*base, *(mutated(rng, rng.choice(base)) for _ in range(count))]
    kinds: collections.Counter[str] = collections.Counter()
    for report in corpus:
        ours, theirs = not faults(report, "R4") if report.get("resourceType") == "DiagnosticReport" else False, accepted(report)
        kinds[
            "both accept"
            if ours and theirs
            else "both refuse"
            if not ours and not theirs
            else "we alone accept"
            if ours
            else "they alone accept"
        ] += 1
        if ours != theirs:
            print("  differs:", "surely right" if is_surely_right(report) else "by their own word", json.dumps(report)[:160])
    print(
        f"seed {seed}: {len(base)} examples and {count} mutations:",
        ", ".join(f"{kind} {number}" for kind, number in kinds.most_common()),
    )
    speed([json.dumps(report).encode() for report in base])


def examples(folder: Path) -> list[dict[str, Any]]:
    """Official DiagnosticReports, bare and from Bundles."""
    found = []
    for path in sorted(folder.glob("fhir/*/*/*.json")):
        document = json.loads(path.read_bytes())
        for part in (document, *(entry.get("resource", {}) for entry in document.get("entry", ()))):
            if part.get("resourceType") == "DiagnosticReport":
                found.append(part)
    return found


def mutated(rng: random.Random, report: dict[str, Any]) -> dict[str, Any]:
    work: dict[str, Any] = copy.deepcopy(report)
    for _ in range(rng.choice((1, 1, 2))):
        holder: Any = work
        while rng.random() < 0.5:  # somewhere below
            inner = [
                value
                for value in (holder.values() if isinstance(holder, dict) else holder)
                if isinstance(value, dict | list) and value
            ]
            if not inner:
                break
            holder = rng.choice(inner)
        if isinstance(holder, list):
            holder[rng.randrange(len(holder))] = rng.choice(VALUES)
        elif rng.random() < 0.3 and holder:
            del holder[rng.choice(list(holder))]
        else:
            holder[rng.choice(KEYS if holder is work else [*holder, "foreign"])] = copy.deepcopy(rng.choice(VALUES))
    return work


def accepted(report: dict[str, Any]) -> bool:
    try:
        DiagnosticReport.model_validate_json(json.dumps(report))
        return True
    except Exception:  # noqa: BLE001  it raises KeyError and others for types it does not know: a refusal too
        return False


def verdict(raw: bytes) -> object:
    """What we say of the same bytes, without reading them: the very thing model_validate_json does."""
    return surely_right(raw) is not None or not faults(json.loads(raw), "R4")


def speed(raws: list[bytes]) -> None:
    """Per official example, the median of the ratios and the ratio of the sums; a PDF's text costs milliseconds and they read none."""
    for name, work in (("bytes -> verdict", verdict), ("bytes -> Report, validated", lambda raw: list(read(raw)))):
        theirs, ours = [], []
        for raw in raws:  # one beside the other: what else the machine does meets both
            theirs.append(seconds(DiagnosticReport.model_validate_json, raw))
            ours.append(seconds(work, raw))
        median = statistics.median(their / our for their, our in zip(theirs, ours, strict=True))
        plain = [index for index, raw in enumerate(raws) if b"JVBERi0" not in raw]
        total = sum(theirs[index] for index in plain) / sum(ours[index] for index in plain)
        print(
            f"{name:28} {sum(ours[index] for index in plain) / len(plain) * 1e6:6.0f} µs per example without PDF ({len(plain)}): "
            f"model_validate_json takes {total:.1f} times that, {median:.1f} times in the median of all {len(raws)}"
        )


def seconds(work: Callable[[bytes], object], raw: bytes) -> float:
    """CPU seconds, the best of twenty."""
    best = float("inf")
    for _ in range(20):
        began = time.process_time()
        with contextlib.suppress(Exception):  # an example they refuse takes its time as well
            work(raw)
        best = min(best, time.process_time() - began)
    return best


if __name__ == "__main__":
    main()
