"""Which closed period a transaction corrects, as its user data carries it: a mark, and the period's last day. Pure."""

from quantumcore.contracts.days import shown_day

CORRECTS = b"corrects"
CLOSING_PREFIX = "closed-period-"
_DAY_BYTES = 8
_MARK = CORRECTS.hex()


def correcting(day: int) -> bytes:
    """Return the user data of a transaction that corrects the period that ends with `day`."""
    return CORRECTS + day.to_bytes(_DAY_BYTES, "big", signed=True)


def corrected(user_data: str) -> str | None:
    """Return the period that user data in hexadecimal digits names; None: it corrects nothing."""
    if not user_data.startswith(_MARK):
        return None
    day = int.from_bytes(bytes.fromhex(user_data[len(_MARK) :]), "big", signed=True)
    try:
        return shown_day(day)
    except (ValueError, OverflowError):  # bytes of before this had a meaning
        return None
