"""What the engine says of money, as the contract has it. Pure."""

from collections.abc import Iterable
from typing import Protocol

from quantumcore.contracts.margin import MarginStanding
from quantumcore.contracts.matching import EngineAccount, EngineBalance, EngineMargin, GetEngineMargin, HouseAccount

_NAMED = frozenset({100, 300, 310, 410})  # those that HouseTotal has under names of their own


class Accounts(Protocol):
    """What is asked of an engine for its accounts."""

    @property
    def sequence(self) -> int: ...
    def account_state(self, account: int) -> int: ...
    def balances(self, account: int) -> list[tuple[int, int, int]]: ...
    def collateral(self, account: int) -> list[tuple[int, int]]: ...
    def credits(self, account: int) -> list[tuple[int, int, int]]: ...


class Margins(Protocol):
    """What is asked of an engine for margin."""

    @property
    def sequence(self) -> int: ...
    def margin(self, account: int, currency: int) -> tuple[int, int, int, int, int, int, int, int, int, int]: ...


def engine_account(engine: Accounts, account: int) -> EngineAccount:
    """Return what the engine says of an account, balances ascending by currency; state 0: it knows none of that number."""
    own = {currency: (total, held) for currency, total, held in engine.balances(account)}
    aside = dict(engine.collateral(account))
    limits = {currency: limit for currency, limit, _ in engine.credits(account)}
    balances = [
        EngineBalance(currency, *own.get(currency, (0, 0)), aside.get(currency, 0), limits.get(currency, 0))
        for currency in sorted(own.keys() | aside.keys() | limits.keys())
    ]
    return EngineAccount(account, engine.sequence, balances, engine.account_state(account))


def engine_margin(engine: Margins, asked: GetEngineMargin) -> EngineMargin:
    """Return how an account stands in each currency that is asked for."""
    found = [MarginStanding(*engine.margin(asked.account, currency)) for currency in asked.currencies]
    return EngineMargin(engine.sequence, found)


def other_accounts(house: Iterable[tuple[int, int]]) -> list[HouseAccount]:
    """Return the accounts of the chart that have no name in HouseTotal."""
    return [HouseAccount(code, balance) for code, balance in house if code not in _NAMED]
