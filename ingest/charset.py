"""Bytes -> text: what a message declares is believed only as far as its bytes allow (HL7 v2.5.1 2.15.9.18, MSH-18)."""

from __future__ import annotations

import codecs

from ingest.report import Unreadable

#: Blanks and MLLP's framing, around JSON or XML that came through a socket.
FRAME = b" \t\r\n\x0b\x1c\x00"
#: HL7 table 0211, DICOM defined terms and the words of the field -> Python codec. HL7 v2.5.1 2.15.9.18.
CODECS = {
    "": "", "ASCII": "", "US-ASCII": "", "ISOIR6": "", "UNICODE": "utf-8", "UNICODEUTF-8": "utf-8", "UTF-8": "utf-8", "UTF8": "utf-8",
    "ISOIR192": "utf-8", "UNICODEUTF-16": "utf-16", "UTF-16": "utf-16", "UNICODEUTF-32": "utf-32", "UTF-32": "utf-32",
    **{f"8859/{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
    **{f"ISO-8859-{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)},
    **{f"ISO8859-{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "LATIN1": "iso8859_1", "LATIN-1": "iso8859_1", "WINDOWS-1252": "cp1252", "CP1252": "cp1252", "ANSI": "cp1252",
    "WINDOWS-1250": "cp1250", "WINDOWS-1251": "cp1251", "CP1250": "cp1250", "CP1251": "cp1251", "CP850": "cp850", "IBM850": "cp850",
    "ISOIR100": "iso8859_1", "ISOIR101": "iso8859_2", "ISOIR109": "iso8859_3", "ISOIR110": "iso8859_4", "ISOIR144": "iso8859_5",
    "ISOIR127": "iso8859_6", "ISOIR126": "iso8859_7", "ISOIR138": "iso8859_8", "ISOIR148": "iso8859_9", "ISOIR166": "iso8859_11",
    "ISOIR13": "shift_jis", "ISOIR14": "iso2022_jp_2", "ISOIR87": "iso2022_jp_2", "ISOIR159": "iso2022_jp_2",
    "JAS2020": "iso2022_jp_2", "SHIFT-JIS": "shift_jis", "SHIFT_JIS": "shift_jis", "SJIS": "shift_jis", "EUC-JP": "euc_jp",
    "ISOIR149": "euc_kr", "KSX1001": "euc_kr", "EUC-KR": "euc_kr", "GB18030": "gb18030", "GB18030-2000": "gb18030", "GBK": "gbk",
    "GB2312": "gb18030", "ISOIR58": "gb18030", "BIG-5": "big5", "BIG5": "big5", "CNS11643-1992": "big5", "KOI8-R": "koi8_r",
}  # fmt: skip
SINGLE_BYTE = frozenset(codec for codec in CODECS.values() if codec.startswith(("iso8859", "cp", "koi8")))


def decode(raw: bytes, declared: str) -> tuple[str, str, list[str]]:
    """Text, the codec that made it, and what had to be corrected. The declaration is believed only as far as the bytes allow."""
    try:
        if raw.isascii() and not declared.startswith("ISO"):
            return raw.decode("ascii"), "ascii", []
        codec = CODECS.get(declared)
        if codec and codec not in SINGLE_BYTE and not codec.startswith("utf"):
            return raw.decode(codec), codec, []
    except UnicodeDecodeError:
        pass
    try:
        note = [] if codec_is_utf8(declared) or not declared else [f"MSH-18 says {declared[:20]}, the bytes are UTF-8"]
        return raw.decode("utf-8"), "utf-8", note
    except UnicodeDecodeError:
        pass
    codec = CODECS.get(declared)
    if codec and codec not in SINGLE_BYTE and not codec.startswith("utf-8"):
        raise Unreadable(
            "bad-charset", f"The bytes are not {declared[:20]} as MSH-18 says, nor UTF-8: correct MSH-18 or send UTF-8."
        )
    if codec in SINGLE_BYTE and codec != "iso8859_1":
        try:
            return raw.decode(codec), codec, []
        except UnicodeDecodeError:
            pass
    note = [] if codec == "iso8859_1" else ["charset not as declared; read as UTF-8 where it is, else as Windows-1252"]
    text = western(raw)
    return text, _way_back(text, raw), note


def western(raw: bytes) -> str:
    """Bytes that are not all UTF-8: Windows-1252, unless most of what is not ASCII is UTF-8 with a few strays in it."""
    strays = raw.decode("utf-8", "replace").count("\ufffd")
    whole = sum(not character.isascii() for character in raw.decode("utf-8", "ignore"))
    if whole > strays:
        return raw.decode("utf-8", "impresario-western")
    return raw.decode("cp1252", "impresario-western")


def codec_is_utf8(declared: str) -> bool:
    return CODECS.get(declared) == "utf-8"


def _western(error: UnicodeError) -> tuple[str, int]:
    """Stray bytes in UTF-8 are Windows-1252, and Latin-1 where that has a hole."""
    assert isinstance(error, UnicodeDecodeError)
    stray = error.object[error.start : error.end]
    return "".join(byte.decode("cp1252", "ignore") or byte.decode("latin-1") for byte in (bytes([b]) for b in stray)), error.end


codecs.register_error("impresario-western", _western)


def _way_back(text: str, raw: bytes) -> str:
    """The codec that turns the text into the same bytes again, if there is one."""
    for codec in ("cp1252", "latin-1"):
        try:
            if text.encode(codec) == raw:
                return codec
        except UnicodeEncodeError:
            continue
    return "mixed"


def from_wide(raw: bytes) -> bytes:
    """UTF-16 and UTF-32, by mark or by the zeros in MSH, become UTF-8; everything else stays as it is."""
    head = raw[:8]
    if head.isascii() and 0 not in head:
        return raw
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        codec = "utf-32"
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16"
    elif (
        head[:4] in (b"M\x00S\x00", b'{\x00"\x00', b"{\x00\r\x00", b"{\x00\n\x00", b"{\x00 \x00") or head[:4] == b"\x0b\x00M\x00"
    ):
        codec = "utf-16-le"
    elif head[:4] in (b"\x00M\x00S", b'\x00{\x00"', b"\x00{\x00\r", b"\x00{\x00\n", b"\x00{\x00 "):
        codec = "utf-16-be"
    else:
        return raw
    try:
        return raw.decode(codec).encode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("bad-charset", "The bytes begin like UTF-16 or UTF-32 and are not: send UTF-8.") from None
    except UnicodeEncodeError:
        raise Unreadable("bad-charset", "The text holds half characters (lone surrogates): send UTF-8.") from None
