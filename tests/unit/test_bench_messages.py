"""A workload in messages is the workload, for any engine that keeps price-time priority.

Goal: what is measured beside ours is the same work, and an engine that ends elsewhere is found out.
Method: worked cases for the plain book; then every shape, small, played by it and compared with our engine.
"""

import json
import struct
import sys
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.app.bench import peers as peers_module
from quantumcore.app.bench.command import BENCHES
from quantumcore.app.bench.command import bench as run_bench
from quantumcore.app.bench.measure import Figure, as_json, show
from quantumcore.app.bench.messages import (
    CANCEL,
    HEAD,
    IOC,
    MAGIC,
    MOVE,
    NEW,
    RECORD,
    Message,
    Open,
    Outcome,
    dump,
    messages,
    work_for_peers,
)
from quantumcore.app.bench.peers import dump_all, peers
from quantumcore.app.bench.sorted_book import Player, SortedBook
from quantumcore.app.bench.steps import Work, make
from quantumcore.contracts.wire import CancelOrder, ReplaceOrder, SubmitOrder, decode_command
from quantumcore.core import _native

COMMANDS = 10_000
BUY, SELL = False, True


class Heard(SortedBook):
    """A book that remembers its trades: maker, taker, lots."""

    def __init__(self) -> None:
        super().__init__()
        self.trades: list[tuple[int, int, int]] = []
        heard = self.trades

        class Tally(type(self.tally)):
            def trade(self, maker: int, taker: int, lots: int) -> None:
                heard.append((maker, taker, lots))
                super().trade(maker, taker, lots)

        self.tally = Tally()


def queue(book: SortedBook, sell: bool, price: int) -> list[int]:
    """Return the numbers at a price, in the order in which they would trade."""
    probe = Heard()
    probe.orders, probe._bids, probe._asks = book.orders, book._bids, book._asks
    probe.immediate(0, Open(not sell, price, 10**9))
    return [maker for maker, _, _ in probe.trades]


def test_the_best_price_trades_first_and_at_a_price_the_oldest() -> None:
    book = Heard()
    book.new(1, Open(SELL, 102, 5))
    book.new(2, Open(SELL, 101, 5))
    book.new(3, Open(SELL, 101, 5))
    book.new(4, Open(BUY, 102, 12))
    assert book.trades == [(2, 4, 5), (3, 4, 5), (1, 4, 2)]
    assert book.orders == {1: Open(SELL, 102, 3)}
    book.new(5, Open(BUY, 99, 1))
    book.new(6, Open(BUY, 100, 1))
    book.immediate(7, Open(SELL, 1, 2))
    assert book.trades[3:] == [(6, 7, 1), (5, 7, 1)]


def test_a_limit_is_never_traded_through_and_what_is_left_rests() -> None:
    book = Heard()
    book.new(1, Open(SELL, 101, 5))
    book.new(2, Open(SELL, 103, 5))
    book.new(3, Open(BUY, 102, 8))
    assert book.trades == [(1, 3, 5)]
    assert book.orders == {2: Open(SELL, 103, 5), 3: Open(BUY, 102, 3)}


def test_the_rest_of_an_immediate_order_is_gone() -> None:
    book = Heard()
    book.new(1, Open(SELL, 101, 5))
    book.immediate(2, Open(BUY, 101, 8))
    book.immediate(3, Open(BUY, 101, 8))
    assert book.trades == [(1, 2, 5)]
    assert book.orders == {}


def test_a_moved_order_is_the_youngest_at_its_price_and_a_partly_filled_one_stays_the_oldest() -> None:
    book = Heard()
    for number, price in ((1, 101), (2, 101), (3, 102)):
        book.new(number, Open(SELL, price, 5))
    book.immediate(4, Open(BUY, 101, 2))
    book.move(3, 101)
    assert queue(book, SELL, 101) == [1, 2, 3]
    book = Heard()
    for number in (1, 2):
        book.new(number, Open(BUY, 100, 5))
    book.move(1, 99)
    book.move(1, 100)
    assert queue(book, BUY, 100) == [2, 1]


