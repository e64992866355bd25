"""A storm of lifecycle commands on a dozen instances, with a model that says what each leads to.

usage: random_life.py STEPS SEED systemd|builtin

Runs inside a host of its own (support/ownhost.py); standard library only. After each step: the target is what the model says, every other
instance has the same process and the same files, the innocent processes live, and every signal that a command sent went to the process
that was proven to be its target's. Prints the steps; the last line is a JSON document {"steps", "counts", "signals", "failed"}.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from inside import HOME, boot_of, gateways, is_up, log_of, pid_of, port_of, rows, settled, state_of, wait

STEPS, SEED, SUPERVISOR = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
COUNT = 12
SIGNALS = "trace=kill,tkill,tgkill,pidfd_send_signal,rt_sigqueueinfo,rt_tgsigqueueinfo"
SENT = re.compile(r"^(\d+) +(kill|tkill|tgkill|pidfd_send_signal|rt_sigqueueinfo|rt_tgsigqueueinfo)\((-?\d+)(?:, (\d+))?.*?(SIG\w+|\b0\b)", re.M)


# ---- the model

@dataclass(frozen=True)
class Expected:
    """What one instance should be: it exists; a service may keep it running; it may run in a terminal."""

    installed: bool = False
    up: bool = False
    terminal: bool = False  # runs, and no service started it
    port: int = 0


class Model:
    def __init__(self, random: random.Random):
        self.random = random
        self.instances: dict[str, Expected] = {}
        self.names = ["default", *(f"p{number:02}" for number in range(COUNT + 6))]

    def some(self, **wanted) -> str | None:
        """An instance of which all of this holds."""
        found = [name for name, it in self.instances.items() if all(getattr(it, key) == value for key, value in wanted.items())]
        return self.random.choice(sorted(found)) if found else None

    def free_name(self) -> str | None:
        found = [name for name in self.names[1:] if name not in self.instances]
        return self.random.choice(found) if found else None

    def step(self):
        """(action, target, the target afterwards; None when it is gone) or None when the action finds no target."""
        action = self.random.choice(ACTIONS)
        name = {
            "start": lambda: self.some(up=False), "start again": lambda: self.some(installed=True, up=True),
            "run": lambda: self.some(installed=False, up=False), "run beside": lambda: self.some(up=True),
            "stop": lambda: self.some(up=True), "stop again": lambda: self.some(up=False),
            "restart": lambda: self.some(up=True), "restart stopped": lambda: self.some(up=False),
            "kill": lambda: self.some(up=True), "install": lambda: self.some(terminal=False),
            "uninstall": lambda: self.some(terminal=False), "setup": lambda: self.some(),
            "force": lambda: self.some(up=False), "force sibling": lambda: self.some(up=False), "poison": lambda: self.some(up=False),
            "rename": lambda: self.some(installed=False, up=False), "rm": lambda: self.some(installed=False, up=False),
            "rm running": lambda: self.some(up=True), "rename running": lambda: self.some(up=True),
            "port": lambda: self.some(), "sibling port": lambda: self.some(), "clone": lambda: self.some(), "create": self.free_name,
        }[action]()
        too_many = action in ("clone", "create") and len(self.instances) >= COUNT
        too_few = action == "rm" and len(self.instances) < COUNT - 3
        if name is None or too_many or too_few or (name == "default" and action in ("rename", "rm")):
            return None
        it = self.instances.get(name, Expected())
        after = {
            "start": replace(it, up=it.installed), "run": replace(it, up=True, terminal=True), "stop": replace(it, up=False, terminal=False),
            "restart stopped": replace(it, up=it.installed), "kill": replace(it, up=not it.terminal, terminal=False),
            "install": replace(it, installed=True, up=True), "uninstall": replace(it, installed=False, up=it.terminal),
            "rename": None, "rm": None, "create": Expected(),
        }.get(action, it)
        return action, name, after


ACTIONS = ["start", "start again", "run", "run beside", "stop", "stop", "stop again", "restart", "restart", "restart stopped", "kill", "kill",
           "install", "install", "uninstall", "setup", "force", "force sibling", "poison", "rename", "rm", "rm running", "rename running", "port",
           "sibling port", "clone", "create"]


# ---- innocents

class Innocents:
    """Programs that have nothing to do with any gateway: they listen, or sleep, and must outlive everything."""

    def __init__(self):
        code = "import socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); s2 = s.accept()\nwhile True: s2 = s.accept()"
        self.ports = [31_001, 31_201, 31_401]
        self.processes = [subprocess.Popen([sys.executable, "-c", code, str(port)]) for port in self.ports]
        # One whose command line looks like a gateway's.
        self.processes.append(subprocess.Popen(["bash", "-c", "exec -a 'jarvis gateway --port 18789' sleep 100000"]))
        for port in self.ports:
            wait(lambda: listens(port), 10)

    def dead(self) -> list[int]:
        return [process.pid for process in self.processes if process.poll() is not None]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def json_port(name: str) -> int | None:
    """The port in its configuration, as set-up wrote it."""
    found = re.search(r'"?port"?\s*:\s*(\d+)', (state_of(name) / "jarvis.json").read_text())
    return int(found.group(1)) if found else None


# ---- the storm

class Storm:
    def __init__(self):
        self.random = random.Random(SEED)
        self.model = Model(self.random)
        self.innocents = Innocents()
        self.failed: list[str] = []
        self.counts: Counter = Counter()
        self.signals: list[str] = []
        self.terminals: dict[str, subprocess.Popen] = {}
        self.said = ""

    def fail(self, what: str, detail="") -> None:
        self.failed.append(f"{what}: {str(detail)[-1200:]}")
        print(f"  NOT  {what}\n      {detail}", flush=True)

    def command(self, *words: str, name: str, allowed=(0,), traced=True) -> int:
        """Runs `jarvis [--profile NAME] WORDS` and checks what it signalled."""
        words = [*([] if name == "default" else ["--profile", name]), *words]
        proven = pid_of(name)
        # strace waits for all that it follows: also for a supervisor that the command leaves behind.
        traced = traced and not (SUPERVISOR == "builtin" and {"install", "start", "restart"} & set(words))
        trace = HOME / "trace"
        prefix = ["strace", "-f", "-qq", "-e", SIGNALS, "-e", "signal=none", "-o", str(trace)] if traced and shutil.which("strace") else []
        try:
            result = subprocess.run([*prefix, "jarvis", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, cwd=HOME)
        except subprocess.TimeoutExpired as error:
            self.fail(f"jarvis {' '.join(words)} hangs", (error.stdout, error.stderr))
            return -1
        self.said = result.stdout + result.stderr
        print(f"    jarvis {' '.join(words)}: exit {result.returncode}", flush=True)
        if allowed is not None and result.returncode not in allowed:
            self.fail(f"jarvis {' '.join(words)}: exit {result.returncode}, not {allowed}", self.said)
        if prefix and trace.exists():
            for stray in self.strays(trace.read_text(errors="replace"), proven, " ".join(words)):
                self.fail(stray)
        return result.returncode

    def strays(self, text: str, proven: int | None, words: str) -> list[str]:
        """Signals that went elsewhere than to the proven gateway, the command's own threads and children that it started."""
        own, found = {int(line.split(maxsplit=1)[0]) for line in text.splitlines() if line[:1].isdigit()}, []
        for _, call, first, second, kind in SENT.findall(text):
            if kind == "0":
                continue
            self.signals.append(f"{words}: {call}({first}, {kind})")
            if abs(int(first)) not in own | {proven} and call != "pidfd_send_signal":
                found.append(f"jarvis {words}: signal {kind} to process {first}, proven is {proven}")
        return found

    def check_witness(self) -> None:
        """The witness of signals sees one: else its silence would mean nothing."""
        if not shutil.which("strace"):
            return
        trace, victim = HOME / "trace", self.innocents.processes[0].pid
        subprocess.run(["strace", "-f", "-qq", "-e", SIGNALS, "-e", "signal=none", "-o", str(trace), "bash", "-c", f"kill -CONT {victim}"])
        if len(self.strays(trace.read_text(), None, "witness")) != 1:
            self.fail("the witness of signals is blind", trace.read_text())
        self.signals.clear()

    def prepare(self) -> None:
        for name in self.model.names[:COUNT]:
            self.command("setup", name=name, traced=False)
            self.model.instances[name] = Expected()

    # ---- actions

    def act(self, action: str, name: str, after: Expected | None) -> None:
        before, boot, it = pid_of(name), boot_of(name), self.model.instances.get(name, Expected())
        if action in ("start", "start again"):
            self.command("gateway", "start", name=name, allowed=(0,) if it.installed else None)
        elif action == "run":
            self.in_terminal(name)
        elif action == "run beside":
            self.command("gateway", name=name, allowed=(78,))
        elif action in ("stop", "stop again"):
            self.command("gateway", "stop", name=name, allowed=(0,) if it.up else None)
        elif action in ("restart", "restart stopped"):
            self.command("gateway", "restart", name=name, allowed=(0,) if it.installed or it.up else None)
            if it.up and not wait(lambda: boot_of(name) not in (None, boot)):
                self.fail(f"restart {name}: it did not start again", self.said)
        elif action == "kill":
            os.kill(before, signal.SIGKILL)
            if not it.terminal and not wait(lambda: pid_of(name) not in (None, before) and is_up(name)):
                self.fail(f"{name} comes back after kill -9", log_of(name))
        elif action == "install":
            self.command("gateway", "install", *(["--supervisor", "builtin"] if SUPERVISOR == "builtin" else []), name=name)
        elif action == "uninstall":
            self.command("gateway", "uninstall", name=name, allowed=(0,) if it.installed else None)
        elif action == "setup":
            self.command("setup", name=name)
        elif action == "force":
            self.command("gateway", "--force", "--port", str(self.random.choice(self.innocents.ports)), name=name, allowed=(78,))
        elif action == "force sibling":
            if sibling := self.model.some(up=True):
                self.command("gateway", "--force", "--port", str(port_of(sibling)), name=name, allowed=(78,))
        elif action == "poison":
            self.poison(name)
            self.command("gateway", self.random.choice(["stop", "restart" if not it.installed else "stop"]), name=name, allowed=None)
        elif action == "rename":
            new = self.model.free_name()
            if new and self.command("profile", "rename", name, new, name="default") == 0:
                self.model.instances[new] = self.model.instances[name]
                if state_of(name).exists() or not (state_of(new) / "instance.json").exists():
                    self.fail(f"{name} is called {new} now", list(HOME.glob(".jarvis*")))
        elif action == "rename running":
            new = self.model.free_name()
            if new and name != "default" and not it.installed:
                self.command("profile", "rename", name, new, name="default", allowed=(1, 2, 78))
        elif action == "rm":
            self.command("profile", "rm", name, "--yes", name="default")
            if state_of(name).exists():
                self.fail(f"{name} is gone", list(state_of(name).iterdir()))
        elif action == "rm running":
            if name != "default":
                self.command("profile", "rm", name, name="default", allowed=(1, 2, 78))
        elif action == "port":
            free = 19_200 + 120 * self.random.randrange(90)
            if not any(abs(free - (json_port(other) or 0)) < 120 for other in self.model.instances):
                self.command("config", "set", "gateway.port", str(free), name=name)
                if it.up and not wait(lambda: port_of(name) == free and is_up(name)):
                    self.fail(f"port {name}: a running gateway moves to {free} by itself", self.said + log_of(name))
        elif action == "sibling port":
            others = [json_port(other) for other in self.model.instances if other != name]
            base = self.random.choice([port for port in others if port])
            self.command("config", "set", "gateway.port", str(base + self.random.randrange(-19, 20)), name=name, allowed=(2,))
        elif action == "clone":
            if new := self.model.free_name():
                if self.command("profile", "clone", name, new, name="default") == 0:
                    self.model.instances[new] = Expected()
        elif action == "create":
            self.command("setup", name=name)

    def in_terminal(self, name: str) -> None:
        with open(HOME / f"terminal-{name}.log", "ab") as log:
            words = ["jarvis", *([] if name == "default" else ["--profile", name]), "gateway"]
            self.terminals[name] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=HOME)
        if not wait(lambda: is_up(name)):
            self.fail(f"{name} runs in a terminal", (HOME / f"terminal-{name}.log").read_text(errors="replace"))

    def poison(self, name: str) -> None:
        """A left-over note names an innocent process, with its right start time."""
        victim = self.random.choice(self.innocents.processes).pid
        started = int(Path(f"/proc/{victim}/stat").read_text().rsplit(")", 1)[1].split()[19])
        run = state_of(name) / "run"
        run.mkdir(mode=0o700, exist_ok=True)
        identity = json.loads((state_of(name) / "instance.json").read_text())["instanceId"]
        note = {"version": 1, "pid": victim, "processStartTime": started, "instanceId": identity, "profile": name, "port": 31_001,
                "configPath": str(state_of(name) / "jarvis.json"), "bindHost": "127.0.0.1", "ports": {"gateway": 31_001}, "startedAtMs": 1,
                "sinceMs": 1, "controlSocket": str(run / "control.sock")}
        for file in ("gateway.json", "owner.json"):
            (run / file).write_text(json.dumps(note))

    # ---- after a step

    def check(self, action: str, name: str, after: Expected | None, siblings: dict) -> None:
        for other, (boot, files) in siblings.items():
            if other in self.model.instances and other != name:
                if boot_of(other) != boot:
                    self.fail(f"{action} {name}: {other} was started again or ended", (boot, boot_of(other), log_of(other)))
                if settled(other) != files:
                    now = settled(other)
                    self.fail(f"{action} {name}: files of {other} changed", [path for path in {*now, *files} if now.get(path) != files.get(path)])
        if dead := self.innocents.dead():
            self.fail(f"{action} {name}: innocent processes ended", dead)
        if after is None:
            self.model.instances.pop(name, None)
        else:
            self.model.instances[name] = after
            if not wait(lambda: is_up(name) == after.up, 20):
                self.fail(f"{action} {name}: up is {not after.up}, the model says {after.up}", log_of(name))
        for terminal, process in list(self.terminals.items()):
            if process.poll() is not None:
                del self.terminals[terminal]
        up = [name for name, it in self.model.instances.items() if it.up]
        if SUPERVISOR == "systemd" and not wait(lambda: len(gateways()) == len(up), 10):
            self.fail(f"{action} {name}: {len(gateways())} processes for {len(up)} running gateways", gateways())

    def compare_all(self) -> None:
        """The table of all instances and the model say the same."""
        shown = subprocess.run(["jarvis", "instances", "--json"], capture_output=True, text=True, cwd=HOME)
        try:
            told = {row["profile"]: row.get("pid") for row in rows(json.loads(shown.stdout))}
        except (ValueError, KeyError):
            return self.fail("instances --json", shown.stdout + shown.stderr)
        expected = {name: pid_of(name) if it.up else None for name, it in self.model.instances.items()}
        if told != expected:
            self.fail("the table of all instances", f"says {told}\nis   {expected}")
        for name, it in self.model.instances.items():
            if it.up != is_up(name):
                self.fail(f"{name} is up: {is_up(name)}, the model says {it.up}")

    def run(self) -> None:
        self.check_witness()
        self.prepare()
        done = 0
        while done < STEPS and len(self.failed) < 8:
            step = self.model.step()
            if step is None:
                continue
            action, name, after = step
            done += 1
            self.counts[action] += 1
            print(f"{done:4}  {action}  {name}", flush=True)
            siblings = {other: (boot_of(other), settled(other)) for other in self.model.instances if other != name}
            self.act(action, name, after)
            self.check(action, name, after, siblings)
            if done % 10 == 0:
                self.compare_all()
        self.compare_all()

    def close(self) -> None:
        for process in self.innocents.processes:
            process.kill()


def main() -> int:
    print(f"seed {SEED}", flush=True)
    storm = Storm()
    try:
        storm.run()
    except Exception as error:  # the steps up to here are what helps
        import traceback

        traceback.print_exc(file=sys.stdout)
        storm.fail(f"the storm ends early: {type(error).__name__}", error)
    finally:
        storm.close()
    print(json.dumps({"seed": SEED, "steps": sum(storm.counts.values()), "counts": storm.counts, "signals": len(storm.signals),
                      "failed": storm.failed}))
    return 1 if storm.failed else 0


if __name__ == "__main__":
    sys.exit(main())
