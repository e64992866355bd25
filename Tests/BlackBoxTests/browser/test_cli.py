"""Every command below `jarvis browser`, used on a real page, and what all of them have in common."""

import json

import pytest
from browser import walks
from support.browser import control_of

BROWSER = {"profiles": {"second": {"color": "#00AA00"}}}
NAMES = {function: sorted(name for name, one in walks.COMMANDS.items() if one is function) for function in walks.COMMANDS.values()}


@pytest.fixture(scope="module")
def walk(browser_gateway, site):
    return walks.Walk(browser_gateway, control_of(browser_gateway), site)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("function", NAMES, ids=lambda function: function.__name__)
def test_it_does_what_it_says(walk, function):
    walk.ran.clear()
    walk.do(function)
    ran = [words for words, code in walk.ran if code == 0]
    for name in NAMES[function]:
        spellings = [name] + ([name.removesuffix(" list")] if name.endswith(" list") else [])
        assert any(f" {words} ".find(f" {spelling} ") >= 0 for words in ran for spelling in spellings), f"{name} was not run: {ran}"


# ---- what they have in common

def test_a_refusal_names_the_next_command(walk):
    walk.page()
    cases = {
        ("click", "e99999"): "snapshot", ("focus", "nobody"): "browser tabs", ("--browser-profile", "nobody", "tabs"): "profiles",
        ("--browser-profile", "second", "snapshot"): "start",
    }
    for words, hint in cases.items():
        result = walk.gateway.cli("browser", *words)
        assert result.returncode == 1, (words, result.stdout, result.stderr)
        assert hint in result.stderr and not result.stdout, (words, result.stderr)


def test_a_refusal_as_json_is_one_document(walk):
    result = walk.gateway.cli("browser", "click", "e99999", "--json")
    told = json.loads(result.stdout)
    assert result.returncode == 1 and told["ok"] is False and told["error"]["code"] == "browser.unknown_ref"


def test_wrong_usage_ends_with_2(walk):
    for words in (["click"], ["resize", "wide", "1"], ["wait"], ["dialog"], ["fill"], ["fill", "--fields", "{}"], ["set", "offline", "maybe"],
                  ["tab", "select", "0"], ["set", "geo", "1"], ["set", "headers", "[]"], ["status", "--timeout", "0"], ["nonsense"],
                  ["delete-profile", "--name", "../x"], ["close", "a/b"]):
        result = walk.gateway.cli("browser", *words)
        assert result.returncode == 2, (words, result.stdout, result.stderr)
        assert result.stderr.strip()


def test_without_a_gateway_it_says_how_to_start_one(home):
    home.run("setup", "--non-interactive")
    for words in (["status"], ["open", "https://example.com"], ["--json", "tabs"]):
        result = home.run("browser", *words)
        assert result.returncode == 1 and "jarvis gateway" in result.stderr, result.stderr


def test_a_profile_flag_means_the_gateway(walk, home):
    """Also behind the command: it never reaches another gateway's browser."""
    for words in (["--profile", "ghost", "browser", "status"], ["browser", "status", "--profile", "ghost"]):
        result = walk.gateway.home.run(*words)
        assert result.returncode == 2 and "ghost" in result.stderr


def test_a_page_cannot_steer_the_terminal(walk):
    """Titles, names and console texts come from strangers."""
    nasty = "\\x1b]0;owned\\x07\\x1b[2J\\u009b31m"
    walk.site.page("/nasty.html", f"<title>x</title><button></button><script>const t = '{nasty}red'; document.title = t; "
                                  "document.querySelector('button').textContent = t; console.log(t)</script>")
    walk.page("/nasty.html")
    for words in (["tabs"], ["snapshot", "--target-id", walk.tab], ["console", "--target-id", walk.tab], ["snapshot", "--format", "aria", "--target-id", walk.tab]):
        said = walk.cli(*words)
        assert not [c for c in said if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160], (words, said)
        assert "red" in said or words[0] == "tabs", (words, said)


def test_another_gateway_is_asked_by_its_address(walk):
    words = ["browser", "--url", walk.gateway.ws_url, "--token", walk.gateway.token, "tabs", "--json"]
    assert json.loads(walk.gateway.home.run(*words).stdout)["running"]
