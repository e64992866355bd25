"""The n-th system call fails: every run ends served, or with an error that says what is wrong, and what was there
before is there afterwards (R08).

JARVIS_TEST_FAULT_POINTS sets how many places per system call and error are tried (2); `all` tries every place.
"""

import os
import re
import shutil
import subprocess
import time
import uuid

import pytest
from support.rpc import Closed, RpcError, text_of

PLACES = os.environ.get("JARVIS_TEST_FAULT_POINTS") or "2"
START = [
    ("openat", "EIO"), ("openat", "ENOSPC"), ("write", "ENOSPC"), ("pwrite64", "EIO"), ("fsync", "EIO"),
    ("fdatasync", "EIO"), ("rename", "EIO"), ("mkdir", "ENOSPC")]
MESSAGE = [
    ("openat", "EIO"), ("pwrite64", "ENOSPC"), ("pwrite64", "EIO"), ("fdatasync", "EIO"), ("fsync", "EIO"),
    ("fsync", "ENOSPC"), ("rename", "EIO"), ("write", "EIO")]
PATH = re.compile(r'(?:^|[<"])(/[^<>"]+)[>"]')
CRASHED = ("Fatal error", "💣", "Thread 0 crashed", "Precondition failed")


def chosen(numbers):
    """Some of the places, spread evenly, the first and the last among them."""
    numbers = sorted(numbers)
    if PLACES == "all" or len(numbers) <= int(PLACES):
        return numbers
    count = int(PLACES)
    if count == 1:
        return numbers[:1]
    return sorted({numbers[round(i * (len(numbers) - 1) / (count - 1))] for i in range(count)})


def places(strace, output, name, root):
    """Where to fail `name`: options that limit strace to files below `root` with lasting names, and the numbers (counted
    for each thread) of the calls that touch them. What a library does with other files is not judged here."""
    files, counts = set(), {}
    for call in strace.read_calls(output):
        if call.name != name or str(root) not in call.text:
            continue
        named = [path for path in PATH.findall(call.text) if path.startswith(str(root)) and ".jarvis-tmp-" not in path]
        if named:
            files.update(named)
            counts[call.thread] = counts.get(call.thread, 0) + 1
    limits = [option for path in sorted(files) for option in ("-P", path)]
    return limits, set(range(1, max(counts.values(), default=0) + 1))


def check_kept(it, mark):
    """Without faults it starts, knows the old conversation and answers."""
    it.kill()
    it.prefix = []
    it.start()
    client = it.client()
    texts = [text_of(m) for m in client.history("old")]
    assert texts == [mark, f"echo:{mark}"]
    assert client.chat("and now")["state"] == "final"
    it.kill()


@pytest.mark.long
@pytest.mark.timeout(0 if PLACES == "all" else 120)
@pytest.mark.parametrize("fresh", [True, False], ids=["first-start", "later-start"])
def test_a_failing_call_at_the_start(gateway, strace, home, fresh):
    it = gateway(start=False)
    config = (it.state / "jarvis.json").read_bytes()
    mark = "from before"
    if not fresh:
        it.start()
        it.client().chat(mark, "old")
        it.kill()
    pristine = home.root / "pristine"
    shutil.copytree(it.state, pristine, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))

    def restore():
        shutil.rmtree(it.state)
        shutil.copytree(pristine, it.state, symlinks=True)

    calls = sorted({name for name, _ in START})
    output = home.root / "tmp/start.strace"
    it.prefix = ["strace", "-f", "-qq", "-y", "-e", "signal=none", "-e", "trace=" + ",".join(calls), "-o", str(output)]
    it.start().kill()
    served, refused = 0, []
    for name, error in START:
        limits, numbers = places(strace, output, name, it.state)
        for place in chosen(numbers):
            where = f"{name} number {place} fails with {error}"
            restore()
            it.log_path.unlink(missing_ok=True)
            it.prefix = ["strace", "-f", "-qq", *limits, "-e", "signal=none", "-e", f"trace={name}", "-o", "/dev/null",
                         "-e", f"inject={name}:error={error}:when={place}"]
            started = time.monotonic()
            it.launch()
            while it.is_running() and time.monotonic() - started < 30:
                try:
                    if it.get("/readyz", timeout=2)[0] == 200:
                        break
                except OSError:
                    pass
                time.sleep(0.02)
            assert time.monotonic() - started < 30, f"neither served nor ended: {where}\n{it.log()}"
            if it.is_running():
                served += 1
            else:
                said = it.log()
                assert it.process.returncode in (1, 78), f"exit {it.process.returncode}: {where}\n{said}"
                assert not any(word in said for word in CRASHED), f"{where}\n{said}"
                assert re.search(r"[a-z]+\.[a-z_]+|/", said) and len(said) > 30, f"{where}: says nothing\n{said}"
                refused.append((where, said.strip().splitlines()[0][:160]))
            it.kill()
            assert (it.state / "jarvis.json").read_bytes() == config, where
            quarantine = it.state / "quarantine"
            assert not quarantine.exists() or not list(quarantine.iterdir()), f"a sound file was set aside: {where}"
            if not fresh:
                check_kept(it, mark)
    print(f"{served} served, {len(refused)} refused", *map(str, refused), sep="\n  ")


