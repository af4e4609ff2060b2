#!/usr/bin/env bash
# `nsexec hold`: what it hears, what it answers, and that nothing of it stays in the target's network, however it ends.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/hold.XXXXXX")
make_distroless --uid 1000 --gid 1001 --groups 1002
mkdir "$ROOT/etc"
printf '127.0.0.1 localhost\n10.1.2.3 peer.test peer\n10.1.2.4 peer.test\nfd00::5 peer.test\n' >"$ROOT/etc/hosts"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$ROOT/etc/resolv.conf"
make_network

# --- the life of it

whole_life() {
  begin_hold --sample-ms 200
  equal "$(jq -c '[.entered, .of]' <<<"$LAST")" "[1,1]" "entered, of"
  equal "$(namespace_of "$GUARDIAN" net)" "$(namespace_of "$TARGET" net)" "network namespace of the process that active names"
  target_is_alone
  stop_hold
  equal "$(jq -r .event "$T/out" | grep -v sample | tr '\n' ' ')" "resolved active ended reverted " "events"
  equal "$(field ended '[.exit_code, .signal, .forced] | tojson')" "[0,0,false]" "ended"
}
it "every kind of state is applied in order, held and undone; nobody enters the target's cgroup" whole_life

ends() {
  begin_hold "${@:3}"
  eval "$2"
  finish
  ended_by "$1"
  held_reverted
}
it "deadline: undone" ends deadline : --duration-ms 600
it "lease: undone" ends lease hang_up --lease-ms 1000
# shellcheck disable=SC2016
it "TERM: undone" ends signal 'kill -TERM "$SHIM"'
thirty_days() { begin_hold --duration-ms 2592000000 --lease-ms 0; stop_hold; }
it "the longest duration overflows no clock" thirty_days

stop_at_once() {
  start_hold
  undo_all
  apply_all
  say start stop
  finish
  untouched
  # `stop` may have come first, before anything was done.
  seen reverted || { refused not-started && return; }
  in_time "$(field reverted .elapsed_ms)" 5000 "elapsed_ms of reverted"
}
it "start and stop in one write: nothing stays, and the end took milliseconds" stop_at_once

restart() {
  local ID TARGET CGROUP CGROUP_ARGS
  make_another
  in_background other "$PROBES/probe-static" hold
  begin_hold
  kill -KILL "$TARGET"
  finish
  ended_by target-gone
  TARGET=$BACKGROUND
  held_reverted
}
it "target's process dies, its network lives on in another one: undone there" restart

no_start() {
  local ID TARGET CGROUP CGROUP_ARGS
  make_another
  start_hold --lease-ms 1000
  undo_all
  apply_all
  finish
  refused not-started
  untouched
}

differs() {
  start_hold
  say "undo qdisc t0 c4a0:" "undo table chaos" "undo link chaos0"
  order compare same ip -o link show dev t0
  order compare queue ip -o link show dev t1
  order compare unreadable ip link show dev absent
  order apply "${QDISC[@]}"
  order apply ip link set dev t1 txqueuelen 77
  say start
  await active
  say stop
  finish
  equal "$(field reverted '.differs | tojson')" '["queue"]' "differs"
  matches "$(jq -r 'select(.event == "warning" and .code == "compare") | .message' "$T/out")" unreadable "warning"
  in_target ip link set dev t1 txqueuelen "$(sed -n 's/.* t1@.* qlen \([0-9]*\).*/\1/p' "$T/network")"
  untouched
}
it "compare: what does not read as before is named" differs

queue_length() {
  # The kernel gives a device without a queue one of 1000 packets when it gets a qdisc.
  at_end in_target ip link set dev t1 txqueuelen "$(sed -n 's/.* t1@.* qlen \([0-9]*\).*/\1/p' <(network))"
  in_target ip link set dev t1 txqueuelen 0
  start_hold
  say "undo qdisc t1 c4a0:" "undo txqueuelen t1 0" "undo txqueuelen absent 5"
  order apply tc qdisc add dev t1 root handle c4a0: htb
  order apply ip link set dev t1 txqueuelen 1000
  say start
  await active
  stop_hold
  start_hold
  say "undo txqueuelen t1 7" start
  finish
  refused foreign
  untouched
}
it "the length of a queue is as it was; one that is another already is refused" queue_length

