"""exec.approval.*, exec.approvals.*, `jarvis approvals` (interop 5.14, 10.10)."""

import json
import signal
import time
from pathlib import Path

import pytest
from support.ports import wait_until
from support.rpc import RpcError


@pytest.fixture
def client(guarded):
    (guarded.state / "exec-approvals.json").unlink(missing_ok=True)
    with guarded.client() as client:
        yield client
        for pending in client.call("exec.approval.list")["pending"]:
            client.call("exec.approval.resolve", {"id": pending["id"], "decision": "deny"})


def test_request_waits_for_the_answer(client):
    id = client.request("exec.approval.request", {"id": "one-1", "command": "ls -la", "commandArgv": ["ls", "-la"], "cwd": "/tmp", "resolvedPath": "/bin/ls"})
    asked = client.wait_event("exec.approval.requested", lambda p: p["id"] == "one-1").payload
    assert asked["request"]["command"] == "ls -la" and asked["request"]["cwd"] == "/tmp" and asked["request"]["commandArgv"] == ["ls", "-la"]
    assert client.call("exec.approval.resolve", {"id": "one-1", "decision": "allow-once"}) == {"ok": True, "id": "one-1", "decision": "allow-once"}
    assert client.answer(id) == {"id": "one-1", "decision": "allow-once", "createdAtMs": asked["createdAtMs"], "expiresAtMs": asked["expiresAtMs"]}
    # Whoever comes late is told; a yes is not given twice.
    assert client.call("exec.approval.waitDecision", {"id": "one-1"})["decision"] == "allow-once"
    again = client.error("exec.approval.request", {"id": "one-1", "command": "ls -la", "commandArgv": ["ls", "-la"], "cwd": "/tmp", "resolvedPath": "/bin/ls"})
    assert again.details["code"] == "APPROVAL_ALREADY_RESOLVED"


def test_two_phases_and_one_id(client):
    params = {"id": "two-1", "command": "make", "twoPhase": True}
    id = client.request("exec.approval.request", params)
    first = client.answer(id)
    assert first["status"] == "accepted" and first["id"] == "two-1" and first["expiresAtMs"] - first["createdAtMs"] == 120_000
    since = client.mark()
    second = client.request("exec.approval.request", params)
    assert client.answer(second)["createdAtMs"] == first["createdAtMs"], "the same question again is the same question"
    assert client.error("exec.approval.request", {"id": "two-1", "command": "make install"}).details["code"] == "APPROVAL_ID_TAKEN"
    waiting = client.request("exec.approval.waitDecision", {"id": "two-1"})
    client.call("exec.approval.resolve", {"id": "two-1", "decision": "deny"})
    assert [client.answer(each)["decision"] for each in (id, second, waiting)] == ["deny"] * 3
    assert len(client.events_named("exec.approval.requested", since)) == 0
    assert len(client.events_named("exec.approval.resolved", since)) == 1


def test_nobody_answers(client):
    answer = client.call("exec.approval.request", {"id": "three-1", "command": "make", "timeoutMs": 150})
    assert answer["decision"] is None and answer["expiresAtMs"] - answer["createdAtMs"] == 150
    told = client.wait_event("exec.approval.resolved", lambda p: p["id"] == "three-1").payload
    assert told["decision"] is None
    assert client.error("exec.approval.resolve", {"id": "three-1", "decision": "allow-once"}).details["code"] == "APPROVAL_ALREADY_RESOLVED"
    assert client.call("exec.approval.waitDecision", {"id": "three-1"})["decision"] is None


def test_an_answer_after_the_time_counts_for_nothing(client, guarded):
    """Also when the answer is read before anybody noticed that the time is over: the host slept."""
    client.request("exec.approval.request", {"id": "late-1", "command": "make", "timeoutMs": 500})
    client.wait_event("exec.approval.requested", lambda p: p["id"] == "late-1")
    guarded.process.send_signal(signal.SIGSTOP)
    try:
        # Every thread of it: the signal takes its time.
        wait_until(lambda: {stat.read_text().rsplit(")", 1)[1].split()[0] for stat in Path(f"/proc/{guarded.process.pid}/task").glob("*/stat")} == {"T"},
                   what="the gateway to stand still")
        answer = client.request("exec.approval.resolve", {"id": "late-1", "decision": "allow-once"})
        time.sleep(0.8)
    finally:
        guarded.process.send_signal(signal.SIGCONT)
    with pytest.raises(RpcError) as late:
        client.answer(answer)
    assert late.value.details["code"] == "APPROVAL_ALREADY_RESOLVED" and late.value.details["decision"] is None
    assert client.wait_event("exec.approval.resolved", lambda p: p["id"] == "late-1").payload["decision"] is None


