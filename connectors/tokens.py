"""Bearer tokens: given, read from a file that somebody rotates, or fetched with a client's id and secret (OAuth 2.0, RFC 6749 4.4)."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from connectors.tls import TlsFiles, why_refused

#: Hands out a token that is good now; with True it must be a new one, because the last was refused.
Token = Callable[[bool], str]
#: A fetched token is given up so many seconds before it expires.
MARGIN = 30.0


class NoToken(Exception):
    """No token can be had. `str()` says why, and holds no secret."""


def given(token: str) -> Token:
    return lambda renewed: usable(token, "the token in the settings")


def from_file(path: Path) -> Token:
    """Read at every use: whoever rotates the file needs to tell nobody."""

    def token(renewed: bool) -> str:
        try:
            return usable(path.read_text(encoding="ascii").strip(), f"what the token's file {path} holds")
        except (OSError, UnicodeDecodeError) as error:
            raise NoToken(f"the token's file {path} cannot be read ({type(error).__name__})") from None

    return token


def usable(token: str, where: str) -> str:
    """The token, if it can stand in a header: one word of ASCII (RFC 6750 2.1)."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise NoToken(f"{where} is no token: one word without blanks")
    return token


class FetchedToken:
    """A token of an authorization server, fetched when there is none or the last is old."""

    def __init__(self, url: str, client: str, secret: str, scope: str | None = None, tls: TlsFiles | None = None) -> None:
        self._url = urllib.parse.urlsplit(url)
        self._asked = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        if scope:
            self._asked["scope"] = scope
        self._tls = tls or TlsFiles()
        self._token, self._good_until = "", 0.0
        self._lock = threading.Lock()

    def __call__(self, renewed: bool) -> str:
        with self._lock:
            if renewed or time.monotonic() >= self._good_until:
                self._token, seconds = self._fetch()
                self._good_until = time.monotonic() + max(1.0, seconds - MARGIN)
            return self._token

    def _fetch(self) -> tuple[str, float]:
        host, port = self._url.hostname or "", self._url.port
        secured = self._url.scheme == "https"
        asked = urllib.parse.urlunsplit(("", "", self._url.path or "/", self._url.query, ""))
        try:
            line = (
                http.client.HTTPSConnection(host, port, timeout=10, context=self._tls.client())
                if secured
                else http.client.HTTPConnection(host, port, timeout=10)
            )
            try:
                headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
                line.request("POST", asked, urllib.parse.urlencode(self._asked), headers)
                answer = line.getresponse()
                said = answer.read(1_000_000)
            finally:
                line.close()
        except (OSError, http.client.HTTPException) as fault:
            raise NoToken(f"the token server at {host} was not reached: {why_refused(fault)}") from None
        if answer.status != 200:
            whose = ": look at the client's id and secret" if answer.status < 500 else ""
            raise NoToken(f"the token server at {host} answered {answer.status}{whose}")
        try:
            told = json.loads(said)
            token, seconds = told["access_token"] or "", float(told.get("expires_in") or 300)
        except (ValueError, KeyError, TypeError):
            raise NoToken(f"the token server at {host} sent no access_token") from None
        return usable(str(token), f"what the token server at {host} sent"), seconds
