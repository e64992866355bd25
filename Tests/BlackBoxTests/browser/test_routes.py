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
