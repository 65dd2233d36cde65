"""A base model of two layers and random weights, with its own small tokenizer: enough to train an adapter on in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SENTENCES = [
    "Write the impression of this radiology report. State only what the findings support.",
    "EXAM: CT head without contrast\nFINDINGS: No hemorrhage. No mass. The ventricles are normal.\nDRAFT:",
    "There is a small left pleural effusion. Lungs are clear.\nIMPRESSION: 1. Small left effusion. 2. No acute disease.",
]


def tiny_base(folder: Path, architecture: str = "llama") -> Path:
    """`llama` or `mistral`; the same weights every time."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

    letters = Tokenizer(models.BPE())
    letters.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    letters.train_from_iterator(
        SENTENCES, trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "</s>", "<pad>"], initial_alphabet=alphabet)
    )
    wrap: Any = PreTrainedTokenizerFast
    tokenizer = wrap(tokenizer_object=letters, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    tokenizer.save_pretrained(folder)
    size: dict[str, Any] = {
        "vocab_size": 448,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 1024,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 2,
    }
    torch.manual_seed(7)
    make: Any = LlamaForCausalLM if architecture == "llama" else MistralForCausalLM
    model = make((LlamaConfig if architecture == "llama" else MistralConfig)(**size))
    model.to(torch.bfloat16).save_pretrained(folder)
    return folder
