"""`quantumcore risk ...` of a venue that runs, and of its directory when it does not.

Goal: what an order would do is asked in one line, as a table or as JSON, and leaves the venue as it was.
Method: a house of its own in this process; money and an order through its bus; its operator's door, then the commands themselves.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantumcore.app import cli, operator
from quantumcore.app.compose import build
from quantumcore.app.run import Running
from quantumcore.app.settings import load_settings
from quantumcore.contracts.ledger import MakeTransfer, OpenAccount
from quantumcore.contracts.matching import GetEngineStatus
from quantumcore.contracts.orders import SubmitOrder
from quantumcore.contracts.orders_preview import PreviewOrder

BUYER, SELLER = 4711, 4712
OWNER = "00000000-0000-0000-0000-00000000004d"


async def furnish(running: Running) -> None:
    bus = running.house.bus
    for account, currency in ((BUYER, "USD"), (SELLER, "BTC")):
        await bus.request(OpenAccount(account=account, owner=OWNER))
        await bus.request(
            MakeTransfer(
                transfer_id=currency, kind="deposit", account=account, to_account=0, currency=currency, amount="100000"
            )
        )
    order = {"symbol": "BTC-USD", "type": "limit", "time_in_force": "gtc", "quantity": "0.5"}
    for account, side, price in ((SELLER, "sell", "64000"), (BUYER, "buy", "63000")):
        view = await bus.request(SubmitOrder(account=account, client_order_id="rests", side=side, price=price, **order))
        assert view.status == "new", view


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A venue that has stopped, and what it said through its operator's door."""
    directory = tmp_path_factory.mktemp("venue")
    settings = load_settings(data_dir=directory, annex=False)

    async def go() -> dict[str, Any]:
        running = Running(settings, await build(settings))
        try:
            await running.start()
            await running._operator.open()
            await furnish(running)
            order = {
                "symbol": "BTC-USD",
                "side": "buy",
                "type": "limit",
                "time_in_force": "gtc",
                "quantity": "0.7",
                "price": "64100",
            }
            ask = PreviewOrder(order=SubmitOrder(account=BUYER, client_order_id="", **order))
            told = await operator.ask(directory, ask)
            status = await operator.ask(directory, GetEngineStatus())
            assert status["sequence"] == told["sequence"], "asking was no command"
            return told
        finally:
            await running.stop()

    return directory, asyncio.run(go())


def _run(directory: Path, *arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["risk", "preview", *arguments, "--data-dir", str(directory)])


def test_a_running_venue_and_its_directory_say_the_same(venue: Any) -> None:
    directory, told = venue
    assert (told["outcome"], told["hold"], told["left"]) == ("accepted", "44914.87", "0.20000")
    done = _run(directory, str(BUYER), "buy", "0.7", "BTC-USD", "--price", "64100", "--json")
    assert done.exit_code == 0, done.output
    after = json.loads(done.stdout)
    assert after.pop("sequence") >= told["sequence"], "opening the directory may have added one"
    assert after == {name: value for name, value in told.items() if name != "sequence"}


def test_what_it_would_do_is_a_table(venue: Any) -> None:
    directory, told = venue
    done = _run(directory, str(BUYER), "buy", "0.7", "BTC-USD", "--price", "64100")
    assert done.exit_code == 0, done.output
    for text in (
        told["trades"][0]["price"],
        told["traded"],
        f"{told['hold']} USD",
        f"{told['fees']} USD",
        told["left"],
    ):
        assert text in done.stdout, text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("0.6", "BTC-USD"), 0, "order.cancel.immediate_or_cancel"),
        (("5", "BTC-USD", "--price", "64000"), 1, "risk.no_funds, by a limit of the account"),
        (("0.1", "BTC-USD", "--price", "64000", "--post-only"), 1, "order.post_only"),
        (("0.1", "BTC-USD", "--price", "64000", "--reduce-only"), 1, "risk.reduce_only"),
        (("0.1", "BTC-USD", "--type", "stop", "--stop-price", "65000"), 0, "waits"),
        (("0.1", "NO-SUCH", "--price", "64000"), 1, "order.unknown_symbol"),
        (("much", "BTC-USD", "--price", "64000"), 1, "request.invalid.decimal"),
        (("0.1", "BTC-USD", "--type", "sale"), 1, "request.invalid.type"),
    ],
)
def test_it_says_what_would_become_of_it_and_its_exit_code_whether_it_would_be_refused(
    venue: Any, arguments: tuple[str, ...], code: int, said: str
) -> None:
    directory, _ = venue
    done = _run(directory, str(BUYER), "buy", *arguments)
    assert (done.exit_code, said in " ".join(done.output.split())) == (code, True), done.output


def test_an_id_that_is_known_is_named(venue: Any) -> None:
    directory, _ = venue
    done = _run(directory, str(SELLER), "sell", "0.5", "BTC-USD", "--price", "64000", "--client-order-id", "rests")
    assert (done.exit_code, "asked for the same" in " ".join(done.output.split())) == (0, True), done.output
