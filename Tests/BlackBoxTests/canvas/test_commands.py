"""What agents, clients and the terminal do with the canvas, with the control page as the one who shows it."""

import base64
import json
import re

import pytest
from support.home import TOKEN
from support.model import CallTool

READY = "#connection[data-state=ready]"
PAGE = "<!doctype html><meta charset=utf-8><title>{0}</title><h1>{0}</h1><p id=count>0</p>"


@pytest.fixture
def shown(canvas, new_page):
    """The signed-in control page."""
    page = new_page(f"{canvas.gateway.origin}/#token={TOKEN}", viewport={"width": 1400, "height": 850})
    page.wait_for_selector(READY)
    canvas.rpc.call("canvas.hide")
    yield page
    canvas.rpc.call("canvas.hide")


def content(page):
    """The text of the shown page of the canvas."""
    return page.frame_locator("#view-canvas iframe").locator("body")


def test_without_a_page_there_is_a_clear_answer(gateway):
    running = gateway()
    with running.client() as client:
        for method, params in (("canvas.eval", {"javaScript": "1"}), ("canvas.snapshot", {})):
            assert "nothing is shown" in client.error(method, params).message
        answer = client.call("canvas.present", {"html": PAGE.format("waits")})
        assert answer["renderers"] == 0 and "as soon as" in answer["note"]
        for method, params in (("canvas.eval", {"javaScript": "1"}), ("canvas.snapshot", {})):
            error = client.error(method, params)
            assert error.code == "UNAVAILABLE" and "control page must be open" in error.message
            assert "dashboard" in error.message


def test_what_was_presented_before_is_shown_to_who_comes_later(canvas, new_page):
    canvas.rpc.call("canvas.present", {"html": PAGE.format("early"), "path": "early.html"})
    page = new_page(f"{canvas.gateway.origin}/#token={TOKEN}", viewport={"width": 1400, "height": 850})
    content(page).get_by_text("early").wait_for()
    page.reload()
    content(page).get_by_text("early").wait_for()
    canvas.rpc.call("canvas.hide")
    page.wait_for_selector("#view-canvas", state="hidden")


def test_present_navigate_hide(canvas, shown):
    answer = canvas.rpc.call("canvas.present", {"html": PAGE.format("first"), "title": "The first"})
    assert answer["written"] == 1 and answer["scene"]["path"] == "/" and answer["scene"]["visible"]
    content(shown).get_by_text("first").wait_for()
    assert shown.inner_text("#canvas-title") == "The first"
    canvas.rpc.call("canvas.present", {"files": [
        {"path": "app/main.html", "content": "<!doctype html><title>App</title><script src=main.js></script>"},
        {"path": "app/main.js", "content": "document.write('<p>script of a file</p>')"},
        {"path": "app/dot.png", "content": base64.b64encode(b"\x89PNG").decode(), "encoding": "base64"},
    ]})
    content(shown).get_by_text("script of a file").wait_for()
    shown.wait_for_function("() => document.querySelector('#canvas-title').textContent === 'App'")
    assert (canvas.root / "app/dot.png").read_bytes() == b"\x89PNG"
    assert (canvas.root / "app").stat().st_mode & 0o777 == 0o700
    canvas.rpc.call("canvas.navigate", {"path": "/index.html#part"})
    content(shown).get_by_text("first").wait_for()
    assert canvas.rpc.call("canvas.eval", {"javaScript": "location.hash"})["result"] == "#part"
    assert not canvas.rpc.call("canvas.hide")["scene"]["visible"]
    shown.wait_for_selector("#view-canvas iframe", state="detached")


def test_modules_data_and_fonts_of_the_canvas_load(canvas, shown):
    canvas.rpc.call("canvas.present", {"path": "multi/index.html", "files": [
        {"path": "multi/index.html", "content": "<!doctype html><link rel=stylesheet href=style.css><p id=out>…</p><script type=module src=main.mjs></script>"},
        {"path": "multi/style.css", "content": "p { color: rgb(1, 2, 3) }"},
        {"path": "multi/main.mjs", "content": "import { name } from './part.mjs'; const r = await fetch('data.json'); document.querySelector('#out').textContent = name + (await r.json()).value"},
        {"path": "multi/part.mjs", "content": "export const name = 'part '"},
        {"path": "multi/data.json", "content": '{"value": 42}'},
    ]})
    content(shown).get_by_text("part 42").wait_for()
    script = "getComputedStyle(document.querySelector('#out')).color"
    assert canvas.rpc.call("canvas.eval", {"javaScript": script})["result"] == "rgb(1, 2, 3)"


def test_a_rewritten_page_is_what_is_asked_next(canvas, shown):
    for number in range(6):
        canvas.rpc.call("canvas.present", {"html": PAGE.format(f"round {number}"), "path": "rounds.html"})
        assert canvas.rpc.call("canvas.eval", {"javaScript": "document.title"})["result"] == f"round {number}"
    content(shown).get_by_text("round 5").wait_for()


