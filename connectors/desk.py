"""The desk of this room: run the day, look after dead letters, read again what was stored, see whether everything is there."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from connectors import again, topics
from connectors import doctor as checks
from connectors.agent import Day, Reader, run
from connectors.broker import Broker
from connectors.courier import Courier, Couriers, Delivery
from connectors.deadletters import Limit
from connectors.deliver import Form, Line, routes
from connectors.deliver.fhir import FhirForm
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.health import Health
from connectors.image_ai import ObservationsAt
from connectors.kafka_broker import KafkaBroker
from connectors.kafka_security import Security
from connectors.manners import (
    COMES_AGAIN,
    DONE,
    NO,
    SERVICE_AWAY,
    USAGE,
    ending_in_one_sentence,
    leave,
    leaving_at_once,
    say,
    stopping_on_signals,
    utc,
    write_logs,
)
from connectors.mllp_door import Door, Keeper
from connectors.outbox import Relay
from connectors.tls import TlsFiles
from connectors.topics import Topics
from connectors.tracing import Tracing, to_collector
from connectors.twin import InMemoryBroker
from connectors.watchdog import at_once, watching
from engine.adapters import Shelf
from engine.policy import Policy
from engine.tools import ImageAi, SecondOpinion, Tool
from engine.vllm import VllmModel
from engine.vllm_server import local_server
from engine.write import ModelUnavailable, rehearse
from feedback.database import open_database, reading
from feedback.inbox import StoredMessage, message
from feedback.sqlite_log import log_kept_short
from ingest.profiles.profile import BadProfile, Profiles
from ingest.read import read
from ingest.report import Reading
from settings import Settings

PARTITIONS = 6

log = logging.getLogger("impresario")
app = typer.Typer(no_args_is_help=True)
LogsAsJson = Annotated[bool, typer.Option("--json", help="Logs as JSON Lines, whatever IMPRESARIO_LOG_FORMAT says.")]


@app.callback()
def desk() -> None:
    """Reports in, drafts out."""


@app.command()
def agent(
    port: Annotated[int, typer.Option(envvar="IMPRESARIO_PORT", max=65535, help="/healthz, /readyz, /metrics; 0: nowhere.")] = 0,
    instance: Annotated[
        str | None, typer.Option(envvar="IMPRESARIO_INSTANCE", help="A name of its own, so that it gets its share back at once.")
    ] = None,
    withdraw_signed: Annotated[
        bool, typer.Option("--withdraw-signed", help="Withdraw drafts at the signature, too, for systems that keep showing them.")
    ] = False,
    accept_gap: Annotated[bool, typer.Option("--accept-gap", help="Go on behind messages that Kafka no longer holds.")] = False,
    as_json: LogsAsJson = False,
) -> None:
    """Run the day until SIGTERM: reports in, drafts out, signatures kept.

    Example: IMPRESARIO_KAFKA=kafka:9092 IMPRESARIO_VLLM=http://vllm:8000 impresario agent --port 9464
    """
    settings = Settings()
    write_logs("json" if as_json else settings.log_format)
    stop = stopping_on_signals()
    with leaving_at_once(), ending_in_one_sentence(COMES_AGAIN), ExitStack() as closing:
        tracing = to_collector() if settings.traces == "otlp" else Tracing()
        health = closing.enter_context(Health(port, tracing=tracing))
        day = closing.enter_context(opened(settings, health, instance))
        day = replace(day, accept_gap=accept_gap, withdraw_signed=withdraw_signed)
        closing.enter_context(couriers_of(settings, day))
        closing.enter_context(watching(at_once))
        log.info("The day begins: %s, %d at once.", settings.topic_reports, settings.workers)
        run(day, stop)
        log.info("The day ends; everything in hand is done and committed.")


dead_letters = typer.Typer(
    no_args_is_help=True, help="List, show or requeue what could not be read.\n\nExample: impresario dead-letters list --json"
)
app.add_typer(dead_letters, name="dead-letters")
AsJson = Annotated[bool, typer.Option("--json", help="JSON Lines on stdout.")]
Code = Annotated[str | None, typer.Option(help="Only those with this code.")]
Since = Annotated[datetime | None, typer.Option("--from", help="Not those that came before (UTC).")]
Until = Annotated[datetime | None, typer.Option("--to", help="Only those that came before (UTC).")]


@dead_letters.command("list")
def list_dead_letters(code: Code = None, since: Since = None, until: Until = None, as_json: AsJson = False) -> None:
    """What could not be read: number, place, code, size. Never a word.

    Example: impresario dead-letters list --code bad-charset --json
    """
    with ending_in_one_sentence(), books_of(Settings()) as books:
        for letter in again.stored(books, outcome="unreadable", code=code, since=utc(since), until=utc(until)):
            say(row_of(letter), as_json)


@dead_letters.command("show")
def show_dead_letter(
    number: int,
    raw: Annotated[bool, typer.Option("--raw", help="Write the original bytes to stdout instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """One dead letter, and what would become of it if it were read now.

    Example: impresario dead-letters show 17 --json
    """
    settings = Settings()
    with ending_in_one_sentence(), books_of(settings) as books:
        letter = the_letter(books, number)
        if raw:
            typer.echo(letter.raw, nl=False)
            return
        readings = reader_of(settings)(letter.raw, header(letter, "source"), header(letter, "content-type"))
        now = [{"outcome": one.outcome, "code": one.code, "message": one.message} for one in readings]
        say({**row_of(letter), "headers": [name for name, _ in letter.headers], "now": now}, as_json)


@dead_letters.command("requeue")
def requeue_dead_letters(
    numbers: Annotated[
        list[int] | None, typer.Argument(help="Which; without numbers: all that --code, --from and --to choose.")
    ] = None,
    code: Code = None,
    since: Since = None,
    until: Until = None,
    with_profile: Annotated[str | None, typer.Option(help="Read them with this source profile.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send dead letters round again, after what was wrong is mended.

    Example: impresario dead-letters requeue --code no-identity --with-profile my-ris
    """
    settings = Settings()
    if not (numbers or code or since or until):
        leave("Say which: numbers, --code, --from or --to.", USAGE)
    with ending_in_one_sentence(), books_of(settings) as books, broker_outside(settings) as broker:
        chosen = (
            [the_letter(books, number) for number in dict.fromkeys(numbers)]
            if numbers
            else again.stored(books, outcome="unreadable", code=code, since=utc(since), until=utc(until))
        )
        done = again.requeue(books, broker, chosen, at=datetime.now(UTC), source=with_profile)
        say({"requeued": len(done), "ids": done}, as_json)


