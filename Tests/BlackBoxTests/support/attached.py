"""Browsers that JARVIS did not start: Chromium as a user's own, and relays in front of its debugging port that speak TLS, ask for credentials, stall and break."""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import ctypes
import datetime
import ipaddress
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import urllib.request
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.browser import browsers_of, chromium_path
from support.ports import wait_until


def outside_address() -> str | None:
    """An IPv4 address of this host that is not loopback; None when there is none."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("203.0.113.1", 9))  # nothing is sent
        address = probe.getsockname()[0]
        if not ipaddress.ip_address(address).is_loopback:
            return address
    return None


class OwnBrowser:
    """A Chromium with an open debugging port that belongs to its user. `port` 0 lets it choose, and write it down."""

    def __init__(self, directory: Path, port: int = 0, env: dict | None = None, prefix: list[str] | None = None):
        self.directory, self.wanted, self.env, self.prefix = directory, port, env, prefix or []
        self.process: subprocess.Popen | None = None

    def start(self) -> "OwnBrowser":
        notes = self.directory / "DevToolsActivePort"
        notes.unlink(missing_ok=True)
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [*self.prefix, chromium_path(), "--headless=new", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", *sandbox,
             f"--remote-debugging-port={self.wanted}", f"--user-data-dir={self.directory}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env={**os.environ, **(self.env or {})})
        if self.wanted:
            wait_until(lambda: self._answers(), 30, "the user's browser listens")
            self.port = self.wanted
        else:
            self.port = int(wait_until(lambda: notes.exists() and len(notes.read_text().splitlines()) > 1 and notes.read_text().splitlines()[0], 30, "a port"))
        return self

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.wanted), 1):
            return True
        return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET"):
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", method=method), timeout=30) as answer:
            return json.load(answer)

    def tabs(self) -> dict[str, str]:
        """Its tabs as it tells itself: id and address."""
        return {one["id"]: one["url"] for one in self.ask("/json/list") if one["type"] == "page"}

    def open(self, url: str) -> str:
        return self.ask(f"/json/new?{url}", "PUT")["id"]

    def debug_path(self) -> str:
        return self.ask("/json/version")["webSocketDebuggerUrl"].split(f":{self.port}", 1)[1]

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ends it with its whole group."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        wait_until(lambda: not browsers_of(self.directory), 20, "the user's browser is gone")


class Authority:
    """A certificate authority made for a test; `file` is its certificate in PEM form."""

    def __init__(self, folder: Path):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.certificate = self._certificate(self.name, self.key, [], is_authority=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(pem(self.certificate))
        self.made = 0

    def _certificate(self, subject, key, hosts: list[str], is_authority: bool = False, own: bool = False):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(subject if own or is_authority else self.name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True))
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([host_name(host) for host in hosts]), critical=False)
        return builder.sign(key if own or is_authority else self.key, hashes.SHA256())

    def server(self, *hosts: str, self_signed: bool = False) -> tuple[ssl.SSLContext, Path]:
        """What a server for `hosts` needs, and the file of its certificate."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
        certificate = self._certificate(subject, key, list(hosts), own=self_signed)
        self.made += 1
        file = self.folder / f"server-{self.made}.pem"
        file.write_bytes(pem(certificate))
        private = self.folder / f"server-{self.made}.key"
        private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, private)
        return context, file


