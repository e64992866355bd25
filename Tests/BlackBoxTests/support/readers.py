"""The commands that only look, and the sweep that holds them to it: no crash, no hang, a clear end, nothing created."""

from __future__ import annotations

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.home import Home, tree
from support.paths import jarvis_binary

READ_COMMANDS = {
    "status": ["status"],
    "which": ["which"],
    "instances": ["instances"],
    "ports": ["ports"],
    "fleet check": ["fleet", "check"],
    "doctor": ["doctor", "--all"],
    "profile list": ["profile", "list"],
    "gateway status": ["gateway", "status"],
}
ONE_INSTANCE = ("status", "which", "gateway status", "doctor")
CRASH = re.compile(r"Fatal error|Illegal instruction|Program crashed|Segmentation fault|Assertion failed|Unexpectedly found nil")
SECONDS = 25  # far more than any of them needs; a hang is what it catches


def run(home: Home, command: list[str], *, profile: str | None = None, env: dict | None = None, unset: tuple = (),
        user: int | None = None, binary: Path | None = None) -> subprocess.CompletedProcess:
    """Runs `jarvis [--profile P] COMMAND` in `home`, optionally as another user."""
    variables = {name: value for name, value in home.environment(**(env or {})).items() if name not in unset}
    as_user = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    profiles = [] if profile is None else [f"--profile={profile}"]
    return subprocess.run(
        [str(binary or jarvis_binary()), *profiles, *command], env=variables, cwd="/", stdin=subprocess.DEVNULL, capture_output=True,
        text=True, errors="replace", timeout=SECONDS, **as_user)


def is_clear(result: subprocess.CompletedProcess, what: str) -> None:
    """It ended by itself, with a documented kind of exit code, and said something."""
    said = f"{what}: exit {result.returncode}\n{result.stdout[-2000:]}\n{result.stderr[-2000:]}"
    assert 0 <= result.returncode < 128, said
    assert not CRASH.search(result.stderr), said
    assert result.stdout.strip() or result.stderr.strip(), said
    if result.returncode in (2, 78):
        assert result.stderr.strip() or result.stdout.strip(), said


def sweep(home: Home, *, profile: str | None = None, skip=lambda path: False, commands=None, witness: Path | None = None,
          **options) -> dict[str, subprocess.CompletedProcess]:
    """Runs every command that only looks, for people and for programs; returns the results by name, `NAME` and `NAME --json`.

    With a profile only those that look at one instance. `skip` names paths that something else writes at the same time.
    """
    names = commands or (READ_COMMANDS if profile is None else ONE_INSTANCE)
    forms = {" ".join([name, *form]): [*READ_COMMANDS[name], *form] for name in names for form in ([], ["--json"])}
    root = witness or home.root
    before = tree(root, skip)
    with ThreadPoolExecutor(4) as pool:
        results = dict(zip(forms, pool.map(lambda words: run(home, words, profile=profile, **options), forms.values())))
    after = tree(root, skip)
    changed = sorted(path for path in {*before, *after} if before.get(path) != after.get(path))
    assert not changed, f"one of {sorted(forms)} changed {changed}"
    for what, result in results.items():
        is_clear(result, what)
        if what.endswith("--json") and result.stdout.strip():
            try:
                json.loads(result.stdout)
            except ValueError:
                raise AssertionError(f"{what}: not JSON:\n{result.stdout[-2000:]}") from None
    return results
