#!/usr/bin/env bash
# `nsexec agent`: many shims in one container, each with its own target, over one stdin and one stdout.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"
. "$TESTS/toolbox-fixtures.sh"
. "$TESTS/agent-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/agent.XXXXXX")
HOLD=("$PROBES/probe-static" hold)
make_targets a b c

two() {
  start_agent
  equal "$(field agent '.version + " " + .arch + " " + (.targets | length | tostring)')" "$("$NSEXEC" --version | cut -d' ' -f2) $(uname -m) 0" "what it says of itself"
  begin_run a
  begin_run b
  await_each resolved a b
  equal "$(field_of a resolved .pid) $(field_of b resolved .pid)" "${TARGETS[a]} ${TARGETS[b]}" "their targets"
  ! seen_of a active || fail "it began without start"
  say "all start"
  await_each active a b
  local name
  for name in a b; do
    as "$name"
    cgroup_members "$ID" | grep -qx "$(field_of "$name" active .pid)" || fail "the workload of $name is not in its target's cgroup"
  done
  await_each sample a b
  stop_agent
  ended_as a stopped
  ended_as b stopped
  gone_well a b
  equal "$(field over '[.reason, .targets, .reverted, .unchanged, .unknown] | @text')" '["stopped",2,2,0,0]' "the end"
  equal "$(jq -c 'del(.at_ms)' "$T/termlog")" '{"event":"over","reason":"stopped","targets":2,"unknown":0,"unchanged":0,"reverted":2}
{"target":"a","end":"reverted"}
{"target":"b","end":"reverted"}' "termination log"
}
it "two targets: begun, started and stopped by one line each, tagged, and reverted" two

twenty() {
  local names=() n
  for n in {1..20}; do names+=("web-$n"); done
  make_targets "${names[@]}"
  start_agent
  for n in "${names[@]}"; do begin_run "$n"; done
  await_each resolved "${names[@]}"
  say "all start"
  await_each active "${names[@]}"
  equal "$(jq -r 'select(.event == "active") | .at_ms' "$T/out" | sort -n | sed -n '1p;$p' | xargs | awk '{print ($2 - $1 < 5000)}')" 1 "all within 5 s"
  local kib
  kib=$(awk '/^Private_(Clean|Dirty)/ {n += $2} END {print n}' "/proc/$SHIM/smaps_rollup")
  ((SANITIZED)) || at_most "$kib" 1024 "KiB of the agent's own with twenty shims"
  stop_agent
  gone_well "${names[@]}"
  equal "$(field over .reverted)" 20 "reverted"
}
it "twenty targets: all start at once, and one stop ends them" twenty

later() {
  start_agent
  begin_run a
  say "to a start"
  await_of a active
  begin_hold_of b
  await_of b resolved
  tell b "ask 1 ip -o link show t0"
  await_of b answer
  equal "$(value '.id + .stdout[0:9]' "$LAST")" "13: t0@t1:" "what it answered"
  remember_network b
  order_fault b
  tell b start
  await_of b active
  fault_is_there b
  say beat
  soon 3000 "the beat is answered" agent_says '[["a","run","active"],["b","hold","active"]]'
  tell b stop
  gone_well b
  network_as_before b
  ! seen_of a ended || fail "the other has ended too"
  # A name that is free again.
  begin_hold_of b
  soon 5000 "it is begun once more" twice_begun b
  soon 5000 "it is resolved once more" agent_says '[["a","run","active"],["b","hold","resolved"]]' beat
  tell b stop
  soon 5000 "it is gone once more" times gone 2
  tell a stop
  gone_well a
  soon 3000 "both are gone" agent_says '[["a","run","gone"],["b","hold","gone"]]' beat
  stop_agent
}
# agent_says JSON [LINE]: after saying LINE.
agent_says() {
  [[ -z ${2:-} ]] || { say "$2"; briefly; briefly; }
  seen agent && [[ $(jq -c '[.targets[] | [.name, .command, .state]]' <<<"$LAST") == "$1" ]]
}
times() { (($(count_events "$1") >= $2)); }
twice_begun() { times begun 3; }
it "one is begun, works, and is stopped while another is active; a beat is answered by who is there" later

