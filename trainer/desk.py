"""The trainer's desk: `night` and `adapters` on the command line."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from engine.adapters import Adapter, BrokenAdapter, NoSuchAdapter, Shelf, State, verify
from feedback import audit
from feedback.database import DatabaseUnavailable, open_database, transaction
from feedback.nights import NightOutcome
from feedback.outbox import send
from settings import Settings
from trainer.judge import Gate
from trainer.nightly import NightUnderWay, Plan, School, event, record_states, train_tonight

app = typer.Typer()
shelf_desk = typer.Typer(no_args_is_help=True)
app.add_typer(shelf_desk, name="adapters")

Version = Annotated[str, typer.Argument(help="An adapter version, as `impresario adapters list` shows it.")]
Whose = Annotated[str | None, typer.Option(help="Whose, when two radiologists have a version of that name.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@app.callback()
def desk() -> None:
    """Nights and adapters."""


@app.command()
def night(
    date: Annotated[str | None, typer.Option(help="The day it ends, as 2026-11-21; today when left out.")] = None,
    radiologist: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    rehearsal: Annotated[bool, typer.Option(help="Weaker proof for demonstrations with few reports. Not for patients.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train tonight's adapters and promote the better ones. Run twice, it trains nothing twice.

    Example: impresario night --date 2026-11-21 --json
    """
    with one_sentence_if_it_fails():
        settings = Settings()
        base = Path(settings.base_model)
        if not (base / "config.json").exists():
            leave("Training needs the base model's weights in a folder: set IMPRESARIO_BASE_MODEL to one.", 2)
        plan = plan_of(settings, date, rehearsal)
        began = datetime.now(UTC)
        outcomes = train_tonight(
            plan,
            database=the_database(settings),
            shelf=Shelf(settings.shelf),
            school=School.of(base, settings.seed),
            clock=lambda: datetime.now(UTC),
            only=radiologist,
        )
    seconds = (datetime.now(UTC) - began).total_seconds()
    if as_json:
        told = [as_row(outcome) for outcome in outcomes]
        typer.echo(json.dumps({"night": plan.night, "gate": plan.gate.name, "seconds": round(seconds, 3), "radiologists": told}))
    else:
        typer.echo("\n".join(in_words(outcome) for outcome in outcomes) or "Nobody has signed a drafted report yet.")
    raise typer.Exit(1 if any(outcome.verdict == "failed" for outcome in outcomes) else 0)


@shelf_desk.callback()
def adapters() -> None:
    """List, promote, roll back, freeze or delete adapters.

    Example: impresario adapters list --json
    """


@shelf_desk.command("list")
def list_adapters(radiologist: Whose = None, as_json: AsJson = False) -> None:
    """Every adapter ever made, one line each.

    Example: impresario adapters list --radiologist r17 --json
    """
    with one_sentence_if_it_fails():
        for adapter, state in Shelf(Settings().shelf).all():
            if radiologist in (None, adapter.radiologist):
                show(adapter, state, as_json)


@shelf_desk.command()
def card(version: Version, radiologist: Whose = None, as_json: AsJson = False) -> None:
    """Where an adapter comes from, what it learned from and how it was judged.

    Example: impresario adapters card 2026-11-21-0123456789ab --json
    """
    with one_sentence_if_it_fails():
        shelf = Shelf(Settings().shelf)
        typer.echo(json.dumps(shelf.card(shelf.find(version, radiologist)), indent=None if as_json else 2, ensure_ascii=False))


@shelf_desk.command()
def promote(version: Version, radiologist: Whose = None, as_json: AsJson = False) -> None:
    """Let a version write from now on, whatever the gate said. Ends a freeze.

    Example: impresario adapters promote 2026-11-21-0123456789ab
    """
    with acting() as (shelf, database, settings):
        adapter = shelf.find(version, radiologist)
        base = Path(settings.base_model)
        verify(adapter, base if (base / "config.json").exists() else None)
        shelf.promote(adapter)
        record_act(database, shelf, adapter, "adapter.promoted", settings)
        show(adapter, "promoted", as_json)


@shelf_desk.command()
def rollback(
    radiologist: Annotated[str, typer.Argument(help="The radiologist whose previous adapter is to write again.")],
    as_json: AsJson = False,
) -> None:
    """Let the previous version write again, or the bare draft when there was none.

    Example: impresario adapters rollback r17
    """
    with acting() as (shelf, database, settings):
        stepped_back_from = shelf.promoted_for(radiologist)
        previous = shelf.roll_back(radiologist)
        assert stepped_back_from  # roll_back refuses otherwise
        record_act(
            database, shelf, stepped_back_from, "adapter.rolled-back", settings, now=previous.version if previous else None
        )
        show(stepped_back_from, "kept", as_json)
        if previous:
            show(previous, "promoted", as_json)


