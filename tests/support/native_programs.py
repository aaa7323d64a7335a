"""Programs of native/stress, compiled for one test, and how they are started."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SANITIZERS = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:halt_on_error=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def compiled(folder: Path, program: str, *options: str) -> Path:
    """Compile `native/stress/<program>.cpp`, which needs no more of the core than headers, into `folder`."""
    compiler = os.environ.get("CXX") or shutil.which("c++") or "g++"
    binary = folder / program
    command = [compiler, "-std=gnu++20", "-pthread", *options, f"-I{ROOT}/native/include", "-o", str(binary)]
    done = subprocess.run(
        [*command, str(ROOT / "native" / "stress" / f"{program}.cpp")], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return binary


def finished(
    binary: Path, *arguments: str, seconds: float, fixed_addresses: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run `binary` to its end; a sanitizer's report ends it with a status that is not 0.

    Args:
        fixed_addresses: Not with memory placed at random, where older ThreadSanitizers cannot start.
        seconds: What it may take.

    Raises:
        subprocess.TimeoutExpired: It took longer.
    """
    command = [str(binary), *arguments]
    prefix = ["setarch", platform.machine(), "-R"]
    if fixed_addresses and shutil.which("setarch") and subprocess.run([*prefix, "true"], check=False).returncode == 0:
        command = [*prefix, *command]
    return subprocess.run(
        command, env=os.environ | SANITIZERS, check=False, capture_output=True, text=True, timeout=seconds
    )
