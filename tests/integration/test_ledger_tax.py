"""Taxes over the bus: records, documents that are charged once for ever, remittances, the report.

Goal: a document is one group with a leg per tax on the total of its base; over a year a cumulative one is off by a unit at most; what is
refused, asked again or killed in between is charged once or not at all; the report says what was charged, by month and code.
Method: the ledger beside the readable engine, real files; random years against `Fraction`.
"""

import asyncio
import csv
import io
import json
import random
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet
import pytest

from quantumcore.contracts.errors import Conflict, Forbidden, InvalidCommand, NotFound, QuantumCoreError, Unavailable
from quantumcore.contracts.ledger import (
    GetBalances,
    GetTransaction,
    GetTrialBalance,
    Reconcile,
    RecordTransaction,
    ReverseTransaction,
    SignedEntry,
)
from quantumcore.contracts.ledger_approvals import ApproveProposal, Propose
from quantumcore.contracts.ledger_periods import ClosePeriod
from quantumcore.contracts.ledger_tax import (
    ChargeTax,
    GetTaxDocument,
    GetTaxes,
    GetTaxReport,
    RemitTax,
    SetTax,
    TaxDocument,
    TaxedLine,
)
from quantumcore.contracts.wire import OpenAccount
from quantumcore.services.ledger.office import taxes
from quantumcore.services.ledger.rounding import rounded
from quantumcore.services.ledger.service import LedgerService
from quantumcore.services.ledger.settings import LedgerSettings
from tests.support.ledgers import open_ledger
from tests.support.portfolios import NO_CURRENCY
from tests.support.small_venue import ALICE, BOB, SmallVenue, small_venue, until

POOR = 40
TODAY = "2023-11-14"  # of the clock of tests


@pytest.fixture
async def venue(tmp_path: Path) -> AsyncIterator[SmallVenue]:
    async with small_venue(tmp_path) as opened:
        opened.do(OpenAccount(account=POOR, owner=POOR))
        yield opened


@pytest.fixture
async def ledger(venue: SmallVenue) -> LedgerService:
    room = await open_ledger(venue)
    await venue.bus.request(SetTax(code="VAT", rate="0.05"))
    return room


def charge(name: str, *amounts: str, taxes: tuple[str, ...] = ("VAT",), **changes: Any) -> ChargeTax:
    lines = [TaxedLine(amount=amount, taxes=list(taxes)) for amount in amounts or ("100.00",)]
    return ChargeTax(**{"document_id": name, "account": ALICE, "currency": "USD", "lines": lines, **changes})


async def refused(venue: SmallVenue, request: Any, kind: type[QuantumCoreError], code: str) -> QuantumCoreError:
    with pytest.raises(kind) as error:
        await venue.bus.request(request)
    assert error.value.code == code, error.value
    return error.value


async def payable(venue: SmallVenue) -> str:
    trial = await venue.bus.request(GetTrialBalance(at_least=venue.engine.sequence))
    assert trial.balanced
    return next((line.balance for line in trial.lines if line.code == "240"), "0.00")


async def dollars(venue: SmallVenue, account: int) -> Fraction:
    found = await venue.bus.request(GetBalances(account=account, at_least=venue.engine.sequence))
    return Fraction(next((one.total for one in found.balances if one.currency == "USD"), "0"))


async def report(venue: SmallVenue, begin: str = "2023-01", end: str = "2023-12", **terms: Any) -> dict[str, Any]:
    found = await venue.bus.request(GetTaxReport(begin=begin, end=end, **terms))
    answer: dict[str, Any] = json.loads(found.body)
    return answer


