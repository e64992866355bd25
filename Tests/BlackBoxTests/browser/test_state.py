"""Cookies, storages, and what a tab pretends: set through the service, seen by the site and by an independent witness."""

from __future__ import annotations

import base64
import time

import pytest
from support.pages import PASSWORD, USER, Answer

WITNESS = True


@pytest.fixture(scope="module")
def pages(site):
    site.page("/frame-of-another", f"<!doctype html><title>outer</title><iframe src='{site.url('/inner', host='localhost')}'></iframe>")
    site.page("/inner", "<!doctype html><title>inner</title><p>inner</p>")
    return site


@pytest.fixture
def tab(control, pages):
    target = control.open(pages.url("/index.html"))
    yield target
    control.request("DELETE", f"/tabs/{target}")


def cookies(control, tab, **query) -> dict:
    return {one["name"]: one for one in control.get("/cookies", targetId=tab, **query)["cookies"]}


# ---- cookies

def test_cookies_are_set_sent_and_cleared(control, tab, pages, witnessed):
    control.post("/cookies/clear", targetId=tab)
    later = int(time.time()) + 3600
    control.post("/cookies/set", targetId=tab, cookie={"name": "one", "value": "1", "url": pages.url()})
    control.post("/cookies/set", targetId=tab, cookie={"name": "two", "value": "zwei", "domain": "127.0.0.1", "path": "/", "httpOnly": True, "sameSite": "lax", "expires": later})
    seen = {one["name"]: one for one in witnessed("/index.html").context.cookies()}
    assert seen["one"]["value"] == "1" and seen["one"]["expires"] == -1
    assert seen["two"]["httpOnly"] and seen["two"]["sameSite"] == "Lax" and abs(seen["two"]["expires"] - later) < 2
    mine = cookies(control, tab)
    for name in ("one", "two"):
        for member in ("name", "value", "domain", "path", "httpOnly", "secure"):
            assert mine[name][member] == seen[name][member]
    control.navigate(pages.url("/echo"), tab)
    assert {"one=1", "two=zwei"} <= set(pages.wait_seen("/echo")[-1].headers["cookie"].split("; "))
    assert set(cookies(control, tab, url=pages.url())) >= {"one", "two"}
    assert "one" not in cookies(control, tab, url="http://site.localhost/")
    assert control.post("/cookies/clear", targetId=tab, name="one")["cleared"] == 1
    assert set(cookies(control, tab)) == {"two"}
    assert control.post("/cookies/clear", targetId=tab, domain="127.0.0.1")["cleared"] == 1
    assert control.post("/cookies/clear", targetId=tab)["cleared"] == 0
    assert witnessed("/echo").context.cookies() == []


@pytest.mark.parametrize("cookie", [
    None, "a=b", {}, {"name": "a"}, {"value": "b"}, {"name": "a", "value": "b"}, {"name": "a", "value": "b", "url": "file:///x"},
    {"name": "a", "value": "b", "domain": "127.0.0.1", "sameSite": "maybe"}, {"name": "a", "value": "b", "domain": "127.0.0.1", "expires": "soon"},
    {"name": "a", "value": "b", "domain": "127.0.0.1", "httpOnly": "perhaps"}, {"name": "a b;", "value": "\u0000", "domain": "x y"}])
def test_what_is_no_cookie_is_refused(control, tab, cookie):
    reply = control.refused("POST", "/cookies/set", {"targetId": tab, "cookie": cookie})
    assert reply.status == 400, reply.body


# ---- storages

