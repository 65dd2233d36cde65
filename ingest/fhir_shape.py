"""Is a DiagnosticReport shaped as its FHIR version says? Answers with notes, never refuses: reading goes on with what is usable."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

_VERSION_PARAMETER = re.compile(r"fhirVersion=\"?(\d)\.(\d)")


def version_of(resource: Mapping[str, Any], content_type: str = "") -> str:
    """DSTU2, STU3, R4 or R5 by the fields only that version has; what all share is R4."""
    match = _VERSION_PARAMETER.search(content_type)
    if match:
        return {"1": "DSTU2", "3": "STU3", "5": "R5", "6": "R5"}.get(match[1], "R4B" if match[2] == "3" else "R4")
    performer = resource.get("performer")
    if isinstance(performer, dict):
        return "DSTU2"
    if "study" in resource or "composition" in resource or "supportingInfo" in resource or "note" in resource:
        return "R5"
    if isinstance(performer, list) and any(isinstance(p, dict) and "actor" in p for p in performer):
        return "STU3"
    if "codedDiagnosis" in resource or "context" in resource or ("image" in resource and "request" not in resource):
        return "STU3" if "request" not in resource else "DSTU2"
    if "request" in resource:
        return "DSTU2"
    if isinstance(resource.get("category"), dict):
        return "STU3"
    return "R4"


def faults(resource: Mapping[str, Any], version: str) -> list[str]:
    """What the standard would refuse in a DiagnosticReport and reading repairs or leaves alone; empty when it is well shaped.

    A quick look accepts what is certainly right; only what it doubts is shown to fhir.resources, whose verdict counts.
    """
    if resource.get("resourceType") != "DiagnosticReport":
        return []
    if version in ("R4", "R4B") and is_surely_right(resource):
        return []
    return _verdict(resource, version)


def is_surely_right(resource: Mapping[str, Any]) -> bool:
    """True for R4 reports in which nothing can be objected to. False only means: ask somebody slower."""
    code, status = resource.get("code"), resource.get("status")
    if not isinstance(code, dict) or not isinstance(status, str):
        return False
    if "effectiveDateTime" in resource and "effectivePeriod" in resource:
        return False
    return _fits(resource, _REPORT)


def _fits(value: Mapping[str, Any], shape: _Shape) -> bool:
    for key, held in value.items():
        rule = shape.get(key)
        if rule is None:
            if key[:1] != "_" or key in _NO_SHADOW or not callable(shape.get(key[1:])) or not isinstance(held, dict) or not _fits(held, _SHADOW):
                return False
        elif isinstance(rule, tuple):
            inner, many = rule
            if many:
                if type(held) is not list or not all(type(item) is dict and _fits(item, inner) for item in held):
                    return False
            elif type(held) is not dict or not _fits(held, inner):
                return False
            if inner is _EXTENSION and not all(_is_whole_extension(item) for item in held):
                return False
        elif not rule(held):
            return False
    return shape is not _NARRATIVE or ("div" in value and "status" in value)


def _is_whole_extension(extension: Mapping[str, Any]) -> bool:
    values = [key for key in extension if key.startswith("value")]
    return "url" in extension and len(values) <= 1 and not (values and "extension" in extension)


def _verdict(resource: Mapping[str, Any], version: str) -> list[str]:
    """What fhir.resources has against it, without the words it has it against."""
    model = _model(version)
    if model is None:
        return []
    from pydantic import ValidationError

    try:
        model.model_validate(resource)
    except ValidationError as refusal:
        return [_note(error) for error in refusal.errors(include_input=False, include_url=False, include_context=False)[:20]]
    except (KeyError, LookupError, AttributeError, TypeError, ValueError) as refusal:  # unknown resource types in `contained` end so
        return [f"a part of it is of no known type ({type(refusal).__name__}): left alone"]
    except RecursionError:
        return ["nested too deeply to be checked"]
    return []


@lru_cache(maxsize=8)
def _model(version: str) -> Any:
    """The class of fhir.resources for a version; imported when first needed. There is none for DSTU2."""
    import importlib

    module = {"R5": "fhir.resources", "STU3": "fhir.resources.STU3", "R4": "fhir.resources.R4B", "R4B": "fhir.resources.R4B"}.get(version)
    return importlib.import_module(f"{module}.diagnosticreport").DiagnosticReport if module else None


def _note(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error.get("loc", ()) if isinstance(part, int) or _KEY.fullmatch(str(part)))[:80] or "a field"
    kind = str(error.get("type"))
    if kind == "extra_forbidden":
        return f"{where} is no field of this version: left alone"
    if kind in ("list_type", "model_type", "json_invalid", "dict_type"):
        return f"{where} has the wrong shape: read as far as it goes"
    if kind in ("value_error", "datetime_from_date_parsing", "datetime_parsing") and _TIMES.search(where):
        return f"{where} is no full time with offset: read as far as it goes, in the profile's zone"
    if kind == "string_pattern_mismatch":
        return f"{where} is empty or not written as its type asks: left out where unusable"
    return f"{where}: {kind}, left out where unusable"


def _is_string(value: object) -> bool:
    return type(value) is str and value[:1].strip() != ""


def _is_code(value: object) -> bool:
    return type(value) is str and _CODE.fullmatch(value) is not None


def _is_uri(value: object) -> bool:
    return type(value) is str


def _is_id(value: object) -> bool:
    return type(value) is str and _ID.fullmatch(value) is not None


def _is_instant(value: object) -> bool:
    return type(value) is str and _INSTANT.fullmatch(value) is not None and _is_date(value)


def _is_date_time(value: object) -> bool:
    if type(value) is not str:
        return False
    return _is_instant(value) if "T" in value else _PARTIAL.fullmatch(value) is not None and (len(value) < 10 or _is_date(value))


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
        return True
    except ValueError:
        return False


def _is_base64(value: object) -> bool:
    try:
        return type(value) is str and len(binascii.a2b_base64(value, strict_mode=True)) >= 0
    except (binascii.Error, ValueError):
        return False


def _is_boolean(value: object) -> bool:
    return type(value) is bool


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value <= 2147483647


def _is_integer(value: object) -> bool:
    return type(value) is int and -2147483648 <= value <= 2147483647


def _is_profiles(value: object) -> bool:
    return type(value) is list and all(type(item) is str for item in value)


_NO_SHADOW = frozenset({"_id", "_resourceType", "_profile", "_url"})
_KEY = re.compile(r"[A-Za-z_]{1,40}")
_TIMES = re.compile(r"issued|effective|start|end|date|lastUpdated|creation", re.IGNORECASE)
_CODE = re.compile(r"[^\s]+(?: [^\s]+)*")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_INSTANT = re.compile(
    r"[12]\d\d[1-9]-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
    r"|[12]\d[1-9]0-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))",
    re.ASCII,
)
_PARTIAL = re.compile(r"[12]\d(?:\d[1-9]|[1-9]0)(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?", re.ASCII)

_Shape = Mapping[str, Any]
_ELEMENT: dict[str, Any] = {"id": _is_string}
_EXTENSION: dict[str, Any] = {**_ELEMENT, "url": _is_string}
_ELEMENT["extension"] = _EXTENSION["extension"] = (_EXTENSION, True)
_SHADOW: _Shape = _ELEMENT
_PERIOD: _Shape = {**_ELEMENT, "start": _is_date_time, "end": _is_date_time}
_CODING: _Shape = {
    **_ELEMENT, "system": _is_uri, "version": _is_string, "code": _is_code, "display": _is_string, "userSelected": _is_boolean,
}  # fmt: skip
_CONCEPT: _Shape = {**_ELEMENT, "coding": (_CODING, True), "text": _is_string}
_IDENTIFIER: dict[str, Any] = {**_ELEMENT, "use": _is_code, "type": (_CONCEPT, False), "system": _is_uri, "value": _is_string, "period": (_PERIOD, False)}
_REFERENCE: _Shape = {**_ELEMENT, "reference": _is_string, "type": _is_uri, "identifier": (_IDENTIFIER, False), "display": _is_string}
_IDENTIFIER["assigner"] = (_REFERENCE, False)
_EXTENSION |= {
    "valueString": _is_string, "valueCode": _is_code, "valueUri": _is_uri, "valueBoolean": _is_boolean, "valueInteger": _is_integer,
    "valueDateTime": _is_date_time, "valueInstant": _is_instant, "valueCoding": (_CODING, False), "valueCodeableConcept": (_CONCEPT, False),
    "valueReference": (_REFERENCE, False), "valueIdentifier": (_IDENTIFIER, False), "valuePeriod": (_PERIOD, False), "valueMarkdown": _is_string,
}  # fmt: skip
_ATTACHMENT: _Shape = {
    **_ELEMENT, "contentType": _is_code, "language": _is_code, "data": _is_base64, "url": _is_string, "size": _is_size, "hash": _is_base64,
    "title": _is_string, "creation": _is_date_time,
}  # fmt: skip
_NARRATIVE: _Shape = {**_ELEMENT, "status": _is_code, "div": _is_string}
_META: _Shape = {
    **_ELEMENT, "versionId": _is_id, "lastUpdated": _is_instant, "source": _is_uri, "profile": _is_profiles, "security": (_CODING, True),
    "tag": (_CODING, True),
}  # fmt: skip
#: FHIR R4 DiagnosticReport, http://hl7.org/fhir/R4/diagnosticreport.html; without `contained` and `media`, which need a slower look.
_REPORT: _Shape = {
    "resourceType": _is_code, "id": _is_id, "meta": (_META, False), "implicitRules": _is_uri, "language": _is_code, "text": (_NARRATIVE, False),
    "extension": (_EXTENSION, True), "modifierExtension": (_EXTENSION, True), "identifier": (_IDENTIFIER, True), "basedOn": (_REFERENCE, True),
    "status": _is_code, "category": (_CONCEPT, True), "code": (_CONCEPT, False), "subject": (_REFERENCE, False), "encounter": (_REFERENCE, False),
    "effectiveDateTime": _is_date_time, "effectivePeriod": (_PERIOD, False), "issued": _is_instant, "performer": (_REFERENCE, True),
    "resultsInterpreter": (_REFERENCE, True), "specimen": (_REFERENCE, True), "result": (_REFERENCE, True), "imagingStudy": (_REFERENCE, True),
    "conclusion": _is_string, "conclusionCode": (_CONCEPT, True), "presentedForm": (_ATTACHMENT, True),
}  # fmt: skip
