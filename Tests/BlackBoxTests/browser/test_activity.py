"""What pages say, ask for and do by themselves: console, errors, requests, bodies, dialogs, files in and out."""

from __future__ import annotations

import concurrent.futures
import os
import stat
from pathlib import Path

import pytest
from support.pages import Answer
from support.ports import wait_until

pytestmark = pytest.mark.usefixtures("clean_tabs")

NOISY = """<title>noisy</title><script>
console.log('one', {a: 1, list: [1, 2]}, 5); console.debug('hush'); console.warn('%s and %d', 'two', 3); console.error(new Error('three'));
setTimeout(() => { throw new TypeError('four') }, 0); Promise.reject(new RangeError('five'));
</script>"""
UPLOAD = """<title>up</title><form id=form action=/upload method=post enctype=multipart/form-data>
<input type=file name=one id=one><input type=file name=many id=many multiple></form>
<button onclick="one.click()">Choose</button><p>nothing</p>"""


@pytest.fixture(scope="module", autouse=True)
def pages(site, control):
    site.route("/noisy", lambda _: NOISY)
    site.route("/up", lambda _: UPLOAD)
    site.route("/binary", lambda _: Answer(bytes(range(256)), type="application/octet-stream"))
    site.route("/asks", lambda _: "<title>asks</title><button onclick=\"document.title = String(prompt('Your name?', 'Bob'))\">Ask</button>")
    site.route("/files", lambda _: "<title>files</title><a id=a download href='/download/report.txt?bytes=3000'>Get</a>"
                                   "<a id=b href='/download/..%2F..%2Fevil%E2%80%AE.txt'>Odd</a><a id=c target=_blank href='/download/tab.bin'>New tab</a>")
    control.open("about:blank")


@pytest.fixture
def place(control, request) -> Path:
    """Where the browser's files are: `<state>/browser`."""
    state = getattr(control, "state", None)
    return state if state else request.getfixturevalue("browser_gateway").state / "browser"


def click(control, element: str) -> dict:
    return control.act("evaluate", fn=f"document.getElementById('{element}').click()")


# ---- console, errors, requests


def test_the_console_is_kept_and_filtered_by_level(control, site):
    control.navigate(site.url("/noisy"))
    messages = wait_until(lambda: found if len(found := control.get("/console")["messages"]) >= 4 else None, 30, "the console")
    texts = [message["text"] for message in messages]
    assert "one {a: 1, list: Array(2)} 5" in texts and "two and 3" in texts and "hush" in texts
    one = next(message for message in messages if message["text"].startswith("one"))
    assert one["type"] == "log" and one["location"]["url"] == site.url("/noisy") and one["timestamp"].endswith("Z")
    worst = control.get("/console", level="error")["messages"]
    assert {message["type"] for message in worst} == {"error"} and any("three" in message["text"] for message in worst)
    assert "hush" not in [message["text"] for message in control.get("/console", level="info")["messages"]]
    assert control.refused("GET", "/console", query={"level": "loud"}).status == 400


def test_errors_that_nobody_caught_are_kept_until_cleared(control, site):
    control.get("/errors", clear=True)
    control.navigate(site.url("/noisy"))
    errors = wait_until(lambda: found if len(found := control.get("/errors")["errors"]) >= 2 else None, 30, "two errors")
    assert {error["name"] for error in errors} == {"TypeError", "RangeError"}
    assert any("four" in error["message"] for error in errors)
    assert control.get("/errors", clear=True)["errors"] and not control.get("/errors")["errors"]


def test_rings_are_bounded_and_tell_what_they_dropped(control, site):
    control.navigate(site.url("/form.html"))
    control.evaluate("for (let i = 0; i < 1000; i++) console.log('line', i, 'x'.repeat(5000))")
    told = wait_until(lambda: found if (found := control.get("/console")).get("dropped") else None, 30, "dropped lines")
    assert len(told["messages"]) <= 200 and told["dropped"] >= 800
    assert told["messages"][-1]["text"].startswith("line 999") and len(told["messages"][-1]["text"]) <= 2001


def test_requests_are_kept_and_filtered(control, site):
    control.navigate(site.url("/form.html"))
    control.get("/requests", clear=True)
    control.evaluate("Promise.all([fetch('/echo?n=1'), fetch('/status/404'), fetch('http://127.0.0.1:2/').catch(() => 0)])")
    listed = control.get("/requests")["requests"]
    by_path = {request["url"].rsplit("/", 1)[1]: request for request in listed}
    assert by_path["echo?n=1"]["status"] == 200 and by_path["echo?n=1"]["ok"] and by_path["echo?n=1"]["method"] == "GET"
    assert by_path["404"]["status"] == 404 and not by_path["404"]["ok"]
    assert "ERR_" in by_path[""]["failureText"] or by_path[""]["status"] == 403
    assert [request["url"] for request in control.get("/requests", filter="**/echo*")["requests"]] == [site.url("/echo?n=1")]
    assert control.get("/requests", filter="nonesuch", clear=True)["requests"] == []
    assert control.get("/requests")["requests"] == []


