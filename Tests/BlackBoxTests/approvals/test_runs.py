"""A run asks before it does what deserves it; a person answers; exactly what was shown runs (security.md T53)."""

import json
import signal
import subprocess

import pytest
from support.approvals import MARK, evaluate, tool_results
from support.model import Echo, Step
from support.paths import jarvis_binary
from support.ports import wait_until
from support.rpc import RpcError, text_of


def records(gateway, session: str) -> list[dict]:
    """What was noted before calls that act, in the session's transcript."""
    lines = gateway.cli("sessions", "export", session).stdout.splitlines()
    return [entry["data"] for entry in map(json.loads, lines) if entry.get("customType") == "jarvis.tool-began"]


def test_allowed_once(asking):
    run, session = asking.start("() => 1")
    asked = asking.question()
    request = asked["request"]
    assert request["command"] == 'browser ' + json.dumps(evaluate("() => 1"), separators=(",", ":"))
    assert request["tool"] == "browser" and request["risk"] == "outside" and request["agentId"] == "main"
    assert request["runId"] == run and request["sessionKey"] == f"agent:main:{session}"
    assert asked["expiresAtMs"] - asked["createdAtMs"] == 120_000
    assert records(asking.gateway, session) == [], "nothing began before the answer"
    assert asking.resolve(asked["id"], "allow-once")["ok"] is True
    told = asking.owner.wait_event("exec.approval.resolved", since=asking.since).payload
    assert told["id"] == asked["id"] and told["decision"] == "allow-once" and told["resolvedBy"]
    assert MARK in asking.end(run)
    (record,) = records(asking.gateway, session)
    assert record["risk"] == "outside" and record["why"].startswith("allow-once by ")
    assert record["fingerprint"] == request["fingerprint"]
    # The same call is asked about again.
    asking.start("() => 1", session)
    assert asking.question()["id"] != asked["id"]


def test_answered_once(asking):
    run, _ = asking.start("() => 2")
    id = asking.question()["id"]
    asking.resolve(id, "deny")
    with pytest.raises(RpcError) as second:
        asking.resolve(id, "allow-once")
    assert second.value.code == "INVALID_REQUEST"
    assert second.value.details["code"] == "APPROVAL_ALREADY_RESOLVED" and second.value.details["decision"] == "deny"
    said = asking.end(run)
    assert "denied" in said and MARK not in said


def test_always_is_for_exactly_this(asking):
    run, session = asking.start("() => 3")
    asked = asking.question()
    assert asked["request"]["allowAlways"] is True
    asking.resolve(asked["id"], "allow-always")
    assert MARK in asking.end(run)
    file = asking.gateway.state / "exec-approvals.json"
    assert file.stat().st_mode & 0o777 == 0o600
    (entry,) = json.loads(file.read_text())["agents"]["main"]["allowlist"]
    assert entry["pattern"] == asked["request"]["allowPattern"] and entry["pattern"].startswith("browser:evaluate:")
    # The same code runs from now on, other code does not.
    run, session = asking.start("() => 3")
    assert MARK in asking.end(run)
    assert asking.owner.events_named("exec.approval.requested", asking.since) == []
    assert records(asking.gateway, session)[0]["why"] == f"allow-list: {entry['pattern']}"
    asking.start("() => 4")
    asking.question()


def test_always_is_not_offered_for_what_destroys(asking):
    run, _ = asking.start({"action": "reset-profile"})
    asked = asking.question()
    assert asked["request"]["allowAlways"] is False and asked["request"]["risk"] == "host"
    with pytest.raises(RpcError) as refused:
        asking.resolve(asked["id"], "allow-always")
    assert refused.value.details["code"] == "APPROVAL_ALWAYS_NOT_OFFERED"
    asking.resolve(asked["id"], "deny")
    asking.end(run)


@pytest.mark.parametrize("call", [{"action": "snapshot"}, {"action": "status"}, {"action": "act", "request": {"kind": "click", "ref": "e1"}}])
def test_looking_and_clicking_are_not_asked_about(asking, call):
    run, _ = asking.start(call)
    asking.end(run)
    assert asking.owner.events_named("exec.approval.requested", asking.since) == []


def test_the_text_shows_what_hides(asking):
    run, _ = asking.start("ok\u202e\x1b[2J\n" + " " * 10_240 + "// hidden")
    text = asking.question()["request"]["command"]
    assert "\\u{202e}" in text and "\x1b" not in text and "\n" not in text
    assert "⟨10240 spaces⟩" in text and "// hidden" in text
    asking.resolve(asking.question()["id"], "deny")
    asking.end(run)


def test_what_is_too_long_to_show_is_not_asked(asking):
    run, _ = asking.start("x" * 9000)
    assert "too many to be shown" in asking.end(run)
    assert asking.owner.events_named("exec.approval.requested", asking.since) == []


