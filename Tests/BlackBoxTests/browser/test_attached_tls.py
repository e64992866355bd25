"""A browser behind TLS: certificates that count and that do not, credentials that go where they belong and nowhere else."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from support.attached import Authority, OwnBrowser, Relay, outside_address
from support.browser import browser_config, control_of
from support.gateway import GatewayFactory

USER, SECRET, TOKEN = "ada", "canary-p4ss", "canary-t0ken"


pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def address() -> str:
    return outside_address() or pytest.skip("this host has no address but loopback")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    browser = OwnBrowser(tmp_path_factory.mktemp("own")).start()
    yield browser
    assert browser.runs() and browser.tabs(), "the browser was not left running"
    browser.stop()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def relays(own, authority, address):
    """One relay for each certificate."""
    made = {}
    with contextlib.ExitStack() as stack:
        good, _ = authority.server(address, "localhost")
        alone, alone_file = authority.server(address, self_signed=True)
        other, _ = authority.server("other.example")
        for name, context in {"good": good, "alone": alone, "other": other, "plain": None}.items():
            made[name] = Relay(own.port, address, context)
            stack.callback(made[name].stop)
        made["good"].user, made["good"].token = f"{USER}:{SECRET}", TOKEN
        made["alone_file"] = alone_file
        yield made


@pytest.fixture(scope="module")
def gateway(module_home, shared_model, own, relays, authority, address):
    """Its authorities are the test's, as SSL_CERT_FILE says."""
    good = relays["good"]
    word = f"{USER}:{SECRET}@{address}:{good.port}"
    profiles = {
        "https": {"cdpUrl": f"https://{word}/?token={TOKEN}", "shared": True},
        "wss": {"cdpUrl": f"wss://{word}{own.debug_path()}?token={TOKEN}", "shared": True},
        "alone": {"cdpUrl": f"https://{USER}:{SECRET}@{address}:{relays['alone'].port}/?token={TOKEN}"},
        "other": {"cdpUrl": f"wss://{USER}:{SECRET}@{address}:{relays['other'].port}/x?token={TOKEN}"},
        "plain": {"cdpUrl": f"https://{USER}:{SECRET}@{address}:{relays['plain'].port}/?token={TOKEN}"},
        "wrong": {"cdpUrl": f"https://{USER}:canary-wrong@{address}:{good.port}/?token={TOKEN}", "shared": True},
        "wrong-wss": {"cdpUrl": f"wss://{word}{own.debug_path()}?token=canary-wrong", "shared": True},
    }
    factory = GatewayFactory(module_home, shared_model.base_url)
    config = browser_config({"profiles": profiles, "remoteCdpTimeoutMs": 30_000, "remoteCdpHandshakeTimeoutMs": 30_000})
    made = factory(config=config, env={"SSL_CERT_FILE": str(authority.file)})
    yield made
    factory.stop()


@pytest.mark.parametrize("profile", ["https", "wss"])
def test_a_browser_behind_tls_is_used_with_its_credentials(gateway, relays, own, site, profile):
    relay, control = relays["good"], control_of(gateway, profile)
    relay.heads.clear()
    tab = control.open(site.url("/form.html"))
    assert tab in own.tabs() and "A form" in control.snapshot(targetId=tab).text
    assert control.get("/")["cdpUrl"].startswith(f"{profile}://{relay.host}:{relay.port}")
    # Chromium calls itself ws://127.0.0.1:port or so; every connection went to the relay all the same, with the credentials.
    assert relay.upgrades and all(f"token={TOKEN}" in head.split("\r\n", 1)[0] for head in relay.heads)
    assert all("authorization: basic " in head.lower() for head in relay.heads)
    assert any(head.startswith("GET /json/version?") for head in relay.heads) == (profile == "https")
    assert not any("origin:" in head.lower() for head in relay.heads)
    control.close_tab(tab)
    assert control.post("/stop")["stopped"] is True
    assert tab not in own.tabs() and own.runs()


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said(gateway, relays):
    reply = control_of(gateway, "alone").refused("POST", "/start")
    assert (reply.status, reply.code) == (500, "endpoint_failed")
    assert "not trusted" in reply.error and "SSL_CERT_FILE" in reply.error and "restart the gateway" in reply.error
    assert relays["alone"].heads == [] and SECRET not in reply.error and TOKEN not in reply.error


def test_a_certificate_for_another_host_is_refused(gateway, relays):
    reply = control_of(gateway, "other").refused("POST", "/start")
    assert (reply.status, reply.code) == (500, "endpoint_failed") and "another host" in reply.error
    assert relays["other"].heads == []


def test_what_speaks_no_tls_is_said_so(gateway, relays):
    reply = control_of(gateway, "plain").refused("POST", "/start")
    assert (reply.status, reply.code) == (500, "endpoint_failed") and "does not speak TLS" in reply.error
    assert not any(SECRET in head or TOKEN in head for head in relays["plain"].heads)


@pytest.mark.parametrize("profile", ["wrong", "wrong-wss"])
def test_wrong_credentials_are_said_so_without_repeating_them(gateway, profile):
    reply = control_of(gateway, profile).refused("POST", "/start")
    assert (reply.status, reply.code) == (500, "endpoint_failed") and "refused the credentials" in reply.error
    assert "canary" not in reply.error


def test_a_self_signed_certificate_counts_once_it_is_named(module_home, shared_model, relays, address):
    factory = GatewayFactory(module_home, shared_model.base_url)
    try:
        config = browser_config({
            "profiles": {"alone": {"cdpUrl": f"https://{address}:{relays['alone'].port}", "shared": True}},
            "remoteCdpTimeoutMs": 30_000, "remoteCdpHandshakeTimeoutMs": 30_000})
        made = factory("alone", config=config, env={"SSL_CERT_FILE": str(relays["alone_file"])})
        control = control_of(made, "alone")
        control.post("/start")
        assert control.get("/")["running"] is True
    finally:
        factory.stop()


def test_credentials_are_shown_nowhere(gateway, module_home):
    """After everything above: answers, logs, files beside the configuration, command lines."""
    control = control_of(gateway)
    shown = [json.dumps(control.get("/profiles")), gateway.log()]
    for profile in ["https", "wss", "alone", "wrong"]:
        shown.append(json.dumps(control_of(gateway, profile).get("/")))
    for words in [["browser", "profiles"], ["browser", "--browser-profile", "https", "status", "--json"], ["instances", "--json"], ["ports", "--json"], ["doctor", "--json"],
                  ["config", "get", "browser"], ["config", "get", "browser.profiles.https"], ["config", "get", "browser.profiles.https.cdpUrl"], ["logs"]]:
        result = gateway.cli(*words, timeout=60)
        shown.append(" ".join(words) + "\n" + result.stdout + result.stderr)
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            shown.append(file.read_bytes().decode(errors="replace"))
    # The configuration and its own copies hold them, for their owner alone.
    configuration = {file for file in module_home.root.rglob("*") if file.is_file() and (file.name.startswith("jarvis.json") or "config" in file.parts)}
    assert configuration and not any(file.stat().st_mode & 0o077 for file in configuration)
    for file in module_home.root.rglob("*"):
        if file.is_file() and file not in configuration:
            shown.append(f"{file}\n" + file.read_bytes().decode(errors="replace"))
    for text in shown:
        assert "canary" not in text, text[:100] + "…" + text[max(0, text.find("canary") - 300):][:600]
