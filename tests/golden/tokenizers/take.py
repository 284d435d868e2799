"""Takes the golden tokenizations.

    take.py ids MODEL.gguf OUT.jsonl --llama DIR [--count N]   token ids from llama.cpp's libllama
    take.py pre OUT.jsonl [--count N]                          pieces of the pre-tokenizers, from PyPI `tokenizers`
    take.py vocab MODEL.gguf OUT.gguf                          the file's metadata without its tensors

DIR is a built llama.cpp tree (build/bin/libllama.so). A row of ids is {"t": text, "f": flags, "i": ids}, where flag 1
adds special tokens and flag 2 parses them. A row of pieces is {"n": pre-tokenizer, "t": text, "p": lengths in characters}.
"""

import argparse
import json
import pathlib
import struct
import subprocess
import tempfile

import corpus

HERE = pathlib.Path(__file__).parent


def write(path, rows):
    with open(path, "w", encoding="ascii", newline="\n") as f:
        for row in rows:
            f.write(json.dumps(row, separators=(",", ":")) + "\n")


def ids(args):
    jobs = [(0, t) for t in corpus.lines(args.count)]
    jobs += [(f, t) for t in corpus.SPECIAL for f in (0, 1, 2, 3)] + [(1, t) for t in corpus.FIXED[::7]]
    with tempfile.TemporaryDirectory() as tmp:
        root, lib = args.llama, args.llama / "build/bin"
        exe = pathlib.Path(tmp) / "oracle"
        cmd = ["gcc", "-O1", "-o", exe, HERE / "oracle.c", f"-I{root}/include", f"-I{root}/ggml/include"]
        subprocess.run([*cmd, f"-L{lib}", "-lllama", "-lggml", "-lggml-base", f"-Wl,-rpath,{lib}"], check=True)
        data = b"".join(struct.pack("<BI", f, len(t.encode())) + t.encode() for f, t in jobs)
        out = subprocess.run([exe, args.model], input=data, stdout=subprocess.PIPE, check=True).stdout
    rows, p = [], 0
    for f, t in jobs:
        (n,) = struct.unpack_from("<I", out, p)
        rows.append({"t": t, "f": f, "i": list(struct.unpack_from(f"<{n}i", out, p + 4))})
        p += 4 + 4 * n
    assert p == len(out)
    write(args.out, rows)


C = r"'s|'t|'re|'ve|'m|'ll|'d"
CI = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
UP, LOW = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
WS = r"\s*[\r\n]+|\s+(?!\S)|\s+"
GPT2 = rf"{C}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
HAN_HANGUL = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"


def words(contractions, digits, letters=r"\p{L}", mark="", tail=r"[\r\n]*", extra=""):
    return rf"{contractions}[^\r\n\p{{L}}\p{{N}}]?{letters}+|\p{{N}}{digits}| ?[^\s\p{{L}}{mark}\p{{N}}{extra}]+{tail}|{WS}"


def cased(suffix, digits):
    p = r"[^\r\n\p{L}\p{N}]?"
    return rf"{p}{UP}*{LOW}+{suffix}|{p}{UP}+{LOW}*{suffix}|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{WS}"


# One name per pattern: the published regular expressions of those tokenizers.
PRE = {
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
    "gpt-2": [GPT2],
    "smollm": [r"\p{N}", GPT2],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
    "llama-bpe": [words(CI + "|", "{1,3}")],
    "minicpm5": [r"\p{N}{1,3}", words(CI + "|", "+")],
    "qwen2": [words(CI + "|", "")],
    "qwen35": [words(CI + "|", "", letters=r"[\p{L}\p{M}]", mark=r"\p{M}")],
    "ufakzeka": [words("", "")],
    "seed-coder": [words(CI + "|", "", tail="", extra=r"\r\n")],
    "gpt-4o": [cased(CI + "?", "{1,3}")],
    "tekken": [cased("", "")],
    "deepseek-coder": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN_HANGUL, r"\p{N}"],
    "deepseek-v3": [
        r"\p{N}{1,3}",
        "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|""" + WS,
    ],
    "bloom": [" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"],
    "viking": [" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+", r"\p{N}"],
}


def pre(args):
    from tokenizers import Regex, pre_tokenizers

    rows = []
    for n, (name, steps) in enumerate(PRE.items()):
        seq = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(s), "isolated") for s in steps])
        for t in corpus.lines(args.count, seed=n):
            spans = [span for _, span in seq.pre_tokenize_str(t)] if t else []
            rows.append({"n": name, "t": t, "p": [b - a for a, b in spans]})
    write(args.out, rows)


def vocab(args):
    data = args.model.read_bytes()
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    at = lambda fmt, p: struct.unpack_from("<" + fmt, data, p)[0]

    def skip(kind, p):
        if kind in sizes:
            return p + sizes[kind]
        if kind == 8:
            return p + 8 + at("Q", p)
        inner, count = at("I", p), at("Q", p + 4)
        p += 12
        for _ in range(count):
            p = skip(inner, p)
        return p

    assert data[:4] == b"GGUF"
    p = 24
    for _ in range(at("Q", 16)):
        p += 8 + at("Q", p)
        p = skip(at("I", p), p + 4)
    out = data[:8] + struct.pack("<Q", 0) + data[16:p]
    args.out.write_bytes(out + bytes(-len(out) % 32))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = parser.add_subparsers(required=True)
    for f, names in ((ids, ["model", "out"]), (pre, ["out"]), (vocab, ["model", "out"])):
        p = sub.add_parser(f.__name__)
        p.set_defaults(run=f)
        for name in names:
            p.add_argument(name, type=pathlib.Path)
        p.add_argument("--count", type=int, default=150)
        if f is ids:
            p.add_argument("--llama", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
