"""The market of a case: the standard one unless the case says otherwise, an engine, a clock, and the names of everything."""

from typing import Any

from quantumcore.contracts import wire
from tests.support import case_guards, case_margin
from tests.support import case_words as words
from tests.support.case_events import Shown, plain, show
from tests.support.case_previews import preview
from tests.support.engines import step

START_NS = 1_700_000_000 * 10**9
USD, ACME = 1, 2
ACCOUNTS = {"alice": 1, "bob": 2, "carol": 3, "dave": 4, "erin": 5}
STANDARD: dict[str, Any] = {
    "instrument_kind": 1,
    "status": 1,
    "base": ACME,
    "quote": USD,
    "tick": "1",
    "lot": "1",
    "multiplier": 1,
    "min_price": 1,
    "max_price": 1_000_000,
    "min_quantity": 1,
    "max_quantity": 1_000_000,
    "min_notional": 0,
    "max_notional": 10**15,
    "taker_fee": 0,
    "maker_fee": 0,
    "minimum_fee": 0,
    "collar": 5_000_000,
}


class CaseMarket:
    """Plays the lines of one case.

    Attributes:
        now_ns: The case's clock; only `wait` and `time` move it.
        ids: What clients called the orders, by (sequence, slot).
    """

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.now_ns = START_NS
        self.scales = {"USD": 0, "ACME": 0}
        self.currencies = {"USD": USD, "ACME": ACME}
        self.definitions: dict[str, dict[str, Any]] = {"ACME": dict(STANDARD)}
        self.instruments: dict[str, int] = {"ACME": 1}
        self.funds = {name: {"USD": 1_000_000, "ACME": 100_000} for name in ACCOUNTS}
        self.ids: dict[tuple[int, int], str] = {}
        self.holds: dict[str, int] = {}
        self.transfers = 0
        self._open = False

    # ----------------------------------------------------------------------------------------- playing

    def play(self, lines: list[str]) -> list[Shown]:
        """Do one command (or setup line, or question) and return what it told."""
        verb, *rest = lines[0].split()
        if not self._open and self._set_up(verb, rest):
            return []
        self._open_the_market()
        if verb in ("wait", "time"):
            self.now_ns += words.nanoseconds(rest[0])
            if verb == "wait":
                return []
        if verb in _QUESTIONS:
            return list(_QUESTIONS[verb](self, rest))
        if verb in case_guards.COMMANDS:
            return self._tell(case_guards.COMMANDS[verb](self, rest))
        if verb in case_margin.COMMANDS:
            return self._tell(case_margin.COMMANDS[verb](self, rest))
        return self._tell(words.command(self, verb, rest, lines[1:]))

    def _set_up(self, verb: str, rest: list[str]) -> bool:
        match verb:
            case "market":
                self.definitions["ACME"] |= words.pairs(rest)
            case "also":
                self.instruments[rest[0]] = len(self.instruments) + 1
                self.definitions[rest[0]] = STANDARD | words.pairs(rest[1:])
            case "scale":
                self.scales[rest[0]] = int(rest[1])
            case "currency":
                self.currencies[rest[0]] = len(self.currencies) + 1
                self.scales[rest[0]] = int(rest[1])
            case "funds":
                for name in ACCOUNTS if rest[0] == "all" else (rest[0],):
                    self.funds[name] = {code: amount for amount, code in zip(rest[1::2], rest[2::2], strict=True)}
            case _:
                return False
        return True

    def _open_the_market(self) -> None:
        if self._open:
            return
        self._open = True
        setup: list[wire.Command] = [
            wire.DefineCurrency(currency=number, code=code, scale=self.scales[code])
            for code, number in self.currencies.items()
        ]
        setup += [words.definition(number, name, self.definitions[name]) for name, number in self.instruments.items()]
        for name, number in ACCOUNTS.items():
            setup.append(wire.OpenAccount(account=number, owner=number))
            setup += [
                words.transfer(self, name, 1, str(amount), code)
                for code, amount in self.funds[name].items()
                if str(amount) != "0"
            ]
        for command in setup:
            refused = [event for event in self._step(command) if isinstance(event, wire.CommandRefused)]
            if refused:
                raise ValueError(f"the market cannot be set up: {refused[0]}")

    def _step(self, command: wire.Command) -> list[Any]:
        return list(wire.iter_events(step(self.engine, command.encode(), self.now_ns)))

    def _tell(self, command: wire.Command) -> list[Shown]:
        events = self._step(command)
        for event in events:
            if isinstance(event, wire.OrderAccepted):
                self.ids[event.sequence, event.order_slot] = event.client_id
            elif isinstance(event, wire.HoldChanged):
                self.holds[event.hold_id] = event.hold_sequence
        return [show(event, self) for event in events]

    # ------------------------------------------------------------------------------------- what is what

    def price(self, instrument: int, ticks: int) -> str:
        """Return a price as one writes it."""
        tick, scale = words.decimal(self.definition(instrument)["tick"])
        return plain(ticks * tick, scale)

    def quantity(self, instrument: int, lots: int) -> str:
        """Return a quantity as one writes it."""
        lot, scale = words.decimal(self.definition(instrument)["lot"])
        return plain(lots * lot, scale)

    def money(self, currency: int, minor: int) -> str:
        """Return an amount as one writes it."""
        return plain(minor, self.scales[self.currency(currency)])

    def order(self, sequence: int, slot: int) -> str:
        """Return the client's name of an order."""
        return self.ids.get((sequence, slot), f"{sequence}/{slot}")

    def account(self, number: int) -> str:
        """Return who has the account."""
        return next((name for name, known in ACCOUNTS.items() if known == number), str(number))

    def currency(self, number: int) -> str:
        """Return a currency's code."""
        return next(code for code, known in self.currencies.items() if known == number)

    def since(self, time_ns: int) -> str:
        """Return an instant as the time since the case began."""
        return words.span(time_ns - START_NS)

    def instant(self, text: str) -> int:
        """Return the instant that is so long after the case began."""
        return START_NS + words.nanoseconds(text)

    def account_number(self, name: str) -> int:
        """Return the number of an account; a number stands for itself."""
        return ACCOUNTS[name] if name in ACCOUNTS else int(name)

    def instrument(self, number: int) -> str:
        """Return the name of an instrument."""
        return next((name for name, known in self.instruments.items() if known == number), str(number))

    def sequence_of(self, client_id: str) -> int:
        """Return the sequence of the command that submitted an order."""
        return next(sequence for (sequence, _), known in self.ids.items() if known == client_id)

    def hold_of(self, hold_id: str) -> int:
        """Return the sequence of the command that placed a hold; a number stands for itself."""
        return self.holds[hold_id] if hold_id in self.holds else int(hold_id)

    def name_of(self, client_id: str) -> tuple[int, int]:
        """Return the engine's name of an order: the youngest of that name."""
        return next((name for name, known in reversed(self.ids.items()) if known == client_id), (0, 0))

    def definition(self, instrument: int) -> dict[str, Any]:
        """Return the terms of an instrument."""
        name = next(name for name, number in self.instruments.items() if number == instrument)
        return self.definitions[name]


