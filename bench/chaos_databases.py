"""Rows of the fault matrix: what is done to the database."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from bench.chaos_parts import ending, wait_until
from bench.chaos_world import PATIENCE, NotPlayed, World, must, settle
from demo import parts


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/books/impresario.db"


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    with parts.postgres(folder / "books") as url:
        yield url


@contextmanager
def pair(folder: Path) -> Iterator[str]:
    """A PostgreSQL and its standby, which has every commit before it is acknowledged; the URL names both and wants the one that writes."""
    with parts.postgres(folder / "books") as url, standby_of(url) as port:
        primary = make_url(url)
        yield primary.set(
            host=None,
            port=None,
            query={"host": [f"127.0.0.1:{primary.port}", f"127.0.0.1:{port}"], "target_session_attrs": "read-write"},
        ).render_as_string(False)


@contextmanager
def standby_of(url: str) -> Iterator[int]:
    """A copy of that server which follows it, and without which it commits nothing from now on."""
    programs, (port,) = parts.postgres_programs(), parts.free_ports(1)
    with psycopg.connect(plainly(url), autocommit=True) as primary:
        home = Path(str(primary.execute("SHOW data_directory").fetchone()[0])).parent  # type: ignore[index]
        user = home.owner() if os.geteuid() == 0 else None
        copy = home / "standby"
        address = make_url(url)
        source = ["-h", "127.0.0.1", "-p", str(address.port), "-U", str(address.username)]
        answer = parts.ask([str(programs / "pg_basebackup"), *source, "-D", str(copy), "-R", "-X", "stream"], user=user)
        must(answer.returncode == 0, f"no standby: {parts.last_line(answer.stderr)}")
        options = [f"--port={port}", "--listen_addresses=127.0.0.1", "--unix_socket_directories="]
        part = parts.Part(
            "PostgreSQL", [str(programs / "postgres"), "-D", str(copy), *options], home / "standby.out", user, signal.SIGINT
        )
        try:
            part.wait_until(lambda: parts.database_answers(port), seconds=60)
            primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            primary.execute("SELECT pg_reload_conf()")
            yield port
        finally:
            part.stop()


#: What a row's database may be.
KINDS = {"sqlite": sqlite, "postgresql": postgresql, "pair": pair}


def database_crash(world: World) -> str:
    """A backend of PostgreSQL is killed (SIGKILL): the server ends all sessions and recovers from its log. Three times."""
    with world.agents(1) as crew:
        for part in range(1, 4):
            world.sends(part * world.reports // 3)
            must(world.waits_under_supervision(crew, world.sent - world.reports // 6), "it did not come so far")
            os.kill(a_backend_of(world.database), signal.SIGKILL)
            world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    must(crew[0].starts > 1 or "PostgreSQL" in crew[0].log, "the agent did not notice")
    return f"3 crashes of the server, {crew[0].starts} starts of the agent"


def a_backend_of(database: str) -> int:
    """The process of a session of the agent; the server is on this machine."""
    with psycopg.connect(plainly(database)) as connection:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        row = connection.execute(others).fetchone()
        must(row is not None, "the agent has no session")
        assert row is not None
        return int(row[0])


def failover(world: World) -> str:
    """The PostgreSQL that writes is killed under load, with all that is its; its standby is promoted. Nobody changes a setting."""
    first, second = (int(str(one).rsplit(":", 1)[1]) for one in make_url(world.database).query["host"])
    with world.agents(1) as crew:
        world.sends(world.reports // 2)
        must(world.waits_under_supervision(crew, world.reports // 4), "it did not come so far")
        world.sends(world.reports)
        with psycopg.connect(parts.maintenance(first)) as connection:
            folder = Path(str(connection.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]
        os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        must(wait_until(lambda: not parts.database_answers(first), 60), "the first server lives on")
        with psycopg.connect(parts.maintenance(second), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    return f"the first killed, the second promoted; {crew[0].starts} starts of the agent"


def no_connections(world: World) -> str:
    """Somebody else takes every connection of PostgreSQL; the agent says so, and goes on when they are given back."""
    hoard: list[psycopg.Connection[tuple[object, ...]]] = []
    with world.agents(1) as crew:
        (agent,) = crew
        world.sends(world.reports // 2)
        world.waits_for_drafts(world.reports // 2)
        agent.stop()
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                hoard.append(psycopg.connect(plainly(world.database)))
        agent.start()
        must(wait_until(lambda: not agent.is_running, PATIENCE), "there were connections left")
        status, said = agent.status, agent.last_words
        for one in hoard:
            one.close()
        world.recovers(crew)
        world.sends(world.reports)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    return f"{len(hoard)} connections taken; stopped with status {status}: {said}"


def disk_full(world: World) -> str:
    """The database may not grow any more (RLIMIT_FSIZE): the agent stops with a sentence, and goes on when there is room."""
    agent = world.agent("agent-0", limits={resource.RLIMIT_FSIZE: 700 * 1024})
    with ending(agent):
        world.sends(world.reports)
        agent.start()
        must(wait_until(lambda: not agent.is_running, PATIENCE), "the disk was never full")
        stopped_at, status, said = world.sees().drafted, agent.status, agent.last_words
        agent.limits = {}
        world.recovers([agent])
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    must("disk" in said, "the agent did not say what was wrong")
    return f"stopped with status {status} after {stopped_at} drafts: {said}"


def power_cut(world: World) -> str:
    """The power goes while the agent writes, again and again: of its SQLite files the disk holds what was synced and nothing else."""
    books, platter = world.folder / "books", world.folder / "platter" / "books"
    platter.mkdir(parents=True)
    plain = {"LD_PRELOAD": str(disk_that_forgets(world.folder)), "PLATTER_OF": f"{books}/", "PLATTER": str(platter)}
    forgotten = 0
    agent = world.agent("agent-0", plain=plain)
    with ending(agent):
        agent.start()
        for turn in range(1, world.kills + 1):
            wait_until(lambda turn=turn: agent.log.count("Partitions given") >= turn, 60)  # type: ignore[misc]
            world.sends(turn * world.reports // world.kills)
            time.sleep(world.chance.uniform(0, 0.5))
            wait_until(lambda: is_writing(books, platter), 30, 0.001)
            agent.kill()
            forgotten += forget(books, platter)
            agent.start()
        world.recovers([agent])
        world.waits_under_supervision([agent], world.reports)
        settle(world, [agent])
    must(forgotten > 0, "at no cut was there anything to forget")
    return f"{world.kills} cuts, at {forgotten} of them the disk held less than had been written"


def disk_that_forgets(folder: Path) -> Path:
    """chaos_power.c, compiled."""
    compiler, library = shutil.which("cc") or shutil.which("gcc"), folder / "power.so"
    if compiler is None:
        raise NotPlayed("there is no C compiler: install one (Debian: apt install gcc)")
    source = Path(__file__).with_name("chaos_power.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True)
    return library


def is_writing(books: Path, platter: Path) -> bool:
    """Whether something is written and not synced."""
    written, synced = (folder / "impresario.db-wal" for folder in (books, platter))
    return written.exists() and (not synced.exists() or written.stat().st_mtime_ns > synced.stat().st_mtime_ns)


def forget(books: Path, platter: Path) -> bool:
    """Puts the files into the state they would have after the power came back; whether that is less than what was written."""
    written = {file.name: file.read_bytes() for file in books.iterdir() if not file.name.endswith("-shm")}
    synced = {file.name: file.read_bytes() for file in platter.iterdir()}
    for file in books.iterdir():
        file.unlink()
    for name in synced:
        shutil.copy2(platter / name, books / name)  # with its time, by which `is_writing` goes
    return any(content != synced.get(name, b"") for name, content in written.items())


def stale_database(world: World) -> str:
    """The database file is lost and a copy of an hour ago put in its place, while Kafka and its offsets have gone on."""
    books = Path(make_url(world.database).database or "")
    with world.agents(1) as crew:
        world.sends(world.reports // 3)
        world.waits_for_drafts(world.sent)
        settle(world, crew)
        copy = books.with_name("an-hour-ago.db")
        copied(books, copy)
        crew[0].start()
        world.sends(2 * world.reports // 3)
        world.waits_for_drafts(world.sent)
        settle(world, crew)
        for file in books.parent.glob(f"{books.name}*"):
            file.unlink()
        copied(copy, books)
        world.recovers(crew)
        world.sends(world.reports)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    read_again = sum(map(int, re.findall(r"offsets: (\d+) messages are read again", crew[0].log)))
    must(read_again > 0, "the database held everything")
    return f"{read_again} messages were not in the database any more and were read again"


def copied(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)


def plainly(url: str) -> str:
    """The URL as psycopg takes it."""
    return url.replace("+psycopg", "")