dies() {
  make_targets mortal
  start_agent
  begin_run mortal
  begin_run a
  await_each resolved mortal a
  say "all start"
  await_each active mortal a
  kill -KILL "${TARGETS[mortal]}"
  await_about mortal gone
  ended_as mortal target-gone
  ! within 500 seen_of a ended || fail "the other has ended too"
  say beat
  stop_agent
  ended_as a stopped
}
it "one target dies: its shim says so and is gone, the other goes on" dies

# a with a fault in its network, b with a workload, both told to start.
tell_both() {
  start_agent
  remember_network a
  begin_hold_of a
  begin_run b
  await_each resolved a b
  order_fault a
  say "all start"
}
# a with a fault in its network, b with a workload, both active. PID is the shim of a.
hold_and_run() {
  tell_both
  await_each active a b
  fault_is_there a
  shim_of a
}
killed_hold() {
  hold_and_run
  kill -KILL "$PID"
  await_about a gone
  equal "$(jq -c '[.exit_code, .signal, .end]' <<<"$LAST")" '[137,9,"reverted"]' "gone"
  equal "$(field_of a reverted .by)" guardian "who reverted"
  network_as_before a
  ! within 500 seen_of b ended || fail "the other has ended too"
  stop_agent
  gone_well b
}
it "a shim of hold killed with -9: its guardian undoes and says so through the agent, the other goes on" killed_hold

killed_run() {
  start_agent
  begin_run a -- "$PROBES/probe-static" family child ignoring setsid daemon
  begin_run b
  await_each resolved a b
  say "all start"
  await_each active a b
  shim_of a
  kill -KILL "$PID"
  await_about a gone
  equal "$(jq -c '[.exit_code, .signal, .end]' <<<"$LAST")" '[137,9,"unknown"]' "gone"
  as a
  soon 2000 "only the target is left" only_target_left
  begin_run a
  await_about a refused
  matches "$(value .message "$LAST")" "not known" "message"
  say stop
  over 1
  gone_well b
  equal "$(jq -r '.target // .event' "$T/termlog" | xargs)" "over a b" "termination log, what is not known first"
  equal "$(field over '[.targets, .unknown, .reverted] | @text')" "[2,1,1]" "targets"
}
it "a shim of run killed with -9: its workload ends, the other goes on, and the agent's end says what is not known" killed_run

killed_agent() {
  hold_and_run
  begin_run c
  await_of c resolved
  local pids=()
  mapfile -t pids < <(descendants "$SHIM")
  at_least "${#pids[@]}" 7 "processes"
  kill -KILL "$SHIM"
  finish
  network_as_before a
  local pid name
  for pid in "${pids[@]}"; do soon 5000 "process $pid is gone" gone "$pid"; done
  for name in a b c; do
    as "$name"
    target_is_alone
  done
  # Each for itself, since there is no agent to do it.
  equal "$(jq -rs 'map([.target, .end, .code // ""] | join(" ")) | sort | join(",")' "$T/termlog")" "a reverted ,b reverted ,c unchanged not-started" "termination log"
}
it "the agent killed with -9: every shim reverts at once, and leaves its last words in the log" killed_agent

# Whatever they are at: nothing waits for anything here. What is forked has the agent's command line.
at_moments() {
  local delay
  remember_network a
  places 18 200
  for delay in "${PLACES[@]}"; do
    start_agent
    begin_hold_of a
    begin_run b -- "$PROBES/probe-dynamic" family child ignoring setsid
    order_fault a
    say "all start"
    read -rt "0.$(printf %03d "$delay")" -u "$IDLE" || true
    kill -KILL "$SHIM"
    finish
    soon 5000 "nobody is left after a kill $delay ms after start" nobody_left
    network_as_before a
    target_is_alone
    as b
    target_is_alone
  done
}
nobody_left() { ! pgrep -f -- "--termination-log $T/termlog" >"$T/left"; }
it "the agent killed with -9 at eighteen moments leaves nothing" at_moments