def test_a_cancelled_order_trades_no_more() -> None:
    book = Heard()
    for number in (1, 2, 3):
        book.new(number, Open(SELL, 101, 5))
    book.cancel(2)
    assert queue(book, SELL, 101) == [1, 3]


@pytest.mark.parametrize("shape", _native.WORKLOADS)
def test_the_plain_book_ends_where_our_engine_ends(shape: str) -> None:
    work = work_for_peers(shape, COMMANDS, 1)
    play = messages(work)
    assert len(play.measured) == COMMANDS
    assert play.outcome.trades == work.trades
    player = Player(play)
    player.run()
    assert player.outcome() == play.outcome


def test_a_book_only_plays_the_same_messages() -> None:
    play = messages(work_for_peers("mix", COMMANDS, 1))
    assert messages(work_for_peers("mix", COMMANDS, 1, accounting=False)) == play


def test_its_orders_are_those_of_our_engine_one_by_one() -> None:
    work = work_for_peers("simple", COMMANDS, 1)
    play = messages(work)
    player = Player(play)
    player.run()
    engine = work.engine()
    engine.step(work.commands, 1)
    ours = [(price, leaves) for side in (1, 2) for _, _, _, price, leaves in engine.orders(2, side)]
    theirs = player._book
    queued = [
        theirs.orders[number] for side in (theirs._bids, theirs._asks) for level in side.values() for number in level
    ]
    assert [(order.price, order.lots) for order in queued] == ours


def test_messages_say_what_the_commands_say() -> None:
    work = work_for_peers("mix", COMMANDS, 1)
    play = messages(work)
    kinds = {NEW: "new", CANCEL: "cancel", MOVE: "move", IOC: "ioc"}
    said = Counter(kinds[message.kind] for message in play.measured)
    asked: Counter[str] = Counter()
    for raw, message in zip(work.cut(1), play.measured, strict=True):
        match decode_command(raw):
            case SubmitOrder() as order:
                asked["ioc" if order.time_in_force == 3 else "new"] += 1
                assert (message.sell, message.price, message.lots) == (order.side == 2, order.price, order.quantity)
            case CancelOrder():
                asked["cancel"] += 1
            case ReplaceOrder() as order:
                asked["move"] += 1
                assert message.price == order.price
    assert said == asked
    numbers = [message.order for message in (*play.setup, *play.measured) if message.kind in (NEW, IOC)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_cancel_and_a_move_carry_what_is_left() -> None:
    play = messages(work_for_peers("mix", COMMANDS, 1))
    left: dict[int, int] = {}
    seen = 0
    for message in (*play.setup, *play.measured):
        if message.kind in (NEW, IOC):
            left[message.order] = message.lots
            for take in play.takes.get(message.order, ()):
                left[take.maker] -= take.lots
                seen += take.lots
        else:
            assert message.lots == left[message.order]
    assert seen == play.outcome.lots > 0


def test_with_self_trade_prevention_the_messages_would_not_be_the_workload() -> None:
    with pytest.raises(AssertionError, match="do not end"):
        messages(make("mix", COMMANDS, 1))
    with pytest.raises(ValueError, match="self-trade prevention"):
        make("mix", 10, 1, self_trade_prevention=6)


def test_a_dump_is_read_back_as_the_messages(tmp_path: Path) -> None:
    play = messages(work_for_peers("simple", COMMANDS, 1))
    dump(tmp_path / "simple", play)
    data = (tmp_path / "simple").read_bytes()
    magic, setup, measured, orders, *outcome = HEAD.unpack_from(data)
    assert (magic, setup, measured) == (MAGIC, len(play.setup), len(play.measured))
    assert Outcome(*outcome) == play.outcome
    records = [
        Message(kind, order, bool(sell), price, lots)
        for order, price, lots, kind, sell in RECORD.iter_unpack(data[HEAD.size :])
    ]
    assert records == [*play.setup, *play.measured]
    assert orders == max(message.order for message in records)
    assert (HEAD.size, RECORD.size) == (88, 32)
    assert struct.calcsize(RECORD.format) == RECORD.size


def test_dump_writes_every_workload_but_the_one_that_differs_in_client_ids(tmp_path: Path) -> None:
    files = dump_all(tmp_path / "new", 1, 0.0)
    assert [file.stem for file in files] == [name for name in _native.WORKLOADS if name != "fresh_ids"]
    assert all(file.stat().st_size > HEAD.size + 10_000 * RECORD.size - 1 for file in files)


def test_the_command_dumps_and_says_where_it_could_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module._native, "WORKLOADS", ("mix",), raising=True)
    done = CliRunner().invoke(cli.app, ["bench", "--dump", str(tmp_path / "d"), "--scale", "0"])
    assert done.exit_code == 0
    assert done.stdout.split() == [str(tmp_path / "d" / "mix.messages")]
    (tmp_path / "file").write_bytes(b"")
    done = CliRunner().invoke(cli.app, ["bench", "--dump", str(tmp_path / "file")])
    assert done.exit_code == 1
    assert "cannot write" in done.stderr


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "REPEATS", 1)
    monkeypatch.setattr(peers_module, "SHAPES", ("mix",))
    monkeypatch.setitem(sys.modules, "quantumcore.app.bench.nautilus", None)  # as if it were not installed


