"""The operations about risk: what accounts could lose, what they may do, what is set for it, and the kill switch."""

from quantumcore.services.gateway.areas import figures, parameters, proposals, risk
from quantumcore.services.gateway.routing import Route


def risk_routes() -> list[Route]:
    """Figures and limits."""
    return [
        Route("GET", "/v1/accounts/{id}/risk", figures.metrics, scope="read"),
        Route("GET", "/v1/accounts/{id}/risk/var", figures.var, scope="read"),
        Route("POST", "/v1/risk/stress", figures.stress, scope="read"),
        Route("POST", "/v1/risk/greeks", figures.greeks, scope="read"),
        Route("GET", "/v1/risk/limits/{account}", figures.limits, scope="read"),
        Route("POST", "/v1/risk/kill", risk.engage, scope="risk"),
        Route("DELETE", "/v1/risk/kill", risk.lift, scope="risk", proposal=proposals.ProposalAnswer),
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
        Route("PUT", f"{base}/correlations", parameters.correlations, scope="risk"),
    ]
