#!/usr/bin/env python3
"""Type errors that pyright finds in mlx-lm with this package's stubs and with the official ones.

    typed.py --pyright PROGRAM --ours PYTHON --official PYTHON

Both environments have mlx-lm, which is not typed throughout: most errors are its own and the same with both. The exit
status is 1 where a name or an argument is wrong only with ours.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

# Rules about names that are not there, and calls that do not fit.
STRICT = ("reportAttributeAccessIssue", "reportCallIssue")
# Only with ours, and right: file and text of the error, and why.
KNOWN = {
    ("models/deepseek_v41.py", 'No overloads for "depends"'): "an array that may be None there",
}
CONFIG = {
    "include": ["src"], "exclude": [], "typeCheckingMode": "standard", "pythonVersion": "3.11",
    "reportMissingImports": "none", "reportMissingModuleSource": "none",
}


def errors(pyright, python):
    """Errors by file, line and rule."""
    where = subprocess.run(
        [python, "-c", "import importlib.util as u; print(u.find_spec('mlx_lm').submodule_search_locations[0])"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        # Copied: pyright leaves out what lies in an environment.
        shutil.copytree(where, pathlib.Path(folder, "src/mlx_lm"))
        pathlib.Path(folder, "pyrightconfig.json").write_text(json.dumps(CONFIG))
        r = subprocess.run([pyright, "-p", folder, "--pythonpath", python, "--outputjson"], capture_output=True, text=True)
    if "generalDiagnostics" not in r.stdout:
        sys.exit(r.stdout + r.stderr)
    found = {}
    for e in json.loads(r.stdout)["generalDiagnostics"]:
        if e["severity"] == "error":
            found[e["file"].split("/src/mlx_lm/")[-1], e["range"]["start"]["line"] + 1, e.get("rule")] = e["message"]
    return found


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pyright", required=True)
    p.add_argument("--ours", required=True)
    p.add_argument("--official", required=True)
    a = p.parse_args()
    ours, official = errors(a.pyright, a.ours), errors(a.pyright, a.official)
    wrong, used = 0, set()
    for (file, line, rule), message in ours.items():
        if (file, line, rule) in official or rule not in STRICT:
            continue
        why = next((k for k in KNOWN if k[0] == file and message.startswith(k[1])), None)
        if why:
            used.add(why)
            continue
        wrong += 1
        print(f"TYPE {file}:{line}: {message.splitlines()[0]}")
    for k in KNOWN.keys() - used:
        wrong += 1
        print(f"NO LONGER FOUND {k[0]}: {k[1]}; remove it from typed.py")
    print(f"mlx-lm: {len(ours)} type errors with our stubs, {len(official)} with the official ones, {wrong} that are ours")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
