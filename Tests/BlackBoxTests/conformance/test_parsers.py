"""The production parsers, reached by `jarvis debug parse`: JSON after RFC 8259, JSON5 1.0.0, event streams."""

import json
import math
import subprocess
import time

import pytest
from conformance import cases_json, cases_json5
from support.paths import jarvis_binary


@pytest.fixture(scope="module")
def parse(module_home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parse")

    def run(kind, text):
        path = folder / "case"
        path.write_bytes(text)
        started = time.monotonic()
        result = subprocess.run(
            [str(jarvis_binary()), "debug", "parse", kind, str(path)], env=module_home.environment(), capture_output=True, timeout=20)
        assert result.returncode in (0, 1), f"crashed: {result.returncode} {result.stderr[-500:]!r}"
        assert time.monotonic() - started < 5
        if result.returncode == 1:
            assert result.stderr.strip(), "says what is wrong"
            assert len(result.stderr) < 2_000
        return result.returncode, result.stdout

    return run


def test_case_names_are_unique():
    for table in (cases_json.CASES, cases_json5.CASES):
        names = [case[0] for case in table]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "text", "verdict"), cases_json.CASES, ids=[case[0] for case in cases_json.CASES])
def test_json(parse, name, text, verdict):
    code, printed = parse("json", text)
    if verdict == "y":
        assert code == 0
        assert same(json.loads(printed), json.loads(text, strict=True), name), printed
    elif verdict == "n":
        assert code == 1, printed


@pytest.mark.parametrize(("name", "text", "expected"), cases_json5.CASES, ids=[case[0] for case in cases_json5.CASES])
def test_json5(parse, name, text, expected):
    code, printed = parse("json5", text)
    if expected is cases_json5.REFUSE:
        assert code == 1, printed
    elif expected is not cases_json5.ANY:
        assert code == 0
        assert same(json.loads(printed), expected, name), printed


def same(found, expected, name):
    """Equal; numbers within the precision of a double, halves of pairs as U+FFFD."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected
    if isinstance(expected, (int, float)) and isinstance(found, (int, float)):
        return found == expected or math.isclose(found, expected, rel_tol=1e-15)
    if isinstance(expected, str):
        cleaned = "".join("\ufffd" if 0xD800 <= ord(c) <= 0xDFFF else c for c in expected)
        return found == cleaned
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(same(f, e, name) for f, e in zip(found, expected))
    if isinstance(expected, dict):
        return isinstance(found, dict) and found.keys() == expected.keys() and all(same(found[k], expected[k], name) for k in expected)
    return found is None and expected is None


SSE = [
    ("lf", b"data: a\n\ndata: b\n\n", ["a", "b"]), ("crlf", b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"]), ("cr", b"data: a\r\rdata: b\r\r", ["a", "b"]),
    ("mixed_ends", b"data: a\r\n\ndata: b\r\r\n", ["a", "b"]), ("bom", b"\xef\xbb\xbfdata: a\n\n", ["a"]), ("second_bom_is_no_bom", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    ("several_lines", b"data: a\ndata: b\ndata:\ndata: c\n\n", ["a\nb\n\nc"]), ("no_space", b"data:a\n\n", ["a"]), ("two_spaces", b"data:  a\n\n", [" a"]), ("no_colon", b"data\n\n", [""]),
    ("comments", b": hi\ndata: a\n:\n\n: bye\n\n", ["a"]), ("unknown_field", b"color: red\ndata: a\n\n", ["a"]), ("no_data", b"event: x\nid: 1\n\n", []),
    # The standard drops an event that the stream's end cuts off; model servers end so, and its data is taken.
    ("unfinished_event", b"data: a\n\ndata: b\n", ["a", "b"]), ("unfinished_line", b"data: a\n\ndata: b", ["a", "b"]), ("colon_in_data", b"data: a: b\n\n", ["a: b"]),
    ("utf8", "data: é😀\n\n".encode(), ["é😀"]), ("empty", b"", []), ("only_newlines", b"\n\n\n", []), ("field_case", b"DATA: a\n\n", []), ("leading_space_field", b" data: a\n\n", []),
    ("done", b'data: {"x":1}\n\ndata: [DONE]\n\n', ['{"x":1}', "[DONE]"]),
]


@pytest.mark.parametrize(("name", "text", "expected"), SSE, ids=[case[0] for case in SSE])
def test_event_stream(parse, name, text, expected):
    code, printed = parse("sse", text)
    assert code == 0
    assert [event["data"] for event in json.loads(printed)] == expected


def test_event_stream_fields(parse):
    _, printed = parse("sse", b"event: add\nid: 7\nretry: 100\ndata: a\n\ndata: b\n\n")
    first, second = json.loads(printed)
    assert (first["event"], first["id"], first["retry"]) == ("add", "7", 100)
    assert second["event"] == "message"


def test_event_stream_with_an_endless_line_is_refused(parse):
    assert parse("sse", b"data: " + b"x" * 3_000_000)[0] == 1
