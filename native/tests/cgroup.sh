#!/usr/bin/env bash
# In the target's own cgroup, in every hierarchy, whatever cgroup namespace we are started in.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

HOLD=("$PROBES/probe-static" hold)

# same_cgroup PID PID: in every hierarchy, as seen from here.
same_cgroup() { equal "$(cat "/proc/$1/cgroup")" "$(cat "/proc/$2/cgroup")" "cgroups"; }
# What `active` and `resolved` say is what /proc says: hierarchy=path, one a line, sorted.
cgroups_of() { sed 's/^[0-9]*:\([^:]*\):/\1=/' "/proc/$1/cgroup" | sort; }
cgroups_told() { field "$1" '.cgroups[] | "\(.hierarchy)=\(.path)"' | sort; }

placed() {
  make_distroless
  local own
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  own=$(cat "/proc/$SHIM/cgroup")
  same_cgroup "$WORKLOAD" "$TARGET"
  equal "$(cgroups_told resolved)" "$(cgroups_of "$TARGET")" "cgroups in resolved"
  equal "$(cgroups_told active)" "$(cgroups_of "$TARGET")" "cgroups in active"
  equal "$(field active '.cgroups | map(.joined) | unique | tojson')" "[true]" "joined"
  equal "$own" "$(cat /proc/self/cgroup)" "the shim's own cgroups: it does not follow its workload"
  local h
  for h in "${HIERARCHIES[@]}"; do
    grep -qx "$WORKLOAD" "$h$CGROUP/cgroup.procs" || fail "not in $h$CGROUP/cgroup.procs"
  done
  stop
  reverted
}
it "L3: the workload is in the target's cgroup.procs in every hierarchy, read back (static)" placed static
variant "L3: the workload is in the target's cgroup.procs in every hierarchy, read back (dynamic)" placed dynamic

whole_family() {
  make_distroless
  begin --container "$ID" -- "$PROBES/probe-static" family child setsid daemon
  family_is_there
  # What made the daemon ends a moment after it is there.
  poll 2000 same_members || fail "not the same members in every hierarchy, five at least: $(grep . "${HIERARCHIES[@]/%/$CGROUP/cgroup.procs}" | xargs)"
  stop
  reverted
}
same_members() {
  local h expected=
  for h in "${HIERARCHIES[@]}"; do
    expected=${expected:-$(sort -n "$h$CGROUP/cgroup.procs")}
    [[ $(sort -n "$h$CGROUP/cgroup.procs") == "$expected" ]] || return 1
  done
  (($(wc -w <<<"$expected") >= 5))
}
it "descendants are in the target's cgroup in every hierarchy" whole_family