counts() {
  start_hold --sample-ms 100
  say "undo qdisc t0 c4a0:"
  order apply "${QDISC[@]}"
  order count c tc -s qdisc show dev t0
  say start
  await active
  soon 5000 "counts with samples" has_answers c 4
  say stop
  finish
  held_reverted
  matches "$(jq -rs 'map(select(.event == "answer")) | last | .stdout' "$T/out")" 'qdisc tbf c4a0:.*Sent' "the last count"
  equal "$(jq -rs '(map(.event) | index("ended")) as $e | (map(.event == "answer") | rindex(true)) < $e' "$T/out")" true "the last count is before the end"
}
it "count: at active, with samples, and once more before the undo" counts

# --- failures

half_way() {
  start_hold
  undo_all
  apply_all
  order apply tc qdisc add dev t0 parent c4a0:9 handle 77: frobnicate
  order apply ip link add late type ifb
  say start
  finish
  equal "$STATUS" 125 "exit code"
  equal "$(field error '[.code, .state] | tojson')" '["apply","reverted"]' "error"
  matches "$(field error .message)" '`tc` ended with 2: Error: ' "message"
  ! seen active || fail "it became active"
  untouched
}
it "the last of five applies fails: all of it is undone" half_way

foreign() { # UNDO MAKE REMOVE
  # shellcheck disable=SC2086
  in_target $2
  start_hold
  say "undo link chaos9" "undo $1"
  order apply ip link add chaos9 type ifb
  say start
  finish
  refused foreign
  untouched
  [[ $(network 2>&1) == *"$3"* ]] || fail "what was there is gone"
}
foreign_each() {
  at_end in_target tc qdisc del dev t0 root
  foreign "qdisc t0 c4a0:" "${QDISC[*]}" c4a0:
  at_end in_target tc qdisc del dev t0 ingress
  foreign "ingress t0" "tc qdisc add dev t0 ingress" "qdisc ingress"
  in_target tc qdisc del dev t0 ingress
  at_end in_target tc qdisc del dev t0 clsact
  foreign "ingress t0" "tc qdisc add dev t0 clsact" "qdisc clsact"
  at_end in_target ip link del chaos0
  foreign "link chaos0" "ip link add chaos0 type ifb" chaos0
  in_target ip link del chaos0
  foreign "link chaos0" "ip link add chaos0 type veth peer name chaosp" chaos0
  in_target ip link del chaos0
  at_end in_target ip link property del dev void altname chaos0
  foreign "link chaos0" "ip link property add dev void altname chaos0" chaos0
  at_end in_target nft delete table inet chaos
  foreign "table chaos" "nft add table inet chaos" "table inet chaos"
}
it "foreign: a qdisc, an ingress, a link or a table that is there already is refused and kept" foreign_each

others() {
  in_target tc qdisc add dev t1 root handle 1: tbf rate 1mbit burst 10kb latency 50ms
  in_target nft add table ip chaos
  at_end in_target tc qdisc del dev t1 root
  at_end in_target nft delete table ip chaos
  start_hold
  undo_all
  say "undo qdisc t1 c4a0:"
  apply_all
  say start
  await active
  stop_hold
}
it "another's qdisc, or a table of another family, is neither refused nor removed" others

malformed() {
  local bad
  for bad in "undo qdisc t0 0:" "undo frobnicate x" "apply frobnicate x" "undo link %zz" "undo  link chaos0"; do
    start_hold
    say "$bad"
    order apply ip link add chaos0 type ifb
    say start
    finish
    refused orders
    equal "$(field warning .code)" stdin "warning to $bad"
  done
  untouched
}
it "orders: a line that could not be taken forbids start" malformed

cleared() {
  start_hold
  say "undo frobnicate x" clear
  undo_all
  order apply ip link add wrong0 type ifb
  say clear
  undo_all
  apply_all
  say "" start
  await active
  applied
  ! in_target ip link show wrong0 2>/dev/null || fail "what was forgotten has been applied"
  say clear
  soon 3000 "a warning" seen warning
  stop_hold
}
it "clear forgets, and makes good; after start it does not" cleared

