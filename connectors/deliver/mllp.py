"""Drafts to a reporting system that listens on MLLP, each acknowledged before the next. It knows a repetition by its control id."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.deliver import ACCEPTED, Answer, NotThere
from connectors.mllp import BadFrame, Frames, framed
from connectors.tls import BadFile, TlsFiles, refusal, why_refused
from feedback.outbox import Waiting

ANSWER_WITHIN = 30.0
#: HL7 v2.5.1 table 0008: what was refused for good is not said again unchanged.
ANSWER_BY_CODE: Mapping[bytes, Answer] = {
    b"AA": ACCEPTED,
    b"CA": ACCEPTED,
    b"AE": Answer("refused", "it answered AE"),
    b"CE": Answer("refused", "it answered CE"),
    b"AR": Answer("later", "it answered AR"),
    b"CR": Answer("later", "it answered CR"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a reporting system listens."""

    host: str
    port: int
    tls: TlsFiles | None = None


class MllpLine:
    """One connection, opened when needed and given up at the first doubt."""

    def __init__(self, address: Address, answer_within: float = ANSWER_WITHIN) -> None:
        self._address = address
        self._answer_within = answer_within
        self._socket: socket.socket | None = None

    def say(self, message: Waiting) -> Answer:
        was_open = self._socket is not None
        answer = self._said(message.value)
        if was_open and self._socket is None:  # closed or half-open since the last message: that says nothing about this one
            answer = self._said(message.value)
        return answer

    def hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def greet(self) -> str:
        why = refusal(self._address.host, self._address.port, self._address.tls)
        if why is not None:
            raise NotThere(why)
        return "takes connections"

    def _said(self, message: bytes) -> Answer:
        """An answer to another message is no answer, and other noise gives no more time."""
        try:
            connection = self._connected()
        except (OSError, BadFile) as fault:
            return Answer("away", why_refused(fault))
        try:
            connection.settimeout(self._answer_within)
            connection.sendall(framed(message))
            frames, until = Frames(), time.monotonic() + self._answer_within
            while received := connection.recv(65536):
                for answer in frames.feed(received):
                    code, control_id = acknowledged(answer)
                    if control_id == control_id_of(message):
                        return ANSWER_BY_CODE.get(code, Answer("later", "its acknowledgement holds no code of table 0008"))
                if (left := until - time.monotonic()) <= 0:
                    raise TimeoutError
                connection.settimeout(left)
            why = "it closed the connection"
        except BadFrame:
            why = "what it answers is no MLLP"
        except OSError as fault:
            why = why_refused(fault)
        self.hang_up()
        return Answer("later", why)

    def _connected(self) -> socket.socket:
        if self._socket is None:
            host, port, tls = self._address.host, self._address.port, self._address.tls
            plain = socket.create_connection((host, port), timeout=self._answer_within)
            try:
                self._socket = tls.client().wrap_socket(plain, server_hostname=host) if tls else plain
            except BaseException:
                plain.close()
                raise
        return self._socket


def acknowledged(answer: bytes) -> tuple[bytes, bytes]:
    """MSA-1 and MSA-2; empty when there is no MSA."""
    for segment in answer.replace(b"\n", b"\r").split(b"\r"):
        if segment.startswith(b"MSA") and len(segment) > 4:
            parts = segment.split(segment[3:4])
            return parts[1].strip(), parts[2].strip() if len(parts) > 2 else b""
    return b"", b""


def control_id_of(message: bytes) -> bytes:
    """MSH-10."""
    header = message.split(b"\r", 1)[0]
    fields = header.split(header[3:4])
    return fields[9].strip() if len(fields) > 9 else b""
