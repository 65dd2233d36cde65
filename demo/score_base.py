"""How well a base model writes: greedy impressions of unseen reports, compared with the truth behind them."""

from __future__ import annotations

from typing import Any, TypedDict

import torch

from demo.dictation import Latent, dictated_report
from demo.truth import fact_f1, facts_changed
from engine.prompts import drafting, personalising

LONGEST = 220  # tokens of an impression; a text that reaches it has not ended by itself


class Score(TypedDict):
    """Means over the reports; `fine` is the pass after the draft, in a hand of the model's choosing."""

    reports: int
    draft_f1: float
    draft_changed: float  #: share of drafts with any fact changed
    fine_f1: float
    fine_changed: float
    loops: int  #: texts that did not end by themselves, or say one sentence three times


def score(model: Any, tokenizer: Any, seeds: list[str]) -> Score:
    """Draft and fine pass for each of these unseen reports."""
    reports = [dictated_report(seed) for seed in seeds]
    latents = [latent for latent, _ in reports]
    drafts = write(model, tokenizer, [drafting(dictated.dictation) for _, dictated in reports], stop="\nIMPRESSION")
    fines = write(
        model, tokenizer, [personalising(dictated.dictation, draft) for (_, dictated), draft in zip(reports, drafts, strict=True)]
    )
    return Score(
        reports=len(seeds),
        draft_f1=_mean_f1(latents, drafts),
        draft_changed=_share_changed(latents, drafts),
        fine_f1=_mean_f1(latents, fines),
        fine_changed=_share_changed(latents, fines),
        loops=sum(_loops(tokenizer, text) for text in drafts + fines),
    )


def write(model: Any, tokenizer: Any, prompts: list[str], stop: str = "", batch: int = 64) -> list[str]:
    """Greedy continuations, cut at `stop`; prompts of like length are written together."""
    model.eval()
    texts = [""] * len(prompts)
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        inputs = tokenizer([prompts[index] for index in chosen], return_tensors="pt", padding=True, padding_side="left")
        inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            written = model.generate(**inputs, max_new_tokens=LONGEST, do_sample=False, pad_token_id=tokenizer.pad_token_id)
        for index, ids in zip(chosen, written[:, inputs["input_ids"].shape[1] :], strict=True):
            text = tokenizer.decode(ids, skip_special_tokens=True)
            texts[index] = (text.split(stop)[0] if stop else text).strip()
    return texts


def _mean_f1(latents: list[Latent], texts: list[str]) -> float:
    return round(sum(fact_f1(latent, text) for latent, text in zip(latents, texts, strict=True)) / len(texts), 4)


def _share_changed(latents: list[Latent], texts: list[str]) -> float:
    return round(sum(bool(facts_changed(latent, text)) for latent, text in zip(latents, texts, strict=True)) / len(texts), 4)


def _loops(tokenizer: Any, text: str) -> bool:
    sentences = [sentence for sentence in text.replace("\n", " ").split(". ") if len(sentence) > 12]
    return len(tokenizer(text)["input_ids"]) >= LONGEST - 2 or any(sentences.count(sentence) >= 3 for sentence in sentences)
