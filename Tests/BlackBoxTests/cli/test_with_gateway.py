"""The command line against a running gateway."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
import uuid

import pytest
from support.model import Echo
from support.paths import jarvis_binary
from support.ports import wait_until
from support.rpc import text_of


def test_agent_prints_the_answer_alone(running):
    result = running.cli("agent", "-m", "hello there")
    assert result.returncode == 0, result.stderr
    assert "echo:" in result.stdout and "hello there" in result.stdout
    assert result.stderr == ""


def test_agent_json(running):
    answer = running.cli_json("agent", "-m", "in json", "--json")
    assert answer["status"] == "ok"
    assert answer["runId"]
    assert "in json" in json.dumps(answer["result"])


def test_agent_reads_no_token_from_the_command_line(running):
    """The local command line needs no token: the control socket knows its user."""
    config = running.home.config_path().read_text()
    assert running.token in config
    assert running.cli("agent", "-m", "x", env={"JARVIS_GATEWAY_TOKEN": ""}).returncode == 0


def test_agent_failure_is_an_exit_code(running, shared_model):
    from support.model import Status

    shared_model.on("refuse on the command line", Status(400))
    result = running.cli("agent", "-m", "refuse on the command line", timeout=60)
    assert result.stdout.strip() or result.stderr.strip()
    assert result.returncode in (0, 1)


def test_agent_empty_message(running):
    result = running.cli("agent", "-m", "")
    assert result.returncode in (1, 2, 64)
    assert "message" in result.stderr


def test_agent_timeout(running, shared_model):
    shared_model.on("slow on the command line", Echo(chunks=100, delay=0.2))
    started = time.monotonic()
    result = running.cli("agent", "-m", "slow on the command line", "--timeout", "2")
    assert time.monotonic() - started < 10
    assert result.returncode == 1


def test_status_and_health(running):
    status = running.cli_json("status", "--json")
    assert status["gateway"]["reachable"] is True
    assert str(running.port) in status["gateway"]["url"]
    health = running.cli_json("health", "--json")
    assert health["ok"] is True
    text = running.cli("status").stdout
    assert str(running.port) in text


def test_gateway_call(running):
    assert running.cli_json("gateway", "call", "health", "--json")["ok"] is True
    sessions = running.cli_json("gateway", "call", "sessions.list", "--params", '{"limit": 1}', "--json")
    assert len(sessions["sessions"]) <= 1
    result = running.cli("gateway", "call", "no.such.method")
    assert result.returncode == 1
    assert "unknown method" in result.stderr
    assert running.cli("gateway", "call", "health", "--params", "{broken").returncode in (1, 2, 64)


def test_gateway_call_over_tcp(running):
    answer = running.cli_json("gateway", "call", "health", "--url", running.ws_url, "--token", running.token, "--json")
    assert answer["ok"] is True
    wrong = running.cli("gateway", "call", "health", "--url", running.ws_url, "--token", "wrong")
    assert wrong.returncode == 1
    assert "unauthorized" in wrong.stderr
    without = running.cli("gateway", "call", "health", "--url", running.ws_url)
    assert without.returncode != 0, "--url uses no stored credential"


def test_gateway_call_expect_final(running):
    params = json.dumps({"message": "final please", "sessionKey": "cli-final", "idempotencyKey": str(uuid.uuid4())})
    answer = running.cli_json("gateway", "call", "agent", "--params", params, "--expect-final", "--json")
    assert answer["status"] == "ok"


def test_dashboard(running):
    result = running.cli("dashboard", "--no-open")
    assert result.returncode == 0
    url = re.search(r"http://\S+", result.stdout).group()
    assert f":{running.port}/" in url
    assert "?token=" not in url, "a token belongs into the fragment"


def test_logs(running):
    lines = running.cli("logs", "--limit", "5").stdout.strip().splitlines()
    assert 1 <= len(lines) <= 5
    for line in running.cli("logs", "--limit", "5", "--json").stdout.strip().splitlines():
        json.loads(line)


def test_logs_follow(running):
    process = subprocess.Popen(
        [str(jarvis_binary()), "logs", "--follow", "--interval", "100"], env=running.home.environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    # Ctrl-C as in a terminal: what a shell starts in the background would inherit that it is ignored.
    try:
        assert select.select([process.stdout], [], [], 10)[0]
        os.read(process.stdout.fileno(), 65_536)
        running.cli("agent", "-m", "make a log line")
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(5) in (0, 130, -signal.SIGINT)
    finally:
        process.kill()
        process.wait()


# ---- sessions

def test_sessions_list(running, rpc):
    rpc.chat("listed", "cli-listed")
    rows = running.cli_json("sessions", "list", "--json")["sessions"]
    assert "agent:main:cli-listed" in [row["key"] for row in rows]
    assert "agent:main:cli-listed" in running.cli("sessions", "list").stdout
    assert running.cli("sessions", "--json").returncode == 0


def test_export_is_the_transcript_format(running, rpc, tmp_path):
    rpc.chat("export me", "cli-export")
    rpc.chat("and me", "cli-export")
    result = running.cli("sessions", "export", "agent:main:cli-export")
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    head, entries = lines[0], lines[1:]
    assert (head["type"], head["version"]) == ("session", 3)
    uuid.UUID(head["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", head["timestamp"])
    messages = [entry for entry in entries if entry["type"] == "message"]
    assert [m["message"]["role"] for m in messages] == ["user", "assistant", "user", "assistant"]
    seen = {None}
    for entry in entries:
        assert re.fullmatch(r"[0-9a-f]{8}", entry["id"])
        assert entry["parentId"] in seen
        seen.add(entry["id"])
    answer = messages[1]["message"]
    assert {"api", "provider", "model", "usage", "stopReason", "timestamp"} <= set(answer)
    assert {"input", "output", "cacheRead", "cacheWrite", "totalTokens", "cost"} <= set(answer["usage"])


def test_import_brings_it_back(running, rpc, tmp_path):
    rpc.chat("take me along", "cli-source")
    exported = running.cli("sessions", "export", "agent:main:cli-source").stdout
    path = tmp_path / "session.jsonl"
    path.write_text(exported)
    result = running.cli("sessions", "import", str(path), "--as", "agent:main:cli-copy")
    assert result.returncode == 0, result.stderr
    assert [text_of(m) for m in rpc.history("cli-copy")] == [text_of(m) for m in rpc.history("cli-source")]
    again = running.cli("sessions", "export", "agent:main:cli-copy").stdout
    strip = [{k: v for k, v in json.loads(line).items() if k == "message"} for line in again.splitlines()[1:]]
    assert strip == [{k: v for k, v in json.loads(line).items() if k == "message"} for line in exported.splitlines()[1:]]
    assert rpc.chat("go on from here", "cli-copy")["state"] == "final"


def test_import_of_torn_and_broken_files(running, rpc, tmp_path):
    rpc.chat("tear me", "cli-torn")
    exported = running.cli("sessions", "export", "agent:main:cli-torn").stdout
    path = tmp_path / "torn.jsonl"
    path.write_text(exported + '{"type":"message","id":"00000000","par')
    torn = running.cli("sessions", "import", str(path), "--as", "agent:main:cli-torn-copy")
    assert torn.returncode == 0, torn.stderr
    assert len(rpc.history("cli-torn-copy")) == 2
    lines = exported.splitlines()
    path.write_text("\n".join([lines[0], "broken in the middle", *lines[1:]]) + "\n")
    broken = running.cli("sessions", "import", str(path), "--as", "agent:main:cli-broken")
    assert broken.returncode == 1
    assert "line 2" in broken.stderr
    assert running.cli("sessions", "import", str(tmp_path / "nowhere.jsonl")).returncode == 1


# ---- chat in a terminal

class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, gateway, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(str(jarvis_binary()), ["jarvis", *arguments], {**gateway.home.environment(), "TERM": "xterm"})
        self.text = ""

    def read_until(self, pattern, timeout=15):
        end = time.monotonic() + timeout
        while not re.search(pattern, self.text):
            if time.monotonic() > end:
                raise AssertionError(f"{pattern!r} did not appear:\n{self.text[-2000:]!r}")
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 65_536).decode(errors="replace")
                except OSError:
                    raise AssertionError(f"ended before {pattern!r}:\n{self.text[-2000:]!r}") from None
        return self.text

    def write(self, text):
        os.write(self.fd, text.encode())

    def end(self, timeout=5):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65_536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        raise AssertionError("still running")

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.fd)


@pytest.fixture
def terminal(running):
    made = []

    def open(*arguments):
        made.append(Terminal(running, *arguments))
        return made[-1]

    yield open
    for it in made:
        it.kill()


def test_chat(running, terminal, shared_model):
    it = terminal("chat", "--session", "cli-chat")
    time.sleep(0.5)
    it.write("good evening\r")
    it.read_until(r"echo:[^\n]*good evening")
    it.write("/help\r")
    it.read_until(r"/abort|/history|/exit|/quit")
    it.write("/exit\r")
    assert it.end() == 0


def test_chat_abort_with_ctrl_c(running, terminal, shared_model):
    shared_model.on("talk for long", Echo(chunks=200, delay=0.05, text="word " * 200))
    it = terminal("chat", "--session", "cli-chat-abort")
    time.sleep(0.5)
    it.write("talk for long\r")
    it.read_until(r"word word")
    it.write("\x03")
    wait_until(lambda: shared_model.requests_with("talk for long")[-1].closed_early, 5, "the model is told")
    it.write("are you there\r")
    it.read_until(r"echo:[^\n]*are you there")
    it.write("/exit\r")
    assert it.end() == 0


def test_chat_shows_history(running, terminal, rpc):
    rpc.chat("said earlier", "cli-chat-history")
    it = terminal("chat", "--session", "cli-chat-history")
    it.read_until("said earlier")
    it.write("\x04")
    assert it.end() == 0
