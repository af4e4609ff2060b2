#!/usr/bin/env bash
# The clocks, and the words on stdin that move them.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/lease.XXXXXX")
make_distroless
HOLD=("$PROBES/probe-static" hold)

# ended_between MIN MAX: run_ms of the ended event.
ended_between() {
  local run_ms
  run_ms=$(field ended .run_ms)
  at_least "$run_ms" "$1" "run_ms"
  in_time "$run_ms" "$2" "run_ms"
}

expires() {
  local asked since
  asked=$(now_ms)
  begin --container "$ID" --lease-ms 1000 -- "${HOLD[@]}"
  since=$(now_ms)
  finish 4000
  in_time $(($(now_ms) - since)) 2000 "milliseconds from active to the end"
  ended_by lease
  # The last word was `start`, and how long it takes from there to `active` is the machine's.
  at_least $(($(field ended .at_ms) - asked)) 1000 "milliseconds from before the last word to the end"
  reverted
}
it "lease expiry: no word for the lease reverts within lease + 1 s" expires

renewed() {
  local until
  begin --container "$ID" --lease-ms 1000 -- "${HOLD[@]}"
  until=$(($(now_ms) + 2600))
  while (($(now_ms) < until)); do
    say beat
    within 300 gone "$SHIM" && fail "it ended although it was beaten"
  done
  finish 4000
  ended_by lease
  ended_between 2500 4700
}
it "beat renews the lease" renewed

endless() {
  begin --container "$ID" --lease-ms 0 --duration-ms 2500 -- "${HOLD[@]}"
  hang_up
  finish 5000
  ended_by deadline
  ended_between 2400 3400
  reverted
}
it "--lease-ms 0: only the deadline ends it, stdin closed or not" endless

deadline() {
  start_shim --container "$ID" --duration-ms 700 -- "${HOLD[@]}"
  say start
  finish 3000
  ended_by deadline
  ended_between 650 1500
  equal "$STATUS" 0 "exit code"
  reverted
}
it "deadline: --duration-ms is counted from active and holds" deadline

deadline_beaten() {
  local until
  begin --container "$ID" --duration-ms 800 --lease-ms 1000 -- "${HOLD[@]}"
  until=$(($(now_ms) + 3000))
  while (($(now_ms) < until)) && ! gone "$SHIM"; do say beat; within 100 gone "$SHIM" || true; done
  finish 1000
  ended_by deadline
}
it "deadline: no beat moves it" deadline_beaten

eof() {
  begin --container "$ID" --lease-ms 2000 --duration-ms 10000 -- "${HOLD[@]}"
  hang_up
  ! within 1000 seen_or_over ended || fail "the end of stdin stopped it"
  finish 5000
  ended_by lease
}
it "stdin EOF is not a stop: the lease ends it" eof

eof_is_quiet() {
  begin --container "$ID" --lease-ms 3000 -- "${HOLD[@]}"
  hang_up
  is_quiet "without stdin"
  say_by_signal
}
# is_quiet WHEN: the shim is there for a second more, and sleeps.
is_quiet() {
  local before after
  before=$(cpu_ticks "$SHIM")
  ! within 1000 seen_or_over ended || fail "it ended $1"
  after=$(cpu_ticks "$SHIM")
  at_most $((after - before)) 10 "hundredths of a second of CPU in one second $1"
}
cpu_ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
say_by_signal() { kill -TERM "$SHIM"; finish; ended_by signal; }
it "stdin EOF does not make the shim spin" eof_is_quiet

waits_quietly() {
  start_shim --container "$ID" --duration-ms 100 -- "${HOLD[@]}"
  ! within 200 seen_or_over ended || fail "it ended before it began"
  is_quiet "before \`start\`"
  kill -TERM "$SHIM"
  finish
  refused not-started
}
it "a shim that waits for \`start\` longer than the duration does not spin" waits_quietly

not_started() {
  start_shim --container "$ID" --lease-ms 1000 -- "${HOLD[@]}"
  await resolved
  finish 3000
  refused not-started
  target_is_alone
}
it "not-started: without start it ends within the lease, nothing changed" not_started

not_started_no_lease() {
  start_shim --container "$ID" --lease-ms 0 --duration-ms 1000 -- "${HOLD[@]}"
  await resolved
  finish 3000
  refused not-started
}
it "not-started: with lease 0 it ends within the duration" not_started_no_lease

beaten_no_lease() {
  local until
  start_shim --container "$ID" --lease-ms 0 --duration-ms 1000 -- "${HOLD[@]}"
  until=$(($(now_ms) + 2600))
  while (($(now_ms) < until)); do
    say beat
    within 300 gone "$SHIM" && fail "it ended although it was beaten"
  done
  finish 3000
  refused not-started
}
it "with lease 0 the wait for start begins anew with every beat" beaten_no_lease

not_started_eof() {
  start_shim --container "$ID" --lease-ms 1000 -- "${HOLD[@]}"
  hang_up
  finish 3000
  refused not-started
}
it "not-started: stdin closed before start ends within the lease, nothing changed" not_started_eof

beat_before_start() {
  start_shim --container "$ID" --lease-ms 1000 -- "${HOLD[@]}"
  await resolved
  local until=$(($(now_ms) + 1800)) asked=0
  while (($(now_ms) < until)); do
    say beat
    asked=$((asked + 1))
    soon 1000 "beat $asked is answered" answered $((asked + 1))
    within 250 gone "$SHIM" && fail "it ended although it was beaten"
  done
  ! seen active || fail "a beat started it"
  say start
  await active
  stop
  equal "$(jq -c 'select(.event == "resolved") | .pid' "$T/out" | sort -u)" "$TARGET" "pid of every resolved"
  reverted
}
answered() { (($(count_events resolved) >= $1)); }
it "beat before start is answered with resolved once more, and renews the lease" beat_before_start

stop_before_start() {
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  stop
  refused not-started
  target_is_alone
}
it "stop before start ends it, nothing changed" stop_before_start

has_samples() { (($(count_events sample) >= $1)); }
start_twice() {
  begin --container "$ID" -- "${HOLD[@]}"
  say start
  soon 5000 "it has gone on for a while" has_samples $(($(count_events sample) + 2))
  equal "$(count_events active)" 1 "active events"
  stop
  reverted
}
it "a second start starts nothing" start_twice

stop_in_start() {
  local i
  for i in 1 2 3 4 5; do
    start_shim --container "$ID" -- "${HOLD[@]}"
    say start stop
    finish 4000
    target_is_alone
    ! seen active || reverted
  done
}
it "start and stop in one write leave nothing" stop_in_start
