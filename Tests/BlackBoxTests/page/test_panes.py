"""Questions and the browser in the control page, against a fake gateway."""

import pytest
from page.conftest import PHONE
from page.test_protocol import eventually, ready
from support.payloads import PAYLOADS

QUESTION = {
    "command": "rm -rf ./build", "title": "Run a command", "tool": "exec", "risk": "host", "host": "gateway", "agentId": "main",
    "sessionKey": "agent:main:main", "allowAlways": True, "allowPattern": "exec:rm",
}


@pytest.fixture
def asking(fake):
    fake.gateway.methods = ["exec.approval.list", "exec.approval.resolve", "browser.request"]
    return fake


@pytest.fixture
def browsing(asking):
    asking.gateway.profiles = [
        {"name": "jarvis", "running": True, "isDefault": True, "tabCount": 2, "cdpPort": 18800, "color": "#2f7d6b"},
        {"name": "work", "running": False, "isDefault": False, "tabCount": 0, "cdpPort": 18801, "color": "#2f7d6b"},
    ]
    asking.gateway.tabs = [
        {"targetId": "A", "title": "Example", "url": "https://example.com/", "type": "page"},
        {"targetId": "B", "title": "Second", "url": "https://example.org/", "type": "page"},
    ]
    return asking


def calls(fake, path):
    return [call for call in fake.gateway.browser_calls if call[1] == path]


def show(page, view):
    if page.is_visible("#menu"):
        page.click("#menu")
    page.click(f"[data-view={view}]")


# ---- questions


def test_what_is_asked_stands_in_its_order(new_page, asking):
    """Letters that are written from right to left must not move what stands between them."""
    page = ready(new_page(asking.link))
    asking.call(asking.gateway.ask, {**QUESTION, "command": "pay \u05d0; 1, 20 \u05d1 to c"})
    page.wait_for_selector(".approval-text")
    places = page.evaluate("""() => {
      const text = document.querySelector('.approval-text').firstChild, range = document.createRange();
      return [...text.data].map((_, i) => { range.setStart(text, i); range.setEnd(text, i + 1); return range.getBoundingClientRect().left; });
    }""")
    assert places == sorted(places)


@pytest.mark.parametrize("button, decision", [("Allow once", "allow-once"), ("Always allow", "allow-always"), ("Deny", "deny")])
@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_a_question_is_answered(new_page, asking, button, decision, options):
    page = ready(new_page(asking.link, **options))
    asking.call(asking.gateway.ask, QUESTION)
    card = page.locator(".approval")
    assert "Run a command" in card.inner_text() and "rm -rf ./build" in card.inner_text() and "exec:rm" in card.inner_text()
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    card.get_by_role("button", name=button).click()
    page.wait_for_selector(f".approval[data-state={decision}]")
    sent = [r["params"] for r in asking.gateway.requests if r["method"] == "exec.approval.resolve"]
    assert [s["decision"] for s in sent] == [decision]
    page.wait_for_selector(".approval", state="detached")
    assert not page.is_visible("#approvals")


def test_always_is_offered_only_where_it_is_possible(new_page, asking):
    page = ready(new_page(asking.link))
    asking.call(asking.gateway.ask, {**QUESTION, "allowAlways": False})
    page.wait_for_selector(".approval")
    assert page.locator(".approval button").all_inner_texts() == ["Deny", "Allow once"]


def test_an_answer_from_elsewhere_and_one_in_no_time_are_shown(new_page, asking):
    page = ready(new_page(asking.link))
    first = asking.call(asking.gateway.ask, QUESTION)
    second = asking.call(asking.gateway.ask, {**QUESTION, "command": "second"})
    page.wait_for_function("() => document.querySelectorAll('.approval').length === 2")
    asking.call(asking.gateway.settle, first, "deny")
    page.wait_for_selector(".approval[data-state=deny]")
    assert "Denied by ada" in page.inner_text(".approval[data-state=deny]")
    asking.call(asking.gateway.settle, second, None, None)
    page.wait_for_selector(".approval[data-state=lapsed]")
    assert "Not answered in time" in page.inner_text(".approval[data-state=lapsed]")


def test_questions_survive_a_lost_connection_and_a_new_page(new_page, asking):
    page = ready(new_page(asking.link))
    gone = asking.call(asking.gateway.ask, {**QUESTION, "command": "gone"})
    stays = asking.call(asking.gateway.ask, {**QUESTION, "command": "stays"})
    page.wait_for_selector(f"[data-id='{gone}']")
    asking.gateway.approvals.pop(gone)
    asking.call(asking.gateway.drop)
    page.wait_for_selector(f"[data-id='{gone}']", state="detached", timeout=15_000)
    assert page.locator(f"[data-id='{stays}']").count() == 1
    page.reload()
    page.wait_for_selector(f"[data-id='{stays}']")


