"""A restart or stop has a ticket, and its outcome can be asked for later."""

import json
import signal
import subprocess
import uuid

from support.gateway import base_config, merge
from support.model import Echo
from support.ports import wait_until
from support.rpc import Closed, Rpc, RpcError
from websockets.exceptions import InvalidHandshake


def journal(it):
    return json.loads((it.state / "run/restart.json").read_text())["tickets"]


def back(it):
    try:
        with Rpc(it.ws_url, token=it.token) as client:
            return client.hello["server"]["bootId"]
    except (OSError, Closed, RpcError, InvalidHandshake):
        return None


def test_a_restart_is_told_by_the_boot_that_follows(gateway):
    it = gateway()
    client = it.client()
    boot = client.hello["server"]["bootId"]
    answer = client.call("gateway.restart", {"reason": "because"})
    assert answer["accepted"] is True and answer["state"] == "accepted" and answer["reason"] == "because"
    assert answer["before"]["bootId"] == boot and answer["before"]["pid"] == it.pid
    wait_until(lambda: back(it) not in (None, boot), 20, "another boot")
    ticket = wait_until(lambda: (t := journal(it)[-1])["state"] != "accepted" and t, 10, "the outcome")
    assert ticket["ticket"] == answer["ticket"] and ticket["state"] == "done"
    assert ticket["after"]["bootId"] == back(it) != boot
    assert ticket["after"]["pid"] == it.pid
    assert it.client().call("gateway.ticket", {"ticket": answer["ticket"]})["state"] == "done"
    shown = it.cli_json("gateway", "restart", "--ticket", answer["ticket"], "--json")
    assert shown["state"] == "done" and shown["after"]["bootId"] == ticket["after"]["bootId"]
    assert it.cli("gateway", "restart", "--ticket", "r-nothere").returncode == 2


def test_the_same_request_gets_the_same_ticket(gateway):
    it = gateway()
    client = it.client()
    first = client.call("gateway.restart", {"delayMs": 1500})
    second = it.client().call("gateway.restart", {})
    assert second["ticket"] == first["ticket"] and second["alreadyPending"] is True
    boot = first["before"]["bootId"]
    wait_until(lambda: back(it) not in (None, boot), 20, "another boot")
    assert [t["action"] for t in journal(it)] == ["restart"]


def test_a_stop_takes_the_place_of_a_restart_that_waits(gateway):
    it = gateway()
    client = it.client()
    restart = client.call("gateway.restart", {"delayMs": 60_000})
    stop = client.call("gateway.stop", {})
    assert stop["accepted"] is True
    assert it.wait() == 0
    states = {t["ticket"]: t["state"] for t in journal(it)}
    assert states == {restart["ticket"]: "superseded", stop["ticket"]: "done"}


def test_a_restart_that_would_not_come_up_is_refused(gateway):
    it = gateway(config={"gateway": {"reload": {"mode": "off"}}})
    config = json.loads((it.state / "jarvis.json").read_text())
    config["gateway"]["mode"] = "remote"
    (it.state / "jarvis.json").write_text(json.dumps(config))
    answer = it.client().call("gateway.restart", {})
    assert answer["accepted"] is False and answer["state"] == "refused" and answer["ok"] is False
    assert answer["error"]["code"] == "gateway.mode"
    assert it.get("/readyz")[0] == 200
    assert journal(it)[-1]["state"] == "refused"
    result = it.cli("gateway", "restart", "--json")
    assert result.returncode == 1 and json.loads(result.stdout)["ticket"]["state"] == "refused"


def test_a_config_change_says_that_the_restart_was_refused(gateway):
    """`config set` must not say “restarts to apply it” when the gateway refuses to."""
    it = gateway()
    boot = back(it)
    answer = it.cli_json("config", "set", "gateway.mode", "remote", "--json")
    assert answer["live"] == "refused" and answer["refusal"]["code"] == "gateway.mode"
    it.cli("config", "undo", answer["undoId"])
    result = it.cli("config", "set", "gateway.mode", "remote")
    assert "restarts to apply" not in result.stdout and "would not start again" in result.stdout
    assert back(it) == boot


def test_a_config_change_that_restarts_says_so(gateway):
    it = gateway()
    boot = back(it)
    answer = it.cli_json("config", "set", "gateway.controlUi.basePath", "/ui", "--json")
    if answer["live"] == "restarting":
        wait_until(lambda: back(it) not in (None, boot), 20, "another boot")
        wait_until(lambda: journal(it)[-1]["state"] == "done", 10, "the outcome")
        assert journal(it)[-1]["requestedBy"] == "config"


def test_sigusr1_has_a_ticket_too(gateway):
    it = gateway()
    boot = back(it)
    it.process.send_signal(signal.SIGUSR1)
    wait_until(lambda: back(it) not in (None, boot), 20, "another boot")
    ticket = wait_until(lambda: (t := journal(it)[-1])["state"] == "done" and t, 10, "the outcome")
    assert ticket["requestedBy"] == "signal"


def test_the_command_waits_for_the_outcome(gateway):
    it = gateway()
    boot = back(it)
    answer = it.cli_json("gateway", "restart", "--json")
    assert answer["ok"] is True
    assert back(it) not in (None, boot)
    assert it.cli_json("gateway", "stop", "--json")["ok"] is True
    assert it.wait() == 0


def test_a_failed_start_ends_the_ticket(gateway):
    """Configured well when it was asked, and not any more when it comes up."""
    it = gateway(config={"gateway": {"reload": {"mode": "off"}}})
    client = it.client()
    answer = client.call("gateway.restart", {"delayMs": 1000})
    config = merge(base_config(it.port), {"gateway": {"mode": "remote"}})
    (it.state / "jarvis.json").write_text(json.dumps(config))
    assert it.wait(30) == 1
    ticket = journal(it)[-1]
    assert ticket["ticket"] == answer["ticket"] and ticket["state"] == "failed"
    assert ticket["error"]["code"] == "gateway.mode"


def test_a_stop_signal_during_a_restart_stops(gateway, scripted_model):
    """The signal of a service manager must not get lost between two boots."""
    scripted_model.on("take your time", Echo(chunks=40, delay=0.25))
    it = gateway()
    client = it.client()
    key = str(uuid.uuid4())
    client.call("chat.send", {"sessionKey": "main", "message": "take your time", "idempotencyKey": key})
    ticket = client.call("gateway.restart", {})
    client.wait_event("shutdown")
    it.process.send_signal(signal.SIGTERM)
    assert it.wait() == 0
    assert {t["ticket"]: t["state"] for t in journal(it)} == {ticket["ticket"]: "superseded"}


def test_many_at_once_share_one_restart(gateway):
    it = gateway()
    pid = it.pid
    words = [*it.command()[:1], "gateway", "restart", "--json"]
    asked = [
        subprocess.Popen(words, env=it.home.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)]
    answers = [process.communicate(timeout=60) for process in asked]
    assert all(process.returncode == 0 for process in asked), answers
    assert it.pid == pid and it.get("/readyz")[0] == 200
    assert all(t["state"] == "done" for t in journal(it))
