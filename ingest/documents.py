"""Documents that travel inside a message (RTF, HTML, CDA, PDF, plain text) -> their text, with the sections they mark themselves.

A scanned PDF has no text: it stays an attachment. Nothing outside the document is ever fetched.
"""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import io
import logging
import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape
from typing import Any

from lxml import etree, html

from ingest.charset import western
from ingest.sections import section_named

#: (what the sender says a piece is, its text), as `ingest.sections.sections_of` takes them.
Pieces = list[tuple[str, str]]
PDF_PAGES = 60
_BLOCKS = frozenset(
    {"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "section", "article", "body", "paragraph",
     "item", "list", "caption", "title", "dt", "dd", "blockquote", "thead", "tbody"}
)  # fmt: skip
_SKIPPED = frozenset({"script", "style", "head", "meta", "link", "noscript"})
SECTION_BY_LOINC = {
    "59776-5": "findings", "18782-3": "body", "19005-8": "impression", "18783-1": "recommendation", "55107-7": "addendum",
    "18834-2": "comparison", "11329-0": "indication", "18785-6": "indication", "55111-9": "technique", "55115-0": "other",
    "73568-8": "critical_communication", "121070": "findings", "121076": "impression", "121077": "impression", "121060": "indication",
    "29299-5": "indication", "55752-0": "indication", "121064": "technique", "121074": "recommendation", "55110-1": "impression",
    "29545-1": "findings", "51848-0": "impression", "42349-1": "indication", "8648-8": "body",
}  # fmt: skip
#: Capitals that begin no marked-up, packed or encoded document: nearly every dictation begins with one.
_PROSE_BEGINS = frozenset(bytes([letter]) for letter in b"ABDEFGHJKLNOPQRSTUVWXYZ")
_HTML = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says: its text in pieces, and what a CDA knows about itself."""

    pieces: Pieces = field(default_factory=list, repr=False)
    orders: tuple[str, ...] = ()
    author: str | None = None
    note: str | None = None


def decoded(text: str, encoding: str) -> bytes | None:
    """The bytes of an ED component: Base64, Hex or as they stand (HL7 v2.5.1 table 0299); None when they are damaged."""
    if encoding.upper() in ("A", "", "NONE", "ASCII", "TEXT") and not _looks_base64(text):
        return text.encode("utf-8", "surrogatepass")
    if encoding.upper() == "HEX":
        try:
            return bytes.fromhex(text)
        except ValueError:
            return None
    return from_base64(text)


def strict_base64(text: str) -> bytes:
    """RFC 4648 to the letter, or ValueError. What binascii skips shows in the length, and its own strict mode takes half as long again."""
    content = binascii.a2b_base64(text)
    if len(text) % 4 or len(content) != len(text) // 4 * 3 - (2 if text.endswith("==") else text.endswith("=")):
        raise ValueError("no base64")
    return content


def from_base64(text: str) -> bytes | None:
    """Base64 with line breaks, URL letters or missing padding; None for anything else."""
    try:
        return strict_base64(text)
    except ValueError:
        pass  # not as it should be written: mended below
    packed = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _looks_base64(text: str) -> bool:
    return len(text) > 64 and " " not in text[:64] and re.match(r"[A-Za-z0-9+/\r\n]+={0,2}\s*\Z", text) is not None


def sniffed(content: bytes, declared: str) -> str:
    """The media type: by the first bytes where they tell, else as declared."""
    if content[:1] in _PROSE_BEGINS:
        return declared.lower()
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"%PDF"):
        return "application/pdf"
    if head.startswith(b"{\\rtf"):
        return "text/rtf"
    if b"ClinicalDocument" in content[:4096] and head.startswith(b"<"):
        return "application/hl7-cda+xml"
    if head[:15].lower().startswith((b"<!doctype html", b"<html")) or (
        head.startswith(b"<") and b"<html" in content[:2048].lower()
    ):
        return "text/html"
    if head[:5].lower().startswith((b"mime-", b"conte")) and b"content-type" in head.lower():
        return "multipart/mixed"
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"II*\x00", b"MM\x00*")):
        return "image/" + {0xFF: "jpeg", 0x89: "png"}.get(head[0], "tiff")
    return declared.lower()


def read_document(content: bytes, media_type: str) -> Document:
    """The text of a document, whatever its form; no pieces when it has none or is damaged."""
    kind = sniffed(content, media_type)
    try:
        if kind == "application/pdf":
            return _pdf(content)
        if "rtf" in kind:
            return _rtf(content)
        if "cda" in kind:
            return _cda(content)
        if "html" in kind:
            return Document([("", html_text(text_of(content)))])
        if kind.startswith("multipart") or "mime" in kind:
            return _mime(content)
        if kind.startswith("image/") or kind in ("application/octet-stream", "application/dicom"):
            return Document(note="an image or unknown bytes: kept as attachment")
        if "xml" in kind:
            return Document([("", _spoken(_xml(content)))])
        return Document([("", text_of(content))])
    except RecursionError:
        return Document(note="nested too deeply to be read: kept as attachment")
    except Exception as error:  # noqa: BLE001  third-party readers raise anything on damaged files; the report goes on without them
        return Document(note=f"a damaged {kind} document ({type(error).__name__}): kept as attachment")


def text_of(content: bytes) -> str:
    """Bytes of a text document as text, without carriage returns."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16", "replace") if wide else _utf8_or_western(content.removeprefix(b"\xef\xbb\xbf"))
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _utf8_or_western(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return western(content)


def html_text(markup: str) -> str:
    """HTML or XHTML as text: one line per block, one break per <br>, cells divided by a blank."""
    if "<?" in markup:
        markup = re.sub(r"^\s*<\?xml[^>]*\?>", "", markup)
    if "<" not in markup:
        return unescape(markup)
    return _spoken(html.document_fromstring(markup, parser=_HTML))


def _rtf(content: bytes) -> Document:
    from striprtf.striprtf import rtf_to_text  # imported when needed: most feeds carry none

    text: str = rtf_to_text(content.decode("latin-1"), errors="ignore")  # type: ignore[no-untyped-call]
    return Document([("", text.replace("\r\n", "\n").replace("\u2028", "\n"))])


def _pdf(content: bytes) -> Document:
    from pypdf import PdfReader  # imported when needed

    reader = PdfReader(io.BytesIO(content), strict=False)
    text = "\n".join(page.extract_text() for page in reader.pages[:PDF_PAGES]).strip()
    if len(text) < 20:
        return Document(note="a PDF without text (a scan): kept as attachment")
    return Document([("", text)])


def _mime(content: bytes) -> Document:
    message = email.message_from_bytes(content.lstrip(), policy=email.policy.default)
    for part in message.walk():
        body = part.get_payload(decode=True)
        if isinstance(body, bytes) and not part.is_multipart():
            inner = sniffed(body, part.get_content_type())
            if inner != "multipart/mixed":
                read = read_document(body, inner)
                if read.pieces:
                    return read
    return Document(note="a MIME package without text: kept as attachment")


def _xml(content: bytes) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, recover=True, load_dtd=False, remove_comments=True
    )
    return etree.fromstring(content, parser=parser)


