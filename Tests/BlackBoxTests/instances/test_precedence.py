"""Every combination of flag and environment, against a small oracle of its own (pain 1, the truth table).

`jarvis debug precedence` prints what the resolver says of a made-up home; a sample of the same cells is then played for
real through `jarvis which --json`.
"""

import json
import random

import pytest

HOME = "/home/ada"
IDS = {f"{HOME}/.jarvis": "id-default", f"{HOME}/.jarvis-rescue": "id-rescue", f"{HOME}/.jarvis-work": "id-work",
       f"{HOME}/elsewhere": "id-elsewhere"}


def own_state(profile):
    return f"{HOME}/.jarvis" if profile == "default" else f"{HOME}/.jarvis-{profile}"


def owner_of_state(path):
    """The profile whose own state directory this is."""
    return next((p for p in ("default", "rescue", "work") if own_state(p) == path), None)


def owner_of_config(path):
    return next((p for p in ("default", "rescue", "work") if own_state(p) + "/jarvis.json" == path), None)


def absolute(path, cwd):
    return path if path is None or path.startswith("/") else f"{cwd}/{path}"


def oracle(said):
    """(profile, state directory, configuration, port) or None for “refused”, from the words of the documentation."""
    flag, profile, id = said.get("--profile"), said.get("JARVIS_PROFILE"), said.get("JARVIS_INSTANCE_ID")
    state = absolute(said.get("JARVIS_STATE_DIR"), said.get("working directory", HOME))
    config = said.get("JARVIS_CONFIG_PATH")
    port = said.get("JARVIS_GATEWAY_PORT")
    state_owner, config_owner = owner_of_state(state), owner_of_config(config)
    if flag is None:
        name = profile or state_owner or "default"
        if state_owner not in (None, name) or config_owner not in (None, name):
            return None
        place = state or own_state(name)
        return name, place, config or f"{place}/jarvis.json", port

    # Who does the environment say it belongs to?
    speaks_of_another = profile != flag if profile else id is not None and id != IDS[own_state(flag)]
    is_anothers_path = state_owner not in (None, flag) or config_owner not in (None, flag)
    carries_anothers_id = (
        speaks_of_another and id is not None and id != IDS[own_state(flag)] and IDS.get(state) == id)
    if is_anothers_path or carries_anothers_id:
        return flag, own_state(flag), own_state(flag) + "/jarvis.json", None
    is_custom = (state and not state_owner) or (config and not config_owner)
    if speaks_of_another and is_custom:
        return None
    place = state or own_state(flag)
    return flag, place, config or f"{place}/jarvis.json", None if speaks_of_another else port


@pytest.fixture(scope="module")
def cells(module_home):
    lines = module_home.run("debug", "precedence", timeout=120).stdout.splitlines()
    return [json.loads(line) for line in lines]


def result(cell):
    if "error" in cell:
        return None
    return cell["profile"], cell["stateDirectory"], cell["configPath"], cell["port"]


def test_every_cell_is_what_the_rules_say(cells):
    assert len(cells) == 3 * 4 * 4 * 5 * 4 * 2 * 2 * 2
    assert len({json.dumps(cell["said"], sort_keys=True) for cell in cells}) == len(cells)
    wrong = [(cell["said"], result(cell), oracle(cell["said"])) for cell in cells if result(cell) != oracle(cell["said"])]
    assert not wrong, f"{len(wrong)} of {len(cells)}: {wrong[:3]}"
    assert all(cell.get("exitCode", 2) == 2 for cell in cells)


def test_a_flag_never_lands_in_another_instance(cells):
    for cell in cells:
        flag = cell["said"].get("--profile")
        if flag is None or "error" in cell:
            continue
        assert owner_of_state(cell["stateDirectory"]) in (None, flag), cell
        assert owner_of_config(cell["configPath"]) in (None, flag), cell


