"""Browsers of several gateways on one host: ports and directories disjoint, every endpoint proven own, nobody's browser touched.

The long form starts 3 x 12 real browsers and takes some 6 GB: JARVIS_TEST_BROWSER_FLEET=1 (it prints what it measured).
"""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.browser import browser_config, browsers_of, control_of, main_browsers_of
from support.ports import accepts, free_base_port, wait_until

NAMES = ["one", "two", "three"]
LONG = os.environ.get("JARVIS_TEST_BROWSER_FLEET") == "1"


@pytest.fixture
def three(gateway):
    """Three gateways as close together as they may be, each with twelve browser profiles whose ports are open."""
    base = free_base_port()
    profiles = {f"b{n:02}": {} for n in range(1, 12)}
    config = browser_config({"profiles": profiles}, port=True)
    return [gateway(name, config=config, port=base + 20 * index) for index, name in enumerate(NAMES)]


def rows(gateway) -> list[dict]:
    return control_of(gateway).get("/profiles")["profiles"]


def instance_of(pid: int) -> str:
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return next(word.split(b"=", 1)[1].decode() for word in words if word.startswith(b"JARVIS_INSTANCE="))


def id_of(gateway) -> str:
    return json.loads((gateway.state / "instance.json").read_text())["instanceId"]


def memory_of(pids: list[int]) -> float:
    """What the processes take together, in MB, shared pages divided among them."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def prove(gateways, driver, wanted: list[str]) -> list[int]:
    """Starts these profiles everywhere and checks all that must differ; returns the pids."""
    with ThreadPoolExecutor(3) as pool:
        for name in wanted:
            for answer in pool.map(lambda it: control_of(it, name).post("/start", timeout=120), gateways):
                assert answer["ok"]
    seen: dict[str, set] = {"pid": set(), "cdpPort": set(), "userDataDir": set(), "cdpUrl": set()}
    for gateway in gateways:
        for name in wanted:
            status = control_of(gateway, name).get("/")
            assert status["running"] and status["cdpReady"] and status["cdpHttp"]
            assert instance_of(status["pid"]) == id_of(gateway)
            assert status["userDataDir"].startswith(str(gateway.state) + "/")
            assert f"--user-data-dir={status['userDataDir']}".encode() in Path(f"/proc/{status['pid']}/cmdline").read_bytes().split(b"\0")
            for key, values in seen.items():
                assert status[key] not in values, (key, status[key])
                values.add(status[key])
            mark = f"about:blank#{gateway.profile}-{name}"
            control_of(gateway, name).open("about:blank")
            browser = driver.chromium.connect_over_cdp(status["cdpUrl"])
            pages = [page for context in browser.contexts for page in context.pages]
            pages[0].evaluate("mark => { location.hash = mark }", mark.split("#")[1])
            browser.close()
            wait_until(lambda: any(tab["url"] == mark for tab in control_of(gateway, name).tabs()), 10, "what the witness did is seen here")
    return sorted(seen["pid"])


def test_pain_14_three_gateways_with_twelve_browsers_each_never_meet(three, home, playwright_driver):
    """36 profiles at the least spacing: ports leased one by one are disjoint; two browsers each, started, are proven own; stop leaves none."""
    ports = [row["cdpPort"] for it in three for row in rows(it)]
    taken = [port for it in three for port in (it.port, it.port + 2)]
    assert len(ports) == 36 and len(set(ports + taken)) == 42
    for it in three:
        assert all(it.port + 11 <= row["cdpPort"] <= it.port + 110 for row in rows(it))
    pids = prove(three, playwright_driver, ["jarvis", "b11"])
    assert main_browsers_of(home.root) == pids
    assert json.loads(home.run("ports", "--json").stdout)["overlaps"] == []
    assert home.run("fleet", "check").returncode == 0
    shown = {row["profile"]: row for row in json.loads(home.run("instances", "--json").stdout)["instances"]}
    assert sorted(browser["pid"] for row in shown.values() for browser in row["browsers"]) == pids
    for it in three:
        assert it.stop() == 0
    assert browsers_of(home.root) == []


def test_pain_45_a_killed_gateway_takes_its_browsers_along_and_no_others(gateway, home):
    """SIGKILL to one gateway: its browsers are gone in seconds, its neighbour's live on; it starts again over what is left."""
    one, two = gateway("one", config=browser_config()), gateway("two", config=browser_config())
    for it in (one, two):
        control_of(it).post("/start")
    kept = control_of(two).get("/")["pid"]
    assert len(main_browsers_of(home.root)) == 2
    os.kill(one.pid, signal.SIGKILL)
    killed = time.monotonic()
    one.wait()
    wait_until(lambda: not browsers_of(one.state), 5, "no process of its browser is left")
    print(f"browsers gone {time.monotonic() - killed:.2f} s after SIGKILL")
    assert main_browsers_of(home.root) == [kept] and control_of(two).get("/")["running"]
    one.start()
    control_of(one).post("/start")
    assert len(main_browsers_of(home.root)) == 2
    for it in (one, two):
        assert it.stop() == 0
    assert browsers_of(home.root) == []


