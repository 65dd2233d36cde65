"""Small random weights: an adapter that fits a base model, and a base of another architecture, for benches and tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def random_adapter(base_model: Path, folder: Path, *, seed: int, rank: int = 8, scale: float = 0.2) -> Path:
    """A LoRA adapter of random numbers in PEFT's format, in the shapes of `base_model`; returns `folder`."""
    config = json.loads((base_model / "config.json").read_text())
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    head = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    shapes = {
        "self_attn.q_proj": (hidden, queries),
        "self_attn.k_proj": (hidden, keys),
        "self_attn.v_proj": (hidden, keys),
        "self_attn.o_proj": (queries, hidden),
        "mlp.gate_proj": (hidden, inner),
        "mlp.up_proj": (hidden, inner),
        "mlp.down_proj": (inner, hidden),
    }
    chance = np.random.default_rng(seed)
    tensors = {}
    for layer in range(config["num_hidden_layers"]):
        for name, (into, out) in shapes.items():
            stem = f"base_model.model.model.layers.{layer}.{name}"
            tensors[f"{stem}.lora_A.weight"] = (chance.standard_normal((rank, into)) * scale).astype(np.float32)
            tensors[f"{stem}.lora_B.weight"] = (chance.standard_normal((out, rank)) * scale).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "adapter_model.safetensors")
    described = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": rank,
        "lora_alpha": 2 * rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": list(LINEARS),
        "base_model_name_or_path": str(base_model),
    }
    (folder / "adapter_config.json").write_text(json.dumps(described))
    return folder


def tiny_mistral(tokenizer_of: Path, folder: Path) -> Path:
    """A Mistral of two layers and random weights that shares `tokenizer_of`'s tokenizer: nothing in the house may assume LLaMA."""
    import torch
    from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_of)
    torch.manual_seed(7)
    config = MistralConfig(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=128,  # 32 per head, the least that vLLM attends with on a CPU
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        sliding_window=None,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
    )
    MistralForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
