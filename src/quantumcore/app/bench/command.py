"""`quantumcore bench [NAME ...]`."""

from collections.abc import Callable
from typing import Any

from rich.console import Console

from quantumcore.app.bench.core import core, journal, recovery
from quantumcore.app.bench.http import http
from quantumcore.app.bench.ledger import ledger
from quantumcore.app.bench.measure import Figure, as_json, machine, show
from quantumcore.app.bench.options import options
from quantumcore.app.bench.peers import peers
from quantumcore.app.bench.portfolio import portfolio
from quantumcore.app.bench.positions import positions
from quantumcore.app.bench.risk import risk
from quantumcore.app.bench.statements import statements

BENCHES: dict[str, Callable[..., list[Figure]]] = {
    "core": core,
    "peers": peers,
    "journal": journal,
    "recovery": recovery,
    "positions": positions,
    "http": http,
    "ledger": ledger,
    "portfolio": portfolio,
    "risk": risk,
    "statements": statements,
    "options": options,
}
TELLING = {"ledger"}  # those that say how far they are


def bench(names: list[str], *, seed: int, scale: float, console: Console) -> dict[str, Any]:
    """Run the named benches (all by default), print each when it is done, and return everything.

    Whoever asks for `core` gets the peers after it.
    """
    console.print(f"machine: {machine()}; seed {seed}; medians of repeats after one that does not count")
    results: dict[str, Any] = {"machine": machine(), "seed": seed}
    wanted = {*(names or BENCHES)}
    if "core" in wanted:
        wanted.add("peers")
    for name in (name for name in BENCHES if name in wanted):
        with console.status(f"bench {name}") as status:
            told = {"tell": status.update} if name in TELLING else {}
            figures = BENCHES[name](seed, scale, **told)
        show(name, figures, console)
        results[name] = as_json(figures)
    return results
