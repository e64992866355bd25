"""The unit of a gateway under a real `systemd --user`."""

from __future__ import annotations

import json

import pytest
from support.systemd import unit_name

pytestmark = pytest.mark.timeout(150)


def installed(user, profile=None):
    user.set_up(profile)
    return user.jarvis_json("gateway", "install", profile=profile)


def test_install_starts_and_proves(user):
    report = installed(user)
    assert (report["ok"], report["action"], report["result"], report["live"]) == (True, "install", "installed", True)
    assert report["service"]["label"] == "systemd" and report["service"]["loaded"] is True
    assert report["pid"] == user.main_pid()
    assert report["undo"] == "jarvis gateway uninstall"
    shown = user.show(unit_name(), "Type", "NotifyAccess", "UnitFileState", "StatusText", "NeedDaemonReload")
    assert shown["Type"] == "notify" and shown["NotifyAccess"] == "main" and shown["UnitFileState"] == "enabled"
    assert "serving on port" in shown["StatusText"] and shown["NeedDaemonReload"] == "no"
    again = user.jarvis_json("gateway", "install")
    assert again["result"] == "already-installed" and again["pid"] == report["pid"] and again["paths"] == []


def test_the_unit_passes_systemds_own_check(user):
    installed(user, "rescue")
    checked = user.sh("systemd-analyze", "--user", "verify", user.unit_path("rescue"))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert oct(user.unit_path("rescue").stat().st_mode & 0o777) == "0o600"


def test_a_killed_gateway_comes_back(user):
    installed(user)
    user.drop_in(RestartSec="50ms")
    before = user.main_pid()
    user.ok("kill", "-9", str(before))
    user.wait_for("another process", lambda: user.main_pid() not in (0, before))
    user.wait_for("it answers", lambda: user.jarvis("health").returncode == 0)
    assert user.show(unit_name(), "NRestarts")["NRestarts"] == "1"


def test_a_gateway_that_hangs_is_restarted_by_the_watchdog(user):
    installed(user)
    user.drop_in(RestartSec="50ms", WatchdogSec="1", TimeoutAbortSec="2")
    before = user.jarvis_json("gateway", "restart")["pid"]
    user.ok("kill", "-STOP", str(before))
    user.wait_for("another process", lambda: user.main_pid() not in (0, before))
    user.wait_for("it answers", lambda: user.jarvis("health").returncode == 0)
    assert user.show(unit_name(), "NRestarts")["NRestarts"] == "1"


def test_a_gateway_that_is_asked_to_stop_stays_down(user):
    installed(user)
    user.ok("kill", "-TERM", str(user.main_pid()))
    user.wait_for("it is down", lambda: user.main_pid() == 0)
    assert user.show(unit_name(), "ActiveState", "NRestarts", "Result") == {
        "ActiveState": "inactive", "NRestarts": "0", "Result": "success"}


def test_a_restart_in_place_is_a_reload_for_systemd(user):
    """The process stays, and systemd neither counts a restart nor ends what it thinks is stopping."""
    installed(user)
    user.drop_in(TimeoutStopSec="2", WatchdogSec="2")
    pid = user.jarvis_json("gateway", "restart")["pid"]
    for _ in range(3):
        boot = json.loads((user.state() / "run/gateway.json").read_text())["startedAtMs"]
        user.ok("kill", "-USR1", str(pid))
        user.wait_for("a new boot", lambda: started(user) not in (None, boot))
        user.wait_for("it answers", lambda: user.jarvis("health").returncode == 0)
        user.wait_for("active", lambda: user.show(unit_name(), "ActiveState", "SubState") == {"ActiveState": "active", "SubState": "running"})
    user.ok("sleep", "3")  # longer than the stop and the watchdog may take
    assert user.show(unit_name(), "MainPID", "NRestarts", "ActiveState") == {
        "MainPID": str(pid), "NRestarts": "0", "ActiveState": "active"}


def started(user):
    try:
        return json.loads((user.state() / "run/gateway.json").read_text())["startedAtMs"]
    except (OSError, ValueError):
        return None


def test_no_child_outlives_the_service(user):
    installed(user)
    group = user.show(unit_name(), "ControlGroup")["ControlGroup"]
    user.ok("sh", "-c", f"setsid sh -c 'trap \"\" TERM HUP; echo $$ > /sys/fs/cgroup{group}/cgroup.procs; echo $$ > orphan; exec sleep 300' "
            "> /dev/null 2>&1 & sleep 0.5")
    orphan = (user.home / "orphan").read_text().strip()
    assert user.sh("kill", "-0", orphan).returncode == 0
    user.jarvis_json("gateway", "stop")
    assert user.sh("kill", "-0", orphan).returncode != 0


