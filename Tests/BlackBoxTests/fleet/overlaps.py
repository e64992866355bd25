"""Known overlaps: each plants one in a host of default, a and b, and says what must be found between whom."""

from __future__ import annotations

import os
import shutil

TOKEN = "123456:AAplanted-bot-token-of-two-gateways"


def telegram(token: str = TOKEN) -> dict:
    return {"channels": {"telegram": {"botToken": token}}}


def both(config_a: dict, config_b: dict | None = None):
    def plant(host):
        host.change("a", config_a)
        host.change("b", config_b if config_b is not None else config_a)
    return plant


def token_from_variables(host):
    for name, variable in (("a", "BOT"), ("b", "OTHER_BOT")):
        host.change(name, telegram("${%s}" % variable))
        host.write(host.state(name) / ".env", f"{variable}={TOKEN}\n")


def token_file(host):
    for name in ("a", "b"):
        file = host.write(host.state(name) / "credentials/token.txt", TOKEN + "\n")
        host.change(name, {"channels": {"telegram": {"tokenFile": str(file)}}})


def workspace(name: str, path):
    def plant(host):
        host.change(name, {"agents": {"defaults": {"workspace": str(path(host))}}})
    return plant


def two_workspaces(inner: str):
    def plant(host):
        host.change("a", {"agents": {"defaults": {"workspace": str(host.home.root / "work")}}})
        host.change("b", {"agents": {"defaults": {"workspace": str(host.home.root / inner)}}})
    return plant


def agent_workspace(host):
    path = str(host.state("a") / "workspace-a")
    host.change("b", {"agents": {"list": [{"id": "main"}, {"id": "second", "workspace": path}]}})


def linked_workspace(host):
    (host.state("a") / "workspace-a").mkdir()
    os.symlink(host.state("a") / "workspace-a", host.state("b") / "workspace-b")


def link(inside: str):
    def plant(host):
        shutil.rmtree(host.state("b") / inside)
        os.symlink(host.state("a") / inside, host.state("b") / inside)
    return plant


def linked_config(host):
    (host.state("b") / "jarvis.json").unlink()
    os.symlink(host.state("a") / "jarvis.json", host.state("b") / "jarvis.json")


def hard_link(inside: str):
    def plant(host):
        host.write(host.state("a") / inside, "{}")
        target = host.state("b") / inside
        target.unlink(missing_ok=True)
        os.link(host.state("a") / inside, target)
    return plant


def linked_state(host):
    shutil.rmtree(host.state("b"))
    os.symlink(host.state("a"), host.state("b"))


def copied(host):
    shutil.rmtree(host.state("b"))
    shutil.copytree(host.state("a"), host.state("b"))
    host.change("b", {"gateway": {"port": host.port("b")}})


def foreign_unit(host):
    host.unit("jarvis-gateway-b.service", profile="a", instance_id=host.ids["a"], state=host.state("a"))


def divided_unit(host):
    host.unit("jarvis-gateway-a.service", profile="a", instance_id=host.ids["a"], state=host.state("b"))


def unit_port(host):
    host.unit("jarvis-gateway-a.service", profile="a", instance_id=host.ids["a"], state=host.state("a"),
              arguments=f"gateway --port {host.port('b')}")


def unit_config(host):
    host.unit("jarvis-gateway-a.service", profile="a", instance_id=host.ids["a"], state=host.state("a"),
              config=host.state("b") / "jarvis.json")


def pinned(port_of):
    def plant(host):
        host.change("b", {"browser": {"profiles": {"work": {"cdpPort": port_of(host), "color": "#0066CC"}}}})
    return plant


def ports(base_of):
    def plant(host):
        host.change("b", {"gateway": {"port": base_of(host)}})
    return plant


def shared_path(make):
    def plant(host):
        for name in ("a", "b"):
            host.change(name, make(str(host.home.root / "shared")))
    return plant


REMOTE = {"browser": {"profiles": {"far": {"cdpUrl": "https://browser.example:9222/x", "color": "#0066CC"}}}}

