#!/usr/bin/env bash
# `nsexec hold` killed with -9, wherever it is: its guardian undoes within a second, says so, and is gone too.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/hold-guardian.XXXXXX")
make_distroless
make_network
# LeakSanitizer gives up under ptrace, and would turn every traced run into a failure.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# undone_since MS WHAT: all of it is gone. By its guardian, whose end is looked for, since that needs no program, within a second; where none is known, within five: it may be on its way out of a cgroup in each hierarchy, at which the kernel of a busy machine takes its time, and the look at the network needs some, too.
undone_since() {
  local limit=1000
  if [[ -n ${GUARDIAN:-} ]]; then
    soon 3000 "the guardian is gone after $2" gone "$GUARDIAN"
  else
    limit=5000
    poll 10000 network_is "$T/network" || untouched
  fi
  local took=$(($(now_ms) - $1))
  echo "$2: gone after $took ms"
  in_time "$took" "$limit" "milliseconds to the revert after $2"
  untouched
}
log_says() { [[ $(jq -r '[.event, .by, .left] | join(" ")' "$T/termlog" 2>/dev/null) == "$1" ]]; }

on_guard() {
  : >"$T/termlog"
  begin_hold
  equal "$(<"/proc/$GUARDIAN/comm")" nsexec:guardian "name"
  local fd
  for fd in 0 1 2; do equal "$(readlink "/proc/$GUARDIAN/fd/$fd")" /dev/null "descriptor $fd"; done
  equal "$(for fd in "/proc/$GUARDIAN"/fd/*; do readlink "$fd"; done | tail -n +4 | tr -d '0-9' | xargs)" "anon_inode:[pidfd] socket:[] pipe:[] socket:[]" "its other descriptors"
  local hierarchy
  while read -r hierarchy; do
    equal "$(sed -n "s|^[0-9]*:$hierarchy:||p" "/proc/$GUARDIAN/cgroup")" / "its cgroup in $hierarchy"
  done < <(field active '.cgroups[] | select(.joined) | .hierarchy')
  equal "$(namespace_of "$GUARDIAN" net)" "$(namespace_of "$TARGET" net)" "net namespace"
  differ "$(awk '{print $6}' "/proc/$GUARDIAN/stat")" "$(awk '{print $6}' "/proc/$SHIM/stat")" "session"
  # What ends a shim by the word does not reach it.
  kill -TERM "$GUARDIAN"
  kill -INT "$GUARDIAN"
  ! within 100 gone "$GUARDIAN" || fail "it ended by TERM"
  stop_hold
  equal "$(jq -rs 'map(.event) | join(" ")' "$T/termlog")" "ended reverted" "termination log"
}
it "on guard: outside of every cgroup, without the container's stdio, deaf; an orderly end leaves none" on_guard

before_start() {
  start_hold
  undo_all
  apply_all
  kill -KILL "$SHIM"
  finish
  untouched
}
while_active() {
  local since
  : >"$T/termlog"
  begin_hold
  since=$(now_ms)
  kill -KILL "$SHIM"
  undone_since "$since" "a kill while active"
  finish
  soon 1000 "the termination log tells of it" log_says "reverted guardian 0"
}
while_applying() {
  local since
  GUARDIAN=
  start_hold
  undo_all
  apply_all
  # A child of the tool would put it back when the guardian has undone it.
  order apply sh -c '(setsid sh -c "sleep 1; ip link add chaos0 type ifb; : >$0/late") & : >"$0/slow"; wait' "$T"
  say start
  soon 5000 "the slow apply" test -e "$T/slow"
  guardian_now || fail "no guardian"
  since=$(now_ms)
  kill -KILL "$SHIM"
  undone_since "$since" "a kill while applying"
  ! within 1500 test -e "$T/late" || fail "a child of the tool has outlived it"
  untouched
}
while_ending() {
  local since
  begin_hold_with_slow_end
  say stop
  soon 5000 "the slow end" test -e "$T/slow"
  since=$(now_ms)
  kill -KILL "$SHIM"
  undone_since "$since" "a kill at the end, before the undo"
}
begin_hold_with_slow_end() {
  start_hold --sample-ms 60000
  order count c sh -c 'test ! -e "$0/active" || { : >"$0/slow"; sleep 2; }' "$T"
  undo_all
  apply_all
  say start
  await active
  GUARDIAN=$(jq -r .pid <<<"$LAST")
  answer c
  : >"$T/active"
}
it "killed before start: nothing was there" before_start
it "killed while active: undone within a second, and the termination log says by whom" while_active
it "killed while a tool applies: it ends with all that it started, and what it has done is undone" while_applying
it "killed at the end, before the undo: undone within a second" while_ending

