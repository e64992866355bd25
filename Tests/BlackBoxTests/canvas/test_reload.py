"""Live reload: pages that show the canvas hear of changes; nobody is told, and nothing is watched, while nobody looks."""

import os
import shutil
from contextlib import ExitStack

import pytest
from support import rawhttp
from support.ports import wait_until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect


def watch(canvas, scope=None, **options):
    """The live-reload socket of a fresh capability."""
    scope = scope or canvas.scope()
    return connect(f"ws://127.0.0.1:{canvas.gateway.port}{scope}/__jarvis__/ws", **options)


def status(canvas):
    return canvas.rpc.call("canvas.status")


def quiet(canvas):
    wait_until(lambda: not status(canvas)["watching"])


def watching(canvas):
    wait_until(lambda: status(canvas)["watching"])


def test_a_change_is_told_to_everybody_who_looks(canvas):
    quiet(canvas)
    with watch(canvas) as one, watch(canvas) as two:
        watching(canvas)
        canvas.write("live.html", "one")
        assert one.recv(10) == "reload" and two.recv(10) == "reload"
        canvas.write("deep/er/live.txt", "new directories are watched too")
        assert one.recv(10) == "reload"
        canvas.write("deep/er/live.txt", "changed")
        assert one.recv(10) == "reload"
        os.rename(canvas.root / "deep/er/live.txt", canvas.root / "live.txt")
        assert one.recv(10) == "reload"
        os.unlink(canvas.root / "live.txt")
        assert one.recv(10) == "reload"
        assert status(canvas)["viewers"] == 2
    quiet(canvas)
    assert status(canvas)["viewers"] == 0


def test_a_burst_is_one_reload_and_hidden_files_are_none(canvas):
    with watch(canvas) as one:
        watching(canvas)
        for index in range(50):
            canvas.write(f"burst-{index % 5}.txt", str(index))
        assert one.recv(10) == "reload"
        for index in range(20):
            canvas.write(f".hidden-{index}", "x")
        canvas.write("end.txt", "x")
        received = [one.recv(10)]
        canvas.write("end.txt", "y")
        received.append(one.recv(10))
        assert received == ["reload", "reload"]
    for index in range(20):
        os.unlink(canvas.root / f".hidden-{index}")


@pytest.mark.parametrize("origin", ["null", "own", None])
def test_pages_of_the_sandbox_and_programs_may_listen(canvas, origin):
    options = {} if origin is None else {"origin": canvas.gateway.origin if origin == "own" else origin}
    with watch(canvas, **options):
        wait_until(lambda: status(canvas)["viewers"] == 1)
    wait_until(lambda: status(canvas)["viewers"] == 0)


@pytest.mark.parametrize("origin", [
    "https://evil.example", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://127.evil.com",
    "file://", "chrome-extension://x", "http://127.0.0.1", "NULL", "null null", "",
])
def test_foreign_pages_may_not(canvas, origin):
    with pytest.raises(InvalidStatus) as refused:
        watch(canvas, additional_headers={"Origin": origin})
    assert refused.value.response.status_code in (400, 403)


def test_without_a_capability_an_opaque_origin_is_foreign(canvas):
    host = f"Host: 127.0.0.1:{canvas.gateway.port}"
    for path in ("/", "/__jarvis__/ws", "/__jarvis__/ws?oc_cap=x", f"/__jarvis__/cap/{'0' * 64}/__jarvis__/ws"):
        assert rawhttp.status_of(rawhttp.upgrade(canvas.gateway.port, path, host, "Origin: null")) == 403, path
    for path in ("/__jarvis__/ws", "/__jarvis__/ws?oc_cap=x", f"/__jarvis__/cap/{'0' * 64}/__jarvis__/ws"):
        assert rawhttp.status_of(rawhttp.upgrade(canvas.gateway.port, path, host)) == 401, path
    token = canvas.scope().split("/")[3]
    data = rawhttp.upgrade(canvas.gateway.port, f"/?oc_cap={token}", host, "Origin: null")
    assert rawhttp.status_of(data) == 403


