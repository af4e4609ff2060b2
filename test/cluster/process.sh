# shellcheck shell=bash
# Waiting for things and knowing processes: for the programs on this machine and for those in the VM. Sourced, never run.

# shellcheck disable=SC2034  # here: for the files that source this one
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")

say() { echo "cluster: $*" >&2; }
die() { echo "cluster: $*" >&2; exit 1; }
not() { ! "$@"; }

# wait_until SECONDS COMMAND...: polls, at most that long, every $PAUSE seconds (default 0.1).
wait_until() {
  local limit=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do (( SECONDS < limit )) || return 1; sleep "${PAUSE:-0.1}"; done
}

# start_time PID: clock ticks since boot; with the pid it names one process for ever, pids alone are reused. Nothing for one
# that has ended and only waits to be reaped, which is not for us to do.
start_time() {
  local stat; { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  # shellcheck disable=SC2086  # fields
  set -- ${stat##*) }
  [[ $1 == Z ]] || echo "${20}"
}

# recorded_alive PIDFILE: prints the pid when the very process that was recorded ("PID STARTTIME") still lives.
recorded_alive() {
  local pid began
  read -r pid began 2>/dev/null <"$1" || return 1
  [[ $began && $(start_time "$pid") == "$began" ]] && echo "$pid"
}

# kill_recorded PIDFILE: ends that process, and waits until it is gone.
kill_recorded() {
  local pid; pid=$(recorded_alive "$1") || return 0
  kill -KILL "$pid" 2>/dev/null || true
  wait_until 10 not recorded_alive "$1" || die "process $pid does not end although killed; see /proc/$pid/stack"
}
