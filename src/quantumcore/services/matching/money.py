"""What the engine says of money, as the contract has it. Pure."""

from collections.abc import Iterable

from quantumcore.contracts.matching import EngineBalance, HouseAccount

_NAMED = frozenset({100, 300, 310, 410})  # those that HouseTotal has under names of their own


def engine_balances(
    balances: Iterable[tuple[int, int, int]], collateral: Iterable[tuple[int, int]]
) -> list[EngineBalance]:
    """Return (currency, total, held) and (currency, put aside) as one list, ascending by currency."""
    own = {currency: (total, held) for currency, total, held in balances}
    aside = dict(collateral)
    return [
        EngineBalance(currency, *own.get(currency, (0, 0)), aside.get(currency, 0))
        for currency in sorted(own.keys() | aside.keys())
    ]


def other_accounts(house: Iterable[tuple[int, int]]) -> list[HouseAccount]:
    """Return the accounts of the chart that have no name in HouseTotal."""
    return [HouseAccount(code, balance) for code, balance in house if code not in _NAMED]
