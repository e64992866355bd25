"""The control page against a fake gateway: what a real one does rarely or never."""

import json
import re
import time

import pytest
from page.conftest import PHONE
from page.fake_gateway import TOKEN

READY = "#connection[data-state=ready]"
# Functions, not expressions: the page's policy forbids evaluating strings.
AT_BOTTOM = """() => {
    const { scrollHeight, scrollTop, clientHeight } = document.querySelector("#scroll");
    return scrollHeight - scrollTop - clientHeight < 5;
}"""
PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "<svg/onload=alert(3)>",
    "[click](javascript:alert(4))",
    "[click](  java\tscript:alert(5))",
    "[click](data:text/html,<script>alert(6)</script>)",
    "[click](vbscript:alert(7))",
    "![x](x\" onerror=\"alert(8))",
    "![x](https://example.com/a.png\"onload=\"alert(9))",
    "[a](https://example.com/\" onmouseover=\"alert(10))",
    "<javascript:alert(11)>",
    "```\"><script>alert(12)</script>\n</code></pre><script>alert(13)</script>\n```",
    "| a | b |\n|---|---|\n| <img src=x onerror=alert(14)> | [x](javascript:alert(15)) |",
    "# <iframe src=javascript:alert(16)>",
    "> <details open ontoggle=alert(17)>",
    "1. <input autofocus onfocus=alert(18)>",
    "`<b onclick=alert(19)>` **<a href=javascript:alert(20)>x</a>**",
    "https://example.com/\"onclick=\"alert(21)",
    "[x](&#106;avascript:alert(22)) [y](javascript&colon;alert(23)) [z](\x01javascript:alert(24))",
    "</div></article></main><script>alert(25)</script>",
    "<style>body{display:none}</style><base href=//evil.example><meta http-equiv=refresh content=0>",
]


def ready(page):
    page.wait_for_selector(READY)
    return page


def say(page, text):
    page.fill("#input", text)
    page.press("#input", "Enter")


def eventually(condition, timeout=10):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def answered(page, count=1):
    page.wait_for_function("n => document.querySelectorAll('.assistant[data-state=done]').length >= n", arg=count)


def test_the_token_leaves_the_address_at_once_and_is_kept_per_instance(new_page, fake):
    page = ready(new_page(fake.link))
    assert page.url == f"{fake.origin}/"
    assert page.evaluate("history.length") <= 2
    stored = page.evaluate("({...localStorage})")
    assert stored[f"jarvis.token.{fake.gateway.instance}"] == TOKEN
    assert all(key.endswith(fake.gateway.instance) for key in stored)
    page.reload()
    ready(page)
    assert page.title() == "JARVIS · main"


@pytest.mark.parametrize("suffix", [
    "?gatewayUrl=ws://127.0.0.1:{evil}", "#gatewayUrl=ws://127.0.0.1:{evil}", "?%67atewayUrl=ws://127.0.0.1:{evil}",
    "?gatewayUrl=a&gatewayUrl=ws://127.0.0.1:{evil}", "?token=stolen", "?password=stolen", "?session=x&url=y",
    "#token=stolen&gatewayUrl=ws://127.0.0.1:{evil}",
])
def test_no_parameter_moves_the_connection_or_the_stored_token(new_page, fake, suffix):
    page = ready(new_page(fake.link))
    reached = []
    page.on("websocket", lambda socket: reached.append(socket.url))
    page.goto("about:blank")
    page.goto(f"{fake.origin}/" + suffix.format(evil=fake.gateway.port + 1))
    ready(page)
    assert page.url == f"{fake.origin}/"
    assert set(reached) == {f"ws://127.0.0.1:{fake.gateway.port}/"}
    assert page.evaluate(f"localStorage['jarvis.token.{fake.gateway.instance}']") == TOKEN


def test_without_a_token_the_page_says_what_to_do(new_page, fake):
    page = new_page(f"{fake.origin}/")
    page.wait_for_selector("#secret")
    assert "Not signed in" in page.inner_text("#connection")
    assert "jarvis --profile main dashboard" in page.inner_text("#gate")
    page.fill("#secret", "wrong")
    page.press("#secret", "Enter")
    page.wait_for_selector("text=is not the gateway's token")
    assert page.evaluate(f"localStorage['jarvis.token.{fake.gateway.instance}']") is None
    page.fill("#secret", TOKEN)
    page.click("text=Connect")
    ready(page)
    assert page.is_visible("#input")


