"""A network of the test's own: a host with loopback and one card, a public server beside it, and a name server that answers what the test wants.

`OwnNetwork()` takes the calling thread, and every process that it starts from then on, to that host; `leave()` brings it back. Sockets stay where they were made.
"""

from __future__ import annotations

import ctypes
import ipaddress
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

CLONE_FS, CLONE_NEWNS, CLONE_NEWNET = 0x200, 0x20000, 0x40000000
HOST, SERVER = "93.184.216.1", "93.184.216.34"  # numbers of the public internet; nothing of it is reached


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def why_not() -> str | None:
    """Why this machine cannot give such a network; None when it can."""
    if os.geteuid() != 0:
        return "needs root: a network and a resolv.conf of its own"
    if shutil.which("ip") is None:
        return "ip is not installed"
    script = "ip link add a0 type veth peer name a1 && mount --bind /etc/hosts /etc/resolv.conf"
    if subprocess.run(["unshare", "--mount", "--net", "sh", "-c", script], capture_output=True).returncode != 0:
        return "this machine does not allow namespaces, or pairs of network cards in them"
    return None


class OwnNetwork:
    """The host of the test is `HOST`, its name server 127.0.0.1; `server_socket()` listens on `SERVER`, another host."""

    def __init__(self):
        self._before = [os.open(f"/proc/thread-self/ns/{kind}", os.O_RDONLY) for kind in ("net", "mnt")]
        self._folder = os.getcwd()
        self._far = self._near = -1
        self._files = Path(tempfile.mkdtemp(prefix="jbb-net-", dir="/tmp"))
        try:
            self._enter()
        except BaseException:
            self.leave()
            raise

    def _enter(self) -> None:
        _call("unshare", CLONE_NEWNET)
        self._far = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _run("ip", "link", "set", "lo", "up")
        _call("unshare", CLONE_NEWNET | CLONE_NEWNS)
        self._near = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _run("mount", "--make-rprivate", "/")
        (self._files / "resolv.conf").write_text("nameserver 127.0.0.1\noptions attempts:1 timeout:2\n")
        (self._files / "nsswitch.conf").write_text("hosts: files dns\n")
        for path in self._files.iterdir():
            _run("mount", "--bind", str(path), f"/etc/{path.name}")
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", "near", "type", "veth", "peer", "name", "far")
        _run("ip", "link", "set", "far", "netns", f"/proc/{os.getpid()}/fd/{self._far}")
        for address in (f"{HOST}/24", "2606:2800:220:1::1/64"):
            _run("ip", "address", "add", address, "dev", "near", *(["nodad"] if ":" in address else []))
        _run("ip", "link", "set", "near", "up")
        self._there(lambda: [
            _run("ip", "address", "add", f"{SERVER}/24", "dev", "far"), _run("ip", "link", "set", "far", "up")])

    def _there(self, body):
        _call("setns", self._far, CLONE_NEWNET)
        try:
            return body()
        finally:
            _call("setns", self._near, CLONE_NEWNET)

    def server_socket(self, port: int = 0) -> socket.socket:
        """A listener on the public server."""
        return self._there(lambda: socket.create_server((SERVER, port), backlog=64))

    def leave(self) -> None:
        _call("unshare", CLONE_FS)  # threads that began meanwhile share the place in the file system, which is left here
        for descriptor, kind in zip(self._before, (CLONE_NEWNET, CLONE_NEWNS)):
            _call("setns", descriptor, kind)
        os.chdir(self._folder)
        for descriptor in (*self._before, self._far, self._near):
            if descriptor >= 0:
                os.close(descriptor)
        shutil.rmtree(self._files, ignore_errors=True)


def _run(*words: str) -> None:
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode != 0:
        raise OSError(f"{' '.join(words)}: {result.stderr}")


class NameServer:
    """DNS over UDP on port 53 of 127.0.0.1, every answer with a life of 0 seconds.

    `names[name]` is a list of answers, each a list of addresses; the answers to A take turns, and so do those to AAAA. `asked` has the questions.
    """

    def __init__(self, names: dict[str, list[list[str]]]):
        self.names = names
        self.asked: list[tuple[str, str]] = []
        self.given: list[tuple[str, tuple[str, ...]]] = []
        self._turns: dict[tuple[str, int], int] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="names", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended = True
        self._socket.sendto(b"", self._socket.getsockname())  # wakes it
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while True:
            question, sender = self._socket.recvfrom(4096)
            if self._ended:
                return
            if len(question) > 12:
                self._socket.sendto(self._answer(question), sender)

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1:at + 1 + length].decode("latin-1").lower())
            at += 1 + length
        name, kind = ".".join(labels), struct.unpack(">H", question[at + 1:at + 3])[0]
        asked = question[12:at + 5]
        self.asked.append((name, {1: "A", 28: "AAAA"}.get(kind, str(kind))))
        answers = self.names.get(name)
        records = []
        if answers and kind in (1, 28):
            turn = self._turns.get((name, kind), 0)
            self._turns[name, kind] = turn + 1
            addresses = [ipaddress.ip_address(one) for one in answers[turn % len(answers)]]
            records = [one.packed for one in addresses if one.version == (4 if kind == 1 else 6)]
            if records:
                self.given.append((name, tuple(str(ipaddress.ip_address(one)) for one in records)))
        head = question[:2] + struct.pack(">HHHHH", 0x8580 | (0 if answers else 3), 1, len(records), 0, 0)
        return head + asked + b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(one)) + one for one in records)
