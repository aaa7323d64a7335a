"""What rooms tell each other cannot be changed by whoever holds it."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from quantumcore import contracts
from quantumcore.adapters.embedded_bus import EmbeddedBus
from quantumcore.contracts.ledger import LedgerMoved
from tests.support.small_venue import until


def values() -> Iterator[type]:
    """Yield every class of contracts that carries fields."""
    for found in pkgutil.walk_packages(contracts.__path__, contracts.__name__ + "."):
        module = importlib.import_module(found.name)
        for name, kind in vars(module).items():
            if inspect.isclass(kind) and kind.__module__ == found.name and not name.startswith("_"):
                yield kind


@pytest.mark.hazard("A8")
def test_every_value_of_the_contracts_is_frozen():
    """Each struct, record and tuple of contracts refuses assignment."""
    seen = 0
    for kind in values():
        if issubclass(kind, msgspec.Struct):
            assert kind.__struct_config__.frozen, f"{kind.__module__}.{kind.__name__} can be changed"
            seen += 1
        elif "__dataclass_params__" in vars(kind):
            assert vars(kind)["__dataclass_params__"].frozen, f"{kind.__module__}.{kind.__name__} can be changed"
            seen += 1
    assert seen > 80


@pytest.mark.hazard("A8")
async def test_a_listener_that_edits_what_it_heard_edits_only_its_own():
    """A list inside a notice is emptied by one listener: the other, and the sender, still have theirs."""
    bus, heard = EmbeddedBus(), []

    async def rude(notices: Sequence[LedgerMoved]) -> None:
        for notice in notices:
            notice.accounts.clear()

    async def quiet(notices: Sequence[LedgerMoved]) -> None:
        heard.extend(list(notice.accounts) for notice in notices)

    bus.subscribe(LedgerMoved, rude)
    bus.subscribe(LedgerMoved, quiet)
    bus.subscribe(LedgerMoved, rude)
    sent = [LedgerMoved(accounts=[n, n + 1], sequence=n) for n in range(1, 100)]
    for notice in sent:
        await bus.publish([notice])
    await until(lambda: len(heard) == len(sent), "all notices")
    assert heard == [[n, n + 1] for n in range(1, 100)]
    assert [notice.accounts for notice in sent] == heard
    await bus.close()
