"""The guideline desk: `impresario guideline`, one dictation or a JSON Lines batch in, what the guidelines recommend out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from engine.guidelines import Answer, recommend

DONE, NO, USAGE = 0, 1, 2

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
        raise typer.Exit(_batch(_lines(batch)))
    if findings is None:
        _leave('Give the findings (`impresario guideline "…"`), or a file with --batch.')
    if risk not in (None, "low", "high"):
        _leave("--risk is low or high.")
    text = sys.stdin.read() if findings == "-" else findings
    request = {"findings": text, "indication": indication, "exam": exam, "age": age, "sex": sex, "risk": risk}
    answers = _answers(request)
    typer.echo(json.dumps(_document(None, answers), ensure_ascii=False) if as_json else _for_people(answers))


def _batch(lines: Iterable[str]) -> int:
    """One answer line per question line, in order. A line that cannot be read is answered with an `error` and ends in status 1."""
    status = DONE
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            answer = _document(request.get("id"), _answers(request))
        except (ValueError, TypeError, AttributeError, OverflowError):
            reason = f"Line {number} is no JSON object with text in `findings`, years in `age` and low or high in `risk`; correct it and send it again."
            typer.echo(reason, err=True)
            answer, status = {"id": _id_of(line), "answers": [], "error": reason}, NO
        typer.echo(json.dumps(answer, ensure_ascii=False))
    return status


def _answers(request: dict[str, Any]) -> tuple[Answer, ...]:
    findings, age, risk = request.get("findings"), request.get("age"), request.get("risk")
    years = None if age is None or age == "" else int(float(age))
    if not isinstance(findings, str) or risk not in (None, "", "low", "high") or (years is not None and not 0 <= years <= 130):
        raise ValueError("findings, age or risk")
    return recommend(
        findings,
        indication=str(request.get("indication") or ""),
        exam=str(request.get("exam") or ""),
        age=years,
        sex=None if request.get("sex") is None else str(request["sex"]),
        risk=risk or None,
    )


def _document(identifier: Any, answers: tuple[Answer, ...]) -> dict[str, Any]:
    return {"id": identifier, "answers": [answer.as_json() for answer in answers]}


def _id_of(line: str) -> Any:
    try:
        request = json.loads(line)
    except ValueError:
        return None
    return request.get("id") if isinstance(request, dict) else None


def _for_people(answers: tuple[Answer, ...]) -> str:
    if not answers:
        return "No guideline applies to these findings."
    lines = []
    for answer in answers:
        said = f"asks for: {', '.join(answer.missing)}" if answer.missing else answer.recommendation
        lines.append(f"{answer.guideline}: {said}\n    {answer.citation}")
    return "\n".join(lines)


def _lines(batch: Path) -> Iterator[str]:
    if str(batch) == "-":
        yield from sys.stdin
        return
    try:
        with batch.open(encoding="utf-8-sig") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as reason:
        detail = reason.strerror if isinstance(reason, OSError) else "it is not UTF-8 text"
        _leave(f"{batch} cannot be read: {detail}.")


def _leave(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(USAGE)
