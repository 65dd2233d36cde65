"""The real parts as fixtures: started once per run when a test asks, stopped at its end.

A part that is not installed skips its tests with the sentence that says what to install; one that is installed and does not start
is an error.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import Engine

from demo import parts
from feedback.database import open_database
from settings import SHIPPED_BASE

DATABASE_NUMBERS = count(1)

#: Torch with two threads collapses when a neighbour holds a core (libgomp barriers); set before anybody imports it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
#: A build server runs us in the background, where Ctrl-C is ignored; whoever we start would inherit that and never stop at it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _settings_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("IMPRESARIO_") and name != "IMPRESARIO_SHARED_DATA"]:
        monkeypatch.delenv(name)


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Engine]:
    """An embedded database of the test's own, empty."""
    books = open_database(f"sqlite:///{tmp_path}/impresario.db")
    yield books
    books.dispose()


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[parts.KafkaServer]:
    """A real broker that a test may stop, kill and start again; whoever takes it away starts it again."""
    server = parts.KafkaServer(tmp_path_factory.mktemp("kafka"))
    try:
        server.start()
    except parts.PartMissing as reason:
        pytest.skip(str(reason))
    yield server
    server.stop()


@pytest.fixture
def kafka_bootstrap(kafka_server: parts.KafkaServer) -> str:
    """The address of a running broker. Topics are the test's own affair: use a name of your own."""
    kafka_server.start()  # does nothing unless the test before left it down
    return kafka_server.bootstrap


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with parts.postgres(tmp_path_factory.mktemp("postgres"), durable=False) as url:
            yield url
    except parts.PartMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The SQLAlchemy URL of an empty PostgreSQL database that nobody else uses."""
    port = urlsplit(postgres_server).port
    assert port
    name = parts.new_database(port, f"test_{next(DATABASE_NUMBERS)}")
    yield parts.postgres_url(port, name)
    with psycopg.connect(parts.maintenance(port), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("drop database {} with (force)").format(psycopg.sql.Identifier(name)))


@pytest.fixture(scope="session")
def vllm_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real vLLM serving the base model we ship, adapters allowed."""
    if not (SHIPPED_BASE / "config.json").exists():
        pytest.skip("the base model is not in demo/base: `make base` rebuilds it")
    try:
        with parts.vllm(str(SHIPPED_BASE), tmp_path_factory.mktemp("vllm")) as url:
            yield url
    except parts.PartMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real messages and reports written by nobody in this project; never copied into it."""
    folder = Path(os.environ.get("IMPRESARIO_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the real data is not here: set IMPRESARIO_SHARED_DATA to its folder")
    return folder