@pytest.mark.long
@pytest.mark.timeout(0 if PLACES == "all" else 120)
def test_a_failing_call_during_a_message(gateway, strace, home):
    """One call fails while a message is on its way: it is answered, or refused with an error; nobody waits for ever,
    and what was confirmed is answered once, after a restart at the latest."""
    it = gateway()
    it.client().chat("warm up", "points")
    output = home.root / "tmp/message.strace"
    with strace.Tracer(it.pid, "-y", "-e", "signal=none", "-e", "trace=" + ",".join({n for n, _ in MESSAGE}), output=output):
        it.client().chat("watched", "points")
    served = refused = restarts = 0
    for name, error in MESSAGE:
        limits, numbers = places(strace, output, name, it.state)
        for place in chosen(numbers):
            where = f"{name} number {place} fails with {error}"
            key, mark = str(uuid.uuid4()), f"mark-{uuid.uuid4().hex[:12]}"
            params = {"sessionKey": "points", "message": mark, "idempotencyKey": key}
            client = it.client()
            confirmed = False
            with strace.Tracer(it.pid, *limits, "-e", "signal=none", "-e", f"trace={name}", "-e", f"inject={name}:error={error}:when={place}"):
                try:
                    client.call("chat.send", params, timeout=25)
                    confirmed = True
                    client.chat_end(key, timeout=25)
                    served += 1
                except RpcError as problem:
                    refused += 1
                    assert problem.message, where
            assert it.is_running(), f"it ended: {where}\n{it.log()[-1000:]}"
            if it.get("/readyz")[0] != 200:
                restarts += 1
                assert it.client().call("status")["store"].get("failure"), where
                it.kill()
                it.start()
            client = it.client()
            if not confirmed:
                client.call("chat.send", params)
            assert client.call("agent.wait", {"runId": key, "timeoutMs": 20_000})["status"] == "ok", where
            messages = [m["role"] for m in client.history("points") if mark in text_of(m)]
            assert messages == ["user", "assistant"], f"{where}: {messages}"
    assert not any(word in it.log() for word in CRASHED)
    print(f"{served} served, {refused} refused, {restarts} restarts after a failed disk")


def test_a_failed_sync_closes_the_store(gateway, strace):
    """After a sync that failed nothing is acknowledged any more, though later syncs succeed; it says so everywhere."""
    it = gateway()
    client = it.client()
    assert client.chat("before")["state"] == "final"
    with strace.Tracer(it.pid, "-e", "signal=none", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync:error=EIO"):
        error = client.error("chat.send", {"sessionKey": "main", "message": "lost", "idempotencyKey": "s1"})
    assert error.code == "UNAVAILABLE"
    assert "disk" in error.message
    for number in range(3):
        error = client.error("chat.send", {"sessionKey": "main", "message": f"later {number}", "idempotencyKey": f"l{number}"})
        assert error.code == "UNAVAILABLE", "a sync that succeeds now proves nothing about the one that failed"
    assert it.get("/readyz")[0] == 503
    assert it.get("/healthz")[0] == 200, "the process lives"
    assert "disk" in client.call("status")["store"]["failure"]
    report = it.cli("status")
    assert "disk that holds the database failed" in report.stdout, report.stdout
    assert "before" in str(client.history()), "reads go on"
    it.kill()
    it.start()
    client = it.client()
    # Whether the refused message is on the disk nobody can know: repeated under its key it is answered once.
    client.call("chat.send", {"sessionKey": "main", "message": "lost", "idempotencyKey": "s1"})
    assert client.call("agent.wait", {"runId": "s1", "timeoutMs": 15_000})["status"] == "ok"
    texts = [text_of(m) for m in client.history()]
    assert texts.count("lost") == 1
    assert texts.count("echo:lost") == 1
    assert not any("later" in text for text in texts), "what came after the failure was never taken"
