#!/usr/bin/env bash
# The tools of these tests, by themselves: what a fixture does not do, no test on it proves.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"

target_as_asked() {
  make_root
  make_container --unshare "user,$ALL_NAMESPACES" --uid-map 0:100000:65536 --gid-map 0:100000:65536 --uid 1000 --gid 1001 --groups 5,6 \
    --caps 400:400:400:400 --bounding a80425fb --no-new-privs --oom-score-adj 321 --root "$ROOT" --proc -- /pause
  local name
  for name in user mnt pid net ipc uts cgroup time; do
    differ "$(namespace_of "$TARGET" "$name")" "$(namespace_of self "$name")" "$name namespace"
  done
  equal "$(status_of "$TARGET" Uid | cut -f1)" 101000 "uid"
  equal "$(status_of "$TARGET" Groups | xargs)" "100005 100006" "groups"
  equal "$(status_of "$TARGET" CapAmb) $(status_of "$TARGET" CapBnd) $(status_of "$TARGET" NoNewPrivs)" "0000000000000400 00000000a80425fb 1" "capabilities"
  equal "$(ls "/proc/$TARGET/root/" | xargs)" "data marker pause proc" "its root"
  equal "$(cut -d: -f3- "/proc/$TARGET/cgroup" | sort | uniq -c | awk '$2 == "'"$CGROUP"'" {print $1}')" "${#HIERARCHIES[@]}" "hierarchies in which it was placed"
}
it "target: namespaces, ids, capabilities, root and cgroups are as asked" target_as_asked

report_is_true() {
  "$PROBES/probe-$1" report >"$T/report"
  equal "$(sed -n 's/^cap_effective=//p' "$T/report")" "$(status_of self CapEff)" "effective capabilities"
  equal "$(sed -n 's/^ns_mnt=//p' "$T/report")" "$(namespace_of self mnt)" "mnt namespace"
  equal "$(sed -n 's/^fd=\([0-2]\) .*/\1/p' "$T/report" | xargs)" "0 1 2" "descriptors"
  matches "$(ldd "$PROBES/probe-dynamic")" "libc" "libraries of probe-dynamic"
  ! ldd "$PROBES/probe-static" >/dev/null 2>&1 || fail "probe-static is dynamic"
}
it "probe: report tells what /proc tells (static)" report_is_true static
it "probe: report tells what /proc tells (dynamic)" report_is_true dynamic

escapes() {
  # What a supervisor that knows only its child loses: the reason for the tests of survivors.
  make_distroless
  bash -c 'for h in $1; do echo $$ >"$h/cgroup.procs"; done; exec "$2" family child ignoring setsid daemon' _ \
    "${HIERARCHIES[*]/%//$CGROUP}" "$PROBES/probe-static" >"$T/family" &
  local pid=$!
  soon 3000 "a family" grep -q ^family "$T/family"
  kill -KILL "$pid"
  soon 1000 "the eldest is gone" gone "$pid"
  at_least "$(cgroup_members "$ID" | wc -l)" 5 "members that survive their eldest"
}
it "probe: the family really survives its eldest" escapes

gain_is_seen() {
  local caps=a80c25fb # with CAP_SYS_PTRACE
  make_root
  cp "$PROBES/probe-static" "$ROOT/probe"
  make_container --unshare "$ALL_NAMESPACES" --caps "0:$caps:$caps:0" --bounding "$caps" --root "$ROOT" --proc -- /pause
  "$PROBES/target" "${CGROUP_ARGS[@]}" --join "$TARGET:mnt,pid,net,ipc,uts" --caps "0:$caps:$caps:0" --bounding "$caps" -- /probe attack trace /data/attack >"$T/attacker"
  at_end end_process "$(<"$T/attacker")"
  soon 5000 "it attacks" grep -qs ready "$ROOT/data/attack"
  "$PROBES/target" "${CGROUP_ARGS[@]}" --join "$TARGET:mnt,pid,net,ipc,uts" -- /pause >"$T/mighty"
  at_end end_process "$(<"$T/mighty")"
  soon 5000 "it has the memory of a process that may more" grep -q '^gained .* memory' "$ROOT/data/attack"
}
it "probe: an attacker that gets at more than it has says so" gain_is_seen

dies() {
  local n status
  for n in 1 9 15 34 64; do
    status=0
    "$PROBES/probe-static" die "$n" || status=$?
    equal "$status" $((128 + n)) "status for signal $n"
  done
}
it "probe: dies of a signal, real-time ones too" dies

trips() {
  mkfifo "$T/go"
  "$PROBES/tripwire" --at openat:/hostname --tripped "$T/tripped" --go "$T/go" -- cat "$T/hostname" >"$T/said" &
  local pid=$!
  soon 3000 "it trips" test -s "$T/tripped"
  echo "put there while it was stopped" >"$T/hostname"
  echo go >"$T/go"
  wait "$pid"
  equal "$(<"$T/said")" "put there while it was stopped" "what the program read"
}
it "tripwire: stops a program at the chosen system call" trips

kills_at() {
  local status=0
  "$PROBES/tripwire" --count "$T/count" -- true
  at_least "$(<"$T/count")" 5 "system calls of true"
  "$PROBES/tripwire" --kill-at 5 -- true || status=$?
  equal "$status" 137 "status"
}
it "tripwire: counts system calls and kills at one" kills_at

plugged() {
  local status=0
  "$PROBES/plug" hangup sh -c 'echo x' 2>/dev/null || status=$?
  equal "$status" 141 "status of a program whose stdout has no reader: death of SIGPIPE"
  "$PROBES/plug" full sh -c 'echo x' &
  ! within 300 gone $! || fail "a program could write to a full pipe"
  kill -KILL $!
}
it "plug: a stdout that takes nothing" plugged

left_behind() {
  "$PROBES/reaper" sh -c 'setsid sh -c "echo \$\$ >$0/stray; exec tail -f /dev/null" >/dev/null 2>&1 & while [ ! -s "$0/stray" ]; do :; done' "$T"
  gone "$(<"$T/stray")" || fail "the reaper left a process"
}
it "reaper: kills what its program leaves behind" left_behind
