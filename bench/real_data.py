"""Every real message we have, and real chest reports as HL7, sent through a real broker to a real agent: is each one answered?

    python -m bench.real_data --data ../shared/data

Prints, per source, what went in and what became of it: drafted, signed, ignored, set aside. Says nothing of quality: the shipped
model is small and has never seen a real report.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Engine, select
from sqlmodel import col

from bench.chaos_parts import agents, settings_for, topics_named, wait_until
from connectors.broker import Message
from connectors.kafka_broker import KafkaBroker
from connectors.topics import Topics
from demo import parts
from feedback.database import open_database, reading
from feedback.inbox import count_by_outcome
from feedback.tables import Draft, Inbox, Signature
from settings import SHIPPED_BASE

#: What an input became, in the order of a report's life.
BECAME = ("drafted", "signed", "read, nothing to do", "ignored", "dead-lettered")
MESSAGE_FILES = {".hl7", ".txt", ".json", ".msg", ".dat", ".xml", ".ndjson"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with hl7v2/, fhir/ and openi/")
    options = parser.parse_args()
    inputs = list(every_input(options.data))
    if not inputs:
        sys.exit(f"{options.data} holds no messages: give the folder with --data.")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="impresario-real-")))
        bootstrap = stack.enter_context(parts.kafka(folder / "kafka"))
        url = stack.enter_context(parts.vllm(str(SHIPPED_BASE), folder))
        topics = topics_named("real")
        database = f"sqlite:///{folder}/impresario.db"
        environment = settings_for(topics, kafka=bootstrap, database=database, vllm=url) | {
            "BASE_MODEL": str(SHIPPED_BASE),
            "DEADLINE": "120",
            "DEADLINE_STAT": "120",
            "WORKERS": "16",
            "DEAD_LETTER_RATIO": "1.0",
            "DEAD_LETTER_RUN": "100000",
        }
        broker = KafkaBroker(bootstrap)
        broker.prepare(topics.all, 6)
        started = time.monotonic()
        publish(broker, topics, inputs)
        with agents(1, environment, folder) as (agent,):
            books = open_database(database)
            everything = wait_until(lambda: handled(books) >= len(inputs) or not agent.is_running, 1500, 1.0)
            ended_well = agent.is_running and agent.stop() == 0
        print_table(books, inputs, broker, topics)
        print(
            f"{len(inputs)} inputs in {time.monotonic() - started:.0f} s; agent ended {'well' if ended_well else 'badly: see its log'}."
        )
        if not (everything and ended_well):
            sys.exit(1)


def every_input(data: Path) -> Iterator[tuple[str, bytes]]:
    """(source, bytes): every message file as it is, and every OpenI dev report as an ORU^R01 that awaits its impression."""
    for kind in ("hl7v2", "fhir"):
        for file in sorted((data / kind).rglob("*")):
            if file.is_file() and file.suffix.lower() in MESSAGE_FILES and file.parent != data / kind:
                yield f"{kind}/{file.relative_to(data / kind).parts[0]}", file.read_bytes()
    reports = data / "openi" / "dev.jsonl"
    for line in reports.read_text().splitlines() if reports.exists() else []:
        report = json.loads(line)
        if report["findings"]:
            yield "openi/dev as HL7", as_hl7(report)


def as_hl7(report: dict[str, str]) -> bytes:
    sections = {"INDICATION": report["indication"], "COMPARISON": report["comparison"], "FINDINGS": report["findings"]}
    body = "\\.br\\".join(f"{name}: {escaped(text)}" for name, text in sections.items() if text)
    number = report["uid"]
    return "\r".join(
        (
            f"MSH|^~\\&|OPENI|BENCH|IMPRESARIO|BENCH|20260105080000+0000||ORU^R01|OPENI{number}|T|2.5.1",
            f"OBR|1|OPENI{number}|OPENI{number}|71046^XR CHEST 2 VIEWS^CPT|||20260105080000+0000||||||||||||||||||P|||||||RAD900&BENCH&READER",
            f"OBX|1|FT|71046^XR CHEST 2 VIEWS^CPT||{body}||||||P",
            "",
        )
    ).encode()


def escaped(text: str) -> str:
    """Text with the separators escaped (HL7 v2.5.1, 2.7.1)."""
    for character, escape in (("\\", "\\E\\"), ("|", "\\F\\"), ("^", "\\S\\"), ("&", "\\T\\"), ("~", "\\R\\")):
        text = text.replace(character, escape)
    return " ".join(text.split())


def publish(broker: KafkaBroker, topics: Topics, inputs: list[tuple[str, bytes]]) -> None:
    for start in range(0, len(inputs), 200):
        chunk = list(enumerate(inputs))[start : start + 200]
        broker.publish(
            [
                Message(topics.reports, str(number).encode(), raw, (("bench-input", str(number).encode()),))
                for number, (_, raw) in chunk
            ]
        )


def handled(books: Engine) -> int:
    with reading(books) as session:
        return sum(number for outcome, number in count_by_outcome(session).items() if outcome != "waiting")


def print_table(books: Engine, inputs: list[tuple[str, bytes]], broker: KafkaBroker, topics: Topics) -> None:
    with reading(books) as session:
        drafted = set(session.scalars(select(col(Draft.report_id))))
        signed = set(session.scalars(select(col(Signature.report_id))))
        rows = session.execute(select(Inbox.headers, Inbox.outcome, Inbox.code, Inbox.report_id)).all()  # type: ignore[call-overload]
        kinds = Counter(session.scalars(select(col(Draft.kind))))
        reasons = Counter(session.scalars(select(col(Draft.fell_back))))
    counts: dict[str, Counter[str]] = {}
    codes: Counter[str] = Counter()
    for headers, outcome, code, report_id in rows:
        source = inputs[int(dict(headers)["bench-input"])][0]
        became = {"ignored": "ignored", "unreadable": "dead-lettered"}.get(outcome)
        became = became or ("signed" if report_id in signed else "drafted" if report_id in drafted else "read, nothing to do")
        counts.setdefault(source, Counter())[became] += 1
        if became in ("ignored", "dead-lettered"):
            codes[f"{became}: {code}"] += 1
    sent = Counter(source for source, _ in inputs)
    print(f"{'source':34}{'in':>6}" + "".join(f"{word:>21}" for word in BECAME) + f"{'unaccounted':>13}")
    for source in sorted(sent):
        row = counts.get(source, Counter())
        print(
            f"{source:34}{sent[source]:6}"
            + "".join(f"{row[word]:21}" for word in BECAME)
            + f"{sent[source] - sum(row.values()):13}"
        )
    print(f"kinds of draft: {dict(kinds)}; fell back because: {dict(reasons)}")
    print(f"codes: {dict(codes.most_common())}")
    print(
        f"on the topics: {len(broker.tail(topics.impressions, None, 0))} drafts, {len(broker.tail(topics.dead_letters, None, 0))} dead letters"
    )


if __name__ == "__main__":
    main()
