#!/usr/bin/env python3
"""The rules of the house that a compiler does not check. Prints `file:line: rule: what to do` and exits 1 on a breach.

Standard library only, no build needed. Run it with `make check` or alone: python3 scripts/lint.py [ROOT]
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent).resolve()

# Modules that come with the language or the platform.
PLATFORM = {"Swift", "Synchronization", "_Concurrency", "Dispatch", "Glibc", "Musl", "Darwin", "FoundationEssentials"}
# Modules that any target may use because JarvisCore brings them.
EVERYWHERE = {"Logging"}
WARN_LINES, MAX_LINES = 400, 600
# A source file may name another product of the family only when its first lines say why with this mark.
FAMILY_MARK = "lint: family names"
FAMILY_NAMES = re.compile(r"openclaw|clawdbot|moltbot|idlehands|nanobot|zeroclaw|picoclaw|nullclaw|zeptoclaw", re.I)
TEXT_SUFFIXES = {
    ".swift", ".md", ".py", ".sh", ".c", ".h", ".js", ".mjs", ".css", ".html", ".json", ".txt", ".toml", ".ini",
    ".yml", ".yaml", "",
}
SKIP_DIRECTORIES = {".git", ".build", ".venv", "node_modules", "__pycache__", ".pytest_cache", ".swiftpm"}


@dataclass
class Report:
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def error(self, path: Path, line: int, rule: str, text: str) -> None:
        self.errors.append(f"{relative(path)}:{line}: {rule}: {text}")

    def warning(self, path: Path, line: int, rule: str, text: str) -> None:
        self.warnings.append(f"{relative(path)}:{line}: warning: {rule}: {text}")


@dataclass
class Source:
    path: Path
    target: str
    text: str
    lines: list[str]
    code: list[str]  # the lines without comments and without the insides of string literals
    generated: bool


def relative(path: Path) -> str:
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)


# ---- Swift text

SWIFT_TOKEN = re.compile(
    r'(?P<line>//[^\n]*)|(?P<block>/\*)|(?P<raw>#+"""|#+")|(?P<multi>""")|(?P<string>"(?:\\.|[^"\\\n])*")', re.S
)


def without_comments_and_strings(text: str) -> str:
    """The text with comments and string contents blanked out; line breaks stay where they are."""
    pieces: list[str] = []
    position = 0

    def blank(part: str) -> str:
        return "".join("\n" if c == "\n" else " " for c in part)

    while match := SWIFT_TOKEN.search(text, position):
        pieces.append(text[position : match.start()])
        start, end = match.start(), match.end()
        kind = match.lastgroup
        if kind == "block":
            depth = 1
            while depth and end < len(text):
                if text.startswith("/*", end):
                    depth, end = depth + 1, end + 2
                elif text.startswith("*/", end):
                    depth, end = depth - 1, end + 2
                else:
                    end += 1
            pieces.append(blank(text[start:end]))
        elif kind in ("raw", "multi"):
            opening = match.group()
            hashes = opening.count("#")
            closing = opening.lstrip("#") + "#" * hashes
            scan = end
            while True:
                found = text.find(closing, scan)
                if found < 0:
                    end = len(text)
                    break
                if hashes == 0 and text[found - 1] == "\\":
                    scan = found + 1
                    continue
                end = found + len(closing)
                break
            pieces.append('"' + blank(text[start + 1 : end - 1]) + '"')
        elif kind == "string":
            pieces.append('"' + blank(match.group()[1:-1]) + '"')
        else:
            pieces.append(blank(match.group()))
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def balanced(text: str, opening: int) -> int:
    """The index after the parenthesis that closes the one at `opening`."""
    depth = 0
    for index in range(opening, len(text)):
        if text[index] in "([{":
            depth += 1
        elif text[index] in ")]}":
            depth -= 1
            if depth == 0:
                return index + 1
    return len(text)


# ---- Package.swift and docs/modules.md


@dataclass
class Target:
    name: str
    kind: str
    line: int
    dependencies: list[str]


def read_package(path: Path) -> list[Target]:
    text = path.read_text()
    products = {
        name: product
        for name, product in re.findall(r"let (\w+): Target\.Dependency = \.product\(name: \"(\w+)\"", text)
    }
    targets = []
    body = text[text.index("targets: [\n", text.index("dependencies: [\n")) :]
    offset = len(text) - len(body)
    for match in re.finditer(r"\.(target|executableTarget|testTarget|systemLibrary)\(", body):
        end = balanced(body, match.end() - 1)
        block = body[match.start() : end]
        name = re.search(r'name: "(\w+)"', block)
        if not name:
            continue
        dependencies: list[str] = []
        if found := re.search(r"dependencies: \[", block):
            inner = block[found.end() : balanced(block, found.end() - 1) - 1]
            for item in re.findall(r'"(\w+)"|\.product\(name: "(\w+)"[^)]*\)|(\b[a-z]\w*\b)', inner):
                if item[0]:
                    dependencies.append(item[0])
                elif item[1]:
                    dependencies.append(item[1])
                elif item[2] in products:
                    dependencies.append(products[item[2]])
        line = text.count("\n", 0, offset + match.start()) + 1
        targets.append(Target(name.group(1), match.group(1), line, dependencies))
    return targets


