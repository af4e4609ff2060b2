#!/usr/bin/env bash
# The target means harm. It has what a usual container's root has, or more, and looks at every process that appears beside it.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/toolbox-fixtures.sh"

MARKER=agent-marker-$RUN_ID # in the name of every file of the agent's that the target must not reach

# make_scanner OPTION...: the target's own second process runs `probe scan` until TERM; its findings are in $SCAN.
make_scanner() {
  make_root
  cp "$PROBES/probe-static" "$ROOT/probe"
  SCAN=$ROOT/data/scan
  make_container --root "$ROOT" --proc "$@" -- /pause
  "$PROBES/target" "${CGROUP_ARGS[@]}" --join "$TARGET:$JOINED" "${SCANNER_CREDENTIALS[@]}" -- /probe scan /data/scan "$MARKER" >"$T/scanner" ||
    fail "no scanner"
  SCANNER=$(<"$T/scanner")
  at_end end_process "$SCANNER"
  soon 3000 "it scans" grep -qs scanning "$SCAN"
}
end_scan() {
  kill -TERM "$SCANNER"
  soon 10000 "it has looked at everything again" grep -q '^scanned' "$SCAN"
  cat "$SCAN"
}
no_breach() { ! grep "^breach" "$SCAN" || fail "the target got at something"; }
JOINED=mnt,pid,net,ipc,uts
SCANNER_CREDENTIALS=("${DOCKER_ROOT[@]}")

control() {
  make_scanner --unshare "$ALL_NAMESPACES" "${DOCKER_ROOT[@]}"
  # As a helper without our remedies would: its own file as program, the agent's folder as working directory.
  cp "$PROBES/pause" "$T/helper"
  cp "$PROBES/target" "$T/target-copy" # what makes the helper is seen as well, and spoilt
  mkdir "$T/agent"
  : >"$T/agent/$MARKER"
  (cd "$T/agent" && exec "$T/target-copy" --join "$TARGET:pid" "${DOCKER_ROOT[@]}" -- "$T/helper" 3>"$T/agent/$MARKER" >"$T/helper.pid")
  local helper
  helper=$(<"$T/helper.pid")
  at_end end_process "$helper"
  soon 3000 "it sees the helper's program" grep -q "exe .*helper" "$SCAN"
  soon 3000 "it sees the helper's working directory" grep -q "^breach cwd" "$SCAN"
  kill -KILL "$helper"
  soon 2000 "the helper is gone" gone "$helper"
  end_scan
  grep -q '^breach exe-afterwards' "$SCAN" || fail "the scanner cannot write to the helper's program"
}
it "the scanner finds what there is to find: an unsealed helper's program is writable, its directory reachable" control

