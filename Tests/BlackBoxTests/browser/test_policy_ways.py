"""The less usual ways from a page to a port of this host (T33, T35, T39): each is tried by a page that may be opened, and the port hears nothing.

`test_policy.py` has the usual ones, `test_policy_flags.py` those past every proxy.
"""

from __future__ import annotations

import json

import pytest
from support.pages import Answer
from support.recorder import Recorder

OUTSIDE = "site.localhost"
BROWSER = {"ssrfPolicy": {"dangerouslyAllowPrivateNetwork": False, "allowedHostnames": [OUTSIDE]}}
pytestmark = pytest.mark.timeout(300)
PDF = (b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/URI/URI(INNER)>>/AA<</O<</S/SubmitForm/F(INNER)>>>>>>endobj\n"
       b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
       b"trailer<</Root 1 0 R>>\n%%EOF")


@pytest.fixture(scope="module")
def inner():
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture
def tab(control, site, inner):
    """A tab at the open site; afterwards nobody has visited the inner port, and other tabs are closed."""
    target = control.open(site.url("/index.html", host=OUTSIDE))
    before = {one["targetId"] for one in control.tabs()}
    yield target
    control.post("/navigate", url="about:blank", targetId=target)
    # What is still on its way came before this, in the browser and in the proxy.
    control.post("/navigate", url=site.url("/index.html", host=OUTSIDE), targetId=target)
    control.evaluate("async () => { await fetch('/echo', {cache: 'no-store'}); await new Promise(done => setTimeout(done, 300)); }", targetId=target)
    for one in control.tabs():
        if one["targetId"] not in before:
            control.close_tab(one["targetId"])
    control.close_tab(target)
    inner.assert_silent()


def run(control, tab, script: str):
    """Runs the body of an async function in the page; `quiet` waits for a promise, `made` for an element in the page."""
    helpers = """
        const soon = promise => Promise.race([promise, new Promise((_, no) => setTimeout(() => no('late'), 3000))]);
        const quiet = async work => { try { return String(await soon((async () => work())())); } catch (e) { return 'no: ' + e; } };
        const made = (html, event = ['load', 'error', 'loadeddata', 'abort']) => quiet(() => new Promise(done => {
            const place = document.createElement('div'); place.innerHTML = html; const one = place.firstElementChild;
            for (const name of event) one.addEventListener(name, () => done(name), {once: true});
            document.body.append(place); setTimeout(() => done('time'), 800);
        }));
    """
    return control.evaluate(f"async () => {{ {helpers} {script} }}", targetId=tab, timeoutMs=60_000, timeout=90)


def test_every_element_and_style(control, tab, inner):
    url = inner.url("/element")
    elements = [
        f"<img srcset='{url} 1x, {url}?2 2x'>", f"<picture><source srcset='{url}'><img></picture>", f"<img src='{url}' attributionsrc='{url}'>",
        f"<video poster='{url}'></video>", f"<video autoplay muted><source src='{url}'><track default src='{url}'></video>", f"<audio autoplay src='{url}'></audio>",
        f"<input type=image src='{url}'>", f"<table background='{url}'><td background='{url}'>x</table>", f"<iframe credentialless src='{url}'></iframe>",
        f"<iframe src='view-source:{url}'></iframe>", f"<iframe src='filesystem:{url}'></iframe>", f"<iframe src=\"javascript:fetch('{url}',{{mode:'no-cors'}})\"></iframe>",
        f"<iframe srcdoc=\"<base href='{url}'><img src=x><script src=y></script><script>fetch('{url}',{{mode:'no-cors'}})</script>\"></iframe>",
        f"<iframe src=\"data:text/html,<script src='{url}'></script><img src='{url}'>\"></iframe>", f"<object type=application/pdf data='{url}'></object>",
        f"<embed type=application/pdf src='{url}'>", f"<portal src='{url}'></portal>", f"<fencedframe src='{url}'></fencedframe>", f"<frameset><frame src='{url}'></frameset>",
        f"<svg><image href='{url}'/><use href='{url}#a'/><filter id=f><feImage href='{url}'/></filter><rect filter='url(#f)' width=9 height=9 /></svg>",
        f"<svg><script href='{url}'></script></svg>", f"<math><mtext href='{url}'>x</mtext></math>", f"<link rel=stylesheet href='data:text/css,@import url({url});'>",
        f"<style>@import '{url}'; @font-face {{ font-family: q; src: url('{url}'); }} p {{ background: url('{url}'); cursor: url('{url}'), auto; font-family: q; list-style: url('{url}'); "
        f"border-image: url('{url}') 1; mask: url('{url}'); content: image-set('{url}' 1x); }}</style>",
        f"<p style=\"background: cross-fade(url('{url}'), url('{url}'), 50%); filter: url('{url}#f'); clip-path: url('{url}#c')\">x</p>",
    ]
    links = ["stylesheet", "alternate stylesheet", "preload", "modulepreload", "prefetch", "prerender", "preconnect", "dns-prefetch", "icon", "apple-touch-icon", "manifest",
             "compression-dictionary", "next", "pingback", "expect", "monetization", "webbundle", "search"]
    elements += [f"<link rel='{rel}' href='{url}' as=image>" for rel in links] + [f"<link rel=preload href='{url}?{kind}' as={kind}>" for kind in ("fetch", "font", "script", "style", "track")]
    told = run(control, tab, f"const told = []; for (const html of {json.dumps(elements)}) told.push(await made(html)); return told;")
    assert len(told) == len(elements)


