"""HL7 v2 as bytes: payload -> messages -> segments -> fields, in the standard's own numbering (HL7 v2.5.1 chapter 2).

Separators come from MSH-1/2, the charset from MSH-18, lines may end in any way. Nothing is split before somebody asks for it, and
nothing is lost: `unparse(parse(raw)) == raw`. This file knows no medicine and no segment but MSH.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter

from ingest.charset import CODECS, decode, from_wide
from ingest.report import Unreadable

#: Segments known to occur without any field, so that a bare line is not taken for text.
_KNOWN = frozenset(
    "MSH PID PD1 PV1 PV2 NK1 ORC OBR OBX NTE TQ1 TQ2 CTD DG1 SPM FT1 CTI DSC EVN TXA CON ZDS ZPF IPC AL1 ROL PRT SFT".split()
)
BARE_SEGMENTS = frozenset({"BTS", "DSC", "FTS", "NTE", "OBR", "OBX", "ORC", "PD1", "PID", "PV1", "PV2", "TQ1", "TXA"})
#: Segments of one name kept split: a report of ten thousand lines would cost seven times its size.
MOST_REMEMBERED = 100

_USUAL_HEADERS = (b"MSH|^~\\", b"MSH|^~#", b"MSH^~|\\&^")
_LOG_LINE = re.compile(rb"[\r\n]+(?=\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d)")
_ESCAPED_ENDS = ((b"\\r", re.compile(rb"\\r(?:\\n)?(?=[A-Z][A-Z0-9]{2}[|^]|\s*\Z)")), (b"<CR>", re.compile(rb"<CR>(?:<LF>)?")),
                 (b"<cr>", re.compile(rb"<cr>(?:<lf>)?")), (b"<0D>", re.compile(rb"<0D>(?:<0A>)?")))  # fmt: skip


@dataclass(slots=True)
class Message:
    """One message: its segments as text, and the characters that divide them. `ends` are the line ends, for the way back."""

    segments: list[str]
    ends: list[str]
    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str
    encoding: str
    notes: list[str]
    _lines: dict[str, list[str]] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    _rows: dict[str, list[list[str]]] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    def lines(self, name: str) -> list[str]:
        """Every segment called `name`, unsplit."""
        if not self._lines:
            for kind, run in groupby(self.segments, _name):
                self._lines.setdefault(kind, []).extend(run)
            if "ADD" in self._lines:
                self._append_continuations()
        return self._lines.get(name) or []

    def rows(self, name: str) -> list[list[str]]:
        """The fields of every segment called `name`; split on the first question, remembered for the next."""
        rows = self._rows.get(name)
        if rows is None:
            rows = self._rows[name] = [self.fields(line) for line in self.lines(name)]
        return rows

    def each(self, name: str) -> Iterable[list[str]]:
        """The fields of every segment called `name`, one after the other; of many segments none is remembered."""
        lines = self.lines(name)
        return self.rows(name) if len(lines) <= MOST_REMEMBERED else map(self.fields, lines)

    def forget(self) -> None:
        """Let go of the segments once everything has been asked: a long report needs the room while its text is read."""
        self.segments, self.ends = [], []
        self._lines.clear()
        self._rows.clear()

    def _append_continuations(self) -> None:
        """ADD holds the rest of a field that was too long for its segment (HL7 v2.5.1 2.10.2)."""
        whole: list[str] = []
        for segment in self.segments:
            if segment.startswith("ADD" + self.field) and whole:
                whole[-1] += segment[4:].removesuffix(self.field)
            else:
                whole.append(segment)
        self._lines.clear()
        for segment in whole:
            self._lines.setdefault(segment[:3], []).append(segment)

    def fields(self, segment: str) -> list[str]:
        """Fields by the standard's number: index 0 is the segment's name; MSH-1 is the field separator itself."""
        fields = segment.split(self.field)
        if segment.startswith(("MSH", "BHS", "FHS")):
            fields.insert(1, self.field)
        return fields

    def first(self, name: str) -> list[str]:
        """The fields of the first segment called `name`; an empty list when there is none."""
        for segment in self.segments:
            if segment.startswith(name):
                return self.fields(segment)
        return []

    def part(self, fields: list[str], field: int, component: int = 1, subcomponent: int = 1, repetition: int = 1) -> str:
        """One subcomponent of one field as plain text; "" where the message does not go that far."""
        text = fields[field] if field < len(fields) else ""
        if text.isalnum():
            return text if component == subcomponent == repetition == 1 else ""
        if not text:
            return ""
        if self.repetition in text:
            text = _nth(text, self.repetition, repetition)
        elif repetition > 1:
            return ""
        if self.component in text:
            text = _nth(text, self.component, component)
        elif component > 1:
            return ""
        if self.subcomponent in text:
            text = _nth(text, self.subcomponent, subcomponent)
        elif subcomponent > 1:
            return ""
        return self.plain(text).strip() if self.escape in text else text.strip()

    def plain(self, text: str) -> str:
        """Text without escape sequences (2.7); formatting commands become line breaks and spaces."""
        if self.escape in text:
            line_break = f"{self.escape}.br{self.escape}"
            if line_break in text and f"{self.escape}E{self.escape}." not in text:  # by far the most frequent command
                text = text.replace(line_break, "\n")
            if self.escape in text:
                text = _unescaper(self)(text)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text


_name = itemgetter(slice(3))


def _nth(text: str, separator: str, number: int) -> str:
    """The part of that number, counted from one; "" where there is none."""
    parts = text.split(separator, number)
    return parts[number - 1] if number <= len(parts) else ""


def messages(raw: bytes) -> Iterable[bytes]:
    """Every message in a payload: a batch, MLLP frames, a log, or messages one after another. Each starts at its MSH."""
    raw = from_wide(raw)
    if raw.startswith(_USUAL_HEADERS) and raw.find(b"MSH", 3) < 0:
        return (_trimmed(raw),)
    return _several(raw, _starts(raw))


def _several(raw: bytes, starts: list[int]) -> Iterator[bytes]:
    if not starts:
        return
    before = raw[max(0, starts[0] - 1) : starts[0]]
    from_log = before in (b" ", b":", b'"', b"'", b"]") or (
        starts[0] > 0 and _LOG_LINE.search(b"\n" + raw[: starts[0]]) is not None
    )
    for start, after in pairwise([*starts, len(raw)]):
        yield _trimmed(raw[start:after] if start or after < len(raw) else raw, from_log=from_log)


def _trimmed(message: bytes, *, from_log: bool = False) -> bytes:
    """A message without the frame, the batch's own segments and the log around it."""
    end = message.find(b"\x1c")
    if end >= 0:
        message = message[:end]
    if (trailer := _trailer(message)) > 0:
        message = message[:trailer]
    if from_log:
        line = _LOG_LINE.search(message)
        message = (message[: line.start()] if line else message).rstrip(b"\"' \t\r\n")
    message = _with_real_line_ends(message)
    return message.rstrip(b"\x0b") if message.endswith(b"\x0b") else message


