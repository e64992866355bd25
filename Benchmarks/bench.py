#!/usr/bin/env python3
"""Measures a release binary against the budgets and prints one table. See README.md beside this file.

usage: bench.py BINARY [--quick] [--only P1,P7] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Tests/BlackBoxTests"))


@dataclass
class Row:
    number: str
    measure: str
    value: float | None
    unit: str
    budget: float | None = None
    beside: str = ""
    beside_value: float | None = None
    more_is_better: bool = False
    budget_ratio: float | None = None
    note: str = ""
    samples: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        if self.value is None or not self.beside_value:
            return None
        return self.value / self.beside_value

    @property
    def verdict(self) -> str:
        if self.value is None or (self.budget is None and self.budget_ratio is None):
            return "–"
        kept = True
        if self.budget is not None:
            kept = self.value >= self.budget if self.more_is_better else self.value <= self.budget
        if self.budget_ratio is not None and self.ratio is not None:
            kept = kept and (self.ratio >= self.budget_ratio if self.more_is_better else self.ratio <= self.budget_ratio)
        return "ok" if kept else "OVER"


class Missing(Exception):
    """A mode of the binary is not there."""


class Bench:
    def __init__(self, binary: Path, quick: bool):
        self.binary = binary
        self.quick = quick
        self.rows: list[Row] = []
        from support.gateway import Gateway
        from support.home import Home

        self.Gateway, self.Home = Gateway, Home
        self.home = Home()
        self.children: list[subprocess.Popen] = []

    # ---- processes

    def spawn(self, arguments, env=None, **options) -> subprocess.Popen:
        process = subprocess.Popen(
            [str(self.binary), *map(str, arguments)], env=env or self.home.environment(), stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.DEVNULL), stderr=subprocess.DEVNULL, cwd=self.home.root, close_fds=False, **options)
        self.children.append(process)
        return process

    def end(self, process: subprocess.Popen) -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.children.remove(process)

    def stop_children(self) -> None:
        for process in list(self.children):
            process.kill()
            process.wait()
        self.children.clear()

    def close(self) -> None:
        self.stop_children()
        self.home.remove()

    def configure(self, port: int, home=None, extra: dict | None = None) -> None:
        from support.gateway import base_config, merge

        (home or self.home).write_config(merge(base_config(port), extra or {}))

    def peer(self, port: int) -> subprocess.Popen:
        process = self.spawn(["debug", "bench-peer", "--port", port])
        try:
            wait_ready(port, process)
        except RuntimeError:
            self.children.remove(process)
            raise Missing("debug bench-peer") from None
        return process

    def client(self, *arguments, timeout=120) -> dict:
        made = subprocess.run(
            [str(self.binary), "debug", "bench-client", *map(str, arguments)], env=self.home.environment(), capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=timeout)
        if made.returncode != 0:
            raise Missing(f"debug bench-client: {made.stderr.strip()[-200:]}")
        return json.loads(made.stdout.strip().splitlines()[-1])

    # ---- measures

    def browser(self) -> None:
        import browser

        browser.measure(self, Row)

    def time_to_ready(self, arguments, port: int, env=None) -> float:
        """Milliseconds from just before exec to the first 200 on /readyz."""
        started = time.perf_counter()
        process = self.spawn(arguments, env)
        try:
            wait_ready(port, process)
            return (time.perf_counter() - started) * 1000
        finally:
            self.end(process)

    def p1_p2(self) -> None:
        from support.ports import free_base_port

        runs = 7 if self.quick else 20
        port = free_base_port()
        self.configure(port)
        gateway = ["gateway", "--port", port]
        try:
            peer_port = free_base_port()
            self.end(self.peer(peer_port))
        except Missing:
            peer_port = None
        self.time_to_ready(gateway, port)
        ours, peers = [], []
        for _ in range(runs):
            ours.append(self.time_to_ready(gateway, port))
            if peer_port:
                peers.append(self.time_to_ready(["debug", "bench-peer", "--port", peer_port], peer_port))
        first = Row(
            "P1", "start to ready, fresh", statistics.median(ours), "ms", 15, "bare NIO", statistics.median(peers) if peers else None,
            budget_ratio=3, samples=ours)
        self.rows.append(first)

        other = self.Home()
        try:
            port = free_base_port()
            self.configure(port, other, {
                "agents": {"list": [{"id": f"agent{n}", "name": f"Agent {n}"} for n in range(20)]},
                "channels": {"telegram": {"accounts": {f"bot{n}": {"enabled": False} for n in range(20)}}}})
            self.fill(other, port)
            env = other.environment()
            self.time_to_ready(gateway[:1] + ["--port", port], port, env)
            fresh, full = [], []
            first_port = free_base_port()
            self.configure(first_port)
            for _ in range(runs):
                fresh.append(self.time_to_ready(["gateway", "--port", first_port], first_port))
                full.append(self.time_to_ready(["gateway", "--port", port], port, env))
            self.rows.append(Row(
                "P2", "start to ready, 100 sessions of 200", statistics.median(full), "ms", None, "P1 again", statistics.median(fresh),
                budget_ratio=1.5, samples=full))
        finally:
            other.remove()

    def fill(self, home, port: int) -> None:
        """100 sessions of 200 messages, through the front door."""
        gateway = self.Gateway(home, port=port).start()
        try:
            folder = home.root / "tmp"
            for number in range(100):
                path = folder / "import.jsonl"
                path.write_text(transcript(200))
                result = gateway.cli("sessions", "import", str(path), "--as", f"agent:agent{number % 20}:bench-{number}")
                if result.returncode != 0:
                    raise Missing(f"sessions import: {result.stderr.strip()[-200:]}")
        finally:
            gateway.stop()

    def p3(self) -> None:
        from support.ports import free_base_port

        wait = 10 if self.quick else 60
        port = free_base_port()
        self.configure(port)
        process = self.spawn(["gateway", "--port", port])
        wait_ready(port, process)
        try:
            peer_port = free_base_port()
            peer = self.peer(peer_port)
        except Missing:
            peer = None
        time.sleep(wait)
        before, at = switches(process.pid), time.monotonic()
        time.sleep(10)
        wakeups = (switches(process.pid) - before) / (time.monotonic() - at)
        ours, theirs = memory(process.pid), memory(peer.pid) if peer else {}
        megabytes = lambda value: None if value is None else value / 1024  # noqa: E731
        self.rows += [
            Row("P3", "idle resident memory", megabytes(ours["Rss"]), "MB", 16, "bare NIO", megabytes(theirs.get("Rss"))),
            Row("P3", "idle anonymous memory", megabytes(ours["Anonymous"]), "MB", 3, "bare NIO", megabytes(theirs.get("Anonymous"))),
            Row("P3", "idle threads", psutil.Process(process.pid).num_threads(), "", 4, "bare NIO",
                psutil.Process(peer.pid).num_threads() if peer else None),
            Row("P3", "idle wake-ups", wakeups, "/s", 1),
        ]
        self.end(process)
        if peer:
            self.end(peer)

    def p4(self) -> None:
        count, wait = (10, 10) if self.quick else (50, 60)
        home, processes = self.host(count), []
        try:
            started = time.perf_counter()
            names = [f"p{number:03}" for number in range(count)]
            for name in names:
                processes.append(self.spawn(["--profile", name, "gateway"], home.environment()))
            for name, process in zip(names, processes):
                wait_ready(port_of(home, name), process, 60)
            ready = time.perf_counter() - started
            time.sleep(5)
            cpu = lambda: sum(sum(psutil.Process(p.pid).cpu_times()[:2]) for p in processes)  # noqa: E731
            before, at = cpu(), time.monotonic()
            time.sleep(wait)
            share = (cpu() - before) / (time.monotonic() - at) * 100
            pss = sum(memory(p.pid)["Pss"] for p in processes) / 1024
            self.rows += [
                Row("P4", f"{count} gateways at once, all ready", ready, "s", 3),
                Row("P4", f"{count} idle gateways, memory (PSS)", pss, "MB", 250 * count / 50),
                Row("P4", f"{count} idle gateways, CPU", share, "%", 1),
            ]
        finally:
            for process in processes:
                self.end(process)
            home.remove()

    def p5(self) -> None:
        self.rows.append(Row("P5", "release binary", self.binary.stat().st_size / 1_048_576, "MB", 28))

    def p6(self) -> None:
        from support.ports import free_base_port

        port = free_base_port()
        self.configure(port)
        process = self.spawn(["gateway", "--port", port])
        wait_ready(port, process)
        runs = 15 if self.quick else 40
        commands = [("--version", ["--version"], 2), ("config get", ["config", "get", "gateway.port"], 6), ("status", ["status"], 10)]
        times = {name: [] for name, _, _ in commands}
        floor = []
        environment = self.home.environment()
        for _ in range(runs):
            floor.append(wall(["/bin/true"], environment))
            for name, arguments, _ in commands:
                times[name].append(wall([str(self.binary), *arguments], environment))
        for name, _, budget in commands:
            self.rows.append(Row(
                "P6", f"jarvis {name}", statistics.median(times[name]), "ms", budget, "/bin/true", statistics.median(floor), samples=times[name]))
        self.end(process)

    def p7(self) -> None:
        port, process, peer_port, peer = self.pair()
        seconds = 2 if self.quick else 5
        ours, theirs = [], []
        for _ in range(1 if self.quick else 3):
            theirs.append(self.client("--url", url(peer_port), "--mode", "echo", "--clients", 64, "--seconds", seconds)["perSecond"])
            ours.append(self.client(
                "--url", url(port), "--token", token(), "--mode", "rpc", "--clients", 64, "--seconds", seconds)["perSecond"])
        self.rows.append(Row(
            "P7", "RPC round trips, 64 clients", statistics.median(ours), "/s", None, "bare NIO echo", statistics.median(theirs),
            more_is_better=True, budget_ratio=0.5, samples=ours))
        self.end(process)
        self.end(peer)

    def p8(self) -> None:
        from support.ports import free_base_port

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        counts = [1_000] if self.quick else [1_000, 10_000]
        for count in counts:
            if hard < count + 500:
                self.rows.append(Row("P8", f"memory a connection, {count:,}", None, "KB", 12, note=f"ulimit -n is {hard}"))
                continue
            port = free_base_port()
            self.configure(port)
            process = self.spawn(["gateway", "--port", port])
            wait_ready(port, process)
            time.sleep(1)
            before = memory(process.pid)["Anonymous"]
            client = self.spawn(
                ["debug", "bench-client", "--url", url(port), "--token", token(), "--mode", "idle", "--clients", count],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if not select.select([client.stdout], [], [], 60)[0]:
                self.rows.append(Row("P8", f"memory a connection, {count:,}", None, "KB", 12, note="not connected after 60 s"))
                self.end(client)
                self.end(process)
                continue
            if not client.stdout.readline():
                self.end(process)
                raise Missing("debug bench-client --mode idle")
            time.sleep(2)
            used = (memory(process.pid)["Anonymous"] - before) / count
            self.rows.append(Row("P8", f"memory a connection, {count:,}", used, "KB", 12))
            client.stdin.close()
            client.wait(30)
            self.children.remove(client)
            self.end(process)

    def p9(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        port, process, peer_port, peer = self.pair()
        count = 200 if self.quick else 1_000
        theirs = self.client("--url", url(peer_port), "--mode", "broadcast", "--clients", count)["lastDeliveryMs"]
        ours = self.client("--url", url(port), "--token", token(), "--mode", "broadcast", "--clients", count)["lastDeliveryMs"]
        self.rows.append(Row(
            "P9", f"one event to {count:,} clients", statistics.median(ours), "ms", 25, "bare NIO", statistics.median(theirs), samples=ours))
        self.end(process)
        self.end(peer)

    def p11(self) -> None:
        place = self.home.root / "bench-store"
        place.mkdir(mode=0o700)
        made = subprocess.run(
            [str(self.binary), "debug", "bench-store", "--directory", str(place), "--messages", "2000" if self.quick else "10000"],
            env=self.home.environment(), capture_output=True, text=True, timeout=300)
        if made.returncode != 0:
            raise Missing(f"debug bench-store: {made.stderr.strip()[-200:]}")
        result = json.loads(made.stdout.strip().splitlines()[-1])
        accepts = result["acceptsPerSecond"]
        self.rows += [
            Row("P11", f"durable messages, {result['senders']} senders", accepts, "/s", None, "SQLite, same promise",
                accepts / result["ratio"], more_is_better=True, budget_ratio=0.5),
            Row("P11", "the same, for scale", accepts, "/s", None, "SQLite, one bare row", result["rawRowsPerSecond"],
                more_is_better=True),
        ]

    # ---- many instances on one host

    def host(self, count: int):
        """A home with `count` instances that do not run: p000, p001 …"""
        home = self.Home()
        environment = home.environment()
        for number in range(count):
            made = subprocess.run(
                [str(self.binary), "--profile", f"p{number:03}", "setup"], env=environment, cwd=home.root, stdin=subprocess.DEVNULL,
                capture_output=True, text=True)
            if made.returncode != 0:
                home.remove()
                raise Missing(f"setup of instance {number}: {made.stderr.strip()[-200:]}")
        return home

    def p13(self) -> None:
        """The table of all instances, and one instance's provenance."""
        runs = 7 if self.quick else 20
        sizes = [(1, 1), (20, 10)] if self.quick else [(1, 1), (20, 10), (100, 10)]
        peer = shutil.which("pg_lsclusters") or shutil.which("systemctl")
        peer_command = [peer] if peer and peer.endswith("clusters") else [peer, "list-units", "--no-pager"] if peer else None
        name = "–" if not peer else "pg_lsclusters" if peer.endswith("clusters") else "systemctl list-units"
        for count, running in sizes:
            home = self.host(count)
            processes = []
            try:
                for number in range(running):
                    processes.append(self.spawn(["--profile", f"p{number:03}", "gateway"], home.environment()))
                for number in range(running):
                    wait_ready(port_of(home, f"p{number:03}"), processes[number], 60)
                ours, which, peers = [], [], []
                for _ in range(runs):
                    ours.append(wall([str(self.binary), "instances"], home.environment(), {0, 4, 8, 12}))
                    which.append(wall([str(self.binary), "--profile", "p000", "which"], home.environment()))
                    if peer_command:
                        peers.append(wall(peer_command, home.environment(), None))
                self.rows.append(Row(
                    "P13", f"jarvis instances, {count} ({running} running)", statistics.median(ours), "ms", 40, name,
                    statistics.median(peers) if peers else None, budget_ratio=1 if peers and name.startswith("pg_") else None, samples=ours))
                if count == sizes[-1][0]:
                    self.rows.append(Row("P13", f"jarvis which, {count} instances", statistics.median(which), "ms", 10, samples=which))
            finally:
                for process in processes:
                    self.end(process)
                home.remove()

    def p15(self) -> None:
        """The proof that 20 instances share nothing."""
        home = self.host(20)
        try:
            times = [wall([str(self.binary), "fleet", "check"], home.environment()) for _ in range(5 if self.quick else 15)]
            self.rows.append(Row("P15", "jarvis fleet check, 20 instances", statistics.median(times), "ms", 200, samples=times))
        finally:
            home.remove()

    def p16(self) -> None:
        """64 set-ups at the same time: 64 disjoint blocks of ports."""
        count = 16 if self.quick else 64
        home = self.Home()
        try:
            started = time.perf_counter()
            processes = [self.spawn(["--profile", f"p{number:03}", "setup"], home.environment()) for number in range(count)]
            codes = [process.wait(120) for process in processes]
            elapsed = time.perf_counter() - started
            self.children = [child for child in self.children if child not in processes]
            ports = sorted(port_of(home, f"p{number:03}") for number in range(count))
            if any(codes) or any(b - a < 111 for a, b in zip(ports, ports[1:])):
                raise Missing(f"set-ups that all succeed with blocks apart: exits {sorted(set(codes))}")
            alone = wall([str(self.binary), "--profile", "one-more", "setup"], home.environment()) / 1000
            self.rows.append(Row("P16", f"{count} set-ups at once", elapsed, "s", 5, f"{count} × one alone", alone * count, budget_ratio=1.5))
            self.rows.append(Row("P16", "one set-up", alone * 1000, "ms", None, "pg_createcluster", create_cluster_time()))
        finally:
            home.remove()

    def p17(self) -> None:
        """The start of one gateway does not slow down with the siblings on the host."""
        from support.ports import free_base_port

        runs = 5 if self.quick else 15
        alone_port = free_base_port()
        self.configure(alone_port)
        crowded = self.host(20 if self.quick else 100)
        try:
            port = port_of(crowded, "p000")
            alone, among = [], []
            for _ in range(runs):
                alone.append(self.time_to_ready(["gateway", "--port", alone_port], alone_port))
                among.append(self.time_to_ready(["--profile", "p000", "gateway"], port, crowded.environment()))
            self.rows.append(Row(
                "P17", f"start to ready, {20 if self.quick else 100} siblings", statistics.median(among), "ms", None, "alone on the host",
                statistics.median(alone), budget_ratio=1.5, samples=among))
        finally:
            crowded.remove()

    def pair(self):
        """A gateway and the peer, both ready."""
        from support.ports import free_base_port

        port, peer_port = free_base_port(), free_base_port()
        self.configure(port)
        peer = self.peer(peer_port)
        process = self.spawn(["gateway", "--port", port])
        wait_ready(port, process)
        return port, process, peer_port, peer