# name: (plant, kind, the two owners)
KNOWN = {
    "one bot token": (both(telegram()), "identity", "ab"),
    "one bot token behind two variables": (token_from_variables, "identity", "ab"),
    "one bot token, once in an account": (
        both(telegram(), {"channels": {"telegram": {"accounts": {"second": {"botToken": TOKEN}}}}}), "identity", "ab"),
    "one bot token in two files": (token_file, "identity", "ab"),
    "one bot token with blanks around": (both(telegram(), telegram(f" {TOKEN} ")), "identity", "ab"),
    "one discord token": (both({"channels": {"discord": {"token": "discord-token-0123456789"}}}), "identity", "ab"),
    "one slack app token": (
        both({"channels": {"slack": {"appToken": "xapp-1", "botToken": "xoxb-1"}}},
             {"channels": {"slack": {"appToken": "xapp-1", "botToken": "xoxb-2"}}}), "identity", "ab"),
    "one signal number": (both({"channels": {"signal": {"account": "+49301234567"}}}), "identity", "ab"),
    "one base port": (ports(lambda h: h.port("a")), "port", "ab"),
    "base ports 1 apart": (ports(lambda h: h.port("a") + 1), "port", "ab"),
    "base ports 19 apart": (ports(lambda h: h.port("a") + 19), "port", "ab"),
    "a browser port that is a base port": (pinned(lambda h: h.port("a")), "port", "ab"),
    "a browser port that is a control port": (pinned(lambda h: h.port("a") + 2), "port", "ab"),
    "one browser port": (
        both({"browser": {"profiles": {"x": {"cdpPort": 31999, "color": "#0066CC"}}}},
             {"browser": {"profiles": {"y": {"cdpPort": 31999, "color": "#0066CC"}}}}), "port", "ab"),
    "a browser address that is a browser port": (
        both({"browser": {"profiles": {"x": {"cdpPort": 31998, "color": "#0066CC"}}}},
             {"browser": {"profiles": {"y": {"cdpUrl": "http://127.0.0.1:31998", "color": "#0066CC"}}}}), "port", "ab"),
    "one remote browser": (both(REMOTE), "cdpUrl", "ab"),
    "one workspace": (two_workspaces("work"), "workspace", "ab"),
    "a workspace in a workspace": (two_workspaces("work/inner"), "workspace", "ab"),
    "a workspace in a state directory": (workspace("b", lambda h: h.state("a") / "workspace-a"), "workspace", "ab"),
    "a workspace around everything": (workspace("b", lambda h: h.home.root), "workspace", "ab"),
    "an agent in a sibling's workspace": (agent_workspace, "workspace", "ab"),
    "a workspace that is a link": (linked_workspace, "workspace", "ab"),
    "one configuration by a link": (linked_config, "config", "ab"),
    "one configuration by a second name": (hard_link("jarvis.json"), "config", "ab"),
    "one state directory by a link": (linked_state, "state", "ab"),
    "credentials that are a link": (link("credentials"), "state", "ab"),
    "a store that is a link": (link("store"), "state", "ab"),
    "a credential with a second name": (hard_link("credentials/oauth.json"), "path", "ab"),
    "a copied directory": (copied, "instanceId", "ab"),
    "one log file": (shared_path(lambda p: {"logging": {"file": p + ".log"}}), "log", "ab"),
    "one browser's data": (shared_path(lambda p: {"browser": {"userDataDir": p}}), "browser", "ab"),
    "one login of a channel": (shared_path(lambda p: {"channels": {"whatsapp": {"authDir": p}}}), "path", "ab"),
    "one canvas": (shared_path(lambda p: {"canvasHost": {"root": p}}), "path", "ab"),
    "a unit of one under the name of the other": (foreign_unit, "unit", "ab"),
    "a unit with the id of one and the state of the other": (divided_unit, "unit", "ab"),
    "a unit with a sibling's port": (unit_port, "port", "ab"),
    "a unit with a sibling's configuration": (unit_config, "config", "ab"),
    "one publication": (both({"gateway": {"tailscale": {"mode": "serve"}}}), "name", "ab"),
    "one container name": (
        both({"agents": {"defaults": {"sandbox": {"docker": {"containerPrefix": "box-"}}}}}), "name", "ab"),
    "one web hook port": (both({"channels": {"telegram": {"webhookPort": 31997}}}), "port", "ab"),
}
