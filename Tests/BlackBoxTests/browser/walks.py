"""A walk for every route of the control service and for every command below `jarvis browser`: each does it on a real page and looks after whether it was done.

A new route or command without a walk is a failure of test_coverage.py.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

from support.browser import Control
from support.gateway import Gateway
from support.pages import PASSWORD, USER, PageServer
from support.ports import wait_until

ROUTES: dict[str, object] = {}
COMMANDS: dict[str, object] = {}


def route(*names: str):
    """This function walks these routes, spelled as in the reference: `POST /tabs/open`."""
    def register(function):
        ROUTES.update({name: function for name in names})
        return function
    return register


def command(*names: str):
    """This function walks these commands: `tab new`."""
    def register(function):
        COMMANDS.update({name: function for name in names})
        return function
    return register


class Walk:
    """What a walk works with: the service, the command line, the site, and a tab with a page in it."""

    def __init__(self, gateway: Gateway, control: Control, site: PageServer):
        self.gateway, self.control, self.site = gateway, control, site
        self.ran: list[tuple[str, int]] = []
        self.tab: str | None = None

    def do(self, function) -> None:
        """One walk. A tab in which it went wrong is not used again."""
        try:
            function(self)
        except BaseException:
            if self.tab:
                self.control.request("DELETE", f"/tabs/{self.tab}")
                self.tab = None
            raise

    # ---- pages

    def page(self, path: str = "/form.html") -> str:
        """The page in the walk's tab, fresh; its targetId."""
        url = self.site.url(path)
        if self.tab is None or self.tab not in [tab["targetId"] for tab in self.control.tabs()]:
            self.tab = self.control.open(url)
        else:
            self.control.navigate(url, self.tab)
        self.control.post("/tabs/focus", targetId=self.tab)
        return self.tab

    def here(self, function: str):
        """The value of a function in the walk's tab."""
        return self.control.evaluate(function, targetId=self.tab)

    def value(self, name: str) -> str:
        return self.here(f"() => document.querySelector('[name={name}]').value")

    def ref(self, role: str, name: str | None = None) -> str:
        return self.control.ref(role, name, targetId=self.tab)

    def upload_file(self, name: str = "walk.txt", content: str = "from the walk") -> Path:
        """A file that pages may be given."""
        path = self.gateway.state / "browser/uploads" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(content)
        return path

    # ---- the command line

    def cli(self, *words: str, ok: bool = True, timeout: float = 60, **options) -> str:
        """Runs `jarvis browser WORDS`; its standard output."""
        result = self.gateway.cli("browser", *words, timeout=timeout, **options)
        self.ran.append((" ".join(words), result.returncode))
        if ok:
            assert result.returncode == 0, f"jarvis browser {' '.join(words)}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def cli_json(self, *words: str, **options):
        return json.loads(self.cli(*words, "--json", **options))


def picture(path: str) -> bytes:
    """The first bytes of a file that the service says it made."""
    file = Path(path)
    assert file.is_file() and file.stat().st_mode & 0o077 == 0, path
    return file.read_bytes()[:8]


PNG, JPEG, PDF = b"\x89PNG", b"\xff\xd8\xff", b"%PDF"


# ---- life and profiles

@route("GET /")
def status(w: Walk):
    w.page()
    told = w.control.get("/")
    assert told["running"] and told["enabled"] and told["profile"] == "jarvis" and told["pid"] > 1
    assert told["userDataDir"].startswith(str(w.gateway.state))


@route("POST /start", "POST /stop")
def start_and_stop(w: Walk):
    other = w.control.of("second")
    assert other.post("/start")["profile"] == "second"
    assert other.get("/")["running"]
    assert other.post("/start")["ok"], "a second start is no error"
    assert other.post("/stop")["stopped"]
    assert not other.get("/")["running"]


@route("POST /reset-profile")
def reset(w: Walk):
    other = w.control.of("second")
    other.post("/start")
    other.post("/stop")
    data = Path(other.get("/")["userDataDir"])
    assert data.exists()
    told = other.post("/reset-profile")
    assert told["moved"] and not data.exists() and Path(told["to"]).exists()


