"""The room's table of contents: every operation of the API, who may ask for it, what it reads and answers."""

from quantumcore.contracts.auth import NewUser
from quantumcore.contracts.market import Book
from quantumcore.services.gateway import auth_answers, market_answers
from quantumcore.services.gateway.areas import auth, market, operations, operator, orders, previews, reference
from quantumcore.services.gateway.guard_routes import guard_routes
from quantumcore.services.gateway.margin_routes import margin_routes
from quantumcore.services.gateway.money_routes import (
    account_routes,
    audit_routes,
    book_routes,
    fx_routes,
    hold_routes,
    ledger_routes,
    payout_routes,
    portfolio_routes,
    proposal_routes,
    tax_routes,
)
from quantumcore.services.gateway.risk_routes import parameter_routes, risk_routes
from quantumcore.services.gateway.routing import ANYBODY, PUBLIC, Route


def auth_routes() -> list[Route]:
    """Users, sessions, keys."""
    return [
        Route("POST", "/v1/auth/register", auth.register, scope=PUBLIC, answer=NewUser, status=201, counts="login"),
        Route("POST", "/v1/auth/login", auth.login, scope=PUBLIC, counts="login"),
        Route("POST", "/v1/auth/refresh", auth.refresh, scope=PUBLIC),
        Route("POST", "/v1/auth/logout", auth.logout, scope=ANYBODY, status=204),
        Route("POST", "/v1/auth/password", auth.password, scope=ANYBODY, status=204),
        Route("GET", "/v1/auth/me", auth.me, scope=ANYBODY),
        Route("GET", "/v1/auth/keys", auth.keys, scope=ANYBODY),
        Route(
            "POST",
            "/v1/auth/keys",
            auth.create_key,
            scope=ANYBODY,
            answer=auth_answers.NewKeyAnswer,
            status=201,
            keyed=True,
            named=auth.named_once,
        ),
        Route("DELETE", "/v1/auth/keys/{id}", auth.revoke_key, scope=ANYBODY),
        Route("GET", "/v1/admin/users", auth.users, scope="admin"),
        Route("GET", "/v1/admin/users/{id}/sessions", auth.sessions, scope="admin"),
        Route("GET", "/v1/admin/audit", auth.audit, scope="admin"),
        Route("GET", "/v1/admin/users/{id}", auth.get_user, scope="admin"),
        Route("PUT", "/v1/admin/users/{id}/roles", auth.set_roles, scope="admin"),
        Route("POST", "/v1/admin/users/{id}/accounts", auth.grant, scope="admin", keyed=True),
        Route("POST", "/v1/admin/users/{id}/disable", auth.disable, scope="admin", keyed=True),
    ]


def reference_routes() -> list[Route]:
    """What may be traded, in which units; operators change it."""
    return [
        Route("GET", "/v1/time", reference.time, scope=PUBLIC),
        Route("GET", "/v1/instruments", reference.instruments, scope=PUBLIC),
        Route("GET", "/v1/instruments/{symbol}", reference.instrument, scope=PUBLIC),
        Route("GET", "/v1/currencies", reference.currencies, scope=PUBLIC),
        Route("GET", "/v1/fees", reference.fees, scope=PUBLIC),
        Route(
            "POST",
            "/v1/currencies",
            reference.define_currency,
            scope="operate",
            answer=reference.CurrencyAnswer,
            status=201,
            keyed=True,
        ),
        Route(
            "POST",
            "/v1/instruments",
            reference.define_instrument,
            scope="operate",
            answer=reference.InstrumentAnswer,
            status=201,
            keyed=True,
        ),
        Route("PATCH", "/v1/instruments/{symbol}", reference.change_instrument, scope="operate"),
        Route("PUT", "/v1/instruments/{symbol}/status", reference.set_status, scope="operate"),
    ]


