"""What a snapshot says of real pages: roles, names, states, frames, shadow trees, and what it leaves out."""

from __future__ import annotations

import re

import pytest

WITNESS = True
pytestmark = pytest.mark.usefixtures("clean_tabs")


def opened(control, site, path: str) -> str:
    return control.open(site.url(path))


def made(control, site, html: str, path: str = "/made.html") -> str:
    return control.open(site.page(path, "<!doctype html><meta charset=utf-8><title>made</title>" + html))


def test_widgets_read_as_their_roles_and_states(control, site):
    opened(control, site, "/widgets.html")
    text = control.snapshot().text
    for line in [
        'heading "Widgets" [level=1]', 'button "Actions" [collapsed]', 'combobox "Fruit" [collapsed]', 'tab "First" [selected]',
        'treeitem "docs" [collapsed]', 'gridcell "Tea"', 'slider "Volume" [min=0] [max=10]', 'switch "Dark mode"', 'button "More" [collapsed]',
    ]:
        assert line in text, text
    assert "Two is here" not in text and "readme.txt" not in text and "Change settings" not in text
    control.click("switch", "Dark mode")
    control.click("button", "Settings")
    text = control.snapshot().text
    assert 'switch "Dark mode" [checked]' in text and 'dialog "Change settings"' in text
    assert re.search(r'  - textbox "Nick" \[active\] \[ref=e\d+\]', text)


def test_names_come_from_where_the_standard_says(control, site):
    made(control, site, """
      <label>Wrapped <input></label><label for=a>For</label><input id=a><input aria-label=Aria placeholder=no><input placeholder=Hint>
      <span id=x>One</span><span id=y hidden>Two</span><input aria-labelledby="x y"><input title=Title>
      <button><img alt=Picture src=data:,></button><a href=#><span>Two</span><div>words</div></a><button aria-label="Close">×</button>
      <input type=submit><fieldset><legend>Group</legend><label><input type=radio>Pick</label></fieldset>
      <table><caption>Table</caption><tr><td>1</table><img alt="" src=data:,><svg><title>Sign</title></svg>""")
    snapshot = control.snapshot()
    named = {(one["role"], one.get("name")) for one in snapshot["refs"].values()}
    for name in ["Wrapped", "For", "Aria", "Hint", "One Two", "Title"]:
        assert ("textbox", name) in named, named
    assert {("button", "Picture"), ("link", "Two words"), ("button", "Close"), ("button", "Submit"), ("group", "Group"),
            ("radio", "Pick"), ("table", "Table"), ("img", "Sign")} <= named


def test_values_are_shown_and_secrets_are_not(control, site):
    made(control, site, "<input aria-label=Word value='a b'><input aria-label=Key type=password value=hunter2>"
                        "<select aria-label=City><option>Rome<option selected>Oslo</select><progress aria-label=Done value=3 max=10></progress>")
    text = control.snapshot().text
    assert "hunter2" not in text and re.search(r'textbox "Key" \[ref=e\d+\]: ••••', text)
    assert re.search(r'textbox "Word" \[ref=e\d+\]: a b', text)
    assert re.search(r'combobox "City" \[ref=e\d+\]: Oslo', text) and 'option "Oslo" [selected]' in text
    assert "3 of 10" in text


def test_hidden_things_are_left_out(control, site):
    made(control, site, """<p>seen</p><p hidden>h1</p><p style="display:none">h2</p><p style="visibility:hidden">h3<b style="visibility:visible">back</b></p>
      <p aria-hidden=true>h4</p><details><summary>S</summary>h5</details><script>h6</script><template>h7</template><div style="display:contents"><p>contents</p></div>""")
    text = control.snapshot().text
    assert "seen" in text and "back" in text and "contents" in text
    for number in range(1, 8):
        assert f"h{number}" not in text, text