removed_meanwhile() {
  begin_hold
  in_target tc qdisc del dev t0 root
  in_target nft delete table inet chaos
  in_target ip link del chaos0
  stop_hold
}
it "what somebody else has removed meanwhile is undone already" removed_meanwhile

replaced_meanwhile() {
  begin_hold
  in_target tc qdisc replace dev t0 root handle 1: tbf rate 2mbit burst 10kb latency 50ms
  at_end in_target tc qdisc del dev t0 root
  say stop
  finish
  equal "$(jq -c '[.event, .left]' <<<"$(tail -n 1 "$T/out")")" '["reverted",0]' "last event"
  matches "$(in_target tc qdisc show dev t0)" 'tbf 1: root' "the other's qdisc"
}
it "a root qdisc that another one has put in the place of ours is left to them" replaced_meanwhile

# --- names that change

# ends_reverted: it says so; what is there then is compared by the caller.
ends_reverted() {
  say stop
  finish
  equal "$(jq -c '[.event, .left, .by]' <<<"$(tail -n 1 "$T/out")")" '["reverted",0,"shim"]' "last event"
  equal "$STATUS" 0 "exit code"
}
renamed() {
  begin_redirected
  rename t0 t7
  at_end rename t7 t0
  rename chaos0 other0
  ends_reverted
  rename t7 t0
  CLEANUPS=("${CLEANUPS[@]:0:${#CLEANUPS[@]}-1}")
  untouched
}
it "the device and the ifb link are called otherwise by now: undone" renamed

renamed_at_once() {
  start_hold
  say "undo link chaos0" "undo link chaos1"
  order_with $'link add chaos0 type ifb\nlink set dev chaos0 name z0\nlink add chaos1 type ifb\nlink set dev chaos1 name y0\n' apply ip -batch -
  say start
  await active
  matches "$(network 2>&1)" "y0.*z0|z0.*y0" "the links"
  stop_hold
}
it "an ifb link that is renamed as soon as it is made: undone" renamed_at_once

# Between the first look and the first apply the one and only `compare` runs: what it starts there is somebody else's.
meanwhile() { order compare m sh -c "test -e '$T/meanwhile' || { : >'$T/meanwhile'; $1; }"; }
swapped() {
  start_hold
  undo_all
  apply_all
  meanwhile 'ip link set t0 down; ip link set t1 down; ip link set t0 name t8 && ip link set t1 name t0 && ip link set t8 name t1; ip link set t0 up; ip link set t1 up'
  say start
  finish
  equal "$(field error '[.code, .state] | tojson')" '["readback","reverted"]' "error"
  ! seen active || fail "it became active"
  rename t0 t8
  rename t1 t0
  rename t8 t1
  untouched
}
it "two devices change names before the fault is applied: refused, and undone on the device that got it" swapped

# --- somebody else's, at any moment

# What of it is somebody else's.
theirs() { in_target sh -c 'tc qdisc show dev t0; tc filter show dev t0 ingress; ip -o link' 2>/dev/null | grep -oE 'qdisc (clsact|ingress)|Redirect to device [a-z0-9]*|chaos0@chaosp:' | xargs; }
drop_theirs() {
  in_target tc qdisc del dev t0 ingress || true
  in_target tc qdisc del dev t0 clsact || true
  in_target ip link del chaos0 || true
} 2>/dev/null
theirs_before_apply() { # COMMANDS WHAT
  drop_theirs
  rm -f "$T/meanwhile"
  start_hold
  say "undo ingress t0" "undo link chaos0"
  order_with $'link add chaos0 type ifb\nlink set dev chaos0 up\n' apply ip -batch -
  order apply tc qdisc add dev t0 ingress
  meanwhile "$1"
  say start
  finish
  equal "$(field error '[.code, .state] | tojson')" '["apply","reverted"]' "error"
  equal "$(theirs)" "$2" "what is somebody else's"
}
FILTER='tc filter add dev t0 ingress protocol ip pref 1 u32 match u32 0 0 action mirred egress redirect dev void'
theirs_each_before_apply() {
  at_end drop_theirs
  theirs_before_apply "tc qdisc add dev t0 clsact" "qdisc clsact"
  theirs_before_apply "tc qdisc add dev t0 clsact; $FILTER" "qdisc clsact Redirect to device void"
  theirs_before_apply "tc qdisc add dev t0 ingress; $FILTER" "qdisc ingress Redirect to device void"
  theirs_before_apply "tc qdisc add dev t0 ingress_block 7 ingress" "qdisc ingress"
  theirs_before_apply "ip link add chaos0 type veth peer name chaosp" "chaos0@chaosp:"
}
it "a clsact or ingress qdisc, or a link, that somebody makes between our look and our apply: ours fails, theirs stays" theirs_each_before_apply

