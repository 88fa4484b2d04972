"""Writes the trained model as one GGUF file that llama.cpp serves: weights, tokenizer, template.

python export.py --build build --out clause-reviewer.gguf
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import gguf
import numpy as np
import torch
from train import MARKS, PAD, TEMPLATE, TURN_END, TURN_START, Shape

ARCHITECTURE: Final = "llama"
Weights = dict[str, np.ndarray]


def tensors(state: dict[str, torch.Tensor]) -> Weights:
    """The checkpoint's weights under GGUF's names, the fused matrices taken apart."""
    weights: Weights = {}
    for name, value in state.items():
        array = value.float().numpy()
        if ".attn_qkv." in name:
            parts = np.split(array, 3)
            names = [name.replace("attn_qkv", f"attn_{part}") for part in "qkv"]
        elif ".ffn_gate_up." in name:
            parts = np.split(array, 2)
            names = [name.replace("ffn_gate_up", part) for part in ("ffn_gate", "ffn_up")]
        else:
            parts, names = [array], [name]
        weights.update(zip(names, parts, strict=True))
    return weights


def add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """The dimensions that llama.cpp builds the model from."""
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.embedding)
    writer.add_block_count(shape.blocks)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.embedding // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_epsilon)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def token_kind(token: str) -> gguf.TokenType:
    """Turn marks are control tokens, never shown; the tool-call marks are text of one token."""
    if token in (PAD, TURN_START, TURN_END):
        return gguf.TokenType.CONTROL
    return gguf.TokenType.USER_DEFINED if token in MARKS else gguf.TokenType.NORMAL


def add_tokenizer(writer: gguf.GGUFWriter, saved: dict[str, Any]) -> None:
    """The byte-level BPE tokenizer, its special tokens and the chat template."""
    ids = dict(saved["model"]["vocab"])
    ids |= {added["content"]: added["id"] for added in saved["added_tokens"]}
    tokens = sorted(ids, key=ids.__getitem__)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([token_kind(token) for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in saved["model"]["merges"]])
    writer.add_bos_token_id(ids[PAD])
    writer.add_pad_token_id(ids[PAD])
    writer.add_eos_token_id(ids[TURN_END])
    writer.add_eot_token_id(ids[TURN_END])
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE.read_text())


def add_weights(writer: gguf.GGUFWriter, weights: Weights) -> None:
    """Matrices as Q8_0 (8.5 bits a weight), norms as they are."""
    kind = gguf.GGMLQuantizationType.Q8_0
    for name, array in weights.items():
        if array.ndim == 2:
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, np.ascontiguousarray(array, dtype=np.float32))


def write(build: Path, out: Path) -> None:
    """Writes the GGUF file from `build/checkpoint.pt` and `build/tokenizer.json`."""
    checkpoint = torch.load(build / "checkpoint.pt", weights_only=True)
    writer = gguf.GGUFWriter(out, ARCHITECTURE)
    writer.add_name("clause-reviewer")
    writer.add_description("Toy contract-clause reviewer, trained from scratch on made-up clauses")
    writer.add_license("apache-2.0")
    add_shape(writer, Shape(**checkpoint["shape"]))
    add_tokenizer(writer, json.loads((build / "tokenizer.json").read_text()))
    add_weights(writer, tensors(checkpoint["weights"]))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--out", type=Path, default=Path("clause-reviewer.gguf"))
    options = parser.parse_args()
    write(options.build, options.out)
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
