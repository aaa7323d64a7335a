"""`quantumcore demo`: a served venue in a temporary directory, a crowd in it, and a live table."""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from quantumcore.adapters import logs
from quantumcore.app.compose import build
from quantumcore.app.demo.market import Crowd
from quantumcore.app.run import Running
from quantumcore.app.settings import Settings, load_settings

REFRESH_S = 0.25
ROUND_S = 0.02


def demo(*, seconds: float, seed: int, port_base: int, console: Console) -> dict[str, Any]:
    """Run the demo for `seconds` (0: until interrupted) and return its figures."""
    logs.configure("quantumcore", "ERROR", sys.stderr)
    with tempfile.TemporaryDirectory(prefix="quantumcore-demo-") as directory:
        settings = load_settings(data_dir=Path(directory), port_base=port_base)
        return asyncio.run(_demo(settings, seconds, seed, console))


async def _demo(settings: Settings, seconds: float, seed: int, console: Console) -> dict[str, Any]:
    running = Running(settings, await build(settings))
    await running.start()
    await running.open_ports()
    crowd = Crowd(running.house.bus, seed)
    gateway = f"http://{settings.host}:{settings.port('gateway')}"
    console.print(f"demo venue at {gateway} (seed {seed}); look at {gateway}/v1/market/BTC-USD/book")
    began = time.monotonic()
    try:
        await crowd.enter()
        with Live(console=console, refresh_per_second=4, transient=False) as live:
            shown = 0.0
            while seconds == 0 or time.monotonic() - began < seconds:
                await crowd.round()
                if time.monotonic() - shown >= REFRESH_S:
                    shown = time.monotonic()
                    live.update(_screen(crowd, shown - began))
                await asyncio.sleep(ROUND_S)
            live.update(_screen(crowd, time.monotonic() - began))
    except (KeyboardInterrupt, asyncio.CancelledError):
        pass
    finally:
        elapsed = time.monotonic() - began
        await running.stop()
    return _figures(crowd, elapsed, seed)


def _screen(crowd: Crowd, elapsed: float) -> Group:
    books = Table(title="Books")
    for column in ("symbol", "bid", "bid size", "ask", "ask size", "last", "volume", "trades"):
        books.add_column(column, justify="left" if column == "symbol" else "right")
    for symbol, t in sorted(crowd.tickers.items()):
        row = (t.bid, t.bid_quantity, t.ask, t.ask_quantity, t.last, t.volume_24h)
        books.add_row(symbol, *(value or "-" for value in row), str(t.trades_24h))
    trades = Table(title="Last trades", show_header=False)
    for line in crowd.tape:
        trades.add_row(line)
    f = _figures(crowd, elapsed, 0)
    latency = f"submit to durable answer: p50 {f['p50_ms']} ms, p99 {f['p99_ms']} ms"
    counts = f"{f['orders']:,} orders ({f['orders_per_second']:,}/s), {f['trades']:,} fills, {f['rejected']:,} rejected"
    return Group(books, trades, f"{counts}; {latency}")


def _figures(crowd: Crowd, elapsed: float, seed: int) -> dict[str, Any]:
    milliseconds = sorted(1000 * value for value in crowd.latencies)
    cuts = statistics.quantiles(milliseconds, n=100) if len(milliseconds) > 1 else [0.0] * 99
    return {
        "seed": seed,
        "seconds": round(elapsed, 1),
        "orders": crowd.figures.orders,
        "orders_per_second": round(crowd.figures.orders / max(elapsed, 0.001)),
        "rejected": crowd.figures.rejected,
        "errors": crowd.figures.errors,
        "trades": crowd.figures.trades,
        "p50_ms": round(cuts[49], 2),
        "p99_ms": round(cuts[98], 2),
    }