def test_every_call_of_a_script(control, tab, inner):
    url = json.dumps(inner.url("/call"))
    place = f"127.0.0.1:{inner.port}"
    told = run(control, tab, f"""
        const url = {url};
        const blob = (text, type = 'text/javascript') => URL.createObjectURL(new Blob([text], {{type}}));
        const inside = `const u = ${{JSON.stringify(url)}}; (async () => {{
            const all = [fetch(u), fetch(u, {{mode: 'no-cors'}})];
            all.push(new Promise((yes, no) => {{ const s = new WebSocket(u.replace('http', 'ws')); s.onopen = yes; s.onclose = no; }}));
            all.push(new Promise((yes, no) => {{ const s = new EventSource(u); s.onopen = yes; s.onerror = () => {{ s.close(); no(); }}; }}));
            all.push(new Promise((yes, no) => {{ const x = new XMLHttpRequest(); x.onload = yes; x.onerror = no; x.open('POST', u); x.send('x'); }}));
            if (self.WebTransport) all.push(new WebTransport(u.replace('http:', 'https:')).ready);
            if (self.WebSocketStream) all.push(new WebSocketStream(u.replace('http', 'ws')).opened);
            try {{ importScripts(u); all.push(1); }} catch (e) {{}}
            all.push(import(u));
            const got = (await Promise.allSettled(all)).map(one => one.status);
            self.postMessage ? postMessage(got) : self.onconnect ? 0 : 0; if (self.told) self.told(got);
        }})();`;
        const told = {{}};
        told.worker = await quiet(() => new Promise(done => {{ const w = new Worker(blob(inside)); w.onmessage = m => done(m.data); w.onerror = e => done('error'); }}));
        told.nested = await quiet(() => new Promise(done => {{ const w = new Worker(blob(`const w = new Worker(URL.createObjectURL(new Blob([${{JSON.stringify(inside)}}]))); w.onmessage = m => postMessage(m.data);`)); w.onmessage = m => done(m.data); }}));
        told.shared = await quiet(() => new Promise(done => {{ const w = new SharedWorker(blob(`onconnect = e => {{ self.told = got => e.ports[0].postMessage(got); ${{inside.replace('self.postMessage ? postMessage(got) : self.onconnect ? 0 : 0;', '')}} }};`)); w.port.onmessage = m => done(m.data); w.port.start(); }}));
        told.direct = await quiet(() => new Worker(url));
        told.worklet = await quiet(async () => {{ const c = new AudioContext(); await c.audioWorklet.addModule(url); }});
        told.paint = await quiet(() => CSS.paintWorklet.addModule(url));
        told.wasm = await quiet(() => WebAssembly.compileStreaming(fetch(url)));
        told.json = await quiet(() => import(url, {{with: {{type: 'json'}}}}));
        told.later = await quiet(() => fetchLater(url, {{activateAfter: 0}}));
        told.stream = await quiet(() => new WebSocketStream(url.replace('http', 'ws')).opened);
        told.identity = await quiet(() => navigator.credentials.get({{identity: {{providers: [{{configURL: url.replace('http:', 'https:'), clientId: 'x'}}]}}}}));
        told.pay = await quiet(() => new PaymentRequest([{{supportedMethods: url.replace('http:', 'https:')}}], {{total: {{label: 'x', amount: {{currency: 'EUR', value: '1'}}}}}}).canMakePayment());
        told.media = await quiet(() => {{ navigator.mediaSession.metadata = new MediaMetadata({{title: 'x', artwork: [{{src: url}}]}}); }});
        told.notice = await quiet(() => new Notification('x', {{icon: url, image: url, badge: url}}));
        told.socket = await quiet(() => new TCPSocket('127.0.0.1', {inner.port}).opened);
        told.udp = await quiet(() => new UDPSocket({{remoteAddress: '127.0.0.1', remotePort: {inner.port}}}).opened);
        told.share = await quiet(() => sharedStorage.worklet.addModule(url));
        told.bundle = await quiet(() => {{ const s = document.createElement('script'); s.type = 'webbundle'; s.textContent = JSON.stringify({{source: url, resources: [url + '/a']}}); document.head.append(s); }});
        told.rules = await quiet(() => {{ const s = document.createElement('script'); s.type = 'speculationrules'; s.textContent = JSON.stringify({{prefetch: [{{source: 'list', urls: [url]}}], prerender: [{{source: 'list', urls: [url]}}]}}); document.head.append(s); }});
        told.map = await quiet(() => {{ const s = document.createElement('script'); s.type = 'importmap'; s.textContent = JSON.stringify({{imports: {{odd: url}}}}); document.head.append(s); return import('odd'); }});
        const xml = new DOMParser().parseFromString(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e SYSTEM "${{url}}">]><?xml-stylesheet type="text/xsl" href="${{url}}"?><a>&e;</a>`, 'text/xml');
        told.xml = await quiet(() => {{ document.body.append(document.importNode(xml.documentElement, true)); }});
        told.xslt = await quiet(() => {{ const p = new XSLTProcessor(); const s = new DOMParser().parseFromString(`<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:import href="${{url}}"/><xsl:template match="/"><xsl:copy-of select="document('${{url}}')"/></xsl:template></xsl:stylesheet>`, 'text/xml'); p.importStylesheet(s); return p.transformToDocument(xml); }});
        const peer = new RTCPeerConnection({{iceServers: [{{urls: 'turn:{place}?transport=tcp', username: 'a', credential: 'b'}}, {{urls: 'turns:{place}?transport=tcp', username: 'a', credential: 'b'}}], iceTransportPolicy: 'relay'}});
        peer.createDataChannel('x');
        told.turn = await quiet(async () => {{ await peer.setLocalDescription(await peer.createOffer()); await new Promise(done => {{ peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done(1); }}); }});
        peer.close();
        return told;
        """)
    for name in ("worker", "nested", "shared"):
        # A request that nobody may read is answered by the proxy's refusal; everything else fails.
        ended = told[name].split(",")
        del ended[1:2]
        assert "fulfilled" not in ended, told
    for name in ("socket", "udp", "wasm", "json", "stream", "map"):
        assert told[name].startswith("no:"), told


SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.1", "0X7F.0.0.1", "017700000001", "0177.0.0.1", "127.0.0.01", "127.0.0.1.", "127.1.",
    "localhost", "LOCALHOST", "localhost.", "LocalHost.", "x.localhost", "site.localhost.localhost", "0.0.0.0", "0", "0x0", "127%2e0%2e0%2e1", "%31%32%37.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①",
    "ｌｏｃａｌｈｏｓｔ", "loc\u00adalhost", "xn--lcalhost-y9a", "user@127.0.0.1", "site.localhost@127.0.0.1", "site.localhost:80@127.0.0.1", "site.localhost%40@127.0.0.1",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[2002:7f00:1::1]", "[2001:0:7f00:1::]", "[fe80::5efe:7f00:1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[::1%25lo]", "[fec0::1]", "[fd00::1]",
]


def test_no_spelling_works_below_a_page(control, tab, inner):
    """Fetch, sockets and frames, by every name that a browser takes for this host."""
    told = {}
    for first in range(0, len(SPELLINGS), 6):
        told |= run(control, tab, f"""
        const told = {{}};
        await Promise.all({json.dumps(SPELLINGS[first:first + 6])}.map(async host => {{
            const place = host + ':{inner.port}';
            told[host] = await Promise.all([
                quiet(() => fetch('http://' + place + '/a', {{mode: 'no-cors'}}).then(() => 'came')), quiet(() => fetch('https://' + place + '/b', {{mode: 'no-cors'}}).then(() => 'came')),
                quiet(() => new Promise((yes, no) => {{ const s = new WebSocket('ws://' + place + '/c'); s.onopen = () => yes('came'); s.onclose = () => no('closed'); }})),
            ]);
            const frame = document.createElement('iframe'); frame.src = 'http://' + place + '/d'; document.body.append(frame);
        }}));
        return told;
        """)
    assert len(told) == len(SPELLINGS)
    for host, ways in told.items():
        # A refusal of the proxy is an answer that nobody can read; it is no visit.
        assert ways[1] != "came" and ways[2] != "came", (host, ways)