@route("GET /profiles")
def profiles(w: Walk):
    found = {one["name"]: one for one in w.control.get("/profiles")["profiles"]}
    assert found["jarvis"]["isDefault"] and not found["second"]["isRemote"]


@route("POST /profiles/create", "DELETE /profiles/:name")
def create_and_delete(w: Walk):
    made = w.control.post("/profiles/create", name="made", color="#0066CC")
    assert made["profile"] == "made" and made["color"] == "#0066CC"
    assert "made" in w.gateway.home.read_config()["browser"]["profiles"]
    wait_until(lambda: w.control.request("GET", "/", query={"profile": "made"}).status == 200, 10, "the profile is there")
    assert w.control.delete("/profiles/made")["deleted"] is not None
    assert "made" not in w.gateway.home.read_config()["browser"].get("profiles", {})


# ---- tabs

@route("GET /tabs", "POST /tabs/open", "POST /tabs/focus", "DELETE /tabs/:targetId")
def tabs(w: Walk):
    target = w.control.open(w.site.url("/index.html"))
    assert w.site.url("/index.html") in [tab["url"] for tab in w.control.tabs()]
    w.control.post("/tabs/focus", targetId=target[:12])
    w.control.close_tab(target)
    assert target not in [tab["targetId"] for tab in w.control.tabs()]


@route("POST /tabs/action")
def tab_action(w: Walk):
    w.page()
    before = len(w.control.post("/tabs/action", action="list")["tabs"])
    w.control.post("/tabs/action", action="new")
    assert len(w.control.tabs()) == before + 1
    w.control.post("/tabs/action", action="select", index=0)
    w.control.post("/tabs/action", action="close", index=before)
    assert len(w.control.tabs()) == before


@route("POST /navigate")
def navigate(w: Walk):
    w.page()
    assert w.control.navigate(w.site.url("/index.html"), w.tab)["url"] == w.site.url("/index.html")
    assert w.here("() => document.title") == "The site"


# ---- looking

@route("GET /snapshot")
def snapshot(w: Walk):
    w.page()
    ai = w.control.snapshot(targetId=w.tab)
    assert ai["format"] == "ai" and "A form" in ai.text and ai.refs_of("button", "Send")
    aria = w.control.snapshot(targetId=w.tab, format="aria", limit=50)
    assert "button" in {node["role"] for node in aria["nodes"]}


@route("POST /screenshot")
def screenshot(w: Walk):
    w.page()
    assert picture(w.control.post("/screenshot", targetId=w.tab)["path"]).startswith(PNG)
    assert picture(w.control.post("/screenshot", targetId=w.tab, type="jpeg", fullPage=True)["path"]).startswith(JPEG)


@route("GET /view")
def view(w: Walk):
    w.page()
    told = w.control.get("/view", targetId=w.tab, maxWidth=320)
    assert told["targetId"] == w.tab and base64.b64decode(told["base64"]).startswith(JPEG) and told["width"] <= 320


@route("POST /pdf")
def pdf(w: Walk):
    w.page()
    assert picture(w.control.post("/pdf", targetId=w.tab)["path"]).startswith(PDF)


@route("POST /highlight")
def highlight(w: Walk):
    w.page()
    w.control.post("/highlight", ref=w.ref("button", "Send"), targetId=w.tab)


@route("GET /console")
def console(w: Walk):
    w.page()
    wait_until(lambda: "form ready" in [m["text"] for m in w.control.get("/console", targetId=w.tab)["messages"]], 10, "the page's message")


@route("GET /errors")
def errors(w: Walk):
    w.page(w.site.page("/broken.html", "<title>broken</title><script>thisIsNotDefined()</script>") and "/broken.html")
    wait_until(lambda: "thisIsNotDefined" in json.dumps(w.control.get("/errors", targetId=w.tab)["errors"]), 10, "the page's error")


