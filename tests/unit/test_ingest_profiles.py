"""Source profiles: a quirk is mended in a file, and a slip in the file is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.profiles import BadProfile, Profiles
from ingest.read import explain, read
from ingest.report import Status
from tests.unit.test_ingest_feeds import MSH, PID, hl7, obr, tx


def folder_with(tmp_path: Path, text: str, name: str = "ours") -> Path:
    (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_every_shipped_profile_can_be_used() -> None:
    shelf = Profiles()

    assert {"default", "epic", "powerscribe", "vista", "dcm4chee", "french_cda", "fhir_server"} <= set(shelf.names)
    assert all(shelf.named(name).about for name in shelf.names)


def test_a_profile_inherits_what_it_does_not_say(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, 'inherits = "vista"\n[times]\nzone = "America/Chicago"\n')

    profile = Profiles(folder).named("ours")

    assert profile.section_by_code["I"] == "impression"
    assert str(profile.zone) == "America/Chicago"


def test_a_profile_moves_the_accession_and_teaches_a_word(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, '[identity]\naccession = ["OBR-20.1"]\n[status.words]\n"Freigabe 2" = "final"\n')
    raw = hl7(MSH, PID, obr("WRONG", status="Freigabe 2", f20="RIGHT1"), tx(1, "IMPRESSION: Normal.", status=""))

    (reading,) = read(raw, source="ours", profiles=folder)

    assert reading.report is not None
    assert reading.report.accessions == ("RIGHT1",)
    assert reading.report.status is Status.FINAL


def test_a_profile_of_ones_own_is_chosen_by_its_match(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, '[match]\n"MSH-3" = ["ris*"]\n[text.sections]\nBEF = "findings"\n')

    (reading,) = read(hl7(MSH, PID, obr(), tx(1, "Clear.", "BEF")), profiles=folder)

    assert reading.report is not None and reading.report.findings == "Clear."


def test_times_without_offset_are_in_the_profiles_zone(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, '[times]\nzone = "Europe/Berlin"\n')

    (reading,) = read(hl7(MSH, PID, obr(), tx(1, "IMPRESSION: Normal.")), source="ours", profiles=folder)

    assert reading.report is not None and reading.report.issued is not None
    assert reading.report.issued.isoformat() == "2026-01-02T03:04:05+01:00"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[identity]\nacession = ["OBR-3"]\n', "did you mean 'accession'"),
        ("[identty]\n", "did you mean 'identity'"),
        ('[identity]\naccession = "OBR-3"\n', "takes a list"),
        ('[identity]\naccession = ["OBR3"]\n', "write it like OBR-3"),
        ('[status.words]\nX = "finall"\n', "did you mean 'final'"),
        ('[text.sections]\nX = "impresion"\n', "did you mean 'impression'"),
        ('[times]\nzone = "Berlin"\n', "is no time zone"),
        ('inherits = "vistaa"\n', "did you mean 'vista'"),
        ('inherits = "ours"\n', "inherits from itself"),
        ("[match\n", "is not TOML"),
    ],
)
def test_a_slip_is_said_with_the_nearest_right_word(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadProfile, match=sentence):
        Profiles(folder_with(tmp_path, text)).named("ours")


def test_an_unknown_source_names_the_nearest() -> None:
    with pytest.raises(BadProfile, match="did you mean 'epic'"):
        list(read(b"MSH|", source="epik"))


def test_explaining_shows_places_and_never_words() -> None:
    raw = hl7(MSH, PID, obr(), tx(1, "IMPRESSION: Secretword."), "ZDS|1")

    (lines,) = explain(raw)

    shown = "\n".join(lines)
    assert "accession   OBR-3.1" in shown and "status      OBR-25" in shown and "left alone  ZDS" in shown
    assert "Secretword" not in shown and "4711" not in shown and "DOE" not in shown
