#!/usr/bin/env python3
"""Writes docs/pains.md: what goes wrong for people with several gateways, and the test that keeps each row right.

usage: pains.py [--check]

A test belongs to row NN when its name begins with `test_pain_NN_`; OLDER names more. A row without a test needs a reason in NOT_YET;
a row that has tests may name there what they do not cover. --check writes nothing and fails when the page is out of
date, when a row has neither, or when a test names a row that does not exist.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "Tests/BlackBoxTests"
PAGE = ROOT / "docs/pains.md"
MISSING = TESTS / "nowhere"
TEST = re.compile(r"^def (test_(?:pain_(\d\d)_)?\w+)\(", re.MULTILINE)

# The rows, in the order of how much harm they do. The numbers are permanent: tests are named after them.
ROWS = {
    1: "The asked-for profile loses to variables that another gateway's shell left behind",
    2: "A service command lands on a sibling's service",
    3: "Force or cleanup ends a process that was never proven",
    4: "State lands outside the profile",
    5: "Two gateways use one bot identity",
    6: "A service file without an identity, or overwritten by another's",
    7: "A command falls back to the default port and talks to the wrong gateway",
    8: "An update replaces files under gateways that run",
    9: "Two supervisors run one gateway",
    10: "Doctor calls healthy siblings rogue and offers to remove them",
    11: "Copied logins invalidate each other",
    12: "“Already running” is wrong: a stale file blocks a start, or a second copy starts",
    13: "Two gateways share a state directory by accident",
    14: "Derived ports collide",
    15: "One gateway's browser control reaches another's browser",
    16: "A clone copies what must be unique",
    17: "Names on the local network collide",
    18: "A rescue gateway has to be assembled by hand",
    19: "No truthful list of the gateways on this host",
    20: "A restart from inside a gateway leaves none, or two",
    21: "A gateway is down for hours and nobody is told",
    22: "One bad key keeps the gateway from starting",
    23: "An automatic restore loses good edits",
    24: "The configuration is overwritten by a stub",
    25: "Writers at the same time lose edits",
    26: "A failed update leaves the gateway stopped",
    27: "An update rewrites the operator's service settings",
    28: "A token that was copied into several places goes stale",
    29: "A page mixes two gateways",
    30: "Containers of two gateways collide",
    31: "Routes and other host-wide entries of a sibling are erased",
    32: "Add-ons assume the default profile",
    33: "A restart drops messages",
    34: "A restart repeats old messages",
    35: "A crash loop without brakes",
    36: "Too big for a small machine",
    37: "A slow start, a busy idle",
    38: "Every further gateway costs as much as the first",
    39: "A chat hangs on a lock",
    40: "The session store is damaged by a kill",
    41: "Logs and temporary files fill the disk",
    42: "Secrets end up in plain files",
    43: "A gateway is reachable from outside by accident",
    44: "A service on a host without a session ends at logout",
    45: "Children of a dead gateway pile up",
    46: "Uninstall or removal takes what is not its own",
    47: "Two users of one host get in each other's way",
    48: "A profile is taken for a wall",
    49: "Gateways cannot talk to each other",
    50: "No copy, move, export or import of a profile",
    51: "Nobody can tell whether a change is live, and where",
    52: "Profile names with surprises",
}

# Why a row has no test, or what its tests leave out.
NOT_YET = {
    5: "Channels come later; the lease that keeps an identity with one gateway is here.",
    8: "There is no updater yet. Versions side by side belong to it.",
    11: "There are no OAuth logins yet.",
    17: "Nothing is announced on the local network yet.",
    18: "The rescue link comes later; a second gateway is set up with one command.",
    21: "Watching a sibling belongs to the rescue link.",
    23: "Nothing is restored on its own yet: a change is undone by `config undo`, key by key.",
    26: "There is no updater yet.",
    27: "There is no updater yet; an operator's drop-ins are never touched.",
    30: "There are no sandbox containers yet.",
    31: "Nothing is published outside loopback by routes yet.",
    32: "There are no add-ons yet; the contract for other programs is `jarvis instances --json`.",
    36: "Measured, not tested: idle memory is P3 and P4 of `make bench`.",
    37: "Measured, not tested: start and idle wake-ups are P1 to P3 of `make bench`.",
    38: "Measured, not tested: fifty gateways are P4 of `make bench`. A common ceiling for all comes later.",
    48: "Said plainly in docs/multiple-gateways.md; walls between profiles come later.",
    49: "Messages between gateways come later.",
}

# Tests that keep a row right under a name of their own.
OLDER = {
    1: ["test_inherited_environment_of_a_sibling_does_not_win", "test_contradicting_environment_is_refused"],
    3: ["test_port_held_by_a_stranger"],
    4: ["test_decoy_home", "test_decoy_home_is_not_even_opened"],
    7: ["test_broken_runtime_file_beside_a_living_gateway"],
    12: ["test_takeover_after_kill", "test_stale_runtime_file_is_no_proof", "test_twenty_race_for_one_state"],
    13: ["test_second_gateway_on_the_same_state", "test_symlinked_state_is_the_same_state", "test_one_configuration_is_not_shared"],
    14: ["test_ports_too_close_to_a_running_sibling", "test_least_distance_between_siblings_works"],
    22: ["test_one_bad_section_does_not_stop_the_rest", "test_unknown_key_is_a_warning_with_a_suggestion",
         "test_a_broken_edit_does_not_stop_the_gateway", "test_no_restart_into_a_configuration_that_would_not_start"],
    24: ["test_writes_keep_mode_backups_and_journal"],
    25: ["test_base_hash_is_required_and_checked"],
    28: ["test_new_token_ends_the_old_one", "test_another_gateway_on_the_same_port_gets_no_token"],
    29: ["test_two_gateways_side_by_side_are_told_apart", "test_a_hello_of_another_instance_stops_the_page"],
    33: ["test_kill_storm", "test_acknowledged_means_durable", "test_a_restart_waits_for_the_answer"],
    34: ["test_kill_storm", "test_killed_at_every_step"],
    39: ["test_run_timeout", "test_silence_after_200_is_ended_by_the_deadline"],
    40: ["test_torn_files", "test_damaged_file", "test_confirmed_is_kept"],
    41: ["test_full_disk", "test_no_temporary_files_stay"],
    42: ["test_variables_stay_references", "test_secrets_stay_out_of_logs_and_process_list"],
    43: ["test_weak_credential_on_a_wide_bind", "test_listens_on_loopback_only"],
    45: ["test_no_children_stay", "test_kill_during_a_tool_call_leaves_no_orphan"],
    52: ["test_bad_profile_names", "test_profile_spellings", "test_unknown_profile_suggests_the_right_one"],
}


def tests() -> dict[int, list[tuple[str, Path]]]:
    """Tests by row, those named after it first, each in the order of its file."""
    found: dict[int, list[tuple[str, Path]]] = {}
    named: dict[str, Path] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, row in TEST.findall(path.read_text()):
            named[name] = path
            if row:
                found.setdefault(int(row), []).append((name, path))
    for row, names in OLDER.items():
        found.setdefault(row, []).extend((name, named.get(name, MISSING)) for name in names)
    return found


def page(found: dict[int, list[tuple[str, Path]]]) -> str:
    def link(name: str, path: Path) -> str:
        words = re.sub(r"^test_(pain_\d\d_)?", "", name).replace("_", " ")
        return f"[{words}](../{path.relative_to(ROOT)})"

    lines = [
        "<!-- Generated by scripts/pains.py from the names of the tests; edit there. -->",
        "# What goes wrong with several gateways, and the test for it",
        "",
        "Each row is something that hurts people who run more than one gateway on a host. Its tests drive the built"
        " binary; run one row with `make test-blackbox ARGS=\"-k test_pain_06\"`.",
        "",
        "| row | what goes wrong | tests | not covered yet |",
        "|---|---|---|---|",
    ]
    for row, title in ROWS.items():
        links = "<br>".join(link(name, path) for name, path in found.get(row, []))
        lines.append(f"| {row:02} | {title} | {links or '–'} | {NOT_YET.get(row, '')} |")
    covered = sum(row in found for row in ROWS)
    lines += ["", f"{covered} of {len(ROWS)} rows have tests, {len({name for tests in found.values() for name, _ in tests})} in all."]
    return "\n".join(lines) + "\n"


def main() -> int:
    arguments = sys.argv[1:]
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    found = tests()
    text = page(found)
    if not arguments:
        PAGE.write_text(text)
        print(f"pains: wrote {PAGE.relative_to(ROOT)}")
    wrong = [f"{path.relative_to(ROOT)}: {name}: there is no row {row:02}"
             for row in found if row not in ROWS for name, path in found[row]]
    wrong += [f"row {row:02} ({title}) has neither a test nor a reason in scripts/pains.py"
              for row, title in ROWS.items() if row not in found and row not in NOT_YET]
    wrong += [f"there is no test {name}, which scripts/pains.py names" for tests in found.values()
              for name, path in tests if path is MISSING]
    if arguments and (not PAGE.exists() or PAGE.read_text() != text):
        wrong.append("docs/pains.md is out of date; run python3 scripts/pains.py and commit the result")
    for line in wrong:
        print(f"pains: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
