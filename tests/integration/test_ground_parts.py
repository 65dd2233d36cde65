"""The real parts answer, remember, and leave nobody behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer

from demo import parts


def test_a_killed_broker_remembers_what_it_acknowledged(kafka_server: parts.KafkaServer, kafka_bootstrap: str) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")
    producer.send("ground.parts", key=b"ACC-1", value=b"a report").get(timeout=30)
    producer.close()

    kafka_server.kill()
    kafka_server.start()

    consumer = KafkaConsumer(
        "ground.parts", bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    first = next(iter(consumer))
    consumer.close()
    assert (first.key, first.value) == (b"ACC-1", b"a report")


def test_every_test_has_a_database_of_its_own(postgres_url: str) -> None:
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("create table only_here (id int)")
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()

    assert tables == (1,)


@pytest.mark.parametrize("farewell", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_the_parent_ends_its_part_and_the_children_of_its_part(farewell: signal.Signals, tmp_path: Path) -> None:
    family = "import subprocess, time; subprocess.Popen(['sleep', '314']); time.sleep(314)"
    program = (
        "import sys, time; from pathlib import Path; from demo.parts import Part\n"
        f"part = Part('a part', [sys.executable, '-c', {family!r}], Path({str(tmp_path / 'out')!r}))\n"
        "print('started', flush=True); time.sleep(314)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout and parent.stdout.readline() == "started\n"
    family_members = await_family(parent.pid, 3)

    os.kill(parent.pid, farewell)
    parent.wait()

    _, alive = psutil.wait_procs(family_members, timeout=60)
    assert not alive


def await_family(pid: int, members: int) -> list[psutil.Process]:
    """The minder, the part and the child of the part."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if len(family := psutil.Process(pid).children(recursive=True)) == members:
            return family
        time.sleep(0.05)
    raise AssertionError(f"the part did not come up: {len(family)} of {members} processes are there")
