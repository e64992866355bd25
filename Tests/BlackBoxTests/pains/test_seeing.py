"""What goes wrong when nobody can see which gateway is which: rows 1, 7, 19, 28, 32, 43, 51 and 52 of docs/pains.md."""

import json
import os
import signal
import socket
import subprocess

import pytest
from support.gateway import base_config
from support.home import TOKEN, tree
from support.paths import jarvis_binary
from support.ports import free_base_port, wait_until
from support.rpc import Rpc


def identity(home, profile):
    return json.loads((home.state(profile) / "instance.json").read_text())["instanceId"]


def service_environment(home, profile, port):
    """Everything that the service of a gateway has in its environment."""
    return {
        "JARVIS_PROFILE": profile, "JARVIS_STATE_DIR": str(home.state(profile)),
        "JARVIS_CONFIG_PATH": str(home.config_path(profile)), "JARVIS_INSTANCE_ID": identity(home, profile),
        "JARVIS_GATEWAY_PORT": str(port), "JARVIS_SERVICE_MARKER": "jarvis", "JARVIS_SERVICE_KIND": "gateway",
        "JARVIS_SERVICE_VERSION": "0.0.1", "JARVIS_SYSTEMD_UNIT": f"jarvis-gateway-{profile}.service",
        "INVOCATION_ID": "0" * 32, "JARVIS_GATEWAY_TOKEN": "main-secret-token-0123456789abcdef"}


def files(root):
    """The tree without what a running gateway itself writes now and then."""
    return {path: entry for path, entry in tree(root).items() if not path.startswith(("logs", "store"))}


def settled(root):
    """The same, once the gateway has written what it writes after its start."""
    seen = [None]

    def is_quiet():
        before, seen[0] = seen[0], files(root)
        return seen[0] == before

    wait_until(is_quiet, 10, "nothing is being written", every=0.5)
    return seen[0]


# ---- 1


def test_pain_01_a_flag_in_the_shell_of_another_gateway_reaches_the_named_one(gateway, home):
    """With the full service environment of a running gateway, the commands of another one leave it alone."""
    main = gateway(profile="main")
    env = service_environment(home, "main", main.port)
    before = settled(main.state)
    commands = [
        ["setup"], ["which"], ["config", "set", "logging.level", "debug"], ["config", "get", "logging.level"],
        ["config", "unset", "logging.level"], ["config", "validate"], ["instances"], ["status"], ["logs"],
        ["sessions", "list"], ["agent", "-m", "hello"], ["gateway", "status"], ["onboard", "--help"]]
    for command in commands:
        result = home.run("--profile", "other", *command, env=env)
        assert result.returncode != 2, (command, result.stderr)
        assert files(main.state) == before, command
    assert (home.state("other") / "instance.json").exists()
    assert identity(home, "other") != identity(home, "main")
    assert home.read_config("other")["gateway"].get("port") != main.port
    assert main.get("/readyz")[0] == 200


def test_pain_01_a_gateway_started_in_the_shell_of_another_is_its_own(gateway, home):
    main = gateway(profile="main")
    env = service_environment(home, "main", main.port)
    assert home.run("--profile", "other", "setup", env=env).returncode == 0
    before = settled(main.state)
    other = gateway(profile="other", arguments=[], env=env, start=False, write_config=False)
    other.port = int(home.json("--profile", "other", "which", "--json", env=env)["values"]["port"]["value"])
    assert other.port != main.port
    other.launch()
    wait_until(lambda: home.run("ls", "--format", "{profile} {state}").stdout.splitlines() == ["main running", "other running"],
               20, "both run")
    assert files(main.state) == before
    listed = {i["profile"]: i for i in json.loads(home.run("instances", "--json").stdout)["instances"]}
    assert listed["other"]["pid"] == other.process.pid and listed["main"]["pid"] == main.pid