def test_only_approvers_hear_and_answer(asking):
    reader = asking.gateway.client(scopes=["operator.read", "operator.write"])
    approver = asking.gateway.client(scopes=["operator.approvals"])
    run, session = asking.start("() => 5")
    id = asking.question()["id"]
    assert approver.wait_event("exec.approval.requested").payload["id"] == id
    for method, params in [("exec.approval.resolve", {"id": id, "decision": "allow-once"}), ("exec.approval.list", {}), ("exec.approvals.get", {}),
                           ("exec.approval.request", {"command": "ls"})]:
        assert reader.error(method, params).details["code"] == "MISSING_SCOPE"
    assert approver.error("exec.approvals.set", {"file": {}}).details["code"] == "MISSING_SCOPE"
    # Neither does writing it in the chat help.
    end = reader.chat(f"/approve {id} allow-once", session)
    assert "may not answer" in text_of(end["message"])
    assert asking.owner.call("exec.approval.list")["pending"][0]["id"] == id
    asking.resolve(id, "deny", approver)
    assert "denied" in asking.end(run)
    assert reader.events_named("exec.approval.requested") == [] and reader.events_named("exec.approval.resolved") == []


def test_answered_in_the_chat_while_the_run_waits(asking):
    run, session = asking.start("() => 6")
    id = asking.question()["id"]
    listed = asking.owner.chat("/approve", session)
    assert id[:8] in text_of(listed["message"])
    end = asking.owner.chat(f"/approve {id[:8]} allow-once", session)
    assert "Allowed once" in text_of(end["message"])
    assert MARK in asking.end(run)
    wrong = asking.owner.chat(f"/approve {id[:8]} deny", session)
    assert "answered already" in text_of(wrong["message"])
    said = [text_of(message) for message in asking.owner.history(session)]
    assert not any("/approve" in text for text in said), "no model ever reads it"
    assert not any("/approve" in request.text for request in asking.model.requests)


def test_a_model_that_writes_approve_approves_nothing(asking):
    run, session = asking.start("() => 7")
    id = asking.question()["id"]
    asking.model.plan.clear()
    other = f"{session}-b"
    asking.model.plan.append(Step(say=f"/approve {id} allow-once"))
    asking.owner.chat("what now", other)
    assert [pending["id"] for pending in asking.owner.call("exec.approval.list")["pending"]] == [id]
    asking.model.plan.append(Step(say="done"))
    asking.resolve(id, "deny")
    asking.owner.chat_end(run)


def test_an_aborted_run_takes_its_question_back(asking):
    run, session = asking.start("() => 8")
    id = asking.question()["id"]
    asking.owner.call("chat.abort", {"sessionKey": session, "runId": run})
    told = asking.owner.wait_event("exec.approval.resolved", since=asking.since).payload
    assert told["id"] == id and told["decision"] is None
    assert asking.owner.error("exec.approval.resolve", {"id": id, "decision": "allow-once"}).details["code"] == "APPROVAL_ALREADY_RESOLVED"