container_killed() {
  local since agent=$ID/agent
  make_cgroup agent
  WRAP=(bash -c 'for h in $1; do echo $$ >"$h/cgroup.procs"; done; shift; exec "$@"' _ "${HIERARCHIES[*]/%//$CGROUP_TOP/agent}")
  begin_hold
  matches " $(cgroup_members agent | xargs) " " $SHIM " "members of the agent's cgroup"
  order ask hang sh -c 'sleep 77 & sleep 77'
  soon 3000 "all of the agent" has_members 4
  since=$(now_ms)
  # shellcheck disable=SC2046
  kill -KILL $(cgroup_members agent)
  undone_since "$since" "the kill of the container"
  soon 1000 "the cgroup is empty" no_members agent
}
has_members() { (($(cgroup_members agent | wc -l) >= $1)); }
it "the whole cgroup of the agent killed, as a container is: undone within a second" container_killed

replaced() {
  local first since i
  begin_hold
  for i in 1 2; do
    first=$GUARDIAN
    kill -KILL "$first"
    soon 3000 "another guardian" another_than "$first"
    soon 1000 "it is on guard" warned "$i"
  done
  applied
  equal "$(field warning .code)" guardian "warning"
  since=$(now_ms)
  kill -KILL "$SHIM"
  undone_since "$since" "a kill of guardian, guardian and shim"
}
warned() { (($(count_events warning) >= $1)); }
it "a guardian that is killed is replaced, and the next one undoes" replaced

both_in_turn() {
  local first delay since i
  for i in {1..6}; do
    begin_hold
    first=$GUARDIAN
    kill -KILL "$first"
    # While the next one is on its way.
    printf -v delay '0.%03d' "$((i - 1))"
    read -rt "$delay" -u "$IDLE" || true
    GUARDIAN=
    if guardian_now && [[ $GUARDIAN != "$first" ]]; then
      since=$(now_ms)
      kill -KILL "$SHIM"
      undone_since "$since" "a kill of the shim ${delay} s after its guardian's"
    else
      GUARDIAN=
      stop_hold
    fi
    finish
  done
}
it "killed while its next guardian is on its way: undone" both_in_turn

removed_under_it() {
  begin_hold
  kill -STOP "$GUARDIAN"
  in_target ip link del chaos0
  kill -KILL "$SHIM"
  finish
  in_target tc qdisc del dev t0 root
  local since
  since=$(now_ms)
  kill -CONT "$GUARDIAN"
  undone_since "$since" "half of it removed by somebody else"
}
it "what somebody else has removed meanwhile is undone already, for the guardian too" removed_under_it

target_too() {
  local ID TARGET CGROUP CGROUP_ARGS since
  make_another
  in_background other "$PROBES/probe-static" hold
  begin_hold
  since=$(now_ms)
  kill -KILL "$TARGET" "$SHIM"
  TARGET=$BACKGROUND
  undone_since "$since" "a kill of target and shim"
}
it "target and shim killed at once: undone where its network lives on" target_too

renamed() {
  begin_redirected
  rename t0 t7
  rename chaos0 other0
  kill -KILL "$SHIM"
  finish
  soon 2000 "the guardian is gone" gone "$GUARDIAN"
  rename t7 t0
  untouched
}
it "the device and the ifb link are called otherwise by now: undone by the guardian" renamed

renamed_at_once() {
  start_hold
  say "undo link chaos0"
  order_with $'link add chaos0 type ifb\nlink set dev chaos0 name z0\n' apply ip -batch -
  order apply sh -c ': >"$0/slow"; sleep 4' "$T"
  say start
  soon 5000 "the slow apply" test -e "$T/slow"
  guardian_now || fail "no guardian"
  kill -KILL "$SHIM"
  finish
  soon 2000 "the guardian is gone" gone "$GUARDIAN"
  untouched
}
it "an ifb link that is renamed as soon as it is made: the guardian has seen it" renamed_at_once

