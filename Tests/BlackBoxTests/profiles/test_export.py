"""jarvis profile export and import: one file, always the same bytes, believed in nothing."""

import hashlib
import io
import json
import os
import sqlite3
import tarfile

import pytest
from profiles.conftest import identity, leftovers, whole_tree

SECRETS = ("source-token", "AAEhBOweik6ad9r", "irc-password", "sk-model-key", "sk-from-env", "another-0123456789", "device-secret")


@pytest.fixture
def archive(source):
    path = source.root / "main.tar"
    source.json("profile", "export", "main", path, "--json")
    return path


def members(path):
    with tarfile.open(path) as tar:
        return {it.name: tar.extractfile(it).read() for it in tar if it.isreg()}


def pack(path, files, change=None, extra=(), listed=None):
    """An archive of `files` with a manifest that fits; `change` edits the manifest, `extra` are raw tar members."""
    listed = files if listed is None else listed
    manifest = {
        "format": "jarvis-profile", "formatVersion": 1, "productVersion": "0.1.0", "profile": "evil", "secrets": False,
        "stateDirectory": "/home/x/.jarvis-evil", "home": "/home/x", "leftOut": [],
        "files": [{"path": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in listed.items()],
    }
    if change:
        change(manifest)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **files}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o600
            tar.addfile(info, io.BytesIO(data))
        for info in extra:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return path


SETTINGS = b'{"gateway": {"mode": "local"}}'


def test_the_same_bytes_for_the_same_gateway(source):
    one, two = source.root / "one.tar", source.root / "two.tar"
    before = whole_tree(source.state("main"))
    source.json("profile", "export", "main", one, "--json")
    os.utime(source.state("main") / "workspace-main/AGENTS.md")
    before = {**before, "workspace-main/AGENTS.md": None}
    source.json("profile", "export", "main", two, "--json")
    assert one.read_bytes() == two.read_bytes()
    assert {**whole_tree(source.state("main")), "workspace-main/AGENTS.md": None} == before
    assert oct(one.stat().st_mode & 0o777) == "0o600" and not leftovers(source)


def test_holds_no_secret(source, archive):
    content = archive.read_bytes()
    for secret in SECRETS:
        assert secret.encode() not in content, secret
    names = set(members(archive))
    assert {"manifest.json", "config/jarvis.json", "workspace/notes/a.md", "state/workspace-work/plan.md"} <= names
    assert not any(name.startswith(("devices", "identity", "credentials", "run", "logs", "config/env")) for name in names)
    assert b"${X_KEY}" in members(archive)["config/jarvis.json"] and b"own words" in members(archive)["config/jarvis.json"]


def test_secrets_in_comments_stay_here(source):
    path = source.config_path("main")
    path.write_text(path.read_text().replace("// keep me", "// was token: sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD"))
    made = source.json("profile", "export", "main", source.root / "x.tar", "--json")
    assert b"sk-proj" not in (source.root / "x.tar").read_bytes() and any("comments" in note for note in made["notes"])


def test_import_is_a_new_gateway(source, archive):
    before = whole_tree(source.state("main"))
    made = source.json("--profile", "restored", "profile", "import", archive, "--json")
    assert identity(source, "restored") != identity(source, "main")
    config = source.read_config("restored")
    assert config["gateway"]["port"] == made["port"] != 20400
    assert config["gateway"]["auth"]["token"] and config["gateway"]["auth"]["token"] != "source-token-0123456789"
    assert config["agents"]["defaults"]["workspace"] == str(source.state("restored") / "workspace-restored")
    assert (source.state("restored") / "workspace-restored/notes/a.md").read_text() == "a note\n"
    assert (source.state("restored") / "workspace-work/plan.md").read_text() == "the plan\n"
    assert os.access(source.state("restored") / "workspace-restored/tool.sh", os.X_OK)
    assert "nick" not in config["channels"]["irc"]
    assert whole_tree(source.state("main")) == before and not leftovers(source)
    again = source.run("--profile", "restored", "profile", "import", archive)
    assert again.returncode == 2 and "taken" in again.stderr
    assert source.run("profile", "import", archive).returncode == 2, "never into the default instance by accident"


