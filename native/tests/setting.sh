#!/usr/bin/env bash
# hold with `setting`: limits of block devices on the target's cgroup, put there, read back, and given back as they were, whoever is killed.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"
. "$TESTS/disk-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/setting.XXXXXX")
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
make_disk ext4 32
DEVICE=$(mountpoint -d "$DISK")
make_distroless --volume "$DISK:data"

# What is written, what is read then, and the same of a former value that is there before.
if [[ $MODE == v2 ]]; then
  DIRECTORY=$(cgroup_of io "$ID")
  FILES=(io.max)
  SETTINGS=("io.max $DEVICE wbps=1048576 riops=50")
  SET=("$DEVICE rbps=max wbps=1048576 riops=50 wiops=max")
  FORMER=("$DEVICE rbps=7340032 wbps=4194304 riops=max wiops=max")
  FORMER_SET=("$DEVICE rbps=7340032 wbps=1048576 riops=50 wiops=max")
  RECORDED=("setting io.max $DEVICE rbps=max wbps=max riops=max wiops=max over wbps=1048576 riops=50")
  OTHERS="$DEVICE wbps=2097152"
  OTHERS_SET=("$DEVICE rbps=7340032 wbps=2097152 riops=max wiops=max")
else
  DIRECTORY=$(cgroup_of blkio "$ID")
  FILES=(blkio.throttle.write_bps_device blkio.throttle.read_iops_device)
  SETTINGS=("${FILES[0]} $DEVICE 1048576" "${FILES[1]} $DEVICE 50")
  SET=("$DEVICE 1048576" "$DEVICE 50")
  FORMER=("$DEVICE 4194304" "$DEVICE 7000")
  FORMER_SET=("${SET[@]}")
  RECORDED=("setting ${FILES[0]} $DEVICE 0 over 1048576" "setting ${FILES[1]} $DEVICE 0 over 50")
  # Somebody else writes the first, and what is then to be there at the end.
  OTHERS="$DEVICE 2097152"
  OTHERS_SET=("$OTHERS" "${FORMER[1]}")
fi
[[ -e $DIRECTORY/${FILES[0]} ]] || { T=$(mktemp -d "$RUN_TMP/case.XXXXXX"); it "limits" na "this kernel has no ${FILES[0]}"; exit 0; }

limits() { local file; for file in "${FILES[@]}"; do cat "$DIRECTORY/$file"; done; }
limits_are() { [[ $(limits) == "$(printf '%s\n' "$@")" ]]; }
limited() { equal "$(limits)" "$(printf '%s\n' "$@")" "limits"; }
write_limits() { # LINE for each file
  local i
  for i in "${!FILES[@]}"; do echo "${@:i+1:1}" >"$DIRECTORY/${FILES[i]}"; done
}
no_limits() { if [[ $MODE == v2 ]]; then write_limits "$DEVICE rbps=max wbps=max riops=max wiops=max"; else write_limits "$DEVICE 0" "$DEVICE 0"; fi; }
record() { "$PROBES/probe-static" record "$DIRECTORY"; }
# As the record has it: who is at work. Its start time is the twenty-second field behind its name, which has no blanks here.
lease_of() { local stat; read -ra stat <"/proc/$1/stat"; echo "lease $1 ${stat[21]} $(stat -Lc %i /proc/self/ns/pid)"; }
record_names() { [[ $(record) == *"$(lease_of "$1")"* ]]; }
SAMPLE_MS=60000
start_limits() { start_nsexec hold --container "$ID" --path /data --probe write=0 --sample-ms "$SAMPLE_MS" --termination-log "$T/termlog" "$@"; }
ask_limits() { local one; for one in "${SETTINGS[@]}"; do say "setting $one"; done; }
begin_limits() { # OPTION...
  : >"$T/termlog"
  limits >"$T/limits"
  start_limits "$@"
  ask_limits
  say start
  await active
  GUARDIAN=$(jq -r .pid <<<"$LAST")
  at_end end_process "$GUARDIAN"
}
as_before() { limits | cmp -s "$T/limits" - && [[ -z $(record) ]]; }
untouched_limits() {
  limits | diff "$T/limits" - || fail "the limits are not as before"
  equal "$(record)" "" "record"
}
given_back() {
  say stop
  finish
  ended_by stopped
  equal "$(jq -c '[.event, .left, .by]' <<<"$(tail -n 1 "$T/out")")" '["reverted",0,"shim"]' "last event"
  equal "$STATUS" 0 "exit code"
  untouched_limits
  gone "$GUARDIAN" || fail "the guardian is still there"
}

