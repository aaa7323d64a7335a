"""The outbox of payouts: what it was told is there after a crash, once, and its last word is its last.

Goal: hand over, recall and settle may be asked again and change nothing; a recalled key is never taken; a torn end is cut, a damaged
middle refused, a failed write is as if nothing had been asked.
Method: the real file, reopened after each act, cut at every byte, and an operating system that fails.
"""

import os
from pathlib import Path

import pytest

from quantumcore.adapters import outbox_rail
from quantumcore.adapters.outbox_rail import OutboxRail
from quantumcore.contracts.errors import Conflict, Corrupted, NotFound, Unavailable
from quantumcore.ports.payout import Payout, PayoutState

ONE = Payout("w-1", 7, "USD", "500.00")
PENDING, CONFIRMED, FAILED, RECALLED = PayoutState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "payouts.jsonl"


def size_of(path: Path) -> int:
    return path.stat().st_size


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)


async def test_what_is_handed_over_waits_for_a_word_also_after_a_restart(path: Path) -> None:
    rail = OutboxRail(path)
    assert await rail.state("w-1") is None
    await rail.hand_over(ONE)
    size = size_of(path)
    await rail.hand_over(ONE)
    again = OutboxRail(path)
    await again.hand_over(ONE)
    assert (await again.state("w-1"), size_of(path)) == (PENDING, size)
    with pytest.raises(Conflict, match=r"idempotency\.mismatch"):
        await again.hand_over(ONE._replace(amount="600.00"))


@pytest.mark.parametrize(("paid", "word"), [(True, CONFIRMED), (False, FAILED)])
async def test_the_last_word_is_the_last(path: Path, paid: bool, word: PayoutState) -> None:
    rail = OutboxRail(path)
    with pytest.raises(NotFound, match=r"payout\.not_found"):
        await rail.settle("w-1", paid=paid)
    await rail.hand_over(ONE)
    await rail.settle("w-1", paid=paid)
    size = size_of(path)
    again = OutboxRail(path)
    await again.settle("w-1", paid=paid)
    with pytest.raises(Conflict) as error:
        await again.settle("w-1", paid=not paid)
    assert (error.value.code, error.value.actual) == ("payout.settled", word.value)
    assert await again.recall("w-1") is word
    assert (await again.state("w-1"), size_of(path)) == (word, size)


async def test_what_was_recalled_is_never_taken(path: Path) -> None:
    """Also what was never handed over: a request that was on its way comes too late."""
    rail = OutboxRail(path)
    await rail.hand_over(ONE)
    for key in ("w-1", "w-2"):
        assert await rail.recall(key) is RECALLED
        assert await OutboxRail(path).recall(key) is RECALLED
    for late in (rail, OutboxRail(path)):
        with pytest.raises(Conflict, match=r"payout\.recalled"):
            await late.hand_over(ONE._replace(key="w-2"))
        with pytest.raises(Conflict, match=r"payout\.settled"):
            await late.settle("w-1", paid=True)
        with pytest.raises(NotFound, match=r"payout\.not_found"):
            await late.settle("w-2", paid=True)


async def test_a_torn_end_is_cut_and_nothing_answered_is_lost(path: Path) -> None:
    rail = OutboxRail(path)
    await rail.hand_over(ONE)
    answered = size_of(path)
    await rail.settle("w-1", paid=True)
    whole = read(path)
    for size in range(answered, len(whole)):
        write(path, whole[:size])
        torn = OutboxRail(path)
        assert (await torn.state("w-1"), size_of(path)) == (PENDING, answered)
        await torn.settle("w-1", paid=True)
        assert read(path) == whole


async def test_a_damaged_line_is_refused(path: Path) -> None:
    rail = OutboxRail(path)
    await rail.hand_over(ONE)
    await rail.hand_over(ONE._replace(key="w-2"))
    raw = bytearray(read(path))
    raw[3] ^= 0xFF
    write(path, raw)
    with pytest.raises(Corrupted, match="line 1"):
        OutboxRail(path)


async def test_a_failed_write_is_as_if_nothing_was_asked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rail = OutboxRail(path)
    await rail.hand_over(ONE)
    before = read(path)

    def fails(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as failing:
        failing.setattr(os, "fsync", fails)
        with pytest.raises(Unavailable, match=r"payout\.unavailable"):
            await rail.settle("w-1", paid=True)
        with pytest.raises(Unavailable, match=r"payout\.unavailable"):
            await rail.hand_over(ONE._replace(key="w-2"))
    assert (await rail.state("w-1"), await rail.state("w-2"), read(path)) == (PENDING, None, before)
    await rail.settle("w-1", paid=True)
    assert await OutboxRail(path).state("w-1") is CONFIRMED


async def test_it_takes_so_many_and_no_more(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_rail, "PAYOUTS_MAX", 2)
    rail = OutboxRail(path)
    await rail.hand_over(ONE)
    await rail.recall("w-2")
    with pytest.raises(Unavailable, match=r"payout\.full"):
        await rail.hand_over(ONE._replace(key="w-3"))
    await rail.hand_over(ONE)
    assert await rail.recall("w-3") is RECALLED, "what must not be paid is remembered all the same"


async def test_without_a_file_it_is_kept_in_memory() -> None:
    rail = OutboxRail()
    await rail.hand_over(ONE)
    await rail.settle("w-1", paid=True)
    assert await rail.state("w-1") is CONFIRMED
