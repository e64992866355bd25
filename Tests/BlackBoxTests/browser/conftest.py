"""What the browser tests share: one site, one gateway with one browser, and a witness, for each module."""

from __future__ import annotations

import os

import pytest
from support.browser import DebugControl, browser_config, browsers_of, chromium_path, control_of
from support.gateway import GatewayFactory
from support.pages import PageServer
from support.ports import wait_until


@pytest.fixture(scope="session", autouse=True)
def needs_chromium():
    if chromium_path() is None:
        pytest.skip("Chromium is not installed (make setup)")


@pytest.fixture(scope="module")
def site():
    """The web site that the pages come from."""
    server = PageServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser_settings(request) -> dict:
    """The section `browser` of the module's gateway: `BROWSER = {…}` in the module is laid over the usual one."""
    return browser_config(getattr(request.module, "BROWSER", None), port=getattr(request.module, "WITNESS", False))


@pytest.fixture(scope="module")
def browser_gateway(module_home, shared_model, browser_settings):
    """One gateway for the module. Its browser starts with the first tab; nothing of it is left at the end."""
    factory = GatewayFactory(module_home, shared_model.base_url)
    gateway = factory(config=browser_settings)
    yield gateway
    if gateway.is_running():
        gateway.stop(30)
    factory.stop()
    wait_until(lambda: not browsers_of(module_home.root), 10, "no browser is left")


@pytest.fixture(scope="module")
def control(request):
    """The control service of the module's gateway, over HTTP; without a gateway under JARVIS_TEST_CONTROL=debug."""
    if os.environ.get("JARVIS_TEST_CONTROL") == "debug":
        return request.getfixturevalue("debug_control")
    return control_of(request.getfixturevalue("browser_gateway"))


@pytest.fixture(scope="module")
def debug_control(module_home):
    """The routes without a gateway, over a browser of `jarvis debug browser`."""
    control = DebugControl(module_home)
    yield control
    control.stop()
    wait_until(lambda: not browsers_of(module_home.root), 10, "no browser is left")


@pytest.fixture
def clean_tabs(control):
    """Closes every tab that a test opened and leaves an empty one."""
    yield
    reply = control.request("GET", "/tabs")
    if reply.status == 200 and reply.body.get("running"):
        control.request("POST", "/tabs/action", {"action": "new"})
        for tab in reply.body["tabs"]:
            control.request("DELETE", f"/tabs/{tab['targetId']}")


@pytest.fixture(scope="module")
def witness(playwright_driver, control):
    """The same browser as an independent client sees it; the module says `WITNESS = True`."""
    if not control.get("/")["running"]:
        control.post("/start")
    status = control.get("/")
    assert status["cdpUrl"], f"no debugging port is open: {status}"
    browser = playwright_driver.chromium.connect_over_cdp(status["cdpUrl"])
    yield browser
    browser.close()


@pytest.fixture
def witnessed(witness):
    """Finds the witness's view of a tab by what its address contains."""
    listener = witness.new_browser_cdp_session()

    def look(part: str):
        # The witness learns of new tabs only while it waits for an answer.
        listener.send("Browser.getVersion")
        return next((page for context in witness.contexts for page in context.pages if part in page.url), None)

    def find(part: str):
        return wait_until(lambda: look(part), 10, f"a page with {part} in its address")
    yield find
    listener.detach()
