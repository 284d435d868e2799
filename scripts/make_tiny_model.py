#!/usr/bin/env python3
"""Makes tiny language models with random weights, for tests.

    make_tiny_model.py OUTDIR [--only NAME] [--formats F32,Q4_0,...]

Three models, each in F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q8_0, Q4_K, Q5_K and Q6_K as OUTDIR/NAME-FORMAT.gguf:

    tiny-llama      llama; byte-level BPE with merges, ChatML template, tied embedding, 4 heads over 2
    tiny-llama-spm  llama; SentencePiece-type vocabulary with byte fallback, own output matrix, 8 heads over 2,
                    per-dimension rope factors (rope_freqs.weight)
    tiny-gemma3     gemma3; sliding window 16 in five layers of six, q/k norms, post norms, scaled embedding

tiny-llama and tiny-gemma3 also come as OUTDIR/NAME-mlx-4bit/ (safetensors, MLX's affine 4-bit groups of 32).

Needs nothing beyond the standard library. The bytes depend on this file alone: weights come from SHAKE-128 and
are made by exactly rounded arithmetic. Every format holds the same weights, rounded its own way, so a test may
compare the formats with each other. The models know nothing, but their logits spread over several units.
"""

import argparse
import hashlib
import json
import os
import re
import struct
import sys
from array import array
from pathlib import Path

FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]

# --------------------------------------------------------------------------------------------- weights


def little(a):
    """The little-endian bytes of an array."""
    if sys.byteorder == "big":
        a = array(a.typecode, a)
        a.byteswap()
    return a.tobytes()


def random_f32(name, count, std, mean=0.0):
    """`count` f32 values of the given spread; a function of the name alone (sum of two uniform draws)."""
    raw = array("h")
    raw.frombytes(hashlib.shake_128(f"mlx-arm tiny model: {name}".encode()).digest(4 * count))
    if sys.byteorder == "big":
        raw.byteswap()
    scale = std / 26755.0  # the deviation of the sum of two uniform 16-bit numbers
    return array("f", [mean + (a + b) * scale for a, b in zip(raw[::2], raw[1::2])])


def f16(x):
    """x rounded to half precision."""
    return struct.unpack("<e", struct.pack("<e", x))[0]


def clamp(q, low, high):
    return low if q < low else high if q > high else q


def nearest(x):
    """Rounds halves up: the same everywhere, unlike the C library's choice."""
    n = int(x + 0.5) if x >= -0.5 else -int(0.5 - x)
    return n


# Block encoders: a list of 32 (or 256) floats to the block's bytes, in the layout of the GGUF types.


def nibbles(q):
    """Element i in the low half of byte i, element i + n/2 in the high half."""
    half = len(q) // 2
    return bytes([a | (b << 4) for a, b in zip(q[:half], q[half:])])


def enc_q4_0(x):
    peak = max(x, key=abs)
    d = f16(peak / -8)
    inv = 1 / d if d else 0.0
    return struct.pack("<e", d) + nibbles([clamp(nearest(v * inv) + 8, 0, 15) for v in x])


def enc_q4_1(x):
    low = f16(min(x))
    d = f16((max(x) - low) / 15)
    inv = 1 / d if d else 0.0
    return struct.pack("<ee", d, low) + nibbles([clamp(nearest((v - low) * inv), 0, 15) for v in x])


def enc_q5_0(x):
    peak = max(x, key=abs)
    d = f16(peak / -16)
    inv = 1 / d if d else 0.0
    q = [clamp(nearest(v * inv) + 16, 0, 31) for v in x]
    high = sum((v >> 4) << i for i, v in enumerate(q))
    return struct.pack("<eI", d, high) + nibbles([v & 15 for v in q])


def enc_q8_0(x):
    d = f16(abs(max(x, key=abs)) / 127)
    inv = 1 / d if d else 0.0
    return struct.pack("<e32b", d, *[clamp(nearest(v * inv), -127, 127) for v in x])


