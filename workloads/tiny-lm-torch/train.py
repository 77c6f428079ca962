"""tiny-lm-torch: a small GPT trained by PyTorch, data-parallel over gloo, launched by torchrun.

Speaks the contract of ../README.md. Exit codes: 0 done or drained, 1 a peer was lost or the run failed,
2 configuration, text or checkpoint unusable (torchrun reports any of them as 1).
"""

import datetime
import hashlib
import json
import math
import os
import pathlib
import shutil
import signal
import sys
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from model import Transformer, batch, initialise
from weights import read_safetensors, write_safetensors

FORMAT = "commonweights.tiny-lm/1"
HERE = pathlib.Path(__file__).resolve().parent


class InputError(Exception):
    """Something outside the workload is wrong; the message is one line for the operator."""


def fail(code, reason):
    sys.stdout.flush()
    sys.stderr.write(f"tiny-lm-torch: {reason}\n")
    sys.stderr.flush()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        # Left alone, torchrun waits up to five minutes for the torchrun of the dead peer before it reports failure.
        os.kill(os.getppid(), signal.SIGTERM)
    # Not sys.exit: gloo's threads may wait for the dead peer for ever.
    os._exit(code)


def read_config(world_size):
    config = json.loads((HERE / "workload.json").read_text())["defaults"]
    if os.environ.get("CW_CONFIG"):
        try:
            config.update(json.loads(pathlib.Path(os.environ["CW_CONFIG"]).read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"cannot read CW_CONFIG: {error}") from error
    whole = ["layers", "dModel", "heads", "context", "vocab", "batchSize", "steps", "checkpointEverySteps"]
    for name in whole:
        if type(config[name]) is not int or config[name] < 1:
            raise InputError(f"CW_CONFIG.{name} must be a whole number above 0")
    for name in ["learningRate", "weightDecay", "gradientClip", "warmupSteps", "seed", "rendezvousTimeoutMs"]:
        if type(config[name]) not in (int, float) or not 0 <= config[name] < math.inf:
            raise InputError(f"CW_CONFIG.{name} must be a number, at least 0")
    if config["dModel"] % config["heads"] != 0:
        raise InputError("CW_CONFIG.dModel must be a multiple of CW_CONFIG.heads")
    if not 128 <= config["vocab"] <= 256:
        raise InputError("CW_CONFIG.vocab must be from 128 to 256")
    if config["batchSize"] < world_size:
        raise InputError(f"CW_CONFIG.batchSize is {config['batchSize']}, too small to share among {world_size} ranks")
    return config


def read_corpus(config):
    bundled = HERE.parents[1] / "node_modules" / "@stdlib" / "datasets-moby-dick" / "data" / "data.txt"
    path = pathlib.Path(os.environ.get("CW_DATA") or bundled)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the text: {error}") from error
    if len(text) <= config["context"]:
        raise InputError("the text is shorter than one context")
    tokens = torch.frombuffer(bytearray(text), dtype=torch.uint8).clamp(max=config["vocab"] - 1)
    return tokens, hashlib.sha256(text).hexdigest(), len(text)


def learning_rate_at(step, config):
    """Linear warm-up, then a cosine down to a tenth; steps count from 1."""
    warmup = config["warmupSteps"]
    if step <= warmup:
        return config["learningRate"] * step / warmup
    progress = min(1.0, (step - warmup) / max(1, config["steps"] - warmup))
    return config["learningRate"] * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))