def test_pain_01_a_custom_path_beside_the_signs_of_another_gateway_is_refused(gateway, home):
    main = gateway(profile="main")
    env = {"JARVIS_PROFILE": "main", "JARVIS_STATE_DIR": str(home.root / "elsewhere")}
    before = settled(main.state)
    places = sorted(path.name for path in home.root.iterdir())
    for command in (["config", "set", "logging.level", "debug"], ["setup"], ["status"]):
        result = home.run("--profile", "other", *command, env=env)
        assert result.returncode == 2
        for word in ("--profile other", "JARVIS_PROFILE=main", "JARVIS_STATE_DIR=", str(home.root / "elsewhere")):
            assert word in result.stderr
    assert not home.state("other").exists() and not (home.root / "elsewhere").exists()
    assert files(main.state) == before and sorted(path.name for path in home.root.iterdir()) == places
    assert main.is_running()


def test_pain_01_children_of_a_gateway_do_not_inherit_its_identity(home):
    """What a child would see: `jarvis` in a shell without the variables means the default instance."""
    assert home.run("--profile", "main", "setup").returncode == 0
    assert home.json("which", "--json")["values"]["profile"]["value"] == "default"


# ---- 7


def test_pain_07_commands_reach_the_named_gateway_on_its_own_port(gateway, home):
    """Several gateways, none on a usual port: each command talks to the one that is named."""
    made = {name: gateway(profile=name) for name in ("one", "two", "three")}
    for name, it in made.items():
        assert home.run("--profile", name, "agent", "-m", f"I am {name}").returncode == 0
        status = home.json("--profile", name, "status", "--json")
        assert (status["gateway"]["port"], status["gateway"]["pid"]) == (it.port, it.pid)
    for name in made:
        text = json.dumps(home.json("--profile", name, "sessions", "list", "--json"))
        assert all((f"I am {other}" in text) == (other == name) for other in made)


def test_pain_07_a_stopped_gateway_is_not_replaced_by_a_neighbour(gateway, home):
    """Named and stopped: an error, never the answer of the one that listens on the usual or on the old port."""
    neighbour = gateway(profile="one")
    home.write_config(base_config(neighbour.port), "two")
    for command in (["status"], ["health"], ["agent", "-m", "hello"], ["gateway", "call", "health"]):
        result = home.run("--profile", "two", *command)
        assert result.returncode == 1, (command, result.stdout)
        assert "not running" in result.stdout + result.stderr


def test_pain_07_a_changed_port_moves_the_gateway(gateway, home):
    it = gateway(profile="one", arguments=[])
    old, new = it.port, free_base_port()
    assert it.cli("config", "set", "gateway.port", str(new)).returncode == 0
    wait_until(lambda: home.run("ls", "--format", "{state} {port}").stdout == f"running {new}\n", 20, "it moved")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", old)) != 0, "the old port is free"
    it.port = new
    assert it.get("/readyz")[0] == 200
    assert it.cli_json("status", "--json")["gateway"]["port"] == new


# ---- 19


def test_pain_19_one_list_shows_every_gateway_as_it_is(gateway, home):
    """Running, stopped, killed, stuck, set up elsewhere by variables: each as it is, and no pid without proof."""
    running, killed, stuck = gateway(profile="running"), gateway(profile="killed"), gateway(profile="stuck")
    home.write_config(base_config(free_base_port()), "stopped")
    elsewhere = home.root / "elsewhere"
    place = {"JARVIS_STATE_DIR": str(elsewhere)}
    free = gateway(env=place, start=False, write_config=False)
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "jarvis.json").write_text(json.dumps(base_config(free.port)))
    free.start()
    killed.kill()
    os.kill(stuck.pid, signal.SIGSTOP)
    try:
        result = home.run("instances", "--json", "--timeout", "300")
    finally:
        os.kill(stuck.pid, signal.SIGCONT)
    found = {i["stateDirectory"]: (i["state"], i["pid"]) for i in json.loads(result.stdout)["instances"]}
    assert found == {
        str(running.state): ("running", running.pid), str(killed.state): ("stopped", None),
        str(stuck.state): ("not-answering", None), str(home.state("stopped")): ("stopped", None),
        str(elsewhere): ("running", free.pid)}
    assert result.returncode == 4 | 8