@pytest.mark.hazard("F10")
async def test_five_percent_of_three_lines_of_1_10_is_16_cents_in_one_leg(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    before = await dollars(venue, ALICE)
    done = await venue.bus.request(charge("d-1", "1.10", "1.10", "1.10"))
    assert [(one.code, one.rate, one.base, one.amount) for one in done.taxes] == [("VAT", "0.05", "3.30", "0.16")]
    assert (done.status, done.effective_date, done.period, done.account_id) == ("posted", TODAY, "2023-11", "1")
    assert (before - await dollars(venue, ALICE), await payable(venue)) == (Fraction("0.16"), "0.16")
    posted = await venue.bus.request(GetTransaction(transaction_id="d-1"))
    assert [(leg.debit, leg.credit, leg.amount) for leg in posted.legs] == [("1:balance", "240", "0.16")]
    assert (posted.text, posted.code, posted.effective_date) == ("tax 2023-11 VAT", 240, TODAY)
    assert await venue.bus.request(GetTaxDocument(document_id="d-1")) == done
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_each_tax_has_a_leg_and_the_order_of_lines_is_irrelevant(
    venue: SmallVenue, ledger: LedgerService, rng: random.Random
) -> None:
    await venue.bus.request(SetTax(code="CITY", rate="0.01", mode="ceil"))
    await venue.bus.request(SetTax(code="ON.VAT", rate="1", upon=["VAT"], mode="ceil"))
    lines = [TaxedLine(amount="0.10", taxes=["VAT", "ON.VAT"]), TaxedLine(amount="1.51", taxes=["CITY"])]
    lines += [TaxedLine(amount=f"{n}.0{n}", taxes=["CITY", "VAT"][: n % 3]) for n in range(1, 9)]
    first = await venue.bus.request(charge("d-1", lines=lines))
    amounts = {one.code: one.amount for one in first.taxes}
    for number in range(5):
        rng.shuffle(lines)
        again = await venue.bus.request(charge(f"e-{number}", lines=list(lines)))
        assert {one.code: one.amount for one in again.taxes} == amounts
    done = await venue.bus.request(charge("d-2", "0.10", taxes=("VAT", "ON.VAT")))
    assert [(one.code, one.base, one.amount) for one in done.taxes] == [
        ("VAT", "0.10", "0.00"),
        ("ON.VAT", "0.10", "0.11"),  # on 10.5 cents, the exact sum, not on 10
    ]
    alone = await venue.bus.request(charge("d-3", "0.10", taxes=("ON.VAT",)))
    assert [(one.code, one.amount) for one in alone.taxes] == [("ON.VAT", "0.10")]


async def test_a_document_is_charged_once_for_ever_and_another_body_is_named_by_its_first_difference(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    first = await venue.bus.request(charge("d-1"))
    await venue.bus.request(SetTax(code="VAT", rate="0.07"))
    assert await venue.bus.request(charge("d-1")) == first
    for changes, differs in (
        ({"account": BOB, "currency": "BTC"}, "account_id"),
        ({"currency": "BTC"}, "currency"),
        ({"lines": [TaxedLine(amount="100", taxes=["VAT"])]}, "lines"),
        ({"effective_date": TODAY}, "effective_date"),
        ({"cumulative": True}, "cumulative"),
    ):
        error = await refused(venue, charge("d-1", **changes), Conflict, "idempotency.mismatch")
        assert error.actual == f"exists_with_different_{differs}"
    assert await payable(venue) == "5.00"
    assert (await venue.bus.request(charge("d-2"))).taxes[0].amount == "7.00"


async def test_what_is_given_back_goes_the_other_way(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(charge("d-1", "3.30"))
    back = await venue.bus.request(charge("d-1-back", "-3.30"))
    assert back.taxes[0].amount == "-0.16"
    assert await payable(venue) == "0.00"
    error = await refused(venue, ReverseTransaction(transaction_id="d-1"), Conflict, "tax.document.reversal")
    assert error.field == "transaction_id"


@pytest.mark.hazard("F10")
async def test_over_twelve_months_what_was_charged_is_off_by_a_unit_at_most(
    venue: SmallVenue, ledger: LedgerService, rng: random.Random
) -> None:
    await venue.bus.request(SetTax(code="VAT", rate="0.03333333"))
    exact, charged = Fraction(), 0
    for month in range(1, 13):
        cents = rng.randrange(1, 10_000)
        exact += cents * Fraction("0.03333333")
        name, day = f"m-{month}", f"2023-{month:02d}-15"
        if month == 12:
            day = "2023-11-30"
        done = await venue.bus.request(
            charge(name, f"{cents // 100}.{cents % 100:02d}", cumulative=True, effective_date=day)
        )
        charged += int(Fraction(done.taxes[0].amount) * 100)
        assert charged == rounded(exact), "after each month what is charged is the tax of all so far, rounded once"
    others = charge("plain", "0.10", "0.10")
    assert (await venue.bus.request(others)).taxes[0].amount == "0.01"
    last_year = await venue.bus.request(charge("old", "0.10", cumulative=True, effective_date="2022-12-31"))
    assert last_year.taxes[0].amount == "0.00", "another year begins at nothing"
    bobs = await venue.bus.request(charge("bob", "0.10", account=BOB, cumulative=True))
    assert bobs.taxes[0].amount == "0.00", "and so does another account"


async def test_what_failed_counts_for_nothing_and_stays_failed(venue: SmallVenue, ledger: LedgerService) -> None:
    poor = {"account": POOR, "cumulative": True}
    await refused(venue, charge("d-1", "100.10", **poor), Conflict, "transfer.insufficient")
    await refused(venue, charge("d-1", "100.10", **poor), Conflict, "tax.document.failed")
    await refused(venue, GetTaxDocument(document_id="d-1"), NotFound, "tax.document.not_found")
    gift = [SignedEntry(code=900, currency="USD", amount="9"), SignedEntry(account=POOR, currency="USD", amount="-9")]
    await venue.bus.request(RecordTransaction(transaction_id="gift", entries=gift))
    done = await venue.bus.request(charge("d-2", "10.10", **poor))
    assert done.taxes[0].amount == "0.50", "half a cent that failed would make it 0.51"
    taken = charge("gift")
    await refused(venue, taken, Conflict, "idempotency.mismatch")
    back = ReverseTransaction(transaction_id="gift", reversal_id="r")
    await refused(venue, back, Conflict, "transfer.insufficient")  # it is no document, so it may be asked for
    assert (await report(venue))["lines"] == [
        {"period": "2023-11", "code": "VAT", "currency": "USD", "documents": 1, "base": "10.10", "amount": "0.50"}
    ]


async def test_a_kill_before_the_engine_was_asked_is_gone_on_from_as_it_was_reckoned(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    first = charge("d-1", "0.10", cumulative=True)  # half a cent
    venue.down = True
    await refused(venue, first, Unavailable, "unavailable")
    await refused(venue, charge("d-2", "0.10", cumulative=True), Unavailable, "unavailable")
    venue.down = False
    await venue.bus.request(SetTax(code="VAT", rate="0.5"))
    later = await venue.bus.request(charge("d-2", "0.10", cumulative=True))
    assert later.taxes[0].amount == "0.06", "5.5 cents in all, of which the first, finished before, has paid nothing"
    assert (await venue.bus.request(first)).taxes[0].amount == "0.00"
    assert await payable(venue) == "0.06"


async def test_one_document_and_many_at_once_is_charged_once(venue: SmallVenue, ledger: LedgerService) -> None:
    found = await asyncio.gather(
        *(venue.bus.request(charge(f"d-{n % 3}", "1.10", "1.10", cumulative=True)) for n in range(24))
    )
    assert len({msgspec.json.encode(one) for one in found}) == 3
    assert await payable(venue) == "0.33", "5 % of 6.60"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"lines": []}, "request.invalid.range", "lines"),
        ({"lines": [TaxedLine(amount="1", taxes=[])]}, "request.invalid.range", "lines"),
        ({"lines": [TaxedLine(amount="1", taxes=["VAT"])] * 1_001}, "request.invalid.range", "lines"),
        ({"lines": [TaxedLine(amount="0.001", taxes=["VAT"])]}, "request.invalid.range", "lines[0].amount"),
        ({"lines": [TaxedLine(amount="x", taxes=["VAT"])]}, "request.invalid.decimal", "lines[0].amount"),
        ({"account": 0}, "request.invalid.range", "account_id"),
        ({"effective_date": "2023-02-30"}, "request.invalid.time", "effective_date"),
        ({"effective_date": "1970-01-01"}, "request.invalid.time", "effective_date"),
        ({"document_id": "a b"}, "request.invalid.id", "document_id"),
        ({"document_id": "fx-residue-2023-01-01"}, "request.invalid.id", "document_id"),
    ],
)
async def test_what_cannot_be_charged_is_told_by_its_field(
    venue: SmallVenue, ledger: LedgerService, changes: dict[str, Any], code: str, field: str
) -> None:
    asked = venue.requests
    assert (await refused(venue, charge("d-1", **changes), InvalidCommand, code)).field == field
    assert venue.requests == asked