def make_optimizer(parameters, config):
    groups = [
        {"params": [p for p in parameters.values() if p.dim() > 1], "weight_decay": config["weightDecay"]},
        {"params": [p for p in parameters.values() if p.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config["learningRate"], betas=(0.9, 0.98), eps=1e-8)


def restore(directory, parameters, optimizer, data_sha256):
    """Puts weights and moments back bit for bit; returns state.json."""
    try:
        folder = pathlib.Path(directory)
        state = json.loads((folder / "state.json").read_text())
        if state["format"] != FORMAT:
            raise ValueError(f"state.json has format {state['format']}, not {FORMAT}")
        if state["data"]["sha256"] != data_sha256:
            raise ValueError("it was trained on another text")
        weights = read_safetensors(folder / "model.safetensors")
        moments = read_safetensors(folder / "optimizer.safetensors")
        for name, parameter in parameters.items():
            if weights[name].shape != parameter.shape:
                raise ValueError(f"tensor {name} has shape {list(weights[name].shape)}")
            parameter.data.copy_(weights[name])
            optimizer.state[parameter] = {
                "step": torch.tensor(float(state["step"])),
                "exp_avg": moments[f"first_moment.{name}"].clone(),
                "exp_avg_sq": moments[f"second_moment.{name}"].clone(),
            }
        return state
    except KeyError as error:
        raise InputError(f"cannot restore from {directory}: {error} is missing") from error
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"cannot restore from {directory}: {error}") from error


def save(out, state, parameters, optimizer):
    """Drafts in a hidden folder, syncs, renames: the checkpoint folder is whole or absent."""
    name = f"checkpoints/step-{state['step']:06d}"
    target, draft = out / name, out / "checkpoints" / f".draft-{state['step']}-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    metadata = {"format": FORMAT, "step": str(state["step"])}
    write_safetensors(draft / "model.safetensors", parameters, metadata)
    moments = {f"first_moment.{key}": optimizer.state[p]["exp_avg"] for key, p in parameters.items()}
    moments.update({f"second_moment.{key}": optimizer.state[p]["exp_avg_sq"] for key, p in parameters.items()})
    write_safetensors(draft / "optimizer.safetensors", moments, metadata)
    (draft / "state.json").write_text(json.dumps(state, indent=2) + "\n")
    for path in [*draft.iterdir(), draft]:
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    return name


def ancestry():
    """Parent (torchrun) and grandparent (the agent); None where /proc does not exist."""
    parent = os.getppid()
    try:
        stat = pathlib.Path(f"/proc/{parent}/stat").read_text()
        return parent, int(stat.rsplit(")", 1)[1].split()[1])
    except (OSError, ValueError, IndexError):
        return parent, None


def train():
    rank, world_size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if not os.environ.get("CW_OUT_DIR"):
        raise InputError("CW_OUT_DIR must name a writable folder")
    out = pathlib.Path(os.environ["CW_OUT_DIR"])
    (out / "checkpoints").mkdir(parents=True, exist_ok=True)
    config = read_config(world_size)
    tokens, data_sha256, data_bytes = read_corpus(config)

    torch.set_num_threads(1)
    model = Transformer(config)
    parameters = model.ordered_parameters(config["layers"])
    initialise(parameters, config["layers"], config["seed"])
    optimizer = make_optimizer(parameters, config)
    restored = os.environ.get("CW_RESTORE_DIR")
    state = restore(restored, parameters, optimizer, data_sha256) if restored else {}
    step, seen, loss = state.get("step", 0), state.get("tokens", 0), state.get("loss", 0.0)
    hardware_flop, saved = int(state.get("hardwareFlop", "0")), state.get("step", 0)

    count = sum(p.numel() for p in parameters.values())
    layers, d, context = config["layers"], config["dModel"], config["context"]
    attention = 12 * layers * d * context
    per_step = config["batchSize"] * context
    # PyTorch computes the whole square of scores and masks it; look-ups and norms are no matrix products.
    hardware_per_step = per_step * (6 * (config["vocab"] * d + 12 * layers * d * d) + attention)

    def emit(event):
        with open(out / "events.jsonl", "a") as file:
            file.write(json.dumps(event, separators=(",", ":")) + "\n")

    emit(
        {
            "type": "start",
            "rank": rank,
            "worldSize": world_size,
            "step": step,
            "steps": config["steps"],
            "parameters": count,
            "flopPerToken": 6 * count + attention,
            "tokensPerStep": per_step,
            "dataSha256": data_sha256,
        }
    )
    asked = []
    family = ancestry() if os.environ.get("CW_LEASE_ID") else None
    if world_size > 1:
        timeout = datetime.timedelta(milliseconds=config["rendezvousTimeoutMs"])
        dist.init_process_group("gloo", timeout=timeout)
        agree(config, data_sha256, step)
    # Not before the gang is complete: until then there is nothing to save, and SIGTERM simply ends the wait.
    signal.signal(signal.SIGTERM, lambda *_: asked.append(True))
    network = DistributedDataParallel(model) if world_size > 1 else model
    begin, end = config["batchSize"] * rank // world_size, config["batchSize"] * (rank + 1) // world_size

    def checkpoint():
        nonlocal saved
        if rank != 0 or saved == step:
            return
        saved = step
        content = {
            "format": FORMAT,
            "step": step,
            "tokens": seen,
            "loss": loss,
            "hardwareFlop": str(hardware_flop),
            "rng": {"algorithm": "counter-mulberry32", "seed": config["seed"], "nextStep": step + 1},
            "data": {"sha256": data_sha256, "bytes": data_bytes},
            "parameters": count,
            "worldSize": world_size,
            "config": config,
        }
        name = save(out, content, parameters, optimizer)
        emit({"type": "checkpoint", "step": step, "tokens": seen, "loss": loss, "dir": name})

    drain = False
    while step < config["steps"] and not drain:
        if family is not None and ancestry() != family:
            fail(1, "the process that launched this workload is gone")
        started = time.monotonic()
        inputs, targets = batch(tokens, config, step + 1, begin, end)
        optimizer.zero_grad(set_to_none=True)
        summed = network(inputs, targets)
        # DDP averages over the ranks; scaled so, the average is the mean gradient of the global batch.
        (summed * (world_size / per_step)).backward()
        wants = bool(asked) or (out / "drain").exists()
        totals = torch.tensor([summed.item(), float(wants)], dtype=torch.float64)
        if world_size > 1:
            dist.all_reduce(totals)
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), config["gradientClip"] or math.inf)
        step += 1
        rate = learning_rate_at(step, config)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        loss, drain = totals[0].item() / per_step, totals[1].item() > 0
        seen += per_step
        hardware_flop += hardware_per_step
        if not math.isfinite(loss):
            fail(1, f"loss is {loss} at step {step}; lower the learning rate")
        if rank == 0:
            elapsed = round(1000 * (time.monotonic() - started))
            event = {"type": "step", "step": step, "loss": loss, "tokens": seen, "stepMs": elapsed}
            event.update(hardwareFlop=str(hardware_flop), learningRate=rate, gradientNorm=norm.item())
            emit(event)
            if step % 10 == 0 or step == 1:
                print(f"step {step}/{config['steps']} loss {loss:.4f} {elapsed} ms", flush=True)
            if step % config["checkpointEverySteps"] == 0:
                checkpoint()
    checkpoint()
    if world_size > 1:
        # Exit 0 on any rank means that rank 0 has its last checkpoint on disk.
        dist.barrier()
    if drain and step < config["steps"]:
        emit({"type": "drained", "step": step})
    elif rank == 0:
        emit({"type": "done", "step": step, "loss": loss, "tokens": seen, "hardwareFlop": str(hardware_flop)})
    sys.stdout.flush()
    os._exit(0)


def agree(config, data_sha256, step):
    """DDP copies rank 0's weights to all; but another configuration, text or step would train something else."""
    mine = hashlib.sha256(json.dumps([config, data_sha256, step], sort_keys=True).encode()).hexdigest()
    all_of_them = [None] * dist.get_world_size()
    dist.all_gather_object(all_of_them, mine)
    if len(set(all_of_them)) != 1:
        fail(2, "the ranks have different configurations, texts or checkpoints")


if __name__ == "__main__":
    try:
        train()
    except InputError as error:
        fail(2, error)
    except RuntimeError as error:
        reason = str(error).splitlines()[0][:300]
        fail(1, f"lost a peer or failed: {reason}")
    except Exception as error:  # The launcher wants one line and an exit code, whatever it was.
        fail(1, f"failed: {error!r}")
