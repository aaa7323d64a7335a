"""Damaged journals, 100,000 of them, under AddressSanitizer.

Goal: whatever the bytes are, the answer is a typed error or a clean cut, no byte outside the buffer is read, and no
block is given out that was not written (hazard E3).
Method: native/stress/journal_fuzz.cpp, compiled here with the sanitizers, changes lengths, kinds, checksums and places,
mends half of the checksums, and judges each segment in memory of exactly its size; whole directories are opened too.
"""

import os
import random
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quantumcore.contracts.errors import Corrupted
from quantumcore.core.journal import read_records, verify
from tests.support.journals import pieces, segments, small, write_blocks

ROOT = Path(__file__).parents[2]
NATIVE = ROOT / "native"
FLAGS = [
    "-std=c++20",
    "-O1",
    "-g1",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    f"-I{NATIVE / 'include'}",
]


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    sources = [
        *(NATIVE / "src").glob("journal*.cpp"),
        NATIVE / "src/crc32c.cpp",
        NATIVE / "src/sha256.cpp",
        NATIVE / "stress/journal_fuzz.cpp",
    ]

    def compiled(source: Path) -> Path:
        out = folder / f"{source.stem}.o"
        subprocess.run(["g++", *FLAGS, "-c", source, "-o", out], check=True)
        return out

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        objects = list(pool.map(compiled, sources))
    subprocess.run(["g++", *FLAGS, *objects, "-o", folder / "journal_fuzz", "-pthread"], check=True)
    return folder / "journal_fuzz"


@pytest.mark.hazard("E3")
@pytest.mark.fuzz
@pytest.mark.timeout(300)
def test_a_hundred_thousand_damaged_journals_end_in_a_verdict(fuzzer, seed):
    times = 20 if os.environ.get("QC_TEST_PROFILE") == "fuzz" else 1
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:halt_on_error=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    run = [fuzzer, str(100_000 * times), str(50 * times), str(seed)]
    done = subprocess.run(run, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-4_000:]


def test_random_bytes_are_no_journal(tmp_path, rng: random.Random):
    with small(tmp_path / "good", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        write_blocks(journal, [3] * 20)
    sound = [path.name for path in segments(tmp_path / "good")]
    for _ in range(200):
        directory = tmp_path / "bad"
        shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(tmp_path / "good", directory)
        victim = directory / rng.choice(sound)
        data = bytearray(victim.read_bytes())
        begin = rng.randrange(len(data))
        data[begin : begin + rng.randrange(1, 2_000)] = rng.randbytes(rng.randrange(1, 2_000))
        victim.write_bytes(data[:4_096])
        report = verify(directory)
        seen = []
        try:
            seen.extend(r.sequence for r in read_records(directory))
        except Corrupted:
            assert report.damage is not None
        else:
            assert report.damage is None
        assert seen == list(range(1, len(seen) + 1))
        assert len(seen) == report.records


def test_a_length_that_reaches_past_the_end_is_a_bad_record(tmp_path):
    with small(tmp_path / "j", segment_bytes=4_096, buffer_bytes=1_024) as journal:
        write_blocks(journal, [3, 3])
    [path] = segments(tmp_path / "j")
    data = path.read_bytes()
    for piece in pieces(data):
        for length in (4_096, 65_528, 65_529, 0xFFFFFF, len(data) - piece.offset - 31):
            path.write_bytes(data[: piece.offset] + length.to_bytes(3, "little") + data[piece.offset + 3 :])
            report = verify(tmp_path / "j")
            spot = report.damage if piece.block == 1 else report.torn
            assert spot is not None
            assert spot.offset == piece.offset
