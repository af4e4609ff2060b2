#!/usr/bin/env bash
# One conversation with the real shim for each verb, compared with its recording in test/shim/transcripts, which the plugin's unit tests replay through their parser:
# protocol and shim cannot drift apart. RECORD=1 writes the recordings anew; a line that begins with "> " is what the shim heard.
# In a pid namespace of its own: a sweep looks at the whole machine.
[[ -n ${ALONE:-} ]] || ALONE=1 exec unshare --pid --fork --kill-child --mount --mount-proc bash "$0" "$@"
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"
. "$TESTS/disk-fixtures.sh"

RECORDINGS=$TESTS/../../test/shim/transcripts
T=$(mktemp -d "$RUN_TMP/transcript.XXXXXX")
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
make_distroless
make_network

# tell WORD...: says a line, and keeps where in the conversation it was said.
tell() {
  line_of "$@"
  tell_line "$LINE"
}
# tell_line LINE: one that is none of words alone.
tell_line() {
  write_heard
  echo "> $1" >>"$T/transcript"
  say "$1"
}
# Counted first: it goes on speaking.
write_heard() {
  local until
  until=$(wc -l <"$T/out")
  ((until > HEARD)) || return 0
  sed -n "$((HEARD + 1)),${until}p" "$T/out" >>"$T/transcript"
  HEARD=$until
}
open_transcript() { HEARD=0; : >"$T/transcript"; }

# The fields of each event with the kinds of their values. Of counters only that they are numbers: a kernel or a cgroup mode has more of them than another; and no list of what a machine has or lacks.
# shellcheck disable=SC2016 # jq's variables
SHAPE='
def counters: with_entries(select(.key | test("^(cpu|cpuset|memory|swap|node|pids|io|disk)_") | not)) + {counters: [to_entries[] | select((.key | test("^(cpu|cpuset|memory|swap|node|pids|io|disk)_")) and .key != "cpuset_list" and .key != "io_limits" and .key != "disk_name") | .value | type] | unique};
def shape: if type == "object" then counters | map_values(shape) elif type == "array" then map(shape) | unique else type end;
[inputs | select(type == "object") | del(.unmounted, .modules)] | map({key: .event, value: shape}) | group_by(.key) | map({key: .[0].key, value: (map(.value) | unique)}) | from_entries'
shape() { grep -v '^> ' "$1" | jq -nS "$SHAPE"; }

# compare VERB: the conversation is over.
compare() {
  write_heard
  if [[ ${RECORD:-} == 1 ]]; then
    # What is told of the machine that recorded it is of no use to anybody.
    sed -E 's/"kernel":"[^"]*"/"kernel":"6.12.0"/; s/nsexec-test-[0-9]+/kubepods/g; s#/tmp/nsexec-test-[A-Za-z0-9]+/#/tmp/#g; s#'"$PROBES"'/#/probes/#g; s/hostname=[^\]*/hostname=web/' "$T/transcript" >"$RECORDINGS/$1.jsonl"
    return
  fi
  [[ -d $RECORDINGS ]] || na "the recordings are not beside these tests"
  shape "$T/transcript" >"$T/shape"
  shape "$RECORDINGS/$1.jsonl" | diff - "$T/shape" || fail "the shim speaks otherwise than recorded: RECORD=1 native/tests/run transcript, if that is meant"
}

inspect() {
  open_transcript
  "$NSEXEC" inspect --container "$ID" >"$T/out" 2>"$T/err"
  compare inspect
}
it "inspect" inspect

running() {
  open_transcript
  start_shim --container "$ID" --sample-ms 100 -- "$PROBES/probe-static" hold
  await resolved
  tell workload "$PROBES/probe-static" hold
  tell start
  await active
  tell beat
  tell nonsense
  soon 3000 "two samples" has_events sample 2
  tell stop
  finish
  compare run
}
has_events() { (($(count_events "$1") >= $2)); }
it "run" running

network() {
  open_transcript
  start_nsexec hold --container "$ID" --sample-ms 100 --tool ip --tool tc
  await resolved
  tell ask links ip -j link show dev t0
  tell lookup name 10.9.0.1
  tell connect trip 10.9.0.1 9
  answer trip .id
  tell clear
  tell undo qdisc t0 c4a0:
  tell compare qdiscs tc qdisc show dev t0
  tell count bytes tc -s qdisc show dev t0
  tell apply "${QDISC[@]}"
  tell start
  await active
  soon 3000 "it is counted" has_answers bytes 2
  tell stop
  finish
  compare net
}
it "hold of a network" network

disk() {
  make_disk ext4 32
  DEVICE=$(mountpoint -d "$DISK")
  make_distroless --volume "$DISK:data"
  local setting=(blkio.throttle.write_bps_device "$DEVICE" 8388608)
  [[ $MODE != v2 ]] || setting=(io.max "$DEVICE" wbps=8388608)
  [[ -e $(cgroup_of "$([[ $MODE == v2 ]] && echo io || echo blkio)" "$ID")/${setting[0]} ]] || na "this kernel has no ${setting[0]}"
  open_transcript
  start_nsexec hold --container "$ID" --path /data --probe write=4096,read=4096 --sample-ms 100
  await resolved
  tell setting "${setting[@]}"
  tell start
  await active
  soon 3000 "the path is measured" has_events path 2
  tell stop
  finish
  compare io
}
it "hold of a disk" disk

refusal() {
  open_transcript
  start_shim --container ffffffffffffffff -- "$PROBES/probe-static" hold
  finish
  compare refused
}
it "a target that is not there" refusal

# Two shims, on one target.
many() {
  open_transcript
  start_nsexec agent --termination-log "$T/termlog"
  await agent
  line_of run --container "$ID" --sample-ms 100 -- "$PROBES/probe-static" hold
  tell_line "begin web-0 $LINE <"
  line_of hold --container "$ID" --sample-ms 100 --tool ip
  tell_line "begin web-1 $LINE <"
  tell_line "begin web-2 inspect --container $ID <"
  soon 5000 "both are resolved" has_events resolved 2
  tell_line "to web-1 ask links ip -j link show dev t0"
  soon 5000 "it is answered" has_events answer 1
  tell_line "all start"
  soon 5000 "both are active" has_events active 2
  tell_line beat
  tell_line nonsense
  tell_line "to web-1 stop"
  soon 5000 "one has gone" has_events gone 1
  tell_line stop
  finish
  compare agent
}
it "agent" many

sweep() {
  in_target tc qdisc add dev t0 root handle c4a0: tbf rate 1mbit burst 10kb latency 50ms
  in_target ip link add chaos7f3k20 type ifb
  open_transcript
  "$NSEXEC" sweep --remove >"$T/out" 2>"$T/err" </dev/null
  compare sweep
}
it "sweep" sweep