def test_a_wrong_link_does_not_displace_a_good_token(new_page, fake):
    page = ready(new_page(fake.link))
    page.goto("about:blank")
    page.goto(f"{fake.origin}/#token=wrong")
    ready(page)
    assert page.evaluate(f"localStorage['jarvis.token.{fake.gateway.instance}']") == TOKEN


def test_a_wrong_link_is_not_kept(new_page, fake):
    page = new_page(f"{fake.origin}/#token=wrong")
    page.wait_for_selector("text=is not the gateway's token")
    assert page.url == f"{fake.origin}/"
    assert page.evaluate("localStorage.length") == 0


def test_a_gateway_that_is_not_there_yet_is_waited_for(new_page, fake):
    fake.gateway.mode = "down"
    page = new_page(fake.link, quiet=True)
    page.wait_for_selector("text=The gateway does not answer")
    assert page.url == f"{fake.origin}/"
    fake.gateway.mode = "ok"
    ready(page)


def test_a_link_pasted_into_the_open_page_signs_in(new_page, fake):
    page = new_page(f"{fake.origin}/")
    page.wait_for_selector("#secret")
    page.evaluate(f"location.hash = 'token={TOKEN}'")
    ready(page)
    assert page.url == f"{fake.origin}/"


def test_the_device_signs_and_its_key_cannot_be_read(new_page, fake):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    import base64
    import hashlib
    page = ready(new_page(fake.link))
    params = fake.gateway.connects[-1]
    device = params["device"]
    raw = base64.urlsafe_b64decode(device["publicKey"] + "=")
    assert device["id"] == hashlib.sha256(raw).hexdigest()
    payload = "|".join([
        "v3", device["id"], params["client"]["id"], params["client"]["mode"], params["role"], ",".join(params["scopes"]),
        str(device["signedAt"]), params["auth"]["token"], device["nonce"], "web", ""])
    signature = base64.urlsafe_b64decode(device["signature"] + "==")
    Ed25519PublicKey.from_public_bytes(raw).verify(signature, payload.encode())
    exported = page.evaluate("""() => new Promise((resolve) => {
        const open = indexedDB.open("jarvis", 1);
        open.onsuccess = () => {
            const all = open.result.transaction("devices").objectStore("devices").getAll();
            all.onsuccess = () => crypto.subtle.exportKey("pkcs8", all.result[0].privateKey).then(() => resolve("out"), () => resolve("kept"));
        };
    })""")
    assert exported == "kept"
    page.reload()
    ready(page)
    assert fake.gateway.connects[-1]["device"]["id"] == device["id"]


def test_another_gateway_at_the_address_gets_nothing(new_page, fake):
    page = ready(new_page(fake.link))
    before = len(fake.gateway.connects)
    fake.gateway.instance, fake.gateway.profile = "99999999-0000-4000-8000-000000000000", "other"
    fake.call(fake.gateway.drop)
    page.wait_for_selector("text=Another gateway answers here")
    assert len(fake.gateway.connects) == before
    assert "“other”" in page.inner_text("#gate")


def test_a_hello_of_another_instance_stops_the_page(new_page, fake):
    fake.gateway.hello_instance = "99999999-0000-4000-8000-000000000000"
    page = new_page(fake.link)
    page.wait_for_selector("text=Another gateway answers here")
    assert not page.is_visible("#input")


def test_an_answer_streams_and_ends(new_page, fake):
    page = ready(new_page(fake.link))
    say(page, "hello")
    page.wait_for_selector(".assistant[data-state=streaming] .body h4")
    assert page.is_visible("#stop")
    answered(page)
    assert not page.is_visible("#stop")
    assert page.locator(".assistant table tbody tr").count() == 3
    assert page.locator(".assistant ol > li > ul > li").count() == 2
    assert page.get_attribute(".assistant .body a", "rel") == "noopener noreferrer"
    assert "1.0k tokens" in page.inner_text(".assistant .foot")
    assert page.locator(".assistant .tool").count() == 1


def test_stop_keeps_what_was_written(new_page, fake):
    fake.gateway.delay = 0.1
    page = ready(new_page(fake.link))
    say(page, "hello")
    page.wait_for_selector(".assistant[data-state=streaming] .body h4")
    page.keyboard.press("Escape")
    page.wait_for_selector(".assistant[data-state=stopped]")
    assert "Stopped" in page.inner_text(".assistant .foot")
    assert "Three" in page.inner_text(".assistant .body")


