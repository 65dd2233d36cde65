"""A folder of messages nobody wrote for us, through a real broker and the whole agent: every one is accounted for.

    python -m bench.chaos_feed FOLDER [--kafka HOST:PORT]

Prints one line per sub-folder: inputs = drafted + signed + ignored + dead-lettered.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Engine, select

from bench.chaos_parts import ModelServer, topics_named, wait_until
from connectors.agent import Day, run
from connectors.broker import Message
from connectors.deadletters import Limit
from connectors.deliver.fhir import FhirForm
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.kafka_broker import KafkaBroker
from connectors.topics import Topics
from demo import parts
from engine.vllm import VllmModel
from feedback.database import open_database, reading
from feedback.inbox import INBOX
from feedback.outbox import count_waiting
from ingest.read import read

SUFFIXES = (".hl7", ".json", ".txt", ".dat", ".er7")
#: The four ways a message may end, by outcome and code of the inbox.
WAYS = ("drafted", "signed", "ignored", "dead-lettered")


def way_of(outcome: str, code: str) -> str:
    """A report of which nothing is to be drafted (its impression stands, or it was seen before) was politely ignored."""
    if outcome == "unreadable":
        return "dead-lettered"
    return code if code in ("drafted", "signed") else "ignored"


def files_under(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix in SUFFIXES)


def through_the_agent(files: Sequence[Path], kafka: str, database: str, prefix: str) -> list[tuple[Path, str, str]]:
    """Each file with the outcome and the code it ended with. Raises what stops the agent."""
    topics, broker, books, server = topics_named(prefix), KafkaBroker(kafka), open_database(database), ModelServer(0.0)
    model = VllmModel(server.url, "base")
    with ExitStack() as closing:
        for one in (model.close, server.close, broker.close, books.dispose):
            closing.callback(one)
        broker.prepare(topics.all, 6)
        places = broker.publish([Message(topics.reports, file.name.encode(), file.read_bytes(), ()) for file in files])
        work_through(day_of(broker, books, model, topics), books, len(files))
        with reading(books) as session:
            rows = session.connection().execute(select(INBOX.c.partition, INBOX.c.offset, INBOX.c.outcome, INBOX.c.code))
            ended = {(row.partition, row.offset): (row.outcome, row.code) for row in rows}
    return [(file, *ended[place]) for file, place in zip(files, places, strict=True)]


def day_of(broker: KafkaBroker, books: Engine, model: VllmModel, topics: Topics) -> Day:
    return Day(
        broker=broker,
        books=books,
        model=model,
        reader=lambda raw, source, content_type: read(raw, content_type=content_type),
        promoted_for=lambda radiologist: None,
        forms=[FhirForm(topics.impressions), Hl7v2Form(topics.impressions_hl7v2)],
        topics=topics,
        group=topics.reports,
        workers=4,
        dead_letters=Limit(1.0, 10_000),
    )


def work_through(day: Day, books: Engine, messages: int) -> None:
    stop, failures = threading.Event(), list[BaseException]()

    def agent() -> None:
        try:
            run(day, stop)
        except BaseException as failure:  # noqa: BLE001
            failures.append(failure)

    def is_done() -> bool:
        with reading(books) as session:
            handled = session.connection().execute(select(INBOX.c.id).where(INBOX.c.outcome.is_not(None))).all()
            return bool(failures) or (len(handled) >= messages and count_waiting(session) == 0)

    thread = threading.Thread(target=agent)
    thread.start()
    done = wait_until(is_done, 600, 0.5)
    stop.set()
    thread.join(60)
    if failures:
        raise failures[0]
    if not done:
        raise TimeoutError("the agent did not get through")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kafka", help="a running broker; without it one is started")
    asked = parser.parse_args()
    files = files_under(asked.folder)
    with tempfile.TemporaryDirectory() as name, ExitStack() as closing:
        kafka = asked.kafka or closing.enter_context(parts.kafka(Path(name) / "kafka"))
        ended = through_the_agent(files, kafka, f"sqlite:///{name}/impresario.db", f"feed-{Path(name).name}")
    sets = Counter((file.relative_to(asked.folder).parts[0], way_of(outcome, code)) for file, outcome, code in ended)
    for folder in sorted({folder for folder, _ in sets}):
        counts = [sets[folder, way] for way in WAYS]
        print(f"{folder:28} {sum(counts):5} inputs = " + " + ".join(f"{n} {way}" for n, way in zip(counts, WAYS, strict=True)))
    codes = Counter((outcome, code) for _, outcome, code in ended)
    print(", ".join(f"{number} {outcome}/{code}" for (outcome, code), number in codes.most_common()))
    return 0 if sum(sets.values()) == len(files) else 1


if __name__ == "__main__":
    sys.exit(main())