# ---- bodies


def test_the_body_of_a_response(control, site):
    control.navigate(site.url("/form.html"))
    control.evaluate("fetch('/echo?body=1').then(r => r.text())")
    response = control.post("/response/body", url="**/echo?body=1")["response"]
    assert response["status"] == 200 and '"/echo"' in response["body"] and "truncated" not in response
    control.evaluate("fetch('/big?bytes=300000').then(r => r.text())")
    big = control.post("/response/body", url="/big", maxChars=1000)["response"]
    assert len(big["body"]) == 1000 and big["truncated"] and big["chars"] == 300_000
    control.evaluate("fetch('/binary').then(r => r.arrayBuffer()).then(() => 1)")
    binary = control.post("/response/body", url="/binary")["response"]
    assert binary["binary"] and binary["body"] == "" and binary["bytes"] == 256


def test_a_body_is_waited_for(control, site):
    control.navigate(site.url("/form.html"))
    control.evaluate("fetch('/echo?old=1').then(r => r.text())")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(control.post, "/response/body", {"url": "/echo", "next": True})
        wait_until(lambda: control.evaluate("fetch('/echo?new=1').then(r => r.text())") and waiting.done(), 10, "the response")
        assert "new=1" in waiting.result()["response"]["url"]
    reply = control.refused("POST", "/response/body", {"url": "**/nonesuch", "timeoutMs": 200})
    assert (reply.status, reply.code) == (408, "response_timeout")
    assert control.refused("POST", "/response/body", {}).status == 400


# ---- dialogs


def test_a_dialog_is_answered_beforehand(control, site):
    control.navigate(site.url("/asks"))
    assert control.post("/hooks/dialog", accept=True, promptText="Ada")["armed"]
    assert control.evaluate("prompt('Your name?')") == "Ada"
    control.post("/hooks/dialog", accept=False)
    assert control.evaluate("confirm('Sure?')") is False


def test_a_dialog_is_answered_afterwards(control, site):
    control.navigate(site.url("/asks"))
    told = control.act("click", ref=control.ref("button", "Ask"))
    assert told["dialog"] == {"type": "prompt", "message": "Your name?", "url": site.url("/asks"), "defaultText": "Bob"}
    blocked = control.refused("POST", "/act", {"kind": "evaluate", "fn": "1"})
    assert (blocked.status, blocked.code) == (409, "dialog_open") and "Your name?" in blocked.error
    assert any("dialog" in tab for tab in control.tabs())
    answered = control.post("/hooks/dialog", accept=True, promptText="Grace")
    assert answered["answered"] and answered["dialog"]["message"] == "Your name?"
    control.wait(fn="document.title === 'Grace'")
    assert control.refused("POST", "/hooks/dialog", {"accept": "yes please"}).status == 400


def test_a_page_that_alerts_for_ever_hangs_nobody(control, site):
    target = control.open(site.url("/form.html"))
    control.request("POST", "/act", {"kind": "evaluate", "fn": "void setInterval(() => alert('again'), 0)", "targetId": target})
    blocked = wait_until(
        lambda: reply if (reply := control.request("POST", "/act", {"kind": "evaluate", "fn": "1", "targetId": target})).status == 409 else None,
        30, "a dialog")
    assert blocked.code == "dialog_open"
    assert control.navigate(site.url("/form.html?free"), target)["status"] == 200
    assert control.evaluate("location.search", targetId=target) == "?free"
    assert any(error["name"] == "Dialog" for error in control.get("/errors", targetId=target)["errors"])


def test_a_dialog_of_a_page_that_is_being_replaced_holds_nothing_up(control, site):
    # The dialog opens when the answer of the server is there and the page, which is busy, has not given way yet.
    target = control.open(site.page("/late-alert", "<!doctype html><title>late alert</title>"))
    control.evaluate("void setTimeout(() => { const end = Date.now() + 1500; while (Date.now() < end); alert('late') }, 300)", targetId=target)
    assert control.navigate(site.url("/form.html?after"), target)["status"] == 200
    assert control.evaluate("location.search", targetId=target) == "?after"


# ---- files in


@pytest.fixture
def uploads(place) -> Path:
    folder = place / "uploads"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "a.txt").write_text("first")
    (folder / "b.txt").write_text("second")
    return folder


