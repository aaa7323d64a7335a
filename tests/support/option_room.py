"""The risk room in a market with shares of two companies and options on one of them, which somebody has said by models what they are."""

from typing import Any

from quantumcore.contracts import wire
from quantumcore.contracts.risk_margin import LotGreeks, LotModel, RiskArray
from quantumcore.contracts.risk_parameters import SetMarginProfile
from quantumcore.services.risk.options.terms import YEAR_NS
from tests.support.margin_room import SIGNED, put
from tests.support.risk_room import RiskRoom
from tests.support.small_venue import ALICE, BOB, RICH, SHARE, SHARES, USD, define

OTHER, FIRST = 3, 10
OPTIONS = 10
GOLDEN = [
    "-38.368041",
    "35.572651",
    "-145.667541",
    "-54.021925",
    "32.040353",
    "81.653871",
    "-293.731988",
    "-198.126374",
    "73.194331",
    "100.612012",
    "-481.692122",
    "-396.588702",
    "94.259234",
    "106.646337",
    "-697.552086",
    "36.120583",
]
"""What a call 105 loses: 30 days, the underlying at 100, 25 %, × 100, a range of 9 and a shift of 4 points."""


def options_market(cash: int = 10**9) -> list[wire.Command]:
    """Return the commands: AAPL and MSFT, and O10-USD and so on, a lot of which is 100 units; Alice has cash and a credit line in all."""
    free = {"taker_fee": 0, "maker_fee": 0, "collar": 99_999_999}
    commands: list[wire.Command] = [
        wire.DefineCurrency(currency=USD, code="USD", scale=2),
        wire.DefineCurrency(currency=SHARES, code="AAPL", scale=0),
        wire.DefineCurrency(currency=4, code="MSFT", scale=0),
        wire.DefineCurrency(currency=5, code="EUR", scale=2),
        define(SHARE, "AAPL", SHARES, lot_scale=0, **free),
        define(OTHER, "MSFT", 4, lot_scale=0, **free),
    ]
    assets = [SHARES, 4]
    for number in range(FIRST, FIRST + OPTIONS):
        commands.append(wire.DefineCurrency(currency=number, code=f"O{number}", scale=0))
        commands.append(define(number, f"O{number}-USD", number, lot_scale=0, multiplier=100, **free))
        assets.append(number)
    commands += [wire.OpenAccount(account=account, owner=account) for account in (ALICE, BOB)]
    for account, asset, amount in ((ALICE, USD, cash), *((BOB, one, RICH) for one in (USD, *assets))):
        name = f"first-{asset}"
        commands.append(
            wire.Transfer(account=account, amount=amount, currency=asset, transfer_kind=1, transfer_id=name)
        )
    return [*commands, *(wire.SetCredit(account=ALICE, currency=one, limit=10**6) for one in assets)]


def symbol(number: int) -> str:
    """Return what an option is called."""
    return f"O{number}-USD"


def option(room: RiskRoom, right: str, strike: str, days: int = 30, **changed: Any) -> LotModel:
    """Return the model of an option on 100 AAPL that expires in so many days."""
    terms: dict[str, Any] = {
        "underlying": "AAPL",
        "price_range": "9.00",
        "volatility": "0.25",
        "shift": "0.04",
        "type": right,
        "strike": strike,
        "expires_ns": room.venue.clock.now() + days * YEAR_NS // 365,
        "multiplier": "100",
    }
    return LotModel(**{**terms, **changed})


async def listed(room: RiskRoom, number: int, right: str, strike: str, days: int = 30, **changed: Any) -> None:
    """Say what an option is, for its greeks."""
    await put(room, LotGreeks(symbol=symbol(number), model=option(room, right, strike, days, **changed)))


async def array(room: RiskRoom, name: str, losses: list[str], **changed: Any) -> None:
    """Give a lot of an instrument its risk array."""
    await put(room, RiskArray(symbol=name, losses=losses, **changed))


async def profile(room: RiskRoom, name: str) -> None:
    """Let Alice's margin count so."""
    await room.metrics()
    await room.ask(SetMarginProfile(account=ALICE, profile=name, **SIGNED))


async def margins(room: RiskRoom) -> tuple[str, str]:
    """Return what Alice needs at first, and to keep what she has."""
    found = await room.metrics()
    assert found.complete, found.unpriced
    return found.margin_used, found.margin_maintenance