# ---- small measures

def token() -> str:
    from support.home import TOKEN

    return TOKEN


def url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/"


def wait_ready(port: int, process: subprocess.Popen, timeout: float = 20) -> None:
    """Returns at the first 200 on /readyz; polls as fast as is fair to the starting process."""
    request = f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                try:
                    probe.sendall(request)
                    if probe.recv(64).startswith(b"HTTP/1.1 200"):
                        return
                except OSError:
                    pass
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode} before it was ready")
        time.sleep(0.0002)
    raise RuntimeError(f"not ready within {timeout} s")


def memory(pid: int) -> dict[str, int]:
    """Kilobytes from /proc/PID/smaps_rollup."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        found[name] = int(value.split()[0])
    return found


def switches(pid: int) -> int:
    """How often the threads of a process have gone to sleep so far."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def create_cluster_time() -> float | None:
    """Milliseconds that Debian's tool takes for one new cluster, in directories that vanish; nil where it can't run."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if os.geteuid() != 0 or not versions or not shutil.which("pg_createcluster"):
        return None
    places = ["/etc/postgresql", "/var/lib/postgresql", "/var/log/postgresql"]
    script = "".join(f"mount -t tmpfs tmpfs {place} && chown postgres {place} && " for place in places)
    script += f"exec pg_createcluster {versions[-1].parts[-3]} bench"
    try:
        return wall(["/usr/bin/unshare", "--mount", "sh", "-c", script], {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
    except (Missing, OSError):
        return None


def port_of(home, profile: str) -> int:
    """The base port that set-up wrote."""
    return int(re.search(r'"?port"?\s*:\s*(\d+)', home.config_path(profile).read_text()).group(1))


def wall(command: list[str], environment: dict, codes: set[int] | None = frozenset({0})) -> float:
    """Milliseconds of one run, by posix_spawn. An exit code that is not among `codes` is an error; None: any will do."""
    nothing = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, nothing, fd) for fd in (0, 1, 2)]
    started = time.perf_counter()
    pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
    status = os.waitpid(pid, 0)[1]
    elapsed = (time.perf_counter() - started) * 1000
    os.close(nothing)
    if codes is not None and os.waitstatus_to_exitcode(status) not in codes:
        raise Missing(f"{' '.join(command[1:])}: exit {os.waitstatus_to_exitcode(status)}")
    return elapsed


def transcript(messages: int) -> str:
    at = "2026-01-01T00:00:00.000Z"
    lines = [{"type": "session", "version": 3, "id": str(uuid.uuid4()), "timestamp": at, "cwd": "/"}]
    parent = None
    for number in range(messages):
        id = f"{number + 1:08x}"
        text = f"message {number}: " + "the quick brown fox jumps over the lazy dog " * 4
        if number % 2 == 0:
            message = {"role": "user", "content": [{"type": "text", "text": text}], "timestamp": 1767225600000 + number}
        else:
            message = {
                "role": "assistant", "content": [{"type": "text", "text": text}], "api": "openai-completions", "provider": "test",
                "model": "echo", "usage": {"input": 10, "output": 10, "cacheRead": 0, "cacheWrite": 0, "totalTokens": 20},
                "stopReason": "stop", "timestamp": 1767225600000 + number}
        lines.append({"type": "message", "id": id, "parentId": parent, "timestamp": at, "message": message})
        parent = id
    return "\n".join(json.dumps(line) for line in lines) + "\n"


# ---- report

def number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    text = f"{value:,.0f}" if value >= 1_000 or float(value).is_integer() else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return f"{text} {unit}".strip()


def budget(row: Row) -> str:
    sign = "≥" if row.more_is_better else "≤"
    parts = []
    if row.budget is not None:
        parts.append(f"{sign} {number(row.budget, row.unit)}")
    if row.budget_ratio is not None:
        parts.append(f"{sign} {row.budget_ratio:g} ×")
    return ", ".join(parts)


def print_table(rows: list[Row]) -> None:
    head = ["#", "measure", "value", "budget", "beside it", "ratio", ""]
    table = [[
        row.number, row.measure, number(row.value, row.unit) + (f" ({row.note})" if row.note else ""), budget(row),
        f"{row.beside} {number(row.beside_value, row.unit)}" if row.beside else "–", f"{row.ratio:.2f}" if row.ratio else "–", row.verdict]
        for row in rows]
    widths = [max(len(line[i]) for line in [head, *table]) for i in range(len(head))]
    for index, line in enumerate([head, *table]):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    binary = options.binary.resolve()
    os.environ["JARVIS_TEST_BINARY"] = str(binary)
    bench = Bench(binary, options.quick)
    steps = [("P1,P2", bench.p1_p2), ("P3", bench.p3), ("P4", bench.p4), ("P5", bench.p5), ("P6", bench.p6), ("P7", bench.p7),
             ("P8", bench.p8), ("P9", bench.p9), ("P11", bench.p11), ("P13", bench.p13), ("P15", bench.p15), ("P16", bench.p16), ("P17", bench.p17),
             ("P18,P19,P20,P21,P22,P23", bench.browser)]
    wanted = {name.strip().upper() for name in options.only.split(",") if name.strip()}
    failed = False
    try:
        for names, step in steps:
            if wanted and not wanted & set(names.split(",")):
                continue
            print(f"bench: {names} …", file=sys.stderr, flush=True)
            try:
                step()
            except (Missing, RuntimeError, AssertionError, subprocess.TimeoutExpired, LookupError, ValueError, OSError) as error:
                failed = True
                reason = (str(error) or type(error).__name__).splitlines()[0][:80]
                bench.rows.append(Row(names, "not measured", None, "", note=reason))
            finally:
                bench.stop_children()
    finally:
        bench.close()
    cores = os.cpu_count()
    print(f"\n{cores} cores, load {os.getloadavg()[0]:.1f} at the end, {binary.name} of {binary.stat().st_size:,} bytes\n")
    print_table(bench.rows)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in bench.rows], indent=2) + "\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
