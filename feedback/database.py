"""The one way to the database: open it, bring its tables up to date, run one transaction.

SQLite (a file, WAL, on the disk before it leaves) and PostgreSQL behave alike here: a writer begins by taking what it writes, a
database that cannot serve is one sentence (`DatabaseUnavailable`), and no exception carries a stored word.
"""

from __future__ import annotations

import fcntl
import functools
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ParamSpec, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from feedback.prepared import Prepared, Values, driven

MIGRATIONS = Path(__file__).parent / "migrations"
#: Seconds a writer waits for another one before it says so.
PATIENCE = 15
#: Bytes of SQLite's pages; and of its log, at which SQLite carries it over itself, where no agent runs.
PAGE, LONGEST_LOG = 4096, 128 * 1024 * 1024
#: How often work that another writer undid is done.
TRIES = 5
#: Any number, the same in every process: who holds it may change the tables.
MIGRATION_LOCK = 0x1A9_5E55
POSTGRESQL_DRIVER = "postgresql+psycopg"
_OPEN: dict[int, float] = {}
#: The databases whose disk failed under this process.
_FAILED: set[str | None] = set()
P = ParamSpec("P")
T = TypeVar("T")
POSTGRESQL_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "options": f"-c timezone=UTC -c lock_timeout={PATIENCE}s -c idle_in_transaction_session_timeout=60s",
}


class DatabaseUnavailable(Exception):
    """The database cannot serve now. `str()` is one sentence that says what to do; nothing that was committed is lost."""


class DiskFailed(DatabaseUnavailable):
    """A sync failed. Linux says so once and then takes what it lost for written: this process may not believe its disk again."""


class DatabaseContended(DatabaseUnavailable):
    """Two writers were in each other's way and this one was undone, whole; done again, it will do."""


class DatabaseRefused(Exception):
    """The database would not take a row: an error of ours, named by table or rule and without the row's words."""


def open_database(url: str) -> Engine:
    """The database at `url`, its tables made or brought up to date; safe when several processes start at once.

    Raises `ValueError` (a sentence) for a URL it does not know and `DatabaseUnavailable` when the database does not answer.
    """
    address = _address(url)
    engine = _sqlite(address) if address.drivername.startswith("sqlite") else _postgresql(address)
    try:
        with saying_what_is_wrong():
            _bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def transaction(engine: Engine, *, waits_for_disk: bool = True) -> Iterator[Session]:
    """All of it or none: commits at the end, rolls back on any exception. Keep a model's thinking outside of it.

    Without waiting for the disk, SQLite forgets it when the machine loses its power before the next `on_disk`; never when only
    processes die. PostgreSQL always waits: it may die alone.
    """
    with saying_what_is_wrong(), engine.connect() as connection, _alone(engine), _session(connection) as session:
        connection.begin()
        yield session
        write_noted(session)
        session.flush()
        connection.commit()
    if waits_for_disk:
        on_disk(engine)


def on_disk(engine: Engine) -> None:
    """Comes back when all that is committed will outlive the power; others may write meanwhile.

    Raises `DiskFailed` when a sync fails, and ever after: then this process must end.
    """
    if engine.dialect.name != "sqlite":
        return
    with saying_what_is_wrong(), opened_log(engine, os.O_RDONLY) as file:
        if engine.url.database in _FAILED:
            raise DiskFailed(SQLITE_SENTENCES["disk i/o"])
        try:
            os.fsync(file)
        except OSError:
            raise disk_failed(engine) from None


def disk_failed(engine: Engine) -> DiskFailed:
    """Notes it for as long as this process lives."""
    _FAILED.add(engine.url.database)
    return DiskFailed(SQLITE_SENTENCES["disk i/o"])


def has_failed_disk() -> bool:
    """Whether a sync of any database failed under this process."""
    return bool(_FAILED)


@contextmanager
def opened_log(engine: Engine, flags: int) -> Iterator[int]:
    """SQLite's log. It is there as long as our pool holds a connection; the other two files are never opened: to close one would
    end every lock this process has on it."""
    try:
        file = os.open(f"{engine.url.database}-wal", flags)
    except OSError as error:
        raise DatabaseUnavailable(f"SQLite's log cannot be opened ({error.strerror}): look beside the database file.") from None
    try:
        yield file
    finally:
        os.close(file)


