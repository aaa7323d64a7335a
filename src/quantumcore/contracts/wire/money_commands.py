"""Commands that move money by themselves, and say what accounts may do (docs/reference/engine.md sections 11 to 13)."""

import struct
from typing import Any, ClassVar, Self

import msgspec

from quantumcore.contracts.wire.commands import NO_ID, Command
from quantumcore.contracts.wire.layout import ACTION_BODY


class Leg(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One transfer of a group: `amount` minor units from the debit side to the credit side; account 0 is the house.

    Attributes:
        debit_code, credit_code: Of the house's chart, of a customer 0 (its balance) or 220 (its collateral).
        hold: The sequence of the command that placed the hold from which the amount is captured; 0: from what is available.
    """

    STRUCT: ClassVar[struct.Struct] = struct.Struct("<IIHHHxxqQ")
    debit_account: int = 0
    credit_account: int = 0
    debit_code: int = 0
    credit_code: int = 0
    currency: int
    amount: int
    hold: int = 0

    def encode(self) -> bytes:
        """Return the leg's bytes."""
        return self.STRUCT.pack(
            self.debit_account,
            self.credit_account,
            self.debit_code,
            self.credit_code,
            self.currency,
            self.amount,
            self.hold,
        )


class PostGroup(Command, frozen=True, kw_only=True, gc=False):
    """1 to 100 transfers as one act, all or none: `legs` is their bytes; account: whose id `group_id` is, 0 the house's.

    Attributes:
        code: Why; 1 to 65,535, the sender's own numbers.
        flags: Bit 0: two persons have signed it, so it may break a balance rule.
        effective_day: Days since 1970-01-01; 0: the day of the command.
        reverses: The group of the same name space that this one mirrors, or none.
        text: UTF-8, padded with zeros; the engine does not read it.
    """

    KIND = 24
    BODY = "group_id:36s code:H count:B flags:B effective_day:i user_data:16b reverses:36s text:128b"
    EACH: ClassVar[int] = Leg.STRUCT.size
    MOST: ClassVar[int] = 100
    group_id: str
    code: int = 1
    count: int
    flags: int = 0
    effective_day: int = 0
    user_data: bytes = bytes(16)
    reverses: str = NO_ID
    text: bytes = bytes(128)
    legs: bytes

    def encode(self) -> bytes:
        """Return the command's bytes."""
        size = self.LAYOUT.size + len(self.legs)
        return self.LAYOUT.pack((size, self.KIND, *self.LAYOUT.values(self))) + self.legs

    @classmethod
    def fits(cls, size: int) -> bool:
        """Tell whether a group can have `size` bytes."""
        count, rest = divmod(size - cls.LAYOUT.size, cls.EACH)
        return rest == 0 and 1 <= count <= cls.MOST

    @classmethod
    def decode(cls, buffer: Any, offset: int = 0) -> Self:
        """Return the group that stands at `offset`."""
        size, _, *values = cls.LAYOUT.unpack(buffer, offset)
        legs = bytes(buffer[offset + cls.LAYOUT.size : offset + size])
        return cls(**dict(zip(cls.LAYOUT.names[2:], values, strict=True)), legs=legs)

    def each_leg(self) -> list[Leg]:
        """Return the transfers in their order."""
        return [
            Leg(debit_account=d, credit_account=c, debit_code=dc, credit_code=cc, currency=of, amount=amount, hold=hold)
            for d, c, dc, cc, of, amount, hold in Leg.STRUCT.iter_unpack(self.legs)
        ]


class SetAccountTerms(Command, frozen=True, kw_only=True, gc=False):
    """state 1 open, 2 frozen (no debits, no new holds), 3 closed (no credits either)."""

    KIND = 25
    BODY = "state:B _:7x"
    state: int


class SetCredit(Command, frozen=True, kw_only=True, gc=False):
    """How far below zero the account's balance of a currency may go, in minor units."""

    KIND = 26
    BODY = "limit:q currency:H _:6x"
    limit: int
    currency: int


class PlaceHold(Command, frozen=True, kw_only=True, gc=False):
    """Set `amount` minor units of the account's balance aside, until they are captured, released, or `expires_ns` has come.

    Attributes:
        expires_ns: UTC nanoseconds; 0: never.
    """

    KIND = 27
    BODY = "amount:q expires_ns:q currency:H _:2x hold_id:36s"
    amount: int
    expires_ns: int = 0
    currency: int
    hold_id: str


class AmendHold(Command, frozen=True, kw_only=True, gc=False):
    """Let a hold have been placed of `amount` minor units in all, what was captured and released of it included."""

    KIND = 28
    BODY = "amount:q hold_id:36s _:4x"
    amount: int
    hold_id: str


class ReleaseHold(Command, frozen=True, kw_only=True, gc=False):
    """Give `amount` minor units of what is open of a hold back; 0: all of it."""

    KIND = 29
    BODY = "amount:q hold_id:36s _:4x"
    amount: int = 0
    hold_id: str


class ApplyAction(Command, frozen=True, kw_only=True, gc=False):
    """What befalls all holders of an instrument at once, whole or not at all (docs/reference/engine.md section 13).

    Attributes:
        account: Who exercises; 0: all.
        action_id: Remembered for ever.
        effective_day: Days since 1970-01-01; 0: the day of the command.
        action: 1 split, 2 stock dividend, 3 cash dividend, 4 conversion, 5 spin-off, 6 adjustment, 7 settlement,
            8 exercise, 9 funding, 10 borrow fee.
        right: Of an exercise: 1 call, 2 put.
        amount, amount_scale: Of a cash dividend, per unit of the base currency.
        target: The other instrument, or 0.
        numerator, denominator: So many units for so many.
        price: Ticks of what is got: what a fraction is worth, the settlement price, the strike, the mark.
        rate: 10^-8: of funding and fee, or the part of the cost that goes to what is spun off.
        quantity: Lots that `account` exercises.
        seed: Draws who is assigned.
    """

    KIND = 31
    BODY = ACTION_BODY
    action_id: str
    effective_day: int = 0
    action: int
    right: int = 0
    amount_scale: int = 0
    target: int = 0
    numerator: int = 0
    denominator: int = 0
    price: int = 0
    amount: int = 0
    rate: int = 0
    quantity: int = 0
    seed: int = 0