killed_together() {
  local round pids pid
  for round in 1 2 3; do
    tell_both
    ((round == 1)) || await_of a active
    mapfile -t pids < <(descendants "$SHIM")
    # As when the container is killed: agent and shims, and not who is outside.
    shim_of a
    local shims=("$PID")
    shim_of b
    shims+=("$PID")
    kill -KILL "$SHIM" "${shims[@]}"
    finish
    for pid in "${pids[@]}"; do soon 5000 "process $pid is gone" gone "$pid"; done
    network_as_before a
    as b
    soon 2000 "only the target is left" only_target_left
  done
}
it "the agent killed together with its shims: their guardians undo" killed_together

lease() {
  start_agent --lease-ms 2000
  begin_run a --lease-ms 2000
  begin_run b --lease-ms 0
  await_each resolved a b
  say "all start"
  await_each active a b
  local until=$(($(now_ms) + 3500))
  while (($(now_ms) < until)); do
    say beat
    within 500 gone "$SHIM" && fail "it ended although it was beaten"
  done
  ! seen ended || fail "a shim ended although the agent was beaten"
  local since
  since=$(now_ms)
  over
  in_time $(($(now_ms) - since)) 4500 "milliseconds from the last beat to the end"
  ended_as a lease
  ended_as b stopped
  gone_well a b
  equal "$(field over .reason)" lease "reason"
}
it "lease: one beat is for all; without any, each ends by its own, and the agent ends those that have none" lease

hung_up() {
  start_agent --lease-ms 3000
  begin_run a --lease-ms 3000
  await_of a resolved
  say "all start"
  await_of a active
  hang_up
  ! within 1000 seen_of a ended || fail "the end of stdin stopped it"
  over
  ended_as a lease
}
it "the end of stdin is not a stop: the leases end it" hung_up

signalled() { # SIGNAL OPTION...
  start_agent "${@:2}"
  begin_run a
  begin_run b
  begin_run c
  await_each resolved a b c
  say "to a start" "to b start"
  await_each active a b
  kill "-$1" "$SHIM"
  over
  ended_as a signal
  ended_as b signal
  gone_well a b
  equal "$(field_about c gone .end)" unchanged "what was not started"
  equal "$(field over .reason)" signal "reason"
}
it "TERM reverts all of them" signalled TERM
variant "HUP reverts all of them" signalled HUP
it "--any-signal: WINCH, as an image may name it, reverts all of them" signalled WINCH --any-signal

not_any() {
  start_agent
  begin_run a
  await_of a resolved
  kill -WINCH "$SHIM"
  kill -PIPE "$SHIM"
  ! within 300 gone "$SHIM" || fail "it ended"
  stop_agent
}
it "another signal ends nothing" not_any

stops() {
  two_active
  tell a stop
  gone_well a
  ! seen_of b ended || fail "the other has ended too"
  say "all stop"
  gone_well b
  ! within 300 gone "$SHIM" || fail "the agent has ended too"
  begin_run a
  soon 5000 "one is begun after all were stopped" times begun 3
  stop_agent
}
it "stop one, stop all, and the agent is there for more" stops

