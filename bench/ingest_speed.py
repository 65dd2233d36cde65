"""How fast reading is, beside python-hl7, hl7apy and fhir.resources, in one run on the same bytes.

    python bench/ingest_speed.py [MESSAGES] [SEED]     # default 2000 messages, seed 7

Every message differs (numbers, names, words), so no cache can answer for the reader. hl7apy gets fewer messages: it would take hours.
"""

from __future__ import annotations

import base64
import json
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable

from ingest import er7
from ingest.read import read

WORDS = "lungs clear without focal consolidation effusion pneumothorax heart size normal mediastinal contour stable small nodule right upper lobe".split()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    rng = random.Random(seed)
    messages = [oru(rng, 30) for _ in range(count)]
    how = "plain Python" if er7.__file__.endswith(".py") else "compiled (make fast)"
    print(
        f"{how}, seed {seed}, {count} ORU^R01 with 30 OBX, {sum(map(len, messages)) // count} bytes each; CPU seconds, best of 3"
    )
    parse = measured("er7: parse + the fields a report needs", fields_of_a_report, messages)
    whole = measured("bytes -> Report, sections and hashes", finished, messages)
    theirs = measured("python-hl7: parse + the same fields", python_hl7, messages[: max(50, count // 10)])
    theirs_raw = measured("python-hl7: parse alone", python_hl7_parse, messages[: max(50, count // 10)])
    hl7apy = measured("hl7apy: parse alone", hl7apy_parse, messages[: max(5, count // 200)], rounds=1)
    print(f"er7 fields: {theirs / parse:.0f}x python-hl7 (parse alone {theirs_raw / parse:.0f}x), {hl7apy / parse:.0f}x hl7apy")
    print(f"Report: {1 / whole:.0f}/s, {hl7apy / whole:.0f}x hl7apy's parse alone")
    memory(rng)
    fhir(rng, count)


def oru(rng: random.Random, lines: int) -> bytes:
    """An Epic-like report: a TX per line, body and impression marked in OBX-3."""
    accession, reader = f"A{rng.randrange(10**8)}", f"D{rng.randrange(500)}"
    rows = [
        f"MSH|^~\\&|RIS|HOSP|AGENT|HOSP|202601{rng.randrange(10, 28)}030405-0500||ORU^R01|M{rng.randrange(10**9)}|P|2.5.1",
        f"PID|1||{rng.randrange(10**7)}^^^HOSP^MR||DOE^J{rng.randrange(999)}||19{rng.randrange(30, 99)}0304|F",
        f"ORC|RE|P{rng.randrange(10**7)}|{accession}||CM",
        f"OBR|1|P1|{accession}|CTCH^CT CHEST^L|R||20260102020304|||||||||9^ORD||||||20260102030405||CT|F|||||||{reader}&SMITH&JOHN",
    ]
    body = lines - 5
    for number in range(1, lines + 1):
        words = " ".join(rng.choices(WORDS, k=9)).capitalize() + "."
        said = {1: "EXAM: CT CHEST", 2: "CLINICAL HISTORY: " + words, 3: "FINDINGS:", body + 1: "IMPRESSION:"}.get(number, words)
        rows.append(f"OBX|{number}|TX|71260&{'GDT' if number <= body else 'IMP'}^CT CHEST||{said}||||||F")
    return ("\r".join(rows) + "\r").encode()


def fields_of_a_report(raw: bytes) -> object:
    """What a report needs of a message, by the standard's numbers."""
    message = er7.parse(raw)
    header, order, patient = message.first("MSH"), message.first("OBR"), message.first("PID")
    part = message.part
    return (
        part(header, 9), part(header, 10), part(order, 3), part(order, 4, 2), part(order, 7), part(order, 22), part(order, 24), part(order, 25),
        part(order, 32), part(patient, 3), part(patient, 7), part(patient, 8), [message.plain(row[5]) for row in message.rows("OBX")],
    )  # fmt: skip


def python_hl7(raw: bytes) -> object:
    import hl7

    message = hl7.parse(raw.decode())
    get = message.extract_field
    return (
        get("MSH", 1, 9), get("MSH", 1, 10), get("OBR", 1, 3), get("OBR", 1, 4, 1, 2), get("OBR", 1, 7), get("OBR", 1, 22), get("OBR", 1, 24),
        get("OBR", 1, 25), get("OBR", 1, 32), get("PID", 1, 3), get("PID", 1, 7), get("PID", 1, 8), [message.unescape(str(row[5])) for row in message.segments("OBX")],
    )  # fmt: skip


def python_hl7_parse(raw: bytes) -> object:
    import hl7

    return hl7.parse(raw.decode())


def hl7apy_parse(raw: bytes) -> object:
    from hl7apy.parser import parse_message

    return parse_message(raw.decode(), find_groups=False)


def finished(raw: bytes) -> object:
    (reading,) = read(raw)
    assert reading.report is not None
    return reading.report.content_hash, reading.report.id


def measured(name: str, work: Callable[[bytes], object], messages: Iterable[bytes], rounds: int = 3) -> float:
    """CPU seconds per message, the best round."""
    messages = list(messages)
    work(messages[0])
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for raw in messages:
            work(raw)
        best = min(best, (time.process_time() - began) / len(messages))
    print(f"{name:45} {best * 1e6:10.1f} µs  ({len(messages)} messages)")
    return best


def memory(rng: random.Random) -> None:
    """What is allocated at most while one message becomes a report, and what stays, against its size; then a feed whose reports all stay."""
    header = oru(rng, 0)
    line = b"The lungs are clear without focal consolidation, effusion or pneumothorax.\\.br\\"
    field = header + b"OBX|1|FT|||FINDINGS:\\.br\\" + line * (1_000_000 // len(line)) + b"IMPRESSION: Normal.||||||F\r"
    for name, message in (
        ("30 OBX", oru(rng, 30)),
        ("300 OBX", oru(rng, 300)),
        ("10,000 OBX", oru(rng, 10_000)),
        ("one field", field),
    ):
        list(read(message))
        tracemalloc.start()
        kept = list(read(message))
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        size = len(message)
        print(f"memory, {name}: {size} bytes, peak {peak / size:.2f}x, held {held / size:.2f}x ({len(kept)} report)")
    many = [oru(rng, 30) for _ in range(1000)]
    tracemalloc.start()
    shelf = [list(read(message)) for message in many]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = sum(map(len, many))
    print(
        f"memory, a feed: {len(shelf)} messages of {size // len(many)} bytes one after another, every Report held: peak {peak / size:.2f}x"
    )


def fhir(rng: random.Random, count: int) -> None:
    """DiagnosticReport -> Report with our validation, against fhir.resources on the same bytes; five turns each, one after the other."""
    from fhir.resources.R4B.diagnosticreport import DiagnosticReport

    resources = [resource(rng) for _ in range(count)]
    ratios = []
    for _ in range(5):
        ours = measured("FHIR: bytes -> Report, validated", lambda raw: list(read(raw)), resources, rounds=4)
        theirs = measured("fhir.resources: model_validate_json", DiagnosticReport.model_validate_json, resources, rounds=4)
        ratios.append(theirs / ours)
    print("FHIR: fhir.resources takes", ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios)), "times as long")


def resource(rng: random.Random) -> bytes:
    """An R4 DiagnosticReport as servers send it."""
    text = (
        "FINDINGS:\n"
        + "\n".join(" ".join(rng.choices(WORDS, k=9)).capitalize() + "." for _ in range(10))
        + "\n\nIMPRESSION:\nNormal.\n"
    )
    codes = {"system": "http://loinc.org", "code": "24627-2", "display": "CT Chest"}
    return json.dumps(
        {
            "resourceType": "DiagnosticReport", "id": f"r{rng.randrange(10**9)}", "meta": {"versionId": "1", "lastUpdated": "2026-01-02T03:04:05.000+01:00"},
            "status": "final", "identifier": [{"use": "usual", "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
                                               "system": "urn:acc", "value": f"A{rng.randrange(10**9)}"}],
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}], "code": {"coding": [codes], "text": "CT CHEST"},
            "subject": {"reference": f"Patient/{rng.randrange(10**6)}"}, "effectiveDateTime": "2026-01-02T02:04:05+01:00", "issued": "2026-01-02T03:04:05+01:00",
            "performer": [{"reference": "Organization/1"}], "resultsInterpreter": [{"reference": f"Practitioner/{rng.randrange(500)}", "display": "John Smith"}],
            "presentedForm": [{"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}], "conclusion": "Normal.",
        }
    ).encode()  # fmt: skip


if __name__ == "__main__":
    main()
