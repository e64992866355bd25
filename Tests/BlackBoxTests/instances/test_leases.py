"""The lease table of a host: reservations, claims of starts, single things; crashes, damage and other versions."""

import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.home import TOKEN, tree
from support.paths import jarvis_binary
from support.ports import free_base_port, wait_until


def table_path(home):
    return home.root / ".local/state/jarvis/host/leases.json"


def table(home):
    return json.loads(table_path(home).read_text())


def records(home):
    return {record["profile"]: record for record in table(home)["instances"]}


def setup(home, profile=None, *arguments, **options):
    words = ["--profile", profile] if profile else []
    return home.run(*words, "setup", *arguments, **options)


def lease(it, *arguments):
    return it.cli("debug", "lease", *arguments)


# ---- reservations

def test_sixty_four_set_ups_at_once_get_blocks_of_their_own(home):
    with ThreadPoolExecutor(64) as pool:
        made = list(pool.map(lambda n: setup(home, f"p{n}", "--json", timeout=120), range(64)))
    assert [result.stderr for result in made if result.returncode != 0] == []
    bases = sorted(json.loads(result.stdout)["gateway"]["port"] for result in made)
    assert all(high - low >= 111 for low, high in zip(bases, bases[1:])), bases
    assert sorted(record["base"] for record in table(home)["instances"]) == bases
    assert sorted(home.read_config(f"p{n}")["gateway"]["port"] for n in range(64)) == bases


def test_set_up_again_keeps_the_block(home):
    first = json.loads(setup(home, "bot", "--json").stdout)["gateway"]["port"]
    home.config_path("bot").unlink()
    assert json.loads(setup(home, "bot", "--json").stdout)["gateway"]["port"] == first


def test_a_removed_instance_frees_its_block(home):
    assert setup(home, "one", "--port", "20500").returncode == 0
    shutil.rmtree(home.state("one"))
    assert setup(home, "two", "--port", "20505").returncode == 0
    assert list(records(home)) == ["two"]


def test_config_set_names_both_owners(home):
    assert setup(home, "one", "--port", "20500").returncode == 0
    assert setup(home, "two", "--port", "20700").returncode == 0
    result = home.run("--profile", "two", "config", "set", "gateway.port", "20510")
    assert result.returncode == 2
    for word in ("20510", "20500", '"one"', str(home.state("one")), '"two"', str(home.state("two"))):
        assert word in result.stderr, word
    assert home.run("--profile", "two", "config", "set", "gateway.port", "20520").returncode == 0
    assert records(home)["two"]["base"] == 20520


def test_a_write_over_the_wire_names_both_owners(gateway, home):
    it = gateway(profile="one")
    assert setup(home, "two", "--port", str(it.port + 200)).returncode == 0
    client = it.client()
    base = client.call("config.get")["hash"]
    with pytest.raises(Exception) as refused:
        client.call("config.patch", {"raw": json.dumps({"gateway": {"port": it.port + 210}}), "baseHash": base})
    assert '"one"' in str(refused.value) and '"two"' in str(refused.value)
    assert home.read_config("one")["gateway"]["port"] == it.port
    assert records(home)["one"]["base"] == it.port


def test_of_two_config_sets_to_one_port_one_wins(home):
    for n in range(6):
        assert setup(home, f"p{n}").returncode == 0
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(
            lambda n: home.run("--profile", f"p{n}", "config", "set", "gateway.port", str(30000 + n)).returncode, range(6)))
    assert sorted(results) == [0, 2, 2, 2, 2, 2]
    winner = results.index(0)
    assert home.read_config(f"p{winner}")["gateway"]["port"] == 30000 + winner


def test_a_port_edited_by_hand_is_respected(home):
    assert setup(home, "one", "--port", "20500").returncode == 0
    home.config_path("one").write_text(home.config_path("one").read_text().replace("20500", "21500"))
    result = setup(home, "two", "--port", "21510")
    assert result.returncode == 2 and "21500" in result.stderr


# ---- starts

def test_of_two_starts_too_close_one_wins(gateway):
    for _ in range(4):
        base = free_base_port()
        pair = [gateway(profile=f"p{n}", port=base + n, start=False) for n in range(2)]
        for it in pair:
            it.launch()
        wait_until(lambda: any(not it.is_running() for it in pair), 30, "one gives way")
        winner, loser = sorted(pair, key=lambda it: not it.is_running())
        assert loser.wait(20) == 78
        assert f"“{winner.profile}”" in loser.log() and f"“{loser.profile}”" in loser.log()
        winner.stop()
        loser.start().stop()


def test_a_start_that_changes_nothing_writes_nothing(gateway):
    it = gateway()
    before = table_path(it.home).stat()
    it.restart()
    after = table_path(it.home).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_start_reads_no_sibling(gateway, home):
    """With a table a start asks nobody else's directory, however many there are."""
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not allow strace")
    for n in range(8):
        assert setup(home, f"s{n}").returncode == 0
    first = gateway(profile="mine")
    first.stop()
    trace = home.root / "tmp/trace"
    it = gateway(profile="mine", port=first.port, start=False, prefix=["strace", "-f", "-qq", "-e", "trace=%file", "-o", str(trace)])
    it.start(timeout=40)
    it.stop()
    assert re.findall(r'"([^"]*\.jarvis-s\d[^"]*)"', trace.read_text(errors="replace")) == []


