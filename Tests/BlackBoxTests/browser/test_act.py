"""Acting on real pages. What a page is like afterwards is told by an independent client of the same browser."""

from __future__ import annotations

import pytest

WITNESS = True
pytestmark = pytest.mark.usefixtures("clean_tabs")


@pytest.fixture
def on(control, site, witnessed):
    """Opens a page of the site in a new tab; gives the witness's view of it."""
    def go(path: str):
        control.open(site.url(path + f"?{go.count}"))
        go.count += 1
        return witnessed(f"{path}?{go.count - 1}")
    go.count = 0
    return go


def said(page) -> str:
    return (page.text_content("#said") or "").strip()


def refused(control, kind: str, **fields):
    return control.refused("POST", "/act", {"kind": kind, **fields})


# ---- widgets

def test_menu_combobox_tabs_tree_and_switch(control, on):
    page = on("/widgets.html")
    control.click("button", "Actions")
    control.click("menuitemcheckbox", "Wrap")
    assert said(page) == "menu Wrap" and page.get_by_role("menuitemcheckbox", name="Wrap").is_checked()
    reply = refused(control, "click", ref=control.ref("menuitem", "Paste"), timeoutMs=200)
    assert reply.status == 408 and reply.code == "not_actionable" and "disabled" in reply.error
    control.fill("combobox", "Fruit", "Ap")
    control.wait(selector="[role=option]")
    control.click("option", "Apricot")
    assert said(page) == "fruit Apricot" and page.input_value("#combo") == "Apricot"
    control.click("tab", "Second")
    assert page.is_visible("#p2") and not page.is_visible("#p1")
    control.click("treeitem", "docs")
    assert page.is_visible("text=readme.txt")
    control.click("switch", "Dark mode")
    assert page.get_attribute("#switch", "aria-checked") == "true"
    control.act("click", ref=control.ref("gridcell", "3"), doubleClick=True)
    assert page.text_content("#cell") == "edited"


def test_dialogs_cover_the_page_and_escape_closes_them(control, on):
    page = on("/widgets.html")
    control.click("button", "Settings")
    snapshot = control.snapshot()
    reply = refused(control, "click", ref=snapshot.ref("button", "Actions"), timeoutMs=200)
    assert reply.status == 408 and "covered by" in reply.error and "modal" in reply.error
    control.act("type", ref=snapshot.ref("textbox", "Nick"), text="Zoë")
    control.act("click", ref=snapshot.ref("button", "Save"))
    assert said(page) == "nick Zoë"
    control.click("button", "Settings")
    control.act("press", key="Escape")
    assert said(page) == "closed" and not page.is_visible("#modal")


def test_keys_move_a_slider(control, on):
    page = on("/widgets.html")
    control.click("slider", "Volume")
    control.act("press", key="ArrowRight")
    assert page.get_attribute("#slider", "aria-valuenow") == "6"
    control.act("press", key="End", delayMs=5)
    assert page.get_attribute("#slider", "aria-valuenow") == "10"


# ---- fields

@pytest.mark.parametrize("text", ["plain", "héllo wörld", "漢字かな交じり", "שלום עולם", "مرحبا بالعالم", "🙂👩‍👩‍👧 flags 🇪🇺", "Привет", "tab\\n 'quotes\" <b>"])
def test_text_in_any_script(control, on, text):
    page = on("/fields.html")
    control.fill("textbox", "Text", text)
    assert page.input_value("#text") == text
    control.act("type", ref=control.ref("searchbox", "Search"), text=text, slowly=True)
    assert page.input_value("#search") == text
    control.fill("textbox", "Rich", text)
    assert page.inner_text("#rich") == text


