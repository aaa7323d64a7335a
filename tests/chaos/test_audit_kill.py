"""The process that publishes roots is killed at any instant.

Goal: a signed root is there, whole and with its list, or it is not there; afterwards the next process publishes what is
missing, and the second store is byte for byte that of a venue that was never killed.
Method: a child enters days and publishes them; it gets kill -9 at a write, a sync, a rename or a statement that is counted;
again and again over the same directory.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from quantumcore.adapters.second_store import UNFINISHED, FileStore
from quantumcore.services.ledger.audit.published import Published
from quantumcore.services.ledger.audit.roots import PUBLIC_KEY, ROOT_SUFFIX, LeavesPlan, Signer
from tests.support.audits import KEY, audited, days_of_trading

KILLS = 8
CHILD = """
import asyncio, os, pathlib, random, sys
from quantumcore.adapters import second_store
from quantumcore.services.ledger import store
from tests.support.audits import audited, days_of_trading
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
        await ledger.enter(batches, size=20)
    print("calls", calls)

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


async def test_kill_9_at_any_instant_leaves_whole_roots_or_none(tmp_path: Path, seed: int, rng: random.Random) -> None:
    calm = run(tmp_path / "calm", seed, 0)
    calls = int(calm.stdout.split()[-1])
    assert roots_are_whole(tmp_path / "calm") == 3
    directory, killed = tmp_path / "killed", 0
    for _ in range(KILLS):
        killed += run(directory, seed, rng.randrange(1, calls // 2)).returncode != 0
        roots_are_whole(directory)
    assert killed > 0
    assert run(directory, seed, 0).returncode == 0
    assert roots_are_whole(directory) == 3
    theirs = {path.name: path.read_bytes() for path in (tmp_path / "calm" / "audit").iterdir()}
    ours = {path.name: path.read_bytes() for path in (directory / "audit").iterdir() if path.suffix != UNFINISHED}
    assert ours == theirs
    assert PUBLIC_KEY in ours
    async with audited(directory) as ledger:
        assert await ledger.sound()
        _, batches = days_of_trading(random.Random(seed), days=4, orders=20)
        await ledger.enter(batches)
        assert await ledger.sound()
