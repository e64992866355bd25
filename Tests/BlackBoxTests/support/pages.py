"""A web site of the test's own on loopback, on 127.0.0.1 and ::1, over HTTP and self-signed HTTPS, that records every request.

Files of `browser/pages/` are served as they are; `page()` and `route()` add what a test needs; these are always there:

    /echo                        the request as JSON
    /status/CODE                 an answer of that status
    /redirect?to=URL&status=302  a redirect
    /slow?seconds=N              answers after N seconds, or as soon as the server ends
    /hang                        the connection stays open without an answer until the server ends
    /half                        half of an answer, then the connection breaks
    /big?bytes=N                 that much text
    /download/NAME?bytes=N       an attachment called NAME
    /upload (POST)               takes a form with files; `uploads` has them
    /auth                        HTTP authentication, user `ada`, password `lovelace`
    /cookies                     sets what the query says; the answer is the Cookie header of the request
    /sse                         three events
    /ws                          a WebSocket that echoes
    /sw/                         a page with a service worker whose scope is /sw/
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import json
import mimetypes
import socket
import ssl
import struct
import tempfile
import threading
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.ports import wait_until

PAGES = Path(__file__).resolve().parent.parent / "browser/pages"
USER, PASSWORD = "ada", "lovelace"
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

SERVICE_WORKER_PAGE = """<!doctype html><meta charset=utf-8><title>worker</title><p id=state>none</p><script>
navigator.serviceWorker.register('/sw/worker.js', {scope: '/sw/'}).then(() => navigator.serviceWorker.ready)
  .then(() => { document.getElementById('state').textContent = 'ready'; });