def test_a_message_written_offline_is_sent_once(new_page, fake):
    page = ready(new_page(fake.link, quiet=True))
    fake.gateway.mode = "down"
    fake.call(fake.gateway.drop)
    page.wait_for_selector("#connection[data-state=waiting]")
    assert "kept and sent" in page.inner_text("#notice")
    say(page, "written offline")
    page.wait_for_selector("text=Waiting for the connection")
    fake.gateway.mode = "ok"
    page.click("#connection")
    answered(page)
    assert list(fake.gateway.sent.values()) == [1]
    assert page.locator(".message.user").count() == 1


def test_a_send_whose_answer_is_lost_is_repeated_with_the_same_key(new_page, fake):
    page = ready(new_page(fake.link, quiet=True))
    fake.gateway.mode = "deaf"
    say(page, "did this arrive?")
    page.wait_for_selector("text=Waiting for the connection")
    fake.gateway.mode = "ok"
    answered(page)
    keys = [frame["params"]["idempotencyKey"] for frame in fake.gateway.requests if frame["method"] == "chat.send"]
    assert len(keys) >= 2 and len(set(keys)) == 1
    assert page.locator(".message.user").count() == 1


def test_the_outbox_survives_a_reload(new_page, fake):
    page = ready(new_page(fake.link, quiet=True))
    fake.gateway.mode = "deaf"
    say(page, "before the reload")
    page.wait_for_selector("text=Waiting for the connection")
    page.reload()
    fake.gateway.mode = "ok"
    answered(page)
    assert len(fake.gateway.sent) == 1
    assert page.locator(".message.user").count() == 1


def test_an_answer_that_ends_while_offline_appears(new_page, fake):
    fake.gateway.delay = 0.005
    page = ready(new_page(fake.link, quiet=True))
    fake.gateway.mode = "silent"
    say(page, "slow one")
    page.wait_for_selector("text=Working on it")
    fake.gateway.mode = "down"
    fake.call(fake.gateway.drop)
    page.wait_for_selector("#connection[data-state=waiting]")
    from page.fake_gateway import message, now
    fake.gateway.history["agent:main:main"].append(message("assistant", "ended meanwhile", now()))
    fake.gateway.mode = "ok"
    page.click("#connection")
    page.wait_for_selector("text=ended meanwhile")
    assert not page.is_visible("#stop")
    assert page.locator(".message").count() == 2


def test_a_refused_message_can_be_tried_again_with_a_new_key(new_page, fake):
    page = ready(new_page(fake.link))
    fake.gateway.fail_next = "the disk is full"
    say(page, "keep this")
    page.wait_for_selector("text=Not sent: the disk is full")
    page.click("text=Try again")
    answered(page)
    keys = {frame["params"]["idempotencyKey"] for frame in fake.gateway.requests if frame["method"] == "chat.send"}
    assert len(keys) == 2
    assert page.locator(".message.user").count() == 1


def test_an_announced_restart_is_shown(new_page, fake):
    page = ready(new_page(fake.link))
    fake.call(fake.gateway.broadcast, "shutdown", {"reason": "restart", "restartExpectedMs": 500})
    page.wait_for_selector("text=Restarting…")
    assert "restarting" in page.inner_text("#notice")


def test_a_gap_in_the_event_numbers_fetches_the_history_again(new_page, fake):
    page = ready(new_page(fake.link))
    page.wait_for_selector(".empty")
    from page.fake_gateway import message, now
    fake.gateway.history["agent:main:main"] = [message("assistant", "missed by the stream", now())]
    fake.call(fake.gateway.broadcast, "tick", {"ts": 1})
    fake.gateway.seq += 5
    fake.call(fake.gateway.broadcast, "tick", {"ts": 2})
    page.wait_for_selector("text=missed by the stream")


@pytest.mark.parametrize("way", ["streamed", "from the history"])
def test_no_payload_runs(new_page, fake, way):
    from page.fake_gateway import message, now
    fake.gateway.delay = 0
    if way == "from the history":
        fake.gateway.history["agent:main:main"] = [
            message(role, payload, now()) for payload in PAYLOADS for role in ("user", "assistant")]
    page = ready(new_page(fake.link))
    if way == "streamed":
        for count, payload in enumerate(PAYLOADS, 1):
            fake.gateway.answer = payload
            say(page, payload)
            answered(page, count)
    page.wait_for_function("n => document.querySelectorAll('.assistant[data-state=done]').length === n", arg=len(PAYLOADS))
    assert page.evaluate("window.__trapped") == []
    assert page.locator(".message :is(script, img, iframe, style, base, meta, input:not([type=checkbox]))").count() == 0
    for link in page.locator(".message a").all():
        assert re.match(r"(https?|mailto):", link.get_attribute("href"))
    attributes = page.evaluate("""() => [...document.querySelectorAll('.message *')]
        .flatMap((node) => node.getAttributeNames()).filter((name) => name.startsWith('on') || name === 'style')""")
    assert attributes == []