def test_an_answer_that_fails_can_be_given_again(new_page, asking):
    page = ready(new_page(asking.link))
    question = asking.call(asking.gateway.ask, QUESTION)
    record = asking.gateway.approvals.pop(question)
    page.get_by_role("button", name="Allow once").click()
    page.wait_for_selector("text=no such question")
    asking.gateway.approvals[question] = record
    page.get_by_role("button", name="Allow once").click()
    page.wait_for_selector(".approval[data-state=allow-once]")


def test_a_question_is_text_and_nothing_else(new_page, asking):
    page = ready(new_page(asking.link))
    for number, payload in enumerate(PAYLOADS):
        question = {name: payload for name in ("command", "title", "risk", "host", "agentId", "sessionKey", "cwd", "allowPattern")}
        asking.call(asking.gateway.ask, {**question, "allowAlways": True}, 120, f"id-{number}{payload}")
    page.wait_for_function("n => document.querySelectorAll('.approval').length === n", arg=len(PAYLOADS))
    shown = page.evaluate("() => [...document.querySelectorAll('.approval-text')].map((node) => node.textContent)")
    assert shown == PAYLOADS
    assert page.evaluate("() => document.querySelectorAll('.approvals :is(script, img, iframe, object, a, style, input)').length") == 0
    assert page.evaluate("() => window.__trapped") == []


# ---- browser


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_tabs_and_their_picture(new_page, browsing, options):
    page = ready(new_page(browsing.link, **options))
    assert browsing.gateway.browser_calls == []
    show(page, "browser")
    page.wait_for_selector("#view-browser .shot[src^='blob:']")
    assert page.locator(".tab-name").all_inner_texts() == ["Example", "Second"]
    assert "2 tabs" in page.inner_text("#view-browser .view-head")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert calls(browsing, "/view")[0][2]["targetId"] == "B"
    page.click(".tab-name >> text=Example")
    eventually(lambda: calls(browsing, "/view")[-1][2]["targetId"] == "A")
    taken = len(calls(browsing, "/view"))
    eventually(lambda: len(calls(browsing, "/view")) >= taken + 2)


def test_nothing_is_asked_while_nobody_looks(new_page, browsing):
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.wait_for_selector("#view-browser .shot[src^='blob:']")
    show(page, "chat")
    page.wait_for_function("() => document.querySelector('.shot').hidden")
    before = len(browsing.gateway.browser_calls)
    page.wait_for_timeout(4000)  # what must not come can't be waited for
    assert len(browsing.gateway.browser_calls) - before <= 3, "no more than what was under way: a list, its tabs, a picture"
    other = page.context.new_page()
    show(page, "browser")
    page.evaluate("() => { Object.defineProperty(document, 'visibilityState', { value: 'hidden' }); document.dispatchEvent(new Event('visibilitychange')); }")
    page.wait_for_timeout(1200)
    before = len(browsing.gateway.browser_calls)
    page.wait_for_timeout(4000)
    assert len(browsing.gateway.browser_calls) - before <= 3
    other.close()


def test_start_stop_open_and_close(new_page, browsing):
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.select_option("#browser-profile", "work")
    page.wait_for_selector("text=The browser is stopped")
    page.click("#view-browser .view-head .button")
    page.wait_for_selector("#view-browser .view-head >> text=running")
    assert calls(browsing, "/start")[-1][2] == {"profile": "work"}
    page.fill("#view-browser input", "example.net/path")
    page.press("#view-browser input", "Enter")
    eventually(lambda: calls(browsing, "/tabs/open"))
    assert calls(browsing, "/tabs/open")[-1][3] == {"url": "https://example.net/path"}
    page.wait_for_selector(".tab-name >> text=https://example.net/path")
    page.get_by_role("button", name="Close https://example.net/path").click()
    page.wait_for_selector(".tab-name >> text=https://example.net/path", state="detached")
    page.click("#view-browser .view-head .button")
    page.wait_for_selector("text=The browser is stopped")


def test_a_refusal_is_shown(new_page, browsing):
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.wait_for_selector(".tab-name")
    browsing.gateway.profiles[0]["running"] = True
    page.fill("#view-browser input", "http://10.0.0.1/")

    async def refuse(params):
        raise ValueError("The address http://10.0.0.1/ is blocked.")

    browsing.gateway.do_browser_request = refuse
    page.press("#view-browser input", "Enter")
    page.wait_for_selector("#view-browser .problem >> text=is blocked")


def test_titles_and_addresses_are_text(new_page, browsing):
    browsing.gateway.tabs = [
        {"targetId": f"T{number}{payload}", "title": payload, "url": payload, "type": "page"} for number, payload in enumerate(PAYLOADS)
    ]
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.wait_for_selector("#view-browser .shot[src^='blob:']")
    assert page.locator(".tab-name").count() == len(PAYLOADS)
    assert page.evaluate("() => window.__trapped") == []
    assert page.evaluate("() => document.querySelectorAll('.tabs :is(script, img, iframe, a)').length") == 0