LOCATIONS = [
    "http://127.0.0.1:{port}/l", "//127.0.0.1:{port}/l", "\\\\127.0.0.1:{port}\\l", "http:\\\\127.0.0.1:{port}/l", "http:127.0.0.1:{port}/l", "http:/127.0.0.1:{port}/l", "HTTP://127.1:{port}/l",
    "http://site.localhost@127.0.0.1:{port}/l", "https://127.0.0.1:{port}/l", "ws://127.0.0.1:{port}/l", "ftp://127.0.0.1:{port}/l", "file:///etc/passwd", "file://127.0.0.1/etc/passwd",
    "view-source:http://127.0.0.1:{port}/l", "blob:http://127.0.0.1:{port}/l", "filesystem:http://127.0.0.1:{port}/temporary/l", "javascript:fetch('http://127.0.0.1:{port}/l')", "about:srcdoc",
    "data:text/html,<img src=http://127.0.0.1:{port}/l>", "chrome://version/", "chrome-error://chromewebdata/", "devtools://devtools/", "intent://127.0.0.1:{port}/#Intent;scheme=http;end",
    "gopher://127.0.0.1:{port}/", "mailto:x@127.0.0.1", "http://[::ffff:127.0.0.1]:{port}/l", "http://2130706433:{port}/l", "http://0:{port}/l", " http://127.0.0.1:{port}/l", "\thttp://127.0.0.1:{port}/l",
]


def test_no_answer_leads_inside(control, tab, site, inner):
    """`Location` and `Refresh` of documents, of frames and of what a page loads, over TLS and in clear text."""
    def location(seen):
        return Answer("", 302, {"Location": LOCATIONS[int(seen.query["n"])].format(port=inner.port)})

    def refresh(seen):
        where = LOCATIONS[int(seen.query["n"])].format(port=inner.port)
        return Answer("<p>x", 200, {"Refresh": ["0;url=", "0; URL='", "0,"][int(seen.query["n"]) % 3] + where})
    site.route("/location", location)
    site.route("/refresh", refresh)
    for number, where in enumerate(LOCATIONS):
        for url in (site.url(f"/location?n={number}", host=OUTSIDE), site.https_url(f"/location?n={number}", host=OUTSIDE), site.url(f"/refresh?n={number}", host=OUTSIDE)):
            reply = control.request("POST", "/navigate", {"url": url, "targetId": tab, "ignoreHTTPSErrors": True})
            if reply.status < 400:
                # The page may be on its way elsewhere just then, and have no document.
                shown = str(control.request("POST", "/act", {"kind": "evaluate", "fn": "() => document.documentElement.innerText", "targetId": tab}).body)
                assert "root:" not in shown and "Chromium" not in shown, (where, shown)
            here = next(one["url"] for one in control.tabs() if one["targetId"] == tab)
            # Under an inner address the tab shows the proxy's words or the browser's own; the port itself has heard nothing, as is seen in the end.
            assert not here.startswith(("file:", "chrome:", "view-source:", "devtools:")), (where, here)
    control.navigate(site.url("/index.html", host=OUTSIDE), tab)
    run(control, tab, f"""
        for (let n = 0; n < {len(LOCATIONS)}; n++) {{
            await quiet(() => fetch('/location?n=' + n, {{mode: 'no-cors'}}));
            await quiet(() => new Worker('/location?n=' + n));
            await Promise.all([made(`<iframe src='/location?n=${{n}}'></iframe>`), made(`<img src='/location?n=${{n}}'>`), made(`<iframe src='/refresh?n=${{n}}'></iframe>`)]);
        }}
        """)


