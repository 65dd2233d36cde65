"""Drafts on their way to a reporting system over MLLP: in order, acknowledged one by one, tried again and never forgotten."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from bench.chaos_parts import dictated
from connectors.courier import Courier, Delivery
from connectors.deliver import Answer
from connectors.deliver.mllp import Address, MllpLine, control_id_of
from connectors.mllp import Envelope, Frames, acknowledgement
from connectors.mllp_door import Door
from feedback.database import reading, transaction
from feedback.outbox import OUTBOX, Outgoing, send

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


class ReportingSystem:
    """Listens, remembers, and answers as it is told to."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.code: Callable[[bytes], bytes | None] = lambda control_id: b"AA"

    def answers_to(self, raw: bytes) -> list[bytes]:
        envelope = Envelope.of(raw)
        assert envelope is not None
        self.heard.append(envelope.control_id)
        code = self.code(envelope.control_id)
        return [acknowledgement(envelope, code, 1, AT)] if code else []


@pytest.fixture
def system() -> ReportingSystem:
    return ReportingSystem()


def to_port(port: int) -> Delivery:
    return Delivery("ris", MllpLine(Address("127.0.0.1", port)))


@pytest.fixture
def destination(system: ReportingSystem) -> Iterator[Delivery]:
    with Door(system.answers_to, host="127.0.0.1", port=0) as door:
        yield to_port(door.port)


def ignore(message: object, answer: Answer) -> None:
    """Dead before it could note anything."""


class Clock:
    now = AT

    def __call__(self) -> datetime:
        return self.now


def to_send(books: Engine, destination: Delivery, numbers: range, key: str | None = None) -> None:
    with transaction(books) as session:
        for number in numbers:
            name = (key or f"K{number}").encode()
            send(
                session, [Outgoing(about=f"d{number}", topic=destination.topic, key=name, headers=(), value=dictated(number))], AT
            )


def unsent(books: Engine) -> int:
    with reading(books) as session:
        return len(session.connection().execute(select(OUTBOX.c.id).where(OUTBOX.c.published_at.is_(None))).all())


def test_drafts_are_said_in_order_and_each_once(books: Engine, destination: Delivery, system: ReportingSystem) -> None:
    to_send(books, destination, range(20))
    courier = Courier(books, destination)

    while courier.carry_one():
        pass

    assert system.heard == [b"M%dP" % number for number in range(20)]
    assert unsent(books) == 0


def test_a_system_that_cannot_now_is_asked_again_later_and_other_reports_go_on(
    books: Engine, destination: Delivery, system: ReportingSystem
) -> None:
    to_send(books, destination, range(3))
    clock = Clock()
    courier = Courier(books, destination, clock=clock)
    system.code = lambda control_id: b"AR" if control_id == b"M0P" else b"AA"

    while courier.carry_one():
        pass
    assert (system.heard, unsent(books)) == ([b"M0P", b"M1P", b"M2P"], 1)

    system.code = lambda control_id: b"AA"
    clock.now = AT + timedelta(seconds=2)
    assert courier.carry_one()
    assert (system.heard[-1], unsent(books)) == (b"M0P", 0)


def test_a_later_message_of_the_same_report_waits_for_the_earlier(
    books: Engine, destination: Delivery, system: ReportingSystem
) -> None:
    to_send(books, destination, range(2), key="one-report")
    clock = Clock()
    courier = Courier(books, destination, clock=clock)
    system.code = lambda control_id: b"AR"
    assert courier.carry_one()
    assert not courier.carry_one()

    system.code = lambda control_id: b"AA"
    clock.now = AT + timedelta(seconds=2)
    while courier.carry_one():
        pass

    assert system.heard == [b"M0P", b"M0P", b"M1P"]


def test_a_long_absence_of_the_system_makes_no_later_refusal_wait_longer(
    books: Engine, destination: Delivery, system: ReportingSystem
) -> None:
    to_send(books, destination, range(1))
    clock = Clock()
    away = Delivery("ris", MllpLine(Address("127.0.0.1", 1)))
    for _ in range(8):
        assert not Courier(books, away, clock=clock).carry_one()

    courier = Courier(books, destination, clock=clock)
    system.code = lambda control_id: b"AR"
    courier.carry_one()
    system.code = lambda control_id: b"AA"
    clock.now = AT + timedelta(seconds=2)
    courier.carry_one()

    assert unsent(books) == 0


def test_a_clock_that_jumps_back_two_hours_lets_nothing_wait_for_two_hours(
    books: Engine, destination: Delivery, system: ReportingSystem
) -> None:
    to_send(books, destination, range(1))
    clock = Clock()
    clock.now = AT + timedelta(hours=2)
    system.code = lambda control_id: b"AR"
    Courier(books, destination, clock=clock).carry_one()

    clock.now = AT
    system.code = lambda control_id: b"AA"
    courier = Courier(books, destination, clock=clock)
    assert not courier.carry_one()
    assert courier.carry_one()

    assert unsent(books) == 0