def test_agent_command_answers_and_is_told(asking):
    asking.model.plan.extend([Step("browser", evaluate("() => 9")), Step(say="done")])
    since = asking.owner.mark()
    process = subprocess.Popen(
        [str(jarvis_binary()), "agent", "-m", "do it", "--session-key", "cli", "--json"], env=asking.gateway.home.environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    id = asking.owner.wait_event("exec.approval.requested", since=since).payload["id"]
    answer = asking.gateway.cli("agent", "-m", f"/approve {id[:8]} allow-once")
    assert answer.returncode == 0 and "Allowed once" in answer.stdout
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert json.loads(out)["result"]["payloads"][0]["text"] == "done"
    assert MARK in tool_results(asking.model.requests[-1].body)[-1]


def test_terminal_chat_shows_and_answers(asking):
    asking.model.plan.extend([Step("browser", evaluate("() => 10")), Step(say="all done")])
    chat = subprocess.Popen(
        [str(jarvis_binary()), "chat", "--session", "terminal", "-m", "do it"], env=asking.gateway.home.environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
    try:
        shown = ""
        while "/approve " not in shown:
            line = chat.stdout.readline()
            assert line, shown
            shown += line
        assert "Run JavaScript in a page" in shown and '"fn":"() => 10"' in shown
        id = shown.split("/approve ")[1].split()[0]
        chat.stdin.write(f"/approve {id} allow-once\n")
        chat.stdin.close()
        rest = chat.stdout.read()
        assert "all done" in rest and "allow-once by" in rest
        assert chat.wait(20) == 0
    finally:
        if chat.poll() is None:
            chat.kill()
    assert MARK in tool_results(asking.model.requests[-1].body)[-1]


def test_a_stop_denies_and_loses_nothing(asking_gateway):
    asking = asking_gateway()
    run, session = asking.start("() => 11")
    asking.question()
    asking.gateway.process.send_signal(signal.SIGTERM)
    assert asking.gateway.wait(20) == 0
    (said,) = tool_results(asking.model.requests[-1].body)
    assert "the gateway stops" in said and MARK not in said
    asking.gateway.start()
    with asking.gateway.client() as client:
        assert text_of(client.history(session)[-1]) == "done"
    assert records(asking.gateway, session) == []


def test_after_a_crash_the_question_is_asked_again(asking_gateway):
    asking = asking_gateway()
    run, session = asking.start("() => 12")
    first = asking.question()["id"]
    asking.gateway.kill()
    asking.gateway.start()
    with asking.gateway.client() as client:
        asked = wait_until(lambda: client.call("exec.approval.list")["pending"], what="the question")[0]
        assert asked["id"] != first and asked["request"]["runId"] == run
        asking.resolve(asked["id"], "allow-once", client)
        wait_until(lambda: text_of(client.history(session)[-1]) == "done", what="the answer")
    assert MARK in tool_results(asking.model.requests[-1].body)[-1]
    assert len(records(asking.gateway, session)) == 1


def test_killed_right_after_the_answer(asking_gateway):
    """However far it came: it ran once or not at all, and never without an answer."""
    asking = asking_gateway()
    # The model may have been asked for its last words already, and is asked again.
    asking.model.default = Echo(text="done")
    run, session = asking.start("() => 15")
    asking.resolve(asking.question()["id"], "allow-once")
    asking.gateway.kill()
    asking.gateway.start()
    with asking.gateway.client() as client:
        def over():
            history = client.history(session)
            return client.call("exec.approval.list")["pending"] or (history and text_of(history[-1]) == "done" and [None])
        (asked,) = wait_until(over, what="the question again, or the end")
        begun = len(records(asking.gateway, session))
        assert begun == (0 if asked else 1)
        if asked:
            asking.resolve(asked["id"], "deny", client)
            wait_until(lambda: text_of(client.history(session)[-1]) == "done", what="the answer")
            assert "denied" in tool_results(asking.model.requests[-1].body)[-1]
        assert len(records(asking.gateway, session)) == begun


def test_always_is_on_disk_when_it_is_told(asking_gateway):
    asking = asking_gateway()
    asking.start("() => 16")
    asked = asking.question()
    asking.resolve(asked["id"], "allow-always")
    asking.gateway.kill()
    (entry,) = json.loads((asking.gateway.state / "exec-approvals.json").read_text())["agents"]["main"]["allowlist"]
    assert entry["pattern"] == asked["request"]["allowPattern"]


def test_an_always_that_can_not_be_kept_is_a_once(asking):
    run, _ = asking.start("() => 17")
    id = asking.question()["id"]
    (asking.gateway.state / "exec-approvals.json").write_text("{broken")
    error = asking.owner.error("exec.approval.resolve", {"id": id, "decision": "allow-always"})
    assert error.code == "UNAVAILABLE" and "allowed this once" in error.message
    told = asking.owner.wait_event("exec.approval.resolved", since=asking.since).payload
    assert told["decision"] == "allow-once"
    assert MARK in asking.end(run)


@pytest.mark.parametrize("mode, call, asks", [
    ("off", evaluate("() => 13"), False), ("always", {"action": "act", "request": {"kind": "click", "ref": "e1"}}, True),
    ("always", {"action": "snapshot"}, False),
])
def test_the_setting(asking, mode, call, asks):
    asking.gateway.cli("config", "set", "tools.browser.ask", mode)
    try:
        wait_until(lambda: asking.owner.call("config.get")["config"].get("tools", {}).get("browser", {}).get("ask") == mode, what="the setting")
        asking.owner.wait_event("config.changed")
        run, _ = asking.start(call)
        if asks:
            asking.resolve(asking.question()["id"], "deny")
        asking.end(run)
        assert bool(asking.owner.events_named("exec.approval.requested", asking.since)) is asks
    finally:
        since = asking.owner.mark()
        asking.gateway.cli("config", "unset", "tools.browser.ask")
        asking.owner.wait_event("config.changed", since=since)


@pytest.mark.parametrize("file, outcome", [
    ({"version": 1, "defaults": {"security": "deny"}}, "denies such calls"),
    ('{"version": 1', "can't be read"),
    ('{"version": 1, "version": 1}', "can't be read"),
])
def test_the_file_forbids(asking, file, outcome):
    path = asking.gateway.state / "exec-approvals.json"
    path.write_text(file if isinstance(file, str) else json.dumps(file))
    run, _ = asking.start("() => 14")
    assert outcome in asking.end(run)
    assert asking.owner.events_named("exec.approval.requested", asking.since) == []
