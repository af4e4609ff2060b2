# shellcheck shell=bash
# File systems of their own, small enough to be filled: nothing here ever writes without bounds to the machine's own disk. Needs libtest.sh.

# make_disk TYPE MIB [MKFS_ARG...]: on a loop device, mounted at DISK, for everybody to write. The device goes with the mount. DISK_OPTIONS are mount's.
make_disk() {
  local type=$1 image
  image=$(mktemp "$RUN_TMP/image.XXXXXX")
  at_end rm -f "$image"
  truncate -s "$2M" "$image"
  need "mkfs.$type"
  local force=(-q)
  [[ $type == ext* ]] || force=(-qf)
  "mkfs.$type" "${force[@]}" "${@:3}" "$image"
  DISK=$(mktemp -d "$RUN_TMP/disk.XXXXXX")
  at_end rmdir "$DISK"
  mount -t "$type" -o "loop${DISK_OPTIONS:+,$DISK_OPTIONS}" "$image" "$DISK" 2>"$T/mount" ||
    { grep -qE 'unknown filesystem|loop device' "$T/mount" && na "no loop device, or no $type, in this kernel"; cat "$T/mount"; return 1; }
  at_end unmount "$DISK"
  chmod 777 "$DISK"
}
# A file system in memory, with a limit.
make_memory_disk() {
  DISK=$(mktemp -d "$RUN_TMP/disk.XXXXXX")
  at_end rmdir "$DISK"
  mount -t tmpfs -o "size=$1m,mode=777${2:+,$2}" test "$DISK"
  at_end unmount "$DISK"
}
# Whoever looks at DISK is answered, whoever makes something there waits where not even KILL reaches him.
freeze_disk() { fsfreeze --freeze "$DISK" && at_end thaw_disk; }
thaw_disk() { fsfreeze --unfreeze "$DISK" 2>/dev/null || true; }
# What still uses it ends in a moment, with what was killed.
unmount() { poll 3000 umount "$1" 2>/dev/null || { umount -l "$1" && echo "in use still: $1"; }; }

# make_fuse OPTION...: of probes/fuse, mounted at DISK. Its server is FUSE.
make_fuse() {
  [[ -e /dev/fuse ]] || na "no /dev/fuse on this machine"
  DISK=$(mktemp -d "$RUN_TMP/disk.XXXXXX")
  at_end rmdir "$DISK"
  "$PROBES/fuse" "$DISK" "$@" >"$T/fuse" 2>&1 {IDLE}>&- &
  FUSE=$!
  at_end unmount "$DISK"
  at_end end_process "$FUSE"
  soon 3000 "the FUSE server is ready" grep -q ready "$T/fuse"
}

# Of DISK: blocks in all, free, available; inodes, free; bytes of a block.
space() { stat -f -c '%b %f %a %c %d %S' "$DISK"; }
read_space() { read -r BLOCKS FREE AVAILABLE INODES INODES_FREE BLOCK < <(space); }
space_is() { [[ $(space) == "$1" ]]; }
# Some give space back a moment after the last descriptor is closed, btrfs with its next commit.
space_again() {
  within 300 space_is "$1" || sync -f "$DISK"
  soon 8000 "the space is as before, $1: $(space)" space_is "$1"
}
