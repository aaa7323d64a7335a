"""Users, their roles, accounts and grants in tables. Each function is part of one transaction of its caller's."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from quantumcore.contracts.auth import UserPage, UserView
from quantumcore.contracts.errors import Conflict, InvalidCommand
from quantumcore.services.auth.domain import Grants, account_text
from quantumcore.services.auth.tables import ACCOUNT_NUMBERS, ACCOUNTS, GRANTS, ROLES, USERS

OPENING_BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a log-in is checked against."""

    user_id: str
    password_hash: str = field(repr=False)
    disabled: bool


def add_user(
    tx: Connection, *, user_id: str, email: str, folded: str, password_hash: str, roles: Sequence[str], now_ns: int
) -> None:
    """Add an active user.

    Raises:
        Conflict: `user.exists`.
    """
    taken = Conflict("user.exists", "a user with this e-mail exists", field="email")
    if tx.execute(select(USERS.c.user_id).where(USERS.c.email_folded == folded)).first() is not None:
        raise taken
    try:
        tx.execute(
            insert(USERS).values(
                user_id=user_id,
                email=email,
                email_folded=folded,
                password_hash=password_hash,
                disabled=0,
                created_ns=now_ns,
            )
        )
    except IntegrityError:  # another transaction was faster; its text would show the row, so it is no cause
        raise taken from None
    set_roles(tx, user_id, roles)


def credentials_by_email(tx: Connection, folded: str) -> Credentials | None:
    """Return what the user of this folded e-mail proves himself with."""
    row = tx.execute(select(USERS).where(USERS.c.email_folded == folded)).first()
    return (
        None
        if row is None
        else Credentials(user_id=row.user_id, password_hash=row.password_hash, disabled=bool(row.disabled))
    )


def credentials_of(tx: Connection, user_id: str) -> Credentials | None:
    """Return what this user proves himself with."""
    row = tx.execute(select(USERS).where(USERS.c.user_id == user_id)).first()
    return (
        None
        if row is None
        else Credentials(user_id=row.user_id, password_hash=row.password_hash, disabled=bool(row.disabled))
    )


def replace_password(tx: Connection, user_id: str, *, old_hash: str, new_hash: str) -> bool:
    """Store a new hash unless somebody else changed it meanwhile; tell whether it was stored."""
    where = and_(USERS.c.user_id == user_id, USERS.c.password_hash == old_hash)
    return bool(tx.execute(update(USERS).where(where).values(password_hash=new_hash)).rowcount)


def disable(tx: Connection, user_id: str) -> bool:
    """Disable the user; false when he was or does not exist."""
    where = and_(USERS.c.user_id == user_id, USERS.c.disabled == 0)
    return bool(tx.execute(update(USERS).where(where).values(disabled=1)).rowcount)


def set_roles(tx: Connection, user_id: str, roles: Sequence[str]) -> None:
    """Give the user these roles and no others."""
    tx.execute(delete(ROLES).where(ROLES.c.user_id == user_id))
    if roles:
        tx.execute(insert(ROLES), [{"user_id": user_id, "role": role} for role in roles])


def roles_of(tx: Connection, user_id: str) -> list[str]:
    """Return the user's roles, sorted."""
    return list(tx.execute(select(ROLES.c.role).where(ROLES.c.user_id == user_id).order_by(ROLES.c.role)).scalars())


def allocate_account(tx: Connection, user_id: str, now_ns: int) -> int:
    """Take the next account number for the user, not opened yet, and grant it to him."""
    # The update comes first: it locks the counter's row, so that two transactions never read one number.
    tx.execute(update(ACCOUNT_NUMBERS).values(next=ACCOUNT_NUMBERS.c.next + 1))
    account = int(tx.execute(select(ACCOUNT_NUMBERS.c.next)).scalar_one()) - 1
    tx.execute(insert(ACCOUNTS).values(account=account, user_id=user_id, opened=0, created_ns=now_ns))
    grant(tx, user_id, account, now_ns)
    return account


def grant(tx: Connection, user_id: str, account: int, now_ns: int) -> bool:
    """Let the user act on the account; false when he could."""
    where = and_(GRANTS.c.user_id == user_id, GRANTS.c.account == account)
    if tx.execute(select(GRANTS.c.account).where(where)).first() is not None:
        return False
    tx.execute(insert(GRANTS).values(user_id=user_id, account=account, granted_ns=now_ns))
    return True


