"""Every real message we hold, read once: a table by source, the round trip, and scout's text against an outside author's reading.

python bench/ingest_real.py [FOLDER]     # default: $IMPRESARIO_SHARED_DATA, else ../shared/data
"""

from __future__ import annotations

import collections
import json
import os
import sys
import time
from pathlib import Path

from ingest import er7
from ingest.read import read


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("IMPRESARIO_SHARED_DATA", "../shared/data"))
    began = time.perf_counter()
    table_by_source(folder)
    round_trip(folder)
    scout(folder)
    print(f"{time.perf_counter() - began:.1f} s")


def files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("hl7v2/*/*.hl7"), *folder.glob("fhir/*/*/*.json")])


def table_by_source(folder: Path) -> None:
    """report / ignored / unreadable by code, one row per source."""
    rows: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for path in files(folder):
        source = path.relative_to(folder).parts[0] + "/" + path.relative_to(folder).parts[1]
        rows[source]["files"] += 1
        for reading in read(path.read_bytes()):
            rows[source][reading.outcome if reading.outcome != "unreadable" else f"unreadable: {reading.code}"] += 1
    for source, counts in rows.items():
        print(f"{source:32}", ", ".join(f"{name} {count}" for name, count in counts.items()))


def round_trip(folder: Path) -> None:
    """unparse(parse(b)) == b for every message that parses."""
    same = total = 0
    for path in sorted(folder.glob("hl7v2/*/*.hl7")):
        for message in er7.messages(path.read_bytes()):
            total += 1
            same += er7.unparse(er7.parse(message)) == message
    print(f"round trip: {same} of {total} byte-equal")


def scout(folder: Path) -> None:
    """The department's feed: text, findings, impression and accession equal to the outside author's, blanks aside."""
    rows = [json.loads(line) for line in (folder / "hl7v2/scout_reports.jsonl").read_text().splitlines()]
    equal: collections.Counter[str] = collections.Counter()
    for row in rows:
        path = folder / "hl7v2" / row["file"].removeprefix("messages/")
        (reading,) = read(path.read_bytes())
        report = reading.report
        if report is None:
            print("no report:", path.name, reading.code)
            continue
        equal["accession"] += report.accessions == (row["accession"],)
        for name, ours in (("report_text", report.text), ("findings", report.findings), ("impression", report.impression)):
            same = squeezed(ours) == squeezed(row[name])
            equal[name] += same
            if not same and "-v" in sys.argv:
                print(path.name, name)
    print("scout:", ", ".join(f"{name} {count}/{len(rows)}" for name, count in equal.items()))


def squeezed(text: str) -> str:
    return "".join(text.split())


if __name__ == "__main__":
    main()
