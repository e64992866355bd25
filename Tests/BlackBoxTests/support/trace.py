"""System calls of a gateway: watched, and made to fail, with strace."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

LINE = re.compile(r"^(\d+)\s+(?:\d+\.\d+ )?(.*)$")
CALL = re.compile(r"^(\w+)\((.*)$", re.DOTALL)
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
RESULT = re.compile(r"\)\s+= (-?\d+)(?: |$|<)")


def available() -> bool:
    """Whether this machine lets one process trace another."""
    return (shutil.which("strace") is not None
            and subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0)


@dataclass
class Call:
    """One system call: where it entered and left in the order of all events, and how it ended (None: never)."""

    thread: int
    name: str
    text: str
    entered: int
    left: int | None = None
    result: int | None = None

    @property
    def succeeded(self) -> bool:
        return self.result is not None and self.result >= 0


def read_calls(path: Path) -> list[Call]:
    """The calls in a file that strace -f wrote, in the order in which they entered."""
    calls: list[Call] = []
    pending: dict[int, Call] = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines()):
        if not (match := LINE.match(line)):
            continue
        thread, rest = int(match[1]), match[2]
        if resumed := RESUMED.match(rest):
            call = pending.pop(thread, None)
            if call:
                call.text += resumed[2]
        elif started := CALL.match(rest):
            call = Call(thread, started[1], started[2], number)
            calls.append(call)
            if rest.endswith("<unfinished ...>"):
                pending[thread] = call
                continue
        else:
            continue
        if call:
            call.left = number
            results = RESULT.findall(call.text)
            call.result = int(results[-1]) if results else None
    return calls


class Tracer:
    """strace on every thread of a running process; a context that detaches at its end."""

    def __init__(self, pid: int, *options: str, output: Path | str = "/dev/null"):
        self.pid = pid
        self.options = options
        self.output = output

    def __enter__(self) -> "Tracer":
        self.process = subprocess.Popen(
            ["strace", "-f", "-o", str(self.output), *self.options, "-p", str(self.pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        # It tells each thread as it gets hold of it; then the process says itself who traces it.
        end = time.monotonic() + 5
        while not self._holds_all():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end, "strace does not attach"
            time.sleep(0.005)
        return self

    def _holds_all(self) -> bool:
        for status in Path(f"/proc/{self.pid}/task").glob("*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            if f"TracerPid:\t{self.process.pid}\n" not in text:
                return False
        return True

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            # It may wait for ever for a thread that a signal killed; the kernel lets go of what a dead tracer held.
            self.process.kill()
            self.process.wait(10)
        self.process.stderr.close()