set_and_given_back() {
  begin_limits
  limited "${SET[@]}"
  equal "$(record)" "throttle=$(printf '%s\n' "$(lease_of "$SHIM")" "$(lease_of "$GUARDIAN")" "${RECORDED[@]}")" "record"
  given_back
  equal "$(limits)" "" "limits"
}
it "where there was none: set, and none again" set_and_given_back
former() {
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  limited "${FORMER_SET[@]}"
  given_back
  limited "${FORMER[@]}"
}
it "where there was another: set, and that one again" former
felt() {
  local since
  begin_limits
  dd if=/dev/zero of="$DISK/file" bs=64k count=1 oflag=direct status=none
  since=$(now_ms)
  bash -c 'echo $$ >"$1/cgroup.procs"; exec dd if=/dev/zero of="$2" bs=64k count=32 oflag=direct conv=notrunc status=none' _ "$DIRECTORY" "$DISK/file"
  at_least $(($(now_ms) - since)) 1500 "milliseconds for 2 MiB at 1 MiB/s"
  given_back
  rm "$DISK/file"
}
it "it is felt by who is in the cgroup and knows nothing of it" felt

before_start() {
  limits >"$T/limits"
  start_limits
  ask_limits
  await resolved
  "$@"
  finish
  untouched_limits
}
it "without start nothing is changed" before_start say stop
cleared() {
  limits >"$T/limits"
  start_limits
  ask_limits
  say clear start
  await active
  untouched_limits
  say stop
  finish
  equal "$STATUS" 0 "exit code"
}
it "clear forgets them" cleared

killed() {
  local since
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  since=$(now_ms)
  kill -KILL "$SHIM"
  soon 3000 "the limits are as before" as_before
  in_time $(($(now_ms) - since)) 2000 "milliseconds to the revert"
  finish
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  equal "$(jq -r '[.event, .by, .left] | join(" ")' "$T/termlog")" "reverted guardian 0" "termination log"
}
it "killed by -9: the guardian gives the former ones back within 2 s" killed
guardian_killed() {
  begin_limits
  local first=$GUARDIAN
  kill -KILL "$first"
  soon 3000 "another guardian" another_than "$first"
  soon 3000 "the record names it" record_names "$GUARDIAN"
  kill -KILL "$SHIM"
  soon 3000 "the limits are as before" as_before
  finish
}
it "a guardian that is killed is replaced" guardian_killed

sweep_aside() {
  SWEEP_STATUS=0
  mkdir -p "$T/aside"
  timeout 60 "$NSEXEC" sweep --termination-log "$T/none" "$@" >"$T/aside/out" 2>"$T/aside/err" </dev/null || SWEEP_STATUS=$?
  SWEPT=$(jq -r "select(.what == \"setting\" and .cgroup == \"$CGROUP\") | [.name, .device, .in_use, .removed] | join(\" \")" "$T/aside/out")
}
swept_is() { equal "$SWEPT" "$(printf "%s $DEVICE $1\n" "${FILES[@]}")" "found"; }
both_killed() {
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  sweep_aside --remove
  swept_is "true false"
  limited "${FORMER_SET[@]}"
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  finish
  soon 1000 "both are gone" gone "$GUARDIAN"
  sweep_aside
  swept_is "false false"
  equal "$SWEEP_STATUS" 1 "exit code"
  limited "${FORMER_SET[@]}"
  start_limits
  ask_limits
  say start
  finish
  refused foreign
  matches "$(field error .message)" "must be swept first" "message"
  sweep_aside --remove
  swept_is "false true"
  untouched_limits
  sweep_aside
  equal "$SWEPT" "" "found again"
}
it "shim and guardian killed at once: swept by the record; until then nobody begins another, and while it ran it was in use" both_killed