uneven() {
  ID=$(new_id)
  make_cgroup "$ID/a"
  make_cgroup "$ID/b"
  # Half of the hierarchies in one, half in the other, and the last in none of ours.
  local i h args=()
  for ((i = 0; i < ${#HIERARCHIES[@]} - 1; i++)); do
    h=${HIERARCHIES[i]}
    args+=(--cgroup "$h/$CGROUP_TOP/$ID/$( ((i % 2)) && echo a || echo b)")
  done
  CGROUP_ARGS=("${args[@]}")
  start_target --unshare mnt,pid
  begin --container "$ID" -- "${HOLD[@]}"
  same_cgroup "$WORKLOAD" "$TARGET"
  stop
  equal "$(cgroup_members "$ID/a") $(cgroup_members "$ID/b")" "$TARGET $TARGET" "members afterwards"
}
uneven_on_v1() { v1_only; uneven; }
it "a target at different paths in different hierarchies: each is followed" uneven_on_v1

unified() {
  [[ $MODE == hybrid ]] || na "no v2 hierarchy beside v1 ones"
  make_distroless
  begin --container "$ID" -- "${HOLD[@]}"
  grep -qx "$WORKLOAD" "$UNIFIED$CGROUP/cgroup.procs" || fail "not in $UNIFIED$CGROUP"
  equal "$(field resolved .cgroup_mode)" hybrid "cgroup_mode"
  equal "$(field active '.cgroups[] | select(.version == 2) | .path')" "$CGROUP" "path in the v2 hierarchy"
  equal "$(field active '.cgroups[] | select(.version == 2) | .hierarchy')" "" "name of the v2 hierarchy"
  stop
}
it "hybrid: the v2 hierarchy beside the v1 ones is joined as well" unified

view_here() {
  make_distroless
  "$NSEXEC" inspect --container "$ID" >"$T/out"
  local expected=host
  ! namespace_of 1 cgroup >/dev/null || expected=init
  equal "$(field resolved .cgroup_view)" "$expected" "cgroup_view"
  equal "$(cgroups_told resolved)" "$(cgroups_of "$TARGET")" "cgroups"
}
it "cgroup view: here, PID 1's where it may be looked into, else ours because it is the initial one" view_here

# The agent in one cgroup, the target in another beside it, both below a PID 1 in the initial cgroup namespace.
agent_and_target() {
  ID=$(new_id)
  make_cgroup agent
  make_cgroup "$ID"
}
naive() {
  agent_and_target
  nested naive_inside
}
naive_inside() {
  local kind=cgroup options=memory out
  start_target --unshare mnt,pid
  agent_in agent
  equal "$("${AGENT[@]}" -C cat "/proc/$TARGET/cgroup" | grep -c ":/../$ID$")" "${#HIERARCHIES[@]}" "hierarchies in which the target's path, read from inside, begins with /.."
  [[ $MODE != v2 ]] || kind=cgroup2 options=rw
  mkdir "$T/hierarchy"
  ! out=$("${AGENT[@]}" -C -m bash -c 'mount -t "$1" -o "$2" none "$3"; exec 2>&1; echo $$ >"$3/../$4/cgroup.procs"' _ "$kind" "$options" "$T/hierarchy" "$ID") || fail "the naive way worked"
  matches "$out" "No such file or directory|Permission denied" "the naive write"
}
it "L1, L2: the naive way fails: from inside a private cgroup namespace the path is /../ and cgroup.procs cannot be written" naive

private_namespace() {
  agent_and_target
  nested private_namespace_inside "$@"
}
private_namespace_inside() { # LINKAGE [HIDE]
  start_target --unshare "$ALL_NAMESPACES"
  agent_in agent
  WRAP=("${AGENT[@]}" -C -m bash -c "$([[ -z ${2:-} ]] || echo 'mount -t tmpfs none /sys/fs/cgroup;') exec \"\$@\"" _)
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  equal "$(field resolved .cgroup_view)" init "cgroup_view"
  same_cgroup "$WORKLOAD" "$TARGET"
  equal "$(cgroups_told active)" "$(cgroups_of "$TARGET")" "cgroups in active"
  differ "$(cat "/proc/$SHIM/cgroup")" "$(cat "/proc/$TARGET/cgroup")" "the shim's own cgroups"
  stop
  ended_by stopped
  target_is_alone
}
it "L1, L2: inside a private cgroup namespace the path is the host's and the workload is placed (static)" private_namespace static
variant "L1, L2: inside a private cgroup namespace the path is the host's and the workload is placed (dynamic)" private_namespace dynamic
variant "L1, L2: and so where the agent has no cgroup file system mounted at all" private_namespace static hide

refused_view() {
  agent_and_target
  nested refused_view_inside
}
refused_view_inside() {
  start_target --unshare "$ALL_NAMESPACES" "${DOCKER_ROOT[@]}"
  agent_in agent
  ! "${LESSER[@]}" stat -L /proc/1/ns/cgroup >/dev/null 2>&1 || fail "PID 1 may be looked into: no test of the refusal"
  WRAP=("${AGENT[@]}" -C "${LESSER[@]}")
  run_shim --container "$ID" -- "${HOLD[@]}"
  refused cgroup-view
  matches "$(field error .message)" "cgroup namespace" "message"
  target_is_alone
}
it "L1: PID 1 may not be looked into and our own view begins with /..: refused with cgroup-view, nothing changed" refused_view

own_view() {
  [[ $MODE != v2 ]] || na "on v2 a cgroup with children holds no processes"
  ! namespace_of 1 cgroup >/dev/null || na "this machine's PID 1 may be looked into"
  ID=$(new_id)
  make_cgroup pod
  make_cgroup "pod/$ID"
  start_target --unshare "$ALL_NAMESPACES"
  agent_in pod
  WRAP=("${AGENT[@]}" -C)
  begin --container "$ID" -- "${HOLD[@]}"
  equal "$(field resolved .cgroup_view)" own "cgroup_view"
  equal "$(field resolved '.cgroups | map(.path) | unique | tojson')" "[\"/$ID\"]" "paths, as our own namespace shows them"
  same_cgroup "$WORKLOAD" "$TARGET"
  stop
  target_is_alone "pod/$ID"
}
it "L1: PID 1 may not be looked into, but the target is below our own cgroup: our own view serves" own_view

# A named hierarchy that was mounted, used and unmounted: it is in /proc/PID/cgroup for as long as it has a child.
lost_hierarchy() {
  v1_only
  make_distroless
  mkdir "$T/mirror"
  mount -t cgroup -o none,name=chaosmirror none "$T/mirror"
  mkdir "$T/mirror/child"
  at_end drop_hierarchy "$T/mirror"
  at_end kill_target
  echo "$TARGET" >"$T/mirror/child/cgroup.procs"
  umount "$T/mirror"
  grep -q ':name=chaosmirror:/child$' "/proc/$TARGET/cgroup" || fail "it is not in /proc/PID/cgroup"
  ! grep -q chaosmirror /proc/self/mountinfo || fail "it is still mounted"
}
kill_target() {
  kill -KILL "$TARGET"
  poll 2000 gone "$TARGET"
}
passed_over() {
  lost_hierarchy
  begin --container "$ID" -- "${HOLD[@]}"
  equal "$(field resolved '.unmounted | tojson')" '["name=chaosmirror"]' "unmounted"
  matches "$(jq -r 'select(.event == "warning") | .message' "$T/out")" "name=chaosmirror" "warnings"
  equal "$(grep -v chaosmirror "/proc/$WORKLOAD/cgroup")" "$(grep -v chaosmirror "/proc/$TARGET/cgroup")" "the other hierarchies"
  stop
  ended_by stopped
}
needed() {
  lost_hierarchy
  run_shim --container "$ID" --need cpu,name=chaosmirror -- "${HOLD[@]}"
  refused cgroup-unmounted
  matches "$(field error .message)" "name=chaosmirror" "message"
  target_is_alone
}
it "L8: a hierarchy in /proc/PID/cgroup that is not mounted any more is named and passed over" passed_over
it "L8: and refused by its name when it is needed" needed

needs() {
  make_distroless
  run_shim --container "$ID" --need "$1" -- "$PROBES/probe-static" exit 0
  equal "$STATUS" 0 "exit code"
}
it "--need of controllers that are there" needs cpu,memory,pids
named_need() { v1_only; needs name=systemd; }
it "--need of a named hierarchy that is there" named_need
need_missing() {
  make_distroless
  run_shim --container "$ID" --need "$1" -- "$PROBES/probe-static" exit 0
  equal "$STATUS" 125 "exit code"
  matches "$(field error .code)" "^cgroup" "code"
  matches "$(field error .message)" "$1" "message"
  target_is_alone
}
it "--need of a hierarchy that the machine lacks is refused by its name" need_missing name=nobody

frozen() {
  make_distroless
  freeze "$ID"
  run_shim --container "$ID" -- "${HOLD[@]}"
  refused cgroup-frozen
  target_is_alone
}
freeze() {
  local dir
  if [[ $MODE == v2 ]]; then
    dir=$(cgroup_of any "$1")
    at_end eval "echo 0 >'$dir/cgroup.freeze'"
    echo 1 >"$dir/cgroup.freeze"
  else
    dir=$(cgroup_of freezer "$1")
    at_end eval "echo THAWED >'$dir/freezer.state'"
    echo FROZEN >"$dir/freezer.state"
  fi
}
it "a frozen target is refused with cgroup-frozen" frozen

frozen_meanwhile() {
  make_distroless
  begin --container "$ID" --grace-ms 200 --duration-ms 1500 -- "${HOLD[@]}"
  said reported
  freeze "$ID"
  poll 3000 gone "$SHIM" || true
  [[ $MODE == v2 ]] && echo 0 >"$(cgroup_of any "$ID")/cgroup.freeze" || echo THAWED >"$(cgroup_of freezer "$ID")/freezer.state"
  soon 3000 "the shim has ended" gone "$SHIM"
  soon 2000 "only the target is left" only_target_left
}
it "a target frozen during the run: nothing stays when it is thawed" frozen_meanwhile

no_room() {
  make_distroless
  echo 1 >"$(cgroup_of pids "$ID")/pids.max"
  run_shim --container "$ID" -- "${HOLD[@]}"
  equal "$STATUS" 125 "exit code"
  matches "$(field error .state)" '^(unchanged|reverted)$' "state"
  target_is_alone
}
it "a target at its pids limit: the run ends with an error and leaves nothing" no_room