def mark_opened(tx: Connection, account: int) -> bool:
    """Note that the engine knows the account; false when that was noted."""
    where = and_(ACCOUNTS.c.account == account, ACCOUNTS.c.opened == 0)
    return bool(tx.execute(update(ACCOUNTS).where(where).values(opened=1)).rowcount)


def opening_accounts(tx: Connection, user_id: str = "") -> list[tuple[int, str]]:
    """Return (account, owner) of at most 100 accounts that the engine may not know yet, oldest first; of one user if given."""
    query = select(ACCOUNTS.c.account, ACCOUNTS.c.user_id).where(ACCOUNTS.c.opened == 0)
    if user_id:
        query = query.where(ACCOUNTS.c.user_id == user_id)
    return [
        (int(account), owner) for account, owner in tx.execute(query.order_by(ACCOUNTS.c.account).limit(OPENING_BATCH))
    ]


def count_accounts(tx: Connection, user_id: str) -> int:
    """Return how many accounts were made for the user."""
    return int(tx.execute(select(func.count()).where(ACCOUNTS.c.user_id == user_id)).scalar_one())


def unknown_accounts(tx: Connection, accounts: Sequence[int]) -> list[int]:
    """Return those of `accounts` that were never allocated."""
    known = set(tx.execute(select(ACCOUNTS.c.account).where(ACCOUNTS.c.account.in_(accounts))).scalars())
    return [account for account in accounts if account not in known]


def open_accounts(tx: Connection, user_id: str) -> list[int]:
    """Return the open accounts granted to the user, rising."""
    joined = GRANTS.join(ACCOUNTS, ACCOUNTS.c.account == GRANTS.c.account)
    where = and_(GRANTS.c.user_id == user_id, ACCOUNTS.c.opened == 1)
    return [
        int(each)
        for each in tx.execute(
            select(GRANTS.c.account).select_from(joined).where(where).order_by(GRANTS.c.account)
        ).scalars()
    ]


def grants_of(tx: Connection, user_id: str) -> Grants | None:
    """Return what the user may do now."""
    disabled = tx.execute(select(USERS.c.disabled).where(USERS.c.user_id == user_id)).scalar()
    if disabled is None:
        return None
    return Grants.of(user_id, roles_of(tx, user_id), open_accounts(tx, user_id), disabled=bool(disabled))


def user_view(tx: Connection, *, user_id: str = "", folded: str = "") -> UserView | None:
    """Return a user by id or by folded e-mail."""
    where = USERS.c.user_id == user_id if user_id else USERS.c.email_folded == folded
    views = _views(tx, tx.execute(select(USERS).where(where)).all())
    return views[0] if views else None


def user_page(tx: Connection, limit: int, cursor: str) -> UserPage:
    """Return users, oldest first; `cursor` is what the page before said."""
    query = select(USERS).order_by(USERS.c.created_ns, USERS.c.user_id).limit(limit + 1)
    if cursor:
        created, _, user_id = cursor.partition(".")
        if not (created.isascii() and created.isdigit() and len(created) <= 19):
            raise InvalidCommand(detail="no such cursor", field="cursor")
        after = int(created)
        query = query.where(
            or_(USERS.c.created_ns > after, and_(USERS.c.created_ns == after, USERS.c.user_id > user_id))
        )
    rows = tx.execute(query).all()
    more = f"{rows[limit - 1].created_ns}.{rows[limit - 1].user_id}" if len(rows) > limit else None
    return UserPage(_views(tx, rows[:limit]), more)


def _views(tx: Connection, users: Sequence[Row[Any]]) -> list[UserView]:
    """Return how `users` are shown, in three queries however many they are: one each would outlast a caller's deadline."""
    ids = [user.user_id for user in users]
    roles: dict[str, list[str]] = {user_id: [] for user_id in ids}
    accounts: dict[str, list[str]] = {user_id: [] for user_id in ids}
    for row in tx.execute(select(ROLES).where(ROLES.c.user_id.in_(ids)).order_by(ROLES.c.role)):
        roles[row.user_id].append(row.role)
    joined = GRANTS.join(ACCOUNTS, ACCOUNTS.c.account == GRANTS.c.account)
    open_ones = select(GRANTS).select_from(joined).where(and_(GRANTS.c.user_id.in_(ids), ACCOUNTS.c.opened == 1))
    for row in tx.execute(open_ones.order_by(GRANTS.c.account)):
        accounts[row.user_id].append(account_text(row.account))
    return [
        UserView(
            user_id=user.user_id,
            email=user.email,
            roles=roles[user.user_id],
            account_ids=accounts[user.user_id],
            disabled=bool(user.disabled),
            created_ns=user.created_ns,
        )
        for user in users
    ]
