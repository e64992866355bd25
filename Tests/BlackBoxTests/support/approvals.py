"""Runs whose model calls the browser tool, and who answers their questions."""

from __future__ import annotations

import uuid

from support.model import Step

MARK = "does not run"


def evaluate(code: str) -> dict:
    """The arguments of a call that deserves a question."""
    return {"action": "act", "request": {"kind": "evaluate", "fn": code}}


def tool_results(body: dict) -> list[str]:
    """What the tools said, as the model read it in its last request."""
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


class Asking:
    """Runs whose model calls the browser tool, on one gateway."""

    def __init__(self, gateway, model):
        self.gateway, self.model = gateway, model
        self.owner = gateway.client(scopes=["operator.admin"])

    def start(self, code: str | dict, session: str | None = None) -> tuple[str, str]:
        """A run that asks for `code` (or makes this very call) and then says `done`; its id and its session."""
        session = session or f"s-{uuid.uuid4().hex[:8]}"
        arguments = code if isinstance(code, dict) else evaluate(code)
        self.model.plan.extend([Step("browser", arguments), Step(say="done")])
        run = str(uuid.uuid4())
        self.since = self.owner.mark()
        self.owner.call("chat.send", {"sessionKey": session, "message": "do it", "idempotencyKey": run})
        return run, session

    def question(self, since: int | None = None) -> dict:
        return self.owner.wait_event("exec.approval.requested", since=self.since if since is None else since).payload

    def resolve(self, id: str, decision: str, client=None) -> dict:
        return (client or self.owner).call("exec.approval.resolve", {"id": id, "decision": decision})

    def end(self, run: str) -> str:
        """What the tool told the model, once the run has ended."""
        end = self.owner.chat_end(run)
        assert end["state"] == "final", end
        return tool_results(self.model.requests[-1].body)[-1]
