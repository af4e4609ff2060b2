# shellcheck shell=bash
# The harness of the behaviour tests: cases, verdicts, assertions, polling. Sourced by every test file, which `run` starts.
set -euo pipefail
: "${NSEXEC:?run it through native/tests/run}" "${PROBES:?}" "${RUN_TMP:?}" "${RESULTS:?}"
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FILE=$(basename "${BASH_SOURCE[-1]}" .sh)

# A descriptor on which nothing ever arrives: `read -t` on it is a pause that needs no process.
exec {IDLE}<> <(:)

CASES=0
CLEANUPS=()
# What must happen at the end of the test (or of the file, outside of one), last in first out, whatever the outcome.
at_end() {
  local command
  printf -v command '%q ' "$@"
  CLEANUPS+=("$command")
}
run_cleanups() {
  local i
  for ((i = ${#CLEANUPS[@]} - 1; i >= 0; i--)); do eval "${CLEANUPS[i]}" || true; done
  CLEANUPS=()
}
trap run_cleanups EXIT

# it TITLE COMMAND [ARG...]: one case. The command runs in a subshell of its own with T, an empty folder; it passes when it ends with 0.
# $RESULTS gets one word for each. What it printed is shown when it fails.
it() {
  local title="$FILE: $1" status since=$EPOCHREALTIME verdict reason=
  shift
  [[ -z ${PATTERN:-} || $title =~ $PATTERN ]] || return 0
  CASES=$((CASES + 1))
  local T=$RUN_TMP/case.$FILE.$CASES
  mkdir -m 700 "$T"
  set +e
  (
    set -eE
    CLEANUPS=()
    trap run_cleanups EXIT
    trap 'echo "ended with $? at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
    "$@"
  ) >"$T/log" 2>&1 </dev/null
  status=$?
  set -e
  [[ ! -e $T/reason ]] || reason=$(<"$T/reason")
  case $status in
    0) verdict=passed ;;
    77) verdict=skipped && [[ ${CI:-} != true ]] || verdict=failed ;;
    78) verdict=na ;;
    *) verdict=failed ;;
  esac
  # A sanitizer's report is a failure even where the exit code did not show it.
  if [[ ${SANITIZED:-0} == 1 ]] && grep -qsE 'runtime error:|(Address|Leak|UndefinedBehavior)Sanitizer' "$T/err" "$T/log"; then verdict=failed; fi
  echo "$verdict" >>"$RESULTS"
  local took=$(((${EPOCHREALTIME/./} - ${since/./}) / 1000))
  case $verdict in
    passed) echo "ok - $title ($took ms)" ;;
    skipped) echo "ok - $title # skipped: $reason" ;;
    na) echo "ok - $title # not applicable: $reason" ;;
    failed)
      echo "not ok - $title ($took ms)"
      ((status != 77)) || echo "# skipped where it should run: $reason"
      show_evidence "$T" | sed 's/^/#   /'
      ;;
  esac
  rm -rf "$T"
}

# variant TITLE COMMAND [ARG...]: what `it` has shown with another value, program or fact of the kernel. Not with the sanitizers: they look at the code, which is the same.
variant() { ((${SANITIZED:-0})) || it "$@"; }

show_evidence() {
  local f
  for f in "$1"/log "$1"/out "$1"/err; do
    [[ -s $f ]] || continue
    echo "--- $(basename "$f")"
    tail -n 25 "$f" | tr '\0' '@' | cut -c1-1200
  done
}

skip() { echo "$*" >"$T/reason"; exit 77; }
na() { echo "$*" >"$T/reason"; exit 78; }
fail() { echo "FAILED: $*"; exit 1; }

equal() { [[ $1 == "$2" ]] || fail "${3:-value}: expected <$2>, got <$1>"; }
differ() { [[ $1 != "$2" ]] || fail "${3:-value}: expected anything but <$2>"; }
matches() { [[ $1 =~ $2 ]] || fail "${3:-value}: expected a match of <$2>, got <$1>"; }
at_most() { (($1 <= $2)) || fail "${3:-value}: expected at most $2, got $1"; }
# As at_most, for a time: a machine that is emulated gets PATIENCE times as long, as it does in poll.
in_time() { at_most "$1" $(($2 * ${PATIENCE:-1})) "${3:-milliseconds}"; }
at_least() { (($1 >= $2)) || fail "${3:-value}: expected at least $2, got $1"; }
# few VALUE...: FEW are all of them; with the sanitizers, which look at the code and not at the values, the first and the last.
few() { FEW=("$@"); ((${SANITIZED:-0} == 0 || $# < 3)) || FEW=("$1" "${@: -1}"); }
need() { command -v "$1" >/dev/null || skip "$1 is not installed"; }

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
# PACE: seconds between two looks, for one that costs more than the usual.
briefly() { read -rt "${PACE:-0.01}" -u "$IDLE" || true; }
# within MS COMMAND...: until the command succeeds; 1 when the time is over. For what must not happen; for what must, there is poll.
within() {
  local until=$((${EPOCHREALTIME/./} + $1 * 1000))
  shift
  until "$@"; do
    ((${EPOCHREALTIME/./} < until)) || return 1
    briefly
  done
}
poll() { within $(($1 * ${PATIENCE:-1})) "${@:2}"; }
# soon LIMIT_MS WHAT COMMAND...: as poll, and fails naming WHAT. Three times as long where it must be, since a machine may be busy with something else: how soon something is to be is for in_time to say.
soon() { poll $((3 * $1)) "${@:3}" || fail "not within $((3 * $1)) ms: $2"; }
# Asked a hundred times a second by all that waits: no process is started for it.
gone() {
  local STATE
  state_of "$1"
  [[ $STATE == [XZ] ]]
}
process_state() {
  local STATE
  state_of "$1"
  echo "$STATE"
}
# state_of PID: STATE is its letter in /proc/PID/stat; X when there is no such process.
state_of() {
  STATE=X
  local line
  [[ -e /proc/$1/stat ]] && { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
  line=${line##*) }
  STATE=${line%% *}
}
end_process() { gone "$1" || kill -KILL "$1" 2>/dev/null || true; }
# The device and inode of a path, as `probe report` writes them.
id_of() { local device inode; read -r device inode < <(stat -Lc '%d %i' "$1"); printf '%x:%s' "$device" "$inode"; }
status_of() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" 2>/dev/null || true; }
