"""The canvas of a running gateway."""

from __future__ import annotations

import pytest
from page.conftest import chromium, new_page, open_pages  # noqa: F401
from support.gateway import Gateway, GatewayFactory


class Canvas:
    """The canvas of `gateway`, with a connected administrator."""

    def __init__(self, gateway: Gateway):
        self.gateway = gateway
        self.rpc = gateway.client()
        self.root = gateway.state / "canvas"

    def address(self, path: str | None = None) -> str:
        """A path with a fresh capability."""
        return self.rpc.call("canvas.url", {"path": path} if path else {})["address"]

    def url(self, path: str | None = None) -> str:
        return self.gateway.origin + self.address(path)

    def scope(self) -> str:
        """What an address begins with: `/__jarvis__/cap/<capability>`."""
        return "/".join(self.address("/").split("/")[:4])

    def write(self, path: str, text: str | bytes) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)

    def get(self, address: str, headers: dict | None = None, method: str = "GET"):
        return self.gateway.get(address, headers=headers, method=method)


@pytest.fixture(scope="module")
def canvas(module_home):
    factory = GatewayFactory(module_home, None)
    yield Canvas(factory())
    factory.stop()
