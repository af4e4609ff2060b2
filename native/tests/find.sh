#!/usr/bin/env bash
# The container's first process is found by its cgroup, held by a pidfd, and nobody else's is taken for it.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/disk-fixtures.sh"

HOLD=("$PROBES/probe-static" hold)

inspect() {
  STATUS=0
  timeout 10 "$NSEXEC" inspect "$@" >"$T/out" 2>"$T/err" || STATUS=$?
}
found() { inspect --container "$1"; equal "$STATUS" 0 "exit code"; equal "$(field resolved .pid)" "$2" "pid"; }
not_found() { inspect --container "$1"; refused no-container; matches "$(field error .message)" "$1" "message"; }

# A target in the cgroup that PATTERN names, ID standing for the container's id.
named() {
  ID=$(new_id)
  make_cgroup "${1//ID/$ID}"
  start_target --unshare mnt,pid
}
by_pattern() { named "$1"; found "$ID" "$TARGET"; }
not_by_pattern() { named "$1"; not_found "$ID"; }

it "found: cgroupfs driver, the plain id" by_pattern kubepods/burstable/pod1/ID
variant "found: containerd with systemd" by_pattern kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope
variant "found: CRI-O with systemd" by_pattern kubepods.slice/kubepods-pod1.slice/crio-ID.scope
variant "found: docker with systemd" by_pattern system.slice/docker-ID.scope
variant "found: podman with systemd" by_pattern machine.slice/libpod-ID.scope
variant "found: containerd's slice:cri-containerd:id" by_pattern system.slice/kubepods-pod1.slice:cri-containerd:ID
variant "found: the id above the process's own cgroup, as with systemd in the container" by_pattern cri-containerd-ID.scope/init.scope
variant "found: docker with cgroupfs" by_pattern docker/ID
variant "found: CRI-O with cgroupfs" by_pattern kubepods/burstable/pod1/crio-ID
variant "found: podman with cgroupfs" by_pattern libpod_parent/libpod-ID
variant "found: crun's cgroup within the scope" by_pattern kubepods.slice/kubepods-pod1.slice/crio-ID.scope/container
variant "found: crun's cgroup, with cgroupfs" by_pattern kubepods/burstable/pod1/crio-ID/container
variant "found: podman's cgroup within the scope" by_pattern machine.slice/libpod-ID.scope/container
variant "found: a user-namespaced pod of containerd's" by_pattern system.slice/kubepods-burstable-podX.slice:cri-containerd:ID
variant "found: CRI-O between two colons" by_pattern system.slice/kubepods-pod1.slice:crio:ID
variant "found: nerdctl with systemd" by_pattern system.slice/nerdctl-ID.scope
it "not found: CRI-O's conmon with cgroupfs" not_by_pattern kubepods/burstable/pod1/crio-conmon-ID
variant "not found: podman's conmon with cgroupfs" not_by_pattern libpod_parent/libpod-conmon-ID
variant "not found: podman's conmon between two colons" not_by_pattern system.slice:libpod-conmon:ID
variant "not found: another prefix, with cgroupfs" not_by_pattern kubepods/other-ID
variant "not found: a runtime's longer id, with cgroupfs" not_by_pattern kubepods/crio-abID
variant "not found: CRI-O's conmon" not_by_pattern kubepods.slice/crio-conmon-ID.scope
variant "not found: podman's conmon" not_by_pattern machine.slice/libpod-conmon-ID.scope
variant "not found: a longer id that begins with it" not_by_pattern kubepods/IDab
variant "not found: a longer id that ends with it" not_by_pattern kubepods/abID
variant "not found: a longer id in a scope" not_by_pattern system.slice/docker-IDab.scope
variant "not found: a unit of another kind" not_by_pattern system.slice/docker-ID.service
variant "not found: another prefix" not_by_pattern system.slice/other-ID.scope
variant "not found: something after .scope" not_by_pattern system.slice/cri-containerd-ID.scope.d
variant "not found: the id within a word" not_by_pattern kubepods/pod_ID_x
variant "not found: CRI-O's conmon between two colons" not_by_pattern system.slice:crio-conmon:ID
variant "not found: another word between two colons" not_by_pattern system.slice:other:ID

id_prefix() {
  named kubepods/ID
  not_found "${ID:0:12}"
  not_found "${ID:0:63}"
  not_found "${ID:1}"
}
it "not found: prefixes of an id do not match" id_prefix

nobody() { not_found "$(new_id)"; }
it "no-container: no process has the id" nobody
run_nobody() {
  run_shim --container "$(new_id)" -- "${HOLD[@]}"
  refused no-container
}
it "no-container: run, too, says so before it waits for start" run_nobody

