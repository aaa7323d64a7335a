"""The operations about money: accounts, portfolios, the books, their reports and their audit."""

from functools import partial

from quantumcore.services.gateway.areas import (
    accounts,
    actions,
    audit,
    books,
    fx,
    holds,
    ledger,
    payouts,
    portfolio,
    positions,
    proposals,
    tax,
    transfers,
)
from quantumcore.services.gateway.money_answers import StatementAnswer
from quantumcore.services.gateway.routing import Route

FORMS = ("text/csv", "application/vnd.apache.parquet")
by_two = partial(Route, scope="admin", proposal=proposals.ProposalAnswer)
"""What a second person is asked for, where the venue asks for one (areas/proposals.py)."""


def account_routes() -> list[Route]:
    """Accounts and their money."""
    return [
        Route("GET", "/v1/accounts", accounts.listing, scope="read"),
        Route(
            "POST",
            "/v1/accounts",
            accounts.create,
            scope="trade",
            answer=accounts.AccountAnswer,
            status=201,
            keyed=True,
        ),
        Route("GET", "/v1/accounts/{id}/balances", accounts.balances, scope="read"),
        Route("GET", "/v1/accounts/{id}/holds", accounts.holds, scope="read"),
        Route("GET", "/v1/accounts/{id}/fills", accounts.fills, scope="read"),
        Route("GET", "/v1/accounts/{id}/positions", positions.listing, scope="read"),
        Route("GET", "/v1/accounts/{id}/positions/{symbol}/events", positions.events, scope="read"),
        Route("GET", "/v1/accounts/{id}/positions/{symbol}/lots", positions.lots, scope="read"),
        Route("PUT", "/v1/accounts/{id}/positions/{symbol}/method", positions.set_method, scope="trade"),
        Route("GET", "/v1/accounts/{id}/ledger", accounts.entries, scope="read"),
        Route(
            "GET",
            "/v1/accounts/{id}/statement",
            ledger.statement,
            scope="read",
            answer=StatementAnswer,
            forms=FORMS,
        ),
        Route("POST", "/v1/transfers", transfers.create, scope="transfer"),
        Route("GET", "/v1/transfers/{id}", transfers.get, scope="read"),
    ]


def portfolio_routes() -> list[Route]:
    """What accounts are worth, and at which rates."""
    base = "/v1/accounts/{id}/portfolio"
    return [
        Route("GET", base, portfolio.get, scope="read"),
        Route("GET", f"{base}/history", portfolio.history, scope="read"),
        Route("GET", f"{base}/performance", portfolio.performance, scope="read"),
        Route("PUT", "/v1/accounts/{id}/reporting-currency", portfolio.set_reporting_currency, scope="trade"),
        Route("POST", "/v1/fx/snapshots", portfolio.publish_rates, scope="admin"),
        Route("GET", "/v1/fx/snapshots", portfolio.rates, scope="read"),
    ]


def book_routes() -> list[Route]:
    """What operators do to the books by hand."""
    return [
        by_two("POST", "/v1/admin/ledger/transactions", books.record),
        Route("GET", "/v1/admin/ledger/transactions/{id}", books.get, scope="admin"),
        by_two("POST", "/v1/admin/ledger/periods", books.close_period),
        Route("GET", "/v1/admin/ledger/periods", books.periods, scope="admin"),
        by_two("POST", "/v1/admin/ledger/transactions/{id}/reverse", books.reverse),
        Route("POST", "/v1/admin/actions", actions.apply, scope="admin"),
        Route("GET", "/v1/admin/actions/{id}", actions.get, scope="admin"),
        by_two("PUT", "/v1/accounts/{id}/state", books.set_state),
        by_two("PUT", "/v1/accounts/{id}/credit", books.set_credit),
    ]


def fx_routes() -> list[Route]:
    """Rates that are held for customers, and conversions at them."""
    return [
        by_two("POST", "/v1/admin/fx/quotes", fx.offer),
        Route("GET", "/v1/accounts/{id}/quotes/{quote_id}", fx.quote, scope="read"),
        Route("POST", "/v1/accounts/{id}/conversions", fx.convert, scope="transfer"),
        Route("GET", "/v1/accounts/{id}/conversions/{conversion_id}", fx.conversion, scope="read"),
    ]


def tax_routes() -> list[Route]:
    """Taxes, what was charged, what is remitted."""
    return [
        Route("GET", "/v1/admin/tax/records", tax.listing, scope="admin"),
        by_two("PUT", "/v1/admin/tax/records/{code}", tax.set_tax),
        by_two("POST", "/v1/admin/tax/documents", tax.charge),
        Route("GET", "/v1/admin/tax/documents/{id}", tax.get, scope="admin"),
        by_two("POST", "/v1/admin/tax/remittances", tax.remit),
        Route("GET", "/v1/admin/ledger/tax", tax.report, scope="admin", answer=tax.TaxReportAnswer, forms=FORMS),
    ]


def proposal_routes() -> list[Route]:
    """What waits for a second person."""
    base = "/v1/admin/proposals"
    return [
        Route("GET", base, proposals.listing, scope="admin"),
        Route("GET", f"{base}/{{id}}", proposals.get, scope="admin"),
        Route("POST", f"{base}/{{id}}:approve", proposals.approve, scope="admin"),
        Route("POST", f"{base}/{{id}}:reject", proposals.reject, scope="admin"),
    ]


def hold_routes() -> list[Route]:
    """What operators set aside of accounts."""
    base = "/v1/admin/ledger/holds"
    return [
        Route("POST", base, holds.place, scope="admin"),
        Route("POST", f"{base}/{{id}}/amend", holds.amend, scope="admin"),
        by_two("POST", f"{base}/{{id}}/capture", holds.capture),
        Route("POST", f"{base}/{{id}}/release", holds.release, scope="admin", keyed=True),
    ]


def payout_routes() -> list[Route]:
    """Withdrawals through the payout rail, as operators see them."""
    base = "/v1/admin/payouts"
    return [
        Route("GET", base, payouts.listing, scope="admin"),
        Route("POST", f"{base}/{{id}}/confirm", payouts.confirm, scope="admin"),
        Route("POST", f"{base}/{{id}}/fail", payouts.fail, scope="admin"),
        Route("POST", f"{base}/{{id}}/retry", payouts.retry, scope="admin"),
    ]


def ledger_routes() -> list[Route]:
    """What the house reports of itself; for administrators."""
    return [
        Route("GET", "/v1/admin/ledger/trial-balance", ledger.trial_balance, scope="admin"),
        Route("GET", "/v1/admin/ledger/general", ledger.general, scope="admin"),
        Route(
            "GET",
            "/v1/admin/ledger/general/{code}",
            ledger.entries,
            scope="admin",
            answer=StatementAnswer,
            forms=FORMS,
        ),
        Route("GET", "/v1/admin/ledger/income", ledger.income, scope="admin"),
        Route("GET", "/v1/admin/ledger/client-money", ledger.client_money, scope="admin"),
        Route("GET", "/v1/admin/ledger/reconciliation", ledger.reconciliation, scope="admin"),
    ]


def audit_routes() -> list[Route]:
    """The ledger's audit."""
    return [
        Route("GET", "/v1/admin/audit/verify", audit.verify, scope="admin"),
        Route("GET", "/v1/admin/audit/roots", audit.roots, scope="admin"),
        Route("GET", "/v1/accounts/{id}/ledger/{position}/proof", audit.proof, scope="read"),
    ]
