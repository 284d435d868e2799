#!/usr/bin/env python3
"""Compares mlx-io with the reference readers and writers of GGUF, safetensors and npy, in both directions.

  python tests/oracle/formats.py [--bin PATH/dump_formats] [MODEL.gguf ...]

Needs the packages gguf, safetensors, numpy and ml_dtypes. Without --bin, the example is built with cargo.
Their files are read by ours and compared; our rewritten copies are read by theirs and compared. Models given by
path are read by both (the package's reader is slow on large vocabularies) and compared. The last line
is 'N passed, N failed'; the exit status is 1 if anything failed.
"""
import argparse
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import ml_dtypes
import numpy as np
import safetensors
import safetensors.numpy

ROOT = Path(__file__).resolve().parents[2]
passed = failed = 0


def check(what, got, want):
    global passed, failed
    if got == want:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}\n  got  {str(got)[:600]}\n  want {str(want)[:600]}")


def checksum(data):
    h = 0xCBF29CE484222325
    for b in bytes(data):
        h = ((h ^ b) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def build():
    command = ["cargo", "build", "-q", "-p", "mlx-io", "--example", "dump_formats"]
    subprocess.run(command, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "debug" / "examples" / "dump_formats"


class Ours:
    """The Rust side."""

    def __init__(self, binary):
        self.binary = str(binary)

    def dump(self, path):
        """(metadata {key: entry}, tensors {name: (dtype, shape, checksum)}, error or None)"""
        done = subprocess.run([self.binary, str(path)], capture_output=True, text=True, check=True)
        keys, tensors, error = {}, {}, None
        for line in filter(None, done.stdout.split("\n")):  # not splitlines: a value may hold U+2028
            row = json.loads(line)
            if "key" in row:
                keys[row["key"]] = (row.get("type"), row["value"])
            elif "tensor" in row:
                tensors[row["tensor"]] = (row["dtype"], row["shape"], row["sum"])
            elif "error" in row:
                error = row["error"]
        return keys, tensors, error

    def copy(self, source, target):
        subprocess.run([self.binary, "--copy", str(source), str(target)], check=True)


# ---- npy ----

def npy_cases():
    rng = np.random.default_rng(1)
    dtypes = ["bool", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", ml_dtypes.bfloat16]
    shapes = [(), (0,), (1,), (7,), (2, 3), (3, 1), (4, 0, 2), (2, 3, 4), (1, 2, 1, 3), (100, 11)]
    for dtype, shape in itertools.product(dtypes, shapes):
        size = np.dtype(dtype).itemsize * int(np.prod(shape))
        raw = rng.integers(0, 2 if dtype == "bool" else 256, size, dtype=np.uint8)
        a = raw.view(dtype).reshape(shape)
        for order, swap in itertools.product("CF", (False, True)):
            b = np.asarray(a, order=order)
            if swap and (b.dtype.itemsize == 1 or dtype is ml_dtypes.bfloat16):
                continue
            yield b.astype(b.dtype.newbyteorder(">")) if swap else b, a


def npy_name(a):
    return "bfloat16" if a.dtype == ml_dtypes.bfloat16 else a.dtype.name


def test_npy(ours, folder):
    for i, (stored, plain) in enumerate(npy_cases()):
        what = f"npy {stored.dtype} {stored.shape} case {i}"
        path, back = folder / f"{i}.npy", folder / f"{i}.back.npy"
        np.save(path, stored)
        if i % 5 == 0:  # versions 2 and 3 as well
            with open(path, "wb") as f:
                np.lib.format.write_array(f, stored, version=(2 + i // 5 % 2, 0))
        want = {"": (npy_name(plain), list(plain.shape), checksum(plain.tobytes()))}
        check(what, ours.dump(path), ({}, want, None))
        ours.copy(path, back)
        # What we write is what numpy writes, byte for byte.
        again = folder / "again.npy"
        np.save(again, np.ascontiguousarray(plain).reshape(plain.shape))
        check(what + " written", back.read_bytes(), again.read_bytes())
    for name, array in [("c16", np.zeros(2, "c16")), ("U4", np.array(["a"])), ("M8", np.zeros(1, "M8[ns]")),
                        ("struct", np.zeros(1, [("a", "f4")]))]:
        np.save(folder / "no.npy", array)
        error = ours.dump(folder / "no.npy")[2]
        check(f"npy {name} refused", bool(error and "not supported" in error), True)
    np.save(folder / "no.npy", np.array([{}], dtype=object), allow_pickle=True)
    check("npy object refused", "pickled" in (ours.dump(folder / "no.npy")[2] or ""), True)


# ---- safetensors ----

def test_safetensors(ours, folder):
    rng = np.random.default_rng(2)
    dtypes = ["bool", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", ml_dtypes.bfloat16]
    shapes = [(), (0,), (5,), (2, 3), (2, 0, 3), (3, 1, 2)]
    metadatas = [None, {"format": "pt"}, {"a": "1", "b": "", "ключ": "välue\n\""}]
    for i, metadata in enumerate(metadatas):
        tensors = {}
        for dtype, shape in itertools.product(dtypes, shapes):
            size = np.dtype(dtype).itemsize * int(np.prod(shape))
            raw = rng.integers(0, 2 if dtype == "bool" else 256, size, dtype=np.uint8)
            tensors[f"t {np.dtype(dtype).name} {shape} \"é\" {i}"] = raw.view(dtype).reshape(shape)
        path, back = folder / f"{i}.safetensors", folder / f"{i}.back.safetensors"
        safetensors.numpy.save_file(tensors, path, metadata=metadata)
        keys, got, error = ours.dump(path)
        check(f"safetensors {i} opens", error, None)
        check(f"safetensors {i} metadata", {k: v[1] for k, v in keys.items()}, metadata or {})
        check(f"safetensors {i} names", sorted(got), sorted(tensors))
        for name, a in tensors.items():
            check(f"safetensors {name}", got.get(name), (npy_name(a), list(a.shape), checksum(a.tobytes())))
        ours.copy(path, back)
        with safetensors.safe_open(back, framework="numpy") as f:
            check(f"safetensors {i} written metadata", f.metadata() or {}, metadata or {})
            check(f"safetensors {i} written names", sorted(f.keys()), sorted(tensors))
        # The package's low-level reader gives the bytes of every dtype.
        theirs = dict(safetensors.deserialize(back.read_bytes()))
        for name, a in tensors.items():
            t = theirs[name]
            check(f"safetensors {name} written", (t["shape"], bytes(t["data"])), (list(a.shape), a.tobytes()))
    # Shards with an index, as the hub stores large models.
    shards = folder / "shards"
    shards.mkdir()
    weight_map, want = {}, {}
    for n in (1, 2):
        file = f"model-{n:05}-of-00002.safetensors"
        a = rng.standard_normal((n, 4)).astype("f4")
        safetensors.numpy.save_file({f"w{n}": a}, shards / file)
        weight_map[f"w{n}"] = file
        want[f"w{n}"] = ("float32", [n, 4], checksum(a.tobytes()))
    index = {"metadata": {"total_size": 48}, "weight_map": weight_map}
    (shards / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    check("safetensors shards", ours.dump(shards)[1:], (want, None))
    # 8-bit floats of the package come back as uint8 or are refused by name.
    for dtype, ours_says in [("F8_E4M3", "uint8"), ("F8_E8M0", "uint8"), ("F8_E5M2", None)]:
        entry = {"t": {"dtype": dtype, "shape": [3], "data_offsets": [0, 3]}}
        head = json.dumps(entry).encode()
        path = folder / "f8.safetensors"
        path.write_bytes(struct.pack("<Q", len(head)) + head + b"\x01\x02\x03")
        check(f"safetensors {dtype} is of the format", len(safetensors.deserialize(path.read_bytes())), 1)
        _, got, error = ours.dump(path)
        if ours_says:
            check(f"safetensors {dtype}", got, {"t": (ours_says, [3], checksum(b"\x01\x02\x03"))})
        else:
            check(f"safetensors {dtype} refused", dtype in (error or ""), True)


# ---- GGUF ----

# Q8_1 is 36 bytes in ggml and in real files; the package's table still has the 40 of an earlier layout.
GGUF_SIZES = {q: gguf.GGML_QUANT_SIZES[q] for q in gguf.GGMLQuantizationType if q.name != "Q8_1"}
VALUE_NAMES = {"UINT8": "uint8", "INT8": "int8", "UINT16": "uint16", "INT16": "int16", "UINT32": "uint32",
               "INT32": "int32", "FLOAT32": "float32", "BOOL": "bool", "STRING": "string", "ARRAY": "array",
               "UINT64": "uint64", "INT64": "int64", "FLOAT64": "float64"}


def gguf_metadata():
    V = gguf.GGUFValueType
    yield "u8", 200, V.UINT8, None
    yield "i8", -100, V.INT8, None
    yield "u16", 60000, V.UINT16, None
    yield "i16", -30000, V.INT16, None
    yield "u32", 4000000000, V.UINT32, None
    yield "i32", -2000000000, V.INT32, None
    yield "u64", 2**64 - 1, V.UINT64, None
    yield "i64", -2**63, V.INT64, None
    yield "f32", 0.1, V.FLOAT32, None
    yield "f64", 0.1, V.FLOAT64, None
    yield "yes", True, V.BOOL, None
    yield "no", False, V.BOOL, None
    yield "text", "héllo\n\"quoted\" 日本", V.STRING, None
    yield "a.i32", [1, -2, 3], V.ARRAY, V.INT32
    yield "a.u64", [0, 2**64 - 1], V.ARRAY, V.UINT64
    yield "a.f32", [0.5, -0.25, 1e30], V.ARRAY, V.FLOAT32
    yield "a.bool", [True, False, True], V.ARRAY, V.BOOL
    yield "a.str", [f"tok {i} é" for i in range(1000)], V.ARRAY, V.STRING


def expected_value(value, kind):
    V = gguf.GGUFValueType
    if isinstance(value, list):
        return [expected_value(v, kind) for v in value]
    if kind == V.FLOAT32:
        return f"f32:{struct.unpack('<I', struct.pack('<f', value))[0]:08x}"
    if kind == V.FLOAT64:
        return f"f64:{struct.unpack('<Q', struct.pack('<d', value))[0]:016x}"
    return value


def write_gguf(path, tensors, split=0, alignment=None):
    w = gguf.GGUFWriter(path, "llama", split_max_tensors=split)
    if alignment:
        w.add_custom_alignment(alignment)
    for key, value, kind, sub in gguf_metadata():
        w.add_key_value(key, value, kind, sub_type=sub)
    for name, (data, quant) in tensors.items():
        if quant.name in ("F32", "F16", "F64", "I8", "I16", "I32", "I64"):
            w.add_tensor(name, data)
        else:
            w.add_tensor(name, data, raw_dtype=quant)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def gguf_tensors():
    rng = np.random.default_rng(3)
    plain = {"F32": "f4", "F16": "f2", "F64": "f8", "I8": "i1", "I16": "i2", "I32": "i4", "I64": "i8"}
    for quant, (block, size) in GGUF_SIZES.items():
        for lead in [(), (3,), (2, 3), (2, 1, 3)]:
            raw = rng.integers(0, 256, (*lead, 2 * size), dtype=np.uint8)
            if quant.name in plain:
                raw = raw.view(plain[quant.name])
            yield f"{quant.name}.{len(lead)}", raw, quant, [*lead, 2 * block]


def reader_facts(path):
    """What the package reads: the values of all keys, and the type, row-major shape and bytes of all tensors."""
    r = gguf.GGUFReader(path)
    keys = {}
    for k, f in r.fields.items():
        if not k.startswith("GGUF."):
            keys[k] = f.contents()
    tensors = {t.name: (t.tensor_type.name, [int(n) for n in reversed(t.shape)], t.data.tobytes()) for t in r.tensors}
    return keys, tensors


def test_gguf(ours, folder):
    cases = list(gguf_tensors())
    tensors = {name: (raw, quant) for name, raw, quant, _ in cases}
    want = {name: (quant.name, shape, checksum(raw.tobytes())) for name, raw, quant, shape in cases}
    for alignment in (None, 64, 4096):
        path, back = folder / f"a{alignment}.gguf", folder / f"a{alignment}.back.gguf"
        write_gguf(path, tensors, alignment=alignment)
        keys, got, error = ours.dump(path)
        check(f"gguf {alignment} opens", error, None)
        for key, value, kind, sub in gguf_metadata():
            check(f"gguf {key}", keys.get(key), (VALUE_NAMES[kind.name], expected_value(value, sub or kind)))
        check("gguf names", list(got), list(want))
        for name, w in want.items():
            check(f"gguf tensor {name}", got.get(name), w)
        ours.copy(path, back)
        theirs, copied = reader_facts(path), reader_facts(back)
        check(f"gguf {alignment} written metadata", copied[0], theirs[0])
        for name, raw, quant, shape in cases:
            check(f"gguf tensor {name} written", copied[1].get(name), (quant.name, shape, raw.tobytes()))
    # Split files, opened by any of them.
    split = folder / "split"
    split.mkdir()
    some = dict(list(tensors.items())[:7])
    write_gguf(split / "m.gguf", some, split=3)
    parts = sorted(split.iterdir())
    check("gguf split files", len(parts) >= 3, True)
    for part in parts:
        keys, got, error = ours.dump(part)
        check(f"gguf {part.name}", (error, got), (None, {k: want[k] for k in some}))
        check(f"gguf {part.name} metadata", keys.get("text", (None, None))[1], "héllo\n\"quoted\" 日本")
    parts[1].unlink()
    check("gguf split with a file missing", parts[1].name in (ours.dump(parts[0])[2] or ""), True)
    # Big endian is refused by name.
    w = gguf.GGUFWriter(folder / "big.gguf", "llama", endianess=gguf.GGUFEndian.BIG)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()
    check("gguf big endian", "big endian" in (ours.dump(folder / "big.gguf")[2] or ""), True)


def test_model(ours, path):
    """A real file: every key and every tensor as the package reads them."""
    keys, tensors, error = ours.dump(path)
    check(f"{path} opens", error, None)
    theirs, their_tensors = reader_facts(path)
    check(f"{path} keys", list(keys), list(theirs))
    V = gguf.GGUFValueType
    kinds = {k: f.types[-1] for k, f in gguf.GGUFReader(path).fields.items() if f.types}
    for key, value in theirs.items():
        kind = kinds[key]
        if kind in (V.FLOAT32, V.FLOAT64):
            value = expected_value(value, kind)
        check(f"{path} {key}", keys.get(key, (None, None))[1], value)
    check(f"{path} tensors", list(tensors), list(their_tensors))
    for name, (quant, shape, data) in their_tensors.items():
        got = tensors.get(name)
        check(f"{path} {name}", got and got[:2], (quant, shape))
        if len(data) <= 1 << 20:  # the checksum in Python is slow
            check(f"{path} {name} data", got and got[2], checksum(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", help="the built example dump_formats")
    parser.add_argument("models", nargs="*", help="GGUF files to compare as well")
    args = parser.parse_args()
    ours = Ours(args.bin or build())
    for test in (test_npy, test_safetensors, test_gguf):
        with tempfile.TemporaryDirectory() as folder:
            before = passed, failed
            test(ours, Path(folder))
            print(f"{test.__name__[5:]}: {passed - before[0]} passed, {failed - before[1]} failed")
    for path in args.models:
        before = passed, failed
        test_model(ours, path)
        print(f"{Path(path).name}: {passed - before[0]} passed, {failed - before[1]} failed")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
