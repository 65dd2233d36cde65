"""What the engine's desks share: batches of JSON Lines, each line answered in its order, and what may be said of a patient's sex.

A line that cannot be read is answered, too, by its number and never by its words.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import typer

Row = dict[str, Any]
DONE, NO, USAGE = 0, 1, 2
#: As people, HL7 (table 0001) and FHIR say it.
SEXES = frozenset({"", "f", "female", "m", "male", "o", "other", "u", "unknown", "a", "n"})


def answer_all(batch: Path, answer: Callable[[Row], Row], show: Callable[[Row], None], *, wants: str, unread: Row) -> int:
    """Shows an answer under the `id` of each line; one that `answer` refuses with a `ValueError` gets `unread` and its `error`.

    `wants` says what a line needs. Status 1 when a line could not be read: the others are answered all the same.
    """
    status = DONE
    for number, line in enumerate(_lines(batch), start=1):
        if not line.strip():
            continue
        row: Any = None
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("no object")
            answered = answer(row)
        except (ValueError, TypeError, OverflowError, RecursionError):
            reason = f"Line {number} is no JSON object with {wants}; correct it and send it again."
            typer.echo(reason, err=True)
            answered, status = unread | {"error": reason}, NO
        show({"id": row.get("id") if isinstance(row, dict) else None} | answered)
    return status


def sex_in(said: object) -> str:
    """`said` as the engine takes it. Raises `ValueError` for what is none."""
    if str(said or "").strip().lower() not in SEXES:
        raise ValueError("no sex")
    return str(said or "")


def leave(sentence: str) -> NoReturn:
    """Ends with what to do, and the status for wrong usage."""
    typer.echo(sentence, err=True)
    raise typer.Exit(USAGE)


def _lines(batch: Path) -> Iterator[str]:
    try:
        if str(batch) == "-":
            yield from sys.stdin
            return
        with batch.open(encoding="utf-8-sig") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as reason:
        detail = reason.strerror if isinstance(reason, OSError) else "it is not UTF-8 text"
        leave(f"{batch} cannot be read: {detail}. Give a file of JSON Lines in UTF-8.")
