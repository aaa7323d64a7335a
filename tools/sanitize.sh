#!/bin/sh
# Builds native/stress/*.cpp and runs each program: asan (with UBSan), tsan, valgrind, plain. Any report is a failure.
#   sh tools/sanitize.sh KIND... [-- PROGRAM...]     build/sanitize-*/ is kept, so that only changes compile
# A program runs under asan, tsan and valgrind, unless a line of it says otherwise: `// sanitize: plain` for one that
# replaces malloc, say. `// arguments of valgrind: 1000` gives it less to do there.
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
  sanitizer=$1
  [ "$1" != plain ] || sanitizer=""
  # Debug: assertions stay; CMakeLists.txt says how much each kind optimises.
  cmake -S . -B "build/sanitize-$1" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DQC_STRESS=ON -DQC_PYTHON=OFF \
    "-DQC_SANITIZE=$sanitizer" >"build/sanitize-$1.log" 2>&1 &&
    # shellcheck disable=SC2086
    cmake --build "build/sanitize-$1" --target $programs >>"build/sanitize-$1.log" 2>&1
}

# Valgrind runs what was built for no sanitizer.
folder() { case $1 in asan | tsan) echo "$1" ;; valgrind | plain) echo plain ;; esac; }

wanted() { # kind, program
  named=$(sed -n 's|^// sanitize: *||p' "native/stress/$2.cpp")
  case " ${named:-asan tsan valgrind} " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# shellcheck disable=SC2086
launch() { # kind, binary, program
  arguments=$(sed -n "s|^// arguments of $1: *||p" "native/stress/$3.cpp")
  case $1 in
    valgrind) valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "$2" $arguments ;;
    tsan) $fixed_addresses "$2" $arguments ;;
    *) "$2" $arguments ;;
  esac
}

mkdir -p build
for kind in $kinds; do
  if [ "$kind" = valgrind ] && ! command -v valgrind >/dev/null 2>&1; then
    echo "sanitize: valgrind is missing: install it (Debian, Ubuntu: apt install valgrind)"
    failed="$failed valgrind"
    continue
  fi
  place=$(folder "$kind")
  [ -n "$place" ] || { echo "sanitize: $kind is none of asan, tsan, valgrind, plain"; exit 2; }
  if ! build "$place"; then
    tail -n 40 "build/sanitize-$place.log"
    echo "FAIL  $kind: does not build"
    failed="$failed $kind"
    continue
  fi
  for program in $programs; do
    wanted "$kind" "$program" || continue
    binary=$(find "build/sanitize-$place" -type f -name "$program" -perm -100 | head -n 1)
    log="build/sanitize-$kind.$program.log"
    if launch "$kind" "$binary" "$program" >"$log" 2>&1; then
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
