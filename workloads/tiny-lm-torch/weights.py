"""The safetensors container, F32 only, written and read without the safetensors package.

Layout: u64 little-endian header length, JSON header, raw little-endian tensors. The reader checks that the tensors
cover the data exactly, because a checkpoint may come back over the network.
"""

import json
import math
import struct

import torch


def write_safetensors(path, tensors, metadata):
    """Writes {name: float32 tensor} in the order given. The caller syncs and renames."""
    header, offset = {"__metadata__": metadata}, 0
    for name, tensor in tensors.items():
        size = 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors.values():
            file.write(tensor.detach().contiguous().numpy().astype("<f4", copy=False).tobytes())


def read_safetensors(path):
    """Returns {name: tensor}. Raises ValueError that says what is wrong with the file."""
    with open(path, "rb") as file:
        content = file.read()
    if len(content) < 8:
        raise ValueError("file is shorter than its length field")
    (length,) = struct.unpack("<Q", content[:8])
    if length > min(len(content) - 8, 100_000_000):
        raise ValueError(f"header claims {length} bytes, more than the file or the format allows")
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    header.pop("__metadata__", None)
    tensors, covered = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end = entry["data_offsets"]
        if entry["dtype"] != "F32" or begin != covered or end - begin != 4 * math.prod(entry["shape"]):
            raise ValueError(f"tensor {name} is not F32, not adjacent or not as large as its shape")
        tensors[name] = torch.frombuffer(bytearray(data[begin:end]) or bytearray(4), dtype=torch.float32)
        tensors[name] = tensors[name][: (end - begin) // 4].reshape(entry["shape"])
        covered = end
    if covered != len(data):
        raise ValueError(f"header describes {covered} bytes of data, file holds {len(data)}")
    return tensors
