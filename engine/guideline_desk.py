"""The guideline desk: `impresario guideline`, one dictation or a JSON Lines batch in, what the guidelines recommend out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from engine.batches import Row, answer_all, leave, sex_in
from engine.guidelines import Answer, recommend

app = typer.Typer()


@app.callback()
def desk() -> None:
    """Imaging guidelines."""


@app.command()
def guideline(
    findings: Annotated[
        str | None, typer.Argument(help="The findings section; `-` reads standard input.", show_default=False)
    ] = None,
    indication: Annotated[str, typer.Option(help="Why the examination was done.")] = "",
    exam: Annotated[str, typer.Option(help="What was examined, as ordered: `CT chest without contrast`.")] = "",
    age: Annotated[int | None, typer.Option(help="Years.", min=0, max=130)] = None,
    sex: Annotated[str | None, typer.Option(help="F or M.")] = None,
    risk: Annotated[str | None, typer.Option(help="low or high, where a guideline asks for it.")] = None,
    batch: Annotated[
        Path | None, typer.Option(help="JSON Lines with id, findings and the fields above; `-` reads standard input.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, or JSON Lines with --batch.")] = False,
) -> None:
    """Say what the imaging guidelines recommend, or which input they miss.

    Example: impresario guideline "5 mm solid nodule in the right lower lobe." --exam "CT chest" --age 62 --risk low --json
    """
    if batch is not None:
        wants = "text in `findings`, years in `age`, F or M in `sex` and low or high in `risk`"
        raise typer.Exit(answer_all(batch, _document, lambda row: typer.echo(_json(row)), wants=wants, unread={"answers": []}))
    if findings is None:
        leave('Give the findings (`impresario guideline "…"`), or a file with --batch.')
    text = sys.stdin.read() if findings == "-" else findings
    request = {"findings": text, "indication": indication, "exam": exam, "age": age, "sex": sex, "risk": risk}
    try:
        answers = _answers(request)
    except ValueError:
        leave("--risk is low or high, --sex is F or M.")
    typer.echo(_json({"id": None} | _as_document(answers)) if as_json else _for_people(answers))


def _document(request: Row) -> Row:
    return _as_document(_answers(request))


def _answers(request: Row) -> tuple[Answer, ...]:
    findings, age, risk = request.get("findings"), request.get("age"), request.get("risk")
    years = None if age is None or age == "" else int(float(age))
    if not isinstance(findings, str) or risk not in (None, "", "low", "high") or (years is not None and not 0 <= years <= 130):
        raise ValueError("findings, age or risk")
    return recommend(
        findings,
        indication=str(request.get("indication") or ""),
        exam=str(request.get("exam") or ""),
        age=years,
        sex=sex_in(request.get("sex")) or None,
        risk=risk or None,
    )


def _as_document(answers: tuple[Answer, ...]) -> Row:
    return {"answers": [answer.as_json() for answer in answers]}


def _for_people(answers: tuple[Answer, ...]) -> str:
    if not answers:
        return "No guideline applies to these findings."
    lines = []
    for answer in answers:
        said = f"asks for: {', '.join(answer.missing)}" if answer.missing else answer.recommendation
        lines.append(f"{answer.guideline}: {said}\n    {answer.citation}")
    return "\n".join(lines)


def _json(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)
