"""Every command below `jarvis browser`, used on a real page, and what all of them have in common."""

import json
import subprocess

import pytest
from browser import walks
from support.browser import control_of
from support.paths import jarvis_binary

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


def test_messages_name_commands_and_no_routes(walk):
    """Who types commands is told commands."""
    walk.page()
    cases = {
        ("click", "e99999"): "jarvis browser snapshot", ("focus", "nobody"): "jarvis browser tabs", ("tab", "close", "99"): "jarvis browser tabs",
        ("trace", "stop"): "jarvis browser trace start",
    }
    for words, command in cases.items():
        result = walk.gateway.cli("browser", *words)
        assert result.returncode == 1 and command in result.stderr, (words, result.stderr)
        assert "GET /" not in result.stderr and "POST /" not in result.stderr, (words, result.stderr)


def test_what_the_browser_remarks_is_printed(walk):
    """A dialog that opens with a click, a page that changed: the next command depends on it."""
    walk.site.page("/asks.html", "<title>asks</title><button onclick=\"alert('Really?')\">Ask</button><a href='/index.html'>Away</a>")
    walk.page("/asks.html")
    tab = ("--target-id", walk.tab)
    said = walk.cli("click", walk.ref("button", "Ask"), *tab)
    assert "jarvis browser dialog --accept" in said, said
    assert "answered: Really?" in walk.cli("dialog", "--accept", *tab)
    assert "next dialog" in walk.cli("dialog", "--dismiss", *tab)
    assert "new snapshot" in walk.cli("click", walk.ref("link", "Away"), *tab)


def test_a_snapshot_goes_into_a_file(walk, tmp_path):
    walk.page()
    tab = ("--target-id", walk.tab)
    text, document = tmp_path / "page.txt", tmp_path / "page.json"
    assert walk.cli("snapshot", "--out", str(text), *tab).strip() == f"Wrote {text}"
    assert text.read_text() == walk.cli("snapshot", *tab) and text.stat().st_mode & 0o077 == 0
    assert walk.cli_json("snapshot", "--out", str(document), *tab) == {"ok": True, "out": str(document)}
    assert json.loads(document.read_text())["format"] == "ai"
    result = walk.gateway.cli("browser", "snapshot", "--out", str(tmp_path / "not/there.txt"), *tab)
    assert result.returncode == 1 and "there is nothing of that name" in result.stderr and not list(tmp_path.glob("not*"))


def test_a_tab_is_closed_without_a_number(walk):
    walk.page()
    walk.cli("tab", "new")
    made = walk.control.tabs()[-1]["targetId"]
    assert made in walk.cli("tab", "close") and made not in [tab["targetId"] for tab in walk.control.tabs()]


def test_a_wrong_word_is_told_behind_options_too(walk):
    result = walk.gateway.cli("browser", "--json", "snapshoot")
    assert result.returncode == 2 and "jarvis browser snapshot" in result.stderr, result.stderr


def test_a_file_that_is_not_there(walk):
    for words in (["browser", "fill", "--fields-file", "/not/there.json"], ["canvas", "present", "--file", "/not/there.html"],
                  ["approvals", "set", "/not/there.json"]):
        result = walk.gateway.cli(*words)
        assert result.returncode == 1 and "there is nothing of that name" in result.stderr, (words, result.stderr)


def test_files_can_be_put_where_people_are_told_to(walk):
    """The directory of uploads is there as soon as a browser runs."""
    walk.page()
    directory = walk.gateway.state / "browser/uploads"
    assert directory.is_dir() and directory.stat().st_mode & 0o077 == 0


def test_what_can_not_be_kept_is_no_success(walk):
    """A full disk behind `>` is told, and a password that was not there."""
    with open("/dev/full", "w") as full:
        result = subprocess.run([str(jarvis_binary()), "browser", "tabs"], env=walk.gateway.home.environment(**walk.gateway.env), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 1 and "can't be written" in result.stderr, result
    result = walk.gateway.cli("browser", "set", "credentials", "ada", input="")
    assert result.returncode == 2 and "No password" in result.stderr
    result = walk.gateway.cli("browser", "set", "credentials", "ada", input="x" * 10_000)
    assert result.returncode == 2 and "Standard input holds more than" in result.stderr
