"""Kill a venue again and again while many write to it; then count what is missing and what is there twice.

python -m tests.support.kills --kills 20 --seed 7 prints the figures as JSON and exits 0 if nothing is wrong.

Each writer has an account, a connection of its own, and a list of what he sent and what he heard. The venue dies at
moments that the seed decides. After each restart every writer asks again, with the same ids and bodies, for all that he
sent since the last one: who had an answer must get the same order again, who had none gets one now. Some kills hit the
writing of a snapshot, some the start after a kill.
"""

import argparse
import asyncio
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from quantumcore.app.bench.served import Connection, request_bytes
from tests.support.processes import ADMIN, Trader, Venue, poll

WRITERS = 8
SYMBOL = "BTC-USD"
FUNDS = {"USD": "100000000.00", "BTC": "10000"}
LOAD_S = (0.2, 1.5)


@dataclass
class Writer:
    """One client: sends, remembers, never waits for others.

    Attributes:
        sent: Bodies by client order id, in order of sending.
        heard: Answers by client order id.
        answered: How many requests got any answer.
        last_ok: Monotonic time of the last accepted answer.
    """

    trader: Trader
    rng: random.Random
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: dict[str, dict[str, Any]] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    cancels: int = 0

    async def work(self, enough: asyncio.Event) -> None:
        """Send one request after the other until the venue is gone, or it is enough."""
        connection = await Connection.open(self.trader.venue.port)
        try:
            while not enough.is_set():
                if self.heard and self.rng.random() < 0.25:
                    await self._cancel(connection)
                else:
                    await self._submit(connection, self._order())
        except ConnectionError:
            pass
        finally:
            connection.close()

    async def ask_again(self, names: list[str]) -> tuple[int, int]:
        """Send the orders `names` again; return how many were lost or became another order, and how many were unknown."""
        wrong = unknown = 0
        connection = await Connection.open(self.trader.venue.port)
        for name in names:
            before = self.heard.get(name)
            answer = await self._send(connection, "POST", "/v1/orders", self.sent[name])
            if before is None:
                unknown += 1
                if "order_id" in answer:
                    self.heard[name] = answer
                else:
                    wrong += 1
            elif (answer.get("order_id"), answer.get("sequence")) != (before["order_id"], before["sequence"]):
                wrong += 1
        connection.close()
        return wrong, unknown

    def _order(self) -> dict[str, Any]:
        rng = self.rng
        body = {
            "client_order_id": f"k{len(self.sent)}-{self.trader.account}",
            "symbol": SYMBOL,
            "side": rng.choice(("buy", "sell")),
            "type": "limit",
            "time_in_force": rng.choices(("gtc", "ioc", "fok"), (8, 1, 1))[0],
            "quantity": f"{rng.randint(1, 500) / 1000:.3f}",
            "price": f"{50000 + rng.randint(-10, 10)}.00",
        }
        if rng.random() < 0.03:
            body["price"] = "50000.001"  # refused, and that is a fact too
        return body

    async def _submit(self, connection: Connection, body: dict[str, Any]) -> None:
        name = body["client_order_id"]
        self.sent[name] = body
        try:
            answer = await self._send(connection, "POST", "/v1/orders", body)
        except ConnectionError:
            self.unanswered.append(name)
            raise
        if "order_id" in answer:
            self.heard[name] = answer
        else:
            self.refused[answer["code"]] += 1

    async def _cancel(self, connection: Connection) -> None:
        name = self.rng.choice(list(self.heard)[-50:])
        await self._send(connection, "DELETE", f"/v1/orders/client:{name}", None)
        self.cancels += 1

    async def _send(
        self, connection: Connection, method: str, path: str, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        if connection._transport is None or connection._transport.is_closing():
            raise ConnectionError("the venue hung up")
        raw = await asyncio.wait_for(connection.send(request_bytes(method, path, body, self.trader.token)), 30)
        self.answered += 1
        answer: dict[str, Any] = json.loads(raw)
        return answer


@dataclass
class Scene:
    """A venue with its admin and its writers."""

    venue: Venue
    admin: Trader
    writers: list[Writer]

    def log_in(self) -> None:
        """Renew the tokens (a token lives 15 minutes)."""
        self.admin.token = self.venue.log_in(ADMIN).token
        for writer in self.writers:
            writer.trader.token = self.venue.log_in(writer.trader.email).token


def scene(directory: Path, seed: int, writers: int = WRITERS) -> Scene:
    """Start a venue with funded writers."""
    venue = Venue(directory)
    try:
        made = venue.begin()
        venue.start()
        admin = venue.log_in(ADMIN, made["account_id"])
        crowd = []
        for number in range(writers):
            trader = venue.register(f"writer{number}")
            venue.fund(admin, trader, **FUNDS)
            crowd.append(Writer(trader, random.Random(f"{seed} {number}")))
    except BaseException:
        venue.close()
        raise
    return Scene(venue, admin, crowd)


def load(played: Scene, seconds: float, number: int | None, *, snapshot: bool = False) -> None:
    """Let all write for `seconds`, then send the venue signal `number` (None: none); return when all have stopped.

    Args:
        snapshot: Ask for a snapshot just before the signal, so that it may hit the writing of it.
    """

    async def go() -> None:
        enough = asyncio.Event()
        tasks = [asyncio.create_task(writer.work(enough)) for writer in played.writers]
        await asyncio.sleep(seconds)
        if snapshot:
            tasks.append(asyncio.create_task(_snapshot(played)))
            await asyncio.sleep(0.002)
        if number is None:
            enough.set()
        elif played.venue.process is not None:
            played.venue.process.send_signal(number)
        await asyncio.gather(*tasks)

    asyncio.run(go())


async def _snapshot(played: Scene) -> None:
    connection = await Connection.open(played.venue.port)
    try:
        await connection.send(request_bytes("POST", "/v1/admin/snapshot", {}, played.admin.token))
    except ConnectionError:
        pass
    finally:
        connection.close()


def kill_while_starting(venue: Venue, seconds: float) -> None:
    """Start the venue and kill it before, or just as, it is ready."""
    arguments = ["run", "--data-dir", str(venue.data_dir), "--port-base", str(venue.port)]
    with (
        (venue.data_dir / "venue.log").open("a") as log,
        subprocess.Popen([sys.executable, "-m", "quantumcore", *arguments], stdout=log, stderr=log) as process,
    ):
        time.sleep(seconds)
        process.kill()


def ask_again(played: Scene, since: list[int]) -> tuple[int, int]:
    """Let all writers ask again for what they sent since; return (lost, unknown)."""

    async def go() -> list[tuple[int, int]]:
        return await asyncio.gather(
            *(w.ask_again(list(w.sent)[start:]) for w, start in zip(played.writers, since, strict=True))
        )

    results = asyncio.run(go())
    return sum(lost for lost, _ in results), sum(unknown for _, unknown in results)


def all_of(trader: Trader, path: str) -> list[dict[str, Any]]:
    """Return every item of a paged list."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = trader.get(path, limit=1000, order="asc", **({"cursor": cursor} if cursor else {})).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return items


def answered(ask: Callable[[], httpx.Response]) -> dict[str, Any]:
    """Return the answer of a room, which may say for a while that it has not caught up; what else it says is an error."""
    refused = ""

    def once() -> dict[str, Any] | None:
        nonlocal refused
        answer = ask()
        if answer.status_code == 503:
            refused = answer.text
            return None
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    found: dict[str, Any] = poll(once)
    if refused:
        print(f"a room was behind: {refused}", file=sys.stderr)
    return found


def audit(played: Scene) -> dict[str, Any]:
    """Compare what the writers heard with what the venue says, and the venue with itself."""
    sequence = played.admin.get("/v1/admin/engine").json()["sequence"]
    orders = lost = filled_twice = fills_missing = unsaid = 0
    trades: Counter[str] = Counter()
    held_in_total: Counter[str] = Counter()
    for writer in played.writers:
        trader = writer.trader
        trader.wait_for(sequence)
        views = {view["client_order_id"]: view for view in all_of(trader, "/v1/orders")}
        fills = all_of(trader, f"/v1/accounts/{trader.account}/fills")
        by_order: dict[str, list[dict[str, Any]]] = {}
        for fill in fills:
            trades[fill["trade_id"]] += 1
            by_order.setdefault(fill["order_id"], []).append(fill)
        filled_twice += sum(n > 1 for n in Counter((f["order_id"], f["trade_id"]) for f in fills).values())
        orders += len(views)
        unsaid += len(set(views) - set(writer.heard))
        for name, answer in writer.heard.items():
            view = views.get(name)
            if view is None or view["order_id"] != answer["order_id"]:
                lost += 1
                continue
            known = by_order.get(view["order_id"], [])
            fills_missing += len({f["trade_id"] for f in answer["fills"]} - {f["trade_id"] for f in known})
            if sum((Decimal(f["quantity"]) for f in known), Decimal(0)) != Decimal(view["filled"]):
                filled_twice += 1
        for currency, (total, _) in trader.balances().items():
            held_in_total[currency] += Decimal(total)  # type: ignore[assignment]  # sums of decimals
    filled_twice += sum(count != 2 for count in trades.values())
    totals = played.admin.ask("matching", "GetEngineTotals").json()["totals"]
    reconciled = played.admin.ask("ledger", "Reconcile").json()
    all_ways = answered(lambda: played.admin.ask("ledger", "GetReconciliation", now=True))  # trades too
    return {
        "orders": orders,
        "trades": len(trades),
        "accepted_orders_lost": lost,
        "orders_nobody_was_told_of": unsaid,
        "fills_missing": fills_missing,
        "fills_twice": filled_twice,
        "currencies_off": _off(played, totals, held_in_total),
        "reconcile_differences": len(reconciled["differences"]),
        "reconcile_breaks": len(all_ways["breaks"]),
        "trial_balance_off": int(not played.admin.ask("ledger", "GetTrialBalance").json()["balanced"]),
    }


def _off(played: Scene, totals: list[dict[str, int]], customers: Counter[str]) -> int:
    """Count the currencies whose parts do not sum to what was deposited."""
    units = {one["code"]: one for one in played.admin.get("/v1/currencies").json()["items"]}
    off = sum(t["customers"] + t["fees"] - t["rebates"] + t["rounding"] != t["deposited"] for t in totals)
    by_deposit = Counter(t["deposited"] for t in totals if t["deposited"])
    for currency, amount in FUNDS.items():
        places = 10 ** int(units[currency]["scale"])
        deposited = int(Decimal(amount) * places) * len(played.writers)
        mine = next((t for t in totals if t["deposited"] == deposited), None)
        off += mine is None or mine["customers"] != int(Decimal(customers[currency]) * places)
    return off + (len(FUNDS) != sum(by_deposit.values()))


def verify(played: Scene) -> dict[str, Any]:
    """Let the command line replay the whole journal beside the running venue, which nobody uses now."""
    report: dict[str, Any] = json.loads(played.venue.cli("verify", "--json").stdout)
    live = played.admin.get("/v1/admin/engine").json()
    return {
        "sound": report["sound"],
        "findings": report["findings"],
        "commands": report["journal_commands"],
        "hash_equal_to_replay": report.get("state_hash") == live["state_hash"],
    }


def torture(directory: Path, kills: int, seed: int, *, progress: bool = False) -> dict[str, Any]:
    """Kill a venue `kills` times under load and return the figures."""
    rng = random.Random(seed)
    played = scene(directory, seed)
    lost = unknown = starts = 0
    restarts: list[float] = []
    try:
        for number in range(kills):
            since = [len(writer.sent) for writer in played.writers]
            load(played, rng.uniform(*LOAD_S), signal.SIGKILL, snapshot=rng.random() < 0.4)
            played.venue.kill()
            if number % 3 == 1:
                kill_while_starting(played.venue, rng.uniform(0.3, 2.5))
                starts += 1
            began = time.monotonic()
            played.venue.start()
            restarts.append(time.monotonic() - began)
            played.log_in()
            found = ask_again(played, since)
            lost, unknown = lost + found[0], unknown + found[1]
            if progress:
                heard = sum(len(writer.heard) for writer in played.writers)
                print(
                    f"kill {number + 1}: {heard} answers, {found[1]} asked again, {found[0]} lost",
                    file=sys.stderr,
                    flush=True,
                )
        figures = audit(played)
        figures["accepted_orders_lost"] += lost
        figures |= verify(played)
        figures["exit"] = played.venue.stop()
    finally:
        played.venue.close()
    return {
        "kills": kills,
        "kills_while_starting": starts,
        "seed": seed,
        "answers": sum(writer.answered for writer in played.writers),
        "cancels": sum(writer.cancels for writer in played.writers),
        "unanswered_then_asked_again": unknown,
        **figures,
        "restart_s_max": round(max(restarts), 1),
    }


WRONG = (
    "accepted_orders_lost",
    "orders_nobody_was_told_of",
    "fills_missing",
    "fills_twice",
    "currencies_off",
    "reconcile_differences",
    "reconcile_breaks",
    "trial_balance_off",
)


def is_well(figures: dict[str, Any]) -> bool:
    """Tell whether the figures are what they must be."""
    return (
        not any(figures[name] for name in WRONG)
        and figures["sound"]
        and figures["hash_equal_to_replay"]
        and figures["exit"] == 0
        and figures["trades"] > 0
    )


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="make kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quantumcore-kills-") as directory:
        figures = torture(Path(directory) / "data", options.kills, options.seed, progress=True)
    print(json.dumps(figures, indent=2))
    return 0 if is_well(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
