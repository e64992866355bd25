"""Parts of files, for players that seek, and answers to clients that have a file already."""

import os
import socket
import struct
from pathlib import Path

import pytest
from support import rawhttp
from support.home import TOKEN

SIZE = 1_000_003


@pytest.fixture(scope="module")
def content(canvas):
    content = os.urandom(SIZE)
    canvas.write("film.mp4", content)
    canvas.write("small.txt", "0123456789")
    canvas.write("empty.txt", "")
    canvas.write("page.html", "<!doctype html><title>page</title>" + "x" * 5000)
    return content


@pytest.fixture(scope="module")
def scope(canvas, content):
    return canvas.scope()


def ask(canvas, path, method="GET", **headers):
    return canvas.get(path, {name.replace("_", "-"): value for name, value in headers.items()}, method)


@pytest.mark.parametrize("field, start, end", [
    ("bytes=0-0", 0, 1), ("bytes=0-", 0, SIZE), ("bytes=10-99", 10, 100), ("bytes=1000000-", 1_000_000, SIZE), ("bytes=-5", SIZE - 5, SIZE), (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
    ("bytes=1000000-9999999999999999999999", 1_000_000, SIZE), ("bytes=-9999999999", 0, SIZE), ("BYTES=5-600005", 5, 600_006),
])
def test_one_range_is_given(canvas, scope, content, field, start, end):
    status, headers, body = ask(canvas, f"{scope}/film.mp4", Range=field)
    assert (status, headers["Content-Range"], headers["Content-Length"]) == (206, f"bytes {start}-{end - 1}/{SIZE}", str(end - start))
    assert body == content[start:end]
    assert headers["Accept-Ranges"] == "bytes" and headers["Content-Type"] == "video/mp4" and "Transfer-Encoding" not in headers
    assert headers["Content-Security-Policy"].startswith("sandbox ") and headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("field", [f"bytes={SIZE}-", "bytes=99999999999999999999-", "bytes=-0"])
def test_what_is_beyond_the_end_is_416(canvas, scope, field):
    status, headers, body = ask(canvas, f"{scope}/film.mp4", Range=field)
    assert (status, headers["Content-Range"]) == (416, f"bytes */{SIZE}") and b"1000003 bytes" in body
    assert ask(canvas, f"{scope}/empty.txt", Range="bytes=0-")[0] == 416


@pytest.mark.parametrize("field", ["bytes=0-1,5-6", "bytes=9-1", "bytes=", "bytes=x-", "lines=0-1", "0-1", "bytes=0-1-2"])
def test_everything_else_gives_the_whole(canvas, scope, field):
    status, headers, body = ask(canvas, f"{scope}/small.txt", Range=field)
    assert (status, body) == (200, b"0123456789") and "Content-Range" not in headers
    host = f"Host: 127.0.0.1:{canvas.gateway.port}"
    data = rawhttp.get(canvas.gateway.port, f"{scope}/small.txt", host, "Range: bytes=0-1", "Range: bytes=3-4")
    assert rawhttp.status_of(data) == 200 and data.endswith(b"0123456789")


def test_head_tells_of_the_whole_and_sends_nothing(canvas, scope):
    for field in ({}, {"Range": "bytes=0-9"}, {"Range": f"bytes={SIZE}-"}):
        status, headers, body = ask(canvas, f"{scope}/film.mp4", "HEAD", **field)
        assert (status, headers["Content-Length"], headers["Accept-Ranges"], body) == (200, str(SIZE), "bytes", b"")


def test_a_file_is_known_by_its_tag(canvas, scope):
    tag = ask(canvas, f"{scope}/small.txt")[1]["ETag"]
    assert tag == ask(canvas, f"{scope}/small.txt", "HEAD")[1]["ETag"] and len(tag) == 34
    for field in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            status, headers, body = ask(canvas, f"{scope}/small.txt", method, If_None_Match=field, Range="bytes=0-1")
            assert (status, body, headers["ETag"]) == (304, b"", tag) and "Content-Range" not in headers
    assert ask(canvas, f"{scope}/small.txt", If_None_Match='"other"')[0] == 200
    canvas.write("small.txt", "9876543210")
    status, headers, body = ask(canvas, f"{scope}/small.txt", If_None_Match=tag)
    assert (status, body) == (200, b"9876543210") and headers["ETag"] != tag
    canvas.write("small.txt", "0123456789")


def test_a_range_of_another_version_is_the_whole(canvas, scope):
    tag = ask(canvas, f"{scope}/small.txt")[1]["ETag"]
    assert ask(canvas, f"{scope}/small.txt", Range="bytes=0-1", If_Range=tag)[0] == 206
    for other in ('"other"', f"W/{tag}", "Sat, 22 Nov 2026 10:00:00 GMT", ""):
        status, _, body = ask(canvas, f"{scope}/small.txt", Range="bytes=0-1", If_Range=other)
        assert (status, body) == (200, b"0123456789"), other


def test_pages_are_given_whole(canvas, scope):
    """They get the script of live reload, so that their bytes are not those of the file."""
    status, headers, body = ask(canvas, f"{scope}/page.html", Range="bytes=0-9")
    assert status == 200 and len(body) > 5000 and "Accept-Ranges" not in headers and "ETag" not in headers


def test_a_range_needs_the_capability_too(canvas, scope):
    for path in ("/__jarvis__/canvas/film.mp4", scope[:-1] + ("0" if scope[-1] != "0" else "1") + "/film.mp4"):
        status, headers, _ = ask(canvas, path, Range="bytes=0-1", If_None_Match="*")
        assert status == 401 and "ETag" not in headers and "Content-Range" not in headers


def test_a_file_that_shrinks_meanwhile_ends_its_answer(canvas, scope):
    canvas.write("shrinks.bin", b"x" * (40 << 20))
    with socket.create_connection(("127.0.0.1", canvas.gateway.port), 20) as slow:
        slow.sendall(f"GET {scope}/shrinks.bin HTTP/1.1\r\nHost: 127.0.0.1:{canvas.gateway.port}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += slow.recv(1000)
        assert f"Content-Length: {40 << 20}\r\n".encode() in data
        os.truncate(canvas.root / "shrinks.bin", 1000)
        received = len(data)
        try:
            while piece := slow.recv(1 << 20):
                received += len(piece)
        except ConnectionResetError:
            pass
    assert received < 40 << 20
    os.unlink(canvas.root / "shrinks.bin")


def test_readers_that_stop_cost_little(canvas, scope):
    """Twenty players that pause: what waits for them is bounded, and others are served."""
    canvas.write("long.mp4", b"x" * (64 << 20))

    def resident() -> int:
        return int(next(line for line in Path(f"/proc/{canvas.gateway.pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1]) << 10

    before = resident()
    paused = []
    try:
        for number in range(20):
            player = socket.create_connection(("127.0.0.1", canvas.gateway.port), 20)
            paused.append(player)
            player.sendall(f"GET {scope}/long.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{canvas.gateway.port}\r\nRange: bytes={number}-\r\n\r\n".encode())
            assert player.recv(100).startswith(b"HTTP/1.1 206 ")
        assert ask(canvas, f"{scope}/film.mp4", Range="bytes=5-9")[0] == 206
        assert resident() - before < 60 << 20, "a 64 MiB file for each would be 1280 MiB"
        rest = b""
        while len(rest) < 8 << 20:  # one of them goes on
            rest += paused[0].recv(1 << 20)
    finally:
        for player in paused:
            player.close()
        os.unlink(canvas.root / "long.mp4")


def test_a_player_seeks(canvas, new_page, scope):
    """Chromium plays sound from the middle of a file on the canvas, in the sandbox and in the control page."""
    rate, seconds = 8000, 600
    samples = bytes(128 + (number // 20 % 2) * 40 for number in range(rate)) * seconds
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8) + b"data" + struct.pack("<I", len(samples))
    canvas.write("tone.wav", head + samples)
    page = new_page(f"{canvas.gateway.origin}/#token={TOKEN}", viewport={"width": 1400, "height": 850})
    page.wait_for_selector("#connection[data-state=ready]")
    statuses = []
    page.on("response", lambda response: statuses.append(response.status) if "tone.wav" in response.url else None)
    canvas.rpc.call("canvas.present", {"path": "player.html", "html": "<!doctype html><title>player</title><audio controls preload=metadata src=tone.wav></audio>"})
    seek = """const a = document.querySelector('audio');
        const when = name => new Promise((yes, no) => { a.addEventListener(name, yes, {once: true}); a.addEventListener('error', () => no(a.error.message), {once: true}); });
        if (a.readyState < 1) await when('loadedmetadata');
        const seeked = when('seeked'); a.currentTime = 590; await seeked;
        return [Math.round(a.duration), Math.round(a.currentTime), a.seekable.end(0) > 599]"""
    assert canvas.rpc.call("canvas.eval", {"javaScript": seek, "timeoutMs": 30_000}, timeout=40)["result"] == [seconds, 590, True]
    page.wait_for_timeout(1)  # lets the page's events come in
    assert 206 in statuses, statuses
    canvas.rpc.call("canvas.hide")
