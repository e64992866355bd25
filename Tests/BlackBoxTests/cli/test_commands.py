"""The command line without a gateway: help, version, setup, config, which, completion, exit codes."""

import json
import re
import shutil
import stat
import subprocess

import pytest
from support.home import tree

COMMANDS = ["setup", "onboard", "config", "gateway", "status", "health", "agent", "chat", "dashboard", "logs", "sessions", "which", "completion", "browser"]


@pytest.mark.parametrize("flag", ["-V", "--version", "-v"])
def test_version_is_bare(home, flag):
    result = home.run(flag)
    assert result.returncode == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[\w.]+)?\n", result.stdout), result.stdout
    assert result.stderr == ""


def test_help_lists_every_command(home):
    result = home.run("--help")
    assert result.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^\s+{command}\b", result.stdout, re.M), command
    assert "debug" not in result.stdout


@pytest.mark.parametrize("command", COMMANDS + ["config get", "config set", "config unset", "config validate", "config file", "config schema",
                                                "gateway run", "gateway call", "sessions list", "sessions export", "sessions import"])
def test_every_command_has_help_with_an_example(home, command):
    result = home.run(*command.split(), "--help")
    assert result.returncode == 0
    assert "jarvis " + command.split()[0] in result.stdout
    assert "xample" in result.stdout, "shows an example"


@pytest.mark.parametrize("arguments", [["unheard"], ["config", "unheard"], ["--unheard"], ["status", "--unheard"], ["config", "get"]])
def test_unknown_words_fail_with_a_hint(home, arguments):
    result = home.run(*arguments)
    assert result.returncode in (1, 2, 64)
    assert result.stdout == ""
    assert result.stderr.strip()
    assert "Fatal error" not in result.stderr


def test_misspelt_command_gets_a_suggestion(home):
    assert "status" in home.run("staus").stderr


def test_setup(home):
    result = home.run("setup")
    assert result.returncode == 0, result.stderr
    config = home.read_config()
    assert config["gateway"]["mode"] == "local"
    assert config["agents"]["defaults"]["workspace"]
    assert (home.state() / "workspace/AGENTS.md").exists()
    for path in [home.state(), *home.state().rglob("*")]:
        assert stat.S_IMODE(path.lstat().st_mode) & 0o077 == 0, path
    before = {name: entry[3] for name, entry in tree(home.state()).items()}
    again = home.run("setup")
    assert again.returncode == 0
    after = {name: entry[3] for name, entry in tree(home.state()).items()}
    assert {n: d for n, d in after.items() if n in before and "journal" not in n and "audit" not in n} == {
        n: d for n, d in before.items() if "journal" not in n and "audit" not in n}, "a second setup changes nothing"


def test_setup_keeps_an_existing_config(home):
    home.write_config('// mine\n{ ui: { seamColor: "#112233" } }\n')
    assert home.run("setup").returncode == 0
    text = home.config_path().read_text()
    assert text.startswith("// mine\n")
    assert "#112233" in text
    assert home.run("config", "get", "gateway.mode").stdout.strip().strip('"') == "local"


def test_setup_of_a_profile_uses_its_own_workspace(home):
    assert home.run("--profile", "rescue", "setup").returncode == 0
    workspace = home.read_config("rescue")["agents"]["defaults"]["workspace"]
    assert workspace.endswith("workspace-rescue")
    assert not home.state().exists(), "the default instance is not touched"


def test_setup_workspace_flag(home):
    place = home.root / "my agents"
    assert home.run("setup", "--workspace", str(place)).returncode == 0
    assert home.read_config()["agents"]["defaults"]["workspace"] == str(place)
    assert (place / "AGENTS.md").exists()


def test_onboard_needs_consent(home):
    result = home.run("onboard", "--non-interactive")
    assert result.returncode != 0
    assert "--accept-risk" in result.stderr
    assert not home.state().exists()


def test_onboard_without_a_terminal_says_so(home):
    result = home.run("onboard")
    assert result.returncode != 0
    assert "--non-interactive" in result.stderr