@route("GET /requests")
def requests(w: Walk):
    w.page()
    w.here("() => fetch('/echo?walk=1').then(r => r.text())")
    found = w.control.get("/requests", targetId=w.tab, filter="walk=1")["requests"]
    assert [one["url"] for one in found] == [w.site.url("/echo?walk=1")]


ASKING = "() => { clearInterval(window.asking); window.asking = setInterval(() => fetch('/echo?body=1').then(r => r.text()), 200); return 1; }"


@route("POST /response/body")
def response_body(w: Walk):
    w.page()
    w.here(ASKING)
    told = w.control.post("/response/body", url="**/echo?body=1", targetId=w.tab, timeoutMs=20_000)["response"]
    assert told["status"] == 200 and json.loads(told["body"])["query"] == {"body": "1"}


# ---- doing

@route("POST /act")
def act(w: Walk):
    w.page()
    w.control.act("type", ref=w.ref("textbox", "Name"), text="Ada", targetId=w.tab)
    w.control.act("click", ref=w.ref("button", "Count"), targetId=w.tab)
    assert (w.value("name"), w.here("() => document.getElementById('times').textContent")) == ("Ada", "1")


ASK_LATER = "() => { setTimeout(() => { window.said = String(prompt('who?', 'x')); }, 100); return 1; }"


@route("POST /hooks/dialog")
def dialog(w: Walk):
    w.page()
    w.here(ASK_LATER)
    w.control.post("/hooks/dialog", accept=True, promptText="Grace", targetId=w.tab)
    wait_until(lambda: w.here("() => window.said") == "Grace", 10, "the dialog was answered")


@route("POST /hooks/file-chooser")
def file_chooser(w: Walk):
    w.page()
    file = w.upload_file()
    w.control.post("/hooks/file-chooser", paths=[str(file)], element="input[type=file]", targetId=w.tab)
    assert w.here("() => [...document.querySelector('[type=file]').files].map(f => f.name + f.size)") == ["walk.txt13"]


@route("POST /download")
def download(w: Walk):
    w.page()
    told = w.control.post("/download", ref=w.ref("link", "Download"), path="walk.bin", targetId=w.tab)["download"]
    assert told["suggestedFilename"] == "report.bin" and Path(told["path"]).stat().st_size == 4096
    assert Path(told["path"]).is_relative_to(w.gateway.state / "browser/downloads")


LOAD_LATER = "() => { setTimeout(() => document.getElementById('download').click(), 500); return 1; }"


@route("POST /wait/download")
def wait_download(w: Walk):
    w.page()
    w.here(LOAD_LATER)
    told = w.control.post("/wait/download", path="waited.bin", targetId=w.tab, timeoutMs=20_000)["download"]
    assert Path(told["path"]).stat().st_size == 4096


# ---- state

@route("GET /cookies", "POST /cookies/set", "POST /cookies/clear")
def cookies(w: Walk):
    w.page()
    w.control.post("/cookies/set", cookie={"name": "walk", "value": "on", "url": w.site.url("/")}, targetId=w.tab)
    assert {"walk": "on"}.items() <= {c["name"]: c["value"] for c in w.control.get("/cookies", targetId=w.tab)["cookies"]}.items()
    assert "walk=on" in w.here("() => document.cookie")
    w.control.post("/cookies/clear", targetId=w.tab)
    assert w.here("() => document.cookie") == ""


@route("GET /storage/:kind", "POST /storage/:kind/set", "POST /storage/:kind/clear")
def storage(w: Walk):
    w.page()
    for kind in ("local", "session"):
        w.control.post(f"/storage/{kind}/set", key="walk", value="on", targetId=w.tab)
        assert w.here(f"() => {kind}Storage.getItem('walk')") == "on"
        assert w.control.get(f"/storage/{kind}", key="walk", targetId=w.tab)["values"] == {"walk": "on"}
        w.control.post(f"/storage/{kind}/clear", targetId=w.tab)
        assert w.control.get(f"/storage/{kind}", targetId=w.tab)["values"] == {}