HOSTILE = [
    "*" * 50_000, "[" * 50_000, "`a" * 20_000, "**a " * 20_000, "_a" * 30_000, "> " * 5_000 + "x", "- " * 5_000 + "x",
    "[a](" * 20_000, "|a" * 5_000 + "\n" + "|-" * 5_000, "![" * 20_000 + "](", "<" * 50_000, "~~" * 20_000 + "a",
]


def test_hostile_text_does_not_hang_the_page(new_page, fake):
    from page.fake_gateway import message, now
    page = ready(new_page(fake.link))
    page.wait_for_selector(".empty h2")
    for count, text in enumerate(HOSTILE, 1):
        begun = time.monotonic()
        fake.call(fake.gateway.broadcast, "chat", {
            "runId": f"inject-{count}", "sessionKey": "agent:main:main", "seq": 1, "state": "final",
            "message": message("assistant", text, now())})
        answered(page, count)
        assert time.monotonic() - begun < 5, text[:10]


def test_the_page_works_by_keyboard(new_page, fake):
    page = ready(new_page(fake.link))
    assert page.evaluate("document.activeElement.id") == "input"
    page.keyboard.type("/st")
    page.wait_for_selector("#slash:not([hidden])")
    assert page.locator("#slash li").count() == 2
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.input_value("#input") == "/stop"
    page.fill("#input", "one")
    page.press("#input", "Shift+Enter")
    page.keyboard.type("two")
    assert page.input_value("#input") == "one\ntwo"
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.id") == "session-filter"
    page.keyboard.type("workspace")
    assert page.locator("#session-list button").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#chat-title').textContent.startsWith('Moving the workspace')")
    assert page.evaluate("document.activeElement.id") == "input"
    page.evaluate("document.querySelector('#scroll').focus()")
    page.keyboard.press("/")
    assert page.input_value("#input") == "/"
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).visibility") == "visible"


def test_drafts_belong_to_their_session(new_page, fake):
    page = ready(new_page(fake.link))
    page.wait_for_selector("button[data-key*=telegram]")
    page.fill("#input", "half a thought")
    page.click("button[data-key*=telegram]")
    assert page.input_value("#input") == ""
    page.click("button[data-key='agent:main:main']")
    assert page.input_value("#input") == "half a thought"


def test_a_new_session_begins_empty_and_answers(new_page, fake):
    fake.gateway.delay = 0
    page = ready(new_page(fake.link))
    page.click("#new-session")
    page.wait_for_selector(".empty h2")
    page.click(".chip >> nth=0")
    answered(page)
    sent = [frame["params"] for frame in fake.gateway.requests if frame["method"] == "chat.send"]
    assert re.fullmatch(r"agent:main:web-[0-9a-f]{8}", sent[0]["sessionKey"])


def test_start_afresh_asks_first(new_page, fake):
    fake.gateway.delay = 0
    page = ready(new_page(fake.link))
    say(page, "hello")
    answered(page)
    page.click("#fresh")
    page.keyboard.press("Escape")
    assert page.locator(".message").count() == 2
    page.click("#fresh")
    page.click("#ask .primary")
    page.wait_for_selector(".empty h2")


def test_reading_up_is_not_disturbed(new_page, fake):
    from page.fake_gateway import message, now
    fake.gateway.history["agent:main:main"] = [message("assistant", f"line {i}\n\n" * 5, now()) for i in range(30)]
    page = ready(new_page(fake.link))
    page.wait_for_selector("text=line 29")
    page.wait_for_function(AT_BOTTOM)
    page.evaluate("document.querySelector('#scroll').scrollTop = 100")
    page.wait_for_timeout(50)
    fake.call(fake.gateway.broadcast, "chat", {
        "runId": "inject-1", "sessionKey": "agent:main:main", "seq": 1, "state": "final",
        "message": message("assistant", "came in below", now())})
    page.wait_for_selector("#newer:not([hidden])")
    assert page.evaluate("document.querySelector('#scroll').scrollTop") == 100
    page.click("#newer")
    page.wait_for_function(AT_BOTTOM)
    assert not page.is_visible("#newer")


def test_streaming_keeps_finished_blocks(new_page, fake):
    fake.gateway.delay = 0.05
    page = ready(new_page(fake.link))
    say(page, "hello")
    page.wait_for_selector(".assistant .body table")
    page.evaluate("window.kept = document.querySelector('.assistant .body h4')")
    answered(page)
    assert page.evaluate("window.kept.isConnected")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("color", ["#2f7d6b", "#ffe100", "#101010", "#ffffff", "#c2185b", "not a colour"])
