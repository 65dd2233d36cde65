"""One HTTP server on one connection, kept while it is good: what FHIR servers and FHIRcast hubs are spoken to with."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import json
import socket
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors import topics
from connectors.deliver import NotThere
from connectors.tls import BadFile, TlsFiles, why_refused
from connectors.tokens import NoToken, Token

ANSWER_WITHIN = 30.0
LARGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Heard:
    """One HTTP answer."""

    status: int
    etag: str | None
    location: str | None
    after: float | None
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


class Web:
    """`ask` raises `NotThere` when nobody was reached, and what `http.client` raises when the line broke after that.

    `answer_within` (seconds) is for connecting, and then for the whole of an answer, however slowly it trickles in.
    """

    def __init__(
        self, base: str, *, token: Token | None = None, tls: TlsFiles | None = None, answer_within: float = ANSWER_WITHIN
    ) -> None:
        self.base = base.rstrip("/")
        self.tls = tls or TlsFiles()
        self._url = urllib.parse.urlsplit(self.base)
        self._token = token
        self._answer_within = answer_within
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Heard:
        """One request; once more on a fresh connection when a kept one was closed, and with a fresh token when it was refused."""
        heard = self._asked_twice(method, path, body, headers or {}, renewed=False)
        if heard.status == 401 and self._token is not None:
            heard = self._asked_twice(method, path, body, headers or {}, renewed=True)
        return heard

    def path_of(self, link: str) -> str:
        """What a link of the server's asks of it, below `base`. By what name it knows itself does not matter."""
        there = urllib.parse.urlsplit(urllib.parse.urljoin(f"{self.base}/", link))
        below = there.path.removeprefix(self._url.path).lstrip("/")
        return f"{below}?{there.query}"

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked_twice(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, renewed: bool) -> Heard:
        was_kept = self._connection is not None
        try:
            return self._asked(method, path, body, headers, renewed=renewed)
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException):
            if not was_kept:
                raise
        return self._asked(method, path, body, headers, renewed=False)  # a new token is fetched once

    def _asked(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, renewed: bool) -> Heard:
        said = {"Accept": f"{topics.FHIR}, application/json", **headers}
        try:
            if self._token is not None:
                said["Authorization"] = f"Bearer {self._token(renewed)}"
        except NoToken as reason:
            raise NotThere(str(reason)) from None
        connection = self._connected()
        try:
            with cut_off_after(self._answer_within, connection):
                connection.request(method, f"{self._url.path}{path}" or "/", body, said)
                answer = connection.getresponse()
                heard = answer.read(LARGEST_ANSWER)
            if answer.length:  # http.client calls a short answer broken only when it was read without a limit
                raise http.client.IncompleteRead(heard, answer.length)
        except BaseException:
            self.hang_up()
            raise
        if answer.will_close:  # http.client would open it again with the certificates of the first time
            self.hang_up()
        return Heard(
            answer.status,
            answer.headers.get("ETag"),
            answer.headers.get("Location") or answer.headers.get("Content-Location"),
            seconds_until(answer.headers.get("Retry-After", ""), datetime.now(UTC)),
            heard,
        )

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None:
            return self._connection
        host, port = self._url.hostname or "", self._url.port
        try:
            if self._url.scheme == "https":
                context = self.tls.client()
                new: http.client.HTTPConnection = http.client.HTTPSConnection(
                    host, port, timeout=self._answer_within, context=context
                )
            else:
                new = http.client.HTTPConnection(host, port, timeout=self._answer_within)
            new.connect()
        except (OSError, BadFile) as fault:
            raise NotThere(why_refused(fault)) from None
        self._connection = new
        return new


@contextmanager
def cut_off_after(seconds: float, connection: http.client.HTTPConnection) -> Iterator[None]:
    """What goes on on the connection ends then: a socket's own time-out begins anew with every byte. Raises `TimeoutError`."""
    late, line = threading.Event(), connection.sock

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)  # an SSLSocket's own would forget its keys under the reader

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError("the answer took too long")


def seconds_until(retry_after: str, now: datetime) -> float | None:
    """Retry-After in seconds: it comes as such or as a date (RFC 9110 10.2.3). None when it says nothing."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        at = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds())
