#!/usr/bin/env bash
# --path: what the shim says of a directory of the target, that it goes there as the target would, and that it measures it without ever hanging itself.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/disk-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/path.XXXXXX")

# with_volume TARGET_OPTION...: a target that has DISK as /data.
with_volume() { make_distroless --volume "$DISK:data" "$@"; }
# look PATH [OPTION...]: until `resolved`, or the end.
look() { start_shim --container "$ID" --path "$@" --sample-ms 60000 --probe-ms 60000 -- "$PROBES/probe-static" hold; seen_soon; }
seen_soon() { poll 5000 seen_or_over resolved; }
fact() { field resolved ".path.$1"; }
facts() { field resolved "[.path | $1] | tojson"; }
# refuses PATTERN PATH [OPTION...]: nothing is changed, and the error says so.
refuses() {
  look "${@:2}"
  finish
  refused path
  matches "$(field error .message)" "$1" "message"
}
leave() { say stop; finish; }

on_ext4() {
  make_disk ext4 32
  with_volume
  mkdir -m 1755 "$DISK/sub"
  chown 7:8 "$DISK/sub"
  look /data/sub
  local device
  device=$(mountpoint -d "$DISK")
  equal "$(facts '.path, .mount_point, .root, .type, .device, .disk, .disk_name, .read_only, .writable, .owner_uid, .owner_gid, .mode, .on_node')" \
    "[\"/data/sub\",\"/data\",\"/\",\"ext4\",\"$device\",\"$device\",\"$(basename "$(readlink "/sys/dev/block/$device")")\",false,true,7,8,1005,false]" "facts"
  matches "$(fact source)" '^/dev/loop' "source"
  matches "$(fact options)" '^rw' "options"
  matches "$(fact super_options)" '^rw' "super_options"
  read_space
  equal "$(facts '.size_bytes, .inodes')" "[$((BLOCKS * BLOCK)),$INODES]" "size"
  # The probe's own file may be there or not yet.
  at_most $((AVAILABLE * BLOCK - $(fact available_bytes))) 65536 "bytes available"
  differ "$(fact free_bytes)" "$(fact available_bytes)" "bytes available, of which some are reserved"
  equal "$(fact inodes_free)" "$(fact inodes_available)" "inodes available"
  leave
}
it "facts: ext4, of a directory in a volume" on_ext4

bound() {
  make_disk ext4 16
  mkdir -p "$DISK/a b/ünder\\score"
  make_distroless --volume "$DISK/a b/ünder\\score:data"
  look /data
  equal "$(fact root)" "/a b/ünder\\score" "root of a bind mount, unescaped"
  equal "$(fact mount_point)" /data "mount point"
  leave
}
it "facts: a bind mount of a directory with blanks and a backslash" bound

in_memory() {
  make_memory_disk 8
  with_volume
  look /data
  equal "$(facts '.type, .device, .disk, .disk_name, .on_node, .size_bytes')" '["tmpfs","","","",false,8388608]' "facts"
  leave
}
variant "facts: tmpfs has no device" in_memory

layered() {
  make_disk ext4 16
  mkdir -p "$DISK/upper" "$DISK/work" "$RUN_TMP/merged"
  at_end rmdir "$RUN_TMP/merged"
  mount -t overlay -o "lowerdir=/etc,upperdir=$DISK/upper,workdir=$DISK/work" test "$RUN_TMP/merged"
  at_end umount "$RUN_TMP/merged"
  make_distroless --volume "$RUN_TMP/merged:data"
  look /data
  equal "$(facts '.type, .device, .on_node')" "[\"overlay\",\"$(mountpoint -d "$DISK")\",false]" "facts"
  leave
}
it "facts: of an overlay the device of its upper layer" layered

