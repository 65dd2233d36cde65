"""Are sections read whoever typed them? Real reports, printed in the layouts of nineteen hospitals, against the sections they were printed from.

    python bench/ingest_layouts.py [FOLDER]      # OpenI reports as openi/dev.jsonl below it; default ../shared/data

Prints the share of reports whose section comes back with the same words, by layout. Needs the real reports; without them it says so.
"""

from __future__ import annotations

import collections
import json
import os
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from ingest.report import Section
from ingest.sections import sections

ORDER = (Section.INDICATION, Section.COMPARISON, Section.FINDINGS, Section.IMPRESSION)
Report = dict[str, str]


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("IMPRESARIO_SHARED_DATA", "../shared/data"))
    path = folder / "openi" / "dev.jsonl"
    if not path.is_file():
        raise SystemExit(f"There are no reports at {path}: name the folder that holds openi/dev.jsonl.")
    reports = [{key: value.strip() for key, value in json.loads(line).items() if isinstance(value, str)} for line in path.open()]
    print(f"{len(reports)} reports; same words, per cent      " + "  ".join(f"{section:>10}" for section in ORDER))
    for name, printed in LAYOUTS.items():
        same: collections.Counter[str] = collections.Counter()
        for report in reports:
            found = sections(printed(report))
            same.update(str(s) for s in ORDER if words(found.get(s, "")) == words(report.get(s, "")))
        print(f"{name:44}" + "  ".join(f"{100 * same[str(s)] / len(reports):10.1f}" for s in ORDER))


def words(text: str) -> list[str]:
    """Words alone: a layout may number, wrap and capitalise."""
    return re.sub(r"(?:^|\s)\d\.(?=\s|$)", " ", text).replace(".", " ").lower().split()


def each(form: Callable[[str, str], str], between: str = "\n") -> Callable[[Report], str]:
    return lambda report: between.join(form(str(s), report[s]) for s in ORDER if words(report.get(s, "")))


def wrapped(form: Callable[[Report], str], width: int) -> Callable[[Report], str]:
    return lambda report: textwrap.fill(form(report), width, break_on_hyphens=False)


def indented(text: str) -> str:
    return textwrap.fill(text, 64, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


LAYOUTS: dict[str, Callable[[Report], str]] = {
    "CAPITALS: on one line each": each(lambda name, text: f"{name.upper()}: {text}"),
    "CAPITALS: above the text": each(lambda name, text: f"{name.upper()}:\n{text}", "\n\n"),
    "CAPITALS above, no colon, no gap": each(lambda name, text: f"{name.upper()}\n{text}"),
    "CAPITALS: a sentence per line": each(lambda name, text: f"{name.upper()}:\n" + text.replace(". ", ".\n")),
    "CAPITALS: text indented and wrapped": each(lambda name, text: f"{name.upper()}:\n{indented(text)}", "\n\n"),
    "CAPITALS: tab": each(lambda name, text: f"{name.upper()}:\t{text}"),
    "CAPITALS - dash": each(lambda name, text: f"{name.upper()} - {text}"),
    "CAPITALS: run together": each(lambda name, text: f"{name.upper()}: {text}", " "),
    "CAPITALS: run together, wrapped": wrapped(each(lambda name, text: f"{name.upper()}: {text}", " "), 70),
    "ALL IN CAPITALS  WIDE GAP": each(lambda name, text: f"{name.upper()}  {text.upper()}"),
    "Title: run together": each(lambda name, text: f"{name.title()}: {text}", " "),
    "Title: run together, wrapped": wrapped(each(lambda name, text: f"{name.title()}: {text}", " "), 70),
    "Title above, no colon": each(lambda name, text: f"{name.title()}\n{text}", "\n\n"),
    "lower: on one line each": each(lambda name, text: f"{name}: {text}"),
    "**Title:** as in Markdown": each(lambda name, text: f"**{name.title()}:** {text}", "\n\n"),
    "[CAPITALS] above": each(lambda name, text: f"[{name.upper()}]\n{text}"),
    "B. CAPITALS: lettered": each(lambda name, text: f"{'ABCD'[[*map(str, ORDER)].index(name)]}. {name.upper()}: {text}"),
    "2. CAPITALS: numbered": each(lambda name, text: f"{[*map(str, ORDER)].index(name) + 1}. {name.upper()}:\n{text}"),
    "signature behind the last words": lambda report: LAYOUTS["CAPITALS: on one line each"](report) + " Electronically signed by A. Reader, MD",
}  # fmt: skip


if __name__ == "__main__":
    main()
