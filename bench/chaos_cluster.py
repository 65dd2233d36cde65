"""Rows of the fault matrix on three brokers that keep copies of each other: a leader that goes, and too few copies."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import kafka  # type: ignore[import-untyped, unused-ignore]
from kafka.admin import ConfigResource, ConfigResourceType  # type: ignore[import-untyped, unused-ignore]
from kafka.errors import KafkaError  # type: ignore[import-untyped, unused-ignore]

from bench.chaos_parts import wait_until
from bench.chaos_world import World, must, settle
from demo import parts
from feedback.database import open_database, reading
from feedback.outbox import count_waiting


class KafkaCluster:
    """Three brokers; every topic has three copies, of which two must hold a message before it is acknowledged."""

    def __init__(self, folder: Path) -> None:
        ports = parts.free_ports(6)
        self.nodes = [Node(folder / f"node-{number}", number, ports) for number in (1, 2, 3)]
        self.bootstrap = ",".join(node.bootstrap for node in self.nodes)

    @property
    def is_running(self) -> bool:
        return any(node.is_running for node in self.nodes)

    def start(self) -> None:
        """All at once: none answers before most of them are there."""
        with ThreadPoolExecutor() as together:
            list(together.map(Node.start, self.nodes))

    def stop(self) -> None:
        with ThreadPoolExecutor() as together:
            list(together.map(Node.stop, self.nodes))

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()


class Node(parts.KafkaServer):
    """One of three, `number` counting from 1; `ports` are those of all."""

    def __init__(self, folder: Path, number: int, ports: list[int]) -> None:
        super().__init__(folder)
        self.port, controller = ports[number - 1], ports[number + 2]
        self.bootstrap = f"127.0.0.1:{self.port}"
        voters = ",".join(f"{one}@127.0.0.1:{ports[one + 2]}" for one in (1, 2, 3))
        self._properties += f"""\
node.id={number}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
replica.lag.time.max.ms=5000
"""


def leader_moved(world: World) -> str:
    """Each of three brokers is killed in turn under load and comes back; whoever led, others lead on."""
    assert isinstance(world.kafka, KafkaCluster)
    moved = 0
    with world.agents(1) as crew:
        for number, node in enumerate(world.kafka.nodes, 1):
            world.sends(number * world.reports // 3)
            must(world.waits_under_supervision(crew, world.sent - world.reports // 6), "it did not come so far")
            before = leaders(world)
            node.kill()
            world.recovers(crew)
            after = leaders(world)
            moved += sum(before[place] != after[place] for place in before)
            node.start()
            must(wait_until(lambda: copies(world) == {3}, 120), "the copies did not catch up")
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    must(moved > 0, "no leader moved")
    return f"3 brokers killed, {moved} leaders moved, {crew[0].starts} starts of the agent"


def few_replicas(world: World) -> str:
    """The drafts' topic wants three copies of each and one broker is dead: drafts wait in the outbox until it is back."""
    assert isinstance(world.kafka, KafkaCluster)
    want_copies(world, 3)
    with world.agents(1) as crew:
        world.sends(world.reports // 2)
        must(world.waits_under_supervision(crew, world.reports // 2), "it did not come so far")
        world.kafka.nodes[2].kill()
        must(wait_until(lambda: copies(world) == {2}, 60), "the dead broker still counts")
        already = world.sent  # nobody can look at the end of the topic now: its new leaders wait for the third copy, too
        world.sends(world.reports)
        must(wait_until(lambda: unsent(world) == world.sent - already, 120), "a draft was taken with too few copies")
        waited = unsent(world)
        world.kafka.nodes[2].start()
        world.recovers(crew)
        world.waits_under_supervision(crew, world.reports)
        settle(world, crew)
    return f"{waited} drafts waited for the third copy; {crew[0].starts} starts of the agent"


def want_copies(world: World, number: int) -> None:
    with contextlib.closing(admin_of(world)) as admin:
        topic = ConfigResource(ConfigResourceType.TOPIC, world.topics.impressions, {"min.insync.replicas": str(number)})
        admin.alter_configs([topic])


def leaders(world: World) -> dict[tuple[str, int], int]:
    """Who leads each partition of the row's topics."""
    return {place: int(one["leader_id"]) for place, one in partitions(world).items()}


def copies(world: World) -> set[int]:
    """How many copies of the drafts' partitions are up to date."""
    return {len(one["isr_nodes"]) for (topic, _), one in partitions(world).items() if topic == world.topics.impressions}


def partitions(world: World) -> dict[tuple[str, int], dict[str, Any]]:
    """What the brokers tell of each partition; asked again as long as one that is dead was asked."""
    while True:
        with contextlib.suppress(KafkaError), contextlib.closing(admin_of(world)) as admin:
            told = admin.describe_topics([world.topics.reports, world.topics.impressions])
            return {(topic["name"], one["partition_index"]): one for topic in told for one in topic["partitions"]}
        time.sleep(1)


def admin_of(world: World) -> Any:
    return kafka.KafkaAdminClient(bootstrap_servers=world.kafka.bootstrap.split(","))


def unsent(world: World) -> int:
    books = open_database(world.database)
    try:
        with reading(books) as session:
            return count_waiting(session)
    finally:
        books.dispose()
