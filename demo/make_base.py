"""Makes the small base model of the demo: our own text, a tokenizer, and a LLaMA trained from scratch on them.

`python -m demo.make_base --out DIR` says what happens as it happens: write reports, learn the tokenizer, train, look at unseen
reports, save. The model sees a *population* of hands after "IMPRESSION:", so that an adapter only has to say whose hand it is.
The shipped model was made in five legs with `--start` (its card tells which); the defaults are those of the last leg over as many
reports as all five, which nobody has yet measured as one run. Left out on purpose: more than one machine.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from demo.dictation import dictated_report
from demo.score_base import Score, score
from demo.styles import house_impression, impression_of, population_style
from engine.prompts import completion, drafting, personalising

VOCABULARY = 4096
PAD, END, BEGIN = "<|pad|>", "<|end|>", "<|begin|>"
TOKENS_PER_STEP = 2048


@dataclass(frozen=True, slots=True)
class Lesson:
    """One report as token ids, each with its weight in the loss."""

    ids: list[int]
    weights: list[float]


def main() -> None:
    """Write, learn to spell, train, score, save."""
    options = _options()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    say = Diary(out / "training.log")
    say(f"writing {options.reports} reports")
    tokenizer, model = begun(options)
    numbers = range(options.first, options.first + options.reports)
    lessons = [lesson_of(tokenizer, f"{options.seed}/{number}", options) for number in numbers]
    tokens = sum(len(lesson.ids) for lesson in lessons)
    say(f"{len(lessons)} reports, {tokens} tokens, longest {max(len(lesson.ids) for lesson in lessons)}")
    say(f"{sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters")
    started = time.monotonic()
    train(model, tokenizer, lessons, options, say)
    minutes = (time.monotonic() - started) / 60
    results = score(model, tokenizer, [f"unseen/{seed}" for seed in range(options.unseen)])
    say(f"unseen reports: {results}")
    save(model, tokenizer, out / "base", card(options, len(lessons), tokens, minutes, results))
    say(f"saved in {out / 'base'}")


class Diary:
    """Says a line on the screen and keeps it in a file, each with the minutes since the start."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.started = time.monotonic()

    def __call__(self, line: str) -> None:
        stamped = f"{(time.monotonic() - self.started) / 60:6.1f} min  {line}"
        print(stamped, flush=True)
        with self.file.open("a", encoding="utf-8") as diary:
            diary.write(stamped + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.make_base", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoints and the finished model (outside the repository)"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--reports", type=int, default=76_000)
    parser.add_argument("--unseen", type=int, default=256, help="unseen reports for the final score")
    parser.add_argument("--first", type=int, default=0, help="number of the first report; a continued run takes new ones")
    parser.add_argument("--start", type=Path, help="go on from this model instead of a new one")
    parser.add_argument(
        "--dictation-weight",
        type=float,
        default=0.15,
        help="how much a token of the dictation counts beside one of the impression: to learn the language, not as the task",
    )
    parser.add_argument("--draft-only", type=float, default=0.35, help="share of the reports that end after the draft")
    parser.add_argument("--rate", type=float, default=1.2e-3, help="peak learning rate of AdamW")
    parser.add_argument(
        "--muon", type=float, default=0.0, help="peak learning rate of Muon for the matrices; 0 trains all with AdamW"
    )
    parser.add_argument(
        "--compile", action=argparse.BooleanOptionalAction, default=False, help="compile the model first (needs a C++ compiler)"
    )
    parser.add_argument("--checkpoint-minutes", type=float, default=5.0)
    return parser.parse_args()


# ── text ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def parts_of(seed: str, draft_only: float) -> tuple[str, str]:
    """A report as the model will meet it: the coarse prompt, and everything that is to be said after it."""
    latent, dictated = dictated_report(seed)
    rng = random.Random(f"style {seed}")
    draft = house_impression(latent)
    prompt = drafting(dictated.dictation)
    if rng.random() < draft_only:
        return prompt, completion(draft)
    signed = impression_of(latent, population_style(rng))
    return prompt, personalising(dictated.dictation, draft)[len(prompt) :] + completion(signed)


def learn_to_spell(texts: Iterator[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE on our own text; every digit is a token, so that sizes are copied and not recalled."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END, BEGIN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        bos_token=BEGIN,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )


def lesson_of(tokenizer: Any, seed: str, options: argparse.Namespace) -> Lesson:
    prompt, said = parts_of(seed, options.draft_only)
    prompt_ids: list[int] = tokenizer(prompt)["input_ids"]
    said_ids: list[int] = tokenizer(said)["input_ids"] + [tokenizer.eos_token_id]
    return Lesson(prompt_ids + said_ids, [options.dictation_weight] * len(prompt_ids) + [1.0] * len(said_ids))


# ── training ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def begun(options: argparse.Namespace) -> tuple[Any, LlamaForCausalLM]:
    """A new tokenizer and model, or those of an earlier run."""
    if options.start is None:
        tokenizer = learn_to_spell(
            "".join(parts_of(f"{options.seed}/{number}", options.draft_only)) for number in range(min(options.reports, 6000))
        )
        return tokenizer, new_model(tokenizer)
    model = LlamaForCausalLM.from_pretrained(options.start, dtype=torch.bfloat16, attn_implementation="eager")
    return PreTrainedTokenizerFast.from_pretrained(options.start), model


def new_model(tokenizer: Any) -> LlamaForCausalLM:
    """About 12 million parameters. The vocabulary is padded to a multiple of 64."""
    config = LlamaConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=6,
        intermediate_size=1024,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="eager",  # on a CPU, the fused attention is the slower one for texts this short
    )
    return LlamaForCausalLM(config).to(torch.bfloat16)


def train(model: LlamaForCausalLM, tokenizer: Any, lessons: Sequence[Lesson], options: argparse.Namespace, say: Diary) -> None:
    """One pass over the lessons: bf16 weights for the arithmetic, fp32 copies for the steps."""
    batches = list(batched(lessons, random.Random(options.seed)))
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    masters = [weight.detach().float().clone().requires_grad_() for weight in weights]
    optimizers = optimizers_of(weights, masters, options)
    body = torch.compile(model.model, dynamic=True) if options.compile else model.model
    model.train()
    seen, since, last_saved, running = 0, time.monotonic(), time.monotonic(), 0.0
    for step, batch in enumerate(batches):
        for optimizer, peak in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = peak * schedule(step, len(batches))
        loss = loss_of(body, model.lm_head, batch)
        loss.backward()
        for weight, master in zip(weights, masters, strict=True):
            assert weight.grad is not None
            master.grad = weight.grad.float()
            weight.grad = None
        torch.nn.utils.clip_grad_norm_(masters, 1.0)
        for optimizer, _ in optimizers:
            optimizer.step()
        with torch.no_grad():
            for weight, master in zip(weights, masters, strict=True):
                weight.copy_(master)
        seen += sum(len(lesson.ids) for lesson in batch)
        running = loss.item() if step == 0 else 0.9 * running + 0.1 * loss.item()
        if step % 20 == 0:
            speed = seen / (time.monotonic() - since)
            say(f"step {step}/{len(batches)}  loss {running:.3f}  {seen / 1e6:.2f} M tokens  {speed:.0f} tokens/s")
        if time.monotonic() - last_saved > options.checkpoint_minutes * 60:
            say(f"checkpoint: {score(model, tokenizer, [f'look/{seed}' for seed in range(48)])}")
            save(model, tokenizer, options.out / "checkpoint", "A checkpoint, not the finished model.\n")
            model.train()
            last_saved = time.monotonic()


def batched(lessons: Sequence[Lesson], rng: random.Random) -> Iterator[list[Lesson]]:
    """Reports of like length together, so that little is padding; the order of the batches is drawn."""
    order = list(range(len(lessons)))
    rng.shuffle(order)
    for start in range(0, len(order), 1024):
        window = sorted(order[start : start + 1024], key=lambda index: len(lessons[index].ids))
        groups: list[list[Lesson]] = [[]]
        for index in window:
            if groups[-1] and (len(groups[-1]) + 1) * len(lessons[index].ids) > TOKENS_PER_STEP:
                groups.append([])
            groups[-1].append(lessons[index])
        rng.shuffle(groups)
        yield from groups


def optimizers_of(
    weights: Sequence[torch.Tensor], masters: Sequence[torch.Tensor], options: argparse.Namespace
) -> list[tuple[torch.optim.Optimizer, float]]:
    """AdamW for everything, or Muon for the matrices inside the layers and AdamW for the rest."""
    matrices = [master for master in masters if master.ndim == 2 and master.shape[0] < 2048] if options.muon else []
    chosen = {id(matrix) for matrix in matrices}
    rest = [master for master in masters if id(master) not in chosen]
    found: list[tuple[torch.optim.Optimizer, float]] = [
        (torch.optim.AdamW(rest, lr=options.rate, betas=(0.9, 0.95), weight_decay=0.05), options.rate)
    ]
    if matrices:
        muon = torch.optim.Muon(matrices, lr=options.muon, weight_decay=0.05, momentum=0.95, adjust_lr_fn="match_rms_adamw")
        found.append((muon, options.muon))
    return found


def schedule(step: int, steps: int) -> float:
    """Up over the first 3 %, level to the half, then down a line to one fiftieth."""
    warm, level = max(1, int(0.03 * steps)), int(0.5 * steps)
    if step < warm:
        return (step + 1) / warm
    return 1.0 if step < level else max(0.02, 1 - (step - level) / (steps - level))


def loss_of(body: Any, head: Any, batch: Sequence[Lesson]) -> torch.Tensor:
    """Weighted cross-entropy; padding stands behind the text, where causal attention never looks."""
    longest = max(len(lesson.ids) for lesson in batch)
    ids = torch.tensor([lesson.ids + [0] * (longest - len(lesson.ids)) for lesson in batch])
    weights = torch.tensor([lesson.weights + [0.0] * (longest - len(lesson.ids)) for lesson in batch])[:, 1:]
    counted = weights > 0
    logits = head(body(input_ids=ids[:, :-1]).last_hidden_state[counted])
    losses = functional.cross_entropy(logits.float(), ids[:, 1:][counted], reduction="none")
    return (losses * weights[counted]).sum() / weights.sum()


# ── keeping ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def save(model: LlamaForCausalLM, tokenizer: Any, folder: Path, readme: str) -> None:
    """Write beside, then move: whoever reads the folder sees one whole model."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    model.save_pretrained(fresh)
    tokenizer.save_pretrained(fresh)
    settings = fresh / "tokenizer_config.json"
    told = json.loads(settings.read_text(encoding="utf-8")) | {
        "tokenizer_class": "PreTrainedTokenizerFast"
    }  # known to every version
    settings.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (fresh / "README.md").write_text(readme, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def card(options: argparse.Namespace, reports: int, tokens: int, minutes: float, results: Score) -> str:
    command = (
        f"python -m demo.make_base --seed {options.seed} --reports {options.reports} --rate {options.rate} --muon {options.muon}"
    )
    if options.start is not None:
        command += f" --first {options.first} --start (the model before) --dictation-weight {options.dictation_weight}"
    leg = "" if options.start is None else ", in the last leg only: it went on from an earlier model"
    return f"""# The small base model of the demo

A LLaMA of 12 million parameters (bf16) that turns a synthetic dictation into a draft impression, and a draft into an impression in
somebody's manner. It knows nothing of real reports: **for rehearsal, tests and demonstrations only, never for a patient.**

| | |
|---|---|
| data | {reports} synthetic reports, {tokens} tokens{leg}; all written by `demo/dictation.py` and `demo/styles.py`; no text from anybody else |
| made by | `{command} --threads {options.threads} --out DIR` |
| time | {minutes:.0f} minutes on {options.threads} CPU threads |
| prompts | `engine/prompts.py`, version 1; every digit is one token |
| licence | Apache-2.0, as the project |

Scores on {options.unseen} reports it has never seen, greedy, against the latent truth (`demo/truth.py`):

```json
{json.dumps(results, indent=1)}
```
"""


if __name__ == "__main__":
    main()