def pem(certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def host_name(host: str):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Relay:
    """Forwards connections to a debugging port of this host, as a proxy on another machine would.

    `heads` are the requests that came, first line and headers; `user` and `token`, when set, must be in each of them. `stall()` keeps
    connections open and moves nothing; `resume()` goes on; `cut()` resets those that are open; `refuse` closes new ones at once.
    """

    def __init__(self, target: int, host: str, tls: ssl.SSLContext | None = None, far: "FarHost | None" = None):
        self.target, self.tls, self.far = target, tls, far
        self.user: str | None = None
        self.token: str | None = None
        self.heads: list[str] = []
        self.handshake_failures = 0
        self.refuse = False
        self._moving = threading.Event()
        self._moving.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = far.inside(lambda: socket.create_server((host, 0))) if far else socket.create_server((host, 0))
        self.host, self.port = self._server.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    # ---- what a test does to it

    def stall(self) -> None:
        self._moving.clear()

    def resume(self) -> None:
        self._moving.set()

    def cut(self) -> None:
        with self._lock:
            sockets = list(self._open)
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.resume()
        self.cut()

    @property
    def upgrades(self) -> list[str]:
        return [head for head in self.heads if "upgrade: websocket" in head.lower()]

    # ---- work

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.refuse:
            client.close()
            return
        try:
            if self.tls:
                client.settimeout(30)
                client = self.tls.wrap_socket(client, server_side=True)
            client.settimeout(None)
            self._moving.wait()
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
                if not head[:1].isalpha():
                    # No request: such as the hello of a client that speaks TLS to a server that does not.
                    client.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                    return
            text = head.decode("latin-1")
            self.heads.append(text)
            if not self._knows(text):
                client.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            if self.far:
                self.far.enter()
            with socket.create_connection(("127.0.0.1", self.target), 30) as server:
                server.settimeout(None)
                with self._lock:
                    self._open |= {client, server}
                server.sendall(head)
                back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                back.start()
                self._pump(client, server)
                back.join()
        except ssl.SSLError:
            self.handshake_failures += 1
        except OSError:
            pass
        finally:
            with self._lock:
                self._open.discard(client)
            client.close()

    def _knows(self, head: str) -> bool:
        if self.user and f"authorization: basic {base64.b64encode(self.user.encode()).decode()}".lower() not in head.lower():
            return False
        return not self.token or f"token={self.token}" in head.split("\r\n", 1)[0]

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                self._moving.wait()
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open -= {source, sink}


class FarHost:
    """Another host for the network: a namespace with one link to this one. `address` is its own, as seen from here."""

    def __init__(self):
        if os.geteuid() != 0 or not all(map(shutil.which, ["ip", "unshare", "nsenter"])):
            raise FarHostMissing("a network namespace needs root, ip, unshare and nsenter")
        self.keeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], start_new_session=True)
        try:
            self.near, self.link = f"jn{os.getpid()}", f"jf{os.getpid()}"
            here = os.stat("/proc/self/ns/net").st_ino
            wait_until(lambda: os.stat(f"/proc/{self.keeper.pid}/ns/net").st_ino != here, 10, "the namespace")
            self._run("ip", "link", "add", self.near, "type", "veth", "peer", "name", self.link, "netns", str(self.keeper.pid))
            third, fourth = os.getpid() // 62 % 250, os.getpid() % 62 * 4
            self.address = f"10.219.{third}.{fourth + 2}"
            self._run("ip", "addr", "add", f"10.219.{third}.{fourth + 1}/30", "dev", self.near)
            self._run("ip", "link", "set", self.near, "up")
            for words in (["addr", "add", f"{self.address}/30", "dev", self.link], ["link", "set", self.link, "up"], ["link", "set", "lo", "up"]):
                self._run(*self.prefix, "ip", *words)
        except (subprocess.CalledProcessError, OSError) as error:
            self.stop()
            raise FarHostMissing(f"no network namespace can be made here: {error}") from None

    @staticmethod
    def _run(*words: str) -> None:
        subprocess.run(words, check=True, capture_output=True)

    @property
    def prefix(self) -> list[str]:
        """Put before a command, it runs there."""
        return ["nsenter", "--target", str(self.keeper.pid), "--net", "--"]

    def enter(self) -> None:
        """The calling thread makes its sockets there from now on."""
        with open(f"/proc/{self.keeper.pid}/ns/net") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def inside(self, work):
        """What `work` returns when it runs there."""
        with concurrent.futures.ThreadPoolExecutor(1, initializer=self.enter) as pool:
            return pool.submit(work).result()

    def unplug(self) -> None:
        """From now on every packet is lost, and nobody is told."""
        self._run(*self.prefix, "ip", "link", "set", self.link, "down")

    def plug(self) -> None:
        self._run(*self.prefix, "ip", "link", "set", self.link, "up")

    def stop(self) -> None:
        self.keeper.kill()
        self.keeper.wait()


class FarHostMissing(Exception):
    """Why there can be none here."""
