"""Fixtures of the black-box tests: they drive the built binary from outside, in homes of their own."""

from __future__ import annotations

import pytest
from support import realmodel
from support.gateway import GatewayFactory
from support.home import Home
from support.model import ScriptedModel
from support.paths import jarvis_binary as find_binary


@pytest.fixture(scope="session")
def playwright_driver():
    """The independent browser client; there can be one at a time."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def jarvis_binary():
    path = find_binary()
    if not path.exists():
        pytest.exit(f"{path} does not exist: run `make build`, or set JARVIS_TEST_BINARY", returncode=3)
    return path


@pytest.fixture
def home(jarvis_binary):
    home = Home()
    yield home
    home.remove()


@pytest.fixture(scope="module")
def module_home(jarvis_binary):
    home = Home()
    yield home
    home.remove()


@pytest.fixture
def scripted_model():
    model = ScriptedModel()
    yield model
    model.stop()


@pytest.fixture
def gateway(home, scripted_model):
    """A factory of gateways in `home` whose model is `scripted_model`."""
    factory = GatewayFactory(home, scripted_model.base_url)
    yield factory
    factory.stop()


@pytest.fixture(scope="module")
def shared_model():
    model = ScriptedModel()
    yield model
    model.stop()


@pytest.fixture(scope="module")
def running(module_home, shared_model):
    """One gateway for all tests of a module that leave it as they found it; its model is `shared_model`."""
    factory = GatewayFactory(module_home, shared_model.base_url)
    yield factory()
    factory.stop()


@pytest.fixture
def rpc(running):
    """A connected administrator of `running`."""
    with running.client() as client:
        yield client


@pytest.fixture(scope="module")
def real_model(tmp_path_factory):
    if realmodel.find() is None:
        pytest.skip("the small language model is not installed (make setup)")
    model = realmodel.RealModel(tmp_path_factory.mktemp("model") / "server.log")
    yield model
    model.stop()
