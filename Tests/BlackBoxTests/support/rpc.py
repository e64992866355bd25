"""A client of the gateway's WebSocket protocol, made with an independent library."""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as websocket_connect

DEFAULT_TIMEOUT = 20


class RpcError(Exception):
    """An error response."""

    def __init__(self, error: dict, method: str = ""):
        super().__init__(f"{method}: {error.get('code')}: {error.get('message')}")
        self.error = error
        self.code = error.get("code")
        self.message = error.get("message", "")
        self.details = error.get("details") or {}


class Closed(Exception):
    """The server closed the connection."""

    def __init__(self, code: int | None, reason: str):
        super().__init__(f"closed with {code}: {reason}")
        self.code = code
        self.reason = reason


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Device:
    """An Ed25519 device identity."""

    def __init__(self):
        self.key = Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = hashlib.sha256(raw).hexdigest()
        self.public_key = base64url(raw)

    def sign(self, *, version: str, client: dict, role: str, scopes: list[str], token: str, nonce: str,
             signed_at: int | None = None) -> dict:
        signed_at = signed_at or int(time.time() * 1000)
        parts = [version, self.id, client["id"], client["mode"], role, ",".join(scopes), str(signed_at), token, nonce]
        if version == "v3":
            parts += [client.get("platform", "").strip().lower(), client.get("deviceFamily", "").strip().lower()]
        return {
            "id": self.id, "publicKey": self.public_key, "signature": base64url(self.key.sign("|".join(parts).encode())),
            "signedAt": signed_at, "nonce": nonce,
        }


@dataclass
class Event:
    name: str
    payload: dict
    seq: int | None
    at: float