def test_a_file_that_somebody_changes_is_shown_at_once(canvas, shown):
    canvas.rpc.call("canvas.present", {"html": PAGE.format("by hand"), "path": "hand.html"})
    content(shown).get_by_text("by hand").wait_for()
    canvas.write("hand.html", PAGE.format("changed by hand"))
    content(shown).get_by_text("changed by hand").wait_for()


@pytest.mark.parametrize("script, result", [
    ("1 + 1", 2), ("undefined", None), ("({ a: [1, 'x', null] })", {"a": [1, "x", None]}), ("document.title", "eval"),
    ("await Promise.resolve(7)", None), ("return await Promise.resolve(7)", 7), ("Promise.resolve('later')", "later"),
    ("document.querySelector('p')", {}), ("10n", "10"), ("let x = 3; x * 2", 6), ("'ü🙂\\u2028'", "ü🙂\u2028"),
    ("location.href", None),
])
def test_eval_gives_the_value(canvas, shown, script, result):
    canvas.rpc.call("canvas.present", {"html": PAGE.format("eval"), "path": "eval.html"})
    value = canvas.rpc.call("canvas.eval", {"javaScript": script})["result"]
    if script == "location.href":
        assert "/cap/…/" in value
    else:
        assert value == result


def test_eval_tells_what_went_wrong_and_is_bounded(canvas, shown):
    canvas.rpc.call("canvas.present", {"html": PAGE.format("wrong"), "path": "wrong.html"})
    for script, words in (("nothing.at.all", "nothing is not defined"), ("throw 'plain'", "plain"), ("syntax error here", "SyntaxError")):
        assert words in canvas.rpc.error("canvas.eval", {"javaScript": script}).message
    long = canvas.rpc.call("canvas.eval", {"javaScript": "'x'.repeat(1e6)"})["result"]
    assert len(long) < 70_000 and "cut, 1000002 characters" in long
    assert "within 300 ms" in canvas.rpc.error("canvas.eval", {"javaScript": "new Promise(() => {})", "timeoutMs": 300}).message
    assert canvas.rpc.call("canvas.eval", {"javaScript": "1"})["result"] == 1
    canvas.write("picture.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    canvas.rpc.call("canvas.navigate", {"path": "picture.svg"})
    assert canvas.rpc.error("canvas.eval", {"javaScript": "1", "timeoutMs": 1500}).code == "UNAVAILABLE"


def test_answers_come_from_the_page_that_was_asked(canvas, shown):
    canvas.rpc.call("canvas.present", {"html": PAGE.format("asked"), "path": "asked.html"})
    request = canvas.rpc.request("canvas.eval", {"javaScript": "new Promise((done) => setTimeout(() => done('true'), 400))"})
    with canvas.gateway.client() as stranger:
        assert stranger.call("canvas.result", {"id": "0" * 32, "ok": True, "result": '"false"'}) == {"ok": False}
    assert canvas.rpc.answer(request)["result"] == "true"
    request = canvas.rpc.request("canvas.eval", {"javaScript": "new Promise(() => {})"})
    shown.close()
    with pytest.raises(Exception, match="went away"):
        canvas.rpc.answer(request)


def test_a_picture_shows_the_page(canvas, shown):
    canvas.rpc.call("canvas.present", {"path": "picture.html", "files": [
        {"path": "picture.html", "content": "<!doctype html><link rel=stylesheet href=picture.css><body><div id=box></div>"
         "<canvas id=c width=50 height=50></canvas><script>const p = c.getContext('2d'); p.fillStyle = '#00f'; p.fillRect(0, 0, 50, 50)</script>"},
        {"path": "picture.css", "content": "body { margin: 0; background: #0f0 } #box { width: 100px; height: 100px; background: #f00 } canvas { display: block }"},
    ]})
    answer = canvas.rpc.call("canvas.snapshot", {})
    assert answer["format"] == "png" and base64.b64decode(answer["base64"]).startswith(b"\x89PNG\r\n")
    colours = shown.evaluate("""async (data) => {
      const image = new Image(); image.src = 'data:image/png;base64,' + data; await image.decode();
      const sheet = document.createElement('canvas'); sheet.width = image.width; sheet.height = image.height;
      const pen = sheet.getContext('2d', { willReadFrequently: true }); pen.drawImage(image, 0, 0);
      return [[50, 50], [25, 125], [200, 200]].map(([x, y]) => [...pen.getImageData(x, y, 1, 1).data].slice(0, 3));
    }""", answer["base64"])
    assert colours == [[255, 0, 0], [0, 0, 255], [0, 255, 0]]
    small = canvas.rpc.call("canvas.snapshot", {"format": "jpeg", "maxWidth": 200, "quality": 50})
    assert small["width"] == 200 and base64.b64decode(small["base64"]).startswith(b"\xff\xd8")


@pytest.mark.parametrize("params, words", [
    ({"path": "../x.html", "html": "x"}, "can't be shown"), ({"path": ".hidden.html", "html": "x"}, "can't be shown"),
    ({"path": "a/../../x", "html": "x"}, "can't be shown"), ({"path": "https://example.com/"}, "use the browser"),
    ({"path": "javascript:alert(1)"}, "can't be shown"), ({"path": "file:///etc/passwd"}, "can't be shown"),
    ({"path": "none.html"}, "no file"), ({"files": [{"path": "../../x", "content": "x"}]}, "no path for the canvas"),
    ({"files": [{"path": "/", "content": "x"}]}, "no path for the canvas"), ({"files": [{"path": "x"}]}, "{path, content"),
    ({"files": [{"path": "x", "content": "?", "encoding": "base64"}]}, "no base64"),
    ({"files": [{"path": "x", "content": "x", "encoding": "rot13"}]}, "not known"),
    ({"files": [{"path": f"{n}.txt", "content": "x"} for n in range(65)]}, "at most 64"),
    ({"files": [{"path": "x", "content": "x" * (9 << 20)}]}, "a file may have"), ({"unknown": 1}, "unexpected property"),
])
def test_bad_input_is_refused_and_nothing_is_written(canvas, params, words):
    before = sorted(path for path in canvas.root.rglob("*"))
    revision = canvas.rpc.call("canvas.status")["scene"]["revision"]
    error = canvas.rpc.error("canvas.present", params)
    assert error.code == "INVALID_REQUEST" and words in error.message
    assert sorted(path for path in canvas.root.rglob("*")) == before
    assert canvas.rpc.call("canvas.status")["scene"]["revision"] == revision


def test_scopes_are_kept(canvas):
    with canvas.gateway.client(scopes=["operator.read"]) as reader:
        assert reader.call("canvas.status")["enabled"]
        assert reader.call("canvas.url")["url"].startswith(canvas.gateway.origin)
        for method, params in (("canvas.present", {}), ("canvas.hide", {}), ("canvas.navigate", {}), ("canvas.snapshot", {}),
                               ("canvas.eval", {"javaScript": "1"})):
            assert "missing scope: operator.write" in reader.error(method, params).message


def test_the_terminal_does_the_same(canvas, shown, tmp_path):
    def run(*arguments):
        return canvas.gateway.cli_json("canvas", *arguments, "--json")

    (tmp_path / "page.html").write_text(PAGE.format("from a terminal"))
    answer = run("present", "--file", str(tmp_path / "page.html"), "--file", f"data/x.json={tmp_path / 'page.html'}", "--title", "T")
    assert answer["written"] == 2 and answer["scene"]["path"] == "/page.html"
    content(shown).get_by_text("from a terminal").wait_for()
    assert run("eval", "document.title")["result"] == "from a terminal"
    assert canvas.gateway.cli("canvas", "eval", "document.title").stdout == "from a terminal\n"
    assert run("status")["scene"]["visible"] and run()["enabled"]
    assert re.search(r"shows /page.html \(T\)\. (One page is|\d pages are) connected", canvas.gateway.cli("canvas").stdout)
    answer = run("snapshot", "--output", str(tmp_path / "shot.png"))
    assert (tmp_path / "shot.png").read_bytes().startswith(b"\x89PNG") and "base64" not in answer
    assert (tmp_path / "shot.png").stat().st_mode & 0o777 == 0o600
    assert canvas.gateway.cli("canvas", "present", "--html", "-", input=PAGE.format("piped")).returncode == 0
    content(shown).get_by_text("piped").wait_for()
    assert run("navigate", "page.html")["scene"]["path"] == "/page.html"
    url = run("url", "page.html")["url"]
    assert canvas.get(url.removeprefix(canvas.gateway.origin))[0] == 200
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/__jarvis__/cap/[0-9a-f]{64}/__jarvis__/canvas/page\.html\n",
                        canvas.gateway.cli("canvas", "url").stdout)
    assert not run("hide")["scene"]["visible"]
    assert canvas.gateway.cli("canvas").stdout.startswith("The canvas is hidden.")
    refused = canvas.gateway.cli("canvas", "navigate", "none.html")
    assert refused.returncode != 0 and "no file" in refused.stderr