def _trailer(message: bytes) -> int:
    """Where a batch's own segments begin behind a message; 0 where there are none."""
    found, end = 0, len(message)
    while end > 0:
        at = max(message.rfind(b"\r", 0, end), message.rfind(b"\n", 0, end)) + 1
        if at and message.startswith((b"BTS", b"FTS", b"BHS", b"FHS"), at):
            if not message[at + 3 : at + 4].strip() or message[at + 3 : at + 4].isalnum():
                break
            found = at
        elif message[at:end].strip():
            break
        end = at - 1
    return found


def _starts(raw: bytes) -> list[int]:
    """Where messages begin: MSH at the start of a line or frame, or the usual header in the middle of a log line."""
    found = []
    at = raw.find(b"MSH")
    while at >= 0:
        before = raw[max(0, at - 40) : at].rstrip(b" \t")[-1:]
        if not before or before in b"\r\n\x0b\x1c" or (at == 3 and raw.startswith(b"\xef\xbb\xbf")):
            if raw[at + 3 : at + 4].strip() and not raw[at + 3 : at + 4].isalnum():
                found.append(at)
        elif raw.startswith(_USUAL_HEADERS, at) and not raw[at - 1 : at].isalnum():
            found.append(at)
        at = raw.find(b"MSH", at + 3)
    return found


