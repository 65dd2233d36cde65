"""Claim: a handful of signatures already spares a new radiologist corrections, and changes no fact.

`python -m bench.first_signatures --signatures 5 10 19 --reports 30` plays three made-up radiologists of the demo who have no adapter: the
shipped base drafts their first reports, they sign in their own manner, and later reports are written through `write_impression` as the
bare draft, laid out as they sign, and (`--examples`) by the base that reads their signed examples. Edit distance to what they would sign,
what fell back, and the facts against the truth behind each report (demo/truth.py, which shares nothing with our checker).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from bench.drafting import report_of
from demo.dictation import Latent, dictated_report
from demo.styles import RADIOLOGISTS, signed_impression
from demo.truth import facts_changed
from engine.hand import UNKNOWN, Hand
from engine.impression import Impression, Kind
from engine.prompts import Dictation, Example
from engine.vllm import VllmModel
from engine.vllm_server import local_server
from engine.write import rehearse, write_impression
from feedback.edits import edit_distance
from settings import SHIPPED_BASE

AT_ONCE = 8


@dataclass(frozen=True)
class Case:
    """A report, the truth behind it, and what its radiologist would sign."""

    name: str
    latent: Latent
    dictation: Dictation
    signed: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signatures", type=int, nargs="+", default=[5, 10, 19])
    parser.add_argument("--reports", type=int, default=30, help="later reports for each radiologist")
    parser.add_argument("--examples", action="store_true", help="also let the base read signed examples")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--url", help="a vLLM that serves the shipped base already")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as closing:
        url = options.url or closing.enter_context(local_server(str(SHIPPED_BASE), Path(folder) / "vllm.log", wait=900.0))
        model = VllmModel(url, str(SHIPPED_BASE))
        closing.callback(model.close)
        model.warm_up(timeout=600.0)
        rehearse(model)
        print(json.dumps({"seed": options.seed, "reports": options.reports}), flush=True)
        for radiologist in sorted(RADIOLOGISTS):
            for row in rows_of(radiologist, model, options.signatures, options.reports, options.examples, options.seed):
                print(json.dumps(row), flush=True)


def rows_of(
    radiologist: str, model: VllmModel, signatures: Sequence[int], reports: int, examples: bool, seed: int
) -> list[dict[str, object]]:
    """One row for each number of signatures and way of writing."""
    first = [case_of(f"{seed}/first/{number}/{radiologist}", radiologist) for number in range(max(signatures))]
    later = [case_of(f"{seed}/later/{number}/{radiologist}", radiologist) for number in range(reports)]
    shown = written(first, UNKNOWN, model)
    signed = [Example(case.dictation, one.coarse, case.signed) for case, one in zip(first, shown, strict=True)]
    rows = [{"radiologist": radiologist, "signatures": 0, "way": "bare draft"} | told(later, written(later, UNKNOWN, model))]
    for many in signatures:
        for way, may_read in (("layout", False), *([("examples", True)] if examples else [])):
            hand = Hand.of(signed[:many], may_read)
            rows.append(
                {"radiologist": radiologist, "signatures": many, "way": way} | told(later, written(later, hand, model), hand)
            )
    return rows


def case_of(name: str, radiologist: str) -> Case:
    latent, dictated = dictated_report(name)
    return Case(name, latent, dictated.dictation, signed_impression(latent, radiologist))


def written(cases: Sequence[Case], hand: Hand, model: VllmModel) -> list[Impression]:
    def write(case: Case) -> Impression:
        report = report_of(case.name, case.dictation)
        impression = write_impression(report, model=model, adapter=None, deadline=600.0, hand=hand)
        assert impression is not None
        return impression

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(write, cases))


def told(cases: Sequence[Case], impressions: Sequence[Impression], hand: Hand = UNKNOWN) -> dict[str, object]:
    """Mean edit distance to sign, what the texts are, and in how many a fact is changed: of those shown, and of their bare drafts."""
    pairs = list(zip(cases, impressions, strict=True))
    return {
        "edit_distance": round(fmean(edit_distance(one.text, case.signed) for case, one in pairs), 3),
        "signed_as_shown": sum(edit_distance(one.text, case.signed) == 0 for case, one in pairs),
        "shown": dict(Counter(way_of(one, hand) for one in impressions)),
        "facts_changed": sum(bool(facts_changed(case.latent, one.text)) for case, one in pairs),
        "by_the_draft": sum(bool(facts_changed(case.latent, one.coarse)) for case, one in pairs),
    }


def way_of(impression: Impression, hand: Hand) -> str:
    """Own words are the model's where they are more than the draft's layout; every other kind is a fallback."""
    if impression.kind is not Kind.OWN_WORDS:
        return str(impression.kind)
    return "layout" if impression.text == hand.manner.lay_out(impression.coarse) else "model"


if __name__ == "__main__":
    main()
