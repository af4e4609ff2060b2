#!/usr/bin/env bash
# L10: what happens to a signal that is sent to the shim.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/signals.XXXXXX")
make_distroless

forwards() {
  local name
  begin --container "$ID" -- "$PROBES/probe-$1" signals
  said ready
  for name in USR1 USR2 QUIT WINCH ALRM VTALRM PROF IO PWR RTMIN+6 RTMAX; do
    kill -s "$name" "$SHIM"
    said "signal $(kill -l "$name")" 2000
  done
  ! grep -q '^signal 15$' "$T/err" || fail "TERM arrived although nobody stopped it"
  ! gone "$SHIM" || fail "the shim ended of a signal that it forwards"
  stop
  ended_by stopped
  said "signal 15"
}
it "L10: USR1, USR2, QUIT, WINCH, ALRM, VTALRM, PROF, IO, PWR and real-time signals are forwarded (static)" forwards static
variant "L10: USR1, USR2, QUIT, WINCH, ALRM, VTALRM, PROF, IO, PWR and real-time signals are forwarded (dynamic)" forwards dynamic

forwarded_death() {
  begin --container "$ID" -- "$PROBES/probe-static" hold
  said reported
  kill -QUIT "$SHIM"
  finish
  equal "$STATUS" 131 "exit code"
  equal "$(field ended '[.reason, .signal, .forced] | tojson')" '["killed",3,false]' "ended"
  reverted
}
it "L10: a workload that dies of a forwarded signal is reported as killed by it" forwarded_death

ends_run() {
  begin --container "$ID" -- "$PROBES/probe-static" hold
  said reported
  kill -s "$1" "$SHIM"
  finish
  ended_by signal
  equal "$STATUS" 0 "exit code: the workload's own after TERM"
  reverted
}
it "L10: TERM to the shim ends the run with reason signal" ends_run TERM
variant "L10: INT to the shim ends the run with reason signal" ends_run INT
variant "L10: HUP to the shim ends the run with reason signal" ends_run HUP

stop_signal() {
  begin --container "$ID" --any-signal -- "$PROBES/probe-static" hold
  said reported
  kill -s "$1" "$SHIM"
  finish
  ended_by signal
  equal "$STATUS" 0 "exit code: the workload's own after TERM"
  reverted
}
for name in QUIT WINCH USR1 USR2 RTMIN+3 TERM; do
  it "a runtime's $name, of an image that names it as its STOPSIGNAL, ends the run as TERM does" stop_signal "$name"
done

twice() {
  begin --container "$ID" --grace-ms 800 -- "$PROBES/probe-static" ignore-term
  said ready
  kill -TERM "$SHIM"
  kill -INT "$SHIM"
  kill -TERM "$SHIM"
  finish
  equal "$(field ended '[.reason, .forced] | tojson')" '["signal",true]' "ended"
  equal "$(count_events ended)" 1 "ended events"
  reverted
}
it "L10: a second TERM or INT during the grace leaves nothing unreverted" twice

before_start() {
  start_shim --container "$ID" -- "$PROBES/probe-static" hold
  await resolved
  kill -s "$1" "$SHIM"
  finish 3000
  refused not-started
  target_is_alone
}
it "L10: TERM before start ends the shim, nothing changed" before_start TERM
variant "L10: INT before start ends the shim, nothing changed" before_start INT

stop_signal_before_start() {
  start_shim --container "$ID" --any-signal -- "$PROBES/probe-static" hold
  await resolved
  kill -QUIT "$SHIM"
  finish 3000
  refused not-started
  target_is_alone
}
it "a runtime's QUIT before start ends the shim, nothing changed" stop_signal_before_start

dispositions() { # LINKAGE PREFIX...
  WRAP=("${@:2}")
  run_shim --container "$ID" -- "$PROBES/probe-$1" report
  equal "$(reported sig_ignored)" 0 "ignored signals of the workload"
  equal "$(reported sig_blocked)" 0 "blocked signals of the workload"
}
it "L10: nothing of the shim's own signal handling reaches the workload (static)" dispositions static
variant "L10: nothing of the shim's own signal handling reaches the workload (dynamic)" dispositions dynamic
# glibc's posix_spawn starts programs so, and make does by it.
it "L10: nor the two signals that posix_spawn leaves ignored (static)" dispositions static "$PROBES/probe-static" deaf
ODD=(env --ignore-signal=HUP --ignore-signal=TTOU --block-signal=USR2)
it "L10: nor what the shim's parent ignored and blocked (static)" dispositions static "${ODD[@]}"
variant "L10: nor what the shim's parent ignored and blocked (dynamic)" dispositions dynamic "${ODD[@]}"
