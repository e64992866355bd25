"""`jarvis which`: which gateway a command would act on, and why (idea 4)."""

import json

import pytest
from support.gateway import base_config
from support.home import tree
from support.ports import free_base_port


def service_environment(home, profile, **extra):
    """What a service of `profile` has in its environment, and so has every shell below it."""
    identity = json.loads((home.state(profile) / "instance.json").read_text())["instanceId"]
    return {
        "JARVIS_PROFILE": profile, "JARVIS_STATE_DIR": str(home.state(profile)),
        "JARVIS_CONFIG_PATH": str(home.config_path(profile)), "JARVIS_INSTANCE_ID": identity,
        "JARVIS_GATEWAY_PORT": "20000", "JARVIS_SERVICE_MARKER": "jarvis", "JARVIS_SERVICE_KIND": "gateway",
        "JARVIS_SYSTEMD_UNIT": f"jarvis-gateway-{profile}.service", **extra}


def test_values_and_sources(home):
    port = free_base_port()
    home.write_config(base_config(port), "one")
    before = tree(home.root)
    which = home.json("--profile", "one", "which", "--json")
    assert tree(home.root) == before
    values = which["values"]
    assert (values["profile"]["value"], values["profile"]["kind"]) == ("one", "flag")
    assert values["stateDirectory"]["value"] == str(home.state("one"))
    assert (values["port"]["value"], values["port"]["source"]) == (str(port), "config gateway.port")
    assert values["workspace"] == {
        "value": str(home.state("one") / "workspace-one"), "source": "from stateDirectory", "kind": "derived", "overruled": []}
    assert which["ports"] == {
        "gateway": port, "browserControl": port + 2, "browserProfiles": {"first": port + 11, "last": port + 110}}
    assert which["version"] == home.run("--version").stdout.strip() and which["runningVersion"] is None
    assert which["services"] == [] and which["otherwise"] is None and which["instanceId"] is None


def test_a_workspace_from_the_configuration(home):
    home.write_config(base_config(free_base_port()) | {"agents": {"defaults": {"workspace": "~/papers"}}}, "one")
    workspace = home.json("--profile", "one", "which", "--json")["values"]["workspace"]
    assert workspace["value"] == str(home.root / "papers") and workspace["kind"] == "config"
    assert workspace["overruled"][0]["value"] == str(home.state("one") / "workspace-one")


def test_of_a_running_gateway(gateway):
    it = gateway(profile="one")
    which = it.cli_json("which", "--json")
    assert which["running"] is True and which["runningVersion"] == which["version"]
    assert which["instanceId"] == json.loads((it.state / "instance.json").read_text())["instanceId"]
    assert which["values"]["instanceId"]["value"] == which["instanceId"]


def test_what_it_would_have_been(home):
    for profile in ("one", "two"):
        assert home.run("--profile", profile, "setup").returncode == 0
    env = service_environment(home, "one")
    which = home.json("--profile", "two", "which", "--json", env=env)
    values = which["values"]
    assert values["stateDirectory"]["overruled"][0] == {
        "value": str(home.state("one")), "source": "environment JARVIS_STATE_DIR", "reason": "inherited from profile one"}
    assert {lost["value"] for lost in values["port"]["overruled"]} >= {"20000"}
    assert values["instanceId"]["overruled"][0]["value"] == env["JARVIS_INSTANCE_ID"]
    assert which["otherwise"] == {
        "without": "--profile two", "profile": "one", "stateDirectory": str(home.state("one")),
        "configPath": str(home.config_path("one"))}
    text = home.run("--profile", "two", "which", env=env).stdout
    assert f"not {home.state('one')}" in text and "Without --profile two it would be one" in text
    assert home.json("--profile", "one", "which", "--json", env=env)["otherwise"] is None


def test_without_the_flag_it_would_be_refused(home):
    for profile in ("one", "two"):
        assert home.run("--profile", profile, "setup").returncode == 0
    env = {"JARVIS_PROFILE": "one", "JARVIS_STATE_DIR": str(home.state("two"))}
    which = home.json("--profile", "two", "which", "--json", env=env)
    assert which["otherwise"]["error"]["code"] == "instance.contradiction"


def test_a_service_of_this_instance_is_named(home):
    assert home.run("--profile", "one", "setup").returncode == 0
    units = home.root / ".config/systemd/user"
    units.mkdir(parents=True)
    env = service_environment(home, "one")
    lines = "\n".join(f'Environment="{name}={value}"' for name, value in env.items())
    (units / "jarvis-gateway-one.service").write_text(f"[Service]\nExecStart=/bin/true gateway\n{lines}\n")
    services = home.json("--profile", "one", "which", "--json")["services"]
    assert [service["name"] for service in services] == ["jarvis-gateway-one.service"]
    assert "jarvis-gateway-one.service" in home.run("--profile", "one", "which").stdout
    assert home.json("which", "--json")["services"] == []
    listed = json.loads(home.run("instances", "--json").stdout)
    assert listed["alarm"] & 4, "it has a service and does not run"
    assert listed["instances"][0]["services"][0]["name"] == "jarvis-gateway-one.service"


@pytest.mark.parametrize("mixed", [
    {"JARVIS_CONFIG_PATH": "two"}, {"JARVIS_STATE_DIR": "one", "JARVIS_CONFIG_PATH": "two"},
])
def test_the_configuration_of_one_with_the_state_of_another_is_refused(home, mixed):
    for profile in ("one", "two"):
        home.write_config(base_config(free_base_port()), profile)
    places = {"JARVIS_CONFIG_PATH": home.config_path, "JARVIS_STATE_DIR": home.state}
    env = {name: str(places[name](profile)) for name, profile in mixed.items()}
    before = tree(home.root)
    for command in (["which"], ["config", "set", "logging.level", "debug"], ["setup"], ["status"], ["gateway"]):
        result = home.run(*command, env=env)
        assert result.returncode == 2, (command, result.stdout)
        assert "profile two" in result.stderr and "--profile two" in result.stderr
    assert tree(home.root) == before