def parse(raw: bytes) -> Message:
    """One message as sent, without MLLP frame. Raises `Unreadable` when there is no header to read it by."""
    raw = from_wide(raw)
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    if not raw.startswith(b"MSH") or len(raw) < 8:
        raise Unreadable("no-header", "No MSH segment: send the message with its header, starting with MSH.")
    header = raw[:4096].split(b"\r", 1)[0].split(b"\n", 1)[0]
    may_switch = header.upper().find(b"ISO") >= 0  # ISO 2022 turns ASCII bytes into other scripts
    declared = _declared_charset(header, switches=0x1B in raw) if may_switch or not raw.isascii() else ""
    text, encoding, notes = decode(raw, declared)
    segments, ends, by_name = _segments(text, text[3])
    return Message(segments, ends, text[3], *separators(text[:12]), encoding, notes, by_name)


def unparse(message: Message) -> bytes:
    """The bytes that `parse` was given (UTF-16 comes back as UTF-8)."""
    text = "".join(segment + end for segment, end in zip(message.segments, message.ends, strict=True))
    if message.encoding == "mixed":
        return text.encode("utf-8")
    return text.encode(message.encoding)


def tree(message: Message) -> list[list[list[list[list[str]]]]]:
    """Everything split: segments > fields > repetitions > components > subcomponents, still escaped. MSH-2 stays whole."""
    grown = []
    for segment in message.segments:
        fields = [
            [
                [piece.split(message.subcomponent) for piece in rep.split(message.component)]
                for rep in field.split(message.repetition)
            ]
            for field in message.fields(segment)
        ]
        if segment.startswith("MSH"):
            fields[1], fields[2] = [[[message.field]]], [[[segment[4:].split(message.field, 1)[0]]]]
        grown.append(fields)
    return grown


@lru_cache(maxsize=64)
def separators(text: str) -> tuple[str, str, str, str]:
    """Component, repetition, escape and subcomponent separator from MSH-2; the usual ones where MSH-2 is short or a letter."""
    given = text[4:].partition(text[3])[0].strip()
    if given[2:4] == "\\\\":  # a programming language's escape left in: ^~\\&
        given = given[:3] + given[4:]
    component, repetition, escape, subcomponent = [
        usual if said.isalnum() or said == " " else said for said, usual in zip(given[:4].ljust(4), "^~\\&", strict=True)
    ]
    return component, repetition, escape, subcomponent


def _declared_charset(header: bytes, *, switches: bool) -> str:
    """MSH-18 without blanks, in capitals: the first repetition, or the one that bytes with ISO 2022 escapes switch to (`~ISO IR87`)."""
    fields = header.split(header[3:4], 18)
    if len(fields) < 18:
        return ""
    repetition = header[5:6] if header[5:6] not in (b"", header[3:4]) else b"~"
    named = [said.decode("latin-1").replace(" ", "").upper().replace("_", "-") for said in fields[17].split(repetition)]
    return next((name for name in named if switches and CODECS.get(name, "").startswith("iso2022")), named[0])


def _with_real_line_ends(message: bytes) -> bytes:
    r"""A log may print line ends as \r or <CR>; only a message that has no real ones is mended."""
    if 0 <= message.find(b"\r") < len(message) - 1 or message.strip().find(b"\n") >= 0:
        return message
    for mark, pattern in _ESCAPED_ENDS:
        if mark in message:
            return pattern.sub(b"\r", message)
    return message


def _segments(text: str, separator: str) -> tuple[list[str], list[str], dict[str, list[str]]]:
    """Lines that begin like a segment are segments; any other line belongs to the text of the segment before it.

    With their line ends, and already by name where every line is a segment of a usual name.
    """
    if "\n" not in text:
        lines = text.split("\r")
        ends = ["\r"] * (len(lines) - 1) + [""]
    elif "\r" not in text:
        lines = text.split("\n")
        ends = ["\n"] * (len(lines) - 1) + [""]
    else:
        pieces = re.split(r"(\r\n|\n\r|\r|\n)", text)
        lines, ends = pieces[0::2], [*pieces[1::2], ""]
    if not lines[-1]:
        lines.pop()
        ends.pop()
    by_name = _by_name(lines, separator)
    if by_name:
        return lines, ends, by_name
    if lines and ends[-1]:
        lines.append("")
        ends.append("")
    return *_glued(lines, ends, separator), {}


