"""Who may see the canvas: a secret or an address that was given out, and nothing else (T11)."""

# lint: family names — clients of the family open the canvas under its older prefix.

import time

import pytest
from support import rawhttp
from support.home import TOKEN
from support.rpc import Rpc

PAGE = "/__jarvis__/canvas/"


def test_a_shared_address_opens_nothing(canvas):
    """A client of the same host is connected; whoever comes from there without a credential is a stranger all the same."""
    assert canvas.rpc.call("canvas.status")["enabled"]
    for path in (PAGE, "/__jarvis__/canvas/index.html", "/__jarvis__/ws", "/__openclaw__/canvas/", PAGE + "?oc_cap="):
        for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}, {"Cookie": f"token={TOKEN}"},
                        {"Authorization": "Basic " + TOKEN}, {"Authorization": "Bearer"}, {"X-Jarvis-Token": TOKEN},
                        {"Sec-Fetch-Site": "same-origin"}, {"Origin": canvas.gateway.origin}):
            status, answer, body = canvas.get(path, headers)
            assert status == 401, (path, headers)
            assert b'"unauthorized"' in body and answer["WWW-Authenticate"] == "Bearer"


def test_the_gateways_own_secret_opens_it(canvas):
    assert canvas.get(PAGE, {"Authorization": f"Bearer {TOKEN}"})[0] == 200
    assert canvas.get(PAGE, {"Authorization": f"bearer {TOKEN}"})[0] == 200
    assert canvas.get(PAGE, {"Authorization": f"Bearer {TOKEN}x"})[0] == 401
    assert canvas.get(f"{PAGE}?token={TOKEN}")[0] == 401


def test_a_capability_is_a_long_random_word_for_one_caller(canvas):
    addresses = {canvas.address() for _ in range(4)}
    assert len(addresses) == 4
    for address in addresses:
        token = address.split("/")[3]
        assert len(token) == 64 and set(token) <= set("0123456789abcdef")
        assert canvas.get(address)[0] == 200
        assert canvas.get(f"{PAGE}?oc_cap={token}")[0] == 200
        assert canvas.get(address.replace(token, token[:-1] + ("0" if token[-1] != "0" else "1")))[0] == 401
        assert canvas.get(address.replace(token, token.upper()))[0] == (200 if token.isdigit() else 401)


def test_a_capability_opens_the_canvas_alone(canvas):
    scope = canvas.scope()
    for path in ("/__jarvis/control-ui-config.json", "/healthz", "/"):
        assert canvas.get(f"{scope}/__jarvis__{path}")[0] == 404
    token = scope.split("/")[3]
    with pytest.raises(Exception):
        Rpc(canvas.gateway.ws_url, token=token)
    host = f"Host: 127.0.0.1:{canvas.gateway.port}"
    for path in (scope, f"{scope}/", f"{scope}/x", f"{scope}/__jarvis__/canvas/", "/__jarvis__/other"):
        assert rawhttp.status_of(rawhttp.upgrade(canvas.gateway.port, path, host)) == 400, path


def test_the_oldest_capabilities_go_first(canvas):
    with canvas.gateway.client() as client:
        made = [client.call("canvas.url")["address"] for _ in range(17)]
        assert canvas.get(made[0])[0] == 401
        assert all(canvas.get(address)[0] == 200 for address in made[1:])


def test_the_familys_method_gives_one_too(canvas):
    answer = canvas.rpc.call("node.canvas.capability.refresh")
    base = answer["canvasHostUrl"].removeprefix(canvas.gateway.origin)
    assert answer["canvasCapability"] in base and answer["canvasCapabilityExpiresAtMs"] > 0
    assert canvas.get(f"{base}/__openclaw__/canvas/")[0] == 200


def test_addresses_are_in_no_log(canvas):
    address = canvas.address()
    token = address.split("/")[3]
    canvas.get(address)
    canvas.get(f"/__jarvis__/cap/{token}x/")
    canvas.get(f"{PAGE}?oc_cap={token}&x=%zz")
    logs = canvas.gateway.log() + "".join(
        path.read_text(errors="replace") for path in (canvas.gateway.state / "logs").glob("*.log"))
    assert token not in logs


def test_a_capability_dies_with_its_time(gateway):
    running = gateway(config={"canvasHost": {"capabilityTtlSeconds": 1}})
    with running.client() as client:
        address = client.call("canvas.url")["address"]
        assert running.get(address)[0] == 200
        assert client.call("canvas.url")["expiresInMs"] == 1000
        # Asking would keep it alive, so there is nothing to wait for but time itself.
        time.sleep(1.1)
        assert running.get(address)[0] == 401


def test_a_capability_dies_with_the_gateway_and_with_the_secret(gateway):
    running = gateway()
    with running.client() as client:
        address = client.call("canvas.url")["address"]
    assert running.get(address)[0] == 200
    running.restart()
    assert running.get(address)[0] == 401
    with running.client() as client:
        address = client.call("canvas.url")["address"]
        assert running.get(address)[0] == 200
        base = client.call("config.get")["hash"]
        client.call("config.patch", {"raw": '{"gateway": {"auth": {"token": "another-token-of-24-letters"}}}', "baseHash": base})
        assert running.get(address)[0] == 401


def test_another_gateway_knows_nothing_of_it(canvas, gateway):
    other = gateway(profile="other")
    assert other.get(canvas.address())[0] == 401


@pytest.mark.parametrize("how", ["config", "variable"])
def test_the_canvas_can_be_left_out(gateway, how):
    config = {"canvasHost": {"enabled": False}} if how == "config" else {}
    running = gateway(config=config, env={"JARVIS_SKIP_CANVAS_HOST": "1"} if how == "variable" else {})
    assert running.get(PAGE)[0] == 404
    with running.client() as client:
        assert not client.call("canvas.status")["enabled"]
        assert "turned off" in client.error("canvas.url").message


def test_without_a_secret_a_capability_is_needed_all_the_same(gateway):
    running = gateway(config={"gateway": {"auth": {"mode": "none"}}})
    assert running.get(PAGE)[0] == 401
    with running.client(token=None) as client:
        assert running.get(client.call("canvas.url")["address"])[0] == 200


def test_wrong_bearers_lock_their_sender_out(gateway):
    running = gateway(config={"gateway": {"auth": {"rateLimit": {"maxAttempts": 3, "exemptLoopback": False}}}})
    for _ in range(3):
        assert running.get(PAGE, {"Authorization": "Bearer wrong"})[0] == 401
    status, headers, _ = running.get(PAGE, {"Authorization": f"Bearer {TOKEN}"})
    assert status == 429 and int(headers["Retry-After"]) > 0


@pytest.mark.parametrize("root", ["~", "~/.jarvis", "~/.jarvis/credentials", "/", "~/.jarvis/store"])
def test_a_root_that_holds_secrets_is_not_served(gateway, root):
    running = gateway(config={"canvasHost": {"root": root}})
    assert running.get(PAGE, {"Authorization": f"Bearer {TOKEN}"})[0] == 503
    with running.client() as client:
        assert "would serve files of the gateway" in client.error("canvas.url").message


def test_another_root(gateway, home):
    running = gateway(config={"canvasHost": {"root": str(home.root / "pages")}})
    with running.client() as client:
        assert running.get(client.call("canvas.url")["address"])[0] == 200
        assert client.call("canvas.status")["root"] == str(home.root / "pages")
    assert (home.root / "pages" / "index.html").exists()
