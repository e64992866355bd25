"""Random lifecycle commands on a dozen instances: every one ends as the model says, no signal goes astray, no sibling changes.

JARVIS_TEST_STEPS sets the number of steps (default 60), JARVIS_TEST_SEED repeats a run.
"""

import json
import os
import random
from pathlib import Path

import pytest
from support.ownhost import OwnHost, why_not
from support.paths import REPOSITORY

STEPS = int(os.environ.get("JARVIS_TEST_STEPS", "60"))


@pytest.mark.long
@pytest.mark.timeout(180 + STEPS * 10)
@pytest.mark.parametrize("supervisor", ["systemd", "builtin"])
def test_random_life(supervisor):
    if reason := why_not(systemd=supervisor == "systemd"):
        pytest.skip(reason)
    seed = int(os.environ.get("JARVIS_TEST_SEED") or random.randrange(1_000_000))
    steps = STEPS if supervisor == "systemd" else max(STEPS // 3, 20)
    host = OwnHost(systemd=supervisor == "systemd")
    try:
        host.put(Path(__file__).parent / "random_life.py", "random_life.py")
        host.put(REPOSITORY / "Tests/BlackBoxTests/support/inside.py", "inside.py")
        lived = host.run("python3", "random_life.py", str(steps), str(seed), supervisor, timeout=170 + STEPS * 10)
    finally:
        host.remove()
    print(lived.stdout)
    assert lived.stdout.strip(), lived.stderr
    told = json.loads(lived.stdout.strip().splitlines()[-1])
    assert not told["failed"], f"seed {seed}\n" + "\n".join(told["failed"])
    assert told["steps"] == steps