theirs_while_active() { # COMMANDS WHAT
  drop_theirs
  begin_redirected
  in_target sh -c "tc qdisc del dev t0 ingress; $1"
  ends_reverted
  equal "$(theirs)" "$2" "what is somebody else's"
  drop_theirs
  in_target ip link set dev t0 txqueuelen 1000
  in_target tc qdisc show dev t0 | grep -q 'c4a0:' && fail "our qdisc is there"
  ! in_target ip -o link | grep -q ' chaos0:' || fail "our link is there"
}
theirs_each_while_active() {
  at_end drop_theirs
  theirs_while_active "tc qdisc add dev t0 clsact; $FILTER" "qdisc clsact Redirect to device void"
  # Even where it leads to our link: then it leads nowhere.
  theirs_while_active "tc qdisc add dev t0 clsact; ${FILTER/void/chaos0}" "qdisc clsact Redirect to device"
  theirs_while_active "tc qdisc add dev t0 ingress; $FILTER" "qdisc ingress Redirect to device void"
  theirs_while_active "tc qdisc add dev t0 ingress; ${FILTER/action*/flowid 1:1}" "qdisc ingress"
  theirs_while_active "ip link del chaos0; ip link add chaos0 type veth peer name chaosp" "chaos0@chaosp:"
  theirs_while_active "ip link set chaos0 name x0; ip link add chaos0 type veth peer name chaosp" "chaos0@chaosp:"
}
it "a clsact or ingress qdisc, or a link of another kind, that somebody puts in the place of ours stays; the rest is undone" theirs_each_while_active

half_made() { # LINES
  start_hold
  say "undo ingress t0" "undo link chaos0"
  order apply ip link add chaos0 type ifb
  order_with "$1"$'\nqdisc add dev t0 frobnicate\n' apply tc -batch -
  say start
  finish
  equal "$(field error '[.code, .state] | tojson')" '["apply","reverted"]' "error"
  untouched
}
half_made_each() {
  half_made "qdisc add dev t0 ingress"
  half_made $'qdisc add dev t0 ingress\nfilter add dev t0 parent ffff: protocol ip pref 1 u32 match u32 0 0 action mirred egress redirect dev chaos0'
}
it "an ingress qdisc of ours without its filters, or with one of them: undone" half_made_each
link_gone_first() {
  begin_redirected
  in_target ip link del chaos0
  stop_redirected
}
stop_redirected() { ends_reverted; untouched; }
it "an ingress qdisc of ours whose link somebody has removed: undone" link_gone_first

# --- the node's own network

# A target in the network of process 1: of one that is a node of its own here.
host_network_inside() {
  make_container
  ip link set lo up
  network >"$T/network" 2>&1
  start_nsexec hold --container "$ID" --termination-log "$T/termlog" "$@" "${TOOLS[@]}"
  await resolved
}
host_refused_inside() {
  host_network_inside
  say "$1"
  order apply ip -V
  say start
  finish
  refused host-network
  untouched
  rm -f "$T/out"
}
host_allowed_inside() {
  host_network_inside --allow-host-network
  say "undo table chaos"
  order_with $'table inet chaos { }\n' apply nft -f -
  say start
  await active
  equal "$(jq -c '[.entered, .of]' <<<"$LAST")" "[1,1]" "entered, of"
  stop_hold
}
# Nothing of it is in a network.
host_spared_inside() {
  host_network_inside
  say start
  await active
  equal "$(jq -c '[.entered, .of]' <<<"$LAST")" "[0,0]" "entered, of"
  order apply ip link add chaos0 type ifb
  soon 3000 "a warning" seen warning
  equal "$(field warning .code)" apply "code"
  stop_hold
}
on_host() { NESTED=(--net); nested "$(declare -p TOOLS QDISC); $1"; }
host_network() {
  on_host 'host_refused_inside "undo table chaos"'
  on_host 'host_refused_inside "undo qdisc lo c4a0:"'
  on_host 'host_refused_inside ""'
  on_host host_allowed_inside
  on_host host_spared_inside
}
it "a target in the node's own network: refused, unless that is allowed or nothing of it is in a network" host_network

