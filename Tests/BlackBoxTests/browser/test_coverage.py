"""Every route and every command has a walk against a real browser: what is listed by the binary and what is walked are the same."""

import re

from browser import walks


def test_every_route_is_walked(jarvis_binary, module_home):
    text = module_home.run("debug", "reference", "browser").stdout
    listed = {f"{method} {path}" for method, path in re.findall(r"^\| `(\w+)` \| `(/[^`]*)` \|", text, re.M)}
    assert len(listed) > 40
    assert listed - walks.ROUTES.keys() == set(), "routes without a walk in browser/walks.py"
    assert walks.ROUTES.keys() - listed == set(), "walks of routes that do not exist"


def test_every_command_is_walked(jarvis_binary, module_home):
    text = module_home.run("debug", "reference", "cli").stdout
    all_of_them = re.findall(r"^### `jarvis browser (.+)`$", text, re.M)
    leaves = {name for name in all_of_them if not any(other.startswith(name + " ") for other in all_of_them)}
    assert len(leaves) > 50
    assert leaves - walks.COMMANDS.keys() == set(), "commands without a walk in browser/walks.py"
    assert walks.COMMANDS.keys() - leaves == set(), "walks of commands that do not exist"
