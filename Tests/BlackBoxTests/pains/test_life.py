"""Pains of starting, stopping and restarting one of several gateways (docs/pains.md)."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.gateway import Gateway
from support.paths import jarvis_binary
from support.ports import wait_until
from support.supervised import Supervised, is_alive, start_time

KILLS = int(os.environ.get("JARVIS_TEST_KILLS", "20"))
RESTARTS = int(os.environ.get("JARVIS_TEST_RESTARTS", "20"))


@pytest.fixture
def supervised(home):
    host = Supervised(home)
    yield host
    host.close()


@pytest.fixture
def hasty(home):
    host = Supervised(home, hurry=50)
    yield host
    host.close()


def test_pain_03_force_signals_nobody_but_its_own_gateway(gateway):
    """A program, a sibling, and a process whose pid stands in a poisoned file hold what --force wants: all survive."""
    sibling = gateway("other")
    it = gateway("mine")
    squatter = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    try:
        note_path = it.state / "run/gateway.json"
        note = json.loads(note_path.read_text())
        it.kill()
        note["pid"], note["processStartTime"] = squatter.pid, start_time(squatter.pid)
        note_path.write_text(json.dumps(note))
        (it.state / "run/owner.json").write_text(json.dumps(note))
        before = start_time(sibling.pid)
        result = it.cli("gateway", "run", "--force", "--port", str(sibling.port))
        assert result.returncode == 78 and "other" in result.stderr
        it.arguments = ["--port", str(it.port), "--force"]
        it.start()
        assert squatter.poll() is None
        assert start_time(sibling.pid) == before and sibling.get("/readyz")[0] == 200
    finally:
        squatter.kill()
        squatter.wait()


@pytest.mark.timeout(180)
def test_pain_08_a_replaced_program_disturbs_no_running_gateway(home, scripted_model):
    """The program's file is replaced and removed under three gateways that serve: every turn succeeds, and the ones
    that run the old file are told apart."""
    from support.gateway import GatewayFactory
    program = home.root / "bin/jarvis"
    program.parent.mkdir()
    shutil.copy2(jarvis_binary(), program)
    factory = GatewayFactory(home, scripted_model.base_url)

    class Installed(Gateway):
        def command(self):
            return [str(program), *super().command()[1:]]

    made = []
    try:
        for profile in ("a", "b", "c"):
            it = factory(profile, start=False)
            installed = Installed(home, profile, port=it.port)
            made.append(installed.start())
        clients = [it.client() for it in made]
        for client in clients:
            assert client.chat("before")["state"] == "final"
        newer = program.with_name("jarvis.new")
        shutil.copy2(jarvis_binary(), newer)
        newer.rename(program)
        for client in clients:
            assert client.chat("replaced")["state"] == "final"
        program.unlink()
        for it, client in zip(made, clients):
            assert client.chat("removed")["state"] == "final"
            assert it.client().chat("and for a new client")["state"] == "final"
        for it in made:
            assert os.readlink(f"/proc/{it.pid}/exe").endswith("(deleted)")
        rows = {row["profile"]: row for row in home.json_or_error("instances", "--json")["instances"]}
        for profile in ("a", "b", "c"):
            assert "executable" in [finding["code"] for finding in rows[profile]["drift"]], rows[profile]
        # A restart takes the file that is at its place then.
        shutil.copy2(jarvis_binary(), program)
        assert made[0].cli("gateway", "restart").returncode == 0
        assert os.readlink(f"/proc/{made[0].pid}/exe") == str(program)
    finally:
        for it in made:
            it.kill()


@pytest.mark.timeout(600)
def test_pain_12_after_kill_9_the_next_start_succeeds(gateway):
    """No stale lock, pid file or socket is ever in the way, and there is no wait."""
    it = gateway()
    for _ in range(KILLS):
        it.kill()
        it.start()
    second = it.cli("gateway", "run", "--port", str(it.port))
    assert second.returncode == 78 and str(it.pid) in second.stderr and "status" in second.stderr
    assert it.get("/readyz")[0] == 200


def shell_of(it) -> dict:
    """The environment of a shell that a tool of this gateway runs in: the gateway's own, with its tag."""
    identity = json.loads((it.state / "instance.json").read_text())["instanceId"]
    return {
        "JARVIS_PROFILE": it.profile or "default", "JARVIS_STATE_DIR": str(it.state),
        "JARVIS_CONFIG_PATH": str(it.state / "jarvis.json"), "JARVIS_INSTANCE_ID": identity,
        "JARVIS_GATEWAY_PORT": str(it.port), "JARVIS_SERVICE_MARKER": "jarvis", "JARVIS_SERVICE_KIND": "gateway",
        "JARVIS_INSTANCE": identity}