def test_files_are_put_into_an_input(control, site, uploads):
    control.navigate(site.url("/up"))
    assert control.post("/hooks/file-chooser", paths=["a.txt", str(uploads / "b.txt")], element="#many")["files"] == 2
    control.evaluate("form.submit()")
    control.wait(text="a.txt: 5 bytes")
    assert site.uploads["b.txt"] == b"second"


def test_files_are_given_to_a_chooser(control, site, uploads):
    control.navigate(site.url("/up"))
    assert control.post("/hooks/file-chooser", paths=["a.txt"], ref=control.ref("button", "Choose"))["files"] == 1
    assert control.evaluate("one.files[0].name") == "a.txt"
    assert control.post("/hooks/file-chooser", paths=["b.txt"])["armed"]
    control.act("click", ref=control.ref("button", "Choose"))
    control.wait(fn="one.files[0].name === 'b.txt'")
    reply = control.refused("POST", "/hooks/file-chooser", {"paths": ["a.txt", "b.txt"], "element": "#one"})
    assert reply.status == 400 and control.evaluate("one.files[0].name") == "b.txt"


@pytest.mark.parametrize("paths", [["/etc/passwd"], ["../../config.json"], ["link.txt"], ["nonesuch"], ["."], [], "a.txt", [5], ["a\x00b"]])
def test_files_from_elsewhere_are_refused(control, site, uploads, paths):
    if not (uploads / "link.txt").is_symlink():
        (uploads / "link.txt").symlink_to("/etc/passwd")
    reply = control.refused("POST", "/hooks/file-chooser", {"paths": paths, "element": "#one"})
    assert reply.status in (400, 404), reply.body


# ---- files out


def test_a_download_is_waited_for_and_named_safely(control, site, place):
    control.navigate(site.url("/files"))
    click(control, "a")
    first = control.post("/wait/download")["download"]
    click(control, "a")
    second = control.post("/wait/download")["download"]
    assert first["suggestedFilename"] == "report.txt" and first["url"] == site.url("/download/report.txt?bytes=3000") and first["bytes"] == 3000
    assert Path(first["path"]).parent == Path(second["path"]).parent == (place / "downloads") and first["path"] != second["path"]
    assert Path(first["path"]).read_bytes() == Path(second["path"]).read_bytes() == bytes(index % 251 for index in range(3000))
    assert stat.S_IMODE(os.stat(first["path"]).st_mode) == 0o600
    click(control, "b")
    odd = Path(control.post("/wait/download")["download"]["path"])
    assert odd.parent == place / "downloads" and "\u202e" not in odd.name and not odd.name.startswith(".")


def test_a_download_goes_where_it_is_wanted_below_our_directories(control, site, place):
    control.navigate(site.url("/files"))
    told = control.post("/download", {"ref": control.ref("link", "Get"), "path": "reports/today.txt"})["download"]
    assert Path(told["path"]) == place / "downloads/reports/today.txt" and Path(told["path"]).stat().st_size == 3000
    for path in ("/tmp/out.txt", "../out.txt", "reports/../../out.txt"):
        assert control.refused("POST", "/download", {"ref": control.ref("link", "Get"), "path": path}).code == "invalid_path"
    reply = control.refused("POST", "/wait/download", {"timeoutMs": 200})
    assert (reply.status, reply.code) == (408, "download_timeout")


def test_downloads_of_other_kinds_of_links(control, site, place):
    target = control.navigate(site.url("/files"))["targetId"]
    click(control, "c")
    assert control.post("/wait/download", targetId=target)["download"]["suggestedFilename"] == "tab.bin"
    told = control.post("/navigate", url=site.url("/download/direct.bin"), targetId=target)
    assert told["download"] and told["url"] == site.url("/files")
    assert control.post("/wait/download", targetId=target)["download"]["bytes"] == 1024


def test_a_download_that_is_announced_late_is_told_with_the_click(control, site):
    def late(_):
        site.ended.wait(0.5)
        return Answer(b"late", type="application/octet-stream", headers={"Content-Disposition": "attachment; filename=late.bin"})
    site.route("/late.bin", late)
    site.route("/late-files", lambda _: "<title>late</title><a download href=/late.bin>Late</a><a download href=/late.bin onclick='event.preventDefault()'>Kept</a>"
                                        "<iframe srcdoc='<a download href=/late.bin>Framed</a>'></iframe>")
    control.navigate(site.url("/late-files"))
    for name in ("Late", "Framed"):
        assert control.click("link", name)["downloads"] == ["late.bin"]
        assert control.post("/wait/download")["download"]["bytes"] == 4
    assert "downloads" not in control.click("link", "Kept")
