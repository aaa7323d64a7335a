"""Whose a limit or a kill switch is, as requests name it and answers show it: the venue, or a firm, group, account, session or instrument."""

from typing import Any

from quantumcore.contracts.errors import invalid
from quantumcore.contracts.reasons import Scope

MAX_NUMBER = 2**32 - 1
FIELDS = {Scope.ACCOUNT: "account_id", Scope.FIRM: "firm", Scope.GROUP: "group", Scope.SESSION: "session"}


def only_one(**given: int | str) -> str:
    """Return the name of the one that is given; "": none is.

    Args:
        given: Numbers, 0 of what is not given, and symbols, "" of what is not given.

    Raises:
        InvalidCommand: A number of more than 32 bits, or more than one is given.
    """
    for field, number in given.items():
        if isinstance(number, int) and not 0 <= number <= MAX_NUMBER:
            detail = f"{field} is a number of 32 bits"
            raise invalid("range", detail, field=field, limit=str(MAX_NUMBER), actual=str(number))
    names = [name for name, value in given.items() if value]
    if len(names) > 1:
        detail = f"name one of {', '.join(given)}, or none: the venue"
        raise invalid("range", detail, field=names[1], limit="1", actual=str(len(names)))
    return names[0] if names else ""


def named(scope: int, number: int, symbol: str | None) -> dict[str, Any]:
    """Return the fields of an answer that say whose it is: scope, symbol, and the number under the name of its scope."""
    one = Scope(scope)
    found: dict[str, Any] = {"scope": one.name.lower(), "symbol": symbol}
    if one in FIELDS:
        found[FIELDS[one]] = str(number) if one is Scope.ACCOUNT else number
    return found