# The target can write what its workload can.
hostile() {
  local forged='{"target":"b","event":"reverted","at_ms":1,"elapsed_ms":0,"left":0,"by":"shim"}'
  two_active
  local pid
  pid=$(field_of a active .pid)
  printf '\n%s\n{"event":"over"}\n\030\n\377\n%s' "$forged" "$forged" | tee "/proc/$pid/fd/1" >"/proc/$pid/fd/2"
  soon 3000 "what it wrote, told of a" told_of a "$forged"
  ! seen_of b reverted || fail "it passed for an event of b"
  ! seen over || fail "it passed for an event of the agent"
  # No descriptor of the workload is one of the agent's or of a shim's.
  local ours theirs
  ours=$(for pid in "$SHIM" $(cat "/proc/$SHIM/task/$SHIM/children"); do readlink "/proc/$pid"/fd/{0,1,3} || true; done | grep pipe | sort)
  theirs=$(readlink "/proc/$(field_of a active .pid)"/fd/* | sort)
  [[ -z $(comm -12 <(echo "$ours") <(echo "$theirs")) ]] || fail "the workload has a pipe of ours"
  stop_agent
  [[ ! -s $T/err ]] || fail "on stderr: $(cat "$T/err")"
}
told_of() { jq -rj --arg name "$1" 'select(.target == $name and .event == "output") | .text' "$T/out" | grep -qF "$2"; }
it "what a workload writes is told as its output, and passes for no other's line" hostile

flood() {
  two_active
  local pid samples
  pid=$(field_of a active .pid)
  samples=$(samples_of b)
  tr '\0' '\n' </dev/zero >"/proc/$pid/fd/1" {IDLE}>&- &
  at_end end_process "$!"
  soon 3000 "samples of the other" has_samples_of b $((samples + 5))
  end_process "$!"
  at_most "$(stat -c %s "$T/out")" 1000000 "bytes"
  stop_agent
}
samples_of() { grep -c "\"target\":\"$1\",\"event\":\"sample\"" "$T/out" || true; }
has_samples_of() { (($(samples_of "$1") >= $2)); }
it "a workload that writes without end delays no other" flood

# A reader that does not read: $T/out is a pipe until read_out, from when on its content is in $T/read.
start_unread() {
  mkfifo "$T/out"
  at_end rm -f "$T/out"
  exec {UNREAD}<>"$T/out"
  : >"$T/termlog"
  start_nsexec agent --termination-log "$T/termlog"
}
read_out() {
  cat <&"$UNREAD" >"$T/read" &
  at_end end_process "$!"
}
slow() {
  local name id
  start_unread
  for name in a b c; do begin_hold_of "$name"; done
  for id in {1..12}; do
    for name in a b c; do
      line_of ask "$id" sh -c "head -c 150000 /dev/zero | tr '\\0' $name; printf %s $name >&2"
      tell "$name" "$LINE"
    done
  done
  begin_shim d run --container "${IDS[a]}" --sample-ms 100 -- "${HOLD[@]}"
  tell d start
  # All of it is stuck behind the pipe.
  within 3000 false || true
  local kib
  kib=$(awk '/^VmHWM/ {print $2}' "/proc/$SHIM/status")
  ((SANITIZED)) || at_most "$kib" 6000 "KiB of the agent's that nobody reads"
  read_out
  say beat
  soon 30000 "all answers" all_answered
  say stop
  finish 20000
  within 300 false || true
  rm "$T/out"
  mv "$T/read" "$T/out"
  whole_lines
  for name in a b c; do
    equal "$(jq -r --arg name "$name" 'select(.target == $name and .event == "answer") | .id' "$T/out" | xargs)" "$(echo {1..12})" "answers of $name, in their order"
    equal "$(jq -r --arg name "$name" 'select(.target == $name and .event == "answer") | (.stdout | length | tostring) + .stderr' "$T/out" | sort -u)" "150000$name" "their text"
  done
  # As of a single shim: the life cycle is there, samples that nobody waited for are not.
  equal "$(jq -r 'select(.target == "d") | .event' "$T/out" | grep -vx -e sample -e output | xargs)" "resolved active ended reverted" "the life of d"
}
all_answered() { (($(grep -c '"event":"answer"' "$T/read" || true) >= 36)); }
it "a slow reader: nothing but samples is lost, no line is broken, and little is kept" slow

away() {
  start_unread
  begin_run a --sample-ms 100 --duration-ms 2500
  begin_run b --sample-ms 100 --duration-ms 60000
  # Full.
  timeout 1 sh -c 'head -c 65536 /dev/zero | tr "\0" "\n" >"$1"' _ "$T/out" || true
  say "all start"
  as a
  soon 10000 "the workload of a is there" has_company
  soon 10000 "its deadline has ended it" only_target_left
  as b
  ! only_target_left || fail "the other has ended too"
  # Nor is there an end to what is kept of what is refused.
  head -n 30000 < <(yes "begin x sweep <") >&"$SHIM_IN"
  say "to b beat"
  soon 10000 "it has read all of it" drained
  local kib
  kib=$(awk '/^VmHWM/ {print $2}' "/proc/$SHIM/status")
  ((SANITIZED)) || at_most "$kib" 3000 "KiB of the agent's after 30000 lines that it refused"
  kill -TERM "$SHIM"
  finish 15000
  equal "$STATUS" 0 "exit code"
  target_is_alone
  equal "$(jq -rs 'map(.end // .reason) | join(" ")' "$T/termlog")" "signal reverted reverted" "termination log"
}
# An agent that is idle has read all that it was told.
drained() { [[ $(awk '{print $14 + $15}' "/proc/$SHIM/stat") == "${TICKS:-}" ]] || { TICKS=$(awk '{print $14 + $15}' "/proc/$SHIM/stat"); briefly; briefly; briefly; briefly; briefly; return 1; }; }
has_company() { ! only_target_left; }
it "a reader that is away: deadlines and TERM hold, and the log tells" away

taken_up() {
  start_agent
  # A client that is gone within a line, and the next one, which begins with an empty line.
  line_of run --container "${IDS[a]}" --duration-ms 600 -- "${HOLD[@]}"
  printf 'begin a %s' "${LINE%?}" >&"$SHIM_IN"
  say ""
  await_about a refused
  begin_run a
  await_of a resolved
  printf 'to a sta' >&"$SHIM_IN"
  say "" "to a beat"
  soon 3000 "the beat is answered" resolved_twice
  ! seen_of a active || fail "half a word started it"
  equal "$(field_of a warning .code)" stdin "what was made of the half"
  say "to a start"
  await_of a active
  printf 'stop' >&"$SHIM_IN"
  say ""
  over
}
resolved_twice() { (($(grep -c '"target":"a","event":"resolved"' "$T/out") >= 2)); }
it "a broken stream is taken up with an empty line, and a begin that was cut off begins nothing" taken_up

garbage() {
  start_agent
  begin_run a
  await_of a resolved
  head -c 200000 /dev/urandom >&"$SHIM_IN"
  say ""
  printf 'to a \0\0start\nto a\0 start\nall\0 stop\nstop\0\n' >&"$SHIM_IN"
  head -c 3000000 /dev/zero | tr '\0' 'x' >&"$SHIM_IN"
  say "" start "to" "to a" "to a " "to b start" "to A start" "to $(printf 'a%.0s' {1..33}) start" "all" "all " "begin" "begin a" "chunk 0 QUJD" "tools x" "end a" " to a start" "to  a start"
  say "to a beat"
  soon 20000 "the beat is answered" resolved_twice
  ! seen_of a active || fail "it was started"
  ! gone "$SHIM" || fail "it has ended"
  at_least "$(count_events warning)" 10 "warnings"
  say "to a start"
  await_of a active
  stop_agent
  gone_well a
}
it "garbage is warned of, and does nothing" garbage

too_long() {
  start_agent
  begin_hold_of a
  begin_run b
  await_each resolved a b
  { printf 'to a undo link '; head -c 1100000 /dev/zero | tr '\0' 'x'; echo; } >&"$SHIM_IN"
  { printf 'to b workload probe-static '; head -c 20000 /dev/zero | tr '\0' 'x'; echo; } >&"$SHIM_IN"
  { printf 'begin c run '; head -c 1100000 /dev/zero | tr '\0' 'x'; echo; } >&"$SHIM_IN"
  say "all start"
  await_of a error
  await_of b error
  equal "$(field_of a error .code) $(field_of b error .code)" "orders orders" "what was said without a part of it"
  await_about c refused
  stop_agent
  equal "$(field over .unchanged)" 2 "unchanged"
}
it "a line that is too long for its shim forbids that to start, as it would by itself" too_long

refused_begin() { # MATCH WORD...
  start_agent
  begin_shim x "${@:2}"
  await_about x refused
  matches "$(value .message "$LAST")" "$1" "message"
  say beat
  soon 3000 "the beat is answered" times agent 2
  equal "$(field agent '.targets | length')" 0 "shims"
  say stop
  over
  equal "$(field over .targets)" 0 "targets"
}
refuse() { variant "not begun: $1" refused_begin "${@:2}"; }
RUN=(run --container "${IDS[a]}")
refuse "inspect" "run.*hold.*inspect" inspect --container "${IDS[a]}"
refuse "sweep" "run.*hold.*sweep" sweep --remove
refuse "an agent" "run.*hold.*agent" agent
refuse "--version" "run.*hold" --version
refuse "fill" "unknown command" fill --bytes 1
refuse "another program" "unknown command" /bin/sh -c true
refuse "--any-signal" "--any-signal" "${RUN[@]}" --any-signal -- true
refuse "--termination-log" "--termination-log" "${RUN[@]}" --termination-log /etc/passwd -- true
refuse "an unknown option" "--frobnicate" "${RUN[@]}" --frobnicate -- true
refuse "no target" "--container" run -- true
it "not begun: more words than there may be" refused_begin "at most 128 words" "${RUN[@]}" -- $(printf 'x %.0s' {1..129})

names() {
  start_agent
  begin_run a
  begin_run a
  await_about a refused
  matches "$(value .message "$LAST")" "one called .a. already" "message"
  local name
  for name in "" A a_b a.b ../x "$(printf 'a%.0s' {1..33})"; do say "begin $name run --container ${IDS[a]} -- true <"; done
  say "begin $(printf 'a%.0s' {1..32}) run --container ${IDS[b]} -- true <"
  await_about "$(printf 'a%.0s' {1..32})" begun
  equal "$(count_events begun)" 2 "begun"
  stop_agent
}
it "a name is 1 to 32 of [a-z0-9-], and one shim's alone" names

many() {
  local n names=()
  start_agent
  for n in {1..130}; do begin_shim "n$n" run --container "${IDS[a]}" --sample-ms 60000 -- "${HOLD[@]}"; done
  await_about n129 refused
  await_about n130 refused
  equal "$(count_events begun)" 128 "begun"
  for n in {1..128}; do names+=("n$n"); done
  soon 60000 "all are resolved" tagged_times resolved 128
  say stop
  over 0 60000
  equal "$(field over .unchanged)" 128 "unchanged"
  at_most "$(stat -c %s "$T/termlog")" 4096 "bytes of the termination log"
}
tagged_times() { (($(grep -c "^{\"target\":\"[a-z0-9-]*\",\"event\":\"$1\"" "$T/out" || true) >= $2)); }
variant "128 shims are the most" many

descriptors() {
  start_agent
  begin_run a
  begin_hold_of b
  begin_hold_of c --toolbox
  await_each resolved a b c
  remember_network b
  order_fault b
  say "to a start" "to b start"
  await_each active a b
  local name pid fd shared STDERR=none
  local -A pipes
  # It is for what they find.
  ((!SANITIZED)) || STDERR=$T/err
  for name in a b c; do
    shim_of "$name"
    # What it has in common with the agent is its own stdin and stdout, and the link of one that waits for a toolbox has its other end there.
    shared=$(comm -12 <(links "$PID") <(links "$SHIM") | grep -v -e /dev/null -e 'anon_inode' -e "$STDERR" || true)
    equal "$(wc -l <<<"$shared")" 2 "what $name shares with the agent: $(xargs <<<"$shared")"
    equal "$(readlink "/proc/$PID/fd/0")" "$(grep -xF "$(readlink "/proc/$PID/fd/0")" <<<"$shared")" "its stdin"
    ((SANITIZED)) || equal "$(readlink "/proc/$PID/fd/1") $(readlink "/proc/$PID/fd/2")" "/dev/null /dev/null" "its stdout and stderr"
    pipes[$name]=$(links "$PID" | grep -e pipe: -e socket:)
    differ "$(ps -o sid= -p "$PID")" "$(ps -o sid= -p "$SHIM")" "session"
    equal "$(ps -o sid= -p "$PID" | xargs)" "$PID" "session of its own"
    # Its guardian has the one to the agent, and none of the container's.
    for pid in $(cat "/proc/$PID/task/$PID/children"); do
      [[ $(cat "/proc/$pid/comm") == nsexec:guardian ]] || continue
      for fd in 0 1 2; do equal "$(readlink "/proc/$pid/fd/$fd")" /dev/null "descriptor $fd of the guardian"; done
      equal "$(comm -12 <(links "$pid") <(links "$SHIM") | grep -c pipe: || true)" 1 "pipes of the guardian of $name to the agent"
    done
  done
  [[ -z $(comm -12 <(echo "${pipes[a]}") <(echo "${pipes[b]}")) && -z $(comm -12 <(echo "${pipes[a]}") <(echo "${pipes[c]}")) && -z $(comm -12 <(echo "${pipes[b]}") <(echo "${pipes[c]}")) ]] ||
    fail "two shims share a pipe or a socket"
  ! links "$(field_about a begun .pid)" | grep -vF "$STDERR" | grep -qF "$T/" || fail "a shim has a descriptor of the agent's stdio"
  stop_agent
  network_as_before b
}
links() { for fd in "/proc/$1"/fd/*; do readlink "$fd" || true; done | sort -u; }
it "a shim has two pipes of the agent's, a session of its own, and nothing of another's" descriptors

toolbox() {
  make_toolbox "$T/box" ip tc "$PROBES/probe-dynamic"
  start_agent
  remember_network a
  begin_shim a hold --container "${IDS[a]}" --toolbox --tool ip --tool tc
  begin_shim b run --container "${IDS[b]}" --toolbox -- probe-dynamic hold
  await_each resolved a b
  # What is asked before waits for it.
  tell a "ask early ip -o link show t0"
  cat "$T/box/lines" >&"$SHIM_IN"
  soon 30000 "the toolbox is ready" toolbox_is_ready
  await_of a answer
  equal "$(value .id "$LAST")" early "what was asked before the toolbox came"
  equal "$(value .exit_code "$LAST")" 0 "its exit code"
  # One that is begun when it is there.
  begin_shim c run --container "${IDS[c]}" --toolbox -- probe-dynamic hold
  await_of c resolved
  order_fault a
  say "all start"
  await_each active a b c
  fault_is_there a
  equal "$(grep -c '"event":"tools".*"ready":true' "$T/out")" 1 "it was ready once"
  ! grep '^{"target".*"event":"tools"' "$T/out" || fail "a shim has spoken of a toolbox"
  # It is in use.
  say "tools other 3 $(printf '0%.0s' {1..64}) 512"
  soon 3000 "another is refused" warned "another toolbox is in use"
  stop_agent
  gone_well a b c
  network_as_before a
}
warned() { jq -r 'select(.event == "warning") | .message' "$T/out" | grep -q "$1"; }
it "a toolbox comes once, and every shim has it: of run and hold, begun before and after" toolbox

no_toolbox() {
  start_agent
  begin_shim a hold --container "${IDS[a]}" --toolbox --tool ip
  begin_run b
  await_each resolved a b
  tell a "tools test 3 $(printf '0%.0s' {1..64}) 512"
  soon 3000 "a toolbox for one is refused" seen_of a warning
  say "all start"
  await_of a error
  equal "$(field_of a error .code)" orders "code"
  await_of b active
  stop_agent
  equal "$(field_about a gone .end)" unchanged "what became of it"
}
it "without its toolbox one does not start, and the other does" no_toolbox

spoilt_toolbox() {
  start_agent
  begin_shim a hold --container "${IDS[a]}" --toolbox --tool ip
  await_of a resolved
  say "tools test 3 $(printf '0%.0s' {1..64}) 512" "chunk 0 QUJD"
  soon 3000 "the problem" tools_problem
  stop_agent
}
tools_problem() { seen tools && [[ $LAST == *'"problem":"'*SHA-256* ]]; }
it "a toolbox that is not what was announced is said to be none" spoilt_toolbox

frozen() {
  hold_and_run
  kill -STOP "$PID"
  local until=$(($(now_ms) + 2000))
  while (($(now_ms) < until)); do
    say beat
    briefly
  done
  # Its guardian sees that it hangs; what it was told meanwhile keeps nobody.
  local before
  before=$(grep -c '"target":"b","event":"sample"' "$T/out")
  await_about a gone 25000
  equal "$(jq -c '[.signal, .end]' <<<"$LAST")" '[9,"reverted"]' "gone"
  network_as_before a
  at_least "$(grep -c '"target":"b","event":"sample"' "$T/out")" $((before + 10)) "samples of the other meanwhile"
  stop_agent
  ended_as b stopped
}
variant "a shim that hangs keeps no other from anything, until its guardian ends it" frozen

deaf() {
  start_agent
  begin_hold_of a
  begin_run b
  await_each resolved a b
  shim_of a
  kill -STOP "$PID"
  local n
  for n in 1 2 3; do { printf 'to a compare x ip '; head -c 1000000 /dev/zero | tr '\0' 'x'; echo; } >&"$SHIM_IN"; done
  soon 5000 "the warning" warned "does not read its lines"
  say "to b start"
  await_of b active
  kill -CONT "$PID"
  await_about a gone
  equal "$(value .end "$LAST")" unchanged "what became of it"
  stop_agent
  gone_well b
}
it "one that does not read is ended rather than that a line is lost" deaf

# The client goes away; a and b end by their own time, and the agent with them.
over_by_deadlines() {
  hang_up
  over
  ended_as a deadline
  ended_as b deadline
  gone_well a b
  equal "$(field over .reason)" over "reason"
}
unasked() {
  line_of run --container "${IDS[a]}" --lease-ms 0 --duration-ms 500 --order start -- "${HOLD[@]}"
  local first=$LINE
  line_of run --container "${IDS[b]}" --lease-ms 0 --duration-ms 900 --order start -- "${HOLD[@]}"
  : >"$T/termlog"
  start_nsexec agent --termination-log "$T/termlog" --lease-ms 0 --order "begin a $first <" --order "begin b $LINE <"
  over_by_deadlines
}
it "without stdin: what is begun by --order ends by its deadlines, and the agent with the last" unasked

left_alone() {
  start_agent --lease-ms 0 --order beat
  begin_run a --lease-ms 0 --duration-ms 500
  begin_run b --lease-ms 0 --duration-ms 900
  await_each resolved a b
  say "all start"
  await_each active a b
  over_by_deadlines
  equal "$(jq -rs 'map(select(.event == "gone").ended.reason) | join(",")' "$T/out")" "deadline,deadline" "what was said of their ends once more"
}
it "with any --order, what is begun by a client that goes away ends by its deadlines, and the agent with the last" left_alone

wrong_option() { # OPTION...
  start_nsexec agent "$@"
  finish
  equal "$STATUS" 125 "exit code"
  equal "$(field error .code)" usage "code"
}
variant "usage: an option of a target's is none of an agent's" wrong_option --container "${IDS[a]}"
variant "usage: a word" wrong_option stray
