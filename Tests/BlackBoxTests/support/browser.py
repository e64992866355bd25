"""Browser control under test: a gateway with a browser, clients of its control service, and who is left when it is gone.

`HttpControl` speaks to base + 2 as a stranger would; `DebugControl` to `jarvis debug browser` without a gateway. Both have the same methods.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

from support.gateway import Gateway, merge
from support.home import Home
from support.paths import jarvis_binary

DEFAULT_TIMEOUT = 60  # a browser starts slowly on a busy machine


def chromium_path() -> str | None:
    """The Chromium of the tests; None when there is none."""
    return os.environ.get("JARVIS_TEST_CHROMIUM") or shutil.which("chromium")


def browser_config(extra: dict | None = None, *, port: bool = False, private: bool = True) -> dict:
    """A configuration whose browser runs here: headless, and without its sandbox when the tests are root.

    `port` opens the debugging port for a witness; `private` lets pages on loopback be opened; `extra` lies over the section `browser`.
    """
    section: dict = {"headless": True, "noSandbox": os.geteuid() == 0}
    if private:
        section["ssrfPolicy"] = {"dangerouslyAllowPrivateNetwork": True}
    if port:
        section["cdp"] = "port"
    if path := os.environ.get("JARVIS_TEST_CHROMIUM"):
        section["executablePath"] = path
    return {"browser": merge(section, extra or {})}


class BrowserFailure(AssertionError):
    """The control service said no."""

    def __init__(self, call: str, status: int, body):
        super().__init__(f"{call}: {status} {json.dumps(body)[:2000]}")
        self.status = status
        self.body = body if isinstance(body, dict) else {}
        self.code = self.body.get("code")
        self.message = self.body.get("error", "")


@dataclass
class Reply:
    """What came back. `body` is JSON where it is JSON, else text."""

    status: int
    body: object
    headers: dict[str, str]
    raw: bytes

    @property
    def code(self) -> str | None:
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def error(self) -> str:
        return self.body.get("error", "") if isinstance(self.body, dict) else str(self.body)


class Control:
    """The routes as methods. A refusal raises `BrowserFailure`, except in `request` and `refused`."""

    profile: str | None = None
    log: list[tuple[str, str, int]]

    def send(self, method: str, path: str, query: dict, body, timeout: float) -> Reply:
        raise NotImplementedError

    # ---- requests

    def request(self, method: str, path: str, body=None, query: dict | None = None, timeout: float = DEFAULT_TIMEOUT) -> Reply:
        """One request; any status is an answer."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        if self.profile and "profile" not in asked:
            asked["profile"] = self.profile
        reply = self.send(method, path, asked, body, timeout)
        self.log.append((method, path, reply.status))
        return reply

    def get(self, path: str, /, timeout: float = DEFAULT_TIMEOUT, **query):
        return self._done("GET", path, None, query, timeout)

    def post(self, path: str, body: dict | None = None, /, timeout: float = DEFAULT_TIMEOUT, **more):
        return self._done("POST", path, {**(body or {}), **more}, {}, timeout)

    def delete(self, path: str, /, timeout: float = DEFAULT_TIMEOUT, **query):
        return self._done("DELETE", path, None, query, timeout)

    def refused(self, method: str, path: str, body=None, query: dict | None = None, timeout: float = DEFAULT_TIMEOUT) -> Reply:
        """One request that must not succeed."""
        reply = self.request(method, path, body, query, timeout)
        assert reply.status >= 400, f"{method} {path}: {reply.status} {reply.body}"
        assert reply.error, f"{method} {path}: {reply.status} without a reason"
        return reply

    def _done(self, method: str, path: str, body, query: dict, timeout: float):
        reply = self.request(method, path, body, query, timeout)
        if reply.status >= 400:
            raise BrowserFailure(f"{method} {path}", reply.status, reply.body)
        return reply.body

    # ---- the usual things

    def open(self, url: str) -> str:
        """A new tab; its targetId."""
        return self.post("/tabs/open", url=url)["targetId"]

    def navigate(self, url: str, target: str | None = None) -> dict:
        return self.post("/navigate", {"url": url} | ({"targetId": target} if target else {}))

    def tabs(self) -> list[dict]:
        return self.get("/tabs")["tabs"]

    def close_tab(self, target: str) -> None:
        self.delete(f"/tabs/{quote(target, safe='')}")

    def act(self, kind: str, timeout: float = DEFAULT_TIMEOUT, **fields) -> dict:
        return self.post("/act", {"kind": kind, **fields}, timeout)

    def evaluate(self, function: str, **fields):
        """The value of a JavaScript function in the page."""
        return self.act("evaluate", fn=function, **fields).get("result")

    def wait(self, **fields) -> dict:
        return self.act("wait", **fields)

    def snapshot(self, **query) -> "Snapshot":
        return Snapshot(self.get("/snapshot", **query))

    def ref(self, role: str, name: str | None = None, nth: int = 0, **query) -> str:
        """The ref of an element in a new snapshot."""
        return self.snapshot(**query).ref(role, name, nth)

    def click(self, role: str, name: str | None = None, **fields) -> dict:
        return self.act("click", ref=self.ref(role, name), **fields)

    def fill(self, role: str, name: str | None, text: str, **fields) -> dict:
        return self.act("type", ref=self.ref(role, name), text=text, **fields)


