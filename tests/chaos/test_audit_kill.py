"""The process that publishes roots is killed at any instant.

Goal: a signed root is there, whole and with its list, or it is not there; afterwards the next process publishes what is
missing, and the second store is byte for byte that of a venue that was never killed.
Method: a child enters days and publishes them; it gets kill -9 at a write, a sync, a rename or a statement that is counted;
again and again over the same directory.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from quantumcore.adapters.second_store import UNFINISHED, FileStore
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.roots import ROOT_SUFFIX, LeavesPlan, Signer
from tests.support.audits import KEY, audited, days_of_trading

KILLS = 9
INSTANTS = 14  # of the key, the first list and the first root
CHILD = """
import asyncio, os, pathlib, random, sys
from quantumcore.adapters import second_store
from quantumcore.services.ledger import store
from tests.support.audits import audited, days_of_trading
from tests.support.ledgers import post
die_at, calls = int(sys.argv[3]), 0

def counted(work):
    def call(*args, **options):
        global calls
        calls += 1
        if calls == die_at:
            os.kill(os.getpid(), 9)
        return work(*args, **options)
    return call

class Dying:
    def __init__(self, file):
        self.file = file
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.file.close()
    def __getattr__(self, name):
        return getattr(self.file, name)
    def write(self, content):
        half = len(content) // 2
        self.file.write(content[:half])
        self.file.flush()
        counted(lambda: None)()
        self.file.write(content[half:])

os.fsync = counted(os.fsync)
pathlib.Path.rename = counted(pathlib.Path.rename)
opened = pathlib.Path.open
pathlib.Path.open = lambda path, mode="r", *a, **o: (
    Dying(opened(path, mode, *a, **o)) if mode == "wb" else opened(path, mode, *a, **o)
)
store.execute_many = counted(store.execute_many)

async def main():
    _, batches = days_of_trading(random.Random(int(sys.argv[2])), days=4, orders=20)
    async with audited(pathlib.Path(sys.argv[1])) as ledger:
        for at in range(0, len(batches), 20):
            await post(ledger.database, batches[at : at + 20])
        print(calls)
        if die_at >= 0:
            await ledger.publisher.publish()
    print(calls)

asyncio.run(main())
"""


def run(directory: Path, seed: int, die_at: int) -> "subprocess.CompletedProcess[str]":
    """Run the child until it ends or dies."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CHILD, str(directory), str(seed), str(die_at)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done


def roots_are_whole(directory: Path) -> int:
    """Fail unless every root that is there is signed, follows the one before it, and has its list; return how many there are."""
    store = FileStore(directory / "audit")
    published = Published(store, Signer(KEY).public_key)
    assert published.damage is None
    assert len(published.roots) == sum(name.endswith(ROOT_SUFFIX) for name in store.names())
    for root in published.roots:
        for block in range(LeavesPlan(root).blocks):
            assert published.block(root, block) is not None, root.day
    return len(published.roots)


def files(directory: Path) -> dict[str, bytes]:
    """Return what lies in the second store, but for what was never finished."""
    return {path.name: path.read_bytes() for path in (directory / "audit").iterdir() if path.suffix != UNFINISHED}


async def test_kill_9_at_any_instant_leaves_whole_roots_or_none(tmp_path: Path, seed: int, rng: random.Random) -> None:
    calm = run(tmp_path / "calm", seed, 0)
    entered, calls = map(int, calm.stdout.split())
    assert roots_are_whole(tmp_path / "calm") == 3
    directory = tmp_path / "killed"
    for number in range(KILLS):
        if number % 3 == 0:
            shutil.rmtree(directory, ignore_errors=True)
            die_at = rng.randrange(1, calls)
        else:
            die_at = rng.randrange(1, calls - entered)  # what is entered already takes no statement
        run(directory, seed, die_at)
        roots_are_whole(directory)
    assert run(directory, seed, 0).returncode == 0
    assert roots_are_whole(directory) == 3
    assert files(directory) == files(tmp_path / "calm")
    async with audited(directory) as ledger:
        assert await ledger.sound()
        _, batches = days_of_trading(random.Random(seed), days=4, orders=20)
        await ledger.enter(batches)
        assert await ledger.sound()


def test_every_instant_of_publishing_is_survived(tmp_path: Path, seed: int) -> None:
    """The entries are there; the child dies at each write, sync and rename of the first day in turn."""
    run(tmp_path / "entered", seed, -1)
    assert not (tmp_path / "entered" / "audit").exists()
    died = 0
    for die_at in range(1, INSTANTS + 1):
        directory = tmp_path / str(die_at)
        shutil.copytree(tmp_path / "entered", directory)
        died += run(directory, seed, die_at).returncode != 0
        roots_are_whole(directory)
    assert died == INSTANTS
