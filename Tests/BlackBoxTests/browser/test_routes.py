"""Every route of the control service, used once on a real page."""

import re

import pytest
from browser import walks

BROWSER = {"profiles": {"second": {"color": "#00AA00"}}}
NAMES = {function: sorted(name for name, one in walks.ROUTES.items() if one is function) for function in walks.ROUTES.values()}


@pytest.fixture(scope="module")
def walk(browser_gateway, control, site):
    return walks.Walk(browser_gateway, control, site)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("function", NAMES, ids=lambda function: function.__name__)
def test_it_does_what_it_says(walk, function):
    walk.control.log.clear()
    walk.do(function)
    for name in NAMES[function]:
        pattern = re.compile(re.sub(r":\w+", "[^/]+", name.split()[1]))
        done = [entry for entry in walk_log(walk, name.split()[0]) if pattern.fullmatch(entry)]
        assert done, f"{name} was not asked, or refused"


def walk_log(walk, method: str) -> list[str]:
    """The paths that answered with success; also those of other browser profiles of the same service."""
    return [path for verb, path, status in walk.control.log if verb == method and status < 400]


# ---- shapes and texts that other clients meet

def test_a_tab_that_is_no_text_never_means_another(walk):
    """A number in place of a target's id is refused instead of acting in the tab used last."""
    target = walk.page()
    before = walk.control.request("GET", "/tabs").body
    for method, path, body in (("POST", "/act", {"kind": "close"}), ("POST", "/navigate", {"url": "about:blank"}), ("POST", "/screenshot", {}),
                               ("POST", "/tabs/focus", {})):
        for wrong, status in ((7, 404), ({}, 400), ([target], 400), (True, 400)):
            reply = walk.control.request(method, path, {**body, "targetId": wrong})
            assert reply.status == status, (path, wrong, reply.body)
    assert walk.control.request("GET", "/tabs").body == before


def test_a_refusal_names_the_value(walk):
    walk.page()
    cases = [
        ("POST", "/set/media", {"colorScheme": "blue"}, "blue"), ("GET", "/console", {"level": "loud"}, "loud"),
        ("POST", "/profiles/create", {}, "name is missing"), ("POST", "/act", {"kind": "wait", "url": "**/never", "timeoutMs": 200}, "**/never"),
        ("POST", "/tabs/action", {"action": "close", "index": "x"}, "whole number"), ("POST", "/tabs/action", {"action": "select", "index": 99}, "none at that place"),
    ]
    for method, path, body, part in cases:
        reply = walk.control.request(method, path, *((None, body) if method == "GET" else (body,)))
        assert reply.status >= 400 and part in reply.error, (path, body, reply.body)


def test_tabs_have_no_address_of_a_debugger(walk):
    walk.page()
    assert all("wsUrl" not in tab for tab in walk.control.request("GET", "/tabs").body["tabs"])