locked() { # OPTION of flock
  local since
  lock_cgroups "$1"
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  given_back
  begin_limits
  sweep_aside --remove
  swept_is "true false"
  limited "${FORMER_SET[@]}"
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  finish
  soon 1000 "both are gone" gone "$GUARDIAN"
  since=$(now_ms)
  sweep_aside --remove
  in_time $(($(now_ms) - since)) 10000 "milliseconds of the sweep"
  swept_is "false true"
  equal "$SWEEP_STATUS" 0 "exit code"
  untouched_limits
  limited "${FORMER[@]}"
}
it "a process of the target has its cgroups locked: limits are set, given back, and swept as without it" locked --exclusive
variant "the same with a shared lock" locked --shared

put_record() { "$PROBES/probe-static" record "$DIRECTORY" trusted.kubectl-chaos.throttle "$1"; }
recycled() {
  local lease words
  lease=$(lease_of "$TARGET")
  read -ra words <<<"$lease"
  write_limits "${FORMER[@]}"
  at_end no_limits
  put_record "$lease"$'\n'"${RECORDED[0]}"
  sweep_aside --remove
  equal "$SWEPT" "${FILES[0]} $DEVICE true false" "found while that process is there"
  limited "${FORMER[@]}"
  put_record "lease ${words[1]} $((words[2] + 1)) ${words[3]}"$'\n'"${RECORDED[0]}"
  sweep_aside --remove
  equal "$SWEPT" "${FILES[0]} $DEVICE false true" "found when its pid is another's"
  equal "$(record)" "" "record"
}
it "a process is told by its start time, too: a pid that is another's now keeps nothing" recycled
two_at_once() {
  begin_limits
  (
    mkdir "$T/second"
    T=$T/second
    start_limits
    ask_limits
    say start
    finish
    refused foreign
    matches "$(field error .message)" "of another experiment, which is at work" "message"
  )
  limited "${SET[@]}"
  given_back
}
it "two experiments at once: the second is refused, the first not disturbed" two_at_once

cgroup_gone() {
  local ID TARGET CGROUP CGROUP_ARGS ROOT
  make_distroless --volume "$DISK:data"
  local DIRECTORY
  DIRECTORY=$(cgroup_of "$([[ $MODE == v2 ]] && echo io || echo blkio)" "$ID")
  begin_limits
  kill -STOP "$GUARDIAN"
  # The shim first: it would see that its target ends, and undo by itself.
  kill -KILL "$SHIM" "$TARGET"
  finish
  remove_cgroup "$ID"
  kill -CONT "$GUARDIAN"
  soon 3000 "the guardian is gone" gone "$GUARDIAN"
  equal "$(jq -r '[.event, .by, .left] | join(" ")' "$T/termlog")" "reverted guardian 0" "termination log"
}
it "the cgroup is gone: so are its limits" cgroup_gone
target_gone() {
  local ID TARGET CGROUP CGROUP_ARGS ROOT
  make_distroless --volume "$DISK:data"
  start_limits
  ask_limits
  say start
  await active
  kill -KILL "$TARGET"
  finish
  ended_by target-gone
  equal "$(field reverted .left)" 0 "left"
}
it "the target ends" target_gone