def test_onboard_non_interactive(home):
    summary = home.json(
        "onboard", "--non-interactive", "--accept-risk", "--auth-choice", "skip", "--gateway-port", "24100", "--gateway-auth", "token", "--json")
    assert summary["mode"] == "local"
    assert summary["gateway"]["port"] == 24100
    assert summary["gateway"]["authMode"] == "token"
    config = home.read_config()
    assert config["gateway"]["mode"] == "local"
    assert config["gateway"]["port"] == 24100
    assert len(config["gateway"]["auth"]["token"]) >= 32
    assert config["gateway"]["auth"]["token"] not in json.dumps(summary)
    assert config["session"]["dmScope"] == "per-channel-peer"


def test_onboard_connects_a_custom_model(home, scripted_model):
    home.json(
        "onboard", "--non-interactive", "--accept-risk", "--auth-choice", "custom-api-key", "--custom-base-url", scripted_model.base_url,
        "--custom-model-id", "echo", "--custom-api-key", "sk-scripted", "--json")
    config = home.read_config()
    primary = config["agents"]["defaults"]["model"]
    primary = primary["primary"] if isinstance(primary, dict) else primary
    provider, model = primary.split("/", 1)
    assert model == "echo"
    assert config["models"]["providers"][provider]["baseUrl"] == scripted_model.base_url


# ---- config

def test_config_round_trip(home):
    home.run("setup")
    result = home.run("config", "set", "gateway.port", "24200")
    assert result.returncode == 0, result.stderr
    assert home.run("config", "get", "gateway.port").stdout.strip() == "24200"
    assert home.json("config", "get", "gateway.port", "--json") == 24200
    assert home.read_config()["gateway"]["port"] == 24200
    assert home.run("config", "unset", "gateway.port").returncode == 0
    assert "port" not in home.read_config()["gateway"]


def test_config_writes_say_what_they_did(home):
    home.run("setup")
    result = home.run("config", "set", "ui.seamColor", "#112233")
    said = result.stdout + result.stderr
    assert "Updated ui.seamColor" in said
    assert str(home.config_path()) in said
    assert "undo" in said.lower()
    removed = home.run("config", "unset", "ui.seamColor")
    assert "Removed ui.seamColor" in removed.stdout + removed.stderr


def test_config_get_unheard_path(home):
    home.run("setup")
    result = home.run("config", "get", "no.such.path")
    assert result.returncode == 1
    assert "Config path not found: no.such.path" in result.stderr


def test_config_get_redacts_secrets(home):
    home.run("setup")
    home.run("config", "set", "gateway.auth.token", "canary-0123456789abcdef0123456789")
    assert "canary" not in home.run("config", "get", "gateway").stdout
    assert "canary" not in home.run("config", "get", "gateway.auth.token").stdout


@pytest.mark.parametrize(
    ("value", "stored"), [("true", True), ("5", 5), ('"5"', "5"), ("plain text", "plain text"), ("[1, 2]", [1, 2]), ("{a: 'x'}", {"a": "x"}), ("null", None)])
def test_config_set_reads_json5_or_text(home, value, stored):
    home.run("setup")
    assert home.run("config", "set", "env.vars.X" if isinstance(stored, str) else "channels.x.y", value).returncode == 0
    config = home.read_config()
    assert (config["env"]["vars"]["X"] if isinstance(stored, str) else config["channels"]["x"]["y"]) == stored


def test_config_set_strict_json(home):
    home.run("setup")
    assert home.run("config", "set", "channels.x.y", "plain text", "--strict-json").returncode != 0


@pytest.mark.parametrize(("path", "value"), [("gateway.port", "high"), ("gateway.bind", "everywhere"), ("gateway..port", "1"), ("", "1"), ("gateway[", "1")])
def test_config_set_refuses(home, path, value):
    home.run("setup")
    before = home.config_path().read_bytes()
    result = home.run("config", "set", path, value)
    assert result.returncode in (1, 2)
    assert result.stderr.strip()
    assert home.config_path().read_bytes() == before


