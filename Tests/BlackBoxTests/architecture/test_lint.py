"""The rules of scripts/lint.py hold for this tree, and every rule catches what it is for."""

import shutil
import subprocess
import sys

import pytest
from support.paths import REPOSITORY

LINT = REPOSITORY / "scripts/lint.py"


def lint(root):
    return subprocess.run([sys.executable, str(LINT), str(root)], capture_output=True, text=True)


def test_this_tree_obeys():
    result = lint(REPOSITORY)
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("tree")
    shutil.copy(REPOSITORY / "Package.swift", root)
    (root / "docs").mkdir()
    shutil.copy(REPOSITORY / "docs/modules.md", root / "docs")
    (root / "Sources").mkdir()
    (root / "Tests").mkdir()
    return root


BREACHES = [
    ("JarvisCore", "import NIOCore\n", "import-law"),
    ("JarvisKit", "import JarvisStore\n", "import-law"),
    ("JarvisConfig", "import Foundation\n", "foundation"),
    ("JarvisConfig", "#if canImport(FoundationEssentials)\nimport Foundation\n#endif\n", "foundation"),
    ("JarvisStore", "func f() { Task { await g() } }\n", "task"),
    ("JarvisStore", "func f() { Task<Void, Never>.detached(priority: .low) { } }\n", "task"),
    ("JarvisStore", "let x = try? f()\n", "try?"),
    ("JarvisFormats", "let z = TimeZone(identifier: \"UTC\")\n", "time-zone"),
    ("JarvisGateway", "final class A: @unchecked Sendable {}\n", "unchecked"),
    ("JarvisNet", "final class A: @unchecked Sendable {}\n", "unchecked"),
    ("JarvisGateway", "let home = getenv(\"HOME\")\n", "host"),
    ("JarvisGateway", "let t = FileManager.default.temporaryDirectory\n", "host"),
    ("JarvisGateway", "let port = 18_789\n", "port"),
    ("JarvisGateway", "let (s, c) = AsyncStream<Int>.makeStream()\n", "stream"),
    ("JarvisGateway", "let s = AsyncStream<Int> { c in c.finish() }\n", "stream"),
    ("JarvisGateway", "let s = AsyncStream<Int>(bufferingPolicy: .unbounded) { c in }\n", "stream"),
    ("JarvisGateway", "// TO" + "DO: later\n", "unfinished"),
    ("JarvisGateway", "let x = 1\n" * 601, "length"),
    ("JarvisGateway", "let name = \"Open" + "Claw\"\n", "names"),
    ("JarvisUnheard", "let x = 1\n", "modules"),
]

FINE = [
    ("JarvisCore", "import Logging\n#if canImport(FoundationEssentials)\nimport FoundationEssentials\n#else\nimport Foundation\n#endif\n"),
    ("JarvisStore", "func f() {\n    // unstructured: outlives the caller on purpose\n    Task { await g() }\n}\n"),
    ("JarvisStore", "let x = try? f()  // absence is fine: the file is optional\n"),
    ("JarvisGateway", "// getenv, 18789 and try? in prose\nlet text = \"run with --port 18789\"\n"),
    ("JarvisGateway", "let text = \"\"\"\n    import NIOSSL\n    Task { }\n    \"\"\"\n"),
    ("JarvisGateway", "let (s, c) = AsyncStream<Int>.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(8))\n"),
    ("JarvisHost", "let home = getenv(\"HOME\")\nlet port = 18_789\n"),
    ("JarvisNet", "// Touched only on its event loop.\nfinal class A: @unchecked Sendable {}\n"),
]


def plant(tree, target, text):
    path = tree / "Sources" / target / "Noun/NounVerb.swift"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    try:
        return lint(tree)
    finally:
        shutil.rmtree(tree / "Sources" / target)


@pytest.mark.parametrize(("target", "text", "rule"), BREACHES)
def test_breach_is_caught(tree, target, text, rule):
    result = plant(tree, target, text)
    assert result.returncode == 1
    assert f": {rule}: " in result.stdout, result.stdout


@pytest.mark.parametrize(("target", "text"), FINE)
def test_allowed_passes(tree, target, text):
    result = plant(tree, target, text)
    assert "NounVerb.swift" not in result.stdout, result.stdout
