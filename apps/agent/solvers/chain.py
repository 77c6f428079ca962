"""Works out a hardware challenge on one device, by PyTorch: libs/protocol/src/challenge/challenge.plan.ts says what it is.

    chain.py DEVICE     DEVICE as PyTorch names it: cuda:0, cpu

Reads one line of JSON at a time and answers each by one line. First {"plan": {...}}: loads the device, answers
{"ready": true}. Then {"seed": hex}: works out the chain, answers {"commitment": hex}. Then {"reveal": hex}: answers
{"opening": [...]}. Ends when its input ends.
"""

import base64
import hashlib
import json
import sys

import torch

MODULUS = 251
HALF = 125


def stream(seed, purpose, count):
    """Bytes without end from a seed: SHAKE128 (FIPS 202), one stream for each purpose."""
    return hashlib.shake_128(purpose.encode() + b"\0" + seed).digest(count)


def as_tensor(data):
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)


def symmetric(values):
    """The remainder modulo 251 in -125..125, as signed bytes."""
    rest = torch.remainder(values, MODULUS)
    return torch.where(rest > HALF, rest - MODULUS, rest).to(torch.int8)


def factor(seed, side):
    data = as_tensor(stream(seed, "factor", side * side // 2))
    halves = torch.stack((data & 15, data >> 4), dim=1)
    return (halves.to(torch.int8) - 8).reshape(side, side)


def residues(seed, purpose, *shape):
    count = 1
    for n in shape:
        count *= n
    return symmetric(as_tensor(stream(seed, purpose, count)).to(torch.int32)).reshape(*shape)


def little_endian(data):
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def choose(seed, purpose, count, of):
    drawn = little_endian(stream(seed, purpose, 4 * count))
    moved = {}
    chosen = []
    for i, number in enumerate(drawn):
        j = i + number % (of - i)
        chosen.append(moved.get(j, j))
        moved[j] = moved.get(i, i)
    return sorted(chosen)


class Product:
    """A times X, exactly. On a GPU with signed bytes where PyTorch and the device have that product, else with 32-bit
    floats: a sum of side * 8 * 125 stays below 2^24, so that no float rounds, TF32 included."""

    def __init__(self, a, device, by_bytes):
        torch.backends.cuda.matmul.allow_tf32 = True
        self.by_bytes = by_bytes
        self.a = a.to(device) if by_bytes else a.to(device).to(torch.float32)

    def __call__(self, x):
        if self.by_bytes:
            return symmetric(torch._int_mm(self.a, x))
        return symmetric((self.a @ x.to(torch.float32)).to(torch.int32))


class Tree:
    """RFC 6962's hashes over a power of two of leaves."""

    def __init__(self, leaves):
        self.levels = [leaves]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            pairs = range(0, len(below), 2)
            self.levels.append([hashlib.sha256(b"\1" + below[i] + below[i + 1]).digest() for i in pairs])
        self.root = self.levels[-1][0]

    def path(self, index):
        return [level[(index >> depth) ^ 1] for depth, level in enumerate(self.levels[:-1])]


class Chain:
    def __init__(self, plan, device):
        self.plan = plan
        self.device = device
        self.by_bytes = device.type == "cuda" and hasattr(torch, "_int_mm")
        # The first product on a device loads its libraries, which nobody should be timed for.
        try:
            self.warm_up()
        except RuntimeError:
            self.by_bytes = False
            self.warm_up()

    def warm_up(self):
        zeros = torch.zeros((self.plan["side"], self.plan["side"]), dtype=torch.int8)
        Product(zeros, self.device, self.by_bytes)(zeros.to(self.device)).cpu()

    def commit(self, seed):
        side, links = self.plan["side"], self.plan["linksPerSegment"]
        product = Product(factor(seed, side), self.device, self.by_bytes)
        turns = [n % side for n in little_endian(stream(seed, "rotations", 4 * self.plan["segments"] * links))]
        x = residues(seed, "start", side, side).to(self.device)
        self.kept, self.trees = [], []
        for segment in range(self.plan["segments"]):
            for turn in turns[segment * links : (segment + 1) * links]:
                x = product(torch.roll(x, -turn, 0).contiguous())
            self.kept.append(x)
            data = x.cpu().numpy().tobytes()
            rows = [hashlib.sha256(b"\0" + data[i : i + side]).digest() for i in range(0, side * side, side)]
            self.trees.append(Tree(rows))
        self.top = Tree([tree.root for tree in self.trees])
        return self.top.root

    def open(self, reveal):
        plan, text = self.plan, lambda data: base64.b64encode(data).decode()
        side, columns = plan["side"], plan["columns"]
        segments = choose(reveal, "segments", plan["opened"], plan["segments"])
        matrices = sorted({m for s in segments for m in (s, s + 1) if m > 0})
        vectors = residues(reveal, "vectors", side, columns).to(torch.float64)
        opening = []
        for m in matrices:
            x, tree = self.kept[m - 1].cpu(), self.trees[m - 1]
            opening.append(
                {
                    "matrix": m,
                    "product": text(symmetric((x.to(torch.float64) @ vectors).to(torch.int64)).numpy().tobytes()),
                    "rowsRoot": text(tree.root),
                    "path": [text(h) for h in self.top.path(m - 1)],
                    "rows": [
                        {"bytes": text(x[row].numpy().tobytes()), "path": [text(h) for h in tree.path(row)]}
                        for row in choose(reveal, f"rows {m}", plan["rows"], side)
                    ],
                }
            )
        return opening


def main():
    device = torch.device(sys.argv[1])
    chain = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "plan" in asked:
            chain = Chain(asked["plan"], device)
            answer = {"ready": True}
        elif "seed" in asked:
            answer = {"commitment": chain.commit(bytes.fromhex(asked["seed"])).hex()}
        else:
            answer = {"opening": chain.open(bytes.fromhex(asked["reveal"]))}
        print(json.dumps(answer), flush=True)


main()
