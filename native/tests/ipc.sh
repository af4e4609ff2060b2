#!/usr/bin/env bash
# What a workload leaves in the target's IPC namespace: what is certainly its own goes, the rest is named, and nothing of the target's is touched.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/ipc.XXXXXX")
make_distroless

in_target() { nsenter --ipc="/proc/$TARGET/ns/ipc" "$@"; }
# Their ids, one a line, of the list that is called so: shm, sem, msg.
ids() { in_target awk 'NR > 1 {print $2}' "/proc/sysvipc/$1"; }
all_ids() { for list in shm sem msg; do echo "$list $(ids "$list" | xargs)"; done; }
remove_all() {
  local id
  for id in $(ids shm); do in_target ipcrm -m "$id"; done
  for id in $(ids sem); do in_target ipcrm -s "$id"; done
  for id in $(ids msg); do in_target ipcrm -q "$id"; done
}
# of_target WHAT...: the target makes that itself, before or while we are at work.
of_target() { in_target "$PROBES/probe-static" ipc "$@" exit; }
begin_ipc() { begin --container "$ID" --grace-ms 0 "${@:2}" -- "$PROBES/probe-$KIND" ipc $1; said made; }
KIND=static
left_warning() { jq -r 'select(.event == "warning" and .code == "left") | .message' "$T/out"; }

shared_memory() { # KIND OPTION...
  local KIND=$1 before
  of_target shm shm sem msg
  at_end remove_all
  before=$(all_ids)
  begin_ipc "shm shm shm" "${@:2}"
  equal "$(ids shm | wc -l)" 5 "segments while it runs"
  of_target shm
  equal "$(ids shm | wc -l)" 6 "segments while it runs"
  stop
  reverted
  equal "$(ids shm | wc -l)" 3 "segments of the target"
  equal "$(all_ids | grep -v shm)" "$(grep -v shm <<<"$before")" "the rest"
  equal "$(ids shm | head -n 2)" "$(sed -n 's/^shm //p' <<<"$before" | tr ' ' '\n')" "those from before"
  equal "$(left_warning)" "" "warning"
}
it "shared memory of a workload that is killed goes; what the target had, and what it made meanwhile, stays" shared_memory static
variant "the same of a dynamic one" shared_memory dynamic
variant "the same --as root" shared_memory static --as root
by_itself() {
  run_shim --container "$ID" -- "$PROBES/probe-static" ipc shm shm exit
  equal "$STATUS" 0 "exit code"
  reverted
  equal "$(ids shm)" "" "segments"
}
it "that of one which ends by itself goes as well" by_itself
nothing() {
  of_target shm sem msg
  at_end remove_all
  local before
  before=$(all_ids)
  run_shim --container "$ID" -- "$PROBES/probe-static" exit 0
  reverted
  equal "$(all_ids)" "$before" "what the target has"
  equal "$(jq -r 'select(.event == "warning") | .code' "$T/out" | grep -v ptrace || true)" "" "warnings"
}
it "one that leaves nothing: nothing is said" nothing
many() {
  begin_ipc "$(printf 'shm %.0s' {1..100})"
  stop
  reverted
  equal "$(ids shm)" "" "segments"
}
it "a hundred segments" many

attached() {
  begin_ipc shm
  local id
  id=$(ids shm)
  nsenter --ipc="/proc/$TARGET/ns/ipc" "$PROBES/probe-static" ipc "attach=$id" >"$T/attached" {IDLE}>&- &
  at_end end_process "$!"
  soon 3000 "it is attached" grep -q made "$T/attached"
  say stop
  finish
  equal "$(field error '[.code, .state] | join(" ")')" "undo unknown: shared memory of the workload may be left in the target's IPC namespace" "error"
  matches "$(field error .message)" "^shared memory that the workload has made, 4096 bytes, is left in the target's IPC namespace, segment $id: " "message"
  equal "$STATUS" 125 "exit code"
}
it "what a process of the target has attached meanwhile is its to let go: that is said" attached

others() {
  of_target sem msg /before
  at_end remove_all
  local sem msg
  sem=$(ids sem) msg=$(ids msg)
  begin_ipc "sem sem msg /left /another"
  stop
  reverted
  equal "$(ids sem | wc -l) $(ids msg | wc -l)" "3 2" "semaphores and queues"
  # Their order is a directory's.
  equal "$(left_warning | sed 's:`/[a-z]*`, `/[a-z]*`$:QUEUES:')" \
    "new in the target's IPC namespace, made by the workload or by the target itself, and so left: semaphore set $(ids sem | grep -vx "$sem" | paste -sd, | sed 's/,/, /'); message queue $(ids msg | grep -vx "$msg"); POSIX message queue QUEUES" "warning"
  matches "$(left_warning)" "/left" "warning"
  matches "$(left_warning)" "/another" "warning"
}
it "semaphores and message queues, of which nobody knows who made them, are named and left" others

in_user_namespace() {
  local ID TARGET CGROUP CGROUP_ARGS ROOT
  make_root
  make_container --unshare user,mnt,pid,ipc --uid-map 0:1000000:65536 --gid-map 0:1000000:65536 --root "$ROOT" --proc -- /pause
  begin_ipc "shm shm sem"
  equal "$(in_target awk 'NR > 1' /proc/sysvipc/shm | wc -l)" 2 "segments while it runs"
  stop
  reverted
  equal "$(ids shm)" "" "segments"
  matches "$(left_warning)" ": semaphore set [0-9]+$" "warning"
}
it "in a target with a user namespace of its own" in_user_namespace
not_its_own() {
  local ID TARGET CGROUP CGROUP_ARGS ROOT id made
  make_root
  make_container --unshare mnt,pid --root "$ROOT" --proc -- /pause
  ids shm | sort >"$T/shm"
  ids msg | sort >"$T/msg"
  begin_ipc "shm shm msg"
  made=$(ids shm | sort | comm -13 "$T/shm" -)
  equal "$(wc -w <<<"$made")" 2 "new segments"
  stop
  reverted
  equal "$(ids shm | grep -x "$made" || true)" "" "segments"
  # The node's own: what is new there may be anybody's.
  [[ $(namespace_of self ipc) != 4026531839 ]] || equal "$(left_warning)" "" "warning"
  for id in $(ids msg | sort | comm -13 "$T/msg" -); do ipcrm -q "$id"; done
}
it "in a target that has the node's: only what is certain" not_its_own

hostile() {
  local ID TARGET CGROUP CGROUP_ARGS ROOT
  make_root
  make_container --unshare mnt,pid,ipc --root "$ROOT" --proc "${DOCKER_ROOT[@]}" --uid 0 -- /pause
  begin_ipc "shm"
  stop
  reverted
  equal "$(ids shm)" "" "segments"
}
it "as root with a container's capabilities" hostile