def test_text_has_contrast_whatever_the_colour(new_page, fake, scheme, color):
    fake.gateway.color = color
    page = ready(new_page(fake.link, color_scheme=scheme))
    page.wait_for_selector(".chip")
    worst = page.evaluate(CONTRAST)
    assert worst == []


CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (text) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = (node) => {
        const layers = [];
        for (let at = node; at; at = at.parentElement) layers.unshift(rgba(getComputedStyle(at).backgroundColor));
        return layers.reduce((below, [r, g, b, a]) => below.map((v, i) => v + ([r, g, b][i] - v) * (a / 255)), [255, 255, 255]);
    };
    const bad = [];
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        if (!own || !node.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || node.closest(".offscreen, :disabled")) continue;
        const [a, b] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) bad.push(`${node.className || node.id || node.tagName} ${node.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
    }
    return bad;
}"""


def test_two_gateways_look_different(new_page, fake):
    page = ready(new_page(fake.link))
    assert page.title() == "JARVIS · main"
    assert page.inner_text("#plate-name") == "main"
    assert page.evaluate("getComputedStyle(document.querySelector('#plate')).backgroundColor") == "rgb(47, 125, 107)"
    assert "2f7d6b" in page.get_attribute("link[rel=icon]", "href")
    assert page.get_attribute("meta[name=theme-color]", "content") == "#2f7d6b"


def test_on_a_phone_nothing_sticks_out_and_targets_are_large(new_page, fake):
    page = ready(new_page(fake.link, **PHONE))
    say(page, "hello")
    answered(page)
    for view in ("chat", "status", "logs"):
        page.tap("#menu")
        page.wait_for_selector(f"[data-view={view}]", state="visible")
        page.wait_for_timeout(250)
        assert page.evaluate("document.querySelector('#main').inert")
        page.tap(f"[data-view={view}]")
        page.wait_for_timeout(300)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= 390
        small = page.evaluate("""() => [...document.querySelectorAll('button, select, input:not([type=checkbox])')]
            .filter((node) => node.checkVisibility({visibilityProperty: true}) && !node.classList.contains('skip'))
            .map((node) => [node.id || node.className, node.getBoundingClientRect().height])
            .filter(([, height]) => height < 24)""")
        assert small == []
    page.tap("#menu")
    page.tap("[data-view=chat]")
    sizes = page.evaluate("['#input', '#session-filter'].map((id) => getComputedStyle(document.querySelector(id)).fontSize)")
    assert sizes == ["16px", "16px"]


def test_status_and_logs_show_what_the_gateway_says(new_page, fake):
    page = ready(new_page(fake.link))
    page.click("[data-view=status]")
    page.wait_for_selector(".verdict.good")
    text = page.inner_text("#view-status")
    for part in ("0.1.0", fake.gateway.instance, "/home/ada/.jarvis-main/jarvis.json", "local/smollm2-135m", "gateway.prot",
                 "line 4, column 5", "jarvis chat", "4 d 7 h", "model request failed"):
        assert part in text
    page.click("[data-view=logs]")
    page.wait_for_selector(".level-error")
    assert page.locator(".log li").count() == 6
    page.select_option("#log-level", "warn")
    assert page.locator(".log li").count() == 2
    page.fill("#log-filter", "503")
    assert page.locator(".log li").count() == 1


def test_roles_and_names_are_there(new_page, fake):
    page = ready(new_page(fake.link))
    say(page, "hello")
    answered(page)
    for role, name in [("button", "New session"), ("searchbox", "Find a session"), ("textbox", "Message"),
                       ("log", "Conversation"), ("button", "Send"), ("navigation", "Views")]:
        assert page.get_by_role(role, name=name, exact=True).count() == 1, (role, name)
    nameless = page.evaluate("""() => [...document.querySelectorAll('button')]
        .filter((node) => !node.textContent.trim() && !node.getAttribute('aria-label')).map((node) => node.outerHTML)""")
    assert nameless == []
    assert page.inner_text("#live") != ""


def test_the_browser_runs_no_request_elsewhere(new_page, fake):
    page = new_page()
    hosts = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2] if "//" in request.url else "data"))
    page.goto(fake.link)
    ready(page)
    say(page, "hello")
    answered(page)
    assert hosts - {"data"} == {f"127.0.0.1:{fake.gateway.port}"}
    assert json.dumps(page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")).count("token") == 0
