"""`impresario read` and `impresario profile`: this room's questions, asked from a terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.profiles import BadProfile
from ingest.read import explain as explain_bytes
from ingest.read import read as read_bytes
from ingest.report import Reading, Report, Unreadable
from settings import Settings

DONE, NO, USAGE = 0, 1, 2

app = typer.Typer(no_args_is_help=True)


@app.callback()
def ingest() -> None:
    """Bytes in, reports out."""


@app.command()
def read(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files of HL7 v2 or FHIR; - or nothing reads from standard input.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Name of the source profile.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per message or resource.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print for each message which field was used, and why.")] = False,
) -> None:
    """Read reports from files and say what was understood.

    Example: impresario read report.hl7 --json
    """
    settings = Settings()
    worst = DONE
    if explain:
        raise typer.Exit(_explain(files or [Path("-")], source or settings.source, settings, as_json))
    for name, raw in _contents(files or [Path("-")]):
        try:
            for reading in read_bytes(
                raw,
                source=source or settings.source,
                profiles=settings.profiles,
                patient_key=settings.patient_key.get_secret_value().encode(),
                max_bytes=settings.max_message_bytes,
            ):
                worst = max(worst, NO if reading.outcome == "unreadable" else DONE)
                typer.echo(json.dumps(as_line(name, reading), ensure_ascii=False) if as_json else in_words(name, reading))
        except BadProfile as reason:
            typer.echo(str(reason), err=True)
            raise typer.Exit(USAGE) from None
    raise typer.Exit(worst)


@app.command()
def profile(
    files: Annotated[list[Path], typer.Argument(help="A sample of the new feed; - reads from standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="The counts and the proposal as one JSON document.")] = False,
) -> None:
    """Look at a sample of a new feed and propose a source profile, with the counts behind each choice.

    Example: impresario profile sample/*.hl7 > profiles/our_ris.toml
    """
    from ingest.survey import as_json as counted
    from ingest.survey import proposal, survey

    try:
        seen = survey((raw for _, raw in _contents(files)), Settings().profiles)
    except BadProfile as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(USAGE) from None
    if not seen.messages and not as_json:
        typer.echo("There is no message in it to learn from: `impresario read` says of each file why.", err=True)
        raise typer.Exit(NO)
    typer.echo(json.dumps(counted(seen), ensure_ascii=False) if as_json else proposal(seen), nl=as_json)
    raise typer.Exit(DONE if seen.messages else NO)


def _explain(files: list[Path], source: str, settings: Settings, as_json: bool) -> int:
    key = settings.patient_key.get_secret_value().encode()
    status = DONE
    for name, raw in _contents(files):
        try:
            told = list(explain_bytes(raw, source=source, profiles=settings.profiles, patient_key=key))
            for index, lines in enumerate(told):
                if as_json:
                    typer.echo(json.dumps({"file": name, "index": index, "explained": list(lines)}, ensure_ascii=False))
                else:
                    typer.echo("\n".join([f"{name} [{index}]", *(f"  {line}" for line in lines)]))
            if not told:
                raise Unreadable("no-header", "no message and no resource is in it.")
        except BadProfile as reason:
            typer.echo(str(reason), err=True)
            raise typer.Exit(USAGE) from None
        except Unreadable as reason:
            typer.echo(f"{name}: unreadable ({reason.code}): {reason.message}", err=True)
            status = NO
    return status


def _contents(files: list[Path]) -> list[tuple[str, bytes]]:
    found = []
    for path in files:
        if str(path) == "-":
            found.append(("-", sys.stdin.buffer.read()))
            continue
        try:
            found.append((str(path), path.read_bytes()))
        except OSError as error:
            typer.echo(f"{path} cannot be read ({error.strerror}): check the name.", err=True)
            raise typer.Exit(USAGE) from None
    return found


def as_line(file: str, reading: Reading) -> dict[str, Any]:
    """One reading as docs/interface.md promises it."""
    return {
        "file": file,
        "index": reading.index,
        "outcome": reading.outcome,
        "code": reading.code,
        "message": reading.message,
        "report": as_json_report(reading.report) if reading.report else None,
        "notes": list(reading.notes),
    }


def as_json_report(report: Report) -> dict[str, Any]:
    """A report in the contract's words."""
    return {
        "kind": report.kind,
        "message_id": report.message_id,
        "message_type": report.message_type,
        "version": report.version,
        "accessions": list(report.accessions),
        "report_group": report.report_group or report.order_group,
        "status": str(report.status),
        "raw_status": report.raw_status,
        "is_addendum": report.is_addendum,
        "exam": {
            "code": report.exam.code,
            "system": report.exam.system,
            "text": report.exam.text,
            "modality": report.exam.modality,
            "body_part": report.exam.body_part,
        },
        "radiologist": {"id": report.radiologist.id, "role": report.radiologist.role} if report.radiologist else None,
        "assistants": [{"id": person.id, "role": person.role} for person in report.assistants],
        "observed": report.observed.isoformat() if report.observed else None,
        "issued": report.issued.isoformat() if report.issued else None,
        "priority": report.priority,
        "patient": {"id_hash": report.patient.id_hash, "birth_year": report.patient.birth_year, "sex": report.patient.sex},
        "sections": {str(section): text for section, text in report.sections.items()},
        "text": report.text,
        "attachments": [{"content_type": a.content_type, "bytes": a.bytes} for a in report.attachments],
        "awaits_impression": report.awaits_impression,
        "is_signed": report.is_signed,
    }


def in_words(file: str, reading: Reading) -> str:
    """One line a person can scan; no words of the report."""
    if reading.report is None:
        return f"{file} [{reading.index}]: {reading.outcome} ({reading.code}): {reading.message}"
    report = reading.report
    sections = ", ".join(str(section) for section in report.sections) or "no sections"
    reader = report.radiologist.id if report.radiologist else "nobody named"
    return f"{file} [{reading.index}]: report {' + '.join(report.accessions)}, {report.status}, read by {reader}: {sections}"