renamed_before_replacement() {
  begin_redirected
  local first=$GUARDIAN
  rename chaos0 other0
  kill -KILL "$first"
  soon 3000 "another guardian" another_than "$first"
  soon 1000 "it is on guard" warned 1
  kill -KILL "$SHIM"
  finish
  soon 2000 "the guardian is gone" gone "$GUARDIAN"
  untouched
}
it "an ifb link that was renamed before this guardian was there: undone by it" renamed_before_replacement

theirs() {
  begin_redirected
  in_target tc qdisc del dev t0 ingress
  others_clsact
  at_end in_target tc qdisc del dev t0 clsact
  in_target ip link set chaos0 name x0
  in_target ip link add chaos0 type veth peer name chaosp
  at_end in_target ip link del chaos0
  kill -KILL "$SHIM"
  finish
  soon 2000 "the guardian is gone" gone "$GUARDIAN"
  equal "$(in_target tc qdisc show dev t0 | grep -o 'clsact\|c4a0' | xargs)" clsact "qdiscs"
  matches "$(in_target tc filter show dev t0 ingress)" "Redirect to device void" "their filter"
  in_target ip -d -o link show chaos0 | grep -q veth || fail "their link is gone"
  ! in_target ip -o link show x0 2>/dev/null || fail "our link is there"
}
it "what somebody has put in the place of ours is left to them by the guardian, too" theirs

# --- at any point of its life

system_calls() {
  local total at
  network >"$T/network" 2>&1
  WRAP=("$PROBES/tripwire" --count "$T/count" --)
  traced_run
  total=$(<"$T/count")
  at_least "$total" 100 "system calls of a run"
  places 24 "$total"
  for at in "${PLACES[@]}"; do
    WRAP=("$PROBES/tripwire" --kill-at "$at" --)
    traced_run
    undone_since "$(now_ms)" "a kill at system call $at of $total"
  done
}
traced_run() {
  rm -f "$T/out"
  start_nsexec hold --container "$ID" --lease-ms 3000 --duration-ms 60 "${TOOLS[@]}"
  undo_all
  apply_all
  say start
  finish
}
stuck() {
  local ID TARGET CGROUP CGROUP_ARGS since GUARDIAN
  make_another
  begin_hold --duration-ms 2000 --lease-ms 0
  since=$(now_ms)
  kill -STOP "$SHIM"
  ! within 3000 network_is "$T/network" || fail "it was undone before its time"
  soon 12000 "the guardian's patience ends" network_is "$T/network"
  at_least $(($(now_ms) - since)) 9000 "milliseconds to the undo of a stopped shim"
  finish 2000
  equal "$STATUS" 137 "exit code: killed by its guardian"
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  untouched
}
# Long before its deadline: by its silence alone.
silent() {
  local ID TARGET CGROUP CGROUP_ARGS since GUARDIAN
  make_another
  begin_hold --duration-ms 600000 --lease-ms 0
  since=$(now_ms)
  kill -STOP "$SHIM"
  soon 25000 "the guardian has undone" network_is "$T/network"
  at_least $(($(now_ms) - since)) 13000 "milliseconds to the undo of a shim that hangs"
  finish 2000
  equal "$STATUS" 137 "exit code: killed by its guardian"
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  untouched
}
# Patience begins with `active`: applies may take longer than the whole fault.
slow_applies() {
  local ID TARGET CGROUP CGROUP_ARGS i GUARDIAN=
  make_another
  start_hold --duration-ms 500
  undo_all
  for i in 1 2 3; do order apply sh -c 'sleep 4'; done
  apply_all
  say start
  await active 30000
  finish
  ended_by deadline
  held_reverted
}
it "killed all over its own life (at the entry of a system call): nothing stays; stopped past its deadline, or silent for fifteen seconds: killed and undone; only slow to apply: not" \
  together system_calls stuck silent slow_applies
