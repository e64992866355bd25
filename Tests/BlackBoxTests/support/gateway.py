"""A gateway process under test."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from support.home import TOKEN, Home
from support.paths import jarvis_binary
from support.ports import free_base_port
from support.rpc import Rpc

READY_SECONDS = 20  # debug builds on a busy machine


def base_config(port: int, model_url: str | None = None, model: str = "echo", key: str = "sk-scripted") -> dict:
    """A config that starts: local mode, a token, and the given model server when there is one."""
    config: dict = {"gateway": {"mode": "local", "port": port, "auth": {"mode": "token", "token": TOKEN}}}
    if model_url:
        config["models"] = {
            "providers": {
                "test": {
                    "baseUrl": model_url, "apiKey": key, "api": "openai-completions",
                    "models": [{"id": model, "name": model, "contextWindow": 4096, "maxTokens": 512}],
                }
            }
        }
        config["agents"] = {"defaults": {"model": {"primary": f"test/{model}"}}}
    return config


def merge(base: dict, extra: dict) -> dict:
    """`extra` laid over `base`, objects deeply."""
    result = dict(base)
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merge(result[key], value)
        else:
            result[key] = value
    return result


class Gateway:
    """One gateway with its state; may be stopped, killed and started again on the same state."""

    def __init__(self, home: Home, profile: str | None = None, port: int | None = None, token: str | None = TOKEN,
                 arguments: list[str] | None = None, env: dict | None = None, prefix: list[str] | None = None):
        self.home = home
        self.profile = profile
        self.port = port or free_base_port()
        self.token = token
        self.arguments = arguments
        self.env = env or {}
        self.prefix = prefix or []
        self.process: subprocess.Popen | None = None
        self.log_path = home.root / "tmp" / f"gateway-{self.port}.log"
        self._clients: list[Rpc] = []

    # ---- life

    def command(self) -> list[str]:
        profile = ["--profile", self.profile] if self.profile else []
        tail = self.arguments if self.arguments is not None else ["--port", str(self.port)]
        return [*self.prefix, str(jarvis_binary()), *profile, "gateway", *tail]

    def launch(self) -> "Gateway":
        """Starts the process and returns at once."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.home.environment(**self.env), cwd=self.home.root, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        return self

    def start(self, timeout: float = READY_SECONDS) -> "Gateway":
        """Starts the process and returns when /readyz says 200."""
        self.launch()
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if (code := self.process.poll()) is not None:
                raise AssertionError(f"the gateway ended with {code} instead of starting:\n{self.log()}")
            try:
                if self.get("/readyz", timeout=2)[0] == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"the gateway was not ready within {timeout} s:\n{self.log()}")

    def wait(self, timeout: float = 15) -> int:
        """The exit code; negative for a signal."""
        return self.process.wait(timeout)

    def stop(self, timeout: float = 15) -> int:
        """SIGTERM, then the exit code."""
        self._forget_clients()
        if self.process and self.process.poll() is None:
            os.kill(self.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                log = self.log()
                self.kill()
                raise AssertionError(f"SIGTERM did not stop the gateway within {timeout} s:\n{log}") from None
        return self.process.returncode if self.process else 0

    def kill(self) -> None:
        """SIGKILL to the gateway and whatever it started."""
        if self.process and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(10)
        self._forget_clients()

    def restart(self) -> "Gateway":
        self.stop()
        return self.start()

    @property
    def pid(self) -> int:
        """The gateway's own process, also where another program started it."""
        if self.prefix:
            try:
                return int(json.loads((self.state / "run/gateway.json").read_text())["pid"])
            except (OSError, ValueError, KeyError):
                pass
        return self.process.pid

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        """What it printed; file logs are under the state directory."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # ---- places

    @property
    def state(self) -> Path:
        return Path(self.env["JARVIS_STATE_DIR"]) if "JARVIS_STATE_DIR" in self.env else self.home.state(self.profile)

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # ---- talking to it

    def get(self, path: str, headers: dict | None = None, timeout: float = 5, method: str = "GET", body=None):
        """(status, headers, body) of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def client(self, **options) -> Rpc:
        """A connected client with the gateway's token, closed with the gateway."""
        options.setdefault("token", self.token)
        client = Rpc(self.ws_url, **options)
        self._clients.append(client)
        return client

    def cli(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        """Runs `jarvis [--profile P] ARGUMENTS` with this gateway's environment."""
        options["env"] = {**self.env, **options.get("env", {})}
        profile = ["--profile", self.profile] if self.profile else []
        return self.home.run(*profile, *arguments, **options)

    def cli_json(self, *arguments: str, **options):
        result = self.cli(*arguments, **options)
        assert result.returncode == 0, f"{arguments}: exit {result.returncode}\n{result.stdout}\n{result.stderr}"
        return json.loads(result.stdout)

    def _forget_clients(self) -> None:
        for client in self._clients:
            client.close()
        self._clients.clear()


class GatewayFactory:
    """Makes gateways that end with the test: `gateway()` is ready, `gateway(start=False)` is not started."""

    def __init__(self, home: Home, model_url: str | None):
        self.home = home
        self.model_url = model_url
        self.made: list[Gateway] = []

    def __call__(self, profile: str | None = None, *, config: dict | None = None, start: bool = True,
                 model: bool = True, write_config: bool = True, **options) -> Gateway:
        gateway = Gateway(self.home, profile, **options)
        self.made.append(gateway)
        if write_config:
            base = base_config(gateway.port, self.model_url if model else None)
            self.home.write_config(merge(base, config or {}), profile)
        return gateway.start() if start else gateway

    def stop(self) -> None:
        for gateway in self.made:
            gateway.kill()
