"""Chromium for the tests of the control page."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading

import pytest
from page.fake_gateway import TOKEN, FakeGateway

SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage",
]
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}
DESKTOP = {"viewport": {"width": 1280, "height": 800}}

# Anything that would mean script from a message: an event handler, a dialog, a global that a payload sets.
TRAP = "window.__trapped = []; window.alert = window.confirm = window.prompt = (...a) => window.__trapped.push(a);"


@pytest.fixture(scope="session")
def chromium(playwright_driver):
    path = os.environ.get("JARVIS_TEST_CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("Chromium is not installed (make setup)")
    browser = playwright_driver.chromium.launch(executable_path=path, args=SWITCHES)
    yield browser
    browser.close()


@pytest.fixture
def open_pages():
    """The browser profiles of the test. They are closed before what they talk to: a page that finds it gone would complain."""
    contexts = []

    def close():
        while contexts:
            contexts.pop().close()

    yield contexts, close
    close()


@pytest.fixture
def new_page(chromium, open_pages):
    """A factory of pages in fresh browser profiles. A script error or a policy violation in any of them is a failure."""
    (contexts, close), complaints = open_pages, []

    def make(url: str | None = None, quiet: bool = False, context=None, **options):
        if context is None:
            context = chromium.new_context(**{**DESKTOP, **options})
            context.set_default_timeout(10_000)
            context.add_init_script(TRAP)
            contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        if not quiet:
            page.on("console", lambda m: complaints.append(f"console: {m.text}") if m.type in ("error", "warning") else None)
        if url:
            page.goto(url)
        return page

    yield make
    close()
    assert complaints == []


@pytest.fixture
def fake(open_pages):
    """A fake gateway on a loop of its own; `fake.call(f)` runs a coroutine function there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    class Handle:
        def __init__(self):
            self.gateway = FakeGateway()
            self.call(self.gateway.start)

        def call(self, function, *arguments):
            return asyncio.run_coroutine_threadsafe(function(*arguments), loop).result(10)

        @property
        def origin(self):
            return f"http://127.0.0.1:{self.gateway.port}"

        @property
        def link(self):
            return f"{self.origin}/#token={TOKEN}"

    handle = Handle()
    yield handle
    open_pages[1]()
    handle.call(handle.gateway.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()
