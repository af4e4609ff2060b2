# shellcheck shell=bash
# A target with a network of its own, and the words of `nsexec hold`. Needs shim.sh.

TOOLS=(--tool tc --tool ip --tool nft --tool sh --tool "$PROBES/probe-static")

# In the target's network: t0 and t1, a cable; void, a device that takes every packet (10.9.1.0/24) and gives none.
make_network() {
  in_target ip link set lo up
  in_target ip link add t0 type veth peer name t1
  in_target ip link add void type ifb
  local device
  for device in t0 t1 void; do in_target ip link set "$device" up; done
  in_target ip address add 10.9.0.1/24 dev t0
  in_target ip address add 10.9.1.1/24 dev void
}
in_target() { nsenter --net="/proc/$TARGET/ns/net" "$@"; }
# in_background NAME COMMAND...: in the target's network until the end of the test, its output in $T/NAME. Its pid is BACKGROUND.
in_background() {
  nsenter --net="/proc/$TARGET/ns/net" "${@:2}" >"$T/$1" 2>&1 </dev/null {IDLE}>&- &
  BACKGROUND=$!
  at_end end_process "$BACKGROUND"
}
# All that a fault can change, byte for byte. The kernel counts in none of it; whether a link runs is settled a moment after it is up.
network() { in_target sh -c 'tc qdisc show; tc filter show dev t0; tc filter show dev t0 ingress; ip -o link | sed "s/ state .* mode / mode /"; ip -o -4 address; nft list ruleset'; }
network_is() { network 2>&1 | cmp -s "$1" -; }
untouched() { network_is "$T/network" || fail "the network is not as before: $(network 2>&1 | diff "$T/network" -)"; }

start_hold() {
  network >"$T/network" 2>&1
  start_nsexec hold --container "$ID" --termination-log "$T/termlog" "$@" "${TOOLS[@]}"
  await resolved
}