def test_config_set_keeps_comments_and_order(home):
    text = '// head\n{\n  // the door\n  gateway: { mode: "local", port: 1234, /* keep me */ },\n  ui: { seamColor: "#000000" }, // tail\n}\n'
    home.write_config(text)
    assert home.run("config", "set", "gateway.port", "24300").returncode == 0
    written = home.config_path().read_text()
    assert set(home.read_config()["meta"]) == {"lastTouchedVersion", "lastTouchedAt"}
    without_meta = re.sub(r"  meta: \{[^}]*\},\n", "", written)
    assert without_meta == text.replace("1234", "24300")


def test_config_set_on_a_broken_file(home):
    home.write_config("{ broken")
    result = home.run("config", "set", "gateway.port", "24300")
    assert result.returncode == 1
    assert "jarvis.json" in result.stderr
    assert home.config_path().read_text() == "{ broken"


def test_config_file_and_schema(home):
    assert home.run("config", "file").stdout.strip() == str(home.config_path())
    schema = home.json("config", "schema")
    assert "gateway" in json.dumps(schema)


def test_bracket_paths(home):
    home.write_config({"gateway": {"mode": "local"}, "agents": {"list": [{"id": "main"}, {"id": "second"}]}})
    assert home.run("config", "get", "agents.list[1].id").stdout.strip().strip('"') == "second"
    assert home.run("config", "set", "agents.list[1].name", "Two").returncode == 0
    assert home.read_config()["agents"]["list"][1] == {"id": "second", "name": "Two"}


# ---- which, completion

def test_which_explains_where_things_come_from(home):
    said = home.json("which", "--json")
    text = json.dumps(said)
    assert str(home.state()) in text
    assert str(home.config_path()) in text
    assert "18789" in text
    said = home.json("--profile", "rescue", "which", "--json", env={"JARVIS_GATEWAY_PORT": "24400"})
    assert "24400" in json.dumps(said)
    assert "JARVIS_GATEWAY_PORT" in home.run("--profile", "rescue", "which", env={"JARVIS_GATEWAY_PORT": "24400"}).stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(home, shell):
    result = home.run("completion", shell)
    assert result.returncode == 0
    assert "jarvis" in result.stdout and "gateway" in result.stdout
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=result.stdout, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr


def test_completion_completes(home):
    script = home.run("completion", "bash").stdout
    probe = script + '\nCOMP_WORDS=(jarvis sta)\nCOMP_CWORD=1\nCOMP_LINE="jarvis sta"\nCOMP_POINT=10\n' + (
        'complete -p jarvis | sed -nE "s/.*-F ([^ ]+).*/\\1/p" | { read f; "$f" jarvis sta jarvis; echo "${COMPREPLY[@]}"; }\n')
    result = subprocess.run(["bash", "--norc", "-c", probe], capture_output=True, text=True, env=home.environment())
    assert "status" in result.stdout, result.stderr


def test_no_colour_codes_without_a_terminal(home):
    home.run("setup")
    for command in (["status"], ["which"], ["--help"], ["config", "validate"]):
        result = home.run(*command, env={"NO_COLOR": ""})
        assert "\x1b[" not in result.stdout + result.stderr, command


@pytest.mark.parametrize("command", [["status", "--json"], ["health", "--json"], ["sessions", "list", "--json"]])
def test_json_without_a_gateway_is_still_json(home, command):
    home.run("setup")
    result = home.run(*command)
    assert result.returncode in (0, 1)
    json.loads(result.stdout)
    if result.returncode:
        assert "gateway" in (result.stdout + result.stderr).lower()


def test_commands_that_need_a_gateway_say_how_to_start_it(home):
    home.run("--profile", "rescue", "setup")
    result = home.run("--profile", "rescue", "agent", "-m", "hello")
    assert result.returncode == 1
    assert "jarvis --profile rescue gateway" in result.stderr


def test_hostless_environment(home):
    """No HOME at all: a clear word, no crash, no file in a wild place."""
    environment = home.environment()
    del environment["HOME"]
    from support.paths import jarvis_binary

    result = subprocess.run([str(jarvis_binary()), "which"], env=environment, cwd=home.root / "tmp", capture_output=True, text=True, timeout=20)
    assert "Fatal error" not in result.stderr
    assert result.returncode in (0, 1, 2)