def test_peers_that_are_not_installed_are_named_with_the_way_to_get_them(quick: None) -> None:
    figures = peers(1, 0.0)
    ours = [figure for figure in figures if "ours" in figure.name]
    assert len(ours) == 5
    book = next(figure for figure in figures if "sortedcontainers" in figure.name)
    assert book.median > 0
    assert book.note == ""
    absent = next(figure for figure in figures if "nautilus" in figure.name)
    assert not absent.samples
    assert absent.note == "not installed: pip install 'nautilus_trader==1.221.*'"


def test_a_peer_that_ends_elsewhere_says_so(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SortedBook, "immediate", lambda self, number, order: None)
    book = next(figure for figure in peers(1, 0.0) if "sortedcontainers" in figure.name)
    assert book.note.startswith("ends elsewhere: trades 0, ours ")


@pytest.mark.filterwarnings("ignore")  # its packages are not ours to mend
def test_nautilus_trader_ends_where_our_engine_ends() -> None:
    """Runs where nautilus_trader is installed; it is a large package that nothing else needs."""
    pytest.importorskip("nautilus_trader")
    from quantumcore.app.bench import nautilus

    for shape in ("mix", "simple"):
        play = messages(work_for_peers(shape, COMMANDS, 1))
        player = nautilus.Player(play)
        player.run()
        assert player.outcome() == play.outcome


def test_a_figure_without_samples_is_shown_by_its_note() -> None:
    figure = Figure("other", "us", [], 1, note="not installed")
    assert figure.met is None
    assert (
        as_json([figure])[0] | {"median": None, "min": None, "max": None, "note": "not installed"}
        == as_json([figure])[0]
    )
    json.dumps(as_json([figure]))
    console = Console(record=True, width=120, file=sys.stderr)
    show("t", [figure], console)
    assert "not installed" in console.export_text()


def test_core_ends_with_the_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    for name in BENCHES:
        monkeypatch.setitem(
            BENCHES, name, lambda seed, scale, name=name, **_: asked.append(name) or [Figure(name, "s", [1])]
        )
    console = Console(file=sys.stderr)
    run_bench(["core"], seed=1, scale=1, console=console)
    assert asked == ["core", "peers"]
    asked.clear()
    run_bench(["http"], seed=1, scale=1, console=console)
    assert asked == ["http"]


def test_cutting_into_steps_loses_no_command() -> None:
    work: Work = work_for_peers("mix", 100, 1)
    assert b"".join(work.cut(7)) == work.commands
    assert len(work.cut(7)) == 15
    assert len(work.cut(1)) == 100