def test_a_killed_holder_is_free_at_once(gateway):
    first = gateway(profile="one")
    second = gateway(profile="two", port=first.port + 5, start=False)
    for _ in range(5):
        first.kill()
        second.start()
        second.kill()
        first.start()


def test_a_copy_is_refused_until_it_is_its_own(gateway, home):
    first = gateway(profile="one")
    first.stop()
    shutil.copytree(home.state("one"), home.state("copy"), symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    before = tree(home.state("copy"))
    result = home.run("--profile", "copy", "gateway", "--port", str(first.port + 200), timeout=25)
    assert result.returncode == 78
    assert str(home.state("one")) in result.stderr and str(home.state("copy")) in result.stderr
    after = {path: kind for path, kind in tree(home.state("copy")).items() if not path.startswith(("run", "logs"))}
    assert after == {path: kind for path, kind in before.items() if not path.startswith(("run", "logs"))}
    assert setup(home, "copy").returncode == 2, "nor does set-up take the identity of another"
    first.start()
    advice = result.stderr.split("→")[1].split("gateway of its own:")[1].strip()
    subprocess.run(
        ["sh", "-c", advice.replace("jarvis --profile", f"{jarvis_binary()} --profile")], check=True,
        env=home.environment(), capture_output=True)
    ids = {json.loads((home.state(name) / "instance.json").read_text())["instanceId"] for name in ("one", "copy")}
    assert len(ids) == 2
    gateway(profile="copy", write_config=False, port=home.read_config("copy")["gateway"]["port"], token=TOKEN)


def test_a_moved_directory_is_the_same_instance(gateway, home):
    first = gateway(profile="one")
    first.stop()
    assert lease(first, "browser", "work").returncode == 0
    home.state("one").rename(home.state("moved"))
    second = gateway(profile="moved", write_config=False, port=first.port)
    assert list(records(home)) == ["moved"]
    assert [entry["stateDirectory"] for entry in table(home)["leases"]] == [str(second.state)]


def test_instances_elsewhere_are_siblings(gateway, home):
    place = home.root / "srv/bot"
    elsewhere = {"JARVIS_STATE_DIR": str(place)}
    assert home.run("setup", "--port", "20500", env=elsewhere).returncode == 0
    result = setup(home, "two", "--port", "20510")
    assert result.returncode == 2 and str(place) in result.stderr
    assert str(place) in home.run("ports").stdout
    base = free_base_port()
    outside = gateway(port=base, env=elsewhere, write_config=False, token=None)
    near = gateway(profile="near", port=base + 7, start=False)
    near.launch()
    assert near.wait(20) == 78 and str(place) in near.log()
    assert outside.get("/readyz")[0] == 200


def test_a_workspace_is_claimed_by_every_name(gateway, home):
    real = home.root / "work"
    real.mkdir()
    (home.root / "link").symlink_to(real)
    gateway(profile="one", config={"agents": {"defaults": {"workspace": str(real)}}})
    second = gateway(profile="two", config={"agents": {"defaults": {"workspace": str(home.root / "link")}}}, start=False)
    second.launch()
    assert second.wait(20) == 78
    assert "“one”" in second.log() and "“two”" in second.log() and str(real) in second.log()


# ---- single things

def test_a_thing_has_one_living_holder(gateway):
    first, second = gateway(profile="one"), gateway(profile="two")
    assert lease(first, "name", "bot.local").returncode == 0
    assert lease(first, "name", "bot.local").returncode == 0, "having it already is no fault"
    refused = lease(second, "name", "bot.local")
    assert refused.returncode == 1
    assert "“one”" in refused.stderr and str(first.pid) in refused.stderr
    assert lease(second, "name", "other.local").returncode == 0
    first.kill()
    assert lease(second, "name", "bot.local").returncode == 0, "a killed holder loses it at once"
    first.start()
    assert lease(first, "name", "bot.local").returncode == 1
    assert lease(second, "name", "bot.local", "--release").returncode == 0
    assert lease(first, "name", "bot.local").returncode == 0


# ---- damage

def test_the_table_is_private_and_holds_no_secret(gateway, home):
    gateway(profile="one")
    assert stat.S_IMODE(table_path(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(table_path(home).parent.stat().st_mode) == 0o700
    assert TOKEN not in table_path(home).read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 300, b'{"version": 1, "instances": {}, "leases": []}', b"[" * 5000])
def test_a_corrupt_table_is_set_aside_and_made_again(home, content):
    assert setup(home, "one", "--port", "20500").returncode == 0
    table_path(home).write_bytes(content)
    assert home.run("ports").returncode == 0
    assert table_path(home).read_bytes() == content, "looking repairs nothing"
    result = setup(home, "two", "--port", "20700")
    assert result.returncode == 0 and "quarantine" in result.stderr
    assert {name: record["base"] for name, record in records(home).items()} == {"one": 20500, "two": 20700}
    kept = list((table_path(home).parent / "quarantine").iterdir())
    assert [path.read_bytes() for path in kept] == [content]


def test_a_missing_table_is_made_again(gateway, home):
    first = gateway(profile="one")
    shutil.rmtree(home.root / ".local")
    second = gateway(profile="two", port=first.port + 5, start=False)
    second.launch()
    assert second.wait(20) == 78 and "“one”" in second.log()
    assert setup(home, "three", "--port", str(first.port + 5)).returncode == 2
    assert setup(home, "three").returncode == 0
    assert records(home)["one"]["liveBase"] == first.port


def test_members_of_a_newer_version_survive(gateway, home):
    assert setup(home, "one", "--port", "20500").returncode == 0
    content = table(home)
    content.update({"version": 2, "quotas": {"ram": 7}})
    content["instances"][0]["colour"] = "red"
    content["leases"].append({
        "kind": "hologram", "value": "x", "stateDirectory": str(home.state("one")), "instanceId": "i-1234567", "purpose": "p", "until": 5})
    content["instances"].append({"shape": "unknown"})
    table_path(home).write_text(json.dumps(content))
    assert setup(home, "two").returncode == 0
    gateway(profile="one", write_config=False, port=20500, token=None)
    after = table(home)
    assert after["version"] == 2 and after["quotas"] == {"ram": 7}
    assert records_of(after)["one"]["colour"] == "red" and "two" in records_of(after)
    assert [entry.get("until") for entry in after["leases"]] == [5]
    assert {"shape": "unknown"} in after["instances"]


def records_of(content):
    return {record["profile"]: record for record in content["instances"] if "profile" in record}


def test_a_newer_table_of_another_shape_is_left_alone(home):
    assert setup(home, "one").returncode == 0
    content = json.dumps({"version": 9, "everything": "else"})
    table_path(home).write_text(content)
    result = setup(home, "two")
    assert result.returncode == 1 and "newer" in result.stderr and not home.state("two").exists()
    assert home.run("ports").returncode == 0
    assert table_path(home).read_text() == content


def test_without_a_writable_table_a_start_works_and_warns(gateway, home):
    blocked = {"JARVIS_HOST_DIR": str(home.root / "file/host")}
    (home.root / "file").write_text("in the way")
    it = gateway(profile="one", env=blocked)
    assert "lease table" in it.log()
    near = gateway(profile="two", port=it.port + 5, env=blocked, start=False)
    near.launch()
    assert near.wait(20) == 78 and "“one”" in near.log(), "the check does not depend on the table"
    result = setup(home, "three", env=blocked)
    assert result.returncode == 1 and str(home.root / "file/host") in result.stderr
    assert not home.state("three").exists()


def test_the_clock_does_not_matter(gateway, home):
    """Files from the future, as after a clock that went back: no claim is older or younger than another."""
    first = gateway(profile="one")
    for path in [table_path(home), *home.state("one").rglob("*")]:
        os.utime(path, (4_000_000_000, 4_000_000_000), follow_symlinks=False)
    second = gateway(profile="two", port=first.port + 5, start=False)
    second.launch()
    assert second.wait(20) == 78
    first.kill()
    second.start()


@pytest.mark.parametrize("seed", range(3))
def test_killed_while_writing_the_table_is_whole(gateway, home, seed):
    """Whoever is killed with the lock in hand leaves the old table or the new one, and nobody waits for him."""
    chance = random.Random(seed)
    its = [gateway(profile=f"p{n}", start=False) for n in range(3)]
    for it in its:
        assert setup(home, it.profile).returncode == 0
    for _ in range(8):
        writers = [
            subprocess.Popen(
                [str(jarvis_binary()), "--profile", it.profile, "debug", "lease", "many", "100000"], env=home.environment(),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for it in its]
        time.sleep(chance.uniform(0.02, 0.15))
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
        for writer in writers:
            writer.wait()
        content = table(home)
        assert {record["profile"] for record in content["instances"]} == {"p0", "p1", "p2"}
        assert {entry["stateDirectory"] for entry in content["leases"]} <= {str(it.state) for it in its}
    assert setup(home, "after").returncode == 0
    left = [path.name for path in table_path(home).parent.iterdir() if path.name.startswith(".jarvis-tmp")]
    assert left == [], "a durable write sweeps what crashes left"


def test_a_stopped_writer_does_not_stop_a_start(gateway, home):
    """Somebody who sits on the lock for ever: the start goes on after its patience, checked by the disk."""
    it = gateway(start=False)
    assert setup(home, "one").returncode == 0
    holder = subprocess.Popen(
        ["flock", "--no-fork", str(table_path(home).parent), "sleep", "60"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        it.start(timeout=40)
        assert "locked for" in it.log() and str(holder.pid) in it.log()
    finally:
        holder.kill()
        holder.wait()


def test_a_listener_is_no_lease(home):
    """A program on the base of nobody: set-up of a named port takes it and says who is there; an offer avoids it."""
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        if port > 65_400:
            pytest.skip("the system gave a port without room above it")
        result = setup(home, "one", "--port", str(port))
        assert result.returncode == 0, result.stderr
        assert str(os.getpid()) in result.stdout
