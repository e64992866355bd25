"""Who may ask: the Host and Origin rules that keep other web pages and other names out (T01 to T05)."""

import pytest
from support.rawhttp import get, status_of, upgrade

PATHS = ["/healthz", "/", "/no-such-page"]


def good_hosts(port):
    return [f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"]


@pytest.mark.parametrize("path", PATHS)
def test_local_hosts_are_served(running, path):
    for host in good_hosts(running.port):
        assert status_of(get(running.port, path, f"Host: {host}")) in (200, 404), host


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.nip.io:{port}", "localhost.evil.example:{port}", "127.evil.com",
     "localhost.:{port}", "0.0.0.0:{port}"])
def test_foreign_host_is_refused_without_a_body(running, path, host):
    answer = get(running.port, path, "Host: " + host.format(port=running.port))
    assert status_of(answer) in (400, 403, 421), answer[:200]
    assert b"<html" not in answer


@pytest.mark.parametrize("path", PATHS)
def test_missing_or_doubled_host_is_400(running, path):
    assert status_of(get(running.port, path)) == 400
    local = f"Host: 127.0.0.1:{running.port}"
    assert status_of(get(running.port, path, local, local)) == 400
    assert status_of(get(running.port, path, local, "Host: evil.example")) == 400


def test_absolute_target_with_foreign_host_is_refused(running):
    answer = get(running.port, "http://evil.example/healthz", f"Host: 127.0.0.1:{running.port}")
    assert status_of(answer) in (400, 403, 421)


def test_upgrade_with_foreign_host_is_refused(running):
    for host in ("evil.example", f"evil.example:{running.port}", f"127.0.0.1.nip.io:{running.port}"):
        assert status_of(upgrade(running.port, "/", f"Host: {host}")) in (403, 421), host
    assert status_of(upgrade(running.port, "/")) == 400


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:{port}",
     "http://127.evil.com:{port}", "http://127.0.0.1:{other}", "http://localhost:{other}", "file://",
     "chrome-extension://abcdefghijklmnop", "https://127.0.0.1", ""])
def test_upgrade_from_a_foreign_origin_is_refused(running, origin):
    origin = origin.format(port=running.port, other=running.port + 1)
    answer = upgrade(running.port, "/", f"Host: 127.0.0.1:{running.port}", f"Origin: {origin}")
    assert status_of(answer) == 403, answer[:200]


def test_two_origins_are_400(running):
    own = f"Origin: http://127.0.0.1:{running.port}"
    answer = upgrade(running.port, "/", f"Host: 127.0.0.1:{running.port}", own, "Origin: https://evil.example")
    assert status_of(answer) == 400


def test_own_origin_and_no_origin_are_let_in(running):
    host = f"127.0.0.1:{running.port}"
    assert status_of(upgrade(running.port, "/", f"Host: {host}", f"Origin: http://{host}")) == 101
    assert status_of(upgrade(running.port, "/", f"Host: {host}")) == 101


def test_allowed_origins_of_the_config_are_let_in(gateway):
    it = gateway(config={"gateway": {"controlUi": {"allowedOrigins": ["https://panel.example"]}}})
    host = f"Host: 127.0.0.1:{it.port}"
    assert status_of(upgrade(it.port, "/", host, "Origin: https://panel.example")) == 101
    assert status_of(upgrade(it.port, "/", host, "Origin: https://panel.example:8443")) == 403
    assert status_of(upgrade(it.port, "/", host, "Origin: http://panel.example")) == 403