@route("POST /set/offline")
def offline(w: Walk):
    w.page()
    w.control.post("/set/offline", offline=True, targetId=w.tab)
    assert w.here("() => fetch('/echo').then(() => 'on', () => 'off')") == "off"
    w.control.post("/set/offline", offline=False, targetId=w.tab)
    assert w.here("() => fetch('/echo').then(() => 'on', () => 'off')") == "on"


@route("POST /set/headers")
def headers(w: Walk):
    w.page()
    w.control.post("/set/headers", headers={"X-Walk": "on"}, targetId=w.tab)
    w.page("/echo?headers=1")
    assert w.site.seen("/echo")[-1].headers["x-walk"] == "on"
    w.control.post("/set/headers", headers={}, targetId=w.tab)


@route("POST /set/credentials")
def credentials(w: Walk):
    w.page()
    w.control.post("/set/credentials", username=USER, password=PASSWORD, targetId=w.tab)
    w.page("/auth")
    assert w.here("() => document.title") == "inside"
    w.control.post("/set/credentials", clear=True, targetId=w.tab)


WHERE = "() => new Promise(done => navigator.geolocation.getCurrentPosition(p => done([p.coords.latitude, p.coords.longitude]), e => done(e.message)))"


@route("POST /set/geolocation")
def geolocation(w: Walk):
    w.page()
    w.control.post("/set/geolocation", latitude=48.5, longitude=-11.5, origin=w.site.url("").rstrip("/"), targetId=w.tab)
    assert w.here(WHERE) == [48.5, -11.5]
    w.control.post("/set/geolocation", clear=True, targetId=w.tab)


@route("POST /set/media")
def media(w: Walk):
    w.page()
    w.control.post("/set/media", colorScheme="dark", targetId=w.tab)
    assert w.here("() => matchMedia('(prefers-color-scheme: dark)').matches")
    w.control.post("/set/media", colorScheme="none", targetId=w.tab)


@route("POST /set/timezone")
def timezone(w: Walk):
    w.page()
    w.control.post("/set/timezone", timezoneId="Asia/Tokyo", targetId=w.tab)
    assert w.here("() => Intl.DateTimeFormat().resolvedOptions().timeZone") == "Asia/Tokyo"


@route("POST /set/locale")
def locale(w: Walk):
    w.page()
    w.control.post("/set/locale", locale="de-DE", targetId=w.tab)
    assert w.here("() => (1234.5).toLocaleString()") == "1.234,5"


@route("POST /set/device")
def device(w: Walk):
    target = w.control.open(w.site.url("/index.html"))
    w.control.post("/set/device", name="iPhone 14", targetId=target)
    w.control.navigate(w.site.url("/form.html"), target)
    assert "iPhone" in w.control.evaluate("() => navigator.userAgent", targetId=target)
    w.control.close_tab(target)


@route("POST /trace/start", "POST /trace/stop")
def trace(w: Walk):
    w.page()
    w.control.post("/trace/start", targetId=w.tab)
    w.page("/index.html")
    path = Path(w.control.post("/trace/stop", targetId=w.tab)["path"])
    assert path.stat().st_size > 100 and path.is_relative_to(w.gateway.state / "browser")


# ---- commands

@command("status")
def c_status(w: Walk):
    w.page()
    said = dict(line.split(": ", 1) for line in w.cli("status").splitlines())
    told = w.control.get("/")
    assert list(said)[:9] == ["profile", "enabled", "running", "cdpPort", "cdpUrl", "browser", "detectedBrowser", "detectedPath", "profileColor"]
    assert (said["profile"], said["enabled"], said["running"]) == ("jarvis", "true", "true")
    assert said["cdpPort"] == str(told["cdpPort"]) and said["profileColor"] == told["color"] and said["detectedPath"] == told["detectedExecutablePath"]
    assert w.cli_json("status")["pid"] == told["pid"]


@command("start", "stop", "reset-profile")
def c_life(w: Walk):
    assert "second" in w.cli("--browser-profile", "second", "start", timeout=90)
    assert w.cli_json("--browser-profile", "second", "status")["running"]
    assert "stopped" in w.cli("--browser-profile", "second", "stop")
    assert "did not run" in w.cli("stop", "--browser-profile", "second")
    assert "Moved" in w.cli("--browser-profile", "second", "reset-profile")


