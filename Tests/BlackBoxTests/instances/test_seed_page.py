"""Several gateways on one host, with the commands as docs/multiple-gateways.md prints them."""

import json

import pytest
from support.gateway import Gateway
from support.home import tree
from support.ports import is_free
from support.rpc import text_of


@pytest.fixture
def ports(jarvis_binary):
    for port in (18789, 19001):
        if not is_free(port):
            pytest.skip(f"port {port} is in use on this machine")


@pytest.fixture
def started(home):
    """Starts a gateway with a command line of the page; killed with the test."""
    made = []

    def start(port, profile=None, arguments=None, env=None):
        gateway = Gateway(home, profile, port=port, token=None, arguments=arguments or ["--port", str(port)], env=env)
        made.append(gateway)
        return gateway.start()

    yield start
    for gateway in made:
        gateway.kill()


def token_of(home, profile):
    return home.read_config(profile)["gateway"]["auth"]["token"]


def test_profiles_main_and_rescue(home, ports, started):
    for profile in ("main", "rescue"):
        result = home.run("--profile", profile, "setup")
        assert result.returncode == 0, result.stderr
        assert home.read_config(profile)["gateway"]["mode"] == "local"
    main = started(18789, "main")
    rescue = started(19001, "rescue")

    states = {}
    for gateway in (main, rescue):
        identity = json.loads((gateway.state / "instance.json").read_text())["instanceId"]
        states[gateway.profile] = identity
        reply = gateway.cli("agent", "-m", f"hello from {gateway.profile}")
        assert reply.returncode == 0, reply.stderr
        assert reply.stdout.strip()
        status = gateway.cli_json("status", "--json")
        assert str(gateway.port) in json.dumps(status)
    assert states["main"] != states["rescue"]

    tokens = {p: token_of(home, p) for p in ("main", "rescue")}
    assert tokens["main"] != tokens["rescue"]
    with main.client(token=tokens["main"]) as client:
        text = json.dumps(client.history())
        assert "hello from main" in text and "hello from rescue" not in text
        assert "rescue" not in client.hello["snapshot"].get("stateDir", "")
    with rescue.client(token=tokens["rescue"]) as client:
        text = json.dumps(client.history())
        assert "hello from rescue" in text and "hello from main" not in text

    assert home.read_config("main")["agents"]["defaults"]["workspace"] != home.read_config("rescue")["agents"]["defaults"]["workspace"]
    rescue_before = tree(rescue.state)
    assert main.cli("agent", "-m", "only for main").returncode == 0
    main.stop()
    rescue_after = tree(rescue.state)
    changed = {path for path in rescue_before if rescue_before[path] != rescue_after.get(path)}
    assert not [path for path in changed if "log" not in path], "main's work leaves rescue's files alone"
    assert rescue.cli("agent", "-m", "still there?").returncode == 0


def test_manual_environment_example(home, ports, started):
    (home.root / ".jarvis").mkdir(mode=0o700)
    for name, port in (("main", 18789), ("rescue", 19001)):
        path = home.root / f".jarvis/{name}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"gateway": {"mode": "local"}}))
        env = {"JARVIS_CONFIG_PATH": str(path), "JARVIS_STATE_DIR": str(home.root / f".jarvis-{name}")}
        gateway = started(port, env=env)
        assert gateway.cli("agent", "-m", f"manual {name}").returncode == 0
        assert (home.root / f".jarvis-{name}/instance.json").exists()
    main, rescue = (json.loads((home.root / f".jarvis-{name}/instance.json").read_text()) for name in ("main", "rescue"))
    assert main["instanceId"] != rescue["instanceId"]
    assert not (home.root / ".jarvis/instance.json").exists(), "the folder of the config files did not become a state directory"


def test_manual_environment_example_from_nothing(home, ports, started):
    """Without a configuration the start is refused and creates nothing; the command that it advises makes one."""
    ways = {}
    for name, port in (("main", 18789), ("rescue", 19001)):
        env = {"JARVIS_CONFIG_PATH": str(home.root / f".jarvis/{name}.json"), "JARVIS_STATE_DIR": str(home.root / f".jarvis-{name}")}
        ways[name] = port, env
        refused = home.run("gateway", "--port", str(port), env=env)
        assert refused.returncode == 1
        assert f"JARVIS_CONFIG_PATH={env['JARVIS_CONFIG_PATH']} jarvis --profile {name} setup" in refused.stderr
    assert [path.name for path in home.root.iterdir()] == ["tmp"]
    for name, (_, env) in ways.items():
        made = home.run("--profile", name, "setup", env={"JARVIS_CONFIG_PATH": env["JARVIS_CONFIG_PATH"]})
        assert made.returncode == 0, made.stderr
    gateways = {name: started(port, env=env) for name, (port, env) in ways.items()}
    for name, gateway in gateways.items():
        assert gateway.cli("agent", "-m", f"I am {name}").returncode == 0
        assert f"I am {name}" in json.dumps(gateway.cli_json("sessions", "list", "--json"))
        told = home.run("--profile", name, "status").stdout
        assert f".jarvis/{name}.json" in told, "status without the variables says which configuration is in force"
    assert not (home.root / ".jarvis/instance.json").exists()