@pytest.mark.parametrize("params", [
    {"command": "ls", "commandArgv": ["rm", "-rf", "/"]},
    {"command": "echo a b", "commandArgv": ["echo", "a b"]},
    {"command": "ls ", "commandArgv": ["ls", ""]},
    {"command": "ls", "commandArgv": []},
    {"command": "x" * 9000},
    {"command": "ls", "id": "with space"},
    {"command": "ls", "id": "a\u202eb"},
    {"command": "ls", "agentId": "main\u202e"},
    {"command": "ls", "unknown": 1},
    {"command": ""},
    {"command": ["ls"]},
])
def test_what_is_shown_is_what_runs(client, params):
    error = client.error("exec.approval.request", {"timeoutMs": 100, **params})
    assert error.code == "INVALID_REQUEST"
    assert client.call("exec.approval.list")["pending"] == []


def test_members_named_twice_are_refused(client):
    client.send_raw('{"type":"req","id":"dup","method":"exec.approval.request","params":{"command":"ls","commandArgv":["ls"],"commandArgv":["rm"]}}')
    client.wait_closed() if client.closed else None
    assert client.events_named("exec.approval.requested") == []


def test_hidden_characters_are_shown(client):
    command = "ls\u202e\x1b[31m" + " " * 10_240 + "; rm -rf ~"
    client.request("exec.approval.request", {"id": "hidden-1", "command": command, "env": {"LD_PRELOAD": "/tmp/x.so"}})
    text = client.wait_event("exec.approval.requested", lambda p: p["id"] == "hidden-1").payload["request"]["command"]
    assert text.startswith("ls\\u{202e}\\u{1b}[31m ⟨10240 spaces⟩ ; rm -rf ~") and "LD_PRELOAD" in text


def test_secrets_of_the_environment_are_not_shown(client):
    ids = []
    for number, secret in enumerate(("hunter2-hunter2", "other-other")):
        ids.append(client.request("exec.approval.request", {"id": f"env-{number}", "command": "make", "env": {"API_TOKEN": secret, "LANG": "C"}}))
        shown = client.wait_event("exec.approval.requested", lambda p, number=number: p["id"] == f"env-{number}").payload
        assert secret not in json.dumps(shown) and "API_TOKEN" in shown["request"]["command"] and '"LANG":"C"' in shown["request"]["command"]
        client.call("exec.approval.resolve", {"id": f"env-{number}", "decision": "deny"})
    prints = {event.payload["request"]["fingerprint"] for event in client.events_named("exec.approval.resolved")}
    assert len(prints) == 2, "what is not shown still counts"


def test_one_answer_counts(client, guarded):
    """The page, the chat and the terminal answer at once."""
    request = client.request("exec.approval.request", {"id": "race-1", "command": "make"})
    client.wait_event("exec.approval.requested", lambda p: p["id"] == "race-1")
    others = [guarded.client(scopes=["operator.approvals"]) for _ in range(6)]
    answers = [(other, other.request("exec.approval.resolve", {"id": "race-1", "decision": "allow-once" if number % 2 else "deny"}), number % 2)
               for number, other in enumerate(others)]
    won, lost = [], []
    for other, id, allows in answers:
        try:
            won.append((other.answer(id)["decision"], allows))
        except RpcError as error:
            lost.append(error.details)
    assert len(won) == 1 and len(lost) == 5
    decision = "allow-once" if won[0][1] else "deny"
    assert won[0][0] == decision and client.answer(request)["decision"] == decision
    assert all(each["code"] == "APPROVAL_ALREADY_RESOLVED" and each["decision"] == decision for each in lost)
    assert len(client.events_named("exec.approval.resolved")) == 1