layered_on_node() {
  local dir
  dir=$(mktemp -d "$RUN_TMP/layers.XXXXXX")
  mkdir "$dir/upper" "$dir/work" "$dir/merged"
  mount -t overlay -o "lowerdir=/etc,upperdir=$dir/upper,workdir=$dir/work" test "$dir/merged" || na "no overlay on this machine's own file system"
  at_end umount "$dir/merged"
  make_distroless --volume "$dir/merged:data"
  look /data
  equal "$(facts '.on_node')" "[$(same_file_system "$dir" / && echo true || echo false)]" "on_node"
  leave
}
same_file_system() { [[ $(stat -c %d "$1") == $(stat -c %d "$2") ]]; }
variant "facts: an overlay, or a directory, that is on the node's own disk" layered_on_node
host_path() {
  local dir
  dir=$(mktemp -d "$RUN_TMP/host.XXXXXX")
  make_distroless --volume "$dir:data"
  look /data
  equal "$(fact on_node)" "$(same_file_system "$dir" / && echo true || echo false)" "on_node"
  leave
}
variant "facts: a directory of the node" host_path

# Where PID 1 may be looked into, symlinks on the node are followed.
linked_on_node() {
  make_disk ext4 16
  mkdir -p "$DISK/real/upper" "$DISK/real/work"
  ln -s "$DISK/real" "$RUN_TMP/linked"
  at_end rm "$RUN_TMP/linked"
  export DISK
  # shellcheck disable=SC2016
  nested '
    mkdir "$RUN_TMP/merged"
    at_end rmdir "$RUN_TMP/merged"
    mount -t overlay -o "lowerdir=/etc,upperdir=$RUN_TMP/linked/upper,workdir=$RUN_TMP/linked/work" test "$RUN_TMP/merged"
    at_end umount "$RUN_TMP/merged"
    make_distroless --volume "$RUN_TMP/merged:data"
    look /data
    equal "$(fact device)" "$(mountpoint -d "$DISK")" "device"
    leave'
}
it "facts: the upper layer of an overlay behind a symlink of the node" linked_on_node

on_btrfs() {
  make_disk btrfs 128
  with_volume
  look /data
  local loop
  loop=$(findmnt -no SOURCE "$DISK")
  equal "$(facts '.type, .device')" "[\"btrfs\",\"$(printf '%d:%d' "0x$(stat -c %t "$loop")" "0x$(stat -c %T "$loop")")\"]" "facts"
  leave
}
variant "facts: of btrfs, which has no device number of its own, that of its source" on_btrfs

