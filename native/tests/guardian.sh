#!/usr/bin/env bash
# Killed with -9, wherever it is: no process stays in the target's cgroup but the target, no cgroup, no mount.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/guardian.XXXXXX")
make_distroless
# LeakSanitizer gives up under ptrace, and would turn every traced run into a failure.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

FAMILY=(child ignoring setsid daemon)
nothing_left() {
  soon 2000 "only the target is left after $1" only_target_left
  snapshot | diff "$T/before" - || fail "cgroups or mounts differ after $1"
}

random_moments() {
  local i delay
  snapshot >"$T/before"
  for i in {1..30}; do
    delay=$((SRANDOM % 120))
    start_shim --container "$ID" -- "$PROBES/probe-$([[ $((i % 2)) == 0 ]] && echo static || echo dynamic)" family "${FAMILY[@]}"
    say start
    read -rt "0.$(printf %03d "$delay")" -u "$IDLE" || true
    kill -KILL "$SHIM"
    finish
    nothing_left "a kill $delay ms after start"
  done
}
it "shim killed with -9 at thirty random moments leaves nothing" random_moments

system_calls() {
  local total at i
  snapshot >"$T/before"
  WRAP=("$PROBES/tripwire" --count "$T/count" --)
  run_shim --container "$ID" -- "$PROBES/probe-static" exit 0
  equal "$STATUS" 0 "exit code of the traced run"
  total=$(<"$T/count")
  at_least "$total" 50 "system calls of a run"
  for i in {0..39}; do
    # Spread over the run, each at a random place of its part.
    at=$((1 + total * i / 40 + SRANDOM % (total / 40 + 1)))
    WRAP=("$PROBES/tripwire" --kill-at "$at" --)
    start_shim --container "$ID" --lease-ms 3000 -- "$PROBES/probe-static" family "${FAMILY[@]}"
    say start
    poll 600 seen_or_over active || true
    gone "$SHIM" || say stop
    finish
    nothing_left "a kill at system call $at of $total (status $STATUS)"
  done
}
it "shim killed with -9 at forty places of its own life (at the entry of a system call) leaves nothing" system_calls

while_active() {
  snapshot >"$T/before"
  begin --container "$ID" -- "$PROBES/probe-$1" family "${FAMILY[@]}" bomb
  family_is_there
  local since
  since=$(now_ms)
  kill -KILL "$SHIM"
  nothing_left "a kill while active"
  in_time $(($(now_ms) - since)) 2000 "milliseconds to the last process"
}
it "shim killed with -9 while active: the whole family is gone within 2 s (static)" while_active static
it "shim killed with -9 while active: the whole family is gone within 2 s (dynamic)" while_active dynamic

own_processes() { # all between the shim and the workload
  local pid
  for pid in $(descendants "$SHIM"); do
    [[ $pid == "$WORKLOAD" || " $(descendants "$WORKLOAD" | tr '\n' ' ') " == *" $pid "* ]] || echo "$pid"
  done
}
helper_killed() {
  local index=0 helpers
  snapshot >"$T/before"
  while :; do
    begin --container "$ID" --grace-ms 300 -- "$PROBES/probe-static" family child ignoring setsid
    family_is_there
    mapfile -t helpers < <(own_processes)
    ((${#helpers[@]} > 0)) || fail "no helper process found below $SHIM"
    kill -KILL "${helpers[index]}"
    finish 5000
    differ "$STATUS" 0 "exit code after helper $index of ${#helpers[@]} was killed"
    seen ended || seen error || fail "no word about the end"
    nothing_left "helper $index of ${#helpers[@]} was killed"
    ((++index < ${#helpers[@]})) || break
  done
  echo "helpers: ${#helpers[@]}"
}
it "each helper process killed with -9: the run ends, says so, and leaves nothing" helper_killed

helper_stopped() {
  begin --container "$ID" --grace-ms 300 -- "$PROBES/probe-static" family child ignoring
  family_is_there
  local pid
  for pid in $(own_processes); do kill -STOP "$pid"; done
  stop
  reverted
}
it "helper processes that are stopped by SIGSTOP do not keep the revert from happening" helper_stopped

with_closed_ends() {
  snapshot >"$T/before"
  begin --container "$ID" -- "$PROBES/probe-static" family "${FAMILY[@]}"
  hang_up
  kill -KILL "$SHIM"
  nothing_left "a kill with stdin closed"
}
it "shim killed with -9 after its client has gone leaves nothing" with_closed_ends
