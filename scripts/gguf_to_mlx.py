#!/usr/bin/env python3
"""Makes a folder that mlx-lm loads from a GGUF file of a llama-shaped model with a byte-level BPE tokenizer.

    gguf_to_mlx.py MODEL.gguf FOLDER [--dtype float16|bfloat16|float32]

The weights are expanded to the dtype and written as safetensors under the names that mlx-lm reads; config.json, the
tokenizer and its chat template come from the file's metadata. Nothing is fetched. Needs gguf, numpy, tokenizers.
"""

import argparse
import json
import pathlib
import struct
import sys

import gguf
import numpy as np
import tokenizers

# Names of a block's tensors there and here.
BLOCK = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def name_of(name):
    """The tensor's name for mlx-lm; an error for one that the llama architecture does not have."""
    stem, _, kind = name.rpartition(".")
    if kind in ("weight", "bias"):
        if stem in WHOLE:
            return f"{WHOLE[stem]}.{kind}"
        parts = stem.split(".")
        if len(parts) == 3 and parts[0] == "blk" and parts[2] in BLOCK:
            return f"model.layers.{parts[1]}.{BLOCK[parts[2]]}.{kind}"
    sys.exit(f"the tensor {name} has no place in a llama model")


def halves_apart(w, heads):
    """GGUF keeps the pairs of a rotation side by side; mlx-lm expects the first halves, then the second ones."""
    return w.reshape(heads, -1, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def stored(x, dtype):
    """The safetensors name of the dtype, and the bytes."""
    x = np.ascontiguousarray(x, np.float32)
    if dtype == "bfloat16":
        bits = x.view(np.uint32).astype(np.uint64)
        return "BF16", ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
    return ("F16", x.astype("<f2").tobytes()) if dtype == "float16" else ("F32", x.astype("<f4").tobytes())


def save_safetensors(path, tensors, dtype):
    header, blobs, at = {"__metadata__": {"format": "mlx"}}, [], 0
    for name, x in tensors.items():
        kind, data = stored(x, dtype)
        header[name] = {"dtype": kind, "shape": list(x.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        blobs.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.writelines(blobs)


def tokenizer(meta):
    """The `tokenizers` object of the metadata."""
    kind, pre = meta["tokenizer.ggml.model"], meta.get("tokenizer.ggml.pre")
    if kind != "gpt2" or pre not in ("smollm", "gpt-2"):
        sys.exit(f"tokenizer {kind}/{pre}: only byte-level BPE of the kinds smollm and gpt-2 is converted")
    tokens, types = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"]
    merges = [tuple(m.split(" ", 1)) for m in meta["tokenizer.ggml.merges"]]
    t = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={s: i for i, s in enumerate(tokens)}, merges=merges))
    split = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if pre == "smollm":
        split = tokenizers.pre_tokenizers.Sequence([tokenizers.pre_tokenizers.Digits(individual_digits=True), split])
    t.pre_tokenizer = split
    t.decoder = tokenizers.decoders.ByteLevel()
    control, user = 3, 4
    t.add_special_tokens([tokenizers.AddedToken(s, normalized=False, special=True) for s, k in zip(tokens, types) if k == control])
    t.add_tokens([tokenizers.AddedToken(s, normalized=False) for s, k in zip(tokens, types) if k == user])
    return t


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("--dtype", choices=("float16", "bfloat16", "float32"), default="bfloat16")
    a = p.parse_args()
    file = gguf.GGUFReader(a.model)
    meta = {k: f.contents() for k, f in file.fields.items()}
    if meta["general.architecture"] != "llama":
        sys.exit(f"architecture {meta['general.architecture']}: only llama is converted")
    heads, kv_heads = meta["llama.attention.head_count"], meta["llama.attention.head_count_kv"]
    tensors = {}
    for t in file.tensors:
        w = gguf.quants.dequantize(t.data, t.tensor_type).reshape(t.shape[::-1].tolist())
        part = t.name.split(".")[-2]
        if part in ("attn_q", "attn_k"):
            w = halves_apart(w, heads if part == "attn_q" else kv_heads)
        tensors[name_of(t.name)] = w
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": meta["llama.embedding_length"],
        "num_hidden_layers": meta["llama.block_count"],
        "intermediate_size": meta["llama.feed_forward_length"],
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "rms_norm_eps": meta["llama.attention.layer_norm_rms_epsilon"],
        "vocab_size": len(meta["tokenizer.ggml.tokens"]),
        "max_position_embeddings": meta["llama.context_length"],
        "rope_theta": meta.get("llama.rope.freq_base", 10000.0),
        "tie_word_embeddings": "lm_head.weight" not in tensors,
        "torch_dtype": a.dtype,
        "bos_token_id": meta["tokenizer.ggml.bos_token_id"],
        "eos_token_id": meta["tokenizer.ggml.eos_token_id"],
    }
    words = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    words["model_max_length"] = config["max_position_embeddings"]
    for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        i = meta.get(f"tokenizer.ggml.{theirs}_token_id")
        if i is not None:
            words[f"{ours}_token"] = meta["tokenizer.ggml.tokens"][i]
    if "tokenizer.chat_template" in meta:
        words["chat_template"] = meta["tokenizer.chat_template"]
    a.folder.mkdir(parents=True, exist_ok=True)
    tokenizer(meta).save(str(a.folder / "tokenizer.json"))
    for name, content in (("config.json", config), ("tokenizer_config.json", words)):
        (a.folder / name).write_text(json.dumps(content, indent=2) + "\n")
    # Last: a folder with weights is complete.
    save_safetensors(a.folder / "part", tensors, a.dtype)
    (a.folder / "part").rename(a.folder / "model.safetensors")


if __name__ == "__main__":
    main()
