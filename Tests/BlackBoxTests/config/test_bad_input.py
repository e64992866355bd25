"""Config files that people really write: each is answered with the place, what is wrong, and what to do."""

import json

import pytest
from support.gateway import base_config
from support.ports import free_base_port

DEEP = "[" * 100_000
UNPARSABLE = {
    "syntax": '{\n  "gateway": {\n    "mode" "local"\n  }\n}\n',
    "cut": '{ "gateway": { "mode": "local"',
    "empty": "",
    "not-an-object": "[1, 2, 3]",
    "deep": '{"gateway": ' + DEEP,
    "duplicate-key": '{"gateway": {"mode": "local"}, "gateway": {}}',
    "binary": "\x00\x01\x02",
    "html": "<html></html>",
}


@pytest.mark.parametrize("name", UNPARSABLE)
def test_unparsable_file(home, name):
    """validate exits 1, names the file and the place; a start is refused with 78 and nothing is changed."""
    path = home.write_config(UNPARSABLE[name])
    result = home.run("config", "validate")
    assert result.returncode == 1, result.stdout + result.stderr
    said = result.stdout + result.stderr
    assert "jarvis.json" in said
    assert "line" in said.lower() or name in ("empty", "not-an-object")
    port = free_base_port()
    start = home.run("gateway", "--port", str(port), timeout=20)
    assert start.returncode in (1, 78), start.stdout + start.stderr
    assert "jarvis.json" in start.stdout + start.stderr
    assert path.read_text() == UNPARSABLE[name]


def test_place_of_a_syntax_error(home):
    home.write_config(UNPARSABLE["syntax"])
    result = home.json_or_error("config", "validate", "--json")
    assert result["valid"] is False
    issue = result["issues"][0]
    assert issue["line"] == 3
    assert issue["column"] >= 5


def validate(home, config):
    home.write_config(config)
    return home.json_or_error("config", "validate", "--json")


def good():
    return base_config(free_base_port())


def test_good_file(home):
    report = validate(home, good())
    assert report["valid"] is True
    assert report["issues"] == []


def test_unknown_key_is_a_warning_with_a_suggestion(home):
    config = good()
    config["gateway"]["prot"] = 1
    config["gatway"] = {}
    report = validate(home, config)
    assert report["valid"] is True
    text = json.dumps(report)
    assert "gateway.prot" in text and "port" in text
    assert "gatway" in text and "gateway" in text
    assert home.run("config", "validate").returncode == 0


@pytest.mark.parametrize(
    ("path", "value"),
    [("gateway.port", "high"), ("gateway.port", 0), ("gateway.port", 65_536), ("gateway.port", 1.5), ("gateway.bind", "everywhere"),
     ("gateway.auth.mode", "magic"), ("gateway.auth.token", 5), ("agents.defaults.timeoutSeconds", "soon"),
     ("models.providers", []), ("logging.level", "shout"), ("agents.list", {})])
def test_wrong_value_names_path_and_form(home, path, value):
    config = good()
    node = config
    *folders, last = path.split(".")
    for folder in folders:
        node = node.setdefault(folder, {})
    node[last] = value
    report = validate(home, config)
    assert report["valid"] is False
    issue = next(issue for issue in report["issues"] if issue["path"].startswith(path))
    assert issue["message"]
    assert issue["line"] > 0
    assert home.run("config", "validate").returncode == 1


def test_one_bad_section_does_not_stop_the_rest(gateway):
    """A broken provider disables that provider; the gateway starts and says so."""
    it = gateway(config={"models": {"providers": {"broken": {"baseUrl": 5, "models": "all"}}}})
    client = it.client()
    assert client.chat("the other model works")["state"] == "final"
    assert "broken" in str(client.call("config.get")["issues"])


def test_includes(home):
    config = good()
    config["models"] = {"$include": "./models.json5"}
    (home.state()).mkdir(mode=0o700)
    (home.state() / "models.json5").write_text("{ providers: { x: { baseUrl: 'http://127.0.0.1:9/v1', models: [] } } }")
    assert validate(home, config)["valid"] is True
    assert home.run("config", "get", "models.providers.x.baseUrl").stdout.strip().strip('"') == "http://127.0.0.1:9/v1"