def done_again(work: Callable[P, T]) -> Callable[P, T]:
    """For what is one transaction and nothing besides: done again when another writer's undid it, and given up only after `TRIES`."""

    @functools.wraps(work)
    def trying(*args: P.args, **kwargs: P.kwargs) -> T:
        for tried in range(1, TRIES):
            with suppress(DatabaseContended):
                return work(*args, **kwargs)
            time.sleep(random.uniform(0, 0.1) * tried)
        return work(*args, **kwargs)

    return trying


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One consistent look that never waits for a writer."""
    with saying_what_is_wrong(), engine.connect() as connection, _session(connection.execution_options(reading=True)) as session:
        connection.begin()
        yield session


@contextmanager
def _session(connection: Connection) -> Iterator[Session]:
    """The ORM's view of a transaction that is not the ORM's: most statements go past it, and then there is nothing to close."""
    session = Session(connection, expire_on_commit=False, join_transaction_mode="rollback_only")
    try:
        yield session
    finally:
        if session.in_transaction() or session.new:
            session.close()


def note(session: Session, statement: Prepared, rows: Sequence[Values]) -> None:
    """Rows for one statement, written with all others for it in one go: at the end, or as soon as anybody looks."""
    session.info.setdefault("noted", {}).setdefault(statement, []).extend(rows)


def looking(session: Session) -> Connection:
    """The connection, for a statement that must see what was noted."""
    write_noted(session)
    return connection_of(session)


def connection_of(session: Session) -> Connection:
    """What `session.connection()` says, without the ORM's ado."""
    connection = session.get_bind()
    assert isinstance(connection, Connection)
    return connection


def write_noted(session: Session) -> None:
    """Writes what was noted, statement by statement in the order in which each was first used."""
    for statement, rows in session.info.pop("noted", {}).items():
        statement.write(connection_of(session), rows)


@event.listens_for(Session, "do_orm_execute")
def _see_what_was_noted(state: ORMExecuteState) -> None:
    write_noted(state.session)  # type: ignore[arg-type]  # the one class of sessions there is here


@event.listens_for(Session, "before_flush")
def _keep_the_order(session: Session, *_: object) -> None:
    write_noted(session)


@contextmanager
def undisturbed(engine: Engine) -> Iterator[None]:
    """On SQLite one thread of this process at a time, whether it writes or reads many messages. Left to SQLite, writers poll, sleep and
    starve each other; left to Python, whoever is busy takes the interpreter from a writer at every row."""
    turn: threading.RLock | None = engine.get_execution_options().get("turn")
    if turn is None:
        yield
        return
    if not turn.acquire(timeout=PATIENCE):
        raise DatabaseUnavailable(SQLITE_SENTENCES["busy"])
    try:
        yield
    finally:
        turn.release()


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """As `undisturbed`, and on SQLite at the head of the line of all processes that write to its file. They look every millisecond whether
    it is their turn, SQLite itself sleeps up to a hundred; and while another process writes, other threads of this one may go on.
    The lock is only a queue: who finds it held too long goes on, and SQLite says what is wrong."""
    if engine.dialect.name != "sqlite":
        yield
        return
    until = time.monotonic() + PATIENCE
    with opened_log(engine, os.O_RDONLY) as log:
        while True:
            with undisturbed(engine):
                if _is_first(log) or time.monotonic() > until:
                    try:
                        yield
                    finally:  # before the turn: who takes that finds the line open
                        fcntl.flock(log, fcntl.LOCK_UN)
                    return
            time.sleep(0.001)


