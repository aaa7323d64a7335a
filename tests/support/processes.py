"""A real venue in a process of its own, its users, and the command line beside it."""

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from quantumcore.app.bench.served import Served, free_port_base

PASSWORD = "a long pass phrase for tests"
ADMIN = "admin@example.com"
PORTS = {"gateway": 0, "auth": 1, "orders": 2, "matching": 3, "positions": 5, "market": 6, "ledger": 8}
SECONDS = 30.0


class Venue(Served):
    """A served venue with an HTTP client; kill, start, stop as often as a test likes."""

    def __init__(self, data_dir: Path, environment: dict[str, str] | None = None) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        super().__init__(data_dir, free_port_base(), environment)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=SECONDS)
        self._users = 0

    def start(self) -> "Venue":
        """Start it; connections of the process before are forgotten."""
        self.http.close()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=SECONDS)
        super().start()
        return self

    def kill(self) -> None:
        """Kill it without warning; its pipe is closed too."""
        super().kill()
        self._close_pipe()

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        code = super().stop()
        self._close_pipe()
        return code

    def close(self) -> None:
        """Leave nothing behind, whatever happened."""
        self.kill()
        self.http.close()

    def _close_pipe(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def log(self) -> str:
        """Return what the venue wrote to its standard error."""
        return (self.data_dir / "venue.log").read_text()

    def cli(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a command of the command line on this venue's directory."""
        return command(*arguments, "--data-dir", str(self.data_dir), given=given)

    def make_admin(self, email: str = ADMIN) -> dict[str, str]:
        """Create an admin on the command line."""
        done = self.cli("user", "create", email, "--role", "admin", "--password-stdin", "--json", given=PASSWORD + "\n")
        assert done.returncode == 0, done.stderr
        made: dict[str, str] = json.loads(done.stdout)
        return made

    def begin(self) -> dict[str, str]:
        """Begin with an admin: with a copy of what the command line makes of an empty directory, made once in this process."""
        assert self.process is None, "it runs already"
        directory, made = _begun()
        shutil.copytree(directory, self.data_dir, dirs_exist_ok=True)
        return dict(made)

    def log_in(self, email: str, account: str = "") -> "Trader":
        """Log in somebody who exists."""
        answer = self.http.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return Trader(self, email, account, answer.json()["access_token"])

    def register(self, name: str = "") -> "Trader":
        """Register somebody new and log him in."""
        self._users += 1
        email = f"{name or 'user'}-{self._users}-{time.monotonic_ns()}@example.com"
        answer = self.http.post("/v1/auth/register", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        return self.log_in(email, answer.json()["account_id"])

    def fund(self, admin: "Trader", trader: "Trader", **amounts: str) -> None:
        """Deposit amounts by currency."""
        for currency, amount in amounts.items():
            body = {"transfer_id": f"fund-{currency}-{time.monotonic_ns()}", "kind": "deposit", "currency": currency}
            answer = admin.post("/v1/transfers", body | {"account_id": trader.account, "amount": amount})
            assert answer.status_code == 200, answer.text

    def on_port(self, service: str) -> str:
        """Return the address of a service's own port."""
        return f"http://127.0.0.1:{self.port + PORTS[service]}"


@cache
def _begun() -> tuple[Path, dict[str, str]]:
    directory = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, directory)
    first = Venue(directory)
    try:
        return directory, first.make_admin()
    finally:
        first.close()


class Trader:
    """Somebody who is logged in."""

    def __init__(self, venue: Venue, email: str, account: str, token: str) -> None:
        self.venue = venue
        self.email = email
        self.account = account
        self.token = token
        self._orders = 0

    @property
    def headers(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **query: Any) -> httpx.Response:
        """GET."""
        return self.venue.http.get(path, params=query, headers=self.headers)

    def post(self, path: str, body: Any) -> httpx.Response:
        """POST."""
        return self.venue.http.post(path, json=body, headers=self.headers)

    def patch(self, path: str, body: Any) -> httpx.Response:
        """PATCH."""
        return self.venue.http.patch(path, json=body, headers=self.headers)

    def put(self, path: str, body: Any) -> httpx.Response:
        """PUT."""
        return self.venue.http.put(path, json=body, headers=self.headers)

    def delete(self, path: str, **query: Any) -> httpx.Response:
        """DELETE."""
        return self.venue.http.delete(path, params=query, headers=self.headers)

    def order(
        self, side: str, quantity: str, price: str | None, symbol: str = "BTC-USD", **more: Any
    ) -> dict[str, Any]:
        """Return the body of an order with a client id of its own."""
        self._orders += 1
        body = {"symbol": symbol, "side": side, "type": "limit" if price else "market", "quantity": quantity}
        body |= {"client_order_id": f"c{self._orders}-{self.account}"} | ({"price": price} if price else {})
        return body | more

    def submit(
        self, side: str, quantity: str, price: str | None, symbol: str = "BTC-USD", **more: Any
    ) -> dict[str, Any]:
        """Submit an order that becomes one, accepted or rejected."""
        answer = self.post("/v1/orders", self.order(side, quantity, price, symbol, **more))
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def wait_for(self, sequence: int) -> None:
        """Return once our account's views have reached what somebody else did."""

        def reached() -> bool:
            paths = (f"/v1/accounts/{self.account}/balances", "/v1/orders")
            return all(self.get(path).json()["sequence"] >= sequence for path in paths)

        poll(reached)

    def balances(self) -> dict[str, tuple[str, str]]:
        """Return {currency: (total, held)}."""
        answer = self.get(f"/v1/accounts/{self.account}/balances").json()
        return {one["currency"]: (one["total"], one["held"]) for one in answer["balances"]}

    def fills(self) -> list[dict[str, Any]]:
        """Return all fills, newest first."""
        items: list[dict[str, Any]] = self.get(f"/v1/accounts/{self.account}/fills", limit=1000).json()["items"]
        return items

    def ask(self, service: str, query: str, **fields: Any) -> httpx.Response:
        """Ask a service on its own port."""
        return httpx.post(
            f"{self.venue.on_port(service)}/queries/{query}", json=fields, headers=self.headers, timeout=SECONDS
        )

    @contextmanager
    def stream(self) -> Iterator["Stream"]:
        """Open a websocket and say who we are."""
        with connect(f"ws://127.0.0.1:{self.venue.port}/v1/stream", open_timeout=SECONDS) as socket:
            stream = Stream(socket)
            said = stream.say(op="auth", token=self.token)
            assert said["ok"], said
            yield stream


class Stream:
    """A websocket: what it said and what is yet to be read.

    Attributes:
        socket: For whoever wants the frames as they are.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._kept: list[dict[str, Any]] = []

    def say(self, **message: Any) -> dict[str, Any]:
        """Send an operation and return its answer; data that comes before it is kept."""
        self.socket.send(json.dumps({"id": "it", **message}))
        while True:
            heard: dict[str, Any] = json.loads(self.socket.recv(timeout=SECONDS))
            if heard.get("op") == message["op"]:
                return heard
            self._kept.append(heard)

    def subscribe(self, **channel: Any) -> dict[str, Any]:
        """Subscribe to one channel; it must be granted."""
        said = self.say(op="subscribe", channels=[channel])
        assert said["ok"], said
        return said

    def next(self, channel: str) -> dict[str, Any]:
        """Return the next message of a channel; others are kept."""
        for at, heard in enumerate(self._kept):
            if heard.get("channel") == channel:
                return self._kept.pop(at)
        while True:
            heard = json.loads(self.socket.recv(timeout=SECONDS))
            if heard.get("channel") == channel:
                return heard
            self._kept.append(heard)


def picture(admin: Trader, traders: tuple[Trader, ...]) -> dict[str, Any]:
    """Everything that clients and operators can see, apart from times of asking."""
    seen: dict[str, Any] = {"book": admin.get("/v1/market/BTC-USD/book", level=3).json()}
    seen["ticker"] = admin.get("/v1/market/BTC-USD/ticker").json() | {"time": "", "sequence": 0}
    seen["trades"] = admin.get("/v1/market/BTC-USD/trades").json()["items"]
    seen["engine"] = admin.ask("matching", "GetEngineTotals").json()["totals"]
    seen["reconcile"] = admin.ask("ledger", "Reconcile").json()["differences"]
    for trader in traders:
        seen[trader.account] = {
            "balances": trader.balances(),
            "holds": trader.get(f"/v1/accounts/{trader.account}/holds").json()["holds"],
            "fills": trader.fills(),
            "orders": trader.get("/v1/orders", limit=1000).json()["items"],
            "ledger": trader.get(f"/v1/accounts/{trader.account}/ledger", limit=1000).json()["items"],
        }
    seen["book"].pop("sequence")
    return seen


def command(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command line as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", "quantumcore", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=4 * SECONDS,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


def poll(condition: Any, seconds: float = SECONDS) -> Any:
    """Return the first true value of `condition()`; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return value