@command("profiles", "create-profile", "delete-profile")
def c_profiles(w: Walk):
    assert "by-cli" in w.cli("create-profile", "--name", "by-cli", "--color", "#9933FF")
    wait_until(lambda: "by-cli" in w.cli("profiles"), 10, "the profile is listed")
    assert "by-cli" in w.cli("delete-profile", "--name", "by-cli")
    wait_until(lambda: "by-cli" not in w.cli("profiles"), 10, "the profile is gone")


@command("tabs", "tab list", "tab new", "tab select", "tab close", "open", "focus", "close", "navigate")
def c_tabs(w: Walk):
    w.page()
    target, url = w.cli("open", w.site.url("/index.html")).split()
    assert url == w.site.url("/index.html") and target[:8] in w.cli("tabs")
    w.cli("focus", target[:10])
    assert w.site.url("/form.html?cli") in w.cli("navigate", w.site.url("/form.html?cli"), "--target-id", target)
    assert target in w.cli("tab")
    places = [tab["targetId"] for tab in w.cli_json("tab", "list")["tabs"]]
    w.cli("tab", "select", str(places.index(target) + 1))
    before = len(places)
    w.cli("tab", "new")
    assert len(w.control.tabs()) == before + 1
    w.cli("tab", "close", str(before + 1))
    assert len(w.control.tabs()) == before
    assert w.cli("close", target).strip() == "closed"
    assert target not in [tab["targetId"] for tab in w.control.tabs()]


@command("snapshot")
def c_snapshot(w: Walk):
    w.page()
    text = w.cli("snapshot", "--target-id", w.tab)
    assert "A form" in text and re.search(r'button "Send".*\[ref=', text)
    assert len(w.cli("snapshot", "--efficient", "--target-id", w.tab)) < len(text)
    assert 'button "Send"' in w.cli("snapshot", "--format", "aria", "--target-id", w.tab)
    labelled = w.cli("snapshot", "--labels", "--target-id", w.tab)
    assert picture(re.search(r"^picture: (.+)$", labelled, re.M).group(1))


@command("screenshot", "pdf", "highlight")
def c_pictures(w: Walk):
    w.page()
    assert picture(w.cli("screenshot", w.tab).strip()).startswith(PNG)
    assert picture(w.cli("screenshot", w.tab, "--ref", w.ref("button", "Send"), "--type", "jpeg").strip()).startswith(JPEG)
    assert picture(w.cli("pdf", "--target-id", w.tab).strip()).startswith(PDF)
    w.cli("highlight", w.ref("button", "Send"), "--target-id", w.tab)


@command("click", "type", "press", "hover", "scrollintoview", "select", "fill")
def c_act(w: Walk):
    w.page()
    tab = ("--target-id", w.tab)
    w.cli("click", w.ref("button", "Count"), *tab)
    w.cli("click", w.ref("button", "Count"), "--double", *tab)
    assert w.here("() => document.getElementById('times').textContent") == "3"
    w.cli("type", w.ref("textbox", "Name"), *tab, "--", "-Ada")
    assert w.value("name") == "-Ada"
    w.cli("press", "Backspace", *tab)
    assert w.value("name") == "-Ad"
    w.cli("hover", w.ref("button", "Send"), *tab)
    assert w.here("() => document.querySelector('button').matches(':hover')")
    w.cli("scrollintoview", w.ref("button", "Ask"), *tab)
    w.cli("select", w.ref("combobox", "Colour"), "Green", *tab)
    assert w.value("colour") == "g"
    fields = [{"ref": w.ref("textbox", "Notes"), "type": "text", "value": "by file"}]
    w.cli("fill", "--fields", json.dumps(fields), *tab)
    assert w.value("notes") == "by file"
    file = w.gateway.home.root / "fields.json"
    file.write_text(json.dumps([{**fields[0], "ref": w.ref("textbox", "Notes"), "value": "again"}]))
    w.cli("fill", "--fields-file", str(file), *tab)
    assert w.value("notes") == "again"


