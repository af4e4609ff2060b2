#!/usr/bin/env bash
# What is measured: the counters of the target's own cgroup, checked against the kernel's files and against real load.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

HOLD=("$PROBES/probe-static" hold)
limit_memory() { if [[ $MODE == v2 ]]; then echo "$2" >"$(cgroup_of memory "$1")/memory.max"; else echo "$2" >"$(cgroup_of memory "$1")/memory.limit_in_bytes"; fi; }
limit_cpu() { # NAME QUOTA_US PERIOD_US
  if [[ $MODE == v2 ]]; then
    echo "$2 $3" >"$(cgroup_of cpu "$1")/cpu.max"
  else
    echo "$3" >"$(cgroup_of cpu "$1")/cpu.cfs_period_us" && echo "$2" >"$(cgroup_of cpu "$1")/cpu.cfs_quota_us"
  fi
}
limit_pids() { echo "$2" >"$(cgroup_of pids "$1")/pids.max"; }
sample_of() { "$NSEXEC" inspect --container "$ID" | jq -r ".sample$1"; }

fields() {
  make_distroless
  local missing
  missing=$("$NSEXEC" inspect --container "$ID" | jq -r '.sample as $s | [$ARGS.positional[] | . as $key | select($s | has($key) | not)] | join(" ")' --args "$@")
  equal "$missing" "" "fields that are missing"
  equal "$(sample_of ' | to_entries | map(select(.value | type != "number" or . != floor)) | length')" 0 "values that are no integers"
}
fields_v1() {
  v1_only
  fields cpu_usage_us cpu_periods cpu_throttled_periods cpu_throttled_us cpu_quota_us cpu_period_us memory_current_bytes memory_limit_bytes \
    memory_oom_kills memory_inactive_file_bytes pids_current pids_limit io_read_bytes io_write_bytes io_read_ops io_write_ops elapsed_us
}
fields_v2() {
  v2_only
  fields cpu_usage_us cpu_periods cpu_throttled_periods cpu_throttled_us cpu_quota_us cpu_period_us memory_current_bytes memory_limit_bytes memory_oom_events \
    memory_oom_kills memory_oom_group memory_inactive_file_bytes pids_current pids_limit cpu_some_us memory_some_us memory_full_us io_some_us io_full_us elapsed_us
}
it "sample: every field that v1 has a file for" fields_v1
it "sample: every field that v2 has a file for" fields_v2

unlimited() {
  make_distroless
  equal "$(sample_of ' | [.memory_limit_bytes, .cpu_quota_us, .pids_limit] | tojson')" "[-1,-1,-1]" "limits of an unlimited target"
}
it "sample: an unlimited limit is -1" unlimited

smallest() {
  ID=$(new_id)
  make_cgroup pod
  make_cgroup pod/inner
  make_cgroup "pod/inner/$ID"
  start_target --unshare mnt,pid
  limit_memory "pod/inner/$ID" 134217728
  limit_memory pod 67108864
  equal "$(sample_of .memory_limit_bytes)" 67108864 "memory_limit_bytes, the pod's being smaller"
  limit_memory "pod/inner/$ID" 33554432
  equal "$(sample_of .memory_limit_bytes)" 33554432 "memory_limit_bytes, the container's being smaller"
  limit_cpu pod 50000 100000
  equal "$(sample_of ' | [.cpu_quota_us, .cpu_period_us] | tojson')" "[50000,100000]" "the pod's quota, the container having none"
  limit_cpu "pod/inner/$ID" 20000 50000
  equal "$(sample_of ' | [.cpu_quota_us, .cpu_period_us] | tojson')" "[20000,50000]" "the container's quota: 0.4 of a CPU is less than 0.5"
}
it "sample: memory and CPU limits are the smallest of the target's cgroup and its ancestors" smallest

