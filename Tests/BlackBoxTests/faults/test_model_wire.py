"""Faults of the way to a model server, below the level of statuses and events (R20)."""

import socket
import threading
import time
import uuid

import pytest
from support.model import Raw, Silence
from support.ports import free_port
from support.rpc import text_of

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
PIECE = b'data: {"choices":[{"index":0,"delta":{"content":"half an ans'


class WireServer:
    """Answers every connection with what `serve(connection)` does after the request has been read."""

    def __init__(self, serve):
        self.serve = serve
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        try:
            connection.settimeout(10)
            data = b""
            while b"\r\n\r\n" not in data:
                part = connection.recv(65_536)
                if not part:
                    return
                data += part
            self.serve(connection)
        except OSError:
            pass

    def close(self):
        self.listener.close()
        for connection in self.open:
            connection.close()


def half_closed(connection):
    """The sending side ends in the middle of a JSON document; the receiving side stays open."""
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(PIECE), PIECE))
    connection.shutdown(socket.SHUT_WR)


def half_closed_without_length(connection):
    """The same where the end of the connection is the end of the body: only the JSON tells that something is missing."""
    connection.sendall(HEAD + b"Connection: close\r\n\r\n" + PIECE)
    connection.shutdown(socket.SHUT_WR)


def reset(connection):
    """A reset instead of an end."""
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n" + PIECE)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def short_body(connection):
    """Less than Content-Length promised."""
    connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n" + PIECE)
    connection.close()


def no_http(connection):
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def no_tls(connection):
    """The first record of the client is answered with plain HTTP."""
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    connection.close()


def said(final):
    message = final.get("message")
    return (text_of(message) if message else "") + str(final.get("errorMessage") or "")


def ends_well(it, client, mark, limit):
    """Something is said within `limit`, and the session goes on with the next message."""
    started = time.monotonic()
    final = client.chat(mark, "wire", timeout=limit)
    assert said(final).strip(), final
    assert "sk-scripted" not in said(final)
    assert it.is_running()
    assert it.get("/readyz")[0] == 200
    return final, time.monotonic() - started


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    "fault", [half_closed, half_closed_without_length, reset, short_body, no_http], ids=lambda f: f.__name__)
def test_broken_transfer(gateway, fault):
    server = WireServer(fault)
    try:
        it = gateway(config={"models": {"providers": {"test": {"baseUrl": f"http://127.0.0.1:{server.port}/v1"}}}})
        client = it.client()
        final, _ = ends_well(it, client, f"wire {uuid.uuid4()}", 60)
        assert final["state"] != "final" or "half an ans" != text_of(final["message"]), "half an answer is not the answer"
        assert 1 <= server.connections <= 8
        assert [m["role"] for m in client.history("wire")].count("user") == 1
    finally:
        server.close()


@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", ["refused", "no-such-name", "tls-to-plain", "tls-unknown-issuer"])
def test_no_way_to_the_model(gateway, tmp_path, name):
    server = None
    if name == "refused":
        url = f"http://127.0.0.1:{free_port()}/v1"
    elif name == "no-such-name":
        url = "http://no-such-host.invalid/v1"
    elif name == "tls-to-plain":
        server = WireServer(no_tls)
        server._one = lambda connection: (connection.recv(10), no_tls(connection))
        url = f"https://127.0.0.1:{server.port}/v1"
    else:
        server = self_signed(tmp_path)
        url = f"https://localhost:{server.port}/v1"
    try:
        it = gateway(config={"models": {"providers": {"test": {"baseUrl": url}}}})
        final, seconds = ends_well(it, it.client(), "anyone there", 60)
        print(f"{name}: {seconds:.1f} s, {said(final)[:160]!r}")
        if name == "tls-unknown-issuer":
            assert not server.requests, "no request goes to a server that did not prove who it is"
    finally:
        if server:
            server.close()


def self_signed(folder):
    """A TLS server whose certificate nobody vouches for; `requests` holds what it was sent after the handshake."""
    import datetime
    import ssl

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False).sign(key, hashes.SHA256()))
    path = folder / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    requests = []
    server = WireServer(None)

    def one(connection):
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                if data := secure.recv(65_536):
                    requests.append(data)
        except OSError:
            pass

    server._one = one
    server.requests = requests
    return server


@pytest.mark.timeout(90)
def test_a_line_of_ten_megabytes(rpc, shared_model, running):
    """One endless line costs neither the gateway nor its memory."""
    import psutil

    mark = f"long line {uuid.uuid4()}"
    shared_model.on(mark, Raw(b'data: {"choices":[{"delta":{"content":"' + b"x" * 10_000_000 + b'"}}]}\n\ndata: [DONE]\n\n'))
    before = psutil.Process(running.pid).memory_info().rss
    ends_well(running, rpc, mark, 60)
    grown = psutil.Process(running.pid).memory_info().rss - before
    print(f"resident memory grew by {grown / 1e6:.1f} MB")
    assert grown < 64e6
    assert "fine" in text_of(rpc.chat("fine again", "wire")["message"])


@pytest.mark.timeout(60)
def test_comments_alone_do_not_keep_a_run_for_ever(rpc, shared_model, running):
    """A server that sends keep-alive comments and never a word: the run's deadline ends it."""
    mark = f"comments {uuid.uuid4()}"
    shared_model.on(mark, Silence(after=0, comments=True))
    started = time.monotonic()
    final = rpc.chat(mark, "comments", timeout=50, timeoutMs=3_000)
    assert time.monotonic() - started < 20
    assert said(final).strip() or final["state"] == "aborted"
    assert "and on" in text_of(rpc.chat("and on", "comments")["message"])
    requests = [r for r in shared_model.requests_with(mark) if r.text.endswith(mark)]
    deadline = time.monotonic() + 5
    while not all(r.closed_early for r in requests) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert all(r.closed_early for r in requests), "the connection to the model is given up"
