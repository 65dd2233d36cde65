"""A line to a part that a row of the fault matrix may spoil: a TCP stream of any kind, so that Kafka, PostgreSQL and HTTP fit alike."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Literal

Trouble = Literal[
    "none",
    "black-hole",  # nothing passes either way and nobody is told; what was sent arrives when it is over, as TCP does it
    "deaf",  # what we say passes, no answer comes back; when it is over the connection is reset
    "late",  # half a second each way
    "dripping",  # one byte of an answer per second
    "half-open",  # the part has forgotten the connections there are, and told nobody; new ones are sound
    "torn",  # reset in the middle of an answer
]
#: SO_LINGER of no seconds: closing sends a reset.
RESET = struct.pack("ii", 1, 0)


class Line:
    """In front of `port` on this machine. `trouble` may change at any time and meets the connections there are, too."""

    def __init__(self, port: int, at: int = 0) -> None:
        self.spoilt = 0  #: bytes that met trouble
        self._target = port
        self._trouble: Trouble = "none"
        self._better = threading.Condition()
        self._calls: set[_Call] = set()
        self._door = socket.create_server(("127.0.0.1", at))
        self._thread(self._answer)

    @property
    def port(self) -> int:
        return int(self._door.getsockname()[1])

    @property
    def trouble(self) -> Trouble:
        return self._trouble

    @trouble.setter
    def trouble(self, trouble: Trouble) -> None:
        with self._better:
            if trouble == "half-open":
                for call in self._calls:
                    call.is_forgotten = True
            self._trouble, self.spoilt = trouble, self.spoilt if trouble == "none" else 0
            self._better.notify_all()

    def close(self) -> None:
        self.trouble = "none"
        self._door.shutdown(socket.SHUT_RDWR)  # wakes who waits at it: until then the kernel keeps it open
        self._door.close()
        for call in list(self._calls):
            call.reset()

    def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._door.accept()
                self._thread(self._connect, ours)

    def _connect(self, ours: socket.socket) -> None:
        self._while("black-hole")
        try:
            theirs = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            ours.close()
            return
        theirs.settimeout(None)
        call = _Call(ours, theirs)
        with self._better:
            self._calls.add(call)
        self._thread(self._pump, call, True)
        self._pump(call, False)

    def _pump(self, call: _Call, is_answer: bool) -> None:
        source, sink = (call.theirs, call.ours) if is_answer else (call.ours, call.theirs)
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                trouble = self._trouble
                if trouble != "none":
                    self.spoilt += len(chunk)
                if not call.is_forgotten:
                    self._pass_on(chunk, sink, call, is_answer, trouble)
        if not call.is_forgotten or not is_answer:
            call.hang_up()
            with self._better:
                self._calls.discard(call)

    def _pass_on(self, chunk: bytes, sink: socket.socket, call: _Call, is_answer: bool, trouble: Trouble) -> None:
        if trouble == "black-hole":
            self._while("black-hole")
        elif trouble == "late":
            time.sleep(0.5)
        elif trouble == "deaf" and is_answer:
            self._while("deaf")
            call.reset()
        elif trouble == "torn" and is_answer:
            sink.sendall(chunk[: len(chunk) // 2])
            time.sleep(0.01)  # a reset overtakes what is still in the buffers
            call.reset()
        elif trouble == "dripping" and is_answer:
            while chunk and self._trouble == "dripping":
                sink.sendall(chunk[:1])
                chunk = chunk[1:]
                with self._better:
                    self._better.wait_for(lambda: self._trouble != "dripping", timeout=1)
        sink.sendall(chunk)

    def _while(self, trouble: Trouble) -> None:
        with self._better:
            self._better.wait_for(lambda: self._trouble != trouble)

    def _thread(self, work: Callable[..., None], *args: object) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()


class _Call:
    """One connection through the line: our end and the part's."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self.ours, self.theirs = ours, theirs
        self._forgotten = self._was_reset = False

    @property
    def is_forgotten(self) -> bool:
        return self._forgotten

    @is_forgotten.setter
    def is_forgotten(self, forgotten: bool) -> None:
        self._forgotten = forgotten
        with contextlib.suppress(OSError):
            self.theirs.shutdown(socket.SHUT_RDWR)

    def hang_up(self) -> None:
        if self._was_reset:  # who wakes from reading it must not say goodbye first
            return
        for end in (self.ours, self.theirs):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def reset(self) -> None:
        self._was_reset = True
        for end in (self.ours, self.theirs):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RD)  # wakes who reads it: until then the kernel keeps it open
            end.close()
