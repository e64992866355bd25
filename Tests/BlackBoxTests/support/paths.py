"""Where things are."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def jarvis_binary() -> Path:
    """The binary under test: JARVIS_TEST_BINARY, else the debug build."""
    return Path(os.environ.get("JARVIS_TEST_BINARY") or REPOSITORY / ".build/debug/jarvis").resolve()
