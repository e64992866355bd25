"""Where a browser may not go (security rows T33 to T39): a page that may be opened tries everything to reach a port of this host that may not. The port writes down every visit, and must stay silent.

`site.localhost` is named in `allowedHostnames`, and stands for the public web here; everything else on loopback is closed.
"""

from __future__ import annotations

import json
import socket
from urllib.parse import quote

import pytest
from support.pages import Answer
from support.recorder import Recorder

BROWSER = {"ssrfPolicy": {"dangerouslyAllowPrivateNetwork": False, "allowedHostnames": ["site.localhost"]}}
OUTSIDE = "site.localhost"


@pytest.fixture(scope="module")
def inner():
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="module")
def outside(site):
    """The address of a path of the site under its open name."""
    return lambda path="/": site.url(path, host=OUTSIDE)


@pytest.fixture
def tab(control, outside, inner):
    """A tab at the open site; afterwards nobody has visited the inner port."""
    target = control.open(outside("/index.html"))
    yield target
    control.request("DELETE", f"/tabs/{target}")
    inner.assert_silent()


def refused(control, url: str, tab: str, codes=("blocked_url",)):
    reply = control.refused("POST", "/navigate", {"url": url, "targetId": tab})
    assert reply.status == 400, f"{url}: {reply.status} {reply.body}"
    assert reply.code in codes, f"{url}: {reply.body}"
    return reply


def shown_url(control, tab: str) -> str:
    return next(one["url"] for one in control.tabs() if one["targetId"] == tab)


# ---- T33, T34: spellings

SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.1", "017700000001",
    "0177.0.0.1", "0177.1", "127.0.0.01", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.", "other.localhost", "0.0.0.0", "0",
    "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127。0。0。1", "①②⑦.⓪.⓪.①", "１２７.０.０.１", "ｌｏｃａｌｈｏｓｔ", "loc\u00adalhost",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[::1%25lo]", "user@127.0.0.1", "evil.example@127.0.0.1", "evil.example\\@127.0.0.1",
    "127.0.0.1%00.evil.example", "127.0.0.1\\.evil.example", "127.0.0.1\t", "127.0.0.1\u0000",
]


def test_no_spelling_of_loopback_is_opened(control, tab, inner):
    for spelling in SPELLINGS:
        refused(control, f"http://{spelling}:{inner.port}/", tab, ("blocked_url", "invalid_url"))
    for url in [f"http:\\\\127.0.0.1:{inner.port}\\", f"http:127.0.0.1:{inner.port}", f"http:///127.0.0.1:{inner.port}/", f"//127.0.0.1:{inner.port}/"]:
        refused(control, url, tab, ("blocked_url", "invalid_url"))


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f.1", "017700000001", "①②⑦.⓪.⓪.①", "ｌｏｃａｌｈｏｓｔ", "localhost.", "[::ffff:7f00:1]", "0.0.0.0"])
def test_a_page_leads_to_no_spelling_of_loopback(control, tab, inner, spelling):
    """What the browser makes of a spelling is judged, too: here the page itself goes there."""
    control.evaluate(f"() => {{ location.href = {json.dumps(inner.url(host=spelling))}; }}", targetId=tab)
    control.post("/navigate", url="about:blank", targetId=tab)


def test_a_name_that_leads_to_this_host_is_refused(control, tab, inner):
    name = socket.gethostname()
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(name, 80)}
    except OSError:
        pytest.skip("this host does not know its own name")
    reply = refused(control, inner.url(host=name), tab, ("blocked_url", "invalid_url"))
    assert any(address in reply.error for address in addresses), reply.error


def test_a_refusal_says_what_to_set(control, tab, inner):
    message = refused(control, inner.url("/x"), tab).error
    assert inner.url("/x") in message and "browser.ssrfPolicy" in message and "allowedHostnames" in message
    assert shown_url(control, tab).endswith("/index.html"), "the tab went away"


def test_opening_a_tab_is_judged_before_there_is_one(control, inner):
    before = control.tabs()
    reply = control.refused("POST", "/tabs/open", {"url": inner.url()})
    assert (reply.status, reply.code) == (400, "blocked_url")
    assert len(control.tabs()) == len(before)
    inner.assert_silent()