def test_a_service_that_lost_its_instance_does_not_start_another(user):
    """The state directory was made anew: the unit still carries the old identity and must not run the new one."""
    installed(user, "a")
    user.jarvis_json("gateway", "stop", profile="a")
    user.ok("rm", "-rf", user.state("a"))
    user.set_up("a")
    assert user.systemctl("start", unit_name("a")).returncode != 0
    assert user.show(unit_name("a"), "ExecMainStatus", "NRestarts") == {"ExecMainStatus": "78", "NRestarts": "0"}
    refused = user.jarvis("gateway", "install", profile="a")
    assert refused.returncode == 2 and "gateway uninstall" in refused.stderr
    assert user.jarvis_json("gateway", "uninstall", profile="a")["result"] == "uninstalled"
    assert user.jarvis_json("gateway", "install", profile="a")["result"] == "installed"


def test_a_changed_port_needs_no_new_unit(user):
    installed(user)
    before = user.unit_path().read_bytes()
    report = user.jarvis_json("gateway", "install", "--port", "24680", "--force")
    assert user.unit_path().read_bytes() == before and report["pid"] == user.main_pid()
    assert user.jarvis_json("gateway", "status")["gateway"]["port"] == 24680


def test_a_nix_host_installs_nothing(user):
    user.set_up()
    refused = user.jarvis("gateway", "install", env={"JARVIS_NIX_MODE": "1"})
    assert refused.returncode == 2 and "JARVIS_NIX_MODE" in refused.stderr
    assert not user.unit_path().exists()


def test_daemon_is_another_name(user):
    installed(user)
    assert user.jarvis_json("daemon", "status")["rpc"]["ok"]
    assert user.jarvis_json("daemon", "restart")["result"] == "restarted"


def test_status_tells_a_config_mismatch(user):
    installed(user, "a")
    other = user.home / "other.json"
    user.ok("cp", user.state("a") / "jarvis.json", other)
    report = user.jarvis_json("gateway", "status", profile="a", expect=None, env={"JARVIS_CONFIG_PATH": str(other)})
    assert report["config"]["mismatch"] is True
    assert report["config"]["cli"]["path"] == str(other)
    assert report["config"]["daemon"]["path"] == str(user.state("a") / "jarvis.json")


def test_onboarding_installs_the_second_gateway_and_leaves_the_first_alone(user):
    installed(user)
    before = (user.main_pid(), user.unit_path().read_bytes(), user.unit_path().stat().st_mtime_ns,
              (user.state() / "jarvis.json").read_bytes(), (user.state() / "jarvis.json").stat().st_mtime_ns)
    summary = user.jarvis_json("onboard", "--non-interactive", "--accept-risk", "--install-daemon", profile="rescue")
    assert summary["installDaemon"] is True and summary["gateway"]["port"] == 19789
    assert summary["workspace"].endswith("/.jarvis-rescue/workspace-rescue")
    assert summary["service"]["pid"] == user.main_pid("rescue")
    assert str(user.unit_path("rescue")) in summary["made"] and summary["removeIt"] and summary["lookAtIt"]
    tokens = [json.loads(user.ok("jarvis", "debug", "parse", "json5", str(user.state(p) / "jarvis.json"),
                                 env={"PATH": f"{user.home}/.local/bin:/usr/bin:/bin"}))["gateway"]["auth"]["token"] for p in (None, "rescue")]
    assert tokens[0] != tokens[1]
    assert before == (user.main_pid(), user.unit_path().read_bytes(), user.unit_path().stat().st_mtime_ns,
                      (user.state() / "jarvis.json").read_bytes(), (user.state() / "jarvis.json").stat().st_mtime_ns)


def test_onboarding_refuses_what_a_sibling_owns(user):
    installed(user)
    for flags, word in ((["--gateway-port", "18790"], "18789"), (["--workspace", str(user.state() / "workspace")], "default")):
        refused = user.jarvis("onboard", "--non-interactive", "--accept-risk", *flags, profile="rescue")
        assert refused.returncode == 2 and word in refused.stderr
        assert not (user.state("rescue") / "jarvis.json").exists()


def test_siblings_are_no_extra_services(user):
    installed(user)
    installed(user, "b")
    by_hand = user.unit_path().with_name("my-gateway.service")
    user.ok("sh", "-c", f"cat > {by_hand}", input="[Service]\nExecStart=/usr/bin/jarvis --profile x gateway\n")
    report = user.jarvis_json("gateway", "status")
    assert [service["label"] for service in report["extraServices"]] == ["my-gateway.service"]
    assert [service["profile"] for service in report["siblingServices"]] == ["b"]
    assert report["service"]["configAudit"] == {"ok": True, "issues": []}