@pytest.mark.parametrize("kind", ["local", "session"])
def test_storages_are_those_of_the_page(control, tab, pages, witnessed, kind):
    page = witnessed("/index.html")
    page.evaluate(f"() => {{ {kind}Storage.clear(); {kind}Storage.setItem('theirs', 'ж 😀'); }}")
    control.post(f"/storage/{kind}/set", targetId=tab, key="mine", value="line\nline")
    control.post(f"/storage/{kind}/set", targetId=tab, key="__proto__", value="p")
    reply = control.get(f"/storage/{kind}", targetId=tab)
    assert reply["values"] == {"theirs": "ж 😀", "mine": "line\nline", "__proto__": "p"}
    assert reply["origin"] == pages.url("").rstrip("/")
    assert page.evaluate(f"() => {kind}Storage.getItem('mine')") == "line\nline"
    assert control.get(f"/storage/{kind}", targetId=tab, key="theirs")["values"] == {"theirs": "ж 😀"}
    assert control.get(f"/storage/{kind}", targetId=tab, key="none")["values"] == {}
    assert control.post(f"/storage/{kind}/clear", targetId=tab, key="theirs")["cleared"] == 1
    assert control.post(f"/storage/{kind}/clear", targetId=tab)["cleared"] == 2
    assert page.evaluate(f"() => {kind}Storage.length") == 0


def test_a_storage_belongs_to_the_site_of_its_frame(control, tab, pages):
    control.navigate(pages.url("/frame-of-another"), tab)
    control.post("/storage/local/set", targetId=tab, frame="f1", key="where", value="inner")
    control.post("/storage/local/set", targetId=tab, key="where", value="outer")
    assert control.get("/storage/local", targetId=tab, frame="/inner")["origin"].startswith("http://localhost:")
    assert control.get("/storage/local", targetId=tab, frame="f1", key="where")["values"] == {"where": "inner"}
    assert control.get("/storage/local", targetId=tab, key="where")["values"] == {"where": "outer"}
    assert control.refused("GET", "/storage/local", query={"targetId": tab, "frame": "nowhere"}).status == 404


def test_storages_that_are_not_there_are_told(control, tab, pages):
    assert control.refused("GET", "/storage/cloud", query={"targetId": tab}).status == 400
    assert control.refused("POST", "/storage/local/set", {"targetId": tab, "key": "a"}).status == 400
    control.evaluate("() => { for (let i = 0; i < 8; i++) try { localStorage.setItem('fill' + i, 'x'.repeat(600000)); } catch (e) {} }", targetId=tab)
    reply = control.refused("POST", "/storage/local/set", {"targetId": tab, "key": "more", "value": "x" * 900_000})
    assert (reply.status, reply.code) == (400, "no_storage") and "quota" in reply.error.lower()
    cut = control.get("/storage/local", targetId=tab)
    assert cut["truncated"] is True and cut["total"] >= 8
    control.post("/storage/local/clear", targetId=tab)
    control.navigate("about:blank", tab)
    assert control.refused("GET", "/storage/local", query={"targetId": tab}).code == "no_storage"


# ---- emulation

def test_offline_and_back(control, tab, pages):
    control.post("/set/offline", targetId=tab, offline=True)
    assert control.evaluate("() => navigator.onLine", targetId=tab) is False
    assert control.evaluate("() => fetch('/echo').then(() => 'came', () => 'failed')", targetId=tab) == "failed"
    reply = control.refused("POST", "/navigate", {"targetId": tab, "url": pages.url("/form.html")})
    assert reply.code == "offline", reply.body
    control.post("/set/offline", targetId=tab, offline=False)
    assert control.navigate(pages.url("/form.html"), tab)["title"] == "Form"
    assert control.refused("POST", "/set/offline", {"targetId": tab}).status == 400


def test_headers_go_with_every_request_also_of_later_frames(control, tab, pages):
    control.post("/set/headers", targetId=tab, headers={"X-Mine": "yes", "Accept-Language": "fr"})
    pages.forget()
    control.navigate(pages.url("/frame-of-another"), tab)
    for path in ("/frame-of-another", "/inner"):
        assert pages.wait_seen(path)[-1].headers["x-mine"] == "yes", path
        assert pages.seen(path)[-1].headers["accept-language"] == "fr"
    control.post("/set/headers", targetId=tab, headers={})
    pages.forget()
    control.navigate(pages.url("/inner"), tab)
    assert "x-mine" not in pages.wait_seen("/inner")[-1].headers
    for bad in [None, [], {"Host": "x"}, {"a b": "c"}, {"A": 1}, {"A": "b\r\nC: d"}, {"Proxy-Authorization": "x"}, {"": "x"}]:
        assert control.refused("POST", "/set/headers", {"targetId": tab, "headers": bad}).status == 400, bad


