"""The feedback room's commands: what radiologists taught, listed or exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine
from sqlmodel import Session

from feedback import audit
from feedback.capture import preferences_of
from feedback.database import DatabaseUnavailable, open_database, reading, transaction
from feedback.preference import Preference
from settings import Settings

USAGE, SERVICE_AWAY = 2, 3

app = typer.Typer(no_args_is_help=True)
preferences = typer.Typer(no_args_is_help=True, help="What radiologists taught: list it, or export it for training.")
app.add_typer(preferences, name="preferences")

Who = Annotated[str | None, typer.Option("--radiologist", help="Only of this radiologist (the hospital's id).")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many, the most recent ones.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON Lines on standard output.")]


@app.callback()
def desk() -> None:
    """What radiologists taught."""


@preferences.command("list")
def list_preferences(radiologist: Who = None, limit: Limit = 1000, as_json: AsJson = False) -> None:
    """One line per signed draft: who, when, and how much was changed. No report text.

    Example: impresario preferences list --radiologist 1234 --json
    """
    with _books(reading) as session:
        rows = [_listed(preference) for preference in preferences_of(session, radiologist, limit)]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    table = Table("signed", "radiologist", "report", "kind", "change", "edit distance")
    for row in rows:
        table.add_row(*(str(row[name]) for name in ("signed_at", "radiologist", "report_id", "kind", "change", "edit_distance")))
    Console().print(table)


@preferences.command("export")
def export_preferences(radiologist: Who = None, limit: Limit = 100_000, as_json: AsJson = False) -> None:
    """The preferences with their texts, without the people in them, as JSON Lines. The export is noted in the audit chain.

    Example: impresario preferences export --json > preferences.jsonl
    """
    with _books(transaction) as session:
        taught = preferences_of(session, radiologist, limit)
        told = {"count": len(taught), "radiologist": radiologist or "all"}
        audit.append(session, actor="desk", act="preferences exported", subject="preferences", details=told, at=datetime.now(UTC))
    for preference in taught:
        typer.echo(json.dumps(_exported(preference), ensure_ascii=False))


@contextmanager
def _books(opened: Callable[[Engine], AbstractContextManager[Session]]) -> Iterator[Session]:
    """The configured database, `opened` for reading or for a transaction; what goes wrong is one sentence and an exit status."""
    try:
        with opened(open_database(Settings().database)) as session:
            yield session
    except ValueError as wrong:
        typer.echo(f"impresario: {wrong}", err=True)
        raise typer.Exit(USAGE) from None
    except DatabaseUnavailable as away:
        typer.echo(f"impresario: {away}", err=True)
        raise typer.Exit(SERVICE_AWAY) from None


def _listed(preference: Preference) -> dict[str, object]:
    return {
        "id": preference.id,
        "report_id": preference.report_id,
        "radiologist": preference.radiologist,
        "signed_at": preference.signed_at.isoformat(),
        "kind": preference.kind.value,
        "adapter": preference.adapter,
        "change": preference.change,
        "edit_distance": round(preference.edit_distance, 4),
    }


def _exported(preference: Preference) -> dict[str, object]:
    dictation = preference.dictation
    return _listed(preference) | {
        "exam": dictation.exam,
        "indication": dictation.indication,
        "comparison": dictation.comparison,
        "findings": dictation.findings,
        "coarse": preference.coarse,
        "rejected": preference.rejected,
        "chosen": preference.chosen,
    }
