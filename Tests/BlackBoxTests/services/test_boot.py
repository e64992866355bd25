"""Services across logout and reboot, on a machine with a systemd of its own."""

from __future__ import annotations

import pytest
from support.bootedhost import machine  # noqa: F401  (fixture)

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

# `as USER …` is a shell without the variables of a session, as over SSH without a login manager.
PRELUDE = """
as() { local user=$1; shift; setpriv --reuid $user --regid $(id -g $user) --init-groups env -i HOME=/home/$user USER=$user \
    PATH=/usr/bin:/bin NO_COLOR=1 "$@"; }
wait_for() { for i in $(seq 300); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.1; done; echo "NOT WITHIN 30 s: $*"; return 1; }
same() { [ "$1" = "$2" ] || { echo "EXPECTED $3: '$1' = '$2'"; exit 1; }; }
"""


def test_pain_44_a_users_service_survives_logout_and_reboot(machine):
    """Without linger the one exact command is printed; after it the gateway runs without a session, and at boot."""
    first = machine.boot(PRELUDE + """
    useradd -m ada
    as ada $JARVIS setup >/dev/null || exit 1
    # No session, no linger: there is no user manager at all.
    out=$(as ada $JARVIS gateway install 2>&1); same $? 1 "refused without a manager"
    echo "$out" | grep -q "sudo loginctl enable-linger ada" || { echo "NO EXACT COMMAND: $out"; exit 1; }
    loginctl enable-linger ada
    wait_for test -S /run/user/$(id -u ada)/bus || exit 1
    as ada $JARVIS gateway install || exit 1
    as ada $JARVIS gateway install | grep -q enable-linger && { echo "STILL ASKS FOR LINGER"; exit 1; }
    as ada $JARVIS health || exit 1
    """)
    assert first.returncode == 0, first.stdout + first.stderr
    second = machine.boot(PRELUDE + """
    wait_for as ada $JARVIS health || { as ada $JARVIS gateway status; exit 1; }
    as ada $JARVIS gateway status --json
    """)
    assert second.returncode == 0, second.stdout + second.stderr
    assert '"systemd-user"' in second.stdout


def test_a_user_without_linger_is_told_once(machine):
    """A manager that lives as long as the session: the service is installed, and the command that keeps it is printed."""
    told = machine.boot(PRELUDE + """
    useradd -m ada
    as ada $JARVIS setup >/dev/null || exit 1
    systemctl start user@$(id -u ada)
    wait_for test -S /run/user/$(id -u ada)/bus || exit 1
    out=$(as ada $JARVIS gateway install); same $? 0 "installed"
    echo "$out" | grep -q "sudo loginctl enable-linger ada" || { echo "NO NOTE: $out"; exit 1; }
    loginctl enable-linger ada
    as ada $JARVIS gateway install | grep -q enable-linger && { echo "STILL ASKS FOR LINGER"; exit 1; }
    true
    """)
    assert told.returncode == 0, told.stdout + told.stderr


def test_a_service_of_the_machine_runs_as_the_owner_and_at_boot(machine):
    first = machine.boot(PRELUDE + """
    useradd -m ada
    as ada $JARVIS --profile work setup >/dev/null || exit 1
    root() { env HOME=/root JARVIS_HOME=/home/ada NO_COLOR=1 "$@"; }
    as ada $JARVIS --profile work gateway install --system 2>&1 | grep -q "sudo env JARVIS_HOME=/home/ada" || { echo "NO WORD ABOUT ROOT"; exit 1; }
    root $JARVIS --profile work gateway install --system || exit 1
    same "$(stat -c %U /home/ada/.jarvis-work/instance.json)" ada "owner"
    same "$(find /home/ada -user root | head -3)" "" "root made nothing in the home"
    same "$(ps -o user= -p $(systemctl show -P MainPID jarvis-gateway-work))" ada "the process's user"
    systemctl show -P Environment jarvis-gateway-work | grep -q "HOME=/home/ada " || { echo "WRONG HOME"; exit 1; }
    systemd-analyze verify /etc/systemd/system/jarvis-gateway-work.service 2>&1 | grep jarvis && exit 1
    # The same instance in the user's domain is refused, with the command that removes the other one.
    loginctl enable-linger ada; wait_for test -S /run/user/$(id -u ada)/bus || exit 1
    out=$(as ada $JARVIS --profile work gateway install 2>&1); same $? 2 "second domain"
    echo "$out" | grep -q "/etc/systemd/system/jarvis-gateway-work.service" || { echo "$out"; exit 1; }
    echo "$out" | grep -q "sudo env JARVIS_HOME=/home/ada jarvis --profile work gateway uninstall" || { echo "$out"; exit 1; }
    test ! -e /home/ada/.config/systemd/user/jarvis-gateway-work.service
    """)
    assert first.returncode == 0, first.stdout + first.stderr
    second = machine.boot(PRELUDE + """
    wait_for as ada $JARVIS --profile work health || { systemctl status jarvis-gateway-work; exit 1; }
    env HOME=/root JARVIS_HOME=/home/ada $JARVIS --profile work gateway restart || exit 1
    env HOME=/root JARVIS_HOME=/home/ada $JARVIS --profile work gateway uninstall || exit 1
    test ! -e /etc/systemd/system/jarvis-gateway-work.service && test -e /home/ada/.jarvis-work/instance.json
    """)
    assert second.returncode == 0, second.stdout + second.stderr


def test_root_without_a_session_is_told_about_the_machines_manager(machine):
    told = machine.boot(PRELUDE + """
    export HOME=/root
    $JARVIS setup >/dev/null || exit 1
    out=$($JARVIS gateway install 2>&1); same $? 1 "refused"
    echo "$out" | grep -q -e "gateway install --system" || { echo "$out"; exit 1; }
    $JARVIS gateway install --system || exit 1
    $JARVIS gateway status || exit 1
    """)
    assert told.returncode == 0, told.stdout + told.stderr
