"""A small stand-in for the gateway: Web/ as it is embedded, under the real CSP, and enough protocol to draw the page.

Run it by hand to look at the page without building the gateway:

    python fake_gateway.py --port 18999          # then open http://127.0.0.1:18999/#token=fake-token
"""

import argparse
import asyncio
import importlib.util
import json
import pathlib
import re
import time
import uuid
from http import HTTPStatus

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

ROOT = pathlib.Path(__file__).resolve().parents[3]
WEB = ROOT / "Web"
TOKEN = "fake-token"
USAGE = {"input": 812, "output": 233, "totalTokens": 1045}
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

# One grey pixel.
JPEG = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA"
    "/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z"
)

ANSWER = """## Three gateways, one host

Here is what I found on this machine. The **main** gateway answers, the *rescue* gateway watches it, and `lab` is parked.

| profile | port | state |
|---|---:|---|
| main | 18789 | running |
| rescue | 19789 | running |
| lab | 19909 | parked |

To see the details, run:

```bash
jarvis --profile main status
jarvis --profile rescue status --json | jq '.gateway'
```

1. Nothing is shared between them:
   - state directories
   - port spans
2. The log has two warnings, see [the guide](https://example.com/guide).

> A bad setting goes back by itself.
"""


def load_embedder():
    spec = importlib.util.spec_from_file_location("embed_web", ROOT / "scripts/embed-web.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EMBEDDER = load_embedder()


def now():
    return int(time.time() * 1000)


def message(role, text, at, **more):
    """A message as `chat.history` gives it."""
    return {"role": role, "content": [{"type": "text", "text": text}], "timestamp": at, "id": uuid.uuid4().hex[:8], **more}


def told(stored):
    """The part of a stored message that a `chat` event carries."""
    return {name: stored[name] for name in ("role", "content", "timestamp")}


class FakeGateway:
    """`mode`: `ok`, `silent` (accepts a message, never answers it), `deaf` (loses the connection instead of accepting),
    `down` (refuses the bootstrap)."""

    def __init__(self, profile="main", color="#2f7d6b", instance="11111111-2222-4333-8444-555555555555"):
        self.profile, self.color, self.instance = profile, color, instance
        self.hello_instance = None
        self.connects, self.requests, self.sent = [], [], {}
        self.clients = set()
        self.history = {}
        self.runs = {}
        self.seq = 0
        self.delay = 0.01
        self.answer = ANSWER
        self.fail_next = None
        self.methods = []
        self.approvals = {}
        self.profiles = []
        self.tabs = []
        self.browser_calls = []
        self.off = False
        self.mode = "ok"
        self.token = TOKEN

    async def start(self, port=0):
        self.server = await serve(self.socket, "127.0.0.1", port, process_request=self.http, max_size=26_214_400)
        self.port = self.server.sockets[0].getsockname()[1]
        return self.port

    async def drop(self):
        """Cuts every connection without a word."""
        for socket in list(self.clients):
            socket.transport.abort()
        self.clients.clear()

    async def close(self):
        for task in list(self.runs.values()):
            task.cancel()
        self.server.close()
        await self.server.wait_closed()

    # ---- HTTP

    def http(self, connection, request):
        path = request.path.split("?")[0]
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        if path == "/__jarvis/control-ui-config.json":
            if self.mode == "down":
                return self.reply(503, b"down", "text/plain")
            body = {
                "basePath": "", "assistantName": "JARVIS", "assistantAvatar": "", "assistantAgentId": "main",
                "instanceId": self.instance, "profile": self.profile, "color": self.color,
            }
            return self.reply(200, json.dumps(body).encode(), "application/json")
        name = "index.html" if path == "/" else path.removeprefix("/assets/")
        file = WEB / name
        if "/" in name or not file.is_file():
            return self.reply(404, b"not found", "text/plain")
        return self.reply(200, EMBEDDER.condensed(file).encode(), EMBEDDER.TYPES[file.suffix])

    def reply(self, status, body, kind):
        headers = Headers([
            ("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Security-Policy", CSP),
            ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-cache"), ("Connection", "close"),
        ])
        return Response(status, HTTPStatus(status).phrase, headers, body)

    # ---- WebSocket

    async def socket(self, socket):
        nonce = str(uuid.uuid4())
        await self.event(socket, "connect.challenge", {"nonce": nonce, "ts": now()}, numbered=False)
        try:
            async for text in socket:
                frame = json.loads(text)
                self.requests.append(frame)
                await self.request(socket, frame)
        except ConnectionClosed:
            pass
        finally:
            self.clients.discard(socket)

    async def event(self, socket, name, payload, numbered=True):
        frame = {"type": "event", "event": name, "payload": payload}
        if numbered:
            self.seq += 1
            frame["seq"] = self.seq
        await socket.send(json.dumps(frame))

    async def broadcast(self, name, payload):
        self.seq += 1
        text = json.dumps({"type": "event", "event": name, "payload": payload, "seq": self.seq})
        for socket in list(self.clients):
            try:
                await socket.send(text)
            except ConnectionClosed:
                self.clients.discard(socket)

    async def request(self, socket, frame):
        method, params = frame["method"], frame.get("params", {})

        async def answer(payload=None, error=None):
            body = {"type": "res", "id": frame["id"], "ok": error is None}
            body["payload" if error is None else "error"] = payload if error is None else error
            await socket.send(json.dumps(body))

        if method == "connect":
            self.connects.append(params)
            auth = params.get("auth", {})
            if auth.get("token") != self.token and auth.get("deviceToken") != "device-token":
                code = "AUTH_TOKEN_MISMATCH" if auth else "AUTH_TOKEN_MISSING"
                word = "mismatch" if auth else "missing"
                await answer(error={"code": "INVALID_REQUEST", "message": f"unauthorized: gateway token {word}", "details": {"code": code}})
                await socket.close(1008, "unauthorized")
                return
            self.clients.add(socket)
            await answer(self.hello())
            return
        if socket not in self.clients:
            await socket.close(1008, "connect first")
            return
        handler = getattr(self, "do_" + re.sub(r"\W", "_", method), None)
        if handler is None:
            await answer(error={"code": "INVALID_REQUEST", "message": f"unknown method: {method}"})
            return
        try:
            await answer(await handler(params))
        except ValueError as error:
            await answer(error={"code": "UNAVAILABLE", "message": str(error)})

    def hello(self):
        return {
            "type": "hello-ok", "protocol": 4,
            "server": {"version": "0.1.0", "connId": str(uuid.uuid4()), "instanceId": self.hello_instance or self.instance},
            "features": {"methods": self.methods, "events": []},
            "snapshot": {
                "presence": [], "health": {}, "stateVersion": {"presence": 1, "health": 1}, "uptimeMs": 372_000_000,
                "configPath": f"/home/ada/.jarvis-{self.profile}/jarvis.json", "stateDir": f"/home/ada/.jarvis-{self.profile}",
                "sessionDefaults": {"defaultAgentId": "main", "mainKey": "main", "mainSessionKey": "agent:main:main"},
                "authMode": "token",
            },
            "auth": {"deviceToken": "device-token", "role": "operator", "scopes": ["operator.admin"], "issuedAtMs": now()},
            "policy": {"maxPayload": 26_214_400, "maxBufferedBytes": 52_428_800, "tickIntervalMs": 30_000},
        }

    # ---- methods

    async def do_chat_history(self, params):
        key = params["sessionKey"]
        return {"sessionKey": key, "sessionId": "s", "messages": self.history.get(key, []), "thinkingLevel": "off"}

    async def do_chat_send(self, params):
        if self.fail_next:
            text, self.fail_next = self.fail_next, None
            raise ValueError(text)
        key, run = params["sessionKey"], params["idempotencyKey"]
        if self.mode == "deaf":
            await self.drop()
            raise ConnectionClosed(None, None)
        self.sent[run] = self.sent.get(run, 0) + 1
        if self.sent[run] > 1:
            return {"runId": run, "status": "in_flight" if run in self.runs else "ok"}
        self.history.setdefault(key, []).append(message("user", params["message"], now(), runId=run))
        if self.mode != "silent":
            self.runs[run] = asyncio.create_task(self.stream(key, run))
        return {"runId": run, "status": "started"}

    async def stream(self, key, run):
        text = ""
        base = {"runId": run, "sessionKey": key}
        await self.broadcast("agent", {**base, "seq": 1, "stream": "tool", "ts": now(), "data": {
            "phase": "start", "name": "session_status", "toolCallId": "t1", "args": {"detail": "full"}}})
        await asyncio.sleep(self.delay * 3)
        await self.broadcast("agent", {**base, "seq": 2, "stream": "tool", "ts": now(), "data": {
            "phase": "result", "name": "session_status", "toolCallId": "t1", "isError": False}})
        try:
            for piece in re.findall(r"\S+\s*", self.answer):
                text += piece
                await self.broadcast("chat", {**base, "seq": 1, "state": "delta", "message": told(message("assistant", text, now()))})
                await asyncio.sleep(self.delay)
        except asyncio.CancelledError:
            done = message("assistant", text, now(), stopReason="aborted", runId=run)
            self.history[key].append(done)
            await self.broadcast("chat", {**base, "seq": 2, "state": "aborted", "message": told(done)})
            self.runs.pop(run, None)
            return
        done = message("assistant", text, now(), model="smollm2-135m", provider="local", stopReason="stop", runId=run, usage=USAGE)
        self.history[key].append(done)
        self.runs.pop(run, None)
        await self.broadcast("chat", {**base, "seq": 2, "state": "final", "message": told(done), "usage": USAGE})

    async def do_chat_abort(self, params):
        ids = list(self.runs)
        for task in list(self.runs.values()):
            task.cancel()
        return {"ok": True, "aborted": bool(ids), "runIds": ids}

    async def do_agent_wait(self, params):
        return {"runId": params["runId"], "status": "timeout" if params["runId"] in self.runs else "ok"}

    async def do_sessions_list(self, params):
        rows = [
            {"key": "agent:main:main", "kind": "direct", "updatedAt": now() - 60_000, "model": "smollm2-135m",
             "totalTokens": 18_400, "contextTokens": 128_000, "lastMessagePreview": "The log has two warnings, see the guide."},
            {"key": "agent:main:telegram:direct:4711", "kind": "direct", "displayName": "Ada (Telegram)", "channel": "telegram",
             "updatedAt": now() - 3_600_000, "lastMessagePreview": "Thanks, that fixed it"},
            {"key": "agent:main:web-9f2c11ab", "kind": "direct", "derivedTitle": "Moving the workspace to the new disk",
             "updatedAt": now() - 90_000_000, "lastMessagePreview": "Copied 1,204 files"},
        ]
        for key in self.history:
            if not any(row["key"] == key for row in rows):
                rows.insert(0, {"key": key, "kind": "direct", "updatedAt": now()})
        return {"ts": now(), "count": len(rows), "defaults": {"modelProvider": "local", "model": "smollm2-135m", "contextTokens": 128_000}, "sessions": rows}

    async def do_sessions_reset(self, params):
        self.history[params["key"]] = []
        return {"ok": True, "key": params["key"], "entry": {}}

    async def do_health(self, params):
        return {"ok": True, "ts": now(), "durationMs": 1, "channels": {"telegram": {"running": True, "configured": True}},
                "channelOrder": ["telegram"], "channelLabels": {"telegram": "Telegram"}, "defaultAgentId": "main",
                "sessions": {"count": 3, "recent": []}}

    async def do_status(self, params):
        state = f"/home/ada/.jarvis-{self.profile}"
        return {
            "sessions": {"count": 3, "paths": [f"{state}/store/jarvis.sqlite"],
                         "defaults": {"model": "smollm2-135m", "contextTokens": 128_000}},
            "gateway": {"pid": 4242, "port": self.port, "uptimeMs": 372_000_000, "rssBytes": 14_300_000, "activeRuns": len(self.runs)},
            "model": {"reference": "local/smollm2-135m", "isOperator": False, "failures": []},
            "config": {"valid": True, "issues": [], "warnings": [
                {"path": "gateway.prot", "message": "Unknown key; did you mean gateway.port?", "line": 4, "column": 5}]},
            "store": {},
            "recentErrors": [{"time": now() - 700_000, "level": "error", "subsystem": "model",
                              "message": "model request failed", "meta": {"status": "503"}}],
        }

    # ---- questions

    async def ask(self, request, seconds=120, id=None):
        """Puts a question before every page."""
        record = {"id": id or str(uuid.uuid4()), "request": request, "createdAtMs": now(), "expiresAtMs": now() + seconds * 1000}
        self.approvals[record["id"]] = record
        await self.broadcast("exec.approval.requested", record)
        return record["id"]

    async def settle(self, id, decision, by="ada"):
        self.approvals.pop(id)
        await self.broadcast("exec.approval.resolved", {"id": id, "decision": decision, "resolvedBy": by, "ts": now()})

    async def do_exec_approval_list(self, params):
        return {"ts": now(), "pending": list(self.approvals.values())}

    async def do_exec_approval_resolve(self, params):
        if params["id"] not in self.approvals:
            raise ValueError("no such question")
        await self.settle(params["id"], params["decision"], "Control page")
        return {"ok": True}

    # ---- browser

    async def do_browser_request(self, params):
        method, path, query = params["method"], params["path"], params.get("query", {})
        self.browser_calls.append((method, path, query, params.get("body")))
        if path == "/profiles":
            return {"enabled": not self.off, "profiles": self.profiles}
        profile = next(p for p in self.profiles if p["name"] == query["profile"])
        if path in ("/start", "/stop"):
            profile["running"] = path == "/start"
            return {"ok": True, "profile": profile["name"]}
        if path == "/tabs":
            return {"running": True, "tabs": self.tabs}
        if path == "/tabs/open":
            self.tabs.append({"targetId": f"T{len(self.tabs)}", "title": "", "url": params["body"]["url"], "type": "page"})
            return self.tabs[-1]
        if path == "/hooks/dialog":
            tab = next(tab for tab in self.tabs if tab["targetId"] == params["body"]["targetId"])
            return {"ok": True, "answered": True, "dialog": tab.pop("dialog")}
        if method == "DELETE":
            self.tabs = [tab for tab in self.tabs if not path.endswith(tab["targetId"])]
            return {"ok": True}
        if path == "/view":
            return {"ok": True, "targetId": query["targetId"], "mimeType": "image/jpeg", "base64": JPEG, "width": 64, "height": 48}
        raise ValueError(f"no route {method} {path}")

    async def do_sessions_subscribe(self, params):
        return {"ok": True, "subscribed": True}

    async def do_system_presence(self, params):
        return [
            {"host": "ada-laptop", "mode": "gateway", "reason": "self", "ts": now()},
            {"host": "Control page", "mode": "webchat", "platform": "web", "version": "1", "ip": "127.0.0.1", "ts": now()},
            {"host": "jarvis chat", "mode": "cli", "platform": "linux", "version": "0.1.0", "ts": now() - 40_000},
        ]

    async def do_logs_tail(self, params):
        size = 6
        if params.get("cursor") == size:
            return {"file": "gateway.log", "cursor": size, "size": size, "lines": []}
        stamp = "2026-11-22T16:0{}:11.402Z"
        records = [
            {"level": "info", "subsystem": "gateway", "message": "gateway listening", "meta": {"port": str(self.port)}},
            {"level": "debug", "subsystem": "config", "message": "config loaded"},
            {"level": "info", "subsystem": "gateway", "message": "client connected", "meta": {"client": "jarvis-control-ui"}},
            {"level": "warn", "subsystem": "config", "message": "unknown key", "meta": {"path": "gateway.prot"}},
            {"level": "error", "subsystem": "model", "message": "model request failed", "meta": {"status": "503"}},
        ]
        lines = [json.dumps({"time": stamp.format(i), **record}) for i, record in enumerate(records)]
        lines.append("a plain line that another program wrote")
        return {"file": f"/home/ada/.jarvis-{self.profile}/logs/gateway.log", "cursor": size, "size": size, "lines": lines}


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=18_999)
    parser.add_argument("--profile", default="main")
    parser.add_argument("--color", default="#2f7d6b")
    options = parser.parse_args()
    gateway = FakeGateway(options.profile, options.color)
    await gateway.start(options.port)
    print(f"http://127.0.0.1:{gateway.port}/#token={TOKEN}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
