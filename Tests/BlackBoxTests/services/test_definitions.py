"""What is written for each service manager, read by the manager's own format."""

from __future__ import annotations

import json
import plistlib
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def preview(home, manager, profile=None, env=None):
    flags = ["--profile", profile] if profile else []
    home.json(*flags, "setup", "--json", env=env)
    report = home.json(*flags, "gateway", "install", "--dry-run", "--supervisor", manager, "--json", env=env)
    return report, [file["content"] for file in report["files"]]


def identity(home, profile=None):
    return json.loads((home.state(profile) / "instance.json").read_text())["instanceId"]


@pytest.mark.parametrize("profile", [None, "rescue", "a_b-c"])
def test_launchd(home, profile, tmp_path):
    report, (text,) = preview(home, "launchd", profile)
    plist = plistlib.loads(text.encode())
    assert plist["Label"] == f"ai.jarvis.{profile or 'gateway'}"
    assert report["files"][0]["path"] == str(home.root / f"Library/LaunchAgents/{plist['Label']}.plist")
    assert plist["RunAtLoad"] is True and plist["ThrottleInterval"] == 60 and plist["KeepAlive"] == {"SuccessfulExit": False}
    assert plist["ProgramArguments"][1:] == ["gateway"] and plist["ProgramArguments"][0].startswith("/")
    variables = plist["EnvironmentVariables"]
    assert variables["JARVIS_PROFILE"] == (profile or "default")
    assert variables["JARVIS_INSTANCE_ID"] == identity(home, profile)
    assert variables["JARVIS_STATE_DIR"] == str(home.state(profile))
    assert plist["StandardErrorPath"] == str(home.state(profile) / "logs/gateway.err.log")
    if plutil := shutil.which("plutil"):
        path = tmp_path / "job.plist"
        path.write_text(text)
        assert subprocess.run([plutil, "-lint", str(path)], capture_output=True).returncode == 0


@pytest.mark.parametrize("profile", [None, "rescue"])
def test_task_scheduler(home, profile):
    report, (script, task) = preview(home, "schtasks", profile)
    assert report["service"]["name"] == ("JARVIS Gateway (rescue)" if profile else "JARVIS Gateway")
    root = ElementTree.fromstring(task)
    find = lambda path: root.find("/".join(NAMESPACE + part for part in path.split("/")))
    assert root.tag == NAMESPACE + "Task" and root.get("version") == "1.2"
    assert find("Triggers/LogonTrigger/Enabled").text == "true"
    assert find("Principals/Principal/RunLevel").text == "LeastPrivilege"
    assert find("Settings/ExecutionTimeLimit").text == "PT0S"
    assert find("Actions/Exec/Command").text == str(home.state(profile) / "gateway.cmd")
    assert [child.tag.removeprefix(NAMESPACE) for child in root] == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    lines = script.split("\r\n")
    assert lines[0] == "@echo off" and "\n" not in script.replace("\r\n", "")
    assert f'set "JARVIS_INSTANCE_ID={identity(home, profile)}"' in lines
    assert lines[-3].endswith(' gateway') and lines[-2] == "exit /b %errorlevel%"


@pytest.mark.parametrize("manager", ["systemd", "systemd-system", "launchd", "schtasks"])
def test_the_same_instance_gives_the_same_text(home, manager):
    first = preview(home, manager, "rescue")[1]
    noise = {"LANG": "de_DE.UTF-8", "HTTP_PROXY": "http://proxy.example:1", "OPENAI_API_KEY": "sk-noise", "SSH_AUTH_SOCK": "/tmp/noise"}
    assert preview(home, manager, "rescue", env=noise)[1] == first
    token = home.read_config("rescue")["gateway"]["auth"]["token"]
    assert not [text for text in first if token in text]


def test_a_dry_run_changes_nothing(home):
    preview(home, "systemd", "rescue")
    assert not (home.root / ".config").exists() and not (home.root / "Library").exists()


def test_strange_places_are_quoted(home):
    """Blanks, quotes, percent and dollar signs in paths survive in every format."""
    state = home.root / "sta te %h $HOME 'x' \"y\" ü&<"
    env = {"JARVIS_STATE_DIR": str(state)}
    (text,) = preview(home, "launchd", env=env)[1]
    assert plistlib.loads(text.encode())["EnvironmentVariables"]["JARVIS_STATE_DIR"] == str(state)
    report, (unit,) = preview(home, "systemd", env=env)
    assert report["service"]["stateDir"] == str(state)  # as it is read back from the text
    assert "%h" not in unit.replace("%%h", "")


@pytest.mark.parametrize("version,steps", [(252, False), (254, True), (257, True)])
def test_delays_grow_where_systemd_can(home, version, steps):
    """Older ones would complain about the key, and get a limit of starts instead."""
    folder = home.root / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text(f"#!/bin/sh\necho 'systemd {version} ({version}.1-1)'\n")
    (folder / "systemctl").chmod(0o755)
    (text,) = preview(home, "systemd", env={"PATH": f"{folder}:/usr/bin:/bin"})[1]
    assert ("RestartSteps=6" in text, "RestartMaxDelaySec=300" in text) == (steps, steps)
    assert ("StartLimitIntervalSec=0" in text) == steps and ("StartLimitBurst=30" in text) != steps
    for line in ("RestartSec=5", "Restart=on-failure", "RestartPreventExitStatus=78", "KillMode=mixed", "Type=notify", "WatchdogSec=60",
                 "After=network-online.target", "Wants=network-online.target", "NoNewPrivileges=yes"):
        assert line in text.splitlines(), line


def test_a_host_directory_of_its_own_goes_along(home):
    """Else the service and the commands would keep two lease tables."""
    (text,) = preview(home, "systemd", env={"XDG_STATE_HOME": str(home.root / "elsewhere")})[1]
    assert f"Environment=JARVIS_HOST_DIR={home.root}/elsewhere/jarvis/host" in text
    assert "JARVIS_HOST_DIR" not in preview(home, "systemd", "other")[1][0]
