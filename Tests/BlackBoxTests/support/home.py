"""A fresh home directory, an environment without the caller's settings, and commands run in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.paths import jarvis_binary

KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "ASAN_OPTIONS", "TSAN_OPTIONS", "SWIFT_BACKTRACE")
TOKEN = "black-box-token-0123456789abcdef"


class Home:
    """A new home under a short path (socket paths are limited to about 100 bytes)."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="jbb-", dir="/tmp")).resolve()
        (self.root / "tmp").mkdir()

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, **extra: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return {
            **kept, "HOME": str(self.root), "TMPDIR": str(self.root / "tmp"), "LANG": "C.UTF-8", "TZ": "UTC",
            "NO_COLOR": "1", **extra,
        }

    def state(self, profile: str | None = None) -> Path:
        return self.root / (".jarvis" if profile in (None, "default") else f".jarvis-{profile}")

    def config_path(self, profile: str | None = None) -> Path:
        return self.state(profile) / "jarvis.json"

    def write_config(self, config, profile: str | None = None) -> Path:
        """Writes an object, or a text as it is."""
        path = self.config_path(profile)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(config if isinstance(config, str) else json.dumps(config, indent=2) + "\n")
        return path

    def read_config(self, profile: str | None = None):
        """The configuration as it stands in the file, read as JSON5."""
        return self.json("debug", "parse", "json5", self.config_path(profile))

    def run(self, *arguments: str, input: str | bytes | None = None, env: dict | None = None, timeout: float = 30,
            cwd: Path | None = None, text: bool = True) -> subprocess.CompletedProcess:
        """Runs `jarvis ARGUMENTS` to its end."""
        return subprocess.run(
            [str(jarvis_binary()), *map(str, arguments)], env=self.environment(**(env or {})), cwd=cwd or self.root,
            input=input, stdin=subprocess.DEVNULL if input is None else None, capture_output=True, text=text,
            timeout=timeout)

    def json(self, *arguments: str, **options):
        """Runs a command that succeeds and prints one JSON document on standard output."""
        result = self.run(*arguments, **options)
        assert result.returncode == 0, f"{arguments}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        return json.loads(result.stdout)

    def json_or_error(self, *arguments: str, **options):
        """The JSON document that a command prints, whether it succeeds or not."""
        result = self.run(*arguments, **options)
        assert result.stdout.strip(), f"{arguments}: exit {result.returncode}, nothing printed\n{result.stderr}"
        return json.loads(result.stdout)


def tree(root: Path, skip=lambda path: False) -> dict[str, tuple]:
    """Every path below `root` with kind, mode, time of change and content hash: equal trees are untouched trees."""
    found: dict[str, tuple] = {}
    for folder, names, files in os.walk(root):
        for name in names + files:
            path = Path(folder) / name
            if skip(path):
                continue
            status = path.lstat()
            digest = ""
            if path.is_file() and not path.is_symlink():
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(root))] = (
                oct(status.st_mode), status.st_size if digest else 0, status.st_mtime_ns, digest)
    return found