# word TEXT: WORD is it as a line has it. Bytes above 0x7e are the caller's to encode.
word() {
  local LC_ALL=C i c
  WORD=
  for ((i = 0; i < ${#1}; i++)); do
    c=${1:i:1}
    [[ $c == [\"-\$\&-\;=-~!] ]] || printf -v c '%%%02X' "'$c"
    WORD+=$c
  done
}
# order WORD...: one line; order_with INPUT WORD...: the same with stdin for its program.
line_of() {
  local text
  LINE=
  for text in "$@"; do word "$text"; LINE+=${LINE:+ }$WORD; done
}
order() { line_of "$@"; say "$LINE"; }
order_with() { line_of "${@:2}"; word "$1"; say "$LINE <$WORD"; }

# answered ID: LAST is the last answer to it. answer ID [FILTER] [LIMIT_MS]: waits for one; ANSWER is what jq's FILTER makes of it.
answered() {
  local line
  LAST=
  while IFS= read -r line; do [[ $line != *"\"event\":\"answer\",\"at_ms\":"*",\"id\":\"$1\","* ]] || LAST=$line; done <"$T/out"
  [[ -n $LAST ]]
}
answered_or_over() { answered "$1" || gone "$SHIM"; }
answer() {
  poll "${3:-8000}" answered_or_over "$1" || fail "no answer to $1"
  answered "$1" || fail "the shim ended without an answer to $1"
  ANSWER=$(value "${2:-.stdout}" "$LAST")
}
answers() { grep -c "\"event\":\"answer\",.*\"id\":\"$1\"" "$T/out" || true; }
has_answers() { (($(answers "$1") >= $2)); }

QDISC=(tc qdisc add dev t0 root handle c4a0: tbf rate 1mbit burst 10kb latency 50ms)
# A fault of every kind that can be undone.
undo_all() { say "undo qdisc t0 c4a0:" "undo ingress t0" "undo link chaos0" "undo table chaos"; }
apply_all() {
  order apply "${QDISC[@]}"
  order apply tc qdisc add dev t0 handle ffff: ingress
  order apply ip link add chaos0 type ifb
  order_with $'table inet chaos {\n  chain out { type filter hook output priority 0; ip daddr 10.9.0.77 drop; }\n}\n' apply nft -f -
}
# rename OLD NEW: a link that is up must go down for it before Linux 6.2.
rename() { in_target ip link set "$1" down && in_target ip link set "$1" name "$2" && in_target ip link set "$2" up; }
# begin_redirected OPTION...: as a net fault of both directions, with its filters, on a device of which the queue has a length of its own.
undo_redirected() { say "undo ingress t0" "undo link chaos0" "undo qdisc t0 c4a0:" "undo txqueuelen t0 5"; }
apply_redirected() {
  order_with $'link add chaos0 type ifb\nlink set dev chaos0 up\nlink set dev t0 txqueuelen 1000\n' apply ip -batch -
  order_with "${QDISC[*]:1}"$'\nqdisc add dev t0 ingress\nfilter add dev t0 parent ffff: protocol ip pref 1 u32 match u32 0 0 action mirred egress redirect dev chaos0
filter add dev t0 parent ffff: protocol ipv6 pref 2 u32 match u32 0 0 action mirred egress redirect dev chaos0\n' apply tc -batch -
}
begin_redirected() {
  at_end in_target ip link set dev t0 txqueuelen 1000
  in_target ip link set dev t0 txqueuelen 5
  start_hold "$@"
  undo_redirected
  apply_redirected
  say start
  await active
  GUARDIAN=$(value .pid "$LAST")
  matches "$(network 2>&1)" "qdisc tbf c4a0: dev t0 root.*qdisc ingress ffff: dev t0.*Redirect to device chaos0" "the fault"
}
# What somebody else puts there for what comes in.
others_clsact() {
  in_target tc qdisc add dev t0 clsact
  in_target tc filter add dev t0 ingress protocol ip pref 1 u32 match u32 0 0 action mirred egress redirect dev void
}
is_applied() {
  local state
  state=$(network 2>&1)
  [[ $state == *"qdisc tbf c4a0: dev t0 root"* && $state == *"qdisc ingress ffff: dev t0"* && $state == *" chaos0: "* && $state == *"table inet chaos"* ]]
}
applied() { is_applied || fail "the fault is not there: $(network 2>&1)"; }
# begin_hold OPTION...: until the whole fault is there.
begin_hold() {
  start_hold "$@"
  undo_all
  apply_all
  say start
  await active
  GUARDIAN=$(value .pid "$LAST")
  applied
}
# has_family N: the shim has N descendants at least; FAMILY are they.
has_family() {
  mapfile -t FAMILY < <(descendants "$SHIM" 2>/dev/null | grep -x '[0-9]*' || true)
  ((${#FAMILY[@]} >= $1))
}

# A container of its own with a cable, for what runs beside others. ID, TARGET, CGROUP and CGROUP_ARGS are the caller's to make local.
make_another() {
  make_container --unshare net
  in_target ip link add t0 type veth peer name t1
}
# together CASE...: at once, each in a folder of its own.
together() {
  local name all=$T status=0
  local -A pids=()
  for name in "$@"; do
    mkdir "$all/$name"
    (T=$all/$name CLEANUPS=(); trap run_cleanups EXIT; "$name") >"$all/$name.log" 2>&1 &
    pids[$name]=$!
  done
  for name in "$@"; do
    wait "${pids[$name]}" && continue
    status=1
    echo "$name:"
    show_evidence "$all/$name"
    cat "$all/$name.log"
  done
  return "$status"
}
# held_reverted: it ended as it should, and says so.
held_reverted() {
  local last
  last=$(tail -n 1 "$T/out")
  equal "$(jq -c '[.event, .left, .by]' <<<"$last")" '["reverted",0,"shim"]' "last event"
  equal "$STATUS" 0 "exit code"
  untouched
  [[ -z ${GUARDIAN:-} ]] || gone "$GUARDIAN" || fail "the guardian is still there"
}
stop_hold() {
  say stop
  finish
  ended_by stopped
  held_reverted
}
