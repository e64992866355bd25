"""The page executed top to bottom by a script that reads its commands: both ways, as services of a real manager and of our own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.ownhost import OwnHost, why_not
from support.paths import REPOSITORY

HERE = Path(__file__).parent
PAGES = {"seed": HERE / "seed-page.md", "docs": REPOSITORY / "docs/multiple-gateways.md"}


@pytest.fixture
def host(supervisor):
    if reason := why_not(systemd=supervisor == "systemd"):
        pytest.skip(reason)
    host = OwnHost(systemd=supervisor == "systemd")
    yield host
    host.remove()


@pytest.mark.long
@pytest.mark.timeout(420)
@pytest.mark.parametrize("way", ["profiles", "variables"])
@pytest.mark.parametrize("supervisor", ["systemd", "builtin"])
def test_the_page_top_to_bottom(host, way, supervisor):
    host.put(PAGES["seed"], "page.md")
    host.put(HERE / "walk_page.py", "walk_page.py")
    host.put(REPOSITORY / "Tests/BlackBoxTests/support/inside.py", "inside.py")
    walked = host.run("python3", "walk_page.py", "page.md", way, supervisor, timeout=400)
    print(walked.stdout)
    assert walked.stdout.strip(), walked.stderr
    told = json.loads(walked.stdout.strip().splitlines()[-1])
    assert not told["failed"], "\n".join(told["failed"]) + "\n" + walked.stderr[-2000:]
    assert len(told["passed"]) > 50
    assert walked.returncode == 0


def test_the_documentation_has_the_same_commands():
    """What the documentation of this version prints is what is executed above."""
    told = subprocess.run(
        [sys.executable, "-c", "import walk_page, sys, json, pathlib; print(json.dumps([walk_page.blocks(pathlib.Path(p)) for p in sys.argv[1:]]))",
         *map(str, PAGES.values())], env={"PYTHONPATH": f"{HERE}:{HERE.parent}/support"}, capture_output=True, text=True, check=True)
    seed, ours = ({command for _, commands in page for command in commands} for page in json.loads(told.stdout))
    assert seed <= ours, seed - ours
