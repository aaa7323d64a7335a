"""A route says, with its handler, everything about one operation of the API; the router finds it by method and path.

Exact paths are found in one look; templates are matched part by part, `{name}` and `{name}:verb`. Paths are taken as they are written:
another case, a doubled or a trailing slash is another path, and there is none.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args

import msgspec

from quantumcore.contracts.errors import NotFound
from quantumcore.services.gateway.codec import Decoder
from quantumcore.services.gateway.errors import MethodNotAllowed
from quantumcore.services.gateway.request import Call

if TYPE_CHECKING:
    from quantumcore.services.gateway.gate import Gate

PUBLIC = ""
ANYBODY = "*"


class Answer(msgspec.Struct, frozen=True):
    """An answer that is not simply 200 with a value."""

    value: Any
    status: int = 200


class Encoded(msgspec.Struct, frozen=True):
    """An answer whose bytes are ready; without content type they are in the format that the caller reads."""

    body: bytes
    status: int = 200
    content_type: bytes | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Streamed(msgspec.Struct, frozen=True):
    """An answer that is sent as it is made: what fails before its first part is a problem, afterwards it is cut off.

    Attributes:
        rest: What comes after `first`; closed in any case.
    """

    first: bytes
    rest: AsyncGenerator[bytes, None]
    content_type: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


Handler = Callable[..., Awaitable[Any]]


class Route:
    """One operation. What it reads and answers is what its handler says: its parameters `body` and `query`, and what it returns.

    Attributes:
        scope: PUBLIC needs nobody, ANYBODY any verified user, else the scope's name, or several: "read or trade".
        body: Type of the body, or None.
        query: Type of the query parameters, or None when there are none.
        answer: Type of the answer, for the reference.
        forms: Further content types of the answer.
        status: Status of success, for the reference.
        keyed: Whether a repeat under the same Idempotency-Key gets the first answer.
        named: Of a keyed answer that holds a secret: what it made; None when it holds none.
        counts: Which allowance it spends: user, cancel, login, or nothing.
        proposal: Type of the answer, 202, where a second person is asked for; None: never.
    """

    __slots__ = (
        "answer",
        "body",
        "counts",
        "decoder",
        "forms",
        "handler",
        "keyed",
        "method",
        "named",
        "proposal",
        "query",
        "scope",
        "status",
        "template",
    )

    def __init__(
        self,
        method: str,
        template: str,
        handler: Handler,
        *,
        scope: str,
        answer: Any = None,
        forms: tuple[str, ...] = (),
        status: int = 200,
        counts: str = "user",
        keyed: bool = False,
        named: Callable[[Any], str | None] | None = None,
        proposal: Any = None,
    ) -> None:
        """Take what the handler does not say; of the answer that is its type where the handler returns its bytes or its status."""
        told = handler.__annotations__
        body = told.get("body")
        self.method = method
        self.template = template
        self.handler = handler
        self.scope = scope
        self.body = body
        self.query: type | None = told.get("query")
        self.answer = answer or _answered(told.get("return"))
        self.forms = forms
        self.status = status
        self.counts = counts
        self.keyed = keyed
        self.named = named
        self.proposal = proposal
        self.decoder: Decoder[Any] | None = Decoder(body) if body is not None else None


def _answered(returned: Any) -> Any:
    """Return the type of the value that a handler returns; None when it says only how that is sent."""
    kinds = get_args(returned) if isinstance(returned, UnionType) else (returned,)
    return next((kind for kind in kinds if kind not in (Answer, Encoded, Streamed)), None)


async def _unknown(_gate: "Gate", _call: Call) -> None:
    raise NotFound("route.not_found", "path not found")


async def _other_method(_gate: "Gate", call: Call) -> None:
    call.headers_out = ((b"allow", call.params["allow"].encode()),)
    raise MethodNotAllowed(detail="the path exists, but not for this method")


UNKNOWN = Route("ANY", "unknown", _unknown, scope=PUBLIC)
OTHER_METHOD = Route("ANY", "other_method", _other_method, scope=PUBLIC)


class Router:
    """Finds the route of a request; an unknown path is a route too, so that it is counted like any other."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[str, dict[str, Route]] = {}
        self._templates: dict[int, list[tuple[list[str], dict[str, Route]]]] = {}
        for route in routes:
            self._methods_of(route.template)[route.method] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route and the named parts of the path."""
        methods = self._exact.get(path)
        if methods is not None:
            return (methods[method], {}) if method in methods else _other(methods)
        parts = path.split("/")
        for pattern, methods in self._templates.get(len(parts), ()):
            found: dict[str, str] = {}
            for wanted, part in zip(pattern, parts, strict=True):
                if wanted[:1] == "{":
                    name, _, verb = wanted[1:].partition("}")
                    if not part.endswith(verb):
                        break
                    found[name] = part.removesuffix(verb)
                elif wanted != part:
                    break
            else:
                return (methods[method], found) if method in methods else _other(methods)
        return UNKNOWN, {}

    def _methods_of(self, template: str) -> dict[str, Route]:
        if "{" not in template:
            return self._exact.setdefault(template, {})
        pattern = template.split("/")
        same_length = self._templates.setdefault(len(pattern), [])
        for known, methods in same_length:
            if known == pattern:
                return methods
        new: dict[str, Route] = {}
        same_length.append((pattern, new))
        same_length.sort(key=lambda each: -sum(len(part.partition("}")[2]) for part in each[0]))  # verbs first
        return new


def _other(methods: dict[str, Route]) -> tuple[Route, dict[str, str]]:
    return OTHER_METHOD, {"allow": ", ".join(sorted(methods))}
