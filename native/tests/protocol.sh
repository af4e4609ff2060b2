#!/usr/bin/env bash
# Events on stdout, words on stdin, the termination log.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/protocol.XXXXXX")
make_distroless
HOLD=("$PROBES/probe-static" hold)

order() {
  begin --container "$ID" --sample-ms 100 -- "${HOLD[@]}"
  soon 3000 "two samples" has_samples 2
  stop
  equal "$(jq -r .event "$T/out" | grep -v -e sample -e warning | tr '\n' ' ')" "resolved active ended reverted " "events"
  jq -es 'all(type == "object" and (.event | type) == "string" and (.at_ms | type) == "number")' "$T/out" >/dev/null || fail "not one object a line, each with event and at_ms"
  equal "$(jq -s 'map(.at_ms) | . == sort' "$T/out")" true "events in order of at_ms"
  at_most $(($(now_ms) - $(field resolved .at_ms))) 20000 "at_ms in milliseconds of the real-time clock"
  local after
  after=$(jq -rs '(map(.event) | index("ended")) as $i | .[$i:] | map(.event) | join(" ")' "$T/out")
  matches "$after" "sample" "a sample after the end"
  equal "$(field reverted .by)" shim "who has reverted"
}
has_samples() { (($(count_events sample) >= $1)); }
it "events: resolved, active, samples, ended, a last sample, reverted, one JSON object a line" order

resolved_fields() {
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  equal "$(field resolved .pid)" "$TARGET" "pid"
  equal "$(field resolved .container)" "$ID" "container"
  equal "$(field resolved .comm)" pause "comm"
  equal "$(field resolved .kernel)" "$(uname -r)" "kernel"
  equal "$(field resolved .arch)" "$(uname -m)" "arch"
  equal "$(field resolved .start_ticks)" "$(awk '{print $22}' "/proc/$TARGET/stat")" "start_ticks"
  equal "$(field resolved .cgroup_mode)" "$MODE" "cgroup_mode"
  equal "$(field resolved .frozen)" false "frozen"
  equal "nsexec $(field resolved .version)" "$("$NSEXEC" --version)" "version"
  equal "$(field resolved '.sample | has("event")')" false "an event in the sample"
  equal "$(field resolved '.sample | has("elapsed_us")')" true "elapsed_us in the sample"
  say stop
  finish
}
it "resolved: pid, container, comm, kernel, arch, start_ticks, mode and a sample" resolved_fields

inspect() {
  snapshot_of_own >"$T/before"
  "$NSEXEC" inspect --container "$ID" >"$T/out" 2>"$T/err" || fail "exit code $?"
  snapshot_of_own | diff "$T/before" - || fail "inspect changed something"
  equal "$(wc -l <"$T/out")" 1 "lines"
  equal "$(field resolved .pid)" "$TARGET" "pid"
  equal "$(field resolved '.namespaces | length')" "$(ls /proc/self/ns | grep -vc for_children)" "namespaces"
  target_is_alone
}
it "inspect: one object, nothing changed" inspect

active_fields() {
  begin --container "$ID" -- "${HOLD[@]}"
  equal "$(field active '[.entered, .of] | tojson')" "[8,8]" "entered, of"
  in_time "$(field active .elapsed_ms)" 5000 "elapsed_ms"
  equal "$(tr '\0' ' ' <"/proc/$WORKLOAD/cmdline")" "${HOLD[*]} " "command line of the pid that active names"
  stop
}
it "active: the workload's host pid, eight of eight namespaces" active_fields

garbage() {
  local long
  long=$(printf 'x%.0s' {1..300})
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  say "Start" "start now" " start" "" "$long"
  printf 'st\0art\n\377\376{"a":1}\n%s start\n' "$long" >&"$SHIM_IN"
  soon 3000 "seven warnings" warned 7
  ! seen active || fail "garbage started it"
  say start
  await active
  stop
  equal "$(jq -r 'select(.event == "warning") | (.code | length > 0) and (.message | length > 0)' "$T/out" | sort -u)" true "every warning has a code and a message"
  reverted
}
warned() { (($(count_events warning) >= $1)); }
it "garbage and overlong lines are warnings and nothing else, binary ones too" garbage

workload_line() {
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  say "workload $PROBES/probe-static hold a%20b"
  say start
  await active
  WORKLOAD=$(field active .pid)
  equal "$(tr '\0' '|' <"/proc/$WORKLOAD/cmdline")" "$PROBES/probe-static|hold|a b|" "argv of the workload"
  say "workload $PROBES/probe-static exit 3"
  soon 3000 "the warning of one that comes too late" warned 1
  say stop
  finish
  ended_by stopped
}
it "workload: takes the place of what stands behind --, before start" workload_line

bad_workload_line() {
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  say "workload $PROBES/probe-dynamic hold"
  soon 3000 "the warning" warned 1
  say start
  finish
  equal "$(field error .code)" orders "code"
  equal "$(field error .state)" unchanged "state"
}
it "workload: one that cannot be taken forbids start" bad_workload_line

endless_line() {
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  head -c 1000000 /dev/zero | tr '\0' 'y' >&"$SHIM_IN"
  say "" start
  await active
  stop
  at_most "$(count_events warning)" 3 "warnings for one line of a million bytes"
  reverted
}
it "a line of a million bytes is one ignored line" endless_line

