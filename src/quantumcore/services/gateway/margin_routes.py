"""The operations about margin of the engine."""

from quantumcore.services.gateway.areas import margin
from quantumcore.services.gateway.risk_routes import by_two
from quantumcore.services.gateway.routing import Route


def margin_routes() -> list[Route]:
    """What a risk officer sets, assesses, and looks up."""
    base = "/v1/risk/margin"
    return [
        by_two("PUT", f"{base}/terms/{{symbol}}", margin.terms),
        by_two("PUT", f"{base}/arrays/{{symbol}}", margin.array),
        by_two("PUT", f"{base}/greeks/{{symbol}}", margin.greeks),
        by_two("PUT", f"{base}/accounts/{{account}}/{{currency}}", margin.account),
        by_two("PUT", f"{base}/limits/{{currency}}", margin.venue_limits),
        by_two("PUT", f"{base}/limits/{{currency}}/{{account}}", margin.account_limits),
        by_two("POST", f"{base}/days", margin.open_day),
        Route("POST", f"{base}/assessments", margin.assess, scope="risk"),
        Route("GET", f"{base}/changes", margin.changes, scope="risk"),
        Route("GET", f"{base}/liquidations", margin.liquidations, scope="risk"),
    ]
