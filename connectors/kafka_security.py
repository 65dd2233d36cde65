"""Who we are to Kafka: TLS, a client certificate, SCRAM, PLAIN or OAUTHBEARER, in plain values, and why it does not let us in.

kafka-python tells a wrong password from a broker that is down by nothing but a time-out, so `why_not_in` signs in once by hand: two
requests of Kafka's protocol (SaslHandshake, SaslAuthenticate), without the library. This file does not import it either.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.tls import BadFile, TlsFiles, refusal, why_refused
from connectors.tokens import FetchedToken, NoToken, Token

#: What kafka-python calls these, and which hash they use.
SCRAM = {"SCRAM-SHA-512": "sha512", "SCRAM-SHA-256": "sha256"}
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
UNSUPPORTED_MECHANISM = 33
SECONDS = 5.0


class _Refused(Exception):
    """Kafka said no."""


@dataclass(frozen=True, slots=True)
class Security:
    """How one process signs in. Nothing set: neither TLS nor a name."""

    tls: TlsFiles | None = None
    mechanism: str | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    token: Token | None = field(default=None, repr=False)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Security:
        """From our settings (`kafka_…`). Raises `ValueError` with a sentence where one is missing."""
        files = TlsFiles(settings["kafka_authority"], settings["kafka_certificate"], settings["kafka_key"])
        tls = files if settings["kafka_tls"] or files != TlsFiles() else None
        mechanism = settings["kafka_sasl"]
        wants: tuple[str, ...] = ("user", "password")
        if mechanism == "OAUTHBEARER":
            wants = ("token_url", "client", "client_secret")
        said = [settings[f"kafka_{one}"] for one in wants]
        if mechanism is None:
            return cls(tls)
        if None in said:
            beside = ", ".join(f"IMPRESARIO_KAFKA_{one.upper()}" for one in wants)
            raise ValueError(f"IMPRESARIO_KAFKA_SASL is {mechanism}: it wants {beside} beside it.")
        if mechanism == "OAUTHBEARER":
            url, client, secret = said
            fetched = FetchedToken(url, client, secret.get_secret_value(), settings["kafka_scope"], tls)
            return cls(tls, mechanism, token=fetched)
        user, password = said
        return cls(tls, mechanism, user, password.get_secret_value())

    def settings(self) -> dict[str, Any]:
        """In kafka-python's words. Raises `BadFile`."""
        secured = self.tls is not None
        protocol = ("SASL_" if self.mechanism else "") + ("SSL" if secured else "PLAINTEXT")
        said: dict[str, Any] = {"security_protocol": protocol}
        if self.tls is not None:
            said["ssl_context"] = self.tls.client()
        if self.mechanism:
            said["sasl_mechanism"] = self.mechanism
        if self.mechanism == "OAUTHBEARER":
            said["sasl_oauth_token_provider"] = self.token
        elif self.mechanism:
            said |= {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
        return said

    def why_not_in(self, servers: str) -> str | None:
        """Why the first broker that answers does not let us in, in a few words; None when it does, or when none answers."""
        whys = [self._why_not_at(*address(server)) for server in servers.split(",")]
        return None if None in whys else next((why for why in whys if why), None)

    def _why_not_at(self, host: str, port: int) -> str | None:
        try:
            if self.tls is None and _speaks_tls(host, port):
                return "it speaks TLS on this port: set IMPRESARIO_KAFKA_TLS"
            why = refusal(host, port, self.tls, SECONDS)
            if why is not None or not self.mechanism:
                return why
            with socket.create_connection((host, port), timeout=SECONDS) as plain:
                line = self.tls.client().wrap_socket(plain, server_hostname=host) if self.tls else plain
                with line:
                    self._sign_in(line)
        except _Refused as reason:
            return str(reason)
        except NoToken as reason:
            return str(reason)
        except (OSError, BadFile) as fault:
            return why_refused(fault)
        return None

    def _sign_in(self, line: socket.socket) -> None:
        answer = _asked(line, SASL_HANDSHAKE, 1, _text(self.mechanism or ""))
        if struct.unpack_from(">h", answer)[0] == UNSUPPORTED_MECHANISM:
            raise _Refused(f"it does not offer {self.mechanism}: look at IMPRESARIO_KAFKA_SASL")
        if self.mechanism == "OAUTHBEARER":
            assert self.token is not None
            _authenticated(line, f"n,,\x01auth=Bearer {self.token(False)}\x01\x01".encode(), "our token")
        elif self.mechanism == "PLAIN":
            _authenticated(line, f"\0{self.user}\0{self.password}".encode(), NAME_AND_PASSWORD)
        else:
            first = f"n={self.user.replace('=', '=3D').replace(',', '=2C')},r={secrets.token_hex(16)}"
            challenge = _authenticated(line, f"n,,{first}".encode(), NAME_AND_PASSWORD).decode()
            proof = scram_proof(SCRAM[self.mechanism or ""], self.password, first, challenge)
            _authenticated(line, proof.encode(), NAME_AND_PASSWORD)


NAME_AND_PASSWORD = "our name or password (IMPRESARIO_KAFKA_USER, IMPRESARIO_KAFKA_PASSWORD)"


def scram_proof(hashed: str, password: str, first: str, challenge: str) -> str:
    """The client's last message (RFC 5802 section 3)."""
    told = dict(part.split("=", 1) for part in challenge.split(","))
    salted = hashlib.pbkdf2_hmac(hashed, password.encode(), base64.b64decode(told["s"]), int(told["i"]))
    key = hmac.digest(salted, b"Client Key", hashed)
    without_proof = f"c=biws,r={told['r']}"
    signature = hmac.digest(hashlib.new(hashed, key).digest(), f"{first},{challenge},{without_proof}".encode(), hashed)
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    return f"{without_proof},p={base64.b64encode(proof).decode()}"


def address(server: str) -> tuple[str, int]:
    host, _, port = server.strip().rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else (server.strip(), 9092)


def _authenticated(line: socket.socket, said: bytes, what: str) -> bytes:
    """Kafka's side of one step of SASL; an error code means that it does not accept `what`."""
    answer = _asked(line, SASL_AUTHENTICATE, 0, struct.pack(">i", len(said)) + said)
    code, length = struct.unpack_from(">hh", answer)
    if code:
        raise _Refused(f"it does not accept {what}")
    start = 4 + max(length, 0)
    (size,) = struct.unpack_from(">i", answer, start)
    told = answer[start + 4 : start + 4 + max(size, 0)]
    if what == "our token" and told:  # RFC 7628: an error comes as a challenge
        raise _Refused(f"it does not accept {what}")
    return told


def _asked(line: socket.socket, key: int, version: int, body: bytes) -> bytes:
    """One request of Kafka's protocol (header version 1) and its answer's body."""
    request = struct.pack(">hhi", key, version, 1) + _text("impresario") + body
    line.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _exactly(line, 4))
    if not 4 <= size <= 1_000_000:
        raise ConnectionError
    return _exactly(line, size)[4:]


def _exactly(line: socket.socket, size: int) -> bytes:
    got = bytearray()
    while len(got) < size:
        received = line.recv(size - len(got))
        if not received:
            raise ConnectionResetError
        got += received
    return bytes(got)


def _text(words: str) -> bytes:
    said = words.encode()
    return struct.pack(">h", len(said)) + said


def _speaks_tls(host: str, port: int) -> bool:
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as plain, anything.wrap_socket(plain):
            return True
    except ssl.SSLError as fault:
        return "ALERT" in (fault.reason or "")
    except OSError:
        return False
