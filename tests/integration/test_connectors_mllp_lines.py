"""MLLP lines that misbehave, on real sockets: peers that never read, certificates that change or expire, systems that hang up."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import hl7
import hl7.mllp
import pytest
from sqlalchemy import Engine

from bench.chaos_parts import dictated
from connectors.courier import Courier, Delivery
from connectors.deliver import NotThere, Shown
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.deliver.mllp import Address, MllpLine
from connectors.mllp import Envelope, Frames, acknowledgement, framed
from connectors.mllp_door import Door, WrittenTogether
from connectors.tls import TlsFiles
from engine.impression import Impression, Kind
from feedback.database import reading, transaction
from feedback.outbox import Outgoing, count_waiting, send
from ingest.report import Report, Status
from tests.fakes.certificates import Authority

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
FORM = Hl7v2Form("delivery:ris")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "pki")


def aa(raw: bytes) -> list[bytes]:
    envelope = Envelope.of(raw)
    assert envelope is not None
    return [acknowledgement(envelope, b"AA", 1, AT)]


def courier_to(port: int, books: Engine, tls: TlsFiles | None = None) -> Courier:
    return Courier(books, Delivery("ris", MllpLine(Address("localhost", port, tls), answer_within=5)))


def draft(number: int = 1, withdrawn: str | None = None) -> Outgoing:
    report = Report(
        kind="hl7v2", message_id="M", message_type="ORU^R01", version=None, accessions=(f"A{number}",), status=Status.PRELIMINARY
    )
    impression = Impression(
        report_id=report.id,
        draft_id=f"5b0f7a52-5d0e-5c53-9d0c-00000000000{number}",
        kind=Kind.DRAFT,
        text="" if withdrawn else "Two nodules in the left lung.",
        coarse="",
        sentences=(),
        flags=(),
        adapter=None,
        base_model="base@1",
        prompt_version="1",
        seconds=0.1,
    )
    return FORM.message(Shown(report, impression, AT, withdrawn_because=withdrawn))


def stored(books: Engine, *messages: Outgoing) -> None:
    with transaction(books) as session:
        send(session, messages, AT)


def waits(books: Engine) -> int:
    with reading(books) as session:
        return count_waiting(session)


def test_a_peer_that_never_reads_our_answers_is_let_go_and_the_next_is_served() -> None:
    def long_answers(raw: bytes) -> list[bytes]:
        return [b"x" * 4_000_000]

    with Door(long_answers, host="127.0.0.1", port=0, stalled=1.0) as door:
        deaf = socket.create_connection(("127.0.0.1", door.port), timeout=30)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(framed(dictated(1)) * 20)

        with socket.create_connection(("127.0.0.1", door.port), timeout=30) as peer:
            peer.sendall(framed(dictated(2)))
            assert peer.recv(1) == b"\x0b"
        door._thread.join(0)
        until_gone = threading.Event()
        for _ in range(300):
            if not door._peers:
                break
            until_gone.wait(0.1)
        assert not door._peers
        deaf.close()


def test_a_certificate_that_was_rotated_is_shown_to_the_next_peer_without_a_restart(authority: Authority) -> None:
    certificate = authority.issues("door", expired=True)
    with Door(aa, host="127.0.0.1", port=0, tls=TlsFiles(certificate=certificate)) as door:
        trusting = TlsFiles(authority.certificate)
        with pytest.raises(NotThere, match="its certificate has expired: renew it there"):
            MllpLine(Address("localhost", door.port, trusting)).greet()

        authority.issues("door")

        assert MllpLine(Address("localhost", door.port, trusting)).greet() == "takes connections"


@pytest.mark.parametrize(
    ("trusts", "introduces", "said"),
    [
        (True, "ours", None),
        (True, None, "it wants a certificate of ours: give one in the settings"),
        (True, "expired", "our certificate has expired: renew it"),
        (False, "ours", "its certificate is signed by nobody we trust: give its authority in the settings"),
    ],
)
def test_a_system_that_wants_certificates_takes_drafts_from_us_alone_and_says_why_not(
    authority: Authority, books: Engine, tmp_path: Path, trusts: bool, introduces: str | None, said: str | None
) -> None:
    others = Authority(tmp_path / "others")
    system = TlsFiles(authority.certificate, authority.issues("ris"))
    ours = authority.issues("ours", expired=introduces == "expired") if introduces else None
    stored(books, draft())
    with Door(aa, host="127.0.0.1", port=0, tls=system) as door:
        tls = TlsFiles(authority.certificate if trusts else others.certificate, ours)
        courier_to(door.port, books, tls).carry_one()

        assert waits(books) == (0 if said is None else 1)
        if said is not None:
            with pytest.raises(NotThere, match=said):
                MllpLine(Address("localhost", door.port, tls)).greet()


def test_speaking_tls_to_a_listener_that_does_not_is_one_sentence(
    books: Engine, authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    stored(books, draft())
    with Door(aa, host="127.0.0.1", port=0) as door, caplog.at_level(logging.WARNING, "connectors.courier"):
        courier_to(door.port, books, TlsFiles(authority.certificate)).carry_one()

    (record,) = [record for record in caplog.records if record.name == "connectors.courier"]
    assert "does it speak TLS on this port?" in record.getMessage()


class HangsUp:
    """A listener that closes the line when it is told to, before or after its answer."""

    def __init__(self, hangs_up: Callable[[bytes, int], str]) -> None:
        self._hangs_up = hangs_up
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            with line:
                frames = Frames()
                while received := line.recv(65536):
                    if not self._answered(frames, received, line):
                        break

    def _answered(self, frames: Frames, received: bytes, line: socket.socket) -> bool:
        for message in frames.feed(received):
            self.heard.append(message)
            when = self._hangs_up(message, len(self.heard))
            if when == "before":
                return False
            for byte in framed(aa(message)[0]):  # in as many pieces as there are bytes
                line.sendall(bytes([byte]))
            if when == "after":
                return False
        return True

    def close(self) -> None:
        self._listener.close()


def test_a_system_that_hangs_up_after_every_answer_gets_every_draft_at_once(books: Engine) -> None:
    system = HangsUp(lambda message, number: "after")
    stored(books, draft(1), draft(2), draft(3))
    courier = courier_to(system.port, books)

    while courier.carry_one():
        pass

    assert (len(system.heard), waits(books)) == (3, 0)
    system.close()


def test_a_draft_that_makes_a_system_hang_up_holds_back_no_other(books: Engine) -> None:
    system = HangsUp(lambda message, number: "before" if b"|A1|" in message else "")
    stored(books, draft(1), draft(2), draft(3))
    courier = courier_to(system.port, books)

    while courier.carry_one():
        pass

    assert waits(books) == 1
    assert [b"|A2|" in message or b"|A3|" in message for message in system.heard].count(True) == 2
    system.close()


def test_a_withdrawal_follows_its_draft_and_says_so_in_every_place(books: Engine) -> None:
    heard: list[bytes] = []

    def listens(raw: bytes) -> list[bytes]:
        heard.append(raw)
        return aa(raw)

    stored(books, draft(), draft(withdrawn="cancelled"))
    with Door(listens, host="127.0.0.1", port=0) as door:
        courier = courier_to(door.port, books)
        while courier.carry_one():
            pass

    shown, withdrawn = (hl7.parse(message.decode()) for message in heard)
    assert (str(shown.segment("OBR")[25]), str(withdrawn.segment("OBR")[25])) == ("R", "X")
    assert [str(segment[11]) for segment in withdrawn.segments("OBX")] == ["D"]
    assert "nodules" not in str(withdrawn) and str(shown.segment("OBR")[3]) == str(withdrawn.segment("OBR")[3])
    assert str(shown.segment("MSH")[10]) != str(withdrawn.segment("MSH")[10])


def test_python_hl7s_own_server_understands_our_drafts(books: Engine) -> None:
    heard: list[str] = []
    ready, done = threading.Event(), threading.Event()
    port: list[int] = []
    loop = asyncio.new_event_loop()

    async def converse(reader: hl7.mllp.HL7StreamReader, writer: hl7.mllp.HL7StreamWriter) -> None:
        while not reader.at_eof():
            try:
                message = await reader.readmessage()
            except asyncio.IncompleteReadError:
                return
            heard.append(str(message.segment("OBR")[3]))
            writer.writemessage(message.create_ack())
            await writer.drain()

    async def listen() -> None:
        async with await hl7.mllp.start_hl7_server(converse, "127.0.0.1", 0) as server:
            port.append(server.sockets[0].getsockname()[1])
            ready.set()
            await asyncio.get_running_loop().run_in_executor(None, done.wait)

    listening = threading.Thread(target=lambda: loop.run_until_complete(listen()), daemon=True)
    listening.start()
    assert ready.wait(30)
    stored(books, draft(1), draft(2))
    courier = courier_to(port[0], books)

    while courier.carry_one():
        pass

    assert (heard, waits(books)) == (["A1", "A2"], 0)
    done.set()
    listening.join(10)


def test_a_file_that_holds_no_certificate_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing")

    with pytest.raises(ValueError, match=r"broken\.pem holds no certificate of an authority in PEM"):
        TlsFiles(broken).client()
    with pytest.raises(ValueError, match=r"broken\.pem hold no certificate with its own unencrypted key"):
        TlsFiles(certificate=broken).client()
    with pytest.raises(ValueError, match="cannot be read"):
        TlsFiles(tmp_path / "none.pem").client()
    assert isinstance(TlsFiles().client(), ssl.SSLContext)


def test_messages_of_many_peers_share_transactions_and_one_that_breaks_them_is_told_alone(
    books: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, size, sizes = WrittenTogether(books), 150, []
    commit = together._commit

    def commits(messages: Sequence[Outgoing]) -> None:
        sizes.append(len(messages))
        if any(message.about == "m7" for message in messages):
            raise ValueError("a fault of ours")
        commit(messages)

    monkeypatch.setattr(together, "_commit", commits)
    at_once = threading.Barrier(size)

    def writes(number: int) -> str:
        at_once.wait()
        try:
            together.write(Outgoing(f"m{number}", "t", None, (), b"x"))
        except ValueError:
            return f"m{number}"
        return ""

    with ThreadPoolExecutor(size) as pool:
        told = [name for name in pool.map(writes, range(size)) if name]

    assert told == ["m7"]
    assert waits(books) == size - 1
    assert max(sizes) > 10
