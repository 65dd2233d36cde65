"""HL7 v2 as bytes: whatever the line ends, charset and separators, nothing is lost and everything is where the standard numbers it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import er7
from ingest.report import Unreadable

PLAIN = b"MSH|^~\\&|A|B|||20260102||ORU^R01|1|P|2.5\rPID|1||4711^^^H&1.2&ISO^MR~99^^^X^PI\rOBX|1|TX|71260&IMP^CT||a\\T\\b\r"


@pytest.mark.parametrize(
    "raw",
    [PLAIN, PLAIN.replace(b"\r", b"\n"), PLAIN.replace(b"\r", b"\r\n"), PLAIN.rstrip(b"\r"), PLAIN + b"\r\n\r\n", PLAIN.replace(b"a\\T\\b", b"one\ntwo\r\nthree"),
     PLAIN.replace(b"\rPID", b"\n\rPID"), PLAIN.replace(b"a\\T\\b", "Größe".encode("cp1252")), PLAIN.replace(b"a\\T\\b", "Größe".encode()),
     b"MSH^~|\\&^A^^^^^^ORU~R01\rOBX^1^TX^I~IMPRESSION~L\r"],
)  # fmt: skip
def test_what_is_parsed_comes_back_byte_for_byte(raw: bytes) -> None:
    assert er7.unparse(er7.parse(raw)) == raw


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_tail_after_a_header_comes_back_byte_for_byte(tail: bytes) -> None:
    raw = b"MSH|^~\\&|A|B\r" + tail
    try:
        message = er7.parse(raw)
    except Unreadable:
        return
    if message.encoding != "mixed":
        assert er7.unparse(message) == raw


def test_fields_are_numbered_as_the_standard_does() -> None:
    message = er7.parse(PLAIN)
    header, patient = message.first("MSH"), message.first("PID")

    assert (message.part(header, 1), message.part(header, 3), message.part(header, 9, 2)) == ("|", "A", "R01")
    assert message.part(patient, 3) == "4711"
    assert message.part(patient, 3, 4, 2) == "1.2"
    assert message.part(patient, 3, 1, 1, 2) == "99"
    assert message.part(patient, 3, 9) == "" and message.part(patient, 30) == ""


def test_separators_come_from_the_header() -> None:
    assert er7.separators("MSH^~|\\&^") == ("~", "|", "\\", "&")
    assert er7.separators("MSH|^~\\&#|") == ("^", "~", "\\", "&")
    assert er7.separators("MSH|^~\\\\&|") == ("^", "~", "\\", "&")
    assert er7.separators("MSH|^|") == ("^", "~", "\\", "&")


@pytest.mark.parametrize(
    ("escaped", "text"),
    [(r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"), (r"one\.br\two", "one\ntwo"), (r"one\.sp2\two", "one\n\ntwo"), (r"\H\bold\N\ plain", "bold plain"), (r"\X41\\X42\C", "ABC"),
     (r"\X0D0A\x", "\nx"), (r"\XC3A4\ x", "ä x"), (r"\Zlocal\x", "x"), (r"C:\temp\new", r"C:\temp\new"), (r"lone \ stays", r"lone \ stays"), (r"\.in+4\x\.ti-2\y", "xy"),
     (r"\.BR\x", "\nx"), (r"a\E\.br\E\b", "a\nb"), (r"\E\T\E\ ", "\\T\\ "), (r"\.sk3\x", "   x"), (r"\.br\\.br\x", "\n\nx"), ("\\", "\\")],
)  # fmt: skip
def test_escapes_are_read_and_lone_backslashes_kept(escaped: str, text: str) -> None:
    assert er7.parse(PLAIN).plain(escaped) == text


def test_a_continued_field_is_whole_again() -> None:
    message = er7.parse(b"MSH|^~\\&|A\rOBX|1|TX|||first \rADD|second|\r")

    assert message.rows("OBX")[0][5] == "first second"


def test_messages_are_found_in_batches_frames_and_one_after_another() -> None:
    assert len(list(er7.messages(PLAIN * 3))) == 3
    assert len(list(er7.messages(b"\x0b" + PLAIN + b"\x1c\r\x0b" + PLAIN + b"\x1c\r"))) == 2
    assert list(er7.messages(b"FHS|^~\\&\rBHS|^~\\&\r" + PLAIN + b"BTS|1\rFTS|1\r")) == [PLAIN]
    assert list(er7.messages(b"nothing here")) == []


def test_a_log_that_prints_line_ends_is_read() -> None:
    line = b'2026-01-02 03:04:05 in: "' + PLAIN.rstrip(b"\r").replace(b"\r", b"\\r") + b'"\n'

    (message,) = er7.messages(line)

    assert [segment[:3] for segment in er7.parse(message).segments] == ["MSH", "PID", "OBX"]


def test_no_header_says_what_to_send() -> None:
    with pytest.raises(Unreadable, match="starting with MSH") as reason:
        er7.parse(b"PID|1")
    assert reason.value.code == "no-header"