apply_while_active() {
  begin_hold
  order apply ip link set dev chaos0 txqueuelen 5
  order ask a ip -o link show dev chaos0
  answer a
  matches "$ANSWER" "qlen 5" "the link"
  order apply ip link set dev absent up
  soon 3000 "a warning" seen warning
  equal "$(field warning .code)" apply "code"
  stop_hold
}
it "apply while active: at once, in its turn; a failure is a warning" apply_while_active

# --- questions

asks() {
  start_hold
  order ask 1 ip -o address show dev t0
  answer 1 '[.exit_code, .truncated, (.elapsed_us > 0)] | tojson'
  equal "$ANSWER" '[0,false,true]' "exit_code, truncated, elapsed_us"
  answer 1
  matches "$ANSWER" 10.9.0.1 "stdout"
  order ask "odd \"id\" <%>" sh -c $'printf "a\\nb\\377" >&2; exit 7'
  answer 'odd \"id\" <%>' '[.id, .exit_code, .stderr] | tojson'
  equal "$ANSWER" '["odd \"id\" <%>",7,"a\nb�"]' "id, exit code and stderr"
  order ask signal probe-static hold
  soon 3000 "the tool" has_family 1
  kill -KILL "${FAMILY[0]}"
  answer signal .exit_code
  equal "$ANSWER" 137 "exit code of a signal"
  order_with $'line one\nline <two> %41\n' ask input sh -c 'cat; cat | wc -c'
  answer input
  equal "$ANSWER" $'line one\nline <two> %41\n0' "stdin"
  order ask empty sh -c 'cat; readlink /proc/self/fd/0'
  answer empty
  equal "$ANSWER" /dev/null "stdin without input"
  order ask much sh -c 'head -c 3000000 /dev/zero | tr "\0" x; echo $? >&2'
  answer much '[(.stdout | length), .truncated] | tojson'
  equal "$ANSWER" '[1048576,true]' "3 MB of output"
  say stop
  finish
  refused not-started
  untouched
}
it "ask: stdout, stderr, exit code, signal, stdin, and no more than 1 MiB" asks

sees() {
  start_hold
  order ask r probe-static report
  answer r
  printf '%s\n' "$ANSWER" >"$T/report"
  local name
  for name in mnt ipc uts user cgroup time; do
    equal "$(sed -n "s/^ns_$name=//p" "$T/report")" "$(namespace_of self "$name")" "$name namespace of a tool"
  done
  equal "$(sed -n 's/^ns_net=//p' "$T/report")" "$(namespace_of "$TARGET" net)" "its net namespace"
  equal "$(sed -n 's/^pid=//p' "$T/report")" 1 "its pid, in a pid namespace of its own"
  equal "$(sed -n 's/^fd=\([0-9]*\) .*/\1/p' "$T/report" | xargs)" "0 1 2" "its descriptors"
  order fresh f probe-static report
  answer f
  local inode
  inode=$(sed -n 's/^ns_net=//p' <<<"$ANSWER")
  differ "$inode" "$(namespace_of "$TARGET" net)" "net namespace of fresh"
  differ "$inode" "$(namespace_of self net)" "net namespace of fresh"
  order fresh t sh -c 'tc qdisc add dev lo root handle c4a0: tbf rate 1mbit burst 10kb latency 50ms && nft add table inet chaos && ip link add t0 type ifb && tc qdisc show dev lo && ip -o link show up'
  answer t '[.exit_code, .stderr] | tojson'
  equal "$ANSWER" '[0,""]' "exit code and stderr of a trial"
  answer t
  matches "$ANSWER" 'tbf c4a0:.*lo: .*UP' "what it saw"
  untouched
  say stop
  finish
}
it "a tool is in the target's network alone, with no descriptor of ours; fresh touches nothing" sees