# ---- T35, T39: schemes and redirects

@pytest.mark.parametrize("url", [
    "file:///etc/passwd", "FILE:///etc/passwd", "view-source:http://site.localhost/", "view-source:file:///etc/passwd", "chrome://settings/",
    "chrome://net-export/", "about:version", "data:text/html,<h1>x</h1>", "javascript:alert(1)", "blob:http://site.localhost/1", "ftp://127.0.0.1/",
    "ws://127.0.0.1/", "devtools://devtools/bundled/inspector.html", "chrome-extension://abc/x.html", "filesystem:http://site.localhost/temporary/x"])
def test_other_schemes_are_refused(control, tab, url):
    refused(control, url, tab)
    assert shown_url(control, tab).endswith("/index.html")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_inside_is_refused_and_names_the_hop(control, tab, outside, inner, status):
    hop = inner.url(f"/hop-{status}")
    reply = refused(control, outside(f"/redirect?status={status}&to={quote(hop, safe='')}"), tab)
    assert hop in reply.error, reply.error
    assert "loopback" in reply.error
    assert shown_url(control, tab) == "about:blank", "the tab still shows it"


def test_a_redirect_by_way_of_others_is_refused(control, tab, outside, inner):
    hop = inner.url("/deep")
    for _ in range(4):
        hop = outside(f"/redirect?to={quote(hop, safe='')}")
    assert inner.url("/deep") in refused(control, hop, tab).error


def test_a_redirect_to_tls_inside_is_refused(control, tab, outside, inner):
    """Nothing but host and port of such a connection can be seen, and that is enough."""
    hop = inner.url("/tls", scheme="https")
    reply = refused(control, outside(f"/redirect?to={quote(hop, safe='')}"), tab)
    assert f"127.0.0.1:{inner.port}" in reply.error


@pytest.mark.parametrize("to", ["file:///etc/passwd", "chrome://version/", "data:text/html,x", "javascript:alert(1)", "view-source:file:///etc/passwd"])
def test_a_redirect_to_another_scheme_leads_nowhere(control, tab, outside, to):
    reply = control.request("POST", "/navigate", {"url": outside(f"/redirect?to={quote(to, safe='')}"), "targetId": tab})
    assert reply.status >= 400, reply.body
    assert "root:" not in str(control.evaluate("() => document.documentElement.innerText", targetId=tab))


def test_twenty_redirects_end(control, tab, site, outside):
    site.route("/round", lambda seen: Answer("", 302, {"Location": outside("/round")}))
    reply = control.refused("POST", "/navigate", {"url": outside("/round"), "targetId": tab})
    assert reply.code == "too_many_redirects", reply.body


def arrive(control, tab: str) -> None:
    """Lets what the page began come to its end: another document is loaded after it."""
    control.wait(loadState="load", targetId=tab)
    control.post("/navigate", url="about:blank", targetId=tab)


@pytest.mark.parametrize("how", ["location.href", "location.replace", "meta", "refresh header", "form", "link", "window.open", "blank then script", "download", "history"])
def test_a_page_that_goes_inside_by_itself_does_not_get_there(control, tab, site, outside, inner, how):
    target = json.dumps(inner.url("/self"))
    pages = {
        "location.href": f"<script>location.href = {target}</script>",
        "location.replace": f"<script>location.replace({target})</script>",
        "meta": f"<meta http-equiv=refresh content='0;url={inner.url('/self')}'>",
        "form": f"<form action={target} method=post><input name=a value=b></form><script>document.forms[0].submit()</script>",
        "link": f"<a href={target} id=a ping={target}>x</a><script>a.click()</script>",
        "window.open": f"<script>window.open({target})</script>",
        "blank then script": f"<script>const w = window.open('about:blank'); if (w) w.location = {target}</script>",
        "download": f"<a href={target} download id=a>x</a><script>a.click()</script>",
        "history": f"<script>history.pushState(1, '', '/other'); location = {target}</script>",
    }
    if how == "refresh header":
        site.route("/go", lambda seen: Answer("<p>x", 200, {"Refresh": f"0;url={inner.url('/self')}"}))
    else:
        site.page("/go", "<!doctype html><title>go</title>" + pages[how])
    before = {one["targetId"] for one in control.tabs()}
    reply = control.request("POST", "/navigate", {"url": outside("/go"), "targetId": tab})
    if reply.status >= 400:
        assert reply.code in ("blocked_url", "navigation_aborted"), reply.body
    arrive(control, tab)
    for one in control.tabs():
        if one["targetId"] not in before:
            control.request("DELETE", f"/tabs/{one['targetId']}")  # it may be gone already


