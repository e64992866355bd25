"""Two gateways at any allowed distance, twelve browser profiles each: no port belongs to both.

A sample from outside; all pairs are calculated in Tests/JarvisHostTests. JARVIS_TEST_PAIRS sets how many, JARVIS_TEST_SEED repeats a run.
"""

import itertools
import json
import os
import random
from concurrent.futures import ThreadPoolExecutor

from support.home import Home
from support.ports import is_free

FIRST, LAST, LEAST = 18_789, 18_989, 20
PROFILES = 12


def sample() -> list[tuple[int, int]]:
    """The distances that matter most, and some at random."""
    seed = int(os.environ.get("JARVIS_TEST_SEED") or random.randrange(1_000_000))
    count = int(os.environ.get("JARVIS_TEST_PAIRS", "3"))
    print(f"seed {seed}")
    pairs = [(a, b) for a, b in itertools.combinations(range(FIRST, LAST + 1), 2) if b - a >= LEAST]
    return [(FIRST, FIRST + LEAST), (FIRST, FIRST + 110), *random.Random(seed).sample(pairs, count)]


def ports_of_a_pair(bases: tuple[int, int]) -> dict[str, list[int]]:
    home = Home()
    try:
        for profile, base in zip(("one", "two"), bases):
            made = home.run("--profile", profile, "setup", "--port", str(base))
            assert made.returncode == 0, (bases, made.stderr)

        def lease(wanted) -> tuple[str, int]:
            profile, number = wanted
            result = home.run("--profile", profile, "debug", "lease", "browser", f"b{number}")
            assert result.returncode == 0, (bases, wanted, result.stderr)
            return profile, int(result.stdout)

        with ThreadPoolExecutor(4) as pool:
            leased = list(pool.map(lease, itertools.product(("one", "two"), range(PROFILES))))
        shown = home.run("ports", "--json")
        assert json.loads(shown.stdout)["overlaps"] == [], shown.stdout
        return {profile: [base, base + 2, *(port for owner, port in leased if owner == profile)]
                for profile, base in zip(("one", "two"), bases)}
    finally:
        home.remove()


def test_pain_14_ports_of_any_two_gateways_are_disjoint(jarvis_binary):
    tried = 0
    for bases in sample():
        if not all(is_free(port) for base in bases for port in (base, base + 2)):
            print(f"{bases}: in use on this machine")
            continue
        ports = ports_of_a_pair(bases)
        everything = ports["one"] + ports["two"]
        assert len(set(everything)) == len(everything) == 2 * (PROFILES + 2), (bases, ports)
        for base, own in zip(bases, ports.values()):
            assert all(base + 11 <= port <= base + 110 for port in own[2:]), (bases, ports)
        tried += 1
    assert tried or not is_free(FIRST), "no pair could be tried"
