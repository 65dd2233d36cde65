"""Frames and acknowledgements: byte for byte, in the sender's own separators."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import hl7
import pytest

from connectors.mllp import BadFrame, Envelope, Frames, acknowledgement, codes_for, framed

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
MESSAGE = b"MSH|^~\\&|RIS|NORTH|IMP|AI|20260301||ORU^R01^ORU_R01|C42|P|2.5.1||||||8859/1\rOBR|1\r"


def test_a_message_cut_at_any_byte_comes_out_whole() -> None:
    stream = framed(MESSAGE) + b"\r\n" + framed(b"\x1c inside \x0b and \r") + framed(b"")

    for cut in range(len(stream) + 1):
        frames = Frames()
        got = [*frames.feed(stream[:cut]), *frames.feed(stream[cut:])]

        assert got == [MESSAGE, b"\x1c inside \x0b and \r", b""]
        assert not frames.is_open


def test_messages_in_random_pieces_come_out_whole_and_in_order() -> None:
    chance = random.Random(7)
    messages = [chance.randbytes(chance.randrange(400)).replace(b"\x1c\x0d", b"") for _ in range(300)]
    stream = b"".join(framed(message) for message in messages)
    frames, got = Frames(), list[bytes]()

    while stream:
        piece = chance.randrange(1, 97)
        got += frames.feed(stream[:piece])
        stream = stream[piece:]

    assert got == messages


def test_a_message_of_many_megabytes_in_small_pieces_takes_linear_time() -> None:
    frames, big = Frames(), b"x" * (8 * 1024 * 1024)
    stream, got = framed(big), list[bytes]()

    for start in range(0, len(stream), 4096):
        got += frames.feed(stream[start : start + 4096])

    assert got == [big]


def test_a_frame_that_is_too_large_is_refused() -> None:
    frames = Frames(largest=1000)

    with pytest.raises(BadFrame):
        list(frames.feed(b"\x0b" + b"x" * 2000))


def test_noise_between_frames_is_dropped() -> None:
    assert list(Frames().feed(b"hello\r\n" + framed(MESSAGE) + b"\n\n")) == [MESSAGE]


def test_an_acknowledgement_turns_the_addresses_round_and_names_the_control_id() -> None:
    ack = hl7.parse(acknowledgement(Envelope.of(MESSAGE), b"AA", 7, NOW).decode())

    msh = ack.segment("MSH")
    assert [str(msh[n]) for n in (3, 4, 5, 6, 18)] == ["IMP", "AI", "RIS", "NORTH", "8859/1"]
    assert str(msh[9]) == "ACK^R01" and str(msh[12]) == "2.5.1"
    assert [str(ack.segment("MSA")[n]) for n in (1, 2)] == ["AA", "C42"]


def test_an_acknowledgement_speaks_the_senders_separators() -> None:
    ack = acknowledgement(Envelope.of(b"MSH^~|\\&^RIS^X^IMP^AI^2026^^ORU~R01^C1^P^2.3\r"), b"AE", 1, NOW, "Send it again.")

    lines = ack.split(b"\r")
    assert lines[0].startswith(b"MSH^~|\\&^IMP^AI^RIS^X^")
    assert b"^ACK~R01^" in lines[0]
    assert lines[1] == b"MSA^AE^C1"
    assert lines[2].startswith(b"ERR^") and lines[2].endswith(b"^Send it again.")


def test_a_batch_is_acknowledged_by_the_batchs_own_control_id() -> None:
    header = b"BHS|^~\\&|RIS|NORTH|IMP|AI|20260301||||B77\rMSH|^~\\&|RIS\r"

    assert b"\rMSA|AA|B77\r" in acknowledgement(Envelope.of(header), b"AA", 1, NOW)


@pytest.mark.parametrize("raw", [b"", b"garbage", b"MSH", b"PID|1\r"])
def test_what_has_no_header_is_answered_all_the_same(raw: bytes) -> None:
    assert Envelope.of(raw) is None
    assert b"\rMSA|AE|\r" in acknowledgement(None, b"AE", 1, NOW, "There is no MSH.")


@pytest.mark.parametrize(
    ("modes", "outcome", "due"),
    [
        (b"|", "kept", [b"AA"]),
        (b"|", "unreadable", [b"AE"]),
        (b"|", "not-kept", [b"AR"]),
        (b"AL|AL", "kept", [b"CA", b"AA"]),
        (b"AL|NE", "kept", [b"CA"]),
        (b"AL|NE", "not-kept", [b"CR"]),
        (b"NE|AL", "kept", [b"AA"]),
        (b"ER|ER", "kept", []),
        (b"ER|ER", "unreadable", [b"AE"]),
        (b"ER|ER", "not-kept", [b"CR"]),
        (b"SU|SU", "kept", [b"CA", b"AA"]),
        (b"NE|NE", "not-kept", []),
    ],
)
def test_enhanced_mode_answers_what_table_0155_asks_for(modes: bytes, outcome: str, due: list[bytes]) -> None:
    raw = b"MSH|^~\\&|RIS|NORTH|IMP|AI|20260301||ORU^R01|C1|P|2.5.1|||" + modes + b"\r"

    assert codes_for(Envelope.of(raw), outcome) == due


def test_a_message_broken_off_and_said_again_on_the_same_connection_comes_out_once_and_whole() -> None:
    broken_off = b"\x0bMSH|^~\\&|RIS\rOBX|1|TX|||Two no"
    whole = b"MSH|^~\\&|RIS\rOBX|1|TX|||Two nodules.\x0bOne is new."  # 0x0B alone is a word processor's line break

    frames = Frames()

    assert list(frames.feed(broken_off)) == []
    assert list(frames.feed(framed(whole) + framed(b"FHS|next"))) == [whole, b"FHS|next"]