DRAG_PAGE = """<!doctype html><title>drag</title><style>button{width:90px;height:50px}</style>
<button id=a>From</button><p><button id=b>To</button><script>
const log = []; const a = document.getElementById('a'), b = document.getElementById('b');
a.addEventListener('pointerdown', () => log.push('down')); b.addEventListener('pointerup', () => log.push('up'));
window.log = log;</script>"""


@command("drag")
def c_drag(w: Walk):
    w.site.page("/drag.html", DRAG_PAGE)
    w.page("/drag.html")
    shot = w.control.snapshot(targetId=w.tab)
    w.cli("drag", shot.ref("button", "From"), shot.ref("button", "To"), "--target-id", w.tab)
    assert w.here("() => window.log") == ["down", "up"]


@command("resize", "set viewport")
def c_resize(w: Walk):
    w.page()
    w.cli("resize", "640", "480", "--target-id", w.tab)
    assert w.here("() => [innerWidth, innerHeight]") == [640, 480]
    w.cli("set", "viewport", "1000", "700", "--target-id", w.tab)
    assert w.here("() => [innerWidth, innerHeight]") == [1000, 700]


@command("wait", "evaluate")
def c_wait(w: Walk):
    w.page()
    tab = ("--target-id", w.tab)
    w.here("() => { setTimeout(() => { const p = document.createElement('p'); p.id = 'late'; p.textContent = 'Late text'; document.body.append(p); }, 300); return 1; }")
    w.cli("wait", "--text", "Late text", *tab)
    w.cli("wait", "#late", *tab)
    w.cli("wait", "--url", "**/form.html", "--load", "load", *tab)
    w.cli("wait", "--fn", "() => document.getElementById('late') !== null", *tab)
    w.cli("wait", "--time", "10", *tab)
    w.cli("wait", "--text-gone", "never there", *tab)
    assert json.loads(w.cli("evaluate", "--fn", "() => ({a: [1, 'ü']})", *tab)) == {"a": [1, "ü"]}
    assert json.loads(w.cli("evaluate", "--ref", w.ref("button", "Send"), "--fn", "el => el.textContent", *tab)) == "Send"


@command("upload")
def c_upload(w: Walk):
    w.page()
    w.cli("upload", str(w.upload_file("cli.txt")), "--element", "input[type=file]", "--target-id", w.tab)
    assert w.here("() => document.querySelector('[type=file]').files[0].name") == "cli.txt"


@command("dialog")
def c_dialog(w: Walk):
    w.page()
    w.here(ASK_LATER)
    w.cli("dialog", "--accept", "--prompt", "Hedy", "--target-id", w.tab)
    wait_until(lambda: w.here("() => window.said") == "Hedy", 10, "the dialog was answered")
    w.here(ASK_LATER)
    w.cli("dialog", "--dismiss", "--target-id", w.tab)
    wait_until(lambda: w.here("() => window.said") == "null", 10, "the dialog was dismissed")


@command("download", "waitfordownload")
def c_download(w: Walk):
    w.page()
    path = Path(w.cli("download", w.ref("link", "Download"), "cli.bin", "--target-id", w.tab).strip())
    assert path.stat().st_size == 4096
    w.here("() => { window.loads = setInterval(() => document.getElementById('download').click(), 1500); return 1; }")
    path = Path(w.cli("waitfordownload", "cli-waited.bin", "--timeout-ms", "20000", "--target-id", w.tab).strip())
    w.here("() => clearInterval(window.loads)")
    assert path.stat().st_size == 4096


@command("console", "errors", "requests", "responsebody")
def c_activity(w: Walk):
    w.site.page("/noisy.html", "<title>noisy</title><script>console.error('bad day'); thisIsNotDefined()</script>")
    w.page("/noisy.html")
    tab = ("--target-id", w.tab)
    wait_until(lambda: "bad day" in w.cli("console", "--level", "error", *tab), 10, "the console")
    assert "thisIsNotDefined" in w.cli("errors", "--clear", *tab)
    assert "No errors" in w.cli("errors", *tab)
    assert "/noisy.html" in w.cli("requests", "--filter", "noisy", *tab)
    w.here(ASKING)
    assert json.loads(w.cli("responsebody", "**/echo?body=1", "--timeout-ms", "20000", *tab))["query"] == {"body": "1"}


