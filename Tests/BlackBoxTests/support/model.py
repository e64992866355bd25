"""A model server that does what the test says: it speaks /v1/chat/completions and echoes, or fails as planned.

    model.plan.append(Status(429, {"Retry-After": "1"}))        the next request
    model.on("slow", Echo(chunks=20, delay=0.1))                every request whose newest message contains "slow"
"""

from __future__ import annotations

import json
import select
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "sk-scripted"


@dataclass
class Echo:
    """Streams `echo:<last user text>`, or `text`, in `chunks` pieces, `delay` seconds apart."""

    chunks: int = 4
    delay: float = 0.0
    text: str | None = None


@dataclass
class Status:
    """Answers with a status and an error body."""

    code: int
    headers: dict = field(default_factory=dict)
    body: str | None = None


@dataclass
class Cut:
    """Breaks the connection in the middle of the stream, after `after` pieces."""

    after: int = 2


@dataclass
class Silence:
    """200 and `after` pieces, then nothing; `comments` keeps sending SSE comments."""

    after: int = 0
    comments: bool = False
    seconds: float = 90


@dataclass
class Raw:
    """200 and these bytes as an event stream, then the end."""

    body: bytes
    content_type: str = "text/event-stream"


@dataclass
class CallTool:
    """Asks for a tool; the request that brings its result is answered with `answer`."""

    name: str = "session_status"
    arguments: str = "{}"
    answer: str = "the tool has answered"


@dataclass
class Step:
    """One turn of a run that takes several: calls a tool, or says `say`. `arguments` and `say` may be functions of the conversation so far.

    model.plan.extend([Step("browser", {"action": "open", "url": url}), Step("browser", click), Step(say="done")])
    """

    name: str = ""
    arguments: object = None
    say: object = None


@dataclass
class Request:
    """A request as it came in."""

    at: float
    body: dict
    headers: dict
    text: str
    closed_early: float | None = None
    finished: bool = False


