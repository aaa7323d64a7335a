"""Who has little tries to get more.

Goal: no message that the gateway sends for a user gives him a role, an account or a session that is not his; stolen refresh tokens end.
Method: each move of an attacker who has a user of his own, or another's spent token.
"""

import pytest

from quantumcore.contracts import auth
from quantumcore.contracts.errors import Forbidden, NotFound, QuantumCoreError, RateLimited, Unauthenticated
from tests.support.auth_room import PASSWORD, open_room


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    "roles", [["admin"], ["trader", "admin"], ["ADMIN"], ["trader", "trader"], ["trader", "operator"], []]
)
async def test_nobody_registers_with_another_role(room, roles):
    with pytest.raises(Forbidden):
        await room.ask(auth.Register(email="eve@host", password=PASSWORD, roles=roles))
    with pytest.raises(NotFound):
        await room.ask(auth.GetUser(email="eve@host"))


async def test_a_trader_named_as_actor_changes_nobody_not_even_himself(room):
    eve, ann = await room.register("eve@host"), await room.register()
    for message in (
        auth.SetRoles(user_id=eve.user_id, roles=["admin"], actor=eve.user_id),
        auth.GrantAccount(user_id=eve.user_id, account=int(ann.account_id), actor=eve.user_id),
        auth.DisableUser(user_id=ann.user_id, actor=eve.user_id),
    ):
        with pytest.raises(Forbidden):
            await room.ask(message)
    identity = await room.verify((await room.login("eve@host")).access_token)
    assert (identity.accounts, identity.is_admin) == ([int(eve.account_id)], False)


async def test_an_admin_who_lost_his_role_is_no_actor_from_that_moment(room):
    admin, eve = await room.create("root@host", "admin"), await room.register("eve@host")
    await room.ask(auth.SetRoles(user_id=eve.user_id, roles=["viewer"], actor=admin.user_id))
    await room.ask(auth.SetRoles(user_id=admin.user_id, roles=["viewer"]))
    with pytest.raises(Forbidden):
        await room.ask(auth.SetRoles(user_id=admin.user_id, roles=["admin"], actor=admin.user_id))


async def test_a_stolen_spent_refresh_token_ends_the_session_of_thief_and_owner(room):
    new = await room.register()
    first = await room.login()
    second = await room.ask(auth.Refresh(refresh_token=first.refresh_token, peer="198.51.100.66"))
    other = await room.login()
    with pytest.raises(Unauthenticated):
        await room.ask(auth.Refresh(refresh_token=first.refresh_token))
    for token in (first.access_token, second.access_token):
        with pytest.raises(Unauthenticated):
            await room.verify(token)
    with pytest.raises(Unauthenticated):
        await room.ask(auth.Refresh(refresh_token=second.refresh_token))
    await room.verify(other.access_token)
    kinds = [entry.kind for entry in (await room.ask(auth.GetAudit(user_id=new.user_id))).items]
    assert kinds.count("refresh_reused") == 1


async def test_a_chain_of_fifty_rotations_has_one_living_end(room):
    await room.register()
    pairs = [await room.login()]
    for _ in range(50):
        pairs.append(await room.ask(auth.Refresh(refresh_token=pairs[-1].refresh_token)))
    assert len({pair.refresh_token for pair in pairs}) == 51
    assert len({pair.access_token for pair in pairs}) == 51
    await room.verify(pairs[-1].access_token)
    with pytest.raises(Unauthenticated):
        await room.ask(auth.Refresh(refresh_token=pairs[25].refresh_token))
    with pytest.raises(Unauthenticated):
        await room.ask(auth.Refresh(refresh_token=pairs[-1].refresh_token))


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 100_000, "é", "\0", "null"])
async def test_an_invented_refresh_token_is_refused_and_changes_nothing(room, token):
    await room.register()
    pair = await room.login()
    with pytest.raises(Unauthenticated):
        await room.ask(auth.Refresh(refresh_token=token))
    await room.ask(auth.Refresh(refresh_token=pair.refresh_token))


async def test_who_is_locked_out_is_told_so_for_known_and_unknown_alike(room):
    await room.register()
    answers = set()
    for email in ("ann@example.com", "nobody@example.com"):
        for _ in range(5):
            with pytest.raises(Unauthenticated):
                await room.login(email, "wrong password")
        with pytest.raises(RateLimited) as limited:
            await room.login(email, "wrong password")
        answers.add((limited.value.code, limited.value.detail, limited.value.limit, limited.value.retry_after))
    assert len(answers) == 1


@pytest.mark.parametrize("email", ["ANN@example.com", "ann@EXAMPLE.com", "aNN@example.com"])
async def test_another_spelling_of_the_email_is_no_other_counter(room, email):
    await room.register()
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await room.login("ann@example.com", "wrong password")
    with pytest.raises(RateLimited):
        await room.login(email)


async def test_no_answer_holds_a_hash_or_anothers_secret(room):
    ann = await room.register()
    await room.login()
    made = await room.ask(auth.CreateApiKey(user_id=ann.user_id))
    answers = [
        await room.ask(message)
        for message in (
            auth.GetUser(user_id=ann.user_id),
            auth.GetUsers(),
            auth.GetSessions(user_id=ann.user_id),
            auth.GetApiKeys(user_id=ann.user_id),
            auth.GetAudit(),
        )
    ]
    text = repr(answers)
    assert "$argon2" not in text
    assert made.secret not in text
    assert PASSWORD not in text


async def test_every_refusal_is_a_typed_error_below_500_for_messages_of_nonsense(room, rng):
    """Nonsense in every text field of every message is refused or answered, never a defect."""
    defects: list = []
    nonsense = ["", "\0", "é" * 5_000, "\u202e", "a@b", "1001", "-1", "💥" * 300, "admin"]
    for kind in list(room.bus._handlers):
        if kind.__module__ != auth.__name__:
            continue
        for _ in range(15):
            fields = {}
            for name in kind.__struct_fields__:
                annotation = str(kind.__annotations__.get(name))
                fields[name] = _invented(annotation, rng, nonsense)
            try:
                await room.ask(kind(**fields))
            except QuantumCoreError as error:
                defects += [(kind, fields, error)] if error.status >= 500 else []
    assert defects == []


def _invented(annotation: str, rng, nonsense: list[str]):
    text = rng.choice(nonsense)
    if "list" in annotation:
        return [text] * rng.randrange(3)
    if "bytes" in annotation:
        return text.encode()
    if "int" in annotation:
        return rng.choice([0, -1, 1, 2**62, -(2**62)])
    return text
