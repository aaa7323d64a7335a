"""A running venue for each file of tests, with an admin and two funded traders; its tests leave it as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import ADMIN, Trader, Venue


@pytest.fixture(scope="module")
def admins() -> dict[str, dict[str, str]]:
    """What the command line said about the admins that it made, by when."""
    return {}


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory, admins: dict[str, dict[str, str]]) -> Iterator[Venue]:
    """A running venue with an admin made before its start and one made while it runs."""
    opened = Venue(tmp_path_factory.mktemp("venue"))
    try:
        admins["before"] = opened.make_admin()
        opened.start()
        admins["while"] = opened.make_admin("second@example.com")
        yield opened
        assert opened.stop() == 0, opened.log()[-3000:]
    finally:
        opened.close()


@pytest.fixture
def own_venue(tmp_path: Path) -> Iterator[Venue]:
    """A running venue of one test, which may kill it."""
    opened = Venue(tmp_path / "venue")
    try:
        opened.begin()
        opened.start()
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="module")
def admin(venue: Venue, admins: dict[str, dict[str, str]]) -> Trader:
    return venue.log_in(ADMIN, admins["before"]["account_id"])


@pytest.fixture
def pair(venue: Venue, admin: Trader) -> Iterator[tuple[Trader, Trader]]:
    """Two funded traders; afterwards nothing of theirs is left in the books, and the ledger equals the engine."""
    ann, bob = venue.register("ann"), venue.register("bob")
    for trader in (ann, bob):
        venue.fund(admin, trader, USD="1000000.00", BTC="10", ETH="100")
    yield ann, bob
    for trader in (ann, bob):
        assert trader.delete("/v1/orders").status_code == 200
    told = admin.ask("ledger", "Reconcile").json()
    assert told.get("differences") == [], told
