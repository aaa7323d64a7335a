"""Hand-made cases: small stories of a market as text files, which run on the twin and on the native engine.

    tests/cases/<topic>/<anything>.txt       several cases, each begins with a line `== what it shows`

    == a stop waits for its price, then takes what is there
    sell bob b1 5 @ 106                      a command: a line at the left margin
      accepted b1 hold 5                     its events, in order and all of them: indented
    buy alice a1 5 stop 105
      accepted a1 price 110 hold 550
      waits a1 stop 105
    ...
                                             `#` begins a comment; empty lines do not matter

What an event line does not mention is not looked at (`accepted a1` says nothing of the hold); what it mentions must be so,
and no event may be missing or too many. After every command both engines check themselves. A failure tells file, line, and both texts.
To add a case: write it, run `pytest tests/unit/test_cases.py -k <topic>`, and be sure that the events are the ones the rules ask for.

The standard market, before the first command: USD and ACME without decimals; alice, bob, carol, dave and erin with 1,000,000 USD
and 100,000 ACME each; ACME against USD, tick 1, lot 1, prices 1..1,000,000, quantities 1..1,000,000, no fees, collar 5 %, continuous.
A case may begin with lines that change it:

    market tick 0.05 lot 10 taker_fee 100000 min_price 20 ...   fields of DefineInstrument, bounds in ticks, lots and minor units
    also BETA tick 1 ...                                        another instrument; orders name it: `in BETA`
    scale USD 2                                                 decimals of a currency
    currency BETA 0                                             a further one with its decimals, the third; `also BETA base 3`
    funds alice 500 USD 0 ACME                                  instead of the standard sums; `all`: of everybody

Commands (prices, quantities and money as a client writes them; times as 5s, 300ms, 2h, 1d; what is in brackets may be left out):

    buy|sell alice a1 10 [@ 101] [words]       words: ioc fok day gtd gtt at_open at_close good_for_auction closing_cross · post_only slide reduce_only hidden
                                               all_or_none cancel_on_disconnect short_exempt · stop 105 · trigger last|quote|mark · touched · trail 5 [price|rate|ticks] · offset 1
                                               display 2 · range 1 · seed 7 · min 3 · budget 500 · until 60s (since the case began) · peg primary|market|mid
                                               stp newest|oldest|both|decrement|none · session 3 · in BETA · type stop_limit (else it follows from the words)
    replace alice a1 [price 102] [quantity 8] [stop 99] [display 3] [session 3]      cancel alice a1 [session 3]          mass_cancel alice [buys|sells] [in BETA]
    link oco|oto|bracket                       its members follow as lines `+ buy alice a1 ...`
    batch                                      all or none: its orders follow as lines `+ buy alice a1 ...`
    wait 5s                                    the clock goes on, no command      time 5s          the clock goes on, then AdvanceTime
    status halted [in BETA]                    mark 105 | mark none               reference 100    (each: [in BETA])
    rules static_band 0.1 call_ns 5s ...       fields of SetTradingRules, rates as fractions
    cancel_all_after alice 10s | off           end_session alice 7                kill alice|venue on|off
    limits alice|default 5                     group alice 3                      deposit|withdraw alice 500 USD
    post house|alice g1 [code 7] [day 20000] [data 0f] [reverses g0] [text word] [signed]
                                               its legs follow as lines `+ debit credit 100 USD`; a side: alice, alice/220, or a code of the house;
                                               `+ alice 100 50 USD from h1` captures it from a hold
    hold alice h1 500 USD [until 60s]          amend alice h1 700 USD                     release alice h1 200 USD | rest
    firm alice 3                               limit venue|alice [in ACME]|in ACME|group 7 [order 10] [long 500] [short 0] [open 3] [each 2]
    money venue|alice [in ACME]|in ACME|firm 3 [of USD] [order 1000] [open 5000] [credit 10000]
    size interest 100 volume 50 [in ACME]    share <as limit> [interest 0.1] [volume 2]     in lots; of its market a position may be so much
    account alice open|frozen|closed|reducing  credit alice 500 USD
    bust action 1 buyer alice seller bob ...   fields of BustTrade; trade a1 instead of trade_sequence: of the command that submitted a1
    action x1 split n 3 m 2 price 20 [in OPT] [target BETA] [amount 0.25] [rate 0.01] [day 20000]
    action x1 exercise n 100 price 20 target BETA right call|put [by alice lots 5 seed 7]

Who may, and how often (engine.md section 15); a level is venue, alice, ACME, firm 3, group 3 or session 7:

    switch <level> all|reduce_only|off         entitle alice products 3 [enabled 0]
    class underlying 7 product 1 flags locate,price_test outside 5s                       restrict <level> on|off [in BETA]
    locate alice 10 [in BETA]                  quote 99 101 [in BETA]                     resume alice executions|protection 7
    throttle <level> new|replace|cancel|mass rate 2 burst 3      (rate 0 burst 0: none)
    patterns alice ratio 2 free_orders 3 ratio_ns 1s executions 5 executions_ns 1s duplicates 2 duplicates_ns 1s
    protect alice underlying 7 fills 2 quantity 5 window_ns 1s frozen_ns 5s

Margin (engine.md section 17); rates are fractions, what a model says is money of one lot:

    terms initial 0.05 maintenance 0.025 [slope 0.0005] [mark 5s] [array 5s] [profile volatility] [in BETA]
    array 3,-2,1 | none [least 0.5] [in BETA]  losses; those that are not said are 0            margin alice USD volatility|scenarios|off
    greeks [delta 1] [gamma 0.5] [vega 2] [in BETA]
    risk venue|alice [of USD] [gross 500] [net 500] [share 0.5] [delta 5] [gamma 5] [vega 5] [loss 5] [drawdown 5] [loss_rate 0.1] [drawdown_rate 0.1]
    day alice USD                              assess alice USD
    take_over alice bob -10 [money 500] [in BETA]      alice's short of 10 goes to bob, who pays 500

Questions are commands too; their answers stand like events:

    depth [in BETA]                            buy 101 10 orders 2     levels, buys then sells, each best first
    orders [in BETA]                           buy a1 10 @ 101         what is in the lit book, in order of priority
    order a1                                   a1 price 101 quantity 10 leaves 4 hold 404 (or: none)
    queue a1                                   a1 orders 2 ahead 15    what is shown on its side and would trade before it (or: none)
    balance alice USD                          alice 1000000 USD held 404
    house USD                                  300 5                   each account of the house that is not zero (220: all collateral)
    collateral alice                           alice 40 USD
    holds alice                                h1 40 USD until 60s     what is open of each
    working alice [in BETA]                    alice buys 5 sells 0 orders 1      what works of it, in quantities
    drawn 3 USD                                firm 3 working 500 filled 0        of a firm's line
    position alice [in BETA]                   alice -10               what it has bought less what it has sold
    stands alice USD                           alice equity 5 initial 2 maintenance 1 opening 0 deposits 0 result 0 peak 0 profile volatility rung none flags day
    preview buy alice a1 10 @ 101 [words]      accepted price 101 quantity 10 hold 1010 waits no left 6 cancelled none amount 404 fee 0 complete yes,
                                               then `trade 4 @ 101` by price; or `known a1`; or `refused NO_FUNDS scope account limit 5 actual 6`
                                               (a1: `-` asks without a client id)
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.case_events import Shown
from tests.support.case_market import CaseMarket
from tests.support.engines import check

ROOT = Path(__file__).resolve().parents[1] / "cases"


class Line(NamedTuple):
    """One line of a file, without its comment."""

    number: int
    text: str


class Case(NamedTuple):
    """One story: its setup lines, and its commands each with the events that it must tell."""

    path: Path
    name: str
    steps: list[tuple[list[Line], list[Line]]]

    @property
    def topic(self) -> str:
        """The folder it lies in."""
        return self.path.parent.name


def every_case() -> Iterator[Case]:
    """Yield all cases of all files in a fixed order."""
    for path in sorted(ROOT.glob("*/*.txt")):
        yield from read(path, path.read_text(encoding="utf-8"))


def read(path: Path, text: str) -> list[Case]:
    """Cut a file into its cases."""
    cases: list[Case] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#", 1)[0].rstrip()
        if not line:
            continue
        if line.startswith("=="):
            cases.append(Case(path, line.strip("= "), []))
            continue
        if not cases:
            raise ValueError(f"{path.name}:{number}: a case begins with a line `== what it shows`")
        steps = cases[-1].steps
        if line.startswith("+"):
            steps[-1][0].append(Line(number, line[1:].strip()))
        elif not line[0].isspace():
            steps.append(([Line(number, line)], []))
        elif not steps:
            raise ValueError(f"{path.name}:{number}: an event without a command")
        else:
            steps[-1][1].append(Line(number, line.strip()))
    return cases


def run(case: Case, engine: Any) -> None:
    """Play `case` to `engine`; the first difference fails with its line and both texts."""
    market = CaseMarket(engine)
    for commands, expected in case.steps:
        first = commands[0]
        try:
            told = market.play([line.text for line in commands])
        except (KeyError, ValueError, IndexError) as error:
            raise ValueError(f"{where(case, first)}: cannot read `{first.text}`: {error!r}") from error
        _compare(case, first, expected, told)
        check(engine)


def where(case: Case, line: Line) -> str:
    """Return where a line stands, for messages."""
    return f"{case.path.parent.name}/{case.path.name}:{line.number} ({case.name})"


def _compare(case: Case, command: Line, expected: list[Line], told: list[Shown]) -> None:
    for at, shown in enumerate(told):
        if at == len(expected):
            raise AssertionError(_message(case, command, command, "nothing more", told, at))
        if not shown.fits(expected[at].text):
            raise AssertionError(_message(case, command, expected[at], f"`{expected[at].text}`", told, at))
    if len(expected) > len(told):
        line = expected[len(told)]
        raise AssertionError(_message(case, command, line, f"`{line.text}`", told, len(told)))


def _message(case: Case, command: Line, line: Line, wanted: str, told: list[Shown], at: int) -> str:
    got = f"`{told[at]}`" if at < len(told) else "nothing"
    lines = [f"{where(case, line)}: expected {wanted}, got {got}", f"  {command.text}"]
    return "\n".join([*lines, *(f"    {shown}" for shown in told)])
