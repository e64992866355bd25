"""The control service on base + 2: who may use it, what it takes, and that it serves many at once."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
from pathlib import Path

import pytest
from support import rawhttp
from support.browser import HttpControl, browser_config, chromium_path, control_of
from support.home import TOKEN
from support.ports import accepts, free_port, wait_until

WRONG = "wrong-token-0123456789abcdefghij"
UNAUTHORIZED = b"Unauthorized\n"


@pytest.fixture(scope="module")
def port(browser_gateway):
    return browser_gateway.port + 2


@pytest.fixture(scope="module")
def routes(module_home):
    """Every route as (method, path), from the reference that the binary prints; parameters filled in."""
    text = module_home.run("debug", "reference", "browser").stdout
    found = re.findall(r"^\| `(\w+)` \| `(/[^`]*)` \|", text, re.M)
    assert len(found) > 20, text
    return [(method, re.sub(r":\w+", "local", path)) for method, path in found]


def bearer(token: str = TOKEN) -> str:
    return f"Authorization: Bearer {token}"


def ask(port: int, method: str, path: str, *headers: str, body: bytes = b"", host: str | None = None) -> tuple[int, bytes]:
    """Status and body of a request with exactly these header lines."""
    data = rawhttp.get(port, path, f"Host: {host or f'127.0.0.1:{port}'}", *headers, method=method, body=body)
    return rawhttp.status_of(data), data.partition(b"\r\n\r\n")[2]


# ---- addresses

def test_it_listens_on_loopback_alone(browser_gateway, port):
    listening = [line.split()[1] for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
                 if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == port]
    assert sorted(listening) == sorted([f"0100007F:{port:04X}", f"00000000000000000000000001000000:{port:04X}"])
    for host in ("127.0.0.1", "::1", "localhost"):
        assert HttpControl(port, TOKEN, host=host).get("/")["profile"] == "jarvis"


def test_the_answer_names_the_instance_and_is_not_kept(browser_gateway, port):
    reply = HttpControl(port, TOKEN).request("GET", "/")
    assert reply.headers["x-jarvis-instance-id"] == json.loads((browser_gateway.state / "instance.json").read_text())["instanceId"]
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["content-type"].startswith("application/json")


# ---- the secret (T06)

def test_every_way_to_show_the_secret(port):
    basic = base64.b64encode(f"anybody:{TOKEN}".encode()).decode()
    for header in (bearer(), f"authorization: bearer {TOKEN}", f"X-Jarvis-Password: {TOKEN}", f"Authorization: Basic {basic}"):
        assert ask(port, "GET", "/", header)[0] == 200, header


def test_without_the_secret_every_path_looks_the_same(port, routes):
    unknown = [("GET", "/nothing"), ("POST", "/agent/act"), ("PUT", "/"), ("PATCH", "/tabs"), ("DELETE", "/"), ("OPTIONS", "/tabs"),
               ("GET", "/json/version"), ("GET", "/healthz"), ("TRACE", "/")]
    shown = {
        "nothing": [], "wrong": [bearer(WRONG)], "empty": ["Authorization: Bearer "], "cookie": [f"Cookie: token={TOKEN}; session={TOKEN}"],
        "a part": [bearer(TOKEN[:-1])], "more": [bearer(TOKEN + "0")], "basic user": [f"Authorization: Basic {base64.b64encode(f'{TOKEN}:'.encode()).decode()}"],
        "another header": [f"X-Token: {TOKEN}", f"Proxy-Authorization: Bearer {TOKEN}"],
    }
    for method, path in routes + unknown:
        for how, headers in shown.items():
            status, body = ask(port, method, path, *headers)
            assert (status, body) == (401, UNAUTHORIZED), f"{method} {path} with {how}: {status} {body}"


def test_a_secret_in_the_query_does_not_count(port, routes):
    for method, path in routes:
        for name in ("token", "access_token", "password", "key", "auth"):
            assert ask(port, method, f"{path}?{name}={TOKEN}") == (401, UNAUTHORIZED)


def test_a_body_is_not_read_before_the_secret_is_right(port):
    """A large body of a stranger is neither kept nor waited for."""
    data = rawhttp.exchange(
        port, f"POST /tabs/open HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: 900000\r\n\r\n{{".encode())
    assert rawhttp.status_of(data) == 401


def test_an_upgrade_needs_the_secret_and_leads_nowhere(port):
    for path in ("/", "/tabs", "/devtools/browser/x", "/extension", "/cdp"):
        assert rawhttp.status_of(rawhttp.upgrade(port, path, f"Host: 127.0.0.1:{port}")) == 401
        assert rawhttp.status_of(rawhttp.upgrade(port, path, f"Host: 127.0.0.1:{port}", bearer())) == 400


# ---- pages of other sites (T03, T04, T05)

@pytest.mark.parametrize("origin", [
    "https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://127.evil.com",
    "http://127.0.0.1:{base}", "http://127.0.0.1:1", "http://127.0.0.1", "file://", "chrome-extension://x", "HTTP://LOCALHOST:{port}", "",
])
def test_foreign_origins_are_refused_before_the_secret_is_looked_at(browser_gateway, port, origin):
    spelled = origin.format(base=browser_gateway.port, port=port)
    for headers in ([], [bearer()]):
        for method in ("GET", "POST"):
            assert ask(port, method, "/", f"Origin: {spelled}", *headers)[0] == 403
        assert rawhttp.status_of(rawhttp.upgrade(port, "/", f"Host: 127.0.0.1:{port}", f"Origin: {spelled}", *headers)) == 403


def test_two_origins_are_a_bad_request(port):
    own = f"Origin: http://127.0.0.1:{port}"
    assert ask(port, "POST", "/start", own, own, bearer())[0] == 400


@pytest.mark.parametrize("header", [
    "Referer: https://evil.example/", "Referer: http://127.0.0.1:{base}/chat", "Referer: http://127.0.0.1:{port}.evil.example/",
    "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
])
def test_what_browsers_say_of_a_page_is_believed(browser_gateway, port, header):
    for method, path in (("POST", "/start"), ("GET", "/"), ("DELETE", "/tabs/x"), ("GET", "/nothing")):
        assert ask(port, method, path, header.format(base=browser_gateway.port, port=port), bearer())[0] == 403


def test_a_typed_address_and_a_program_pass(port):
    for header in ("Sec-Fetch-Site: none", "X-Nothing: 1"):
        assert ask(port, "GET", "/", header, bearer())[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "localhost.:{port}", "127.0.0.1.nip.io:{port}", "127.0.0.1:{base}",
                                  "127.0.0.1", "localhost", "0.0.0.0:{port}", "127.1:{port}", "[::]:{port}"])
def test_foreign_hosts_are_refused(browser_gateway, port, routes, host):
    spelled = host.format(base=browser_gateway.port, port=port)
    for method, path in [*routes[:3], ("GET", "/nothing")]:
        status, _ = ask(port, method, path, bearer(), host=spelled)
        assert status in (400, 421), f"{method} {path}: {status}"
    assert rawhttp.status_of(rawhttp.upgrade(port, "/", f"Host: {spelled}", bearer())) in (400, 421)


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_our_own_hosts_pass(port, host):
    assert ask(port, "GET", "/", bearer(), host=host.format(port=port))[0] == 200


def test_no_host_two_hosts_and_a_foreign_target(port):
    own = f"Host: 127.0.0.1:{port}"
    assert rawhttp.status_of(rawhttp.get(port, "/", bearer())) == 400
    assert rawhttp.status_of(rawhttp.get(port, "/", own, own, bearer())) == 400
    assert rawhttp.status_of(rawhttp.get(port, f"http://evil.example:{port}/", own, bearer())) == 400


ATTACK = """<!doctype html><meta charset=utf-8><title>attack</title><body><script>
const target = new URLSearchParams(location.search).get('target');
const routes = JSON.parse(new URLSearchParams(location.search).get('routes'));
const quiet = promise => promise.then(() => 'answered', () => 'blocked');
async function attack() {
  const told = {};
  for (const [method, path] of routes) {
    const url = target + path, body = JSON.stringify({url: 'about:blank', name: 'stolen', kind: 'close', action: 'new'});
    told[method + path] = await Promise.all([
      quiet(fetch(url, {method: 'POST', mode: 'no-cors', body})),
      quiet(fetch(url, {method: 'POST', mode: 'no-cors', body, headers: {'Content-Type': 'text/plain'}})),
      quiet(fetch(url, {mode: 'no-cors', credentials: 'include'})),
      quiet(fetch(url, {method, headers: {'Content-Type': 'application/json'}, body: method === 'GET' ? undefined : body})),
    ]);
    navigator.sendBeacon(url, body);
    const image = new Image(); image.src = url;
  }
  for (const [, path] of routes.slice(0, 12)) {
    const frame = document.createElement('iframe'); frame.name = 'f' + Math.random(); document.body.append(frame);
    const form = document.createElement('form'); form.method = 'post'; form.enctype = 'text/plain'; form.target = frame.name; form.action = target + path;
    const input = document.createElement('input'); input.name = '{"url":"about:blank","x":"'; input.value = '"}'; form.append(input);
    document.body.append(form); form.submit();
    await new Promise(resolve => { frame.onload = resolve; });
  }
  try { new WebSocket(target.replace('http', 'ws') + '/'); } catch (e) {}
  return told;
}
</script>"""


@pytest.mark.timeout(120)
def test_a_page_in_a_real_browser_gets_nowhere(browser_gateway, control, site, routes, port, playwright_driver):
    """It sends what needs no preflight, and what does, to every route; also with the secret in a cookie and in Basic credentials."""
    control.open(site.url("/index.html"))
    page_url = site.page("/attack.html", ATTACK)

    def state():
        return (control.get("/")["pid"], [(tab["targetId"], tab["url"]) for tab in control.tabs()], control.get("/profiles"),
                browser_gateway.home.config_path().read_bytes())

    before = state()
    attacker = playwright_driver.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
    try:
        context = attacker.new_context(http_credentials={"username": "x", "password": TOKEN})
        context.add_cookies([{"name": "token", "value": TOKEN, "url": f"http://127.0.0.1:{port}/"}])
        page = context.new_page()
        network = context.new_cdp_session(page)
        sent: dict[str, str] = {}
        answers: list[tuple[str, int]] = []
        network.on("Network.requestWillBeSent", lambda e: sent.update({e["requestId"]: f"{e['request']['method']} {e['request']['url']}"}))
        network.on("Network.responseReceivedExtraInfo", lambda e: answers.append((e["requestId"], e["statusCode"])))
        network.send("Network.enable")
        for host in ("127.0.0.1", "localhost"):
            page.goto(f"{page_url}?target=http://{host}:{port}&routes={json.dumps(routes)}")
            told = page.evaluate("attack()")
            assert len(told) == len(routes)
            assert {kinds[3] for kinds in told.values()} == {"blocked"}, "an answer was readable"
    finally:
        attacker.close()
    told = [(sent.get(number, "?"), status) for number, status in answers if site.url("") not in sent.get(number, "?")]
    assert len(told) > 8 * len(routes)
    assert {status for _, status in told} == {403}, [answer for answer in told if answer[1] != 403][:10]
    assert state() == before


# ---- what is taken

@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "", "text/json"])
def test_only_json_is_a_body(port, kind):
    status, body = ask(port, "POST", "/tabs/open", bearer(), *([f"Content-Type: {kind}"] if kind else []), body=b'{"url":"about:blank"}')
    assert status == 415 and json.loads(body)["code"] == "wrong_content_type"


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b"{'a':1}", b'{"a":1}{"b":2}', b'{"a":1,"a":2}' + b"}", b"\xff\xfe", b"[" * 10_000])
def test_what_is_no_json_object_is_refused(port, body):
    status, told = ask(port, "POST", "/tabs/open", bearer(), "Content-Type: application/json", body=body)
    assert status == 400 and json.loads(told)["code"] == "bad_json"


def test_a_body_has_a_limit(port):
    fits = json.dumps({"url": "about:blank", "more": "x" * 900_000}).encode()
    assert ask(port, "POST", "/nothing", bearer(), "Content-Type: application/json", body=fits)[0] == 404
    large = json.dumps({"url": "about:blank", "more": "x" * (1 << 20)}).encode()
    status, body = ask(port, "POST", "/tabs/open", bearer(), "Content-Type: application/json", body=large)
    assert status == 413 and json.loads(body)["code"] == "too_large"
    chunks = b"".join(b"10000\r\n" + b"x" * 65_536 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n"
    data = rawhttp.exchange(port, f"POST /tabs/open HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{bearer()}\r\nContent-Type: application/json\r\n"
                            f"Transfer-Encoding: chunked\r\n\r\n".encode() + chunks)
    assert rawhttp.status_of(data) == 413


def test_unknown_paths_and_methods_say_so(control):
    unknown = control.refused("GET", "/nothing")
    assert (unknown.status, unknown.code) == (404, "unknown_route")
    wrong = control.refused("GET", "/start")
    assert (wrong.status, wrong.code) == (405, "wrong_method") and "POST" in wrong.error
    assert control.request("GET", "/tabs/").status == 200
    assert control.request("GET", "//tabs//").status == 200


def test_a_word_twice_in_the_query_is_refused(port):
    status, body = ask(port, "GET", "/?profile=jarvis&profile=other", bearer())
    assert status == 400 and json.loads(body)["code"] == "bad_query"


def test_an_unknown_profile_names_the_others(control):
    reply = control.refused("GET", "/", query={"profile": "nobody"})
    assert reply.status == 404 and "nobody" in reply.error and "jarvis" in reply.error


# ---- many at once

@pytest.mark.timeout(120)
def test_long_requests_do_not_hold_up_others(control, site, browser_gateway):
    target = control.open(site.url("/index.html"))
    answers = []
    long = threading.Thread(target=lambda: answers.append(
        control_of(browser_gateway).request("POST", "/act", {"kind": "wait", "text": "never there", "timeoutMs": 15_000, "targetId": target})))
    long.start()
    for _ in range(20):
        assert control.get("/")["running"]
        assert control.tabs()
    assert long.is_alive(), answers
    control.close_tab(target)
    long.join(30)
    assert not long.is_alive() and answers[0].status >= 400


@pytest.mark.timeout(120)
def test_a_client_that_goes_takes_its_work_along(control, site, port):
    """The page counts how often it is looked at; once the client is gone nobody looks any more."""
    target = control.open(site.url("/index.html"))
    body = json.dumps({"kind": "wait", "fn": "() => { window.looks = (window.looks || 0) + 1; return false; }", "timeoutMs": 100_000,
                       "targetId": target}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/act", body=body, headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})

    def looks():
        return control.evaluate("() => window.looks || 0", targetId=target)

    wait_until(lambda: looks() > 2, 30, "the wait has begun")
    connection.close()
    seen = []

    def is_quiet():
        seen.append(looks())
        return len(seen) > 4 and len(set(seen[-4:])) == 1

    wait_until(is_quiet, 30, "nobody looks any more", every=0.4)
    control.close_tab(target)


# ---- gateways of other kinds

def test_a_gateway_that_asks_for_no_secret_makes_one_for_this(gateway):
    it = gateway(config={**browser_config(), "gateway": {"auth": {"mode": "none", "token": None}}})
    config = it.home.read_config()
    token = config["gateway"]["auth"]["token"]
    assert config["gateway"]["auth"]["mode"] == "none" and len(token) >= 24
    assert ask(it.port + 2, "GET", "/")[0] == 401
    assert ask(it.port + 2, "GET", "/", bearer(token))[0] == 200
    with it.client(token=None) as client:
        assert client.call("health")["ok"]
    assert token not in it.log()
    it.restart()
    assert it.home.read_config()["gateway"]["auth"]["token"] == token


def test_with_a_password_the_token_does_not_count(gateway):
    it = gateway(config={**browser_config(), "gateway": {"auth": {"mode": "password", "password": "a-long-enough-password"}}})
    assert ask(it.port + 2, "GET", "/", bearer())[0] == 401
    for header in (bearer("a-long-enough-password"), "X-Jarvis-Password: a-long-enough-password"):
        assert ask(it.port + 2, "GET", "/", header)[0] == 200


def test_many_wrong_secrets_lock_out(gateway):
    limits = {"rateLimit": {"maxAttempts": 5, "windowMs": 60_000, "lockoutMs": 60_000, "exemptLoopback": False}}
    it = gateway(config={**browser_config(), "gateway": {"auth": limits}})
    assert [ask(it.port + 2, "GET", "/", bearer(WRONG))[0] for _ in range(5)] == [401] * 5
    data = rawhttp.get(it.port + 2, "/", f"Host: 127.0.0.1:{it.port + 2}", bearer())
    assert rawhttp.status_of(data) == 429 and b"retry-after:" in data.lower()


@pytest.mark.parametrize("family,host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_that_is_taken_leaves_the_gateway_up(gateway, family, host):
    """On either address; nothing is sent to who has it, and the other address is not served."""
    it = gateway(config=browser_config(), start=False)
    with socket.socket(family) as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind((host, it.port + 2))
        squatter.listen()
        squatter.settimeout(0.2)
        it.start()
        assert not accepts(it.port + 2, "127.0.0.1") or host == "127.0.0.1"
        assert it.cli_json("browser", "status", "--json")["profile"] == "jarvis"
        assert str(it.port + 2) in it.log() and "browser control over HTTP is off" in it.log()
        it.stop()
        with pytest.raises(TimeoutError):
            connection, _ = squatter.accept()
            while (piece := connection.recv(65_536)) != b"":
                assert TOKEN.encode() not in piece
            connection, _ = squatter.accept()


def test_it_can_be_left_out(gateway):
    it = gateway(config=browser_config(), env={"JARVIS_SKIP_BROWSER_CONTROL_SERVER": "1"})
    assert not accepts(it.port + 2)
    assert it.cli_json("browser", "status", "--json")["enabled"] in (True, False)


@pytest.mark.timeout(120)
def test_squatters_on_debugging_ports_learn_nothing(gateway):
    """Recorders sit on the first five ports of the range, and at the address of a profile; they answer like a browser (T08)."""
    it = gateway(start=False, write_config=False)
    heard: list[bytes] = []
    ended = threading.Event()

    def record(server: socket.socket):
        server.settimeout(0.2)
        while not ended.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(2)
                try:
                    heard.append(connection.recv(65_536))
                    body = json.dumps({"Browser": "Chrome/150.0", "webSocketDebuggerUrl": f"ws://127.0.0.1:{server.getsockname()[1]}/x"}).encode()
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                    heard.append(connection.recv(65_536))
                except OSError:
                    pass

    pinned = free_port()
    servers = [socket.create_server(("127.0.0.1", number)) for number in (*range(it.port + 11, it.port + 16), pinned)]
    threads = [threading.Thread(target=record, args=(server,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        from support.gateway import base_config, merge
        section = {"profiles": {"pinned": {"cdpUrl": f"http://127.0.0.1:{pinned}", "color": "#0066CC"}}}
        it.home.write_config(merge(base_config(it.port), browser_config(section, port=True)))
        it.start()
        control = control_of(it)
        control.post("/start")
        told = control.get("/")
        assert told["running"] and told["cdpPort"] not in range(it.port + 11, it.port + 16)
        reply = control.of("pinned").refused("POST", "/start")
        assert reply.status < 500 or reply.code, reply.body
        assert not control.of("pinned").get("/")["running"]
        control.post("/stop")
        it.stop(30)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        for server in servers:
            server.close()
    text = b"\n".join(heard).lower()
    for canary in (TOKEN.encode(), b"authorization", b"cookie:", b"x-jarvis"):
        assert canary.lower() not in text, text