async def test_who_and_what_is_not_there_is_named(venue: SmallVenue, ledger: LedgerService) -> None:
    error = await refused(venue, charge("d-1", taxes=("VAT", "NONE")), NotFound, "tax.not_found")
    assert (error.field, error.actual) == ("lines", "NONE")
    error = await refused(venue, charge("d-1", account=77), NotFound, "account.not_found")
    assert error.field == "account_id"
    await refused(venue, charge("d-2", currency=NO_CURRENCY), NotFound, "currency.not_found")
    await refused(venue, GetTaxDocument(document_id="never"), NotFound, "tax.document.not_found")


async def test_a_record_is_kept_in_every_version_and_its_base_cannot_go_in_a_circle(
    venue: SmallVenue, ledger: LedgerService
) -> None:
    await venue.bus.request(SetTax(code="A", rate="0.1", upon=["VAT"]))
    same = await venue.bus.request(SetTax(code="A", rate="0.10", upon=["VAT", "VAT"]))
    assert (same.version, same.rate, same.upon) == (1, "0.1", ["VAT"])
    second = await venue.bus.request(SetTax(code="A", rate="0.2", mode="floor"))
    assert (second.version, second.mode, second.upon) == (2, "floor", [])
    await venue.bus.request(SetTax(code="VAT", rate="0.05", upon=["A"]))
    for upon in (["VAT"], ["A"], ["NONE"]):
        error = await refused(venue, SetTax(code="A", rate="0.2", upon=upon), InvalidCommand, "request.invalid.range")
        assert error.field == "upon"
    assert [(one.code, one.version) for one in (await venue.bus.request(GetTaxes())).items] == [("A", 2), ("VAT", 2)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "vat"}, "code"),
        ({"code": "V" * 13}, "code"),
        ({"code": "A B"}, "code"),
        ({"rate": "-0.01"}, "rate"),
        ({"rate": "10.01"}, "rate"),
        ({"rate": "0.000000001"}, "rate"),
        ({"mode": "up"}, "mode"),
        ({"upon": [f"T{n}" for n in range(9)]}, "upon"),
    ],
)
async def test_what_cannot_be_a_tax_is_told_by_its_field(
    venue: SmallVenue, ledger: LedgerService, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidCommand) as error:
        await venue.bus.request(SetTax(**{"code": "T", "rate": "0.01", **changes}))
    assert error.value.field == field


