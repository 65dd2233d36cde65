"""The words of MLLP: frames around messages (0x0B message 0x1C 0x0D), and acknowledgements for them. No sockets, no database.

Acknowledgements are written by hand and not with hl7apy, because they repeat the sender's own separators and character set
(HL7 v2.5.1 chapter 2.9).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

START, END, RETURN = b"\x0b", b"\x1c\x0d", b"\r"
#: A sender that broke off in mid-message and says it again on the same connection; a 0x0B alone is a line break of word processors.
AGAIN = START + b"MSH"
LARGEST = 64 * 1024 * 1024


class BadFrame(Exception):
    """What the peer sends is no MLLP, or too much of it; the connection is closed."""


class Frames:
    """Cuts a stream of bytes into messages. What stands between frames (line ends some engines add) is dropped."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._bytes = bytearray()
        self._searched = 0

    @property
    def is_open(self) -> bool:
        """A frame has begun and not ended."""
        return bool(self._bytes)

    def feed(self, received: bytes) -> Iterator[bytes]:
        """The messages that are whole now, byte for byte. Raises `BadFrame` for a message that is too large."""
        self._bytes += received
        while True:
            start = self._bytes.find(START) if not self._bytes.startswith(START) else 0
            if start < 0:
                self._bytes.clear()
                self._searched = 0
                return
            if start:
                del self._bytes[:start]
            end = self._bytes.find(END, max(1, self._searched - 1))
            if end < 0:
                self._searched = len(self._bytes)
                if len(self._bytes) > self._largest + 1:
                    raise BadFrame(f"more than {self._largest} bytes in one frame")
                return
            message = bytes(self._bytes[max(0, self._bytes.rfind(AGAIN, 0, end)) + 1 : end])
            del self._bytes[: end + 2]
            self._searched = 0
            yield message


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header of a message as far as an acknowledgement needs it; every value as the sender wrote it, in bytes."""

    separator: bytes
    encoding: bytes
    fields: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, raw: bytes) -> Envelope | None:
        """The first MSH, BHS or FHS; None when the message does not start with one."""
        line = raw.lstrip(b"\r\n\xef\xbb\xbf").replace(b"\n", RETURN).split(RETURN, 1)[0]
        if line[:3] not in (b"MSH", b"BHS", b"FHS") or len(line) < 8:
            return None
        parts = line.split(line[3:4])
        return cls(separator=line[3:4], encoding=parts[1], fields=tuple(parts))

    def value(self, number: int) -> bytes:
        """MSH-`number`; MSH-1 is the separator itself."""
        return self.fields[number - 1] if number <= len(self.fields) else b""

    @property
    def is_batch(self) -> bool:
        return self.fields[0] != b"MSH"

    @property
    def control_id(self) -> bytes:
        """MSH-10; BHS-11 or FHS-11 of a batch."""
        return self.value(11 if self.is_batch else 10)

    @property
    def accept_mode(self) -> bytes:
        """MSH-15: when an accept acknowledgement is wanted; empty in original mode."""
        return b"" if self.is_batch else self.value(15).strip()

    @property
    def application_mode(self) -> bytes:
        """MSH-16: when an application acknowledgement is wanted; empty in original mode."""
        return b"" if self.is_batch else self.value(16).strip()

    @property
    def is_enhanced(self) -> bool:
        return bool(self.accept_mode or self.application_mode)


def framed(message: bytes) -> bytes:
    return START + message + END


def acknowledgement(envelope: Envelope | None, code: bytes, number: int, now: datetime, problem: str = "") -> bytes:
    """One ACK, unframed, in the sender's separators; `number` makes its control id. `problem` says what to do and quotes nothing."""
    asked = envelope or NOBODY
    separator, component = asked.separator, asked.encoding[:1]
    trigger = asked.value(9).split(component)[1:2] if not asked.is_batch else []
    header = [b""] * 18
    header[0:2] = b"MSH", asked.encoding
    header[2:6] = asked.value(5), asked.value(6), asked.value(3), asked.value(4)  # who was asked answers who asked
    header[6] = now.strftime("%Y%m%d%H%M%S").encode()
    header[8] = component.join([b"ACK", *trigger])
    header[9] = b"IMP%d" % number
    header[10:12] = (b"P", b"2.5.1") if asked.is_batch else (asked.value(11) or b"P", asked.value(12) or b"2.5.1")
    header[17] = b"" if asked.is_batch else asked.value(18)
    segments = [separator.join(header).rstrip(separator), separator.join([b"MSA", code, asked.control_id])]
    if problem:
        segments.append(separator.join([b"ERR", b"", b"", b"207", b"E", b"", b"", b"", problem.encode("ascii", "replace")]))
    return RETURN.join(segments) + RETURN


NOBODY = Envelope(b"|", b"^~\\&", (b"MSH", b"^~\\&"))
#: HL7 v2.5.1 table 0155: does the sender want this acknowledgement, given that all went well?
WANTED_WHEN_WELL = {b"AL": True, b"SU": True, b"NE": False, b"ER": False}
WANTED_WHEN_NOT = {b"AL": True, b"SU": False, b"NE": False, b"ER": True}


def codes_for(envelope: Envelope | None, outcome: str) -> list[bytes]:
    """Which acknowledgements are due, in order, for a message that was `kept`, is `unreadable` (kept all the same) or `not-kept`.

    AA/CA: done. AE: kept, and of no use; do not send it again unchanged. AR/CR: not kept; send it again.
    """
    accept = {"kept": b"CA", "unreadable": b"CA", "not-kept": b"CR"}[outcome]
    application = {"kept": b"AA", "unreadable": b"AE", "not-kept": b"AR"}[outcome]
    if envelope is None or not envelope.is_enhanced:
        return [application]
    due = []
    if (WANTED_WHEN_NOT if outcome == "not-kept" else WANTED_WHEN_WELL).get(envelope.accept_mode, False):
        due.append(accept)
    if outcome != "not-kept" and (WANTED_WHEN_WELL if outcome == "kept" else WANTED_WHEN_NOT).get(
        envelope.application_mode, False
    ):
        due.append(application)
    return due
