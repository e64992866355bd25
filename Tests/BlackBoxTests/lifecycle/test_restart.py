"""The restart in place: the same process and port come back, and conversations go on."""

import json
import signal
import uuid

import pytest
from support.model import Echo
from support.ports import wait_until
from support.rpc import Closed, Rpc, RpcError, text_of


def by_signal(it, client):
    it.process.send_signal(signal.SIGUSR1)


def by_call(it, client):
    assert client.call("gateway.restart", {"reason": "test"})["ok"] is True


def by_operator(it, client):
    assert "yes" in text_of(client.chat("/restart", "main")["message"]).lower()
    client.call("chat.send", {"sessionKey": "main", "message": "yes", "idempotencyKey": str(uuid.uuid4())})


@pytest.mark.parametrize("ask", [by_signal, by_call, by_operator])
def test_restart_in_place(gateway, scripted_model, ask):
    it = gateway()
    pid = it.pid
    client = it.client()
    instance = client.hello["server"]["instanceId"]
    client.chat("before the restart")
    ask(it, client)
    assert "restart" in client.wait_event("shutdown").payload["reason"]
    assert client.wait_closed().code == 1012
    wait_until(lambda: ready(it), 20, "it is back")
    assert it.is_running()
    client = Rpc(it.ws_url, token=it.token)
    assert client.call("gateway.identity.get")["pid"] == pid
    assert client.hello["server"]["instanceId"] == instance
    assert "before the restart" in str(client.history())
    assert client.chat("after the restart")["state"] == "final"
    assert it.stop() == 0, "the restarted process still obeys signals"


def test_a_restart_waits_for_the_answer(gateway, scripted_model):
    scripted_model.on("take a moment", Echo(chunks=10, delay=0.1))
    it = gateway()
    client = Rpc(it.ws_url, token=it.token)
    key = str(uuid.uuid4())
    client.call("chat.send", {"sessionKey": "main", "message": f"take a moment {key}", "idempotencyKey": key})
    it.process.send_signal(signal.SIGUSR1)
    assert client.chat_end(key)["state"] == "final"
    client.wait_closed()
    wait_until(lambda: ready(it), 20, "it is back")
    answers = [m for m in it.client().history() if m["role"] == "assistant" and key in text_of(m)]
    assert len(answers) == 1


def test_hangup_reads_an_unwatched_configuration(gateway):
    it = gateway(config={"gateway": {"reload": {"mode": "off"}}})
    client = it.client()
    path = it.state / "jarvis.json"
    config = json.loads(path.read_text())
    config["ui"] = {"assistant": {"name": "Ada"}}
    path.write_text(json.dumps(config))
    it.process.send_signal(signal.SIGHUP)
    wait_until(lambda: client.call("agent.identity.get")["name"] == "Ada", 10, "the new name")


def ready(it):
    try:
        if it.get("/readyz")[0] != 200:
            return False
        Rpc(it.ws_url, token=it.token).close()
        return True
    except (OSError, Closed, RpcError):
        return False