def test_what_is_said_to_it_counts_for_nothing(canvas):
    with watch(canvas) as one:
        one.send('{"type":"req","id":"1","method":"health"}')
        one.send(b"\x00" * 100)
        watching(canvas)
        canvas.write("said.txt", "x")
        assert one.recv(10) == "reload"
        one.send("x" * 5000)
        with pytest.raises(ConnectionClosed):
            one.recv(10)


def test_there_are_at_most_so_many(canvas):
    scope = canvas.scope()
    with ExitStack() as stack:
        for _ in range(64):
            stack.enter_context(watch(canvas, scope))
        with pytest.raises(InvalidStatus) as refused, watch(canvas, scope):
            pass
        assert refused.value.response.status_code == 503
    quiet(canvas)


def test_a_page_that_looks_keeps_its_address_good(gateway):
    running = gateway(config={"canvasHost": {"capabilityTtlSeconds": 1}})
    with running.client() as client:
        address = client.call("canvas.url")["address"]
        scope = "/".join(address.split("/")[:4])
        with connect(f"ws://127.0.0.1:{running.port}{scope}/__jarvis__/ws") as one:
            wait_until(lambda: client.call("canvas.status")["watching"])
            # Longer than its time; only the open socket keeps it alive.
            with pytest.raises(TimeoutError):
                one.recv(1.3)
            assert running.get(address)[0] == 200


def test_it_can_be_turned_off(gateway):
    running = gateway(config={"canvasHost": {"liveReload": False}})
    with running.client() as client:
        address = client.call("canvas.url")["address"]
        assert b"WebSocket(" in running.get(address)[2] and b"/ws\"" not in running.get(address)[2]
        scope = "/".join(address.split("/")[:4])
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{running.port}{scope}/__jarvis__/ws")
        assert refused.value.response.status_code == 404


def test_a_page_in_a_tab_loads_anew(canvas, new_page):
    canvas.write("tab.html", "<!doctype html><title>before</title><p>before</p>")
    tab = new_page(canvas.url("tab.html"))
    assert tab.title() == "before"
    watching(canvas)
    canvas.write("tab.html", "<!doctype html><title>after</title><p>after</p>")
    tab.wait_for_function("() => document.title === 'after'")


def test_a_page_that_is_not_there_yet_appears(canvas, new_page):
    tab = new_page(quiet=True)
    tab.goto(canvas.url("later.html"))
    assert tab.title() == "Not found"
    watching(canvas)
    canvas.write("later.html", "<!doctype html><title>there</title>")
    tab.wait_for_function("() => document.title === 'there'")


def test_the_doctype_stays_first(canvas, new_page):
    pages = {
        "plain.html": "<!DOCTYPE html>\n<html lang=de><head><meta charset=utf-8><title>ü</title></head><body>x</body></html>",
        "comment.html": "<!-- a -- b -->\n <!doctype HTML><title>ü</title>",
        "bom.html": "\ufeff<!doctype html><title>ü</title>",
        "open.html": "<!doctype html><title>ü</title><script>// </body> <head> <!doctype html></script><!-- unclosed",
    }
    for name, text in {**pages, "quirks.html": "<p>no doctype"}.items():
        canvas.write(name, text)
    quiet(canvas)
    tab = new_page()
    for name in pages:
        tab.goto(canvas.url(name))
        assert tab.evaluate("document.compatMode") == "CSS1Compat", name
        assert tab.title() == "ü", name
        assert tab.evaluate("typeof __jarvisCanvas") == "number", name
    tab.goto(canvas.url("quirks.html"))
    assert tab.evaluate("document.compatMode") == "BackCompat"


def test_a_root_that_was_thrown_away_begins_anew(canvas):
    with watch(canvas):
        watching(canvas)
        shutil.rmtree(canvas.root)
        canvas.rpc.call("canvas.present", {"html": "<p>anew"})
        assert canvas.root.stat().st_mode & 0o777 == 0o700
        reply = canvas.get(canvas.address("index.html"))
        assert reply[0] == 200 and "anew" in str(reply[-1]), reply
    quiet(canvas)
