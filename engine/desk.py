"""The engine's desk: `draft`, `check`, `facts`, `guideline` on the command line."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing
from pathlib import Path
from typing import Annotated

import typer

from engine import check_desk, guideline_desk
from engine.adapters import Adapter, Shelf
from engine.impression import Impression
from engine.vllm import VllmModel
from engine.vllm_server import local_server
from engine.write import ModelUnavailable, write_impression
from ingest.profiles import BadProfile
from ingest.read import read
from ingest.report import Report
from settings import Settings

app = typer.Typer()
for room in (check_desk.app, guideline_desk.app):
    app.registered_commands += room.registered_commands


@app.callback()
def desk() -> None:
    """Drafts, checks, facts and guidelines."""


@app.command()
def draft(
    file: Annotated[Path, typer.Argument(help="A file with one report (HL7 v2 or FHIR); `-` reads standard input.")],
    source: Annotated[str | None, typer.Option(help="Source profile.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Write the impression of one report, without Kafka.

    Example: impresario draft report.hl7 --json
    """
    settings = Settings()
    try:
        report = _the_report(file, settings, source)
    except BadProfile as reason:
        _leave(str(reason), 2)
    adapter = Shelf(settings.shelf).promoted_for(report.radiologist.id) if report.radiologist else None
    try:
        impression = _write(report, adapter, settings)
    except ModelUnavailable as reason:
        _leave(f"{reason}. Start vLLM or set IMPRESARIO_VLLM; `impresario doctor` checks it.", 3)
    if impression is None:
        _leave("Nothing trustworthy can be said of these findings: they state no fact we can read.", 1)
    typer.echo(json.dumps(answer(report, impression), ensure_ascii=False) if as_json else in_words(impression))


def answer(report: Report, impression: Impression) -> dict[str, object]:
    """The contract's JSON for one draft."""
    return {
        "report": report.id,
        "draft_id": impression.draft_id,
        "kind": impression.kind,
        "text": impression.text,
        "coarse": impression.coarse,
        "sentences": [
            {"text": s.text, "status": s.status, "evidence": [dataclasses.asdict(e) for e in s.evidence], "rule": s.rule}
            for s in impression.sentences
        ],
        "flags": [
            {
                "class": f.flag_class,
                "severity": f.severity,
                "message": f.message,
                "impression_span": f.impression_span,
                "findings_span": f.findings_span,
            }
            for f in impression.flags
        ],
        "recommendations": [dataclasses.asdict(one) for one in impression.recommendations],
        "adapter": impression.adapter,
        "fell_back": impression.fell_back,
        "seconds": round(impression.seconds, 3),
    }


def in_words(impression: Impression) -> str:
    """The text, and below it what guidelines advise beside it."""
    beside = [f"{one.sentence} ({one.guideline}: {one.row})" for one in impression.recommendations]
    return "\n\n".join([impression.text, *(["Guidelines:\n" + "\n".join(beside)] if beside else [])])


def _the_report(file: Path, settings: Settings, source: str | None) -> Report:
    """The first report in `file` that has findings; a file without one ends the command with the reason."""
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as reason:
        _leave(f"{file} cannot be read: {reason.strerror}.", 2)
    why = "the file holds no message"
    readings = iter(
        read(
            raw,
            source=source or settings.source,
            profiles=settings.profiles,
            patient_key=settings.patient_key.get_secret_value().encode(),
            max_bytes=settings.max_message_bytes,
        )
    )
    for reading in readings:
        if reading.report and reading.report.findings:
            if any(other.report for other in readings):
                typer.echo("There is more than one report in it: this is the draft of the first with findings.", err=True)
            return reading.report
        why = reading.message or "the report has no findings"
    return _leave(f"No draft: {why.rstrip('.')}.", 1)


def _write(report: Report, adapter: Adapter | None, settings: Settings) -> Impression | None:
    key = settings.vllm_key.get_secret_value() if settings.vllm_key else None

    def ask(url: str) -> Impression | None:
        model = VllmModel(url, settings.base_model, key=key)
        deadline = settings.deadline_stat if report.priority == "stat" else settings.deadline
        return write_impression(
            report,
            model=model,
            adapter=adapter,
            deadline=deadline,
            candidates=settings.candidates,
            seed=settings.seed,
            guidelines=settings.guidelines,
        )

    if settings.vllm != "local":
        return ask(settings.vllm)
    typer.echo("Starting vLLM on this machine; this takes about 40 seconds.", err=True)
    with local_server(settings.base_model, Path("var/vllm.log")) as url:
        VllmModel(url, settings.base_model).warm_up()
        return ask(url)


def _leave(sentence: str, status: int) -> typing.NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(status)
