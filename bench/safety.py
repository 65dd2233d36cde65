"""`impresario bench safety`: plant errors of eleven classes into our own reports and see what a checker finds, ours or anybody's.

Another checker is any command that reads JSON Lines like `impresario check --batch - --json` and answers in kind, so a vendor's can be
measured with one option. Real reports (OpenI) are added when IMPRESARIO_SHARED_DATA names a folder that has them.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from bench import safety_mesh as mesh
from bench import safety_probes as probes
from bench import safety_speed as speed
from bench.safety_baselines import context, flag_all, keywords
from bench.safety_injector import INJECTORS, injections

FOLDER = Path(__file__).parent / "safety"
SUITE = FOLDER / "suite.jsonl"
NUMBERED = "second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
#: Longer reports as radiologists dictate them, from the fourth on with errors written by hand; docs/safety.md says of each who wrote it, how it
#: was judged unseen, and whether rules were tuned on it afterwards.
DICTATIONS = {
    f"{name}dictation": FOLDER / f"{name.replace('-', '_')}dictation.jsonl"
    for name in ("", *(f"{number}-" for number in NUMBERED), "unseen-", "unseen-second-")
}
RESULTS = Path(__file__).parent / "results"
Row = dict[str, Any]
Checker = Callable[[Sequence[Row]], list[Row]]

BASELINES: dict[str, Checker] = {"keywords": keywords, "context": context, "flag-all": flag_all}

app = typer.Typer()


@app.callback()
def bench() -> None:
    """The public safety suite.

    Example: impresario bench safety --json
    """


@app.command()
def safety(
    checker: Annotated[
        str, typer.Option(help="`ours`, `keywords`, `context`, `flag-all`, or a command that speaks JSON Lines.")
    ] = "ours",
    seed: Annotated[int, typer.Option(help="Seed of the injector.")] = 7,
    limit: Annotated[int, typer.Option(help="Only the first N reports of each source (0: all).")] = 0,
    rounds: Annotated[int, typer.Option(help="How often each pair is offered to the injector, with other choices.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Measure recall and classes on planted errors, and false alarms on untouched impressions.

    Example: impresario bench safety --seed 7 --json
    """
    check = checker_named(checker)
    sources = {"suite": suite(), **{name: suite(path) for name, path in DICTATIONS.items()}, **real_reports()}
    figures: Row = {"checker": checker, "seed": seed, "date": time.strftime("%Y-%m-%d"), "sources": {}}
    for name, rows in sources.items():
        figures["sources"][name] = measure(
            check, rows[:limit] if limit else rows, seed, rounds, planted=name != "openi-train-odd"
        )
    for name, path in DICTATIONS.items():
        if by_hand := written_errors(path):
            figures["sources"][name] |= written_figures(check, by_hand, limit)
    typer.echo(json.dumps(figures, indent=1) if as_json else in_words(figures))