@app.command()
def replay(
    since: Since = None,
    until: Until = None,
    report: Annotated[str | None, typer.Option(help="Only the messages of this report id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Feed stored messages through the agent again. What was shown or signed stays as it is.

    Example: impresario replay --from 2026-03-01T08:00 --to 2026-03-01T12:00
    """
    settings = Settings()
    if not (since or until or report):
        leave("Say what to replay: --from, --to or --report.", USAGE)
    with ending_in_one_sentence(), books_of(settings) as books, broker_outside(settings) as broker:
        until = utc(until) or datetime.now(UTC)
        chosen = again.stored(books, report_id=report, since=utc(since), until=until, topic=settings.topic_reports)
        say({"replayed": again.replay(broker, chosen)}, as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Print each setting with where it came from, and look at every service. Exit status 3 when one is away, 1 when something is wrong.

    Example: impresario doctor
    """
    settings = Settings()
    key = settings.vllm_key.get_secret_value() if settings.vllm_key else None
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    rows = checks.printable_settings(values, Path("impresario.toml"))
    findings = [
        checks.look_at_kafka(lambda: broker_of(settings, hurried=True), topics_of(settings).all),
        checks.look_at_database(settings.database),
        checks.look_at_vllm(settings.vllm, settings.base_model, key),
        checks.look_at_base(settings.base_model),
        checks.look_at_shelf(settings.shelf),
        checks.look_at_key(settings.patient_key.get_secret_value()),
    ]
    with ending_in_one_sentence():
        forms_of(settings, topics_of(settings))  # names nobody knows, profiles that cannot be used
        lines, waiting, now = lines_of(settings), checks.waiting_of(settings.database), datetime.now(UTC)
    findings += [checks.look_at_delivery(name, line, waiting, now) for name, line in lines.items()]
    findings += checks.look_at_strays(lines, waiting)
    if as_json:
        typer.echo(json.dumps({"settings": rows, "findings": [asdict(one) for one in findings]}))
    else:
        for row in rows:
            typer.echo(f"{row['setting']:32} {row['value']}  ({row['from']})")
        for one in findings:
            typer.echo(f"{one.state.upper():8} {one.what}: {one.said}")
    states = {one.state for one in findings}
    raise typer.Exit(SERVICE_AWAY if "away" in states else NO if "wrong" in states else DONE)


@app.command()
def mllp(
    port: Annotated[int, typer.Option(max=65535, help="Listen here.")] = 2575,
    host: Annotated[str, typer.Option(help="On this address.")] = "0.0.0.0",
    source: Annotated[str | None, typer.Option(help="Source profile of what comes in here.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="Speak TLS with this certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    client_authority: Annotated[
        Path | None, typer.Option(help="Let in only peers whose certificate this authority signed.")
    ] = None,
    as_json: LogsAsJson = False,
) -> None:
    """Take HL7 v2 over MLLP and pass it on to the reports topic; acknowledged when it is on disk.

    Example: impresario mllp --port 2575 --certificate door.pem --key door.key
    """
    settings = Settings()
    write_logs("json" if as_json else settings.log_format)
    stop = stopping_on_signals()
    with leaving_at_once(), ending_in_one_sentence(COMES_AGAIN), ExitStack() as closing:
        books = closing.enter_context(books_of(settings))
        closing.enter_context(log_kept_short(books))
        broker = closing.enter_context(broker_outside(settings))
        relay = Relay(books, broker, our_topics=[settings.topic_reports])
        Profiles.of(settings.profiles).named(source or settings.source)  # one that is not there is said now
        keeper = Keeper(
            books,
            lambda raw: list(reader_of(settings)(raw, source, topics.HL7V2)),
            topic=settings.topic_reports,
            source=source,
            wake=relay.wake,
        )
        tls = TlsFiles(client_authority, certificate, key) if certificate else None
        if tls is not None:
            tls.server()  # a file that does not fit is said now
        door = closing.enter_context(Door(keeper.answers_to, host=host, port=port, tls=tls, largest=settings.max_message_bytes))
        log.info("Listening on %s:%d%s.", host, door.port, " with TLS" if tls else "")
        relay.run_until(stop)


@contextmanager
def books_of(settings: Settings) -> Iterator[Engine]:
    books = open_database(settings.database)
    try:
        yield books
    finally:
        books.dispose()


@contextmanager
def broker_outside(settings: Settings) -> Iterator[Broker]:
    """The broker an agent in another process listens to."""
    if settings.kafka == "memory":
        leave("IMPRESARIO_KAFKA=memory lives inside the agent alone: there is nothing to send to from here.", USAGE)
    broker = broker_of(settings)
    try:
        yield broker
    finally:
        broker.close()


def the_letter(books: Engine, number: int) -> StoredMessage:
    with reading(books) as session:
        letter = message(session, number)
    if letter is None or letter.outcome != "unreadable":
        leave(f"There is no dead letter {number}: `impresario dead-letters list` prints those there are.", NO)
    return letter


def row_of(letter: StoredMessage) -> dict[str, Any]:
    return {
        "id": letter.id,
        "code": letter.code,
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "bytes": len(letter.raw),
        "source": letter.source,
        "received_at": letter.received_at.isoformat(),
    }


def header(letter: StoredMessage, name: str) -> str | None:
    return next((value.decode("utf-8", "replace") for key, value in letter.headers if key.lower() == name), None)


@contextmanager
def opened(settings: Settings, health: Health, instance: str | None) -> Iterator[Day]:
    """Every door of the day, opened in the order in which a missing one is best explained."""
    names = topics_of(settings)
    forms = forms_of(settings, names)
    with ExitStack() as closing:
        books = closing.enter_context(books_of(settings))
        broker = broker_of(settings, instance)
        closing.callback(broker.close)
        broker.prepare(names.all, PARTITIONS)
        url = settings.vllm
        if url == "local":
            log.info("Starting vLLM on this machine; this takes a minute.")
            url = closing.enter_context(local_server(settings.base_model, Path("var/vllm.log")))
        key = settings.vllm_key.get_secret_value() if settings.vllm_key else None
        model = VllmModel(url, settings.base_model, key=key)
        closing.callback(model.close)
        warm_up(model)
        yield Day(
            broker=broker,
            books=books,
            model=model,
            reader=reader_of(settings),
            promoted_for=Shelf(settings.shelf).promoted_for,
            forms=forms[0],
            forms_by_name=forms[1],
            policy=policy_of(settings),
            topics=names,
            group=settings.group,
            workers=settings.workers,
            deadline=settings.deadline,
            deadline_stat=settings.deadline_stat,
            candidates=settings.candidates,
            seed=settings.seed,
            without_adapter=settings.without_adapter,
            guidelines=settings.guidelines,
            tools=tools_of(settings, model),
            dead_letters=Limit(settings.dead_letter_ratio, settings.dead_letter_run),
            health=health,
        )


def warm_up(model: VllmModel) -> None:
    """What is slow the first time is done before the first report: the lexicon is read, the model server compiles."""
    try:
        model.warm_up(timeout=30.0)
    except ModelUnavailable as reason:
        log.warning("Not warm: %s. Drafts are in the findings' own words until it answers.", reason)
    rehearse(model)


def tools_of(settings: Settings, model: VllmModel) -> list[Tool]:
    """Those a hospital asked for; none by itself."""
    tools: list[Tool] = [ImageAi(ObservationsAt(settings.image_ai))] if settings.image_ai else []
    return [*tools, SecondOpinion(model)] if settings.second_opinion else tools


def broker_of(settings: Settings, instance: str | None = None, *, hurried: bool = False) -> Broker:
    if settings.kafka == "memory":
        log.warning("IMPRESARIO_KAFKA=memory: no Kafka; messages live in this process alone and end with it.")
        return InMemoryBroker()
    security = Security.of(settings.model_dump())
    words = security.settings() | ({"bootstrap_timeout_ms": 2_000} if hurried else {})
    return KafkaBroker(settings.kafka, instance=instance, security=words, why_not_in=lambda: security.why_not_in(settings.kafka))


def topics_of(settings: Settings) -> Topics:
    return Topics(
        reports=settings.topic_reports,
        impressions=settings.topic_impressions,
        impressions_hl7v2=settings.topic_impressions_hl7v2,
        dead_letters=settings.topic_dead_letters,
        events=settings.topic_events,
    )


def policy_of(settings: Settings) -> Policy:
    """Whom and what the hospital opted in; the switches are asked for with every draft."""
    return Policy(
        radiologists=None if settings.opted_in is None else frozenset(settings.opted_in),
        modalities=None if settings.opted_in_modalities is None else frozenset(settings.opted_in_modalities),
        languages=frozenset(settings.languages),
        short_normals=settings.short_normals,
    )


def forms_of(settings: Settings, names: Topics) -> tuple[list[Form], dict[str, Form]]:
    """How drafts usually go out, and every way a source's profile may name. Names nobody knows are refused."""
    forms: dict[str, Form] = {"fhir": FhirForm(names.impressions), "hl7v2": Hl7v2Form(names.impressions_hl7v2)}
    for name, delivery in settings.deliveries.items():
        if name in forms:
            raise ValueError(f"IMPRESARIO_DELIVERIES: {name} is the name of a topic's form: choose another.")
        forms[name] = routes.form_for(delivery.way, name)
    asked = {"IMPRESARIO_DELIVER names": settings.deliver}
    profiles = Profiles.of(settings.profiles)
    if settings.source not in profiles.names:
        raise ValueError(f"IMPRESARIO_SOURCE names {settings.source}: choose among {', '.join(profiles.names)}.")
    try:
        asked |= {
            f"IMPRESARIO_PROFILES: [drafts] of {name} names": profiles.named(name).drafts_to or () for name in profiles.names
        }
    except BadProfile as refusal:
        raise ValueError(f"IMPRESARIO_PROFILES: {refusal}") from None
    for where, wanted in asked.items():
        if unknown := sorted(set(wanted) - set(forms)):
            raise ValueError(f"{where} {', '.join(unknown)}: choose among {', '.join(forms)}.")
    return [forms[name] for name in settings.deliver], forms


def lines_of(settings: Settings) -> dict[str, Line]:
    """The line to each system that takes drafts directly."""
    return {name: routes.line_to(name, one.way, one.to, one.model_dump()) for name, one in settings.deliveries.items()}


def couriers_of(settings: Settings, day: Day) -> Couriers:
    return Couriers({name: Courier(day.books, Delivery(name, to), health=day.health) for name, to in lines_of(settings).items()})


def reader_of(settings: Settings) -> Reader:
    def reader(raw: bytes, source: str | None, content_type: str | None) -> Iterable[Reading]:
        try:
            return read(
                raw,
                source=source or settings.source,
                content_type=content_type,
                profiles=settings.profiles,
                patient_key=settings.patient_key.get_secret_value().encode(),
                max_bytes=settings.max_message_bytes,
            )
        except BadProfile as refusal:
            return [Reading("unreadable", 0, "bad-profile", f"{refusal} Mend the profile or the `source` header, then requeue.")]

    return reader