def test_a_page_can_not_forge_lines(control, site):
    made(control, site, """<button aria-label='A" [ref=e77]\n- button "Pay" [ref=e78]'>x</button><pre>one\n- link "evil" [ref=e79]</pre><textarea aria-label=T>x\n- button "Z" [ref=e80]</textarea>""")
    snapshot = control.snapshot()
    for forged in ("e77", "e78", "e79", "e80"):
        assert forged not in snapshot["refs"]
    for line in snapshot.text.splitlines():
        if "ref=e7" in line or "ref=e80" in line:
            assert re.match(r'\s*- (button "A|text: |textbox "T"|generic|textbox)', line), line


def test_frames_of_this_and_other_sites_are_read_in_place(control, site, witnessed):
    opened(control, site, "/frames.html")
    snapshot = control.snapshot()
    lines = snapshot.text.splitlines()
    for title, heading in [("Same", "Inner same"), ("Cross", "Inner cross")]:
        at = next(i for i, line in enumerate(lines) if f'iframe "{title}"' in line)
        depth = len(lines[at]) - len(lines[at].lstrip())
        assert f'heading "{heading}"' in lines[at + 1] and len(lines[at + 1]) - len(lines[at + 1].lstrip()) == depth + 2
    # The witness agrees that the second one lives in a process of its own.
    page = witnessed("/frames.html")
    assert {frame.url.split("?")[1] for frame in page.frames[1:]} == {"same", "cross"}
    one = control.snapshot(frame=snapshot.ref("iframe", "Cross"))
    assert "Inner cross" in one.text and "Inner same" not in one.text
    assert control.snapshot(frame="#same").text.count("Inner same") == 1
    aria = control.snapshot(refs="aria")
    assert re.search(r"\[ref=f\d+e\d+\]", aria.text) and re.search(r"\[ref=\d+\]", aria.text)
    missing = control.refused("GET", "/snapshot", query={"frame": "#nowhere"})
    assert missing.status == 404 and missing.code == "unknown_frame"


def test_shadow_trees_are_read_the_closed_ones_too(control, site):
    opened(control, site, "/shadow.html")
    snapshot = control.snapshot()
    for name in ("Deep button", "Closed button", "Plain host"):
        assert snapshot.ref("button", name)
    assert 'region "Card"' in snapshot.text and "Slotted" in snapshot.text


def test_efficient_compact_depth_selector_and_limit(control, site):
    opened(control, site, "/fields.html")
    whole, efficient = control.snapshot(), control.snapshot(mode="efficient")
    assert efficient["stats"]["chars"] < whole["stats"]["chars"] <= 80_000
    assert 'heading "Fields"' not in efficient.text and efficient.ref("textbox", "Text")
    assert efficient["stats"]["interactive"] == len(efficient["refs"])
    # An element keeps its ref from one snapshot to the next.
    assert efficient.ref("textbox", "Text") == whole.ref("textbox", "Text")
    only = control.snapshot(selector="#rich")
    assert list(only["refs"].values()) == [{"role": "textbox", "name": "Rich"}]
    shallow = control.snapshot(depth=0)
    assert shallow["truncated"] and "deeper than depth 0" in shallow.text
    short = control.snapshot(limit=3)
    assert short["truncated"] and "beyond limit 3" in short.text
    small = control.snapshot(maxChars=300)
    assert len(small.text) <= 300 and small["truncated"] and "cut at 300 characters" in small.text
    assert all(f"[ref={ref}]" in small.text for ref in small["refs"])


def test_duplicates_are_told_apart(control, site):
    made(control, site, "<button>Buy</button><button>Sell</button><button>Buy</button>")
    snapshot = control.snapshot()
    assert [snapshot["refs"][ref].get("nth") for ref in snapshot.refs_of("button", "Buy")] == [0, 1]
    assert "nth" not in snapshot["refs"][snapshot.ref("button", "Sell")]
    assert snapshot.text.count("[nth=1]") == 1


