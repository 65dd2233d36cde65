"""From signed texts to a LoRA adapter: imitate first, then prefer. The only file that imports torch, TRL and PEFT.

The model first imitates what the radiologist signed (SFT); then it writes the same reports itself and learns to prefer the signed
text to what it just wrote (on-policy DPO; its SFT term keeps preference from drifting off the facts). Every night starts
from the base, never from last night's adapter: the result depends on data and seed alone, and a report can be unlearned.
Any causal language model will do; nothing here knows an architecture.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer  # type: ignore[attr-defined]

from engine.prompts import STOPS, completion
from trainer import rewards
from trainer.pairs import Example, Pair

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to cook an adapter. The defaults are measured on the shipped base (bench/night.py) and safe for larger ones."""

    rank: int = 16
    alpha: int = 32
    batch: int = 4
    steps: int = 24  #: of imitation, as far as the two below allow
    least_epochs: int = 3
    most_epochs: int = 8
    rate: float = 2e-3  #: of imitation; large because LoRA on a small base is
    rewritten: int = 24  #: latest reports the imitating model writes itself, to learn from its mistakes
    tries: int = 1  #: own texts per report, of which the worst is what preference argues against
    preference_epochs: int = 1
    preference_rate: float = 4e-4
    beta: float = 0.1  #: how far preference may move from imitation
    imitation_weight: float = 1.0  #: of the SFT term beside the preference loss
    max_tokens: int = 2048  #: of prompt and completion together; a longer report is left out, not cut

    def epochs(self, examples: int) -> int:
        """Few examples are read more often, many less; nobody's are read until they are known by heart."""
        return min(self.most_epochs, max(self.least_epochs, -(-self.steps // -(-examples // self.batch))))


@dataclass(frozen=True, slots=True)
class FitResult:
    """Where the adapter lies and how the training went."""

    folder: Path
    examples: int
    pairs: int
    imitation_loss: float
    first_preference_loss: float | None  #: ln 2 when the reference is what training starts from
    first_margin: float | None
    seconds: float


def fit(
    examples: Sequence[Example],
    pairs: Sequence[Pair],
    *,
    base_model: Path,
    out: Path,
    seed: int,
    recipe: Recipe = Recipe(),
    on_policy: bool = True,
) -> FitResult:
    """Train one adapter from the base and leave it in `out`. The same examples, seed and machine give the same bytes.

    With `on_policy`, preference is taught on what the imitating model itself writes otherwise than signed; on `pairs` if nothing.
    """
    started = time.monotonic()
    with quiet():
        tokenizer = load_tokenizer(base_model)
        examples = [one for one in examples if tokens_in(tokenizer, one.prompt, one.signed) <= recipe.max_tokens]
        pairs = [one for one in pairs if tokens_in(tokenizer, one.prompt, one.chosen, one.rejected) <= recipe.max_tokens]
        if not examples:
            raise ValueError("no report is short enough to learn from")
        imitation = imitate(examples, base_model, tokenizer, out, seed=seed, recipe=recipe)
        model = imitation.model
        if on_policy:
            mistakes = own_mistakes(model, tokenizer, examples[-recipe.rewritten :], seed=seed, tries=recipe.tries)
            pairs = mistakes or pairs[-recipe.rewritten :]
        preference = (
            prefer(model, tokenizer, pairs, out, seed=seed, recipe=recipe) if pairs and recipe.preference_epochs else None
        )
        model.save_pretrained(str(out), selected_adapters=["default"])
    first = first_log(preference) if preference else {}
    return FitResult(
        folder=out,
        examples=len(examples),
        pairs=len(pairs),
        imitation_loss=float(imitation.state.log_history[-1].get("train_loss", float("nan"))),
        first_preference_loss=first.get("loss"),
        first_margin=first.get("rewards/margins"),
        seconds=time.monotonic() - started,
    )


def teacher(
    base_model: Path, seed: int, recipe: Recipe = Recipe()
) -> Callable[[Sequence[Example], Sequence[Pair], Path], dict[str, float]]:
    """`fit` as a night asks for it: with everything settled but the lesson, and figures for the card as its answer."""

    def teach(examples: Sequence[Example], pairs: Sequence[Pair], out: Path) -> dict[str, float]:
        result = fit(examples, pairs, base_model=base_model, out=out, seed=seed, recipe=recipe)
        figures = {name: value for name, value in asdict(result).items() if isinstance(value, int | float)}
        return {**figures, "seed": seed, **{f"recipe_{name}": value for name, value in asdict(recipe).items()}}

    return teach


def imitate(examples: Sequence[Example], base_model: Path, tokenizer: Any, out: Path, *, seed: int, recipe: Recipe) -> Any:
    """SFT on the signed texts, loss on the completion alone."""
    rows = [{"prompt": one.prompt, "completion": completion(one.signed)} for one in examples]
    transformers.set_seed(seed)
    trainer = SFTTrainer(
        model=load_base(base_model),
        processing_class=tokenizer,
        train_dataset=datasets.Dataset.from_list(rows),
        peft_config=LoraConfig(r=recipe.rank, lora_alpha=recipe.alpha, target_modules="all-linear", task_type="CAUSAL_LM"),
        args=SFTConfig(
            **common(out, seed, recipe),
            num_train_epochs=recipe.epochs(len(rows)),
            learning_rate=recipe.rate,
            warmup_steps=2,
            completion_only_loss=True,
        ),
    )
    trainer.train()
    return trainer


def prefer(model: Any, tokenizer: Any, pairs: Sequence[Pair], out: Path, *, seed: int, recipe: Recipe) -> Any:
    """DPO from where imitation ended, which is also the reference; the SFT term holds on to the signed text."""
    rows = [{"prompt": one.prompt, "chosen": completion(one.chosen), "rejected": completion(one.rejected)} for one in pairs]
    transformers.set_seed(seed)
    trainer = DPOTrainer(
        model=model,
        processing_class=tokenizer,
        train_dataset=datasets.Dataset.from_list(rows),
        args=DPOConfig(
            **common(out, seed, recipe),
            num_train_epochs=recipe.preference_epochs,
            learning_rate=recipe.preference_rate,
            beta=recipe.beta,
            loss_type=["sigmoid", "sft"],
            loss_weights=[1.0, recipe.imitation_weight],
            precompute_ref_log_probs=True,
        ),
    )
    trainer.train()
    return trainer


def own_mistakes(model: Any, tokenizer: Any, examples: Sequence[Example], *, seed: int, tries: int) -> list[Pair]:
    """The worst of what the imitating model writes, where somebody signed otherwise."""
    longest = max(tokens_in(tokenizer, completion(one.signed)) for one in examples)
    transformers.set_seed(seed)
    prompts = [one.prompt for one in examples for _ in range(tries)]
    said = write(model, tokenizer, prompts, max_tokens=longest + 16, temperature=0.7)
    pairs = []
    for at, one in enumerate(examples):
        texts = said[at * tries : (at + 1) * tries]
        text = texts[rewards.worst(one.dictation, one.signed, texts)]
        if text and text.split() != one.signed.split():
            pairs.append(Pair(one.prompt, one.signed, text))
    return pairs


def tokens_in(tokenizer: Any, *texts: str) -> int:
    return sum(len(tokenizer(text).input_ids) for text in texts)


class Writer:
    """Writes impressions in batches, greedily, with an adapter merged into the base: how a night judges. The day uses vLLM."""

    def __init__(self, base_model: Path, max_tokens: int = 192) -> None:
        self.base_model = base_model
        self.max_tokens = max_tokens

    def __call__(self, prompts: Sequence[str], adapter: Path | None) -> list[str]:
        """One impression per prompt, by the base alone or with the adapter in that folder."""
        with quiet():
            model = load_base(self.base_model)
            if adapter:
                model = PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
            return write(model, load_tokenizer(self.base_model), prompts, max_tokens=self.max_tokens)


def write(
    model: Any, tokenizer: Any, prompts: Sequence[str], *, max_tokens: int, temperature: float = 0.0, batch: int = 32
) -> list[str]:
    """One continuation per prompt, in the order of the prompts; alike lengths go together so that little padding is computed."""
    texts: dict[int, str] = {}
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    sampling: dict[str, Any] = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    model.eval()
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        tokens = tokenizer([prompts[i] for i in chosen], return_tensors="pt", padding=True, padding_side="left").to(model.device)
        tokens.pop("token_type_ids", None)
        with torch.inference_mode():
            out = model.generate(**tokens, max_new_tokens=max_tokens, pad_token_id=tokenizer.pad_token_id, **sampling)
        said = tokenizer.batch_decode(out[:, tokens["input_ids"].shape[1] :], skip_special_tokens=True)
        texts.update((i, until_stop(text)) for i, text in zip(chosen, said, strict=True))
    return [texts[i] for i in range(len(prompts))]


def until_stop(text: str) -> str:
    """As vLLM is told to: an impression ends where the model goes on with the next part of the form."""
    return text[: min((at for at in map(text.find, STOPS) if at >= 0), default=len(text))].strip()


def load_tokenizer(base_model: Path) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(str(base_model))
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def load_base(base_model: Path) -> Any:
    """On a GPU in bfloat16; on a CPU in float32, from which autocast trains a third faster than from bfloat16."""
    on_gpu = torch.cuda.is_available()
    model: Any = AutoModelForCausalLM.from_pretrained(str(base_model), dtype=torch.bfloat16 if on_gpu else torch.float32)
    return model.to("cuda") if on_gpu else model


def common(out: Path, seed: int, recipe: Recipe) -> dict[str, Any]:
    """What both trainings share; the log stays empty because it would quote nothing but numbers the card has anyway."""
    return {
        "output_dir": str(out),
        "seed": seed,
        "data_seed": seed,
        "per_device_train_batch_size": recipe.batch,
        "max_length": recipe.max_tokens,
        "use_cpu": not torch.cuda.is_available(),
        "bf16": True,
        "gradient_checkpointing": False,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "lr_scheduler_type": "cosine",
        "weight_decay": 0.0,
    }


def first_log(trainer: Any) -> dict[str, float]:
    return next((line for line in trainer.state.log_history if "loss" in line), {})


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, no advice and no model hub: a night talks through its record."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    transformers.utils.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield
