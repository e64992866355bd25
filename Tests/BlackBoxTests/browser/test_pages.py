"""Tabs, navigation, frames of several processes, waits and scripts, with an independent client as witness."""

from __future__ import annotations

import concurrent.futures

import pytest
from support.pages import PASSWORD, USER
from support.ports import free_port

WITNESS = True
pytestmark = pytest.mark.usefixtures("clean_tabs")


@pytest.fixture(scope="module", autouse=True)
def pages(site, control):
    """Pages that these tests need. `localhost` and `127.0.0.1` are two sites, and get two processes."""
    other = site.url("/").replace("127.0.0.1", "localhost")
    site.route("/top", lambda _: f'<title>top</title><h1>top</h1><iframe id=f src="{other}inner"></iframe><iframe src="/same"></iframe>')
    site.route("/inner", lambda _: f'<p>inner text</p><iframe src="{site.url("/deep")}"></iframe><script>console.log("inside")</script>')
    site.route("/same", lambda _: "<p>same text</p>")
    site.route("/deep", lambda _: "<p>deep text</p>")
    site.route("/opener", lambda _: '<title>opener</title><a id=a target=_blank href="/form.html">new</a>')
    site.route("/late", lambda _: "<title>late</title><script>setTimeout(() => document.body.append('came late'), 150)</script>")
    site.route("/replaces", lambda _: "<script>location.replace('/form.html')</script>")
    site.route("/picture", lambda _: "<title>picture</title><p>text</p><img src='/hang'>")
    site.route("/fetches", lambda _: "<title>fetches</title><script>fetch('/slow?seconds=0.4').then(() => document.title = 'fetched')</script>")
    site.route("/leave", lambda _: "<title>stay</title><input><script>onbeforeunload = e => { e.preventDefault(); return 'x' }</script>")
    site.route("/shadow", lambda _: "<div id=h></div><script>h.attachShadow({mode: 'open'}).innerHTML = '<p id=deep>in the shade</p>'</script>")
    control.open("about:blank")
    return other


def at(control, site, path: str) -> str:
    """The current tab, sent there; its targetId."""
    return control.navigate(site.url(path))["targetId"]


# ---- tabs


def test_tabs_are_opened_listed_focused_and_closed(control, site, witnessed):
    first = control.open(site.url("/form.html?first"))
    second = control.open(site.url("/?second"))
    listed = {tab["targetId"]: tab for tab in control.tabs()}
    assert listed[first]["url"] == site.url("/form.html?first") and listed[first]["type"] == "page"
    assert listed[first]["title"] == witnessed("?first").title() == "Form"
    assert control.post("/tabs/focus", targetId=first)["ok"]
    assert control.evaluate("location.search") == "?first", "the focused tab is the one used last"
    control.close_tab(second)
    assert second not in {tab["targetId"] for tab in control.tabs()}
    gone = control.refused("DELETE", f"/tabs/{second}")
    assert (gone.status, gone.code) == (404, "unknown_tab")


def test_a_tab_is_named_by_a_unique_prefix(control, site):
    first, second = control.open(site.url("/?one")), control.open(site.url("/?two"))
    shortest = next(n for n in range(1, 32) if not second.startswith(first[:n]) and sum(
        tab["targetId"].startswith(first[:n]) for tab in control.tabs()) == 1)
    assert control.evaluate("location.search", targetId=first[:shortest].lower()) == "?one"
    assert control.evaluate("location.search") == "?one"
    unknown = control.refused("POST", "/tabs/focus", {"targetId": "nonesuch"})
    assert (unknown.status, unknown.code) == (404, "unknown_tab")
    assert control.refused("POST", "/tabs/focus", {}).status == 400


def test_an_ambiguous_prefix_is_refused(control, site):
    ids = [control.open(site.url("/?many")) for _ in range(17)]  # 16 first digits: two of them are equal
    digit = next(d for d in "0123456789ABCDEF" if sum(tab.startswith(d) for tab in ids) > 1)
    reply = control.refused("POST", "/tabs/focus", {"targetId": digit})
    assert (reply.status, reply.code) == (409, "ambiguous_tab")


def test_tabs_are_reached_by_their_place(control, site):
    opened = control.post("/tabs/action", action="new")
    assert opened["tab"]["url"] == "about:blank"
    listed = control.post("/tabs/action", action="list")["tabs"]
    place = [tab["targetId"] for tab in listed].index(opened["targetId"])
    assert control.post("/tabs/action", action="select", index=place)["targetId"] == opened["targetId"]
    assert control.post("/tabs/action", action="close", index=place)["ok"]
    assert control.refused("POST", "/tabs/action", {"action": "select", "index": 99}).status == 404
    assert control.refused("POST", "/tabs/action", {"action": "dance"}).status == 400


def test_ten_tabs_at_once(control, site):
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        opened = list(pool.map(lambda n: control.open(site.url(f"/form.html?tab={n}")), range(10)))
        told = list(pool.map(lambda target: control.evaluate("location.search", targetId=target), opened))
    assert told == [f"?tab={n}" for n in range(10)] and len(set(opened)) == 10


def test_a_tab_that_closes_ends_what_waits_for_it(control, site):
    target = control.open(site.url("/form.html"))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(control.request, "POST", "/act", {"kind": "evaluate", "fn": "new Promise(() => {})", "targetId": target})
        control.evaluate("1", targetId=target)
        control.close_tab(target)
        reply = waiting.result(20)
    assert (reply.status, reply.code) == (404, "unknown_tab")


def test_links_for_a_new_tab_open_one_and_say_so(control, site, witnessed):
    target = at(control, site, "/opener")
    told = control.act("evaluate", fn="document.getElementById('a').click()", targetId=target)
    [new] = told["newTabs"]
    tab = next(tab for tab in control.tabs() if tab["targetId"] == new)
    assert tab["openerId"] == target and tab["url"] == site.url("/form.html") == witnessed("/form.html").url
    told = control.act("evaluate", fn="void window.open('/deep', 'w', 'width=300,height=200')", targetId=target)
    assert control.evaluate("document.body.innerText", targetId=told["newTabs"][0]) == "deep text"


# ---- navigation


def test_navigation_tells_status_and_title(control, site):
    told = control.navigate(site.url("/redirect?to=/form.html"))
    assert (told["url"], told["status"], told["title"], told["loadState"]) == (site.url("/form.html"), 200, "Form", "load")
    assert control.navigate(site.url("/status/404"))["status"] == 404
    assert control.navigate(site.url("/replaces"))["url"] == site.url("/form.html")
    within = control.navigate(site.url("/form.html#part"))
    assert within["url"].endswith("#part") and "status" not in within


@pytest.mark.parametrize("address, status, code", [
    ("nonsense", 400, "invalid_url"), ("file:///etc/passwd", 400, "blocked_url"), ("javascript:alert(1)", 400, "blocked_url"),
    ("chrome://version", 400, "blocked_url"), ("view-source:http://127.0.0.1/", 400, "blocked_url"),
    ("http://nosuch.invalid/", 400, "unknown_host")])
def test_addresses_that_are_not_opened(control, address, status, code):
    before = len(control.tabs())
    for path in ("/navigate", "/tabs/open"):
        reply = control.refused("POST", path, {"url": address})
        assert (reply.status, reply.code) == (status, code), reply.body
    assert len(control.tabs()) == before, "a refused address leaves no tab behind"


def test_what_fails_is_said_in_words(control, site):
    def failure(url):
        reply = control.refused("POST", "/navigate", {"url": url})
        return reply.status, reply.code
    assert failure(f"http://127.0.0.1:{free_port()}/") == (500, "unreachable")
    assert failure(site.https_url("/")) == (500, "certificate")
    assert failure(site.url("/auth")) == (500, "auth_required")
    assert control.navigate(site.url("/form.html"))["status"] == 200, "the tab works on"


def test_a_certificate_may_be_accepted_by_the_call(control, site):
    target = control.open("about:blank")
    told = control.post("/navigate", url=site.https_url("/form.html"), targetId=target, ignoreHTTPSErrors=True)
    assert told["status"] == 200 and told["title"] == "Form"
    assert control.refused("POST", "/navigate", {"url": site.url("/"), "ignoreHTTPSErrors": "perhaps"}).status == 400


def test_credentials_open_a_site_that_asks(control, site):
    target = control.open("about:blank")
    control.post("/set/credentials", username=USER, password=PASSWORD, targetId=target)
    assert control.navigate(site.url("/auth"), target)["status"] == 200
    assert control.evaluate("document.body.innerText", targetId=target) == "Welcome, Ada."
    control.post("/set/credentials", clear=True, targetId=target)


def test_a_server_that_does_not_answer(control, site):
    at(control, site, "/form.html")
    reply = control.refused("POST", "/navigate", {"url": site.url("/hang"), "timeoutMs": 700})
    assert (reply.status, reply.code) == (408, "navigation_timeout") and "/form.html" in reply.error
    assert control.evaluate("document.title") == "Form", "the tab can be used"


def test_a_page_that_never_loads_can_be_used(control, site):
    for time in (1000, 5000, 20_000):  # on a busy machine the text alone may take a while
        reply = control.request("POST", "/navigate", {"url": site.url("/picture"), "timeoutMs": time})
        if reply.status == 200 and reply.body["loadState"] == "domcontentloaded":
            break
    assert reply.body["timedOut"] and reply.body["loadState"] == "domcontentloaded" and reply.body["title"] == "picture"
    assert control.wait(text="text", loadState="load")["ok"], "what was stopped does not load any more"


def test_a_page_that_does_not_want_to_be_left(control, site, witnessed):
    target = at(control, site, "/leave?stay")
    witnessed("/leave?stay").on("dialog", lambda dialog: None)  # else the witness dismisses it before we answer
    control.evaluate("document.querySelector('input').focus()")  # a page may only ask when it was touched
    control.post("/hooks/dialog", accept=False)
    assert control.refused("POST", "/navigate", {"url": site.url("/")}).code == "navigation_aborted"
    assert control.navigate(site.url("/form.html"))["status"] == 200, "nobody armed: it is left"
    assert [tab["url"] for tab in control.tabs() if tab["targetId"] == target] == [site.url("/form.html")]


# ---- frames and processes


def test_frames_of_other_processes_are_seen(control, site, pages, witnessed):
    at(control, site, "/top")
    for text in ("top", "inner text", "deep text", "same text"):
        control.wait(text=text, timeoutMs=30_000)
    assert len(witnessed("/top").frames) == 4
    assert "inside" in [message["text"] for message in control.get("/console")["messages"]]
    control.evaluate("document.getElementById('f').src = '/same?now=mine'")
    control.wait(textGone="inner text", timeoutMs=30_000)
    control.evaluate(f"document.getElementById('f').src = '{pages}deep'")
    control.wait(text="deep text", timeoutMs=30_000)
    control.evaluate("document.getElementById('f').remove()")
    control.wait(textGone="deep text", timeoutMs=30_000)
    control.wait(text="same text")


def test_workers_are_let_run(control, site):
    at(control, site, "/sw/")
    assert control.evaluate("navigator.serviceWorker.ready.then(r => !!r.active)") is True
    script = "new Worker(URL.createObjectURL(new Blob(['console.log(\"worker says\", 1); postMessage(7)'])))"
    assert control.evaluate(f"new Promise(done => {{ const w = {script}; w.onmessage = e => done(e.data) }})") == 7
    assert "worker says 1" in [message["text"] for message in control.get("/console")["messages"]]


# ---- single-page navigation and history


def test_changes_within_a_document_are_followed(control, site):
    at(control, site, "/form.html")
    control.evaluate("history.pushState({}, '', '/app/one')")
    assert control.wait(url="**/app/*")["ok"]
    control.evaluate("history.back()")
    control.wait(url=site.url("/form.html"))
    control.evaluate("location.href = '/deep'")
    assert control.evaluate("document.body.innerText") == "deep text", "what the script set off is waited for"
    control.evaluate("history.back()")
    control.wait(url="/form.html")
    assert control.evaluate("document.title") == "Form"


# ---- waits


def test_waits(control, site):
    at(control, site, "/late")
    assert control.wait(text="CAME  late")["ok"]
    assert control.wait(textGone="never there")["ok"]
    assert control.wait(timeMs=20)["ok"]
    at(control, site, "/fetches")
    control.wait(loadState="networkidle")
    assert control.evaluate("document.title") == "fetched"
    assert control.wait(fn="() => document.title === 'fetched'")["ok"]
    at(control, site, "/shadow")
    assert control.wait(selector="#deep", text="in the shade")["ok"]


@pytest.mark.parametrize("wait, status, code", [
    ({"text": "nonesuch"}, 408, "wait_timeout"), ({"textGone": "shade"}, 408, "wait_timeout"), ({"selector": "#nonesuch"}, 408, "wait_timeout"),
    ({"url": "**/nonesuch"}, 408, "wait_timeout"), ({"fn": "() => false"}, 408, "wait_timeout"), ({"selector": "a[["}, 400, "invalid_selector"),
    ({"fn": "() => { throw new Error('no') }"}, 500, "script_error")])
def test_waits_in_vain(control, site, wait, status, code):
    at(control, site, "/shadow")
    reply = control.refused("POST", "/act", {"kind": "wait", "timeoutMs": 300, **wait})
    assert (reply.status, reply.code) == (status, code), reply.body


@pytest.mark.parametrize("wait", [{}, {"loadState": "done"}, {"timeMs": -1}, {"text": 5.5}, {"text": "x", "timeoutMs": "soon"}])
def test_waits_for_nothing_sensible(control, wait):
    assert control.refused("POST", "/act", {"kind": "wait", **wait}).status == 400


# ---- scripts


@pytest.mark.parametrize("script, result", [
    ("1 + 1", 2), ("() => document.title;", "Form"), ("async () => [1, {a: null}]", [1, {"a": None}]), ("const x = 3; return x * 2", 6),
    ("undefined", None), ("10n", "10"), ("new Map([[1, 2]])", [[1, 2]]), ("NaN", "NaN"), ("'</script>\\n' // comment", "</script>\n"),
    ("const a = {}; a.a = a; return a", "[object Object]"), ("document.querySelector('h1')", None)])
def test_scripts(control, site, script, result):
    if "/form.html" not in control.tabs()[0]["url"]:
        control.navigate(site.url("/form.html"), control.tabs()[0]["targetId"])
    told = control.evaluate(script, targetId=control.tabs()[0]["targetId"])
    assert told == result or "h1" in script


def test_scripts_that_fail_run_on_or_tell_too_much(control, site):
    at(control, site, "/form.html")
    reply = control.refused("POST", "/act", {"kind": "evaluate", "fn": "() => { throw new TypeError('so not') }"})
    assert (reply.status, reply.code) == (500, "script_error") and "TypeError: so not" in reply.error
    assert "SyntaxError" in control.refused("POST", "/act", {"kind": "evaluate", "fn": "this is no script"}).error
    reply = control.refused("POST", "/act", {"kind": "evaluate", "fn": "while (true) {}", "timeoutMs": 500})
    assert (reply.status, reply.code) == (408, "timeout")
    assert control.evaluate("document.title") == "Form", "the script was stopped"
    told = control.act("evaluate", fn="'x'.repeat(3_000_000)")
    assert len(told["result"]) <= 100_000 and "cut" in told["note"]


def test_resize(control, site, witnessed):
    target = control.open(site.url("/form.html?small"))
    control.act("resize", width=480, height=320, targetId=target)
    assert witnessed("?small").evaluate("[innerWidth, innerHeight]") == [480, 320]
    assert control.refused("POST", "/act", {"kind": "resize", "width": 0, "height": 5}).status == 400


@pytest.mark.parametrize("act", [
    {"kind": "click"}, {"kind": "type", "text": "x"}, {"kind": "evaluate", "fn": "new Promise(() => {})"}, {"kind": "wait", "text": "nonesuch"},
    {"kind": "wait", "url": "**/nonesuch"}, {"kind": "wait", "fn": "() => false"}], ids=lambda act: act["kind"] + next(iter([*act][1:]), ""))
def test_a_tab_that_crashes_ends_what_waits_for_it(control, site, witnessed, act):
    path = f"/crash-{'-'.join(act)}"
    target = control.open(site.page(path, "<title>crash</title><button disabled>Never</button><input aria-label=Off disabled>"))
    snapshot = control.snapshot(targetId=target)
    refs = {"click": snapshot.ref("button", "Never"), "type": snapshot.ref("textbox", "Off")}
    body = act | {"targetId": target, "timeoutMs": 100_000} | ({"ref": refs[act["kind"]]} if act["kind"] in refs else {})
    page = witnessed(path)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(control.request, "POST", "/act", body)
        control.evaluate("1", targetId=target)
        with pytest.raises(Exception):
            page.goto("chrome://crash", timeout=2000)
        reply = waiting.result(45)  # less than it was told to wait
    assert (reply.status, reply.code) == (500, "tab_crashed")
    assert control.refused("GET", "/snapshot", query={"targetId": target}).code == "tab_crashed"


def test_close_by_action(control, site):
    target = control.open(site.url("/form.html"))
    assert control.act("close", targetId=target)["ok"]
    assert target not in {tab["targetId"] for tab in control.tabs()}
