"""What is wrong, before the agent finds out: each setting with where it came from, each service with what it answers.

No secret is printed, and nothing is changed but that a database that is empty gets its tables.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connectors.broker import Broker, BrokerAway
from connectors.deliver import PREFIX, Line, NotThere
from engine.adapters import BrokenAdapter, Shelf, verify
from engine.vllm import VllmModel
from feedback.database import DatabaseUnavailable, open_database, reading
from feedback.inbox import count_by_outcome
from feedback.outbox import OUTBOX, count_waiting

UNCHANGED_KEY = "change-me"
#: Read by the agent's command line and by the benches, not among the settings.
OPTIONS = {"IMPRESARIO_PORT", "IMPRESARIO_INSTANCE", "IMPRESARIO_SHARED_DATA"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `fine`, `warning` (works, and should not stay so), `wrong` (mend it), `away` (a service is not there)."""

    what: str
    state: Literal["fine", "warning", "wrong", "away"]
    said: str


class Waits(NamedTuple):
    """How many messages wait, and since when the oldest."""

    number: int
    since: datetime


def printable_settings(values: Mapping[str, Any], toml_file: Path) -> list[dict[str, str]]:
    """Each setting with its value and where that came from, secrets only as set or not; then those written down that nobody reads."""
    written: Mapping[str, Any] = tomllib.loads(toml_file.read_text()) if toml_file.exists() else {}
    environment = {name.upper() for name in os.environ}
    rows = []
    for name, value in values.items():
        came_from = "default"
        if name in written:
            came_from = str(toml_file)
        setting = f"IMPRESARIO_{name.upper()}"
        if setting in environment or any(one.startswith(f"{setting}__") for one in environment):
            came_from = "environment"
        rows.append({"setting": setting, "value": printable(name, value), "from": came_from})
    known = {row["setting"] for row in rows} | OPTIONS
    strays = sorted(one for one in environment if one.startswith("IMPRESARIO_") and one.split("__")[0] not in known)
    return rows + [{"setting": one, "value": "(there is no such setting)", "from": "environment"} for one in strays]


def printable(name: str, value: Any) -> str:
    if isinstance(value, SecretStr):
        return "(the default: set your own)" if value.get_secret_value() == UNCHANGED_KEY else "(set)"
    if name == "database":
        try:
            return make_url(value).render_as_string(hide_password=True)
        except ArgumentError:
            return "(no SQLAlchemy URL)"
    if name == "deliveries":
        return ", ".join(f"{one} ({delivery.way})" for one, delivery in value.items()) or "(none)"
    if name == "vllm" and "@" in str(value):
        return "(an address with a password in it)"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def look_at_kafka(broker: Callable[[], Broker], wanted: tuple[str, ...]) -> Finding:
    try:
        one = broker()
        there = one.topics()
        one.close()
    except BrokerAway as away:
        return Finding("kafka", "away", str(away))
    missing = sorted(set(wanted) - there)
    said = f"answers; the agent will create {', '.join(missing)}." if missing else "answers, and has all topics."
    return Finding("kafka", "fine", said)


def look_at_delivery(name: str, line: Line, waiting: Mapping[str, Waits], now: datetime) -> Finding:
    """Whether one system can be spoken to, and what waits for it. Nothing is sent."""
    waits = waiting.get(PREFIX + name)
    so_far = f"; {waits.number} drafts wait, the oldest {(now - waits.since).total_seconds() / 60:.0f} minutes" if waits else ""
    try:
        return Finding(f"delivery {name}", "fine", f"{line.greet()}{so_far}.")
    except NotThere as reason:
        return Finding(f"delivery {name}", "away", f"{str(reason).rstrip('.')}{so_far}.")
    except Exception as fault:  # noqa: BLE001  an answer nobody thought of
        return Finding(f"delivery {name}", "wrong", f"what it answers is not what it should be ({type(fault).__name__}){so_far}.")


def look_at_strays(names: Collection[str], waiting: Mapping[str, Waits]) -> list[Finding]:
    """Drafts for deliveries that the settings no longer name: nobody carries them."""
    strays = {topic.removeprefix(PREFIX): waits for topic, waits in waiting.items() if topic.startswith(PREFIX)}
    return [
        Finding(f"delivery {name}", "warning", f"{waits.number} drafts wait for it, and the settings do not name it any more.")
        for name, waits in strays.items()
        if name not in names
    ]


def waiting_of(url: str) -> Mapping[str, Waits]:
    """What is stored and not sent, by topic; nothing when the database cannot be asked, which `look_at_database` says."""
    try:
        books = open_database(url)
        with reading(books) as session:
            unsent = select(OUTBOX.c.topic, func.count(), func.min(OUTBOX.c.created_at)).where(OUTBOX.c.published_at.is_(None))
            rows = session.connection().execute(unsent.group_by(OUTBOX.c.topic)).all()
        books.dispose()
    except (ValueError, DatabaseUnavailable):
        return {}
    return {topic: Waits(number, since) for topic, number, since in rows}


def look_at_database(url: str) -> Finding:
    try:
        books = open_database(url)
        with reading(books) as session:
            kept, waiting = count_by_outcome(session), count_waiting(session)
        books.dispose()
    except ValueError as refusal:
        return Finding("database", "wrong", str(refusal))
    except DatabaseUnavailable as away:
        return Finding("database", "away", str(away))
    messages = ", ".join(f"{number} {outcome}" for outcome, number in sorted(kept.items())) or "none yet"
    return Finding("database", "fine", f"answers; messages: {messages}; waiting to be sent: {waiting}.")


def look_at_vllm(url: str, base_model: str, key: str | None) -> Finding:
    if url == "local":
        return Finding("vllm", "fine", "the agent starts one on this machine.")
    try:
        model = VllmModel(url, base_model, key=key)
        ready = model.is_ready()
        model.close()
    except Exception:  # noqa: BLE001  whatever an address may do to an HTTP client
        return Finding("vllm", "wrong", "IMPRESARIO_VLLM is no address: write http://HOST:PORT, or local.")
    if not ready:
        return Finding("vllm", "away", "does not answer: start it, or look at IMPRESARIO_VLLM. Until then drafts are extractive.")
    return Finding("vllm", "fine", "answers.")


def look_at_base(base_model: str) -> Finding:
    folder = Path(base_model)
    if (folder / "config.json").exists():
        return Finding("base model", "fine", f"stands in {folder.name}.")
    if folder.is_absolute() or folder.exists():
        return Finding("base model", "wrong", "the folder holds no config.json: point IMPRESARIO_BASE_MODEL at a model's folder.")
    return Finding("base model", "fine", "is a name; vLLM knows whether it has it.")


def look_at_shelf(root: Path) -> Finding:
    broken = 0
    shelf = Shelf(root)
    try:
        standing = shelf.all()
    except OSError as error:
        return Finding("shelf", "wrong", f"cannot be read ({error.strerror}): look at IMPRESARIO_SHELF.")
    for adapter, state in standing:
        if state != "deleted":
            try:
                verify(adapter)
            except BrokenAdapter:
                broken += 1
    if broken:
        return Finding("shelf", "warning", f"{broken} of {len(standing)} adapters are broken: roll back or delete them.")
    return Finding("shelf", "fine", f"{len(standing)} adapters, {sum(state == 'promoted' for _, state in standing)} promoted.")


def look_at_key(key: str) -> Finding:
    if key == UNCHANGED_KEY:
        return Finding("patient key", "warning", "is the default: set IMPRESARIO_PATIENT_KEY to a secret of your own, once.")
    return Finding("patient key", "fine", "is your own.")
