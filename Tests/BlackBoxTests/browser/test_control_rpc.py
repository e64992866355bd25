"""The method `browser.request`: the same routes as over HTTP, under the scopes of the protocol."""

import json
import threading

import pytest
from support.browser import RpcControl
from support.ports import wait_until
from support.rpc import RpcError

BROWSER = {"profiles": {"second": {"color": "#00AA00"}}}


@pytest.fixture(scope="module")
def client(browser_gateway):
    with browser_gateway.client() as client:
        yield client


def refused(client, **params) -> RpcError:
    with pytest.raises(RpcError) as caught:
        client.call("browser.request", params)
    return caught.value


def test_it_answers_as_http_does(client, control):
    assert client.call("browser.request", {"method": "GET", "path": "/profiles"}) == control.get("/profiles")
    assert client.call("browser.request", {"method": "GET", "path": "/"})["profile"] == "jarvis"
    assert client.call("browser.request", {"method": "GET", "path": "/", "query": {"profile": "second"}})["profile"] == "second"
    assert client.call("browser.request", {"method": "GET", "path": "/?profile=second"})["profile"] == "second"
    assert client.call("browser.request", {"method": "GET", "path": "tabs/"}) == control.get("/tabs")


def test_a_page_can_be_driven(client, site):
    control = RpcControl(client)
    target = control.open(site.url("/form.html"))
    assert "A form" in control.snapshot(targetId=target).text
    assert site.url("/form.html") in [tab["url"] for tab in control.tabs()]
    control.close_tab(target)


def test_a_refusal_carries_the_body(client):
    unknown = refused(client, method="GET", path="/nothing")
    assert (unknown.code, unknown.details["code"], unknown.details["status"]) == ("INVALID_REQUEST", "unknown_route", 404)
    assert unknown.details["error"] == unknown.message
    nobody = refused(client, method="GET", path="/", query={"profile": "nobody"})
    assert nobody.details["status"] == 404 and "nobody" in nobody.message


@pytest.mark.parametrize("params", [
    {"path": "/"}, {"method": "GET"}, {"method": "PUT", "path": "/"}, {"method": "get", "path": "/"}, {"method": "GET", "path": ""},
    {"method": "GET", "path": "/", "body": []}, {"method": "GET", "path": "/", "query": {"a": {}}}, {"method": "GET", "path": "/", "more": 1},
    {"method": "GET", "path": "/", "timeoutMs": 0}, {"method": "GET", "path": "/a b"}, {"method": "GET", "path": "/%zz"},
])
def test_wrong_parameters_are_named(client, params):
    error = refused(client, **params)
    assert error.code == "INVALID_REQUEST" and "browser.request" in error.message


def test_scopes(browser_gateway):
    """Looking needs write as well: a page's content is more than a gateway's state. Profiles are the administrator's."""
    with browser_gateway.client(scopes=["operator.read"]) as reader:
        assert refused(reader, method="GET", path="/").details["code"] == "MISSING_SCOPE"
    with browser_gateway.client(scopes=["operator.write"]) as writer:
        assert writer.call("browser.request", {"method": "GET", "path": "/"})["profile"] == "jarvis"
        before = browser_gateway.home.read_config()
        for method, path in (("POST", "/profiles/create"), ("DELETE", "/profiles/second"), ("POST", "/reset-profile"),
                             ("POST", "//profiles//create/"), ("DELETE", "/profiles/%73econd")):
            error = refused(writer, method=method, path=path, body={"name": "made"})
            assert error.details == {"code": "MISSING_SCOPE", "scope": "operator.admin"}, (method, path)
        assert browser_gateway.home.read_config() == before


@pytest.mark.timeout(120)
def test_patience_ends(client, site):
    control = RpcControl(client)
    target = control.open(site.url("/index.html"))
    error = refused(client, method="POST", path="/act", timeoutMs=500,
                    body={"kind": "wait", "text": "never there", "timeoutMs": 60_000, "targetId": target})
    assert error.details["status"] == 408 and error.details["code"] == "timeout"
    control.close_tab(target)


@pytest.mark.timeout(120)
def test_a_client_that_goes_takes_its_work_along(browser_gateway, client, site):
    control = RpcControl(client)
    target = control.open(site.url("/index.html"))
    gone = browser_gateway.client()
    gone.request("browser.request", {"method": "POST", "path": "/act", "body": {
        "kind": "wait", "fn": "() => { window.looks = (window.looks || 0) + 1; return false; }", "timeoutMs": 100_000, "targetId": target}})

    def looks():
        return control.evaluate("() => window.looks || 0", targetId=target)

    wait_until(lambda: looks() > 2, 30, "the wait has begun")
    gone.close()
    seen = []

    def is_quiet():
        seen.append(looks())
        return len(seen) > 4 and len(set(seen[-4:])) == 1

    wait_until(is_quiet, 30, "nobody looks any more", every=0.4)
    control.close_tab(target)


@pytest.mark.timeout(120)
def test_long_requests_do_not_hold_up_others(client, site):
    """Neither other requests to the browser nor the gateway's own methods."""
    control = RpcControl(client)
    target = control.open(site.url("/index.html"))
    ended = threading.Event()

    def wait():
        try:
            client.call("browser.request", {"method": "POST", "path": "/act", "body": {
                "kind": "wait", "text": "never there", "timeoutMs": 20_000, "targetId": target}}, timeout=60)
        except RpcError:
            ended.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    for _ in range(20):
        assert client.call("health")["ok"]
        assert control.get("/")["running"]
    assert not ended.is_set()
    control.close_tab(target)
    waiting.join(30)
    assert ended.is_set()


def test_the_reference_has_it(client):
    assert "browser.request" in json.dumps(client.hello["features"]["methods"])
