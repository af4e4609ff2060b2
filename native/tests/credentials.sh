#!/usr/bin/env bash
# The workload is who the target is: uid, gid, groups, five capability sets, no_new_privs. Never more.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

SETS=(CapInh CapPrm CapEff CapBnd CapAmb)

# like_target SET...: what the kernel says of the workload is what it says of the target.
like_target() {
  local key
  for key in Uid Gid Groups NoNewPrivs "$@"; do
    equal "$(status_of "$WORKLOAD" "$key" | xargs)" "$(status_of "$TARGET" "$key" | xargs)" "$key"
  done
}
no_more_than_target() {
  local key workload target
  for key in "${SETS[@]}"; do
    workload=$((0x$(status_of "$WORKLOAD" "$key"))) target=$((0x$(status_of "$TARGET" "$key")))
    ((!(workload & ~target))) || fail "$key of the workload has more than the target's: $(printf '%x over %x' "$workload" "$target")"
  done
}
# case_of LINKAGE SETS TARGET_OPTION...: SETS is "all" or those that must be equal (the rest may be less).
case_of() {
  local linkage=$1 sets=$2
  shift 2
  [[ $sets != all ]] || sets=${SETS[*]}
  make_container --unshare mnt,pid,ipc,uts,net "$@"
  begin --container "$ID" -- "$PROBES/probe-$linkage" hold
  said reported
  # shellcheck disable=SC2086
  like_target $sets
  no_more_than_target
  equal "0x$(reported cap_effective)" "0x$(status_of "$WORKLOAD" CapEff)" "the workload's own view of its effective set"
  stop
  reverted
}
both() { # TITLE SETS TARGET_OPTION...
  it "$1 (static)" case_of static "${@:2}"
  variant "$1 (dynamic)" case_of dynamic "${@:2}"
}
both "credentials: root with the capabilities of a usual container" all "${DOCKER_ROOT[@]}"
both "credentials: root with every capability of a privileged container" all
both "credentials: non-root without a capability, no_new_privs, supplementary groups" all \
  --uid 65532 --gid 65531 --groups 7,20,65530 --caps 0:0:0:0 --bounding "$DOCKER_CAPS" --no-new-privs
both "credentials: non-root with ambient capabilities" all --uid 1000 --gid 1000 --caps 400:400:400:400 --bounding "$DOCKER_CAPS"
both "credentials: non-root with ambient capabilities and no_new_privs" all --uid 1000 --gid 1000 --caps 400:400:400:400 --bounding 400 --no-new-privs
both "credentials: root with an empty bounding set" all --uid 0 --gid 0 --caps 0:0:0:0 --bounding 0
both "credentials: root with inheritable capabilities" all --uid 0 --gid 0 --caps "$DOCKER_CAPS:$DOCKER_CAPS:$DOCKER_CAPS:0" --bounding "$DOCKER_CAPS"
both "credentials: root with fewer permitted than bounding gets no more than permitted" "CapInh CapAmb" \
  --uid 0 --gid 0 --caps 0:400:400:0 --bounding "$DOCKER_CAPS"
both "credentials: non-root with permitted but no ambient capabilities gets no more" "CapInh CapAmb CapBnd" \
  --uid 1000 --gid 1000 --caps 0:400:400:0 --bounding "$DOCKER_CAPS"
both "credentials: non-root with fewer effective than permitted gets no more" "CapInh CapBnd" \
  --uid 1000 --gid 1000 --caps 401:401:1:0 --bounding "$DOCKER_CAPS"
both "credentials: uid and gid of root, many groups" all --uid 0 --gid 0 --groups 1,2,3,4,5,6,10,20,26,27 \
  --caps "0:$DOCKER_CAPS:$DOCKER_CAPS:0" --bounding "$DOCKER_CAPS"

