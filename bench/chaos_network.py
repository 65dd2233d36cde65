"""Rows of the fault matrix: what is done to the lines between the agent and its broker, database and model."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, make_url, select

from bench.chaos_line import Line, Trouble
from bench.chaos_world import World, must, settle, supervised
from demo import parts
from feedback.database import open_database, reading
from feedback.outbox import OUTBOX


class DoorToKafka(parts.KafkaServer):
    """As `KafkaServer`, with a second door whose address, as it tells its clients, is that of a line in front of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.door, self.line = parts.free_ports(2)
        listeners = self._properties.split("\nlisteners=", 1)[1].split("\n", 1)[0]
        self._properties += f"""\
listeners={listeners},LINE://127.0.0.1:{self.door}
advertised.listeners=PLAINTEXT://{self.bootstrap},LINE://127.0.0.1:{self.line}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LINE:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""


@dataclass(frozen=True)
class Lines:
    """From the agent to each of its parts, and the settings of an agent that uses them."""

    broker: Line
    database: Line
    model: Line
    settings: dict[str, str]

    @property
    def all(self) -> tuple[Line, Line, Line]:
        return self.broker, self.database, self.model


@contextmanager
def lines(world: World) -> Iterator[Lines]:
    """A line to each part: the agent's way, while we look at the parts themselves."""
    assert isinstance(world.kafka, DoorToKafka)
    address = make_url(world.database)
    assert address.port is not None, "this row wants PostgreSQL"
    model_port = int(world.model.url.rsplit(":", 1)[1])
    broker, database, model = Line(world.kafka.door, world.kafka.line), Line(address.port), Line(model_port)
    try:
        settings = {
            "KAFKA": f"127.0.0.1:{broker.port}",
            "DATABASE": address.set(port=database.port).render_as_string(False),
            "VLLM": f"http://127.0.0.1:{model.port}",
        }
        yield Lines(broker, database, model, settings)
    finally:
        for line in (broker, database, model):
            line.close()


def black_hole(world: World) -> str:
    """Broker, database and model one after the other are swallowed for half a minute, under load: no answer and no refusal."""
    with lines(world) as line, world.agents(1, line.settings) as crew:
        for number, swallowed in enumerate(line.all, 1):
            world.sends(number * world.reports // 3)
            must(world.waits_under_supervision(crew, world.sent - world.reports // 6), "it did not come so far")
            swallowed.trouble = "black-hole"
            world.sends_one_more()
            time.sleep(max(30, world.outage))
            swallowed.trouble = "none"
            must(swallowed.spoilt > 0, "nothing was swallowed")
            world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    first, second, third = world.recoveries
    return f"again after {first:.0f} s (broker), {second:.0f} s (database), {third:.0f} s (model); {crew[0].starts} starts"


def bad_line(world: World) -> str:
    """All three lines at once: half a second late each way, a byte a second, half-open, and reset in the middle of answers."""
    troubles: tuple[Trouble, ...] = ("late", "dripping", "half-open", "torn")
    with lines(world) as line, world.agents(1, line.settings) as crew:
        for number, trouble in enumerate(troubles, 1):
            world.sends(number * world.reports // len(troubles))
            must(world.waits_under_supervision(crew, world.sent - world.reports // 8), "it did not come so far")
            for one in line.all:
                one.trouble = trouble
            world.sends_one_more()
            began = time.monotonic()
            while time.monotonic() - began < 20 or not all(one.spoilt for one in line.all[:2]):
                time.sleep(1)
                supervised(crew[0])
            for one in line.all:
                one.trouble = "none"
            world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    again = ", ".join(f"{seconds:.0f} s ({trouble})" for seconds, trouble in zip(world.recoveries, troubles, strict=True))
    return f"again after {again}; {crew[0].starts} starts"


def ack_lost(world: World) -> str:
    """The broker appends drafts, its acknowledgement never arrives, and then the agent is killed: the next one looks and finds them."""
    world.model.seconds = 0.3
    unknown = 0
    with lines(world) as line, world.agents(1, line.settings) as crew:
        for turn in range(1, 5):
            world.sends(turn * world.reports // 4)
            must(world.waits_under_supervision(crew, world.sent - world.reports // 5), "it did not come so far")
            line.broker.trouble = "deaf"
            time.sleep(5)
            unknown += max(0, world.sees().drafted - noted_as_sent(world))
            if turn % 2:
                crew[0].kill()
            line.broker.trouble = "none"
            world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    must(unknown > 0, "every acknowledgement arrived")
    found = sum(map(int, re.findall(r"sent before, (\d+) are", crew[0].log)))
    must(found > 0, "nobody had to look on the topic")
    return f"{unknown} drafts appended and not acknowledged; {found} times one was looked for and found"


def noted_as_sent(world: World) -> int:
    """How many drafts the database knows to be on their topic."""
    books = open_database(world.database)
    try:
        with reading(books) as session:
            sent = (OUTBOX.c.topic == world.topics.impressions) & OUTBOX.c.published_at.is_not(None)
            return int(session.connection().execute(select(func.count()).where(sent)).scalar_one())
    finally:
        books.dispose()
