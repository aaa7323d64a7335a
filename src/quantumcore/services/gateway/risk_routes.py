"""The operations about risk: what accounts could lose, what they may do, what is set for it, and the kill switch."""

from functools import partial

from quantumcore.services.gateway.areas import figures, limits, parameters, proposals, risk
from quantumcore.services.gateway.routing import Route

by_two = partial(Route, scope="risk", proposal=proposals.ProposalAnswer)
"""What a second person is asked for, where the venue asks for one (areas/proposals.py)."""


def risk_routes() -> list[Route]:
    """Figures and limits."""
    return [
        Route("GET", "/v1/accounts/{id}/risk", figures.metrics, scope="read"),
        Route("GET", "/v1/accounts/{id}/risk/var", figures.var, scope="read"),
        Route("POST", "/v1/risk/stress", figures.stress, scope="read"),
        Route("POST", "/v1/risk/greeks", figures.greeks, scope="read"),
        Route("GET", "/v1/risk/limits/{account}", figures.limits, scope="read"),
        Route("GET", "/v1/risk/limits/changes", limits.changes, scope="risk"),
        Route("GET", "/v1/risk/limits/venue", limits.venue, scope="risk"),
        Route("GET", "/v1/risk/limits/firm/{firm}", limits.firm, scope="risk"),
        Route("GET", "/v1/risk/limits/group/{group}", limits.group, scope="risk"),
        Route("GET", "/v1/risk/limits/instrument/{symbol}", limits.instrument, scope="risk"),
        by_two("PUT", "/v1/risk/limits/venue", limits.of_venue),
        by_two("PUT", "/v1/risk/limits/firm/{firm}", limits.of_firm),
        by_two("PUT", "/v1/risk/limits/group/{group}", limits.of_group),
        by_two("PUT", "/v1/risk/limits/instrument/{symbol}", limits.of_instrument),
        by_two("PUT", "/v1/risk/limits/{account}", limits.of_account),
        by_two("PUT", "/v1/risk/limits/{account}/{symbol}", limits.of_symbol),
        Route("GET", "/v1/risk/kill", risk.switches, scope="risk"),
        Route("POST", "/v1/risk/kill", risk.engage, scope="risk"),
        by_two("DELETE", "/v1/risk/kill", risk.lift),
    ]


def parameter_routes() -> list[Route]:
    """What a risk officer sets for the figures."""
    base = "/v1/risk/parameters"
    return [
        Route("GET", base, parameters.listing, scope="risk"),
        Route("PUT", f"{base}/volatility/{{symbol}}", parameters.volatility, scope="risk"),
        Route("PUT", f"{base}/floor/{{symbol}}", parameters.floor, scope="risk"),
        Route("PUT", f"{base}/sector/{{symbol}}", parameters.sector, scope="risk"),
        Route("PUT", f"{base}/profile/{{account}}", parameters.profile, scope="risk"),
        Route("PUT", f"{base}/charges/{{symbol}}", parameters.charges, scope="risk"),
        Route("PUT", f"{base}/spreads", parameters.spreads, scope="risk"),
        Route("PUT", f"{base}/correlations", parameters.correlations, scope="risk"),
    ]
