"""The same transformer as workloads/tiny-lm, in PyTorch: same parameter names, same first weights, same batches.

So one configuration gives the same loss curve in both up to rounding, and either reads the other's weights.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

MASK = 0xFFFFFFFF


def random_stream(*keys):
    """Counter-based randomness, number for number that of tiny-lm (src/random.ts). Yields floats in [0, 1)."""
    state = 0x2545F491
    for key in keys:
        h = ((state ^ ((key + 0x9E3779B9) & MASK)) * 0x85EBCA6B) & MASK
        h ^= h >> 13
        h = (h * 0xC2B2AE35) & MASK
        state = h ^ (h >> 16)
    while True:
        state = (state + 0x6D2B79F5) & MASK
        t = ((state ^ (state >> 15)) * (state | 1)) & MASK
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & MASK)) & MASK
        yield (t ^ (t >> 14)) / 0x1_0000_0000


class Norm(nn.Module):
    """RMS norm; its gain is a parameter of the parent, so that names match tiny-lm's."""

    def forward(self, x, gain):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * gain


class Weight(nn.ParameterDict):
    """Names a level of the parameter tree (blocks.0.attention.qkv)."""


class Block(nn.Module):
    def __init__(self, d, heads, context):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.Parameter(torch.ones(d))
        self.attention = Weight({"qkv": nn.Parameter(torch.empty(3 * d, d)), "out": nn.Parameter(torch.empty(d, d))})
        self.norm2 = nn.Parameter(torch.ones(d))
        self.mlp = Weight({"up": nn.Parameter(torch.empty(4 * d, d)), "down": nn.Parameter(torch.empty(d, 4 * d))})
        self.norm = Norm()
        # No buffer: DDP would broadcast it, and gloo has no bool.
        self.future = torch.ones(context, context).triu(1).bool()

    def forward(self, x):
        b, t, d = x.shape
        qkv = F.linear(self.norm(x, self.norm1), self.attention["qkv"])
        q, k, v = (part.view(b, t, self.heads, d // self.heads).transpose(1, 2) for part in qkv.split(d, dim=2))
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(d // self.heads)
        attended = scores.masked_fill(self.future[:t, :t], -math.inf).softmax(-1) @ v
        x = x + F.linear(attended.transpose(1, 2).reshape(b, t, d), self.attention["out"])
        up = F.linear(self.norm(x, self.norm2), self.mlp["up"])
        return x + F.linear(F.relu(up).square(), self.mlp["down"])


class Transformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        d = config["dModel"]
        self.token_embedding = nn.Parameter(torch.empty(config["vocab"], d))
        self.position_embedding = nn.Parameter(torch.empty(config["context"], d))
        blocks = (Block(d, config["heads"], config["context"]) for _ in range(config["layers"]))
        self.blocks = nn.ModuleList(blocks)
        self.final_norm = nn.Parameter(torch.ones(d))
        self.norm = Norm()

    def forward(self, inputs, targets):
        """The summed loss in nats."""
        x = self.token_embedding[inputs] + self.position_embedding[: inputs.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x, self.final_norm), self.token_embedding)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")

    def ordered_parameters(self, layers):
        """{name: parameter} in tiny-lm's order, which the first weights and the checkpoints follow."""
        present = dict(self.named_parameters())
        names = ["token_embedding", "position_embedding"]
        for layer in range(layers):
            names += [f"blocks.{layer}.{part}" for part in ("norm1", "attention.qkv", "attention.out")]
            names += [f"blocks.{layer}.{part}" for part in ("norm2", "mlp.up", "mlp.down")]
        return {name: present[name] for name in [*names, "final_norm"]}


@torch.no_grad()
def initialise(parameters, layers, seed):
    for index, (name, parameter) in enumerate(parameters.items()):
        if parameter.dim() == 1:
            continue
        deviation = 1 / math.sqrt(parameter.shape[1])
        if name.endswith("embedding"):
            deviation = 0.05
        elif name.endswith(("attention.out", "mlp.down")):
            deviation /= 4 * math.sqrt(layers)
        stream, reach = random_stream(seed, 1, index), deviation * math.sqrt(3)
        values = [(2 * next(stream) - 1) * reach for _ in range(parameter.numel())]
        parameter.copy_(torch.tensor(values, dtype=torch.float64).reshape(parameter.shape))


def batch(tokens, config, step, begin, end):
    """Sequences [begin, end) of the global batch of `step`: the same for any number of ranks."""
    context, rows = config["context"], []
    for sequence in range(begin, end):
        start = math.floor(next(random_stream(config["seed"], 2, step, sequence)) * (len(tokens) - context))
        rows.append(tokens[start : start + context + 1])
    both = torch.stack(rows).long()
    return both[:, :-1], both[:, 1:]
