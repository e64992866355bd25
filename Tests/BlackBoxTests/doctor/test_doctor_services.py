"""`doctor` beside a real service manager: what is installed is compared, and a sibling's unit stays as it is."""

import json

import pytest
from support.ownhost import OwnHost, why_not

SCRIPT = r"""
set -u
report() { echo "== $1"; shift; "$@"; echo; echo "exit $?"; }
units=~/.config/systemd/user
jarvis setup >/dev/null; jarvis --profile b setup >/dev/null
jarvis gateway install >/dev/null 2>&1; jarvis --profile b gateway install >/dev/null 2>&1
cat $units/jarvis-gateway.service > ~/sibling; cat $units/jarvis-gateway-b.service > ~/original
pid() { systemctl --user show -P MainPID "$1"; }
sibling=$(pid jarvis-gateway)
echo "== installed"; jarvis doctor --all --json
echo "== edited"; sed -i 's/^Description=.*/Description=edited/' $units/jarvis-gateway-b.service; jarvis --profile b doctor --fix --yes --json
grep -c Description=edited $units/jarvis-gateway-b.service > ~/kept
echo "== forced"; jarvis --profile b doctor --fix --force --yes --json
cmp $units/jarvis-gateway-b.service ~/original && touch ~/restored
echo "== again"; jarvis --profile b doctor --fix --force --yes --json
cmp $units/jarvis-gateway.service ~/sibling && [ "$(pid jarvis-gateway)" = "$sibling" ] && touch ~/untouched
systemctl --user stop jarvis-gateway-b
echo "== stopped"; jarvis --profile b doctor --json
echo "== sibling"; jarvis doctor --json
true
"""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.skipif(why_not(systemd=True) is not None, reason=str(why_not(systemd=True)))
def test_units_are_compared_and_written_anew_when_asked(jarvis_binary):
    host = OwnHost(systemd=True)
    try:
        result = host.run("bash", "-c", SCRIPT, timeout=240)
        parts = result.stdout.split("== ")[1:]
        said = {}
        for part in parts:
            name, text = part.split("\n", 1)
            said[name] = json.loads(text)
        found = {
            name: {finding["id"]: finding for instance in document["instances"] for finding in instance["findings"]}
            for name, document in said.items()}
        assert "gateway.running" in found["installed"] and "service.outdated" not in found["installed"]
        assert not any(f["severity"] == "error" for f in found["installed"].values())
        assert "edited by hand" in found["edited"]["service.outdated"]["message"] and said["edited"]["applied"] == []
        assert (host.home / "kept").read_text().strip() == "1"
        assert [plan["id"] for plan in said["forced"]["applied"]] == ["service.outdated"]
        assert (host.home / "restored").exists() and "service.outdated" not in found["forced"]
        assert said["again"]["applied"] == []
        assert (host.home / "untouched").exists(), "the sibling's unit or process is another one"
        assert found["stopped"]["gateway.down"]["severity"] == "error"
        assert "gateway.running" in found["sibling"] and "gateway.down" not in found["sibling"]
    finally:
        host.remove()

CLOSED = r"""
jarvis setup >/dev/null; jarvis --profile b setup >/dev/null
chmod 000 ~/.jarvis-b
echo "== closed"; jarvis --profile b doctor --json
echo "== opened"; jarvis --profile b doctor --fix --yes --json
stat -c %a ~/.jarvis-b > ~/mode
true
"""


@pytest.mark.skipif(why_not(systemd=False) is not None, reason=str(why_not(systemd=False)))
def test_a_directory_that_is_closed_to_its_owner_is_opened(jarvis_binary):
    """Not as root, whom no mode stops."""
    host = OwnHost(systemd=False)
    try:
        result = host.run("bash", "-c", CLOSED, timeout=60)
        said = dict(part.split("\n", 1) for part in result.stdout.split("== ")[1:])
        closed, opened = json.loads(said["closed"]), json.loads(said["opened"])
        assert {f["id"] for f in closed["instances"][0]["findings"]} == {"state.unwritable", "permissions.open"}
        assert opened["ok"] is True and opened["applied"][0]["undoId"]
        assert (host.home / "mode").read_text().strip() == "700"
    finally:
        host.remove()