async def test_taxes_are_bounded(venue: SmallVenue, ledger: LedgerService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taxes, "MAX_RECORDS", 1)
    await refused(venue, SetTax(code="T", rate="0.01"), Unavailable, "tax.capacity")
    await venue.bus.request(SetTax(code="VAT", rate="0.06"))


async def test_what_is_owed_is_remitted_to_the_bank_once(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(charge("d-1"))
    bank = venue.engine.totals(1)[-1]
    remit = RemitTax(remittance_id="r-1", currency="USD", amount="5.00", text="November")
    done = await venue.bus.request(remit)
    assert [(leg.debit, leg.credit, leg.amount) for leg in done.legs] == [("240", "100", "5.00")]
    assert await venue.bus.request(remit) == done
    assert (await payable(venue), venue.engine.totals(1)[-1]) == ("0.00", bank - 500)
    other = RemitTax(remittance_id="r-1", currency="USD", amount="6.00")
    await refused(venue, other, Conflict, "idempotency.mismatch")
    for amount in ("0", "-1", "0.001"):
        with pytest.raises(InvalidCommand):
            await venue.bus.request(RemitTax(remittance_id="r-2", currency="USD", amount=amount))
    assert (await venue.bus.request(Reconcile())).differences == []


async def test_a_closed_period_takes_no_document(venue: SmallVenue, ledger: LedgerService) -> None:
    early = charge("early", effective_date="2023-10-31")
    first = await venue.bus.request(early)
    await venue.bus.request(ClosePeriod(month="2023-10"))
    await refused(venue, charge("late", effective_date="2023-10-31"), Conflict, "period.closed")
    assert await venue.bus.request(early) == first
    assert (await venue.bus.request(charge("late", effective_date="2023-11-01"))).period == "2023-11"


# --------------------------------------------------------------------------------------------- the report


async def test_the_report_sums_by_month_and_code_at_any_sequence(venue: SmallVenue, ledger: LedgerService) -> None:
    await venue.bus.request(SetTax(code="CITY", rate="0.015"))
    done: list[TaxDocument] = []
    for number, (day, amount, codes) in enumerate(
        [
            ("2023-09-30", "10.01", ("VAT",)),
            ("2023-10-01", "20.02", ("VAT", "CITY")),
            ("2023-10-31", "-5.00", ("VAT",)),
            ("2023-11-01", "40.04", ("CITY",)),
        ]
    ):
        done.append(await venue.bus.request(charge(f"d-{number}", amount, taxes=codes, effective_date=day)))
    whole = await report(venue)
    assert [(one["period"], one["code"], one["documents"], one["base"], one["amount"]) for one in whole["lines"]] == [
        ("2023-09", "VAT", 1, "10.01", "0.50"),
        ("2023-10", "CITY", 1, "20.02", "0.30"),
        ("2023-10", "VAT", 2, "15.02", "0.75"),
        ("2023-11", "CITY", 1, "40.04", "0.60"),
    ]
    assert (whole["from"], whole["to"], whole["complete"]) == ("2023-01", "2023-12", True)
    assert sum(Fraction(one["amount"]) for one in whole["lines"]) == Fraction(await payable(venue))
    october = await report(venue, "2023-10", "2023-10")
    assert october["lines"] == whole["lines"][1:3]
    early = await report(venue, as_known=done[1].sequence)
    assert [(one["period"], one["code"], one["amount"]) for one in early["lines"]] == [
        ("2023-09", "VAT", "0.50"),
        ("2023-10", "CITY", "0.30"),
        ("2023-10", "VAT", "1.00"),
    ]
    await venue.bus.request(charge("more"))
    assert await report(venue, as_known=whole["as_known"]) == whole
    again = await open_ledger(venue, ledger="again", office="office")
    await until(lambda: again._follower.cursor == venue.engine.sequence, "everything is entered")
    asked = GetTaxReport(begin="2023-01", end="2023-12", as_known=whole["as_known"])
    assert json.loads((await again._tax.report(asked)).body) == whole


async def test_every_form_says_the_same(venue: SmallVenue, ledger: LedgerService) -> None:
    empty = await venue.bus.request(GetTaxReport(begin="2023-01", end="2023-01", form="parquet"))
    assert pyarrow.parquet.read_table(io.BytesIO(empty.body)).num_rows == 0
    await venue.bus.request(charge("d-1"))
    lines = (await report(venue))["lines"]
    found = await venue.bus.request(GetTaxReport(begin="2023-01", end="2023-12", form="csv"))
    rows = list(csv.DictReader(io.StringIO(found.body.decode(), newline="")))
    assert [row | {"documents": int(row["documents"])} for row in rows] == lines
    found = await venue.bus.request(GetTaxReport(begin="2023-01", end="2023-12", form="parquet"))
    table = pyarrow.parquet.read_table(io.BytesIO(found.body))
    assert table.to_pylist() == lines
    assert table.schema.metadata[b"from"] == b"2023-01"


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"begin": "2023"}, "request.invalid.time"),
        ({"begin": "2023-10-05"}, "request.invalid.time"),
        ({"end": "2023-13"}, "request.invalid.time"),
        ({"begin": "2023-11", "end": "2023-10"}, "statement.range.reversed"),
        ({"as_known": 10**9}, "statement.range.future"),
        ({"form": "xml"}, "statement.format.unknown"),
    ],
)
async def test_what_cannot_be_reported_is_refused(
    venue: SmallVenue, ledger: LedgerService, terms: dict[str, Any], code: str
) -> None:
    await refused(venue, GetTaxReport(**{"begin": "2023-01", "end": "2023-12", **terms}), InvalidCommand, code)