# ---- 28


def test_pain_28_a_port_of_another_gateway_is_named_not_called_a_token_mismatch(gateway, home):
    main, rescue = gateway(profile="main", token="main-token-0123456789abcdef0"), gateway(profile="rescue")
    config = home.read_config("main")
    config["gateway"]["auth"]["token"] = "main-token-0123456789abcdef0"
    main.stop()
    home.write_config(config, "main")
    main.start()
    result = home.run(
        "--profile", "rescue", "gateway", "call", "health", "--url", f"ws://127.0.0.1:{main.port}", "--token", TOKEN)
    assert result.returncode == 2
    assert "that is profile main" in result.stderr and identity(home, "main") in result.stderr
    assert "mismatch" not in result.stderr and "--profile main" in result.stderr
    # The right token of the wrong gateway is no better when the command names another one.
    result = home.run(
        "--profile", "rescue", "gateway", "call", "health", "--url", f"ws://127.0.0.1:{main.port}",
        "--token", "main-token-0123456789abcdef0")
    assert result.returncode == 2 and "that is profile main" in result.stderr
    # The own gateway with a wrong token: said as what it is.
    result = home.run(
        "--profile", "main", "gateway", "call", "health", "--url", f"ws://127.0.0.1:{main.port}", "--token", TOKEN)
    assert result.returncode == 1
    assert "“main”" in result.stderr and "credential" in result.stderr
    assert rescue.is_running() and TOKEN not in result.stderr


def test_pain_28_a_stranger_on_the_port_is_named(home):
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        result = home.run(
            "gateway", "call", "health", "--url", f"ws://127.0.0.1:{port}", "--token", TOKEN, "--timeout", "500")
        assert result.returncode == 1
        assert f"port {port} is held by" in result.stderr and str(os.getpid()) in result.stderr


def test_pain_28_the_local_command_line_needs_no_token(gateway, home):
    """The kernel says who asks; a rotated or wrong token in the environment changes nothing."""
    it = gateway(profile="one")
    env = {"JARVIS_GATEWAY_TOKEN": "stale-token-0123456789abcdef"}
    assert it.cli("health", env=env).returncode == 0
    assert it.cli("config", "set", "gateway.auth.token", "another-token-0123456789abcdef").returncode == 0
    assert it.cli("health", env=env).returncode == 0


# ---- 32


def test_pain_32_another_program_finds_every_gateway_without_guessing(gateway, home):
    """An add-on that follows the discovery contract reaches each gateway and keeps its data with it."""
    made = {name: gateway(profile=name) for name in ("one", "two")}
    document = json.loads(home.run("instances", "--json").stdout)
    assert document["version"] == 1
    for instance in document["instances"]:
        it = made[instance["profile"]]
        with Rpc(instance["url"], token=it.token) as client:
            assert client.call("gateway.identity.get")["instanceId"] == instance["instanceId"]
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(instance["controlSocket"])
        assert instance["stateDirectory"] == str(it.state)
        status = subprocess.run(
            ["sh", "-c", f"{instance['command'].replace('jarvis', str(jarvis_binary()), 1)} status --json"],
            env=home.environment(), capture_output=True, text=True, timeout=30)
        assert json.loads(status.stdout)["gateway"]["pid"] == it.pid


# ---- 43

WEAK = {
    "none": {"mode": "none"}, "short token": {"mode": "token", "token": "short"},
    "short password": {"mode": "password", "password": "short"}, "no password": {"mode": "password"},
}
WIDE = {"lan": {"bind": "lan"}, "any address": {"bind": "custom", "customBindHost": "0.0.0.0"}}