# What `systemctl daemon-reload` does: systemd writes again what it knows.
others_write() { echo "$OTHERS" >"$DIRECTORY/${FILES[0]}"; }
ends_overwritten() {
  finish
  ended_by overwritten
  equal "$(jq -c '[.event, .left, .by]' <<<"$(tail -n 1 "$T/out")")" '["reverted",0,"shim"]' "last event"
  equal "$STATUS" 0 "exit code"
  equal "$(record)" "" "record"
  gone "$GUARDIAN" || fail "the guardian is still there"
}
warned_of_setting() { jq -r 'select(.event == "warning" and .code == "setting") | .message' "$T/out"; }
overwritten() {
  local SAMPLE_MS=100
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  others_write
  ends_overwritten
  equal "$(warned_of_setting | wc -l)" 1 "warnings"
  matches "$(warned_of_setting)" "^\`${FILES[0]}\` of the target's cgroup says \`.*2097152.*\` of device $DEVICE now and not \`.*1048576.*and it is left so$" "warning"
  limited "${OTHERS_SET[@]}"
}
it "somebody else writes a limit: it is said, the fault ends, that one is left, and what is ours still goes" overwritten
written_back() {
  local SAMPLE_MS=100
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  write_limits "${FORMER[@]}"
  ends_overwritten
  equal "$(warned_of_setting | wc -l)" "${#FILES[@]}" "warnings"
  matches "$(warned_of_setting)" "it is what stood there before" "warning"
  untouched_limits
}
it "somebody writes the former ones back: it is said, and the fault ends" written_back
taken_away() {
  local SAMPLE_MS=100
  begin_limits
  no_limits
  ends_overwritten
  untouched_limits
}
it "somebody takes them away: the fault ends" taken_away
at_the_end() {
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  others_write
  say stop
  finish
  ended_by stopped
  equal "$(warned_of_setting | wc -l)" 1 "warnings"
  limited "${OTHERS_SET[@]}"
  equal "$(record)" "" "record"
}
it "what is written between the last sample and the end is said, and left" at_the_end
for_guardian() {
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  others_write
  kill -KILL "$SHIM"
  soon 3000 "what is ours is gone" limits_are "${OTHERS_SET[@]}"
  finish
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  limited "${OTHERS_SET[@]}"
  equal "$(record)" "" "record"
}
it "nor does the guardian take away what somebody else has written" for_guardian
for_sweep() {
  write_limits "${FORMER[@]}"
  at_end no_limits
  begin_limits
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  finish
  soon 1000 "both are gone" gone "$GUARDIAN"
  others_write
  sweep_aside --remove
  swept_is "false true"
  matches "$(jq -r 'select(.event == "warning" and .code == "setting") | .message' "$T/aside/out")" "^\`${FILES[0]}\` of the cgroup .*2097152.* somebody else has written it meanwhile, and it is left so$" "warning"
  limited "${OTHERS_SET[@]}"
  equal "$(record)" "" "record"
}
it "nor does a sweep, which says so" for_sweep

fails() { # CODE STATE PATTERN LINE...
  limits >"$T/limits"
  start_limits
  say "${@:4}" start
  finish
  equal "$(field error '[.code, .state] | join(" ")')" "$1 $2" "error"
  matches "$(field error .message)" "$3" "message"
  untouched_limits
}
elsewhere() {
  local words
  read -ra words <<<"$(lease_of "$TARGET")"
  put_record "lease ${words[1]} ${words[2]} 1"$'\n'"${RECORDED[0]}"
  at_end without_lease
  sweep_aside --remove
  equal "$SWEPT" "" "found"
  equal "$SWEEP_STATUS" 1 "exit code"
  matches "$(jq -r 'select(.event == "warning" and .code == "unseen") | .message' "$T/aside/out")" "another pid namespace" "warning"
  start_limits
  ask_limits
  say start
  finish
  refused foreign
  matches "$(field error .message)" "cannot be seen from this pid namespace" "message"
}
# Without a lease it is nobody's.
without_lease() { put_record "${RECORDED[0]}"; sweep_aside --remove; }
it "a pid of another pid namespace is nobody's that is known: the record stays, and is told of" elsewhere

no_such_file() {
  if [[ $MODE == v2 ]]; then
    fails cgroup unchanged "no cgroup hierarchy that has \`blkio.throttle.read_bps_device\`" "setting blkio.throttle.read_bps_device $DEVICE 1"
  else
    fails cgroup unchanged "\`io.max\`" "setting io.max $DEVICE wbps=1"
  fi
}
it "a file that the target's cgroup does not have is named" no_such_file
no_such_device() {
  local line=${SETTINGS[0]/$DEVICE/4095:1}
  fails apply reverted "write \`4095:1 .*\` into \`${FILES[0]}\`" "setting ${SETTINGS[0]}" "setting $line"
}
it "a device that there is not: what was set before it is given back" no_such_device

