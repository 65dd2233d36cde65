"""Bytes in, readings out: the one function the rest of the house needs of this room.

What the bytes are is found by looking at them. Nothing that can arrive raises; each message or resource gets exactly one answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest import er7, fhir, fhir_xml, hl7v2
from ingest.charset import FRAME, from_wide
from ingest.explain import explained, explained_resource
from ingest.places import Trace
from ingest.profiles.profile import Place, Profile, Profiles, fits
from ingest.report import Reading, Unreadable

MAX_BYTES = 64 * 1024 * 1024
MOST_MESSAGES = 100_000
MOST_SEGMENTS = 200_000
#: How nearly all JSON begins; it may be no UTF-16 then.
_PLAIN_JSON = (b'{"', b"{ ", b"{\n", b"{\r\n")


def read(
    raw: bytes,
    *,
    source: str = "default",
    content_type: str | None = None,
    profiles: Path | None = None,
    patient_key: bytes = b"change-me",
    max_bytes: int = MAX_BYTES,
) -> Iterator[Reading]:
    """Every message or resource in `raw`, in order. Raises only `BadProfile`, for a `source` that does not exist or cannot be used.

    With `source` "default" a profile that recognises the message takes over.
    """
    shelf = Profiles.of(profiles)
    profile = shelf.named(source)
    if len(raw) > max_bytes:
        return iter(
            [_no(0, "too-large", f"{len(raw)} bytes are more than the {max_bytes} allowed: send less, or raise the limit.")]
        )
    return _readings(raw, shelf, profile, content_type or "", patient_key)


def explain(
    raw: bytes, *, source: str = "default", profiles: Path | None = None, patient_key: bytes = b"change-me"
) -> Iterator[list[str]]:
    """For each message or resource, the lines that say which field was used, where it stands and which rule chose it."""
    shelf = Profiles.of(profiles)
    profile = shelf.named(source)
    raw = from_wide(raw)
    documents = _documents(raw)
    if documents is not None:
        trace: Trace = []
        for judged in fhir.read_resources(documents, profile, patient_key=patient_key, trace=trace):
            yield explained_resource(judged.notes, profile, trace)
            trace.clear()
        return
    for message_bytes in er7.messages(raw):
        message = er7.parse(message_bytes)
        chosen = _recognised(message, shelf, profile) if profile.name == "default" else profile
        trace = []
        try:
            _, ignored, _ = hl7v2.read_message(message, chosen, patient_key=patient_key, trace=trace)
        except Unreadable as reason:
            ignored = f"{reason.code}: {reason.message}"
        yield list(explained(message, chosen, trace, ignored))


def _readings(raw: bytes, shelf: Profiles, profile: Profile, content_type: str, patient_key: bytes) -> Iterator[Reading]:
    index = 0
    try:
        for reading in _sniffed(raw, shelf, profile, content_type, patient_key):
            yield reading
            index += 1
    except Unreadable as reason:
        yield _no(index, reason.code, reason.message)
    except RecursionError:
        yield _no(index, "too-deep", "Nested too deeply to be a report.")
    except MemoryError:
        raise  # no fault of this message, or not for us to say
    except Exception as fault:  # noqa: BLE001  a fault of ours must cost one message, not the feed; its text may hold the report's words
        yield _no(index, "reader-fault", _our_fault(fault))


def _sniffed(raw: bytes, shelf: Profiles, profile: Profile, content_type: str, patient_key: bytes) -> Iterator[Reading]:
    if raw.startswith(b"MSH"):
        return _hl7v2(raw, shelf, profile, patient_key)
    if raw.startswith(_PLAIN_JSON):
        return _fhir(fhir.load(raw), profile, content_type, patient_key)
    raw = from_wide(raw)
    if not _head(raw):
        return iter([_no(0, "empty", "There is nothing in it: send the message again.")])
    documents = _documents(raw)
    return _hl7v2(raw, shelf, profile, patient_key) if documents is None else _fhir(documents, profile, content_type, patient_key)


def _documents(raw: bytes) -> list[Any] | None:
    """FHIR resources, from JSON or XML; None for bytes that are neither."""
    if _looks_like_json(raw):
        return fhir.load(raw)
    return [fhir_xml.document(raw.strip(FRAME))] if _head(raw).startswith(b"<") else None


def _head(raw: bytes) -> bytes:
    return raw[:256].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x0b\x00")


def _looks_like_json(raw: bytes) -> bool:
    """An opening brace or bracket; a log line in brackets is not JSON when a message stands in it."""
    head = _head(raw)
    return head[:1] == b"{" or (head[:1] == b"[" and not (head[1:2].isdigit() and b"MSH" in raw[:4096]))


def _hl7v2(raw: bytes, shelf: Profiles, profile: Profile, patient_key: bytes) -> Iterator[Reading]:
    found = False
    for index, message in enumerate(er7.messages(raw)):
        found = True
        if index >= MOST_MESSAGES:
            yield _no(index, "too-many-messages", f"More than {MOST_MESSAGES} messages in one payload: send smaller batches.")
            return
        yield _one_message(message, index, shelf, profile, patient_key)
    if not found:
        if any(
            raw.startswith(name) or b"\r" + name in raw or b"\n" + name in raw for name in (b"PID|", b"OBR|", b"OBX|", b"EVN|")
        ):
            yield _no(0, "no-header", "HL7 v2 segments without MSH: send the message with its header, starting with MSH.")
        elif raw.lstrip(b"\x0b\r\n ").startswith((b"MSH", b"FHS", b"BHS")):
            yield _no(0, "truncated", "It ends inside its header: send it again, whole.")
        else:
            yield _no(0, "no-header", "Neither HL7 v2 (no MSH) nor FHIR JSON: send one of the two.")


def _one_message(raw: bytes, index: int, shelf: Profiles, profile: Profile, patient_key: bytes) -> Reading:
    try:
        message = er7.parse(raw)
        if len(message.segments) > MOST_SEGMENTS:
            raise Unreadable("too-many-segments", f"More than {MOST_SEGMENTS} segments in one message: split it.")
        if profile.name == "default":
            profile = _recognised(message, shelf, profile)
        report, ignored, notes = hl7v2.read_message(message, profile, patient_key=patient_key)
    except Unreadable as reason:
        return _no(index, reason.code, reason.message)
    except MemoryError:
        raise
    except Exception as fault:  # noqa: BLE001  as in _readings: one message is lost, not the batch
        return _no(index, "reader-fault", _our_fault(fault))
    if report is None:
        return Reading("ignored", index, "not-a-report", f"Ignored: {ignored}.", None, tuple(notes))
    return Reading("report", index, None, None, report, tuple(notes), profile.drafts_to)


def _recognised(message: er7.Message, shelf: Profiles, default: Profile) -> Profile:
    """The shipped or own profile whose [match] fits all its places; the default when none does. Asked once for each kind of header."""
    fields = [message.component]
    for where in shelf.asked:
        rows = message.rows(where.segment)
        fields.append(rows[0][where.field] if rows and where.field < len(rows[0]) else "")
    key = tuple(fields)
    if key not in shelf.recognised:
        if len(shelf.recognised) > 1000:
            shelf.recognised.clear()
        fitting = (p for p in shelf.matching() if all(fits(patterns, _said(message, where)) for where, patterns in p.match))
        shelf.recognised[key] = next(fitting, None)
    return shelf.recognised[key] or default


def _said(message: er7.Message, where: Place) -> str:
    rows = message.rows(where.segment)
    return message.part(rows[0], where.field, where.component or 1, where.subcomponent or 1) if rows else ""


def _fhir(documents: list[Any], profile: Profile, content_type: str, patient_key: bytes) -> Iterator[Reading]:
    for index, judged in enumerate(fhir.read_resources(documents, profile, patient_key=patient_key, content_type=content_type)):
        if judged.report is not None:
            yield Reading("report", index, None, None, judged.report, tuple(judged.notes), profile.drafts_to)
        elif judged.code == "not-a-report":
            yield Reading("ignored", index, "not-a-report", judged.message, notes=tuple(judged.notes))
        else:
            yield _no(index, judged.code or "unreadable", judged.message or "It could not be read.")


def _no(index: int, code: str, message: str) -> Reading:
    return Reading("unreadable", index, code, message)


def _our_fault(fault: BaseException) -> str:
    """Kind and place of a fault, without its words."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "unknown place"
    return f"The reader itself failed ({type(fault).__name__} at {place}): keep the message and report this line."
