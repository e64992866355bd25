"""How a browser is launched and ended: found, started, watched, and gone without a trace."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.browser import browsers_of, chromium_path
from support.home import Home
from support.paths import jarvis_binary
from support.ports import free_port, wait_until

NO_SANDBOX = ["--no-sandbox"] if os.geteuid() == 0 else []


class Debug:
    """`jarvis debug browser` in a state directory of its own."""

    def __init__(self, home: Home, state: Path, *flags: str, executable: str | None = None, env: dict | None = None):
        self.state = state
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.log = state.with_name(state.name + ".log")
        command = [str(jarvis_binary()), "debug", "browser", "--state", str(state), *NO_SANDBOX, *flags]
        if executable:
            command += ["--executable", str(executable)]
        self.process = subprocess.Popen(
            command, env=home.environment(**(env or {})), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log.open("wb"),
            start_new_session=True)
        self.rest = b""

    def ask(self, timeout: float = 40, **request):
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.line(timeout))

    def line(self, timeout: float = 40) -> bytes:
        end = time.monotonic() + timeout
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.process.stdout], [], [], left)[0], f"no answer; {self.said()}"
            piece = os.read(self.process.stdout.fileno(), 1 << 20)
            assert piece, f"ended: {self.said()}"
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def cdp(self, method: str, **params):
        answer = self.ask(cdp=method, params=params)
        assert "result" in answer, answer
        return answer["result"]

    def start(self) -> dict:
        return self.ask(method="POST", path="/start")

    def browser(self) -> int:
        """The pid that the browser itself says."""
        return next(process["id"] for process in self.cdp("SystemInfo.getProcessInfo")["processInfo"] if process["type"] == "browser")

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def home():
    home = Home()
    yield home
    wait_until(lambda: not browsers_of(home.root), 10, f"no browser of {home.root} is left")
    home.remove()


@pytest.fixture
def debug(home):
    """Starts `jarvis debug browser`; ends them all."""
    started = []

    def start(*flags: str, state: str = "state", **options) -> Debug:
        started.append(Debug(home, home.root / state, *flags, **options))
        return started[-1]

    yield start
    for one in started:
        one.end()


def fake(home: Home, body: str) -> Path:
    """A program that behaves like a browser that has gone wrong. Each start adds a line to `starts`."""
    path = home.root / "fake-chromium"
    path.write_text(
        f"#!{sys.executable}\nimport os, sys, time\nopen({str(home.root / 'starts')!r}, 'a').write('x\\n')\n{body}\n")
    path.chmod(0o755)
    return path


def starts(home: Home) -> int:
    path = home.root / "starts"
    return len(path.read_text().splitlines()) if path.exists() else 0


def cmdline(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode().rstrip("\0").split("\0")


def environ(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def listening_inodes() -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        rows = (row.split() for row in Path(table).read_text().splitlines()[1:])
        found |= {row[9] for row in rows if row[3] == "0A"}
    return found


def listeners_of(pids: list[int]) -> list[str]:
    listening, found = listening_inodes(), []
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(link)
            except OSError:
                continue
            if target.startswith("socket:[") and target[8:-1] in listening:
                found.append(f"{pid}: {target}")
    return found


def foreign_browser(home: Home, directory: Path, *flags: str, tag: str | None = None) -> subprocess.Popen:
    """A Chromium that is not ours."""
    env = home.environment(**({"JARVIS_INSTANCE": tag} if tag else {}))
    browser = subprocess.Popen(
        [chromium_path(), "--headless=new", "--disable-gpu", "--no-first-run", *NO_SANDBOX, "--remote-debugging-port=0",
         f"--user-data-dir={directory}", *flags, "about:blank"],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: (directory / "DevToolsActivePort").exists(), 20, "the foreign browser is ready")
    return browser


def end_foreign(browser: subprocess.Popen) -> None:
    if browser.poll() is None:
        os.killpg(browser.pid, signal.SIGKILL)
    browser.wait()


# ---- a real browser

def test_a_browser_is_commanded_over_its_pipe_and_opens_no_port(home, debug):
    one = debug("--instance", "instance-1")
    pid = one.browser()
    words, variables = cmdline(pid), environ(pid)
    assert "--remote-debugging-pipe" in words and "about:blank" in words
    assert f"--user-data-dir={home.root}/state/jarvis/user-data" in words
    for flag in ("--no-first-run", "--no-default-browser-check", "--disable-sync", "--disable-background-networking",
                 "--disable-component-update", "--disable-session-crashed-bubble", "--hide-crash-restore-bubble", "--password-store=basic",
                 "--headless=new", "--disable-gpu"):
        assert flag in words, flag
    assert "--disable-features=Translate,MediaRouter" in words
    assert "--disable-blink-features=AutomationControlled" in words
    for never in ("--remote-allow-origins", "--disable-web-security", "--remote-debugging-port"):
        assert not any(word.startswith(never) for word in words), never
    if os.geteuid() != 0:
        assert "--no-sandbox" not in words
    assert variables["JARVIS_INSTANCE"] == "instance-1" and len(variables["JARVIS_BROWSER_LAUNCH"]) == 32
    assert os.stat(home.root / "state/jarvis/user-data").st_mode & 0o777 == 0o700
    everybody = browsers_of(home.root)
    assert pid in everybody and listeners_of(everybody) == []
    one.end()
    assert one.process.returncode == 0 and browsers_of(home.root) == []


def test_a_stop_leaves_nothing_and_a_start_follows(home, debug):
    one = debug("--wait")
    for _ in range(3):
        assert one.start()["status"] == 200
        first = one.browser()
        assert one.ask(method="POST", path="/stop")["body"]["stopped"] is True
        assert browsers_of(home.root) == []
        children = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
        assert children == [], f"after {first}"


def test_a_browser_that_is_killed_is_noticed_and_started_again(home, debug):
    one = debug("--wait")
    one.start()
    first = one.browser()
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: one.ask(method="GET", path="/")["body"]["running"] is False, 10, "its end is noticed")
    wait_until(lambda: "signal 9" in (one.ask(method="GET", path="/")["body"]["reason"] or ""), 10, "the reason is told")
    assert one.browser() != first
    assert len([pid for pid in browsers_of(home.root) if "--type=" not in " ".join(cmdline(pid))]) == 1


def test_nothing_outlives_a_killed_gateway(home, debug):
    one = debug()
    one.browser()
    os.kill(one.process.pid, signal.SIGKILL)
    wait_until(lambda: browsers_of(home.root) == [], 5, "its browser is gone")
    again = debug("--sweep")
    assert json.loads(again.line()) == {"swept": []}
    again.browser()


def test_a_tab_that_crashes_does_not_end_the_browser(home, debug):
    one = debug()
    before = one.browser()
    target = one.cdp("Target.createTarget", url="about:blank")["targetId"]
    one.cdp("Target.createTarget", url="chrome://crash")
    one.cdp("Target.closeTarget", targetId=target)
    assert one.browser() == before


def test_a_page_can_not_break_the_connection_with_odd_text(home, debug):
    one = debug()
    assert one.ask(method="POST", path="/tabs/open", body={"url": "about:blank"})["status"] == 200

    def value(function: str) -> dict:
        return one.ask(method="POST", path="/act", body={"kind": "evaluate", "fn": function})

    assert value("() => '\\ud800 alone'")["body"]["result"] == "\ufffd alone"
    value("() => ({'\\ud800': 1, '\\ud801': 2})")
    assert value("() => 'x'.repeat(3_000_000).length")["body"]["result"] == 3_000_000
    assert one.browser() > 0


# ---- browsers that have gone wrong

def test_one_that_dies_at_once_is_tried_with_care_and_then_left_alone(home, debug):
    program = fake(home, "sys.stderr.write('[1:2:3:ERROR:x.cc(1)] Missing X server or $DISPLAY\\n'); sys.exit(7)")
    one = debug("--wait", executable=program)
    first = one.start()
    assert first["status"] == 500 and first["body"]["code"] == "launch_failed"
    assert "exit code 7" in first["body"]["error"] and "“Missing X server or $DISPLAY”" in first["body"]["error"]
    assert starts(home) == 3
    assert one.start()["status"] == 500 and starts(home) == 5
    for _ in range(3):
        parked = one.start()
        assert (parked["status"], parked["body"]["code"]) == (409, "launch_parked")
        assert "jarvis browser" in parked["body"]["error"] and "exit code 7" in parked["body"]["error"]
    assert starts(home) == 5


def test_one_that_hangs_is_ended(home, debug):
    one = debug("--wait", "--ready", "1", executable=fake(home, "time.sleep(600)"))
    answer = one.start()
    assert answer["status"] == 500 and "did not answer within 1 s" in answer["body"]["error"]
    assert starts(home) == 1
    children = Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split()
    assert children == []


@pytest.mark.parametrize(("body", "words"), [
    ("os.write(4, b'I am a teapot\\0'); time.sleep(600)", "no message of the debugging protocol"),
    ("os.write(4, b'[1, 2]\\0'); time.sleep(600)", "neither an answer nor an event"),
    ("os.read(3, 100); os.write(4, b'{\"id\":1,\"res'); sys.exit(0)", "exit code 0"),
    ("os.close(3); os.close(4); time.sleep(600)", "the browser ended"),
    ("os.kill(os.getpid(), 11)", "signal 11"),
    ("os.read(3, 100); os.write(4, b'{\"id\":1,\"error\":{\"code\":-1,\"message\":\"not today\"}}\\0'); time.sleep(600)", "not today"),
], ids=["garbage", "no-object", "mid-message", "closes", "crashes", "refuses"])
def test_one_that_talks_nonsense_is_reported(home, debug, body, words):
    one = debug("--wait", executable=fake(home, body))
    answer = one.start()
    assert answer["status"] == 500, answer
    assert words in answer["body"]["error"], answer
    wait_until(lambda: not Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split(), 5, "it is gone")


def test_what_leaves_the_browsers_session_and_ends_is_collected(home, debug):
    """As handlers of crashes do: when the browser dies, the gateway is their parent, and nobody else waits for them."""
    program = fake(home, "child = os.fork()\nif child == 0: os.setsid(); os._exit(0)\nos.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)\nsys.exit(3)")
    program = program.rename(home.root / "chromium-fake")
    one = debug("--wait", executable=program)
    assert "exit code 3" in one.start()["body"]["error"]
    assert Path(f"/proc/{one.process.pid}/task/{one.process.pid}/children").read_text().split() == []


def test_one_that_floods_its_log_is_kept_short(home, debug):
    program = fake(home, "\n".join([
        "import threading",
        "def flood():",
        "    while True: os.write(2, b'so much to say ' * 4000 + b'\\n')",
        "threading.Thread(target=flood, daemon=True).start()",
        "time.sleep(1.5)",
        "os._exit(3)"]))
    one = debug("--wait", "--ready", "5", executable=program)
    answer = one.start()
    assert "exit code 3" in answer["body"]["error"] and len(answer["body"]["error"]) < 1500


def test_there_is_no_browser(home, debug):
    one = debug("--wait", executable="/nowhere/chromium")
    answer = one.start()
    assert answer["status"] == 500 and answer["body"]["code"] == "no_browser"
    assert "/nowhere/chromium" in answer["body"]["error"] and "browser.executablePath" in answer["body"]["error"]
    folder = debug("--wait", state="other", executable=home.root)
    assert folder.start()["body"]["code"] == "no_browser"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has no sandbox")
def test_root_is_told_about_the_sandbox(home):
    result = home.run("debug", "browser", "--state", home.root / "root", input="")
    assert result.returncode == 1 and "browser.noSandbox true" in result.stderr
    assert browsers_of(home.root) == []


@pytest.mark.parametrize("argument", [
    "--user-data-dir=/tmp/x", "--remote-debugging-port=9", "--remote-debugging-address=0.0.0.0", "--remote-allow-origins=*",
    "--disable-web-security", "--no-sandbox", "--proxy-server=direct://", "--type=renderer", "-user-data-dir=/tmp/x", "--", "http://a.example/",
])
def test_arguments_that_break_isolation_are_refused_by_name(home, argument):
    result = home.run("debug", "browser", "--state", home.root / "args", *NO_SANDBOX, f"--arg={argument}", input="")
    assert result.returncode == 1 and "browser.extraArgs[0]" in result.stderr, result.stderr
    assert browsers_of(home.root) == []


def test_other_arguments_are_passed_on_and_lists_are_joined(home, debug):
    one = debug("--arg=--disable-features=Foo,Translate", "--arg=--window-size=801,602", "--arg=--lang=de")
    words = cmdline(one.browser())
    assert "--disable-features=Translate,MediaRouter,Foo" in words and "--window-size=801,602" in words
    assert "about:blank" in words


# ---- the user-data directory

def test_old_locks_are_cleared(home, debug):
    directory = home.root / "state/jarvis/user-data"
    directory.mkdir(parents=True)
    for target in (f"{socket.gethostname()}-999999999", f"{socket.gethostname()}-{os.getpid()}", "another-host-1234", "nonsense"):
        for name in ("SingletonLock", "SingletonSocket", "SingletonCookie"):
            (directory / name).unlink(missing_ok=True)
            (directory / name).symlink_to(target)
        one = debug("--wait")
        assert one.start()["status"] == 200, one.said()
        left = directory / "SingletonLock"
        assert not left.is_symlink() or os.readlink(left).endswith(f"-{one.browser()}")
        one.end()


@pytest.mark.parametrize("tag", [None, "somebody-else"])
def test_a_strangers_browser_on_the_directory_is_left_alone(home, debug, tag):
    directory = home.root / "state/jarvis/user-data"
    stranger = foreign_browser(home, directory, tag=tag)
    try:
        one = debug("--wait", "--sweep", "--instance", "mine")
        assert json.loads(one.line()) == {"swept": []}
        answer = one.start()
        assert (answer["status"], answer["body"]["code"]) == (409, "directory_in_use"), answer
        assert f"(pid {stranger.pid})" in answer["body"]["error"] and str(directory) in answer["body"]["error"]
        assert tag is None or tag in answer["body"]["error"]
        assert stranger.poll() is None
    finally:
        end_foreign(stranger)


def test_a_browser_of_an_earlier_gateway_is_ended(home, debug):
    directory = home.root / "state/jarvis/user-data"
    for way in ("sweep", "start"):
        left = foreign_browser(home, directory, tag="mine")
        elsewhere = foreign_browser(home, home.root / "elsewhere", tag="mine")
        try:
            one = debug("--wait", "--instance", "mine", *(["--sweep"] if way == "sweep" else []))
            if way == "sweep":
                assert json.loads(one.line()) == {"swept": [left.pid]}
            assert one.start()["status"] == 200, one.said()
            assert left.wait(5) is not None
            assert elsewhere.poll() is None, "a browser on a directory of its own is not ours to end"
            one.end()
        finally:
            end_foreign(left)
            end_foreign(elsewhere)
        (directory / "DevToolsActivePort").unlink(missing_ok=True)


# ---- the debugging port

def test_an_open_port_is_our_own_and_a_witness_can_use_it(home, debug, playwright_driver):
    port = free_port()
    one = debug("--port", str(port))
    target = one.cdp("Target.createTarget", url="data:text/html,<title>witness</title>")["targetId"]
    assert target
    browser = playwright_driver.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
    wait_until(lambda: "witness" in [page.title() for page in browser.contexts[0].pages], 10, "the witness sees the tab")
    browser.close()
    addresses = [row.split()[1] for table in ("/proc/net/tcp", "/proc/net/tcp6")
                 for row in Path(table).read_text().splitlines()[1:] if row.split()[3] == "0A" and row.split()[1].endswith(f":{port:04X}")]
    assert addresses == [f"0100007F:{port:04X}"]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"), (socket.AF_INET, "0.0.0.0")])
def test_a_port_that_is_taken_on_one_family_is_refused_with_its_owner(home, debug, family, address):
    with socket.socket(family) as taken:
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind((address, 0))
        taken.listen()
        one = debug("--wait", "--port", str(taken.getsockname()[1]))
        answer = one.start()
        assert (answer["status"], answer["body"]["code"]) == (409, "port_taken"), answer
        assert f"(pid {os.getpid()})" in answer["body"]["error"]
    assert browsers_of(home.root) == []