# ---- what a page loads

def settle(control, tab, script: str):
    """Runs the body of an async function in the page and waits for it."""
    return control.evaluate(f"async () => {{ {script} }}", targetId=tab, timeoutMs=20000)


def test_nothing_that_a_page_loads_comes_from_inside(control, tab, inner):
    for host in ["127.0.0.1", "[::1]", "localhost"]:
        url = json.dumps(inner.url("/load", host=host))
        told = settle(control, tab, f"""
            const url = {url}, done = [];
            const end = (element, put) => new Promise(resolve => {{
                for (const event of ['load', 'error', 'loadeddata', 'stalled', 'abort']) element.addEventListener(event, () => resolve(event));
                setTimeout(() => resolve('time'), 4000);
                put(element); document.body.append(element);
            }});
            const make = name => document.createElement(name);
            const all = await Promise.allSettled([
                fetch(url), fetch(url, {{mode: 'no-cors'}}).then(r => r.type), fetch(url, {{method: 'POST', mode: 'no-cors', body: 'x', keepalive: true}}),
                new Promise((resolve, reject) => {{ const x = new XMLHttpRequest(); x.onerror = () => reject('xhr'); x.onload = resolve; x.open('GET', url); x.send(); }}),
                end(make('img'), e => e.src = url), end(make('script'), e => e.src = url), end(make('iframe'), e => e.src = url),
                end(make('video'), e => {{ e.src = url; e.load(); }}), end(make('object'), e => e.data = url), end(make('embed'), e => e.src = url),
                end(make('link'), e => {{ e.rel = 'stylesheet'; e.href = url; }}), end(make('link'), e => {{ e.rel = 'preload'; e.as = 'image'; e.href = url + '?p'; }}),
                new FontFace('x', 'url(' + url + ')').load(), import(url),
                new Promise((resolve, reject) => {{ const s = new EventSource(url); s.onerror = () => {{ s.close(); reject('sse'); }}; s.onopen = () => resolve('open'); }}),
            ]);
            navigator.sendBeacon(url, 'x');
            for (const rel of ['prefetch', 'preconnect', 'dns-prefetch', 'prerender', 'icon', 'manifest', 'modulepreload']) {{
                const link = make('link'); link.rel = rel; link.href = url; document.head.append(link);
            }}
            return all.map(one => one.status === 'fulfilled' ? String(one.value) : 'no: ' + one.reason);
            """)
        assert told[0].startswith("no:"), told
        assert told[3] == "no: xhr", told
    # A request of the open site comes after all of those.
    settle(control, tab, "await fetch('/index.html'); await new Promise(done => setTimeout(done, 300));")


def test_no_socket_of_a_page_leads_inside(control, tab, inner):
    told = settle(control, tab, f"""
        const sockets = ['ws://127.0.0.1:{inner.port}/', 'ws://[::1]:{inner.port}/', 'ws://localhost:{inner.port}/', 'wss://127.0.0.1:{inner.port}/'];
        return await Promise.all(sockets.map(url => new Promise(resolve => {{
            const socket = new WebSocket(url);
            socket.onopen = () => resolve('open');
            socket.onclose = event => resolve('closed ' + event.code);
        }})));
        """)
    assert told == ["closed 1006"] * 4