by_ratio() {
  ID=$(new_id)
  make_cgroup pod
  make_cgroup "pod/$ID"
  start_target --unshare mnt,pid
  limit_cpu pod 30000 100000
  # 0.25 of a CPU, yet a larger number than the pod's quota of 0.3 in 100 ms would suggest when periods are forgotten.
  limit_cpu "pod/$ID" 50000 200000
  equal "$(sample_of ' | [.cpu_quota_us, .cpu_period_us] | tojson')" "[50000,200000]" "quota and period"
}
it "sample: quotas are compared as shares of a CPU, not as numbers" by_ratio

cpu_grows() {
  make_distroless
  begin --container "$ID" --sample-ms 100 -- "$PROBES/probe-static" spin 600
  finish
  local used elapsed
  used=$(jq -s 'map(select(.event == "sample") | .cpu_usage_us) | max' "$T/out")
  used=$((used - $(field resolved .sample.cpu_usage_us)))
  at_least "$used" 590000 "microseconds of CPU charged to the target for 600 ms of load"
  at_most "$used" 1500000 "microseconds of CPU charged to the target for 600 ms of load"
  elapsed=$(jq -s 'map(select(.event == "sample") | .elapsed_us) | . == sort and length > 3' "$T/out")
  equal "$elapsed" true "elapsed_us grows from sample to sample"
}
it "sample: CPU use grows with load in the target's cgroup" cpu_grows

throttled() {
  make_distroless
  limit_cpu "$ID" 10000 100000
  begin --container "$ID" --sample-ms 100 --duration-ms 1000 -- "$PROBES/probe-static" spin 60000
  finish
  local throttled used
  throttled=$(jq -s 'map(select(.event == "sample") | .cpu_throttled_us) | max' "$T/out")
  used=$(jq -s 'map(select(.event == "sample") | .cpu_usage_us) | max' "$T/out")
  at_least "$throttled" 300000 "microseconds throttled in a second at a tenth of a CPU"
  at_least "$(jq -s 'map(select(.event == "sample") | .cpu_throttled_periods) | max' "$T/out")" 3 "throttled periods"
  at_most "$used" 400000 "microseconds of CPU"
  ended_by deadline
  reverted
}
it "sample: a CPU limit throttles the workload, and it shows" throttled

memory_and_pids() {
  make_distroless
  local before
  before=$(sample_of .memory_current_bytes)
  begin --container "$ID" --sample-ms 100 -- "$PROBES/probe-static" eat 33554432
  said "ate=33554432"
  soon 2000 "a sample with the memory in it" memory_at_least $((before + 33554432))
  at_least "$(jq -s 'map(select(.event == "sample") | .pids_current) | max' "$T/out")" 2 "pids_current"
  limit_pids "$ID" 77
  equal "$(sample_of .pids_limit)" 77 "pids_limit"
  stop
}
memory_at_least() { seen sample && (($(jq .memory_current_bytes <<<"$LAST") >= $1)); }
it "sample: memory and processes of the workload are the target's" memory_and_pids

disk() {
  # A real disk below, not a tmpfs: TMPDIR may be one.
  local folder
  folder=$(mktemp -d "$TESTS/.build/disk.XXXX") || skip "no disk to write to"
  at_end rm -rf "$folder"
  make_root
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc --volume "$folder:data" -- /pause
  count_disk "$folder"
  begin --container "$ID" --sample-ms 100 -- "$PROBES/probe-static" disk /data/file 1048576
  poll 5000 grep -q "^moved" "$T/err" || skip "direct input and output does not work on $(stat -fc %T "$folder"): $(cat "$T/err")"
  soon 2000 "a sample with the bytes in it" moved_at_least 1048576
  stop
}
# A v1 kernel of late counts only where a throttle rule is; this one throttles nothing.
count_disk() {
  local rule
  [[ $MODE != v2 ]] || return 0
  for rule in read write; do
    stat -c '%Hd:%Ld 1000000000000' "$1" >"$(cgroup_of blkio "$ID")/blkio.throttle.${rule}_bps_device" || skip "$(stat -fc %T "$1") has no device that can be throttled"
  done
}
moved_at_least() { seen sample && (($(jq .io_write_bytes <<<"$LAST") >= $1 && $(jq .io_read_bytes <<<"$LAST") >= $1)); }
it "sample: bytes written and read by the workload" disk