on_partition() {
  need sfdisk
  need partx
  local image loop
  image=$(mktemp "$RUN_TMP/image.XXXXXX")
  at_end rm -f "$image"
  truncate -s 32M "$image"
  echo 'start=2048, type=83' | sfdisk -q "$image"
  loop=$(losetup -f --show "$image")
  at_end losetup -d "$loop"
  # By hand: a kernel may know no tables of partitions.
  partx -a "$loop" || na "no partitions on loop devices here"
  at_end partx -d "$loop"
  mkfs.ext4 -q "${loop}p1"
  DISK=$(mktemp -d "$RUN_TMP/disk.XXXXXX")
  at_end rmdir "$DISK"
  mount "${loop}p1" "$DISK"
  at_end unmount "$DISK"
  with_volume
  look /data
  equal "$(facts '.device, .disk, .disk_name')" "[\"$(mountpoint -d "$DISK")\",\"$(<"/sys/block/${loop##*/}/dev")\",\"${loop##*/}\"]" "facts"
  leave
}
variant "facts: of a partition the whole disk" on_partition

read_only() {
  make_disk ext4 16
  with_volume
  mount -o remount,ro "$DISK"
  look /data
  equal "$(facts '.read_only, .writable')" '[true,false]' "facts"
  leave
}
it "facts: read-only" read_only
read_only_bind() {
  make_disk ext4 16
  make_distroless --read-only --volume "$DISK:data"
  look /
  equal "$(facts '.read_only, .writable')" '[true,false]' "facts of the root"
  leave
  look /data
  equal "$(facts '.read_only, .writable')" '[false,true]' "facts of the volume"
  leave
}
variant "facts: a writable volume in a read-only root" read_only_bind

as_user() {
  make_disk ext4 16
  mkdir -m 750 "$DISK/roots" "$DISK/theirs" "$DISK/blind"
  chown 1000:1001 "$DISK/theirs"
  chown 0:2000 "$DISK/blind"
  chmod 730 "$DISK/blind"
  with_volume --uid 1000 --gid 1001 --groups 2000
  look /data/theirs
  equal "$(facts '.writable, .may_use_reserved, .owner_uid')" '[true,false,1000]' "facts of its own"
  leave
  look /data/blind
  equal "$(fact writable)" true "writable: a directory of its group that it may not list"
  leave
  look /data/roots
  equal "$(facts '.writable, .owner_uid')" '[false,0]' "facts of another's"
  leave
  look /data/roots --as root
  equal "$(facts '.writable, .may_use_reserved')" '[true,true]' "facts as root"
  leave
  chmod 700 "$DISK/roots"
  mkdir "$DISK/roots/inner"
  refuses 'uid 1000, .*may not reach `/data/roots/inner`: Permission denied' /data/roots/inner
}
it "facts: what the target's user may, and root may" as_user

in_user_namespace() {
  make_disk ext4 16
  mkdir "$DISK/mapped" "$DISK/unmapped"
  chown 101000:101001 "$DISK/mapped"
  make_root
  make_container --unshare "user,$ALL_NAMESPACES" --uid-map 0:100000:65536 --gid-map 0:100000:65536 --uid 1000 --gid 1001 --root "$ROOT" --proc --volume "$DISK:data" -- /pause
  look /data/mapped
  equal "$(facts '.writable, .may_use_reserved, .owner_uid, .owner_gid')" '[true,false,1000,1001]' "facts, with the ids of its user namespace"
  await path
  equal "$(field path '[(.write_us >= 0), .problem] | tojson')" '[true,null]' "a write"
  leave
  look /data/unmapped
  equal "$(facts '.writable, .owner_uid')" '[false,65534]' "facts of a directory of nobody's"
  leave
  look /data/mapped --as root
  equal "$(facts '.writable, .may_use_reserved')" '[true,false]' "root of a user namespace has nothing of what is reserved"
  leave
}
variant "facts: a target in a user namespace" in_user_namespace

odd_names() {
  make_disk ext4 16
  with_volume
  local name
  for name in 'a b' $'tab\tand\nline' 'ünïcödé' 'quo"te\' '日本' '-n' $'\xff\xfe'; do
    mkdir "$DISK/$name"
    look "/data/$name"
    equal "$(field resolved '.path.type')" ext4 "type at $name"
    [[ $name == $'\xff'* ]] || equal "$(fact path)" "/data/$name" "path"
    leave
  done
}
it "facts: blanks, line feeds, non-ASCII and bytes that are no text in the path" odd_names

# --- symlinks

inside() {
  make_disk ext4 16
  with_volume
  mkdir "$DISK/real"
  ln -s /data/real "$DISK/absolute"
  ln -s ../../../../data/real "$DISK/up"
  local name
  for name in absolute up; do
    look "/data/$name"
    equal "$(fact mount_point)" /data "mount point behind $name"
    leave
  done
}
it "symlinks are followed within the target's root" inside

outside() {
  make_disk ext4 16
  with_volume
  ln -s /etc "$DISK/etc"
  ln -s "../../../../..$RUN_TMP" "$DISK/up"
  refuses 'no `/data/etc` in the target' /data/etc
  refuses 'no `/data/up` in the target' /data/up
  refuses "no \`/../../..$RUN_TMP\` in the target" "/../../..$RUN_TMP"
}
it "symlinks and .. never lead out of it" outside

magic() {
  make_disk ext4 16
  with_volume
  ln -s /proc/1/root "$DISK/root"
  ln -s /proc/1/cwd "$DISK/cwd"
  ln -s loop "$DISK/loop"
  local name
  for name in root cwd loop; do refuses "\`/data/$name\` leads through" "/data/$name"; done
  refuses '`/proc/1/root/etc` leads through' /proc/1/root/etc
}
it "the magic links of /proc are not followed" magic

# --- what cannot be

absent() {
  make_disk ext4 16
  with_volume
  refuses 'there is no `/dat/a` in the target; mounts it has: /, /data$' /dat/a
}
it "a path that is not there: the mounts are named" absent
no_directory() {
  make_disk ext4 16
  with_volume
  touch "$DISK/file"
  refuses '`/data/file` is not a directory' /data/file
  refuses '`/data/file/in` is not a directory' /data/file/in
  mkfifo "$DISK/fifo"
  refuses '`/data/fifo` is not a directory' /data/fifo
}
it "a file, and a FIFO, which nobody waits at" no_directory
deleted() {
  local dir
  dir=$(mktemp -d "$RUN_TMP/deleted.XXXXXX")
  make_distroless --volume "$dir:data"
  rmdir "$dir"
  refuses '`/data` is stale: .*deleted' /data
}
it "a volume whose directory on the node has been deleted" deleted
dead() {
  make_fuse
  with_volume
  end_process "$FUSE"
  refuses 'the mount of `/data` is dead: fuse.* on `/data`, mounted from `fuse-test`: its server is gone \(ENOTCONN\)$' /data
}
it "a mount whose server is gone" dead

hangs() { # MESSAGE FUSE_OPTION...
  make_fuse "${@:2}"
  with_volume
  kill -USR1 "$FUSE"
  local since
  since=$(now_ms)
  refuses "\`/data\` does not answer within 1000 ms: fuse.* on \`/data\`.*$1" /data
  in_time $(($(now_ms) - since)) 3000 "until it is refused"
}
it "a mount that does not answer: refused after a second" hangs '' --unread
hangs_for_good() {
  hangs 'process [0-9]*, which asked, ends when it does$'
  local pid held
  pid=$(field error .message | sed 's/.*process \([0-9]*\), which.*/\1/')
  equal "$(process_state "$pid")" D "state of the process that asked"
  at_end gone_soon "$pid"
  held=$(find "/proc/$pid/fd" -lname 'pipe:*' -o -lname "$T/*" 2>/dev/null)
  equal "$held" "" "what it holds of the agent's container"
  equal "$(cut -d: -f3- "/proc/$pid/cgroup" | sort -u)" / "its cgroups"
  kill -USR2 "$FUSE"
  soon 3000 "it ends when the server is back" gone "$pid"
}
gone_soon() { gone "$1" || kill -USR2 "$FUSE"; }
it "a process that not even KILL reaches holds nothing of ours, and ends with its request" hangs_for_good

# --- kernels before 5.6

OLD=("$PROBES/without" openat2)
names_the_kernel() {
  refused kernel
  matches "$(field error .message)" "openat2 \\(Linux 5\\.6\\) is missing, .* Linux $(uname -r), and every io fault needs 5\\.6$" "message"
  ! seen resolved || fail "it was resolved"
  target_is_alone
  equal "$(find "$DISK" -mindepth 1 -not -name lost+found)" "" "what is in the volume"
}
no_openat2() { # run|hold OPTION...
  make_disk ext4 16
  with_volume
  local what=$1
  WRAP=("${OLD[@]}")
  shift
  start_nsexec "$what" --container "$ID" --path /data "$@"
  seen_soon
  finish
  names_the_kernel
}
it "without openat2: run refuses a path, and says from which kernel on" no_openat2 run -- "$PROBES/probe-static" hold
variant "without openat2: run refuses a path with a directory" no_openat2 run --directory .kubectl-chaos-x -- "$PROBES/probe-static" hold
it "without openat2: hold refuses a path, and says from which kernel on" no_openat2 hold
on_oldest() { # KIND
  make_distroless
  WRAP=("$PROBES/without" 5.3)
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  equal "$(field active '.entered == .of')" true "every namespace entered"
  stop
  reverted
}
it "with the system calls of Linux 5.3: a run without a path (static)" on_oldest static
variant "with the system calls of Linux 5.3: a run without a path (dynamic)" on_oldest dynamic
shaped_on_oldest() {
  make_distroless
  WRAP=("$PROBES/without" 5.3)
  start_nsexec hold --container "$ID" --tool tc
  await resolved
  say "undo qdisc lo c4a0:" "apply tc qdisc add dev lo root handle c4a0: pfifo" start
  await active
  matches "$(nsenter --net="/proc/$TARGET/ns/net" tc qdisc show dev lo)" "pfifo c4a0:" "qdisc"
  stop
  reverted
  ! nsenter --net="/proc/$TARGET/ns/net" tc qdisc show dev lo | grep c4a0 || fail "the qdisc is there still"
}
it "with the system calls of Linux 5.3: a network is held, and undone" shaped_on_oldest
no_pidfd() {
  make_distroless
  WRAP=("$PROBES/without" pidfd_open)
  start_shim --container "$ID" -- "$PROBES/probe-static" hold
  finish
  refused kernel
  matches "$(field error .message)" 'pidfd_open \(Linux 5\.3\) is missing' "message"
}
it "without pidfd_open: refused, with the kernel that has it" no_pidfd

# --- probes

probes() {
  make_disk ext4 32
  with_volume --uid 1000
  chmod 777 "$DISK"
  local before
  before=$(space)
  start_shim --container "$ID" --path /data --probe-ms 100 --sample-ms 100 -- "$PROBES/probe-static" hold
  soon 5000 "probes before start" has_paths 3
  say start
  await active
  local so_far
  so_far=$(count_events path)
  soon 5000 "probes while it runs" has_paths $((so_far + 3))
  only_ours_in_target
  stop
  ended_by stopped
  equal "$(jq -rs '[.[] | select(.event == "path")] | (map(select(.write_us == null or .problem != null or .read_us != null)) | length)' "$T/out")" 0 "probes without a write, or with a problem"
  equal "$(jq -rs '(map(.event) | rindex("path")) > (map(.event) | index("ended"))' "$T/out")" true "the last one is after the end"
  equal "$(jq -rs '[.[] | select(.event == "path") | .elapsed_us] | . == sort' "$T/out")" true "elapsed_us grows"
  reverted
  space_again "$before"
  equal "$(find "$DISK" -mindepth 1 -not -name lost+found)" "" "what is left"
}
has_paths() { (($(count_events path) >= $1)); }
# A probe comes and goes; the others of ours are the workload and its init.
only_ours_in_target() { at_most "$(cgroup_members "$ID" | wc -l)" 4 "processes in the target's cgroup"; }
it "probes: while waiting and running, and once after the revert; nothing is left" probes

as_the_target() {
  make_disk ext4 32
  with_volume --uid 1000 --gid 1001
  chmod 777 "$DISK"
  count_io "$DISK"
  # The probes themselves are over in no time: seen through what they write.
  start_shim --container "$ID" --path /data --probe write=1048576/4096 --probe-ms 100 --sample-ms 100 -- "$PROBES/probe-static" hold
  await resolved
  soon 15000 "probes" has_paths 5
  local first last
  first=$(jq -rs 'map(.sample // select(.event == "sample") | .io_write_bytes // 0) | first' "$T/out")
  last=$(jq -rs 'map(select(.event == "sample") | .io_write_bytes // 0) | last' "$T/out")
  at_least $((last - first)) 3145728 "bytes that the target's cgroup has written"
  first=$(jq -rs 'map(select(.event == "path") | .disk_write_bytes) | first' "$T/out")
  last=$(jq -rs 'map(select(.event == "path") | .disk_write_bytes) | last' "$T/out")
  at_least $((last - first)) 3145728 "bytes that the disk has written"
  leave
}
# Since Linux 6.10 v1 counts nothing on a disk until a limit has been written for it; 0 is none.
count_io() {
  local blkio
  [[ $MODE != v2 ]] || return 0
  blkio=$(cgroup_of blkio "$ID") || na "no hierarchy of blkio"
  echo "$(mountpoint -d "$1") 0" >"$blkio/blkio.throttle.write_bps_device"
}
it "probes are counted in the target's cgroup" as_the_target

sizes() {
  make_disk ext4 32
  with_volume
  look /data --probe write=8192/4096,read=1048576/65536
  await path
  equal "$(field path '[(.write_us > 0), (.read_us > 0), .problem] | tojson')" '[true,true,null]' "both"
  leave
  look /data --probe read=4096
  await path
  equal "$(field path '[.write_us, (.read_us >= 0), .problem] | tojson')" '[null,true,null]' "read alone"
  leave
  look /data --probe write=0
  await path
  equal "$(field path '[.write_us, .read_us, .problem] | tojson')" '[null,null,null]' "nothing"
  equal "$(field path .size_bytes)" "$(fact size_bytes)" "size"
  leave
}
it "probes: what is written and read is as asked" sizes

everywhere() { # TYPE MIB
  if [[ $1 == tmpfs ]]; then make_memory_disk "$2"; else make_disk "$@"; fi
  with_volume
  look /data --probe write=4096,read=4096
  await path
  equal "$(field path '[(.write_us >= 0), (.read_us >= 0), .problem] | tojson')" '[true,true,null]' "probe"
  leave
}
it "probes: tmpfs, which may know no O_DIRECT" everywhere tmpfs 8
variant "probes: xfs" everywhere xfs 300
variant "probes: btrfs" everywhere btrfs 128

full() {
  make_disk ext4 16
  with_volume --uid 1000
  chmod 777 "$DISK"
  start_shim --container "$ID" --path /data --probe-ms 100 -- "$PROBES/probe-static" hold
  soon 5000 "a probe" has_paths 1
  fallocate -l "$(($(stat -f -c '%a * %S' "$DISK")))" "$DISK/fill"
  soon 3000 "the path is seen to be full" is_full
  equal "$(field path .problem)" null "problem: what is overwritten is there already"
  rm "$DISK/fill"
  leave
}
is_full() { (($(field path .available_bytes) < 65536)); }
it "probes: a file system that gets full is seen, and can be measured still" full

full_before() {
  make_disk ext4 16
  with_volume --uid 1000
  chmod 777 "$DISK"
  fallocate -l "$(($(stat -f -c '%a * %S' "$DISK")))" "$DISK/fill"
  look /data
  await path
  matches "$(field path .problem)" 'No space left on device' "problem"
  equal "$(field path .write_us)" null "write_us"
  leave
}
it "probes: one that cannot write says why" full_before

swapped() {
  make_disk ext4 16
  mkdir -m 777 "$DISK/real"
  with_volume
  start_shim --container "$ID" --path /data/real --probe-ms 100 -- "$PROBES/probe-static" hold
  await resolved
  mv "$DISK/real" "$DISK/moved"
  ln -s /proc "$DISK/real"
  say start
  await active
  soon 3000 "more probes" has_paths $(($(count_events path) + 3))
  equal "$(field path '[.problem, .size_bytes] | tojson')" "[null,$(fact size_bytes)]" "problem, size"
  stop
  reverted
}
it "probes: what the path is swapped for meanwhile does not matter" swapped

hangs_meanwhile() { # PROBES FUSE_OPTION...
  make_fuse "${@:2}"
  with_volume
  start_shim --container "$ID" --path /data --probe-ms 200 --sample-ms 100 --lease-ms 4000 -- "$PROBES/probe-static" hold
  say start
  await active
  soon 3000 "probes" has_paths 2
  kill -USR1 "$FUSE"
  local samples since i
  samples=$(count_events sample)
  # Seven seconds of beats: longer than a probe's limit, and than the lease.
  for ((i = 0; i < 70 && $(problems) < $1; i++)); do
    say beat
    read -rt 0.2 -u "$IDLE" || true
  done
  at_least "$(problems)" "$1" "probes that say that there is no answer"
  at_least $(($(count_events sample) - samples)) 20 "samples meanwhile"
  since=$(now_ms)
  say stop
  finish
  in_time $(($(now_ms) - since)) 4000 "from stop to the end"
  ended_by stopped
  equal "$(jq -r .event <<<"$(tail -n 1 "$T/out")")" reverted "last event"
  at_most "$(probing | wc -l)" 1 "processes that hang"
  kill -USR2 "$FUSE"
  soon 3000 "they end when the server is back" no_probes
  target_is_alone
}
problems() { jq -rs 'map(select(.event == "path" and .problem != null)) | length' "$T/out"; }
# Those in this target's cgroup: others may be at work on this machine.
probing() {
  local pid
  for pid in $(pgrep -x nsexec:probe); do
    ! grep -qsF "$ID" "/proc/$pid/cgroup" || echo "$pid"
  done
}
is_probing() { [[ -n $(probing) ]]; }
no_probes() { ! is_probing; }
it "probes: a mount that stops answering stops nothing else (KILL reaches who waits)" hangs_meanwhile 1 --unread
it "probes: a mount that stops answering stops nothing else (KILL does not)" hangs_meanwhile 2

stop_meanwhile() {
  make_fuse
  with_volume
  start_shim --container "$ID" --path /data --probe-ms 100 -- "$PROBES/probe-static" hold
  say start
  await active
  kill -USR1 "$FUSE"
  at_end kill -USR2 "$FUSE"
  soon 3000 "a probe hangs" is_probing
  local since
  since=$(now_ms)
  stop
  in_time $(($(now_ms) - since)) 3000 "from stop to the end"
  ended_by stopped
}
it "stop is heard while a probe hangs" stop_meanwhile

killed() {
  make_fuse --unread
  with_volume
  begin --container "$ID" --path /data --probe-ms 100 -- "$PROBES/probe-static" hold
  kill -USR1 "$FUSE"
  soon 3000 "a probe hangs" is_probing
  kill -KILL "$SHIM"
  soon 3000 "no process of ours is left" no_probes
  soon 2000 "only the target is left" only_target_left
}
it "the shim is killed while a probe waits: it ends too" killed

in_hold() {
  make_disk ext4 32
  with_volume
  start_nsexec hold --container "$ID" --path /data --probe write=4096,read=4096 --probe-ms 100 --sample-ms 100
  await resolved
  equal "$(fact type)" ext4 "type"
  soon 5000 "probes before start" has_paths 3
  say start
  await active
  soon 5000 "probes while it is held" has_paths $(($(count_events path) + 3))
  say stop
  finish
  equal "$(jq -rs 'map(select(.event == "path")) | map(select(.write_us == null or .read_us == null or .problem != null)) | length' "$T/out")" 0 "probes without numbers"
  equal "$(tail -n 1 "$T/out" | jq -r .event)" reverted "last event"
  equal "$(jq -rs '(map(.event) | rindex("path")) > (map(.event) | index("ended"))' "$T/out")" true "the last one is after the end"
}
it "hold: looks and measures as run does, and needs no tool for it" in_hold

started_early() {
  make_disk ext4 16
  with_volume
  start_shim --container "$ID" --path /data -- "$PROBES/probe-static" exit 7
  say start
  finish
  equal "$STATUS" 7 "exit code"
  at_least "$(count_events path)" 1 "probes"
}
it "start that comes with the first line" started_early

as_root_in_hold() {
  make_disk ext4 32
  with_volume --uid 1000 --gid 1001
  chmod 755 "$DISK"
  start_nsexec hold --container "$ID" --path /data --probe-ms 100 "$@"
  await resolved
  equal "$(fact writable)" "$EXPECTED" "writable"
  say stop
  finish
}
EXPECTED=false it "hold: looks as the target's user" as_root_in_hold
EXPECTED=true it "hold --as root: looks as root" as_root_in_hold --as root