lookups() {
  start_hold
  order lookup a peer.test
  answer a '[.exit_code, (.stdout | split("\n") | sort | join(" "))] | tojson'
  # The sanitizer build has the resolver of glibc, which stops at the first line.
  ((SANITIZED)) && ANSWER=${ANSWER/10.1.2.3/10.1.2.3 10.1.2.4 fd00:0:0:0:0:0:0:5}
  equal "$ANSWER" '[0," 10.1.2.3 10.1.2.4 fd00:0:0:0:0:0:0:5"]' "peer.test by the target's /etc/hosts"
  order lookup b absent.test
  answer b '[.exit_code, .stdout, (.stderr | length > 0)] | tojson'
  equal "$ANSWER" '[1,"",true]' "a name that is not there"
  order lookup c 10.1.2.9
  answer c
  equal "$ANSWER" 10.1.2.9 "an address"
  order lookup d "$(printf 'x%.0s' {1..2000}).test"
  answer d .exit_code
  equal "$ANSWER" 1 "exit code for a name of 2000 letters"
  chmod 600 "$ROOT/etc/hosts"
  at_end chmod 644 "$ROOT/etc/hosts"
  order lookup e peer.test
  answer e .exit_code
  equal "$ANSWER" 1 "exit code when the target's user may not read its /etc/hosts"
  say stop
  finish
}
it "lookup: as the target's user, in its files, by its resolver" lookups

lookup_in_user_namespace() {
  local ID TARGET ROOT
  make_root
  mkdir "$ROOT/etc"
  echo '10.7.7.7 peer.test' >"$ROOT/etc/hosts"
  make_container --unshare "user,$ALL_NAMESPACES" --uid-map 0:100000:65536 --gid-map 0:100000:65536 --uid 1000 --gid 1001 --root "$ROOT" --proc -- /pause
  in_target ip link add t0 type veth peer name t1
  begin_hold
  order lookup a peer.test
  answer a '[.exit_code, .stdout, .stderr] | tojson'
  equal "$ANSWER" '[0,"10.7.7.7\n",""]' "peer.test"
  stop_hold
}
it "a target in a user namespace: its names, and its network" lookup_in_user_namespace

connects() {
  in_background listen "$PROBES/probe-static" listen 127.0.0.1 7777
  soon 3000 "a listener" grep -q listening "$T/listen"
  start_hold
  order connect a 127.0.0.1 7777
  order connect r 127.0.0.1 7778
  order connect s ::1 7778
  order connect d 10.9.1.9 7777
  order connect u 203.0.113.1 7777
  local id
  for id in a r s; do
    answer "$id" '[.exit_code, .stderr] | tojson'
    equal "$ANSWER" '[0,""]' "$id"
    answer "$id"
    matches "$ANSWER" '^[0-9]{1,6}$' "microseconds of $id"
  done
  for id in d u; do
    answer "$id" '[.exit_code, .stdout, (.stderr | length > 0)] | tojson'
    equal "$ANSWER" '[1,"",true]' "$id"
  done
  for id in "127.0.0.1 0" "127.0.0.1 65536" "127.0.0.1 x" "localhost 80" "fe80::1%25t0 80"; do
    say "connect w $id" "connect last 127.0.0.1 7777"
    answer last
    answer w .exit_code
    equal "$ANSWER" 1 "exit code for $id"
    : >"$T/out"
  done
  equal "$(in_target cat /proc/net/tcp | awk '$4 == "06"' | wc -l)" 0 "connections in TIME_WAIT"
  say stop
  finish
}

in_order() {
  start_hold
  say "undo link chaos0"
  order apply ip link add chaos0 type ifb
  line_of ask before ip link show dev chaos0
  # In one write: what stands before `start` is done before it, and what stands behind it after it.
  say "$LINE"$'\nstart\n'"${LINE/before/after}"
  answer after .exit_code
  equal "$ANSWER" 0 "exit code of what was asked after start"
  answer before .exit_code
  equal "$ANSWER" 1 "exit code of what was asked before start"
  stop_hold
}
it "lines are done in their order, start among them" in_order