def _depth(market: CaseMarket, rest: list[str]) -> list[Shown]:
    number = words.instrument_of(market, words.pairs(rest))
    return [
        Shown(f"{side} {market.price(number, ticks)} {market.quantity(number, lots)}", {"orders": str(orders)})
        for code, side in ((1, "buy"), (2, "sell"))
        for ticks, lots, orders in market.engine.depth(number, code, 100)
    ]


def _orders(market: CaseMarket, rest: list[str]) -> list[Shown]:
    number = words.instrument_of(market, words.pairs(rest))
    return [
        Shown(
            f"{side} {market.order(sequence, slot)} {market.quantity(number, leaves)} @ {market.price(number, ticks)}",
            {},
        )
        for code, side in ((1, "buy"), (2, "sell"))
        for sequence, slot, _, ticks, leaves in market.engine.orders(number, code)
    ]


def _order(market: CaseMarket, rest: list[str]) -> list[Shown]:
    found = market.engine.order(*market.name_of(rest[0]))
    if found is None:
        return [Shown("none", {})]
    number, _, side, ticks, quantity, leaves, hold = found
    definition = market.definition(number)
    numbers = {
        "price": market.price(number, ticks),
        "quantity": market.quantity(number, quantity),
        "leaves": market.quantity(number, leaves),
        "hold": market.money(definition["quote"] if side == 1 else definition["base"], hold),
    }
    return [Shown(rest[0], numbers)]


