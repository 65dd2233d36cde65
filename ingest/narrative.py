"""The narrative of an HL7 v2 message: which OBX hold it, in what order, and what each piece says it is.

Layouts read here: a line per OBX, a paragraph or a section per OBX, one FT with `\\.br\\`, `~` for line ends, OBX-3 suffixes and LOINC,
documents in ED, pointers in RP, and NTE where nothing else holds the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from itertools import chain

from ingest.documents import decoded, read_document, sniffed
from ingest.er7 import Message
from ingest.headings import BODY, OTHER
from ingest.profiles.profile import Profile
from ingest.report import Attachment
from ingest.sections import section_named

BATCH = 16  #: OBX segments read at a time
_CODED = frozenset({"CE", "CWE", "CF", "CNE"})
_NUMBERS = frozenset({"NM", "SN", "NR", "MO", "CP"})
_TEXT = frozenset({"TX", "FT", "ST", ""})
_ALGORITHM = re.compile(r"\bAI\b|\balgorithm", re.IGNORECASE)
_UID = re.compile(r"[0-2](?:\.\d+){4,}\Z")
_TAG = re.compile(r"<(?:br|p|b|i|u|div|span|html|body|table|tr|td|ul|li|strong|h[1-6])(?:\s[^<>]{0,300})?/?>", re.IGNORECASE)
#: A backslash that ends an escape begins none: \T\nbsp; is no line end.
_TYPED_LINE_END = re.compile(r"(?<!\\[FSTR])(?:\\r)?\\n")
#: Characters as HTML spells them, typed where no tag stands: nobody dictates "&nbsp;".
_ENTITY = re.compile(r"&(?:nbsp|lt|gt|amp|quot|apos|deg|plusmn|micro|#\d{2,5}|#x[0-9A-Fa-f]{2,4});")
_APPROXIMATELY = re.compile(r"(?:(?<=[ (])|\A)~(?=\d)")
_MEDIA_TYPES = {
    "PDF": "application/pdf", "RTF": "text/rtf", "HTML": "text/html", "XHTML": "text/html", "HTM": "text/html", "PLAIN": "text/plain",
    "TEXT": "text/plain", "TXT": "text/plain", "XML": "text/xml", "X-HL7-CDA-LEVEL-ONE": "multipart/x-hl7-cda-level-one",
    "HL7-CDA": "application/hl7-cda+xml", "CDA": "application/hl7-cda+xml", "X-HL7-CDA-LEVEL-TWO": "multipart/x-hl7-cda-level-two",
    "JPEG": "image/jpeg", "JPG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "TIFF": "image/tiff", "DICOM": "application/dicom",
    "BASE64": "application/octet-stream", "OCTET-STREAM": "application/octet-stream", "WORD": "application/msword", "DOC": "application/msword",
}  # fmt: skip


@dataclass(slots=True)
class Narrative:
    """The text in pieces, each as (what the sender says it is, text), and what came beside it."""

    pieces: list[tuple[str, str]] = field(default_factory=list, repr=False)
    attachments: list[Attachment] = field(default_factory=list)
    orders: tuple[str, ...] = ()
    author: str | None = None
    numbers: int = 0  #: values with a unit or a reference range: laboratories send those
    notes: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All pieces as one text; made when asked for, because a long one need not be held twice."""
        return "\n".join([text for _, text in self.pieces])


def narrative_of(message: Message, profile: Profile, *, is_addendum: bool) -> Narrative:
    """Collect the narrative of all OBX in the order they stand; repeated set ids and OBX-4 groups change nothing."""
    told = Narrative()
    documents: list[tuple[bytes, str]] = []
    lines = message.lines("OBX")
    if len(message.lines("OBR")) > 1:
        said: set[str] = set()
        for group in _dictated(message, _by_obr(message)):
            pieces = _pieces(message, profile, group, told, documents)
            squeezed = "".join("".join(text for _, text in pieces).split())
            if squeezed not in said:  # several OBR may each carry the same report: it counts once
                told.pieces.extend(pieces)
            said.add(squeezed)
    else:
        told.pieces = _joined(
            _pieces(message, profile, lines[at : at + BATCH], told, documents) for at in range(0, len(lines), BATCH)
        )
    told.pieces = [
        _unmarked(name, text) if "<" in text or "{" in text or "&" in text else (name, text) for name, text in told.pieces
    ]
    if not any(text and not text.isspace() for _, text in told.pieces):
        _from_elsewhere(message, told, documents)
    told.attachments.extend(Attachment(media, len(content)) for content, media in documents)
    if is_addendum:
        told.pieces = [("addendum" if name in ("", BODY) else name, text) for name, text in told.pieces]
    return told


