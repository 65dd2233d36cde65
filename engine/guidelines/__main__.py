"""Writes docs/guidelines.md from the tables: `python -m engine.guidelines` (with `--check` it only says whether the file is current)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from engine.guidelines import GUIDELINES
from engine.guidelines.table import Row, Table, load

PAGE = Path(__file__).parents[2] / "docs" / "guidelines.md"
INTRODUCTION = """# Imaging guidelines

Made from the tables in `engine/guidelines/*.toml` by `python -m engine.guidelines`; change a table, not this page.

`impresario guideline` reads a findings section, decides which guidelines apply, and answers with the row that fits. When an input that
would change the answer is absent it recommends nothing and names the input in `missing`; when no guideline applies, or it cannot tell
whether one does, it is silent. Not medical advice: a site may override any row, and every answer carries its version and citation.

How the answers are written:

- `action`: `none`; `follow-up` (the first next examination may come later than 6 months); `short-follow-up` (it is due within 6 months);
  `further-imaging` (now); `biopsy`; `referral`; `urgent-communication`; null when something is missing.
- `interval_months`: the first next examination, [6, 12] meaning between 6 and 12 months. Null for none, now, biopsy and referral.
- `missing`: the names under "asks for" below.
- A lesion that is denied, resolved, treated or of another organ starts nothing. Benign features win over size. Of several lesions under one
  guideline the one that asks most is answered. Sizes of a prior, distances, slice thicknesses and image numbers are not taken for the size.
"""


def page() -> str:
    """The whole of docs/guidelines.md."""
    tables = [load(name) for name in GUIDELINES]
    rows = sum(len(table.rows) for table in tables)
    contents = "\n".join(f"- [{table.guideline}](#{_anchor(table.guideline)}): {len(table.rows)} rows" for table in tables)
    parts = [
        INTRODUCTION,
        f"{len(tables)} guidelines, {rows} rows:\n\n{contents}\n",
        *("\n".join(_section(table)) for table in tables),
    ]
    return "\n".join(parts)


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.guideline}\n"
    yield f"Version {table.version}. {table.citation}.\n"
    yield f"Applies: {table.applies} Not for: {table.not_for}\n"
    asks = dict.fromkeys(table.inputs.values())
    yield f"Asks for: {', '.join(f'`{name}`' for name in asks)}.\n"
    yield from (f"- {note}" for note in table.notes)
    if table.notes:
        yield ""
    yield "| row | when | category | action | months | modality | recommendation |"
    yield "|---|---|---|---|---|---|---|"
    yield from (_line(row) for row in table.rows)
    yield f"\nSources: {'; '.join(table.sources)}.\n"


def _line(row: Row) -> str:
    when = ", ".join(f"{name.replace('_mm', '').replace('_', ' ')} {_condition(value)}" for name, value in row.when.items())
    months = "" if row.interval is None else "–".join(dict.fromkeys(f"{month:g}" for month in row.interval))
    cells = [row.id, when, row.category or "", row.action or "", months, row.modality or "", row.recommendation]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _condition(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " or ".join(_condition(one) for one in value)
    return str(value).replace(">=", "≥").replace("<=", "≤").replace("<", "&lt;")


def _anchor(title: str) -> str:
    kept = "".join(letter for letter in title.lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def main() -> int:
    """0 written, or current; 1 when `--check` finds the page out of date."""
    text = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == text
        if not current:
            print("docs/guidelines.md is out of date: run `python -m engine.guidelines`.", file=sys.stderr)
        return 0 if current else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
