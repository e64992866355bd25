"""What driving a browser costs: the gateway's control service beside Playwright doing the same with the same Chromium."""

from __future__ import annotations

import asyncio
import concurrent.futures
import http.client
import http.server
import json
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

import psutil

CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome"]
NODES = 5_000
FLAGS = ["--headless=new", "--disable-gpu", "--no-sandbox", "--no-first-run", "--no-default-browser-check", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"]

CLICK_PAGE = """<!doctype html><title>click</title><button id="b">Press</button><output id="o">0</output>
<script>b.onclick = () => { o.textContent = Number(o.textContent) + 1 }</script>"""


def nodes_page() -> str:
    """A page of about 5,000 elements: rows of a table with a link, a button and a field each."""
    rows = "".join(
        f'<tr><td>Row {n}</td><td><a href="#r{n}">Link {n}</a></td><td><button>Button {n}</button></td>'
        f'<td><input aria-label="Field {n}"></td></tr>' for n in range(NODES // 8))
    return f"<!doctype html><title>nodes</title><table>{rows}</table>"


class Pages:
    """A page server on loopback."""

    def __init__(self):
        pages = {"/nodes": nodes_page(), "/click": CLICK_PAGE}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                text = pages.get(self.path, f"<!doctype html><title>{self.path}</title><h1>{self.path}</h1>").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Control:
    """The control service over one kept connection a thread."""

    def __init__(self, port: int, token: str):
        self.port, self.token, self.local = port, token, threading.local()

    def __call__(self, method: str, path: str, body: dict | None = None) -> dict:
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200]!r}")
        return json.loads(text)


def milliseconds(work, times: int) -> list[float]:
    """How long `work` takes, each time; one more time first, which does not count."""
    work()
    samples = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        samples.append((time.perf_counter() - started) * 1000)
    return samples


def executable() -> str:
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    raise LookupError("no Chromium on this machine")


def bare_start(port: int) -> float:
    """Milliseconds until a Chromium without anybody around it answers on its debugging port."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        started = time.perf_counter()
        process = subprocess.Popen(
            [executable(), *FLAGS, f"--remote-debugging-port={port}", f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                try:
                    connection.request("GET", "/json/version")
                    if connection.getresponse().status == 200:
                        return (time.perf_counter() - started) * 1000
                except OSError:
                    if time.perf_counter() - started > 30:
                        raise
                    time.sleep(0.002)
                finally:
                    connection.close()
        finally:
            family = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            process.wait(10)
            psutil.wait_procs(family, 5)


def measure(bench, Row) -> None:
    """Adds the rows P18 to P23."""
    from support.home import TOKEN
    from support.ports import free_base_port

    times = 5 if bench.quick else 15
    port = free_base_port()
    bench.configure(port, extra={"browser": {
        "headless": True, "noSandbox": True, "ssrfPolicy": {"dangerouslyAllowPrivateNetwork": True}}})
    pages, gateway = Pages(), bench.Gateway(bench.home, port=port).start()
    try:
        control = Control(port + 2, TOKEN)

        def cycle() -> float:
            control("POST", "/reset-profile", {})
            started = time.perf_counter()
            control("POST", "/start", {})
            took = (time.perf_counter() - started) * 1000
            control("POST", "/stop", {})
            return took

        cycle()
        bare_start(free_base_port())
        ours, bare = [], []
        for _ in range(max(3, times // 2)):
            ours.append(cycle())
            bare.append(bare_start(free_base_port()))
        bench.rows.append(Row(
            "P18", "start to ready, browser", statistics.median(ours), "ms", None, "bare Chromium", statistics.median(bare),
            budget_ratio=1.2, samples=ours))
        tabs(bench, Row, control, gateway, pages, times)
    finally:
        gateway.stop()
        pages.close()


def tabs(bench, Row, control, gateway, pages, times: int) -> None:
    from playwright.sync_api import sync_playwright

    idle = gateway_memory(gateway.pid)
    control("POST", "/start", {})
    page = control("POST", "/tabs/open", {"url": pages.url("/nodes")})["targetId"]
    folder = tempfile.mkdtemp()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder, executable_path=executable(), headless=True, args=FLAGS[2:], viewport=None)
        their = context.pages[0]
        their.goto(pages.url("/nodes"))
        target = quote(page)
        ours = milliseconds(lambda: control("GET", f"/snapshot?format=ai&maxChars=5000000&targetId={target}"), times)
        theirs = milliseconds(lambda: their.locator("body").aria_snapshot(), times)
        bench.rows.append(Row(
            "P19", "snapshot, 5,000 nodes", statistics.median(ours), "ms", None, "Playwright", statistics.median(theirs), budget_ratio=1,
            samples=ours))

        ours = milliseconds(lambda: control("POST", "/screenshot", {"targetId": page}), times)
        theirs = milliseconds(lambda: their.screenshot(), times)
        bench.rows.append(Row(
            "P21", "screenshot", statistics.median(ours), "ms", None, "Playwright", statistics.median(theirs), budget_ratio=1,
            samples=ours))

        control("POST", "/navigate", {"targetId": page, "url": pages.url("/click")})
        snapshot = control("GET", f"/snapshot?format=ai&targetId={target}")
        ref = next(ref for ref, node in snapshot["refs"].items() if node.get("name") == "Press")
        their.goto(pages.url("/click"))
        ours = milliseconds(lambda: control("POST", "/act", {"kind": "click", "ref": ref, "targetId": page}), times)
        theirs = milliseconds(lambda: their.locator("#b").click(), times)
        bench.rows.append(Row(
            "P20", "click to settled", statistics.median(ours), "ms", None, "Playwright", statistics.median(theirs), budget_ratio=1,
            samples=ours))
        control("POST", "/act", {"kind": "close", "targetId": page})

        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            def ten() -> list[str]:
                opened = pool.map(lambda n: control("POST", "/tabs/open", {"url": pages.url(f"/tab{n}")})["targetId"], range(10))
                return list(opened)

            samples = []
            for round in range(3):
                started = time.perf_counter()
                opened = ten()
                samples.append((time.perf_counter() - started) * 1000)
                if round < 2:
                    list(pool.map(lambda id: control("DELETE", f"/tabs/{id}"), opened))
        time.sleep(1)
        busy = gateway_memory(gateway.pid)
        context.close()
        theirs_ten, driver = asyncio_ten(folder, pages)
        bench.rows.append(Row(
            "P22", "ten tabs opened in parallel", statistics.median(samples), "ms", None, "Playwright", theirs_ten, budget_ratio=1,
            samples=samples))
        bench.rows.append(Row(
            "P23", "gateway memory, browser with ten tabs", busy, "MB", 24, "Playwright's driver", driver,
            note=f"idle {idle:.1f}"))
    shutil.rmtree(folder, ignore_errors=True)
    control("POST", "/stop", {})


def asyncio_ten(folder: str, pages: Pages) -> tuple[float, float]:
    """Playwright's ten tabs in parallel (ms, median of 3) and the memory of its driver with them open (MB)."""
    made: list = []

    def work():
        from playwright.async_api import async_playwright

        async def run():
            async with async_playwright() as playwright:
                context = await playwright.chromium.launch_persistent_context(
                    folder, executable_path=executable(), headless=True, args=FLAGS[2:], viewport=None)

                async def one(n):
                    tab = await context.new_page()
                    await tab.goto(pages.url(f"/tab{n}"))
                    return tab

                samples = []
                for round in range(3):
                    started = time.perf_counter()
                    opened = await asyncio.gather(*(one(n) for n in range(10)))
                    samples.append((time.perf_counter() - started) * 1000)
                    if round < 2:
                        await asyncio.gather(*(tab.close() for tab in opened))
                drivers = [
                    child for child in psutil.Process().children(recursive=True) if "node" in Path(child.name()).name]
                made.append((statistics.median(samples), sum(child.memory_info().rss for child in drivers[-1:]) / 1e6))
                await context.close()

        asyncio.run(run())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if not made:
        raise RuntimeError("Playwright did not open its tabs")
    return made[0]


def gateway_memory(pid: int) -> float:
    """The resident memory of the gateway alone, in MB."""
    return psutil.Process(pid).memory_info().rss / 1e6