def test_sealed(source):
    sealed, word = source.root / "sealed", source.root / "word"
    word.write_text("correct horse battery\n")
    refused = source.run("profile", "export", "main", sealed, "--include-secrets")
    assert refused.returncode == 2 and "passphrase" in refused.stderr and not sealed.exists()
    source.json("profile", "export", "main", sealed, "--include-secrets", "--passphrase-file", word, "--json")
    content = sealed.read_bytes()
    for secret in (*SECRETS, "own words", "a note"):
        assert secret.encode() not in content, secret
    wrong = source.run("--profile", "r", "profile", "import", sealed, "--passphrase-stdin", input="another horse battery\n")
    assert wrong.returncode == 2 and "passphrase" in wrong.stderr
    for place in (40, len(content) // 2, len(content) - 1):
        damaged = source.root / "damaged"
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])
        assert source.run("--profile", "r", "profile", "import", damaged, "--passphrase-file", word).returncode == 2
    (source.root / "cut").write_bytes(content[:-70_000] if len(content) > 140_000 else content[:-20])
    assert source.run("--profile", "r", "profile", "import", source.root / "cut", "--passphrase-file", word).returncode == 2
    assert not source.state("r").exists() and not leftovers(source)

    conflict = source.run("--profile", "r", "profile", "import", sealed, "--keep-exclusive", "--passphrase-file", word)
    assert conflict.returncode == 2 and "telegram" in conflict.stderr and "AAEhBO" not in conflict.stderr and ".staging-" not in conflict.stderr
    source.json("--profile", "twin", "profile", "import", sealed, "--passphrase-file", word, "--json")
    assert (source.state("twin") / ".env").read_text() == "X_KEY=sk-from-env-0123456789\n"
    assert source.run("profile", "rm", "main", "--yes").returncode == 0
    source.json("--profile", "main", "profile", "import", sealed, "--keep-exclusive", "--passphrase-file", word, "--json")
    assert source.read_config("main")["channels"]["telegram"]["botToken"].startswith("123456789:")
    assert "IRC_PASS" in (source.state("main") / ".env").read_text()


def test_an_existing_file_is_not_overwritten(source):
    path = source.root / "there.tar"
    path.write_text("mine")
    refused = source.run("profile", "export", "main", path)
    assert refused.returncode == 2 and "--force" in refused.stderr and path.read_text() == "mine"
    assert source.run("profile", "export", "main", path, "--force").returncode == 0
    assert "manifest.json" in members(path)


