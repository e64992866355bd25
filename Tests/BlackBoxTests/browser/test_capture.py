"""Pictures, PDF files, highlights and traces."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from support.browser import chromium_path

WITNESS = True


@pytest.fixture(scope="module")
def pages(site):
    site.page("/tall", "<!doctype html><title>tall</title><style>*{margin:0}</style><div style='height:3000px;background:linear-gradient(#f00,#00f)'></div><p id=end style='height:50px;background:#0f0'>end</p>")
    site.page("/endless", "<!doctype html><title>endless</title><style>*{margin:0}</style><div style='height:200000px;background:#0a0'></div>")
    site.page("/box", "<!doctype html><title>box</title><style>*{margin:0}body{background:#fff;height:4000px}</style><div id=box style='position:absolute;left:50px;top:2500px;width:120px;height:80px;background:rgb(255,0,0)'></div><button style='position:absolute;top:2700px'>Press</button>")
    site.page("/noise", "<!doctype html><title>noise</title><style>*{margin:0}</style><canvas id=c width=1800 height=2400></canvas><script>const x=c.getContext('2d'),d=x.createImageData(1800,2400);for(let i=0;i<d.data.length;i+=65536)crypto.getRandomValues(d.data.subarray(i,Math.min(i+65536,d.data.length)));for(let i=3;i<d.data.length;i+=4)d.data[i]=255;x.putImageData(d,0,0)</script>")
    return site


class Picture:
    """A picture file as another browser decodes it."""

    def __init__(self, eyes, data: bytes, kind: str):
        self.eyes, self.source = eyes, f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        self.size = tuple(self._run("return [width, height]"))

    def pixel(self, x: int, y: int) -> tuple:
        return tuple(self._run(f"return [...draw.getImageData({x}, {y}, 1, 1).data].slice(0, 3)"))

    def count(self, color: tuple) -> int:
        return self._run(f"const all = new Uint32Array(draw.getImageData(0, 0, width, height).data.buffer), wanted = {0xFF000000 | color[2] << 16 | color[1] << 8 | color[0]};"
                         " let count = 0; for (const one of all) if (one === wanted) count++; return count")

    def _run(self, body: str):
        return self.eyes.evaluate("""async ([source, body]) => {
            const image = new Image(); image.src = source; await image.decode();
            const [width, height] = [image.naturalWidth, image.naturalHeight];
            const draw = Object.assign(document.createElement('canvas'), {width, height}).getContext('2d');
            draw.drawImage(image, 0, 0);
            return new Function('draw', 'width', 'height', body)(draw, width, height);
        }""", [self.source, body])


@pytest.fixture(scope="module")
def look(playwright_driver):
    """Opens a picture of an answer, after a look at its file."""
    other = playwright_driver.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-dev-shm-usage"])
    eyes = other.new_page()

    def opened(reply: dict) -> Picture:
        path = Path(reply["path"])
        data = path.read_bytes()
        assert len(data) == reply["bytes"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert data.startswith({"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff"}[reply["type"]])
        found = Picture(eyes, data, reply["type"])
        assert found.size == (reply["width"], reply["height"])
        return found

    opened.raw = lambda data: Picture(eyes, data, "png")
    yield opened
    other.close()


@pytest.fixture(scope="module")
def tab(control, pages):
    return control.open(pages.url("/tall"))


def test_the_viewport_is_what_the_witness_sees(control, tab, pages, witnessed, look):
    control.navigate(pages.url("/tall"), tab)
    control.act("resize", width=800, height=600, targetId=tab)
    reply = control.post("/screenshot", targetId=tab)
    assert reply["targetId"] == tab and reply["url"] == pages.url("/tall")
    mine = look(reply)
    assert mine.size == (800, 600)
    seen = look.raw(witnessed("/tall").screenshot())
    for point in [(10, 10), (400, 300), (790, 590)]:
        assert all(abs(a - b) <= 3 for a, b in zip(mine.pixel(*point), seen.pixel(*point)))


def test_the_whole_page_and_jpeg(control, tab, pages, look):
    control.navigate(pages.url("/tall"), tab)
    reply = control.post("/screenshot", targetId=tab, fullPage=True, type="jpeg", quality=70)
    image = look(reply)
    assert image.size[1] == 3050 and image.size[0] in (785, 800), "with or without the scroll bar"
    assert image.pixel(5, 3040)[1] > 200, "the end of the page is not in it"
    assert "note" not in reply


def test_a_page_without_end_is_cut_and_says_so(control, tab, pages, look):
    control.navigate(pages.url("/endless"), tab)
    reply = control.post("/screenshot", targetId=tab, fullPage=True)
    image = look(reply)
    assert max(image.size) <= 8001 and image.size[0] * image.size[1] <= 24_100_000
    assert "200000" in reply["note"] and "scaled" in reply["note"]


def test_a_picture_with_too_many_bytes_is_scaled_and_says_so(control, tab, pages, look):
    control.navigate(pages.url("/noise"), tab)
    reply = control.post("/screenshot", targetId=tab, fullPage=True)
    assert reply["bytes"] <= 5 << 20
    assert "scaled down" in reply["note"]
    look(reply)


def test_an_element_is_scrolled_to_and_shown_alone(control, tab, pages, look):
    control.navigate(pages.url("/box"), tab)
    image = look(control.post("/screenshot", targetId=tab, element="#box"))
    assert image.size == (120, 80)
    assert image.pixel(60, 40) == (255, 0, 0)
    ref = control.ref("button", "Press", targetId=tab)
    image = look(control.post("/screenshot", targetId=tab, ref=ref))
    assert 20 < image.size[0] < 120


@pytest.mark.parametrize(("body", "status"), [
    ({"fullPage": True, "element": "p"}, 400), ({"fullPage": True, "ref": "e1"}, 400), ({"ref": "e1", "element": "p"}, 400),
    ({"type": "gif"}, 400), ({"quality": 50}, 400), ({"type": "jpeg", "quality": 101}, 400), ({"element": "p[["}, 400),
    ({"element": "#none"}, 404), ({"ref": "e99999"}, 404), ({"fullPage": "maybe"}, 400), ({"targetId": "nobody"}, 404)])
def test_what_can_not_be_shown_is_refused(control, tab, body, status):
    reply = control.refused("POST", "/screenshot", {"targetId": tab, **body})
    assert reply.status == status, reply.body


def test_a_full_disk_is_told_and_leaves_no_half_file(control, tab, pages, browser_gateway, look):
    """The artifacts lie on a disk with a few kilobytes for the time of the test."""
    folder = Path(control.post("/screenshot", targetId=tab)["path"]).parent
    control.navigate(pages.url("/noise"), tab)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("this user can't mount a small disk")
    try:
        reply = control.refused("POST", "/screenshot", {"targetId": tab})
        assert (reply.status, reply.code) == (500, "disk_full"), reply.body
        assert str(folder) in reply.error and "disk is full" in reply.error
        reply = control.refused("POST", "/pdf", {"targetId": tab})
        assert reply.code == "disk_full", reply.body
        assert list(folder.iterdir()) == []
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    look(control.post("/screenshot", targetId=tab))


def test_links_do_not_lead_artifacts_elsewhere(control, tab, tmp_path):
    folder = Path(control.post("/screenshot", targetId=tab)["path"]).parent
    (folder / "away").symlink_to(tmp_path)
    (folder / "link.json").symlink_to(tmp_path / "link.json")
    try:
        control.post("/trace/start", targetId=tab)
        for path in ["../x.json", "/tmp/x.json", "a/../../x.json", "x\u0000.json", "sub/", ".", "/etc/x.json"]:
            reply = control.refused("POST", "/trace/stop", {"targetId": tab, "path": path})
            assert (reply.status, reply.code) == (400, "invalid_path"), f"{path!r}: {reply.body}"
        # This one is seen only when it is opened, and the recording is over then.
        reply = control.refused("POST", "/trace/stop", {"targetId": tab, "path": "away/x.json"})
        assert (reply.status, reply.code) == (400, "invalid_path"), reply.body
        control.post("/trace/start", targetId=tab)
        assert control.post("/trace/stop", {"targetId": tab, "path": "link.json"})["path"] == str(folder / "link.json")
        assert not (folder / "link.json").is_symlink(), "the link was followed"
        assert list(tmp_path.iterdir()) == []
    finally:
        (folder / "away").unlink()


def test_a_pdf_has_the_text_of_the_page(control, tab, pages):
    control.navigate(pages.url("/form.html"), tab)
    reply = control.post("/pdf", targetId=tab)
    data = Path(reply["path"]).read_bytes()
    assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")
    assert len(data) == reply["bytes"] > 3000
    wide = Path(control.post("/pdf", targetId=tab, landscape=True, format="A5")["path"]).read_bytes()
    assert b"MediaBox" in wide
    assert control.refused("POST", "/pdf", {"targetId": tab, "format": "b9"}).status == 400


def test_a_highlight_is_seen_and_goes(control, tab, pages, look):
    control.navigate(pages.url("/form.html"), tab)
    ref = control.ref("button", "Send", targetId=tab)
    assert control.post("/highlight", ref=ref, targetId=tab, durationMs=1500)["ok"]
    image = look(control.post("/screenshot", targetId=tab))
    assert image.count((255, 69, 0)) > 50, "no frame is there"
    control.act("wait", timeMs=1600, targetId=tab)
    assert look(control.post("/screenshot", targetId=tab)).count((255, 69, 0)) == 0, "the frame stays"
    assert control.refused("POST", "/highlight", {"targetId": tab}).status == 400
    assert control.refused("POST", "/highlight", {"targetId": tab, "ref": "e99999"}).status == 404


def test_a_trace_is_what_viewers_read(control, tab, pages):
    control.post("/trace/start", targetId=tab, screenshots=True)
    assert control.refused("POST", "/trace/start", {"targetId": tab}).code == "trace_running"
    control.navigate(pages.url("/tall"), tab)
    control.post("/screenshot", targetId=tab)  # at least one frame is drawn
    reply = control.post("/trace/stop", {"targetId": tab, "path": "deep/down/run.json"})
    path = Path(reply["path"])
    assert path.name == "run.json" and path.stat().st_size == reply["bytes"]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    events = json.loads(path.read_text())["traceEvents"]
    names = {event["name"] for event in events}
    assert {"Screenshot", "ResourceSendRequest"} <= names, sorted(names)[:50]
    assert any(pages.url("/tall") in json.dumps(event.get("args", {})) for event in events)
    reply = control.refused("POST", "/trace/stop", {"targetId": tab})
    assert (reply.status, reply.code) == (409, "no_trace")


def test_a_trace_holds_what_was_asked_for(control, tab, pages):
    """Pictures unless they are declined, scripts when they are wanted; snapshots there are none, and that is said."""
    pages.page("/scripted", "<title>scripted</title><script>const ofThisPageAlone = 'told by its source'; document.title = ofThisPageAlone</script>")

    def record(**options) -> tuple[dict, list[dict]]:
        began = control.post("/trace/start", targetId=tab, **options)
        control.navigate(pages.url("/scripted"), tab)
        control.post("/screenshot", targetId=tab)  # at least one frame is drawn
        return began, json.loads(Path(control.post("/trace/stop", targetId=tab)["path"]).read_text())["traceEvents"]

    def pictures(events):
        return [event for event in events if event["name"] == "Screenshot"]

    def sources(events):
        return [text for event in events if "ofThisPageAlone" in (text := str(event.get("args", {}).get("data", {}).get("sourceText", "")))]

    began, events = record()
    assert "note" not in began and pictures(events) and not sources(events)
    began, events = record(screenshots=False, sources=True, snapshots=True)
    assert "snapshots has no effect" in began["note"] and not pictures(events) and sources(events)


def test_a_recording_ends_with_its_tab(control, pages):
    gone = control.open(pages.url("/tall"))
    other = control.open(pages.url("/tall"))
    control.post("/trace/start", targetId=gone)
    control.close_tab(gone)
    assert control.post("/trace/start", targetId=other)["targetId"] == other, "the next one can begin"
    assert control.post("/trace/stop")["targetId"] == other
    control.post("/trace/start", targetId=other)
    control.close_tab(other)
    assert control.refused("POST", "/trace/stop").status == 404
    assert control.refused("POST", "/trace/stop").code == "no_trace"


def test_labels_point_at_what_can_be_seen(control, tab, pages, look):
    control.navigate(pages.url("/form.html"), tab)
    snapshot = control.snapshot(labels=True, targetId=tab)
    assert snapshot["labels"] is True and snapshot["labelsCount"] > 3
    image = look.raw(Path(snapshot["imagePath"]).read_bytes())
    assert image.count((194, 24, 91)) > 200, "no label is there"
    assert control.evaluate("() => document.querySelectorAll('[popover]').length", targetId=tab) == 0, "labels stayed in the page"
    assert os.access(snapshot["imagePath"], os.R_OK)