def test_no_path_wins_in_silence(cells):
    """What was said and is not used is named as overruled."""
    for cell in cells:
        if "error" in cell:
            continue
        said = cell["said"]
        used = {"JARVIS_STATE_DIR": cell["stateDirectory"], "JARVIS_CONFIG_PATH": cell["configPath"]}
        for name, value in used.items():
            meant = absolute(said.get(name), said.get("working directory", HOME))
            if meant not in (None, value):
                assert name in cell["overruled"], cell
        if "JARVIS_GATEWAY_PORT" in said and cell["port"] is None:
            assert "JARVIS_GATEWAY_PORT" in cell["overruled"], cell
        if said.get("JARVIS_PROFILE") not in (None, cell["profile"]):
            assert "JARVIS_PROFILE" in cell["overruled"], cell


def test_service_marks_and_directory_decide_nothing(cells):
    groups = {}
    for cell in cells:
        said = dict(cell["said"])
        said.pop("service marks", None)
        if said.get("JARVIS_STATE_DIR") != "elsewhere":
            said.pop("working directory", None)
        groups.setdefault(json.dumps(said, sort_keys=True), set()).add(json.dumps(result(cell)))
    assert all(len(results) == 1 for results in groups.values())


@pytest.fixture(scope="module")
def world(module_home):
    """The home of the table, for real."""
    for directory, id in IDS.items():
        place = module_home.root / directory.removeprefix(HOME + "/")
        place.mkdir(mode=0o700, exist_ok=True)
        (place / "instance.json").write_text(json.dumps({"version": 1, "instanceId": real(id), "createdAtMs": 1}))
        (place / "jarvis.json").write_text("{}")
    (module_home.root / "custom.json").write_text("{}")
    return module_home


def real(id):
    """An id that is long enough."""
    return f"{id}-0000"


MARKS = {"JARVIS_SERVICE_MARKER": "jarvis", "JARVIS_SERVICE_KIND": "gateway", "INVOCATION_ID": "0" * 32,
         "JARVIS_SYSTEMD_UNIT": "jarvis-gateway-work.service"}


def test_a_sample_of_cells_for_real(world, cells):
    """Every combination of flag, profile, state and configuration once, the rest drawn by lot."""
    draw = random.Random(3)
    chosen = {}
    for cell in draw.sample(cells, len(cells)):
        said = cell["said"]
        key = tuple(said.get(name) for name in ("--profile", "JARVIS_PROFILE", "JARVIS_STATE_DIR", "JARVIS_CONFIG_PATH"))
        chosen.setdefault(key, cell)
    assert len(chosen) == 240

    def here(path):
        return path.replace(HOME, str(world.root), 1)

    for cell in chosen.values():
        said = cell["said"]
        env = {name: here(said[name]) for name in ("JARVIS_PROFILE", "JARVIS_STATE_DIR", "JARVIS_CONFIG_PATH",
                                                   "JARVIS_GATEWAY_PORT") if name in said}
        if "JARVIS_INSTANCE_ID" in said:
            env["JARVIS_INSTANCE_ID"] = real(said["JARVIS_INSTANCE_ID"])
        if "service marks" in said:
            env |= MARKS
        flag = ["--profile", said["--profile"]] if "--profile" in said else []
        got = world.run(*flag, "which", "--json", env=env, cwd=here(said.get("working directory", HOME)))
        expected = oracle(said)
        if expected is None:
            assert got.returncode == 2, (said, got.stdout)
            assert json.loads(got.stdout)["error"]["code"] == "instance.contradiction"
            continue
        assert got.returncode == 0, (said, got.stderr)
        values = json.loads(got.stdout)["values"]
        assert (values["profile"]["value"], values["stateDirectory"]["value"], values["configPath"]["value"]) == (
            expected[0], here(expected[1]), here(expected[2])), said
        assert (values["port"]["value"] == "20000") == (expected[3] == "20000"), said


def test_the_page_is_made_from_the_table(world, cells):
    page = world.run("debug", "reference", "precedence").stdout
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`JARVIS_PROFILE`" not in line]
    assert len(rows) >= 60 and len(rows) * 4 >= 200
    assert page.count("refused") > 50
