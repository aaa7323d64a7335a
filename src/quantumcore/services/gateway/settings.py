"""Every limit of this room, by name. At each limit stands what happens there."""

from dataclasses import dataclass

WINDOW_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Limits and allowances; the defaults are those of the behaviour page. Benchmarks raise them and say so.

    Attributes:
        rate_user: Weights per second of a user or API key; the next one is 429.
        rate_orders: Orders and amendments per second of an account; the next one is 429.
        rate_cancels: Cancels per second of a user or API key; they spend nothing else, so a throttled client gets flat.
        rate_peer: Requests per second of an address without a verified user; the next one is 429.
        rate_login: Log-ins and registrations per second of an address; the next one is 429.
        limit_keys: Windows counted in this process while the shared counter is gone; the oldest leaves first.
        trusted_proxies: Networks whose X-Forwarded-For is believed; empty: nobody's.
        body_bytes: A longer body is 413, told as soon as it is known.
        body_timeout_s: A body that is not complete by then is 408.
        slow_bodies: Bodies of one user, key or unverified address waited for at once; the next one is 503 `overloaded`.
        in_flight: Requests worked on at once; the next one is 503 `overloaded`.
        drain_s: How long stop waits for what is in flight.
        identity_s: How long a verified token is believed without asking again.
        identities: Verified tokens remembered; the least recently used leaves first.
        answer_cache_s: How long a public market answer may be given again; 0 turns the cache off.
        answer_cache_entries, answer_cache_bytes: Market answers remembered; the least recently used leaves first.
        idempotency_s: How long the first answer under an Idempotency-Key is given again; afterwards the key is new.
        idempotency_running_s: How long a first request without an answer keeps its key; longer than any deadline.
        idempotency_keys: New keys of one user or API key in an hour; the next one is 429.
        idempotency_bytes: A longer answer is not kept: a repeat is told that the first was done.
        own_writes: Accounts whose last answered sequence is remembered; the least recently used leaves first.
        four_eyes: Whether what admins do to money is proposed first; as the ledger's room is told.
        ws_connections: Open sockets; the next one is closed with 1013.
        ws_per_user: Open sockets of one user; the next one is closed with 1013.
        ws_per_peer: Open sockets of one address without a user; the next one is closed with 1013.
        ws_subscriptions: Subscriptions of one socket; the next one closes it with 1013.
        ws_messages_per_s: Messages of one socket per second; the next ones are answered `rate.limited` unread.
        ws_message_bytes: A longer message closes the socket with 1009.
        ws_pending: Messages of one socket waiting for their answer; then the socket is not read until one is answered.
        ws_queue_frames, ws_queue_bytes: What waits for one reader. Public data beyond it is conflated, private closes with 4008.
        ws_heartbeat_s: How often a quiet socket is told that we live.
        ws_dead_s: A reader that takes nothing for so long is closed.
        ws_replay_pages: Pages of one replay; a client further behind is told to page through REST.
    """

    rate_user: int = 2_000
    rate_orders: int = 2_000
    rate_cancels: int = 2_000
    rate_peer: int = 100
    rate_login: int = 10
    limit_keys: int = 100_000
    trusted_proxies: tuple[str, ...] = ()
    body_bytes: int = 1 << 20
    body_timeout_s: float = 10.0
    slow_bodies: int = 256
    in_flight: int = 4_096
    drain_s: float = 10.0
    identity_s: float = 1.0
    identities: int = 20_000
    answer_cache_s: float = 1.0
    answer_cache_entries: int = 10_000
    answer_cache_bytes: int = 1 << 26
    idempotency_s: float = 86_400.0
    idempotency_running_s: float = 60.0
    idempotency_keys: int = 1_000
    idempotency_bytes: int = 1 << 16
    own_writes: int = 100_000
    four_eyes: bool = False
    ws_connections: int = 10_000
    ws_per_user: int = 20
    ws_per_peer: int = 2_000
    ws_subscriptions: int = 200
    ws_messages_per_s: int = 2_000
    ws_message_bytes: int = 1 << 16
    ws_pending: int = 256
    ws_queue_frames: int = 1_000
    ws_queue_bytes: int = 1 << 20
    ws_heartbeat_s: float = 15.0
    ws_dead_s: float = 45.0
    ws_replay_pages: int = 10_000
