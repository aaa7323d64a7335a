"""Risk (8004), what people set that is one command of the engine each: what is kept of a change, whatever it is of."""

import msgspec


class SettingChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of what somebody set; kept for ever.

    Attributes:
        state: asked: written down, and on its way; done; refused: code says why.
        sequence: Of the command that set it; 0: not yet.
    """

    number: int
    state: str
    who: str
    reason: str
    time_ns: int
    sequence: int
    code: str