def _queue(market: CaseMarket, rest: list[str]) -> list[Shown]:
    found = market.engine.queue(*market.name_of(rest[0]))
    if found is None:
        return [Shown("none", {})]
    number = market.engine.order(*market.name_of(rest[0]))[0]
    return [Shown(rest[0], {"orders": str(found[0]), "ahead": market.quantity(number, found[1])})]


def _balance(market: CaseMarket, rest: list[str]) -> list[Shown]:
    who, code = rest
    rows = {currency: (total, held) for currency, total, held in market.engine.balances(market.account_number(who))}
    number = market.currencies[code]
    total, held = rows.get(number, (0, 0))
    return [Shown(f"{who} {market.money(number, total)} {code}", {"held": market.money(number, held)})]


def _working(market: CaseMarket, rest: list[str]) -> list[Shown]:
    number = words.instrument_of(market, words.pairs(rest[1:]))
    buys, sells, orders = market.engine.working(market.account_number(rest[0]), number)
    lots = {"buys": market.quantity(number, buys), "sells": market.quantity(number, sells)}
    return [Shown(rest[0], {**lots, "orders": str(orders)})]


def _drawn(market: CaseMarket, rest: list[str]) -> list[Shown]:
    number = market.currencies[rest[1]]
    working, filled = market.engine.drawn(int(rest[0]), number)
    return [
        Shown(f"firm {rest[0]}", {"working": market.money(number, working), "filled": market.money(number, filled)})
    ]


def _house(market: CaseMarket, rest: list[str]) -> list[Shown]:
    number = market.currencies[rest[0]]
    return [Shown(f"{code} {market.money(number, balance)}", {}) for code, balance in market.engine.house(number)]


def _collateral(market: CaseMarket, rest: list[str]) -> list[Shown]:
    rows = market.engine.collateral(market.account_number(rest[0]))
    return [Shown(f"{rest[0]} {market.money(number, total)} {market.currency(number)}", {}) for number, total in rows]


def _holds(market: CaseMarket, rest: list[str]) -> list[Shown]:
    names = {sequence: hold_id for hold_id, sequence in market.holds.items()}
    return [
        Shown(
            f"{names[sequence]} {market.money(number, placed - captured - released)} {market.currency(number)}",
            {"until": market.since(expires_ns) if expires_ns else "none"},
        )
        for sequence, account, number, placed, captured, released, expires_ns in market.engine.holds()
        if account == market.account_number(rest[0])
    ]


def _position(market: CaseMarket, rest: list[str]) -> list[Shown]:
    number = words.instrument_of(market, words.pairs(rest[1:]))
    lots = dict(market.engine.positions(market.account_number(rest[0]))).get(number, 0)
    return [Shown(f"{rest[0]} {market.quantity(number, lots)}", {})]


_QUESTIONS = {
    "position": _position,
    "house": _house,
    "collateral": _collateral,
    "holds": _holds,
    "depth": _depth,
    "orders": _orders,
    "order": _order,
    "queue": _queue,
    "balance": _balance,
    "working": _working,
    "drawn": _drawn,
    "preview": preview,
    "stands": case_margin.stands,
}
