#!/usr/bin/env bash
# All eight namespaces, inode by inode.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

NAMES=(user mnt net ipc uts cgroup time) # pid apart: the workload's is nested in the target's
USER_NAMESPACE=(--uid-map 0:100000:65536 --gid-map 0:100000:65536)

# in_target: every namespace of WORKLOAD is TARGET's, and the parent of its pid namespace is.
in_target() {
  local name
  for name in "${NAMES[@]}"; do
    [[ -e /proc/self/ns/$name ]] || continue
    equal "$(namespace_of "$WORKLOAD" "$name")" "$(namespace_of "$TARGET" "$name")" "$name namespace"
  done
  differ "$(namespace_of "$WORKLOAD" pid)" "$(namespace_of "$TARGET" pid)" "pid namespace"
  equal "$("$PROBES/probe-static" parent "/proc/$WORKLOAD/ns/pid")" "$(namespace_of "$TARGET" pid)" "parent of the pid namespace"
}
entered() { # LINKAGE TARGET_OPTION...
  local linkage=$1 own name
  shift
  make_root
  make_container --root "$ROOT" --proc "$@" -- /pause
  own=$(ls -l /proc/self/ns | sed 's/.* \([a-z_]* -> .*\)/\1/')
  begin --container "$ID" -- "$PROBES/probe-$linkage" hold
  in_target
  equal "$(field active '[.entered, .of] | tojson')" "[8,8]" "entered, of"
  for name in "${NAMES[@]}"; do
    equal "$(field active ".namespaces[] | select(.name == \"$name\") | .inode")" "$(namespace_of "$TARGET" "$name")" "$name in active"
    equal "$(field resolved ".namespaces[] | select(.name == \"$name\") | .own")" \
      "$([[ $(namespace_of "$TARGET" "$name") == "$(namespace_of self "$name")" ]] && echo false || echo true)" "own of $name in resolved"
  done
  equal "$(ls -l "/proc/$SHIM/ns" | sed 's/.* \([a-z_]* -> .*\)/\1/')" "$own" "the shim's own namespaces: it never enters"
  said reported
  for name in "${NAMES[@]}"; do
    equal "$(reported "ns_$name")" "$(namespace_of "$TARGET" "$name")" "$name, as the workload sees it"
  done
  stop
  reverted
}
both() {
  it "$1 (static)" entered static "${@:2}"
  variant "$1 (dynamic)" entered dynamic "${@:2}"
}
both "all eight namespaces are the target's by inode" --unshare "$ALL_NAMESPACES"
both "all eight with a user namespace of the target's own" --unshare "user,$ALL_NAMESPACES" "${USER_NAMESPACE[@]}"
both "a target with nothing of its own but mnt (hostPID, hostNetwork, hostIPC)" --unshare mnt
both "a target with mnt, ipc and net of its own" --unshare mnt,ipc,net

all_ours() {
  make_container
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  in_target
  stop
  reverted
}
it "a target that shares every namespace with us (static)" all_ours static
variant "a target that shares every namespace with us (dynamic)" all_ours dynamic

no_proc() {
  make_root
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" -- /pause
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  in_target
  stop
  reverted
}
it "a target without a /proc (static)" no_proc static
variant "a target without a /proc (dynamic)" no_proc dynamic

seen_inside() {
  make_distroless --hostname target-host --time-offset 1000000
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  said reported
  equal "$(reported hostname)" target-host "hostname"
  at_least "$(reported boottime)" 1000000 "boot time, moved by the target's time namespace"
  stop
}
it "the workload sees the target's hostname and clock (static)" seen_inside static
variant "the workload sees the target's hostname and clock (dynamic)" seen_inside dynamic

shared_pid_namespace() {
  make_distroless
  local first=$TARGET first_id=$ID
  make_root
  make_container --join "$first:pid,net,ipc,uts" --unshare mnt,cgroup --root "$ROOT" --proc -- /pause
  equal "$(namespace_of "$TARGET" pid)" "$(namespace_of "$first" pid)" "pid namespace of the second container"
  begin --container "$ID" -- "$PROBES/probe-$1" family child daemon
  equal "$(field resolved .pid)" "$TARGET" "pid"
  in_target
  equal "$(reported_root)" "$(stat -c '%d:%i' "$ROOT")" "root directory"
  stop
  reverted
  equal "$(cgroup_members "$first_id")" "$first" "members of the other container"
  ! gone "$first" || fail "the other container's process is gone"
}
reported_root() { stat -Lc '%d:%i' "/proc/$WORKLOAD/root/"; }
it "a target with a shared pid namespace: its own mounts and cgroup, the shared pids (static)" shared_pid_namespace static
variant "a target with a shared pid namespace: its own mounts and cgroup, the shared pids (dynamic)" shared_pid_namespace dynamic