def test_pain_15_another_gateways_browser_is_refused_by_name(gateway, home):
    """Its port as cdpUrl, its user data as userDataDir: refused with its owner's name, and its browser stays as it was."""
    one = gateway("one", config=browser_config(port=True))
    control_of(one).post("/start")
    theirs = control_of(one).get("/")
    two = gateway("two", config=browser_config({"profiles": {
        "address": {"cdpUrl": theirs["cdpUrl"]}, "directory": {"userDataDir": theirs["userDataDir"]},
        "attached": {"cdpUrl": theirs["cdpUrl"], "attachOnly": True}}}))
    check = home.run("fleet", "check")
    assert check.returncode != 0 and "one" in check.stdout and "two" in check.stdout
    for name in ("address", "attached", "directory"):
        reply = control_of(two, name).refused("POST", "/start")
        assert reply.status == 409 and "one" in reply.error, (name, reply.body)
    assert main_browsers_of(home.root) == [theirs["pid"]]
    assert len(control_of(one).tabs()) == 1
    assert two.stop() == 0
    assert control_of(one).get("/")["pid"] == theirs["pid"]
    # Not even when its owner does not run.
    assert one.stop() == 0
    two.start()
    reply = control_of(two, "directory").refused("POST", "/start")
    assert reply.status == 409 and "one" in reply.error


def test_pain_15_one_address_in_two_profiles_is_an_error_unless_shared(gateway, home):
    """Twice in one gateway: neither profile is used; in two gateways the fleet check tells; marked shared both are."""
    far = "https://browser.example:9222/x"
    one = gateway("one", config=browser_config({"profiles": {"a": {"cdpUrl": far}, "b": {"cdpUrl": far}}}))
    for name in ("a", "b"):
        reply = control_of(one, name).refused("POST", "/start")
        assert (reply.status, reply.code) == (409, "profile_conflict") and '"a"' in reply.error and '"b"' in reply.error
    assert '"a"' in home.run("--profile", "one", "config", "validate").stdout
    assert one.stop() == 0
    shared = {"cdpUrl": far, "shared": True}
    two = gateway("two", config=browser_config({"profiles": {"a": shared, "b": shared}}))
    assert [row["problem"] for row in rows(two)] == [None] * 3


def test_a_directory_that_two_gateways_name_belongs_to_the_first(gateway, home):
    """userDataDir set by hand in two: who starts first has it, the other is told by whom; given back it can be had."""
    place = home.root / "shared-data"
    config = browser_config({"profiles": {"mine": {"userDataDir": str(place)}}})
    one, two = gateway("one", config=config), gateway("two", config=config)
    assert "shared-data" in home.run("fleet", "check").stdout
    control_of(one, "mine").post("/start")
    reply = control_of(two, "mine").refused("POST", "/start")
    assert (reply.status, reply.code) == (409, "directory_taken") and "one" in reply.error
    control_of(one, "mine").post("/stop")
    control_of(two, "mine").post("/start")
    assert place.is_dir()
    for it in (one, two):
        assert it.stop() == 0
    assert browsers_of(home.root) == [] and browsers_of(place) == []


def test_a_stranger_on_the_leased_port_is_gone_around(gateway, home, tmp_path):
    """A foreign browser sits on the port that a profile had: the profile gets another, and the stranger is not touched."""
    import subprocess
    it = gateway("one", config=browser_config(port=True))
    port = rows(it)[0]["cdpPort"]
    stranger = subprocess.Popen(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--remote-debugging-port={port}",
         f"--user-data-dir={tmp_path}/foreign", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(lambda: accepts(port), 20, "the stranger listens")
        control_of(it).post("/start")
        status = control_of(it).get("/")
        assert status["running"] and status["cdpPort"] != port and status["cdpUrl"] == f"http://127.0.0.1:{status['cdpPort']}"
        assert accepts(port) and stranger.poll() is None
        assert rows(it)[0]["cdpPort"] == status["cdpPort"]
        assert it.stop() == 0 and accepts(port)
    finally:
        os.killpg(stranger.pid, signal.SIGKILL)
        stranger.wait()


@pytest.mark.skipif(not LONG, reason="takes some 6 GB; JARVIS_TEST_BROWSER_FLEET=1")
@pytest.mark.timeout(900)
def test_thirty_six_browsers_at_once(three, home, playwright_driver):
    begun = time.monotonic()
    names = ["jarvis"] + [f"b{n:02}" for n in range(1, 12)]
    pids = prove(three, playwright_driver, names)
    assert len(pids) == 36 and main_browsers_of(home.root) == pids
    started = time.monotonic()
    everybody = browsers_of(home.root)
    print(f"\n36 browsers, {len(everybody)} processes with their directory, {memory_of(everybody):.0f} MB (PSS) of them, "
          f"gateways {memory_of([it.pid for it in three]):.0f} MB; started and proven in {started - begun:.0f} s")
    available = next(int(line.split()[1]) for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable"))
    print(f"memory still available: {available / 1024:.0f} MB")
    assert json.loads(home.run("ports", "--json").stdout)["overlaps"] == []
    os.kill(three[0].pid, signal.SIGKILL)
    three[0].wait()
    wait_until(lambda: not browsers_of(three[0].state), 5, "the twelve of a killed gateway are gone")
    assert len(main_browsers_of(home.root)) == 24
    stopping = time.monotonic()
    for it in three[1:]:
        assert it.stop(60) == 0
    print(f"24 browsers stopped in {time.monotonic() - stopping:.1f} s")
    assert browsers_of(home.root) == []