class ScriptedModel:
    def __init__(self):
        self.plan: deque = deque()
        self.default = Echo()
        self.requests: list[Request] = []
        self.calls: Counter = Counter()
        self._rules: list[tuple[str, object]] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def do_GET(self):
                model._models(self)

            def do_POST(self):
                model._answer(self)

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def reset(self) -> None:
        """Forgets plan, rules and what was asked."""
        with self._lock:
            self.plan.clear()
            self._rules.clear()
            self.requests.clear()
            self.calls.clear()
            self.default = Echo()

    def on(self, fragment: str, behaviour) -> None:
        self._rules.insert(0, (fragment, behaviour))

    def requests_with(self, fragment: str) -> list[Request]:
        with self._lock:
            return [request for request in self.requests if fragment in request.text]

    # ---- one request

    def _models(self, http: BaseHTTPRequestHandler) -> None:
        self._reply(http, 200, json.dumps({"object": "list", "data": [{"id": "echo", "object": "model"}]}).encode())

    def _answer(self, http: BaseHTTPRequestHandler) -> None:
        raw = http.rfile.read(int(http.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            return self._reply(http, 400, b'{"error":{"message":"not JSON"}}')
        if http.headers.get("Authorization") != f"Bearer {KEY}":
            return self._reply(http, 401, b'{"error":{"message":"wrong key","type":"invalid_api_key"}}')
        messages = body.get("messages") or []
        text = last_user_text(messages)
        request = Request(time.monotonic(), body, dict(http.headers), text)
        with self._lock:
            self.requests.append(request)
            self.calls[text] += 1
            behaviour = self.plan.popleft() if self.plan else None
            if behaviour is None:
                # Messages that nobody answered may arrive joined with the newest; the newest decides.
                newest = text.rsplit("\n\n", 1)[-1]
                behaviour = next((b for fragment, b in self._rules if fragment in newest), self.default)
        after_tool = bool(messages) and messages[-1].get("role") == "tool"
        try:
            self._perform(http, request, behaviour, after_tool)
            request.finished = True
        except (BrokenPipeError, ConnectionResetError):
            request.closed_early = time.monotonic()
            http.close_connection = True

    def _perform(self, http, request: Request, behaviour, after_tool: bool) -> None:
        if isinstance(behaviour, Status):
            body = behaviour.body or json.dumps({"error": {"message": f"planned {behaviour.code}", "type": "planned"}})
            return self._reply(http, behaviour.code, body.encode(), behaviour.headers)
        if isinstance(behaviour, Raw):
            return self._reply(http, 200, behaviour.body, content_type=behaviour.content_type)
        if isinstance(behaviour, Step):
            return self._step(http, request, behaviour)
        if isinstance(behaviour, CallTool):
            if after_tool:
                return self._stream(http, request, pieces_of(behaviour.answer, 2), 0)
            call = {"index": 0, "id": "call_1", "type": "function",
                    "function": {"name": behaviour.name, "arguments": behaviour.arguments}}
            self._open(http)
            self._event(http, {"delta": {"role": "assistant", "content": None, "tool_calls": [call]}})
            self._event(http, {"delta": {}, "finish_reason": "tool_calls"})
            return self._finish(http, request)
        answer = f"echo:{request.text}"
        if isinstance(behaviour, Cut):
            self._open(http)
            for piece in pieces_of(answer + " and more that never arrives", behaviour.after + 2)[: behaviour.after]:
                self._event(http, {"delta": {"content": piece}})
            http.close_connection = True
            return None  # no final chunk: the transfer coding ends in the middle
        if isinstance(behaviour, Silence):
            self._open(http)
            for piece in pieces_of(answer, behaviour.after + 1)[: behaviour.after]:
                self._event(http, {"delta": {"content": piece}})
            end = time.monotonic() + behaviour.seconds
            while time.monotonic() < end and not self._stopping.is_set():
                self._pause(http, 0.2)
                if behaviour.comments:
                    self._chunk(http, b": still here\n\n")
            http.close_connection = True
            return None
        text = behaviour.text if behaviour.text is not None else answer
        return self._stream(http, request, pieces_of(text, behaviour.chunks), behaviour.delay)

    def _step(self, http, request: Request, step: Step) -> None:
        messages = request.body.get("messages") or []
        try:
            said = step.say(messages) if callable(step.say) else step.say
            arguments = step.arguments(messages) if callable(step.arguments) else step.arguments
        except Exception as error:  # told as the answer: the test sees it in the run instead of a run that hangs
            said, arguments = f"the script failed: {error!r}", None
        if said is not None:
            return self._stream(http, request, pieces_of(said, 2), 0)
        number = sum(message.get("role") == "tool" for message in messages) + 1
        call = {"index": 0, "id": f"call_{number}", "type": "function",
                "function": {"name": step.name, "arguments": json.dumps(arguments or {})}}
        self._open(http)
        self._event(http, {"delta": {"role": "assistant", "content": None, "tool_calls": [call]}})
        self._event(http, {"delta": {}, "finish_reason": "tool_calls"})
        return self._finish(http, request)

    def _stream(self, http, request: Request, pieces: list[str], delay: float) -> None:
        if not request.body.get("stream"):
            message = {"role": "assistant", "content": "".join(pieces)}
            return self._reply(http, 200, json.dumps({
                "id": "chatcmpl-1", "object": "chat.completion", "model": "echo",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}).encode())
        self._open(http)
        self._event(http, {"delta": {"role": "assistant", "content": ""}})
        for piece in pieces:
            if delay:
                self._pause(http, delay)
            self._event(http, {"delta": {"content": piece}})
        self._event(http, {"delta": {}, "finish_reason": "stop"})
        return self._finish(http, request)

    def _finish(self, http, request: Request) -> None:
        self._event(http, None, usage={"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10})
        self._chunk(http, b"data: [DONE]\n\n")
        http.wfile.write(b"0\r\n\r\n")
        http.wfile.flush()

    # ---- bytes

    def _pause(self, http, seconds: float) -> None:
        """Waits, and notices a client that goes away meanwhile."""
        readable, _, _ = select.select([http.connection], [], [], seconds)
        if readable and not http.connection.recv(1):
            raise ConnectionResetError

    def _open(self, http) -> None:
        http.send_response(200)
        http.send_header("Content-Type", "text/event-stream")
        http.send_header("Cache-Control", "no-cache")
        http.send_header("Transfer-Encoding", "chunked")
        http.end_headers()

    def _event(self, http, choice: dict | None, usage: dict | None = None) -> None:
        data = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": int(time.time()), "model": "echo",
                "choices": [] if choice is None else [{"index": 0, "finish_reason": None, **choice}]}
        if usage:
            data["usage"] = usage
        self._chunk(http, b"data: " + json.dumps(data).encode() + b"\n\n")

    def _chunk(self, http, data: bytes) -> None:
        http.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        http.wfile.flush()

    def _reply(self, http, code: int, body: bytes, headers: dict | None = None, content_type: str = "application/json") -> None:
        http.send_response(code)
        http.send_header("Content-Type", content_type)
        http.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            http.send_header(name, value)
        http.end_headers()
        http.wfile.write(body)


def last_user_text(messages: list[dict]) -> str:
    for message in reversed(messages):
        if message.get("role") != "user":
            continue
        content = message.get("content")
        if isinstance(content, str):
            return content
        return "".join(part.get("text", "") for part in content or [] if part.get("type") == "text")
    return ""


def pieces_of(text: str, count: int) -> list[str]:
    """The text in about `count` pieces; never splits a character."""
    if not text:
        return []
    size = max(1, -(-len(text) // max(1, count)))
    return [text[i : i + size] for i in range(0, len(text), size)]
