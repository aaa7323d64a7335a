"""A process that writes the event log is killed at any instant.

Goal: nothing that was appended is lost, nothing half-written is read, and the log goes on.
Method: a child appends and says so; it gets kill -9 in the middle, again and again on one log; a reader of another
process looks on meanwhile.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

from quantumcore.adapters.event_log import FileEventLog
from quantumcore.adapters.event_reader import EventLogReader
from tests.support.events import sequences

CHILD = """
import sys
from pathlib import Path
from quantumcore.adapters.event_log import FileEventLog
from tests.support.events import batch
log = FileEventLog(Path(sys.argv[1]), segment_bytes=4_000)
while True:
    first = log.last + 1
    log.append(batch(first, first + first % 4))
    print(log.last, flush=True)
"""


def test_kill_9_between_write_and_read_loses_nothing(tmp_path: Path, rng: random.Random) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    reader = EventLogReader(tmp_path)
    seen: list[int] = []
    acknowledged = 0
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, env=env)
        assert child.stdout is not None
        for _ in range(rng.randrange(1, 300)):
            acknowledged = int(child.stdout.readline())
            if rng.random() < 0.1:
                seen += sequences(reader.read(len(seen)))
        child.kill()
        rest = child.stdout.read().split(b"\n")[:-1]
        acknowledged = int(rest[-1]) if rest else acknowledged
        child.wait()
        child.stdout.close()
        log = FileEventLog(tmp_path, segment_bytes=4_000)
        assert log.last >= acknowledged
        log.close()
    while batches := reader.read(len(seen)):
        seen += sequences(batches)
    assert seen == list(range(1, reader.last + 1))
    assert reader.last >= acknowledged
    reader.close()
