#!/usr/bin/env bash
# hold with --freeze and --stop: a container, or some of its processes, that stand still, and go on whoever is killed. Both freezers: v1's, and where the container has a cgroup in no other, v2's.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/pause.XXXXXX")
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# use_freezer v1|v2: the container of what follows, and in FREEZER its cgroup there.
use_freezer() {
  make_root
  ID=$(new_id)
  make_cgroup "$ID"
  VERSION=$1
  if [[ $1 == v1 ]]; then
    FREEZER=$(cgroup_of freezer "$ID")
  else
    FREEZER=$UNIFIED$CGROUP
    # In no cgroup of v1 that is its own.
    [[ $MODE == v2 ]] || CGROUP_ARGS=(--cgroup "$FREEZER")
  fi
  start_target --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc -- /pause
}
has_freezer() { if [[ $1 == v1 ]]; then [[ $MODE != v2 ]]; else [[ -n $UNIFIED ]]; fi; }

# Its own switch, and whether all of it stands still.
asked() { if [[ $VERSION == v1 ]]; then cat "$FREEZER/freezer.self_freezing"; else cat "$FREEZER/cgroup.freeze"; fi; }
frozen() { if [[ $VERSION == v1 ]]; then [[ $(<"$FREEZER/freezer.state") == FROZEN ]]; else grep -qx 'frozen 1' "$FREEZER/cgroup.events"; fi; }
thawed() { [[ $(asked) == 0 ]] && ! frozen; }
thaw() { if [[ $VERSION == v1 ]]; then echo THAWED >"$FREEZER/freezer.state"; else echo 0 >"$FREEZER/cgroup.freeze"; fi; }
freeze() { if [[ $VERSION == v1 ]]; then echo FROZEN >"$FREEZER/freezer.state"; else echo 1 >"$FREEZER/cgroup.freeze"; fi; }
record() { "$PROBES/probe-static" record "$FREEZER"; }
# join NAME SCRIPT [ARG...]: a shell that is called so, in the container's cgroups. JOINED is its pid.
join() {
  local directories=() i
  for ((i = 1; i < ${#CGROUP_ARGS[@]}; i += 2)); do directories+=("${CGROUP_ARGS[i]}"); done
  rm -f "$T/joined"
  # shellcheck disable=SC2016
  bash -c 'for d in "${@:4}"; do echo $$ >"$d/cgroup.procs"; done; : >"$1"; exec -a "$2" bash -c "$3"' _ "$T/joined" "$1" "$2" "${directories[@]}" >/dev/null 2>&1 </dev/null {IDLE}>&- &
  JOINED=$!
  at_end end_process "$JOINED"
  soon 3000 "$1 is in the cgroup" [ -e "$T/joined" ]
  soon 3000 "$1 is called so" is_called "$JOINED" "$1"
}
is_called() { [[ $(tr '\0' ' ' <"/proc/$1/cmdline") == "$2 "* ]]; }
is_state() { [[ $(process_state "$1") == [$2] ]]; }
spin='while :; do :; done'
used_ticks() { local stat; read -ra stat <<<"$(sed 's/.*) //' "/proc/$1/stat")"; echo $((stat[11] + stat[12])); }

# After a test that failed.
thaw_all() {
  thaw
  [[ -z $(record) ]] || sweep_aside --remove
}
begin_pause() { # OPTION...
  : >"$T/termlog"
  at_end thaw_all
  start_nsexec hold --container "$ID" --sample-ms 100 --termination-log "$T/termlog" "$@"
  say start
  await active
  GUARDIAN=$(jq -r .pid <<<"$LAST")
  at_end end_process "$GUARDIAN"
}
# The last sample's FIELD.
sampled() { field sample ".$1"; }
sample_says() { seen sample && [[ $(value ".$1" "$LAST") == "$2" ]]; }
ended_well() {
  finish
  equal "$(jq -c '[.event, .left, .by]' <<<"$(tail -n 1 "$T/out")")" '["reverted",0,"shim"]' "last event"
  equal "$STATUS" 0 "exit code"
  gone "$GUARDIAN" || fail "the guardian is still there"
  equal "$(record)" "" "record"
}
stands_still() { # PID
  local before
  before=$(used_ticks "$1")
  sleep 0.3
  equal "$(used_ticks "$1")" "$before" "CPU time of process $1"
}

# --- the whole container

whole() {
  join spinner "$spin"
  begin_pause --freeze
  frozen || fail "it is not frozen at active"
  equal "$(asked)" 1 "its own switch"
  stands_still "$JOINED"
  soon 2000 "a sample says so" sample_says pause_frozen 1
  equal "$(sampled pause_asked)" 1 "asked"
  local first
  first=$(sampled pause_usage_us)
  sleep 0.3
  equal "$(sampled pause_usage_us)" "$first" "CPU time of the cgroup"
  matches "$(record)" "^pause=lease .*freeze" "record"
  say stop
  ended_well
  ended_by stopped
  thawed || fail "it is not thawed"
  equal "$(sampled pause_frozen) $(sampled pause_asked)" "0 0" "the last sample"
  local before
  before=$(used_ticks "$JOINED")
  soon 2000 "it goes on" goes_on "$JOINED" "$before"
}
goes_on() { (($(used_ticks "$1") > $2)); }
by_deadline() {
  begin_pause --freeze --duration-ms 500
  finish
  ended_by deadline
  thawed || fail "it is not thawed"
  equal "$(sed '1,/"event":"active"/d; /"event":"ended"/,$d' "$T/out" | jq -c 'select(.pause_frozen == 0)')" "" "samples before the end that say that it goes on"
}
by_lease() {
  begin_pause --freeze --lease-ms 1000
  finish
  ended_by lease
  thawed || fail "it is not thawed"
}
killed() {
  local since
  begin_pause "$@"
  since=$(now_ms)
  kill -KILL "$SHIM"
  soon 3000 "it is thawed" "$UNDONE"
  in_time $(($(now_ms) - since)) 2000 "milliseconds to the revert"
  finish
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  equal "$(record)" "" "record"
  equal "$(jq -r '[.event, .by, .left] | join(" ")' "$T/termlog")" "reverted guardian 0" "termination log"
}
hung() {
  begin_pause "$@"
  kill -STOP "$SHIM"
  soon 25000 "it is thawed" "$UNDONE"
  finish
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  equal "$(record)" "" "record"
}
guardian_replaced() {
  begin_pause --freeze
  local first=$GUARDIAN
  kill -KILL "$first"
  soon 3000 "another guardian" another_than "$first"
  soon 1000 "it is on guard" seen warning
  kill -KILL "$SHIM"
  soon 3000 "it is thawed" thawed
  finish
}
sweep_aside() {
  SWEEP_STATUS=0
  mkdir -p "$T/aside"
  timeout 60 "$NSEXEC" sweep --termination-log "$T/none" "$@" >"$T/aside/out" 2>"$T/aside/err" </dev/null || SWEEP_STATUS=$?
  SWEPT=$(jq -r "select(.event == \"residue\" and .cgroup == \"$CGROUP\") | [.what, .in_use, .removed] | join(\" \")" "$T/aside/out")
}
both_killed() {
  begin_pause --freeze
  sweep_aside --remove
  equal "$SWEPT" "freeze true false" "found while it is at work"
  frozen || fail "a sweep has thawed it"
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  finish
  soon 1000 "both are gone" gone "$GUARDIAN"
  sweep_aside
  equal "$SWEPT" "freeze false false" "found"
  equal "$SWEEP_STATUS" 1 "exit code"
  frozen || fail "it is not frozen"
  start_nsexec hold --container "$ID" --freeze
  finish
  refused cgroup-frozen
  sweep_aside --remove
  equal "$SWEPT" "freeze false true" "removed"
  thawed || fail "it is not thawed"
  equal "$(record)" "" "record"
  sweep_aside
  equal "$SWEPT" "" "found again"
}
others() {
  freeze
  at_end thaw
  soon 2000 "it is frozen" frozen
  start_nsexec hold --container "$ID" --freeze
  finish
  refused cgroup-frozen
  equal "$(field error .state)" unchanged "state"
  start_nsexec hold --container "$ID" --stop --match '*'
  finish
  refused cgroup-frozen
  sweep_aside --remove
  equal "$SWEPT" "freeze true false" "found"
  equal "$(jq -r "select(.what == \"freeze\" and .cgroup == \"$CGROUP\") | .name" "$T/aside/out")" "not ours" "its name"
  frozen || fail "what somebody else has frozen has been thawed"
  equal "$(record)" "" "record"
}
others_before_start() {
  start_nsexec hold --container "$ID" --freeze
  await resolved
  freeze
  at_end thaw
  say start
  finish
  refused cgroup-frozen
  frozen || fail "what somebody else has frozen has been thawed"
}
# Whoever may write records can at most have something thawed.
forged() {
  freeze
  at_end thaw
  "$PROBES/probe-static" record "$FREEZER" trusted.kubectl-chaos.pause $'freeze\n'
  sweep_aside --remove
  equal "$SWEPT" "freeze false true" "removed"
  thawed || fail "it is not thawed"
}
thawed_by_others() {
  begin_pause --freeze
  thaw
  ended_well
  ended_by overwritten
  matches "$(field warning .message)" "somebody else has thawed it" "warning"
}
forks() {
  join forker 'while :; do bash -c : & bash -c : & wait; done'
  begin_pause --freeze
  frozen || fail "it is not frozen"
  say stop
  ended_well
  thawed || fail "it is not thawed"
}
# v2 lets a signal that kills through. On v1 it waits for the thaw, and so would whoever has sent it.
target_killed() {
  begin_pause --freeze
  kill -KILL "$TARGET"
  soon 4000 "the target has ended" gone "$TARGET"
  finish
  ended_by target-gone
}
in_it() {
  # shellcheck disable=SC2016
  WRAP=(bash -c 'for d in "${@:2:$1}"; do echo $$ >"$d/cgroup.procs"; done; exec "${@:2+$1}"' _)
  local directories=() i
  for ((i = 1; i < ${#CGROUP_ARGS[@]}; i += 2)); do directories+=("${CGROUP_ARGS[i]}"); done
  WRAP+=("${#directories[@]}" "${directories[@]}")
  start_nsexec hold --container "$ID" --freeze
  WRAP=()
  finish
  refused cgroup
  matches "$(field error .message)" "nsexec itself" "message"
  thawed || fail "it is frozen"
}
twice() {
  begin_pause --freeze
  local first=$SHIM out=$T/out.first in=$SHIM_IN
  mv "$T/out" "$out"
  start_nsexec hold --container "$ID" --freeze
  finish
  refused cgroup-frozen
  frozen || fail "the second has thawed it"
  printf 'stop\n' >&"$in"
  soon 3000 "the first has ended" gone "$first"
  thawed || fail "it is not thawed"
}
a_directory_below() {
  mkdir "$FREEZER/below"
  at_end rmdir "$FREEZER/below"
  join deep "$spin"
  echo "$JOINED" >"$FREEZER/below/cgroup.procs"
  begin_pause --freeze
  stands_still "$JOINED"
  say stop
  ended_well
  end_process "$JOINED"
  wait "$JOINED" || true
}
before_start_nothing() {
  start_nsexec hold --container "$ID" --freeze
  await resolved
  sleep 0.2
  thawed || fail "it is frozen before start"
  equal "$(record)" "" "record"
  say stop
  finish
  thawed || fail "it is frozen"
}

for freezer in v1 v2; do
  has_freezer "$freezer" || { it "$freezer" na "this machine has no freezer of $freezer"; continue; }
  use_freezer "$freezer"
  UNDONE=thawed
  it "$freezer: frozen, read back, standing still, and thawed" whole
  it "$freezer: before start nothing is changed" before_start_nothing
  it "$freezer: what is below it stands still as well" a_directory_below
  it "$freezer: thawed when its time is over" by_deadline
  it "$freezer: thawed when the lease has run out" by_lease
  it "$freezer: killed by -9: the guardian thaws it within 2 s" killed --freeze
  it "$freezer: a guardian that is killed is replaced" guardian_replaced
  it "$freezer: shim and guardian killed at once: swept by the record, and in use while it ran" both_killed
  it "$freezer: what is frozen before is somebody else's: refused, said by a sweep, and never thawed" others
  it "$freezer: frozen between resolved and start: refused" others_before_start
  it "$freezer: a record that somebody else has written: thawed, and nothing else" forged
  it "$freezer: thawed by somebody else: said, and over" thawed_by_others
  it "$freezer: a target that forks fast" forks
  it "$freezer: a second one is refused" twice
  it "$freezer: the shim is never in what it freezes" in_it
  it "$freezer: a hung shim" hung --freeze
  it "$freezer: a target that is killed meanwhile dies" target_killed
done
refused_by_pid_of_root() {
  CGROUP_ARGS=()
  start_target --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc -- /pause
  start_nsexec hold --pid "$TARGET" --freeze
  finish
  refused cgroup
  matches "$(field error .message)" "no cgroup of its own" "message"
}
it "a target in no cgroup of its own is refused: others would stand still with it" refused_by_pid_of_root

# --- some of its processes

if has_freezer v1; then use_freezer v1; else use_freezer v2; fi
continued() { local pid; for pid in "${CHOSEN[@]}"; do [[ $(process_state "$pid") != [Tt] ]] || return 1; done; }
UNDONE=continued
CHOSEN=()
# workers N: called so, at work. CHOSEN are their pids.
workers() {
  local i
  CHOSEN=()
  for ((i = 0; i < $1; i++)); do join "worker" "$spin"; CHOSEN+=("$JOINED"); done
}
some() {
  local pid
  workers 3
  join other "$spin"
  begin_pause --stop --match worker
  for pid in "${CHOSEN[@]}"; do is_state "$pid" T || fail "$pid is not stopped"; done
  is_state "$JOINED" RS || fail "another one is stopped"
  stands_still "${CHOSEN[0]}"
  soon 2000 "a sample says so" sample_says pause_stopped 3
  equal "$(sampled pause_running) $(sampled pause_ended) $(sampled pause_before) $(sampled pause_missed) $(sampled pause_ran_us)" "0 0 0 0 0" "the rest of it"
  equal "$(record | grep -c '^stopped ')" 3 "processes in the record"
  say stop
  ended_well
  continued || fail "one is stopped still"
  equal "$(sampled pause_running)" 3 "the last sample"
}
named() {
  workers 2
  kill -STOP "${CHOSEN[0]}"
  soon 1000 "it is stopped" is_state "${CHOSEN[0]}" T
  start_nsexec hold --container "$ID" --stop --match worker
  await resolved
  equal "$(value '[.match.processes, .match.stopped] | join(" ")' "$LAST")" "2 1" "whom it means"
  equal "$(value '[.match.first[].pid] | sort | join(" ")' "$LAST")" "$(printf '%s\n' "${CHOSEN[@]}" | sort -n | xargs)" "pids"
  say stop
  finish
}
by_its_command() {
  join "python3" "$spin; : /app/main.py"
  CHOSEN=("$JOINED")
  begin_pause --stop --match '*main.py*'
  is_state "$JOINED" T || fail "it is not stopped"
  say stop
  ended_well
  continued || fail "it is stopped still"
}
first_process() {
  CHOSEN=("$TARGET")
  begin_pause --stop --match pause
  is_state "$TARGET" T || fail "the container's first process is not stopped"
  say stop
  ended_well
  continued || fail "it is stopped still"
}
stopped_before() {
  workers 2
  kill -STOP "${CHOSEN[0]}"
  soon 1000 "it is stopped" is_state "${CHOSEN[0]}" T
  begin_pause --stop --match worker
  soon 2000 "a sample says so" sample_says pause_before 1
  equal "$(sampled pause_stopped)" 1 "stopped"
  say stop
  ended_well
  is_state "${CHOSEN[0]}" T || fail "what was stopped before has been continued"
  is_state "${CHOSEN[1]}" RS || fail "the other is stopped still"
}
nobody() {
  start_nsexec hold --container "$ID" --stop --match nobody
  await resolved
  equal "$(value .match.processes "$LAST")" 0 "whom it means"
  say start
  finish
  refused processes
  equal "$(field error .state)" unchanged "state"
  equal "$(record)" "" "record"
}
all_stopped_before() {
  workers 1
  kill -STOP "${CHOSEN[0]}"
  soon 1000 "it is stopped" is_state "${CHOSEN[0]}" T
  start_nsexec hold --container "$ID" --stop --match worker
  say start
  finish
  refused processes
  is_state "${CHOSEN[0]}" T || fail "what was stopped before has been continued"
}
not_of_it() {
  bash -c 'exec -a worker bash -c "while :; do sleep 1; done"' >/dev/null 2>&1 {IDLE}>&- &
  at_end end_process "$!"
  local outside=$!
  workers 1
  begin_pause --stop --match worker
  is_state "$outside" RS || fail "a process of another cgroup is stopped"
  soon 2000 "a sample says so" sample_says pause_stopped 1
  say stop
  ended_well
}
comes_later() {
  workers 1
  begin_pause --stop --match worker
  join worker "$spin"
  soon 3000 "it is stopped" is_state "$JOINED" T
  soon 2000 "a sample says so" sample_says pause_stopped 2
  say stop
  ended_well
  is_state "$JOINED" RS || fail "it is stopped still"
}
renames_itself() {
  workers 1
  join other 'sleep 1; exec -a worker bash -c "while :; do :; done"'
  begin_pause --stop --match worker
  soon 5000 "it is stopped" is_state "$JOINED" T
  say stop
  ended_well
  is_state "$JOINED" RS || fail "it is stopped still"
}
continues_itself() {
  workers 1
  begin_pause --stop --match worker
  kill -CONT "${CHOSEN[0]}"
  soon 2000 "a sample says so" sample_says pause_running 1
  soon 2000 "it is said" seen warning
  matches "$(field warning .message)" "goes on: it was continued, and not by this" "warning"
  equal "$(count_events ended)" 0 "ends"
  soon 3000 "the time that it uses is seen" time_is_seen
  say stop
  ended_well
}
time_is_seen() { (($(sampled pause_ran_us) > 100000)); }
ends_meanwhile() {
  workers 2
  begin_pause --stop --match worker
  kill -KILL "${CHOSEN[0]}"
  soon 2000 "a sample says so" sample_says pause_ended 1
  say stop
  ended_well
}
leaves_the_cgroup() {
  workers 1
  begin_pause --stop --match worker
  echo "${CHOSEN[0]}" >"${FREEZER%/*}/cgroup.procs"
  say stop
  ended_well
  continued || fail "it is stopped still"
}
forks_fast() {
  join worker 'while :; do (exec -a worker sleep 0.2) & (exec -a worker sleep 0.2) & sleep 0.01; done'
  begin_pause --stop --match worker
  soon 3000 "none goes on" sample_says pause_running 0
  CHOSEN=("$JOINED")
  is_state "$JOINED" T || fail "the one that forks is not stopped"
  say stop
  ended_well
  continued || fail "it is stopped still"
}
headless() {
  join family "exec -a family $PROBES/probe-static family headless"
  soon 3000 "it has come" is_headless
  start_nsexec hold --container "$ID" --stop --match headless
  say start
  finish 20000
  refused processes
}
is_headless() { grep -qsx 'Z (zombie)' <(sed -n 's/^State:\t//p' "/proc/$(pgrep -P "$JOINED" -x headless)/status" 2>/dev/null); }
too_many() {
  # shellcheck disable=SC2016
  join many 'for ((i = 0; i < 520; i++)); do (exec -a worker sleep 60) & done; : >"$READY"; wait'
  soon 20000 "there are many of them" many_are_there
  start_nsexec hold --container "$ID" --stop --match worker
  say start
  finish 20000
  refused processes
  matches "$(field error .message)" "means 5[0-9][0-9] processes" "message"
  pkill_in_cgroup
}
many_are_there() { (($(wc -l <"$FREEZER/cgroup.procs") > 519)); }
pkill_in_cgroup() { local pid; while read -r pid; do [[ $pid == "$TARGET" ]] || kill -KILL "$pid"; done <"$FREEZER/cgroup.procs"; }
swept() {
  workers 2
  begin_pause --stop --match worker
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  finish
  soon 1000 "both are gone" gone "$GUARDIAN"
  sweep_aside
  equal "$SWEPT" $'stopped false false\nstopped false false' "found"
  is_state "${CHOSEN[0]}" T || fail "it has been continued"
  sweep_aside --remove
  equal "$SWEPT" $'stopped false true\nstopped false true' "removed"
  continued || fail "one is stopped still"
  equal "$(record)" "" "record"
}
# A record whose pid is another process's by now: that one is left.
pid_reused() {
  workers 1
  kill -STOP "${CHOSEN[0]}"
  soon 1000 "it is stopped" is_state "${CHOSEN[0]}" T
  "$PROBES/probe-static" record "$FREEZER" trusted.kubectl-chaos.pause "stopped ${CHOSEN[0]} 1"$'\n'
  sweep_aside --remove
  equal "$SWEPT" "stopped false true" "removed"
  is_state "${CHOSEN[0]}" T || fail "another one has been continued"
  equal "$(record)" "" "record"
}
killed_with() { workers 2; killed --stop --match worker; }
hung_with() { workers 1; hung --stop --match worker; }
it "stopped by name, read back, standing still, and continued" some
it "whom it means is said before start" named
it "by an argument" by_its_command
it "the container's first process" first_process
it "what was stopped before is left alone, and not continued" stopped_before
it "all that are meant were stopped before: refused" all_stopped_before
it "nobody is meant: refused, and nothing is changed" nobody
it "a process of that name in another cgroup is none of it" not_of_it
it "one that comes later is stopped as well" comes_later
it "one that renames itself so is stopped as well" renames_itself
it "one that is continued by somebody else: said, and counted" continues_itself
it "one that ends meanwhile" ends_meanwhile
it "one that leaves the cgroup is continued all the same" leaves_the_cgroup
it "one that forks fast" forks_fast
it "one whose first thread has exited is not stopped unseen: refused" headless
it "too many: refused" too_many
it "killed by -9: the guardian continues them within 2 s" killed_with
it "shim and guardian killed at once: swept by the record" swept
it "a record whose pid means another by now: that one is left alone" pid_reused
it "a hung shim" hung_with
