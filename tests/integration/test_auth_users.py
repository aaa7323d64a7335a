"""Users in the auth room.

Goal: they come, are granted and go as the rules say, and each change holds at once.
Method: messages over the embedded bus, tables in SQLite, a ledger room that follows a script, a clock turned by hand.
"""

import asyncio

import pytest
from sqlalchemy import event

from quantumcore.contracts import auth
from quantumcore.contracts.auth import (
    ChangePassword,
    CreateUser,
    DisableUser,
    GetAudit,
    GetUser,
    GetUsers,
    GrantAccount,
    Login,
    NewAccount,
    Refresh,
    Register,
    SetRoles,
)
from quantumcore.contracts.errors import (
    Conflict,
    Forbidden,
    InvalidCommand,
    NotFound,
    RateLimited,
    Unauthenticated,
)
from quantumcore.services.auth import store
from tests.support.auth_room import PASSWORD, PEER, open_room


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


async def test_a_new_user_has_one_account_of_his_own_and_may_trade(room):
    new = await room.register("Ann@Example.com")
    assert new.account_id == "1001"
    assert room.ledger.opened == {1001: new.user_id}
    user = await room.ask(GetUser(email="ann@example.COM"))
    assert (user.user_id, user.email, user.roles, user.account_ids, user.disabled) == (
        new.user_id,
        "Ann@Example.com",
        ["trader"],
        ["1001"],
        False,
    )
    identity = await room.verify((await room.login()).access_token)
    assert (identity.user_id, identity.scopes, identity.accounts, identity.is_admin) == (
        new.user_id,
        ["read", "trade", "transfer"],
        [1001],
        False,
    )


async def test_an_email_is_taken_once_whatever_its_case(room):
    await room.register("ann@example.com")
    with pytest.raises(Conflict) as taken:
        await room.register("ANN@example.com", "another password")
    assert taken.value.code == "user.exists"
    assert room.ledger.asked == [1001]


async def test_account_numbers_rise_by_one_and_are_never_given_twice(room):
    users = await asyncio.gather(*(room.register(f"user{number}@host") for number in range(12)))
    assert sorted(int(user.account_id) for user in users) == list(range(1001, 1013))
    more = await room.ask(NewAccount(user_id=users[0].user_id))
    assert more.account_id == "1013"
    assert room.ledger.opened == {int(user.account_id): user.user_id for user in [*users, more]}


async def test_registration_gives_no_other_role_and_the_operator_gives_any(room):
    for roles in (["admin"], ["trader", "admin"], [], ["viewer"]):
        with pytest.raises(Forbidden):
            await room.ask(Register(email="eve@host", password=PASSWORD, roles=roles))
    await room.create("root@host", "admin")
    identity = await room.verify((await room.login("root@host")).access_token)
    assert identity.is_admin
    assert identity.scopes == list(auth.SCOPES)


async def test_a_refused_registration_leaves_nothing(room):
    for email, password in (
        ("no email", PASSWORD),
        ("ann@host", "short"),
        ("ann@host", ""),
        ("ann@host", "x" * 10_000),
    ):
        with pytest.raises(InvalidCommand):
            await room.register(email, password)
    assert (await room.ask(GetUsers())).items == []
    assert room.ledger.asked == []


async def test_a_password_is_changed_only_by_who_knows_the_old_one_and_guesses_are_counted(room):
    new = await room.register()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await room.ask(
                ChangePassword(
                    user_id=new.user_id, old_password="a wrong password", new_password="a better password", peer=PEER
                )
            )
    with pytest.raises(RateLimited):
        await room.ask(
            ChangePassword(user_id=new.user_id, old_password=PASSWORD, new_password="a better password", peer=PEER)
        )
    await room.login()


async def test_a_disabled_user_is_gone_everywhere(room):
    new = await room.register()
    pair = await room.login()
    await room.verify(pair.access_token)
    for _ in range(2):
        await room.ask(DisableUser(user_id=new.user_id))
    for attempt in (room.verify(pair.access_token), room.ask(Refresh(refresh_token=pair.refresh_token)), room.login()):
        with pytest.raises(Unauthenticated):
            await attempt
    assert (await room.ask(GetUser(user_id=new.user_id))).disabled