def k_scales(x, levels):
    """The shared head of Q4_K and Q5_K: d, dmin, twelve bytes of 6-bit scales and minima; and the quants."""
    lows = [max(0.0, -min(x[i : i + 32])) for i in range(0, 256, 32)]
    steps = [(max(x[i : i + 32]) + lows[i // 32]) / levels for i in range(0, 256, 32)]
    d, dmin = f16(max(steps) / 63), f16(max(lows) / 63)
    sc = [clamp(nearest(s / d), 0, 63) if d else 0 for s in steps]
    mn = [clamp(nearest(m / dmin), 0, 63) if dmin else 0 for m in lows]
    head = struct.pack("<ee", d, dmin)
    head += bytes([sc[j] | (sc[j + 4] >> 4) << 6 for j in range(4)])
    head += bytes([mn[j] | (mn[j + 4] >> 4) << 6 for j in range(4)])
    head += bytes([sc[j] & 15 | (mn[j] & 15) << 4 for j in range(4, 8)])
    q = []
    for j in range(8):
        step, low = d * sc[j], dmin * mn[j]
        inv = 1 / step if step else 0.0
        q += [clamp(nearest((v + low) * inv), 0, levels) for v in x[32 * j : 32 * j + 32]]
    return head, q


def enc_q4_k(x):
    head, q = k_scales(x, 15)
    return head + b"".join(nibbles(q[i : i + 64]) for i in range(0, 256, 64))


def enc_q5_k(x):
    head, q = k_scales(x, 31)
    high = bytes([sum((q[32 * j + i] >> 4) << j for j in range(8)) for i in range(32)])
    return head + high + b"".join(nibbles([v & 15 for v in q[i : i + 64]]) for i in range(0, 256, 64))


def enc_q6_k(x):
    steps = [max(x[i : i + 16], key=abs) / -32 for i in range(0, 256, 16)]
    d = f16(abs(max(steps, key=abs)) / 127)
    sc = [clamp(nearest(s / d), -127, 127) if d else 0 for s in steps]
    q = []
    for j in range(16):
        inv = 1 / (d * sc[j]) if d * sc[j] else 0.0
        q += [clamp(nearest(v * inv), -32, 31) + 32 for v in x[16 * j : 16 * j + 16]]
    low, high = b"", b""
    for h in (q[:128], q[128:]):
        low += nibbles([v & 15 for v in h])
        high += bytes([sum((h[32 * k + i] >> 4) << (2 * k) for k in range(4)) for i in range(32)])
    return low + high + struct.pack("<16be", *sc, d)


def enc_f32(x):
    return little(array("f", x))


def enc_f16(x):
    return struct.pack(f"<{len(x)}e", *x)


def enc_bf16(x):
    bits = array("I")
    bits.frombytes(array("f", x).tobytes())
    return little(array("H", [(b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits]))


# name -> (GGUF type id, general.file_type, elements in a block, encoder)
TYPES = {
    "F32": (0, 0, 1, enc_f32),
    "F16": (1, 1, 1, enc_f16),
    "BF16": (30, 32, 1, enc_bf16),
    "Q4_0": (2, 2, 32, enc_q4_0),
    "Q4_1": (3, 3, 32, enc_q4_1),
    "Q5_0": (6, 8, 32, enc_q5_0),
    "Q8_0": (8, 7, 32, enc_q8_0),
    "Q4_K": (12, 14, 256, enc_q4_k),
    "Q5_K": (13, 16, 256, enc_q5_k),
    "Q6_K": (14, 18, 256, enc_q6_k),
}


def encode(fmt, data):
    block, enc = TYPES[fmt][2:]
    if block == 1:
        return enc(data)
    values = data.tolist()
    return b"".join(enc(values[i : i + block]) for i in range(0, len(values), block))


# --------------------------------------------------------------------------------------------- vocabularies

TEXT = """
The river runs slowly past the old mill, and the children run along its banks in the evening. They throw small
stones into the water and count the rings that spread towards the other side. One ring, two rings, three rings.
When the sun goes down, the miller lights a lamp in the window, and the light lies on the water like a road.
"Where does the road go?" asks the youngest. "To the sea," says the miller, "and from the sea to the clouds, and
from the clouds back to the mill." The children think about this for a while. Then they go home, because it is
late, and because there will be another evening tomorrow, and the day after tomorrow, and the day after that.
In the morning the mill begins to turn again: the wheel, the stone, the flour, the bread, the table, the day.
"""


def learn_merges(words, count):
    """Byte-pair merges of a {tuple of symbols: occurrences}, most frequent first, ties in string order."""
    merges = []
    while len(merges) < count:
        pairs = {}
        for word, n in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] = pairs.get(pair, 0) + n
        if not pairs:
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        merged = {}
        for word, n in words.items():
            out, i = [], 0
            while i < len(word):
                if word[i : i + 2] == best:
                    out.append(word[i] + word[i + 1])
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged[tuple(out)] = merged.get(tuple(out), 0) + n
        words = merged
    return merges


def byte_alphabet():
    """The printable stand-in of every byte in byte-level BPE: itself where printable, else from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table, spare = {}, 0x100
    for b in range(256):
        if b in printable:
            table[b] = chr(b)
        else:
            table[b] = chr(spare)
            spare += 1
    return table


NORMAL, UNKNOWN, CONTROL, BYTE = 1, 2, 3, 6


def bpe_vocab():
    alphabet = byte_alphabet()
    words = {}
    for w in re.findall(r" ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]+|\s+", TEXT):
        key = tuple(alphabet[b] for b in w.encode())
        words[key] = words.get(key, 0) + 1
    merges = learn_merges(words, 96)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = special + [alphabet[b] for b in sorted(alphabet, key=lambda b: alphabet[b])]
    tokens += [a + b for a, b in merges]
    return {
        "model": "gpt2",
        "pre": "smollm",
        "tokens": tokens,
        "types": [CONTROL] * len(special) + [NORMAL] * (len(tokens) - len(special)),
        "merges": [f"{a} {b}" for a, b in merges],
        "special": special,
        "bos": 1,
        "eos": 2,
        "unk": 0,
        "pad": 2,
        "add_bos": False,
        "add_space_prefix": False,
        "template": "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + "
        "'<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    }


def spm_vocab(special, bos, eos, unk, pad, add_space_prefix, template):
    """A vocabulary as SentencePiece's BPE makes it: the score of a piece is its rank, single characters last."""
    words = {}
    for w in re.findall(r" ?[^ \n]+|\n", TEXT):
        key = tuple(w.replace(" ", "\u2581"))
        words[key] = words.get(key, 0) + 1
    merges = learn_merges(words, 96)
    chars = sorted(set("".join("".join(w) for w in words)) | set("\u2581"))
    pieces = [a + b for a, b in merges] + chars
    tokens = special + [f"<0x{b:02X}>" for b in range(256)] + pieces
    types = [UNKNOWN if t == special[unk] else CONTROL for t in special] + [BYTE] * 256 + [NORMAL] * len(pieces)
    return {
        "model": "llama",
        "pre": "default",
        "tokens": tokens,
        "types": types,
        "scores": [0.0] * (len(special) + 256) + [-float(i) for i in range(len(pieces))],
        "merges": [f"{a} {b}" for a, b in merges],
        "special": special,
        "bos": bos,
        "eos": eos,
        "unk": unk,
        "pad": pad,
        "add_bos": True,
        "add_space_prefix": add_space_prefix,
        "template": template,
    }


LLAMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] "
    "+ ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}"
)
GEMMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' "
    "else message['role']) + '\n' + message['content'] + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)

# --------------------------------------------------------------------------------------------- models


def permute(data, rows, cols, heads):
    """Rows of a q or k projection in GGUF's order for llama: rope pairs side by side instead of half a head apart."""
    dim = rows // heads
    out = array("f")
    for h in range(heads):
        for i in range(dim // 2):
            for half in (0, 1):
                r = h * dim + half * (dim // 2) + i
                out += data[r * cols : (r + 1) * cols]
    return out


class Model:
    """Tensors in the order and layout of the published checkpoints, with both their names."""

    def __init__(self, name, arch, vocab, dims, tied, rope_factors=None):
        self.name, self.arch, self.vocab, self.dims, self.tied = name, arch, vocab, dims, tied
        gemma = arch == "gemma3"
        hidden, ff = dims["hidden"], dims["ff"]
        q, kv = dims["heads"] * dims["head_dim"], dims["kv_heads"] * dims["head_dim"]
        self.tensors = []  # (GGUF name, checkpoint name, shape, values, heads to permute by)
        self.rope_factors = rope_factors

        def matrix(gguf, hf, rows, cols, gain, heads=0):
            values = random_f32(f"{name} {gguf}", rows * cols, gain / cols**0.5)
            self.tensors.append((gguf, hf, (rows, cols), values, heads))

        def norm(gguf, hf, n, mean=1.0):
            self.tensors.append((gguf, hf, (n,), random_f32(f"{name} {gguf}", n, 0.1, mean), 0))

        # The gains keep the tied embedding from answering every token with itself, and the logits a few units wide.
        matrix("token_embd.weight", "model.embed_tokens.weight", len(vocab["tokens"]), hidden, 1.6 if gemma else 2.4)
        for i in range(dims["layers"]):
            g, h = f"blk.{i}.", f"model.layers.{i}."
            norm(g + "attn_norm.weight", h + "input_layernorm.weight", hidden)
            permuted = not gemma
            matrix(g + "attn_q.weight", h + "self_attn.q_proj.weight", q, hidden, 1.5, permuted * dims["heads"])
            matrix(g + "attn_k.weight", h + "self_attn.k_proj.weight", kv, hidden, 1.5, permuted * dims["kv_heads"])
            matrix(g + "attn_v.weight", h + "self_attn.v_proj.weight", kv, hidden, 1.5)
            matrix(g + "attn_output.weight", h + "self_attn.o_proj.weight", hidden, q, 1.0)
            if gemma:
                norm(g + "attn_q_norm.weight", h + "self_attn.q_norm.weight", dims["head_dim"], 1.5)
                norm(g + "attn_k_norm.weight", h + "self_attn.k_norm.weight", dims["head_dim"], 1.5)
                norm(g + "post_attention_norm.weight", h + "post_attention_layernorm.weight", hidden, 8.0)
                norm(g + "ffn_norm.weight", h + "pre_feedforward_layernorm.weight", hidden)
            else:
                norm(g + "ffn_norm.weight", h + "post_attention_layernorm.weight", hidden)
            matrix(g + "ffn_gate.weight", h + "mlp.gate_proj.weight", ff, hidden, 1.5)
            matrix(g + "ffn_up.weight", h + "mlp.up_proj.weight", ff, hidden, 1.5)
            matrix(g + "ffn_down.weight", h + "mlp.down_proj.weight", hidden, ff, 1.0)
            if gemma:
                norm(g + "post_ffw_norm.weight", h + "post_feedforward_layernorm.weight", hidden, 8.0)
        norm("output_norm.weight", "model.norm.weight", hidden)
        if not tied:
            matrix("output.weight", "lm_head.weight", len(vocab["tokens"]), hidden, 2.4)

    def metadata(self, fmt):
        """(key, type, value) in the order in which llama.cpp's converter writes them."""
        d, v, a = self.dims, self.vocab, self.arch
        rows = [
            ("general.architecture", "str", a),
            ("general.type", "str", "model"),
            ("general.name", "str", self.name),
            ("general.license", "str", "mit"),
            (f"{a}.block_count", "u32", d["layers"]),
            (f"{a}.context_length", "u32", d["context"]),
            (f"{a}.embedding_length", "u32", d["hidden"]),
            (f"{a}.feed_forward_length", "u32", d["ff"]),
            (f"{a}.attention.head_count", "u32", d["heads"]),
            (f"{a}.attention.head_count_kv", "u32", d["kv_heads"]),
            (f"{a}.rope.freq_base", "f32", d["rope_base"]),
            (f"{a}.attention.layer_norm_rms_epsilon", "f32", d["eps"]),
        ]
        if a == "gemma3":
            rows += [
                ("gemma3.attention.key_length", "u32", d["head_dim"]),
                ("gemma3.attention.value_length", "u32", d["head_dim"]),
                ("gemma3.attention.sliding_window", "u32", d["window"]),
            ]
        else:
            rows += [
                ("llama.vocab_size", "u32", len(v["tokens"])),
                ("llama.rope.dimension_count", "u32", d["head_dim"]),
            ]
        rows += [
            ("general.file_type", "u32", TYPES[fmt][1]),
            ("general.quantization_version", "u32", 2),
            ("tokenizer.ggml.model", "str", v["model"]),
            ("tokenizer.ggml.pre", "str", v["pre"]),
            ("tokenizer.ggml.tokens", "[str]", v["tokens"]),
        ]
        if "scores" in v:
            rows.append(("tokenizer.ggml.scores", "[f32]", v["scores"]))
        rows.append(("tokenizer.ggml.token_type", "[i32]", v["types"]))
        if v["model"] == "gpt2":
            rows.append(("tokenizer.ggml.merges", "[str]", v["merges"]))
        return rows + [
            ("tokenizer.ggml.bos_token_id", "u32", v["bos"]),
            ("tokenizer.ggml.eos_token_id", "u32", v["eos"]),
            ("tokenizer.ggml.unknown_token_id", "u32", v["unk"]),
            ("tokenizer.ggml.padding_token_id", "u32", v["pad"]),
            ("tokenizer.ggml.add_bos_token", "bool", v["add_bos"]),
            ("tokenizer.ggml.add_space_prefix", "bool", v["add_space_prefix"]),
            ("tokenizer.chat_template", "str", v["template"]),
        ]


def models():
    base = {"hidden": 256, "context": 512}
    yield Model(
        "tiny-llama",
        "llama",
        bpe_vocab(),
        base | {"layers": 2, "ff": 256, "heads": 4, "kv_heads": 2, "head_dim": 64, "rope_base": 10000.0, "eps": 1e-5},
        tied=True,
    )
    yield Model(
        "tiny-llama-spm",
        "llama",
        spm_vocab(["<unk>", "<s>", "</s>"], 1, 2, 0, 0, True, LLAMA_TEMPLATE),
        base | {"layers": 2, "ff": 256, "heads": 8, "kv_heads": 2, "head_dim": 32, "rope_base": 500000.0, "eps": 1e-5},
        tied=False,
        rope_factors=[1.0] * 8 + [1.5, 2.0, 3.0, 4.0] + [8.0] * 4,
    )
    yield Model(
        "tiny-gemma3",
        "gemma3",
        spm_vocab(
            ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"], 2, 1, 3, 0, False, GEMMA_TEMPLATE
        ),
        base
        | {"layers": 6, "ff": 128, "heads": 4, "kv_heads": 1, "head_dim": 32, "rope_base": 1e6, "eps": 1e-6, "window": 16},
        tied=True,
    )


# --------------------------------------------------------------------------------------------- files


def write_file(path, parts):
    """Writes beside the final name and renames, so that a half-written file never carries it."""
    tmp = path.with_name(f".{path.name}.{os.getpid()}")
    with open(tmp, "wb") as f:
        for p in parts:
            f.write(p)
    os.replace(tmp, path)


def gguf_value(kind, value):
    ids = {"u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<?")}

    def text(s):
        raw = s.encode()
        return struct.pack("<Q", len(raw)) + raw

    if kind == "str":
        return struct.pack("<I", 8) + text(value)
    if kind == "[str]":
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(text(s) for s in value)
    if kind.startswith("["):
        tag, code = ids[kind[1:-1]]
        return struct.pack("<IIQ", 9, tag, len(value)) + b"".join(struct.pack(code, v) for v in value)
    tag, code = ids[kind]
    return struct.pack("<I", tag) + struct.pack(code, value)


def write_gguf(path, model, fmt):
    metadata = model.metadata(fmt)
    tensors = []
    if model.rope_factors:
        factors = array("f", model.rope_factors)
        tensors.append(("rope_freqs.weight", "F32", (len(factors),), enc_f32(factors)))
    for gguf, _, shape, values, heads in model.tensors:
        # As llama.cpp's quantizer does: vectors stay F32, rows that are no multiple of the block take another type.
        kind = "F32" if len(shape) == 1 else fmt if shape[-1] % TYPES[fmt][2] == 0 else "Q8_0"
        if heads:
            values = permute(values, *shape, heads)
        tensors.append((gguf, kind, shape, encode(kind, values)))
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        head += struct.pack("<Q", len(key)) + key.encode() + gguf_value(kind, value)
    offset, data = 0, []
    for name, kind, shape, raw in tensors:
        head += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", len(shape))
        head += b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", TYPES[kind][0], offset)
        pad = -len(raw) % 32
        data += [raw, bytes(pad)]
        offset += len(raw) + pad
    write_file(path, [head, bytes(-len(head) % 32), *data])


def affine4(values, shape):
    """MLX's affine 4-bit quantization in groups of 32: packed words, scales and biases."""
    words, scales, biases = array("I"), [], []
    for i in range(0, len(values), 32):
        x = values[i : i + 32].tolist()
        low = f16(min(x))
        step = f16((max(x) - low) / 15) or 1.0
        q = [clamp(nearest((v - low) / step), 0, 15) for v in x]
        words.extend(sum(v << (4 * k) for k, v in enumerate(q[j : j + 8])) for j in range(0, 32, 8))
        scales.append(step)
        biases.append(low)
    rows, cols = shape
    return (
        ("U32", (rows, cols // 8), little(words)),
        ("F16", (rows, cols // 32), enc_f16(scales)),
        ("F16", (rows, cols // 32), enc_f16(biases)),
    )


def safetensors(entries):
    """entries: (name, (dtype, shape, bytes))."""
    header, offset = {"__metadata__": {"format": "mlx"}}, 0
    for name, (dtype, shape, raw) in entries:
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(raw)]}
        offset += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [struct.pack("<Q", len(text)), text, *(raw for _, (_, _, raw) in entries)]


def tokenizer_json(vocab):
    ids = {t: i for i, t in enumerate(vocab["tokens"])}
    added = [
        {"id": ids[t], "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
         "special": True}
        for t in vocab["special"]
    ]  # fmt: skip
    bpe = vocab["model"] == "gpt2"
    if bpe:
        pre = {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": True},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        ]}  # fmt: skip
        normalizer, decoder = None, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                                     "use_regex": True}  # fmt: skip
    else:
        pre, normalizer = None, {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
        decoder = {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"},
        ]}  # fmt: skip
    post = None
    if vocab["add_bos"]:
        bos = vocab["tokens"][vocab["bos"]]
        post = {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": bos, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {bos: {"id": bos, "ids": [vocab["bos"]], "tokens": [bos]}},
        }
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": normalizer,
        "pre_tokenizer": pre, "post_processor": post, "decoder": decoder,
        "model": {"type": "BPE", "dropout": None, "unk_token": None if bpe else vocab["tokens"][vocab["unk"]],
                  "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": not bpe,
                  "byte_fallback": not bpe, "ignore_merges": False, "vocab": ids, "merges": vocab["merges"]},
    }  # fmt: skip


def write_mlx(folder, model):
    d, v = model.dims, model.vocab
    gemma = model.arch == "gemma3"
    entries = []
    for _, hf, shape, values, _ in model.tensors:
        if len(shape) == 1:
            # Gemma's checkpoints hold the norm weight less one, and its layers add the one.
            entries.append((hf, ("F16", shape, enc_f16([x - gemma for x in values]))))
        else:
            stem = hf.removesuffix("weight")
            for suffix, entry in zip(("weight", "scales", "biases"), affine4(values, shape)):
                entries.append((stem + suffix, entry))
    config = {
        "model_type": "gemma3_text" if gemma else "llama",
        "architectures": ["Gemma3ForCausalLM" if gemma else "LlamaForCausalLM"],
        "hidden_size": d["hidden"],
        "num_hidden_layers": d["layers"],
        "intermediate_size": d["ff"],
        "num_attention_heads": d["heads"],
        "num_key_value_heads": d["kv_heads"],
        "head_dim": d["head_dim"],
        "rms_norm_eps": d["eps"],
        "rope_theta": d["rope_base"],
        "vocab_size": len(v["tokens"]),
        "max_position_embeddings": d["context"],
        "tie_word_embeddings": model.tied,
        "bos_token_id": v["bos"],
        "eos_token_id": v["eos"],
        "pad_token_id": v["pad"],
        "torch_dtype": "float16",
        "quantization": {"group_size": 32, "bits": 4},
    }
    if gemma:
        config |= {
            "sliding_window": d["window"],
            "sliding_window_pattern": 6,
            "query_pre_attn_scalar": d["head_dim"],
            "rope_global_base_freq": d["rope_base"],
            "rope_local_base_freq": 10000.0,
        }
    names = {k: v["tokens"][v[k[:3]]] for k in ("bos_token", "eos_token", "unk_token", "pad_token")}
    settings = names | {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": v["template"],
        "clean_up_tokenization_spaces": False,
        "model_max_length": d["context"],
    }
    folder.mkdir(parents=True, exist_ok=True)
    for file, content in (
        ("config.json", config),
        ("tokenizer.json", tokenizer_json(v)),
        ("tokenizer_config.json", settings),
    ):
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_file(folder / file, [text.encode()])
    write_file(folder / "model.safetensors", safetensors(entries))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--only", metavar="NAME", help="make this model alone")
    parser.add_argument("--formats", default=",".join(FORMATS), help="GGUF types, comma separated (default: all)")
    args = parser.parse_args()
    formats = [f for f in args.formats.split(",") if f]
    for f in formats:
        if f not in TYPES:
            parser.error(f"unknown format {f}; known: {', '.join(FORMATS)}")
    chosen = [m for m in models() if args.only in (None, m.name)]
    if not chosen:
        parser.error(f"no model is called {args.only}")
    args.outdir.mkdir(parents=True, exist_ok=True)
    for model in chosen:
        for fmt in formats:
            write_gguf(args.outdir / f"{model.name}-{fmt}.gguf", model, fmt)
        if model.name != "tiny-llama-spm":
            write_mlx(args.outdir / f"{model.name}-mlx-4bit", model)


if __name__ == "__main__":
    main()