conmon() { # SUFFIX
  local monitor container
  ID=$(new_id)
  make_cgroup "kubepods.slice/crio-conmon-$ID$1"
  start_target --comm conmon
  monitor=$TARGET
  make_cgroup "kubepods.slice/crio-$ID$1"
  start_target --unshare mnt,pid
  container=$TARGET
  found "$ID" "$container"
  begin --container "$ID" -- "${HOLD[@]}"
  equal "$(cgroup_members "kubepods.slice/crio-conmon-$ID$1")" "$monitor" "members of conmon's cgroup"
  stop
}
it "conmon, though older, is never taken for the container" conmon .scope
variant "conmon, though older, is never taken for the container: with cgroupfs" conmon ""

second_process() {
  make_distroless
  local first=$TARGET
  start_target --join "$first:pid,mnt,net,ipc,uts" # as `kubectl exec` does
  found "$ID" "$first"
}
it "a process that was exec'ed into the container later is not chosen" second_process

lower_pid() {
  ID=$(new_id)
  make_cgroup "$ID"
  nested lower_pid_inside
}
# Starts are told apart by the kernel's clock ticks, and a process can follow another within one.
tick_is_over() { (($(started_at "$BASHPID") > $1)); }
started_at() { awk '{print $22}' "/proc/$1/stat"; }
lower_pid_inside() {
  start_target --pid 600
  local first=$TARGET
  soon 1000 "the clock's next tick" tick_is_over "$(started_at "$first")"
  start_target --pid 300
  equal "$TARGET" 300 "pid of the second"
  found "$ID" "$first"
}
it "a later process with a lower pid is not chosen: what counts is when it started" lower_pid

children_and_inner() {
  ID=$(new_id)
  local inner
  inner=$(new_id)
  make_cgroup "$ID"
  "$PROBES/target" "${CGROUP_ARGS[@]}" --unshare mnt,pid -- "$PROBES/probe-static" family child setsid daemon >"$T/first" &
  local first
  soon 3000 "a family" grep -q ^family "$T/first"
  soon 3000 "its pid" grep -qxE '[0-9]+' "$T/first"
  first=$(grep -m1 -xE '[0-9]+' "$T/first")
  at_end end_process "$first"
  make_cgroup "$ID/docker/$inner"
  start_target --join "$first:pid,mnt"
  found "$ID" "$first"
  found "$inner" "$TARGET"
}
it "a container within the container has its own id, and the outer one its own first process" children_and_inner

two_of_an_id() {
  ID=$(new_id)
  make_cgroup "kubepods/pod1/$ID"
  start_target --unshare mnt,pid
  make_cgroup "kubepods/pod2/$ID" # as a container that may make cgroups could, to be taken for its neighbour
  start_target --unshare mnt,pid
  not_found "$ID"
}
it "two cgroups of the same id: refused, since one of them is forged" two_of_an_id

# On a node whose containers have their cgroups in v1 hierarchies, one that somebody makes in v2 alone is nobody's container.
forged_aside() {
  [[ $MODE == hybrid ]] || na "no v2 hierarchy beside v1 ones"
  make_cgroup elsewhere
  ID=$(new_id)
  make_directories "$UNIFIED/$CGROUP_TOP/elsewhere/$ID"
  at_end poll 2000 rmdir "$UNIFIED/$CGROUP_TOP/elsewhere/$ID"
  CGROUP_ARGS+=(--cgroup "$UNIFIED/$CGROUP_TOP/elsewhere/$ID")
  start_target --unshare mnt,pid
  make_cgroup "$ID"
  start_target --unshare mnt,pid
  found "$ID" "$TARGET"
}
it "a cgroup of the id in v2 alone, beside v1 hierarchies, is no second container" forged_aside

# --- how it is looked for

