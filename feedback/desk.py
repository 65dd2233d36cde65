"""The feedback room's commands: what radiologists taught, and the switches that stop drafts."""

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
from feedback.switches import State, switches, turn
from feedback.tables import Switch
from settings import Settings

NO, USAGE, SERVICE_AWAY = 1, 2, 3

app = typer.Typer(no_args_is_help=True)
preferences = typer.Typer(
    no_args_is_help=True,
    help="What radiologists taught: list it, or export it for training.\n\nExample: impresario preferences list --json",
)
app.add_typer(preferences, name="preferences")
switch = typer.Typer(
    no_args_is_help=True,
    help="Stop drafts, put them in shadow, or let them through again; at once, on every agent.\n\nExample: impresario switch list --json",
)
app.add_typer(switch, name="switch")

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


Everybody = Annotated[bool, typer.Option("--all", help="Everybody's drafts.")]
Site = Annotated[str | None, typer.Option(help="Those of one site: MSH-4 as it sends it, or the `source` header.")]
Reader = Annotated[str | None, typer.Option("--radiologist", help="Those of one radiologist (the hospital's id).")]
By = Annotated[str, typer.Option("--by", help="Who turns it; kept in the audit chain.")]
Why = Annotated[str, typer.Option("--why", help="Why, in words that name no patient; kept in the audit chain.")]


@switch.command("off")
def switch_off(
    by: By, why: Why, everybody: Everybody = False, site: Site = None, radiologist: Reader = None, as_json: AsJson = False
) -> None:
    """Show no draft any more: nothing is written, and what is being written now is not shown. Signatures are still kept.

    Example: impresario switch off --radiologist 1234 --by anna --why "wrong side this morning"
    """
    _turn("off", everybody, site, radiologist, by, why, as_json)


@switch.command("shadow")
def switch_to_shadow(
    by: By, why: Why, everybody: Everybody = False, site: Site = None, radiologist: Reader = None, as_json: AsJson = False
) -> None:
    """Write, check and keep drafts, and show them to nobody; signatures teach all the same.

    Example: impresario switch shadow --site north --by anna --why "first month"
    """
    _turn("shadow", everybody, site, radiologist, by, why, as_json)


@switch.command("on")
def switch_on(
    by: By, why: Why, everybody: Everybody = False, site: Site = None, radiologist: Reader = None, as_json: AsJson = False
) -> None:
    """Lift one switch. Another that names the same report still holds; reports that came meanwhile stay without a draft.

    Example: impresario switch on --radiologist 1234 --by anna --why "rolled back"
    """
    _turn("on", everybody, site, radiologist, by, why, as_json)


@switch.command("list")
def list_switches(as_json: AsJson = False) -> None:
    """Whose drafts are off or in shadow, since when, who turned them and why. Everybody else's are shown.

    Example: impresario switch list --json
    """
    with _books(reading) as session:
        rows = [_standing(row) for row in switches(session)]
    for row in rows:
        typer.echo(
            json.dumps(row) if as_json else f"{row['subject']}: {row['state']} since {row['at']} by {row['by']}: {row['why']}"
        )
    if not rows and not as_json:
        typer.echo("No switch is pulled: everybody's drafts are shown.")


def _turn(state: State, everybody: bool, site: str | None, radiologist: str | None, by: str, why: str, as_json: bool) -> None:
    named = [*(["all"] if everybody else []), *(f"site:{name}" for name in (site,) if name)]
    named += [f"radiologist:{name}" for name in (radiologist,) if name]
    if len(named) != 1:
        typer.echo("impresario: say whose drafts: exactly one of --all, --site and --radiologist.", err=True)
        raise typer.Exit(USAGE)
    (subject,) = named
    at = datetime.now(UTC)
    with _books(transaction) as session:
        changed = turn(session, subject, state, by=by, why=why, at=at)
    if not changed:
        typer.echo(f"impresario: the drafts of {subject} are {state} already: nothing is changed.", err=True)
        raise typer.Exit(NO)
    row = {"subject": subject, "state": state, "by": by, "why": why, "at": at.isoformat()}
    typer.echo(json.dumps(row) if as_json else f"{subject}: {state}.")


def _standing(row: Switch) -> dict[str, str]:
    at = row.changed_at.isoformat()
    return {"subject": row.subject, "state": row.state, "by": row.changed_by, "why": row.why, "at": at}


@contextmanager
def _books(opened: Callable[[Engine], AbstractContextManager[Session]]) -> Iterator[Session]:
    """The configured database, `opened` for reading or for a transaction; what goes wrong is one sentence and an exit status."""
    url = Settings().database
    try:
        with opened(open_database(url)) as session:
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
