#!/usr/bin/env bash
# Who the target is, by what it does: what it gains by that (nothing), and what we say. The table is printed at the end.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"

CAPS_AND_PTRACE=a80c25fb
targets=(root root+ptrace user userns)
acts=(trace stop kill load locks rename pids mounts descriptors)
# A sanitizer looks at our code, of which these run all: who the target is makes no difference to it.
if [[ $SANITIZED == 1 ]]; then targets=(userns) acts=(trace kill pids descriptors); fi
credentials_of() { # of a target: CREDENTIALS, NAMESPACES
  NAMESPACES=$ALL_NAMESPACES JOINED=mnt,pid,net,ipc,uts MAP=()
  case $1 in
    root) CREDENTIALS=("${DOCKER_ROOT[@]}") ;;
    root+ptrace) CREDENTIALS=(--uid 0 --gid 0 --caps "0:$CAPS_AND_PTRACE:$CAPS_AND_PTRACE:0" --bounding "$CAPS_AND_PTRACE") ;;
    user) CREDENTIALS=(--uid 1000 --gid 1000 --caps 0:0:0:0 --bounding "$DOCKER_CAPS" --no-new-privs) ;;
    userns) CREDENTIALS=(--uid 0 --gid 0) NAMESPACES=user,$ALL_NAMESPACES JOINED=user,$JOINED MAP=(--uid-map 0:100000:65536 --gid-map 0:100000:65536) ;;
  esac
}
attack() { # ACT
  local act=$1
  [[ $act != locks ]] || act=none
  "$PROBES/target" "${CGROUP_ARGS[@]}" --join "$TARGET:$JOINED" "${CREDENTIALS[@]}" --seccomp -- /probe attack "$act" /data/attack >"$T/attacker" || fail "no attacker"
  ATTACKER=$(<"$T/attacker")
  at_end end_process "$ATTACKER"
  soon 5000 "it attacks" grep -qs ready "$ROOT/data/attack"
}
hold_locks() {
  local h fd
  for h in "${HIERARCHIES[@]}"; do exec {fd}<"$h$CGROUP" && flock -x "$fd"; done
}
# none_of_ours: nothing that is executed from our sealed copy, nor a workload, in the target's pid namespace or below it.
none_of_ours() {
  local pid
  for pid in $(cgroup_members "$ID"); do
    case $(cat "/proc/$pid/comm" 2>/dev/null) in nsexec* | probe-static | memfd:* | [0-9]*) [[ $pid == "$TARGET" || $pid == "$ATTACKER" || $(readlink "/proc/$pid/exe") == */probe ]] || return 1 ;; esac
  done
}
ours_below_shim() { [[ -n $(descendants "$SHIM") ]]; }
cell() { # TARGET ACT
  local target=$1 act=$2 said
  make_root
  cp "$PROBES/probe-static" "$ROOT/probe"
  credentials_of "$target"
  [[ $act != load ]] || hostile_libraries
  make_container --unshare "$NAMESPACES" "${MAP[@]}" "${CREDENTIALS[@]}" --seccomp --root "$ROOT" --proc -- /pause
  [[ $act != rename ]] || { in_target ip link add t0 type veth peer name t1 && in_target ip link set t0 down; }
  [[ $act != pids ]] || echo 12 >"$(cgroup_of pids "$ID")/pids.max"
  [[ $act != locks ]] || hold_locks
  [[ $act == load || $act == locks ]] || attack "$act"
  if [[ $act == rename ]]; then
    start_hold
    say "undo qdisc t0 c4a0:"
    order apply tc qdisc add dev t0 root handle c4a0: tbf rate 1mbit burst 10kb latency 50ms
  elif [[ $act == load ]]; then
    start_shim --container "$ID" --as root -- "$PROBES/loader" /lib/libnss_evil.so.2
  else
    start_shim --container "$ID" --grace-ms 300 --as root -- "$PROBES/probe-static" family child ignoring
  fi
  await resolved
  say start
  poll 40000 is_begun || fail "neither active nor refused"
  # It goes on with what it does while the run is there.
  ! within 300 gone "$SHIM" || true
  say stop 2>/dev/null || true
  finish 75000
  said=$(jq -rs 'map(select(.event | IN("error", "reverted")) | .code // .event) + (map(select(.event == "warning") | .code) | unique | map("warning " + .)) | join(", ")' "$T/out")
  [[ -z ${ATTACKER:-} ]] || { kill -TERM "$ATTACKER" 2>/dev/null || true; }
  ! grep -s '^gained' "$ROOT/data/attack" || fail "it gained something"
  ! [[ -e $ROOT/data/loaded ]] || fail "its code was loaded: $(cat "$ROOT/data/loaded")"
  matches "$said" '^(reverted|[a-z-]+)' "what was said"
  equal "$(field "$(jq -rs 'last.event' "$T/out")" '.state // "reverted"')" reverted "state of the target"
  soon 3000 "nothing of ours is left" none_of_ours
  [[ $act != rename ]] || ! in_target tc qdisc show | grep c4a0 || fail "the qdisc is left"
  ! grep -q forged "$T/out" || fail "an event was forged"
  printf '%s\t%s\t%s\n' "$target" "$act" "$said" >>"$TABLE"
}
is_begun() { seen active || seen error || gone "$SHIM"; }
hostile_libraries() {
  local directory
  mkdir -p "$ROOT/etc"
  printf 'passwd: evil\nhosts: evil\n' >"$ROOT/etc/nsswitch.conf"
  for directory in lib usr/lib lib64 "lib/$(uname -m)-linux-gnu"; do mkdir -p "$ROOT/$directory" && cp "$PROBES/evil.so" "$ROOT/$directory/libnss_evil.so.2" && cp "$PROBES/evil.so" "$ROOT/$directory/libgcc_s.so.1"; done
}

TABLE=$RUN_TMP/matrix.$BASHPID
: >"$TABLE"
for target in "${targets[@]}"; do
  for act in "${acts[@]}"; do it "$target, $act: gains nothing, and nothing of ours is left" cell "$target" "$act"; done
done
echo "# what a target does, and what is said of it; in each case it gained nothing"
awk -F '\t' '{printf "# %-12s %-12s %s\n", $1, $2, $3}' "$TABLE"
