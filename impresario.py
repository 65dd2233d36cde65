"""The front desk: every door of the house behind one command, each imported only when asked for."""

from __future__ import annotations

import importlib
import io
import re
import sys
import tomllib
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError
from typer.core import TyperCommand, TyperGroup

DONE, NO, USAGE, SERVICE_AWAY = 0, 1, 2, 3

#: command -> (the desk that answers it, one line of help)
DESKS = {
    "read": ("ingest.desk", "Read reports from files and say what was understood."),
    "profile": ("ingest.desk", "Look at a sample of a new feed and propose a source profile."),
    "check": ("engine.desk", "Compare an impression with its findings."),
    "facts": ("engine.desk", "Print the facts a text states."),
    "guideline": ("engine.desk", "Say what the imaging guidelines recommend."),
    "draft": ("engine.desk", "Write the impression of one report."),
    "preferences": ("feedback.desk", "List or export what radiologists taught."),
    "switch": ("feedback.desk", "Stop drafts for all, one site or one radiologist, or let them through again."),
    "night": ("trainer.desk", "Train tonight's adapters and promote the better ones."),
    "adapters": ("trainer.desk", "List, promote, roll back, freeze or delete adapters."),
    "agent": ("connectors.desk", "Run the day: reports in, drafts out, signatures kept."),
    "mllp": ("connectors.desk", "Take reports over MLLP, for engines without Kafka, and pass them on."),
    "dead-letters": ("connectors.desk", "List, show or requeue what could not be read."),
    "replay": ("connectors.desk", "Feed stored reports through the agent again."),
    "bench": ("bench.desk", "Measure a fact checker, ours or a vendor's, with the public safety suite."),
    "doctor": ("connectors.desk", "Print the settings and check every service."),
}


class FrontDesk(TyperGroup):
    """Knows every command by name and imports its desk on the first question."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(DESKS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in DESKS:
            return None
        desk, line = DESKS[cmd_name]
        if sys.argv[1:2] in ([], ["--help"]):  # the list of commands needs their names, not their imports
            return TyperCommand(cmd_name, help=line)
        group = typer.main.get_command(importlib.import_module(desk).app)
        return group.commands[cmd_name]  # type: ignore[attr-defined]


app = typer.Typer(cls=FrontDesk, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def welcome(
    show_version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """Impresario drafts the impression of a radiology report in the radiologist's own words, and learns from what they sign.

    Example: impresario read report.hl7 --json
    """
    if show_version:
        typer.echo(version("impresario"))
        raise typer.Exit(DONE)


def main() -> None:
    """Run one command; whatever goes wrong ends as one sentence and an exit status, never as a stack trace."""
    speak_utf8()
    try:
        app()
    except ValidationError as reason:
        for fault in reason.errors(include_input=False, include_url=False):
            name = "_".join(("IMPRESARIO", *map(str, fault["loc"]))).upper()
            why = "there is no such setting" if fault["type"] == "extra_forbidden" else fault["msg"].lower()
            typer.echo(f"{name} is not right: {why}. `impresario doctor` prints every setting.", err=True)
        sys.exit(USAGE)
    except SettingsError as reason:  # a table in the environment that is no JSON
        named = re.search(r'field "(\w+)"', str(reason))
        name = f"IMPRESARIO_{named[1].upper()}" if named else "A setting"
        typer.echo(f"""{name} is not right: write it as JSON, or in impresario.toml.""", err=True)
        sys.exit(USAGE)
    except UnicodeDecodeError:
        typer.echo("What came in is not UTF-8 text: convert it and try again.", err=True)
        sys.exit(USAGE)
    except tomllib.TOMLDecodeError as reason:
        typer.echo(f"impresario.toml is not TOML: {reason}.", err=True)
        sys.exit(USAGE)
    except BrokenPipeError:
        sys.exit(DONE)
    except OSError as reason:
        typer.echo(
            f"This cannot be written or read ({reason.strerror or type(reason).__name__}): look at disk and permissions.",
            err=True,
        )
        sys.exit(SERVICE_AWAY)
    except Exception as fault:  # noqa: BLE001  its text may quote a report: kind and place are enough to mend it
        place = traceback.extract_tb(fault.__traceback__)[-1]
        told = f"{type(fault).__name__} at {Path(place.filename).name}:{place.lineno}"
        typer.echo(f"This is a fault of our own ({told}): tell us that line.", err=True)
        sys.exit(NO)


def speak_utf8() -> None:
    """In and out, whatever the terminal's locale; half a character pair goes out as JSON writes it."""
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


if __name__ == "__main__":
    main()
