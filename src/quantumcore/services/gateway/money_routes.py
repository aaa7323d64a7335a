"""The operations about money: accounts, portfolios, the books, their reports and their audit."""

from quantumcore.contracts.ledger import AccountState, Balances, CreditLimit, TrialBalance
from quantumcore.contracts.ledger_audit import AuditRootPage, ChainVerdict, EntryProof
from quantumcore.contracts.ledger_reports import ClientMoney
from quantumcore.contracts.portfolio import ReportingCurrency
from quantumcore.contracts.positions import LotMethod, Positions
from quantumcore.services.gateway import (
    answers,
    bodies,
    money_answers,
    money_bodies,
    portfolio_answers,
    position_answers,
)
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
    risk,
    tax,
    transfers,
)
from quantumcore.services.gateway.routing import Route

FORMS = ("text/csv", "application/vnd.apache.parquet")


def account_routes() -> list[Route]:
    """Accounts, money, the kill switch."""
    return [
        Route("GET", "/v1/accounts", accounts.listing, scope="read", answer=accounts.AccountsAnswer),
        Route(
            "POST",
            "/v1/accounts",
            accounts.create,
            scope="trade",
            answer=accounts.AccountAnswer,
            status=201,
            keyed=True,
        ),
        Route("GET", "/v1/accounts/{id}/balances", accounts.balances, scope="read", answer=Balances),
        Route("GET", "/v1/accounts/{id}/holds", accounts.holds, scope="read", answer=money_answers.HoldsAnswer),
        Route(
            "GET",
            "/v1/accounts/{id}/fills",
            accounts.fills,
            scope="read",
            query=bodies.FillsQuery,
            answer=answers.FillPageAnswer,
        ),
        Route("GET", "/v1/accounts/{id}/positions", positions.listing, scope="read", answer=Positions),
        Route(
            "GET",
            "/v1/accounts/{id}/positions/{symbol}/events",
            positions.events,
            scope="read",
            query=money_bodies.PositionEventsQuery,
            answer=position_answers.PositionEventsAnswer,
        ),
        Route(
            "GET",
            "/v1/accounts/{id}/positions/{symbol}/lots",
            positions.lots,
            scope="read",
            answer=position_answers.LotsAnswer,
        ),
        Route(
            "PUT",
            "/v1/accounts/{id}/positions/{symbol}/method",
            positions.set_method,
            scope="trade",
            body=money_bodies.LotMethodBody,
            answer=LotMethod,
        ),
        Route(
            "GET",
            "/v1/accounts/{id}/ledger",
            accounts.entries,
            scope="read",
            query=money_bodies.EntriesQuery,
            answer=money_answers.EntryPageAnswer,
        ),
        Route(
            "GET",
            "/v1/accounts/{id}/statement",
            ledger.statement,
            scope="read",
            query=money_bodies.LinesQuery,
            answer=money_answers.StatementAnswer,
            forms=FORMS,
        ),
        Route(
            "POST",
            "/v1/transfers",
            transfers.create,
            scope="transfer",
            body=money_bodies.TransferBody,
            answer=money_answers.TransferAnswer,
        ),
        Route(
            "GET",
            "/v1/transfers/{id}",
            transfers.get,
            scope="read",
            query=bodies.AccountQuery,
            answer=money_answers.TransferAnswer,
        ),
        Route("POST", "/v1/risk/kill", risk.engage, scope="risk", body=bodies.KillBody, answer=risk.KillAnswer),
        Route("DELETE", "/v1/risk/kill", risk.lift, scope="risk", query=bodies.AccountQuery, answer=risk.KillAnswer),
    ]


def portfolio_routes() -> list[Route]:
    """What accounts are worth, and at which rates."""
    base = "/v1/accounts/{id}/portfolio"
    return [
        Route("GET", base, portfolio.get, scope="read", answer=portfolio_answers.PortfolioAnswer),
        Route(
            "GET",
            f"{base}/history",
            portfolio.history,
            scope="read",
            query=money_bodies.HistoryQuery,
            answer=portfolio_answers.HistoryAnswer,
        ),
        Route(
            "GET",
            f"{base}/performance",
            portfolio.performance,
            scope="read",
            query=money_bodies.PerformanceQuery,
            answer=portfolio_answers.PerformanceAnswer,
        ),
        Route(
            "PUT",
            "/v1/accounts/{id}/reporting-currency",
            portfolio.set_reporting_currency,
            scope="trade",
            body=money_bodies.ReportingBody,
            answer=ReportingCurrency,
        ),
        Route(
            "POST",
            "/v1/fx/snapshots",
            portfolio.publish_rates,
            scope="admin",
            body=money_bodies.FxSnapshotBody,
            answer=portfolio_answers.FxSnapshotAnswer,
        ),
        Route(
            "GET",
            "/v1/fx/snapshots",
            portfolio.rates,
            scope="read",
            query=money_bodies.FxQuery,
            answer=portfolio_answers.FxSnapshotAnswer,
        ),
    ]


