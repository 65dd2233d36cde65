"""Which form and which line a delivery has, from the words of the settings."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from connectors.deliver import PREFIX, Form, Line
from connectors.deliver.fhir import FhirForm
from connectors.deliver.fhir_server import FhirServer
from connectors.deliver.fhircast import FhircastHub
from connectors.deliver.hl7v2 import Hl7v2Form
from connectors.deliver.mllp import Address, MllpLine
from connectors.deliver.web import Web
from connectors.tls import TlsFiles
from connectors.tokens import FetchedToken, Token, from_file, given


def form_for(way: str, name: str) -> Form:
    return Hl7v2Form(PREFIX + name) if way == "mllp" else FhirForm(PREFIX + name)


def line_to(name: str, way: str, to: str, settings: Mapping[str, Any]) -> Line:
    """The line a delivery's settings ask for. Raises `ValueError` with a sentence where they do not fit together."""
    tls = TlsFiles(settings.get("authority"), settings.get("certificate"), settings.get("key"))
    tls.client()  # a file that does not fit is said now
    token, answer_within = token_of(name, tls, settings), settings.get("answer_within", 30.0)
    asked = f"IMPRESARIO_DELIVERIES: {name}: to"
    if way == "mllp":
        host, _, port = to.rpartition(":")
        if not host or not port.isdigit() or "/" in to:
            raise ValueError(f"{asked} is HOST:PORT for MLLP, for example ris.hospital:2575.")
        is_secured = settings.get("tls") or tls != TlsFiles()
        return MllpLine(Address(host.strip("[]"), int(port), tls if is_secured else None), answer_within)
    address = urllib.parse.urlsplit(to)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"{asked} is an address that begins with https:// or http://.")
    if address.username or address.password:
        raise ValueError(f"{asked} holds a password: give a token instead.")
    web = Web(to, token=token, tls=tls, answer_within=answer_within)
    return FhircastHub(web, settings.get("session", "{radiologist}")) if way == "fhircast" else FhirServer(web)


def token_of(name: str, tls: TlsFiles, settings: Mapping[str, Any]) -> Token | None:
    """The first that is set: a token, a file with one, or where one is fetched."""
    secret: SecretStr | None
    if (secret := settings.get("token")) is not None:
        return given(secret.get_secret_value())
    if (file := settings.get("token_file")) is not None:
        return from_file(file)
    if (url := settings.get("token_url")) is None:
        return None
    client, secret = settings.get("client"), settings.get("client_secret")
    if client is None or secret is None:
        raise ValueError(f"IMPRESARIO_DELIVERIES: {name}: token_url wants client and client_secret beside it.")
    return FetchedToken(url, client, secret.get_secret_value(), settings.get("scope"), tls)