pieces() {
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  local letter
  for letter in s t a r t $'\n'; do
    printf '%s' "$letter" >&"$SHIM_IN"
    briefly
  done
  await active
  printf 'beat\nbeat\nst' >&"$SHIM_IN"
  briefly
  printf 'op\n' >&"$SHIM_IN"
  finish
  ended_by stopped
}
it "words that arrive in pieces, or several at once, are the same words" pieces

crlf_less_end() {
  start_shim --container "$ID" --lease-ms 1500 -- "${HOLD[@]}"
  await resolved
  printf 'start' >&"$SHIM_IN"
  hang_up
  finish 4000
  refused not-started
}
it "a word without its end of line is no word" crlf_less_end

full_pipe() {
  WRAP=("$PROBES/plug" full)
  start_shim --container "$ID" --sample-ms 100 --duration-ms 1500 --termination-log "$T/termlog" -- "$PROBES/probe-static" family child ignoring setsid daemon
  : >"$T/termlog"
  say start
  soon 5000 "the workload runs" more_than_target
  finish 5000
  target_is_alone
  equal "$(sed -n 's/.*"reason":"\([a-z-]*\)".*/\1/p' "$T/termlog")" deadline "reason in the termination log"
}
more_than_target() { (($(cgroup_members "$ID" | wc -l) > 1)); }
it "a full stdout that nobody reads: the run is as ever and reverts in time" full_pipe

full_pipe_stop() {
  WRAP=("$PROBES/plug" full)
  start_shim --container "$ID" --sample-ms 100 -- "${HOLD[@]}"
  say start
  soon 5000 "the workload runs" more_than_target
  said reported
  local since
  since=$(now_ms)
  stop
  in_time $(($(now_ms) - since)) 2500 "milliseconds from stop to the end"
  target_is_alone
}
it "a full stdout that nobody reads: stop is heard" full_pipe_stop

hung_up_pipe() {
  WRAP=("$PROBES/plug" hangup)
  run_shim --container "$ID" --sample-ms 100 --duration-ms 700 -- "${HOLD[@]}"
  target_is_alone
  at_most "$STATUS" 127 "exit code (128+n would be a death of SIGPIPE)"
}
it "a stdout whose reader has gone: no death by SIGPIPE, reverted" hung_up_pipe

closed_descriptors() {
  mkfifo "$T/words"
  (
    eval "exec $1"
    exec "$NSEXEC" run --container "$ID" --lease-ms 1000 --duration-ms 500 -- "$PROBES/probe-static" report
  ) >"$T/out" 2>"$T/err" < <(echo start) {IDLE}>&- &
  SHIM=$!
  at_end end_shim "$SHIM"
  finish 5000
  target_is_alone
  ! grep -rq '"event"' "/sys/fs/cgroup/$CGROUP_TOP" 2>/dev/null || fail "events were written to a cgroup"
}
it "descriptor 0 closed from the start: ends by itself, nothing left" closed_descriptors "0<&-"
variant "descriptor 1 closed from the start: events go nowhere else, nothing left" closed_descriptors "1>&-"
variant "descriptor 2 closed from the start: ends by itself, nothing left" closed_descriptors "2>&-"
it "descriptors 0 to 2 all closed from the start: ends by itself, nothing left" closed_descriptors "0<&- 1>&- 2>&-"

termination_log() {
  echo "of an earlier run, and longer than what comes now $(printf 'x%.0s' {1..5000})" >"$T/termlog"
  run_shim --container "$ID" --termination-log "$T/termlog" -- "$PROBES/probe-static" exit 9
  diff <(grep -e '"event":"ended"' -e '"event":"reverted"' "$T/out") "$T/termlog" || fail "the log does not hold ended and reverted, as on stdout"
  at_most "$(stat -c %s "$T/termlog")" 4096 "bytes"
}
it "termination log: ended and reverted, one line each" termination_log

termination_log_error() {
  : >"$T/termlog"
  run_shim --container "$(new_id)" --termination-log "$T/termlog" -- "$PROBES/probe-static" exit 9
  equal "$(jq -r .code "$T/termlog")" no-container "code"
}
it "termination log: an error" termination_log_error

termination_log_absent() {
  run_shim --container "$ID" --termination-log "$T/none" -- "$PROBES/probe-static" exit 0
  equal "$STATUS" 0 "exit code"
  [[ ! -e $T/none ]] || fail "it was made"
}
it "termination log: not made when it is not there" termination_log_absent

termination_log_symlink() {
  echo precious >"$T/precious"
  ln -s "$T/precious" "$T/termlog"
  run_shim --container "$ID" --termination-log "$T/termlog" -- "$PROBES/probe-static" exit 0
  equal "$STATUS" 0 "exit code"
  equal "$(cat "$T/precious")" precious "the file behind the symlink"
}
it "termination log: a symlink is not followed" termination_log_symlink

termination_log_fifo() {
  mkfifo "$T/termlog"
  run_shim --container "$ID" --termination-log "$T/termlog" -- "$PROBES/probe-static" exit 5
  equal "$STATUS" 5 "exit code"
  reverted
}
it "termination log: a FIFO that nobody reads does not hold the shim" termination_log_fifo
