"""What the canvas serves, and that nothing outside its root can be reached."""

# lint: family names — clients of the family open the canvas under its older prefix.

import os
import socket

import pytest
from support import rawhttp


def test_an_empty_canvas_shows_that_it_works(canvas):
    address = canvas.address()
    status, headers, body = canvas.get(address)
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"The canvas works" in body
    assert canvas.root.stat().st_mode & 0o777 == 0o700
    assert (canvas.root / "index.html").stat().st_mode & 0o777 == 0o600


def test_every_answer_is_a_sandbox_that_nobody_keeps(canvas):
    canvas.write("style.css", "p { color: red }")
    scope = canvas.scope()
    for path, expected in [("/", 200), ("/style.css", 200), ("/none", 404)]:
        status, headers, _ = canvas.get(f"{scope}/__jarvis__/canvas{path}")
        assert status == expected, path
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("sandbox allow-scripts allow-forms; ")
        assert "frame-ancestors 'self'" in policy and "form-action 'none'" in policy
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name, kind", [
    ("a.html", "text/html; charset=utf-8"), ("a.CSS", "text/css; charset=utf-8"), ("a.mjs", "text/javascript; charset=utf-8"),
    ("a.json", "application/json; charset=utf-8"), ("a.svg", "image/svg+xml; charset=utf-8"), ("a.png", "image/png"),
    ("a.woff2", "font/woff2"), ("a", "application/octet-stream"), ("a.exe", "application/octet-stream"),
    ("d/e f/ü.txt", "text/plain; charset=utf-8"),
])
def test_the_type_follows_from_the_name(canvas, name, kind):
    canvas.write(name, "x")
    scope = canvas.scope()
    spelled = name.replace(" ", "%20").replace("ü", "%C3%BC")
    status, headers, body = canvas.get(f"{scope}/{spelled}")
    assert (status, headers["Content-Type"]) == (200, kind)
    status, headers, body = canvas.get(f"{scope}/{spelled}", method="HEAD")
    assert status == 200 and body == b""


def test_a_directory_leads_to_its_page(canvas):
    canvas.write("report/index.html", "<!doctype html><title>r</title>")
    canvas.write("bare/data.txt", "x")
    scope = canvas.scope()
    status, headers, _ = canvas.get(f"{scope}/__jarvis__/canvas")
    assert (status, headers["Location"]) == (302, f"{scope}/__jarvis__/canvas/")
    status, headers, _ = canvas.get(f"{scope}/report")
    assert (status, headers["Location"]) == (302, f"{scope}/report/")
    assert canvas.get(f"{scope}/report/")[0] == 200
    assert canvas.get(f"{scope}/bare/")[0] == 404
    token = scope.split("/")[3]
    status, headers, _ = canvas.get(f"/__jarvis__/canvas/report?oc_cap={token}")
    assert (status, headers["Location"]) == (302, f"/__jarvis__/canvas/report/?oc_cap={token}")


def test_a_redirect_stays_on_this_host(canvas):
    scope = canvas.scope()
    status, headers, _ = canvas.get(f"//evil.example/%2e%2e{scope}/report")
    assert status == 302 and headers["Location"].startswith("/__jarvis__/")


def test_the_familys_older_prefix_opens_the_same_files(canvas):
    canvas.write("same.txt", "same")
    token = canvas.scope().split("/")[3]
    for path in (
        f"/__openclaw__/cap/{token}/__openclaw__/canvas/same.txt", f"/__jarvis__/cap/{token}/__openclaw__/canvas/same.txt",
        f"/__openclaw__/canvas/same.txt?oc_cap={token}", f"/__jarvis__/cap/{token}/same.txt",
    ):
        assert canvas.get(path)[2] == b"same", path


def test_only_reading_is_possible(canvas):
    address = canvas.address()
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        status, headers, _ = canvas.get(address, method=method)
        assert (status, headers["Allow"]) == (405, "GET, HEAD"), method


def test_nothing_outside_the_root_is_served(canvas):
    state = canvas.gateway.state
    secret = "secret of the state directory"
    (state / "secret.txt").write_text(secret)
    canvas.write("inside/page.html", "x")
    canvas.write(".hidden", secret)
    canvas.write(".git/config", secret)
    os.symlink(state / "secret.txt", canvas.root / "link.txt")
    os.symlink(state, canvas.root / "linked")
    os.symlink("/", canvas.root / "inside" / "slash")
    os.mkfifo(canvas.root / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(canvas.root / "door"))
    scope = canvas.scope()
    up = ["..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "..%00", "..;", "....//..", "%c0%ae%c0%ae", "..%c0%af"]
    slashes = ["/", "%2f", "%5c", "\\", "//", "%252f"]
    paths = [f"/{dots}{slash}secret.txt" for dots in up for slash in slashes]
    paths += [f"/inside/{dots}{slash}{dots}{slash}secret.txt" for dots in up for slash in slashes]
    paths += [
        "/link.txt", "/linked/secret.txt", "/linked/", "/inside/slash/etc/passwd", "/.hidden", "/.git/config", "/%2ehidden",
        "/inside/../.hidden", "/./.hidden", "/pipe", "/door", f"/{state}/secret.txt", f"//{state}/secret.txt", "/etc/passwd",
        "/" + "a/" * 40 + "x", "/" + "n" * 300, "/link.txt/", "/secret.txt", "/..", "/inside/page.html/x",
    ]
    for path in paths:
        for base in (scope, scope + "/__jarvis__/canvas"):
            data = rawhttp.get(canvas.gateway.port, base + path, f"Host: 127.0.0.1:{canvas.gateway.port}")
            assert secret.encode() not in data and b"root:" not in data, path
            assert rawhttp.status_of(data) in (302, 400, 401, 404), (path, data[:100])
    for name in ("link.txt", "linked", "pipe", "door", ".hidden"):
        os.unlink(canvas.root / name)
    os.unlink(canvas.root / "inside" / "slash")


def test_a_link_in_place_of_the_root_is_not_followed(canvas):
    canvas.write("page.txt", "mine")
    scope, aside = canvas.scope(), canvas.root.with_name("aside")
    assert canvas.get(f"{scope}/page.txt")[2] == b"mine"
    canvas.root.rename(aside)
    os.symlink(aside, canvas.root)
    try:
        assert canvas.get(f"{scope}/page.txt")[0] == 404
    finally:
        canvas.root.unlink()
        aside.rename(canvas.root)
    assert canvas.get(f"{scope}/page.txt")[2] == b"mine"


def test_a_large_file_comes_whole_and_slowly_read_ones_hold_up_nobody(canvas):
    content = os.urandom(1 << 20) * 24
    canvas.write("large.bin", content)
    scope = canvas.scope()
    with socket.create_connection(("127.0.0.1", canvas.gateway.port), 10) as slow:
        slow.sendall(f"GET {scope}/large.bin HTTP/1.1\r\nHost: 127.0.0.1:{canvas.gateway.port}\r\n\r\n".encode())
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        status, _, body = canvas.get(f"{scope}/large.bin")
        assert status == 200 and body == content
    assert canvas.get(f"{scope}/large.bin", method="HEAD")[0] == 200
    os.unlink(canvas.root / "large.bin")