# scanned LINKAGE: as `toolbox` a dynamic one of a toolbox, whose root directory has the marker in it. A run under the scanner's eyes, in a folder and with descriptors that carry the marker.
scanned() {
  local agent=$T/agent
  mkdir "$agent"
  : >"$agent/$MARKER"
  cp "$PROBES/probe-${1/toolbox/dynamic}" "$agent/program-$MARKER"
  local program=(-- "$agent/program-$MARKER")
  if [[ $1 == toolbox ]]; then
    mkdir -p "$T/box/files"
    : >"$T/box/files/$MARKER"
    make_toolbox "$T/box" "$agent/program-$MARKER"
    program=(--toolbox -- "program-$MARKER")
  fi
  cp "$NSEXEC" "$agent/nsexec-$MARKER"
  local inode
  inode=$(stat -c '%i %Y %s' "$agent"/*-"$MARKER")
  cd "$agent"
  NSEXEC=$agent/nsexec-$MARKER
  exec 7<"$agent" 8>>"$agent/$MARKER"
  ln -s "out-$MARKER" "$T/out"
  start_shim --container "$ID" --termination-log "$agent/$MARKER" "${program[@]}" hold
  if [[ $1 == toolbox ]]; then
    await resolved
    send_toolbox "$T/box"
  fi
  say start
  await active
  said reported
  soon 5000 "the scanner has looked at the init of the workload's namespace" grep -q '^seen nsexec:init' "$SCAN"
  soon 5000 "the scanner has looked at the workload" grep -qE '^seen (memfd:)?program-' "$SCAN"
  ! gone "$SHIM" || fail "it ended"
  stop
  equal "$(field reverted .left)" 0 "left"
  equal "$(cgroup_members "$ID" | xargs)" "$(printf '%s\n' "$TARGET" "$SCANNER" | sort -n | xargs)" "members"
  end_scan
  no_breach
  equal "$(stat -c '%i %Y %s' "$agent"/*-"$MARKER")" "$inode" "the shim's and the program's files"
}
root_like_docker() { make_scanner --unshare "$ALL_NAMESPACES" "${DOCKER_ROOT[@]}"; scanned "$1"; }
it "sealed: root in the target cannot write what it sees as /proc/PID/exe, nor reach a file of the agent's (static)" root_like_docker static
variant "sealed: root in the target cannot write what it sees as /proc/PID/exe, nor reach a file of the agent's (dynamic)" root_like_docker dynamic

it "sealed: nor one of a toolbox, its root and its mounts among them" root_like_docker toolbox

host_pid() {
  JOINED=mnt,net,ipc,uts
  ID=$(new_id)
  make_cgroup "$ID"
  # Not this machine's own: what a scanner breaks there would be somebody's.
  nested host_pid_inside "$1"
}
host_pid_inside() {
  make_cgroup() { :; }
  new_id() { echo "$ID"; }
  make_scanner --unshare mnt,net,ipc,uts,cgroup "${DOCKER_ROOT[@]}"
  scanned "$1"
  grep -q '^exe .*/pause' "$SCAN" || fail "the scanner saw nobody"
}
it "sealed: and so in the shim's own pid namespace, where it sees the shim itself and its stdout (static)" host_pid static
variant "sealed: and so in the shim's own pid namespace, where it sees the shim itself and its stdout (dynamic)" host_pid dynamic
variant "sealed: and so in the shim's own pid namespace, where it sees the shim itself and its stdout (of a toolbox)" host_pid toolbox

user_namespace() {
  JOINED=user,mnt,pid,net,ipc,uts
  SCANNER_CREDENTIALS=(--uid 0 --gid 0)
  make_scanner --unshare "user,$ALL_NAMESPACES" --uid-map 0:100000:65536 --gid-map 0:100000:65536 --uid 0 --gid 0
  scanned "$1"
}
it "sealed: and so for the root of a user namespace, with every capability there (static)" user_namespace static
variant "sealed: and so for the root of a user namespace, with every capability there (dynamic)" user_namespace dynamic

ptracer() {
  local caps=a80c25fb # and CAP_SYS_PTRACE
  SCANNER_CREDENTIALS=(--uid 0 --gid 0 --caps "0:$caps:$caps:0" --bounding "$caps")
  make_scanner --unshare "$ALL_NAMESPACES" "${SCANNER_CREDENTIALS[@]}"
  # It may look into all that it sees; there is nothing, from the first instruction on.
  scanned "$1"
  equal "$(jq -r 'select(.event == "warning") | .code' "$T/out" | sort -u)" "" "warnings"
}
it "sealed: a target with CAP_SYS_PTRACE cannot write to any program either, and finds nothing at any time (static)" ptracer static
variant "sealed: a target with CAP_SYS_PTRACE cannot write to any program either, and finds nothing at any time (dynamic)" ptracer dynamic

filters() { "$PROBES/filters"; }
it "the filters: what the target can see before it is the workload can do nothing; no file is executed, by whatever call" filters

descriptors() {
  make_distroless
  exec 5<"$TESTS" 9>"$T/mine" 77<"$TESTS" 300>"$T/mine"
  run_shim --container "$ID" -- "$PROBES/probe-$1" report
  equal "$(sed -n 's/^fd=\([0-9]*\) .*/\1/p' "$T/err" | xargs)" "0 1 2" "descriptors"
}
it "no descriptor but 0, 1 and 2 reaches the workload (static)" descriptors static
variant "no descriptor but 0, 1 and 2 reaches the workload (dynamic)" descriptors dynamic

helpers_descriptors() {
  make_distroless
  exec 5<"$TESTS" 9>"$T/mine" 77<"$TESTS" 300>"$T/mine"
  begin --container "$ID" -- "$PROBES/probe-static" hold
  local pid fd inside=0
  for pid in $(descendants "$SHIM"); do
    [[ $(namespace_of "$pid" pid) != "$(namespace_of "$SHIM" pid)" && $pid != "$WORKLOAD" ]] || continue
    inside=$((inside + 1))
    for fd in "/proc/$pid/fd/"*; do
      case $(readlink "$fd") in
        "$T/out" | "$T/in" | "$TESTS" | "$T/mine" | /sys/fs/cgroup* | /proc* | *cgroup.procs) fail "helper $pid, which the target can see, holds $(readlink "$fd")" ;;
      esac
    done
  done
  at_least "$inside" 1 "helpers in the target's pid namespace"
  stop
}
it "no helper process that the target can see holds our stdin, stdout or anything of the host" helpers_descriptors