def test_reports_and_hints_go_nowhere(control, tab, site, inner):
    """What servers ask a browser to send or to open by itself: reports, hints, logs of errors."""
    url = inner.url("/report")
    secure = inner.url("/report", scheme="https")
    headers = {
        "Content-Security-Policy": f"img-src 'none'; report-uri {url} {secure}; report-to one", "Content-Security-Policy-Report-Only": f"script-src 'none'; report-uri {url}; report-to one",
        "Reporting-Endpoints": f'one="{secure}", default="{secure}"', "Report-To": json.dumps({"group": "one", "max_age": 9, "endpoints": [{"url": secure}, {"url": url}]}),
        "NEL": json.dumps({"report_to": "one", "max_age": 9, "success_fraction": 1.0, "failure_fraction": 1.0}), "Expect-CT": f'report-uri="{url}", max-age=9',
        "Link": f"<{url}>; rel=preload; as=image, <{url}>; rel=preconnect, <{url}>; rel=dns-prefetch, <{url}>; rel=stylesheet, <{url}>; rel=prefetch",
        "Speculation-Rules": f'"{url}"', "Alt-Svc": f'h3="127.0.0.1:{inner.port}", h2="127.0.0.1:{inner.port}"', "Attribution-Reporting-Register-Source": json.dumps({"destination": secure}),
        "Cross-Origin-Opener-Policy-Report-Only": 'same-origin; report-to="one"', "Permissions-Policy-Report-Only": "geolocation=();report-to=one", "SourceMap": url,
        "Document-Policy": "force-load-at-top", "Clear-Site-Data": '"cache"', "Onion-Location": url, "Set-Login": "logged-in",
    }
    page = f"<!doctype html><title>r</title><img src=/x.png><script>/* x */ //# sourceMappingURL={url}\n</script><iframe src=/index.html></iframe>"
    site.page("/reporting", page, headers=headers)
    for address in (site.url("/reporting", host=OUTSIDE), site.https_url("/reporting", host=OUTSIDE)):
        control.request("POST", "/navigate", {"url": address, "targetId": tab, "ignoreHTTPSErrors": True})
        control.request("POST", "/navigate", {"url": address.replace("/reporting", "/index.html"), "targetId": tab, "ignoreHTTPSErrors": True})


def test_nothing_is_sent_when_a_page_ends(control, tab, site, inner):
    url = json.dumps(inner.url("/end"))
    page = f"""<!doctype html><title>ends</title><a id=a href=/index.html ping={url}>x</a><script>
        for (const name of ['pagehide', 'unload', 'beforeunload', 'visibilitychange']) addEventListener(name, () => {{
            navigator.sendBeacon({url} + '?' + name, 'x'); fetch({url}, {{method: 'POST', mode: 'no-cors', keepalive: true, body: name}}); fetch({url}, {{keepalive: true}}).catch(() => 0);
            new Image().src = {url}; const x = new XMLHttpRequest(); try {{ x.open('POST', {url}, false); x.send('x'); }} catch (e) {{}}
            try {{ fetchLater({url}); }} catch (e) {{}}
        }});</script>"""
    site.page("/ending", page)
    control.navigate(site.url("/ending", host=OUTSIDE), tab)
    control.evaluate("() => { document.getElementById('a').click(); }", targetId=tab)
    control.wait(url="**/index.html", targetId=tab)
    control.navigate(site.url("/ending", host=OUTSIDE), tab)
    control.close_tab(control.open(site.url("/ending", host=OUTSIDE)))


