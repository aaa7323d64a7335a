"""What every request pays for being known.

Goal: a token or an HMAC signature of a known user is judged in well under 60 µs, so that the order path does not feel it.
Method: medians of many calls in one process; a busy machine is forgiven a factor of three.
"""

import base64
import hashlib
import hmac
import statistics
from time import perf_counter

from quantumcore.contracts.auth import CreateApiKey, VerifySignature, VerifyToken
from tests.support.auth_room import open_room

TARGET_S = 60e-6
FORGIVEN = 3


async def median_s(call, messages) -> float:
    times = []
    for message in messages:
        begin = perf_counter()
        await call(message)
        times.append(perf_counter() - begin)
    return statistics.median(times)


async def test_a_token_is_judged_within_60_microseconds(tmp_path):
    async with open_room(tmp_path) as room:
        await room.register()
        message = VerifyToken(token=(await room.login()).access_token)
        assert await median_s(room.service._sessions.verify, [message] * 5_000) < TARGET_S * FORGIVEN


async def test_an_hmac_signature_is_judged_within_60_microseconds(tmp_path):
    async with open_room(tmp_path) as room:
        ann = await room.register()
        made = await room.ask(CreateApiKey(user_id=ann.user_id))
        timestamp, messages = str(room.clock.now() // 1_000_000), []
        for number in range(2_000):
            body = b"%d" % number
            signed = b"\n".join([timestamp.encode(), b"5000", b"POST", b"/v1/orders", b"", body])
            signature = base64.b64encode(hmac.digest(made.secret.encode(), signed, hashlib.sha256)).decode()
            parts = {"timestamp": timestamp, "recv_window": "5000", "signature": signature}
            request = {"method": "POST", "path": "/v1/orders", "query": "", "body": body}
            messages.append(VerifySignature(key_id=made.key.key_id, **parts, **request))
        assert await median_s(room.service._keys.verify_signature, messages) < TARGET_S * FORGIVEN
