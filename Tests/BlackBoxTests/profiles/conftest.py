"""Homes with a full profile, and what must never change in it."""

import json

import pytest
from support import trace
from support.home import tree

CONFIG = """// the owner's own words
{
  gateway: { mode: "local", port: 20400, auth: { mode: "token", token: "source-token-0123456789" } }, // keep me
  channels: {
    telegram: { enabled: true, botToken: "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc", allowFrom: ["42"] },
    irc: { nick: "helper", host: "irc.example.org", port: 6697, password: "${IRC_PASS}" },
  },
  models: { providers: { x: { baseUrl: "http://127.0.0.1:9/v1", apiKey: "${X_KEY}", models: [{ id: "m" }] } } },
  env: { vars: { X_KEY: "sk-model-key-0123456789", OTHER: "another-0123456789" } },
  agents: {
    defaults: { workspace: "%(state)s/workspace-main", model: "x/m" },
    list: [{ id: "main" }, { id: "work", workspace: "~/.jarvis-main/workspace-work" }],
  },
  logging: { file: "%(home)s/elsewhere.log" },
}
"""

# What a running gateway, SQLite and the clock change by themselves; the lock comes with the journal's first entry.
RUNTIME = ("run", "logs", "store", "config", ".jarvis.json.lock")


def whole_tree(root, skip=()):
    return tree(root, lambda path: any(part in path.relative_to(root).parts for part in skip))


@pytest.fixture
def source(home):
    """A profile `main` with everything that a copy must treat with care."""
    made = home.run("profile", "create", "main", "--port", "20400")
    assert made.returncode == 0, made.stderr
    state = home.state("main")
    home.write_config(CONFIG % {"state": state, "home": home.root}, "main")
    (state / ".env").write_text("X_KEY=sk-from-env-0123456789\nIRC_PASS=irc-password-0123\nEXTRA=1\n")
    (state / "workspace-work").mkdir()
    (state / "workspace-work/plan.md").write_text("the plan\n")
    (state / "workspace-main/notes").mkdir()
    (state / "workspace-main/notes/a.md").write_text("a note\n")
    tool = state / "workspace-main/tool.sh"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o700)
    for name in ("devices", "identity", "credentials", "run", "logs"):
        (state / name).mkdir(exist_ok=True)
        (state / name / "private.json").write_text('{"secret": "device-secret-0123456789"}')
    return home


def identity(home, profile):
    return json.loads((home.state(profile) / "instance.json").read_text())["instanceId"]


def leftovers(home):
    return [path.name for path in home.root.iterdir() if ".staging-" in path.name or ".removing-" in path.name]


@pytest.fixture(scope="session")
def strace():
    if not trace.available():
        pytest.skip("this machine does not allow strace")
    return trace
