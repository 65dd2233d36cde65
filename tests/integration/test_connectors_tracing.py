"""One trace from the sender's message to the draft's delivery, and measures of every stage; not a word of a report in either."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import select

from connectors.agent import Day, run
from connectors.broker import BrokerAway, Message
from connectors.courier import Courier, Delivery
from connectors.deliver import ACCEPTED, Answer
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.health import Health
from connectors.outbox import Relay
from connectors.topics import Topics
from connectors.tracing import OpenTelemetry
from connectors.twin import InMemoryBroker
from feedback.database import open_database, reading, transaction
from feedback.outbox import OUTBOX, Outgoing, Waiting, send
from ingest.read import read
from tests.fakes.model import ScriptedModel, away

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
DICTATED = (
    b"MSH|^~\\&|CANARYRIS|H|||2026||ORU^R01|M1|P|2.5.1\rPID|||CANARYID||CANARYNAME\r"
    b"OBR|1||A1|71260^CT chest|||2026||||||||||||||||||P\rOBX|1|TX|71260&GDT||CANARY two nodules in the left lung.||||||P\r"
)


class Takes:
    """A system that takes everything."""

    def say(self, message: Waiting) -> Answer:
        return ACCEPTED

    def hang_up(self) -> None:
        """Nothing is open."""

    def greet(self) -> str:
        return "there"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def a_day_with_one_report(folder: Path, health: Health, *headers: tuple[str, bytes]) -> dict[str, bytes]:
    """Run it, deliver the draft; the headers the draft left with."""
    books, broker = open_database(f"sqlite:///{folder}/impresario.db"), InMemoryBroker()
    day = Day(
        broker=broker,
        books=books,
        model=ScriptedModel(away),
        reader=lambda raw, source, content_type: read(raw),
        promoted_for=lambda radiologist: None,
        forms=[Hl7v2Form("delivery:ris")],
        health=health,
        workers=1,
    )
    broker.prepare(Topics().all, 1)
    broker.publish([Message(Topics().reports, b"K", DICTATED, headers)])
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(day, stop))
    thread.start()
    courier = Courier(books, Delivery("ris", Takes()), health=health)
    until = time.monotonic() + 60
    while not courier.carry_one() and time.monotonic() < until:
        time.sleep(0.05)
    stop.set()
    thread.join(30)
    with reading(books) as session:
        (row,) = session.connection().execute(select(OUTBOX.c.headers).where(OUTBOX.c.topic == "delivery:ris")).all()
    books.dispose()
    return {name: value.encode("latin-1") for name, value in row.headers}


def test_the_senders_trace_goes_through_every_stage_to_the_delivery(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    tracing = OpenTelemetry(spans)

    headers = a_day_with_one_report(
        tmp_path, Health(tracing=tracing), ("traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())
    )
    tracing.close()

    of_the_message = {span.name for span in spans.get_finished_spans() if f"{span.context.trace_id:032x}" == TRACE}
    assert of_the_message == {"impresario.read", "impresario.think", "impresario.deliver"}
    assert headers["traceparent"].decode().split("-")[1] == TRACE


def test_a_message_without_a_trace_begins_one(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    tracing = OpenTelemetry(spans)

    headers = a_day_with_one_report(tmp_path, Health(tracing=tracing))
    tracing.close()

    by_name = {span.name: span for span in spans.get_finished_spans()}
    think, deliver = by_name["impresario.think"], by_name["impresario.deliver"]
    assert think.context.trace_id == deliver.context.trace_id
    assert deliver.parent is not None and deliver.parent.span_id == think.context.span_id
    assert "traceparent" in headers


def test_no_span_and_no_measure_holds_a_word_of_the_report_or_of_its_patient(tmp_path: Path, spans: InMemorySpanExporter) -> None:
    tracing, hostile = OpenTelemetry(spans), ("tracestate", b"CANARY=1")
    health = Health(tracing=tracing)

    a_day_with_one_report(tmp_path, health, hostile, ("traceparent", b"CANARY not a trace"))
    tracing.close()

    said = "".join(span.to_json() for span in spans.get_finished_spans()) + health.metrics().decode()
    assert "impresario.think" in said and "CANARY" not in said and "nodules" not in said


def test_a_fault_in_a_stage_is_named_by_its_kind_alone(spans: InMemorySpanExporter) -> None:
    tracing = OpenTelemetry(spans)

    with pytest.raises(ValueError, match="CANARY"), Health(tracing=tracing).stage("think"):
        raise ValueError("CANARY words")
    tracing.close()

    (span,) = spans.get_finished_spans()
    assert "ValueError" in span.to_json() and "CANARY" not in span.to_json()


def test_without_being_asked_for_no_trace_is_added(tmp_path: Path) -> None:
    assert "traceparent" not in a_day_with_one_report(tmp_path, Health())


def test_every_measure_of_operate_md_is_there(tmp_path: Path) -> None:
    health = Health()
    a_day_with_one_report(tmp_path, health)

    said = health.metrics().decode()
    for name in [
        "impresario_lag_messages",
        'impresario_oldest_seconds{lane="stat"}',
        'impresario_drafts_total{kind="extractive"} 1.0',
        'impresario_fallbacks_total{reason="',
        'impresario_deliveries_total{answer="accepted",delivery="ris"} 1.0',
        *(f'impresario_stage_seconds_count{{stage="{stage}"}}' for stage in ("store", "read", "think", "settle", "deliver")),
    ]:
        assert name in said, name


def test_a_publish_that_fails_is_counted(tmp_path: Path) -> None:
    books, broker, health = open_database(f"sqlite:///{tmp_path}/impresario.db"), InMemoryBroker(), Health()
    with transaction(books) as session:
        send(session, [Outgoing("a", "radiology.events", None, (), b"")], AT)
    broker.away = True

    with pytest.raises(BrokerAway):
        Relay(books, broker, our_topics=["radiology.events"], health=health).send_some()

    assert 'impresario_failures_total{what="publish"} 1.0' in health.metrics().decode()
    books.dispose()
