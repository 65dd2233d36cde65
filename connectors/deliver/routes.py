"""Which form and which line a delivery has, from the words of the settings."""

from __future__ import annotations

import urllib.parse

from connectors.deliver import PREFIX, Form, Line
from connectors.deliver.fhir import FhirForm
from connectors.deliver.fhir_server import FhirServer
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.deliver.mllp import Address, MllpLine
from connectors.tls import TlsFiles
from connectors.tokens import Token


def form_for(way: str, name: str) -> Form:
    return Hl7v2Form(PREFIX + name) if way == "mllp" else FhirForm(PREFIX + name)


def line_to(
    name: str,
    way: str,
    to: str,
    *,
    tls: TlsFiles,
    is_secured: bool = False,
    token: Token | None = None,
    answer_within: float = 30.0,
    session: str = "{radiologist}",
) -> Line:
    """Raises `ValueError` with a sentence when the words do not fit the way, `BadFile` when a file of `tls` does not."""
    tls.client()
    setting = f"IMPRESARIO_DELIVERIES: {name}: to"
    if way == "mllp":
        host, _, port = to.removeprefix("[").replace("]:", ":").rpartition(":")
        if not host or not port.isdigit() or "/" in to:
            raise ValueError(f"{setting} is HOST:PORT for MLLP, for example ris.hospital:2575.")
        return MllpLine(Address(host, int(port), tls if is_secured or tls != TlsFiles() else None), answer_within)
    address = urllib.parse.urlsplit(to)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{setting} is an address that begins with https:// or http://.")
    if address.username or address.password:
        raise ValueError(f"{setting} holds a password: give a token instead.")
    return FhirServer(to, token=token, tls=tls, answer_within=answer_within)