def test_missing_include(home):
    config = good()
    config["models"] = {"$include": "./nowhere.json5"}
    report = validate(home, config)
    assert "nowhere.json5" in json.dumps(report)
    assert report["valid"] is False


def test_include_cycle(home):
    home.write_config({"$include": "./a.json5"})
    (home.state() / "a.json5").write_text('{ "$include": "./b.json5" }')
    (home.state() / "b.json5").write_text('{ "$include": "./a.json5" }')
    report = home.json_or_error("config", "validate", "--json")
    assert report["valid"] is False
    assert "a.json5" in json.dumps(report)
    assert any(word in json.dumps(report).lower() for word in ("cycle", "itself", "circular"))


@pytest.mark.parametrize("target", ["../outside.json", "/etc/passwd", "link.json"])
def test_include_outside_the_config_folder(home, target):
    (home.root / "outside.json").write_text('{"canary-outside": 1}')
    home.write_config({"$include": target})
    (home.state() / "link.json").symlink_to(home.root / "outside.json")
    report = home.json_or_error("config", "validate", "--json")
    assert report["valid"] is False
    assert "canary-outside" not in json.dumps(report)
    assert "root:" not in json.dumps(report)


def test_unset_variable_is_named(home):
    config = good()
    config["models"] = {"providers": {"x": {"baseUrl": "http://127.0.0.1:9/v1", "apiKey": "${NOT_SET_ANYWHERE}", "models": []}}}
    report = validate(home, config)
    text = json.dumps(report)
    assert "NOT_SET_ANYWHERE" in text
    assert "models.providers.x.apiKey" in text


def test_escaped_variable_is_text(home):
    config = good()
    config["agents"] = {"list": [{"id": "main", "name": "$${LITERAL}"}]}
    assert validate(home, config)["issues"] == []
    assert "${LITERAL}" in home.run("config", "get", "agents.list[0].name").stdout


def test_secrets_are_not_in_messages(home):
    config = good()
    config["gateway"]["auth"] = {"mode": "token", "token": ["canary-secret-value"]}
    config["gateway"]["password"] = "canary-secret-value"
    report = validate(home, config)
    assert "canary-secret-value" not in json.dumps(report)


@pytest.mark.parametrize("mode", ["remote", "other", None])
def test_start_gate_on_mode(home, mode):
    """Without gateway.mode=local a start is refused, says so, and names the way out."""
    port = free_base_port()
    config = base_config(port)
    if mode is None:
        del config["gateway"]["mode"]
    else:
        config["gateway"]["mode"] = mode
    home.write_config(config)
    result = home.run("gateway", "--port", str(port), timeout=20)
    assert result.returncode in (1, 78)
    assert "gateway.mode" in result.stderr


def test_start_gate_without_a_config(home):
    result = home.run("gateway", "--port", str(free_base_port()), timeout=20)
    assert result.returncode in (1, 78)
    assert "setup" in result.stderr
    assert not home.state().exists(), "a refused start leaves nothing behind"


@pytest.mark.parametrize(
    ("flags", "env"),
    [(["--bind", "lan", "--auth", "none"], {}), (["--bind", "lan", "--auth", "password"], {}), (["--auth", "password"], {}),
     (["--bind", "nowhere"], {}), (["--auth", "magic"], {}), (["--port", "0x10"], {}), (["--port", "70000"], {}),
     (["--port", "-1"], {}), ([], {"JARVIS_GATEWAY_PORT": "many"})])
def test_start_gate_on_flags(home, flags, env):
    config = base_config(free_base_port())
    config["gateway"]["auth"] = {}
    home.write_config(config)
    port = [] if "--port" in flags or env else ["--port", str(free_base_port())]
    result = home.run("gateway", *port, *flags, env=env, timeout=20)
    assert result.returncode in (1, 2, 64, 78), result.stdout + result.stderr
    assert result.stderr.strip()
    assert "Fatal error" not in result.stderr


def test_weak_credential_on_a_wide_bind(home):
    config = base_config(free_base_port())
    config["gateway"]["auth"] = {"mode": "token", "token": "short"}
    home.write_config(config)
    result = home.run("gateway", "--port", str(free_base_port()), "--bind", "lan", timeout=20)
    assert result.returncode != 0
    assert "token" in result.stderr
