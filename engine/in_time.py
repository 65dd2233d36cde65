"""Sockets that keep one deadline for a whole request: connecting, sending and every piece of the answer share what is left of it.

HTTP libraries allow each step, and each piece of a step, the whole time anew: a server that lets a caller wait, then drips, takes a
multiple of it. Not covered: looking up a name; who names vLLM by address, or in /etc/hosts, does not wait for a name server.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

#: A server in the same house takes a connection at once or not at all.
LONGEST_CONNECT = 2.0


class InTime(httpcore.NetworkBackend, threading.local):
    """The deadline, on the monotonic clock, is the calling thread's own: set it before each request."""

    deadline = 0.0

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = min(self.left(httpcore.ConnectTimeout), LONGEST_CONNECT)
        return _Stream(httpcore.SyncBackend().connect_tcp(host, port, left, local_address, socket_options), self)

    def left(self, too_late: type[Exception]) -> float:
        """Seconds; raises `too_late` when there are none."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise too_late("the time for this request is over")
        return seconds


class _Stream(httpcore.NetworkStream):
    def __init__(self, plain: httpcore.NetworkStream, time_left: InTime) -> None:
        self._plain = plain
        self._time = time_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._plain.read(max_bytes, self._time.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._plain.write(buffer, self._time.left(httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._time.left(httpcore.ConnectTimeout)
        return _Stream(self._plain.start_tls(ssl_context, server_hostname, left), self._time)

    def get_extra_info(self, info: str) -> Any:
        return self._plain.get_extra_info(info)

    def close(self) -> None:
        self._plain.close()