def market_routes() -> list[Route]:
    """Public market data."""
    return [
        Route("GET", "/v1/market/tickers", market.tickers, scope=PUBLIC, answer=market_answers.TickersAnswer),
        Route("GET", "/v1/market/{symbol}/book", market.book, scope=PUBLIC, answer=Book),
        Route("GET", "/v1/market/{symbol}/trades", market.trades, scope=PUBLIC, answer=market_answers.TradePageAnswer),
        Route("GET", "/v1/market/{symbol}/ticker", market.ticker, scope=PUBLIC, answer=market_answers.TickerAnswer),
        Route("GET", "/v1/market/{symbol}/auction", market.auction, scope=PUBLIC, answer=market_answers.AuctionAnswer),
        Route("GET", "/v1/market/{symbol}/status", market.status, scope=PUBLIC, answer=market_answers.StatusAnswer),
    ]


def order_routes() -> list[Route]:
    """Order entry and look-up. Cancels have an allowance of their own, so that a throttled client can get flat."""
    return [
        Route("POST", "/v1/orders", orders.submit, scope="trade"),
        Route("POST", "/v1/orders:batch", orders.submit_batch, scope="trade"),
        Route("POST", "/v1/orders:linked", orders.submit_linked, scope="trade"),
        Route("POST", "/v1/orders:cancel-all-after", orders.cancel_all_after, scope="trade", counts="cancel"),
        Route("GET", "/v1/orders", orders.listing, scope="read"),
        Route("DELETE", "/v1/orders", orders.mass_cancel, scope="trade", counts="cancel"),
        Route("GET", "/v1/orders/{id}", orders.get, scope="read"),
        Route("PATCH", "/v1/orders/{id}", orders.amend, scope="trade"),
        Route("DELETE", "/v1/orders/{id}", orders.cancel, scope="trade", counts="cancel"),
        Route("GET", "/v1/orders/{id}/events", orders.events, scope="read"),
        Route("GET", "/v1/orders/{id}/queue", orders.queue, scope="read"),
        Route("POST", "/v1/risk/preview", previews.preview, scope="read or trade"),
    ]


def operation_routes() -> list[Route]:
    """Health, metrics, the engine. Probes are counted against nobody."""
    return [
        Route("GET", "/health", operations.health, scope=PUBLIC, counts="nothing"),
        Route("GET", "/ready", operations.ready, scope=PUBLIC, answer=operations.ReadyAnswer, counts="nothing"),
        Route("GET", "/metrics", operations.metrics, scope=PUBLIC, counts="nothing"),
        Route("GET", "/v1/admin/engine", operations.engine, scope="operate"),
        Route("POST", "/v1/admin/snapshot", operations.snapshot, scope="operate", status=204, keyed=True),
    ]


def operator_routes() -> list[Route]:
    """What operators set while the venue trades."""
    return [
        Route("PUT", "/v1/admin/instruments/{symbol}/phase", operator.phase, scope="operate"),
        Route("PUT", "/v1/admin/instruments/{symbol}/mark", operator.mark, scope="operate"),
        Route("PUT", "/v1/admin/instruments/{symbol}/quote", operator.quote, scope="operate"),
        Route("PUT", "/v1/admin/instruments/{symbol}/size", operator.size, scope="operate"),
        Route("PUT", "/v1/admin/instruments/{symbol}/reference", operator.reference, scope="operate"),
        Route("PUT", "/v1/admin/instruments/{symbol}/rules", operator.rules, scope="operate"),
        Route("PUT", "/v1/admin/accounts/{id}/group", operator.group, scope="operate"),
        Route("PUT", "/v1/admin/accounts/{id}/firm", operator.firm, scope="operate"),
        Route("POST", "/v1/admin/trades/{id}/bust", operator.bust, scope="operate", keyed=True),
    ]


def all_routes() -> list[Route]:
    """Every operation of the API."""
    return [
        *auth_routes(),
        *reference_routes(),
        *market_routes(),
        *order_routes(),
        *account_routes(),
        *risk_routes(),
        *parameter_routes(),
        *margin_routes(),
        *guard_routes(),
        *ledger_routes(),
        *portfolio_routes(),
        *operation_routes(),
        *audit_routes(),
        *operator_routes(),
        *book_routes(),
        *hold_routes(),
        *fx_routes(),
        *proposal_routes(),
        *payout_routes(),
        *tax_routes(),
    ]
