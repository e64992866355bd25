"""Executes the commands of a page top to bottom, as a reader would, and looks after each whether it did what the page says.

usage: walk_page.py PAGE profiles|variables systemd|builtin

Runs as the user whose gateways they become, with `jarvis` on PATH and nobody else on the host (support/ownhost.py). Standard library
only. Prints every command with its output; the last line is a JSON document {"passed": [...], "failed": [...]}; exit 1 when one failed.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from inside import HOME, all_names, boot_of, gateways, is_listening, is_ready, is_up, jarvis, log_of, main_pid, pid_of, port_of, profile_of, rows, settled, state_of, wait


# ---- the page

def blocks(page: Path) -> list[tuple[str, list[str]]]:
    """The page's bash blocks with the heading above: their commands, continued lines joined, comments left away."""
    found: list[tuple[str, list[str]]] = []
    heading, inside, command = "", False, ""
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            inside = line == "```bash"
            if inside:
                found.append((heading, []))
        elif not inside:
            heading = line.lstrip("# ") if line.startswith("#") else heading
        elif line.strip() and not line.startswith("#"):
            command += line
            if command.endswith("\\"):
                command = command[:-1]
            else:
                found[-1][1].append(re.sub(r"\s+", " ", command))
                command = ""
    return found


# ---- what is looked at