@app.command("safety-probes")
def safety_probes(
    part: Annotated[str, typer.Option(help="Which reports of OpenI: `dev`, `odd` or `even`.")] = "dev",
    limit: Annotated[int, typer.Option(help="Only the first N abnormal reports (0: all).")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the planted errors.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Count how often a cheap trick, or a planted error, scores below the human impression under our fact score.

    Example: impresario bench safety-probes --part dev
    """
    rows = _needed(openi(part))
    figures = probes.measure(rows, _needed(openi("odd") + openi("even")), limit)
    figures["planted"] = probes.planted([*suite(), *rows], seed)
    typer.echo(json.dumps(figures, indent=1) if as_json else probes.in_words(figures))


@app.command("safety-mesh")
def safety_mesh(
    part: Annotated[str, typer.Option(help="Which reports of OpenI: `dev`, `odd` or `even`.")] = "dev",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Hold our facts against the human MeSH coding of OpenI, beside the phrase lists of others.

    Example: impresario bench safety-mesh --part dev
    """
    _needed(openi(part))
    figures = mesh.measure(openi(part), shared_data() or Path())
    typer.echo(json.dumps(figures, indent=1) if as_json else mesh.in_words(figures))


@app.command("safety-speed")
def safety_speed(
    pairs: Annotated[int, typer.Option(help="How many pairs of about 300 words to time.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the pairs.")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Time the check of one pair, in processor time of one core, and its growth with length.

    Example: impresario bench safety-speed --pairs 2000
    """
    figures = speed.measure(suite(), pairs, seed)
    typer.echo(json.dumps(figures, indent=1) if as_json else speed.in_words(figures))


def _needed(rows: list[Row]) -> list[Row]:
    if not rows:
        typer.echo(
            "There is no OpenI data here: set IMPRESARIO_SHARED_DATA to a folder that holds openi/train.jsonl and openi/dev.jsonl.",
            err=True,
        )
        raise typer.Exit(2)
    return rows


def suite(path: Path = SUITE) -> list[Row]:
    """The shipped pairs: every findings section with each of its correct impressions."""
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        shared = {name: case[name] for name in ("exam", "indication", "comparison", "findings") if name in case}
        pairs += [
            {"id": f"{case['id']}/{number}", **shared, "impression": text} for number, text in enumerate(case["impressions"], 1)
        ]
    return pairs


def written_errors(path: Path) -> list[Row]:
    """Impressions with one error each written by hand, and its `class`."""
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [{**case, **error} for case in cases for error in case.get("errors", ())]


def shared_data() -> Path | None:
    """Where the real data lies, if it does: IMPRESARIO_SHARED_DATA, or `shared/data` beside the project."""
    folder = Path(os.environ.get("IMPRESARIO_SHARED_DATA", str(Path(__file__).parent.parent.parent / "shared" / "data")))
    return folder if (folder / "openi" / "dev.jsonl").exists() else None


def openi(part: str) -> list[Row]:
    """Reports of OpenI: `dev`, or a half of the training part by their number, `odd` or `even` (rules are tuned on `even` only)."""
    folder = shared_data()
    if folder is None:
        return []
    lines = (folder / "openi" / f"{'dev' if part == 'dev' else 'train'}.jsonl").read_text("utf-8").splitlines()
    rows: list[Row] = [json.loads(line) for line in lines]
    return [{"id": f"openi/{row['uid']}", **row} for row in rows if part == "dev" or row["uid"] % 2 == (part == "odd")]


def real_reports() -> dict[str, list[Row]]:
    """OpenI where it lies: the development part gets planted errors, the odd half of the training part stays untouched."""
    return {name: rows for name, rows in (("openi-dev", openi("dev")), ("openi-train-odd", openi("odd"))) if rows}


@dataclass(slots=True)
class Score:
    """Counts of one error class: planted, noticed (review), named right, and named right first."""

    planted: int = 0
    noticed: int = 0
    named: int = 0
    critical: int = 0
    critical_noticed: int = 0
    missed: list[str] = field(default_factory=list)


def measure(check: Checker, rows: Sequence[Row], seed: int, rounds: int, planted: bool) -> Row:
    """What `check` says of these rows, untouched and with errors planted."""
    started = time.process_time()
    clean = check(rows)
    seconds = time.process_time() - started
    long = [row for row in rows if len(row["impression"].split()) >= 9]
    alarmed = {row["id"] for row, answer in zip(rows, clean, strict=True) if answer["verdict"] == "review"}
    found: Row = {
        "pairs": len(rows),
        "review_untouched": round(len(alarmed) / len(rows), 4),
        "review_untouched_long": round(sum(row["id"] in alarmed for row in long) / max(1, len(long)), 4),
        "long_pairs": len(long),
        "ms_per_pair": round(1000 * seconds / len(rows), 2),
    }
    if planted:
        found |= planted_figures(check, rows, seed, rounds)
    return found


def planted_figures(check: Checker, rows: Sequence[Row], seed: int, rounds: int) -> Row:
    """Recall, critical recall and right classes over all planted errors."""
    made: list[tuple[Row, str, bool, str]] = []
    seen: set[tuple[str, str]] = set()
    for turn in range(rounds):
        for row in rows:
            for injection in injections(row["findings"], row["impression"], random.Random(f"{seed}/{turn}/{row['id']}")):
                if (row["id"], injection.impression) not in seen:
                    seen.add((row["id"], injection.impression))
                    changed = {**row, "impression": injection.impression}
                    made.append((changed, injection.flag_class, injection.is_critical, injection.what))
    scores = {name: Score() for name in INJECTORS}
    for (changed, flag_class, critical, what), answer in zip(made, check([row for row, _, _, _ in made]), strict=True):
        score = scores[flag_class]
        noticed = answer["verdict"] == "review"
        classes = {flag["class"] for flag in answer["flags"] if flag["severity"] != "minor"}
        score.planted += 1
        score.noticed += noticed
        score.named += flag_class in classes
        score.critical += critical
        score.critical_noticed += critical and noticed
        if not noticed:
            score.missed.append(f"{changed['id']}: {what}")
    total = Score(
        *(
            sum(getattr(score, name) for score in scores.values())
            for name in ("planted", "noticed", "named", "critical", "critical_noticed")
        )
    )
    return {
        "planted": total.planted,
        "recall": _share(total.noticed, total.planted),
        "recall_mean_over_classes": round(
            statistics.mean(score.noticed / score.planted for score in scores.values() if score.planted), 4
        ),
        "critical_omissions": [total.critical_noticed, total.critical],
        "right_class": _share(total.named, total.noticed),
        "classes": {
            name: {"planted": one.planted, "recall": _share(one.noticed, one.planted), "right": _share(one.named, one.planted)}
            for name, one in scores.items()
        },
        "missed": [line for score in scores.values() for line in score.missed][:40],
    }


def written_figures(check: Checker, rows: Sequence[Row], limit: int = 0) -> Row:
    """How many of the errors written by hand are noticed, and under their own name."""
    rows = rows[:limit] if limit else rows
    answers = check(rows)
    noticed = [(row, answer) for row, answer in zip(rows, answers, strict=True) if answer["verdict"] == "review"]
    named = sum(
        any(flag["class"] == row["class"] and flag["severity"] != "minor" for flag in answer["flags"]) for row, answer in noticed
    )
    return {"written": len(rows), "written_noticed": len(noticed), "written_named": named}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


# --- checkers --------------------------------------------------------------------------------------------------------


def checker_named(name: str) -> Checker:
    """Ours in this process, a baseline, or a command of somebody else."""
    if name == "ours":
        return ours
    if name in BASELINES:
        return BASELINES[name]
    return lambda rows: spoken_to(shlex.split(name), rows)


def ours(rows: Sequence[Row]) -> list[Row]:
    from engine.check_desk import answer_of
    from engine.checks import check

    return [
        answer_of(check(row["findings"], row["impression"], indication=row.get("indication", ""), comparison=row.get("comparison", ""), exam=row.get("exam", "")))
        for row in rows
    ]  # fmt: skip


def spoken_to(command: list[str], rows: Sequence[Row]) -> list[Row]:
    """Somebody's checker: the rows go in as JSON Lines, as many answers must come out, in the same order."""
    sent = "\n".join(json.dumps(row) for row in rows) + "\n"
    try:
        done = subprocess.run(command, input=sent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as reason:
        raise typer.BadParameter(f"the checker did not run: {reason}") from reason
    answers: list[Row] = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    if len(answers) != len(rows):
        raise typer.BadParameter(f"the checker answered {len(answers)} of {len(rows)} lines")
    return answers


def in_words(figures: Row) -> str:
    """The figures as a table a person reads."""
    lines = [f"checker {figures['checker']}, seed {figures['seed']}"]
    for name, found in figures["sources"].items():
        lines.append(f"{name}: {found['pairs']} pairs, review on {found['review_untouched']:.1%} untouched "
                     f"({found['review_untouched_long']:.1%} of {found['long_pairs']} with nine words or more), {found['ms_per_pair']} ms each")  # fmt: skip
        if "written" in found:
            lines.append(
                f"  {found['written']} errors written by hand: {found['written_noticed']} noticed, {found['written_named']} by name"
            )
        if "planted" in found:
            hit, of = found["critical_omissions"]
            lines.append(
                f"  {found['planted']} planted: recall {found['recall']:.1%}, right class {found['right_class']:.1%}, critical omissions {hit}/{of}"
            )
            lines += [
                f"    {kind:15} {one['planted']:5}  recall {one['recall']:.1%}  right {one['right']:.1%}"
                for kind, one in found["classes"].items()
                if one["planted"]
            ]
    return "\n".join(lines)


if __name__ == "__main__":
    app()
