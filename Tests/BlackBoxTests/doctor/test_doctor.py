"""`doctor`: what is wrong is told with its repair; a repair stays in its instance and is done once."""

import json
import os
import random
import shutil
import socket
import time

import pytest
from support.fixturehost import FixtureHost
from support.home import tree


def doctor(home, *arguments, profile=None, **options):
    """Exit code and document of `doctor --json`."""
    words = ["--profile", profile] if profile else []
    result = home.run(*words, "doctor", "--json", *arguments, **options)
    assert result.stdout.strip(), result.stderr
    return result.returncode, json.loads(result.stdout)


def findings(document, name=None):
    return {
        finding["id"]: finding for instance in document["instances"] if name in (None, instance["name"])
        for finding in instance["findings"]}


def wrong(document):
    return {id: finding["severity"] for id, finding in findings(document).items() if finding["severity"] != "info"}


def set_up(home, *profiles):
    for profile in profiles:
        words = [] if profile == "default" else ["--profile", profile]
        assert home.run(*words, "setup").returncode == 0


def test_nothing_is_wrong_with_a_new_instance(home):
    set_up(home, "default")
    before = tree(home.root)
    code, document = doctor(home)
    assert wrong(document) == {} and code == 0 and document["ok"] is True
    assert doctor(home, "--fix")[0] == 0 and doctor(home, "--deep")[0] == 0
    assert tree(home.root) == before, "a doctor with nothing to do has written"


def test_an_unknown_profile_is_told(home):
    set_up(home, "default")
    result = home.run("--profile", "main", "doctor")
    assert result.returncode == 2 and "default profile" in result.stderr
    assert not home.state("main").exists()


