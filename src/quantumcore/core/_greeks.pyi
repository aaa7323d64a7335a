from typing import Any, TypeAlias

# Price, delta, gamma, theta a day, vega and rho per 1 %.
_Six: TypeAlias = tuple[float, float, float, float, float, float]
# Outcome, volatility, iterations, bound, lower and upper price.
_Answer: TypeAlias = tuple[int, float, int, float, float, float]

def european(
    call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    days_per_year: float,
    min_years: float,
) -> _Six: ...
def american(
    call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    days_per_year: float,
    min_years: float,
    method: int,
) -> tuple[_Six, int]: ...
def american_price(
    call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    volatility: float,
    method: int,
) -> tuple[float, int]: ...
def implied(
    call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    option_price: float,
    method: int,
    iterations: int,
    tolerance: float,
) -> _Answer: ...
def american_implied(
    call: bool,
    spot: float,
    strike: float,
    years: float,
    rate: float,
    dividend_yield: float,
    option_price: float,
    iterations: int,
    tolerance: float,
) -> _Answer: ...

# Arrays: `call` of bool, all others of float64, contiguous, of one length of at most 2^20; what comes back is numpy's.
def european_rows(
    call: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    volatility: Any,
    days_per_year: float,
    min_years: float,
) -> Any: ...
def american_rows(
    call: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    volatility: Any,
    days_per_year: float,
    min_years: float,
    method: int,
) -> tuple[Any, Any]: ...
def implied_rows(
    call: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    option_price: Any,
    method: int,
    iterations: int,
    tolerance: float,
) -> tuple[Any, Any, Any]: ...
def mills(a: float) -> float: ...
