"""Is a DiagnosticReport shaped as its FHIR version says? Answers with notes, never refuses: reading goes on with what is usable."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    return []
