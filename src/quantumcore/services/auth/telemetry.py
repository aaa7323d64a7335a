"""What the auth room counts. Labels are kinds only: never a user, a key or a text from outside."""

from prometheus_client import Counter, Gauge, Histogram

TOKEN_FAILURES = Counter("qc_auth_token_failures", "Refused access tokens by kind", ["kind"])
SIGNATURE_FAILURES = Counter("qc_auth_signature_failures", "Refused request signatures by kind", ["kind"])
SECURITY_EVENTS = Counter("qc_auth_security_events", "Security events by kind", ["kind"])
HASH_SECONDS = Histogram(
    "qc_auth_hash_seconds",
    "Time of one password hash, waiting included",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
HASH_WAITING = Gauge("qc_auth_hash_waiting", "Password hashes at work or waiting")
HASH_REFUSED = Counter("qc_auth_hash_refused", "Password hashes refused because the queue was full")
SESSIONS = Gauge("qc_auth_sessions", "Live sessions")
OUTBOX = Gauge("qc_auth_outbox_rows", "Notices committed and not yet published")
