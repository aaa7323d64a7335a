"""Nobody sleeps through what he waits for.

Goal: a wake-up between the question and the entry, or from another thread, is not lost.
Method: the condition itself turns true and wakes at the worst moment.
"""

import asyncio
import threading

from quantumcore.adapters.waiters import Waiters


async def test_a_wake_up_between_question_and_entry_is_not_lost() -> None:
    waiters = Waiters()
    asked = 0

    def true() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            waiters.wake()  # it came true just after it was asked, and nobody is entered yet
            return False
        return True

    await asyncio.wait_for(waiters.until(true), 5)
    assert waiters.count == 0


async def test_another_thread_wakes_those_who_wait() -> None:
    waiters = Waiters()
    happened = threading.Event()
    waiting = [asyncio.create_task(waiters.until(happened.is_set)) for _ in range(10)]
    await asyncio.sleep(0)
    assert waiters.count == 10

    def happen() -> None:
        happened.set()
        waiters.wake()

    threading.Thread(target=happen).start()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert waiters.count == 0