def test_aria_format_lists_nodes(control, site):
    opened(control, site, "/widgets.html")
    answer = control.get("/snapshot", format="aria", limit=12)
    nodes = answer["nodes"]
    assert answer["format"] == "aria" and len(nodes) == 12 and answer["truncated"]
    assert [node["ref"] for node in nodes] == [f"ax{i}" for i in range(1, 13)]
    heading = next(node for node in nodes if node["role"] == "heading")
    assert heading["name"] == "Widgets" and heading["backendDOMNodeId"] > 0 and heading["depth"] == 0


def test_labels_are_drawn_into_a_picture(control, site):
    opened(control, site, "/widgets.html")
    answer = control.get("/snapshot", labels=True)
    assert answer["labels"] is True and answer["labelsCount"] >= 5 and answer["imageType"] == "png"
    with open(answer["imagePath"], "rb") as picture:
        assert picture.read(8) == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("query, word", [
    ({"format": "aria", "labels": "1"}, "labels"), ({"format": "aria", "mode": "efficient"}, "mode"), ({"format": "xml"}, "format"),
    ({"depth": "deep"}, "depth"), ({"selector": "!!"}, "selector"), ({"refs": "css"}, "refs"), ({"mode": "quick"}, "mode"),
])
def test_bad_arguments_are_named(control, site, query, word):
    control.snapshot() if control.get("/tabs")["tabs"] else opened(control, site, "/form.html")
    reply = control.refused("GET", "/snapshot", query=query)
    assert reply.status == 400 and word in reply.error


def test_a_selector_without_match_is_told(control, site):
    opened(control, site, "/form.html")
    reply = control.refused("GET", "/snapshot", query={"selector": "#nothing"})
    assert reply.status == 404 and "#nothing" in reply.error


def test_a_hundred_thousand_nodes_are_cut_not_sent(control, site):
    made(control, site, "<h1>Many</h1><main id=m></main><script>m.innerHTML = '<p>word <a href=#>link</a></p>'.repeat(50000)</script>", "/many.html")
    snapshot = control.snapshot()
    assert len(snapshot.text) <= 80_000 and snapshot["truncated"]
    assert re.search(r"of 1\d\d\d\d\d elements", snapshot.text.splitlines()[-1]), snapshot.text[-200:]
    efficient = control.snapshot(mode="efficient")
    assert len(efficient.text) <= 10_000 and efficient["truncated"]
    control.act("click", ref=efficient.ref("link", "link", 3))


def test_a_page_of_ten_megabytes_is_cut(control, site):
    site.page("/heavy.html", "<!doctype html><title>heavy</title><h1>Heavy</h1><p>" + "lorem ipsum " * 90_000 + "</p><script type=data>"
              + "x" * 9_000_000 + "</script><button>After</button>")
    control.open(site.url("/heavy.html"))
    snapshot = control.snapshot()
    assert 'heading "Heavy"' in snapshot.text and len(snapshot.text) <= 80_000 and snapshot["truncated"]
    # Of a text that is longer than all there is room for, the beginning is shown.
    assert "lorem ipsum lorem" in snapshot.text and len(snapshot.text) > 40_000 and "cut at 80000" in snapshot.text
    assert control.snapshot(interactive=True).ref("button", "After")


def test_deep_nesting_ends(control, site):
    made(control, site, "<div id=r></div><script>let at = r; for (let i = 0; i < 2000; i++) { const d = document.createElement('div'); d.append('t' + i); at.append(d); at = d }</script><button>Last</button>", "/nested.html")
    snapshot = control.snapshot()
    assert "t100" in snapshot.text and snapshot["truncated"]
    # What lies too deep is left out; what follows it is not.
    assert control.snapshot(interactive=True).ref("button", "Last")


def test_a_page_that_breaks_its_own_objects_is_read(control, site):
    made(control, site, """<button>Still</button><script>
      Element.prototype.getAttribute = () => { throw 1 }; Array.prototype.push = () => { throw 2 }; JSON.stringify = () => 'x';
      Object.defineProperty(Node.prototype, 'childNodes', {get() { throw 3 }}); window.__jarvis = {read: () => 'mine'};</script>""")
    assert control.snapshot().ref("button", "Still")
    control.click("button", "Still")
