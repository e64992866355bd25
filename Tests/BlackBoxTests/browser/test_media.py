"""The preferred colour scheme of a tab. A witness in the same browser would bring a preference of its own, so the site is the witness: it sees which picture is fetched."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def pages(site):
    def inner(name: str) -> str:
        return f"<!doctype html><title>{name}</title><picture><source media='(prefers-color-scheme: dark)' srcset='/dark-{name}'><img src='/light-{name}'></picture>"
    site.page("/scheme", inner("main"))
    site.page("/scheme-frame", inner("frame"))
    site.page("/scheme-outer", inner("outer") + f"<iframe src='{site.url('/scheme-frame', host='localhost')}'></iframe>")
    return site


def test_the_colour_scheme_holds_through_navigation_and_in_frames(control, pages):
    tab = control.open(pages.url("/scheme"))
    pages.wait_seen("/light-main")
    control.post("/set/media", targetId=tab, colorScheme="dark")
    assert control.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches", targetId=tab) is True
    pages.wait_seen("/dark-main")
    pages.forget()
    control.navigate(pages.url("/scheme-outer"), tab)
    for name in ("outer", "frame"):
        pages.wait_seen(f"/dark-{name}")
        assert not pages.seen(f"/light-{name}")
    control.navigate(pages.url("/scheme", host="localhost"), tab)
    pages.wait_seen("/dark-main")
    other = control.open(pages.url("/scheme"))
    pages.wait_seen("/light-main")
    control.close_tab(other)
    for scheme in ("light", "no-preference", "none"):
        control.post("/set/media", targetId=tab, colorScheme=scheme)
        assert control.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches", targetId=tab) is False
    for bad in ("sepia", "", 1, True):
        assert control.refused("POST", "/set/media", {"targetId": tab, "colorScheme": bad}).status == 400, bad
    assert control.refused("POST", "/set/media", {"targetId": tab}).status == 400