def _joined(batches: Iterable[list[tuple[str, str]]]) -> list[tuple[str, str]]:
    """Neighbours of one name across batches as one piece. A report of a thousand lines never has them all in memory as lines."""
    pieces: list[tuple[str, list[str]]] = []
    for name, text in chain.from_iterable(batches):
        if pieces and pieces[-1][0] == name:
            pieces[-1][1].append(text)
        else:
            pieces.append((name, [text]))
    return [(name, "\n".join(texts)) for name, texts in pieces]


def _unmarked(name: str, text: str) -> tuple[str, str]:
    """RTF or HTML that stands in OBX-5 as if it were text. "<5 mm" is no markup: only whole tags of a page count."""
    if "&lt;" in text and _TAG.search(spelled := unescape(text)):
        text = spelled  # a page that was escaped once more on its way
    if text.lstrip().startswith("{\\rtf"):
        read = read_document(text.encode("utf-8", "replace"), "text/rtf")
    elif _TAG.search(text):
        read = read_document(text.replace("\n", "<br>").encode("utf-8", "replace"), "text/html")
    else:
        return name, _ENTITY.sub(lambda found: unescape(found[0]), text).replace("\xa0", " ") if "&" in text else text
    return name, "\n".join(said for _, said in read.pieces) or text  # what cannot be read as markup stays as it was typed


def _by_obr(message: Message) -> list[list[str]]:
    """The OBX segments by the OBR they stand under."""
    groups: list[list[str]] = [[]]
    for segment in message.segments:
        if segment.startswith("OBR"):
            groups.append([])
        elif segment.startswith("OBX"):
            groups[-1].append(segment)
    return groups


def _dictated(message: Message, groups: list[list[str]]) -> list[list[str]]:
    """Without the groups whose text is an algorithm's, where another holds text: it triaged the images somebody then read."""
    texts = [[row for row in map(message.fields, group) if len(row) > 5 and row[5] and row[2] in _TEXT] for group in groups]
    by_machine = [_is_by_machine(rows) for rows in texts]
    if all(machine for machine, rows in zip(by_machine, texts, strict=True) if rows):
        return groups
    return [group for group, machine in zip(groups, by_machine, strict=True) if not machine]


def _is_by_machine(rows: list[list[str]]) -> bool:
    """Every OBX names a method or a device (OBX-17, OBX-18), or the text is called that of an algorithm (OBX-3)."""
    return bool(rows) and all(_ALGORITHM.search(row[3]) or (len(row) > 17 and any(row[17:19])) for row in rows)


def _pieces(
    message: Message, profile: Profile, lines: list[str], told: Narrative, documents: list[tuple[bytes, str]]
) -> list[tuple[str, str]]:
    """The text of some OBX, neighbours of the same name together; documents and numbers on the way are set aside."""
    found: list[tuple[str, list[str]]] = []
    separator, repetition, escape = message.field, message.repetition, message.escape
    no_number = ("", separator, separator + separator)
    is_coded = False
    known: str | None = None  # OBX-2 and OBX-3 of the line before: neighbours are nearly always alike
    about: str | None = None
    name, last, run = "", "-", [""]
    for line in lines:
        row = line.split(separator, 6)
        if len(row) < 6:
            continue
        kind, identifier, value = row[2], row[3], row[5]
        if len(row) > 6 and row[6][:2] not in no_number:  # units (OBX-6) or a reference range (OBX-7)
            told.numbers += 1
        if kind != known:
            if kind not in profile.types:
                _other_value(message, kind, value, told, documents)
                continue
            known, is_coded = kind, kind in _CODED
        if identifier != about:
            about, name = identifier, _section_of(message, profile, identifier)
        if name == "-" or (not value and not found):
            continue
        if is_coded:
            value = _coded(message, value)
        elif repetition in value:
            value = _lines(value, repetition)
        if escape in value or "\r" in value:
            value = message.plain(_typed_line_ends(value) if value.count("\\n") > 1 else value)
        if value and value[0] in "0123456789hJ":
            if value.startswith("JVBERi0"):  # a PDF in Base64 under a text type
                _embedded(message, message.component.join(("", "application", "pdf", "Base64", value)), told, documents)
                continue
            if _is_technical(value):
                continue
        if name == last:
            run.append(value)
        else:
            last, run = name, [value]
            found.append((name, run))
    return [(name, "\n".join(run)) for name, run in found]


def _section_of(message: Message, profile: Profile, identifier: str) -> str:
    """`section_of`, asked once for each OBX-3 of a source."""
    known = profile.named_sections.get(identifier)
    if known is None:
        known = section_of(message, profile, identifier)
        if len(profile.named_sections) < 4096:
            profile.named_sections[identifier] = known
    return known