class Walk:
    def __init__(self, supervisor: str):
        self.supervisor = supervisor
        self.passed: list[str] = []
        self.failed: list[str] = []
        self.foreground: list[subprocess.Popen] = []

    def expect(self, holds, what: str, detail="") -> bool:
        (self.passed if holds else self.failed).append(what if holds or not detail else f"{what}: {str(detail)[-1500:]}")
        print(f"  {'ok' if holds else 'NOT'}  {what}", flush=True)
        if not holds:
            print(f"      {detail}", flush=True)
        return bool(holds)

    def shell(self, command: str, timeout: float = 90) -> subprocess.CompletedProcess:
        print(f"$ {command}", flush=True)
        result = subprocess.run(["bash", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, cwd=HOME)
        print("".join(f"    {line}\n" for line in (result.stdout + result.stderr).splitlines()) + f"    exit {result.returncode}", flush=True)
        return result

    def json(self, command: str):
        result = self.shell(command)
        try:
            return json.loads(result.stdout)
        except ValueError:
            self.expect(False, f"{command} prints JSON", result.stdout + result.stderr)
            return {}

    # ---- kinds of commands

    def run(self, command: str) -> None:
        if command.endswith(" browser status"):
            self.browser_status(command)
        elif re.search(r" gateway( --port \d+)?$", command):
            self.start_foreground(command)
        elif command.endswith(" onboard"):
            self.onboard(command)
        elif command.endswith(" gateway install"):
            self.install(command)
        elif command.endswith(" status"):
            self.status(command)
        else:
            result = self.shell(command)
            self.expect(result.returncode == 0, command, result.stderr)

    def browser_status(self, command: str) -> None:
        """What the page's quick check is for: whose browser, where it listens, which program it is."""
        name, result = profile_of(command), self.shell(command)
        said = dict(line.split(": ", 1) for line in result.stdout.splitlines() if ": " in line)
        self.expect(result.returncode == 0, command, result.stderr)
        expected = ["profile", "enabled", "running", "cdpPort", "cdpUrl", "browser", "detectedBrowser", "detectedPath", "profileColor"]
        self.expect([word for word in said if word in expected] == expected, f"{command} says what a reader looks for", result.stdout)
        self.expect(said.get("enabled") == "true" and said.get("running") == "false", f"{command}: there is a browser, and it was not started", said)
        base = port_of(name)
        port = int(said["cdpPort"]) if said.get("cdpPort", "").isdigit() else 0
        self.expect(base + 11 <= port <= base + 110, f"{command}: its debugging port is in its own range", (base, port))
        self.expect(is_listening(base + 2), f"{command}: its control service listens on base + 2")

    def start_foreground(self, command: str) -> None:
        print(f"$ {command} &", flush=True)
        log = open(HOME / f"foreground-{len(self.foreground)}.log", "wb")
        process = subprocess.Popen(["bash", "-c", f"exec env {command}".replace("~", str(HOME))], stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, cwd=HOME, start_new_session=True)
        self.foreground.append(process)
        port = int(command.rsplit(" ", 1)[1])
        ready = wait(lambda: is_ready(port) or process.poll() is not None) and is_ready(port)
        self.expect(ready, f"{command}: ready on {port}", Path(log.name).read_text(errors="replace"))

    def end_foreground(self) -> None:
        """What a reader does before the next block: Ctrl-C in each terminal."""
        for process in self.foreground:
            os.kill(process.pid, signal.SIGINT)
        for process in self.foreground:
            try:
                self.expect(process.wait(20) == 0, "Ctrl-C ends it with 0", process.returncode)
            except subprocess.TimeoutExpired:
                self.expect(False, "Ctrl-C ends it")
                process.kill()
        self.foreground = []

    def onboard(self, command: str) -> None:
        """Enter on every question."""
        print(f"$ {command}", flush=True)
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(HOME)
            os.execvp("bash", ["bash", "-c", f"exec {command}"])
        text, quiet, presses, end, code = b"", time.monotonic(), 0, time.monotonic() + 90, None
        while time.monotonic() < end:
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    piece = os.read(terminal, 65_536)
                except OSError:
                    piece = b""
                if not piece:
                    break
                text, quiet = text + piece, time.monotonic()
            elif time.monotonic() - quiet > 0.3 and re.search(rb"(\]|\)|:|\?) ?$", text[-40:]) and presses < 40:
                os.write(terminal, b"\n")
                presses, quiet = presses + 1, time.monotonic()
        else:
            os.kill(process, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        os.close(terminal)
        said = text.decode(errors="replace")
        print("".join(f"    {line}\n" for line in said.splitlines()) + f"    exit {code}", flush=True)
        self.expect(code == 0, command, said)
        self.expect("which" in said or "status" in said, f"{command} says how to look at it")
        self.expect("remove" in said, f"{command} says how to remove it")

    def install(self, command: str) -> None:
        result = self.shell(command)
        if result.returncode != 0 and self.supervisor == "builtin":
            advised = re.search(r"(?:JARVIS_\w+=\S+ )*jarvis(?: --profile \S+)? gateway install --supervisor builtin", result.stdout + result.stderr)
            if self.expect(advised, f"{command}: without a service manager it says what to do", result.stdout + result.stderr):
                result = self.shell(advised.group())
        self.expect(result.returncode == 0, command, result.stdout + result.stderr)
        name = profile_of(command)
        self.expect(wait(lambda: is_up(name)), f"{command}: {name} runs as a service", log_of(name))

    def status(self, command: str) -> None:
        name, result = profile_of(command), self.shell(command)
        self.expect(result.returncode == 0 and "running" in result.stdout and "not running" not in result.stdout,
                    f"{command} says that it runs", result.stdout + result.stderr)
        self.expect(f":{port_of(name)}" in result.stdout, f"{command} names its own port", result.stdout)
        others = {port_of(other) for other in all_names() if other != name}
        self.expect(not [p for p in others if p and f":{p}" in result.stdout], f"{command} names no sibling's port", result.stdout)

    # ---- after the page

    def all_run(self, names: list[str]) -> None:
        listed = rows(self.json("jarvis instances --json"))
        found = {row.get("profile"): row for row in listed}
        self.expect(sorted(found) == sorted(names), "instances lists all and no more", sorted(found))
        pids = {name: found.get(name, {}).get("pid") for name in names}
        self.expect(None not in pids.values() and len(set(pids.values())) == len(names), "each has a process of its own", pids)
        self.expect(pids == {name: pid_of(name) for name in names}, "and the table shows the right one")
        if self.supervisor == "systemd":
            said = {name: main_pid(name) for name in names}
            self.expect(said == pids, "systemctl says the same", (said, pids))
        checked = self.shell("jarvis fleet check")
        self.expect(checked.returncode == 0, "fleet check finds nothing shared", checked.stdout + checked.stderr)
        ports = self.shell("jarvis ports").stdout
        self.expect(all(str(port_of(name)) in ports for name in names), "ports shows every base")
        sick = self.shell("jarvis doctor --all")
        self.expect(sick.returncode == 0, "doctor is content", sick.stdout + sick.stderr)

    def only(self, command: str, target: str, names: list[str], stops: bool) -> None:
        """A lifecycle command changes its target and nobody else."""
        before = {name: boot_of(name) for name in names}
        files = {name: settled(name) for name in names if name != target}
        result = self.shell(command)
        self.expect(result.returncode == 0, command, result.stdout + result.stderr)
        if stops:
            self.expect(wait(lambda: not is_up(target)), f"{command}: it is down")
        else:
            self.expect(wait(lambda: is_up(target) and boot_of(target) != before[target]), f"{command}: it has started again", log_of(target))
        now = {name: boot_of(name) for name in names if name != target}
        self.expect(now == {name: boot for name, boot in before.items() if name != target}, f"{command}: nobody else's process changed", now)
        self.expect({name: settled(name) for name in files} == files, f"{command}: nobody else's files changed")
        said = rows(self.json("jarvis instances --json"))
        down = sorted(row["profile"] for row in said if not row.get("pid"))
        self.expect(down == ([target] if stops else []), f"{command}: the table agrees", down)

    def life(self, names: list[str]) -> None:
        self.only("jarvis --profile rescue gateway stop", "rescue", names, stops=True)
        result = self.shell("jarvis --profile rescue gateway status")
        self.expect("running" not in result.stdout.replace("not running", ""), "gateway status says that it is stopped", result.stdout)
        self.only("jarvis --profile rescue gateway start", "rescue", names, stops=False)
        self.only("jarvis --profile main gateway restart", "main", names, stops=False)
        before = pid_of("main")
        print(f"$ kill -9 {before}", flush=True)
        os.kill(before, signal.SIGKILL)
        self.expect(wait(lambda: is_up("main") and pid_of("main") != before), "a killed gateway comes back", log_of("main"))

    def leave(self, names: list[str]) -> None:
        for index, name in enumerate(names):
            files = {other: settled(other) for other in names if other != name}
            result = self.shell(f"{jarvis(name)} gateway uninstall")
            self.expect(result.returncode == 0, f"uninstall of {name}", result.stdout + result.stderr)
            self.expect(wait(lambda: not is_up(name)), f"{name} is gone", log_of(name))
            self.expect({other: settled(other) for other in files} == files, f"uninstall of {name} leaves the others' files alone")
            self.expect(all(is_up(other) for other in names[index + 1:]), f"uninstall of {name} leaves the others running")
            self.expect((state_of(name) / "instance.json").exists(), f"{name} itself is still there")
        left = [str(path) for folder in (".config/systemd", ".config/autostart", ".local/state/jarvis") for path in (HOME / folder).rglob("*")
                if path.suffix in (".service", ".timer") or path.is_symlink() and "jarvis-gateway" in path.name]
        self.expect(not left, "no service file is left", left)
        wait(lambda: not gateways(), 10)
        self.expect(not gateways(), "no process is left", gateways())


# ---- the two ways

def profiles(walk: Walk, page: list[tuple[str, list[str]]]) -> list[str]:
    for heading, commands in page:
        if "env example" in heading or "variables" in heading:
            continue
        print(f"\n## {heading}", flush=True)
        for command in commands:
            siblings = {name: (settled(name), boot_of(name)) for name in all_names() if name != profile_of(command)}
            walk.run(command)
            now = {name: (settled(name), boot_of(name)) for name in siblings}
            walk.expect(now == siblings, f"{command}: nobody else is touched, changed or restarted",
                        [name for name in siblings if now[name] != siblings[name]])
        if walk.foreground:
            for name in all_names():
                answer = walk.shell(f"{jarvis(name)} agent -m 'hello {name}'")
                walk.expect(answer.returncode == 0 and answer.stdout.strip(), f"{name} answers", answer.stderr)
            walk.end_foreground()
    print("\n## one more", flush=True)
    for command in dict(page)["How to install (rescue bot)"]:
        if "rescue" in command:
            walk.run(command.replace("rescue", "work"))
    return ["default", "main", "rescue", "work"]


def variables(walk: Walk, page: list[tuple[str, list[str]]]) -> list[str]:
    example = next(commands for heading, commands in page if "env example" in heading or "variables" in heading)
    more = [command.replace("rescue", "third").replace("19001", "20001") for command in example if "rescue" in command]
    print("\n## the example, from nothing", flush=True)
    for command in [*example, *more]:
        refused = walk.shell(command)
        advice = re.search(r"(?:JARVIS_\w+=\S+ )*jarvis[^\n`]* setup", refused.stderr)
        walk.expect(refused.returncode == 1 and advice, f"{command}: without a configuration it says how to make one", refused.stderr)
        if advice:
            walk.run(advice.group())
    print("\n## the example", flush=True)
    for command in [*example, *more]:
        walk.run(command)
    for command in [*example, *more]:
        answer = walk.shell(re.sub(r"gateway --port.*", f"agent -m 'hello {profile_of(command)}'", command))
        walk.expect(answer.returncode == 0 and answer.stdout.strip(), f"{profile_of(command)} answers", answer.stderr)
    walk.end_foreground()
    print("\n## as services", flush=True)
    for command in [*example, *more]:
        walk.run(re.sub(r"gateway --port.*", "gateway install", command))
    walk.run("jarvis setup")
    walk.run("jarvis gateway install")
    print("\n## Quick checks", flush=True)
    for command in dict(page)["Quick checks"]:
        walk.run(command)
    return ["default", "main", "rescue", "third"]


def main() -> int:
    page, way, supervisor = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    walk = Walk(supervisor)
    try:
        names = {"profiles": profiles, "variables": variables}[way](walk, blocks(page))
        print("\n## what the page promises", flush=True)
        walk.all_run(names)
        walk.life(names)
        walk.leave(names)
    except Exception as error:  # the transcript up to here is what helps
        walk.expect(False, f"the walk ends early: {type(error).__name__}", error)
    print(json.dumps({"passed": walk.passed, "failed": walk.failed}))
    return 1 if walk.failed else 0


if __name__ == "__main__":
    sys.exit(main())
