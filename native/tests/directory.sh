#!/usr/bin/env bash
# run --directory: the workload works in a directory of its own in the target's volume, and whoever is killed, it goes again with all that is in it.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/disk-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/directory.XXXXXX")
NAME=.kubectl-chaos-7f3k2
MINE=(--uid 65532 --gid 65532 --groups 2000 --caps 0:0:0:0 --bounding 0)
# LeakSanitizer gives up under ptrace, and would turn every traced run into a failure.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0

# The cgroup that records are on.
record_of() { "$PROBES/probe-static" record "$(records_on)"; }
records_on() { cgroup_of "$([[ $MODE == v2 ]] && echo io || echo blkio)" "$ID"; }
no_record() { [[ -z $(record_of) ]]; }
# with_volume TARGET_OPTION...: DISK is /data of a target.
with_volume() {
  make_distroless --volume "$DISK:data" "$@"
  ls -A "$DISK" >"$T/before"
}
start_in() { start_shim --container "$ID" --path /data --directory "$NAME" --sample-ms 60000 --probe write=0 --termination-log "$T/termlog" "$@"; }
# begin_litter OPTION...: until its directory is full of things, and GUARDIAN watches over it. LITTER are arguments of the probe.
LITTER=(300 70)
begin_litter() {
  : >"$T/termlog"
  start_in "$@" -- "$PROBES/probe-static" litter "${LITTER[@]}"
  say start
  await active
  said littered 20000
  guardian_now || fail "no guardian"
  at_end end_guardian "$GUARDIAN"
  [[ -e $DISK/$NAME/file7 ]] || fail "no litter in $DISK/$NAME: $(ls -A "$DISK")"
}
is_clean() { ls -A "$DISK" | cmp -s "$T/before" - && no_record; }
clean() {
  ls -A "$DISK" | diff "$T/before" - || fail "in the volume: $(ls -A "$DISK")"
  equal "$(record_of)" "" "record"
}
soon_clean() { soon "$1" "the directory is gone" is_clean; }
# undo_failed PATTERN: the last event says what is left, and why.
undo_failed() {
  local last
  last=$(tail -n 1 "$T/out")
  equal "$(jq -r '[.event, .code] | join(" ")' <<<"$last")" "error undo" "last event"
  matches "$(jq -r .message <<<"$last")" "$1" "message"
  matches "$(jq -r .state <<<"$last")" "^unknown: the directory" "state"
  equal "$STATUS" 125 "exit code"
}
sweep_aside() {
  local status=0
  mkdir -p "$T/aside"
  timeout 60 "$NSEXEC" sweep --termination-log "$T/none" "$@" >"$T/aside/out" 2>"$T/aside/err" </dev/null || status=$?
  SWEPT=$(jq -c "select(.what == \"directory\" and .cgroup == \"$CGROUP\") | [.name, .in_use, .removed]" "$T/aside/out")
  SWEEP_STATUS=$status
}

there_and_gone() {
  make_disk ext4 32
  chown 0:2000 "$DISK"
  chmod 2775 "$DISK"
  with_volume "${MINE[@]}"
  local whole
  whole=$(space)
  begin_litter
  equal "$(stat -c '%u %g %a' "$DISK/$NAME")" "65532 2000 2700" "owner, group and mode"
  equal "$(readlink "/proc/$(field active .pid)/cwd")" "/data/$NAME" "working directory"
  matches "$(record_of)" "^$NAME=lease $SHIM "$'[0-9 ]+\n'"lease $GUARDIAN "$'[0-9 ]+\n'"directory /data $NAME $(stat -c %i "$DISK/$NAME")" "record"
  sweep_aside --remove
  equal "$SWEPT" "[\"/data/$NAME\",true,false]" "a sweep, meanwhile"
  [[ -e $DISK/$NAME/file7 ]] || fail "the sweep has removed what is in use"
  stop
  ended_by stopped
  reverted
  equal "$(field reverted .by)" shim "by"
  clean
  space_again "$whole"
}
it "made for the target's user alone, the workload in it; gone with all that is in it, and its record; meanwhile in use for a sweep" there_and_gone