def test_workers_that_outlive_their_page(control, tab, site, inner):
    """A service worker with navigation preload, an answer from inside for a navigation, caches and background work."""
    url = json.dumps(inner.url("/sw"))
    site.route("/far/sw.js", lambda seen: Answer(f"""
        const url = {url};
        addEventListener('install', event => {{ skipWaiting(); event.waitUntil(Promise.allSettled([caches.open('x').then(c => c.addAll([url])), caches.open('x').then(c => c.add(new Request(url, {{mode: 'no-cors'}}))), fetch(url)])); }});
        addEventListener('activate', event => event.waitUntil(Promise.all([registration.navigationPreload.enable(), clients.claim()])));
        addEventListener('fetch', event => {{
            const path = new URL(event.request.url).pathname;
            if (path === '/far/inside') event.respondWith(fetch(url, {{mode: 'no-cors'}}));
            if (path === '/far/go') event.respondWith(Response.redirect(url));
            if (path === '/far/preload') event.respondWith((async () => (await event.preloadResponse) || fetch(event.request))());
        }});""", type="text/javascript"))
    site.page("/far/", "<!doctype html><title>far</title><p id=state>none</p><script>navigator.serviceWorker.register('/far/sw.js').then(() => navigator.serviceWorker.ready)"
              ".then(() => { document.getElementById('state').textContent = 'ready'; })</script>")
    site.route("/far/preload", lambda seen: Answer("", 302, {"Location": inner.url("/preload")}))
    control.navigate(site.url("/far/", host=OUTSIDE), tab)
    control.wait(text="ready", targetId=tab)
    told = run(control, tab, f"""
        const told = [];
        const r = await navigator.serviceWorker.ready;
        told.push(await quiet(() => r.backgroundFetch.fetch('x', [{url}])), await quiet(() => r.showNotification('x', {{icon: {url}, image: {url}}})), await quiet(() => navigator.serviceWorker.register({url})));
        for (const path of ['inside', 'go', 'preload']) {{ told.push(await quiet(() => fetch('/far/' + path))); await made(`<iframe src='/far/${{path}}'></iframe>`); }}
        return told;
        """)
    assert "200" not in told
    for path in ("inside", "go", "preload"):
        reply = control.request("POST", "/navigate", {"url": site.url(f"/far/{path}", host=OUTSIDE), "targetId": tab})
        assert reply.status >= 400, (path, reply.body)
    control.navigate(site.url("/far/", host=OUTSIDE), tab)
    control.evaluate("async () => { for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister(); }", targetId=tab)


def test_documents_of_other_kinds(control, tab, site, inner):
    """PDF, SVG, XML and feeds that name the inner port."""
    url = inner.url("/document")
    site.route("/d.pdf", lambda seen: Answer(PDF.replace(b"INNER", url.encode()), type="application/pdf"))
    site.route("/d.svg", lambda seen: Answer(f'<?xml-stylesheet href="{url}"?><svg xmlns="http://www.w3.org/2000/svg"><image href="{url}" width="9" height="9"/><script href="{url}"/>'
                                             f'<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="{url}"/></foreignObject></svg>', type="image/svg+xml"))
    site.route("/d.xml", lambda seen: Answer(f'<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="{url}"?><!DOCTYPE a SYSTEM "{url}" [<!ENTITY e SYSTEM "{url}"><!ENTITY % p SYSTEM "{url}">%p;]>'
                                             '<a>&e;</a>', type="text/xml"))
    site.route("/d.mhtml", lambda seen: Answer(f"MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<img src='{url}'>", type="multipart/related"))
    site.route("/d.m3u8", lambda seen: Answer(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n", type="application/vnd.apple.mpegurl"))
    site.route("/d.webmanifest", lambda seen: Answer({"name": "x", "start_url": url, "icons": [{"src": url, "sizes": "192x192"}], "screenshots": [{"src": url}]}, type="application/manifest+json"))
    for name in ("d.svg", "d.xml", "d.mhtml", "d.pdf"):
        control.request("POST", "/navigate", {"url": site.url("/" + name, host=OUTSIDE), "targetId": tab, "timeoutMs": 10_000})
    control.navigate(site.url("/index.html", host=OUTSIDE), tab)
    run(control, tab, """
        for (const html of ['<iframe src=/d.pdf></iframe>', '<embed src=/d.pdf>', '<object data=/d.pdf></object>', '<iframe src=/d.svg></iframe>', '<img src=/d.svg>', '<iframe src=/d.xml></iframe>',
                            '<video autoplay muted src=/d.m3u8></video>', '<link rel=manifest href=/d.webmanifest>']) await made(html);
        """)
