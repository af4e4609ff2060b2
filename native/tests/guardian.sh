#!/usr/bin/env bash
# Killed with -9, wherever it is: no process stays in the target's cgroup but the target, no cgroup, no mount.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh" # together

T=$(mktemp -d "$RUN_TMP/guardian.XXXXXX")
make_distroless
# LeakSanitizer gives up under ptrace, and would turn every traced run into a failure.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

FAMILY=(child ignoring setsid daemon)
nothing_left() {
  soon 2000 "only the target is left after $1" only_target_left
  snapshot_of_own | diff "$T/before" - || fail "cgroups or mounts differ after $1"
}

random_moments() {
  local delay linkage=static
  snapshot_of_own >"$T/before"
  places 30 120
  for delay in "${PLACES[@]}"; do
    [[ $linkage == static ]] && linkage=dynamic || linkage=static
    start_shim --container "$ID" -- "$PROBES/probe-$linkage" family "${FAMILY[@]}"
    say start
    read -rt "0.$(printf %03d "$delay")" -u "$IDLE" || true
    kill -KILL "$SHIM"
    finish
    nothing_left "a kill $delay ms after start"
  done
}
it "shim killed with -9 at thirty moments leaves nothing" random_moments

system_calls() {
  local total at
  snapshot_of_own >"$T/before"
  WRAP=("$PROBES/tripwire" --count "$T/count" --)
  run_shim --container "$ID" -- "$PROBES/probe-static" exit 0
  equal "$STATUS" 0 "exit code of the traced run"
  total=$(<"$T/count")
  at_least "$total" 50 "system calls of a run"
  places 40 "$total"
  for at in "${PLACES[@]}"; do
    WRAP=("$PROBES/tripwire" --kill-at "$at" --)
    start_shim --container "$ID" --lease-ms 3000 -- "$PROBES/probe-static" family "${FAMILY[@]}"
    say start
    poll 600 seen_or_over active || true
    gone "$SHIM" || say stop
    finish
    nothing_left "a kill at system call $at of $total (status $STATUS)"
  done
}
it "shim killed with -9 all over its own life (at the entry of a system call) leaves nothing" system_calls

while_active() {
  snapshot_of_own >"$T/before"
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

own_processes() { # all between the shim and the workload, without the guardian, of which there is another at once
  local pid
  guardian_now || GUARDIAN=
  for pid in $(descendants "$SHIM"); do
    [[ $pid == "$WORKLOAD" || $pid == "$GUARDIAN" || " $(descendants "$WORKLOAD" | tr '\n' ' ') " == *" $pid "* ]] || echo "$pid"
  done
}
helper_killed() {
  local index=0 helpers
  snapshot_of_own >"$T/before"
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
  snapshot_of_own >"$T/before"
  begin --container "$ID" -- "$PROBES/probe-static" family "${FAMILY[@]}"
  hang_up
  kill -KILL "$SHIM"
  nothing_left "a kill with stdin closed"
}
it "shim killed with -9 after its client has gone leaves nothing" with_closed_ends

# hangs NAME COMMAND...: a run that is there, and whose shim does not go on any more. It is gone when its guardian has woken fifteen times.
hang_at() { # SIGNALLED: the shim is stopped when this is true
  local since doing=(family "${FAMILY[@]}")
  [[ $1 != is_stopping ]] || doing=(ignore-term)
  snapshot_of_own >"$T/before"
  start_shim --container "$ID" --duration-ms 600000 --lease-ms 0 --grace-ms 60000 -- "$PROBES/probe-static" "${doing[@]}"
  say start
  "$@"
  kill -STOP "$SHIM"
  since=$(now_ms)
  soon 25000 "it is killed" gone "$SHIM"
  soon 2000 "only the target is left after $*" only_target_left "$ID"
  at_least $(($(now_ms) - since)) 13000 "milliseconds until the guardian's patience ended"
  finish 3000
  equal "$STATUS" 137 "exit code: killed by its guardian"
  [[ -z ${GUARDIAN:-} ]] || soon 2000 "the guardian is gone" gone "$GUARDIAN"
  snapshot_of_own | diff "$T/before" - || fail "cgroups or mounts differ"
}
is_active() { await active; guardian_now; }
is_guarded() { soon 5000 "a guardian" guardian_now; }
# It waits for a workload that does not end by TERM.
is_stopping() {
  await active
  guardian_now
  soon 2000 "the workload ignores TERM" grep -q ready "$T/err"
  say stop
}
own_container() {
  local ID TARGET CGROUP CGROUP_ARGS GUARDIAN=
  make_distroless
  "$@"
}
hangs_active() { own_container hang_at is_active; }
hangs_starting() { own_container hang_at is_guarded; }
hangs_ending() { own_container hang_at is_stopping; }
# Slow is not stuck: what goes on now and then is left alone, however long it lasts.
slow() { [[ $SANITIZED == 1 ]] || own_container slow_one; }
slow_one() {
  local i
  begin --container "$ID" --duration-ms 600000 --lease-ms 0 -- "$PROBES/probe-static" hold
  guardian_now
  for i in 1 2; do
    kill -STOP "$SHIM"
    ! within 9000 gone "$SHIM" || fail "a shim that was only slow was killed"
    kill -CONT "$SHIM"
    soon 3000 "it goes on" has_samples $(($(count_events sample) + 1))
  done
  ! gone "$GUARDIAN" || fail "its guardian has gone"
  stop
  reverted "$ID"
}
has_samples() { (($(count_events sample) >= $1)); }
# Both are stopped, as they are with the machine: the time passes for both, and none of it counts.
paused() { [[ $SANITIZED == 1 ]] || own_container paused_machine; }
paused_machine() {
  begin --container "$ID" --duration-ms 600000 --lease-ms 0 -- "$PROBES/probe-static" hold
  guardian_now
  local until=$(($(now_ms) + 17000))
  kill -STOP "$GUARDIAN" "$SHIM"
  ! within 17000 gone "$SHIM" || fail "it was killed"
  kill -CONT "$GUARDIAN"
  ! within 2000 gone "$SHIM" || fail "the time in which the guardian did not run was counted"
  kill -CONT "$SHIM"
  stop
  reverted "$ID"
  at_least "$(now_ms)" "$until" "now"
}
it "a shim that hangs is killed with all of its workload after fifteen silent seconds, at the beginning, while active and at the end; one that is only slow goes on, and one whose machine was paused" \
  together hangs_starting hangs_active hangs_ending slow paused
