#!/usr/bin/env bash
# What is measured: the counters of the target's own cgroup, checked against the kernel's files and against real load.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/disk-fixtures.sh"

HOLD=("$PROBES/probe-static" hold)
limit_memory() { if [[ $MODE == v2 ]]; then echo "$2" >"$(cgroup_of memory "$1")/memory.max"; else echo "$2" >"$(cgroup_of memory "$1")/memory.limit_in_bytes"; fi; }
limit_pids() { echo "$2" >"$(cgroup_of pids "$1")/pids.max"; }
sample_of() { "$NSEXEC" inspect --container "$ID" | jq -r ".sample$1"; }

fields() {
  make_distroless
  local missing
  missing=$("$NSEXEC" inspect --container "$ID" | jq -r '.sample as $s | [$ARGS.positional[] | . as $key | select($s | has($key) | not)] | join(" ")' --args "$@")
  equal "$missing" "" "fields that are missing"
  equal "$(sample_of ' | del(.cpuset_list) | to_entries | map(select(.value | type != "number" or . != floor)) | length')" 0 "values that are no integers"
  equal "$(sample_of ' | .cpuset_list | type')" string "type of cpuset_list"
}
fields_v1() {
  v1_only
  fields cpu_usage_us cpu_periods cpu_throttled_periods cpu_throttled_us cpu_quota_us cpu_period_us cpu_level cpuset_cpus cpuset_list memory_current_bytes memory_limit_bytes \
    memory_room_bytes memory_oom_kills memory_inactive_file_bytes memory_active_file_bytes swap_free_bytes node_memory_available_bytes node_memory_total_bytes pids_current pids_limit pids_room io_read_bytes io_write_bytes io_read_ops io_write_ops elapsed_us
}
fields_v2() {
  v2_only
  fields cpu_usage_us cpu_periods cpu_throttled_periods cpu_throttled_us cpu_quota_us cpu_period_us cpu_level cpuset_cpus cpuset_list memory_current_bytes memory_limit_bytes \
    memory_room_bytes memory_oom_events memory_oom_kills memory_oom_group memory_inactive_file_bytes memory_active_file_bytes node_memory_available_bytes node_memory_total_bytes memory_high_bytes memory_high_room_bytes memory_high_events swap_free_bytes \
    pids_current pids_limit pids_room cpu_some_us memory_some_us memory_full_us io_some_us io_full_us elapsed_us
}
it "sample: every field that v1 has a file for" fields_v1
it "sample: every field that v2 has a file for" fields_v2

