"""The control page as the binary serves it, in Chromium."""

import re
import subprocess
import uuid

import pytest
from page.conftest import PHONE
from support.home import TOKEN
from support.model import CallTool, Echo, Status
from support.paths import REPOSITORY

READY = "#connection[data-state=ready]"


def link(gateway):
    return f"{gateway.origin}/#token={TOKEN}"


def ready(page):
    page.wait_for_selector(READY, timeout=20_000)
    page.wait_for_selector("#input:enabled")
    return page


def say(page, text):
    page.fill("#input", text)
    page.press("#input", "Enter")


def answer_to(page, text):
    """The text of the next finished answer after the question `text`."""
    question = page.locator(".message.user", has_text=text).last
    answer = question.locator("xpath=following-sibling::article[contains(@class, 'assistant')][1]")
    answer.wait_for()
    page.wait_for_function("node => ['done', 'stopped', 'error'].includes(node.dataset.state)", arg=answer.element_handle())
    return answer


def fresh_session(page):
    page.click("#new-session")
    page.wait_for_selector(".empty h2")


def instance_id(gateway):
    with gateway.client() as client:
        return client.hello["server"]["instanceId"]


def test_the_embedded_page_is_the_one_in_web():
    result = subprocess.run([REPOSITORY / "scripts/embed-web.py", "--check"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_files_come_with_a_strict_policy_and_are_cached_by_content(running):
    status, headers, body = running.get("/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    page = body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style|https?://", page)
    for path in re.findall(r'(?:src|href)="(assets/[^"]+)"', page):
        status, headers, body = running.get(f"/{path}")
        assert status == 200 and body
        assert running.get(f"/{path}", headers={"If-None-Match": headers["ETag"]})[0] == 304
    assert running.get("/assets/none.js")[0] == 404
    assert running.get("/", method="POST")[0] == 405


def test_the_bootstrap_tells_nothing_but_who_this_is(running):
    status, headers, body = running.get("/__jarvis/control-ui-config.json")
    assert status == 200 and headers["Cache-Control"] == "no-store"
    assert TOKEN.encode() not in body and str(running.home.root).encode() not in body


def test_the_dashboard_link_signs_in(running, new_page):
    result = running.cli("dashboard", "--no-open")
    url = re.search(r"http://\S+#token=\S+", result.stdout).group()
    page = ready(new_page(url))
    assert "token" not in page.url
    assert page.evaluate(f"localStorage['jarvis.token.{instance_id(running)}']") == TOKEN
    page.reload()
    ready(page)


def test_without_a_token_nothing_is_shown(running, new_page):
    page = new_page(f"{running.origin}/")
    page.wait_for_selector("#secret")
    assert "jarvis dashboard" in page.inner_text("#gate")
    assert not page.is_visible("#view-chat")
    page.fill("#secret", TOKEN)
    page.press("#secret", "Enter")
    ready(page)


@pytest.mark.parametrize("suffix", ["?gatewayUrl=ws://127.0.0.1:9", "#gatewayUrl=ws://127.0.0.1:9", "?token=other", "?password=other"])
def test_no_parameter_of_the_address_matters(running, new_page, suffix):
    page = ready(new_page(link(running)))
    sockets = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto("about:blank")
    page.goto(f"{running.origin}/{suffix}")
    ready(page)
    assert set(sockets) == {running.ws_url}
    assert page.url == f"{running.origin}/"
    assert page.evaluate(f"localStorage['jarvis.token.{instance_id(running)}']") == TOKEN


@pytest.mark.parametrize("options", [{}, PHONE, {"color_scheme": "dark"}], ids=["desktop", "phone", "dark"])
def test_a_chat_is_answered(running, new_page, options, tmp_path):
    page = ready(new_page(link(running), **options))
    say(page, "good morning from the page")
    assert "echo:good morning from the page" in answer_to(page, "good morning from the page").inner_text()
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    page.screenshot(path=tmp_path / "chat.png")
    page.reload()
    ready(page)
    assert "echo:" in answer_to(page, "good morning from the page").inner_text()


def test_the_answer_streams_and_can_be_stopped(running, new_page, shared_model):
    shared_model.on("long story", Echo(chunks=200, delay=0.1))
    page = ready(new_page(link(running)))
    fresh_session(page)
    say(page, "a long story, please " + "word " * 100)
    page.wait_for_selector(".assistant[data-state=streaming] .body:not([hidden])")
    first = page.inner_text(".assistant .body")
    page.wait_for_function("text => document.querySelector('.assistant .body').innerText.length > text.length", arg=first)
    page.keyboard.press("Escape")
    page.wait_for_selector(".assistant[data-state=stopped]")
    kept = page.inner_text(".assistant .body")
    assert kept.startswith("echo:")
    page.reload()
    ready(page)
    page.wait_for_selector(".assistant[data-state=stopped]")
    assert page.inner_text(".assistant .body") == kept


def test_a_reload_in_the_middle_finds_the_answer_again(running, new_page, shared_model):
    shared_model.on("reload me", Echo(chunks=30, delay=0.1))
    page = ready(new_page(link(running)))
    fresh_session(page)
    say(page, "reload me while you talk")
    page.wait_for_selector(".assistant[data-state=streaming] .body:not([hidden])")
    page.reload()
    ready(page)
    page.wait_for_selector("#stop")
    assert "echo:reload me while you talk" in answer_to(page, "reload me").inner_text()
    assert page.locator(".message").count() == 2


def test_two_sessions_answer_at_once(running, new_page, shared_model):
    shared_model.on("slow side", Echo(chunks=20, delay=0.1))
    page = ready(new_page(link(running)))
    fresh_session(page)
    first = page.evaluate("document.querySelector('.session[aria-current]').dataset.key")
    say(page, "slow side")
    page.wait_for_selector(".assistant[data-state=streaming]")
    fresh_session(page)
    say(page, "quick side")
    assert "echo:quick side" in answer_to(page, "quick side").inner_text()
    page.click(f"button[data-key='{first}']")
    assert "echo:slow side" in answer_to(page, "slow side").inner_text()


def test_a_tool_call_is_shown(running, new_page, shared_model):
    shared_model.on("use the tool", CallTool())
    page = ready(new_page(link(running)))
    fresh_session(page)
    say(page, "use the tool")
    answer = answer_to(page, "use the tool")
    assert "the tool has answered" in answer.inner_text()
    answer.locator("details.tool", has_text="session_status").wait_for()


def test_a_model_error_is_shown_and_can_be_tried_again(running, new_page, shared_model):
    shared_model.on("will fail", Status(401))
    page = ready(new_page(link(running)))
    fresh_session(page)
    say(page, "will fail")
    answer = answer_to(page, "will fail")
    if answer.get_attribute("data-state") == "error":
        answer.get_by_role("button", name="Try again").click()
        page.wait_for_function("() => document.querySelectorAll('.message.user').length === 2")


def test_markup_in_an_answer_stays_text(running, new_page, shared_model):
    hostile = "<img src=x onerror=alert(1)> [x](javascript:alert(2)) **bold** <script>alert(3)</script>"
    shared_model.on("hostile", Echo(text=hostile))
    page = ready(new_page(link(running)))
    fresh_session(page)
    say(page, "hostile <b onclick=alert(4)>me</b>")
    text = answer_to(page, "hostile").inner_text()
    assert "<script>alert(3)</script>" in text and "javascript:alert(2)" in text
    page.reload()
    answer_to(ready(page), "hostile")
    assert page.evaluate("window.__trapped") == []
    assert page.locator(".message :is(script, img, b)").count() == 0
    assert page.locator(".message strong").inner_text() == "bold"


def test_what_another_client_says_appears(running, new_page):
    page = ready(new_page(link(running)))
    fresh_session(page)
    key = page.evaluate("document.querySelector('.session[aria-current]').dataset.key")
    with running.client() as client:
        client.call("chat.send", {"sessionKey": key, "message": "said elsewhere", "idempotencyKey": str(uuid.uuid4())})
        assert "echo:said elsewhere" in answer_to(page, "said elsewhere").inner_text()
        client.call("chat.inject", {"sessionKey": key, "message": "a note from outside"})
        page.wait_for_selector("text=a note from outside")
    assert page.locator(".message.user").count() == 1


def test_starting_afresh_empties_the_session(running, new_page):
    page = ready(new_page(link(running)))
    fresh_session(page)
    say(page, "forget this")
    answer_to(page, "forget this")
    page.click("#fresh")
    page.click("#ask .primary")
    page.wait_for_selector(".empty h2")
    say(page, "remember this")
    answer_to(page, "remember this")
    say(page, "/new")
    page.wait_for_selector("text=New conversation")
    page.wait_for_function("() => !document.querySelector('#messages').innerText.includes('remember this')")


def test_the_list_shows_sessions_and_finds_them(running, new_page):
    with running.client() as client:
        client.chat("tell me about lighthouses", "list-one")
        client.chat("tell me about volcanoes", "list-two")
    page = ready(new_page(link(running)))
    page.wait_for_selector("button[data-key='agent:main:list-two']")
    page.keyboard.press("Control+k")
    page.keyboard.type("list-one")
    assert page.locator("#session-list button").count() == 1
    page.keyboard.press("Enter")
    assert "echo:tell me about lighthouses" in answer_to(page, "lighthouses").inner_text()


def test_status_and_logs(running, new_page):
    page = ready(new_page(link(running)))
    page.click("[data-view=status]")
    page.wait_for_selector(".verdict.good")
    text = page.inner_text("#view-status")
    for part in (instance_id(running), str(running.home.config_path()), str(running.state), str(running.port), "test/echo", "default"):
        assert part in text
    with running.client() as client:
        version = client.hello["server"]["version"]
    assert version in text
    page.click("[data-view=logs]")
    page.wait_for_selector(".log li .log-text")
    assert page.locator(".log .problem").count() == 0


def test_the_page_survives_a_restart_and_loses_nothing(gateway, new_page):
    running = gateway()
    page = ready(new_page(link(running), quiet=True))
    say(page, "before the restart")
    answer_to(page, "before the restart")
    running.stop()
    page.wait_for_selector("#connection[data-state=waiting]")
    say(page, "written while it was away")
    page.wait_for_selector("text=Waiting for the connection")
    running.start()
    assert "echo:written while it was away" in answer_to(page, "written while it was away").inner_text()
    assert page.locator(".message.user").count() == 2
    with running.client() as client:
        said = [m for m in client.history() if m["role"] == "user"]
    assert len(said) == 2


def test_kill_in_the_middle_of_an_answer(gateway, new_page, scripted_model):
    scripted_model.on("interrupted", Echo(chunks=40, delay=0.1))
    running = gateway()
    page = ready(new_page(link(running), quiet=True))
    say(page, "interrupted question")
    page.wait_for_selector(".assistant[data-state=streaming] .body:not([hidden])")
    running.kill()
    page.wait_for_selector("#connection[data-state=waiting]")
    running.start()
    ready(page)
    assert "echo:interrupted question" in answer_to(page, "interrupted question").inner_text()
    assert page.locator(".message.user").count() == 1
    assert page.locator(".message.assistant").count() == 1


def test_another_gateway_on_the_same_port_gets_no_token(gateway, new_page):
    first = gateway("one")
    page = ready(new_page(link(first), quiet=True))
    first.stop()
    second = gateway("two", port=first.port)
    page.wait_for_selector("text=Another gateway answers here", timeout=40_000)
    with second.client() as client:
        assert not [entry for entry in client.call("system-presence") if entry.get("mode") == "webchat"]
    page.click("text=Load again")
    page.wait_for_selector("#secret")
    assert page.inner_text("#plate-name") == "two"


def test_two_gateways_side_by_side_are_told_apart(gateway, new_page):
    main, rescue = gateway("main"), gateway("rescue")
    first = ready(new_page(link(main)))
    second = ready(new_page(link(rescue), context=first.context))
    looks = [(page.title(), page.inner_text("#plate-name"), page.get_attribute("meta[name=theme-color]", "content")) for page in (first, second)]
    assert looks[0][:2] == ("JARVIS · main", "main") and looks[1][:2] == ("JARVIS · rescue", "rescue")
    assert looks[0][2] != looks[1][2]
    for page, text in ((first, "to main"), (second, "to rescue")):
        say(page, text)
        assert f"echo:{text}" in answer_to(page, text).inner_text()
    with main.client() as client:
        assert len(client.history()) == 2


def test_the_operator_answers_without_a_model(gateway, new_page):
    running = gateway(model=False)
    page = ready(new_page(link(running)))
    page.click(".chip >> nth=0")
    page.wait_for_selector(".assistant[data-state=done]")
    assert "operator" in page.inner_text(".assistant").lower()
    page.click("[data-view=status]")
    page.wait_for_selector("text=the built-in operator answers")


def test_a_foreign_page_reaches_nothing(running, new_page):
    ready(new_page(link(running)))
    page = new_page(quiet=True)
    page.route("http://evil.example/**", lambda route: route.fulfill(body="<p>evil</p>", content_type="text/html"))
    page.goto("http://evil.example/")
    outcome = page.evaluate("""(url) => new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve("open");
        socket.onerror = () => resolve("refused");
    })""", running.ws_url)
    assert outcome == "refused"
    page.evaluate("""(url) => {
        const frame = document.createElement("iframe");
        frame.src = url;
        document.body.append(frame);
        return new Promise((resolve) => frame.onload = resolve);
    }""", f"{running.origin}/")
    assert page.frames[-1].query_selector("#input") is None


def test_a_password_signs_in_for_this_tab_only(gateway, new_page):
    running = gateway(config={"gateway": {"auth": {"mode": "password", "password": "open sesame, please"}}})
    page = new_page(f"{running.origin}/")
    page.wait_for_selector("#secret")
    page.fill("#secret", "wrong")
    page.press("#secret", "Enter")
    page.wait_for_selector("text=That password is not right")
    page.fill("#secret", "open sesame, please")
    page.press("#secret", "Enter")
    ready(page)
    page.reload()
    ready(page)
    assert "open sesame" not in str(page.evaluate("({...localStorage})"))