class Snapshot(dict):
    """The answer of /snapshot."""

    @property
    def text(self) -> str:
        return self.get("snapshot", "")

    def refs_of(self, role: str, name: str | None = None) -> list[str]:
        """The refs of elements with this role, and this accessible name when one is given, in the order of the page."""
        if "nodes" in self:
            return [node["ref"] for node in self["nodes"] if node["role"] == role and name in (None, node.get("name"))]
        refs = self.get("refs") or {}
        found = [ref for ref, element in refs.items() if element["role"] == role and name in (None, element.get("name"))]
        return sorted(found, key=lambda ref: self.text.find(f"[ref={ref}]"))

    def ref(self, role: str, name: str | None = None, nth: int = 0) -> str:
        found = self.refs_of(role, name)
        assert len(found) > nth, f"no {role} {name!r} [{nth}] in\n{self.text[:4000]}"
        return found[nth]


class HttpControl(Control):
    """The control service on base + 2, a connection for each request."""

    def __init__(self, port: int, token: str | None, profile: str | None = None, host: str = "127.0.0.1"):
        self.port, self.token, self.profile, self.host = port, token, profile, host
        self.log = []

    def of(self, profile: str) -> "HttpControl":
        """The same service for another browser profile."""
        other = HttpControl(self.port, self.token, profile, self.host)
        other.log = self.log
        return other

    def send(self, method: str, path: str, query: dict, body, timeout: float) -> Reply:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        return self.exchange(method, path + (f"?{urlencode(spelled(query))}" if query else ""), headers, data, timeout)

    def exchange(self, method: str, target: str, headers: dict, data: bytes | None = None, timeout: float = DEFAULT_TIMEOUT) -> Reply:
        """One request with these very headers."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            connection.request(method, target, body=data, headers=headers)
            response = connection.getresponse()
            raw = response.read()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Reply(response.status, decoded(raw, fields.get("content-type", "")), fields, raw)
        finally:
            connection.close()


class RpcControl(Control):
    """The same routes by the method `browser.request`."""

    def __init__(self, rpc, profile: str | None = None):
        self.rpc, self.profile = rpc, profile
        self.log = []

    def send(self, method: str, path: str, query: dict, body, timeout: float) -> Reply:
        from support.rpc import RpcError
        params = {"method": method, "path": path}
        if query:
            params["query"] = spelled(query)
        if body is not None:
            params["body"] = body
        try:
            return Reply(200, self.rpc.call("browser.request", params, timeout=timeout), {}, b"")
        except RpcError as error:
            status = error.details.get("status", 500 if error.code == "UNAVAILABLE" else 400)
            return Reply(status, error.details or {"error": error.message}, {}, b"")


class DebugControl(Control):
    """`jarvis debug browser`: the routes over one browser, without a gateway. `stop()` ends both."""

    def __init__(self, home: Home, *flags: str):
        self.log = []
        self.state = home.root / "debug-browser"
        self.state.mkdir(mode=0o700, exist_ok=True)
        flags = (*flags, "--executable", chromium_path(), *(["--no-sandbox"] if os.geteuid() == 0 else []))
        self.process = subprocess.Popen(
            [str(jarvis_binary()), "debug", "browser", "--state", str(self.state), *flags], env=home.environment(), cwd=home.root,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(home.root / "tmp/debug-browser.log", "ab"), start_new_session=True)
        self._rest = b""

    def send(self, method: str, path: str, query: dict, body, timeout: float) -> Reply:
        line = {"method": method, "path": path, "query": spelled(query), "body": {} if body is None else body}
        self.process.stdin.write(json.dumps(line).encode() + b"\n")
        self.process.stdin.flush()
        raw = self._line(timeout)
        told = json.loads(raw)
        return Reply(told["status"], told.get("body"), {}, raw)

    def _line(self, timeout: float) -> bytes:
        end = time.monotonic() + timeout
        while b"\n" not in self._rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"no answer within {timeout} s")
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            if not piece:
                raise AssertionError(f"jarvis debug browser ended with {self.process.wait()}")
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def stop(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def spelled(query: dict) -> dict[str, str]:
    """Query values as text."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}


def decoded(raw: bytes, kind: str):
    if kind.startswith("application/json"):
        return json.loads(raw)
    return raw.decode(errors="replace")


def control_of(gateway: Gateway, profile: str | None = None) -> HttpControl:
    """The control service of a gateway."""
    return HttpControl(gateway.port + 2, gateway.token, profile)


# ---- who is there

def browsers_of(place: str | Path) -> list[int]:
    """Living browser processes, children too, whose user data lies below `place` (a home, a state directory)."""
    mark = f"--user-data-dir={place}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes()
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            continue
        if mark in words and state != "Z":
            found.append(int(folder.name))
    return sorted(found)


def main_browsers_of(place: str | Path) -> list[int]:
    """Those of them that are browsers, not their helpers."""
    def is_main(pid: int) -> bool:
        try:
            return b"--type=" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
    return [pid for pid in browsers_of(place) if is_main(pid)]
