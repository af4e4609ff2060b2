# shellcheck shell=bash
# Targets: cgroups in every hierarchy, container roots, container-like processes. Needs libtest.sh.

# v1, hybrid (v1 with a v2 hierarchy beside it) or v2; and where each hierarchy is mounted.
mapfile -t HIERARCHIES < <(awk '{for (i = 7; $i != "-"; i++); if ($(i + 1) ~ /^cgroup2?$/ && $5 ~ "^/sys/fs/cgroup") print $5}' /proc/self/mountinfo)
UNIFIED=$(awk '{for (i = 7; $i != "-"; i++); if ($(i + 1) == "cgroup2" && $5 ~ "^/sys/fs/cgroup") {print $5; exit}}' /proc/self/mountinfo)
case "$UNIFIED:${#HIERARCHIES[@]}" in
  :*) MODE=v1 ;;
  *:1) MODE=v2 ;;
  *) MODE=hybrid ;;
esac
CGROUP_TOP=nsexec-test-${RUN_ID:?}

v1_only() { [[ $MODE != v2 ]] || na "cgroup v1 only, and this machine has v2"; }
v2_only() { [[ $MODE == v2 ]] || na "cgroup v2 with controllers only, and this machine is $MODE"; }
not_sanitized() { [[ ${SANITIZED:-0} == 0 ]] || na "says nothing about a sanitizer build"; }

. "$TESTS/residue.sh"

new_id() { local a b; read -r a </proc/sys/kernel/random/uuid; read -r b </proc/sys/kernel/random/uuid; a=$a$b; echo "${a//-/}"; }

# cgroup_of CONTROLLER NAME: the directory of NAME in the hierarchy of CONTROLLER (v1) or in the only one (v2).
cgroup_of() {
  local h
  for h in "${HIERARCHIES[@]}"; do
    [[ $MODE == v2 || ,$(basename "$h"), == *,"$1",* ]] && echo "$h/$CGROUP_TOP/$2" && return
  done
  return 1
}

