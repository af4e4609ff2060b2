#!/usr/bin/env bash
# `nsexec sweep`: what faults have left is found in every network namespace without any record, nothing else is, and what is in use stays.
# In a pid namespace of its own: a sweep removes, and whatever else is on this machine is none of its business.
[[ -n ${ALONE:-} ]] || ALONE=1 exec unshare --pid --fork --kill-child --mount --mount-proc bash "$0" "$@"
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/sweep.XXXXXX")
make_distroless
make_network
# Nothing is sent that nobody asked for: a qdisc counts it, and would not read as before.
in_target sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6'

NETNS=$(namespace_of "$TARGET" net)
sweep() { # OPTION...: STATUS, $T/out, $T/err
  STATUS=0
  timeout 60 "$NSEXEC" sweep --termination-log "$T/termlog" "$@" >"$T/out" 2>"$T/err" </dev/null || STATUS=$?
  seen swept || fail "no swept event: $(tail -n 3 "$T/out" "$T/err")"
}
# found FILTER: one line for each finding in the target's network.
found() { jq -r "select(.event == \"residue\" and .netns == $NETNS) | $1" "$T/out"; }
WORDS='[.what, .device // .name, .handle // ""] | join(" ")'
found_is() { equal "$(found "$WORDS" | sed 's/ $//' | xargs -d '\n' printf '%s, ')" "$1" "found"; }
nothing_found() { equal "$(found "$WORDS")" "" "found"; }
swept_in_use() { equal "$(found .in_use | sort -u)" "$1" "in use"; }
swept_removed() { equal "$(found .removed | sort -u)" "$1" "removed"; }

nft_table() { in_target nft add table inet "$1"; }
redirect() { # DEVICE LINK
  in_target tc qdisc add dev "$1" ingress
  in_target tc filter add dev "$1" parent ffff: protocol ip pref 1 u32 match u32 0 0 action mirred egress redirect dev "$2"
  in_target tc filter add dev "$1" parent ffff: protocol ipv6 pref 2 u32 match u32 0 0 action mirred egress redirect dev "$2"
}
make_residue() {
  in_target tc qdisc add dev t0 root handle c4a0: tbf rate 1mbit burst 10kb latency 50ms
  in_target ip link add chaos7f3k20 type ifb
  in_target ip link set chaos7f3k20 up
  in_target tc qdisc add dev chaos7f3k20 root handle c4a0: tbf rate 1mbit burst 10kb latency 50ms
  redirect t0 chaos7f3k20
  nft_table kubectl_chaos_7f3k2
}
ALL="ingress t0, qdisc t0 c4a0:, link chaos7f3k20, table kubectl_chaos_7f3k2, "
drop_foreign() {
  in_target tc qdisc del dev t1 root || true
  in_target tc qdisc del dev t1 ingress || true
  in_target ip link del chaosmonkey || true
  in_target nft delete table inet kubectl_other || true
  in_target nft delete table ip kubectl_chaos_7f3k2 || true
} 2>/dev/null

clean_node() {
  : >"$T/termlog"
  sweep
  nothing_found
  equal "$(jq -rs 'map(.event) | last' "$T/out")" swept "last event"
  equal "$(field swept '[.namespaces, .left, .unseen] | tojson')" "[2,0,0]" "network namespaces (ours and the target's), left, unseen"
  equal "$(field swept .removed)" 0 "removed"
  equal "$(jq -r .event "$T/termlog")" swept "termination log"
  equal "$STATUS" 0 "exit code"
}
it "a node on which nothing of ours is: one line, and exit code 0" clean_node

listed_and_removed() {
  local again
  : >"$T/termlog"
  network >"$T/network" 2>&1
  make_residue
  network >"$T/with" 2>&1
  sweep
  found_is "$ALL"
  swept_in_use false
  swept_removed false
  equal "$STATUS" 1 "exit code"
  equal "$(field swept .left)" 4 "left"
  matches "$(found .cgroup | sort -u)" "$ID" "cgroup of a process there"
  equal "$(found .pid | sort -u)" "$TARGET" "a process there"
  network_is "$T/with" || fail "a sweep that only looks has changed something: $(network 2>&1 | diff "$T/with" -)"
  sweep --remove
  found_is "$ALL"
  swept_removed true
  equal "$(field swept '[.found, .removed, .left] | tojson')" "[4,4,0]" "found, removed, left"
  equal "$STATUS" 0 "exit code"
  untouched
  sweep --remove
  nothing_found
}
it "one of each kind: listed, and nothing changed; with --remove removed, and nothing else" listed_and_removed

