"""The production WebSocket codec passes every Autobahn case for the features it offers (no compression)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import jarvis_binary
from support.ports import accepts, free_port, wait_until

# 9: speed, measured elsewhere. 12 and 13: compression, which is not offered.
EXCLUDED = ["9.*", "12.*", "13.*"]
PASSING = {"OK", "NON-STRICT", "INFORMATIONAL"}


@pytest.fixture
def echo_port(home):
    port = free_port()
    process = subprocess.Popen(
        [str(jarvis_binary()), "debug", "ws-echo", "--port", str(port)], env=home.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: accepts(port) or process.poll() is not None, 15, "the echo server listens")
        yield port
        assert process.poll() is None, "the echo server survived the suite"
    finally:
        process.kill()
        process.wait()


@pytest.mark.long
@pytest.mark.timeout(180)
def test_autobahn(echo_port, tmp_path):
    suite = Path(sys.executable).parent / "kosoku"
    command = [sys.executable, str(suite), "-m", "fuzzingclient", "-o", str(tmp_path), f"127.0.0.1:{echo_port}"]
    for pattern in EXCLUDED:
        command[-1:-1] = ["-x", pattern]
    result = subprocess.run(command, capture_output=True, text=True, timeout=170)
    report = json.loads(next(tmp_path.rglob("index.json")).read_text())
    cases = next(iter(report.values()))
    assert len(cases) > 200, result.stdout[-2_000:] + result.stderr[-2_000:]
    failed = {
        name: (case["behavior"], case.get("behaviorClose")) for name, case in cases.items()
        if case["behavior"] not in PASSING or case.get("behaviorClose", "OK") not in PASSING}
    assert failed == {}
