"""What an image AI saw, asked of the FHIR server it writes its Observations to (engine/tools.py says what becomes of them)."""

from __future__ import annotations

import http.client
import json
import urllib.parse
from typing import Any

from connectors.tls import TlsFiles
from ingest.report import Report

LARGEST_ANSWER = 4 * 1024 * 1024


class ObservationsAt:
    """The Observations of a report's exam on one FHIR R4 server, by the accession number their order carries."""

    def __init__(self, base: str, tls: TlsFiles | None = None) -> None:
        self._base = urllib.parse.urlsplit(base.rstrip("/"))
        self._tls = tls or TlsFiles()

    def __call__(self, report: Report, timeout: float) -> list[dict[str, Any]]:
        """Raises `OSError` or `HTTPException` when the server does not answer in time."""
        if not report.accessions:
            return []
        query = urllib.parse.urlencode({"based-on:ServiceRequest.identifier": ",".join(report.accessions), "_count": "100"})
        line = self._line(timeout)
        try:
            line.request("GET", f"{self._base.path}/Observation?{query}", headers={"Accept": "application/fhir+json"})
            answer = line.getresponse()
            if answer.status != 200:
                raise http.client.HTTPException(f"it answered {answer.status}")
            return observations_in(json.loads(answer.read(LARGEST_ANSWER)))
        finally:
            line.close()

    def _line(self, timeout: float) -> http.client.HTTPConnection:
        host, port = self._base.hostname or "", self._base.port
        if self._base.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout, context=self._tls.client())
        return http.client.HTTPConnection(host, port, timeout=timeout)


def observations_in(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """The Observations of a searchset; what else it holds is passed over."""
    found = [entry.get("resource") or {} for entry in bundle.get("entry") or []]
    return [one for one in found if one.get("resourceType") == "Observation"]