def test_credentials_are_for_the_site_of_the_tab_only(control, tab, pages):
    asked = []
    pages.route("/other-asks", lambda seen: (asked.append(seen.headers.get("authorization")), Answer("no", 401, {"WWW-Authenticate": "Basic realm=other", "Access-Control-Allow-Origin": "*"}))[1])
    control.post("/set/credentials", targetId=tab, username=USER, password=PASSWORD)
    assert control.navigate(pages.url("/auth"), tab)["status"] == 200
    sent = [one.headers["authorization"] for one in pages.seen("/auth") if "authorization" in one.headers]
    assert sent[-1] == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    other = pages.url("/other-asks", host="localhost")
    control.evaluate(f"() => fetch('{other}', {{mode: 'no-cors'}}).catch(() => 0).then(() => 1)", targetId=tab)
    assert asked and not any(asked), "another site was given the password"
    control.post("/set/credentials", targetId=tab, username=USER, password="wrong")
    control.post("/set/credentials", targetId=tab, clear=True)
    assert control.refused("POST", "/set/credentials", {"targetId": tab, "username": USER}).status == 400


def test_wrong_credentials_are_not_repeated_for_ever(control, pages):
    tab = control.open(pages.url("/index.html", host="localhost"))
    try:
        control.post("/set/credentials", targetId=tab, username=USER, password="wrong")
        pages.forget()
        reply = control.request("POST", "/navigate", {"url": pages.url("/auth", host="localhost"), "targetId": tab})
        assert reply.status >= 400 or reply.body["status"] == 401, reply.body
        assert len(pages.seen("/auth")) <= 3
    finally:
        control.close_tab(tab)


PLACE = "() => new Promise(done => navigator.geolocation.getCurrentPosition(p => done([p.coords.latitude, p.coords.longitude, p.coords.accuracy]), e => done(e.message), {timeout: 5000}))"


def test_the_place_is_what_was_said(control, tab, pages):
    control.post("/set/geolocation", targetId=tab, latitude=52.52, longitude=13.405, accuracy=20)
    assert control.evaluate(PLACE, targetId=tab) == [52.52, 13.405, 20]
    control.navigate(pages.url("/form.html"), tab)
    assert control.evaluate(PLACE, targetId=tab) == [52.52, 13.405, 20]
    control.post("/set/geolocation", targetId=tab, clear=True)
    for bad in [{"latitude": 91, "longitude": 0}, {"latitude": 1}, {"latitude": "x", "longitude": 1}, {"latitude": 1, "longitude": 1, "origin": "no site"}]:
        assert control.refused("POST", "/set/geolocation", {"targetId": tab, **bad}).status == 400, bad


def test_time_zone_and_language(control, tab, pages, witnessed):
    control.post("/set/timezone", targetId=tab, timezoneId="Asia/Tokyo")
    control.post("/set/locale", targetId=tab, locale="de-DE")
    for path in ("/index.html", "/form.html"):
        control.navigate(pages.url(path), tab)
        page = witnessed(path)
        assert page.evaluate("() => Intl.DateTimeFormat().resolvedOptions().timeZone") == "Asia/Tokyo"
        assert page.evaluate("() => new Date(0).getHours()") == 9
        assert page.evaluate("() => (1234.5).toLocaleString()") == "1.234,5"
        assert page.evaluate("() => navigator.language") == "de-DE"
    pages.forget()
    control.navigate(pages.url("/echo"), tab)
    assert pages.wait_seen("/echo")[-1].headers["accept-language"].startswith("de-DE")
    control.post("/set/timezone", targetId=tab, timezoneId="")
    control.post("/set/locale", targetId=tab, locale="")
    assert control.evaluate("() => [Intl.DateTimeFormat().resolvedOptions().timeZone === 'Asia/Tokyo', (1234.5).toLocaleString()]", targetId=tab) == [False, "1,234.5"]
    assert control.refused("POST", "/set/timezone", {"targetId": tab, "timezoneId": "Moon/Base"}).status == 400
    assert control.refused("POST", "/set/timezone", {"targetId": tab}).status == 400
    assert control.refused("POST", "/set/locale", {"targetId": tab, "locale": "no such / language"}).status == 400


