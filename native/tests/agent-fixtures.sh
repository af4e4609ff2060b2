# shellcheck shell=bash
# An agent with many shims: the lines that it hears, and those that it carries. Needs shim.sh and hold-fixtures.sh.

declare -A IDS TARGETS
# make_targets NAME...: a container for each, with a cable in a network of its own.
make_targets() {
  local name
  for name in "$@"; do
    make_another
    IDS[$name]=$ID TARGETS[$name]=$TARGET
  done
}
# as NAME: ID and TARGET are its own, for what looks at one.
as() { ID=${IDS[$1]} TARGET=${TARGETS[$1]}; }

start_agent() {
  : >"$T/termlog"
  start_nsexec agent --termination-log "$T/termlog" "$@"
  await agent
}
# begin_shim NAME WORD...: the line; begin_run NAME [OPTION... -- PROGRAM ARG...], begin_hold_of NAME [OPTION...] with what is usual.
begin_shim() { line_of "${@:2}"; say "begin $1 $LINE <"; }
begin_run() {
  local program=(-- "${HOLD[@]}")
  [[ " ${*:2} " != *" -- "* ]] || program=()
  begin_shim "$1" run --container "${IDS[$1]}" --sample-ms 200 "${@:2}" ${program[@]+"${program[@]}"}
}
begin_hold_of() { begin_shim "$1" hold --container "${IDS[$1]}" --sample-ms 200 "${@:2}" "${TOOLS[@]}"; }
# tell NAME LINE...
tell() {
  local name=$1
  shift
  say "${@/#/to $name }"
}

# seen_of NAME EVENT: LAST is the last such line of that shim's; seen_about NAME EVENT: of the agent's, about it.
seen_of() {
  local line
  LAST=
  while IFS= read -r line; do [[ $line != "{\"target\":\"$1\",\"event\":\"$2\","* ]] || LAST=$line; done <"$T/out"
  [[ -n $LAST ]]
}
seen_about() {
  local line
  LAST=
  while IFS= read -r line; do [[ $line != "{\"event\":\"$2\","*"\"name\":\"$1\","* ]] || LAST=$line; done <"$T/out"
  [[ -n $LAST ]]
}
await_of() { soon "${3:-15000}" "$2 of $1" seen_of "$1" "$2"; }
await_about() { soon "${3:-15000}" "$2 about $1" seen_about "$1" "$2"; }
# await_all EVENT NAME...: of each.
await_each() {
  local name
  for name in "${@:2}"; do await_of "$name" "$1"; done
}
# field_of NAME EVENT FILTER; field_about NAME EVENT FILTER: of the last one.
field_of() { seen_of "$1" "$2" || fail "no $2 event of $1"; value "$3" "$LAST"; }
field_about() { seen_about "$1" "$2" || fail "no $2 event about $1"; value "$3" "$LAST"; }
# two_active: workloads in a and b.
two_active() {
  start_agent
  begin_run a
  begin_run b
  await_each resolved a b
  say "all start"
  await_each active a b
}
# gone_well NAME...: reverted by itself, which the agent has seen, and nothing is left in its target.
gone_well() {
  local name
  for name in "$@"; do
    await_about "$name" gone
    equal "$(jq -c '[.exit_code, .signal, .forced, .cut, .end]' <<<"$LAST")" "[${WELL:-0},0,false,false,\"reverted\"]" "gone: $name"
    equal "$(field_of "$name" reverted .left) $(field_of "$name" reverted .by)" "0 shim" "reverted: $name"
    as "$name"
    target_is_alone
  done
}
# over [STATUS]: the agent has ended, and every line of it is one object, an agent's own or tagged.
over() {
  finish "${2:-15000}"
  equal "$STATUS" "${1:-0}" "exit code of the agent"
  whole_lines
  equal "$(tail -n 1 "$T/out" | jq -r .event)" over "last event"
}
whole_lines() {
  jq -se 'all(type == "object" and has("event") and has("at_ms"))' "$T/out" >/dev/null || fail "not every line is an event"
  equal "$(jq -c . "$T/out" | wc -l)" "$(wc -l <"$T/out")" "lines, one event each"
  ! grep -vE '^\{"(target":"[a-z0-9-]{1,32}","event|event)":' "$T/out" || fail "a line begins otherwise"
}
ended_as() { equal "$(field_of "$1" ended .reason)" "$2" "reason of $1"; }
stop_agent() {
  say stop
  over
}
# shim_of NAME: PID is its process.
shim_of() { PID=$(field_about "$1" begun .pid); }
# The network of each is taken down before, to compare with it after.
remember_network() { as "$1"; network >"$T/network.$1" 2>&1; }
network_as_before() {
  as "$1"
  soon 3000 "the network of $1 is as before" network_is "$T/network.$1"
}
# apply_fault NAME: all that a `hold` undoes, until it is active.
order_fault() {
  tell "$1" "undo qdisc t0 c4a0:"
  line_of apply "${QDISC[@]}"
  tell "$1" "$LINE"
}
fault_is_there() {
  as "$1"
  matches "$(network 2>&1)" "qdisc tbf c4a0: dev t0 root" "the fault of $1"
}
