"""Rows of the fault matrix: what is done to the messages."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable

import kafka  # type: ignore[import-untyped, unused-ignore]

from bench.chaos_parts import dictated, send, wait_until
from bench.chaos_world import PARTITIONS, PATIENCE, World, must, settle
from connectors.broker import Message


def twice(world: World) -> str:
    """Every message comes twice, the whole day is sent again, and at last the group's offsets are set back to the beginning."""
    with world.agents(1) as (agent,):
        for _ in range(2):
            send(world.broker, world.topics, [number for number in range(world.reports) for _ in range(2)])
            world.waits_for_drafts(world.reports)
        world.sent = world.reports
        settle(world, [agent])
        set_back(world)
        agent.start()
        must(wait_until(lambda: read_through(world), PATIENCE), "the day was not read again")
        settle(world, [agent])
    return f"{4 * world.reports} messages for {world.reports} reports, and all of them read again"


def set_back(world: World) -> None:
    """The group shall read everything once more."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=world.kafka.bootstrap)
    try:
        places = [kafka.TopicPartition(world.topics.reports, number) for number in range(PARTITIONS)]
        admin.alter_group_offsets(world.topics.reports, {place: kafka.OffsetAndMetadata(0, "", -1) for place in places})
    finally:
        admin.close()


def read_through(world: World) -> bool:
    """Whether the group has committed everything there is."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=world.kafka.bootstrap)
    try:
        committed = admin.list_group_offsets(world.topics.reports)
        committed = committed.get(world.topics.reports, committed)
        done = sum(int(one.offset) for one in committed.values())
        return done == len(world.broker.tail(world.topics.reports, None, 0))
    finally:
        admin.close()


def backlog(world: World) -> str:
    """Thirty times as many reports wait before the agent starts; STATs sent while it works them off are drafted at once."""
    world.reports *= 30
    world.sends(world.reports)
    with world.agents(1) as (agent,):
        must(world.waits_for_drafts(1), "it did not begin")
        waits, sizes = [], [agent.resident]
        while world.sees().drafted < world.reports:
            waits.append(stat_takes(world))
            sizes.append(agent.resident)
        settle(world, [agent])
    world.recoveries = waits
    return (
        f"{world.reports - len(waits)} waited, {len(waits)} STATs came, each drafted within {max(waits):.1f} s (median "
        f"{statistics.median(waits):.1f}); {sizes[0]:.0f} MB at first, {max(sizes):.0f} MB at most"
    )


def stat_takes(world: World) -> float:
    """Seconds from the sending of a STAT to its draft."""
    number = world.reports
    stat = dictated(number).replace(b"^C4|||20260101110000", b"^C4|S||20260101110000")  # OBR-5
    world.reports, world.sent, began = number + 1, number + 1, time.monotonic()
    world.broker.publish([Message(world.topics.reports, str(number).encode(), stat, ())])
    accession = f"ACC{number:06}".encode()
    must(wait_until(lambda: any(accession in event.value for event in world.sees().events), PATIENCE, 0.1), "no draft")
    return time.monotonic() - began


def out_of_order(world: World) -> str:
    """Lives told backwards: the signature before the dictation, an old dictation after a new one, a cancelled exam coming back."""
    late = 0
    with world.agents(1) as (agent,):
        for number in range(world.reports):
            life = [dictated(number), dictated(number, "F"), dictated(number, "X")][: 1 + number % 3]
            late += len(life) > 1
            tell(world, number, reversed(life))
        world.waits_for_drafts(-(-world.reports // 3))
        settle(world, [agent])
    world.sent = sum(1 for number in range(world.reports) if number % 3 == 0)
    must(late > 0, "nothing was out of order")
    return f"{late} lives told backwards; only the {world.sent} others have drafts"


def tell(world: World, number: int, life: Iterable[bytes]) -> None:
    world.broker.publish([Message(world.topics.reports, str(number).encode(), version, ()) for version in life])


def poison(world: World) -> str:
    """One message in five is broken, in forty ways; the rest flows on."""
    ways = broken_messages()
    with world.agents(1) as (agent,):
        messages = []
        for number in range(world.reports):
            messages.append(Message(world.topics.reports, str(number).encode(), dictated(number), ()))
            if number % 4 == 0:
                messages.append(Message(world.topics.reports, None, ways[number // 4 % len(ways)], ()))
        world.broker.publish(messages)
        world.sent = len(messages)
        world.waits_for_drafts(world.reports)
        settle(world, [agent])
    broken = len(messages) - world.reports
    return f"{broken} broken messages of {min(broken, len(ways))} kinds"


def broken_messages() -> list[bytes]:
    """Forty messages that nobody can read, from empty to almost right."""
    whole = dictated(1)
    head = b"MSH|^~\\&|RIS|GENERAL|IMPRESARIO|AI|20260101120000||ORU^R01^ORU_R01|M1|P|2.5.1\r"
    return [
        b"",
        b" ",
        b"\r\n\r\n",
        b"\x00",
        b"\x00" * 500,
        b"\xff\xfe\x00",
        b"\x0b\x1c\r",
        b"not a report",
        b"ACK",
        b"0",
        b"null",
        b"true",
        b'[{"a": 1}]',
        b"{}",
        b"[" * 5000,
        b"{" * 5000,
        b'{"resourceType": "DiagnosticReport"',
        b'{"resourceType": 7}',
        b'{"resourceType": ["DiagnosticReport"]}',
        b'{"resourceType": "DiagnosticReport"}',
        b'{"resourceType": "DiagnosticReport", "status": 5}',
        b'{"resourceType": ""}',
        b"<xml/>",
        b"<DiagnosticReport xmlns='http://hl7.org/fhir'/>",
        b"%PDF-1.7 not text",
        b"PK\x03\x04 an archive",
        b"\x89PNG\r\n",
        b"PID|1||no header",
        b"OBX|1|TX|no header",
        b"MSH",
        b"MSH|",
        b"MSH|^~\\&|",
        b"FHS|^~\\&|a file header alone",
        b"MSH" + bytes(range(32, 60)),
        whole[:20],
        whole[:60],
        head,
        head + b"OBR|1\r",
        head + b"OBR|1||||||||||||||||||||||||\r" + b"OBX|1|ED|x||not base64",
        b"\xef\xbb\xbf",
    ]
