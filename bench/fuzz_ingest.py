"""Break what can be broken: mutated HL7 v2 and FHIR through the reader, guided by the code it reaches.

    python bench/fuzz_ingest.py [INPUTS] [SEED]      # default 20000 inputs, seed 7; the full measure is 1000000

Each input must be answered as report, ignored or unreadable with a code, within a second, and no message may quote the report. An
input that reaches a line of ingest/ no other reached joins the corpus (a coverage-guided fuzzer in forty lines: sys.settrace on a
sample, so that most inputs run at full speed). Prints its seed, the counts, and every fault with the input that caused it.
"""

from __future__ import annotations

import collections
import random
import sys
import time
from pathlib import Path
from types import FrameType

from bench.ingest_speed import oru, resource
from ingest.fhir_shape import faults as faults_of
from ingest.read import read

CANARY = "ZyxwvCanary"
HERE = str(Path(__file__).parent.parent / "ingest")
TRACED = 25  #: one input in so many is traced for coverage
TOKENS = (
    b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"\r\n", b"\x0b", b"\x1c\r", b"MSH|^~\\&|", b"OBX|1|TX|||", b"OBX|1|ED|||^application^pdf^Base64^JVBERi0=", b"\\.br\\", b"\\X0D\\",
    b"\\E\\", b"\\Z", b"IMPRESSION:", b"FINDINGS:", b"ADDENDUM", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]", b'"', b":", b",", b"null", b"1e999", b"\\ud800",
    b'"resourceType":"Bundle"', b'"contained":[', b'"entry":[{"resource":', b"<html>", b"{\\rtf1", b"BTS|1", b"ADD|", b"DSC|", b"8859/1", b"GB18030", b"UNICODE UTF-16", b"ISO IR87",
    b"OBR|1||A|", b"TXA|1|DI", b"\xf0\x9f\x98\x80", b"\xc3", b"-0500", b"99999999999999",
    b"<br/>", b"</p>", b"{\\E\\rtf1", b"<entry><resource>", b'<status value="', b"PRT|1|UC||PRI|5^R", b"\\n\\n",
    b"\\T\\nbsp;", b"F I N D I N G S:", b"Page 1 of 2", b"(CONTINUED)", b"I, A B, have reviewed", b"gez.", b"; charset=utf-16le", b'"entry":[{"reference":"#"}],',
    b"*** FORMAL REPORT TO FOLLOW ***", b"Supervisor: dr. P. V.", b"Dr A. Low, 1/2/2026 11:20", b"AB/cd", b"Paris, le 1/2/2026", b"Saluda atte.", b"&lt;p&gt;", b"1. Findings:",
    b"||||||ALG^Algorithm|X-1", b'"resourceType":"DocumentReference","type":{"coding":[{"code":"18748-4"}]},"content":[{"attachment":', b'"docStatus":"final",',
    b'{"resourceType":"Composition","type":{"coding":[{"code":"18748-4"}]},"section":[',
)  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    rng = random.Random(seed)
    corpus = seeds(rng)
    reached: set[tuple[str, int]] = set()
    for version in ("R4", "R5", "STU3"):
        faults_of({"resourceType": "DiagnosticReport"}, version)  # its classes take seconds to import; that is no hang
    for raw in corpus:
        reached |= lines_reached(raw)
    outcomes: collections.Counter[str] = collections.Counter()
    faults: list[str] = []
    slowest, slow, began = 0.0, b"", time.perf_counter()
    for number in range(count):
        raw = mutated(rng, rng.choice(corpus), corpus)
        if number % TRACED == 0:
            new = lines_reached(raw) - reached
            if new:
                reached |= new
                corpus.append(raw)
        started = time.process_time()
        for fault in judged(raw, outcomes):
            faults.append(fault)
            print("  ", fault, flush=True)
        if time.process_time() - started > slowest:
            slowest, slow = time.process_time() - started, raw
        if len(faults) > 20:
            break
        if number % 50_000 == 49_999:
            print(f"  {number + 1} inputs, corpus {len(corpus)}, {len(reached)} lines, faults {len(faults)}", flush=True)
    print(
        f"seed {seed}: {count} inputs in {time.perf_counter() - began:.0f} s, corpus {len(corpus)}, {len(reached)} lines of ingest/ reached"
    )
    print("outcomes:", ", ".join(f"{name} {number}" for name, number in outcomes.most_common()))
    print(f"slowest {slowest * 1000:.0f} ms of CPU ({len(slow)} bytes, {slow[:60]!r}); faults {len(faults)}")
    raise SystemExit(1 if faults or slowest > 1 else 0)