real_oom() {
  make_distroless
  limit_memory "$ID" 33554432
  begin --container "$ID" --oom-score-adj 1000 --sample-ms 100 -- "$PROBES/probe-$1" eat 134217728
  finish
  ended_by killed
  equal "$STATUS" 137 "exit code"
  equal "$(field ended .signal)" 9 "signal"
  at_least "$(field ended .oom_kills)" 1 "oom_kills"
  at_least "$(jq -s 'map(select(.event == "sample") | .memory_oom_kills) | max' "$T/out")" 1 "memory_oom_kills of the last sample"
  ! gone "$TARGET" || fail "the kernel chose the target instead of the workload"
  reverted
}
it "oom: a real one in a limited cgroup is counted, and takes the workload (static)" real_oom static
it "oom: a real one in a limited cgroup is counted, and takes the workload (dynamic)" real_oom dynamic

oom_of_before() {
  make_distroless
  limit_memory "$ID" 33554432
  local i
  for i in 1 2; do
    begin --container "$ID" --oom-score-adj 1000 -- "$PROBES/probe-static" eat 134217728
    finish
    equal "$(field ended .oom_kills)" 1 "oom_kills of run $i: only those since its start"
  done
  run_shim --container "$ID" -- "$PROBES/probe-static" exit 0
  equal "$(field ended .oom_kills)" 0 "oom_kills of a run without"
}
it "oom: kills of before the run are not counted" oom_of_before

oom_victim() {
  # The target is the larger one, and yet the score decides.
  make_root
  cp "$PROBES/probe-static" "$ROOT/probe"
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc -- /probe eat 20971520 >/dev/null
  limit_memory "$ID" 33554432
  begin --container "$ID" --oom-score-adj 1000 -- "$PROBES/probe-static" eat 16777216
  finish
  ended_by killed
  ! gone "$TARGET" || fail "the kernel chose the target"
  reverted
}
it "oom: --oom-score-adj 1000 makes the workload the victim, though the target is larger" oom_victim

oom_of_all() {
  v2_only
  make_distroless
  limit_memory "$ID" 33554432
  echo 1 >"$(cgroup_of memory "$ID")/memory.oom.group"
  equal "$(sample_of .memory_oom_group)" 1 "memory_oom_group"
  begin --container "$ID" --oom-score-adj 1000 -- "$PROBES/probe-static" eat 134217728
  finish
  ended_by target-gone
  gone "$TARGET" || fail "memory.oom.group did not take the target: no test"
  TARGET=
  reverted
}
it "oom: with memory.oom.group the kernel takes the whole container: target-gone, nothing left" oom_of_all

after_revert() {
  make_distroless
  run_shim --container "$ID" --sample-ms 60000 -- "$PROBES/probe-static" spin 100
  local order
  order=$(jq -r .event "$T/out" | xargs)
  matches "$order" "ended.* sample .*reverted|ended.*reverted.*sample|ended sample reverted" "events"
}
it "sample: there is one after the revert, however long the interval" after_revert

io_untouched() {
  make_distroless
  # A target without memory controller of its own still has the others.
  v1_only
  echo "$TARGET" >/sys/fs/cgroup/memory/cgroup.procs
  begin --container "$ID" -- "${HOLD[@]}"
  equal "$(field resolved '.cgroups[] | select(.hierarchy == "memory") | .path')" / "path in the memory hierarchy"
  equal "$(field resolved '.sample | has("cpu_usage_us")')" true "cpu_usage_us"
  stop
}
it "sample: a target in the root of one hierarchy is measured in the others" io_untouched
