"""Requests invented from /openapi.json find nothing: no defect, no answer that the description does not know.

Goal: description and gateway say the same: what is invented against the schema is refused, what is answered fits.
Method: schemathesis invents for every operation, half of it against the schema, with a fixed seed; a served venue with
real rooms answers a user, an operator of everything, and nobody. Ids that exist are put into every second path.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks as rules
from schemathesis.generation import GenerationMode

from quantumcore.services.gateway.openapi import openapi
from quantumcore.services.gateway.routes import all_routes
from tests.support.gateway_house import PASSWORD, House, house, listening

FUZZ = os.environ.get("QC_TEST_PROFILE") == "fuzz"
EXAMPLES = 200 if FUZZ else 10
SEED = int(os.environ["QC_TEST_SEED"]) if FUZZ else 20_261_122
START_S = 30
TRIES = 3  # a machine that is busy may answer "not now", but not for ever
# A batch answers each order by itself, also one whose shape is wrong; so its own answer is 200.
MEANT = {("orders_submit_batch", "negative_data_rejection")}
ENDS_SESSIONS = {"auth_logout", "auth_password"}
rules.load_all_checks()
CHECKS = [
    check
    for check in rules.CHECKS.get_all()
    if check.__name__
    not in {
        # What a schema cannot say is refused too: a limit order without price, an unknown account, 64 bits.
        "positive_data_acceptance",
        # These look at more than one answer, and need the runner's memory of calls.
        "use_after_free",
        "ensure_resource_availability",
        "object_level_authorization",
    }
]


@dataclass
class Served:
    """A venue in a thread of its own.

    Attributes:
        callers: Headers of each who calls, by name.
        emails: The same people's, for logging in again.
        known: Ids that exist, by the name of the path's part.
        door: Who has been logged out logs in through it.
    """

    url: str
    callers: dict[str, dict[str, str]]
    emails: dict[str, str]
    known: dict[str, list[str]]
    door: httpx.Client

    def log_in(self, name: str) -> None:
        """Log in anew whoever has been logged out."""
        answer = self.door.post("/v1/auth/login", json={"email": self.emails[name], "password": PASSWORD})
        self.callers[name] = {"authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    began, over = threading.Event(), asyncio.Event()
    made: list[Served] = []
    loop = asyncio.new_event_loop()

    async def serve(directory: Path) -> None:
        async with house(directory) as venue, listening(venue.gateway) as address:
            made.append(await _furnished(venue, f"http://{address}"))
            began.set()
            await over.wait()

    directory = tmp_path_factory.mktemp("venue")
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(directory),), daemon=True)
    thread.start()
    assert began.wait(START_S), "the venue did not start"
    yield made[0]
    made[0].door.close()
    loop.call_soon_threadsafe(over.set)
    thread.join(START_S)
    loop.close()


async def _furnished(venue: House, url: str) -> Served:
    user, admin = await venue.user("trader"), await venue.admin()
    order = (await user.order(client_order_id="known")).json()
    victim = await venue.user("victim")  # whose roles and life an invented request may take
    ids = [order["order_id"], "client:known", user.account_id, victim.user_id]
    callers = {
        "trader": {"authorization": f"Bearer {user.token}"},
        "admin": {"authorization": f"Bearer {admin.token}"},
        "nobody": {},
    }
    emails = {"trader": user.email, "admin": admin.email}
    known = {"id": ids, "symbol": ["BTC-USD", "AAPL"], "code": ["100", "200", "300"], "position": ["7.0.0", "8.0.1"]}
    known |= {
        "quote_id": ["q-1"],
        "conversion_id": ["c-1"],
        "account": [victim.account_id],
        "currency": ["USD", "BTC"],
        "firm": ["7"],
        "group": ["9"],
        "command": ["new", "mass_cancel"],
        "underlying": ["AAPL"],
    }
    return Served(url, callers, emails, known, httpx.Client(base_url=url))


API = schemathesis.openapi.from_dict(openapi(all_routes()))
OPERATIONS = {operation.ok().definition.raw["operationId"]: operation.ok() for operation in API.get_all_operations()}


@pytest.mark.fuzz
@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_is_found(served: Served, name: str) -> None:
    operation = OPERATIONS[name]
    _explore(served, name, operation, GenerationMode.POSITIVE)
    if operation.query or operation.body:  # else there is nothing that could be broken
        _explore(served, name, operation, GenerationMode.NEGATIVE)


def _explore(served: Served, name: str, operation: Any, mode: GenerationMode) -> None:
    checks = [check for check in CHECKS if (name, check.__name__) not in MEANT]
    callers = ["nobody", "trader"] if name in ENDS_SESSIONS else list(served.callers)

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), caller=st.sampled_from(callers), data=st.data())
    def explore(case: schemathesis.Case, caller: str, data: st.DataObject) -> None:
        if mode is GenerationMode.POSITIVE and case.path_parameters and data.draw(st.booleans()):
            for part in case.path_parameters:
                case.path_parameters[part] = data.draw(st.sampled_from(served.known[part]))
        for _ in range(TRIES):
            answer = case.call(base_url=served.url, headers=served.callers[caller])
            if answer.status_code not in (503, 504):
                break
        if answer.status_code == 401 and caller != "nobody":
            served.log_in(caller)
        case.validate_response(answer, checks=checks, headers=served.callers[caller])

    explore()
