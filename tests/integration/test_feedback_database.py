"""Opening the books: by several at once, over a broken disk, with the wrong address; and never a word of a report in an error."""

from __future__ import annotations

import multiprocessing
import sqlite3
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from feedback import audit, database
from feedback.capture import record_draft
from feedback.database import DatabaseRefused, DatabaseUnavailable, open_database, reading, transaction
from feedback.tables import Audit, Draft, Row
from tests.integration.feedback_books import NOON, dictated, drafted, later


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/var/books.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def books(where: str) -> Iterator[Engine]:
    engine = open_database(where)
    yield engine
    engine.dispose()


def _open(where: str) -> None:
    open_database(where).dispose()


def test_the_migrations_make_exactly_the_tables_we_write(books: Engine) -> None:
    with books.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": False}), Row.metadata)
        partial = {index["name"] for index in inspect(connection).get_indexes("outbox")}

    assert differences == []
    assert {"ix_outbox_lane", "ix_outbox_unpublished"} <= partial


def test_processes_that_open_a_new_database_at_once_all_find_it_ready(where: str) -> None:
    context = multiprocessing.get_context("spawn")
    opening = [context.Process(target=_open, args=(where,)) for _ in range(4)]

    for process in opening:
        process.start()
    for process in opening:
        process.join(60)

    assert [process.exitcode for process in opening] == [0, 0, 0, 0]


def test_a_database_of_a_newer_impresario_is_left_alone(where: str, books: Engine) -> None:
    with books.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))

    with pytest.raises(DatabaseUnavailable, match="newer Impresario"):
        open_database(where)


def test_plain_postgresql_addresses_are_understood(request: pytest.FixtureRequest) -> None:
    plain = str(request.getfixturevalue("postgres_url")).replace("postgresql+psycopg://", "postgres://")

    open_database(plain).dispose()


@pytest.mark.parametrize("url", ["mysql://host/name", "not a url", "sqlite://", "sqlite:///:memory:"])
def test_an_address_we_keep_no_books_at_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="sqlite:///"):
        open_database(url)


def test_a_server_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        open_database("postgresql://127.0.0.1:1/impresario?connect_timeout=2")

    assert "does not answer" in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "books.db").write_bytes(b"this was never a database" * 100)

    with pytest.raises(DatabaseUnavailable, match="no SQLite database"):
        open_database(f"sqlite:///{tmp_path}/books.db")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DatabaseUnavailable, match="folder"):
        open_database(f"sqlite:///{tmp_path}/file/books.db")


def test_a_locked_database_is_one_sentence_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.2)
    engine = open_database(f"sqlite:///{tmp_path}/books.db")
    other = sqlite3.connect(tmp_path / "books.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnavailable, match="held the database file"), transaction(engine) as session:
        record_draft(session, dictated(), drafted(dictated()), [], NOON)

    other.execute("ROLLBACK")
    with transaction(engine) as session:
        assert record_draft(session, dictated(), drafted(dictated()), [], NOON) is not None


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/books.db")
    with engine.connect() as connection:  # a database that may not grow fails as on a full disk
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    engine.dispose()
    engine = open_database(f"sqlite:///{tmp_path}/books.db")

    with pytest.raises(DatabaseUnavailable, match="disk of the database is full"), transaction(engine) as session:
        session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        record_draft(session, dictated(), drafted(dictated(), "words " * 100_000), [], NOON)

    engine.dispose()
    engine = open_database(f"sqlite:///{tmp_path}/books.db")
    with transaction(engine) as session:
        assert session.get(Draft, drafted(dictated()).draft_id) is None


def test_readers_do_not_wait_for_a_writer(books: Engine) -> None:
    with transaction(books) as writer:
        record_draft(writer, dictated(), drafted(dictated()), [], NOON)

        with reading(books) as reader:
            assert reader.get(Draft, drafted(dictated()).draft_id) is None


def test_an_error_of_ours_quotes_no_word_of_a_report(books: Engine) -> None:
    secret = "Zebra-like opacity"
    impression = drafted(dictated(), secret)
    with transaction(books) as session:
        record_draft(session, dictated(), impression, [], NOON)

    with pytest.raises(DatabaseRefused) as refused, transaction(books) as session:
        other = dictated("another accession")
        record_draft(session, other, drafted(dictated(), secret), [], NOON)  # the id of a draft of another report

    told = "".join(traceback.format_exception(refused.value))
    assert "Zebra" not in told
    assert "lungs" not in told


def test_times_without_an_offset_are_refused(books: Engine) -> None:
    with pytest.raises(ValueError, match="timezone"), transaction(books) as session:
        record_draft(session, dictated(), drafted(dictated()), [], datetime(2026, 3, 2))


def test_times_come_back_in_utc(books: Engine) -> None:
    with transaction(books) as session:
        record_draft(session, dictated(), drafted(dictated()), [], NOON)

    with reading(books) as session:
        assert session.get_one(Draft, drafted(dictated()).draft_id).created_at.tzinfo is UTC


def test_a_process_killed_between_two_writes_leaves_neither(where: str, books: Engine) -> None:
    dying = """
import os, sys
from feedback.database import open_database, transaction
from feedback.capture import record_draft, record_version
from tests.integration.feedback_books import NOON, dictated, drafted, message_of
with transaction(open_database(sys.argv[1])) as session:
    record_version(session, dictated(), arrival_id=None, at=NOON)
    record_draft(session, dictated(), drafted(dictated()), [message_of(drafted(dictated()))], NOON)
    os.kill(os.getpid(), 9)
"""
    died = subprocess.run([sys.executable, "-c", dying, where], cwd=Path(__file__).parents[2], check=False)

    assert died.returncode == -9
    with reading(books) as session:
        for table in ("report_version", "draft", "outbox"):
            assert session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 0


# The hash chain


def act(books: Engine, number: int) -> None:
    with transaction(books) as session:
        audit.append(session, actor="night", act="adapter promoted", subject="r1", details={"version": number}, at=later(number))


def test_an_untouched_chain_is_whole(books: Engine) -> None:
    for number in range(5):
        act(books, number)

    with reading(books) as session:
        assert audit.verify(session) is None
        assert audit.head(session)[0] == 5


@pytest.mark.parametrize(
    ("touch", "broken"),
    [
        ("UPDATE audit SET subject = 'r2' WHERE id = 3", 3),
        ("UPDATE audit SET details = '{}' WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 4", 4),
        ("UPDATE audit SET at = (SELECT b.at FROM audit b WHERE b.id = 1) WHERE id = 5", 5),
    ],
)
def test_a_touched_chain_says_where(books: Engine, touch: str, broken: int) -> None:
    for number in range(5):
        act(books, number)
    with books.begin() as connection:
        connection.exec_driver_sql(touch)

    with reading(books) as session:
        assert audit.verify(session) == broken


def test_writers_at_once_make_one_chain(books: Engine) -> None:
    writers = [threading.Thread(target=act, args=(books, number)) for number in range(8)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()

    with reading(books) as session:
        assert audit.verify(session) is None
        assert session.get(Audit, 8) is not None
