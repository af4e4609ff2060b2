#!/usr/bin/env bash
# L10: exit statuses unchanged, and every descendant gone at the end, whatever it did to get away.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/supervise.XXXXXX")
make_distroless

exits_with() {
  local code
  few "$@"
  for code in "${FEW[@]}"; do
    run_shim --container "$ID" -- "$PROBES/probe-$LINKAGE" exit "$code"
    equal "$STATUS" "$code" "exit code"
    equal "$(field ended '[.reason, .exit_code, .signal, .forced] | tojson')" "[\"exited\",$code,0,false]" "ended, for $code"
    reverted
  done
}
LINKAGE=static
it "L10: exit codes 0 to 2, 63, 64, 99, 100, 124 pass through unchanged (static)" exits_with 0 1 2 63 64 99 100 124
it "L10: a workload's own 125, 126, 127 are told from the shim's by the ended event" exits_with 125 126 127
it "L10: exit codes above 127 that are no signal's pass through unchanged" exits_with 128 129 137 143 192 193 254 255
LINKAGE=dynamic
it "L10: exit codes pass through unchanged (dynamic)" exits_with 0 1 77 125 127 255

dies_of() {
  local n
  few "$@"
  for n in "${FEW[@]}"; do
    run_shim --container "$ID" -- "$PROBES/probe-$LINKAGE" die "$n"
    equal "$STATUS" $((128 + n)) "exit code for signal $n"
    equal "$(field ended '[.reason, .exit_code, .signal, .forced] | tojson')" "[\"killed\",$((128 + n)),$n,false]" "ended, for signal $n"
    reverted
  done
}
LINKAGE=static
it "L10: death of signals 1 to 8 is 128+n" dies_of 1 2 3 4 5 6 7 8
it "L10: death of signals 9 to 16 is 128+n" dies_of 9 10 11 12 13 14 15 16
it "L10: death of signals 24 to 27 and 29 to 31 is 128+n" dies_of 24 25 26 27 29 30 31
it "L10: death of real-time signals 32 to 47 is 128+n" dies_of {32..47}
it "L10: death of real-time signals 48 to 64 is 128+n" dies_of {48..64}
LINKAGE=dynamic
it "L10: death of a signal is 128+n (dynamic)" dies_of 1 2 6 9 11 13 15 31 34 64

harmless() { # signals whose default is to do nothing
  local n
  for n in 17 18 23 28; do
    run_shim --container "$ID" -- "$PROBES/probe-static" die "$n"
    equal "$STATUS" 99 "exit code after signal $n"
  done
}
it "L10: a workload that sends itself CHLD, CONT, URG or WINCH lives on" harmless

stopped_workload() {
  begin --container "$ID" -- "$PROBES/probe-static" hold
  said reported
  kill -STOP "$WORKLOAD"
  soon 2000 "it is stopped" is_stopped "$WORKLOAD"
  ! gone "$SHIM" || fail "the shim ended because its workload was stopped"
  stop
  equal "$(field ended '[.reason, .exit_code, .forced] | tojson')" '["stopped",0,false]' "ended: it is continued, so that it hears the TERM"
  reverted
}
is_stopped() { [[ $(process_state "$1") == T ]]; }
it "L10: a workload that is stopped by SIGSTOP is no ended workload, and is removed all the same" stopped_workload

exits_on_term() {
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  said reported
  stop
  equal "$STATUS" 0 "exit code"
  equal "$(field ended '[.reason, .exit_code, .signal, .forced] | tojson')" '["stopped",0,0,false]' "ended"
  reverted
}
it "L10: a workload that ends on TERM ends with its own exit code, without force (static)" exits_on_term static
it "L10: a workload that ends on TERM ends with its own exit code, without force (dynamic)" exits_on_term dynamic

ignores_term() {
  local since took
  begin --container "$ID" --grace-ms 700 -- "$PROBES/probe-static" ignore-term
  said ready
  since=$(now_ms)
  stop
  took=$(($(now_ms) - since))
  equal "$STATUS" 137 "exit code"
  equal "$(field ended '[.reason, .signal, .forced] | tojson')" '["stopped",9,true]' "ended"
  at_least "$took" 700 "milliseconds from stop to the end"
  in_time "$took" 2200 "milliseconds from stop to the end"
  reverted
}
it "L10: a workload that ignores TERM is killed after the grace, and not before" ignores_term

no_grace() {
  begin --container "$ID" --grace-ms 0 -- "$PROBES/probe-static" ignore-term
  said ready
  local since
  since=$(now_ms)
  stop
  in_time $(($(now_ms) - since)) 1000 "milliseconds from stop to the end"
  reverted
}
it "L10: --grace-ms 0 kills at once" no_grace

survivors() { # the kinds of descendants; with "exit" last the workload itself ends first
  begin --container "$ID" --grace-ms 200 -- "$PROBES/probe-$LINKAGE" family "$@"
  family_is_there
  local members
  members=$(cgroup_members "$ID")
  if [[ ${*: -1} != exit ]]; then
    at_least "$(wc -w <<<"$members")" 3 "processes in the target's cgroup"
    stop
    ended_by stopped
  else
    finish
    ended_by exited
    equal "$STATUS" 0 "exit code"
  fi
  reverted
  local pid
  for pid in $members; do
    [[ $pid == "$TARGET" ]] || gone "$pid" || fail "process $pid is still there: $(cat "/proc/$pid/stat")"
  done
}
LINKAGE=static
it "L10: children that ignore TERM are gone afterwards" survivors child ignoring
it "L10: children in a session of their own are gone afterwards" survivors setsid
it "L10: daemons (forked twice, descriptors closed) are gone afterwards" survivors daemon daemon
it "L10: a fork bomb of 200 that ignores TERM is gone afterwards" survivors bomb
it "L10: descendants of a workload that has exited are gone when the run ends" survivors child ignoring setsid daemon exit
LINKAGE=dynamic
it "L10: descendants of every kind are gone afterwards (dynamic)" survivors child ignoring setsid daemon bomb

unreaped() {
  # With SIGCHLD ignored by whoever started us the kernel reaps for us, and a supervisor waits for ever.
  WRAP=(env --ignore-signal=CHLD)
  run_shim --container "$ID" -- "$PROBES/probe-static" exit 7
  equal "$STATUS" 7 "exit code"
  reverted
}
it "L10: SIGCHLD ignored by the shim's parent changes nothing" unreaped

# times_woken PID: how often it has slept until now.
times_woken() { sed -n 's/^voluntary_ctxt_switches:\t//p' "/proc/$1/status"; }

slow_entry() {
  local before
  make_distroless
  limit_cpu "$ID" 1000 100000
  start_shim --container "$ID" -- "$PROBES/probe-static" hold
  before=$(times_woken "$SHIM")
  say start
  await active 20000
  # A dozen words of its children, a sample a second, and five looks; what it says itself woke it by hundreds.
  at_most $(($(times_woken "$SHIM") - before)) 60 "times that the shim was woken while the workload entered"
  limit_cpu "$ID" 100000 100000
  stop
  reverted
}
it "a workload that enters a target with hardly any CPU keeps nobody else busy" slow_entry
