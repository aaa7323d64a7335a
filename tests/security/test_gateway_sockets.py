"""A socket may do what its credentials may do now, and no more.

Method: sockets whose both ends the test holds, before rooms that grant and take away.
"""

from collections.abc import AsyncIterator

import pytest

from quantumcore.contracts.auth import AccessChanged, ApiKeys, ApiKeyView, GetApiKeys, GetUser, UserView
from quantumcore.contracts.errors import Unavailable
from quantumcore.contracts.orders import EndSession, SessionEnded, SubmitOrder
from tests.support.asgi_sockets import AsgiSocket
from tests.support.scripted_rooms import Rooms, identity, rooms
from tests.support.waiting import eventually

KEY = "qc_1"
SIGNED = {"op": "auth", "key": KEY, "timestamp": "1", "signature": "AA=="}
CHANGED = AccessChanged(user_id="u-1", revoked_sessions=[])


class Granted:
    """What auth says of the key and its user."""

    def __init__(self, gate: Rooms) -> None:
        self.revoked = False
        self.roles = ["trader"]
        self.accounts = ["7"]
        self.disabled = False
        gate.keys[KEY] = identity(session_id=KEY, scopes=["read", "trade"])
        gate.answer(GetApiKeys, lambda _ask: ApiKeys([self.key()]))
        gate.answer(GetUser, lambda _ask: UserView("u-1", "a@b.c", self.roles, self.accounts, self.disabled, 0))
        gate.answer(EndSession, SessionEnded(1, 1))

    def key(self) -> ApiKeyView:
        return ApiKeyView(KEY, "", "ed25519", ["read", "trade"], ["7"], [], 0, None, None, self.revoked)


@pytest.fixture
async def gate() -> AsyncIterator[Rooms]:
    async with rooms() as opened:
        yield opened


@pytest.mark.parametrize(
    "taken",
    [
        {"revoked": True},
        {"disabled": True},
        {"roles": ["viewer"]},
        {"accounts": ["8"]},
    ],
)
async def test_a_socket_that_a_key_opened_ends_when_something_is_taken_from_it(gate, taken):
    granted = Granted(gate)
    socket = AsgiSocket(gate)
    assert (await socket.say(**SIGNED))["ok"]
    for name, value in taken.items():
        setattr(granted, name, value)
    await gate.bus.publish([CHANGED])
    await eventually(lambda: socket.code == 4001)


async def test_a_socket_that_a_key_opened_goes_on_when_nothing_is_taken_from_it(gate):
    granted = Granted(gate)
    socket = AsgiSocket(gate)
    assert (await socket.say(**SIGNED))["ok"]
    granted.accounts = ["7", "8"]
    granted.roles = ["trader", "operator"]
    await gate.bus.publish([CHANGED])
    await eventually(lambda: gate.count(GetUser) == 1)
    assert (await socket.say(op="ping"))["ok"]
    await socket.vanish()


async def test_a_socket_that_nobody_can_vouch_for_ends(gate):
    Granted(gate)
    socket = AsgiSocket(gate)
    assert (await socket.say(**SIGNED))["ok"]

    def away(_ask: GetApiKeys) -> None:
        raise Unavailable("unavailable", "the room is away")

    gate.answer(GetApiKeys, away)
    await gate.bus.publish([CHANGED])
    await eventually(lambda: socket.code == 1013)


async def test_who_may_only_read_cannot_have_orders_cancelled_by_leaving(gate):
    Granted(gate)
    gate.keys[KEY] = identity(session_id=KEY, scopes=["read"])
    socket = AsgiSocket(gate)
    said = await socket.say(**SIGNED, cancel_on_disconnect=True)
    assert (said["ok"], said["error"]["code"]) == (False, "auth.forbidden")
    assert (await socket.say(**SIGNED))["ok"]
    await socket.vanish()
    assert gate.count(EndSession) == 0


async def test_who_may_trade_can_and_only_what_he_sent_there_goes(gate):
    """The session ends for the account that traded on it, under the number that its orders carry; gtc orders carry no mark."""
    Granted(gate)
    socket = AsgiSocket(gate)
    assert (await socket.say(**SIGNED, cancel_on_disconnect=True))["ok"]
    body = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "1", "price": "10.00"}
    assert (await socket.say(op="order.submit", data={**body, "time_in_force": "day"}))["ok"]
    assert (await socket.say(op="order.submit", data=body))["ok"]
    await socket.vanish()
    day, gtc = (one for one in gate.asked if isinstance(one, SubmitOrder))
    assert (day.terms.cancel_on_disconnect, gtc.terms) == (True, None)
    (ended,) = (one for one in gate.asked if isinstance(one, EndSession))
    assert (ended.account, ended.session) == (day.account, day.session)
    assert day.session == gtc.session > 0


async def test_a_socket_that_never_asked_ends_nothing(gate):
    Granted(gate)
    socket = AsgiSocket(gate)
    assert (await socket.say(**SIGNED))["ok"]
    body = {"symbol": "BTC-USD", "side": "buy", "type": "limit", "quantity": "1", "price": "10.00"}
    assert (await socket.say(op="order.submit", data={**body, "time_in_force": "day"}))["ok"]
    await socket.vanish()
    assert gate.count(EndSession) == 0


async def test_each_channel_of_an_unsubscription_is_answered_by_itself(gate):
    Granted(gate)
    socket = AsgiSocket(gate)
    assert (await socket.say(**SIGNED))["ok"]
    channels = [{"name": "orders", "account_id": "8"}, {"name": "trades", "symbol": "BTC-USD"}]
    await socket.say(op="unsubscribe", channels=channels, id=5)
    await eventually(lambda: len([one for one in socket.frames if one.get("op") == "unsubscribe"]) == 2)
    answers = [one for one in socket.frames if one.get("op") == "unsubscribe"]
    assert [(one["ok"], one["channel"]["name"]) for one in answers] == [(False, "orders"), (True, "trades")]
    await socket.vanish()
