"""`make demo`: a hospital in a box, two days and two nights, on a real Kafka and a real vLLM, told in one table and one page."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Engine, func, select

from connectors.kafka_broker import KafkaBroker
from connectors.topics import Topics
from demo import story
from demo.hospital import Hospital
from demo.minder import die_with_parent
from demo.page import write_page
from demo.parts import Part, PartFailed, PartMissing, kafka, vllm, waiting
from demo.styles import RADIOLOGISTS
from engine.adapters import Shelf
from engine.base import name_of_base
from feedback.database import open_database, reading
from feedback.tables import Signature
from settings import SHIPPED_BASE
from trainer.fit import Writer

FIRST_DAY = date(2026, 1, 5)
out = Console(stderr=True)


def demo(
    reports: Annotated[int, typer.Option(min=4, help="Reports per radiologist in all.")] = 60,
    nights: Annotated[int, typer.Option(min=1, max=7, help="Days, each followed by a night.")] = 2,
    radiologists: Annotated[int, typer.Option(min=2, max=len(RADIOLOGISTS), help="How many radiologists read.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed dictates the same reports.")] = 7,
    folder: Annotated[Path, typer.Option(help="Where everything is left.")] = Path("var/demo"),
) -> None:
    """Watch a report come in, a draft go out, the signature teach and the night make it better.

    Example: python -m demo --reports 60 --nights 2 --seed 7
    """
    started = time.monotonic()
    folder = folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    out.print(
        f"[bold]Impresario[/bold], a hospital in a box. Seed {seed}: {radiologists} radiologists, {reports} reports each, {nights} nights."
    )
    out.print(
        "The gate is set for a rehearsal (few reports, weak proof); a hospital's default asks for far more: docs/operate.md."
    )
    with contextlib.ExitStack() as parts:
        bootstrap, url = _start_parts(parts, folder)
        environment = _settings(folder, bootstrap, url, seed, reports // nights)
        os.environ |= environment
        database = open_database(environment["IMPRESARIO_DATABASE"])
        hospital = Hospital(
            KafkaBroker(bootstrap),
            Topics(),
            sorted(RADIOLOGISTS)[:radiologists],
            seed,
            datetime.combine(FIRST_DAY, datetime.min.time(), UTC),
        )
        parts.callback(hospital.close)
        with _agent(folder) as agent:
            for day in range(1, nights + 1):
                _day(hospital, database, day, reports // nights, agent)
                _night(day, folder)
        known = {
            "seed": seed,
            "broker": "kafka",
            "engine": "vllm",
            "database": "sqlite",
            "base_model": name_of_base(str(SHIPPED_BASE)),
        }
        _tell(folder, database, hospital, known, started)


def _start_parts(parts: contextlib.ExitStack, folder: Path) -> tuple[str, str]:
    """Kafka and vLLM side by side; each explains its own wait."""
    with ThreadPoolExecutor(1) as beside:
        broker = kafka(folder / "kafka")
        starting = beside.submit(parts.enter_context, broker)
        url = parts.enter_context(vllm(str(SHIPPED_BASE), folder))
        return starting.result(), url


def _settings(folder: Path, bootstrap: str, url: str, seed: int, reports_a_day: int) -> dict[str, str]:
    """What the agent and the nights are told: the contract's settings, and a rehearsal's patience."""
    return {
        "IMPRESARIO_KAFKA": bootstrap,
        "IMPRESARIO_VLLM": url,
        "IMPRESARIO_DATABASE": f"sqlite:///{folder / 'impresario.db'}",
        "IMPRESARIO_SHELF": str(folder / "shelf"),
        "IMPRESARIO_BASE_MODEL": str(SHIPPED_BASE),
        "IMPRESARIO_PATIENT_KEY": "a rehearsal has no patients",
        "IMPRESARIO_WORKERS": "24",
        "IMPRESARIO_DEADLINE": "120",
        "IMPRESARIO_DEADLINE_STAT": "120",
        "IMPRESARIO_ENOUGH_PREFERENCES": str(min(20, reports_a_day)),
        "IMPRESARIO_HELD_OUT": str(max(4, reports_a_day // 3)),
        "IMPRESARIO_SEED": str(seed),
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


@contextlib.contextmanager
def _agent(folder: Path) -> Iterator[Part]:
    """`impresario agent` as its own process, ended with us."""
    agent = Part("the agent", [sys.executable, "-m", "impresario", "agent"], folder / "agent.log")
    try:
        yield agent
    finally:
        agent.stop()


def _day(hospital: Hospital, database: Engine, day: int, reports: int, agent: Part) -> None:
    """Dictate, draft, sign, and wait until every signature is stored."""
    count = reports * len(hospital.radiologists)
    with _bar(f"Day {day}: {count} reports dictated, drafted, signed", count) as bar:

        def progress(signed: int) -> None:
            if not agent.is_running:
                raise PartFailed(f"the agent stopped; its last words stand in {agent.out}.")
            bar(signed)

        hospital.work_through(day, reports, progress)
        _until_signed(database, len(hospital.cases), agent)


def _until_signed(database: Engine, expected: int, agent: Part) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with reading(database) as session:
            if (session.scalar(select(func.count()).select_from(Signature)) or 0) >= expected:
                return
        if not agent.is_running:
            raise PartFailed(f"the agent stopped; its last words stand in {agent.out}.")
        time.sleep(0.3)
    raise PartFailed(f"not every signature was stored within a minute; see {agent.out}.")


def _night(day: int, folder: Path) -> None:
    """`impresario night`, as an operator's scheduler would start it."""
    night = (FIRST_DAY + timedelta(days=day - 1)).isoformat()
    with waiting(f"Night {day}: training and judging an adapter per radiologist", usually=120):
        answer = subprocess.run(
            [sys.executable, "-m", "impresario", "night", "--date", night, "--rehearsal", "--json"],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
            env=os.environ | {"OMP_NUM_THREADS": str(min(2, os.cpu_count() or 1))},  # at night nobody else needs the cores
        )
    (folder / f"night-{day}.log").write_text(answer.stderr)
    if answer.returncode not in (0, 1):
        raise PartFailed(f"night {day} ended with status {answer.returncode}; see {folder}/night-{day}.log.")