# Of the shim's first process; what else happens on the machine meanwhile is a few of them.
system_calls() { "${AROUND[@]}" "$PROBES/tripwire" --count "$T/count" -- "$NSEXEC" inspect --container "$ID" >"$T/out" && cat "$T/count"; }
crowd() { # AROUND
  [[ ${SANITIZED:-0} == 0 ]] || export ASAN_OPTIONS=detect_leaks=0
  ID=$(new_id)
  make_cgroup agent
  make_cgroup "$ID"
  nested crowd_inside "$1"
}
crowd_inside() {
  local few many i AROUND=()
  start_target --unshare mnt,pid
  "$1"
  few=$(system_calls)
  for ((i = 0; i < 300; i++)); do "$PROBES/pause" {IDLE}>&- & done
  many=$(system_calls)
  echo "$few system calls, and $many with 300 processes more"
  equal "$(field resolved .pid)" "$TARGET" "pid"
  at_most $((many - few)) 300 "system calls for 300 processes more on the node"
}
in_the_open() { :; }
in_a_pod() { agent_in agent; AROUND=("${AGENT[@]}" --cgroup); }
# With nothing of the hierarchies in its own files.
blind() { agent_in agent; AROUND=("${AGENT[@]}" --cgroup --mount bash -c 'umount --lazy /sys/fs/cgroup && exec "$@"' _); }
it "what else runs on the node is not looked at" crowd in_the_open
it "what else runs on the node is not looked at: from a cgroup namespace of the agent's own" crowd in_a_pod
variant "what else runs on the node is not looked at: by an agent that has no hierarchy mounted" crowd blind

# The hierarchy in which containers are looked for.
walked() { if [[ $MODE == v2 ]]; then echo "${HIERARCHIES[0]}"; else dirname "$(dirname "$(cgroup_of memory x)")"; fi; }
too_deep() {
  ID=$(new_id)
  local top path i
  top=$(walked)/$CGROUP_TOP/deep
  path=$top
  for ((i = 0; i < 70; i++)); do path+=/d; done
  path+=/$ID
  at_end poll 2000 remove_tree "$top"
  mkdir -p "$path"
  CGROUP_ARGS=(--cgroup "$path")
  start_target --unshare mnt,pid
  found "$ID" "$TARGET"
}
remove_tree() { find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; }
it "found: in a cgroup that lies deeper than the tree of them is looked through" too_deep

below() {
  ID=$(new_id)
  local first
  make_cgroup "kubepods/$ID"
  make_cgroup "kubepods/$ID/a/b/c"
  start_target --unshare mnt,pid
  first=$TARGET
  make_cgroup "kubepods/$ID/d"
  start_target --join "$first:pid,mnt"
  found "$ID" "$first"
}
it "found: the container's cgroup is empty, and its processes are in those below it" below

