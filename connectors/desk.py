"""The desk of this room: run the day, look after dead letters, read again what was stored, see whether everything is there."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from connectors.agent import Day, Reader, run, where
from connectors.broker import Broker, BrokerAway, KafkaBroker, OffsetsGone
from connectors.deadletters import Limit, TooManyDeadLetters
from connectors.deliver import Form
from connectors.deliver.fhir import FhirForm
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.health import Health
from connectors.topics import Topics
from connectors.twin import InMemoryBroker
from engine.adapters import Shelf
from engine.vllm import VllmModel, local_server
from feedback.database import DatabaseUnavailable, open_database
from settings import Settings

DONE, NO, USAGE, SERVICE_AWAY = 0, 1, 2, 3
PARTITIONS = 6

log = logging.getLogger("impresario")
app = typer.Typer(no_args_is_help=True)


@app.callback()
def desk() -> None:
    """Reports in, drafts out."""


@app.command()
def agent(
    port: Annotated[
        int, typer.Option(envvar="IMPRESARIO_PORT", help="Answer /healthz, /readyz and /metrics here; 0: nowhere.")
    ] = 0,
    accept_gap: Annotated[bool, typer.Option("--accept-gap", help="Go on behind messages that Kafka no longer holds.")] = False,
) -> None:
    """Run the day until SIGTERM: reports in, drafts out, signatures kept.

    Example: IMPRESARIO_KAFKA=kafka:9092 IMPRESARIO_VLLM=http://vllm:8000 impresario agent --port 9464
    """
    settings = Settings()
    write_logs(settings.log_format)
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    with ending_in_one_sentence(), ExitStack() as closing:
        health = closing.enter_context(Health(port))
        day = closing.enter_context(opened(settings, health))
        day = replace(day, accept_gap=accept_gap)
        log.info("The day begins: %s, %d at once.", settings.topic_reports, settings.workers)
        run(day, stop)
        log.info("The day ends; everything in hand is done and committed.")


@contextmanager
def opened(settings: Settings, health: Health) -> Iterator[Day]:
    """Every door of the day, opened in the order in which a missing one is best explained."""
    with ExitStack() as closing:
        books = open_database(settings.database)
        closing.callback(books.dispose)
        broker = broker_of(settings)
        closing.callback(broker.close)
        topics = topics_of(settings)
        broker.prepare(topics.all, PARTITIONS)
        url = settings.vllm
        if url == "local":
            log.info("Starting vLLM on this machine; this takes a minute.")
            url = closing.enter_context(local_server(settings.base_model, Path("var/vllm.log")))
        key = settings.vllm_key.get_secret_value() if settings.vllm_key else None
        model = VllmModel(url, settings.base_model, key=key)
        closing.callback(model.close)
        yield Day(
            broker=broker,
            books=books,
            model=model,
            reader=reader_of(settings),
            promoted_for=Shelf(settings.shelf).promoted_for,
            forms=forms_of(settings, topics),
            topics=topics,
            group=settings.group,
            workers=settings.workers,
            deadline=settings.deadline,
            deadline_stat=settings.deadline_stat,
            candidates=settings.candidates,
            seed=settings.seed,
            dead_letters=Limit(settings.dead_letter_ratio, settings.dead_letter_run),
            health=health,
        )


def broker_of(settings: Settings) -> Broker:
    if settings.kafka == "memory":
        log.warning("IMPRESARIO_KAFKA=memory: no Kafka; messages live in this process alone and end with it.")
        return InMemoryBroker()
    return KafkaBroker(settings.kafka)


def topics_of(settings: Settings) -> Topics:
    return Topics(
        reports=settings.topic_reports,
        impressions=settings.topic_impressions,
        impressions_hl7v2=settings.topic_impressions_hl7v2,
        dead_letters=settings.topic_dead_letters,
        events=settings.topic_events,
    )


def forms_of(settings: Settings, topics: Topics) -> list[Form]:
    forms: dict[str, Callable[[], Form]] = {
        "fhir": lambda: FhirForm(topics.impressions),
        "hl7v2": lambda: Hl7v2Form(topics.impressions_hl7v2),
    }
    unknown = set(settings.deliver) - set(forms)
    if unknown:
        raise ValueError(f"IMPRESARIO_DELIVER names {', '.join(sorted(unknown))}: choose among {', '.join(forms)}.")
    return [forms[name]() for name in settings.deliver]


def reader_of(settings: Settings) -> Reader:
    from ingest.read import read

    def reader(raw: bytes, source: str | None, content_type: str | None) -> Any:
        return read(
            raw,
            source=source or settings.source,
            content_type=content_type,
            profiles=settings.profiles,
            patient_key=settings.patient_key.get_secret_value(),
            max_bytes=settings.max_message_bytes,
        )

    return reader


@contextmanager
def ending_in_one_sentence() -> Iterator[None]:
    """Whatever stops the agent is said in one line; the exit status says whose turn it is."""
    try:
        yield
    except (BrokerAway, DatabaseUnavailable) as away:
        log.error("%s The agent stops; what was not committed comes again when it is started.", away)
        raise typer.Exit(SERVICE_AWAY) from None
    except (OffsetsGone, TooManyDeadLetters) as alarm:
        log.error("%s", alarm)
        raise typer.Exit(NO) from None
    except ValueError as refusal:
        log.error("%s", refusal if str(refusal).startswith("IMPRESARIO_") else where(refusal))
        raise typer.Exit(USAGE) from None
    except typer.Exit:
        raise
    except Exception as fault:  # noqa: BLE001  no stack trace reaches a person, and its text may quote a report
        log.critical("The agent stops on a fault of its own (%s); what was not committed comes again.", where(fault))
        raise typer.Exit(NO) from None


def write_logs(form: str) -> None:
    """To stderr, as sentences or as JSON Lines. Libraries speak only when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for room in ("impresario", "ingest", "engine", "feedback", "connectors"):
        logging.getLogger(room).setLevel(logging.INFO)


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(said)