class Rpc:
    """One connection. `connect=False` leaves the handshake to the test."""

    def __init__(self, url: str, *, token: str | None = None, password: str | None = None,
                 device_token: str | None = None, device: Device | None = None, device_version: str = "v3",
                 client: dict | None = None, role: str = "operator", scopes: list[str] | None = None,
                 caps: list[str] | None = None, protocol: tuple[int, int] = (3, 4), origin: str | None = None,
                 headers: dict | None = None, connect: bool = True, params: dict | None = None):
        self.url = url
        self.events: list[Event] = []
        self.strays: list = []
        self.hello: dict | None = None
        self._arrived = threading.Condition()
        self._answers: dict[str, queue.Queue] = {}
        self._sending = threading.Lock()
        self.closed: Closed | None = None
        self.socket = websocket_connect(
            url, max_size=None, compression=None, open_timeout=10, close_timeout=2, origin=origin, proxy=None,
            additional_headers=headers, ping_interval=None).__enter__()
        self._reader = threading.Thread(target=self._read, name="rpc-reader", daemon=True)
        self._reader.start()
        if connect:
            self.handshake(
                token=token, password=password, device_token=device_token, device=device,
                device_version=device_version, client=client, role=role, scopes=scopes, caps=caps, protocol=protocol,
                params=params)

    # ---- handshake

    def challenge(self) -> dict:
        return self.wait_event("connect.challenge").payload

    def handshake(self, *, token=None, password=None, device_token=None, device=None, device_version="v3", client=None,
                  role="operator", scopes=None, caps=None, protocol=(3, 4), params=None) -> dict:
        """Sends `connect` and keeps the answer in `hello`. Raises RpcError or Closed when refused."""
        nonce = self.challenge()["nonce"]
        client = client or {
            "id": "gateway-client", "version": "1.0", "platform": "Linux", "mode": "backend", "deviceFamily": "Test"}
        scopes = ["operator.admin"] if scopes is None else scopes
        auth = {"token": token, "password": password, "deviceToken": device_token}
        auth = {name: value for name, value in auth.items() if value is not None}
        request = {
            "minProtocol": protocol[0], "maxProtocol": protocol[1], "client": client, "role": role, "scopes": scopes,
            "caps": caps or [],
        }
        if auth:
            request["auth"] = auth
        if device:
            request["device"] = device.sign(
                version=device_version, client=client, role=role, scopes=scopes,
                token=token or device_token or "", nonce=nonce)
        request.update(params or {})
        self.hello = self.call("connect", request)
        return self.hello

    # ---- requests

    def send_raw(self, message: str | bytes) -> None:
        with self._sending:
            try:
                self.socket.send(message)
            except ConnectionClosed:
                self._reader.join(2)
                raise self._closing() from None

    def request(self, method: str, params=None, id: str | None = None) -> str:
        """Sends a request and returns its id; `answer` reads what comes back."""
        id = id or str(uuid.uuid4())
        self._answers.setdefault(id, queue.Queue())
        frame = {"type": "req", "id": id, "method": method}
        if params is not None:
            frame["params"] = params
        self.send_raw(json.dumps(frame))
        return id

    def answer(self, id: str, timeout: float = DEFAULT_TIMEOUT, method: str = ""):
        """The next response with this id: its payload, or RpcError."""
        answers = self._answers.setdefault(id, queue.Queue())
        end = time.monotonic() + timeout
        while True:
            try:
                frame = answers.get(timeout=0.1)
                break
            except queue.Empty:
                if self.closed and answers.empty():
                    raise self._closing() from None
                if time.monotonic() > end:
                    raise AssertionError(f"no answer to {method or id} within {timeout} s") from None
        if not frame.get("ok"):
            raise RpcError(frame.get("error") or {}, method)
        return frame.get("payload")

    def call(self, method: str, params=None, timeout: float = DEFAULT_TIMEOUT):
        return self.answer(self.request(method, params), timeout, method)

    def error(self, method: str, params=None, timeout: float = DEFAULT_TIMEOUT) -> RpcError:
        """The error that a request must bring."""
        try:
            payload = self.call(method, params, timeout)
        except RpcError as error:
            return error
        raise AssertionError(f"{method} was answered with {payload!r}, an error was expected")

    # ---- events

    def mark(self) -> int:
        """A place in the stream of events; pass it as `since`."""
        with self._arrived:
            return len(self.events)

    def wait_event(self, name: str, matching=lambda payload: True, timeout: float = DEFAULT_TIMEOUT, since: int = 0) -> Event:
        end = time.monotonic() + timeout
        index = since
        with self._arrived:
            while True:
                while index < len(self.events):
                    event = self.events[index]
                    index += 1
                    if event.name == name and matching(event.payload):
                        return event
                if self.closed:
                    raise self._closing()
                left = end - time.monotonic()
                if left <= 0:
                    seen = [event.name for event in self.events[since:]][-10:]
                    raise AssertionError(f"no event {name} within {timeout} s; the last ones were {seen}")
                self._arrived.wait(min(left, 0.5))

    def events_named(self, name: str, since: int = 0) -> list[Event]:
        with self._arrived:
            return [event for event in self.events[since:] if event.name == name]

    # ---- chat

    def chat(self, message: str, session: str = "main", key: str | None = None, timeout: float = DEFAULT_TIMEOUT, **more) -> dict:
        """Sends a message and returns the final `chat` event of its run (state final, aborted or error)."""
        key = key or str(uuid.uuid4())
        since = self.mark()
        self.call("chat.send", {"sessionKey": session, "message": message, "idempotencyKey": key, **more})
        return self.chat_end(key, timeout, since)

    def chat_end(self, run: str, timeout: float = DEFAULT_TIMEOUT, since: int = 0) -> dict:
        return self.wait_event(
            "chat", lambda p: p.get("runId") == run and p.get("state") in ("final", "aborted", "error"), timeout, since
        ).payload

    def history(self, session: str = "main", limit: int = 1000) -> list[dict]:
        return self.call("chat.history", {"sessionKey": session, "limit": limit})["messages"]

    # ---- end

    def wait_closed(self, timeout: float = 10) -> Closed:
        end = time.monotonic() + timeout
        with self._arrived:
            while not self.closed:
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"the server did not close the connection within {timeout} s")
                self._arrived.wait(left)
        return self.closed

    def close(self) -> None:
        self.socket.close()
        self._reader.join(3)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _closing(self) -> Closed:
        return self.closed or Closed(None, "")

    def _read(self) -> None:
        try:
            for message in self.socket:
                frame = json.loads(message)
                with self._arrived:
                    if frame.get("type") == "event":
                        self.events.append(
                            Event(frame["event"], frame.get("payload") or {}, frame.get("seq"), time.monotonic()))
                    elif frame.get("type") == "res" and frame.get("id") in self._answers:
                        self._answers[frame["id"]].put(frame)
                    else:
                        self.strays.append(frame)
                    self._arrived.notify_all()
        except ConnectionClosed:
            pass
        finally:
            with self._arrived:
                protocol = self.socket.protocol
                self.closed = Closed(protocol.close_code, protocol.close_reason or "")
                self._arrived.notify_all()


def text_of(message: dict) -> str:
    """The text of a transcript message, whose content is a string or a list of blocks."""
    content = message.get("content", "")
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content if block.get("type") == "text")
