"""HTTP to one server over kept connections, where one deadline holds for all of a request: connecting, sending, every piece of the answer.

HTTP libraries allow each step, and each piece of a step, the whole time anew: a server that lets a caller wait, then drips, takes a
multiple of it. Straight to the server, whatever HTTP_PROXY says: a prompt holds a report. Not covered: looking up a name; who names
vLLM by address, or in /etc/hosts, does not wait for a name server.
"""

from __future__ import annotations

import base64
import io
import select
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection, InvalidURL
from typing import Any
from urllib.parse import unquote, urlsplit

#: A server in the same house takes a connection at once or not at all.
LONGEST_CONNECT = 2.0
#: Connections that wait for the next request; more are closed when their answer was heard.
KEPT = 64


@dataclass(frozen=True, slots=True)
class Heard:
    """One HTTP answer."""

    status: int
    body: bytes = field(repr=False)


class Line:
    """To the server at `url`; safe to use from many threads, each request has a connection of its own."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = urlsplit(url)
        self._port = self._url.port
        self._headers = {"Content-Type": "application/json", **headers}
        if self._url.username:
            name = f"{unquote(self._url.username)}:{unquote(self._url.password or '')}"
            self._headers["Authorization"] = f"Basic {base64.b64encode(name.encode()).decode()}"
        self._tls = ssl.create_default_context() if self._url.scheme == "https" else None
        self._kept: list[_Connection] = []

    def ask(self, method: str, path: str, body: bytes | None, *, deadline: float, largest: int) -> Heard:
        """The whole answer, which has to be smaller than `largest` bytes. `deadline` is on the monotonic clock.

        Raises `TimeoutError` when that passes, else `OSError` or `HTTPException`: nobody was there, or the line broke.
        """
        connection = self._waiting() or self._connected(deadline)
        try:
            connection.deadline = deadline
            connection.http.request(method, f"{self._url.path}{path}", body, self._headers)
            answer = connection.http.getresponse()
            heard = answer.read(largest)
            if answer.length or len(heard) == largest:
                raise ConnectionError("the answer was cut off, or is longer than any answer")
        except BaseException:
            connection.hang_up()
            raise
        if answer.will_close or len(self._kept) >= KEPT:
            connection.hang_up()
        else:
            self._kept.append(connection)
        return Heard(answer.status, heard)

    def close(self) -> None:
        while self._kept:
            self._kept.pop().hang_up()

    def _waiting(self) -> _Connection | None:
        """The connection used last, unless its server has closed it since."""
        while self._kept:
            connection = self._kept.pop()
            if not connection.is_readable:
                return connection
            connection.hang_up()
        return None

    def _connected(self, deadline: float) -> _Connection:
        host, within = self._url.hostname, min(_left(deadline), LONGEST_CONNECT)
        if not host or self._url.scheme not in ("http", "https"):
            raise InvalidURL("an address is http://HOST:PORT")
        if self._tls:
            http: HTTPConnection = HTTPSConnection(host, self._port, timeout=within, context=self._tls)
        else:
            http = HTTPConnection(host, self._port, timeout=within)
        try:
            http.connect()
        except TimeoutError:
            raise ConnectionError("nobody took the connection") from None
        return _Connection(http)


class _Connection(io.RawIOBase):
    """A connection, and the socket that `http.client` is given: what it sends and hears ends with `deadline`."""

    def __init__(self, http: HTTPConnection) -> None:
        self.http, self._socket = http, http.sock
        self.deadline = 0.0
        self._said = b""
        http.sock = self

    @property
    def is_readable(self) -> bool:
        """Between two requests: the server has hung up, or talks out of turn."""
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return bool(waiting.poll(0))

    def sendall(self, said: bytes) -> None:
        """Head and body go out together, in `makefile`: the server wakes up once."""
        self._said += said

    def makefile(self, _: str) -> io.BufferedReader:
        """All is said, and now the answer is waited for."""
        said, self._said = self._said, b""
        self._socket.settimeout(_left(self.deadline))
        self._socket.sendall(said)
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any, /) -> int:
        self._socket.settimeout(_left(self.deadline))
        return self._socket.recv_into(room)

    def close(self) -> None:
        """`http.client` closes before it has read the last answer; `hang_up` is for afterwards."""

    def hang_up(self) -> None:
        self._socket.close()


def _left(deadline: float) -> float:
    """Seconds; raises `TimeoutError` when there are none."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
