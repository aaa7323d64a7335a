"""A recorded exchange replayed into a venue gives that exchange's book, order by order.

Goal: real order flow goes through the engine and comes out as the tape says, maker by maker where a trade is re-enacted.
Method: the sample data beside the project, and a small tape written here so that the same laws hold without it. The
reference is the reconstruction, which knows nothing of the engine.
"""

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from quantumcore.app.replay.command import replay
from quantumcore.app.replay.driver import Replay
from quantumcore.app.replay.reconstruction import Reconstruction
from quantumcore.app.replay.records import Record, Tape, events, read_tape
from quantumcore.app.venue import Venue
from quantumcore.contracts.errors import Corrupted, InvalidCommand
from quantumcore.contracts.values import parse_time

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "market"
ES_2024 = DATA / "databento" / "orderbooks_mbo_2024-05-08T00-00-00_2024-05-08T00-00-02.dbn.zst"
ES_2023 = DATA / "databento" / "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
ITCH = DATA / "itch" / "meatpy_20msgs_synthetic.itch50"
TICK = 250_000_000


def _needs(path: Path) -> pytest.MarkDecorator:
    """Skip without the sample, which is no part of the project: the laws are tested below, on tapes that are written here."""
    reason = (
        f"{path.name} is not beside the project: its published figures are not compared; the tapes written here run"
    )
    return pytest.mark.skipif(not path.exists(), reason=reason)


def _quiet() -> Console:
    return Console(file=io.StringIO())


def _record(
    action: str, order_id: int, side: str = "B", price: int = 100, size: int = 1, *, last: bool = True
) -> Record:
    return Record(1, action, side, price * TICK, size, order_id, 1, 1, last)


def _play(records: list[Record], *, execute: bool = True) -> Replay:
    tape = Tape(records, {1: "TAPE"})
    driver = Replay(Venue([]), tape, 1, execute=execute)
    for event in events(records):
        driver.play(event)
        assert driver.compare() == 0
    driver.venue.engine.check()
    return driver


BOOK = [
    _record("A", 1, "B", 100, 5),
    _record("A", 2, "B", 100, 3),
    _record("A", 3, "B", 99, 7),
    _record("A", 4, "A", 102, 4),
    _record("A", 5, "A", 103, 6),
]


@_needs(ES_2024)
def test_the_es_tape_of_2024_gives_the_published_book() -> None:
    figures = replay(ES_2024, console=_quiet())
    assert (figures["messages"], figures["resting_orders"]) == (13_796, 13_598)
    assert figures["checkpoints"] >= 100
    assert figures["differences"] == 0
    assert figures["refused"] == {}


@_needs(ES_2024)
def test_the_golden_figures_of_the_es_tape_of_2024() -> None:
    """976 bid and 571 ask levels, 26,220 and 19,752 lots; 5214.00 x 28 (22 orders) against 5214.25 x 17 (11 orders)."""
    tape = read_tape(ES_2024)
    driver = _driver = Replay(Venue([]), tape, next(iter(tape.symbols)))
    for event in events(tape.records):
        driver.play(event)
    depth = [_driver.venue.engine.depth(1, side, 1 << 20) for side in (1, 2)]
    assert [len(levels) for levels in depth] == [976, 571]
    assert [sum(lots for _, lots, _ in levels) for levels in depth] == [26_220, 19_752]
    assert [(ticks * 0.25, lots, orders) for ticks, lots, orders in (depth[0][0], depth[1][0])] == [
        (5214.00, 28, 22),
        (5214.25, 17, 11),
    ]
    assert driver.tally.actions["T"] == 5


@_needs(ES_2023)
def test_the_es_tape_of_christmas_2023_is_reenacted_maker_by_maker() -> None:
    """From the open at 23:00 UTC: each trade as an IOC order; what differs is a refilled iceberg, and nothing else."""
    figures = replay(ES_2023, start_ns=parse_time("2023-12-25T23:00:00Z", "from"), execute=True, console=_quiet())
    assert figures["messages"] + figures["messages_before_start"] == 68_792
    assert figures["checkpoints"] >= 100
    assert figures["differences"] == 0
    assert figures["tape_fills"] == 6_229
    assert figures["fills_reproduced"] == 6_202
    assert figures["fills_explained"] == {"the tape fills more than the order shows (iceberg)": 27}