@pytest.mark.parametrize("id, code", [("nosuch-1", "APPROVAL_NOT_FOUND"), ("no", "APPROVAL_NOT_FOUND")])
def test_unknown_questions(client, id, code):
    assert client.error("exec.approval.resolve", {"id": id, "decision": "deny"}).details["code"] == code
    assert client.error("exec.approval.waitDecision", {"id": id}).details["code"] == "APPROVAL_NOT_FOUND"


def test_beginnings_of_ids(client):
    for id in ("same-1", "same-2"):
        client.request("exec.approval.request", {"id": id, "command": id})
        client.wait_event("exec.approval.requested", lambda p, id=id: p["id"] == id)
    assert client.error("exec.approval.resolve", {"id": "same", "decision": "deny"}).details["code"] == "APPROVAL_AMBIGUOUS"
    client.call("exec.approval.resolve", {"id": "same-1", "decision": "deny"})


def test_too_many_questions(client, guarded):
    others = [guarded.client() for _ in range(5)]
    for number in range(64):
        others[number % 5].request("exec.approval.request", {"id": f"many-{number}", "command": "make"})
    client.wait_event("exec.approval.requested", lambda p: p["id"] == "many-63")
    assert client.error("exec.approval.request", {"command": "one more"}).details["code"] == "APPROVAL_TOO_MANY"


def test_the_file(client, guarded):
    empty = client.call("exec.approvals.get")
    assert empty["exists"] is False and empty["hash"] is None and empty["path"] == str(guarded.state / "exec-approvals.json")
    file = {"version": 1, "socket": {"path": "/s", "token": "hush-hush"}, "newer": [1], "agents": {"main": {"ask": "always", "x": 1, "allowlist": []}}}
    first = client.call("exec.approvals.set", {"file": file})
    assert first["file"]["newer"] == [1] and first["file"]["agents"]["main"]["x"] == 1 and "hush-hush" not in json.dumps(first)
    for base in ({}, {"baseHash": "0" * 64}):
        assert client.error("exec.approvals.set", {"file": {"version": 1}, **base}).details["code"] == "APPROVALS_CHANGED"
    second = client.call("exec.approvals.set", {"file": {**first["file"], "newer": [2]}, "baseHash": first["hash"]})
    path = guarded.state / "exec-approvals.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["socket"] == {"path": "/s", "token": "hush-hush"}, "what clients can't see they can't lose"
    for bad in ({"version": 2}, {"agents": []}, {"defaults": {"ask": "sometimes"}}, {"agents": {"main": {"allowlist": [{}]}}}):
        assert client.error("exec.approvals.set", {"file": bad, "baseHash": second["hash"]}).details["code"] == "APPROVALS_INVALID"
    path.write_text("{broken")
    with pytest.raises(RpcError) as unreadable:
        client.call("exec.approvals.get")
    assert unreadable.value.details["code"] == "APPROVALS_UNREADABLE"
    repaired = client.call("exec.approvals.set", {"file": {"version": 1}, "baseHash": unreadable.value.details["hash"]})
    assert repaired["exists"] is True


