"""Questions and the browser in the control page, with the gateway that is built and a browser of its own."""

import pytest
from support.browser import browser_config, chromium_path
from support.gateway import GatewayFactory
from support.home import TOKEN
from support.pages import PageServer

READY = "#connection[data-state=ready]"


@pytest.fixture(scope="module")
def gateway_with_browser(module_home):
    if chromium_path() is None:
        pytest.skip("Chromium is not installed (make setup)")
    factory = GatewayFactory(module_home, None)
    gateway = factory(config=browser_config())
    yield gateway
    with gateway.client() as client:
        client.call("browser.request", {"method": "POST", "path": "/stop"}, timeout=60)
    factory.stop()


@pytest.fixture
def page(gateway_with_browser, new_page):
    page = new_page(f"{gateway_with_browser.origin}/#token={TOKEN}")
    page.wait_for_selector(READY)
    return page


@pytest.mark.parametrize("button, decision", [("Allow once", "allow-once"), ("Deny", "deny")])
def test_a_question_of_the_gateway_is_answered(gateway_with_browser, page, button, decision):
    with gateway_with_browser.client() as client:
        request = client.request("exec.approval.request", {"command": "ls <b>-l</b>", "agentId": "main", "timeoutMs": 30_000})
        page.wait_for_selector(".approval")
        assert "ls <b>-l</b>" in page.inner_text(".approval-text")
        page.get_by_role("button", name=button).click()
        assert client.answer(request)["decision"] == decision
    page.wait_for_selector(".approval", state="detached")


def test_a_question_from_before_is_there_after_sign_in(gateway_with_browser, new_page):
    with gateway_with_browser.client() as client:
        request = client.request("exec.approval.request", {"command": "uptime", "timeoutMs": 30_000})
        client.call("exec.approval.list")
        page = new_page(f"{gateway_with_browser.origin}/#token={TOKEN}")
        page.wait_for_selector(".approval >> text=uptime")
        page.get_by_role("button", name="Deny").click()
        assert client.answer(request)["decision"] == "deny"


def test_the_browser_is_started_watched_and_stopped(gateway_with_browser, page):
    page.set_default_timeout(40_000)
    site = PageServer()
    try:
        page.click("[data-view=browser]")
        page.wait_for_selector("text=The browser is stopped")
        page.click("#view-browser .view-head .button")
        page.wait_for_selector("#view-browser .view-head >> text=running")
        page.fill("#view-browser input", site.url("/form.html"))
        page.press("#view-browser input", "Enter")
        page.wait_for_selector(f".shot-url >> text={site.url('/form.html')}")
        page.wait_for_selector(".shot[src^='blob:']")
        first = page.get_attribute(".shot", "src")
        page.wait_for_function("src => document.querySelector('.shot').src !== src", arg=first)
        assert page.evaluate("document.querySelector('.shot').naturalWidth") > 300
        page.fill("#view-browser input", "file:///etc/passwd")
        page.press("#view-browser input", "Enter")
        page.wait_for_selector("#view-browser .problem >> text=blocked")
        page.click("#view-browser .view-head .button")
        page.wait_for_selector("text=The browser is stopped")
    finally:
        site.stop()