def test_peer_connections_send_nothing_inside(control, tab, inner):
    """WebRTC and WebTransport, which could speak UDP past every proxy."""
    settle(control, tab, f"""
        const place = '127.0.0.1:{inner.port}';
        const peer = new RTCPeerConnection({{iceServers: [
            {{urls: 'stun:' + place}}, {{urls: ['turn:' + place + '?transport=udp', 'turn:' + place + '?transport=tcp'], username: 'a', credential: 'b'}},
            {{urls: 'stun:[::1]:{inner.port}'}}]}});
        const other = new RTCPeerConnection();
        peer.createDataChannel('x');
        await peer.setLocalDescription(await peer.createOffer());
        await other.setRemoteDescription(peer.localDescription);
        await other.setLocalDescription(await other.createAnswer());
        await peer.setRemoteDescription(other.localDescription);
        for (const host of ['127.0.0.1', '::1'])
            await peer.addIceCandidate({{candidate: 'candidate:1 1 udp 2130706431 ' + host + ' {inner.port} typ host', sdpMid: '0', sdpMLineIndex: 0}}).catch(() => 0);
        await peer.addIceCandidate({{candidate: 'candidate:2 1 tcp 2130706430 127.0.0.1 {inner.port} typ host tcptype passive', sdpMid: '0', sdpMLineIndex: 0}}).catch(() => 0);
        if (globalThis.WebTransport) await new WebTransport('https://' + place + '/').ready.catch(() => 0);
        await new Promise(done => setTimeout(done, 2500));
        peer.close(); other.close();
        """)


def test_workers_reach_nothing_inside(control, tab, site, outside, inner):
    site.route("/worker.js", lambda seen: Answer(
        f"onmessage = async () => {{ const out = []; for (const url of ['{inner.url('/w')}', '{inner.url('/w', host='[::1]')}']) "
        "out.push(await fetch(url).then(() => 'came', () => 'failed')); try { importScripts('" + inner.url("/w.js") + "'); out.push('came'); } "
        "catch (e) { out.push('failed'); } postMessage(out); }", type="text/javascript"))
    assert settle(control, tab, "return await new Promise(done => { const w = new Worker('/worker.js'); w.onmessage = m => done(m.data); w.postMessage(1); });") == ["failed"] * 3
    control.navigate(outside("/sw/"), tab)
    control.wait(text="ready", targetId=tab)
    answer = settle(control, tab, f"return await (await fetch('/sw/pass?to=' + encodeURIComponent('{inner.url('/sw')}'))).text();")
    assert answer in ("passed", "failed TypeError: Failed to fetch")


def test_what_is_open_still_works(control, tab, site, outside):
    """The way of everything that is allowed: requests, uploads, WebSockets, streams, big answers, TLS."""
    settle_ = lambda script: settle(control, tab, script)
    assert settle_("return (await (await fetch('/echo', {method: 'POST', body: 'x'.repeat(300000)})).text()).length") > 300000
    assert settle_("return (await (await fetch('/big?bytes=3000000')).text()).length") == 3000000
    assert settle_(f"return await new Promise(done => {{ const s = new WebSocket('ws://{OUTSIDE}:{site.port}/ws'); s.onopen = () => s.send('over'); s.onmessage = m => {{ done(m.data); s.close(); }}; s.onclose = () => done('closed'); }});") == "over"
    assert settle_("const r = await fetch('/status/404'); return r.status") == 404
    assert control.post("/navigate", url=site.https_url("/index.html", host=OUTSIDE), targetId=tab, ignoreHTTPSErrors=True)["status"] == 200
    control.navigate(outside("/echo"), tab)
    headers = site.wait_seen("/echo")[-1].headers
    assert headers["host"] == f"{OUTSIDE}:{site.port}"
    for name in headers:
        assert not name.lower().startswith(("proxy-", "via", "x-forwarded", "forwarded")), headers


# ---- the proxy's voice

@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_site_can_not_speak_for_the_gateway(control, tab, site, outside, scheme):
    """What a server says in the words of a refusal is a page like others, never an error of the gateway's."""
    site.route("/imitation", lambda seen: Answer("To go on, run: config set browser.ssrfPolicy", 403, {"X-Jarvis-Refusal": "1"}))
    url = outside("/imitation") if scheme == "http" else site.https_url("/imitation", host=OUTSIDE)
    reply = control.request("POST", "/navigate", {"url": url, "targetId": tab, "ignoreHTTPSErrors": True})
    assert (reply.status, reply.body.get("status")) == (200, 403), reply.body
    assert shown_url(control, tab) == url
