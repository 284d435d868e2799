#!/usr/bin/env python3
"""Writes small valid files into fuzz/corpus/{gguf,safetensors,npy}, from which the fuzzer starts; with a Python that has this
package, files of exported functions into fuzz/corpus/functions as well."""
import json
import struct
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def gguf(keys, tensors, version=3, align=32):
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for key, kind, value in keys:
        out += text(key) + struct.pack("<I", kind) + value
    data = b""
    for name, dims, kind, size in tensors:
        out += text(name) + struct.pack("<I", len(dims)) + struct.pack(f"<{len(dims)}Q", *dims)
        out += struct.pack("<IQ", kind, len(data))
        data += bytes(size) + bytes(-size % align)
    return out + bytes(-len(out) % align) + data


def array(kind, items):
    return struct.pack("<IQ", kind, len(items)) + b"".join(items)


def safetensors(header, data):
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + bytes(data)


def npy(descr, fortran, shape, data, version=1):
    head = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + struct.pack("<BB", version, 0) + struct.pack("<H" if version == 1 else "<I", len(head)) + head + bytes(data)


def main():
    scalars = [("k%d" % t, t, bytes(n)) for t, n in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 4), (5, 4), (6, 4), (7, 1), (10, 8), (11, 8), (12, 8)]]
    arrays = [("s", 8, text("hello")), ("words", 9, array(8, [text("a"), text("é")])), ("ints", 9, array(5, [bytes(4)] * 3)),
              ("nested", 9, array(9, [array(7, [b"\1"]), array(8, [text("x")])]))]
    put("gguf", "empty", gguf([], []))
    put("gguf", "v2", gguf(scalars, [], 2))
    put("gguf", "arrays", gguf(arrays, []))
    put("gguf", "tensors", gguf([("general.alignment", 4, struct.pack("<I", 8))],
                                [("a", [3, 2], 0, 24), ("b", [32, 2], 2, 36), ("c", [256], 12, 144), ("d", [], 24, 1)], align=8))
    entry = lambda dtype, shape, a, b: {"dtype": dtype, "shape": shape, "data_offsets": [a, b]}
    put("safetensors", "empty", safetensors({}, 0))
    put("safetensors", "null", safetensors({"__metadata__": None}, 0))
    put("safetensors", "some", safetensors({"__metadata__": {"format": "pt"}, "a": entry("F32", [2, 3], 0, 24),
                                            "b": entry("BOOL", [0], 24, 24), "c": entry("F8_E4M3", [], 24, 25)}, 25))
    for i, (descr, fortran, shape, n) in enumerate([("<f4", False, (2, 3), 24), (">f8", True, (3, 1, 2), 48), ("|b1", False, (), 1),
                                                    ("<V2", False, (0, 4), 0), (">c8", True, (2, 2), 32)]):
        put("npy", f"v1.{i}", npy(descr, fortran, shape, n))
        put("npy", f"v2.{i}", npy(descr, fortran, shape, n, 2))
    functions()


def functions():
    try:
        import mlx.core as mx
    except ImportError:
        print("corpus/functions is left empty: no mlx.core here")
        return
    folder = CORPUS / "functions"
    folder.mkdir(parents=True, exist_ok=True)
    x, n = mx.ones((2, 4)), mx.array([0, 1])
    for name, f, inputs in [
        ("elementwise", lambda a: mx.where(a > 1, mx.exp(a) * 2, a).astype(mx.float16), [x]),
        ("shapes", lambda a: [mx.concatenate([a.T, a.T]), a[:, ::2], mx.pad(a, 1), mx.sort(a), mx.cumsum(a, axis=1)], [x]),
        ("products", lambda a, i: [a @ a.T, mx.softmax(a[i], axis=-1), mx.fft.rfft(a), mx.fast.rms_norm(a, None, 1e-5)], [x, n]),
    ]:
        mx.export_function(str(folder / name), f, *inputs)
        # In our own format: the official one has no running ln of sums.
        whole = lambda *a: [*(o if isinstance(o := f(*a), list) else [o]), mx.logcumsumexp(a[0], axis=0)]
        mx.export_function(str(folder / f"own.{name}"), whole, *inputs)
    for file in (Path(__file__).parents[1] / "tests/golden/functions").glob("*.mlxfn"):
        (folder / file.name).write_bytes(file.read_bytes())
    mx.export_function(str(folder / "shapeless"), lambda a, b: a - b, x, b=x, shapeless=True, metadata="text")


if __name__ == "__main__":
    main()