def test_a_whole_form(control, on):
    page = on("/fields.html")
    refs = control.snapshot()
    reply = control.act("fill", fields=[
        {"ref": refs.ref("textbox", "Text"), "type": "text", "value": "new"}, {"ref": refs.ref("spinbutton", "Number"), "type": "number", "value": 42},
        {"ref": refs.ref("textbox", "Mail"), "type": "email", "value": "a@b.example"}, {"ref": refs.ref("textbox", "Password"), "type": "password", "value": "s3cret"},
        {"ref": refs.ref("textbox", "Notes"), "type": "textarea", "value": "one\ntwo"}, {"ref": refs.ref("textbox", "Date"), "type": "date", "value": "2026-03-04"},
        {"ref": refs.ref("textbox", "Time"), "type": "time", "value": "12:30"}, {"ref": refs.ref("textbox", "Colour"), "type": "color", "value": "#A0B0C0"},
        {"ref": refs.ref("slider", "Range"), "type": "range", "value": 7}, {"ref": refs.ref("checkbox", "Agree"), "type": "checkbox", "value": True},
        {"ref": refs.ref("radio", "Large"), "type": "radio", "value": True}, {"ref": refs.ref("combobox", "City"), "type": "select", "value": "Paris"},
        {"ref": refs.ref("textbox", "Rich"), "type": "text", "value": "fresh"}, {"ref": refs.ref("checkbox", "Styled box"), "type": "checkbox", "value": True},
        {"ref": refs.ref("textbox", "Short"), "type": "text", "value": "toolong"},
    ])
    values = page.evaluate("Object.fromEntries([...document.querySelectorAll('input, select, textarea')].map(e => [e.id, /checkbox|radio/.test(e.type) ? e.checked : e.value]))")
    assert values | {"late": ""} == {
        "text": "new", "number": "42", "mail": "a@b.example", "password": "s3cret", "notes": "one\ntwo", "date": "2026-03-04", "time": "12:30",
        "colour": "#a0b0c0", "range": "7", "agree": True, "small": False, "large": True, "city": "p", "tags": "", "late": "", "locked": "fixed",
        "off": "", "short": "tool", "hiddenbox": True, "search": ""}
    assert page.inner_text("#rich") == "fresh"
    # The page may not keep what was typed; then the caller hears what it keeps.
    assert 'holds "tool"' in reply["note"]
    control.act("fill", fields=[{"ref": refs.ref("checkbox", "Agree"), "value": False}, {"ref": refs.ref("textbox", "Text")}])
    assert not page.is_checked("#agree") and page.input_value("#text") == ""


def test_typing_makes_the_events_of_a_keyboard(control, on):
    page = on("/fields.html")
    control.act("type", ref=control.ref("searchbox", "Search"), text="aB!", slowly=True)
    log = page.text_content("#log").split("\n")
    assert [line for line in log if line.startswith("keydown")] == ["keydown a KeyA 65", "keydown B KeyB 66", "keydown ! Digit1 49"]
    assert log.count("input search") == 3 and "input search made" not in log
    control.act("type", ref=control.ref("textbox", "Text"), text="sent", submit=True)
    assert "submit" in page.text_content("#log")