@command("cookies list", "cookies set", "cookies clear")
def c_cookies(w: Walk):
    w.page()
    tab = ("--target-id", w.tab)
    w.cli("cookies", "set", "cli", "yes", "--url", w.site.url("/"), *tab)
    assert re.search(r"^cli +yes", w.cli("cookies", *tab), re.M)
    assert w.cli("cookies", "list", *tab)
    w.cli("cookies", "clear", *tab)
    assert "No cookies" in w.cli("cookies", *tab)


@command(*(f"storage {kind} {word}" for kind in ("local", "session") for word in ("get", "set", "clear")))
def c_storage(w: Walk):
    w.page()
    tab = ("--target-id", w.tab)
    for kind in ("local", "session"):
        w.cli("storage", kind, "set", "walk", "on", *tab)
        assert w.cli("storage", kind, "get", *tab).strip() == "walk = on"
        assert w.cli("storage", kind, "get", "walk", *tab).strip() == "walk = on"
        w.cli("storage", kind, "clear", *tab)
        assert "Nothing" in w.cli("storage", kind, "get", *tab)


@command(*(f"set {word}" for word in ("offline", "headers", "credentials", "geo", "media", "timezone", "locale", "device")))
def c_set(w: Walk):
    target = w.page()
    tab = ("--target-id", target)
    w.cli("set", "offline", "on", *tab)
    assert w.here("() => navigator.onLine") is False
    w.cli("set", "offline", "off", *tab)
    w.cli("set", "headers", '{"X-Cli": "yes"}', *tab)
    w.page("/echo?cli=headers")
    assert w.site.seen("/echo")[-1].headers["x-cli"] == "yes"
    w.cli("set", "headers", "--headers-json", "{}", *tab)
    w.cli("set", "credentials", USER, *tab, input=PASSWORD + "\n")
    w.page("/auth?cli")
    assert w.here("() => document.title") == "inside"
    w.cli("set", "credentials", "--clear", *tab)
    w.page()
    w.cli("set", "geo", "-33.5", "151.25", "--origin", w.site.url("").rstrip("/"), *tab)
    assert w.here(WHERE) == [-33.5, 151.25]
    w.cli("set", "geo", "--clear", *tab)
    w.cli("set", "media", "dark", *tab)
    assert w.here("() => matchMedia('(prefers-color-scheme: dark)').matches")
    w.cli("set", "media", "none", *tab)
    w.cli("set", "timezone", "Asia/Tokyo", *tab)
    assert w.here("() => Intl.DateTimeFormat().resolvedOptions().timeZone") == "Asia/Tokyo"
    w.cli("set", "locale", "de-DE", *tab)
    assert w.here("() => (1234.5).toLocaleString()") == "1.234,5"
    w.cli("set", "device", "iPhone 14", *tab)
    w.page()
    assert "iPhone" in w.here("() => navigator.userAgent")
    w.control.close_tab(target)


@command("trace start", "trace stop")
def c_trace(w: Walk):
    w.page()
    assert "trace stop" in w.cli("trace", "start", "--sources", "--no-snapshots", "--target-id", w.tab)
    w.page("/index.html")
    path = Path(w.cli("trace", "stop", "--out", "cli-trace.json", "--target-id", w.tab).strip())
    assert path.name == "cli-trace.json" and path.stat().st_size > 100


@command("extension install", "extension path")
def c_extension(w: Walk):
    """There is none; both say so and what to use instead, as a failure."""
    for word in ("install", "path"):
        result = w.gateway.cli("browser", "extension", word)
        assert result.returncode == 1 and "existing-session" in result.stderr and not result.stdout
        w.ran.append((f"extension {word}", 0))
