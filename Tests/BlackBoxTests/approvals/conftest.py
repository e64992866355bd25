"""What the tests of approvals share: a gateway with a browser tool whose browser never starts.

A call that runs code in a page is asked about before anybody looks whether a browser runs; once allowed, the control service says that none does. So
`not running` in a tool's result is the proof that the call went through, without a Chromium.
"""

from __future__ import annotations

import pytest
from support.approvals import Asking
from support.browser import browser_config
from support.gateway import GatewayFactory, merge

@pytest.fixture(scope="module")
def guarded(module_home, shared_model):
    factory = GatewayFactory(module_home, shared_model.base_url)
    yield factory(config=browser_config())
    factory.stop()


@pytest.fixture
def asking(guarded, shared_model):
    shared_model.reset()
    file = guarded.state / "exec-approvals.json"
    file.unlink(missing_ok=True)
    asking = Asking(guarded, shared_model)
    yield asking
    for pending in asking.owner.call("exec.approval.list")["pending"]:
        asking.resolve(pending["id"], "deny")
    asking.owner.close()


@pytest.fixture
def asking_gateway(gateway, scripted_model):
    """Makes a gateway of the test's own that asks."""

    def make(config: dict | None = None) -> Asking:
        return Asking(gateway(config=merge(browser_config(), config or {})), scripted_model)

    return make
