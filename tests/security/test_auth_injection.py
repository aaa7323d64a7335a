"""Hostile texts are data.

Goal: no text from outside becomes SQL; it comes back as it was, and no other row or table changes.
Method: 500 texts from the injector's cookbook, mutated by seed, in every text field of every message; and the syntax tree of the code.
"""

import ast
import hashlib
from pathlib import Path

import pytest
from sqlalchemy import select

import quantumcore
from quantumcore.contracts import auth
from quantumcore.contracts.errors import QuantumCoreError, Unauthenticated
from quantumcore.services.auth.tables import METADATA
from tests.support.auth_room import PASSWORD, Room, open_room

COOKBOOK = [
    "' OR '1'='1", "' OR 1=1 --", "'; DROP TABLE users; --", '"; DROP TABLE users; --', "') OR ('1'='1", "' UNION SELECT password_hash FROM users --",
    "admin'--", "admin' #", "1; UPDATE users SET disabled=0", "'; INSERT INTO user_roles VALUES ('x','admin'); --", "' AND SLEEP(5) --", "%27%20OR%201=1",
    "\\'; DROP TABLE audit; --", "' || (SELECT key_id FROM api_keys) || '", "0x27204f5220313d31", "' OR ''='", "%", "_", "\\", "';", "''", '""', "`", ")",
    "/**/OR/**/1=1", ":user_id", ":email_1", "?", "$1", "%s", "%(user_id)s", "{0}", "{user_id}", "NULL", "null", "true", "-1", "1e309", "\t' OR 1=1",
    "<script>alert(1)</script>", "../../etc/passwd", "\u02bc OR 1=1", "\uff07 OR 1=1", "ʼ; DROP TABLE users", "\u202e' OR 1=1", "💣' OR 1=1 --", "x' AND 1=(SELECT COUNT(*) FROM users) --",
    "'; ATTACH DATABASE '/tmp/x' AS x; --", "'; PRAGMA writable_schema=1; --", "'); DELETE FROM sessions; --", "' RETURNING password_hash --",
]  # fmt: skip


def hostile(rng, count: int = 500) -> list[str]:
    texts = list(COOKBOOK)
    while len(texts) < count:
        one, other = rng.choice(COOKBOOK), rng.choice(COOKBOOK)
        texts.append(
            rng.choice(
                [
                    one + other,
                    one[: rng.randrange(len(one) + 1)] + other,
                    one.swapcase() + "'",
                    f"{one} -- {rng.randrange(10**6)}",
                    one * 2,
                ]
            )[:90]
        )
    return texts


@pytest.fixture
async def room(tmp_path):
    async with open_room(tmp_path, tasks=False) as opened:
        yield opened


async def picture(room: Room, *without: str) -> str:
    """Return a digest of all tables but those that a refused attempt may write."""

    def all_rows(tx) -> str:
        tables = [table for table in METADATA.sorted_tables if table.name not in without]
        return repr([(table.name, [tuple(row) for row in tx.execute(select(table))]) for table in tables])

    return hashlib.sha256((await room.database.read(all_rows)).encode()).hexdigest()


@pytest.mark.hazard("H3")
@pytest.mark.parametrize("part", [0, 1, 2])
async def test_hostile_ids_find_nobody_and_change_nothing(room, rng, part):
    """As id, e-mail, cursor, actor, session, key and token: nobody is found, no row changes but the audit's."""
    ann = await room.register()
    await room.login()
    await room.ask(auth.CreateApiKey(user_id=ann.user_id))
    before = await picture(room, "audit")
    found = []
    for text in hostile(rng):
        email = text.replace(" ", "/**/").replace("\t", "") + "@host"
        messages = (
            auth.GetUser(user_id=text),
            auth.GetUser(email=email),
            auth.GetSessions(user_id=text),
            auth.GetApiKeys(user_id=text),
            auth.GetAudit(user_id=text),
            auth.GetAudit(kind=text),
            auth.Login(email=email, password=text.ljust(12), peer=text),
            auth.SetRoles(user_id=text, roles=[]),
            auth.SetRoles(user_id=ann.user_id, roles=[text]),
            auth.SetRoles(user_id=ann.user_id, roles=["admin"], actor=text),
            auth.GrantAccount(user_id=text, account=1001),
            auth.DisableUser(user_id=text),
            auth.NewAccount(user_id=text),
            auth.ChangePassword(user_id=text, old_password=text, new_password=PASSWORD, peer=text),
            auth.Logout(session_id=text, peer=text, request_id=text),
            auth.RevokeApiKey(user_id=text, key_id=text),
            auth.RevokeApiKey(user_id=ann.user_id, key_id=text),
            auth.Refresh(refresh_token=text, peer=text),
            auth.VerifyToken(token=text, peer=text, request_id=text),
        )
        for message in messages[part::3]:
            try:
                answer = await _handler(room, message)
            except QuantumCoreError as error:
                found += [(message, error)] if error.status >= 500 else []
            else:
                if getattr(answer, "items", None) or not (
                    hasattr(answer, "items") or answer in (auth.Done(), auth.Revoked(False))
                ):
                    found.append((message, answer))
    assert found == []
    assert await picture(room, "audit") == before


def _handler(room: Room, message):
    return room.bus._handlers[type(message)](message)


@pytest.mark.hazard("H3")
async def test_hostile_texts_come_back_as_they_were(room, rng):
    """As e-mail, label, peer and request id they are stored and shown as text, each in its own row."""
    ann = await room.register()
    made: dict[str, str] = {}
    texts = hostile(rng)
    for number, text in enumerate(texts):
        email = f"{text.replace(' ', '').replace(chr(9), '')}{number}@host"
        new = await room.ask(auth.Register(email=email, password=PASSWORD, peer=text, request_id=text[:64]))
        made[new.user_id] = email
        key = (await room.ask(auth.CreateApiKey(user_id=new.user_id, label=text, request_id=f"label {number}"))).key
        assert key.label == text
    audit, cursor = [], ""
    while cursor is not None:
        page = await room.ask(auth.GetAudit(kind="user_created", limit=1_000, cursor=cursor))
        audit, cursor = audit + page.items, page.next_cursor
    assert [entry.request_id for entry in reversed(audit)] == ["", *(text[:64] for text in texts)]
    users, cursor = {}, ""
    while cursor is not None:
        page = await room.ask(auth.GetUsers(limit=1_000, cursor=cursor))
        users |= {user.user_id: user.email for user in page.items}
        cursor = page.next_cursor
    assert users == {**made, ann.user_id: "ann@example.com"}
    assert all(user.roles == ["trader"] for user in page.items)


@pytest.mark.hazard("H3")
def test_no_sql_is_made_by_formatting():
    """The syntax tree holds no f-string, %, + or format() where a statement is given to the database."""
    found = []
    for path in Path(quantumcore.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func) in {
                "text",
                "exec_driver_sql",
                "literal_column",
                "execute",
                "executescript",
                "executemany",
            }:
                found += [f"{path.name}:{node.lineno}" for argument in node.args[:1] if _is_formatted(argument)]
    assert found == []


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _is_formatted(argument: ast.expr) -> bool:
    formatted_call = isinstance(argument, ast.Call) and _name(argument.func) in {"format", "join", "replace"}
    return formatted_call or isinstance(argument, ast.JoinedStr | ast.BinOp)


async def test_nobody_is_logged_in_by_a_clever_password(room, rng):
    await room.register()
    for number, text in enumerate(hostile(rng, 100)):
        with pytest.raises(Unauthenticated):
            await room.login(password=text or "x", peer=f"10.0.0.{number}")