async def test_a_report_of_too_many_documents_is_refused(
    venue: SmallVenue, ledger: LedgerService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taxes, "MAX_REPORT_DOCUMENTS", 1)
    await venue.bus.request(charge("d-1"))
    assert len((await report(venue))["lines"]) == 1
    await venue.bus.request(charge("d-2"))
    await refused(venue, GetTaxReport(begin="2023-01", end="2023-12"), InvalidCommand, "request.invalid.range")


async def test_with_four_eyes_a_second_person_sets_charges_and_remits(tmp_path: Path) -> None:
    async with small_venue(tmp_path) as venue:
        await open_ledger(venue, LedgerSettings(four_eyes=True))
        for kind, request in (
            ("tax", SetTax(code="VAT", rate="0.05")),
            ("tax_document", charge("d-1", cumulative=True)),
            ("tax_remittance", RemitTax(remittance_id="r-1", currency="USD", amount="5")),
        ):
            await refused(venue, request, Forbidden, "approval.required")
            made = await venue.bus.request(Propose(maker="m", kind=kind, what=msgspec.msgpack.encode(request)))
            done = await venue.bus.request(ApproveProposal(checker="c", proposal_id=made.proposal_id))
            assert (done.state, done.checker) == ("done", "c"), done
        bad = charge("d-2", taxes=("NONE",))
        await refused(
            venue, Propose(maker="m", kind="tax_document", what=msgspec.msgpack.encode(bad)), NotFound, "tax.not_found"
        )