@pytest.fixture
def broken(home):
    """The instance a, broken in all ways that can be repaired, beside two healthy siblings."""
    set_up(home, "default", "a", "b")
    state = home.state("a")
    state.chmod(0o755)
    (state / "jarvis.json").chmod(0o644)
    (state / "credentials").mkdir(mode=0o750, exist_ok=True)
    (state / "run").mkdir(mode=0o700, exist_ok=True)
    for name in ("owner.json", "gateway.json"):
        (state / "run" / name).write_text(json.dumps({"pid": 999_999, "processStartTime": 1, "instanceId": "x" * 12, "port": 4}))
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(state / "run/control.sock"))
    old = state / ".jarvis-tmp-0123"
    old.write_text("half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    table = home.root / ".local/state/jarvis/host/leases.json"
    document = json.loads(table.read_text())
    document["instances"] = [row for row in document["instances"] if row["profile"] != "a"]
    table.write_text(json.dumps(document))
    return home


EXPECTED = {"permissions.open", "leftovers.run", "leftovers.temporary", "leases.missing"}


def test_dry_run_shows_the_plans_and_does_nothing(broken):
    before = tree(broken.root)
    code, document = doctor(broken, "--fix", "--dry-run", profile="a")
    assert code == 1 and set(wrong(document)) == EXPECTED
    for id in EXPECTED:
        plan = findings(document)[id]["fix"]
        assert plan["target"]["name"] == "a" and plan["target"]["stateDir"] == str(broken.state("a"))
        assert plan["steps"] and plan["files"] and plan["processes"] == [] and len(plan["preconditionHash"]) == 64
        for path in plan["files"]:
            assert path.startswith((str(broken.state("a")), str(broken.root / ".local/state/jarvis/host")))
    assert tree(broken.root) == before


def test_repairs_once_and_leaves_siblings_alone(broken):
    siblings = {name: tree(broken.state(name)) for name in ("default", "b")}
    code, document = doctor(broken, "--fix", "--yes", profile="a")
    assert code == 0 and document["ok"] is True, json.dumps(document, indent=1)
    assert {plan["id"] for plan in document["applied"]} == {"permissions", "leftovers.run", "leftovers.temporary", "leases"}
    state = broken.state("a")
    assert state.stat().st_mode & 0o777 == 0o700 and (state / "jarvis.json").stat().st_mode & 0o777 == 0o600
    assert not (state / "run/control.sock").exists()
    assert {name: tree(broken.state(name)) for name in ("default", "b")} == siblings
    before = tree(broken.root)
    code, document = doctor(broken, "--fix", "--yes", profile="a")
    assert code == 0 and document["applied"] == [] and tree(broken.root) == before


def test_a_repair_can_be_taken_back(broken):
    document = doctor(broken, "--fix", "--yes", profile="a")[1]
    plan = next(plan for plan in document["applied"] if plan["id"] == "permissions")
    assert plan["undo"] == f"jarvis --profile a doctor --undo {plan['undoId']}"
    result = broken.run("--profile", "a", "doctor", "--undo", plan["undoId"])
    assert result.returncode == 0, result.stderr
    assert broken.state("a").stat().st_mode & 0o777 == 0o755
    result = broken.run("--profile", "a", "doctor", "--undo", plan["undoId"])
    assert result.returncode == 2 and "take back" in result.stderr
    assert broken.run("--profile", "a", "doctor", "--undo", "../../x").returncode == 2


def test_without_all_only_the_chosen_instance_is_repaired(broken):
    before = tree(broken.state("a"))
    assert doctor(broken, "--fix", "--yes", profile="b")[0] == 0
    assert tree(broken.state("a")) == before
    assert doctor(broken, "--fix", "--yes", "--all")[0] == 0
    assert tree(broken.state("a")) != before


def test_a_path_that_a_sibling_owns_is_never_repaired(home):
    """A link or a second name that leads into a sibling: told, and no plan is made."""
    set_up(home, "default", "a")
    victim = home.state() / "credentials"
    victim.mkdir(mode=0o700, exist_ok=True)
    (victim / "oauth.json").write_text("{}")
    (victim / "oauth.json").chmod(0o644)
    own = home.state("a") / "credentials"
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(mode=0o700)
    os.link(victim / "oauth.json", own / "oauth.json")
    before = tree(home.state())
    code, document = doctor(home, "--fix", "--yes", profile="a")
    assert code == 1 and findings(document)["permissions.open"].get("fix") is None and document["applied"] == []
    assert "overlap.path" in findings(document)
    assert tree(home.state()) == before


def test_a_copied_directory_gets_an_identity_of_its_own(home):
    set_up(home, "default", "a")
    shutil.copytree(home.state("a"), home.state("copy"))
    config = json.loads(home.run("--profile", "copy", "config", "get", "gateway.port", "--json").stdout or "0")
    original = tree(home.state("a"))
    code, document = doctor(home, profile="copy")
    assert code == 1 and findings(document)["identity.copy"]["severity"] == "error", config
    code, document = doctor(home, profile="a")
    assert findings(document)["identity.copied"]["severity"] == "info"
    code, document = doctor(home, "--fix", "--yes", profile="copy")
    ids = [json.loads((home.state(name) / "instance.json").read_text())["instanceId"] for name in ("a", "copy")]
    assert ids[0] != ids[1] and "identity.copy" not in findings(document)
    assert tree(home.state("a")) == original


def test_says_what_can_not_be_repaired(home):
    host = FixtureHost(home)
    host.add("a", {"gateway": {"bind": "lan", "auth": {"token": "short"}}, "surprise": 1})
    host.add("b")
    host.write(host.state("b") / "jarvis.json", "{ broken")
    code, document = doctor(home, "--all")
    assert code == 1
    assert findings(document, "a")["exposure.weak"]["severity"] == "error"
    assert "surprise" in json.dumps(findings(document, "a")["config.warnings"]["evidence"])
    assert findings(document, "b")["config.unusable"]["severity"] == "error"
    assert "short" not in json.dumps(document).replace("shorter", "")


def test_a_full_clock_and_a_cloud_folder(home):
    host = FixtureHost(home)
    host.add("default")
    future = int(time.time() * 1000) + 86_400_000
    host.write(host.state("default") / "instance.json", json.dumps(
        {"version": 1, "instanceId": host.ids["default"], "createdAtMs": future, "createdAs": "default"}))
    assert "clock.backwards" in findings(doctor(home)[1])
    cloud = home.root / "Dropbox/jarvis"
    home.run("setup", env={"JARVIS_STATE_DIR": str(cloud)})
    code, document = doctor(home, env={"JARVIS_STATE_DIR": str(cloud)})
    assert code == 1 and findings(document)["state.cloud"]["severity"] == "warning"


def test_the_live_probe(gateway, home):
    it = gateway(profile="a")
    code, document = doctor(home, profile="a")
    assert findings(document)["gateway.running"]["message"].startswith(f"Running: pid {it.pid}, port {it.port}")
    assert wrong(document) == {} and code == 0
    it.kill()
    code, document = doctor(home, profile="a")
    assert code == 1 and "leftovers.run" in wrong(document)
    assert doctor(home, "--fix", "--yes", profile="a")[0] == 0


def test_a_stopped_process_is_not_taken_for_a_healthy_one(gateway, home):
    import signal
    it = gateway(profile="a")
    os.kill(it.pid, signal.SIGSTOP)
    try:
        code, document = doctor(home, profile="a")
        assert code == 1 and findings(document)["gateway.not_answering"]["severity"] == "error"
    finally:
        os.kill(it.pid, signal.SIGCONT)


def test_a_service_that_starts_a_missing_program(home):
    host = FixtureHost(home)
    state = host.add("a")
    unit = host.unit("jarvis-gateway-a.service", profile="a", instance_id=host.ids["a"], state=state,
                     executable=str(home.root / "gone/jarvis"))
    before = unit.read_bytes()
    code, document = doctor(home, "--fix", "--yes", profile="a")
    assert code == 1 and findings(document)["service.executable"]["severity"] == "error"
    assert findings(document)["gateway.down"]["next"] == "jarvis --profile a gateway start"
    assert unit.read_bytes() == before


# ---- random broken hosts

def breakages(host, name, chance):
    """Ways to break one instance; each stays inside it."""
    state = host.state(name)

    def open_directory():
        chance.choice([state, state / "logs", state / "credentials", state / "store"]).chmod(chance.choice([0o755, 0o777, 0o750]))

    def open_file():
        chance.choice([state / "jarvis.json", state / "instance.json"]).chmod(chance.choice([0o644, 0o666]))

    def closed_directory():
        (state / "credentials").chmod(0o000)

    def stale_notes():
        for file in ("owner.json", "gateway.json"):
            (state / "run" / file).write_text(json.dumps({"pid": chance.randint(1, 99_999), "processStartTime": 1, "port": 5, "instanceId": host.ids[name]}))

    def poisoned_note():
        (state / "run/gateway.json").write_text(chance.choice(["", "{", "[1]", '{"pid": -1}']))

    def temporary():
        file = state / chance.choice([".jarvis-tmp-aa", "run/.jarvis-tmp-bb", "store/.jarvis-tmp-cc"])
        file.write_text("x")
        os.utime(file, (1, 1))

    def no_identity():
        (state / "instance.json").unlink()

    def bad_identity():
        (state / "instance.json").write_text("{}")

    def bad_config():
        (state / "jarvis.json").write_text(chance.choice(["", "{", "[]", '{"gateway": 1}', '{"gateway": {"port": 99999}}']))

    def link_into_sibling():
        victim = host.state(chance.choice([n for n in host.ids if n != name]))
        shutil.rmtree(state / "canvas", ignore_errors=True)
        os.symlink(victim / chance.choice(["credentials", "store", "."]), state / "canvas")

    def second_name_of_a_sibling():
        victim = host.state(chance.choice([n for n in host.ids if n != name]))
        os.link(victim / "credentials/telegram-allowFrom.json", state / "credentials/second.json")
        os.chmod(state / "credentials", 0o755)

    def sibling_identity():
        other = chance.choice([n for n in host.ids if n != name])
        host.write_identity(state, host.ids[other], other)

    def links_for_notes():
        victim = host.state(chance.choice([n for n in host.ids if n != name]))
        for file in ("owner.json", "control.sock"):
            (state / "run" / file).unlink(missing_ok=True)
            os.symlink(victim / "instance.json", state / "run" / file)

    return [open_directory, open_file, closed_directory, stale_notes, poisoned_note, temporary, no_identity, bad_identity,
            bad_config, link_into_sibling, second_name_of_a_sibling, sibling_identity, links_for_notes]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_random_broken_hosts_never_cost_a_sibling(home):
    """N hosts with one broken instance: whatever the doctor does, the siblings' files stay as they are."""
    seed = int(os.environ.get("JARVIS_TEST_SEED", "1"))
    for number in range(int(os.environ.get("JARVIS_TEST_BROKEN_HOSTS", "40"))):
        chance = random.Random(seed * 1000 + number)
        for path in home.root.iterdir():
            if path.name != "tmp":
                for folder, _, _ in os.walk(path):
                    os.chmod(folder, 0o700)
                shutil.rmtree(path)
        host = FixtureHost(home)
        for name in ("default", "a", "b", "c")[:chance.randint(2, 4)]:
            host.add(name)
        patient = chance.choice(list(host.ids))
        for breakage in chance.sample(breakages(host, patient, chance), chance.randint(1, 4)):
            try:
                breakage()
            except FileNotFoundError:
                pass
        siblings = {name: tree(host.state(name)) for name in host.ids if name != patient}
        words = ["--all"] if chance.random() < 0.5 else []
        said = [doctor(home, "--fix", "--yes", *words, profile=None if words or patient == "default" else patient)]
        after = {name: tree(host.state(name)) for name in siblings}
        assert after == siblings, f"seed {seed}, host {number}: {json.dumps(said[0][1]['applied'], indent=1)}"
        for plan in said[0][1]["applied"]:
            assert plan["target"]["name"] == patient
        own = tree(host.state(patient))
        again = doctor(home, "--fix", "--yes", *words, profile=None if words or patient == "default" else patient)
        assert again[1]["applied"] == [] and tree(host.state(patient)) == own, f"seed {seed}, host {number}: not done at once"
