"""What a night teaches: edit distance to sign and facts, before and after, against the demo's latent truth.

For each demo radiologist: `--learn` signed reports teach, `--judge` later ones judge. Nothing is promoted; the base model writes
the drafts, the demo's hands sign. Example: python -m bench.night --learn 40 --judge 30
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from demo.dictation import Latent, dictated_report
from demo.styles import RADIOLOGISTS, signed_impression
from demo.truth import facts_changed
from engine.habits import Habits
from engine.impression import Kind
from engine.prompts import Dictation, drafting, personalising
from feedback.edits import change_of, edit_distance
from feedback.preference import Preference
from settings import SHIPPED_BASE
from trainer.fit import Recipe, Writer, fit
from trainer.judge import Gate, Trial, judge, try_out
from trainer.pairs import examples_of, pairs_of, teachable

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    options = _options()
    recipe = with_changes(Recipe(), options.recipe)
    write = Writer(options.base)
    signed = {name: signed_reports(name, options.learn + options.judge, options.seed, write) for name in RADIOLOGISTS}
    with tempfile.TemporaryDirectory() as room:
        folders = {}
        for name, reports in signed.items():
            lessons = teachable([preference for _, preference in reports[: options.learn]])
            began = time.monotonic()
            result = fit(
                examples_of(lessons), pairs_of(lessons), base_model=options.base, out=Path(room) / name, seed=7, recipe=recipe
            )
            folders[name] = result.folder
            print(
                json.dumps(
                    {
                        "radiologist": name,
                        "lessons": len(lessons),
                        "pairs": result.pairs,
                        "fit_seconds": round(time.monotonic() - began, 1),
                    }
                )
            )
        names = list(folders)
        for at, name in enumerate(names):
            began = time.monotonic()
            habits = Habits.of((one.chosen, one.dictation.exam) for _, one in signed[name][: options.learn])
            row = measured(signed[name][options.learn :], folders[name], folders[names[at - 1]], habits, write)
            print(json.dumps({"radiologist": name, **row, "judge_seconds": round(time.monotonic() - began, 1)}))


def signed_reports(radiologist: str, count: int, seed: int, write: Writer) -> list[tuple[Latent, Preference]]:
    """Reports as the demo's day leaves them: dictated, drafted by the base, signed in this hand."""
    reports = [dictated_report(f"night {seed} {radiologist} {at}") for at in range(count)]
    drafts = write([drafting(dictated.dictation) for _, dictated in reports], None)
    return [
        (latent, preference_of(radiologist, at, latent, dictated.dictation, draft))
        for at, ((latent, dictated), draft) in enumerate(zip(reports, drafts, strict=True))
    ]


def preference_of(radiologist: str, at: int, latent: Latent, dictation: Dictation, draft: str) -> Preference:
    signed = signed_impression(latent, radiologist)
    return Preference(
        id=f"p{at}",
        report_id=f"r{at}",
        radiologist=radiologist,
        dictation=dictation,
        coarse=draft,
        rejected=draft,
        chosen=signed,
        kind=Kind.DRAFT,
        adapter=None,
        change=change_of(dictation, draft, signed),
        edit_distance=edit_distance(draft, signed),
        signed_at=DAY + timedelta(minutes=at),
    )


def measured(
    held_out: Sequence[tuple[Latent, Preference]], own: Path, other: Path, habits: Habits, write: Writer
) -> dict[str, object]:
    """The figures the demo prints, and what the gate would say."""
    latents, reports = [latent for latent, _ in held_out], [preference for _, preference in held_out]
    prompts = [personalising(report.dictation, report.coarse) for report in reports]
    texts = {"draft": [report.coarse for report in reports], "own": write(prompts, own), "other": write(prompts, other)}
    trials: dict[str, list[Trial]] = {
        who: [try_out(r, t, habits) for r, t in zip(reports, said, strict=True)] for who, said in texts.items()
    }
    raw = {who: fmean(edit_distance(t, r.chosen) for r, t in zip(reports, said, strict=True)) for who, said in texts.items()}
    changed = {
        who: sum(bool(facts_changed(truth, text)) for truth, text in zip(latents, said, strict=True))
        for who, said in texts.items()
    }
    shown = [
        (truth, text) for truth, trial, text in zip(latents, trials["own"], texts["own"], strict=True) if not trial.fell_back
    ]
    verdict = judge(trials["own"], None, trials["draft"], trials["other"], gate=replace(Gate.rehearsal(), reports=1))
    return {
        "written": {who: round(distance, 3) for who, distance in raw.items()},
        "shown": {who: round(fmean(trial.edit_distance for trial in said), 3) for who, said in trials.items()},
        "truly_changed": changed,
        "own_words_shown": len(shown),
        "own_words_shown_truly_changed": sum(bool(facts_changed(truth, text)) for truth, text in shown),
        "fell_back": sum(trial.fell_back for trial in trials["own"]),
        "checker_says_changed": {who: sum(trial.facts_changed for trial in said) for who, said in trials.items()},
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }


def with_changes(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    """`epochs=6 rate=1e-3` over the defaults."""
    kinds = {field.name: type(getattr(recipe, field.name)) for field in fields(recipe)}
    return replace(recipe, **{name: kinds[name](value) for name, _, value in (change.partition("=") for change in changes)})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=SHIPPED_BASE)
    parser.add_argument("--learn", type=int, default=40)
    parser.add_argument("--judge", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--recipe", nargs="*", default=[], help="name=value over the defaults of trainer.fit.Recipe")
    return parser.parse_args()


if __name__ == "__main__":
    main()
