"""How a process of this room speaks and ends: stopped by signals, one sentence and a status for whatever stops it, logs without words."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from connectors.agent import where
from connectors.broker import BrokerAway, OffsetsGone
from connectors.deadletters import TooManyDeadLetters
from connectors.tls import BadFile
from feedback.database import DatabaseUnavailable
from ingest.profiles.profile import BadProfile

DONE, NO, USAGE, SERVICE_AWAY = 0, 1, 2, 3

log = logging.getLogger("impresario")


def stopping_on_signals() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: stop.set())
    return stop


def utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def say(row: dict[str, Any], as_json: bool) -> None:
    typer.echo(json.dumps(row) if as_json else "  ".join(f"{name}={value}" for name, value in row.items()))


def leave(sentence: str, status: int) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(status)


#: What a process that runs all day adds when a service is away.
COMES_AGAIN = " This stops; what was not committed comes again when it is started."


@contextmanager
def ending_in_one_sentence(then: str = "") -> Iterator[None]:
    """Whatever stops a command is said in one line, and `then` what follows; the exit status says whose turn it is."""
    try:
        yield
    except SettingsError:
        raise  # the front desk names the setting
    except ValidationError as refusal:
        if refusal.title == "Settings":
            raise
        _say_our_fault(refusal, then)  # any other may quote what it was given
    except (BrokerAway, DatabaseUnavailable) as away:
        log.error("%s%s", away, then)
        raise typer.Exit(SERVICE_AWAY) from None
    except (OffsetsGone, TooManyDeadLetters) as alarm:
        log.error("%s", alarm)
        raise typer.Exit(NO) from None
    except (BadFile, BadProfile) as refusal:
        log.error("%s", refusal)
        raise typer.Exit(USAGE) from None
    except ValueError as refusal:
        log.error("%s", refusal if str(refusal).startswith("IMPRESARIO_") else where(refusal))
        raise typer.Exit(USAGE) from None
    except typer.Exit:
        raise
    except OSError as refusal:
        if not is_about_an_address(refusal):
            _say_our_fault(refusal, then)
        log.error("Nobody can listen there (%s): choose another --port or --host.", refusal.strerror)
        raise typer.Exit(USAGE) from None
    except MemoryError:
        log.critical("There is no memory left: allow this process more. It stops; what was not committed comes again.")
        raise typer.Exit(SERVICE_AWAY) from None
    except Exception as fault:  # noqa: BLE001  no stack trace reaches a person, and its text may quote a report
        _say_our_fault(fault, then)


def is_about_an_address(refusal: OSError) -> bool:
    """A port that is taken or kept for others, or a host that is not ours or (below zero) nobody's; files that refuse have a name."""
    number = refusal.errno or 0
    return refusal.filename is None and (
        number in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM) or number < 0
    )


def _say_our_fault(fault: Exception, then: str) -> NoReturn:
    log.critical("This is a fault of our own (%s): tell us.%s", where(fault), then)
    raise typer.Exit(NO) from None


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """A failed agent does not wait for its hands: what they hold comes again, and a thread that logs while Python ends aborts it."""
    try:
        yield
    except typer.Exit as ending:
        logging.shutdown()
        if any(thread.daemon for thread in threading.enumerate()):
            os._exit(ending.exit_code)
        raise


def write_logs(form: str) -> None:
    """To stderr, as sentences or as JSON Lines. Libraries speak only when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else Sentences("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    threading.excepthook = say_what_ended
    for room in ("impresario", "ingest", "engine", "feedback", "connectors"):
        logging.getLogger(room).setLevel(logging.INFO)


def say_what_ended(ended: threading.ExceptHookArgs) -> None:
    """In the place of Python's own hook, which prints the trace and text of what ended a thread."""
    if ended.exc_value is not None and not isinstance(ended.exc_value, SystemExit):
        log.error("The thread %s ended by a fault (%s).", ended.thread.name if ended.thread else "", where(ended.exc_value))


class Sentences(logging.Formatter):
    """A line each; of a library's stack trace only kind and place, for its text may quote a report."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(without_trace(record))


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_trace(record).getMessage(),
        }
        return json.dumps(said)


def without_trace(record: logging.LogRecord) -> logging.LogRecord:
    """The same record, ending in what went wrong and where instead of in a trace."""
    fault = record.exc_info[1] if record.exc_info else None
    told = copy(record)
    told.exc_info = told.exc_text = told.stack_info = None
    if fault is not None:
        told.msg, told.args = f"{record.getMessage()} ({where(fault)})", None
    return told
