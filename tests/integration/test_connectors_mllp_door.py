"""The MLLP door on real sockets and a real database: kept before it is acknowledged, once, whatever the line does."""

from __future__ import annotations

import random
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import hl7.client
import pytest
from sqlalchemy import Engine, select

from bench.chaos_parts import dictated
from connectors.mllp import Envelope, Frames, framed
from connectors.mllp_door import Door, Keeper
from connectors.outbox import Relay
from connectors.tls import TlsFiles
from connectors.twin import InMemoryBroker
from feedback.database import DatabaseUnavailable, reading
from feedback.outbox import OUTBOX
from ingest.read import read
from ingest.report import Reading

TOPIC = "radiology.reports"


@pytest.fixture
def keeper(books: Engine) -> Keeper:
    return Keeper(books, lambda raw: list(read(raw)), topic=TOPIC, source="default")


@pytest.fixture
def door(keeper: Keeper) -> Iterator[Door]:
    with Door(keeper.answers_to, host="127.0.0.1", port=0, stalled=5) as door:
        yield door


@pytest.fixture
def certificates(tmp_path: Path) -> Callable[[str], Path]:
    """An authority and those it signs, each a PEM file with key and certificate."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed: it makes the certificates of this test")

    def made(name: str) -> Path:
        pem = tmp_path / f"{name}.pem"
        if not pem.exists():
            signed_by = [] if name == "authority" else ["-CA", str(made("authority")), "-CAkey", str(made("authority"))]
            new = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", *signed_by]
            subprocess.run([*new, "-keyout", f"{pem}.key", "-out", f"{pem}.crt"], check=True, capture_output=True)
            pem.write_text(Path(f"{pem}.key").read_text() + Path(f"{pem}.crt").read_text())
        return pem

    return made


def kept(books: Engine) -> list[bytes]:
    with reading(books) as session:
        return [row.value for row in session.connection().execute(select(OUTBOX.c.value).order_by(OUTBOX.c.number))]


def answers(connection: socket.socket, number: int) -> list[bytes]:
    frames = Frames()
    got: list[bytes] = []
    while len(got) < number:
        received = connection.recv(65536)
        if not received:
            break
        got += frames.feed(received)
    return got


def connected(door: Door) -> socket.socket:
    return socket.create_connection(("127.0.0.1", door.port), timeout=30)


def test_a_message_is_on_disk_when_it_is_acknowledged_and_goes_on_to_kafka(door: Door, books: Engine) -> None:
    with connected(door) as peer:
        peer.sendall(framed(dictated(1)))
        (ack,) = answers(peer, 1)

    assert b"\rMSA|AA|M1P\r" in ack
    assert kept(books) == [dictated(1)]
    broker = InMemoryBroker()
    relay = Relay(books, broker, our_topics=[TOPIC])
    assert relay.send_some() == 1
    (event,) = broker.tail(TOPIC, None, 0)
    assert event.value == dictated(1) and event.header("content-type") == "application/hl7-v2"


def test_many_messages_on_one_connection_are_answered_in_order(door: Door, books: Engine) -> None:
    with connected(door) as peer:
        peer.sendall(b"".join(framed(dictated(number)) for number in range(20)))
        got = answers(peer, 20)

    assert [ack.split(b"MSA|AA|")[1].rstrip(b"\r") for ack in got] == [b"M%dP" % number for number in range(20)]
    assert len(kept(books)) == 20


def test_a_message_sent_again_is_acknowledged_again_and_kept_once(door: Door, books: Engine) -> None:
    with connected(door) as peer:
        for _ in range(3):
            peer.sendall(framed(dictated(1)))
            assert b"MSA|AA|M1P" in answers(peer, 1)[0]

    assert len(kept(books)) == 1


def test_a_control_id_used_for_another_message_loses_neither(door: Door, books: Engine) -> None:
    with connected(door) as peer:
        for number in (1, 2):
            peer.sendall(framed(dictated(number).replace(b"|M%dP|" % number, b"|SAME|")))
            assert b"MSA|AA|SAME" in answers(peer, 1)[0]

    assert len(kept(books)) == 2


def test_what_cannot_be_read_is_answered_ae_and_kept_for_the_dead_letters(door: Door, books: Engine) -> None:
    with connected(door) as peer:
        peer.sendall(framed(b"CANARY this is no HL7"))
        (ack,) = answers(peer, 1)

    assert b"MSA|AE|" in ack and b"CANARY" not in ack
    assert kept(books) == [b"CANARY this is no HL7"]


def test_a_message_our_reader_fails_at_is_kept_and_the_next_on_the_line_is_served(
    books: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(raw: bytes) -> list[Reading]:
        if b"CANARY" in raw:
            raise KeyError("CANARY nodules")
        return list(read(raw))

    with Door(Keeper(books, fails, topic=TOPIC).answers_to, host="127.0.0.1", port=0) as door, connected(door) as connection:
        poison = dictated(1).replace(b"lungs", b"CANARY")
        connection.sendall(framed(poison) + framed(dictated(2)))
        said = answers(connection, 2)

    assert [b"MSA|AA|" in one for one in said] == [True, True]
    assert kept(books) == [poison, dictated(2)]
    assert "The reader failed at a message (KeyError)" in caplog.text and "CANARY" not in caplog.text
    assert all(len(Envelope.of(one).control_id) <= 20 for one in said)  # type: ignore[union-attr]


def test_what_cannot_be_kept_is_answered_ar_so_that_it_comes_again() -> None:
    class Away(Keeper):
        def _keep(self, *_: object) -> None:
            raise DatabaseUnavailable("The disk of the database is full.")

    keeper = Away(None, lambda raw: list(read(raw)), topic=TOPIC)  # type: ignore[arg-type]
    (ack,) = keeper.answers_to(dictated(1))

    assert b"MSA|AR|M1P" in ack and b"send it again" in ack


def test_a_peer_that_goes_away_at_any_byte_loses_nothing_it_heard_aa_for(door: Door, books: Engine) -> None:
    stream = framed(dictated(1)) + framed(dictated(2))
    acknowledged: set[bytes] = set()

    for cut in range(len(stream)):
        with connected(door) as peer:
            peer.sendall(stream[:cut])
            peer.shutdown(socket.SHUT_WR)
            for ack in answers(peer, 2):
                acknowledged.add(ack.split(b"MSA|AA|")[1].rstrip(b"\r"))

    with connected(door) as peer:  # the sender sends again what was not acknowledged
        peer.sendall(stream)
        assert len(answers(peer, 2)) == 2
    assert acknowledged == {b"M1P"}
    assert kept(books) == [dictated(1), dictated(2)]


def test_two_hundred_connections_at_once(door: Door, books: Engine) -> None:
    peers = [connected(door) for _ in range(200)]
    heard: list[int] = []

    def converse(number: int, peer: socket.socket) -> None:
        for turn in range(2):
            peer.sendall(framed(dictated(number * 10 + turn)))
            if b"MSA|AA" in answers(peer, 1)[0]:
                heard.append(number)

    threads = [threading.Thread(target=converse, args=(number, peer)) for number, peer in enumerate(peers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for peer in peers:
        peer.close()

    assert len(heard) == 400
    assert len(kept(books)) == 400


def test_random_disconnects_and_resends_lose_nothing_and_keep_nothing_twice(door: Door, books: Engine) -> None:
    chance = random.Random(7)

    def deliver(number: int) -> None:
        while True:
            with connected(door) as peer:
                stream = framed(dictated(number))
                if chance.random() < 0.5:
                    peer.sendall(stream[: chance.randrange(len(stream))])
                    continue
                peer.sendall(stream)
                if chance.random() < 0.3:
                    continue  # gone before the answer
                if b"MSA|AA" in answers(peer, 1)[0]:
                    return

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert sorted(kept(books)) == sorted(dictated(number) for number in range(40))


def test_a_message_of_sixty_four_megabytes_comes_through(door: Door, books: Engine) -> None:
    big = dictated(1, findings="x" * (64 * 1024 * 1024 - 2000))

    with connected(door) as peer:
        peer.settimeout(120)
        peer.sendall(framed(big))
        (ack,) = answers(peer, 1)

    assert b"MSA|A" in ack
    assert len(kept(books)[0]) == len(big)


def test_one_byte_at_a_time_is_slow_and_not_wrong(door: Door, books: Engine) -> None:
    with connected(door) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(dictated(1)):
            peer.send(bytes([byte]))
        assert b"MSA|AA" in answers(peer, 1)[0]

    assert kept(books) == [dictated(1)]


def test_a_peer_that_stalls_in_mid_frame_is_let_go_and_the_next_is_served(keeper: Keeper) -> None:
    with Door(keeper.answers_to, host="127.0.0.1", port=0, stalled=0.5) as door, connected(door) as stalls:
        stalls.sendall(framed(dictated(1))[:50])

        assert stalls.recv(10) == b""
        with connected(door) as peer:
            peer.sendall(framed(dictated(2)))
            assert b"MSA|AA" in answers(peer, 1)[0]


def test_python_hl7s_own_client_understands_us(door: Door) -> None:
    with hl7.client.MLLPClient("127.0.0.1", door.port) as client:
        answer = hl7.parse(unframed(client.send_message(hl7.parse(dictated(3).decode()))))

    assert str(answer.segment("MSA")[1]) == "AA" and str(answer.segment("MSA")[2]) == "M3P"


def unframed(answer: bytes) -> str:
    (message,) = Frames().feed(answer)
    return message.decode()


def test_with_tls_only_peers_with_a_certificate_of_our_authority_enter(
    keeper: Keeper, books: Engine, certificates: Callable[[str], Path], tmp_path: Path
) -> None:
    tls = TlsFiles(certificates("authority"), certificates("door"))
    with Door(keeper.answers_to, host="127.0.0.1", port=0, tls=tls) as door:
        trusted = ssl.create_default_context(cafile=str(certificates("authority")))
        trusted.check_hostname = False
        stranger = ssl.create_default_context(cafile=str(certificates("authority")))
        stranger.check_hostname = False
        trusted.load_cert_chain(certificates("engine"))

        with trusted.wrap_socket(connected(door)) as peer:
            peer.sendall(framed(dictated(1)))
            assert b"MSA|AA" in answers(peer, 1)[0]
        with pytest.raises(OSError), stranger.wrap_socket(connected(door)) as refused:
            refused.sendall(framed(dictated(2)))
            if not refused.recv(10):
                raise ConnectionResetError

    assert kept(books) == [dictated(1)]
