"""Is a DiagnosticReport shaped as its FHIR version says? Answers with notes, never refuses: reading goes on with what is usable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic_core import SchemaValidator, ValidationError, core_schema

from ingest.documents import strict_base64

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
    if version in ("R4", "R4B"):
        try:
            _quick().validate_python(resource)
            return ["both effectiveDateTime and effectivePeriod are there: the first is used"] if _has_two_times(resource) else []
        except ValidationError as refusal:
            errors = refusal.errors(include_input=False, include_url=False, include_context=False)
            if any(_is_certain(error, resource) for error in errors):
                return [_note(error) for error in errors[:20]]
    return _verdict(resource, version)


def _is_certain(error: Mapping[str, Any], resource: Mapping[str, Any]) -> bool:
    """A refusal nobody slower would lift: something required is missing, or a field no version knows stands at the top."""
    where = error["loc"]
    if error["type"] == "missing":
        return len(where) == 1 and f"_{where[0]}" not in resource
    return error["type"] == "extra_forbidden" and len(where) == 1 and str(where[0]) not in _SLOWER


def _has_two_times(resource: Mapping[str, Any]) -> bool:
    return resource.get("effectiveDateTime") is not None and resource.get("effectivePeriod") is not None


def is_surely_right(resource: Mapping[str, Any]) -> bool:
    """True for R4 reports in which nothing can be objected to. False only means: ask somebody slower."""
    return _quick().isinstance_python(resource) and not _has_two_times(resource)


def surely_right(raw: bytes) -> dict[str, Any] | None:
    """A lone R4 DiagnosticReport parsed and judged in one go; None when it is something else or needs a slower look."""
    try:
        resource: dict[str, Any] = _quick().validate_json(raw)
    except ValueError:
        return None
    return None if _has_two_times(resource) else resource


def _verdict(resource: Mapping[str, Any], version: str) -> list[str]:
    """What fhir.resources has against it, without the words it has it against."""
    model = _model(version)
    if model is None:
        return []
    try:
        model.model_validate(resource)
    except ValidationError as refusal:
        return [_note(error) for error in refusal.errors(include_input=False, include_url=False, include_context=False)[:20]]
    except (
        KeyError,
        LookupError,
        AttributeError,
        TypeError,
        ValueError,
    ) as refusal:  # unknown resource types in `contained` end so
        return [f"a part of it is of no known type ({type(refusal).__name__}): left alone"]
    except RecursionError:
        return ["nested too deeply to be checked"]
    return []


@lru_cache(maxsize=8)
def _model(version: str) -> Any:
    """The class of fhir.resources for a version; imported when first needed. There is none for DSTU2."""
    import importlib

    module = {"R5": "fhir.resources", "STU3": "fhir.resources.STU3", "R4": "fhir.resources.R4B", "R4B": "fhir.resources.R4B"}.get(
        version
    )
    return importlib.import_module(f"{module}.diagnosticreport").DiagnosticReport if module else None


def _note(error: Mapping[str, Any]) -> str:
    where = (
        ".".join(str(part) for part in error.get("loc", ()) if isinstance(part, int) or _KEY.fullmatch(str(part)))[:80]
        or "a field"
    )
    kind = str(error.get("type"))
    if kind == "extra_forbidden":
        return f"{where} is no field of this version: left alone"
    if kind in ("list_type", "model_type", "json_invalid", "dict_type"):
        return f"{where} has the wrong shape: read as far as it goes"
    if kind in ("value_error", "datetime_from_date_parsing", "datetime_parsing") and _TIMES.search(where):
        return f"{where} is no full time with offset: read as far as it goes, in the profile's zone"
    if kind in ("string_pattern_mismatch", "value_error"):
        return f"{where} is empty or not written as its type asks: left out where unusable"
    return f"{where}: {kind}, left out where unusable"


#: Fields the quick look does not know and the slower one does.
_SLOWER = frozenset({"contained", "fhir_comments", "resource_type", "_implicitRules", "_language"})
_KEY = re.compile(r"[A-Za-z_]{1,40}")
_TIMES = re.compile(r"issued|effective|start|end|date|lastUpdated|creation", re.IGNORECASE)
_SPACE = r"[^\s\x1c-\x1f]"
_DAY = r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
_YEAR = r"(?:19|20)(?:[0-9][1-9]|[1-9]0)"
_TIME = r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
_PATTERNS = {
    "string": rf"^{_SPACE}",
    "code": rf"^{_SPACE}+(?: {_SPACE}+)*$",
    "id": r"^[A-Za-z0-9\-.]{1,64}$",
    "uri": None,
    "instant": rf"^{_YEAR}-{_DAY}{_TIME}$",
    "dateTime": rf"^{_YEAR}(?:-(?:0[1-9]|1[0-2])|-{_DAY}(?:{_TIME})?)?$",
}
#: FHIR R4 DiagnosticReport (http://hl7.org/fhir/R4/diagnosticreport.html) and the datatypes it is made of, without what needs a slower
#: look: `contained`, rarer kinds of extension. `*` marks lists, `!` what must be there.
_TYPES: Mapping[str, str] = {
    "Extension": "id:string url:string! extension:Extension* valueString:string valueCode:code valueUri:uri valueBoolean:boolean "
    "valueInteger:integer valueDateTime:dateTime valueInstant:instant valueCoding:Coding valueCodeableConcept:CodeableConcept "
    "valueReference:Reference valueIdentifier:Identifier valuePeriod:Period valueMarkdown:string",
    "Shadow": "id:string extension:Extension*",
    "Period": "id:string extension:Extension* start:dateTime end:dateTime",
    "Coding": "id:string extension:Extension* system:uri version:string code:code display:string userSelected:boolean",
    "CodeableConcept": "id:string extension:Extension* coding:Coding* text:string",
    "Identifier": "id:string extension:Extension* use:code type:CodeableConcept system:uri value:string period:Period assigner:Reference",
    "Reference": "id:string extension:Extension* reference:string type:uri identifier:Identifier display:string",
    "Attachment": "id:string extension:Extension* contentType:code language:code data:base64 url:string size:size hash:base64 title:string "
    "creation:dateTime",
    "Media": "id:string extension:Extension* modifierExtension:Extension* comment:string link:Reference!",
    "Narrative": "id:string extension:Extension* status:code! div:string!",
    "Meta": "id:string extension:Extension* versionId:id lastUpdated:instant source:uri profile:uri* security:Coding* tag:Coding*",
    "DiagnosticReport": "resourceType:DiagnosticReport! id:id meta:Meta implicitRules:uri language:code text:Narrative extension:Extension* "
    "modifierExtension:Extension* identifier:Identifier* basedOn:Reference* status:code! category:CodeableConcept* code:CodeableConcept! "
    "subject:Reference encounter:Reference effectiveDateTime:dateTime effectivePeriod:Period issued:instant performer:Reference* "
    "resultsInterpreter:Reference* specimen:Reference* result:Reference* imagingStudy:Reference* media:Media* conclusion:string "
    "conclusionCode:CodeableConcept* presentedForm:Attachment*",
}
_SHADOWED = frozenset({"string", "code", "dateTime", "instant", "boolean", "integer"})


@lru_cache(maxsize=1)
def _quick() -> SchemaValidator:
    """The tables above, compiled: fhir.resources' rules without its classes, in the same engine (pydantic-core).

    Of what it read it keeps the names of fields alone: a report's words are seldom met again, and are nobody's to keep.
    """
    definitions = [_object(name, spec) for name, spec in _TYPES.items() if name != "DiagnosticReport"]
    schema = core_schema.definitions_schema(_object("DiagnosticReport", _TYPES["DiagnosticReport"]), definitions)
    return SchemaValidator(schema, config=core_schema.CoreConfig(cache_strings="keys"))


def _object(name: str, spec: str) -> core_schema.CoreSchema:
    fields: dict[str, core_schema.TypedDictField] = {}
    for word in spec.split():
        key, kind = word.rstrip("*!").split(":")
        one = core_schema.literal_schema(["DiagnosticReport"]) if key == "resourceType" else _value(kind)
        held = core_schema.list_schema(one, strict=True) if word.endswith("*") else one
        fields[key] = core_schema.typed_dict_field(held, required=word.endswith("!"))
        if kind in _SHADOWED and key not in ("id", "url") and not word.endswith("*"):
            fields[f"_{key}"] = core_schema.typed_dict_field(core_schema.definition_reference_schema("Shadow"), required=False)
    held_object = core_schema.typed_dict_schema(
        fields, extra_behavior="forbid", strict=True, ref=None if name == "DiagnosticReport" else name
    )
    if name not in ("Extension", "Shadow"):
        return held_object
    held_object["ref"] = f"Any{name}"
    return core_schema.no_info_after_validator_function(_one_value if name == "Extension" else _not_empty, held_object, ref=name)


def _value(kind: str) -> core_schema.CoreSchema:
    if kind in _PATTERNS:
        return core_schema.str_schema(pattern=_PATTERNS[kind], strict=True)
    if kind == "base64":
        # What was decoded to judge it stays, so that reading need not do it again.
        return core_schema.no_info_after_validator_function(strict_base64, core_schema.str_schema(strict=True))
    if kind == "boolean":
        return core_schema.bool_schema(strict=True)
    if kind in ("integer", "size"):
        return core_schema.int_schema(ge=0 if kind == "size" else -(2**31), le=2**31 - 1, strict=True)
    return core_schema.definition_reference_schema(kind)


def _not_empty(shadow: dict[str, Any]) -> dict[str, Any]:
    if not shadow:
        raise ValueError("nothing in it")
    return shadow


def _one_value(extension: dict[str, Any]) -> dict[str, Any]:
    """An extension has one value or extensions of its own; what has both or two is left to the slower look."""
    if sum(key.startswith("value") for key in extension) + ("extension" in extension) > 1:
        raise ValueError("more than one value")
    return extension
