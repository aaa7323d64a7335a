"""What many tests between rooms begin with."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.gateway_house import House


@pytest.fixture
async def venue(tmp_path: Path) -> "AsyncIterator[House]":
    """A venue of all rooms, and its gateway."""
    from tests.support.gateway_house import house  # two seconds, which only those wait for that want it

    async with house(tmp_path) as opened:
        yield opened
