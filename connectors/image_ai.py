"""What an image AI saw, asked of the FHIR server it writes its Observations to (engine/tools.py says what becomes of them)."""

from __future__ import annotations

import http.client
import urllib.parse
from typing import Any

from connectors.deliver import NotThere
from connectors.deliver.web import Web
from connectors.tls import TlsFiles
from ingest.report import Report

#: FHIR R4 3.1.1.1.3: these mean something in a search's value.
ESCAPES = str.maketrans({mark: f"\\{mark}" for mark in "\\,$|"})


class ObservationsAt:
    """The Observations of a report's exam on one FHIR R4 server, by the accession number their order carries."""

    def __init__(self, base: str, tls: TlsFiles | None = None) -> None:
        self._base = base
        self._tls = tls

    def __call__(self, report: Report, timeout: float) -> list[dict[str, Any]]:
        """Raises `OSError` or `HTTPException` when the server does not answer in time, or not what it was asked."""
        if not report.accessions:
            return []
        accessions = ",".join(one.translate(ESCAPES) for one in report.accessions)
        query = urllib.parse.urlencode({"based-on:ServiceRequest.identifier": accessions, "_count": "100"})
        web = Web(self._base, tls=self._tls, answer_within=timeout)
        try:
            heard = web.ask("GET", f"/Observation?{query}", headers={"Prefer": "handling=strict"})
        except NotThere as reason:
            raise OSError(str(reason)) from None
        finally:
            web.hang_up()
        if heard.status != 200:
            raise http.client.HTTPException(f"it answered {heard.status}")
        return observations_in(heard.json(), accessions)


def observations_in(bundle: dict[str, Any], accessions: str) -> list[dict[str, Any]]:
    """The Observations of a searchset; what else it holds is passed over.

    A server may leave out what it does not know of a search, and then answers with other patients' Observations; its link to itself
    says what it searched for (FHIR R4 3.1.1.6). Raises `HTTPException`.
    """
    if bundle.get("resourceType") != "Bundle":
        raise http.client.HTTPException("it answered without a Bundle")
    link = next((str(one.get("url")) for one in bundle.get("link") or () if one.get("relation") == "self"), None)
    searched = [] if link is None else [value for _, value in urllib.parse.parse_qsl(urllib.parse.urlsplit(link).query)]
    if link is not None and accessions not in searched:
        raise http.client.HTTPException("it did not search by accession number")
    found = [entry.get("resource") or {} for entry in bundle.get("entry") or []]
    return [one for one in found if one.get("resourceType") == "Observation"]
