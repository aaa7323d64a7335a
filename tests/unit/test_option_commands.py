"""`quantumcore options`: a package and a smile from what somebody writes down, as tables, JSON and pictures.

Goal: what is shown is what margin and kernel say; what cannot be read is named; without the extra nothing is begun.
Method: the command line in process; golden packages of the margin rules, prices made by the kernel itself.
"""

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from quantumcore.app import cli
from quantumcore.services.risk.options.greeks import OptionTerms, greeks_of

D = Decimal
BUTTERFLY = ("101", "call,1,95,7.20", "call,-2,100,4.10", "call,1,105,2.00")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["options", *arguments], env={"COLUMNS": "200"})


def shown(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


# ------------------------------------------------------------------------------------------------ packages


def test_a_package_shows_its_margin_and_where_its_payoff_bends() -> None:
    found = shown("package", *BUTTERFLY)
    assert (found["required"], found["call"], found["worst_loss"], found["naked"]) == ("0.00", "100.00", "100.00", 0)
    assert found["groups"] == [[0, 1, 2]]
    assert [(one["underlying"], one["result"]) for one in found["payoff"]] == [
        ("71.25", "-100"),
        ("95", "-100"),
        ("100", "400"),
        ("101", "300"),
        ("105", "-100"),
        ("131.25", "-100"),
    ]
    table = run("package", *BUTTERFLY, "--currency", "EUR").output
    for text in ("3 legs, underlying at 101", "EUR", "worst loss", "100.00", "131.25", "400"):
        assert text in table


def test_golden_packages() -> None:
    short = shown("package", "209", "put,-1,200,1.20")
    assert (short["required"], short["call"], short["naked"]) == ("3400.00", "3280.00", 1)
    spread = shown("package", "130", "put,1,120,0.80", "put,-1,125,1.24")
    assert (spread["required"], spread["call"]) == ("500.00", "456.00")


def test_stock_has_no_multiplier_and_options_have_the_one_that_is_given() -> None:
    covered = shown("package", "100", "stock,10,100", "put,1,96,2", "--multiplier", "10")
    assert covered["worst_loss"] is None, "stock is no premium"
    assert [one["result"] for one in covered["payoff"]] == ["-60", "-60", "-20", "230"]


def test_a_short_leg_is_covered_only_by_one_that_lives_as_long() -> None:
    legs = ("call,1,95,7.20,{}", "call,-1,100,4.10,{}")
    same = shown("package", "101", *(leg.format("2026-12-18") for leg in legs))
    late = shown("package", "101", legs[0].format("2026-11-20"), legs[1].format("2026-12-18"))
    assert (same["naked"], late["naked"]) == (0, 1)


@pytest.mark.parametrize(
    "given, says",
    [
        (("101", "swap,1,95,7.20"), "request.invalid.type"),
        (("101", "call,1,95"), "request.invalid.malformed"),
        (("101", "stock,1,95,7.20"), "request.invalid.malformed"),
        (("101", "call,1.5,95,7.20"), "request.invalid.places"),
        (("101", "call,1,95,x"), "request.invalid.decimal"),
        (("101", "call,1,95,7.20,friday"), "request.invalid.time"),
        (("x", "call,1,95,7.20"), "request.invalid.decimal"),
        (("0", "call,1,95,7.20"), "risk.package.bad"),
        (("101", "call,0,95,7.20"), "risk.package.bad"),
        (("101", *["call,1,95,7.20"] * 5), "risk.package.bad"),
    ],
)
def test_a_package_that_cannot_be_is_refused_by_name(given: tuple[str, ...], says: str) -> None:
    done = run("package", *given)
    assert (done.exit_code, says in done.stderr) == (1, True), done.output


# -------------------------------------------------------------------------------------------------- smiles


def quote(right: str, strike: str, years: str, volatility: str, *, american: bool = False) -> str:
    """Return the quote of an option whose volatility is known."""
    terms = OptionTerms(
        call=right == "call",
        spot=D(100),
        strike=D(strike),
        years=D(years),
        rate=D("0.03"),
        dividend_yield=D("0.01"),
        american=american,
    )
    return f"{right},{strike},{greeks_of(terms, D(volatility)).price},{years}"


MARKET = ("--rate", "0.03", "--dividend-yield", "0.01")


@pytest.mark.parametrize("american", [False, True])
def test_a_smile_is_what_the_prices_were_made_of(american: bool) -> None:
    made = [("put", "90", "0.25", "0.27"), ("call", "110", "0.25", "0.21"), ("call", "100", "0.5", "0.2")]
    quotes = [quote(*one, american=american) for one in reversed(made)]
    found = shown("smile", "100", *quotes, *MARKET, *(["--american"] if american else []))
    assert [(one["type"], one["strike"], one["years"]) for one in found] == [one[:3] for one in made]
    for one, (*_, volatility) in zip(found, made, strict=True):
        assert abs(D(one["volatility"]) - D(volatility)) < D("0.00001")
        assert one["code"] is None


def test_a_price_that_implies_nothing_says_why_and_the_others_stand() -> None:
    quotes = ("call,80,1", quote("call", "100", "0.25", "0.2"))
    none, good = shown("smile", "100", *quotes, "--years", "0.25", *MARKET)
    assert (none["volatility"], none["code"]) == (None, "greeks.option_price.out_of_bounds")
    assert good["volatility"].startswith("0.2")
    table = run("smile", "100", *quotes, "--years", "0.25", *MARKET).output
    assert "out_of_bounds" in table
    assert "20.0000%" in table


@pytest.mark.parametrize(
    "given, says",
    [
        (("100", "call,95"), "request.invalid.malformed"),
        (("100", "swap,95,1,1"), "request.invalid.malformed"),
        (("100", "call,95,7"), "request.invalid.missing"),
        (("100", "call,95,7,soon"), "request.invalid.decimal"),
        (("100", *["call,95,7,1"] * 1_001), "request.invalid.range"),
        (("100", "call,95,7,1", "--rate", "much"), "request.invalid.decimal"),
    ],
)
def test_a_smile_that_cannot_be_read_is_refused_by_name(given: tuple[str, ...], says: str) -> None:
    done = run("smile", *given)
    assert (done.exit_code, says in done.stderr) == (1, True), done.output


# ------------------------------------------------------------------------------------------------- pictures


def test_pictures_are_drawn_into_the_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed: nothing can be drawn")
    payoff, smile = tmp_path / "payoff.png", tmp_path / "smile.svg"
    done = run("package", *BUTTERFLY, "--plot", str(payoff))
    assert (done.exit_code, f"drawn: {payoff}" in done.stderr) == (0, True)
    assert payoff.read_bytes().startswith(b"\x89PNG")
    quotes = (quote("call", "100", "0.25", "0.2"), quote("call", "110", "0.25", "0.21"), "call,80,1,0.25")
    assert run("smile", "100", *quotes, *MARKET, "--plot", str(smile)).exit_code == 0
    assert b"<svg" in smile.read_bytes()
    for command in (("package", *BUTTERFLY), ("smile", "100", *quotes)):
        bad = run(*command, "--plot", str(tmp_path / "picture.nonsense"))
        assert (bad.exit_code, "plot.file" in bad.stderr) == (1, True)


def test_a_smile_of_nothing_is_not_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra plot is not installed: nothing can be drawn")
    file = tmp_path / "smile.png"
    done = run("smile", "100", "call,80,1,0.25", "--plot", str(file))
    assert (done.exit_code, "out_of_bounds" in done.stderr, file.exists()) == (1, True, False)


def test_without_the_extra_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for command in (("package", *BUTTERFLY), ("smile", "100", "call,95,7,1")):
        done = run(*command, "--plot", str(tmp_path / "x.png"))
        assert (done.exit_code, "plot.extra" in done.stderr, done.stdout) == (1, True, "")