def _by_name(lines: list[str], separator: str) -> dict[str, list[str]]:
    """The segments by their names; empty when some line is none, or none of a usual name."""
    by_name: dict[str, list[str]] = {}
    known = _known_heads(separator)
    head, run = "?", [""]
    for line in lines:
        if not line.startswith(head):
            head = line[:4]
            if head not in known:
                return {}
            run = by_name.setdefault(head[:3], [])
        run.append(line)
    return by_name


@lru_cache(maxsize=16)
def _known_heads(separator: str) -> frozenset[str]:
    return frozenset(name + separator for name in _KNOWN)


def _glued(lines: list[str], ends: list[str], separator: str) -> tuple[list[str], list[str]]:
    """Join stray lines to the segment they were torn from. Blank lines at a segment's end stay line ends."""
    heads = [i for i, line in enumerate(lines) if i == 0 or _is_head(line, separator)]
    segments: list[str] = []
    closed: list[str] = []
    for head, after in zip(heads, [*heads[1:], len(lines)], strict=True):
        last = after - 1
        while last > head and not lines[last].strip():
            last -= 1
        body = [piece for i in range(head, last) for piece in (lines[i], ends[i])] + [lines[last]]
        segments.append("".join(body))
        closed.append("".join([ends[last], *(lines[i] + ends[i] for i in range(last + 1, after))]))
    return segments, closed


def _is_head(line: str, separator: str) -> bool:
    name = line[:3]
    if line[3:4] == separator:
        return name.isupper() and name.isalnum() and name[0].isalpha()
    return len(line.strip()) == 3 and name in BARE_SEGMENTS


_COMMAND = r"\.(?P<command>br|sp|in|ti|sk|ce|fi|nf)[ ]*(?P<count>[+-]?[0-9]{0,3})"


def _unescaper(message: Message) -> Callable[[str], str]:
    return _unescaper_for(
        message.escape, message.field, message.component, message.subcomponent, message.repetition, message.encoding
    )


@lru_cache(maxsize=64)
def _unescaper_for(
    escape: str, field: str, component: str, subcomponent: str, repetition: str, encoding: str
) -> Callable[[str], str]:
    """Chapter 2.7: \\F\\ \\S\\ \\T\\ \\R\\ \\E\\ \\P\\, \\Xhh\\, \\.br\\ and its kin, \\H\\ \\N\\, \\Z..\\, \\C..\\, \\M..\\. A lone \\ stays.

    An engine that escaped twice sends \\E\\.br\\E\\: that is a line break too.
    """
    e = re.escape(escape)
    pattern = re.compile(
        rf"(?P<hex>(?:{e}[Xx][0-9A-Fa-f]{{2,512}}{e})+)|{e}(?P<letter>[FSTREPHN]){e}(?!(?<=E{e})\.(?:br|sp|in|ti|sk|ce|fi|nf))"
        rf"|{e}{_COMMAND}{e}|{e}E{e}{_COMMAND.replace('command', 'twice').replace('count', 'times')}{e}E{e}"
        rf"|{e}(?P<local>Z[^{e}\r\n]{{0,200}}|[CM][0-9A-Fa-f]{{4,6}}){e}",
        re.IGNORECASE if escape.isalpha() is False else 0,
    )
    letters = {"F": field, "S": component, "T": subcomponent, "R": repetition, "E": escape, "P": "#", "H": "", "N": ""}
    codec = "utf-8" if encoding in ("ascii", "mixed") else encoding

    def replacement(match: re.Match[str]) -> str:
        if letter := match["letter"]:
            return letters[letter] if letter in letters else match[0]
        if match["hex"]:
            return _from_hex(re.sub(rf"{e}[Xx]?", " ", match["hex"]), codec)
        if command := match["command"] or match["twice"]:
            return _formatted(command.lower(), match["count"] or match["times"] or "")
        return "" if match["local"] else match[0]

    return lambda text: pattern.sub(replacement, text)


def _from_hex(digits: str, codec: str) -> str:
    joined = "".join(digits.split())
    stray = bytes.fromhex(joined[: len(joined) // 2 * 2])
    try:
        text = stray.decode(codec)
    except UnicodeDecodeError:
        text = stray.decode("utf-8", "impresario-western")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _formatted(command: str, count: str) -> str:
    number = int(count) if count.isdigit() else 1
    if command in ("br", "ce"):
        return "\n"
    if command == "sp":
        return "\n" * min(max(number, 1), 20)
    if command == "sk":
        return " " * min(number, 200)
    return ""