async def test_only_an_admin_named_as_actor_may_change_others(room):
    admin, ann = await room.create("root@host", "admin"), await room.register()
    for message in (
        SetRoles(user_id=ann.user_id, roles=["admin"], actor=ann.user_id),
        GrantAccount(user_id=ann.user_id, account=1001, actor=ann.user_id),
        DisableUser(user_id=admin.user_id, actor=ann.user_id),
        DisableUser(user_id=admin.user_id, actor="nobody"),
    ):
        with pytest.raises(Forbidden):
            await room.ask(message)
    await room.ask(SetRoles(user_id=ann.user_id, roles=["viewer"], actor=admin.user_id))
    await room.ask(DisableUser(user_id=admin.user_id))
    with pytest.raises(Forbidden):
        await room.ask(SetRoles(user_id=ann.user_id, roles=["trader"], actor=admin.user_id))


async def test_who_is_not_there_is_not_found(room):
    for message in (
        GetUser(user_id="nobody"),
        GetUser(email="nobody@host"),
        GetUser(),
        SetRoles(user_id="nobody", roles=[]),
        DisableUser(user_id="nobody"),
        NewAccount(user_id="nobody"),
    ):
        with pytest.raises(NotFound, match="not found"):
            await room.ask(message)


async def test_users_come_in_pages_oldest_first(room):
    made = []
    for number in range(7):
        made.append((await room.register(f"user{number}@host")).user_id)
        room.clock.turn(number % 2)
    seen, cursor = [], ""
    while cursor is not None:
        page = await room.ask(GetUsers(limit=3, cursor=cursor))
        seen += [user.user_id for user in page.items]
        cursor = page.next_cursor
    assert sorted(seen) == sorted(made)
    assert len(seen) == 7
    for wrong in (
        GetUsers(limit=0),
        GetUsers(limit=1001),
        GetUsers(cursor="x"),
        GetAudit(limit=0),
        GetAudit(cursor="-1"),
    ):
        with pytest.raises(InvalidCommand):
            await room.ask(wrong)


async def test_the_audit_names_user_peer_kind_and_request(room):
    new = await room.register()
    await room.login(peer="198.51.100.9:1234")
    with pytest.raises(Unauthenticated):
        await room.login(password="wrong password", peer="198.51.100.9:99")
    page = await room.ask(GetAudit(user_id=new.user_id, limit=2))
    assert [(entry.kind, entry.peer, entry.request_id) for entry in page.items] == [
        ("login_failed", "198.51.100.9", "r-1"),
        ("login_succeeded", "198.51.100.9", "r-1"),
    ]
    rest = await room.ask(GetAudit(user_id=new.user_id, cursor=page.next_cursor))
    assert [entry.kind for entry in rest.items] == ["user_created"]
    assert [entry.user_id for entry in (await room.ask(GetAudit(kind="login_failed"))).items] == [new.user_id]


async def test_the_operator_makes_users_with_many_roles(room):
    new = await room.ask(CreateUser(email="many@host", password=PASSWORD, roles=["viewer", "operator", "viewer"]))
    assert (await room.ask(GetUser(user_id=new.user_id))).roles == ["operator", "viewer"]
    with pytest.raises(InvalidCommand):
        await room.ask(CreateUser(email="wrong@host", password=PASSWORD, roles=["god"]))
    with pytest.raises(InvalidCommand):
        await room.ask(Login(email="many@host", password=""))


async def test_a_page_of_users_costs_the_same_few_queries_however_long_it_is(room):
    for number in range(30):
        await room.register(f"user{number}@host")

    def queries_of(limit: int):
        def count(tx) -> int:
            sent: list[str] = []
            event.listen(tx, "before_cursor_execute", lambda *given: sent.append(given[2]))
            store.user_page(tx, limit, "")
            return len(sent)

        return count

    assert [await room.database.read(queries_of(limit)) for limit in (1, 30)] == [3, 3]