foreign() {
  in_target tc qdisc add dev t1 root handle 1: htb
  in_target ip link add chaosmonkey type ifb
  redirect t1 void
  nft_table kubectl_other
  in_target nft add table ip kubectl_chaos_7f3k2
  in_target ip link add chaos7f3k21 type veth peer name chaosabcd5
  # Of another kind, or with the filters of a block that others share.
  in_target tc qdisc add dev void clsact
  in_target tc filter add dev void ingress protocol ip pref 1 u32 match u32 0 0 action mirred egress redirect dev chaosmonkey
  in_target tc qdisc add dev chaosmonkey ingress_block 7 ingress
  at_end drop_foreign
  at_end in_target tc qdisc del dev void clsact
  at_end in_target ip link del chaos7f3k21
  network >"$T/network" 2>&1
  sweep --remove
  nothing_found
  untouched
}
it "not ours: a qdisc of another handle, an ifb or veth that is called nearly so, a redirect to another link, tables of another name or family" foreign

half_foreign() {
  in_target tc qdisc add dev t1 root handle 1: htb
  at_end drop_foreign
  network >"$T/network" 2>&1
  make_residue
  sweep --remove
  found_is "$ALL"
  swept_removed true
  untouched
}
it "somebody else's beside ours stays" half_foreign

redirect_to_nowhere() {
  at_end drop_foreign
  network >"$T/network" 2>&1
  in_target ip link add chaos7f3k20 type ifb
  in_target ip link set chaos7f3k20 up
  redirect t0 chaos7f3k20
  in_target ip link del chaos7f3k20
  sweep
  found_is "ingress t0, "
  # The same with something that we never make.
  in_target tc filter add dev t0 parent ffff: protocol arp pref 3 u32 match u32 0 0 flowid 1:1
  sweep --remove
  nothing_found
  in_target tc filter del dev t0 parent ffff: protocol arp pref 3
  sweep --remove
  found_is "ingress t0, "
  swept_removed true
  untouched
}
it "what comes in is sent to a link of ours that is gone: removed, but not when somebody has a filter there" redirect_to_nowhere

many() {
  local i
  network >"$T/network" 2>&1
  for i in {10..89}; do echo "add table inet kubectl_chaos_$i"; done | in_target nft -f -
  sweep
  equal "$(found .name | wc -l)" 64 "found at once"
  sweep --remove
  equal "$(found .name | sort -u | wc -l)" 80 "found"
  swept_removed true
  untouched
}
it "more than fits into one list is removed in turns" many

begin_real_hold() {
  start_hold
  say "undo qdisc t0 c4a0:" "undo table kubectl_chaos_7f3k2"
  order apply "${QDISC[@]}"
  order_with $'table inet kubectl_chaos_7f3k2 { }\n' apply nft -f -
  say start
  await active
  GUARDIAN=$(jq -r .pid <<<"$LAST")
  network >"$T/with" 2>&1
}
# The shim's words are in $T/out: the sweep's go to another folder.
sweep_aside() { mkdir -p "$T/aside"; T=$T/aside; sweep "$@"; }
in_use() {
  begin_real_hold
  (
    sweep_aside --remove
    found_is "qdisc t0 c4a0:, table kubectl_chaos_7f3k2, "
    swept_in_use true
    swept_removed false
    equal "$(found .pid | sort -u)" "$TARGET" "a process there: not the guardian"
    # Records are on the machine's cgroups, where others may be at work.
    at_least "$(field swept .in_use)" 2 "in use"
    equal "$(field swept .left)" 0 "left"
    equal "$STATUS" 0 "exit code"
  )
  network_is "$T/with" || fail "a running experiment was touched: $(network 2>&1 | diff "$T/with" -)"
  stop_hold
}
it "a running hold: reported as in use, and left alone" in_use

guardian_alone() {
  begin_real_hold
  kill -STOP "$GUARDIAN"
  kill -KILL "$SHIM"
  finish
  (sweep_aside --remove; swept_in_use true; swept_removed false)
  network_is "$T/with" || fail "it was taken from its guardian: $(network 2>&1 | diff "$T/with" -)"
  kill -CONT "$GUARDIAN"
  soon 3000 "the guardian undoes" network_is "$T/network"
}
it "a guardian whose shim is gone will undo by itself: still in use" guardian_alone

