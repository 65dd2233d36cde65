"""What every report is made of: values nobody can change, a patient nobody can name, documents decoded to the letter."""

from __future__ import annotations

import binascii
import dataclasses
import hmac

import pytest

from ingest.documents import strict_base64
from ingest.hl7v2 import patient_hash
from ingest.report import Reading, Report, Status


def report(**more: str) -> Report:
    return Report("fhir", "1", "DiagnosticReport", "R4", ("A1",), Status.FINAL, **more)  # type: ignore[arg-type]


def test_a_report_once_made_cannot_be_changed() -> None:
    made = report(text="Normal.")

    with pytest.raises(dataclasses.FrozenInstanceError):
        made.text = "Mass."  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        del made.text
    assert type(made) is Report and made.text == "Normal."


def test_what_is_not_said_of_a_report_is_its_default() -> None:
    for kind, made in ((Report, report()), (Reading, Reading("ignored", 0))):
        for each in dataclasses.fields(kind):
            if each.default is not dataclasses.MISSING:
                assert getattr(made, each.name) == each.default
    assert report().sections == {} and report().sections is not report().sections


def test_another_version_of_a_report_differs_in_what_was_changed() -> None:
    assert dataclasses.replace(report(), text="Normal.") == report(text="Normal.") != report()


def test_a_report_without_status_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="status"):
        Report("fhir", "1", "DiagnosticReport", "R4", ("A1",))  # type: ignore[call-arg]


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 200])
def test_the_hash_of_a_patient_is_hmac_sha256_whatever_the_length_of_the_key(length: int) -> None:
    key = b"k" * length

    assert patient_hash(key, "SITE", "MR é 1") == hmac.new(key, "SITE\x1fMR é 1".encode(), "sha256").hexdigest()


@pytest.mark.parametrize("text", ["", "QUJD", "QUI=", "QQ==", "QUJDQUI="])
def test_base64_as_the_standard_has_it_is_decoded(text: str) -> None:
    assert strict_base64(text) == binascii.a2b_base64(text, strict_mode=True)


@pytest.mark.parametrize("text", ["QUJ", "QU=D", "=QUJ", "QUJD=", "QUJD\n", "QQ==QUJD", "Q-_D", "QU JD", "====", "é"])
def test_base64_of_any_other_manner_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        strict_base64(text)
