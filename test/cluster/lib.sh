# shellcheck shell=bash
# What every step shares: where things are, how they speak, and who may work at a time. Sourced, never run.

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
project=$(realpath "$here/../..")
# shellcheck disable=SC2034  # used by the files that source this one
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/kubectl-chaos
state_base=/var/lib/kubectl-chaos-test

say() { echo "cluster: $*" >&2; }
die() { echo "cluster: $*" >&2; exit 1; }

# state_of CLUSTER: its directory. Not in the work tree: it holds mounts, sockets and a database, and there is one per machine.
state_of() { echo "$state_base/$1"; }
kubeconfig_of() { echo "$state_base/$1/admin.conf"; }

# The one way to kubectl: an explicit kubeconfig, so that the user's current context is neither read nor written.
kubectl_on() { # CLUSTER ARG...
  local conf; conf=$(kubeconfig_of "$1"); shift
  env -u KUBECONFIG kubectl --kubeconfig="$conf" --request-timeout=10s "$@"
}

# heartbeat WHAT: a line now and then until standard input closes, so that a long step is not silent. It ends with its
# writer, whatever ended that: no process is left behind by a killed run.
heartbeat() {
  local began=$SECONDS code=0
  while :; do
    read -r -t 10 && code=0 || code=$?
    (( code > 128 )) || return 0
    say "  … $1: $((SECONDS - began)) s so far"
  done
}

# long_step WHAT LOG COMMAND...: runs it with its output in LOG; says the end of LOG when it fails.
long_step() {
  local what=$1 log=$2 beat code=0 began=$SECONDS; shift 2
  exec {beat}> >(heartbeat "$what")
  "$@" >>"$log" 2>&1 </dev/null || code=$?
  exec {beat}>&-
  if (( code )); then tail -n 20 "$log" >&2; die "$what failed (exit code $code); the end of $log is above"; fi
  say "$what: done in $((SECONDS - began)) s"
}

# wait_until SECONDS COMMAND...: polls, at most that long.
wait_until() {
  local limit=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do (( SECONDS < limit )) || return 1; sleep 0.1; done
}

# hold_lock FILE: one process at a time from here to the end of this shell (descriptor 9, which children keep until they end
# or close it). The file may be removed by its holder: hence the comparison.
hold_lock() {
  mkdir -p "$(dirname "$1")"
  local told=
  while :; do
    exec 9>>"$1"
    if ! flock -n 9; then
      [[ $told ]] || say "waiting for another run (process $(tail -n 1 "$1" 2>/dev/null)) that holds $1"
      told=1; flock -w 10 9 || { say "  … still waiting"; continue; }
    fi
    [[ $1 -ef /proc/self/fd/9 ]] && break
  done
  echo "$$" >"$1"
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
not() { ! "$@"; }

# free_port FIRST: the first TCP port from FIRST that nothing on this machine listens on.
free_port() {
  local port used; used=$(awk 'FNR > 1 && $4 == "0A" {sub(/.*:/, "", $2); print $2}' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  for ((port = $1; port < $1 + 200; port++)); do
    grep -qx "$(printf %04X "$port")" <<<"$used" || { echo "$port"; return; }
  done
  die "no free TCP port from $1 to $port: end what listens there"
}