def test_tilde_in_the_environment(home, gateway):
    """`~` unquoted is the shell's; quoted it reaches the program and means the same."""
    path = home.root / "elsewhere/c.json"
    path.parent.mkdir()
    it = gateway(start=False, write_config=False, env={"JARVIS_CONFIG_PATH": "~/elsewhere/c.json", "JARVIS_STATE_DIR": "~/st"})
    from support.gateway import base_config

    path.write_text(json.dumps(base_config(it.port)))
    it.start()
    assert (home.root / "st/instance.json").exists()


def test_default_instance_beside_a_profile(home, ports, started):
    assert home.run("setup").returncode == 0
    assert home.run("--profile", "rescue", "setup").returncode == 0
    default = started(18789, arguments=["--port", "18789"])
    rescue = started(19001, "rescue")
    assert default.state != rescue.state
    assert default.cli("agent", "-m", "one").returncode == 0
    with rescue.client(token=token_of(home, "rescue")) as client:
        assert client.history() == []
        assert text_of(client.chat("two")["message"])


def test_tokens_do_not_cross(gateway):
    first = gateway(profile="one", config={"gateway": {"auth": {"token": "token-of-one-0123456789"}}}, token="token-of-one-0123456789")
    second = gateway(profile="two", config={"gateway": {"auth": {"token": "token-of-two-0123456789"}}}, token="token-of-two-0123456789")
    from support.rpc import RpcError

    with pytest.raises(RpcError):
        second.client(token=first.token)
    with pytest.raises(RpcError):
        first.client(token=second.token)


def test_inherited_environment_of_a_sibling_does_not_win(gateway, home):
    """A command run inside main's shell with --profile rescue acts on rescue (or refuses), never on main."""
    main = gateway(profile="main")
    inherited = {
        "JARVIS_PROFILE": "main", "JARVIS_STATE_DIR": str(home.state("main")), "JARVIS_CONFIG_PATH": str(home.config_path("main"))}
    before = home.config_path("main").read_bytes()
    result = home.run("--profile", "rescue", "setup", env=inherited)
    assert result.returncode in (0, 2), result.stderr
    assert home.config_path("main").read_bytes() == before
    if result.returncode == 0:
        assert home.config_path("rescue").exists()
    assert main.get("/readyz")[0] == 200


def test_a_deliberate_state_directory_counts(home):
    """Nothing says that it is another instance's: the flag names the profile, the variable its place."""
    place = home.root / "own-place"
    result = home.run("--profile", "rescue", "setup", env={"JARVIS_STATE_DIR": str(place)})
    assert result.returncode == 0, result.stderr
    assert str(place) in result.stdout
    assert json.loads((place / "instance.json").read_text())["instanceId"]
    assert not home.state("rescue").exists()


@pytest.mark.parametrize("other", [{"JARVIS_PROFILE": "main"}, {"JARVIS_INSTANCE_ID": "0b54fd9e-7a05-4f4d-9d3c-0d6b56a4a111"}])
def test_contradicting_environment_is_refused(home, other):
    env = {"JARVIS_STATE_DIR": str(home.root / "own-place"), **other}
    result = home.run("--profile", "rescue", "setup", env=env)
    assert result.returncode == 2
    assert "rescue" in result.stderr and "own-place" in result.stderr and "JARVIS_STATE_DIR" in result.stderr
    assert not (home.root / "own-place").exists()
    assert not home.state("rescue").exists()


@pytest.mark.parametrize("name", ["-x", "a b", "a/b", "../x", "", "x" * 65, "ä", "a.b", "gateway", "node"])
def test_bad_profile_names(home, name):
    before = tree(home.root)
    result = home.run(f"--profile={name}", "setup")
    assert result.returncode == 2, result.stdout + result.stderr
    assert result.stderr.strip()
    assert tree(home.root) == before


def test_profile_spellings(home):
    for spelling in (["--profile", "Rescue", "which", "--json"], ["--profile=rescue", "which", "--json"],
                     ["which", "--profile", "rescue", "--json"], ["which", "--json", "--profile=RESCUE"]):
        said = home.json(*spelling)
        assert str(home.state("rescue")) in json.dumps(said), spelling
    assert str(home.state("dev")) in json.dumps(home.json("--dev", "which", "--json"))
    assert str(home.root / ".jarvis/") in json.dumps(home.json("--profile", "default", "which", "--json")) + "/"
    assert home.run("--dev", "--profile", "rescue", "which").returncode == 2
    assert home.run("--profile").returncode == 2


def test_read_commands_create_nothing(home):
    before = tree(home.root)
    for command in (["which"], ["status"], ["health"], ["config", "validate"], ["config", "get", "gateway.port"], ["sessions", "list"],
                    ["logs"], ["--profile", "nobody", "status"], ["--profile", "nobody", "which"], ["-V"], ["--help"]):
        home.run(*command)
        assert tree(home.root) == before, command


def test_unknown_profile_suggests_the_right_one(home):
    assert home.run("--profile", "rescue", "setup").returncode == 0
    result = home.run("--profile", "recsue", "status")
    assert result.returncode != 0
    assert "rescue" in result.stderr