def book_routes() -> list[Route]:
    """What operators do to the books by hand."""
    return [
        Route(
            "POST",
            "/v1/admin/ledger/transactions",
            books.record,
            scope="admin",
            body=money_bodies.TransactionBody,
            answer=books.TransactionAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route("GET", "/v1/admin/ledger/transactions/{id}", books.get, scope="admin", answer=books.TransactionAnswer),
        Route(
            "POST",
            "/v1/admin/ledger/periods",
            books.close_period,
            scope="admin",
            body=money_bodies.PeriodBody,
            answer=books.PeriodAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route(
            "GET",
            "/v1/admin/ledger/periods",
            books.periods,
            scope="admin",
            query=money_bodies.PeriodsQuery,
            answer=books.PeriodsAnswer,
        ),
        Route(
            "POST",
            "/v1/admin/ledger/transactions/{id}/reverse",
            books.reverse,
            scope="admin",
            body=money_bodies.ReversalBody,
            answer=books.TransactionAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route(
            "POST",
            "/v1/admin/actions",
            actions.apply,
            scope="admin",
            body=money_bodies.ActionBody,
            answer=actions.ActionAnswer,
        ),
        Route("GET", "/v1/admin/actions/{id}", actions.get, scope="admin", answer=actions.ActionAnswer),
        Route(
            "PUT",
            "/v1/accounts/{id}/state",
            books.set_state,
            scope="admin",
            body=money_bodies.AccountStateBody,
            answer=AccountState,
            proposal=proposals.ProposalAnswer,
        ),
        Route(
            "PUT",
            "/v1/accounts/{id}/credit",
            books.set_credit,
            scope="admin",
            body=money_bodies.CreditBody,
            answer=CreditLimit,
            proposal=proposals.ProposalAnswer,
        ),
    ]


def fx_routes() -> list[Route]:
    """Rates that are held for customers, and conversions at them."""
    return [
        Route(
            "POST",
            "/v1/admin/fx/quotes",
            fx.offer,
            scope="admin",
            body=money_bodies.QuotesBody,
            answer=fx.QuotesAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route("GET", "/v1/accounts/{id}/quotes/{quote_id}", fx.quote, scope="read", answer=fx.QuoteAnswer),
        Route(
            "POST",
            "/v1/accounts/{id}/conversions",
            fx.convert,
            scope="transfer",
            body=money_bodies.ConversionBody,
            answer=fx.ConversionAnswer,
        ),
        Route(
            "GET",
            "/v1/accounts/{id}/conversions/{conversion_id}",
            fx.conversion,
            scope="read",
            answer=fx.ConversionAnswer,
        ),
    ]


def tax_routes() -> list[Route]:
    """Taxes, what was charged, what is remitted."""
    return [
        Route("GET", "/v1/admin/tax/records", tax.listing, scope="admin", answer=tax.TaxesAnswer),
        Route(
            "PUT",
            "/v1/admin/tax/records/{code}",
            tax.set_tax,
            scope="admin",
            body=money_bodies.TaxBody,
            answer=tax.TaxAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route(
            "POST",
            "/v1/admin/tax/documents",
            tax.charge,
            scope="admin",
            body=money_bodies.TaxDocumentBody,
            answer=tax.TaxDocumentAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route("GET", "/v1/admin/tax/documents/{id}", tax.get, scope="admin", answer=tax.TaxDocumentAnswer),
        Route(
            "POST",
            "/v1/admin/tax/remittances",
            tax.remit,
            scope="admin",
            body=money_bodies.RemittanceBody,
            answer=books.TransactionAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route(
            "GET",
            "/v1/admin/ledger/tax",
            tax.report,
            scope="admin",
            query=money_bodies.TaxReportQuery,
            answer=tax.TaxReportAnswer,
            forms=FORMS,
        ),
    ]


def proposal_routes() -> list[Route]:
    """What waits for a second person."""
    base = "/v1/admin/proposals"
    return [
        Route(
            "GET",
            base,
            proposals.listing,
            scope="admin",
            query=money_bodies.ProposalsQuery,
            answer=proposals.ProposalsAnswer,
        ),
        Route("GET", f"{base}/{{id}}", proposals.get, scope="admin", answer=proposals.ProposalAnswer),
        Route("POST", f"{base}/{{id}}:approve", proposals.approve, scope="admin", answer=proposals.ProposalAnswer),
        Route(
            "POST",
            f"{base}/{{id}}:reject",
            proposals.reject,
            scope="admin",
            body=money_bodies.RejectionBody,
            answer=proposals.ProposalAnswer,
        ),
    ]


def hold_routes() -> list[Route]:
    """What operators set aside of accounts."""
    base = "/v1/admin/ledger/holds"
    hold = money_answers.ClientHoldAnswer
    return [
        Route("POST", base, holds.place, scope="admin", body=money_bodies.HoldBody, answer=hold),
        Route("POST", f"{base}/{{id}}/amend", holds.amend, scope="admin", body=money_bodies.HoldAmendBody, answer=hold),
        Route(
            "POST",
            f"{base}/{{id}}/capture",
            holds.capture,
            scope="admin",
            body=money_bodies.HoldCaptureBody,
            answer=holds.CaptureAnswer,
            proposal=proposals.ProposalAnswer,
        ),
        Route(
            "POST",
            f"{base}/{{id}}/release",
            holds.release,
            scope="admin",
            body=money_bodies.HoldReleaseBody,
            answer=hold,
            keyed=True,
        ),
    ]


def payout_routes() -> list[Route]:
    """Withdrawals through the payout rail, as operators see them."""
    base, answer = "/v1/admin/payouts", payouts.PayoutAnswer
    return [
        Route(
            "GET",
            base,
            payouts.listing,
            scope="admin",
            query=money_bodies.PayoutsQuery,
            answer=payouts.PayoutsAnswer,
        ),
        Route("POST", f"{base}/{{id}}/confirm", payouts.confirm, scope="admin", answer=answer),
        Route("POST", f"{base}/{{id}}/fail", payouts.fail, scope="admin", answer=answer),
        Route(
            "POST",
            f"{base}/{{id}}/retry",
            payouts.retry,
            scope="admin",
            body=money_bodies.PayoutRetryBody,
            answer=answer,
        ),
    ]


def ledger_routes() -> list[Route]:
    """What the house reports of itself; for administrators."""
    return [
        Route(
            "GET",
            "/v1/admin/ledger/trial-balance",
            ledger.trial_balance,
            scope="admin",
            query=money_bodies.TrialQuery,
            answer=TrialBalance,
        ),
        Route(
            "GET",
            "/v1/admin/ledger/general",
            ledger.general,
            scope="admin",
            query=money_bodies.GeneralQuery,
            answer=money_answers.GeneralAnswer,
        ),
        Route(
            "GET",
            "/v1/admin/ledger/general/{code}",
            ledger.entries,
            scope="admin",
            query=money_bodies.LinesQuery,
            answer=money_answers.StatementAnswer,
            forms=FORMS,
        ),
        Route(
            "GET",
            "/v1/admin/ledger/income",
            ledger.income,
            scope="admin",
            query=money_bodies.RangeQuery,
            answer=money_answers.IncomeAnswer,
        ),
        Route(
            "GET",
            "/v1/admin/ledger/client-money",
            ledger.client_money,
            scope="admin",
            query=money_bodies.KnownQuery,
            answer=ClientMoney,
        ),
        Route(
            "GET",
            "/v1/admin/ledger/reconciliation",
            ledger.reconciliation,
            scope="admin",
            query=money_bodies.ReconciliationQuery,
            answer=money_answers.ReconciliationAnswer,
        ),
    ]


def audit_routes() -> list[Route]:
    """The ledger's audit."""
    return [
        Route(
            "GET",
            "/v1/admin/audit/verify",
            audit.verify,
            scope="admin",
            query=money_bodies.VerifyQuery,
            answer=ChainVerdict,
        ),
        Route(
            "GET",
            "/v1/admin/audit/roots",
            audit.roots,
            scope="admin",
            query=bodies.PageQuery,
            answer=AuditRootPage,
        ),
        Route("GET", "/v1/accounts/{id}/ledger/{position}/proof", audit.proof, scope="read", answer=EntryProof),
    ]