climbs() { # LINKAGE OPTION...
  make_distroless
  mkdir "$T/agent"
  : >"$T/agent/$MARKER"
  cd "$T/agent"
  run_shim --container "$ID" "${@:2}" -- "$PROBES/probe-$1" climb "$MARKER"
  equal "$STATUS" 0 "exit code"
  matches "$(cat "$T/err")" "marker=none" "climbing from the working directory"
  ! grep -q in-root "$T/err" || fail "the marker is in its root directory"
  run_shim --container "$ID" "${@:2}" -- "$PROBES/probe-$1" climb bin
  matches "$(cat "$T/err")" "marker=none" "climbing to a folder of the host's root"
  local top root
  top=$(sed -n 's/.*top=\([^ ]*\).*/\1/p' "$T/err") root=$(sed -n 's/.*root=\([^ ]*\).*/\1/p' "$T/err")
  equal "$root" "$(id_of "$ROOT")" "root directory"
  differ "$top" "$(id_of "/")" "the top of the climb"
}
it "neither working directory nor root leads to the agent's files (static)" climbs static
variant "neither working directory nor root leads to the agent's files (dynamic)" climbs dynamic
it "neither do they without a working directory of our own (static)" climbs static --scratch-bytes 0
variant "neither do they without a working directory of our own (dynamic)" climbs dynamic --scratch-bytes 0

same_user() {
  # In the host's pid namespace, with the shim's own uid: its descriptors must not open.
  make_container --unshare mnt "${DOCKER_ROOT[@]}"
  begin --container "$ID" -- "$PROBES/probe-static" hold
  local as=("$PROBES/target" "${DOCKER_ROOT[@]}" --) opened
  opened=$("${as[@]}" /bin/sh -c "{ echo forged >>/proc/$SHIM/fd/1; } 2>/dev/null && echo yes >'$T/opened' || echo no >'$T/opened'")
  soon 3000 "an answer" test -s "$T/opened"
  equal "$(<"$T/opened")" no "the shim's stdout opened by a process with the same uid (pid ${opened:-?})"
  stop
  ! grep -q forged "$T/out" || fail "an event was forged"
  reverted
}
it "a target with the shim's own uid cannot write to its stdout" same_user

program_replaced() {
  make_distroless
  cp "$PROBES/probe-static" "$T/program"
  start_shim --container "$ID" -- "$T/program" exit 4
  await resolved
  cp "$PROBES/pause" "$T/other"
  mv "$T/other" "$T/program"
  say start
  finish
  equal "$STATUS" 4 "exit code: the program that was there when it was resolved"
}
it "the program is the one that was opened before start, whatever its path leads to later" program_replaced

preload_of_the_target() {
  make_distroless
  mkdir "$ROOT/etc"
  echo /data/evil.so >"$ROOT/etc/ld.so.preload"
  printf 'not a library' >"$ROOT/data/evil.so"
  run_shim --container "$ID" --env LD_DEBUG=libs -- "$PROBES/probe-dynamic" exit 6
  equal "$STATUS" 6 "exit code"
  ! grep -q evil "$T/err" || fail "the target's ld.so.preload was read"
}
it "nothing of the target's is loaded into a dynamic program" preload_of_the_target

proc_of_the_target() {
  # A /proc that lies: what is read back must come from the host's.
  make_root
  mkdir -p "$ROOT/proc/self/ns"
  : >"$ROOT/proc/self/status"
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" -- /pause
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  equal "$(field active '[.entered, .of] | tojson')" "[8,8]" "entered, of"
  stop
  reverted
}
it "a forged /proc in the target changes nothing (static)" proc_of_the_target static
variant "a forged /proc in the target changes nothing (dynamic)" proc_of_the_target dynamic

workload_attacks_supervisor() {
  make_container --unshare mnt # the host's pids: it can name everybody
  begin --container "$ID" -- "$PROBES/probe-static" hold
  local seen_pid
  seen_pid=$(status_of "$WORKLOAD" NSpid | awk '{print NF}')
  at_least "$seen_pid" 2 "pid namespaces that the workload is nested in"
  stop
  reverted
}
it "the workload is in a pid namespace of its own: it cannot name, signal or trace the shim" workload_attacks_supervisor