def _is_first(log: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


@contextmanager
def saying_what_is_wrong() -> Iterator[None]:
    """Turns the drivers' errors into `DatabaseUnavailable` or `DatabaseRefused`; their texts may quote a row and are dropped."""
    _OPEN[threading.get_ident()] = time.monotonic()
    try:
        yield
    except PoolTimeout:
        raise DatabaseUnavailable("All database connections of this process are in use: lower `workers`, or wait.") from None
    except DBAPIError as error:
        sentence = _what_is_wrong(error)
        if sentence:
            contended = sentence in (POSTGRESQL_SENTENCES["40"], POSTGRESQL_SENTENCES["55P03"])
            raise (DatabaseContended if contended else DatabaseUnavailable)(sentence) from None
        raise DatabaseRefused(_what_was_refused(error)) from None
    finally:
        _OPEN.pop(threading.get_ident(), None)


def standing_open() -> list[tuple[int, float]]:
    """By thread, who has something open with the database now and since when: a watchdog sees who never gets an answer."""
    return list(_OPEN.items())


def is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def is_reading(session: Session) -> bool:
    """Whether this is a look (`reading`) and no `transaction`."""
    return bool(connection_of(session).get_execution_options().get("reading", False))


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise ValueError("IMPRESARIO_DATABASE is no database URL: write sqlite:///FILE or postgresql://USER@HOST/NAME.") from None
    if address.drivername in ("postgres", "postgresql", "postgresql+psycopg2"):
        return address.set(drivername=POSTGRESQL_DRIVER)
    if address.drivername in (POSTGRESQL_DRIVER, "sqlite", "sqlite+pysqlite"):
        return address
    raise ValueError(
        "IMPRESARIO_DATABASE names a database we do not keep books in: use sqlite:///FILE or postgresql://USER@HOST/NAME."
    )


def _sqlite(address: URL) -> Engine:
    if address.database in (None, "", ":memory:"):
        raise ValueError(
            "A database in memory forgets what was shown when the process ends: name a file, as in sqlite:///var/impresario.db."
        )
    if str(address.database).startswith("file:"):
        raise ValueError("IMPRESARIO_DATABASE is a file: URI, which may hide where SQLite keeps its log: write sqlite:///FILE.")
    address = address.set(database=os.path.realpath(str(address.database)))  # the log lies beside the file, not beside a link
    try:
        Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(f"The folder of the database file cannot be made ({error.strerror}): choose another.") from None
    engine = create_engine(address, hide_parameters=True, connect_args={"timeout": PATIENCE}, pool_size=16, max_overflow=48)
    engine.update_execution_options(turn=threading.RLock())
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    """WAL, and no fsync while others wait to write: what must survive the power going has `on_disk` come after it."""
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own idea of it is late
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000}")
    _switch_to_wal(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {LONGEST_LOG // PAGE}")
    connection.execute("PRAGMA foreign_keys = ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Only one process can switch, and SQLite does not wait for it here: so we do."""
    until = time.monotonic() + PATIENCE
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.05)


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    driven(connection, "BEGIN" if reading else "BEGIN IMMEDIATE").close()


def _postgresql(address: URL) -> Engine:
    wanted = {name: value for name, value in POSTGRESQL_OPTIONS.items() if name not in address.query}
    return create_engine(address, hide_parameters=True, connect_args=wanted, pool_size=16, max_overflow=48, pool_pre_ping=True)


def _bring_up_to_date(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    with engine.execution_options(reading=True).connect() as look:
        standing = MigrationContext.configure(look).get_current_heads()
    if standing == tuple(script.get_heads()):
        return
    with engine.begin() as connection:  # SQLite: nobody else writes from here on
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        known = {revision.revision for revision in script.walk_revisions()}
        if not set(MigrationContext.configure(connection).get_current_heads()) <= known:
            raise DatabaseUnavailable("The database is of a newer Impresario: start that version, or restore an older copy.")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


#: What SQLite says -> what to do.
SQLITE_SENTENCES = {
    "locked": f"Another process held the database file for more than {PATIENCE} seconds: find out which, then start again.",
    "busy": f"Another process held the database file for more than {PATIENCE} seconds: find out which, then start again.",
    "full": "The disk of the database is full: free some space, then start again.",
    "disk i/o": "The disk of the database fails to read or write: look at the disk, then start again.",
    "unable to open": "The database file cannot be opened: look at its folder and at who owns it.",
    "readonly": "The database file may not be written by this user: give it to the user that runs Impresario.",
    "not a database": "The database file is no SQLite database: point IMPRESARIO_DATABASE at another file.",
    "malformed": "The database file is damaged: restore a copy.",
}
#: PostgreSQL's SQLSTATE, or its class -> what to do.
POSTGRESQL_SENTENCES = {
    "28": "PostgreSQL refuses this user or password: look at IMPRESARIO_DATABASE.",
    "3D": "PostgreSQL has no database of that name: make it with createdb, or look at IMPRESARIO_DATABASE.",
    "40": "PostgreSQL put two writers in each other's way and undid one: the work is done again.",
    "42501": "This user may not make or write Impresario's tables: grant it the schema.",
    "53100": "The disk of the database is full: free some space, then start again.",
    "53300": "PostgreSQL has no connection left: raise max_connections, or run fewer agents.",
    "53": "PostgreSQL is out of memory, disk or connections: look at its log.",
    "55P03": f"Another process held a row for more than {PATIENCE} seconds: the work is done again.",
    "57": "PostgreSQL was stopped or is starting: the work is done again when it is back.",
    "25006": "This PostgreSQL is read-only (a standby?): point IMPRESARIO_DATABASE at the primary.",
    "58": "The disk of the database fails to read or write: look at PostgreSQL's log.",
    "08": "PostgreSQL does not answer: look whether it runs and whether IMPRESARIO_DATABASE names its host and port.",
}


def _what_is_wrong(error: DBAPIError) -> str | None:
    """The sentence for an error that is the database's and not the row's."""
    if isinstance(error.orig, sqlite3.Error):
        said = str(error.orig).lower()
        return next((sentence for words, sentence in SQLITE_SENTENCES.items() if words in said), None)
    state = getattr(error.orig, "sqlstate", None)
    if state:
        return next((POSTGRESQL_SENTENCES[start] for start in (state, state[:2]) if start in POSTGRESQL_SENTENCES), None)
    if error.connection_invalidated or type(error.orig).__name__ in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
        return _why_not_reached(str(error.orig).lower())
    return None


def _why_not_reached(said: str) -> str:
    if "authentication failed" in said or "no password" in said or "pg_hba" in said:
        return POSTGRESQL_SENTENCES["28"]
    if "database" in said and "does not exist" in said:
        return POSTGRESQL_SENTENCES["3D"]
    if "too many clients" in said or "connection slots" in said:
        return POSTGRESQL_SENTENCES["53300"]
    return POSTGRESQL_SENTENCES["08"]


def _what_was_refused(error: DBAPIError) -> str:
    diagnosis = getattr(error.orig, "diag", None)
    rule = getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "table_name", None)
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None) or type(error.orig).__name__
    return f"the database refused a row ({state}{', ' + rule if rule else ''})"