def outside_address():
    """An address of this host that is not loopback; nil when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


def listens_wide(port):
    """Whether something listens on `port` of more than loopback."""
    if (address := outside_address()) is not None:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((address, port)) == 0
    tables = "".join(open(f"/proc/net/{name}").read() for name in ("tcp", "tcp6"))
    return f"00000000:{port:04X} " in tables


@pytest.mark.parametrize("auth", WEAK)
@pytest.mark.parametrize("bind", WIDE)
@pytest.mark.parametrize("source", ["configuration", "flags"])
def test_pain_43_no_start_beyond_loopback_without_a_strong_credential(home, bind, auth, source):
    port = free_base_port()
    config = base_config(port)
    config["gateway"]["auth"] = WEAK[auth]
    arguments = []
    if source == "configuration" or bind == "any address":
        config["gateway"] |= WIDE[bind]
    if source == "flags":
        config["gateway"]["auth"] = {"mode": "token", "token": TOKEN}
        arguments = ["--bind", WIDE[bind]["bind"], "--auth", WEAK[auth]["mode"]]
        for secret in ("token", "password"):
            if secret in WEAK[auth]:
                arguments += [f"--{secret}", WEAK[auth][secret]]
    home.write_config(config, "wide")
    result = home.run("--profile", "wide", "gateway", *arguments, timeout=20)
    assert result.returncode == 1, result.stderr
    assert not listens_wide(port)


@pytest.mark.parametrize("auth", ["none", "short token", "short password"])
@pytest.mark.parametrize("bind", WIDE)
@pytest.mark.parametrize("source", ["config set", "rpc"])
def test_pain_43_a_running_gateway_is_not_opened_by_a_write(gateway, home, bind, auth, source):
    """Refused when it is written, not noted when it is too late."""
    it = gateway(profile="one", arguments=[], start=False)
    config = base_config(it.port)
    config["gateway"]["auth"] = WEAK[auth]
    home.write_config(config, "one")
    it.start()
    before = home.config_path("one").read_bytes()
    if source == "config set":
        if bind == "any address":
            assert it.cli("config", "set", "gateway.customBindHost", "0.0.0.0").returncode == 0
            before = home.config_path("one").read_bytes()
        result = it.cli("config", "set", "gateway.bind", WIDE[bind]["bind"])
        assert result.returncode == 1 and "other hosts" in result.stderr, result.stdout
    else:
        secret = {"token": WEAK[auth].get("token"), "password": WEAK[auth].get("password")}
        with Rpc(it.ws_url, **secret) as client:
            got = client.call("config.get")
            with pytest.raises(Exception, match="other hosts"):
                client.call("config.patch", {"raw": json.dumps({"gateway": WIDE[bind]}), "baseHash": got["hash"]})
    assert home.config_path("one").read_bytes() == before
    assert it.get("/readyz")[0] == 200 and not listens_wide(it.port)


@pytest.mark.parametrize("auth", ["none", "short token"])
def test_pain_43_an_edit_does_not_open_a_running_gateway(gateway, home, auth):
    """An editor asks nobody: the gateway stays as it is and says so."""
    it = gateway(profile="one", arguments=[])
    config = home.read_config("one")
    config["gateway"] |= {"bind": "lan", "auth": WEAK[auth]}
    draft = home.write_config(config, "draft")
    draft.replace(home.config_path("one"))
    home.state("draft").rmdir()
    wait_until(lambda: "no restart" in it.log(), 10, "the gateway refuses to restart")
    assert it.get("/readyz")[0] == 200 and not listens_wide(it.port)
    listed = json.loads(home.run("instances", "--json").stdout)["instances"][0]
    assert listed["exposure"]["isExposed"] is False and listed["exposure"]["isLive"] is True


def test_pain_43_a_strong_credential_is_weakened_only_together_with_the_bind(gateway, home):
    it = gateway(profile="one", arguments=[], config={"gateway": {"bind": "lan"}})
    assert json.loads(home.run("instances", "--json").stdout)["instances"][0]["exposure"]["isExposed"] is True
    result = it.cli("config", "set", "gateway.auth.token", "short")
    assert result.returncode == 1 and "other hosts" in result.stderr
    result = it.cli("config", "set", "gateway.auth.mode", "none")
    assert result.returncode == 1
    assert it.cli("config", "set", "logging.level", "debug").returncode == 0, "what is unrelated is written"
    assert it.cli("config", "set", "gateway.bind", "loopback").returncode == 0


def test_pain_43_the_list_shows_who_can_reach_a_gateway(gateway, home):
    gateway(profile="narrow", arguments=[])
    gateway(profile="wide", arguments=[], config={"gateway": {"bind": "lan"}})
    lines = home.run("ls", "--format", "{profile} {exposure}").stdout.splitlines()
    assert lines == ["narrow loopback", "wide lan+token"]


# ---- 51


@pytest.mark.parametrize("running", [True, False])
def test_pain_51_a_change_says_where_it_went_whether_it_is_live_and_how_to_undo_it(gateway, home, running):
    it = gateway(profile="one", arguments=[], start=running)
    assert it.cli("config", "set", "logging.level", "warn").returncode == 0  # from here on the section is there
    made = it.cli_json("config", "set", "logging.level", "debug", "--json")
    assert made["instance"] == "one" and made["path"] == str(home.config_path("one"))
    assert made["stateDir"] == str(home.state("one")) and made["changed"] == ["logging.level"]
    assert made["live"] == ("not-running" if not running else made["live"]) and made["live"] != "unconfirmed"
    assert "restartRequired" in made and made["undo"].startswith("jarvis --profile one config undo ")
    text = it.cli("config", "set", "logging.level", "info").stdout
    for word in ("one", str(home.config_path("one")), "live", "undo"):
        assert word in text


def test_pain_51_what_waits_for_a_restart_is_shown_until_it_happened(gateway, home):
    it = gateway(profile="one", arguments=[], config={"gateway": {"reload": {"mode": "hot"}}})
    made = it.cli_json("config", "set", "gateway.port", str(free_base_port()), "--json")
    assert (made["live"], made["restartRequired"]) == ("restart-needed", True)

    def drift():
        return {d["code"] for d in json.loads(home.run("instances", "--json").stdout)["instances"][0]["drift"]}

    assert drift() == {"config", "port"}
    it.stop()
    it.launch()
    wait_until(lambda: home.run("ls", "--format", "{state}").stdout == "running\n", 20, "it is back")
    assert drift() == set()


# ---- 52


@pytest.mark.parametrize("spelling", ["Rescue", "RESCUE", "rescue"])
def test_pain_52_one_name_however_it_is_spelled(home, spelling):
    assert home.run("--profile", spelling, "setup").returncode == 0
    assert home.run("ls", "--format", "{profile} {stateDirectory}").stdout == f"rescue {home.state('rescue')}\n"


@pytest.mark.parametrize("name", ["gateway", "node", "a b", "../x", "-x", "x" * 65, "ü", ".", "a/b"])
def test_pain_52_a_name_that_would_surprise_is_refused_with_one_that_works(home, name):
    result = home.run(f"--profile={name}", "instances")
    assert result.returncode == 2 and "“" in result.stderr
    assert home.run("instances", env={"JARVIS_PROFILE": name}).returncode in (0, 2), "the list is there in any case"


def test_pain_52_main_means_the_default_instance_when_that_is_all_there_is(home):
    assert home.run("setup").returncode == 0
    before = tree(home.root)
    for command in (["status"], ["config", "set", "logging.level", "debug"], ["agent", "-m", "hello"]):
        result = home.run("--profile", "main", *command)
        assert result.returncode == 2 and "default profile" in result.stderr
    assert tree(home.root) == before
