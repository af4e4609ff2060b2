# shellcheck shell=bash
# What every step shares: where things are, how they speak, and who may work at a time. Sourced, never run.

# shellcheck source=process.sh
source "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/process.sh"
# shellcheck disable=SC2034  # used by the files that source this one
project=$(realpath "$here/../..")
# shellcheck disable=SC2034  # used by the files that source this one
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/kubectl-chaos
state_base=/var/lib/kubectl-chaos-test

# state_of CLUSTER: its directory. Not in the work tree: it holds mounts, sockets and a database, and there is one per machine.
state_of() { echo "$state_base/$1"; }
kubeconfig_of() { echo "$state_base/$1/admin.conf"; }

# The one way to kubectl: an explicit kubeconfig, so that the user's current context is neither read nor written.
kubectl_on() { # CLUSTER ARG...
  local conf; conf=$(kubeconfig_of "$1"); shift
  env -u KUBECONFIG kubectl --kubeconfig="$conf" --request-timeout=10s "$@"
}

# heartbeat WHAT: says that a long step still goes on until standard input closes: one line that moves on a terminal, a line a
# minute elsewhere. It ends with its writer, whatever ended that: no process is left behind by a killed run.
heartbeat() {
  local began=$SECONDS code=0 pause=60 moves=''
  [[ ! -t 2 ]] || pause=1 moves=1
  while :; do
    read -r -t "$pause" && code=0 || code=$?
    (( code > 128 )) || break
    if [[ $moves ]]; then printf '\r\033[Kcluster: %s (%s s)' "$1" $((SECONDS - began)) >&2
    else say "  … $1: $((SECONDS - began)) s so far"
    fi
  done
  [[ ! $moves ]] || printf '\r\033[K' >&2
}

# long_step WHAT LOG COMMAND...: runs it with its output in LOG; says the end of LOG when it fails.
long_step() {
  local what=$1 log=$2 beat beater code=0 began=$SECONDS; shift 2
  exec {beat}> >(heartbeat "$what"); beater=$!
  "$@" >>"$log" 2>&1 </dev/null || code=$?
  exec {beat}>&-
  wait "$beater" || true      # it clears its line before the next is written
  if (( code )); then tail -n 20 "$log" >&2; die "$what failed (exit code $code); the end of $log is above"; fi
  say "$what: done in $((SECONDS - began)) s"
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

# free_port FIRST: the first TCP port from FIRST that nothing on this machine listens on.
free_port() {
  local port used; used=$(awk 'FNR > 1 && $4 == "0A" {sub(/.*:/, "", $2); print $2}' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  for ((port = $1; port < $1 + 200; port++)); do
    grep -qx "$(printf %04X "$port")" <<<"$used" || { echo "$port"; return; }
  done
  die "no free TCP port from $1 to $port: end what listens there"
}
