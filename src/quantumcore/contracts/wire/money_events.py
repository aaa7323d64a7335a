"""What has moved money by itself, and what accounts may do (docs/reference/engine.md sections 11 and 12)."""

from quantumcore.contracts.wire.events import Event


class TransferMade(Event, frozen=True, gc=False):
    """One leg of a group, from debit to credit; the totals are those of both accounts afterwards, each in its own nature.

    Attributes:
        flags2: The group's: bit 0, it may break a balance rule.
        code: The group's: why.
        leg: Its place in the group, from 0.
    """

    KIND = 31
    BODY = (
        "amount:q debit_total:i128 credit_total:i128 debit_account:I credit_account:I debit_code:H credit_code:H "
        "currency:H code:H leg:I flags2:B _:11x"
    )
    amount: int
    debit_total: int
    credit_total: int
    debit_account: int
    credit_account: int
    debit_code: int
    credit_code: int
    currency: int
    code: int
    leg: int
    flags2: int


class GroupNoted(Event, frozen=True, gc=False):
    """The text of the group that is posted by the next event; told of a group that has one."""

    KIND = 32
    BODY = "text:128b _:8x"
    text: bytes


class GroupPosted(Event, frozen=True, gc=False):
    """A group of transfers was made as a whole; account: whose id it has.

    Attributes:
        reverses_sequence: The command that posted what this one reverses; 0: it reverses nothing.
    """

    KIND = 33
    BODY = "reverses_sequence:Q group_id:36s code:H count:B flags2:B effective_day:i user_data:16b reverses:36s"
    reverses_sequence: int
    group_id: str
    code: int
    count: int
    flags2: int
    effective_day: int
    user_data: bytes
    reverses: str


class AccountTermsChanged(Event, frozen=True, gc=False):
    """state 1 open, 2 frozen, 3 closed."""

    KIND = 34
    BODY = "state:B _:7x"
    state: int


class CreditChanged(Event, frozen=True, gc=False):
    """The limit, and what is available under it now; negative: more is used than it allows."""

    KIND = 35
    BODY = "limit:q available:q currency:H _:6x"
    limit: int
    available: int
    currency: int


class HoldChanged(Event, frozen=True, gc=False):
    """What a hold is after one act; account: whose it is. In minor units, and captured + released + open = placed.

    Attributes:
        amount: What the act added to one of the four; of an amendment what it added to `placed`, negative when it took.
        hold_sequence: The command that placed it: its name in a leg.
        held: All that the account holds of the currency, after.
        cause: 1 placed, 2 amended, 3 captured, 4 released, 5 expired, 6 ended by an action.
    """

    KIND = 36
    BODY = (
        "amount:q placed:q captured:q released:q open:q expires_ns:q hold_sequence:Q held:q currency:H cause:B _:1x "
        "hold_id:36s"
    )
    amount: int
    placed: int
    captured: int
    released: int
    open: int
    expires_ns: int
    hold_sequence: int
    held: int
    currency: int
    cause: int
    hold_id: str