</script>"""
SERVICE_WORKER = """self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', event => event.waitUntil(self.clients.claim()));
self.addEventListener('fetch', event => {
  const url = new URL(event.request.url);
  if (url.pathname === '/sw/made') event.respondWith(new Response('from the worker'));
  if (url.pathname === '/sw/pass') event.respondWith(fetch(url.searchParams.get('to'), {mode: 'no-cors'}).then(() => new Response('passed'), e => new Response('failed ' + e)));
});"""


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    scheme: str
    address: str

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


@dataclass
class Answer:
    """What a route gives back. `body` may be text, bytes, or something that becomes JSON."""

    body: object = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    type: str | None = None

    def encoded(self) -> tuple[bytes, str]:
        if isinstance(self.body, bytes):
            return self.body, self.type or "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), self.type or "text/html; charset=utf-8"
        return json.dumps(self.body).encode(), self.type or "application/json"


class PageServer:
    """The site. `url("/form.html")` is where it is; `stop()` ends it with everything that still waits in it."""

    def __init__(self, folder: Path = PAGES):
        self.folder = folder
        self.ended = threading.Event()
        self.requests: list[Seen] = []
        self.uploads: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._routes = dict(BUILT_IN)
        self._servers: list[ThreadingHTTPServer] = []
        self.port = self._listen(None)
        self.tls_port = self._listen(self_signed())

    # ---- addresses

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def https_url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.tls_port}{path}"

    def ws_url(self, path: str = "/ws", host: str = "127.0.0.1") -> str:
        return f"ws://{host}:{self.port}{path}"

    # ---- content

    def page(self, path: str, html: str, **options) -> str:
        """Serves a text there; returns its address."""
        return self.route(path, lambda _: Answer(html, **options))

    def route(self, path: str, handler) -> str:
        """Serves what `handler(seen)` returns (an `Answer`, or a body); a path that ends in `*` stands for all below."""
        with self._lock:
            self._routes[path] = handler
        return self.url(path.rstrip("*"))

    # ---- what came in

    def seen(self, path: str | None = None, method: str | None = None) -> list[Seen]:
        with self._lock:
            return [one for one in self.requests
                    if (path is None or one.path == path) and (method is None or one.method == method)]

    def wait_seen(self, path: str, count: int = 1, timeout: float = 15) -> list[Seen]:
        return wait_until(lambda: found if len(found := self.seen(path)) >= count else None, timeout, f"a request of {path}")

    def forget(self) -> None:
        """Forgets requests and uploads; routes stay."""
        with self._lock:
            self.requests.clear()
            self.uploads.clear()

    def stop(self) -> None:
        self.ended.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    # ---- inside

    def _listen(self, tls: ssl.SSLContext | None) -> int:
        """Serves on one port of both loopback addresses; where there is no IPv6, of one."""
        handler = type("Handler", (PageHandler,), {"site": self, "scheme": "https" if tls else "http"})
        for _ in range(50):
            first = QuietServer(("127.0.0.1", 0), handler, tls)
            port = first.server_address[1]
            try:
                servers = [first, QuietServer6(("::1", port), handler, tls)]
            except OSError as error:
                if error.errno in (97, 99):  # no IPv6 here
                    servers = [first]
                else:
                    first.server_close()
                    continue
            for server in servers:
                threading.Thread(target=server.serve_forever, args=(0.05,), name=f"site-{port}", daemon=True).start()
            self._servers += servers
            return port
        raise RuntimeError("no port that is free on 127.0.0.1 and ::1")

    def answer(self, seen: Seen) -> Answer | None:
        """None: the handler has written to the socket itself."""
        with self._lock:
            self.requests.append(seen)
            handler = self._routes.get(seen.path)
            if handler is None:
                starred = [path for path in self._routes if path.endswith("*") and seen.path.startswith(path[:-1])]
                handler = self._routes[max(starred, key=len)] if starred else None
        if handler is None:
            return self._file(seen.path)
        made = handler(self, seen) if handler in BUILT_IN.values() else handler(seen)
        return made if isinstance(made, Answer) else Answer(made)

    def _file(self, path: str) -> Answer:
        wanted = (self.folder / unquote(path).lstrip("/")).resolve()
        if wanted.is_dir():
            wanted /= "index.html"
        if self.folder.resolve() not in wanted.parents or not wanted.is_file():
            return Answer(f"<!doctype html><title>404</title><p>There is no {path}.", 404)
        kind = mimetypes.guess_type(wanted.name)[0] or "application/octet-stream"
        return Answer(wanted.read_bytes(), type=kind + ("; charset=utf-8" if kind.startswith("text/") else ""))


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address, handler, tls: ssl.SSLContext | None):
        self.tls = tls
        super().__init__(address, handler)

    def finish_request(self, request, client_address):
        if self.tls:
            try:
                request = self.tls.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError):
                return  # a browser that does not trust the certificate hangs up
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # browsers hang up when they like


class QuietServer6(QuietServer):
    address_family = socket.AF_INET6


class PageHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: PageServer
    scheme: str

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (OSError, ssl.SSLError):
            self.close_connection = True

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        seen = Seen(
            self.command, unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length) if length else b"",
            self.scheme, self.client_address[0])
        if seen.path == "/ws" and seen.headers.get("upgrade", "").lower() == "websocket":
            self.site.answer(seen)
            self.echo_frames(seen)
            return
        answer = self.site.answer(seen)
        if answer is BROKEN:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: text/html\r\n\r\n<p>half")
            self.wfile.flush()
            self.close_connection = True
            return
        if answer is NOTHING:
            self.close_connection = True
            return
        body, kind = answer.encoded()
        self.send_response(answer.status)
        headers = {"Content-Type": kind, "Cache-Control": "no-store", **answer.headers}
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_PATCH = serve

    def echo_frames(self, seen: Seen) -> None:
        key = base64.b64encode(hashlib.sha1((seen.headers["sec-websocket-key"] + WEBSOCKET_GUID).encode()).digest()).decode()
        self.send_response(101)
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", key)):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        while head := self.rfile.read(2):
            opcode, length = head[0] & 15, head[1] & 127
            if length == 126:
                length = struct.unpack("!H", self.rfile.read(2))[0]
            elif length == 127:
                length = struct.unpack("!Q", self.rfile.read(8))[0]
            mask = self.rfile.read(4)
            data = bytes(byte ^ mask[index % 4] for index, byte in enumerate(self.rfile.read(length)))
            opcode = 10 if opcode == 9 else opcode
            size = bytes([len(data)]) if len(data) < 126 else b"\x7e" + struct.pack("!H", len(data)) if len(data) < 65_536 \
                else b"\x7f" + struct.pack("!Q", len(data))
            self.wfile.write(bytes([0x80 | opcode]) + size + data)
            self.wfile.flush()
            if opcode == 8:
                return


# ---- the routes that are always there

NOTHING, BROKEN = Answer(), Answer()


def echo(_, seen: Seen):
    return {"method": seen.method, "path": seen.path, "query": seen.query, "headers": seen.headers, "body": seen.text}


def status(_, seen: Seen):
    code = int(seen.path.rsplit("/", 1)[1])
    return Answer(f"<!doctype html><title>{code}</title><p>{code}", code)


def redirect(_, seen: Seen):
    return Answer("", int(seen.query.get("status", 302)), {"Location": seen.query["to"]})


def slow(site: PageServer, seen: Seen):
    site.ended.wait(float(seen.query.get("seconds", 1)))
    return "<!doctype html><title>slow</title><p>at last"


def hang(site: PageServer, _):
    site.ended.wait(120)
    return NOTHING


def half(_, __):
    return BROKEN


def big(_, seen: Seen):
    line = "All work and no play makes a dull page. "
    size = int(seen.query.get("bytes", 1_000_000))
    return Answer((line * (size // len(line) + 1))[:size], type="text/plain; charset=utf-8")


def download(_, seen: Seen):
    name = seen.path.rsplit("/", 1)[1]
    size = int(seen.query.get("bytes", 1024))
    spelled = f"attachment; filename*=UTF-8''{quote(name)}"
    return Answer(bytes(index % 251 for index in range(size)), type="application/octet-stream",
                  headers={"Content-Disposition": spelled})


def upload(site: PageServer, seen: Seen):
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + seen.headers["content-type"].encode() + b"\r\n\r\n" + seen.body)
    fields, files = {}, {}
    for part in form.iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files[part.get_filename()] = content
    site.uploads.update(files)
    listed = "".join(f"<li>{name}: {len(content)} bytes" for name, content in files.items())
    return f"<!doctype html><title>uploaded</title><ul>{listed}</ul><pre>{json.dumps(fields)}</pre>"


def auth(_, seen: Seen):
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    if seen.headers.get("authorization") != wanted:
        return Answer("<!doctype html><title>401</title><p>Who are you?", 401, {"WWW-Authenticate": 'Basic realm="the test"'})
    return "<!doctype html><title>inside</title><p>Welcome, Ada."


def cookies(_, seen: Seen):
    made = [f"{name}={value}; Path=/" for name, value in seen.query.items()]
    return Answer(seen.headers.get("cookie", ""), headers={"Set-Cookie": made} if made else {}, type="text/plain")


def events(_, __):
    return Answer("data: one\n\ndata: two\n\ndata: three\n\n", type="text/event-stream")


BUILT_IN = {
    "/echo": echo, "/status/*": status, "/redirect": redirect, "/slow": slow, "/hang": hang, "/half": half, "/big": big,
    "/download/*": download, "/upload": upload, "/auth": auth, "/cookies": cookies, "/sse": events,
    "/ws": lambda *_: "", "/sw/": lambda *_: SERVICE_WORKER_PAGE,
    "/sw/worker.js": lambda *_: Answer(SERVICE_WORKER, type="text/javascript"),
}


def self_signed() -> ssl.SSLContext:
    """A certificate for loopback that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = x509.SubjectAlternativeName([
        x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.IPAddress(ipaddress.ip_address("::1"))])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2)).add_extension(names, critical=False).sign(key, hashes.SHA256()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        file.flush()
        context.load_cert_chain(file.name)
    return context
