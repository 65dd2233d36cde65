"""Claim: on the shipped base, an adapter learned from a few signed reports halves what is left to edit, and changes no facts.

`python -m bench.base_model --signed 25 --later 40` trains one LoRA per radiologist of the demo in plain PEFT, writes later reports
with no adapter, with their own and with a colleague's, and compares with what they sign. The nightly trainer is measured elsewhere;
this says what the base model itself allows.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from demo.dictation import Dictated, Latent, dictated_report
from demo.score_base import write
from demo.styles import RADIOLOGISTS, signed_impression
from demo.truth import facts_changed
from engine.prompts import completion, drafting, personalising
from feedback.edits import edit_distance
from settings import SHIPPED_BASE

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main() -> None:
    """Draft once, then one adapter per radiologist; every figure is printed as JSON."""
    options = _options()
    torch.manual_seed(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(options.base)
    base = AutoModelForCausalLM.from_pretrained(options.base, dtype=torch.float32)
    names = list(RADIOLOGISTS)
    signed = {name: [dictated_report(f"{options.seed}/{name}/signed {n}") for n in range(options.signed)] for name in names}
    later = {name: [dictated_report(f"{options.seed}/{name}/later {n}") for n in range(options.later)] for name in names}
    drafts = {name: _draft(base, tokenizer, signed[name] + later[name]) for name in names}
    model = get_peft_model(base, _lora(options), adapter_name=names[0])
    for name in names[1:]:
        model.add_adapter(name, _lora(options))
    seconds = {}
    for name in names:
        model.set_adapter(name)
        seconds[name] = _learn(model, tokenizer, name, signed[name], drafts[name][: options.signed], options)
    for place, name in enumerate(names):
        own_drafts = drafts[name][options.signed :]
        prompts = [personalising(dictated.dictation, draft) for (_, dictated), draft in zip(later[name], own_drafts, strict=True)]
        texts = {"draft": own_drafts}
        for label, adapter in (("own", name), ("other", names[(place + 1) % len(names)])):
            model.set_adapter(adapter)
            texts[label] = write(model, tokenizer, prompts)
        print(json.dumps(_figures(name, later[name], texts) | {"seconds": round(seconds[name], 1)}), flush=True)
        if options.show:
            _show(name, later[name], texts)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.base_model")
    parser.add_argument("--base", default=str(SHIPPED_BASE))
    parser.add_argument("--signed", type=int, default=25, help="signed reports to learn from")
    parser.add_argument("--later", type=int, default=40, help="later reports to measure on")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", type=int, default=0, help="examples to print per radiologist")
    return parser.parse_args()


def _lora(options: argparse.Namespace) -> LoraConfig:
    return LoraConfig(r=options.rank, lora_alpha=2 * options.rank, target_modules=LINEAR, task_type="CAUSAL_LM")


def _draft(base: Any, tokenizer: Any, reports: list[tuple[Latent, Dictated]]) -> list[str]:
    return write(base, tokenizer, [drafting(dictated.dictation) for _, dictated in reports], stop="\nIMPRESSION")


def _learn(
    model: Any, tokenizer: Any, name: str, reports: list[tuple[Latent, Dictated]], drafts: list[str], options: argparse.Namespace
) -> float:
    """Supervised learning on the signed text; returns the seconds it took."""
    started = time.monotonic()
    lessons = []
    for (latent, dictated), draft in zip(reports, drafts, strict=True):
        prompt: list[int] = tokenizer(personalising(dictated.dictation, draft))["input_ids"]
        said: list[int] = tokenizer(completion(signed_impression(latent, name)))["input_ids"] + [tokenizer.eos_token_id]
        lessons.append((prompt, said))
    optimizer = torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad], lr=options.rate, weight_decay=0.0
    )
    rng = random.Random(options.seed)
    steps = options.epochs * -(-len(lessons) // options.batch)
    step = 0
    model.train()
    for _ in range(options.epochs):
        rng.shuffle(lessons)
        for start in range(0, len(lessons), options.batch):
            for group in optimizer.param_groups:
                group["lr"] = options.rate * min(1.0, (step + 1) / 3) * (1 - step / steps)
            _loss(model, lessons[start : start + options.batch]).backward()
            optimizer.step()
            optimizer.zero_grad()
            step += 1
    return time.monotonic() - started


def _loss(model: Any, lessons: list[tuple[list[int], list[int]]]) -> torch.Tensor:
    longest = max(len(prompt) + len(said) for prompt, said in lessons)
    ids = torch.tensor([prompt + said + [0] * (longest - len(prompt) - len(said)) for prompt, said in lessons])
    labels = torch.tensor(
        [[-100] * len(prompt) + said + [-100] * (longest - len(prompt) - len(said)) for prompt, said in lessons]
    )
    logits = model(input_ids=ids[:, :-1]).logits
    return functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def _figures(name: str, reports: list[tuple[Latent, Dictated]], texts: dict[str, list[str]]) -> dict[str, object]:
    found: dict[str, object] = {"radiologist": name}
    for label, written in texts.items():
        distances = [
            edit_distance(text, signed_impression(latent, name)) for (latent, _), text in zip(reports, written, strict=True)
        ]
        changed = [bool(facts_changed(latent, text)) for (latent, _), text in zip(reports, written, strict=True)]
        found[label] = round(sum(distances) / len(distances), 3)
        found[f"{label}_facts_changed"] = round(sum(changed) / len(changed), 3)
    return found


def _show(name: str, reports: list[tuple[Latent, Dictated]], texts: dict[str, list[str]]) -> None:
    for number in range(3):
        latent, dictated = reports[number]
        print(Path(name), dictated.findings, *(f"{label}: {written[number]}" for label, written in texts.items()), sep="\n  ")
        print("  signed:", signed_impression(latent, name), "\n ", facts_changed(latent, texts["own"][number]))


if __name__ == "__main__":
    main()