by_itself() { # KIND TARGET_OPTION... [-- OPTION...]
  make_disk ext4 32
  split "${@:2}"
  with_volume "${OF_TARGET[@]}"
  run_shim --container "$ID" --path /data --directory "$NAME" --probe write=0 "${OF_SHIM[@]}" -- "$PROBES/probe-$1" write content text
  equal "$STATUS" 0 "exit code"
  ended_by exited
  reverted
  clean
}
# split TARGET_OPTION... [-- OPTION...]
split() {
  OF_TARGET=() OF_SHIM=()
  while (($#)) && [[ $1 != -- ]]; do OF_TARGET+=("$1"); shift; done
  (($# < 2)) || OF_SHIM=("${@:2}")
}
it "a workload that ends by itself, root's" by_itself static
it "a dynamic one, in a user namespace" by_itself dynamic --unshare user,mnt,pid --uid-map 0:1000000:65536 --gid-map 0:1000000:65536
variant "--as root, where the target's user may not write" by_itself static "${MINE[@]}" -- --as root
it "without a scratch directory" by_itself static -- --scratch-bytes 0

not_startable() {
  make_disk ext4 32
  with_volume
  run_shim --container "$ID" --path /data --directory "$NAME" --probe write=0 -- "$T/none"
  equal "$STATUS" 127 "exit code"
  clean
}
it "a program that is not there: nothing is made" not_startable
frozen() {
  make_disk ext4 32
  with_volume
  start_in -- "$PROBES/probe-static" hold
  await resolved
  freeze
  at_end thaw
  say start
  finish
  equal "$(field error '[.code, .state] | join(" ")')" "cgroup-frozen unchanged" "error"
  thaw
  clean
}
full() {
  make_disk ext4 32
  with_volume
  start_in -- "$PROBES/probe-static" hold
  await resolved
  echo 1 >"$(cgroup_of pids "$ID")/pids.max"
  say start
  finish
  equal "$(field error '[.code, .state] | join(" ")')" "cgroup reverted" "error"
  echo max >"$(cgroup_of pids "$ID")/pids.max"
  clean
}
freeze() { if [[ $MODE == v2 ]]; then echo 1 >"$(cgroup_of io "$ID")/cgroup.freeze"; else echo FROZEN >"$(cgroup_of freezer "$ID")/freezer.state"; fi; }
thaw() { if [[ $MODE == v2 ]]; then echo 0 >"$(cgroup_of io "$ID")/cgroup.freeze"; else echo THAWED >"$(cgroup_of freezer "$ID")/freezer.state"; fi; }
it "a target that is paused: nothing is made for a workload" frozen
it "a workload that cannot be started: what was made for it is gone again" full

refuses() { # CODE PATTERN
  start_in -- "$PROBES/probe-static" hold
  say start
  finish
  equal "$(field error .code)" "$1" "error code"
  matches "$(field error .message)" "$2" "message"
  matches "$(field error .state)" '^(unchanged|reverted)$' "state"
  target_is_alone
}
no_right() {
  make_disk ext4 32
  chmod 755 "$DISK"
  with_volume "${MINE[@]}"
  refuses path 'directory `.kubectl-chaos-7f3k2` in `/data`: Permission denied'
  clean
  mount -o remount,ro "$DISK"
  refuses path "Read-only file system"
  clean
}
it "where the target's user may not make one, and where nobody may: said, and nothing is left" no_right
there_already() {
  make_disk ext4 32
  with_volume
  "$@" "$DISK/$NAME"
  stat -c '%F %i' "$DISK/$NAME" >"$T/other"
  refuses foreign "directory \`/data/$NAME\` is there already"
  stat -c '%F %i' "$DISK/$NAME" | cmp "$T/other" - || fail "it was touched"
  no_record || fail "a record is left"
}
it "the name is taken by a directory" there_already mkdir
variant "the name is taken by a symlink to nowhere" there_already ln -s /nowhere
claimed() {
  make_disk ext4 32
  with_volume
  "$PROBES/probe-static" record "$(records_on)" "trusted.kubectl-chaos.$NAME" "directory /data $NAME"
  refuses foreign "killed with its guardian: what it has left must be swept first"
  matches "$(record_of)" "^$NAME=" "somebody else's record"
  ls -A "$DISK" | cmp "$T/before" - || fail "something was made"
}
it "a record that was left is named, and stays" claimed

killed() {
  make_disk ext4 32
  with_volume "${MINE[@]}"
  begin_litter
  local since
  since=$(now_ms)
  kill -"$1" "$SHIM"
  soon_clean 3000
  in_time $(($(now_ms) - since)) 2000 "milliseconds to the revert"
  finish
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  target_is_alone
}
it "killed by -9: the guardian removes it within 2 s" killed KILL
it "ended by TERM" killed TERM
guardian_says() {
  make_disk ext4 32
  with_volume
  begin_litter
  equal "$(for fd in "/proc/$GUARDIAN"/fd/*; do readlink "$fd"; done | grep -c "^/data\|/$ID\$\|$DISK")" 3 "its descriptors of the volume, the directory and the cgroup"
  kill -KILL "$SHIM"
  finish
  soon 3000 "the termination log tells of it" log_says "reverted guardian 0"
}
log_says() { [[ $(jq -r '[.event, .by, .left] | join(" ")' "$T/termlog" 2>/dev/null) == "$1" ]]; }
it "what the guardian did is in the termination log" guardian_says

replaced() {
  make_disk ext4 32
  with_volume
  begin_litter
  local first=$GUARDIAN
  kill -KILL "$first"
  soon 3000 "another guardian" another_than "$first"
  soon 1000 "it is on guard" seen warning
  equal "$(field warning .code)" guardian "warning"
  kill -KILL "$SHIM"
  soon_clean 3000
  finish
}
it "a guardian that is killed is replaced by one that knows of the directory" replaced

kill_both() {
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  finish
  soon 1000 "both are gone" gone "$GUARDIAN"
  [[ -e $DISK/$NAME/file7 ]] || fail "somebody has removed it"
}
both_killed() {
  make_disk ext4 32
  with_volume "${MINE[@]}"
  begin_litter "$@"
  kill_both
  sweep_aside
  equal "$SWEPT" "[\"/data/$NAME\",false,false]" "found"
  equal "$SWEEP_STATUS" 1 "exit code"
  [[ -e $DISK/$NAME/file7 ]] || fail "a sweep that only looks has removed it"
  sweep_aside --remove
  equal "$SWEPT" "[\"/data/$NAME\",false,true]" "removed"
  clean
  sweep_aside
  equal "$SWEPT" "" "found again"
}
it "shim and guardian killed at once: a sweep finds it by its record, and removes it" both_killed
# As after a boot into an older kernel, had the cgroup outlived it.
swept_without_openat2() {
  make_disk ext4 32
  with_volume
  begin_litter
  kill_both
  local nsexec=$NSEXEC
  NSEXEC=$T/older
  printf '#!/bin/sh\nexec "%s" 5.3 "%s" "$@"\n' "$PROBES/without" "$nsexec" >"$NSEXEC"
  chmod 755 "$NSEXEC"
  sweep_aside --remove
  NSEXEC=$nsexec
  equal "$SWEPT" "[\"/data/$NAME\",false,false]" "what a sweep without openat2 says of it"
  equal "$(jq -r 'select(.event == "swept") | .namespaces > 0 and .unseen == 0' "$T/aside/out")" true "networks were swept"
  equal "$SWEEP_STATUS" 1 "exit code"
  matches "$(jq -r 'select(.code == "left").message' "$T/aside/out")" "directory .*$NAME. is left: open what it is in: openat2 \\(Linux 5\\.6\\) is missing" "warning"
  [[ -e $DISK/$NAME/file7 ]] || fail "it was removed"
  matches "$(record_of)" "^$NAME=" "record"
  sweep_aside --remove
  clean
}
it "without openat2: a sweep leaves a directory with its record, and says why" swept_without_openat2
variant "the same of root's, in a target that is not root" both_killed --as root
locked() { # OPTION of flock
  make_disk ext4 32
  with_volume "${MINE[@]}"
  lock_cgroups "$1"
  begin_litter
  sweep_aside --remove
  equal "$SWEPT" "[\"/data/$NAME\",true,false]" "a sweep, meanwhile"
  stop
  reverted
  clean
  begin_litter
  kill_both
  sweep_aside --remove
  equal "$SWEPT" "[\"/data/$NAME\",false,true]" "removed"
  clean
}
it "a process of the target has its cgroups locked: it is made, removed, and swept as without it" locked --exclusive
variant "the same with a shared lock" locked --shared
gone_already() {
  make_disk ext4 32
  with_volume "${MINE[@]}"
  begin_litter
  kill_both
  rm -r "${DISK:?}/$NAME"
  sweep_aside --remove
  equal "$SWEPT" "[\"/data/$NAME\",false,true]" "removed"
  clean
}
it "what somebody else has removed by then is swept by its record alone" gone_already
# As a sandbox in the container has it: the same path, but in a root of its own. It is there before the target, so that cgroup v1 names it first.
jailed() {
  mkdir -p "$T/jail/data"
  cp "$PROBES/probe-static" "$T/jail"
  chroot "$T/jail" /probe-static hold {IDLE}>&- &
  local prisoner=$!
  at_end end_process "$prisoner"
  make_disk ext4 32
  with_volume "${MINE[@]}"
  begin_litter
  echo "$prisoner" >"$(records_on)/cgroup.procs"
  kill_both
  sweep_aside --remove
  equal "$SWEPT" "[\"/data/$NAME\",false,true]" "removed"
  clean
}
it "a process of the container that does not see it is not believed when it is swept" jailed
# What whoever has a cgroup of his own can do to all sweeps of his node.
deep() {
  make_disk ext4 32
  with_volume "${MINE[@]}"
  begin_litter
  local top
  top=$(records_on)/deep
  mkdir -p "$top/$(printf '%.0sd/' {1..70})"
  at_end find "$top" -depth -type d -exec rmdir {} ';'
  kill_both
  sweep_aside --remove
  equal "$SWEPT" "[\"/data/$NAME\",false,true]" "removed"
  matches "$(jq -r 'select(.code == "unseen").message' "$T/aside/out")" "^the cgroups in \`$CGROUP/deep/.*too deep" "warning"
  equal "$(jq -r 'select(.event == "swept").unseen' "$T/aside/out")" 1 "unseen"
  equal "$SWEEP_STATUS" 1 "exit code"
  clean
}
it "cgroups that lie too deep for a sweep are said, and the rest is swept" deep

# hostile: what the target does with it while it is there

swapped() { # COMMAND: in $DISK
  make_disk ext4 32
  with_volume
  mkdir -p "$DISK/precious/sub"
  echo content >"$DISK/precious/sub/file"
  begin_litter
  (cd "$DISK" && eval "$1")
  stop
  undo_failed "directory \`/data/$NAME\`: somebody has moved it, or put something else into its place"
  [[ -e $DISK/precious/sub/file || -e $DISK/$NAME/sub/file ]] || fail "what is the target's was removed: $(find "$DISK")"
  equal "$(find "$DISK" -name 'file7' | wc -l)" 0 "files of ours that are left"
}
it "swapped for a symlink to the target's own: that stays, ours is emptied, and it is said" swapped "mv $NAME moved; ln -s precious $NAME"
it "swapped for a directory of the target's" swapped "mv $NAME moved; mv precious $NAME"
variant "moved away" swapped "mv $NAME moved"

moved_in() {
  make_disk ext4 32
  with_volume "${MINE[@]}"
  begin_litter
  mkdir -p "$DISK/precious/sub"
  echo content >"$DISK/precious/sub/file"
  mv "$DISK/precious" "$DISK/$NAME/precious"
  stop
  undo_failed "directory \`/data/$NAME\`: (Operation not permitted|Directory not empty|Permission denied)"
  [[ -e $DISK/$NAME/precious/sub/file ]] || fail "what the target's user may not remove was removed for him"
}
it "root's directory moved into that of the target's user: it is not removed for him" moved_in

mounted() {
  make_disk ext4 32
  with_volume
  LITTER=(10 3 mount)
  begin_litter
  stop
  undo_failed "directory \`/data/$NAME\`: something is mounted in it"
  [[ -e /proc/$TARGET/root/data/$NAME/mounted/file ]] || fail "it went across a mount"
}
it "something mounted in it: not a step across" mounted

read_only() {
  make_disk ext4 32
  with_volume
  begin_litter
  "$PROBES/probe-static" write "$DISK/$NAME/more" x
  soon 3000 "read-only" mount -o remount,ro "$DISK"
  stop
  undo_failed "remove the directory \`/data/$NAME\`: Read-only file system"
  # The guardian goes on trying.
  matches "$(record_of)" "^$NAME=" "record"
  mount -o remount,rw "$DISK"
  soon_clean 3000
}
it "the volume goes read-only: what is left is said, with the reason; writable again, the guardian removes it" read_only

target_gone() {
  make_disk ext4 32
  with_volume
  begin_litter
  kill -KILL "$TARGET"
  finish
  ended_by target-gone
  TARGET=
  reverted
  clean
}
it "the target ends: it is removed from the volume all the same" target_gone
cgroup_gone() {
  make_disk ext4 32
  with_volume
  begin_litter
  guardian_now
  kill -STOP "$GUARDIAN"
  # The shim first: it would see that its target ends, and undo by itself.
  kill -KILL "$SHIM" "$TARGET"
  finish
  remove_cgroup "$ID"
  [[ ! -e $(cgroup_of blkio "$ID" || cgroup_of io "$ID") ]] || fail "the cgroup is there still"
  kill -CONT "$GUARDIAN"
  soon 3000 "the directory is gone" volume_is_clean
  soon 1000 "the termination log tells of it" log_says "reverted guardian 0"
}
volume_is_clean() { ls -A "$DISK" | cmp -s "$T/before" -; }
it "the whole container gone, with its cgroup: the guardian removes it from the volume" cgroup_gone

# A server of files that stops answering, or is gone. The litter of its own kind: it has few nodes.
on_fuse() {
  make_fuse --size 33554432
  with_volume
  LITTER=(20 10)
  begin_litter --sample-ms 100
}
hangs() {
  on_fuse
  local samples
  kill -USR1 "$FUSE"
  stop_without_waiting
  samples=$(count_events sample)
  soon 5000 "samples go on" more_samples $((samples + 5))
  kill -USR2 "$FUSE"
  finish
  undo_failed "remove the directory \`/data/$NAME\`: (Input/output|I/O) error"
  soon_clean 5000
}
stop_without_waiting() { say stop; soon 5000 "the workload has ended" seen ended; }
more_samples() { (($(count_events sample) >= $1)); }
it "the file system stops answering: samples go on while it is waited for; answering again, the guardian removes it" hangs
server_gone() {
  on_fuse
  kill -KILL "$FUSE"
  soon 3000 "the server is gone" gone "$FUSE"
  stop
  undo_failed "remove the directory \`/data/$NAME\`: the server of its file system is gone"
}
it "the server of the file system is gone: said" server_gone
hangs_before() {
  make_fuse --size 33554432
  with_volume
  start_in -- "$PROBES/probe-static" hold
  await resolved
  soon 3000 "the first look is over" seen path
  kill -USR1 "$FUSE"
  say start
  finish 12000
  kill -USR2 "$FUSE"
  equal "$(field error '[.code, .state] | join(" ")')" "path unchanged" "error"
  matches "$(field error .message)" "does not answer; process [0-9]+ ends with the request" "message"
  clean
}
it "the file system does not answer at start: nothing is made, and it is said within seconds" hangs_before
# What is made there is made at the thaw, its maker killed or not.
frozen_disk() {
  make_disk ext4 32
  with_volume
  start_in -- "$PROBES/probe-static" hold
  await resolved
  soon 3000 "the first look is over" seen path
  freeze_disk
  say start
  finish 15000
  undo_failed "process [0-9]+ waits for the file system and may make the directory still"
  matches "$(record_of)" "^$NAME=lease .*directory" "record"
  thaw_disk
  soon_clean 5000
}
it "the file system is frozen at start: what may be made there later is said, and goes as soon as it is there" frozen_disk

many_files() {
  make_disk ext4 128 -N 20000
  with_volume "${MINE[@]}"
  local since
  LITTER=(10000 70)
  begin_litter
  since=$(now_ms)
  stop
  reverted
  echo "10000 files: gone after $(($(now_ms) - since)) ms"
  clean
}
it "ten thousand files" many_files

system_calls() {
  local total at
  make_disk ext4 32
  with_volume
  WRAP=("$PROBES/tripwire" --count "$T/count" --)
  traced_run
  total=$(<"$T/count")
  at_least "$total" 300 "system calls of a run"
  places 24 "$total"
  for at in "${PLACES[@]}"; do
    WRAP=("$PROBES/tripwire" --kill-at "$at" --)
    traced_run
    soon 3000 "nothing in the volume after a kill at system call $at of $total" volume_is_clean
    # Between the record and the guardian nothing has been made, and the record alone is left: the next sweep takes it away.
    no_record || within 1000 no_record || { sweep_aside --remove; no_record || fail "a record stays: $(record_of)"; }
  done
}
traced_run() {
  rm -f "$T/out"
  start_in --lease-ms 3000 --duration-ms 60 -- "$PROBES/probe-static" litter 5 3
  say start
  finish
}
it "killed all over its own life (at the entry of a system call): nothing stays in the volume" system_calls
