"""What goes wrong with the services of several gateways, each under a real service manager."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.home import tree
from support.systemd import bare_user, unit_name, user  # noqa: F401  (fixtures)

pytestmark = pytest.mark.timeout(150)


def install(user, *profiles):
    for profile in profiles:
        user.set_up(profile)
        user.jarvis_json("gateway", "install", profile=profile)


def pids(user, *profiles):
    return {profile: user.main_pid(profile) for profile in profiles}


def test_pain_02_stop_and_restart_hit_their_own_service_alone(user):
    install(user, "a", "b", "c")
    before = pids(user, "a", "b", "c")
    stopped = user.jarvis_json("gateway", "stop", profile="b")
    assert stopped["result"] == "stopped" and stopped["pidBefore"] == before["b"]
    for profile in "abc":
        report = user.jarvis_json("gateway", "status", profile=profile, expect=None)
        assert report["service"]["name"] == unit_name(profile)
        assert report["service"]["runtime"]["status"] == ("stopped" if profile == "b" else "running")
        assert report["service"]["runtime"].get("pid") == (None if profile == "b" else before[profile])
        assert report["rpc"]["ok"] == (profile != "b")
        assert report["extraServices"] == []
    restarted = user.jarvis_json("gateway", "restart", profile="b")
    now = pids(user, "a", "b", "c")
    assert (now["a"], now["c"]) == (before["a"], before["c"])
    assert restarted["pid"] == now["b"] != before["b"]


def test_pain_02_a_gateway_without_a_service_is_never_guessed(user):
    install(user, "a")
    user.set_up("b")
    before = user.main_pid("a")
    for action in ("start", "stop", "restart"):
        report = user.jarvis_json("gateway", action, profile="b", expect=1)
        assert (report["ok"], report["result"]) == (False, "not-loaded")
        assert any("gateway install" in hint for hint in report["hints"])
    assert user.jarvis_json("gateway", "uninstall", profile="b")["result"] == "not-loaded"
    assert user.main_pid("a") == before and user.unit_path("a").exists()


def test_pain_02_a_name_is_no_proof(user):
    """The unit carries b's name and a's identity: a command for b does not touch it."""
    install(user, "a")
    user.set_up("b")
    planted = user.unit_path("b")
    user.ok("sh", "-c", f"cp {user.unit_path('a')} {planted}; systemctl --user daemon-reload")
    before = planted.read_bytes()
    assert user.jarvis_json("gateway", "stop", profile="b", expect=1)["result"] == "not-loaded"
    refused = user.jarvis("gateway", "install", profile="b")
    assert refused.returncode == 2 and str(user.state("a")) in refused.stderr
    assert planted.read_bytes() == before


def test_pain_06_second_install_leaves_the_first_unit_alone(user):
    install(user, None)
    unit = user.unit_path()
    before = (unit.read_bytes(), unit.stat().st_mtime_ns, user.main_pid())
    user.set_up("rescue")
    shell = {"SHELL_SECRET": "from-the-shell", "OPENAI_API_KEY": "sk-from-the-shell", "EDITOR": "ed"}
    user.jarvis_json("gateway", "install", profile="rescue", env=shell)
    assert (unit.read_bytes(), unit.stat().st_mtime_ns, user.main_pid()) == before
    text = user.unit_path("rescue").read_text()
    assert "from-the-shell" not in text and "EDITOR" not in text
    for profile in (None, "rescue"):
        environment = dict(re.findall(r"^Environment=(\w+)=(.*)$", user.unit_path(profile).read_text(), re.M))
        assert environment["JARVIS_PROFILE"] == (profile or "default")
        assert environment["JARVIS_INSTANCE_ID"] == user.instance_id(profile)
        assert environment["JARVIS_STATE_DIR"] == str(user.state(profile))
        assert environment["JARVIS_CONFIG_PATH"] == str(user.state(profile) / "jarvis.json")


def test_pain_06_a_unit_of_another_instance_is_not_overwritten(user):
    install(user, None)
    unit = user.unit_path()
    before = (unit.read_bytes(), user.main_pid())
    other = {"JARVIS_STATE_DIR": str(user.home / "elsewhere")}
    assert user.jarvis("setup", env=other).returncode == 0
    refused = user.jarvis("gateway", "install", env=other)
    assert refused.returncode == 2
    assert user.instance_id()[:8] in refused.stderr and "--profile" in refused.stderr
    assert (unit.read_bytes(), user.main_pid()) == before
    assert not unit.with_name(unit.name + ".bak").exists()


def test_pain_06_an_inherited_environment_does_not_reach_the_unit(user):
    """Installed from a shell inside gateway a: b's unit is b's."""
    install(user, "a")
    user.set_up("b")
    inherited = {
        "JARVIS_PROFILE": "a", "JARVIS_STATE_DIR": str(user.state("a")), "JARVIS_CONFIG_PATH": str(user.state("a") / "jarvis.json"),
        "JARVIS_INSTANCE_ID": user.instance_id("a"), "JARVIS_GATEWAY_PORT": "23456", "JARVIS_SERVICE_MARKER": "jarvis"}
    user.jarvis_json("gateway", "install", profile="b", env=inherited)
    text = user.unit_path("b").read_text()
    assert str(user.state("a")) not in text and user.instance_id("a") not in text and "23456" not in text
    assert user.main_pid("a") != user.main_pid("b") > 0


def test_pain_09_a_foreground_gateway_beside_its_service_gives_up(user):
    install(user, None)
    before = user.main_pid()
    beside = user.jarvis("gateway")
    assert beside.returncode == 78
    assert str(before) in beside.stderr
    shown = user.show(unit_name(), "NRestarts", "MainPID")
    assert shown == {"NRestarts": "0", "MainPID": str(before)}


def test_pain_09_a_service_beside_a_foreground_gateway_gives_up(user):
    """The loser of a start ends with 78, and the unit does not try again."""
    user.set_up()
    user.jarvis_json("gateway", "install", "--no-start")
    user.ok("sh", "-c", "nohup .local/bin/jarvis gateway >/dev/null 2>&1 & echo")
    runtime = user.state() / "run/gateway.json"
    user.wait_for("the foreground gateway", runtime.exists)
    pid = json.loads(runtime.read_text())["pid"]
    assert user.systemctl("start", unit_name()).returncode != 0
    shown = user.show(unit_name(), "NRestarts", "ExecMainStatus", "ActiveState")
    assert shown == {"NRestarts": "0", "ExecMainStatus": "78", "ActiveState": "failed"}
    refused = user.jarvis("gateway", "start")
    assert refused.returncode == 2 and f"pid {pid}" in refused.stderr and "gateway stop" in refused.stderr
    # Handed over as the message says.
    assert user.jarvis_json("gateway", "stop")["result"] == "stopped"
    assert user.jarvis_json("gateway", "start")["pid"] == user.main_pid() != pid


@pytest.mark.parametrize("place", ["{runtime}/systemd/user", "{home}/.local/share/systemd/user"])
def test_pain_09_the_same_gateway_in_another_domain_is_found(user, place):
    user.set_up("a")
    folder = place.format(runtime=f"/run/user/{user.account.pw_uid}", home=user.home)
    user.ok("sh", "-c", f"""
        jarvis --profile a gateway install --no-start --json
        mkdir -p {folder}; mv {user.unit_path('a')} {folder}/other-name.service
        systemctl --user daemon-reload""", env={"PATH": f"{user.home}/.local/bin:/usr/bin:/bin"})
    refused = user.jarvis("gateway", "install", profile="a")
    assert refused.returncode == 2
    assert f"{folder}/other-name.service" in refused.stderr and "gateway uninstall" in refused.stderr
    assert not user.unit_path("a").exists()


def test_pain_09_two_kinds_of_managers_for_one_gateway_are_refused(user):
    install(user, "a")
    before = user.main_pid("a")
    refused = user.jarvis("gateway", "install", "--supervisor", "builtin", profile="a")
    assert refused.returncode == 2
    assert str(user.unit_path("a")) in refused.stderr
    assert "jarvis --profile a gateway uninstall --supervisor systemd-user" in refused.stderr
    assert user.main_pid("a") == before and user.ok("pgrep", "-u", user.user, "-fc", "jarvis gateway").strip() == "1"


def test_pain_20_a_restart_from_inside_a_gateway_leaves_one(user):
    """A shell in the control group of gateway a, as a tool of its agent has it, restarts a and b."""
    install(user, "a", "b")
    group = user.show(unit_name("a"), "ControlGroup")["ControlGroup"]
    pid = user.main_pid("a")
    boots = set()
    for round in range(5):
        for target in ("a", "b"):
            before = user.main_pid("b")
            done = user.sh(
                "sh", "-c",
                f"echo $$ > /sys/fs/cgroup{group}/cgroup.procs; exec .local/bin/jarvis --profile {target} gateway restart --json",
                env={"JARVIS_INSTANCE": user.instance_id("a")})
            report = json.loads(done.stdout)
            assert report["ok"], done
            if target == "b":
                assert report["pid"] == user.main_pid("b") != before
            else:
                boots.add(report["ticket"]["ticket"])
            for profile in ("a", "b"):
                user.wait_for(f"{profile} answers", lambda: user.jarvis("health", profile=profile).returncode == 0)
    assert user.main_pid("a") == pid and len(boots) == 5
    assert user.show(unit_name("a"), "NRestarts", "ActiveState") == {"NRestarts": "0", "ActiveState": "active"}
    running = user.ok("pgrep", "-u", user.user, "-fc", "jarvis gateway")
    assert running.strip() == "2"


def test_pain_27_updates_leave_the_operators_settings_alone(user):
    user.ok("sh", "-c", "mkdir -p versions/1 versions/2 && mv .local/bin/jarvis versions/1/ && cp versions/1/jarvis versions/2/"
            " && ln -s ../../versions/1/jarvis .local/bin/jarvis")
    install(user, None)
    added = user.drop_in(TimeoutStopSec="17", Environment="OPERATOR=yes")
    names = ("Environment", "TimeoutStopUSec", "ExecStart", "DropInPaths", "Restart", "FragmentPath")
    shown = {name: re.sub(r"(start_time|stop_time|pid)=[^;]*", "", value) for name, value in user.show(unit_name(), *names).items()}
    before = (user.unit_path().read_bytes(), user.unit_path().stat().st_mtime_ns, added.read_bytes(), shown)
    assert "OPERATOR=yes" in shown["Environment"] and f"{user.home}/.local/bin/jarvis" in shown["ExecStart"]
    for version in (2, 1, 2):
        user.ok("ln", "-sfn", f"../../versions/{version}/jarvis", ".local/bin/jarvis")
        assert user.jarvis_json("gateway", "install")["result"] == "already-installed"
        user.jarvis_json("gateway", "restart")
    shown = {name: re.sub(r"(start_time|stop_time|pid)=[^;]*", "", value) for name, value in user.show(unit_name(), *names).items()}
    assert (user.unit_path().read_bytes(), user.unit_path().stat().st_mtime_ns, added.read_bytes(), shown) == before


def test_pain_27_an_edited_unit_is_kept_as_a_copy(user):
    install(user, None)
    ours = user.unit_path().read_text()
    edited = ours.replace("RestartSec=5", "RestartSec=55")
    user.ok("sh", "-c", f"cat > {user.unit_path()}; systemctl --user daemon-reload", input=edited)
    report = user.jarvis_json("gateway", "install")
    assert report["result"] == "installed"
    assert user.unit_path().read_text() == ours
    assert Path(report["backup"]).read_text() == edited


def test_pain_28_no_secret_stands_in_a_unit(user):
    install(user, None)
    user.jarvis("config", "set", "models.providers.x.baseUrl", "http://127.0.0.1:9/v1")
    user.jarvis("config", "set", "models.providers.x.apiKey", "sk-very-secret-key-123")
    report = user.jarvis_json("gateway", "install", "--token", "a-new-token-0123456789", "--force")
    assert report["result"] == "installed"
    config = (user.state() / "jarvis.json").read_text()
    token = re.search(r'"?token"?:\s*"([^"]+)"', config).group(1)
    assert token == "a-new-token-0123456789"
    for path in user.unit_path().parent.rglob("*"):
        if path.is_file():
            assert token not in path.read_text() and "sk-very" not in path.read_text(), path
    assert token not in json.dumps(report)
    # A rotation needs no new unit.
    before = user.unit_path().read_bytes()
    user.edit("gateway.auth.token", "rotated-token-0123456789")
    user.jarvis_json("gateway", "restart")
    assert user.jarvis_json("gateway", "status")["rpc"]["ok"]
    assert user.jarvis_json("gateway", "install")["result"] == "already-installed"
    assert user.unit_path().read_bytes() == before


def test_pain_28_a_port_of_another_gateway_is_named_as_such(user):
    install(user, "a")
    user.set_up("b")
    port = user.jarvis_json("gateway", "status", profile="a")["gateway"]["port"]
    config = user.state("b") / "jarvis.json"
    config.write_text(re.sub(r'("?port"?:\s*)\d+', rf"\g<1>{port}", config.read_text()))
    report = user.jarvis_json("gateway", "status", profile="b", expect=1)
    assert report["port"]["owner"] == "a" and '"a"' in report["port"]["hints"][0]
    assert "token" not in (report["rpc"]["error"] or "")


def test_pain_35_a_permanent_fault_ends_and_start_clears_it(user):
    install(user, None)
    assert re.search(r"^(RestartSteps=|StartLimitBurst=)\d+$", user.unit_path().read_text(), re.M)
    user.drop_in(RestartSec="20ms", StartLimitBurst="3", StartLimitIntervalSec="600")
    user.jarvis_json("gateway", "stop")
    good = (user.state() / "jarvis.json").read_text()
    (user.state() / "jarvis.json").write_text(re.sub(r'("?mode"?:\s*)"local"', r'\1"remote"', good, count=1))
    failed = user.jarvis("gateway", "start")
    assert failed.returncode == 1
    user.wait_for("the limit", lambda: user.show(unit_name(), "ActiveState")["ActiveState"] == "failed")
    restarts = int(user.show(unit_name(), "NRestarts")["NRestarts"])
    assert restarts <= 3
    report = user.jarvis_json("gateway", "status", expect=1)
    assert report["service"]["runtime"]["status"] == "failed" and report["service"]["runtime"]["lastExitStatus"] == 1
    assert report["lastError"]
    (user.state() / "jarvis.json").write_text(good)
    assert user.jarvis_json("gateway", "start")["pid"] == user.main_pid()


def test_pain_44_install_without_the_variables_of_the_bus(user):
    """As over SSH or by su."""
    user.set_up()
    report = user.jarvis_json("gateway", "install", unset=("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"))
    assert report["pid"] == user.main_pid()


def test_pain_44_no_user_manager_is_told_in_one_command(user):
    user.set_up()
    gone = {"XDG_RUNTIME_DIR": "/nonexistent", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent/bus"}
    refused = user.jarvis("gateway", "install", env=gone)
    assert refused.returncode == 1 and user.user in refused.stderr
    assert not user.unit_path().exists()


def test_pain_44_no_systemd_at_all_is_told_in_one_command(bare_user):
    bare_user.set_up("rescue")
    refused = bare_user.jarvis("gateway", "install", profile="rescue")
    assert refused.returncode == 1
    assert "jarvis --profile rescue gateway install --supervisor builtin" in refused.stderr
    assert not bare_user.unit_path("rescue").exists()


def test_pain_46_uninstall_takes_the_service_and_nothing_else(user):
    install(user, None, "b")
    added = user.drop_in("b", Environment="MINE=yes")
    project = user.home / "project"
    user.ok("sh", "-c", "mkdir project; echo mine > project/file")
    before_a = (user.unit_path().read_bytes(), user.main_pid())
    changing = ("logs/", "run/", "store/", "devices/", "identity/")
    own = lambda: {k: v for k, v in tree(user.state("b")).items() if not k.startswith(changing) and k not in ("manifest.json", *[c[:-1] for c in changing])}
    kept = {k: v[3] for k, v in own().items()}
    report = user.jarvis_json("gateway", "uninstall", profile="b")
    assert report["result"] == "uninstalled" and str(user.unit_path("b")) in report["paths"]
    assert not user.unit_path("b").exists() and added.exists()
    assert any(str(added.parent) in warning for warning in report["warnings"])
    assert {k: v[3] for k, v in own().items()} == kept
    assert (project / "file").read_text() == "mine\n"
    assert (user.unit_path().read_bytes(), user.main_pid()) == before_a
    assert user.systemctl("is-enabled", unit_name("b")).stdout.strip() != "enabled"
    assert user.jarvis_json("gateway", "uninstall", profile="b")["result"] == "not-loaded"