def test_frames_of_other_sites_pretend_the_same(control, tab, pages, witnessed):
    control.post("/set/timezone", targetId=tab, timezoneId="Asia/Tokyo")
    control.post("/set/locale", targetId=tab, locale="fr-FR")
    control.navigate(pages.url("/frame-of-another"), tab)
    frame = next(one for one in witnessed("/frame-of-another").frames if "/inner" in one.url)
    assert frame.evaluate("() => [Intl.DateTimeFormat().resolvedOptions().timeZone, navigator.language]") == ["Asia/Tokyo", "fr-FR"]


def test_a_device_is_looked_like(control, tab, pages, witnessed):
    control.post("/set/device", targetId=tab, name="iphone 13")
    control.navigate(pages.url("/echo"), tab)
    assert "iPhone" in pages.wait_seen("/echo")[-1].headers["user-agent"]
    control.navigate(pages.url("/index.html"), tab)
    page = witnessed("/index.html")
    assert page.evaluate("() => [screen.width, screen.height, devicePixelRatio, navigator.maxTouchPoints > 0]") == [390, 844, 3, True]
    assert page.evaluate("() => matchMedia('(pointer: coarse)').matches || 'ontouchstart' in window") is True
    control.post("/set/device", targetId=tab, name="Pixel 7 landscape")
    control.navigate(pages.url("/form.html"), tab)
    assert witnessed("/form.html").evaluate("() => [innerWidth > innerHeight, navigator.userAgent.includes('Pixel 7'), navigator.userAgent.includes('Chrome/')]") == [True, True, True]
    control.post("/set/device", targetId=tab, name="none")
    control.navigate(pages.url("/index.html"), tab)
    assert witnessed("/index.html").evaluate("() => [devicePixelRatio, navigator.maxTouchPoints, /iPhone|Pixel/.test(navigator.userAgent)]") == [1, 0, False]
    reply = control.refused("POST", "/set/device", {"targetId": tab, "name": "Nokia 3310"})
    assert reply.status == 400 and "iPhone 13" in reply.error


def test_one_tab_pretends_alone(control, tab, pages):
    other = control.open(pages.url("/form.html"))
    try:
        control.post("/set/locale", targetId=tab, locale="fr-FR")
        control.post("/set/headers", targetId=tab, headers={"X-Mine": "yes"})
        pages.forget()
        control.navigate(pages.url("/echo"), other)
        assert "x-mine" not in pages.wait_seen("/echo")[-1].headers
        assert control.evaluate("() => navigator.language", targetId=other) != "fr-FR"
    finally:
        control.close_tab(other)


def test_a_wrong_time_zone_is_told_also_while_one_is_in_force(control, tab):
    control.post("/set/timezone", timezoneId="Asia/Tokyo", targetId=tab)
    reply = control.refused("POST", "/set/timezone", {"timezoneId": "Nope/Nowhere", "targetId": tab})
    assert reply.status == 400 and "Nope/Nowhere" in reply.error
    control.post("/set/timezone", timezoneId="Europe/Berlin", targetId=tab)
    assert control.evaluate("() => Intl.DateTimeFormat().resolvedOptions().timeZone", targetId=tab) == "Europe/Berlin"