def test_an_agent_presents_checks_and_rewrites(gateway, scripted_model, new_page):
    """A model that uses the tool: it writes a page, reads it back, rewrites it; its owner sees each."""
    scripted_model.on("a chart", CallTool("canvas", json.dumps({
        "action": "present", "path": "chart.html", "title": "Chart", "html": PAGE.format("a chart")})))
    scripted_model.on("read it", CallTool("canvas", json.dumps({"action": "eval", "javaScript": "document.title"})))
    scripted_model.on("another", CallTool("canvas", json.dumps({
        "action": "present", "path": "chart.html", "html": PAGE.format("another chart")})))
    running = gateway()
    page = new_page(f"{running.origin}/#token={TOKEN}", viewport={"width": 1400, "height": 850})
    page.wait_for_selector(READY)
    with running.client() as client:
        assert any(tool["id"] == "canvas" for group in client.call("tools.catalog")["groups"] for tool in group["tools"])
        assert client.chat("a chart")["state"] == "final"
        content(page).get_by_text("a chart", exact=True).wait_for()
        assert client.chat("read it")["state"] == "final"
        assert "a chart" in json.dumps([m for m in client.history() if m["role"] == "toolResult"][-1])
        assert client.chat("another")["state"] == "final"
        content(page).get_by_text("another chart").wait_for()