def read_modules(path: Path, report: Report) -> dict[str, set[str]]:
    """The table of docs/modules.md: target to what it may import."""
    granted: dict[str, set[str]] = {}
    order: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 3 or not re.fullmatch(r"`\w+`", cells[0]):
            continue
        name = cells[0].strip("`")
        if len(cells[1].split()) < 4:
            report.error(path, number, "modules", f"{name} needs a sentence that says its one responsibility")
        allowed = set(re.findall(r"`(\w+)`", cells[2]))
        if "every target above" in cells[2]:
            allowed |= set(order)
        granted[name] = allowed
        order.append(name)
    return granted


def check_package(targets: list[Target], granted: dict[str, set[str]], report: Report) -> None:
    package, modules = ROOT / "Package.swift", ROOT / "docs/modules.md"
    known = {target.name for target in targets}
    for target in targets:
        if target.kind == "testTarget":
            continue
        if target.name not in granted:
            report.error(package, target.line, "modules", f"{target.name} has no row in docs/modules.md")
            continue
        for dependency in target.dependencies:
            if dependency not in granted[target.name]:
                report.error(
                    package, target.line, "import-law",
                    f"{target.name} may not depend on {dependency} (docs/modules.md)")
    for name in granted:
        if name not in known:
            report.error(modules, 1, "modules", f"{name} has a row but no target in Package.swift")


# ---- rules on sources

IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:public |package |internal |private |fileprivate )?import\s+"
    r"(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)"
)


def check_imports(source: Source, allowed: set[str], is_test: bool, report: Report) -> None:
    conditions: list[str] = []
    for number, line in enumerate(source.code, 1):
        stripped = line.strip()
        if stripped.startswith("#if"):
            conditions.append(stripped)
        elif stripped.startswith("#else") and conditions:
            conditions[-1] = "#else of " + conditions[-1].removeprefix("#else of ")
        elif stripped.startswith("#endif") and conditions:
            conditions.pop()
        match = IMPORT.match(line)
        if not match:
            continue
        module = match.group(1)
        if module == "Foundation":
            inside_ladder = any(c.startswith("#else of #if canImport(FoundationEssentials)") for c in conditions)
            if not is_test and not inside_ladder:
                report.error(
                    source.path, number, "foundation",
                    "import FoundationEssentials, with Foundation only in the #else of #if canImport(FoundationEssentials)")
        elif module in PLATFORM | EVERYWHERE or (is_test and module in ("Testing", "XCTest")):
            continue
        elif module not in allowed:
            report.error(source.path, number, "import-law", f"{source.target} may not import {module} (docs/modules.md)")


ASKS_THE_HOST = re.compile(
    r"\bgetenv\b|\bsecure_getenv\b|\bsetenv\b|\bunsetenv\b|\benviron\b|ProcessInfo\s*\.\s*processInfo\s*\.\s*environment"
    r"|NSHomeDirectory|homeDirectoryForCurrentUser|NSTemporaryDirectory|FileManager\.default\.temporaryDirectory"
    r"|\bgetpwuid(_r)?\b|\bgetpwnam(_r)?\b|\bgetcwd\b|\bchdir\b|currentDirectoryPath"
)
DEFAULT_PORTS = re.compile(r"\b(18_?789|19_?001|19_?789)\b")
TASK = re.compile(r"\bTask(?:\s*<[^>{]*>)?(?:\s*\.\s*detached)?\s*(?:\((?:[^()]|\([^()]*\))*\))?\s*\{")
STREAM = re.compile(r"\bAsync(?:Throwing)?Stream\b(?:\s*<[^>]*(?:<[^>]*>[^>]*)*>)?(?:\s*\.\s*makeStream)?\s*(?=[({])")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP)\b|\b(not (?:yet )?implemented|unimplemented|[Ss]tub)\b")


