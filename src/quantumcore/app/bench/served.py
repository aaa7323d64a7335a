"""A served venue of its own process, and a client that costs little: raw HTTP/1.1 over kept connections."""

import asyncio
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from quantumcore.app.operator import ask
from quantumcore.contracts.auth import CreateUser
from quantumcore.contracts.errors import Unavailable

T = TypeVar("T")

LENGTH = b"\r\ncontent-length: "
READY_S = 60.0
BLOCK, LANES = 16, 32
FIRST_FREE, FIRST_OUTGOING = (
    10_000,
    32_768,
)  # Linux: net.ipv4.ip_local_port_range begins there unless it is told otherwise
STOP_S = 20.0
PASSWORD = "a-bench-password-of-its-own"  # noqa: S105  # of a venue that lives for seconds in a temporary directory
_WIDE = ("RATE_USER", "RATE_ORDERS", "RATE_CANCELS", "RATE_PEER", "RATE_LOGIN", "LIMIT_OPEN_ORDERS", "LIMIT_OPEN_EACH")
UNLIMITED = {f"QC_{name}": "1000000000" for name in _WIDE}


class Served:
    """A running venue.

    Attributes:
        started_s: What its ready line said.
    """

    def __init__(self, data_dir: Path, port_base: int, environment: dict[str, str] | None = None) -> None:
        self.data_dir = data_dir
        self.port = port_base
        self.started_s = 0.0
        self._environment = {**os.environ, **UNLIMITED, **(environment or {})}
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> "Served":
        """Start it and wait for its ready line.

        Raises:
            Unavailable: It ended or was not ready in time; the text is what it said.
        """
        command = [
            sys.executable,
            "-m",
            "quantumcore",
            "run",
            "--data-dir",
            str(self.data_dir),
            "--port-base",
            str(self.port),
        ]
        with (self.data_dir / "venue.log").open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environment
            )  # our own command
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"in ([0-9.]+)s", line)
        if not line.startswith("ready") or found is None:
            self.process.kill()
            self.process.wait()
            raise Unavailable(
                "unavailable", f"the venue did not start: {line} {(self.data_dir / 'venue.log').read_text()[-2000:]}"
            )
        self.started_s = float(found[1])
        return self

    def kill(self) -> None:
        """Kill it without warning."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def admin(self) -> tuple[str, int]:
        """Create an admin and return (access token, account)."""
        user = asyncio.run(
            ask(self.data_dir, CreateUser(email="bench@bench.example", password=PASSWORD, roles=["admin"]))
        )
        login = self.call("POST", "/v1/auth/login", {"email": "bench@bench.example", "password": PASSWORD})
        return login["access_token"], int(user["account_id"])

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, token: str = "") -> dict[str, Any]:
        """Send one request on a connection of its own and return the answer's JSON."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request_bytes(method, path, body, token, close=True))
            raw = b"".join(iter(lambda: connection.recv(65536), b""))
        answer: dict[str, Any] = json.loads(raw.partition(b"\r\n\r\n")[2])
        return answer


def request_bytes(method: str, path: str, body: dict[str, Any] | None, token: str, *, close: bool = False) -> bytes:
    """Return one HTTP/1.1 request."""
    content = json.dumps(body).encode() if body is not None else b""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Length: {len(content)}",
        "Content-Type: application/json",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Connection(asyncio.Protocol):
    """One kept connection: send a request, get the body of the answer (answers carry Content-Length)."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to a venue on this machine."""
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    async def send(self, request: bytes) -> bytes:
        """Send and wait for the answer's body."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whoever waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the venue hung up"))

    def data_received(self, data: bytes) -> None:
        """Complete the answer when all of its body is there."""
        self._buffer = data = self._buffer + data if self._buffer else data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            return
        at = data.index(LENGTH, 0, head) + len(LENGTH)  # every answer has one; the server writes names in small letters
        end = head + 4 + int(data[at : data.index(b"\r\n", at)])
        if len(data) >= end and self._answer is not None and not self._answer.done():
            self._buffer = data[end:]
            self._answer.set_result(data[head + 4 : end])


def run(client: Coroutine[Any, Any, T]) -> T:
    """Run a client as cheaply as this machine can: it shares the cores with what it measures."""
    import uvloop  # as the server: only who serves or measures wants it

    return uvloop.run(client)


def free_port_base(count: int = 13) -> int:
    """Return a base from which `count` ports are free now.

    They lie below what the kernel gives to outgoing connections: such a port is taken again before a venue binds it.
    Each process draws whole blocks from a lane of its own: a venue that is started again must find its ports as it left
    them, although another process looks for free ones meanwhile.
    """
    blocks = (FIRST_OUTGOING - FIRST_FREE) // BLOCK
    while True:
        block = secrets.randbelow(blocks // LANES) * LANES + os.getpid() % LANES
        base = FIRST_FREE + block * BLOCK
        if all(_is_free(base + offset) for offset in range(count)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@contextmanager
def served() -> Iterator[Served]:
    """Give a venue in a temporary directory; it is stopped afterwards."""
    with tempfile.TemporaryDirectory(prefix="quantumcore-bench-") as directory:
        venue = Served(Path(directory), free_port_base()).start()
        try:
            yield venue
        finally:
            venue.stop()


def wait_until(condition: Any, seconds: float = 10.0) -> None:
    """Return once `condition()` is true.

    Raises:
        TimeoutError: It did not become true in time.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not become true")
        time.sleep(0.01)