def section_of(message: Message, profile: Profile, identifier: str) -> str:
    """What OBX-3 says the text is: a code of the profile in any component or after `&`, else a name; "-" for what is no narrative."""
    codes = [
        plain.strip() for part in identifier.split(message.component) for plain in message.plain(part).split(message.subcomponent)
    ]
    if any(code in profile.ignore_codes or code in ("113014", "110180", "112002") for code in codes):
        return "-"
    for code in reversed(codes[:2] if len(codes) > 1 else codes):
        if code.upper() in profile.section_by_code:
            return profile.section_by_code[code.upper()]
    for code in codes:
        if code.upper() in profile.section_by_code:
            return profile.section_by_code[code.upper()]
    for code in codes:
        if len(code) > 2 and not code.isdigit():
            named = section_named(code)
            if named is not None and named != OTHER:
                return named
    return {"I": "impression", "R": BODY, "A": "addendum"}.get(codes[0], "") if len(codes) > 1 else ""


def _typed_line_ends(value: str) -> str:
    r"""A programming language's \n left in by an engine; beside \H\ or \N\ it may be HL7's own end of highlighting."""
    if "\\H\\" in value or "\\N\\" in value or "\\h\\" in value:
        return value
    return _TYPED_LINE_END.sub("\n", value)


def _lines(value: str, repetition: str) -> str:
    """`~` ends a line; before a digit it may mean "about", when it never means anything else in this field."""
    if repetition == "~" and len(_APPROXIMATELY.findall(value)) == value.count("~"):
        return value
    return value.replace(repetition, "\n")


def _coded(message: Message, value: str) -> str:
    """The words of a coded value: its text, else its code."""
    said = []
    for repetition in value.split(message.repetition):
        parts = repetition.split(message.component)
        said.append((parts[1] if len(parts) > 1 and parts[1] else parts[0]).strip())
    return "\n".join(said)


def _is_technical(value: str) -> bool:
    """A study UID or a bare link: not dictated by anybody."""
    return " " not in value.strip() and (_UID.match(value.strip()) is not None or value.startswith(("http://", "https://")))


def _other_value(message: Message, kind: str, value: str, told: Narrative, documents: list[tuple[bytes, str]]) -> None:
    """ED holds a document, RP points to one, numbers are measurements; anything else says nothing of the text."""
    if not value:
        return
    if kind == "ED":
        _embedded(message, value, told, documents)
    elif kind == "RP":
        parts = value.split(message.component)
        media = "/".join(part.lower() for part in parts[2:4] if part) if len(parts) > 2 else ""
        told.attachments.append(Attachment(media if "/" in media else "application/x-pointer", 0))
    elif kind in _NUMBERS:
        told.numbers += 1


def _embedded(message: Message, value: str, told: Narrative, documents: list[tuple[bytes, str]]) -> None:
    """ED: source^type^subtype^encoding^data (HL7 v2.5.1 2.A.24); the data is what follows the fourth component, or the longest."""
    for repetition in value.split(message.repetition) if value.count(message.repetition) < 20 else (value,):
        parts = repetition.split(message.component, 4)
        if len(parts) < 5:
            parts = ["", "", "", "", max(parts, key=len)]
        _, kind, subtype, encoding, content = parts
        content = content.split(message.component, 1)[0] if encoding.upper() == "BASE64" else content
        raw = decoded(message.plain(content) if message.escape in content else content, encoding)
        if raw is None:
            told.notes.append("an embedded document (OBX-5, ED) is not what its encoding says: kept out")
            told.attachments.append(Attachment("application/octet-stream", len(content)))
            continue
        if not raw.strip():
            continue
        declared = subtype.upper() if subtype.upper() in _MEDIA_TYPES else kind.upper()
        media = sniffed(raw, _MEDIA_TYPES.get(declared, f"{kind or 'application'}/{subtype or 'octet-stream'}".lower()))
        documents.append((raw, media))


def _from_elsewhere(message: Message, told: Narrative, documents: list[tuple[bytes, str]]) -> None:
    """No narrative in OBX text: take the first document that has text, else the notes (NTE-3)."""
    for content, media in documents:
        read = read_document(content, media)
        told.orders = told.orders or read.orders
        told.author = told.author or read.author
        if read.note:
            told.notes.append(read.note)
        if any(text.strip() for _, text in read.pieces):
            told.pieces = read.pieces
            return
    notes = [_lines(row[3], message.repetition) for row in message.rows("NTE") if len(row) > 3 and row[3]]
    if notes and (message.lines("OBR") or message.lines("TXA")) and not told.attachments:
        text = message.plain("\n".join(notes))
        if len(text) > 80:
            told.pieces = [("", text)]