elsewhere() {
  ID=$(new_id)
  make_cgroup "$ID"
  # Of v1, not in the hierarchy of memory.
  local arg args=()
  for arg in "${CGROUP_ARGS[@]}"; do [[ $arg == --cgroup || $arg == "$(walked)"/* ]] || args+=(--cgroup "$arg"); done
  [[ ${#args[@]} != 0 ]] || na "there is one hierarchy only"
  CGROUP_ARGS=("${args[@]}")
  start_target --unshare mnt,pid
  found "$ID" "$TARGET"
}
it "found: a process that has left the cgroup in the hierarchy that is looked through" elsewhere

# --- a container that is being created

creating() {
  refused no-container
  matches "$(field error .message)" "container .$ID. is still being created" "message"
}
is_creating() { inspect --container "$1"; creating; }
setting_up() { # COMM
  ID=$(new_id)
  make_cgroup "$ID"
  start_target --unshare mnt,pid --comm "$1"
  is_creating "$ID"
  run_shim --container "$ID" -- "${HOLD[@]}"
  creating
  start_target --unshare mnt,pid
  found "$ID" "$TARGET"
}
for comm in 'runc:[0:PARENT]' 'runc:[1:CHILD]' 'runc:[2:INIT]' 'youki:[2:INIT]' crun; do
  it "being created: $comm is no container, though older than what is" setting_up "$comm"
done
not_setting_up() { # COMM
  ID=$(new_id)
  make_cgroup "$ID"
  start_target --unshare mnt,pid --comm "$1"
  found "$ID" "$TARGET"
}
for comm in 7 exe crun: crunch 'other:[2:INIT]' runc:2:INIT; do
  variant "not being created: a container whose program is called $comm" not_setting_up "$comm"
done

# As a runtime executes itself where it cannot be written any more: from a mount that is attached nowhere, and before Linux 6.14 called by the descriptor's number.
by_descriptor() {
  ID=$(new_id)
  make_cgroup "$ID"
  mkdir "$T/programs"
  touch "$T/programs/6"
  mount --bind "$PROBES/pause" "$T/programs/6"
  start_target --unshare mnt,pid -- "$T/programs/6"
  umount --lazy "$T/programs/6"
  # The target has a copy of the mount.
  nsenter -t "$TARGET" -m umount --lazy "$T/programs/6"
  equal "$(readlink "/proc/$TARGET/exe")" / "what it is executed from"
  is_creating "$ID"
}
it "being created: a program that is called 6 and was executed from no path" by_descriptor

# created RUNTIME: by the real one, up to the point where it waits to be started.
created() {
  local runtime=$1 wrap=()
  need "$runtime"
  ID=$(new_id)
  mkdir -p "$T/bundle/rootfs"
  cp "$PROBES/pause" "$T/bundle/rootfs/pause"
  (cd "$T/bundle" && "$runtime" spec)
  jq --arg path "/$CGROUP_TOP/$ID" '.process.terminal = false | .process.args = ["/pause"] | .linux.cgroupsPath = $path' "$T/bundle/config.json" >"$T/config"
  mv "$T/config" "$T/bundle/config.json"
  # crun takes v1 or v2, and not both.
  # shellcheck disable=SC2016
  [[ $runtime != crun || $MODE != hybrid ]] || wrap=(unshare --mount bash -c 'umount "$0" && exec "$@"' "$UNIFIED")
  "${wrap[@]}" "$runtime" --root "$T/state" create --bundle "$T/bundle" "$ID" </dev/null >"$T/created" 2>&1 {IDLE}>&- || { cat "$T/created"; skip "$runtime makes no containers here"; }
  at_end "${wrap[@]}" "$runtime" --root "$T/state" delete --force "$ID"
  is_creating "$ID"
  "$runtime" --root "$T/state" start "$ID"
  soon 2000 "the container's program runs" is_started "$runtime"
  found "$ID" "$("$runtime" --root "$T/state" state "$ID" | jq .pid)"
  equal "$(field resolved .comm)" pause "comm"
}
is_started() { [[ $(cat "/proc/$("$1" --root "$T/state" state "$ID" | jq .pid)/comm") == pause ]]; }
it "being created, and then started, by runc" created runc
variant "being created, and then started, by crun" created crun

zombie() {
  ID=$(new_id)
  make_cgroup "$ID"
  # A parent that reaps nobody.
  mkfifo "$T/never"
  bash -c '"$1" & echo $! >"$2"; exec cat <>"$3"' _ "$PROBES/pause" "$T/pid" "$T/never" &
  at_end end_process $!
  soon 2000 "a child" test -s "$T/pid"
  TARGET=$(<"$T/pid")
  local h
  for h in "${HIERARCHIES[@]}"; do echo "$TARGET" >"$h$CGROUP/cgroup.procs"; done
  found "$ID" "$TARGET"
  kill -KILL "$TARGET"
  soon 2000 "it is a zombie" gone "$TARGET"
  inspect --container "$ID"
  equal "$STATUS" 125 "exit code"
  matches "$(field error .code)" '^(no-container|target-gone)$' "code"
}
it "a zombie is no container" zombie

# The init of a pid namespace waits on its way out for a child that not even KILL reaches.
dying() {
  make_distroless
  make_disk ext4 32
  freeze_disk
  unshare --pid --fork bash -c 'mkdir "$1/dir" & wait' _ "$DISK" {IDLE}>&- &
  local parent=$! init h
  soon 2000 "the child waits" has_waiting "$parent"
  init=$(<"/proc/$parent/task/$parent/children")
  init=${init%% *}
  for h in "${HIERARCHIES[@]}"; do echo "$init" >"$h$CGROUP/cgroup.procs"; done
  kill -KILL "$init"
  soon 2000 "the init is on its way out" is_exiting "$init"
  inspect --container "$ID"
  equal "$STATUS" 0 "exit code"
  equal "$(field resolved .pid)" "$TARGET" "pid"
  is_exiting "$init" || fail "it has ended meanwhile"
  thaw_disk
  wait "$parent" || true
}
has_waiting() { local last; last=$(descendants "$1" | tail -n 1) && [[ -n $last && $(process_state "$last") == D ]]; }
# Field 9 of stat(5), counted behind the name: PF_EXITING.
is_exiting() {
  local line words
  line=$(<"/proc/$1/stat") && read -ra words <<<"${line##*) }"
  ((words[6] & 4)) && [[ ${words[0]} != Z ]]
}
it "a process of the container that is dying is none, nor a second cgroup" dying

by_pid() {
  make_distroless
  inspect --pid "$TARGET"
  equal "$(field resolved .pid)" "$TARGET" "pid"
  begin --pid "$TARGET" -- "${HOLD[@]}"
  stop
  reverted
}
it "--pid takes a target by hand" by_pid

no_such_pid() {
  local pid=4194303
  while [[ -e /proc/$pid ]]; do pid=$((pid - 1)); done
  inspect --pid "$pid"
  equal "$STATUS" 125 "exit code"
  equal "$(field error .code)" target-gone "code"
}
it "--pid of nobody is target-gone" no_such_pid

gone_before_start() {
  make_distroless
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  kill -KILL "$TARGET"
  soon 2000 "the target is dead" gone "$TARGET"
  TARGET=
  say start
  finish
  refused target-gone
  target_is_alone
}
it "target-gone: the target ends between resolved and start, nothing changed" gone_before_start

gone_unstarted() {
  make_distroless
  start_shim --container "$ID" --lease-ms 0 -- "${HOLD[@]}"
  await resolved
  kill -KILL "$TARGET"
  finish 3000
  refused target-gone
}
it "target-gone: the target ends while start is awaited: said at once" gone_unstarted

gone_while_running() { # TARGET_OPTION...
  make_container "$@"
  local since
  begin --container "$ID" --grace-ms 5000 -- "$PROBES/probe-static" family child ignoring setsid daemon
  family_is_there
  since=$(now_ms)
  kill -KILL "$TARGET"
  TARGET=
  await ended 1500
  in_time $(($(now_ms) - since)) 1000 "milliseconds until it is noticed"
  ended_by target-gone
  finish 7000
  reverted
}
it "target-gone: the target, init of its pid namespace, ends while running: noticed within 1 s" gone_while_running --unshare mnt,pid
variant "target-gone: the target, in the host's pid namespace, ends while running: noticed within 1 s" gone_while_running --unshare mnt

execs() {
  make_root
  cp "$PROBES/probe-static" "$ROOT/probe"
  make_container --unshare mnt,pid --root "$ROOT" --proc -- /pause
  begin --container "$ID" -- "${HOLD[@]}"
  equal "$(field resolved .comm)" pause "comm"
  stop
}
it "the target's comm is its program's" execs

# The pid of the target is given to somebody else at the worst moment. WHERE is a system call of the shim, on whose entry it happens.
reused() {
  [[ ${SANITIZED:-0} == 0 ]] || export ASAN_OPTIONS=detect_leaks=0
  ID=$(new_id)
  make_cgroup bystander
  make_cgroup "$ID"
  nested reused_inside "$@"
}
reused_inside() { # WHERE [--container|--pid]
  local victim impostor
  start_target --unshare mnt --pid 700
  victim=$TARGET
  mkfifo "$T/go"
  WRAP=("$PROBES/tripwire" --at "$1" --tripped "$T/tripped" --go "$T/go" --)
  if [[ ${2:---container} == --container ]]; then start_shim --container "$ID" -- "${HOLD[@]}"; else start_shim --pid 700 -- "${HOLD[@]}"; fi
  soon 5000 "it comes to $1" test -s "$T/tripped"
  kill -KILL "$victim"
  soon 2000 "the target is gone" test ! -e "/proc/$victim"
  CGROUP_ARGS=("${CGROUP_ARGS[@]//$ID/bystander}")
  start_target --unshare mnt --pid 700
  impostor=$TARGET
  equal "$impostor" "$victim" "the impostor's pid"
  say start
  echo go >"$T/go"
  finish
  echo "$(field error .code)"
  equal "$STATUS" 125 "exit code"
  matches "$(field error .code)" '^(pid-reused|target-gone|no-container)$' "code"
  equal "$(field error .state)" unchanged "state"
  ! seen active || fail "it became active in somebody else's container"
  equal "$(cgroup_members bystander)" 700 "members of the impostor's cgroup"
}
it "pid reuse: between the search and the pidfd" reused pidfd_open:700
it "pid reuse: between the pidfd and the descriptor of /proc/PID" reused openat:700
it "pid reuse: right after both, at the first mount" reused fsmount

impostor_before_start() {
  ID=$(new_id)
  make_cgroup bystander
  make_cgroup "$ID"
  nested impostor_before_start_inside
}
impostor_before_start_inside() {
  start_target --unshare mnt --pid 700
  start_shim --container "$ID" -- "${HOLD[@]}"
  await resolved
  kill -STOP "$SHIM"
  kill -KILL 700
  soon 2000 "the target is gone" test ! -e /proc/700
  CGROUP_ARGS=("${CGROUP_ARGS[@]//$ID/bystander}")
  start_target --unshare mnt --pid 700
  say start
  kill -CONT "$SHIM"
  finish
  refused target-gone
  equal "$(cgroup_members bystander)" 700 "members of the impostor's cgroup"
}
it "pid reuse: while start is awaited: target-gone, the impostor untouched" impostor_before_start