@_needs(ES_2023)
def test_the_whole_es_tape_of_christmas_2023_opens_as_the_exchange_did() -> None:
    """From the first message on, 34 hours of call: at the open our uncross has the tape's price, volume and fills, order by order.

    What the tape never showed (13 lots that buy and 1 that sells, told by their fills alone) decides the last tick.
    """
    figures = replay(ES_2023, execute=True, opening=True, console=_quiet())
    assert (figures["messages"], figures["messages_before_start"], figures["differences"]) == (68_792, 0, 0)
    assert figures["refused"] == {}
    assert figures["fills_reproduced"] == 6_202
    assert figures["opening"] == {
        "tape": "4800.25 x 44",
        "with the orders that the tape shows": "4800.00 x 31, +4 left over",
        "unseen lots that buy": 13,
        "unseen lots that sell": 1,
        "with the unseen orders too": "4800.25 x 44, -7 left over",
        "orders filled by the tape": 35,
        "filled alike by ours": 35,
        "filled otherwise": 0,
    }


@_needs(ITCH)
def test_an_itch_file_is_read_and_replayed() -> None:
    figures = replay(ITCH, execute=True, console=_quiet())
    assert (figures["symbol"], figures["differences"], figures["fills_reproduced"]) == ("MEAT", 0, 1)


def test_adds_cancels_and_moves_keep_the_tapes_priority() -> None:
    driver = _play(
        [
            *BOOK,
            _record("M", 1, "B", 100, 2),  # less: keeps its place
            _record("M", 2, "B", 100, 9),  # more: goes behind
            _record("M", 3, "B", 100, 7),  # another price: joins behind
            _record("C", 5, "A", 103, 2),
            _record("C", 4, "A", 102, 4),
        ]
    )
    assert driver.book.level("B", 100 * TICK) == [1, 2, 3]
    assert driver.book.best("A") == 103 * TICK


def test_a_trade_is_reenacted_with_the_makers_of_the_tape() -> None:
    driver = _play(
        [
            *BOOK,
            _record("T", 9, "A", 100, 6, last=False),
            _record("F", 1, "B", 100, 5, last=False),
            _record("F", 2, "B", 100, 1, last=False),
            _record("C", 1, "B", 100, 5, last=False),
            _record("M", 2, "B", 100, 2),
        ]
    )
    assert (driver.tally.reproduced, driver.tally.trades, driver.tally.unexplained) == (2, 2, {})


def test_a_trade_that_the_tape_gives_to_others_is_counted_and_the_level_is_mended() -> None:
    """The tape fills the younger order: ours fills the older, says so, and the books are equal again at the end of the event."""
    driver = _play(
        [
            *BOOK,
            _record("T", 9, "A", 100, 3, last=False),
            _record("F", 2, "B", 100, 3, last=False),
            _record("C", 2, "B", 100, 3),
        ]
    )
    assert driver.tally.reproduced == 0
    assert driver.tally.unexplained == {"other orders stand before it in our priority": 1}


def test_an_order_that_leaves_in_the_event_of_a_trade_left_before_it() -> None:
    driver = _play(
        [
            *BOOK,
            _record("T", 9, "A", 100, 3, last=False),
            _record("F", 2, "B", 100, 3, last=False),
            _record("C", 1, "B", 100, 5, last=False),
            _record("C", 2, "B", 100, 3),
        ]
    )
    assert (driver.tally.reproduced, driver.tally.unexplained) == (1, {})


def test_a_refilled_iceberg_loses_its_place_and_is_explained() -> None:
    driver = _play(
        [
            *BOOK,
            _record("T", 9, "A", 100, 5, last=False),
            _record("F", 1, "B", 100, 5, last=False),
            _record("M", 1, "B", 100, 5),
        ]
    )
    assert driver.book.level("B", 100 * TICK) == [2, 1]
    assert driver.tally.reproduced == 1


CALL = [
    _record("A", 1, "B", 103, 5),
    _record("A", 2, "A", 100, 4),
    _record("A", 3, "B", 102, 2),
    _record("A", 4, "A", 102, 6),
]


def _open(records: list[Record]) -> tuple[Replay, dict[str, Any]]:
    driver = Replay(Venue([]), Tape([*CALL, *records], {1: "TAPE"}), 1, execute=True)
    driver.call()
    for event in events(CALL):
        driver.play(event)
        assert driver.compare() == 0
    figures = driver.open(records).figures()
    assert driver.compare() == 0
    driver.venue.engine.check()
    return driver, figures


