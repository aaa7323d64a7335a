"""A shard comes back as it was: live = full replay = snapshot + tail, and every event is told exactly once.

Goal: the same state hash, the same answers to every query, and an event log without gap or double, whatever was lost in between.
Method: seeded command streams through a real shard; it is closed or simply dropped, its snapshots damaged or its event
log left behind, and opened again.
"""

import random
from pathlib import Path

import pytest

from quantumcore.contracts.errors import QuantumCoreError, Unavailable
from quantumcore.contracts.wire import decode_events
from quantumcore.core.shard import Shard, after, split
from tests.support.shards import ACCOUNTS, INSTRUMENTS, cancel, market, open_shard, order


def _stream(seed: int, count: int) -> list[bytes]:
    rng = random.Random(seed)
    commands: list[bytes] = []
    for number in range(count):
        account = rng.randint(1, ACCOUNTS)
        if number > 10 and rng.random() < 0.3:
            commands.append(cancel(account, f"o{seed}-{rng.randint(0, number - 1)}"))
        else:
            commands.append(
                order(
                    account,
                    rng.choice((1, 2)),
                    price=rng.randint(95, 105),
                    quantity=rng.randint(1, 9),
                    instrument=rng.choice(INSTRUMENTS),
                    client_id=f"o{seed}-{number}",
                )
            )
    return commands


def _run(shard: Shard, commands: list[bytes], batch: int = 37) -> bytes:
    told = b""
    for start in range(0, len(commands), batch):
        told += shard.step(commands[start : start + batch], start).events
        shard.sync()
    return told


def _state(shard: Shard) -> list[object]:
    engine = shard.engine
    return [
        engine.sequence,
        engine.state_hash(),
        engine.snapshot(),
        [engine.balances(account) for account in engine.accounts()],
        [engine.orders(instrument, side) for instrument in INSTRUMENTS for side in (1, 2)],
    ]


@pytest.mark.parametrize("seed", range(4))
def test_full_replay_equals_the_live_engine(tmp_path: Path, seed: int) -> None:
    shard = open_shard(tmp_path)
    told = _run(shard, market() + _stream(seed, 1500))
    live = _state(shard)
    shard.close()
    again = open_shard(tmp_path)
    assert b"".join(stepped.events for stepped in again.recover()) == told
    assert _state(again) == live
    again.engine.check()
    again.close()


@pytest.mark.parametrize("seed", range(4))
def test_snapshot_and_tail_equal_the_live_engine(tmp_path: Path, seed: int) -> None:
    shard = open_shard(tmp_path)
    _run(shard, market() + _stream(seed, 700))
    at = shard.take_snapshot()
    tail = _run(shard, _stream(seed + 100, 700))
    live = _state(shard)
    shard.close()
    again = open_shard(tmp_path, told=at)
    assert again.engine.sequence == at
    assert b"".join(stepped.events for stepped in again.recover()) == tail
    assert _state(again) == live
    _run(again, _stream(seed + 200, 100))
    again.engine.check()
    again.close()


def test_a_snapshot_beyond_what_was_told_is_not_used_so_that_no_event_is_missed(tmp_path: Path) -> None:
    shard = open_shard(tmp_path)
    told = _run(shard, market() + _stream(1, 200))
    shard.take_snapshot()
    last = shard.engine.sequence
    shard.close()
    behind = open_shard(tmp_path, told=last - 50)
    parts = list(behind.recover())
    assert b"".join(part.events for part in parts) == after(told, last - 50)
    assert (parts[0].first, parts[-1].last) == (last - 49, last)
    behind.close()


def test_a_damaged_snapshot_is_passed_over(tmp_path: Path) -> None:
    shard = open_shard(tmp_path)
    _run(shard, market() + _stream(1, 100))
    first = shard.take_snapshot()
    _run(shard, _stream(2, 100))
    second = shard.take_snapshot()
    live = _state(shard)
    shard.close()
    path = tmp_path / "snapshots" / f"snapshot-{second:020d}.qcs"
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    again = open_shard(tmp_path, told=second)
    assert again.engine.sequence == first
    list(again.recover())
    assert _state(again) == live
    again.close()


def test_a_journal_that_ends_before_its_snapshot_is_refused(tmp_path: Path) -> None:
    shard = open_shard(tmp_path)
    _run(shard, market(2))
    shard.take_snapshot()
    shard.close()
    for segment in (tmp_path / "journal").glob("*.qcj"):
        segment.unlink()
    with pytest.raises(QuantumCoreError, match="journal"):
        open_shard(tmp_path, told=1 << 40)


def test_a_full_journal_is_found_before_anything_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = open_shard(tmp_path)
    _run(shard, market(2))
    before = _state(shard)

    def full(*_: int) -> None:
        raise Unavailable("journal.full", "no space is left")

    monkeypatch.setattr(shard.journal, "reserve", full)
    with pytest.raises(Unavailable):
        shard.step([order(1)], 0)
    monkeypatch.undo()
    assert _state(shard) == before
    assert shard.journal.last_sequence == shard.engine.sequence
    shard.close()


def test_events_are_split_by_command_and_cut_by_sequence(tmp_path: Path) -> None:
    shard = open_shard(tmp_path)
    stepped = shard.step(market(3), 5)
    parts = split(stepped.events)
    assert len(parts) == stepped.last - stepped.first + 1
    assert [decode_events(part)[-1].sequence for part in parts] == list(range(stepped.first, stepped.last + 1))
    assert all(decode_events(part)[-1].is_last for part in parts)
    assert after(stepped.events, stepped.last - 1) == parts[-1]
    assert after(stepped.events, stepped.last) == b""
    shard.close()


@pytest.mark.hazard("A10")
def test_events_stay_what_they_were_when_the_engine_works_on(tmp_path: Path) -> None:
    """The bytes of a step, and what was decoded from them, are the same after a thousand more steps."""
    shard = open_shard(tmp_path)
    shard.step(market(), 0)
    first = shard.step([order(1, client_id="kept")], 0).events
    raw, decoded = bytes(first), decode_events(first)
    for n in range(1000):
        shard.step([order(2, price=90 + n % 7)], 0)
    assert bytes(first) == raw
    assert decode_events(raw) == decoded
    shard.close()
