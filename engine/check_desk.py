"""The checker's desk: `check` and `facts` on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.batches import answer_all, leave, sex_in
from engine.checks import check as check_pair
from engine.fact import Certainty
from engine.facts import Fact, read_facts
from engine.impression import Check
from engine.lexicon import lexicon
from ingest.report import Section

app = typer.Typer()
TEXTS = ("findings", "impression", "indication", "comparison", "prior", "exam", "sex")
REVIEW = 1


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
    sex: Annotated[str, typer.Option(help="The patient's, F or M; looked for in the indication when not given.")] = "",
    batch: Annotated[
        Path | None, typer.Option(help="JSON Lines with id, findings, impression, …; `-` reads standard input.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, or JSON Lines for a batch.")] = False,
) -> None:
    """Compare an impression with its findings. Status 1 means: somebody should look (a batch ends with 0 and says it line by line).

    Example: impresario check --findings "Small right pleural effusion." --impression "Small left pleural effusion." --json
    """
    if batch is not None:
        wants = "text in `findings` and `impression`, and F or M in `sex` if it is there"
        unread: dict[str, Any] = {"verdict": None, "sentences": [], "flags": []}
        raise typer.Exit(answer_all(batch, _answer, lambda row: print_line(row, as_json), wants=wants, unread=unread))
    if not findings.strip() or not impression.strip():
        leave("Give both --findings and --impression, or --batch FILE.")
    texts = {
        "findings": findings,
        "impression": impression,
        "indication": indication,
        "comparison": comparison,
        "prior": prior,
        "exam": exam,
        "sex": sex,
    }
    try:
        result = _checked(texts)
    except ValueError:
        leave("--sex is F or M.")
    print_line({"id": None, **answer_of(result)}, as_json)
    raise typer.Exit(REVIEW if result.verdict == "review" else 0)


@app.command()
def facts(
    text: Annotated[str, typer.Argument(help="A section of a report; `-` reads standard input.")] = "",
    section: Annotated[Section, typer.Option(help="Which section it is.")] = Section.FINDINGS,
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

        def told(row: dict[str, Any]) -> dict[str, Any]:
            read = read_facts(_text(row, "text", "findings"), section=section.value, exam=str(row.get("exam") or exam))
            return {"facts": [as_row(fact) for fact in read]}

        wants = "text in `text` or `findings`"
        raise typer.Exit(answer_all(batch, told, lambda row: typer.echo(_json(row)), wants=wants, unread={"facts": []}))
    words = sys.stdin.read() if text == "-" else text
    if not words.strip():
        leave("Give a text, `-` for standard input, or --batch FILE.")
    read = read_facts(words, section=section.value, exam=exam)
    if as_json:
        typer.echo(_json([as_row(fact) for fact in read]))
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
        typer.echo(_json(answer))
        return
    verdict = answer["verdict"] or "not read"
    typer.echo(verdict if answer["id"] is None else f"{answer['id']}: {verdict}")
    for flag in answer["flags"]:
        typer.echo(f"  {flag['severity']} {flag['class']}: {flag['message']}")


def _answer(row: dict[str, Any]) -> dict[str, Any]:
    _text(row, "findings"), _text(row, "impression")
    return answer_of(_checked(row))


def _checked(row: dict[str, Any]) -> Check:
    texts = {name: str(row.get(name) or "") for name in TEXTS} | {"sex": sex_in(row.get("sex"))}
    return check_pair(texts.pop("findings"), texts.pop("impression"), **texts)


def _text(row: dict[str, Any], *names: str) -> str:
    """What stands under the first of these names that holds a text."""
    said = next((row[name] for name in names if isinstance(row.get(name), str)), None)
    if said is None:
        raise ValueError("no text")
    return str(said)


def _json(answer: object) -> str:
    return json.dumps(answer, ensure_ascii=False)
