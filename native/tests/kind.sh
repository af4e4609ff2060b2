#!/usr/bin/env bash
# A node that is itself a container, as kind, k3d and minikube make them: process 1 has a cgroup namespace of its own, whose root has controllers for its children
# and takes no processes. The guardian is in the cgroup of process 1 there, and is known by that.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"

NODE=$CGROUP_TOP/node
# In pure v2 any controller shows it, in a hybrid one that no v1 hierarchy has.
CONTROLLER=$([[ $MODE == v2 ]] && echo memory || grep -ow hugetlb "$UNIFIED/cgroup.controllers" || true)
hand_down() { # SIGN: from the root to the node's own cgroup, or back
  local at part
  for part in "" "/$CGROUP_TOP"; do
    at=$UNIFIED$part/cgroup.subtree_control
    [[ $1 == - ]] || grep -qw "$CONTROLLER" "$at" || { echo "+$CONTROLLER" >"$at" && HANDED=("$at" "${HANDED[@]}"); }
  done
  [[ $1 == + ]] || for at in "${HANDED[@]}"; do echo "-$CONTROLLER" >"$at"; done
}
if [[ -z ${ON_NODE:-} ]]; then
  HANDED=()
  clean_node_up() {
    local h
    for h in "${HIERARCHIES[@]}"; do remove_tree "$h/$NODE"; done
    hand_down -
  }
  trap clean_node_up EXIT
  for part in "$CGROUP_TOP" "$NODE" "$NODE/init"; do make_directories "${HIERARCHIES[@]/%//$part}"; done
  [[ -z $CONTROLLER ]] || hand_down +
  # The namespace is rooted where its maker is; then everybody leaves that for `init`, and only then the root can have controllers for others.
  status=0
  ON_NODE=1 bash -c 'for h in $1; do echo $$ >"$h/cgroup.procs"; done; shift; exec unshare --cgroup "$@"' _ "${HIERARCHIES[*]/%//$NODE}" \
    bash -c 'for h in $1; do echo $$ >"$h/init/cgroup.procs"; done; shift; exec unshare --pid --fork --kill-child --mount --mount-proc "$@"' _ "${HIERARCHIES[*]/%//$NODE}" \
    bash "$0" || status=$?
  exit "$status"
fi
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"
CGROUP_TOP=$NODE
[[ -z $CONTROLLER ]] || echo "+$CONTROLLER" >"$UNIFIED/$NODE/cgroup.subtree_control"

T=$(mktemp -d "$RUN_TMP/kind.XXXXXX")
make_distroless "${DOCKER_ROOT[@]}"
make_network
in_target sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'
# The agent's own cgroup, which the kubelet kills with its container.
make_cgroup agent
IN_AGENT=(bash -c 'for h in $1; do echo $$ >"$h/cgroup.procs"; done; shift; exec "$@"' _ "${HIERARCHIES[*]/%//$NODE/agent}")
in_agent() { WRAP=("${IN_AGENT[@]}"); }
no_warning() { equal "$(jq -r 'select(.event == "warning") | .code' "$T/out")" "" "warnings"; }

as_on_kind() {
  local root
  root=$(cat "/proc/1/cgroup")
  matches "$root" "::/init" "the cgroup of process 1, as it sees it"
  [[ -n $CONTROLLER ]] || skip "no controller is left for v2, so that its root takes processes"
  ! (echo 0 >"$UNIFIED/$NODE/cgroup.procs") 2>/dev/null || fail "the root of the node takes processes"
}
it "the fixture is as kind: process 1 in /init, and a root that takes no processes" as_on_kind

guardian_outside() {
  in_agent
  begin_hold
  no_warning
  local line
  while IFS=: read -r _ _ line; do matches "$line" '^/(init)?$' "the guardian's cgroup"; done <"/proc/$GUARDIAN/cgroup"
  [[ $MODE != v2 ]] || equal "$(cut -d: -f3 "/proc/$GUARDIAN/cgroup")" /init "the guardian's cgroup"
  matches " $(cgroup_members agent | xargs) " " $SHIM " "members of the agent's cgroup"
  stop_hold
}
it "the guardian is in the cgroup of process 1, without a warning" guardian_outside

agent_killed() {
  in_agent
  begin_hold
  # shellcheck disable=SC2046
  kill -KILL $(cgroup_members agent)
  soon 2000 "undone after the kill of the agent's container" network_is "$T/network"
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
}
it "the whole cgroup of the agent killed, as the kubelet does: undone within two seconds" agent_killed

sweep_beside() {
  in_agent
  start_hold
  say "undo qdisc t0 c4a0:"
  order apply "${QDISC[@]}"
  say start
  await active
  network >"$T/active" 2>&1
  "$NSEXEC" sweep --remove --termination-log /dev/null >"$T/swept"
  equal "$(jq -c 'select(.event == "residue") | [.what, .in_use, .removed]' "$T/swept")" '["qdisc",true,false]' "what the sweep found"
  network_is "$T/active" || fail "the sweep has changed a running experiment"
  stop_hold
}
it "a sweep beside a running experiment sees that it is one, and leaves it alone" sweep_beside

workload() {
  in_agent
  begin --container "$ID" -- "$PROBES/probe-static" family child setsid
  family_is_there
  no_warning
  equal "$(field active '[.entered, .of] | tojson')" "[8,8]" "entered, of"
  local since
  since=$(now_ms)
  kill -KILL "$SHIM"
  soon 2000 "only the target is left" only_target_left
  in_time $(($(now_ms) - since)) 2000 "milliseconds to the last process"
}
it "a workload is placed, read back, and gone with its shim" workload

rootless() {
  local command
  for command in "run --container $ID -- $PROBES/probe-static hold" "hold --container $ID --tool tc" "sweep --remove"; do
    STATUS=0
    # shellcheck disable=SC2086
    unshare --user --map-root-user "$NSEXEC" $command >"$T/out" 2>"$T/err" </dev/null || STATUS=$?
    refused permission
    matches "$(field error .message)" "rootless" "message of $command"
  done
}
it "a rootless node, whose root is a user namespace's, is refused by name" rootless

modules() {
  local over=$T/over here=/usr/lib/modules/$(uname -r)
  mkdir "$over"
  mount -t tmpfs tmpfs "$over"
  mkdir "$over/upper" "$over/work"
  mount -t overlay -o "lowerdir=/usr/lib,upperdir=$over/upper,workdir=$over/work" overlay /usr/lib
  mkdir -p "$here"
  printf 'kernel/net/%s.ko\n' sched/sch_netem sched/sch_ingressx >"$here/modules.builtin"
  printf '%s\n' 'kernel/drivers/net/ifb.ko.xz: kernel/a/nf_tables.ko.xz' 'kernel/net/sched/act_mirred.ko:' >"$here/modules.dep"
  "$NSEXEC" inspect --container "$ID" >"$T/out"
  # What this kernel has besides is in /sys/module.
  local expected='{"sch_netem":"present","sch_ingress":"missing","act_mirred":"loadable","ifb":"loadable","nf_tables":"missing"}' name
  for name in sch_ingress act_mirred ifb nf_tables; do
    [[ ! -e /sys/module/$name ]] || expected=$(jq -c --arg name "$name" '.[$name] = "present"' <<<"$expected")
  done
  equal "$(jq -cS '.modules | map({(.name): .state}) | add | del(.sch_htb, .cls_u32)' "$T/out")" "$(jq -cS . <<<"$expected")" "modules"
  umount -l /usr/lib "$over"
}
it "inspect tells which modules the node has, by its own lists" modules