def _cda(content: bytes) -> Document:
    """HL7 CDA R2: sections by their LOINC or DICOM code, else by title; a nonXMLBody is read as what it holds."""
    root = _xml(content)
    name = "{urn:hl7-org:v3}"
    pieces: Pieces = []
    for section in root.iter(f"{name}section"):
        code, title, text = section.find(f"{name}code"), section.find(f"{name}title"), section.find(f"{name}text")
        if text is None:
            continue
        heading = "".join(title.itertext()).strip() if title is not None else ""
        means = SECTION_BY_LOINC.get(code.get("code", "") if code is not None else "") or section_named(heading) or ""
        spoken = _spoken(text).strip()
        if spoken:
            pieces.append((means, f"{heading}:\n{spoken}" if heading and not means else spoken))
    if not pieces:
        body = root.find(f".//{name}nonXMLBody/{name}text")
        if body is not None and body.text:
            inner = from_base64(body.text) if body.get("representation") == "B64" else _spoken(body).encode()
            if inner:
                pieces = read_document(inner, body.get("mediaType", "text/plain")).pieces
    orders = tuple(e.get("extension") for e in root.iterfind(f"{name}inFulfillmentOf/{name}order/{name}id") if e.get("extension"))
    return Document(pieces, orders, _cda_author(root, name))


def _cda_author(root: Any, name: str) -> str | None:
    for path in (f"{name}legalAuthenticator/{name}assignedEntity", f"{name}author/{name}assignedAuthor"):
        for identifier in root.iterfind(f"{path}/{name}id"):
            if identifier.get("extension"):
                return str(identifier.get("extension"))
    return None


def _spoken(root: Any) -> str:
    """The text of a tree: blocks and <br> end lines, blanks inside a line count once, <pre> keeps its lines."""
    out: list[str] = []
    _speak(root, _local_name(root.tag), out, keeps_lines=False)
    lines = [""]
    for line in "".join(out).split("\n"):
        said = " ".join(line.split())
        if said or lines[-1]:  # one blank line is enough
            lines.append(said)
    return "\n".join(lines).strip()


def _speak(element: Any, tag: str, out: list[str], keeps_lines: bool) -> None:
    """One element and what is in it; the parser has seen to it that nothing is nested too deeply."""
    if tag in _SKIPPED:
        return
    is_block = tag in _BLOCKS
    keeps_lines = keeps_lines or tag == "pre"
    if is_block:
        out.append("\n")
    if said := element.text:
        out.append(said if keeps_lines else said.replace("\n", " "))
    # Most elements hold no other, and to ask lxml for them takes longer than their text.
    for inner in element if len(element) else ():
        name = inner.tag
        if isinstance(name, str):  # no processing instruction
            _speak(inner, _local_name(name), out, keeps_lines)
        if said := inner.tail:
            out.append(said if keeps_lines else said.replace("\n", " "))
    if is_block or tag == "br":
        out.append("\n")
    elif tag in ("td", "th"):
        out.append("\n" if _is_label(element) else " ")


def _is_label(cell: Any) -> bool:
    """A cell that holds a heading and stands before the text it heads: | Findings | No fracture. |"""
    words = cell.text.strip(" :\n\t\xa0") if cell.text and not len(cell) else ""
    return 2 < len(words) < 40 and cell.getnext() is not None and section_named(words) not in (None, "other")


@lru_cache(maxsize=1024)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2].lower()