# make_cgroup NAME: in every hierarchy, with its ancestors. CGROUP_ARGS are the options that put a target there.
make_cgroup() {
  local h part name=
  for part in ${1//\// }; do
    name=${name:+$name/}$part
    [[ -d ${HIERARCHIES[0]}/$CGROUP_TOP/$name ]] || at_end remove_cgroup "$name"
    make_directories "${HIERARCHIES[@]/%//$CGROUP_TOP/$name}"
  done
  CGROUP=/$CGROUP_TOP/$1
  CGROUP_ARGS=()
  for h in "${HIERARCHIES[@]}"; do CGROUP_ARGS+=(--cgroup "$h$CGROUP"); done
}
# make_directories PATH...: those that are not there yet, by one mkdir.
make_directories() {
  local directory file new=()
  for directory in "$@"; do [[ -d $directory ]] || new+=("$directory"); done
  ((${#new[@]})) || return 0
  for directory in "${new[@]}"; do delegate "${directory%/*}"; done
  mkdir "${new[@]}"
  [[ $MODE != v2 ]] || return 0
  # A new cpuset is empty, and nobody may enter an empty one.
  for directory in "${new[@]}"; do
    [[ -e $directory/cpuset.mems ]] || continue
    for file in cpuset.mems cpuset.cpus; do echo "$(<"${directory%/*}/$file")" >"$directory/$file"; done
  done
}
# On v2 a child has the controllers that its parent hands down.
delegate() {
  local c
  [[ $MODE == v2 ]] || return 0
  for c in $(<"$1/cgroup.controllers"); do echo "+$c" >"$1/cgroup.subtree_control" 2>/dev/null || true; done
}
# Each once, in order. Mostly it is one: then no process is started for it.
cgroup_members() {
  local file pids=() all=()
  for file in "${HIERARCHIES[@]/%//$CGROUP_TOP/$1/cgroup.procs}"; do
    { mapfile -t pids <"$file"; } 2>/dev/null || continue
    all+=("${pids[@]}")
  done
  local pid same=1
  for pid in "${all[@]}"; do [[ $pid == "${all[0]}" ]] || same=0; done
  if ((!${#all[@]})); then :; elif ((same)); then echo "${all[0]}"; else printf '%s\n' "${all[@]}" | sort -un; fi
}
no_members() { [[ -z $(cgroup_members "$1") ]]; }
remove_cgroup() {
  local pids
  pids=$(cgroup_members "$1")
  # shellcheck disable=SC2086
  [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
  poll 3000 no_members "$1" || echo "still in $1: $(cgroup_members "$1")"
  local directory there=()
  for directory in "${HIERARCHIES[@]/%//$CGROUP_TOP/$1}"; do [[ ! -d $directory ]] || there+=("$directory"); done
  ((${#there[@]})) && ! rmdir "${there[@]}" 2>/dev/null || return 0
  for directory in "${there[@]}"; do
    [[ ! -d $directory ]] || poll 1000 rmdir "$directory" 2>/dev/null || echo "not removed: $directory"
  done
}

# make_root: a distroless root file system in ROOT, with a pause and nothing else that runs.
make_root() {
  ROOT=$T/root.$SRANDOM
  mkdir -m 755 "$ROOT" "$ROOT/proc"
  mkdir -m 777 "$ROOT/data"
  cp "$PROBES/pause" "$ROOT/pause"
  echo "of the target" >"$ROOT/marker"
}

# start_target OPTION...: TARGET is its pid, in the cgroups of the last make_cgroup.
start_target() {
  # Through a file: the target keeps its stdout, and a pipe would not end.
  "$PROBES/target" "${CGROUP_ARGS[@]}" "$@" >"$T/target" || fail "no target: $*"
  # Its program has the same stdout, and may have said something first.
  TARGET=$(grep -m1 -xE '[0-9]+' "$T/target")
  at_end end_process "$TARGET"
}
# make_container OPTION...: a target with a container id, ID, and cgroups named as the cgroupfs driver names them.
make_container() {
  ID=$(new_id)
  make_cgroup "$ID"
  start_target "$@"
}
ALL_NAMESPACES=mnt,pid,net,ipc,uts,cgroup,time
# make_distroless OPTION...: as make_container, in a root without a shell and with namespaces of its own.
make_distroless() {
  make_root
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc "$@" -- /pause
}
# Root in a container, as the usual runtimes make it.
DOCKER_CAPS=a80425fb
DOCKER_ROOT=(--uid 0 --gid 0 --caps "0:$DOCKER_CAPS:$DOCKER_CAPS:0" --bounding "$DOCKER_CAPS")

# limit_cpu NAME QUOTA_US PERIOD_US
limit_cpu() {
  if [[ $MODE == v2 ]]; then
    echo "$2 $3" >"$(cgroup_of cpu "$1")/cpu.max"
  else
    echo "$3" >"$(cgroup_of cpu "$1")/cpu.cfs_period_us" && echo "$2" >"$(cgroup_of cpu "$1")/cpu.cfs_quota_us"
  fi
}

# lock_cgroups --exclusive|--shared: a process of a user without any right holds such a lock on the target's cgroup in every hierarchy, as any process of a target can.
lock_cgroups() {
  local h directories=()
  for h in "${HIERARCHIES[@]}"; do directories+=("$h$CGROUP"); done
  : >"$T/locked"
  # shellcheck disable=SC2016
  setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --inh-caps=-all \
    bash -c 'for d in "${@:2}"; do exec {fd}<"$d"; flock "$1" "$fd"; done; echo locked; exec sleep 600' _ "$1" "${directories[@]}" >"$T/locked" 2>&1 {IDLE}>&- &
  at_end end_process "$!"
  soon 3000 "the cgroups are locked" grep -q locked "$T/locked"
}

namespace_of() { stat -Lc %i "/proc/$1/ns/$2" 2>/dev/null; }
# only_target_left: in every hierarchy the target's cgroup holds the target and nobody else.
only_target_left() { [[ $(cgroup_members "${1:-$ID}") == "${TARGET:-}" ]]; }
target_is_alone() {
  only_target_left "$@" || fail "in the target's cgroup: $(cgroup_members "${1:-$ID}" | xargs), and the target is ${TARGET:-nobody}"
}
# What the shim could leave behind: cgroups of the container, and mounts, those of other tests left out. What is left elsewhere the whole run finds (residue.sh).
snapshot_of_own() {
  find "${HIERARCHIES[@]/%//$CGROUP_TOP/$ID}" -type d | sort
  sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo | grep -v /nsexec-test-
}

NESTED=() # what it has of its own besides
# nested COMMAND...: in a pid namespace of its own, whose PID 1 may be looked into (this machine's may not), with the functions and
# variables of here. Ends with the command's status; whatever it started ends with it.
nested() {
  local prelude
  prelude=$(declare -f)$'\n'$(declare -p T ID IDLE MODE UNIFIED HIERARCHIES CGROUP_TOP CGROUP CGROUP_ARGS TESTS DOCKER_CAPS DOCKER_ROOT ALL_NAMESPACES LESSER HOLD ROOT TARGET MARKER JOINED SCANNER_CREDENTIALS RUN_ID FILE 2>/dev/null || true)
  unshare "${NESTED[@]}" --pid --fork --kill-child --mount --mount-proc bash -c "$prelude
    set -eEuo pipefail
    CLEANUPS=() WRAP=()
    trap run_cleanups EXIT
    trap 'echo \"ended with \$? at line \$LINENO: \$BASH_COMMAND\"' ERR
    $*"
}
# As an agent's container: AGENT is a command prefix that enters the cgroups of make_cgroup NAME and makes a cgroup namespace there.
agent_in() {
  AGENT=(bash -c 'for h in $1; do echo $$ >"$h/cgroup.procs"; done; shift; exec unshare "$@"' _ "${HIERARCHIES[*]/%//$CGROUP_TOP/$1}")
}
# Without these two a process may not look into one that has them.
LESSER=(setpriv --bounding-set=-sys_ptrace,-sys_time --inh-caps=-all)
