"""One HTTP server on one connection, kept while it is good: what FHIR servers and FHIRcast hubs are spoken to with."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """`ask` raises `NotThere` when nobody was reached, and what `http.client` raises when the line broke after that."""

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
        was_kept = self._connection is not None
        try:
            heard = self._asked(method, path, body, headers or {}, renewed=False)
        except (ConnectionError, http.client.HTTPException):
            self.hang_up()
            if not was_kept:
                raise
            heard = self._asked(method, path, body, headers or {}, renewed=False)
        if heard.status == 401 and self._token is not None:
            heard = self._asked(method, path, body, headers or {}, renewed=True)
        return heard

    def hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _asked(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], *, renewed: bool) -> Heard:
        said = {"Accept": f"{topics.FHIR}, application/json", **headers}
        try:
            if self._token is not None:
                said["Authorization"] = f"Bearer {self._token(renewed)}"
        except NoToken as reason:
            raise NotThere(str(reason)) from None
        connection = self._connected()
        connection.request(method, f"{self._url.path}{path}" or "/", body, said)
        answer = connection.getresponse()
        heard = answer.read(LARGEST_ANSWER)
        if answer.length:  # http.client calls a short answer broken only when it was read without a limit
            raise http.client.IncompleteRead(heard, answer.length)
        after = answer.headers.get("Retry-After", "")
        return Heard(
            answer.status,
            answer.headers.get("ETag"),
            answer.headers.get("Location") or answer.headers.get("Content-Location"),
            float(after) if after.isdigit() else None,
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