def _fills(*fills: tuple[int, int]) -> list[Record]:
    """Return an opening at 102: its print, its fills, and what they do to the book."""
    lots = sum(size for _, size in fills) // 2
    rows = [_record("T", 0, "N", 102, lots, last=False)]
    rows += [_record("F", order_id, "N", 102, size, last=False) for order_id, size in fills]
    known = {record.order_id: record for record in CALL}
    for order_id, size in fills:
        if order_id in known:
            one = known[order_id]
            rows.append(_record("C", order_id, one.side, one.price // TICK, size, last=False))
    return [*rows[:-1], rows[-1]._replace(last=True)]


def test_an_opening_of_what_the_tape_shows_is_reenacted() -> None:
    _, figures = _open(_fills((1, 5), (2, 4), (3, 2), (4, 3)))
    assert figures["tape"] == figures["with the orders that the tape shows"].split(",")[0] == "25.50 x 7"
    assert (figures["filled alike by ours"], figures["filled otherwise"]) == (4, 0)


def test_an_opening_with_an_order_that_the_tape_never_showed() -> None:
    """Three more lots buy, told by a fill between two others: the side and the rank follow from the turn."""
    driver, figures = _open(_fills((1, 5), (2, 4), (77, 3), (4, 6), (3, 2)))
    assert figures["with the orders that the tape shows"] == "25.50 x 7, -3 left over"
    assert figures["with the unseen orders too"] == "25.50 x 10, +0 left over"
    assert (figures["unseen lots that buy"], figures["unseen lots that sell"]) == (3, 0)
    assert figures["filled otherwise"] == 0
    assert driver.book.orders == {}


def test_an_opening_that_fills_others_is_told_and_mended() -> None:
    """The tape passes the best sell over: ours does not, says whom it filled otherwise, and follows the tape from there."""
    driver, figures = _open(_fills((1, 5), (4, 6), (3, 2), (2, 1)))
    assert (figures["filled alike by ours"], figures["filled otherwise"]) == (2, 2)
    assert driver.book.orders[2].size == 3


def test_a_cleared_book_is_empty_on_both_sides() -> None:
    driver = _play([*BOOK, _record("R", 0, "N", 0, 0), _record("A", 7, "B", 50, 1)])
    assert list(driver.book.orders) == [7]


def test_the_comparison_sees_a_single_wrong_order() -> None:
    driver = _play(BOOK)
    driver.book.apply(_record("C", 3, "B", 99, 1))
    assert driver.compare() == 1


def test_a_tape_that_contradicts_itself_is_refused_with_its_sequence() -> None:
    book = Reconstruction()
    book.apply(BOOK[0])
    with pytest.raises(Corrupted, match="added twice"):
        book.apply(BOOK[0])
    with pytest.raises(Corrupted, match="does not rest"):
        book.apply(_record("C", 77))


def _itch(kind: bytes, body: bytes, locate: int = 1) -> bytes:
    message = kind + struct.pack(">HH", locate, 0) + (1).to_bytes(6, "big") + body
    return struct.pack(">H", len(message)) + message


def test_every_itch_message_that_touches_the_book_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "day.itch"
    path.write_bytes(
        _itch(b"R", b"ABC     " + bytes(20))
        + _itch(b"A", struct.pack(">QcI8sI", 1, b"B", 100, b"ABC     ", 10_000))
        + _itch(b"F", struct.pack(">QcI8sI", 2, b"S", 50, b"ABC     ", 10_100) + b"MPID")
        + _itch(b"X", struct.pack(">QI", 1, 30))
        + _itch(b"E", struct.pack(">QIQ", 1, 20, 7))
        + _itch(b"C", struct.pack(">QIQcI", 2, 10, 8, b"Y", 10_100))
        + _itch(b"U", struct.pack(">QQII", 1, 3, 60, 9_900))
        + _itch(b"D", struct.pack(">Q", 2))
        + _itch(b"S", b"Q")
    )
    tape = read_tape(path)
    assert tape.symbols == {1: "ABC"}
    assert "".join(record.action for record in tape.records) == "AACTFCTFCCAC"
    figures = replay(path, execute=True, console=_quiet())
    assert (figures["differences"], figures["fills_reproduced"], figures["resting_orders"]) == (0, 2, 1)


@pytest.mark.parametrize("content", [b"", b"DBN", b"hello world, this is no tape", b"\x00\x40A" + bytes(10)])
def test_a_file_that_is_no_tape_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tape.bin"
    path.write_bytes(content)
    with pytest.raises(InvalidCommand):
        read_tape(path)


def test_a_missing_file_and_a_start_after_the_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCommand, match=r"gone\.dbn"):
        replay(tmp_path / "gone.dbn", console=_quiet())
    path = tmp_path / "day.itch"
    path.write_bytes(_itch(b"A", struct.pack(">QcI8sI", 1, b"B", 100, b"ABC     ", 10_000)))
    with pytest.raises(InvalidCommand, match="ends before"):
        replay(path, start_ns=10**18, console=_quiet())
    with pytest.raises(InvalidCommand, match="instrument 9"):
        replay(path, instrument=9, console=_quiet())