def hostile(name, size=1, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname, info.mode = size if kind == tarfile.REGTYPE else 0, kind, link, 0o600
    return info


HOSTILE = {
    "traversal": {"files": {"workspace/../../../../escaped": b"x"}},
    "dot": {"files": {"workspace/./x": b"x"}},
    "absolute": {"files": {"/escaped": b"x"}},
    "backslash": {"files": {"workspace/..\\x": b"x"}},
    "control": {"files": {"workspace/a\nb": b"x"}},
    "identity": {"files": {"state/instance.json": b"{}"}},
    "runtime": {"files": {"state/run/gateway.json": b"{}"}},
    "unit": {"files": {"state/workspace": b"x"}},
    "unknown": {"files": {"devices/x": b"x"}},
    "unlisted": {"files": {"workspace/a": b"x"}, "listed": {}},
    "missing": {"files": {}, "listed": {"workspace/a": b"x"}},
    "digest": {"files": {"workspace/a": b"x"}, "listed": {"workspace/a": b"y"}},
    "size": {"files": {"workspace/a": b"xx"}, "listed": {"workspace/a": b"x"}},
    "symlink": {"files": {}, "extra": [hostile("workspace/l", kind=tarfile.SYMTYPE, link="/etc/passwd")]},
    "hardlink": {"files": {}, "extra": [hostile("workspace/l", kind=tarfile.LNKTYPE, link="manifest.json")]},
    "device": {"files": {}, "extra": [hostile("workspace/d", kind=tarfile.CHRTYPE)]},
    "directory": {"files": {}, "extra": [hostile("workspace", kind=tarfile.DIRTYPE)]},
    "twice": {"files": {"workspace/a": b"x"}, "extra": [hostile("workspace/a")]},
    "twice in capitals": {"files": {"workspace/a": b"x"}, "extra": [hostile("workspace/A")]},
    "newer": {"files": {}, "change": lambda manifest: manifest.update(formatVersion=2)},
    "other format": {"files": {}, "change": lambda manifest: manifest.update(format="zip")},
    "repeated in the manifest": {"files": {"workspace/a": b"x"}, "change": lambda manifest: manifest["files"].append(manifest["files"][-1])},
    "relative home": {"files": {}, "change": lambda manifest: manifest.update(stateDirectory="x")},
    "database": {"files": {"sessions/jarvis.sqlite": b"SQLite format 3\0" + b"\0" * 5000}},
    "no database": {"files": {"sessions/jarvis.sqlite": b"text"}},
}


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_hostile_archives(home, case):
    what = dict(HOSTILE[case])
    files = {"config/jarvis.json": SETTINGS, **what.pop("files")}
    listed = what.pop("listed", None)
    path = pack(home.root / "evil.tar", files, listed=None if listed is None else {"config/jarvis.json": SETTINGS, **listed}, **what)
    before = whole_tree(home.root)
    result = home.run("--profile", "victim", "profile", "import", path)
    assert result.returncode == 2, (result.returncode, result.stdout, result.stderr)
    assert "\n" not in result.stderr.strip().split("\n  →")[0]
    after = whole_tree(home.root, (".local",))
    assert after == {name: facts for name, facts in before.items() if not name.startswith(".local")}
    assert not leftovers(home)


def test_a_foreign_database_cannot_act(home):
    """A trigger in the conversations of an archive is a program of somebody else."""
    source = home.root / "evil.sqlite"
    with sqlite3.connect(source) as rows:
        rows.executescript("CREATE TABLE sessions(id); CREATE TRIGGER t AFTER INSERT ON sessions BEGIN DELETE FROM sessions; END; PRAGMA user_version = 1;")
    rows.close()
    path = pack(home.root / "evil.tar", {"config/jarvis.json": SETTINGS, "sessions/jarvis.sqlite": source.read_bytes()})
    result = home.run("--profile", "victim", "profile", "import", path)
    assert result.returncode == 2 and "tables" in result.stderr, result.stderr
    assert not home.state("victim").exists()


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 1024, b"\0" * 100_000, b"JARVISEAL1", b"JARVISEAL1" + b"x" * 100, b"{}" * 5000, os.urandom(5000)],
                         ids=["empty", "one byte", "zeros", "many zeros", "seal", "bad seal", "text", "noise"])
def test_what_is_no_archive(home, content):
    path = home.root / "file"
    path.write_bytes(content)
    result = home.run("--profile", "victim", "profile", "import", path, "--passphrase-stdin", input="some passphrase\n")
    assert result.returncode == 2, (result.returncode, result.stderr)
    assert not home.state("victim").exists() and not leftovers(home)


def test_cut_at_any_place(source, archive):
    content = archive.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 23)):
        (source.root / "cut.tar").write_bytes(content[:place])
        assert source.run("--profile", "victim", "profile", "import", source.root / "cut.tar").returncode == 2, place
    assert not source.state("victim").exists() and not leftovers(source)
    (source.root / "long.tar").write_bytes(content + b"more")
    assert source.run("--profile", "victim", "profile", "import", source.root / "long.tar").returncode == 2


@pytest.mark.parametrize("name", ["x" * 120, "ordner/" + "ü" * 90, " a ", "-rf", "*", "a'b\"c"])
def test_odd_file_names(source, name):
    path = source.state("main") / "workspace-main" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"odd")
    source.json("profile", "export", "main", source.root / "odd.tar", "--json")
    with tarfile.open(source.root / "odd.tar") as tar:
        assert f"workspace/{name}" in tar.getnames(), "other programs read it too"
    source.json("--profile", "back", "profile", "import", source.root / "odd.tar", "--json")
    assert (source.state("back") / "workspace-back" / name).read_bytes() == b"odd"