def gateways(state: Path) -> list[int]:
    """The processes that hold a gateway's control socket or were started over this state directory."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            home = [v for v in (folder / "environ").read_bytes().split(b"\0") if v == f"HOME={state.parent}".encode()]
        except OSError:
            continue
        profile = state.name.removeprefix(".jarvis").removeprefix("-").encode()
        if home and b"gateway" in words and (not profile or profile in words) and is_alive(int(folder.name)):
            found.append(int(folder.name))
    return found


def boot(it) -> str:
    try:
        return json.loads((it.state / "run/gateway.json").read_text())["bootId"]
    except (OSError, ValueError):
        return ""


@pytest.mark.timeout(900)
def test_pain_20_an_agent_restarts_its_own_gateway_and_another(gateway):
    """From a shell inside A: restart A, restart B, again and again; each has one process all the time."""
    a, b = gateway("a"), gateway("b")
    shell = shell_of(a)
    pids = a.pid, b.pid
    for _ in range(RESTARTS):
        before = boot(a)
        own = a.home.run("gateway", "restart", "--json", env=shell, timeout=60)
        assert own.returncode == 0, own.stderr
        ticket = json.loads(own.stdout)["ticket"]["ticket"]
        wait_until(lambda: boot(a) not in ("", before), 30, "A is back")
        wait_until(
            lambda: json.loads((a.state / "run/restart.json").read_text())["tickets"][-1]["state"] == "done", 30,
            "the outcome")
        assert json.loads((a.state / "run/restart.json").read_text())["tickets"][-1]["ticket"] == ticket
        assert gateways(a.state) == [pids[0]]
        before = boot(b)
        other = a.home.run("--profile", "b", "gateway", "restart", "--json", env=shell, timeout=60)
        assert other.returncode == 0, other.stderr
        wait_until(lambda: boot(b) not in ("", before), 30, "B is back")
        assert gateways(b.state) == [pids[1]]
    assert (a.pid, b.pid) == pids
    assert a.get("/readyz")[0] == 200 and b.get("/readyz")[0] == 200


@pytest.mark.timeout(180)
def test_pain_20_under_a_supervisor_too(supervised):
    supervised.install("a")
    supervised.install("b")
    a, b = supervised.wait_up("a"), supervised.wait_up("b")
    for _ in range(2):
        for profile in ("a", "b"):
            assert supervised.json("gateway", "restart", profile=profile)["ok"] is True
            supervised.wait_up(profile)
            assert len(supervised.processes(profile)) == 1
    assert not is_alive(a) and not is_alive(b)


@pytest.mark.timeout(180)
def test_pain_35_a_permanent_fault_is_braked_and_start_clears_it(hasty):
    """A gateway that can never start is tried ever more rarely and then parked, with the reason; its sibling does not
    notice, and the supervisor itself does nothing meanwhile."""
    hasty.install("good")
    hasty.install("bad")
    good = hasty.wait_up("good")
    hasty.wait_up("bad")
    hasty.run("gateway", "stop", profile="bad")
    config = json.loads(hasty.home.config_path("bad").read_text())
    hasty.home.write_config({**config, "gateway": {**config["gateway"], "mode": "remote"}}, "bad")
    hasty.json("gateway", "start", profile="bad", check=False)
    row = wait_until(lambda: (r := hasty.row("bad"))["phase"] == "parked" and r, 60, "parked")
    assert "gateway.mode" in row["reason"] and row["restarts"] <= 5
    pid = hasty.supervisor()
    ticks = cpu_ticks(pid)
    time.sleep(2)
    assert cpu_ticks(pid) - ticks <= 2, "an idle supervisor costs nothing"
    assert hasty.pid("good") == good
    hasty.home.write_config(config, "bad")
    assert hasty.json("gateway", "start", profile="bad")["ok"] is True
    hasty.wait_up("bad")


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.timeout(180)
def test_pain_44_the_supervisor_survives_logout_and_is_started_at_boot(supervised):
    """Installed from a login session that then ends; the crontab starts it again, and other lines stay."""
    supervised.crontab.write_text("# mine\n5 4 * * *  true # at four\n")
    supervised.configure("a")
    session = subprocess.Popen(
        ["setsid", "sh", "-c", f"'{jarvis_binary()}' --profile a gateway install --supervisor builtin --json; sleep 300"],
        env=supervised.home.environment(**supervised.env), cwd=supervised.home.root, stdout=subprocess.PIPE, text=True,
        start_new_session=True)
    gateway = supervised.wait_up("a")
    keeper = supervised.supervisor()
    # Logout: the session is hung up, then killed.
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(session.pid, number)
        except ProcessLookupError:
            pass
    session.wait()
    assert is_alive(gateway) and is_alive(keeper)
    assert os.getsid(keeper) == keeper and os.getsid(gateway) == gateway
    lines = supervised.crontab.read_text().splitlines()
    assert lines[:2] == ["# mine", "5 4 * * *  true # at four"]
    assert len(lines) == 3 and lines[2].startswith("@reboot ") and "supervisor run --detach" in lines[2]

    # Reboot: everything is gone, then cron runs the line.
    for pid in (keeper, gateway):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(keeper) and not is_alive(gateway), 10, "all gone")
    command = lines[2].removeprefix("@reboot ")
    subprocess.run(
        ["sh", "-c", command], env={"HOME": str(supervised.home.root), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
        cwd=supervised.home.root, check=True, timeout=30, stdout=subprocess.DEVNULL)
    assert supervised.wait_up("a", other_than=gateway)

    # Out of its care: our line goes, the others stay.
    assert supervised.json("gateway", "uninstall", profile="a")["ok"] is True
    assert supervised.crontab.read_text() == "# mine\n5 4 * * *  true # at four\n"


def test_pain_44_without_cron_install_says_the_one_command(home):
    host = Supervised(home, cron=False)
    try:
        (host.tools / "crontab").write_text("#!/bin/sh\necho 'you (tester) are not allowed to use this program' >&2\nexit 1\n")
        (host.tools / "crontab").chmod(0o755)
        answer = host.install("a")
        text = json.dumps(answer)
        assert "not allowed" in text and "supervisor run --detach" in text and ".profile" in text
        host.wait_up("a")
    finally:
        host.close()


def test_pain_45_no_child_outlives_its_gateway(home):
    """See also lifecycle/test_children.py, which drives the same tree harder."""
    instance = "pain-45-" + os.urandom(6).hex()
    command = [str(jarvis_binary()), "debug", "children", "--instance", instance, "--count", "5", "--script"]

    def tagged():
        wanted = f"JARVIS_INSTANCE={instance}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if wanted in (folder / "environ").read_bytes().split(b"\0") and is_alive(int(folder.name)):
                        found.append(int(folder.name))
                except OSError:
                    pass
        return found

    for script, end in (("trap '' TERM; sleep 600 & sleep 600; wait", "stop"), ("exec sleep 600", "kill")):
        process = subprocess.Popen(
            [*command, script], env=home.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline().strip() == "started"
        assert len(tagged()) >= 5
        if end == "stop":
            process.stdin.write("stop\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"left": []}
        else:
            process.kill()
        process.wait()
        wait_until(lambda: tagged() == [], 5, "nobody is left")
