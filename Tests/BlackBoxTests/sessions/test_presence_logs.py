"""Presence, health, status, channels, logs and wake over RPC (interop 5.11, 5.12)."""

import time


def test_health(rpc):
    health = rpc.call("health")
    assert health["ok"] is True
    assert health["defaultAgentId"] == "main"
    assert isinstance(health["channels"], dict)
    assert health["sessions"]["count"] >= 0
    assert health["agents"][0]["agentId"] == "main"


def test_status(rpc):
    status = rpc.call("status")
    assert isinstance(status, dict)
    assert "sessions" in status


def test_presence(running, rpc):
    since = rpc.mark()
    client = {"id": "cli", "version": "9.9", "platform": "linux", "mode": "cli", "instanceId": "presence-test"}
    with running.client(client=client):
        rpc.wait_event("presence", since=since)
        entries = rpc.call("system-presence")
        mine = [entry for entry in entries if entry.get("instanceId") == "presence-test"]
        assert mine and mine[0]["version"] == "9.9"
        assert abs(mine[0]["ts"] - time.time() * 1000) < 60_000


def test_heartbeat_channels_wake(rpc):
    assert rpc.call("last-heartbeat") is None or isinstance(rpc.call("last-heartbeat"), dict)
    channels = rpc.call("channels.status")
    assert {"ts", "channelOrder", "channels", "channelAccounts"} <= set(channels)
    assert rpc.call("wake", {"mode": "next-heartbeat", "text": "wake up"})["ok"] is True


def test_logs_tail(rpc):
    first = rpc.call("logs.tail", {"limit": 50})
    assert {"file", "cursor", "size", "lines"} <= set(first)
    assert 0 < len(first["lines"]) <= 50
    again = rpc.call("logs.tail", {"cursor": first["cursor"]})
    assert again["cursor"] >= first["cursor"]
    assert len(rpc.call("logs.tail", {"limit": 1})["lines"]) == 1
    reset = rpc.call("logs.tail", {"cursor": 10**15})
    assert reset.get("reset") is True


def test_logs_hold_no_token(running, rpc):
    assert running.token not in str(rpc.call("logs.tail", {"limit": 5000, "maxBytes": 1_000_000}))
    assert running.token not in running.log()


def test_tick(gateway):
    """The tick keeps a link alive; its interval is announced, and not shorter than a second."""
    it = gateway(model=False)
    policy = it.client().hello["policy"]
    assert 1_000 <= policy["tickIntervalMs"] <= 30_000