def test_what_is_refused_for_good_is_not_said_again(books: Engine, destination: Delivery, system: ReportingSystem) -> None:
    to_send(books, destination, range(1))
    system.code = lambda control_id: b"AE"
    courier = Courier(books, destination)

    while courier.carry_one():
        pass

    assert (system.heard, unsent(books)) == ([b"M0P"], 0)


def test_a_courier_that_died_after_speaking_leaves_its_message_to_the_next(
    books: Engine, destination: Delivery, system: ReportingSystem
) -> None:
    to_send(books, destination, range(1))
    dies = Courier(books, destination)
    dies._note = ignore  # type: ignore[method-assign]
    dies.carry_one()

    moments = iter([0.0, *[60.0] * 9])
    heir = Courier(books, destination, timer=lambda: next(moments))
    assert not heir.carry_one()  # it has only just seen the claim
    heir.carry_one()

    assert (system.heard, unsent(books)) == ([b"M0P", b"M0P"], 0)


def test_nobody_listening_loses_nothing(books: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nowhere = to_port(free.getsockname()[1])
    to_send(books, nowhere, range(2))

    assert not Courier(books, nowhere).carry_one()

    assert unsent(books) == 2


ACK = b"\x0bMSH|^~\\&|||||||ACK|A1|P|2.5.1\rMSA|%s|%s\r\x1c\r"


@contextmanager
def saying(*pieces: bytes, pause: float = 0.05) -> Iterator[Delivery]:
    """A system that answers every message with these bytes, one piece after the other; ID stands for its control id."""

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        frames = Frames()
        with connection, contextlib.suppress(OSError):
            while received := connection.recv(65536):
                for message in frames.feed(received):
                    for piece in pieces:
                        connection.sendall(piece.replace(b"ID", control_id_of(message)))
                        time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield Delivery("ris", MllpLine(Address("127.0.0.1", listener.getsockname()[1]), answer_within=0.5))


@pytest.mark.parametrize(
    "pieces",
    [
        [ACK[:25] % (), ACK[25:] % (b"AA", b"ID")],
        [ACK % (b"AE", b"ANOTHER"), ACK % (b"AA", b"ID")],
        [ACK % (b"AA", b"ANOTHER") + ACK % (b"AA", b"ID")],
        [b"\x0b\x06\x1c\r", ACK % (b"AA", b"ID")],
        [b"\x0bMSH*:~!$*\rMSA*AA*ID*\r\x1c\r"],
        [ACK % (b"CA", b"ID"), ACK % (b"AA", b"ID")],
        [ACK[:30].replace(b"%s", b""), ACK % (b"AA", b"ID")],
        [b"\r\n", ACK.replace(b"\r", b"\n").replace(b"\x1c\n", b"\x1c\r") % (b" AA ", b" ID ")],
    ],
    ids=["pieces", "late", "late-together", "block-ack", "separators", "accept-first", "half-then-whole", "line-ends"],
)
def test_an_acknowledgement_is_heard_however_it_is_said(books: Engine, pieces: list[bytes]) -> None:
    to_send(books, Delivery("ris", MllpLine(Address("127.0.0.1", 1))), range(3))

    with saying(*pieces) as destination:
        courier = Courier(books, destination)
        for _ in range(3):
            courier.carry_one()

    assert unsent(books) == 0


@pytest.mark.parametrize(
    "pieces",
    [
        [ACK % (b"AA", b"ANOTHER")],
        [ACK % (b"AA", b"")],
        [(ACK % (b"AA", b"ID"))[:-2]],
        [b"\x0b\x15\x1c\r"],
        [ACK % (b"", b"ID")],
        [b"HTTP/1.1 200 OK\r\n\r\n"],
        [b"\r"] * 100,
    ],
    ids=["another's", "nobody's", "half", "block-nak", "no-code", "http", "dripping"],
)
def test_what_is_no_acknowledgement_of_the_message_leaves_it_waiting_and_holds_nobody_up(
    books: Engine, pieces: list[bytes]
) -> None:
    to_send(books, Delivery("ris", MllpLine(Address("127.0.0.1", 1))), range(1))

    with saying(*pieces) as destination:
        begun = time.monotonic()
        Courier(books, destination).carry_one()

    assert unsent(books) == 1
    assert time.monotonic() - begun < 3


def test_a_courier_stops_when_it_is_told_to(books: Engine, destination: Delivery) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=Courier(books, destination).run, args=(stop,))
    thread.start()

    stop.set()
    thread.join(5)

    assert not thread.is_alive()
