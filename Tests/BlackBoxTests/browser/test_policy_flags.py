"""The flags that keep UDP inside the browser. Each is shown to be needed: a browser with all flags of the gateway's but that one reaches the port that nobody may reach, and with it does not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.browser import chromium_path, main_browsers_of
from support.ports import wait_until
from support.recorder import Recorder

pytestmark = pytest.mark.timeout(180)
BROWSER = {"ssrfPolicy": {"dangerouslyAllowPrivateNetwork": False, "allowedHostnames": ["site.localhost"]}}

# Tells the site when the browser has nothing more to try.
PEER = """<!doctype html><title>peer</title><script>
(async () => {
  const peer = new RTCPeerConnection({iceServers: [{urls: ['stun:127.0.0.1:PORT', 'stun:[::1]:PORT']}]}), other = new RTCPeerConnection();
  const gathered = new Promise(done => { peer.onicegatheringstatechange = () => peer.iceGatheringState === 'complete' && done(); });
  peer.createDataChannel('x');
  await peer.setLocalDescription(await peer.createOffer());
  await other.setRemoteDescription(peer.localDescription);
  await other.setLocalDescription(await other.createAnswer());
  await peer.setRemoteDescription(other.localDescription);
  for (const host of ['127.0.0.1', '::1'])
    await peer.addIceCandidate({candidate: 'candidate:1 1 udp 2130706431 ' + host + ' PORT typ host', sdpMid: '0', sdpMLineIndex: 0}).catch(() => 0);
  await gathered;
  await fetch('/tried');
})();
</script>"""

QUIC = """<!doctype html><title>quic</title><script>
(async () => {
  const soon = promise => Promise.race([promise.catch(() => 0), new Promise(done => setTimeout(done, 5000))]);
  await soon(fetch('https://127.0.0.1:PORT/', {mode: 'no-cors'}));
  await soon(new WebTransport('https://127.0.0.1:PORT/').ready);
  await fetch('/tried');
})();
</script>"""


@pytest.fixture
def inner():
    recorder = Recorder()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="module")
def flags(control, browser_gateway) -> list[str]:
    """What the gateway starts its browser with, but for what ties it to the gateway."""
    control.post("/start")
    pid = main_browsers_of(browser_gateway.home.root)[0]
    words = [word.decode() for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:] if word]
    assert any(word.startswith("--proxy-server=http://127.0.0.1:") for word in words)
    return [word for word in words if word.startswith("--") and not word.startswith(("--remote-debugging", "--user-data-dir"))]


@pytest.fixture
def started(flags, tmp_path):
    """Starts a browser of the same flags, but for those named, at an address."""
    processes = []

    def start(url: str, without: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> None:
        kept = [word for word in flags if word.lstrip("-").split("=")[0] not in without]
        assert len(kept) == len(flags) - len(without), flags
        processes.append(subprocess.Popen(
            [chromium_path(), *kept, *more, f"--user-data-dir={tmp_path / 'data'}{len(processes)}", url],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True))

    yield start
    for process in processes:
        os.killpg(process.pid, 9)
        process.wait()


def tried(started, site, page: str, inner: Recorder, without: tuple[str, ...] = (), more: tuple[str, ...] = ()) -> None:
    """With all flags it returns when the page has nothing more to try."""
    site.forget()
    site.page("/attempt", page.replace("PORT", str(inner.port)))
    started(site.url("/attempt", host="site.localhost"), without, more)
    if not without:
        site.wait_seen("/tried", timeout=90)


def datagrams(inner: Recorder) -> list[str]:
    return [visit for visit in inner.visits if visit.startswith("datagram")]


def test_peers_send_nothing(started, site, inner):
    tried(started, site, PEER, inner)
    inner.assert_silent()


def test_peers_would_without_their_flag(started, site, inner):
    """Older browsers know the flag under the second name only, newer ones under the first."""
    tried(started, site, PEER, inner, without=("webrtc-ip-handling-policy", "force-webrtc-ip-handling-policy"))
    wait_until(lambda: datagrams(inner), 60, "a datagram")


def test_quic_sends_nothing(started, site, inner):
    """Also where the browser is told to speak QUIC with that very port."""
    tried(started, site, QUIC, inner, more=(f"--origin-to-force-quic-on=127.0.0.1:{inner.port}",))
    inner.assert_silent()


def test_quic_would_without_the_proxy(started, site, inner):
    """It is the proxy that closes QUIC and WebTransport; turning QUIC off alone leaves WebTransport."""
    tried(started, site, QUIC, inner, without=("proxy-server", "proxy-bypass-list", "host-resolver-rules"))
    wait_until(lambda: datagrams(inner), 60, "a datagram")


def test_loopback_would_be_reached_past_the_proxy(started, site, inner):
    """A proxy alone is not asked for loopback."""
    page = "<!doctype html><title>x</title><script>fetch('http://127.0.0.1:PORT/', {mode: 'no-cors'}).catch(() => 0).then(() => fetch('/tried'))</script>"
    tried(started, site, page, inner, without=("proxy-bypass-list", "host-resolver-rules"))
    wait_until(lambda: inner.received, 60, "a request")
