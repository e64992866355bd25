"""A host for one test: a new user with a home, private loopback, processes and crontabs; with or without a real service manager.

Everything that a test starts in it, daemons and services too, ends with it.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path

from support.paths import jarvis_binary

# As root, in namespaces of its own: loopback up, the service manager's places, then the command as the user.
INSIDE = r"""
set -eu
mount --make-rprivate /
python3 - <<'PY'
import fcntl, socket, struct
with socket.socket() as s:
    fcntl.ioctl(s, 0x8914, struct.pack('16sh', b'lo', 0x1 | 0x40))
PY
mkdir -p /run/user /var/spool
mount -t tmpfs -o mode=755 tmpfs /run/user
mount -t tmpfs -o mode=755 tmpfs /var/spool; mkdir -p -m 1777 /var/spool/cron/crontabs
install -d -m 700 -o "$U" /run/user/$ID
if [ "$SYSTEMD" = 1 ]; then
    mkdir -p /run/systemd; mount -t tmpfs -o mode=755 tmpfs /run/systemd; mkdir -p /run/systemd/system
    mkdir -p /var/lib/systemd; mount -t tmpfs -o mode=755 tmpfs /var/lib/systemd
    [ "$LINGERS" = 0 ] || { mkdir /var/lib/systemd/linger; touch "/var/lib/systemd/linger/$U"; }
    mount -t cgroup2 none /sys/fs/cgroup
    D=/sys/fs/cgroup/user-$ID; mkdir -p $D
    chown "$U" $D $D/cgroup.procs $D/cgroup.subtree_control $D/cgroup.threads
    echo $$ > $D/cgroup.procs
    BUS="XDG_RUNTIME_DIR=/run/user/$ID DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$ID/bus"
else
    if [ -d /run/systemd ]; then mount -t tmpfs -o mode=755 tmpfs /run/systemd; fi
    BUS=""
fi
exec setpriv --reuid "$U" --regid "$(id -g "$U")" --init-groups env -i HOME=$H USER=$U LOGNAME=$U SHELL=/bin/bash LANG=C.UTF-8 TZ=UTC \
    NO_COLOR=1 PATH="$H/.local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" LD_LIBRARY_PATH="$LIBRARIES" $BUS \
    bash -c '
cd ~
[ -n "$LD_LIBRARY_PATH" ] || unset LD_LIBRARY_PATH
if [ '"$SYSTEMD"' = 1 ]; then
    /lib/systemd/systemd --user --log-target=console --log-level=notice 2>systemd.log & SD=$!
    for i in $(seq 200); do systemctl --user is-system-running >/dev/null 2>&1 && break; sleep .05; done
fi
rc=0; "$@" || rc=$?
if [ '"$SYSTEMD"' = 1 ]; then kill $SD; wait $SD || true; fi
exit $rc' sh "$@"
"""


def why_not(systemd: bool) -> str | None:
    """Why this machine cannot give such a host; nil when it can."""
    if os.geteuid() != 0:
        return "needs root: namespaces and a user of its own"
    for tool in ("unshare", "setpriv", "useradd"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "--net", "true"], capture_output=True).returncode != 0:
        return "this machine does not allow namespaces"
    if systemd and not (Path("/lib/systemd/systemd").exists() and shutil.which("dbus-daemon")):
        return "systemd or its bus is not installed (make setup)"
    return None


class OwnHost:
    """The host; `run` enters it once, `remove` takes everything away. `lingers`: the user's services outlive a login."""

    def __init__(self, systemd: bool, lingers: bool = True):
        self.systemd, self.lingers = systemd, lingers
        self.user = f"jbb{secrets.token_hex(3)}"
        parent = Path("/home") if Path("/home").is_dir() else Path(tempfile.gettempdir())
        self.home = parent / self.user
        subprocess.run(
            ["useradd", "--create-home", "--home-dir", str(self.home), "--shell", "/bin/bash", self.user], check=True, capture_output=True)
        self.account = pwd.getpwnam(self.user)
        binaries = self.home / ".local/bin"
        binaries.mkdir(parents=True)
        self.put(jarvis_binary(), ".local/bin/jarvis", 0o755)
        for path in (self.home / ".local", binaries):
            os.chown(path, self.account.pw_uid, self.account.pw_gid)
        self.group = None

    def put(self, source: Path, name: str, mode: int = 0o644) -> Path:
        """A copy of a file under the home."""
        path = self.home / name
        shutil.copy(source, path)
        path.chmod(mode)
        os.chown(path, self.account.pw_uid, self.account.pw_gid)
        return path

    def entered(self, *command: str) -> tuple[list[str], dict[str, str]]:
        """The command line and environment that run a command as the user in namespaces of its own, under a control group."""
        groups = Path("/sys/fs/cgroup/unified")
        groups = groups if groups.is_dir() else Path("/sys/fs/cgroup")
        self.group = groups / f"jarvis-test-{self.user}"
        entry = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--net", "--ipc", "--mount-proc"]
        if self.systemd:
            self.group.mkdir()
            entry.append("--cgroup")
        enter = f'[ "{int(self.systemd)}" = 0 ] || echo $$ > {self.group}/cgroup.procs; exec "$@"'
        environment = {
            "PATH": os.environ["PATH"], "U": self.user, "ID": str(self.account.pw_uid), "H": str(self.home),
            "SYSTEMD": str(int(self.systemd)), "LINGERS": str(int(self.lingers)), "LIBRARIES": os.environ.get("LD_LIBRARY_PATH", "")}
        return ["bash", "-c", enter, "enter", *entry, "bash", "-c", INSIDE, "inside", *command], environment

    def run(self, *command: str, timeout: float = 120) -> subprocess.CompletedProcess:
        """Runs a command in the host to its end; everything that it started ends with it."""
        words, environment = self.entered(*command)
        return subprocess.run(
            words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=timeout)

    def remove(self) -> None:
        if self.group and self.group.exists():
            for folder in sorted(self.group.rglob("*"), reverse=True):
                if folder.is_dir():
                    try:
                        folder.rmdir()
                    except OSError:
                        pass  # an emptied group goes a moment later, at the next boot at the latest
            try:
                self.group.rmdir()
            except OSError:
                pass
        subprocess.run(["userdel", "--force", self.user], capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)