def check_source(source: Source, report: Report) -> None:
    path, code = source.path, source.code
    whole = "\n".join(code)

    def line_of(index: int) -> int:
        return whole.count("\n", 0, index) + 1

    def comment_near(number: int, words: str, before: int = 1) -> bool:
        return any(words in source.lines[i] for i in range(max(0, number - 1 - before), number))

    for match in TASK.finditer(whole):
        number = line_of(match.start())
        if not comment_near(number, "// unstructured:", before=2):
            report.error(path, number, "task", "structure it, or say why not: // unstructured: <reason>")

    for match in STREAM.finditer(whole):
        number = line_of(match.start())
        opening = match.end()
        arguments = whole[opening : balanced(whole, opening)] if whole[opening] == "(" else ""
        if "bufferingPolicy:" not in arguments or ".unbounded" in arguments:
            report.error(path, number, "stream", "give the stream a bounded bufferingPolicy")

    for number, line in enumerate(code, 1):
        original = source.lines[number - 1]
        if re.search(r"\btry\?", line) and "//" not in original:
            report.error(path, number, "try?", "say on this line why the error may be dropped: try? … // <reason>")
        if "TimeZone(identifier:" in line:
            report.error(path, number, "time-zone", "TimeZone(identifier:) is nil without Foundation; read the zone file")
        if "@unchecked Sendable" in line:
            if source.target != "JarvisNet":
                report.error(path, number, "unchecked", "@unchecked Sendable is for JarvisNet alone")
            elif not any("//" in source.lines[i] for i in range(max(0, number - 9), number)):
                report.error(path, number, "unchecked", "state the invariant that makes it safe in a comment above")
        if source.target not in ("JarvisHost", "JarvisCore") and ASKS_THE_HOST.search(line):
            report.error(path, number, "host", "only JarvisHost asks for home, environment, working or temporary directory")
        if source.target != "JarvisHost" and DEFAULT_PORTS.search(line):
            report.error(path, number, "port", "default ports live in JarvisHost")
        if "try!" in line:
            report.error(path, number, "try!", "handle the error")

    for number, line in enumerate(source.lines, 1):
        if not source.generated and (match := UNFINISHED.search(line)):
            report.error(path, number, "unfinished", f"finish it or file it; no '{match.group().strip()}' in sources")

    if not source.generated:
        count = len(source.lines)
        if count > MAX_LINES:
            report.error(path, count, "length", f"{count} lines, the limit is {MAX_LINES}: split it by noun")
        elif count > WARN_LINES:
            report.warning(path, count, "length", f"{count} lines, aim for {WARN_LINES}")


# ---- rules on every text file

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)")


def check_texts(report: Report) -> None:
    for path in sorted(ROOT.rglob("*")):
        if SKIP_DIRECTORIES & set(path.relative_to(ROOT).parts) or not path.is_file():
            continue
        if path.suffix not in TEXT_SUFFIXES or path.name == "Package.resolved":
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        lines = text.splitlines()
        is_this = path == Path(__file__).resolve()
        family_allowed = is_this or any(FAMILY_MARK in line for line in lines[:8])
        for number, line in enumerate(lines, 1):
            if not family_allowed and FAMILY_NAMES.search(line):
                report.error(path, number, "names", f"the product speaks of JARVIS alone (or mark the file: {FAMILY_MARK})")
            if line.startswith(("<<<<<<< ", ">>>>>>> ")):
                report.error(path, number, "merge", "a merge conflict was left")
            if path.suffix == ".md":
                for target, _ in LINK.findall(line):
                    if "://" in target or target.startswith("mailto:"):
                        continue
                    if not (path.parent / target).exists():
                        report.error(path, number, "link", f"{target} does not exist")


def read_sources() -> list[Source]:
    sources = []
    for base in ("Sources", "Tests"):
        for path in sorted((ROOT / base).rglob("*.swift")):
            text = path.read_text()
            head = text[:400]
            code = without_comments_and_strings(text).split("\n")
            generated = "Generated by scripts/" in head
            lines = text.split("\n")
            if lines and lines[-1] == "":
                lines, code = lines[:-1], code[:-1]
            sources.append(Source(path, path.relative_to(ROOT).parts[1], text, lines, code, generated))
    return sources


def main() -> int:
    report = Report()
    for needed in ("Package.swift", "docs/modules.md"):
        if not (ROOT / needed).exists():
            print(f"lint: {ROOT / needed} is missing", file=sys.stderr)
            return 2
    targets = read_package(ROOT / "Package.swift")
    by_name = {target.name: target for target in targets}
    granted = read_modules(ROOT / "docs/modules.md", report)
    check_package(targets, granted, report)
    sources = read_sources()
    for source in sources:
        target = by_name.get(source.target)
        if target is None:
            report.error(source.path, 1, "modules", f"folder {source.target} is no target of Package.swift")
            continue
        is_test = target.kind == "testTarget" or source.target == "JarvisTestSupport"
        allowed = set(granted.get(source.target, set()))
        if target.kind == "testTarget":
            allowed = set(target.dependencies)
            for dependency in target.dependencies:
                allowed |= granted.get(dependency, set())
        check_imports(source, allowed, is_test, report)
        if target.kind != "testTarget":
            check_source(source, report)
    check_texts(report)
    for line in report.warnings + report.errors:
        print(line)
    print(f"lint: {len(sources)} Swift files, {len(report.errors)} errors, {len(report.warnings)} warnings", file=sys.stderr)
    return 1 if report.errors else 0


if __name__ == "__main__":
    sys.exit(main())
