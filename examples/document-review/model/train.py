"""Trains the clause reviewer from scratch: tokenizer, Llama-architecture decoder, optimiser.

    python train.py --seed 7 --steps 5600 --out build

writes `build/tokenizer.json` and `build/checkpoint.pt`; `export.py` makes the GGUF file of them.
Data comes from `clauses.py` and `dialogues.py`; the loss counts the assistant's tokens only.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Final

import jinja2
import torch
from clauses import clauses
from dialogues import Example, make_example
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn import functional

PAD, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
MARKS: Final = ("<tool_call>", "</tool_call>")
TEMPLATE: Final = Path(__file__).with_name("chat_template.jinja")
IGNORED: Final = -100


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The model's dimensions, named as GGUF names them."""

    vocabulary: int = 1536
    embedding: int = 192
    blocks: int = 6
    heads: int = 6
    feed_forward: int = 512
    context: int = 1024
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5


def chat_template() -> jinja2.Template:
    """The template that also goes into the GGUF file, so that training sees what serving sends."""
    return jinja2.Environment(autoescape=False).from_string(TEMPLATE.read_text())


def examples(rng: Random) -> Iterator[Example]:
    """Training examples without end; none is about a held-out clause."""
    for clause in clauses(rng, held_out=False):
        yield make_example(rng, clause)


def rendered(rng: Random, count: int) -> list[str]:
    """`count` training examples as text."""
    template, source = chat_template(), examples(rng)
    batch = (next(source) for _ in range(count))
    return [template.render(messages=each.messages, tools=each.tools) for each in batch]


def train_tokenizer(rng: Random, *, size: int, samples: int = 20_000) -> Tokenizer:
    """Byte-level BPE that llama.cpp knows as `smollm`: digits apart, then GPT-2's pattern."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(MARKS),
        special_tokens=[PAD, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    marks = (*MARKS, PAD, TURN_START, TURN_END)
    texts = rendered(rng, samples)
    for mark in marks:
        texts = [text.replace(mark, "\n") for text in texts]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(mark, normalized=False) for mark in MARKS])
    return tokenizer


class Block(nn.Module):
    """One decoder block: RMSNorm, causal attention with RoPE, RMSNorm, SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.embedding, shape.feed_forward
        self.heads = shape.heads
        self.attn_norm = nn.RMSNorm(width, eps=shape.norm_epsilon)
        self.attn_qkv = nn.Linear(width, 3 * width, bias=False)
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_norm = nn.RMSNorm(width, eps=shape.norm_epsilon)
        self.ffn_gate_up = nn.Linear(width, 2 * inner, bias=False)
        self.ffn_down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        rows, length, width = x.shape
        qkv = self.attn_qkv(self.attn_norm(x)).view(rows, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(
            _rotated(query, cos, sin), _rotated(key, cos, sin), value, is_causal=True
        )
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(rows, length, width))
        gate, up = self.ffn_gate_up(self.ffn_norm(x)).chunk(2, dim=-1)
        return x + self.ffn_down(functional.silu(gate) * up)


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE on neighbouring pairs, the order in which llama.cpp's `llama` architecture rotates."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Decoder(nn.Module):
    """A Llama-architecture decoder with tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.embedding)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.output_norm = nn.RMSNorm(shape.embedding, eps=shape.norm_epsilon)
        half = shape.embedding // shape.heads // 2
        speeds = shape.rope_base ** (-torch.arange(half) / half)
        angles = torch.arange(shape.context)[:, None] * speeds
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                deep = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * shape.blocks) if deep else 0.02)

    def forward(self, tokens: Tensor, wanted: Tensor) -> Tensor:
        """Logits at the `wanted` positions (a mask shaped like `tokens`): (count, vocabulary)."""
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, cos, sin)
        return functional.linear(self.output_norm(x[wanted]), self.token_embd.weight)


def labelled(ids: list[int], opening: list[int], end: int) -> list[int]:
    """The next-token targets: what the assistant says up to and with its turn's end, else -100."""
    targets, speaking = [IGNORED] * len(ids), False
    for position, token in enumerate(ids):
        if speaking:
            targets[position - 1] = token
            speaking = token != end
        elif ids[max(0, position + 1 - len(opening)) : position + 1] == opening:
            speaking = True
    return targets


def batches(
    tokenizer: Tokenizer, rng: Random, *, tokens: int, pool: int = 2048
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of about `tokens` tokens without end; each holds examples of like length."""
    opening = tokenizer.encode(f"{TURN_START}assistant\n").ids
    end, pad = tokenizer.token_to_id(TURN_END), tokenizer.token_to_id(PAD)
    while True:
        encoded = sorted(
            (each.ids for each in tokenizer.encode_batch(rendered(rng, pool))), key=len
        )
        groups: list[list[list[int]]] = [[]]
        for ids in encoded:
            if (len(groups[-1]) + 1) * len(ids) > tokens:
                groups.append([])
            groups[-1].append(ids)
        rng.shuffle(groups)
        for group in groups:
            width = max(map(len, group))
            rows = [ids + [pad] * (width - len(ids)) for ids in group]
            targets = [
                labelled(ids, opening, end) + [IGNORED] * (width - len(ids)) for ids in group
            ]
            yield torch.tensor(rows), torch.tensor(targets)


def learning_rate(progress: float, *, peak: float, warmup: float = 0.02) -> float:
    """Linear warm-up, then a cosine down to a twentieth of the peak; `progress` is 0 to 1."""
    if progress < warmup:
        return peak * (progress + 1e-3) / warmup
    cosine = (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2
    return peak * (0.05 + 0.95 * cosine)


def optimiser(model: Decoder, *, peak: float) -> torch.optim.AdamW:
    """AdamW that decays matrices but not norms."""
    matrices = [weight for weight in model.parameters() if weight.dim() == 2]
    norms = [weight for weight in model.parameters() if weight.dim() != 2]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98))


def fit(
    model: Decoder, source: Iterator[tuple[Tensor, Tensor]], options: argparse.Namespace
) -> int:
    """Trains until the steps, or else the minutes, are spent; the number of steps done."""
    optimizer, began, step = optimiser(model, peak=options.peak), time.monotonic(), 0
    while True:
        spent = (time.monotonic() - began) / 60
        progress = step / options.steps if options.steps else spent / options.minutes
        if progress >= 1:
            return step
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(progress, peak=options.peak)
        tokens, targets = next(source)
        wanted = targets != IGNORED
        with torch.autocast("cpu", torch.bfloat16):
            loss = functional.cross_entropy(model(tokens, wanted), targets[wanted])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step} minute {spent:.1f} loss {loss.item():.4f}", flush=True)
        step += 1


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--steps", type=int, default=0, help="stop after so many steps")
    parser.add_argument("--minutes", type=float, default=30.0, help="stop then, if no --steps")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--peak", type=float, default=1.5e-3, help="the highest learning rate")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build"))
    return parser.parse_args()


def main() -> None:
    """Trains and saves what `export.py` needs."""
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    rng, shape = Random(options.seed), Shape()
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(rng, size=shape.vocabulary)
    tokenizer.save(str(options.out / "tokenizer.json"))
    model = Decoder(shape)
    print(f"parameters {sum(weight.numel() for weight in model.parameters())}", flush=True)
    steps = fit(model, batches(tokenizer, rng, tokens=options.batch_tokens), options)
    saved = {"shape": asdict(shape), "weights": model.state_dict(), "steps": steps}
    torch.save(saved | {"seed": options.seed}, options.out / "checkpoint.pt")
    print(f"done: {steps} steps", flush=True)


if __name__ == "__main__":
    main()
