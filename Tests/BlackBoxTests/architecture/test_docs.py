"""The pages for people name commands and options that there are: every `jarvis …` in them is looked up in the generated reference."""

import re
import shlex

import pytest
from support.paths import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
ALIASES = {"ls": "instances"}
GLOBAL = {"--profile", "--dev", "--log-level", "--no-color", "--version", "--help"}


def reference() -> dict[str, set[str]]:
    """Command → its options."""
    commands: dict[str, set[str]] = {}
    for part in (REPOSITORY / "docs/reference/cli.md").read_text().split("\n## `")[1:]:
        for section in re.split(r"\n### `", part):
            name, _, text = section.partition("`")
            commands[name.removeprefix("jarvis").strip()] = set(re.findall(r"^\| `[^|]*?(--[a-z][a-z0-9-]*)", text, re.M))
    return commands


def lines_of(text: str) -> list[str]:
    """What stands in code, cut at pipes, comments and redirections."""
    blocks = re.findall(r"^```(?:bash|sh)?\n(.*?)^```", text, re.M | re.S)
    plain = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    code = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()] + re.findall(r"`(jarvis [^`]+)`", plain)
    return [line[line.index("jarvis "):] for line in code if re.match(r"(?:\w+=\S+ +)*jarvis ", line.strip())]


def words_of(line: str) -> list[str]:
    try:
        words = shlex.split(re.split(r"\s+#|\s\|\s|\s>\s|\s&&\s| {3,}", line)[0])
    except ValueError:  # a sentence cut the code in two
        words = line.split()
    return words[1:]


def unknown(line: str, commands: dict[str, set[str]]) -> str | None:
    """Why a line can't be typed as it stands; None when it can."""
    words, path, options, skip = words_of(line), [], [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("--profile", "--log-level", "--browser-profile"):
            skip = True
            options.append(word)
        elif word.startswith("--"):
            options.append(word.split("=")[0])
        elif " ".join([*path, ALIASES.get(word, word)]) in commands:
            path.append(ALIASES.get(word, word))
    command = " ".join(path)
    if not path:
        return None if not words or words[0].startswith(("-", "<", "…")) else f"no command: {words[0]}"
    allowed = commands[command] | GLOBAL | {option for name, found in commands.items() if name.startswith(command + " ") for option in found}
    missing = [option for option in options if option not in allowed and option != "--"]
    return f"`jarvis {command}` has no {', '.join(missing)}" if missing else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_can_be_typed(page):
    commands = reference()
    assert len(commands) > 100 and "--full-page" in commands["browser screenshot"]
    wrong = {line: why for line in lines_of(page.read_text()) if (why := unknown(line, commands))}
    assert not wrong, "\n".join(f"{page.name}: {line}: {why}" for line, why in wrong.items())


def test_a_command_that_is_not_there_would_be_found():
    commands = reference()
    assert unknown("jarvis browser screenshot --whole-page", commands) and unknown("jarvis brwser tabs", commands)
    assert unknown("jarvis --profile rescue browser --browser-profile work open https://example.com", commands) is None