def seeds(rng: random.Random) -> list[bytes]:
    """Well-formed inputs with a canary in every text."""
    text = CANARY.encode()
    message = oru(rng, 8).replace(b"EXAM:", b"EXAM: " + text).replace(b"ungs", text).replace(b"mall", text)
    mdm = message.replace(b"ORU^R01", b"MDM^T02").replace(b"ORC|", b"TXA|1|DI|TX|20260102||||||77^X|||D1||P|A9||AU\rORC|")
    bundle = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":' + resource(rng) + b"}]}"
    vista = (
        b"MSH^~|\\&^RA-X^500^Y^500^20260102^^ORU~R01^1^P^2.3\rOBR^1^^A1~010226-12~L^7~CHEST~C4\rOBX^1^TX^I~IMPRESSION~L^^"
        + text
        + b".^^^^^^F\r"
    )
    cda = (
        b'OBX|1|ED|1||^TEXT^XML^A^<ClinicalDocument xmlns="urn:hl7-org:v3"><component><section><title>Findings</title><text>'
        + text
        + b"</text></section></component></ClinicalDocument>||||||F\r"
    )
    xml = (
        b'<DiagnosticReport xmlns="http://hl7.org/fhir"><id value="1"/><contained><Observation><id value="o"/><code><coding><code value="19005-8"/></coding></code>'
        b'<valueString value="' + text + b'"/></Observation></contained><status value="final"/><code><text value="CT"/></code><conclusion value="'
        + text + b'."><extension url="u"><valueString value="x"/></extension></conclusion><result><reference value="#o"/></result></DiagnosticReport>'
    )  # fmt: skip
    return [
        message,
        mdm,
        vista,
        bundle,
        resource(rng).replace(b"Normal", text),
        message + message,
        b"\x0b" + message + b"\x1c\r",
        message[:400] + cda,
        bundle + b"\n" + bundle,
        xml,
        message.replace(b"FINDINGS:", rb"{\E\rtf1 FINDINGS:\E\par " + text + b"}").replace(
            b"IMPRESSION:", b"<p>IMPRESSION:<br/>"
        ),
    ]


def mutated(rng: random.Random, raw: bytes, corpus: list[bytes]) -> bytes:
    """One to eight small harms: bytes flipped, cut, doubled, spliced, tokens thrown in."""
    work = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(len(work) + 1)
        harm = rng.randrange(8)
        if harm == 0 and work:
            work[at % len(work)] = rng.randrange(256)
        elif harm == 1:
            del work[at : at + rng.choice((1, 4, 40, 400))]
        elif harm == 2:
            work[at:at] = rng.choice(TOKENS)
        elif harm == 3:
            work[at:at] = work[at : at + rng.choice((4, 40, 400))] * rng.choice((1, 2, 30))
        elif harm == 4:
            other = rng.choice(corpus)
            work[at:] = other[rng.randrange(len(other) + 1) :]
        elif harm == 5:
            work[at : at + 1] = rng.choice(TOKENS)
        elif harm == 6:
            work = work[:at]
        else:
            separator = rng.choice((b"|", b"^", b"\r", b'"', b","))
            parts = bytes(work).split(separator)
            rng.shuffle(parts) if rng.random() < 0.2 else parts.pop(rng.randrange(len(parts)))
            work = bytearray(separator.join(parts))
        if len(work) > 60_000:
            del work[60_000:]
    return bytes(work)


def judged(raw: bytes, outcomes: collections.Counter[str]) -> list[str]:
    """What is wrong with the answers to one input."""
    wrong = []
    try:
        answers = list(read(raw))
    except Exception as fault:  # noqa: BLE001  the very thing we look for
        return [f"raised {type(fault).__name__}: {raw[:200]!r}"]
    if not answers:
        wrong.append(f"no answer: {raw[:200]!r}")
    for answer in answers:
        outcomes[answer.outcome if answer.outcome != "unreadable" else f"unreadable: {answer.code}"] += 1
        if answer.code == "reader-fault":
            wrong.append(f"{answer.message}: {raw[:300]!r}")
        if answer.outcome != "report" and not (answer.code and answer.message):
            wrong.append(f"no reason given: {raw[:200]!r}")
        if CANARY in f"{answer.message}{answer.notes}":
            wrong.append(f"quotes the report: {answer.message} {answer.notes}")
        if answer.report is not None:
            try:
                _ = answer.report.id, answer.report.content_hash
                answer.report.text.encode()
            except UnicodeEncodeError:
                wrong.append(f"half characters in a report: {raw[:200]!r}")
    return wrong


def lines_reached(raw: bytes) -> set[tuple[str, int]]:
    """Lines of ingest/ that reading this input runs through."""
    reached: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> object:
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        reached.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        list(read(raw))
    except Exception:  # noqa: BLE001, S110  judged() sees it again and tells
        pass
    finally:
        sys.settrace(None)
    return reached


if __name__ == "__main__":
    main()
