#!/bin/sh
# Builds native/stress/*.cpp and runs each program: asan (with UBSan), tsan, valgrind. Any report is a failure.
#   sh tools/sanitize.sh KIND... [-- PROGRAM...]     build/sanitize-KIND/ is kept, so that only changes compile
set -u
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
kinds=""
while [ $# -gt 0 ] && [ "$1" != "--" ]; do kinds="$kinds $1"; shift; done
[ $# -eq 0 ] || shift
programs=${*:-$(find native/stress -name '*.cpp' -exec basename {} .cpp \; 2>/dev/null | sort)}
[ -n "$programs" ] || { echo "sanitize: native/stress has no programs"; exit 1; }
# No environment of the caller's may soften a report.
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1:halt_on_error=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1"
failed=""
# g++ 12's ThreadSanitizer cannot start on kernels that place memory very much at random.
fixed_addresses="setarch $(uname -m) -R"
$fixed_addresses true 2>/dev/null || fixed_addresses=""

build() {
  case $1 in
    valgrind) options="-DCMAKE_BUILD_TYPE=RelWithDebInfo" ;;
    asan | tsan) options="-DCMAKE_BUILD_TYPE=RelWithDebInfo -DQC_SANITIZE=$1" ;;
    *) echo "sanitize: $1 is none of asan, tsan, valgrind"; exit 2 ;;
  esac
  # shellcheck disable=SC2086
  cmake -S . -B "build/sanitize-$1" -G Ninja -DQC_STRESS=ON $options -DPython_EXECUTABLE="$PWD/.venv/bin/python" \
    >"build/sanitize-$1.log" 2>&1 &&
    cmake --build "build/sanitize-$1" --target $programs >>"build/sanitize-$1.log" 2>&1
}

launch() {
  case $1 in
    valgrind) valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "$2" ;;
    tsan) $fixed_addresses "$2" ;;
    *) "$2" ;;
  esac
}

mkdir -p build
for kind in $kinds; do
  if [ "$kind" = valgrind ] && ! command -v valgrind >/dev/null 2>&1; then
    echo "sanitize: valgrind is missing: install it (Debian, Ubuntu: apt install valgrind)"
    failed="$failed valgrind"
    continue
  fi
  if ! build "$kind"; then
    tail -n 40 "build/sanitize-$kind.log"
    echo "FAIL  $kind: does not build"
    failed="$failed $kind"
    continue
  fi
  for program in $programs; do
    binary=$(find "build/sanitize-$kind" -type f -name "$program" -perm -100 | head -n 1)
    log="build/sanitize-$kind.$program.log"
    if launch "$kind" "$binary" >"$log" 2>&1; then
      echo "ok    $kind $program"
    else
      echo "FAIL  $kind $program"
      tail -n 60 "$log"
      failed="$failed $kind:$program"
    fi
  done
done

[ -z "$failed" ] || { echo "sanitize: failed:$failed"; exit 1; }
echo "sanitize: no report"