user_namespace() {
  make_root
  make_container --unshare "user,$ALL_NAMESPACES" "${USER_NAMESPACE[@]}" --root "$ROOT" --proc --uid 1000 --gid 1001 --groups 5,6 --caps 0:0:0:0 -- /pause
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  said reported
  equal "$(reported uid)" "1000 1000 1000" "uid inside"
  equal "$(reported gid)" "1001 1001 1001" "gid inside"
  equal "$(reported groups)" "5 6" "groups inside"
  equal "$(status_of "$WORKLOAD" Uid)" "$(printf '101000\t101000\t101000\t101000')" "uid on the host"
  equal "$(status_of "$WORKLOAD" Gid)" "$(printf '101001\t101001\t101001\t101001')" "gid on the host"
  equal "$(status_of "$WORKLOAD" Groups | xargs)" "100005 100006" "groups on the host"
  equal "$(cat "/proc/$WORKLOAD/uid_map")" "$(cat "/proc/$TARGET/uid_map")" "uid_map"
  stop
  reverted
}
it "a target in a user namespace: its ids inside, the mapped ones on the host (static)" user_namespace static
variant "a target in a user namespace: its ids inside, the mapped ones on the host (dynamic)" user_namespace dynamic

user_namespace_root() {
  make_distroless_user
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  said reported
  equal "$(reported uid)" "0 0 0" "uid inside"
  equal "$(status_of "$WORKLOAD" Uid | cut -f1)" 100000 "uid on the host"
  equal "$(status_of "$WORKLOAD" CapEff)" "$(status_of "$TARGET" CapEff)" "capabilities, of its own user namespace"
  stop
  reverted
}
make_distroless_user() {
  make_root
  make_container --unshare "user,$ALL_NAMESPACES" "${USER_NAMESPACE[@]}" --uid 0 --gid 0 --root "$ROOT" --proc -- /pause
}
it "a target that is root of a user namespace is nobody special on the host (static)" user_namespace_root static
variant "a target that is root of a user namespace is nobody special on the host (dynamic)" user_namespace_root dynamic

scratch_in_user_namespace() {
  make_distroless_user
  run_shim --container "$ID" --scratch-bytes 65536 -- "$PROBES/probe-$1" fill here 1048576
  equal "$STATUS" 0 "exit code"
  matches "$(cat "$T/err")" ENOSPC "it ends with"
  reverted
}
it "the working directory is writable for the root of a user namespace (static)" scratch_in_user_namespace static
variant "the working directory is writable for the root of a user namespace (dynamic)" scratch_in_user_namespace dynamic

pid_one() {
  make_distroless
  begin --container "$ID" -- "$PROBES/probe-static" hold
  said reported
  differ "$(reported pid)" 1 "the workload's pid: the first process of a namespace ignores signals"
  stop
}
it "the workload is not the init of its pid namespace, so that signals have their default effect" pid_one

orphans() {
  make_distroless
  begin --container "$ID" -- "$PROBES/probe-static" family daemon
  family_is_there
  # What made the daemon ends a moment after it is there.
  soon 2000 "one daemon whose parent is the init of a pid namespace, and not the target" one_adopted
  equal "$(namespace_of "${ADOPTERS[0]}" pid)" "$(namespace_of "$WORKLOAD" pid)" "pid namespace of the daemon's parent"
  stop
  reverted
}
one_adopted() {
  local pid parent
  ADOPTERS=()
  for pid in $(cgroup_members "$ID"); do
    parent=$(status_of "$pid" PPid)
    [[ $pid != "$WORKLOAD" && $pid != "$TARGET" && $(status_of "$parent" NSpid | awk '{print $NF}') == 1 && $parent != "$TARGET" ]] || continue
    ADOPTERS+=("$parent")
  done
  ((${#ADOPTERS[@]} == 1))
}
it "orphans of the workload go to the init of its own pid namespace, never to the target's" orphans