both_killed() {
  begin_real_hold
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  finish
  soon 1000 "the guardian is gone" gone "$GUARDIAN"
  network_is "$T/with" || fail "somebody has undone it"
  (sweep_aside; found_is "qdisc t0 c4a0:, table kubectl_chaos_7f3k2, "; swept_in_use false; equal "$STATUS" 1 "exit code")
  (sweep_aside --remove; swept_removed true)
  untouched
}
it "shim and guardian killed at once: the sweep finds and removes what they leave" both_killed

false_guardian() {
  network >"$T/network" 2>&1
  make_residue
  mkfifo "$T/never"
  nsenter --net="/proc/$TARGET/ns/net" bash -c 'for h in $1; do echo $$ >"$h/cgroup.procs"; done; printf nsexec:guardian >/proc/$$/comm; echo $$ >"$2"; read -r _ <"$3"' \
    _ "${HIERARCHIES[*]/%/$CGROUP}" "$T/pid" "$T/never" {IDLE}>&- &
  at_end end_process $!
  soon 3000 "the impostor" test -s "$T/pid"
  local impostor
  impostor=$(<"$T/pid")
  equal "$(<"/proc/$impostor/comm")" nsexec:guardian "its name"
  equal "$(namespace_of "$impostor" net)" "$NETNS" "its network"
  sweep --remove
  found_is "$ALL"
  swept_in_use false
  swept_removed true
  untouched
}
it "a process of the target that calls itself a guardian is not believed" false_guardian

lost_process() {
  local workload init
  begin --container "$ID" -- "$PROBES/probe-static" hold
  (sweep_aside; equal "$(jq -r 'select(.what == "process") | .pid' "$T/out")" "" "lost processes")
  stop
}
it "the processes of a running workload are not lost" lost_process

not_seeing() {
  # Without the right to look into others, no namespace but our own is known.
  STATUS=0
  setpriv --reuid 65534 --clear-groups "$NSEXEC" sweep --termination-log "$T/termlog" >"$T/out" 2>"$T/err" </dev/null || STATUS=$?
  differ "$STATUS" 0 "exit code"
  matches "$(jq -r .event "$T/out")" '^(error|swept)$' "last event"
}
it "without the right to look: never called clean" not_seeing

# Stopped when it has its name, and while it has no child, which would come and go.
has_orphan() {
  ORPHAN=$(cat "/proc/$1/task/$1/children" 2>/dev/null) || return 1
  ORPHAN=${ORPHAN%% *}
  [[ -n $ORPHAN && $(readlink "/proc/$ORPHAN/exe") == "/memfd:nsexec (deleted)" && $(<"/proc/$ORPHAN/comm") == nsexec ]] || return 1
  kill -STOP "$ORPHAN"
  ! within 1000 is_stopped "$ORPHAN" || [[ -n $(descendants "$ORPHAN") ]] || return 0
  kill -CONT "$ORPHAN"
  return 1
}
is_stopped() { [[ $(process_state "$1") == T ]]; }
orphan() {
  local full
  # What none of ours is: the sealed program in a pid namespace of its own, and a child of somebody else. A reader that does not read holds it for 2 s.
  mkfifo "$T/full"
  exec {full}<>"$T/full"
  head -c 65536 /dev/zero >&"$full"
  unshare --pid --fork --kill-child "$NSEXEC" sweep >"$T/full" 2>"$T/held" {IDLE}>&- &
  at_end end_process $!
  soon 5000 "the orphan" has_orphan $!
  sweep --remove
  equal "$(jq -r 'select(.what == "process") | [.pid, .name, .in_use, .removed] | tojson' "$T/out")" "[$ORPHAN,\"nsexec\",false,false]" "lost processes"
  equal "$STATUS" 1 "exit code"
  ! gone "$ORPHAN" || fail "it was killed, though nobody knows that it is ours"
}
it "a process of ours without its shim is named, and not killed" orphan

one_network() {
  start_target --unshare net
  start_target --join "$TARGET:net"
  sweep
  equal "$(field swept .namespaces)" 3 "network namespaces: ours, the target's and one more"
}
it "each network namespace is counted once" one_network
