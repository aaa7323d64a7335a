"""The operations about guards of the engine."""

from quantumcore.services.gateway.areas import guards
from quantumcore.services.gateway.risk_routes import by_two
from quantumcore.services.gateway.routing import Route


def guard_routes() -> list[Route]:
    """What a risk officer sets, lifts, and looks up."""
    base = "/v1/risk/guards"
    return [
        by_two("PUT", f"{base}/classes/{{symbol}}", guards.instrument_class),
        by_two("PUT", f"{base}/entitlements/{{account}}", guards.entitlements),
        by_two("PUT", f"{base}/restrictions/{{symbol}}", guards.restriction),
        by_two("PUT", f"{base}/locates/{{account}}/{{symbol}}", guards.locate),
        by_two("PUT", f"{base}/throttles/{{command}}", guards.throttle),
        by_two("PUT", f"{base}/patterns/{{account}}", guards.patterns),
        by_two("PUT", f"{base}/protections/{{account}}/{{underlying}}", guards.protection),
        by_two("POST", f"{base}/resume", guards.resume),
        Route("GET", f"{base}/classes", guards.classes, scope="risk"),
        Route("GET", f"{base}/entitlements", guards.all_entitlements, scope="risk"),
        Route("GET", f"{base}/restrictions", guards.restrictions, scope="risk"),
        Route("GET", f"{base}/locates", guards.locates, scope="risk"),
        Route("GET", f"{base}/throttles", guards.throttles, scope="risk"),
        Route("GET", f"{base}/patterns", guards.all_patterns, scope="risk"),
        Route("GET", f"{base}/protections", guards.protections, scope="risk"),
        Route("GET", f"{base}/pauses", guards.pauses, scope="risk"),
        Route("GET", f"{base}/changes", guards.changes, scope="risk"),
    ]