# ---- what a browser may be like


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_a_dialog_of_the_page_is_answered(new_page, browsing, options):
    """The page behind it draws nothing, so it is not asked for pictures."""
    browsing.gateway.tabs[-1]["dialog"] = {"type": "prompt", "message": "Your name?" + " long" * 400, "url": "x", "defaultText": "Ada"}
    page = ready(new_page(browsing.link, **options))
    show(page, "browser")
    page.wait_for_selector(".browser-ask >> text=Your name?")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert page.input_value(".browser-ask input") == "Ada"
    page.fill(".browser-ask input", "Grace")
    lists = len(calls(browsing, "/tabs"))
    eventually(lambda: len(calls(browsing, "/tabs")) > lists)
    assert page.input_value(".browser-ask input") == "Grace", "a list that comes anew does not take away what was typed"
    assert not calls(browsing, "/view")
    page.press(".browser-ask input", "Enter")
    eventually(lambda: calls(browsing, "/hooks/dialog"))
    assert calls(browsing, "/hooks/dialog")[-1][3] == {"accept": True, "targetId": "B", "promptText": "Grace"}
    page.wait_for_selector(".browser-ask", state="hidden")
    page.wait_for_selector("#view-browser .shot[src^='blob:']")


def test_an_alert_has_one_answer_and_a_question_two(new_page, browsing):
    for kind, buttons in (("alert", ["OK"]), ("confirm", ["Cancel", "OK"])):
        browsing.gateway.tabs[-1]["dialog"] = {"type": kind, "message": "<b>Sure?</b>", "url": "x"}
        page = ready(new_page(browsing.link))
        show(page, "browser")
        page.wait_for_selector(".browser-ask >> text=<b>Sure?</b>")
        assert page.locator(".browser-ask button").all_inner_texts() == buttons
        page.click(".browser-ask button >> nth=0")
        eventually(lambda: "dialog" not in browsing.gateway.tabs[-1])
        assert calls(browsing, "/hooks/dialog")[-1][3]["accept"] is (kind == "alert")


def test_a_browser_that_is_turned_off_can_not_be_started(new_page, browsing):
    browsing.gateway.off = True
    for profile in browsing.gateway.profiles:
        profile["running"] = False
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.wait_for_selector("text=The browser is turned off")
    assert page.is_disabled("#view-browser .view-head .button") and not page.is_visible(".browser-go")


def test_why_a_browser_ended_is_told(new_page, browsing):
    browsing.gateway.profiles[0] |= {"running": False, "state": "failed", "reason": "it ended: killed"}
    browsing.gateway.profiles[1] |= {"reason": None, "problem": None}
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.wait_for_selector("text=The browser does not run: it ended: killed. Start it here")
    page.select_option("#browser-profile", "work")
    page.wait_for_selector("text=The browser is stopped. Start it here")


def test_a_crashed_page_is_told_and_not_asked_for_pictures(new_page, browsing):
    browsing.gateway.tabs[-1]["crashed"] = True
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.wait_for_selector("text=The page crashed")
    assert not calls(browsing, "/view")


def test_a_list_that_is_open_stays_open(new_page, browsing):
    """Entries that are made anew close the list of a browser under its user's hand."""
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.wait_for_selector(".tab-name")
    page.evaluate("() => { document.querySelector('#browser-profile option').kept = true; }")
    lists = len(calls(browsing, "/tabs"))
    eventually(lambda: len(calls(browsing, "/tabs")) > lists + 1)
    assert page.evaluate("() => document.querySelector('#browser-profile option').kept")


def test_the_keyboard_keeps_its_place_when_a_tab_is_closed(new_page, browsing):
    page = ready(new_page(browsing.link))
    show(page, "browser")
    page.focus("[aria-label='Close Example']")
    page.keyboard.press("Enter")
    page.wait_for_selector("[aria-label='Close Example']", state="detached")
    page.wait_for_function("() => document.activeElement.matches('.tab-name')")


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_long_words_stay_in_their_boxes(new_page, browsing, options):
    word = "https://example.com/" + "path/" * 60 + "x" * 300
    browsing.gateway.tabs = [{"targetId": f"T{n}", "title": word, "url": word, "type": "page"} for n in range(30)]
    page = ready(new_page(browsing.link, **options))
    browsing.call(browsing.gateway.ask, {**QUESTION, "title": word, "command": word, "allowPattern": word, "cwd": word})
    page.wait_for_selector(".approval")
    fits = "element => element.scrollWidth <= element.clientWidth + 1"
    assert page.eval_on_selector(".approval", fits) and page.eval_on_selector(".approval-head h2", fits)
    show(page, "browser")
    page.wait_for_selector("#view-browser .shot[src^='blob:']")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    height, line = page.eval_on_selector(".shot-url", "e => [e.clientHeight, parseFloat(getComputedStyle(e).lineHeight)]")
    assert height <= 2.5 * line, "an address takes no more than two lines"
    assert page.eval_on_selector(".tab-name", "e => e.clientWidth") >= 110, "a tab's name can be read"