unlimited() {
  make_distroless
  equal "$(sample_of ' | [.memory_limit_bytes, .memory_room_bytes, .cpu_quota_us, .pids_limit, .pids_room, .cpu_level] | tojson')" "[-1,-1,-1,-1,-1,0]" "limits of an unlimited target"
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

# As Docker in Docker and systemd do it, and crun: the target's process is in a cgroup below the one that bears the container's name, and has a neighbour there.
make_nested() {
  ID=$(new_id)
  make_cgroup pod
  make_cgroup "pod/$ID"
  make_cgroup "pod/$ID/other"
  make_cgroup "pod/$ID/init"
  start_target --unshare "$ALL_NAMESPACES"
}
# neighbour ARG...: a probe in the cgroup beside the target's own. Its output is in $T/neighbour.
neighbour() {
  (
    for h in "${HIERARCHIES[@]}"; do echo "$BASHPID" >"$h/$CGROUP_TOP/pod/$ID/other/cgroup.procs"; done
    exec "$PROBES/probe-static" "$@"
  ) >"$T/neighbour" 2>&1 {IDLE}>&- &
  at_end end_process "$!"
}
ate() { grep -qx "ate=$1" "$T/neighbour"; }

memory_above() {
  make_nested
  limit_memory "pod/$ID" 134217728
  neighbour eat 67108864
  soon 5000 "the neighbour has eaten" ate 67108864
  equal "$(sample_of .memory_limit_bytes)" 134217728 "memory_limit_bytes, of the cgroup above"
  equal "$(sample_of .memory_limit_level)" 1 "memory_limit_level"
  at_most "$(sample_of .memory_room_bytes)" 67108864 "memory_room_bytes, of which the neighbour has half"
  at_least "$(sample_of .memory_room_bytes)" 33554432 "memory_room_bytes"
  at_most "$(sample_of .memory_current_bytes)" 33554432 "memory_current_bytes, of the target's own cgroup"
  # The nearer limit is the smaller one, and yet the pod's is met first.
  limit_memory pod 150994944
  limit_memory "pod/$ID/init" 100663296
  equal "$(sample_of .memory_limit_bytes)" 100663296 "memory_limit_bytes, of the target's own cgroup"
  limit_memory "pod/$ID" 104857600
  at_most "$(sample_of .memory_room_bytes)" 37748736 "memory_room_bytes, of a limit that is not the smallest"
}
it "sample: what is left of memory is that of the level with the least, whoever uses it" memory_above

pids_above() {
  make_nested
  neighbour hold
  limit_pids "pod/$ID" 9
  limit_pids "pod/$ID/init" 500
  equal "$(sample_of ' | [.pids_limit, .pids_room, .pids_current] | tojson')" "[9,7,1]" "pids_limit and pids_room of the cgroup above, pids_current of the target's own"
}
it "sample: the limit of processes is the smallest of the target's cgroup and its ancestors" pids_above

throttled_above() {
  make_nested
  limit_cpu "pod/$ID" 20000 100000
  neighbour spin 60000
  begin --container "$ID" --sample-ms 100 --duration-ms 1500 -- "$PROBES/probe-static" spin 60000
  finish
  equal "$(field sample .cpu_level)" 1 "cpu_level"
  local before
  before=$(field resolved .sample.cpu_throttled_us)
  at_least $(($(jq -s 'map(select(.event == "sample") | .cpu_throttled_us) | max' "$T/out") - before)) 300000 "microseconds throttled, counted where the quota is"
  at_least "$(field sample .cpu_throttled_periods)" 3 "throttled periods"
  # Of the target's own cgroup alone it would be half the quota.
  local used
  used=$(jq -s 'map(select(.event == "sample")) | (last.cpu_usage_us - first.cpu_usage_us) * 100 / (last.elapsed_us - first.elapsed_us) | floor' "$T/out")
  at_least "$used" 15 "percent of a CPU that everybody below the quota of 20 has used"
}
it "sample: CPU use and throttling are those of the cgroup that has the quota" throttled_above

kills_above() {
  v2_only
  make_nested
  limit_memory "pod/$ID" 67108864
  neighbour eat 268435456
  soon 5000 "the neighbour's death is counted" container_has_kill
  at_least "$(sample_of .memory_oom_events)" 1 "memory_oom_events"
  equal "$(sample_of .memory_oom_group)" 0 "memory_oom_group"
  echo 1 >"$(cgroup_of memory "pod/$ID")/memory.oom.group"
  equal "$(sample_of .memory_oom_group)" 1 "memory_oom_group of the container, with the target in a cgroup below"
  echo 0 >"$(cgroup_of memory "pod/$ID")/memory.oom.group"
  echo 1 >"$(cgroup_of memory pod)/memory.oom.group"
  equal "$(sample_of .memory_oom_group)" 0 "memory_oom_group of the pod, whose limit is not met"
  limit_memory pod 33554432
  equal "$(sample_of .memory_oom_group)" 1 "memory_oom_group of the pod, whose limit is"
}
container_has_kill() { (($(sample_of .memory_oom_kills) >= 1)); }
it "sample: OOM kills and memory.oom.group of the container, with the target in a cgroup below" kills_above

cpuset() {
  make_nested
  local top list
  top=$(cgroup_of cpuset "pod/$ID/init")
  list=$(sample_of .cpuset_list)
  equal "$(sample_of .cpuset_cpus)" "$(grep -c ^processor /proc/cpuinfo)" "cpuset_cpus of a target without a cpuset of its own"
  echo 0 >"$top/cpuset.cpus"
  equal "$(sample_of ' | [.cpuset_cpus, .cpuset_list] | tojson')" '[1,"0"]' "cpuset_cpus and cpuset_list, not $list"
}
it "sample: the CPUs that the target may use" cpuset

swap_v1() {
  v1_only
  make_nested
  [[ -e $(cgroup_of memory "pod/$ID")/memory.memsw.limit_in_bytes ]] || na "this kernel does not count swap"
  limit_memory "pod/$ID" 67108864
  equal "$(sample_of ' | [.memory_swap_limit_bytes, .memory_swap_room_bytes, .memory_swap_current_bytes] | tojson')" "[-1,-1,0]" "swap without a limit"
  echo 100663296 >"$(cgroup_of memory "pod/$ID")/memory.memsw.limit_in_bytes"
  equal "$(sample_of ' | [.memory_swap_limit_bytes, .memory_swap_room_bytes] | tojson')" "[33554432,33554432]" "what memory and swap together have more than memory"
  equal "$(sample_of .swap_free_bytes)" "$(($(awk '$1 == "SwapFree:" {print $2}' /proc/meminfo) * 1024))" "swap_free_bytes"
  equal "$(sample_of .node_memory_total_bytes)" "$(($(awk '$1 == "MemTotal:" {print $2}' /proc/meminfo) * 1024))" "node_memory_total_bytes"
  at_least "$(sample_of .node_memory_available_bytes)" 1 "node_memory_available_bytes"
  at_most "$(sample_of .node_memory_available_bytes)" "$(sample_of .node_memory_total_bytes)" "node_memory_available_bytes"
  echo 0 >"$(cgroup_of memory "pod/$ID/init")/memory.swappiness"
  equal "$(sample_of .memory_swap_room_bytes)" 0 "memory_swap_room_bytes of a cgroup that does not swap"
}
it "sample: v1 counts swap together with memory: its limit is the difference" swap_v1

swap_v2() {
  v2_only
  make_nested
  echo 33554432 >"$(cgroup_of memory "pod/$ID")/memory.swap.max"
  equal "$(sample_of ' | [.memory_swap_limit_bytes, .memory_swap_room_bytes, .memory_swap_current_bytes] | tojson')" "[33554432,33554432,0]" "swap"
}
it "sample: swap of v2, with a limit of the container's" swap_v2

throttled_high() {
  v2_only
  make_nested
  echo 50331648 >"$(cgroup_of memory "pod/$ID")/memory.high"
  equal "$(sample_of .memory_high_bytes)" 50331648 "memory_high_bytes"
  begin --container "$ID" --sample-ms 100 --duration-ms 3000 -- "$PROBES/probe-static" eat 134217728
  finish
  at_least "$(jq -s 'map(select(.event == "sample") | .memory_high_events) | max' "$T/out")" 1 "memory_high_events"
  equal "$(jq -s 'map(select(.event == "sample") | .memory_high_room_bytes) | min' "$T/out")" 0 "least memory_high_room_bytes"
}
it "sample: memory.high of the container, met by a workload in a cgroup below" throttled_high

# disk_limits: io_limits of the last `path` event without the cgroups' names, [own, read, write bytes, read, write operations] each.
disk_limits() { field path '[.io_limits[] | [.own, .read_bytes_per_s, .write_bytes_per_s, .read_ops_per_s, .write_ops_per_s]] | tojson'; }
disk_limits_are() { [[ $(disk_limits) == "$1" ]]; }
limited_disk() {
  make_disk ext4 32
  ID=$(new_id)
  make_root
  make_cgroup pod
  make_cgroup "pod/$ID"
  start_target --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc --volume "$DISK:data" -- /pause
  local device own above
  device=$(mountpoint -d "$DISK")
  own=$(cgroup_of blkio "pod/$ID") above=$(cgroup_of blkio pod)
  begin --container "$ID" --path /data --probe-ms 100 -- "${HOLD[@]}"
  equal "$(field resolved '.path.io_limits | tojson')" "[]" "io_limits without a limit"
  if [[ $MODE == v2 ]]; then
    echo "$device wbps=10485760" >"$above/io.max"
    soon 3000 "the pod's limit" disk_limits_are "[[false,-1,10485760,-1,-1]]"
    echo "$device rbps=52428800 wiops=120" >"$own/io.max"
    soon 3000 "both limits" disk_limits_are "[[true,52428800,-1,-1,120],[false,-1,10485760,-1,-1]]"
  else
    # There a limit does not hold for the cgroups below.
    echo "$device 10485760" >"$above/blkio.throttle.write_bps_device"
    echo "$device 52428800" >"$own/blkio.throttle.read_bps_device"
    echo "$device 120" >"$own/blkio.throttle.write_iops_device"
    soon 3000 "the target's own limits" disk_limits_are "[[true,52428800,-1,-1,120]]"
  fi
  matches "$(field path '.io_limits[0].cgroup')" "/pod/$ID\$" "cgroup"
  stop
}
it "path: the limits that cgroups have for its disk" limited_disk

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
  at_most "$(sample_of .memory_current_bytes)" 16777216 "bytes of a target that does nothing"
  begin --container "$ID" --sample-ms 100 -- "$PROBES/probe-static" eat 33554432
  said "ate=33554432"
  # Not that much more than before: the kernel charges 64 pages at a time for each CPU, and what
  # one that has ended left of them is used by the next.
  soon 10000 "a sample with the memory in it" memory_at_least 33554432
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
  soon 10000 "a sample with the bytes in it" moved_at_least 1048576
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
variant "oom: a real one in a limited cgroup is counted, and takes the workload (dynamic)" real_oom dynamic

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