all_wrong() {
  local line lines=(
    "cgroup.procs $DEVICE 1" "../io.max $DEVICE wbps=1" "io.max $DEVICE" "io.max $DEVICE 1" "io.max $DEVICE wbps=" "io.max $DEVICE wbps" "io.max $DEVICE wbps=-1" "io.max $DEVICE wbps=1%0A"
    "io.max $DEVICE wbps=1 wbps=2" "io.max $DEVICE wbps=0x10" "io.max $DEVICE bps=1" "io.max 8 wbps=1" "io.max 8: wbps=1" "io.max :8 wbps=1" "io.max 8:16:1 wbps=1" "io.max sda wbps=1"
    "io.max 8:-1 wbps=1" "io.max 4294967296:0 wbps=1" "io.max $DEVICE wbps=1 <x" "io.max $DEVICE wbps=18446744073709551616" "blkio.throttle.read_bps_device $DEVICE max" "blkio.throttle.read_bps_device $DEVICE 1 2"
    "blkio.throttle.read_bps_device $DEVICE rbps=1" "blkio.throttle.read_bps_device $DEVICE"
  )
  limits >"$T/limits"
  start_limits
  for line in "${lines[@]}"; do say "setting $line"; done
  soon 5000 "a warning for each" has_warnings "${#lines[@]}"
  say start
  finish
  equal "$(field error '[.code, .state] | join(" ")')" "orders unchanged" "error"
  untouched_limits
}
has_warnings() { (($(count_events warning) >= $1)); }
it "lines that say nothing of the contract: a warning for each, and no start" all_wrong

mistaken_records() {
  local text
  for text in "" "x" "lease" "lease 1 1" "lease 1 1 1 1" "lease 0 1 1" "lease 4000000000 1 1" $'lease 1 1 1\n' "setting" $'setting io.max 8:0 wbps=1\nlease 1 1 1' "setting cgroup.procs $DEVICE 1" $'setting io.max 8:0 wbps=1\nrubbish' "directory data .kubectl-chaos-a" "directory /data a" "directory /data .kubectl-chaos-/../a" "directory /data .kubectl-chaos-a 0" "directory /data"; do
    "$PROBES/probe-static" record "$DIRECTORY" trusted.kubectl-chaos.throttle "$text"
    sweep_aside --remove
    equal "$SWEEP_STATUS" 1 "exit code after <$text>"
    equal "$(jq -r 'select(.event == "warning") | .code' "$T/aside/out" | head -n 1)" unseen "warning of <$text>"
    matches "$(record)" "^throttle=" "record"
  done
  "$PROBES/probe-static" record "$DIRECTORY" trusted.kubectl-chaos.throttle "${RECORDED[0]}"
  write_limits "${FORMER[@]}"
  at_end no_limits
  sweep_aside --remove
  equal "$(record)" "" "record"
}
it "records that make no sense stay, and are told of" mistaken_records

system_calls() {
  local total at
  write_limits "${FORMER[@]}"
  at_end no_limits
  limits >"$T/limits"
  WRAP=("$PROBES/tripwire" --count "$T/count" --)
  traced_run
  total=$(<"$T/count")
  at_least "$total" 200 "system calls of a run"
  places 24 "$total"
  for at in "${PLACES[@]}"; do
    WRAP=("$PROBES/tripwire" --kill-at "$at" --)
    traced_run
    soon 3000 "the limits are as before after a kill at system call $at of $total" limits_are "${FORMER[@]}"
    within 1000 as_before || { sweep_aside --remove; untouched_limits; }
  done
}
traced_run() {
  rm -f "$T/out"
  start_limits --lease-ms 3000 --duration-ms 60
  ask_limits
  say start
  finish
}
it "killed all over its own life (at the entry of a system call): the limits are as before" system_calls
