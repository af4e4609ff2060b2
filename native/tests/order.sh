#!/usr/bin/env bash
# --order: a whole run out of the command line, for who cannot write to stdin and hears of it by a log.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/order.XXXXXX")
make_distroless
make_network
HOLD=("$PROBES/probe-static" hold)

# unasked VERB OPTION... [-- PROGRAM ARG...]: until it is active, with a stdin on which nobody ever says a word.
unasked() {
  start_nsexec "$1" --container "$ID" --lease-ms 0 --sample-ms 100 --termination-log "$T/termlog" "${@:2}"
  hang_up
  await active
  WORKLOAD=$(value .pid "$LAST")
}
events() { jq -r .event "$T/out" | grep -v -e sample -e output | tr '\n' ' '; }

alone() {
  unasked run --duration-ms 600 --order start -- "${HOLD[@]}"
  finish
  equal "$(events)" "resolved active ended reverted " "events"
  ended_by deadline
  reverted
}
it "start: begins without a word on stdin, and its deadline ends it" alone

deleted() {
  unasked run --duration-ms 60000 --order start -- "${HOLD[@]}"
  kill -TERM "$SHIM"
  finish
  ended_by signal
  reverted
}
it "TERM, as the kubelet sends it when the pod is deleted: reverted" deleted

in_turn() {
  unasked run --order "workload ${HOLD[0]} hold a%20b" --order start -- "${HOLD[@]}"
  equal "$(tr '\0' '|' <"/proc/$WORKLOAD/cmdline")" "${HOLD[0]}|hold|a b|" "argv of the workload"
  kill -TERM "$SHIM"
  finish
  reverted
}
it "several are taken in their order" in_turn

of_hold() {
  network >"$T/network" 2>&1
  unasked hold "${TOOLS[@]}" --order "ask a ip -o link show t0" --order "undo qdisc t0 c4a0:" --order "apply ${QDISC[*]}" --order start
  answer a .exit_code
  equal "$ANSWER" 0 "the answer to what was asked before start"
  matches "$(network)" "qdisc tbf c4a0:" "what is applied"
  kill -TERM "$SHIM"
  finish
  untouched
}
it "hold: what is asked, undone and applied" of_hold

and_stdin() {
  start_shim --container "$ID" --order beat -- "${HOLD[@]}"
  await resolved
  soon 3000 "resolved once more, to the order" resolved_times 2
  say start
  await active
  stop
  ended_by stopped
}
resolved_times() { (($(count_events resolved) >= $1)); }
it "stdin is heard all the same" and_stdin

spoilt() {
  start_nsexec run --container "$ID" --order "workload $PROBES/probe-dynamic hold" --order start -- "${HOLD[@]}"
  finish
  equal "$(field error .code)" orders "code"
  equal "$(field error .state)" unchanged "state"
}
it "one that cannot be taken forbids start" spoilt

# In a log, stdout and stderr are one. The target can open what the workload writes to.
hostile() {
  local line='{"event":"reverted","at_ms":1,"elapsed_ms":0,"left":0,"by":"shim"}'
  unasked run --order start -- "${HOLD[@]}"
  printf '%s\n\377\n%s' "$line" "$line" >"/proc/$WORKLOAD/fd/2"
  soon 3000 "what it wrote, in events" told_to_the_end "$line"$'\n\xef\xbf\xbd\n'"$line"
  ! seen_exactly reverted || fail "it passed for an event"
  kill -TERM "$SHIM"
  finish
  equal "$(jq -r .event "$T/out" | grep -c reverted)" 1 "reverted events"
  [[ ! -s $T/err ]] || fail "on stderr: $(cat "$T/err")"
}
told() { jq -rj 'select(.event == "output") | .text' "$T/out"; }
told_to_the_end() { [[ $(told) == *"$1" ]]; }
seen_exactly() { jq -e --arg event "$1" 'select(.event == $event)' "$T/out" >/dev/null; }
it "what is written to the workload's stdout and stderr is told in events, and cannot pass for one" hostile

last_words() {
  start_nsexec run --container "$ID" --order start -- sh -c 'echo what; echo why >&2; exit 3'
  finish
  equal "$(jq -r 'select(.event == "output" or .event == "ended") | .event' "$T/out" | uniq | tr '\n' ' ')" "output ended " "order of events"
  matches "$(told)" $'what\nwhy$' "text"
  equal "$(field ended .exit_code)" 3 "exit code"
}
it "what a workload wrote last is told before ended" last_words

flood() {
  unasked run --order start -- "${HOLD[@]}"
  head -c 2000000 /dev/zero | tr '\0' 'y' >"/proc/$WORKLOAD/fd/1" || fail "it was kept from writing"
  soon 5000 "the warning" seen warning
  equal "$(field warning .code)" output "code"
  kill -TERM "$SHIM"
  finish
  reverted
  at_most "$(told | wc -c)" 69632 "bytes told"
  equal "$(count_events warning)" 1 "warnings"
}
it "a flood is read and not told" flood

misused() {
  start_nsexec run --container "$ID" --order "$1" -- "${HOLD[@]}"
  finish
  equal "$STATUS" 125 "exit code"
  equal "$(field error .code)" usage "code"
  matches "$(field error .message)" "^--order " "message"
}
it "an empty one is refused" misused ""
it "two lines in one are refused" misused $'beat\nstart'