three_hundred() {
  local i
  start_hold
  line_of ask n probe-static exit 0
  for i in {1..300}; do echo "$LINE"; done >&"$SHIM_IN"
  PACE=0.2 soon 120000 "every one is answered or refused" all_told 300
  at_least "$(answers n)" 256 "answers"
  say clear
  undo_all
  apply_all
  say start
  await active
  applied
  stop_hold
}
all_told() { (($(answers n) + $(count_events warning) >= $1)); }
it "three hundred asks at once: 256 wait, the others are refused, and all goes on" three_hundred

long_lines() {
  local size
  start_hold
  for size in 1000 1048500 1048576 3000000; do
    { printf 'ask l%s sh -c wc%%20-c <' "$size"; head -c "$((size - 21 - ${#size}))" /dev/zero | tr '\0' y; echo; } >&"$SHIM_IN"
  done
  order ask after ip -V
  answer after .exit_code
  equal "$ANSWER" 0 "exit code of what comes after"
  for size in 1000 1048500 1048576; do
    answer "l$size"
    equal "$ANSWER" $((size - 21 - ${#size})) "bytes of stdin of a line of $size"
  done
  ! answered l3000000 || fail "a line of 3 MB was taken"
  equal "$(count_events warning)" 1 "warnings"
  say "undo link chaos0" start
  finish
  refused orders
}
it "a line of 1 MiB is taken, a longer one is one warning and forbids start" long_lines

# --- what does not answer

hangs() {
  local since
  start_hold
  since=$(now_ms)
  order ask h probe-static ignore-term
  order ask after ip -V
  answer h .exit_code
  equal "$ANSWER" 124 "exit code"
  at_least $(($(now_ms) - since)) 4900 "milliseconds"
  in_time $(($(now_ms) - since)) 8000
  answer after .exit_code
  equal "$ANSWER" 0 "exit code of what comes next"
  order ask h sh -c 'sleep 77 & sleep 77'
  soon 3000 "its family" has_family 3
  since=$(now_ms)
  say stop
  finish
  in_time $(($(now_ms) - since)) 1500 "milliseconds from stop to the end"
  local pid
  for pid in "${FAMILY[@]}"; do gone "$pid" || fail "$pid is left: $(tr '\0' ' ' <"/proc/$pid/cmdline")"; done
  refused not-started
}

hostile_hosts() {
  mv "$ROOT/etc/hosts" "$ROOT/etc/hosts.kept"
  at_end mv -f "$ROOT/etc/hosts.kept" "$ROOT/etc/hosts"
  mkfifo "$ROOT/etc/hosts"
  local since
  start_hold
  since=$(now_ms)
  order lookup a peer.test
  order ask b ip -o link show dev t0
  answer a .exit_code
  equal "$ANSWER" 124 "exit code"
  in_time $(($(now_ms) - since)) 8000
  answer b .exit_code
  equal "$ANSWER" 0 "exit code of what comes next"
  order lookup a peer.test
  briefly
  since=$(now_ms)
  say stop
  finish
  in_time $(($(now_ms) - since)) 1500 "milliseconds from stop to the end"
}

hangs_at_the_end() {
  local since ID TARGET CGROUP CGROUP_ARGS
  make_another
  start_hold --sample-ms 60000
  undo_all
  apply_all
  # After the first that hangs at the end the others are not run.
  order count c sh -c 'test ! -e "$0" || exec sleep 77' "$T/hang"
  order count d sh -c 'test ! -e "$0" || exec sleep 77' "$T/hang"
  order count e sh -c 'test ! -e "$0" || exec sleep 77' "$T/hang"
  say start
  await active
  answer e
  : >"$T/hang"
  since=$(now_ms)
  say stop
  finish 12000
  in_time $(($(now_ms) - since)) 8000 "milliseconds from stop to the end"
  held_reverted
}

no_reader() {
  local i ID TARGET CGROUP CGROUP_ARGS
  make_another
  WRAP=("$PROBES/plug" "$1")
  network >"$T/network" 2>&1
  start_nsexec hold --container "$ID" --sample-ms 100 --duration-ms 6000 --termination-log "$T/termlog" "${TOOLS[@]}"
  : >"$T/termlog"
  for i in {1..20}; do order ask n ip -o link show; done
  undo_all
  apply_all
  order count c ip -o link show
  say start
  soon 20000 "the fault" is_applied
  finish 20000
  untouched
  equal "$(jq -r .event "$T/termlog" | xargs)" "ended reverted" "events in the termination log"
}

full() { no_reader full; }
hangup() { no_reader hangup; }
# These wait for most of their time.
it "what hangs is killed after 5 s, or by stop (a tool with all that it started, a lookup in a FIFO, counts before the undo); \
connect: accepted, refused, dropped, without a route, not an address; without start nothing is applied; \
a stdout that is full, or whose reader has gone: applied, and undone in time" together hangs hostile_hosts hangs_at_the_end connects no_start full hangup

# ask_from_outside HOST AGENT: a request to port 7777 of the target's from the other end of a cable, sent at once as a client sends it.
ask_from_outside() {
  printf 'GET /healthz HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n' "$2" >"$T/request"
  nsenter --net="/proc/$OUTSIDE/ns/net" timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/7777" && cat "$2" >&3; sleep 0.05' _ "$1" "$T/request" 2>/dev/null
}
asked_again() { answered "$1" || { ask_from_outside "$3" "$4" && answered "$1"; }; }
# hears ID WORDS HOST AGENT EXPECTED: asks again and again until the question is answered.
hears() {
  local words
  read -ra words <<<"$2"
  order listen "$1" "${words[@]}"
  soon 20000 "an answer to $1" asked_again "$@"
  answer "$1" .stdout
  equal "$(sort <<<"$ANSWER")" "$5" "who was heard by $1"
}
listens() {
  local OUTSIDE
  unshare --net sleep infinity &
  OUTSIDE=$!
  at_end end_process "$OUTSIDE"
  soon 3000 "another network" sh -c "[ \"\$(readlink /proc/$OUTSIDE/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]"
  in_target ip link add p0 type veth peer name p1
  at_end in_target ip link delete p0
  in_target ip link set p1 netns "$OUTSIDE"
  in_target ip address add 10.9.5.1/24 dev p0
  in_target ip address add fd09::1/64 dev p0 nodad
  in_target ip link set p0 up
  nsenter --net="/proc/$OUTSIDE/ns/net" sh -c 'ip address add 10.9.5.2/24 dev p1; ip address add fd09::2/64 dev p1 nodad; ip link set p1 up'
  in_background four "$PROBES/probe-static" listen 10.9.5.1 7777
  in_background six "$PROBES/probe-static" listen fd09::1 7777
  soon 3000 "listeners" grep -q listening "$T/four" "$T/six"
  start_hold
  hears four '15000 80 7777' 10.9.5.1 kube-probe/1.36 '10.9.5.2 7777 kube-probe'
  hears six '15000 7777' fd09::1 kube-probe/1.36 'fd09:0:0:0:0:0:0:2 7777 kube-probe'
  hears other '3000 7777' 10.9.5.1 curl/8 '10.9.5.2 7777 syn'
  hears known '15000 7777 10.9.9.9 10.9.5.2' 10.9.5.1 curl/8 '10.9.5.2 7777 syn'
  hears port '500 7778' 10.9.5.1 kube-probe/1.36 ''
  local words
  for words in "0 80" "15001 80" "x 80" "100 0" "100 65536" "100 10.0.0.1" "100 80 10.0.0.1 81" "100 80 fe80::1%25t0"; do
    say "listen w $words" "listen last 1 80"
    answer last .exit_code
    equal "$ANSWER" 0 "exit code of the question after $words"
    answer w .exit_code
    equal "$ANSWER" 1 "exit code for $words"
    : >"$T/out"
  done
  say "listen long 15000 80" stop
  finish
}
it "listen: who connects from outside, and who of them is the kubelet, by IPv4 and IPv6; what it does not understand" listens

orphans() {
  # More children than the shim remembers by number end at once, while one is waited for.
  network >"$T/network" 2>&1
  WRAP=(bash -c 'for i in {1..40}; do sleep 0.8 & done; exec "$@"' _)
  start_nsexec hold --container "$ID" "${TOOLS[@]}"
  WRAP=()
  await resolved
  undo_all
  apply_all
  say start
  await active
  GUARDIAN=$(jq -r .pid <<<"$LAST")
  order ask w sh -c 'sleep 1.2; echo done'
  answer w
  equal "$ANSWER" done "stdout"
  stop_hold
}
it "children that the shim inherited end in a heap: none of its own is lost" orphans
