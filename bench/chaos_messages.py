"""Rows of the fault matrix: what is done to the messages."""

from __future__ import annotations

from collections.abc import Iterable

from bench.chaos_parts import agents, dictated, send
from bench.chaos_world import World, must, settle
from connectors.broker import Message


def twice(world: World) -> str:
    """Every message comes twice, and then the whole day is sent again."""
    with agents(1, world.settings, world.folder) as (agent,):
        for _ in range(2):
            send(world.broker, world.topics, [number for number in range(world.reports) for _ in range(2)])
            world.waits_for_drafts(world.reports)
        world.sent = world.reports
        settle(world, [agent])
    return f"{4 * world.reports} messages for {world.reports} reports"


def out_of_order(world: World) -> str:
    """Lives told backwards: the signature before the dictation, an old dictation after a new one, a cancelled exam coming back."""
    late = 0
    with agents(1, world.settings, world.folder) as (agent,):
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
    with agents(1, world.settings, world.folder) as (agent,):
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