def _tell(folder: Path, database: Engine, hospital: Hospital, known: dict[str, Any], started: float) -> None:
    """The table, summary.json, the page."""
    stories = story.signed_reports(database, hospital.cases)
    with waiting("Asking each radiologist's colleague for comparison", usually=30):
        rows = story.day_rows(stories, Shelf(folder / "shelf"), Writer(SHIPPED_BASE))
    told = {"seconds": round(time.monotonic() - started, 1)} | story.summary(database, stories, rows, known)
    (folder / "summary.json").write_text(json.dumps(told, indent=2) + "\n")
    write_page(told, story.examples(stories), folder / "report.html")
    console = Console()
    console.print(story.table(rows))
    for example in story.examples(stories):
        console.rule(f"{example['radiologist']}: {example['exam']}")
        for heading in ("findings", "draft", "own_words", "signed"):
            title = heading.replace("_", " ").capitalize()
            console.print(f"[bold]{title}[/bold]  {escape(example[heading])}", highlight=False)
    console.print(f"\nDone in {told['seconds']:.0f} s. Look at {folder}/report.html; the figures stand in {folder}/summary.json.")


@contextlib.contextmanager
def _bar(sentence: str, total: int) -> Iterator[Any]:
    """A progress bar on a terminal, a line every tenth elsewhere."""
    if not out.is_terminal:
        said = [-1]

        def line(done: int) -> None:
            if (tenth := done * 10 // total) > said[0]:
                said[0] = tenth
                out.print(f"{sentence}: {done} of {total}")

        yield line
        return
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out
    ) as progress:
        task = progress.add_task(sentence, total=total)
        yield lambda done: progress.update(task, completed=done)


def main() -> None:
    """One sentence for whatever is missing; Ctrl-C ends everything that was started."""
    try:
        typer.run(demo)
    except PartMissing as reason:
        out.print(f"[red]{reason}[/red]")
        sys.exit(3)
    except PartFailed as reason:
        out.print(f"[red]{reason}[/red]")
        sys.exit(3)
    except KeyboardInterrupt:
        out.print("Stopped; everything that was started has been ended.")
        sys.exit(130)


if __name__ == "__main__":
    main()
