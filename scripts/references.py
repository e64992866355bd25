#!/usr/bin/env python3
"""Writes docs/reference/*.md from the binary, or with --check fails when they are out of date.

usage: references.py [--check] BINARY
"""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

REFERENCES = ("cli", "config", "protocol", "precedence", "browser")


def main() -> int:
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    check = "--check" in sys.argv
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(__file__).resolve().parent.parent / "docs/reference"
    stale = 0
    for name in REFERENCES:
        made = subprocess.run([arguments[0], "debug", "reference", name], capture_output=True, text=True)
        if made.returncode != 0:
            print(f"references: 'jarvis debug reference {name}' failed:\n{made.stderr}", file=sys.stderr)
            return 1
        path = folder / f"{name}.md"
        old = path.read_text() if path.exists() else ""
        if old == made.stdout:
            continue
        stale += 1
        if check:
            lines = difflib.unified_diff(old.splitlines(), made.stdout.splitlines(), str(path), "now", lineterm="", n=1)
            print("\n".join(list(lines)[:20]))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(made.stdout)
            print(f"references: wrote docs/reference/{name}.md")
    if check and stale:
        print("references: out of date; run `make references` and commit the result", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