resolved_tells() {
  make_container --unshare mnt,pid --uid 1000 --gid 1001 --groups 5,6 --caps 400:400:400:400 --bounding "$DOCKER_CAPS" --no-new-privs --oom-score-adj 321
  "$NSEXEC" inspect --container "$ID" >"$T/out"
  equal "$(field resolved '[.uid, .gid, .groups, .no_new_privs, .oom_score_adj] | tojson')" '[1000,1001,[5,6],true,321]' "uid, gid, groups, no_new_privs, oom_score_adj"
  local key
  for key in inheritable:CapInh permitted:CapPrm effective:CapEff bounding:CapBnd ambient:CapAmb; do
    equal "$(field resolved ".cap_${key%:*}")" "$(status_of "$TARGET" "${key#*:}")" "cap_${key%:*}"
  done
}
it "credentials: resolved tells the target's" resolved_tells

as_root() { # LINKAGE
  make_container --unshare mnt,pid,ipc,uts,net --uid 65532 --gid 65532 --groups 7 --caps 0:0:0:0 --bounding "$DOCKER_CAPS" --no-new-privs
  begin --container "$ID" --as root -- "$PROBES/probe-$1" hold
  said reported
  equal "$(reported uid)" "0 0 0" "uid"
  equal "$(reported gid)" "0 0 0" "gid"
  local key
  for key in CapPrm CapEff CapBnd; do equal "$(status_of "$WORKLOAD" "$key")" "$(printf %016x 0x$DOCKER_CAPS)" "$key: the target's bounding set"; done
  equal "$(status_of "$WORKLOAD" NoNewPrivs)" 1 "no_new_privs, as the target"
  equal "$(namespace_of "$WORKLOAD" mnt)" "$(namespace_of "$TARGET" mnt)" "mnt namespace"
  stop
  reverted
}
it "--as root: uid 0 with the target's bounding set and no more, inside its namespaces (static)" as_root static
it "--as root: uid 0 with the target's bounding set and no more, inside its namespaces (dynamic)" as_root dynamic

as_root_in_user_namespace() { # LINKAGE BOUNDING
  make_container --unshare "user,$ALL_NAMESPACES" --uid-map 0:100000:65536 --gid-map 0:100000:65536 --uid 33 --gid 33 --caps 0:0:0:0 --bounding "$2"
  begin --container "$ID" --as root -- "$PROBES/probe-$1" hold
  said reported
  equal "$(reported uid)" "0 0 0" "uid inside"
  equal "$(status_of "$WORKLOAD" Uid | cut -f1)" 100000 "uid on the host"
  equal "$(namespace_of "$WORKLOAD" user)" "$(namespace_of "$TARGET" user)" "user namespace"
  equal "$(status_of "$WORKLOAD" CapEff)" "$(status_of "$TARGET" CapBnd)" "effective capabilities, of its user namespace: the target's bounding set"
  stop
  reverted
}
for linkage in static dynamic; do
  it "--as root: in a user namespace it is that namespace's root, an ordinary user on the host ($linkage)" as_root_in_user_namespace "$linkage" 1ffffffffff
  variant "--as root: nor there has it more than the target's bounding set ($linkage)" as_root_in_user_namespace "$linkage" "$DOCKER_CAPS"
done

oom_score() { # OPTION... ; WANTED is the value
  make_container --unshare mnt,pid --oom-score-adj 321
  begin --container "$ID" "$@" -- "$PROBES/probe-static" hold
  said reported
  equal "$(<"/proc/$WORKLOAD/oom_score_adj")" "$WANTED" "oom_score_adj of the workload"
  equal "$(<"/proc/$TARGET/oom_score_adj")" 321 "oom_score_adj of the target"
  stop
}
WANTED=321
it "oom_score_adj is the target's by default" oom_score
WANTED=1000
it "--oom-score-adj 1000 makes the workload the first choice" oom_score --oom-score-adj 1000

limits() { # LINKAGE DUMPABLE OPTION...
  make_container --unshare mnt,pid,ipc "${@:3}"
  run_shim --container "$ID" -- "$PROBES/probe-$1" report
  equal "$(reported dumpable)" "$2" "dumpable"
  equal "$(reported securebits)" 0 "securebits"
}
# execve makes a program dumpable that its user may read; root may read all.
it "the workload is not dumpable: nobody with its user traces it (dynamic)" limits dynamic 0
it "the workload is not dumpable: nobody with its user traces it (dynamic, non-root)" limits dynamic 0 --uid 1000 --gid 1000 --caps 0:0:0:0
variant "the workload is not dumpable: nobody with its user traces it (static, non-root)" limits static 0 --uid 1000 --gid 1000 --caps 0:0:0:0
it "a static program that root may read is dumpable, and has nothing that root in the target has not" limits static 1