@shelf_desk.command()
def freeze(
    radiologist: Annotated[str, typer.Argument(help="The radiologist whose present adapter is to stay.")], as_json: AsJson = False
) -> None:
    """Keep the present version: nights promote nothing over it until a version is promoted by hand.

    Example: impresario adapters freeze r17
    """
    with acting() as (shelf, database, settings):
        adapter = shelf.freeze(radiologist)
        record_act(database, shelf, adapter, "adapter.frozen", settings)
        show(adapter, "frozen", as_json)


@shelf_desk.command()
def delete(version: Version, radiologist: Whose = None, as_json: AsJson = False) -> None:
    """Take an adapter's weights off the shelf; its card stays. If it was writing, the bare draft is shown from now on.

    Example: impresario adapters delete 2026-11-21-0123456789ab
    """
    with acting() as (shelf, database, settings):
        adapter = shelf.find(version, radiologist)
        shelf.delete(adapter)
        record_act(database, shelf, adapter, "adapter.deleted", settings)
        show(adapter, "deleted", as_json)


# ── helpers, in the order of their first use ────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def one_sentence_if_it_fails() -> Iterator[None]:
    """Whatever goes wrong ends as one sentence and an exit status."""
    try:
        yield
    except (NoSuchAdapter, BrokenAdapter, NightUnderWay) as reason:
        leave(f"{str(reason)[:1].upper()}{str(reason)[1:]}.", 1)
    except DatabaseUnavailable as reason:
        leave(str(reason), 3)
    except OSError as reason:
        leave(f"The shelf cannot be used: {reason.strerror or type(reason).__name__}. Look at IMPRESARIO_SHELF and its disk.", 3)


def the_database(settings: Settings) -> Engine:
    try:
        return open_database(settings.database)
    except ValueError as reason:
        leave(str(reason), 2)


def plan_of(settings: Settings, day: str | None, rehearsal: bool) -> Plan:
    """Tonight as the settings want it. A day that is named ends at its midnight, by this machine's clock."""
    before = None
    if day is not None:
        try:
            before = datetime.combine(date.fromisoformat(day) + timedelta(days=1), time()).astimezone()
        except ValueError:
            leave("--date wants a day such as 2026-11-21.", 2)
    return Plan(
        night=day or date.today().isoformat(),
        gate=Gate.rehearsal() if rehearsal else Gate(),
        enough=settings.enough_preferences,
        held_out=settings.held_out,
        window=settings.window,
        before=before,
        topic_events=settings.topic_events,
    )


def as_row(outcome: NightOutcome) -> dict[str, Any]:
    """One radiologist's night in the contract's words; a text that was not there to compare with is null."""
    distances = {who: outcome.edit_distance.get(who) for who in ("draft", "own", "other", "incumbent")}
    return {**{name: value for name, value in asdict(outcome).items() if name != "night"}, "edit_distance": distances}


def in_words(outcome: NightOutcome) -> str:
    return f"{outcome.radiologist}: {outcome.verdict.replace('_', ' ')} ({outcome.preferences} signed reports): {outcome.reason}"


@contextmanager
def acting() -> Iterator[tuple[Shelf, Engine, Settings]]:
    """Open the database before the shelf is touched, so that nothing is done that cannot be recorded."""
    with one_sentence_if_it_fails():
        settings = Settings()
        yield Shelf(settings.shelf), the_database(settings), settings


def record_act(database: Engine, shelf: Shelf, adapter: Adapter, what: str, settings: Settings, **more: Any) -> None:
    """What a person did to the shelf: states, proof and event in one transaction."""
    at = datetime.now(UTC)
    said = {"version": adapter.version, "sha256": adapter.sha256, **more}
    with transaction(database) as session:
        record_states(session, shelf, adapter.radiologist, at)
        act = what.replace(".", " ")
        number = audit.append(session, actor="person", act=act, subject=adapter.radiologist, details=said, at=at)
        told = {"radiologist": adapter.radiologist, "adapter": adapter.version, "act": number, **more}
        send(session, [event(settings.topic_events, what, adapter.radiologist, told, at)], at)


def show(adapter: Adapter, state: State, as_json: bool) -> None:
    if not as_json:
        typer.echo(f"{adapter.radiologist}  {adapter.version}  {state}")
        return
    row = {
        "radiologist": adapter.radiologist,
        "version": adapter.version,
        "state": state,
        "base_model": adapter.base_model,
        "night": adapter.night,
        "sha256": adapter.sha256,
        "metrics": dict(adapter.metrics),
    }
    typer.echo(json.dumps(row, ensure_ascii=False))


def leave(sentence: str, status: int) -> typing.NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(status)
