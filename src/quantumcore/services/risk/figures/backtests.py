"""Whether a VaR has kept its word: exceptions, how many (Kupiec), whether they come together (Christoffersen), and zones. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from quantumcore.contracts.errors import Conflict, InvalidCommand
from quantumcore.services.risk.figures.basis import Alpha, confidence

CRITICAL_95 = 3.8415
"""Of chi-square with one degree of freedom, at 95 %."""
BASEL_DAYS = 250
_YELLOW = ("0.40", "0.50", "0.65", "0.75", "0.85")


class Zone(StrEnum):
    """Basel's traffic light."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A likelihood ratio against a model; `p_value`: how probable one as large is of a model that is right."""

    statistic: float
    p_value: float

    @property
    def rejected(self) -> bool:
        """Whether the model is refused at 95 %."""
        return self.statistic > CRITICAL_95


def exceptions(profits: Sequence[Decimal], vars_: Sequence[Decimal]) -> list[bool]:
    """Return, from the second day on, whether the day's loss was over the VaR of the day before.

    Args:
        profits: Of each day. vars_: As it was told at the end of each day.

    Raises:
        InvalidCommand: `risk.history.bad`: of other lengths. Conflict: `risk.history.empty`: not two days.
    """
    if len(profits) != len(vars_):
        detail = "a VaR belongs to each day"
        raise InvalidCommand("risk.history.bad", detail, field="vars", limit=str(len(profits)), actual=str(len(vars_)))
    if len(profits) < 2:
        raise Conflict(
            "risk.history.empty", "there are no two days", field="history", limit="2", actual=str(len(profits))
        )
    return [-profit > var for profit, var in zip(profits[1:], vars_[:-1], strict=True)]


def kupiec(days: int, failed: int, alpha: Alpha = "0.99") -> LikelihoodRatio:
    """Return the test of the number of exceptions: -2 ln[(1-p)^(n-x) p^x / ((1-f)^(n-x) f^x)], p = 1 - alpha, f = x/n.

    Raises:
        InvalidCommand: `risk.confidence.bad`; `risk.history.bad`: not 0 <= failed <= days. Conflict: `risk.history.empty`.
    """
    p = float(1 - confidence(alpha))
    _check_counts(days, failed)
    f = failed / days
    return _test(_log(days - failed, 1 - f) + _log(failed, f) - _log(days - failed, 1 - p) - _log(failed, p))


def christoffersen(n00: int, n01: int, n10: int, n11: int) -> LikelihoodRatio:
    """Return the test of independence from counts of days: n01 are exceptions after a day without, n11 after one with.

    Raises:
        InvalidCommand: `risk.history.bad`: a negative count. Conflict: `risk.history.empty`.
    """
    for count in (n00, n01, n10, n11):
        if count < 0:
            raise InvalidCommand("risk.history.bad", "a negative count", field="counts", limit="0", actual=str(count))
    calm, after = n00 + n01, n10 + n11
    _check_counts(calm + after, n01 + n11)
    p = (n01 + n11) / (calm + after)
    apart = _of(n00, n01) + _of(n10, n11)
    return _test(apart - _log(n00 + n10, 1 - p) - _log(n01 + n11, p))


def transitions(failed: Sequence[bool]) -> tuple[int, int, int, int]:
    """Return (n00, n01, n10, n11) of a series of exceptions."""
    pairs = list(pairwise(failed))
    return (
        pairs.count((False, False)),
        pairs.count((False, True)),
        pairs.count((True, False)),
        pairs.count((True, True)),
    )


def traffic_light(failed: int) -> tuple[Zone, Decimal]:
    """Return the zone and what is added to the multiplier, for exceptions within 250 days at 99 %.

    Raises:
        InvalidCommand: `risk.history.bad`: not 0 to 250.
    """
    _check_counts(BASEL_DAYS, failed)
    if failed < 5:
        return Zone.GREEN, Decimal(0)
    if failed < 10:
        return Zone.YELLOW, Decimal(_YELLOW[failed - 5])
    return Zone.RED, Decimal("1.00")


def _check_counts(days: int, failed: int) -> None:
    if days == 0:
        raise Conflict("risk.history.empty", "there are no days to judge by", field="days", limit="1", actual="0")
    if not 0 <= failed <= days:
        detail = "exceptions are from 0 to the number of days"
        raise InvalidCommand("risk.history.bad", detail, field="exceptions", limit=str(days), actual=str(failed))


def _of(without: int, with_: int) -> float:
    days = without + with_
    return _log(without, without / days) + _log(with_, with_ / days) if days else 0.0


def _log(count: int, probability: float) -> float:
    return count * math.log(probability) if count else 0.0


def _test(difference: float) -> LikelihoodRatio:
    statistic = max(0.0, 2 * difference)
    return LikelihoodRatio(statistic, math.erfc(math.sqrt(statistic / 2)))
