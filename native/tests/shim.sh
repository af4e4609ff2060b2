# shellcheck shell=bash
# Driving the shim: start it, talk to it, read its events, wait for its end. Needs libtest.sh and fixtures.sh.

WRAP=() # what the shim is started through, e.g. (tripwire ...)

# start_shim OPTION... -- PROGRAM ARG...: `nsexec run` with stdin from us, events to $T/out, everything else to $T/err. SHIM is its pid.
start_shim() { start_nsexec run "$@"; }
start_nsexec() {
  [[ ! -e $T/in ]] || rm "$T/in"
  mkfifo "$T/in"
  : >"$T/out"
  exec {SHIM_IN}<>"$T/in"
  # Opened here: the shell of the background would open it too late for a test that hangs up at once, and wait for a writer for ever.
  local from
  exec {from}<"$T/in"
  "${WRAP[@]}" "$NSEXEC" "$@" {SHIM_IN}>&- {IDLE}>&- <&"$from" {from}<&- >"$T/out" 2>"$T/err" &
  SHIM=$!
  exec {from}<&-
  at_end end_shim "$SHIM"
}
end_shim() {
  gone "$1" || kill -KILL "$1"
  wait "$1" || true
}
say() { printf '%s\n' "$@" >&"$SHIM_IN"; }
hang_up() { exec {SHIM_IN}>&-; }

# The last line of the events that has EVENT, or nothing.
seen() {
  local line
  LAST=
  while IFS= read -r line; do [[ $line != *"\"event\":\"$1\""* ]] || LAST=$line; done <"$T/out"
  [[ -n $LAST ]]
}
seen_or_over() { seen "$1" || gone "$SHIM"; }
# await EVENT [LIMIT_MS]: LAST is its line.
await() {
  poll "${2:-10000}" seen_or_over "$1" || fail "no $1 event within ${2:-10000} ms"
  seen "$1" || fail "the shim ended without a $1 event"
}
# field EVENT FILTER: of the last such event, by jq.
field() { seen "$1" || fail "no $1 event"; value "$2" "$LAST"; }
# value FILTER JSON: jq -r. A plain scalar of a name that is there once needs no process; bash is slow on long text.
value() {
  local key="\"${1#.}\":" rest
  ((${#2} > 20000)) || rest=${2#*"$key"}
  if [[ $1 =~ ^\.[a-z0-9_]+$ && -n ${rest:-} && $2 == *"$key"* && $rest != *"$key"* && $rest =~ ^(\"([^\"\\]*)\"|(-?[0-9]+|true|false|null))[,}] ]]; then
    printf '%s\n' "${BASH_REMATCH[2]}${BASH_REMATCH[3]}"
  else
    jq -r "$1" <<<"$2"
  fi
}
count_events() { grep -c "\"event\":\"$1\"" "$T/out" || true; }

# finish [LIMIT_MS]: waits for the end; STATUS is the exit code.
finish() {
  if ! poll "${1:-10000}" gone "$SHIM"; then
    fail "the shim did not end within ${1:-10000} ms"
  fi
  STATUS=0
  wait "$SHIM" || STATUS=$?
}
# run_shim OPTION... -- PROGRAM ARG...: a whole run of a workload that ends by itself or by the deadline.
run_shim() {
  start_shim "$@"
  say start
  finish 20000
}
# begin OPTION... -- PROGRAM ARG...: until the workload is active. WORKLOAD is its pid.
begin() {
  start_shim "$@"
  say start
  await active
  WORKLOAD=$(value .pid "$LAST")
}
stop() {
  say stop
  finish
}

# What `probe report` told of KEY, first line.
reported() { sed -n "s/^$1=//p" "$T/err" | head -n 1; }
has_line() { grep -qx "$1" "$T/err"; }
said() { soon "${2:-5000}" "the workload says \"$1\"" has_line "$1"; }
family_is_there() { soon 5000 "the workload's family is there" grep -q "^family of" "$T/err"; }

# The verdicts on an end.
ended_by() { equal "$(field ended .reason)" "$1" "reason"; }
reverted() {
  local events
  mapfile -t events <"$T/out"
  equal "$(value .event "${events[-1]}")" reverted "last event"
  equal "$(value .left "${events[-1]}")" 0 "left"
  target_is_alone "${1:-$ID}"
}
# refused CODE: nothing was changed.
refused() {
  equal "$STATUS" 125 "exit code"
  equal "$(field error .code)" "$1" "error code"
  equal "$(field error .state)" unchanged "state"
  ! seen active || fail "it became active"
}
descendants() {
  local child
  for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null || true); do
    echo "$child"
    descendants "$child"
  done
}
# guardian_now: GUARDIAN is the one of SHIM.
guardian_now() {
  local pid
  for pid in $(cat "/proc/$SHIM/task/$SHIM/children" 2>/dev/null || true); do
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == nsexec:guardian ]] && GUARDIAN=$pid && return
  done
  return 1
}
another_than() { guardian_now && [[ $GUARDIAN != "$1" ]]; }
# end_guardian PID: one that goes on trying, with its child.
end_guardian() {
  local child
  for child in $(descendants "$1"); do end_process "$child"; done
  end_process "$1"
}
# places N TOTAL: PLACES are N numbers from 1 to TOTAL, each at random in its part of them: where a run is killed.
# With the sanitizers a sixth of them, since a process that is killed with -9 reports nothing: they look at its guardian.
places() {
  local i n=$1
  ((${SANITIZED:-0} == 0)) || n=$(($1 / 6))
  PLACES=()
  for ((i = 0; i < n; i++)); do PLACES+=($((1 + $2 * i / n + SRANDOM % ($2 / n + 1)))); done
}