def test_keys_with_modifiers_edit_text(control, on):
    page = on("/fields.html")
    control.click("textbox", "Text")
    control.act("press", key="Control+A")
    control.act("press", key="Shift+H")
    control.act("press", key="é")
    assert page.input_value("#text") == "Hé"
    control.act("press", key="Tab")
    assert page.evaluate("document.activeElement.id") == "number"
    control.act("press", key="Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "text"


def test_select(control, on):
    page = on("/fields.html")
    city = control.ref("combobox", "City")
    assert control.act("select", ref=city, values=["b"])["result"] == ["b"]
    assert control.act("select", ref=city, values=["Paris"])["result"] == ["p"]
    assert page.input_value("#city") == "p" and "change city" in page.text_content("#log")
    control.act("select", ref=control.ref("listbox", "Tags"), values=["red", "blue"])
    assert page.evaluate("[...document.getElementById('tags').selectedOptions].map(o => o.value)") == ["red", "blue"]
    # Options that come late are waited for.
    control.act("select", ref=control.ref("combobox", "Late"), values=["second"])
    assert page.input_value("#late") == "second"
    for value in ("Madrid", "Rome"):
        reply = refused(control, "select", ref=city, values=[value], timeoutMs=150)
        assert reply.status == 400 and '"Berlin" (value "b")' in reply.error and value in reply.error


@pytest.mark.parametrize("role, name, word", [
    ("textbox", "Locked", "read-only"), ("textbox", "Off", "disabled"), ("combobox", "City", "select"), ("button", "Send", "no field"),
])
def test_what_can_not_be_typed_into_says_why(control, on, role, name, word):
    on("/fields.html")
    reply = refused(control, "type", ref=control.ref(role, name), text="x", timeoutMs=150)
    assert reply.status in (400, 408) and word in reply.error


# ---- frames and shadow trees

@pytest.mark.parametrize("nth, which", [(0, "same"), (1, "cross")])
def test_frames_take_input_wherever_they_are(control, on, nth, which):
    page = on("/frames.html")
    frame = next(one for one in page.frames if one.url.endswith(which))
    control.act("type", ref=control.ref("textbox", "Word", nth), text="früh")
    control.act("click", ref=control.ref("button", "Go", nth))
    assert frame.text_content("#said") == "went früh true"
    control.act("type", ref=control.ref("textbox", "Word", nth), text="Late", slowly=True)
    aria = control.snapshot(refs="aria")
    control.act("click", ref=aria.refs_of("button", "Go")[nth])
    assert frame.text_content("#said") == "went Late true"


def test_shadow_trees_take_input(control, on):
    page = on("/shadow.html")
    control.fill("textbox", "Deep", "down")
    control.click("button", "Deep button")
    assert said(page) == "deep down"
    control.fill("textbox", "Closed field", "in")
    control.click("button", "Closed button")
    assert said(page) == "closed in"
    control.click("button", "Plain host")
    assert said(page) == "plain"


def test_frames_that_are_turned_and_slanted_take_the_mouse_where_they_show_it(control, site, witnessed):
    button = "<button style='position:absolute;left:200px;top:100px' onclick='parent.said.textContent += this.textContent'>%s</button>"
    control.open(site.page("/turned.html", f"""<!doctype html><title>turned</title><style>body {{ margin: 150px }} iframe {{ display: block; margin: 150px }}</style>
      <iframe style="transform:rotate(30deg); border:5px solid; padding:7px" srcdoc="<body style='margin:0'>{button % "one"}"></iframe>
      <div style="transform:scale(.8) skewX(20deg)"><iframe style="rotate:-45deg; scale:1.2" srcdoc="{button % "two"}"></iframe></div><p id=said></p>"""))
    page = witnessed("/turned.html")
    for name in ("one", "two"):
        control.click("button", name)
    assert said(page) == "onetwo"


def test_an_element_without_a_box_of_its_own_is_where_its_content_is(control, site, witnessed):
    control.open(site.page("/boxless.html", "<!doctype html><title>boxless</title><button style='display:contents' onclick='said.textContent = 1'>Words</button><p id=said></p>"))
    control.click("button", "Words")
    assert said(witnessed("/boxless.html")) == "1"


# ---- time and place

def test_actions_wait_until_an_element_is_ready(control, on):
    page = on("/timing.html")
    refs = control.snapshot()
    for what, name in [("move", "Mover"), ("wake", "Sleeper"), ("cover", "Flee")]:
        page.evaluate(f"begin('{what}')")
        control.act("click", ref=refs.ref("button", name))
        assert said(page).split()[-1] == name.lower()
    control.act("click", ref=refs.ref("button", "Bottom"))
    assert said(page).split()[-1] == "bottom"


@pytest.mark.parametrize("name, words", [("Never", ["disabled"]), ("Under", ["covered by", "veil"]), ("Tiny", ["no size"])])
def test_what_is_not_ready_says_which_check_failed(control, on, name, words):
    on("/timing.html")
    ref = control.ref("button", name)
    reply = refused(control, "click", ref=ref, timeoutMs=200)
    assert reply.status == 408 and reply.code == "not_actionable" and ref in reply.error and name in reply.error
    for word in words:
        assert word in reply.error, reply.error


def test_refs_survive_what_a_framework_does_but_not_a_new_page(control, on, site):
    page = on("/timing.html")
    counter = control.ref("button", "Count 0")
    control.act("click", ref=counter)
    control.act("click", ref=counter)
    assert page.text_content("#counter") == "Count 2"
    row = control.ref("button", "Row B")
    page.evaluate("begin('redraw')")
    control.act("click", ref=row)
    assert said(page).endswith("Row B")
    # By its number alone, an element that is gone is gone.
    exact = control.snapshot(refs="aria").ref("button", "Row B")
    page.evaluate("begin('redraw')")
    assert refused(control, "click", ref=exact).code == "unknown_ref"
    gone = control.ref("button", "Count 2")
    page.evaluate("begin('remove')")
    reply = refused(control, "click", ref=gone)
    assert reply.status == 404 and reply.code == "unknown_ref" and "snapshot" in reply.error
    old = control.ref("button", "Bottom")
    control.navigate(site.url("/fields.html"))
    assert refused(control, "click", ref=old).code == "unknown_ref"
    assert refused(control, "click", ref="e4242").code == "unknown_ref"


def test_a_list_that_is_drawn_anew_all_the_time_can_be_clicked(control, site, witnessed):
    control.open(site.page("/redrawn.html", """<!doctype html><title>redrawn</title><ul id=list></ul><p id=said></p><script>
      const draw = () => { list.replaceChildren(...['A', 'B', 'C'].map(name => { const item = document.createElement('li'), button = document.createElement('button');
        button.textContent = 'Row ' + name; button.onmousedown = () => { said.textContent += name }; item.append(button); return item })) };
      draw(); const frame = () => { draw(); requestAnimationFrame(frame) }; frame()</script>"""))
    refs = control.snapshot()
    for name in "CAB":
        control.act("click", ref=refs.ref("button", f"Row {name}"))
    assert said(witnessed("/redrawn.html")) == "CAB"


def test_nested_scroll_containers_and_endless_lists(control, on):
    page = on("/scroll.html")
    control.click("button", "Deep")
    assert said(page) == "deep"
    for last in (10, 20, 30):
        control.wait(fn=f"document.querySelectorAll('#feed button').length >= {last}")
        control.act("scrollIntoView", ref=control.ref("button", f"Post {last}"))
    control.wait(fn="document.querySelectorAll('#feed button').length >= 40")
    assert page.locator("#feed button").count() >= 40


def test_hover_right_click_and_modifiers(control, site, witnessed):
    control.open(site.page("/mouse.html", """<!doctype html><title>mouse</title><style>#tip { display: none } #host:hover #tip { display: block }</style>
      <button id=host>Host<span id=tip>Tip</span></button><button id=log>Log</button><p id=said></p><script>
      for (const type of ['click', 'contextmenu', 'auxclick', 'dblclick']) log.addEventListener(type, e => { e.preventDefault();
        said.textContent += [type, e.button, e.ctrlKey ? 'c' : '', e.shiftKey ? 's' : '', e.isTrusted].join(',') + ' ' })</script>"""))
    page = witnessed("/mouse.html")
    control.act("hover", ref=control.ref("button", "Host"))
    assert page.is_visible("#tip")
    log = control.ref("button", "Log")
    control.act("click", ref=log, modifiers=["Control", "Shift"])
    control.act("click", ref=log, button="right")
    control.act("click", ref=log, button="middle")
    control.act("click", ref=log, doubleClick=True)
    text = said(page)
    for event in ("click,0,c,s,true", "contextmenu,2,,,true", "auxclick,1,,,true", "dblclick,0,,,true"):
        assert event in text, text


def test_drags_of_both_kinds(control, on):
    page = on("/drag.html")
    refs = control.snapshot()
    control.act("drag", startRef=refs.ref("button", "Card"), endRef=refs.ref("group", "Zone"))
    assert said(page) == "start enter drop:ace"
    control.act("drag", startRef=refs.ref("button", "Knob"), endRef=refs.ref("group", "Socket"))
    assert said(page).endswith("down plugged")


def test_tabs_in_the_background_are_as_quick(control, on):
    back = on("/fields.html")
    target = control.tabs()[-1]["targetId"]
    refs = control.snapshot(targetId=target)
    on("/timing.html")
    control.act("type", ref=refs.ref("textbox", "Text"), text="behind", targetId=target)
    control.act("click", ref=refs.ref("checkbox", "Agree"), targetId=target, timeoutMs=1500)
    assert back.input_value("#text") == "behind" and back.is_checked("#agree")


# ---- what actions set off

def test_single_page_navigation(control, on):
    page = on("/spa.html")
    reply = control.click("link", "Two")
    assert reply["url"].endswith("/spa/two") and page.evaluate("location.pathname") == "/spa/two"
    control.wait(text="Act on two")
    control.click("button", "Act on two")


def test_navigation_new_tabs_and_dialogs_are_reported(control, on):
    # A witness that does not listen would answer the dialog itself. It also takes downloads away: see test_activity.py.
    on("/spa.html").on("dialog", lambda dialog: None)
    reply = control.click("link", "Form in a tab")
    assert len(reply["newTabs"]) == 1 and reply["newTabs"][0] in [tab["targetId"] for tab in control.tabs()]
    target = reply["targetId"]
    reply = control.act("click", ref=control.snapshot(targetId=target).ref("button", "Ask"), targetId=target)
    assert reply["dialog"]["message"] == "Sure?"
    blocked = control.refused("GET", "/snapshot", query={"targetId": target})
    assert blocked.status == 409 and blocked.code == "dialog_open"
    control.post("/hooks/dialog", accept=True, targetId=target)
    reply = control.act("click", ref=control.snapshot(targetId=target).ref("link", "Form"), targetId=target)
    assert reply["navigated"] is True and reply["url"].endswith("/form.html")


def test_evaluate_resize_and_close(control, on):
    page = on("/fields.html")
    assert control.evaluate("() => document.title") == "Fields"
    assert control.evaluate("el => el.id", ref=control.ref("textbox", "Text")) == "text"
    control.act("resize", width=640, height=480)
    assert page.evaluate("[innerWidth, innerHeight]") == [640, 480]
    before = len(control.tabs())
    control.act("close")
    assert len(control.tabs()) == before - 1


# ---- bad input

@pytest.mark.parametrize("kind", ["click", "type", "press", "hover", "scrollIntoView", "drag", "select", "fill", "resize", "evaluate", "close"])
def test_selectors_are_for_waiting_only(control, kind):
    reply = refused(control, kind, selector="#text")
    assert reply.status == 400 and "/snapshot" in reply.error and "ref" in reply.error


@pytest.mark.parametrize("body, word", [
    ({}, "kind"), ({"kind": "poke"}, "click"), ({"kind": "click"}, "ref"), ({"kind": "click", "ref": "e1", "button": "side"}, "middle"),
    ({"kind": "type", "ref": "e1"}, "text"), ({"kind": "press", "key": "Entr"}, "Entr"), ({"kind": "drag", "startRef": "e1"}, "endRef"),
    ({"kind": "fill", "fields": []}, "fields"), ({"kind": "resize", "width": 5}, "height"), ({"kind": "click", "ref": "e1", "timeoutMs": "soon"}, "timeoutMs"),
])
def test_bad_requests_are_named(control, body, word):
    reply = control.refused("POST", "/act", body)
    assert reply.status == 400 and word in reply.error
