#!/usr/bin/env python3
"""Makes the wheel `mlx` without files: companion_wheel.py WHEEL FOLDER, where WHEEL is a built mlx_arm wheel.

Packages that require the distribution `mlx` then find one that brings this package. Its version is the one of the
official package whose functions are there, with a local part. Prints the path.
"""

import base64
import hashlib
import pathlib
import sys
import zipfile

VERSION = "0.32.4+arm"
METADATA = """Metadata-Version: 2.1
Name: mlx
Version: {version}
Summary: Stands for mlx and has no files: the import package mlx comes from mlx-arm
License: MIT
Requires-Python: >=3.11
Provides-Extra: cpu
Requires-Dist: mlx-arm=={ours}

The extra `cpu` brings nothing more: the processor's back end is part of mlx-arm. There are no CUDA and Metal back ends.
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: mlx-arm\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def main():
    wheel, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    ours = wheel.name.split("-")[1]
    info = f"mlx-{VERSION}.dist-info"
    files = {f"{info}/METADATA": METADATA.format(version=VERSION, ours=ours), f"{info}/WHEEL": WHEEL}
    record = ""
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(text.encode())}\n"
    files[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
    path = folder / f"mlx-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in files.items():
            z.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    print(path)


if __name__ == "__main__":
    main()