def test_command_line(client, guarded):
    assert "Nothing waits" in guarded.cli("approvals").stdout
    for id, words, decision in [("cli-once", ["allow", "cli-once"], "allow-once"), ("cli-deny", ["deny", "cli-d"], "deny"),
                                ("cli-always", ["allow", "cli-always", "--always"], "allow-always")]:
        asked = client.request("exec.approval.request", {"id": id, "command": "/opt/x/tool -v", "resolvedPath": "/opt/x/tool"})
        client.wait_event("exec.approval.requested", lambda p, id=id: p["id"] == id)
        listed = guarded.cli("approvals", "list").stdout
        assert id in listed and "/opt/x/tool -v" in listed and "Run a command" in listed
        answer = guarded.cli("approvals", *words)
        assert answer.returncode == 0 and decision in answer.stdout
        assert client.answer(asked)["decision"] == decision
    late = guarded.cli("approvals", "deny", "cli-once")
    assert late.returncode == 1 and "answered already: allow-once" in late.stderr
    shown = guarded.cli("approvals", "get").stdout
    assert "/opt/x/tool" in shown
    added = guarded.cli_json("approvals", "allowlist", "add", "browser:upload:/srv/*", "--agent", "*", "--json")
    assert [entry["pattern"] for entry in added["file"]["agents"]["*"]["allowlist"]] == ["browser:upload:/srv/*"]
    for wide in ("*", "br*"):
        refused = guarded.cli("approvals", "allowlist", "add", wide)
        assert refused.returncode == 2 and "names no tool" in refused.stderr
    assert guarded.cli("approvals", "allowlist", "remove", "browser:upload:/srv/*").returncode == 0
    gone = guarded.cli("approvals", "allowlist", "remove", "browser:upload:/srv/*")
    assert gone.returncode == 1 and "no entry" in gone.stderr
    whole = guarded.cli("approvals", "get", "--json").stdout
    changed = json.loads(whole)
    changed["file"]["defaults"] = {"ask": "always"}
    written = guarded.cli("approvals", "set", "-", input=json.dumps(changed))
    assert written.returncode == 0 and "always" in written.stdout
    foreign = guarded.cli("approvals", "set", "-", input=json.dumps({"version": 1, "agents": {"*": {"allowlist": [{"id": "a", "pattern": "*"}]}}}))
    assert foreign.returncode == 0 and "allows nothing" in foreign.stdout
    stale = guarded.cli("approvals", "set", "-", "--base-hash", changed["hash"], input=json.dumps(changed["file"]))
    assert stale.returncode == 1 and "changed" in stale.stderr


def test_tools_effective(gateway):
    policy = {
        "tools": {"profile": "coding", "alsoAllow": ["group:ui"], "byProvider": {"test": {"deny": ["browser"]}}},
        "agents": {"list": [{"id": "main", "default": True}, {"id": "quiet", "tools": {"deny": ["session_*"]}}]},
    }
    started = gateway(config=policy)
    with started.client() as client:
        main = {tool["id"]: tool for tool in client.call("tools.effective")["tools"]}
        assert main["session_status"]["allowed"] is True
        assert main["browser"]["removedBy"] == "tools.byProvider.test" and main["browser"]["reason"] == "deny: browser"
        quiet = client.call("tools.effective", {"agentId": "quiet"})
        tools = {tool["id"]: tool for tool in quiet["tools"]}
        assert tools["session_status"]["removedBy"] == "agents.list[quiet].tools"
        assert quiet["steps"] == ["tools.profile", "tools.byProvider.test", "agents.list[quiet].tools"]


def test_a_tool_that_is_denied_is_not_offered(gateway, scripted_model):
    for deny, offered in [([], True), (["group:ui"], False)]:
        scripted_model.reset()
        started = gateway(profile="with" if offered else "without", config={"tools": {"deny": deny}})
        with started.client() as client:
            client.chat("hello")
        names = [tool["function"]["name"] for tool in scripted_model.requests[-1].body.get("tools", [])]
        assert ("browser" in names) is offered and "session_status" in names
        started.stop()


@pytest.mark.parametrize("window, offered", [(2048, False), (4096, True)])
def test_a_small_window_gets_fewer_tools(gateway, scripted_model, window, offered):
    config = {"models": {"providers": {"test": {"models": [{"id": "echo", "name": "echo", "contextWindow": window, "maxTokens": 256}]}}}}
    started = gateway(config=config)
    with started.client() as client:
        client.chat("hello")
        names = [tool["function"]["name"] for tool in scripted_model.requests[-1].body["tools"]]
        assert ("browser" in names) is offered and "session_status" in names
        tools = {tool["id"]: tool for tool in client.call("tools.effective")["tools"]}
    assert tools["browser"]["allowed"] is offered and tools["browser"]["tokens"] > 500
    if not offered:
        assert tools["browser"]["removedBy"] == "models.providers.test.models[echo].contextWindow" and "2048" in tools["browser"]["reason"]
    document = json.loads(started.cli("doctor", "--json").stdout)
    (finding,) = [finding for instance in document["instances"] for finding in instance["findings"] if finding["id"] == "gateway.tools"]
    assert finding["severity"] == "info" and "test/echo" in finding["evidence"][0] and finding["next"].endswith("tools.profile minimal")
