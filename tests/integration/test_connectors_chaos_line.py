"""The injector of the network rows does what it says, or the rows prove nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bench.chaos_line import Line
from bench.chaos_parts import wait_until


@pytest.fixture
def line() -> Iterator[Line]:
    """To a part that says everything back."""
    part = socket.create_server(("127.0.0.1", 0))

    def echo(call: socket.socket) -> None:
        with contextlib.suppress(OSError), call:
            while said := call.recv(4096):
                call.sendall(said)

    def answer() -> None:
        while True:
            try:
                call, _ = part.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(call,), daemon=True).start()

    threading.Thread(target=answer, daemon=True).start()
    line = Line(part.getsockname()[1])
    yield line
    with contextlib.suppress(OSError):
        line.close()
    part.close()


def call(line: Line) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=20)


def connected(line: Line) -> socket.socket:
    """A call that has been answered."""
    peer = call(line)
    peer.sendall(b"hello")
    assert heard(peer, 5, 20) == b"hello"
    return peer


def heard(peer: socket.socket, length: int, seconds: float = 0.3) -> bytes:
    """What comes in time, up to so many bytes."""
    peer.settimeout(seconds)
    said = b""
    try:
        while len(said) < length and (more := peer.recv(length - len(said))):
            said += more
    except TimeoutError:
        pass
    return said


def spoilt(line: Line, length: int) -> bool:
    """Whether so many bytes met trouble: on a busy machine that takes a while."""
    return wait_until(lambda: line.spoilt >= length, 20, pause=0.01)


def test_a_sound_line_passes_every_byte(line: Line) -> None:
    with call(line) as peer:
        peer.sendall(b"x" * 100_000)

        assert heard(peer, 100_000, 20) == b"x" * 100_000
        assert line.spoilt == 0


def test_a_black_hole_takes_everything_and_gives_it_back_when_it_is_over(line: Line) -> None:
    with connected(line) as peer:
        line.trouble = "black-hole"
        peer.sendall(b"a report")
        assert spoilt(line, 8)
        assert heard(peer, 8) == b""

        line.trouble = "none"

        assert heard(peer, 8, 20) == b"a report"


def test_who_calls_into_a_black_hole_is_connected_when_it_is_over(line: Line) -> None:
    line.trouble = "black-hole"
    with call(line) as peer:
        peer.sendall(b"a report")
        assert heard(peer, 8) == b""

        line.trouble = "none"

        assert heard(peer, 8, 20) == b"a report"


def test_a_deaf_line_brings_our_words_and_no_answer_and_is_reset(line: Line) -> None:
    with connected(line) as peer:
        line.trouble = "deaf"
        peer.sendall(b"a report")
        assert spoilt(line, 16), "there and back"
        assert heard(peer, 8) == b""

        line.trouble = "none"

        with pytest.raises(ConnectionResetError):
            heard(peer, 8, 20)


def test_a_late_line_takes_half_a_second_each_way(line: Line) -> None:
    line.trouble = "late"
    with call(line) as peer:
        began = time.monotonic()
        peer.sendall(b"a report")

        assert heard(peer, 8, 20) == b"a report"
        assert time.monotonic() - began >= 1


def test_a_dripping_line_gives_one_byte_a_second(line: Line) -> None:
    line.trouble = "dripping"
    with call(line) as peer:
        began = time.monotonic()
        peer.sendall(b"a report")
        assert heard(peer, 3, 20) == b"a r"
        assert time.monotonic() - began >= 2

        line.trouble = "none"

        assert heard(peer, 5, 20) == b"eport"


def test_a_half_open_line_is_silent_for_old_connections_and_sound_for_new_ones(line: Line) -> None:
    with connected(line) as old:
        line.trouble = "half-open"

        old.sendall(b"two")
        with call(line) as new:
            new.sendall(b"three")

            assert heard(new, 5, 20) == b"three"
        assert spoilt(line, 13), "two, and three there and back"
        assert heard(old, 3) == b""


def test_a_torn_line_ends_in_the_middle_of_an_answer(line: Line) -> None:
    with connected(line) as peer:
        line.trouble = "torn"
        peer.sendall(b"a report")

        with pytest.raises(ConnectionResetError):
            heard(peer, 8, 20)


def test_a_line_that_is_closed_makes_room_for_the_next_at_its_port(line: Line) -> None:
    port = line.port
    line.close()

    again = Line(1, at=port)

    assert again.port == port
    again.close()
