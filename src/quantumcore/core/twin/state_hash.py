"""The hash of everything that the engine has told: equal streams of events, equal hash (engine.md section 8)."""

import struct

MASK = 2**64 - 1
K0 = 0x9E3779B97F4A7C15
K1 = 0xA0761D6478BD642F
K2 = 0xE7037ED1A0B428DB
K3 = 0x8EBC6AF09C88C6E3


def mum(a: int, b: int) -> int:
    """Return the two halves of the 128-bit product, folded by xor."""
    product = a * b
    return (product & MASK) ^ (product >> 64)


def hash_after(state: int, event: bytes) -> int:
    """Return the hash after one more event; `event` is a multiple of 16 bytes."""
    words = struct.unpack(f"<{len(event) // 8}Q", event)
    e = K0
    for i in range(0, len(words), 2):
        e = mum(words[i] ^ K1 ^ e, words[i + 1] ^ K2)
    return mum(state ^ e, K3)
