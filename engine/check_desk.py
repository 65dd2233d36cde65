"""The checker's desk: `check` and `facts` on the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.checks import check as check_pair
from engine.fact import Certainty
from engine.facts import Fact, read_facts
from engine.impression import Check
from engine.lexicon import lexicon

app = typer.Typer()
TEXTS = ("findings", "impression", "indication", "comparison", "prior", "exam", "sex")
REVIEW, USAGE = 1, 2


@app.callback()
def desk() -> None:
    """Compare impressions with their findings, and print facts."""


@app.command()
def check(
    findings: Annotated[str, typer.Option(help="The findings section.")] = "",
    impression: Annotated[str, typer.Option(help="The impression to check.")] = "",
    indication: Annotated[str, typer.Option(help="Why the examination was made.")] = "",
    comparison: Annotated[str, typer.Option(help="What it was compared with.")] = "",
    prior: Annotated[str, typer.Option(help="Text of an earlier report.")] = "",
    exam: Annotated[str, typer.Option(help="Name of the examination, e.g. CT CHEST.")] = "",
    sex: Annotated[
        str, typer.Option(help="The patient's sex, `male` or `female`; looked for in the indication when not given.")
    ] = "",
    batch: Annotated[
        Path | None, typer.Option(help="JSON Lines with id, findings, impression, …; `-` reads standard input.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, or JSON Lines for a batch.")] = False,
) -> None:
    """Compare an impression with its findings. Status 1 means: somebody should look (a batch ends with 0 and says it line by line).

    Example: impresario check --findings "Small right pleural effusion." --impression "Small left pleural effusion." --json
    """
    if batch is not None:
        for row in _rows(batch, ("findings", "impression")):
            print_line({"id": row.get("id"), **answer_of(_checked(row))}, as_json)
        return
    if not findings.strip() or not impression.strip():
        _leave("Give both --findings and --impression, or --batch FILE.")
    texts = {
        "findings": findings,
        "impression": impression,
        "indication": indication,
        "comparison": comparison,
        "prior": prior,
        "exam": exam,
        "sex": sex,
    }
    result = _checked(texts)
    print_line({"id": None, **answer_of(result)}, as_json)
    raise typer.Exit(REVIEW if result.verdict == "review" else 0)


@app.command()
def facts(
    text: Annotated[str, typer.Argument(help="A section of a report; `-` reads standard input.")] = "",
    section: Annotated[str, typer.Option(help="Which section it is.")] = "findings",
    exam: Annotated[str, typer.Option(help="Name of the examination.")] = "",
    batch: Annotated[
        Path | None, typer.Option(help="JSON Lines with id and text (or findings); `-` reads standard input.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, or JSON Lines for a batch.")] = False,
) -> None:
    """Print the facts a text states: one line each, with the words it was read from.

    Example: impresario facts "6 mm nodule in the right upper lobe. No effusion." --json
    """
    if batch is not None:
        for row in _rows(batch, ("text",), ("findings",)):
            words = row["text"] if isinstance(row.get("text"), str) else row["findings"]
            read = read_facts(words, section=section, exam=str(row.get("exam") or exam))
            typer.echo(json.dumps({"id": row.get("id"), "facts": [as_row(fact) for fact in read]}, ensure_ascii=False))
        return
    words = sys.stdin.read() if text == "-" else text
    if not words.strip():
        _leave("Give a text, `-` for standard input, or --batch FILE.")
    read = read_facts(words, section=section, exam=exam)
    if as_json:
        typer.echo(json.dumps([as_row(fact) for fact in read], ensure_ascii=False))
    else:
        for fact in read:
            typer.echo(in_words(fact))


def answer_of(result: Check) -> dict[str, Any]:
    """The contract's JSON for one pair."""
    return {
        "verdict": result.verdict,
        "sentences": [
            {
                "text": sentence.text,
                "status": sentence.status,
                "evidence": [{"section": place.section, "start": place.start, "end": place.end} for place in sentence.evidence],
                "rule": sentence.rule,
            }
            for sentence in result.sentences
        ],
        "flags": [
            {
                "class": flag.flag_class.value,
                "severity": flag.severity,
                "message": flag.message,
                "impression_span": list(flag.impression_span) if flag.impression_span else None,
                "findings_span": list(flag.findings_span) if flag.findings_span else None,
            }
            for flag in result.flags
        ],
    }


def as_row(fact: Fact) -> dict[str, Any]:
    """One fact as JSON; what is not stated is left out."""
    row: dict[str, Any] = {
        "concept": fact.concept,
        "label": lexicon().concepts[fact.concept].label,
        "present": fact.is_present,
        "certainty": Certainty(fact.certainty).name.lower(),
        "side": fact.side,
        "place": fact.place or lexicon().concepts[fact.concept].place,
        "levels": list(fact.levels),
        "sizes_mm": [list(size) for size in fact.sizes],
        "earlier_sizes_mm": [list(size) for size in fact.earlier_sizes],
        "distance_mm": fact.distance,
        "severity": fact.severity,
        "number": fact.number,
        "change": fact.change,
        "acuity": fact.acuity,
        "history": fact.is_history or None,
        "taken_for": list(fact.explained_by),
        "start": fact.start,
        "end": fact.end,
        "text": fact.words,
    }
    return {name: value for name, value in row.items() if value not in (None, [], "")}


def in_words(fact: Fact) -> str:
    """One fact as a line a person reads."""
    row = as_row(fact)
    told = [str(row[name]) for name in ("side", "change", "acuity") if name in row]
    if fact.place:
        told.append(fact.place.replace("_", " "))
    told += list(fact.levels)
    told += [" x ".join(f"{number:g}" for number in size) + " mm" for size in fact.sizes if size]
    return (
        f"{row['certainty']:10} {row['label']}"
        + (f" ({', '.join(told)})" if told else "")
        + f"  <- {' '.join(fact.words.split())}"
    )


def print_line(answer: dict[str, Any], as_json: bool) -> None:
    """One answer: JSON, or the verdict and its flags in words."""
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    typer.echo(answer["verdict"] if answer["id"] is None else f"{answer['id']}: {answer['verdict']}")
    for flag in answer["flags"]:
        typer.echo(f"  {flag['severity']} {flag['class']}: {flag['message']}")


def _checked(row: dict[str, Any]) -> Check:
    texts = {name: str(row.get(name) or "") for name in TEXTS}
    return check_pair(texts.pop("findings"), texts.pop("impression"), **texts)


def _rows(batch: Path, *needed: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The lines of a batch. One that is no JSON object, or has not all texts of one way `needed`, ends the run with its number alone."""
    wanted = " or ".join(" and ".join(f"`{name}`" for name in names) for names in needed)
    try:
        lines = sys.stdin if str(batch) == "-" else batch.open(encoding="utf-8-sig")
    except OSError as reason:
        _leave(f"Cannot open {batch}: {reason.strerror}. Give a file of JSON Lines.")
    with lines:
        try:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError:
                    row = None
                if not isinstance(row, dict) or not any(
                    all(isinstance(row.get(name), str) for name in names) for names in needed
                ):
                    _leave(f"Line {number} of {batch} is no JSON object with text in {wanted}. Mend it and send the batch again.")
                yield row
        except UnicodeDecodeError:
            _leave(f"{batch} is not UTF-8 text. Convert it and try again.")


def _leave(sentence: str) -> Any:
    typer.echo(sentence, err=True)
    raise typer.Exit(USAGE)
