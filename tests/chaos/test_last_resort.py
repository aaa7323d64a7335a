"""Nothing dies unseen.

Goal: what nobody caught, wherever it happened, leaves one record with its stack and a non-zero exit status.
Method: a small program per place, in a process of its own.
"""

import json
import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, gc, sys, threading
from quantumcore.adapters.logs import configure
from quantumcore.app.last_resort import LastResort

def fail():
    raise RuntimeError("nobody caught this")

class Finaliser:
    def __del__(self):
        fail()

async def main(stop, handlers):
    loop = asyncio.get_running_loop()
    handlers.append(last := LastResort(lambda: loop.call_soon_threadsafe(stop.set)))
    last.install()
    last.watch(loop)
    place = sys.argv[1]
    if place == "main":
        fail()
    elif place == "thread":
        threading.Thread(target=fail, name="worker").start()
    elif place == "task":
        async def task():
            fail()
        asyncio.create_task(task())
        await asyncio.sleep(0.01)
        gc.collect()
    elif place == "callback":
        loop.call_soon(fail)
    elif place == "finaliser":
        thing = Finaliser()
        del thing
    elif place == "crash":
        import ctypes
        ctypes.string_at(0)
    else:
        stop.set()
    await asyncio.wait_for(stop.wait(), 10)

configure("test")
handlers = []
asyncio.run(main(asyncio.Event(), handlers))
sys.exit(handlers[0].status())
"""


def run(place: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, place], env=env, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.hazard("C8")
@pytest.mark.parametrize("place", ["main", "thread", "task", "callback", "finaliser"])
def test_what_nobody_caught_is_one_record_with_its_stack_and_a_bad_exit(place: str) -> None:
    result = run(place)
    lines = result.stderr.splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{") and "nobody caught this" in line]
    assert len(records) == 1, result.stderr
    assert len(lines) == 1, result.stderr
    assert records[0]["level"] == "critical"
    assert "in fail" in records[0]["stack"]
    assert records[0]["chain"] == [{"code": "RuntimeError", "detail": "nobody caught this"}]
    assert result.returncode != 0


@pytest.mark.hazard("C8")
def test_a_crash_shows_the_stack_and_ends_by_its_signal() -> None:
    result = run("crash")
    assert result.returncode == -signal.SIGSEGV
    assert result.stderr.count("Segmentation fault") == 1
    assert "in main" in result.stderr


def test_without_an_accident_the_exit_status_is_what_was_wanted() -> None:
    assert run("nothing").returncode == 0
