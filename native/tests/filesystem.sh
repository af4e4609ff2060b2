#!/usr/bin/env bash
# The target's mounts, and the private working directory.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

# A volume is mounted in the target only, as a persistent volume claim is.
volume_mounted() { grep -q ' /data ' "/proc/$1/mountinfo"; }

mnt_entered() {
  make_root
  local volume=$T/volume
  mkdir "$volume"
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc --volume "$volume:data" -- /pause
  volume_mounted "$TARGET" || fail "the volume is not mounted in the target"
  ! grep -q " $ROOT/data " /proc/self/mountinfo || fail "the volume is mounted here as well: no test of L6"
  run_shim --container "$ID" -- "$PROBES/probe-$1" write /data/written "by the workload"
  equal "$STATUS" 0 "exit code"
  equal "$(cat "$volume/written")" "by the workload" "the volume's file"
  [[ ! -e /data/written && ! -e $ROOT/data/written ]] || fail "written to a disk that is not the target's volume"
}
it "L5, L6: mnt is entered: a static program writes to a volume mounted in the target alone" mnt_entered static
it "L5, L6: mnt is entered: a dynamic program writes to a volume mounted in the target alone" mnt_entered dynamic

READ_ONLY_USER=(--read-only --uid 65532 --gid 65532 --caps 0:0:0:0)
scratch() {
  make_distroless "${READ_ONLY_USER[@]}"
  run_shim --container "$ID" --scratch-bytes 262144 -- "$PROBES/probe-$1" fill here 1048576
  equal "$STATUS" 0 "exit code"
  matches "$(cat "$T/err")" "error=ENOSPC" "it ends with"
  local wrote
  wrote=$(sed -n 's/^wrote=\([0-9]*\) .*/\1/p' "$T/err")
  at_least "$wrote" 131072 "bytes that fit"
  at_most "$wrote" 262144 "bytes that fit"
  reverted
  [[ ! -e $ROOT/here ]] || fail "the file is in the target's root"
}
it "a non-root user in a read-only root has a writable working directory, limited in size (static)" scratch static
variant "a non-root user in a read-only root has a writable working directory, limited in size (dynamic)" scratch dynamic

scratch_default() {
  make_distroless "${READ_ONLY_USER[@]}"
  run_shim --container "$ID" -- "$PROBES/probe-static" fill here 33554432
  at_most "$(sed -n 's/^wrote=\([0-9]*\) .*/\1/p' "$T/err")" 16777216 "bytes that fit"
  at_least "$(sed -n 's/^wrote=\([0-9]*\) .*/\1/p' "$T/err")" 15000000 "bytes that fit"
}
it "the working directory holds 16 MiB by default" scratch_default

no_scratch() {
  make_distroless
  run_shim --container "$ID" --scratch-bytes 0 -- "$PROBES/probe-$1" report
  equal "$(reported cwd)" / "working directory"
  equal "$(reported cwd_id)" "$(reported root_id)" "working directory"
}
it "--scratch-bytes 0: the working directory is the target's root (static)" no_scratch static
variant "--scratch-bytes 0: the working directory is the target's root (dynamic)" no_scratch dynamic

scratch_is_private() {
  make_distroless
  local before
  before=$(cat "/proc/$TARGET/mountinfo")
  begin --container "$ID" -- "$PROBES/probe-static" hold
  equal "$(cat "/proc/$TARGET/mountinfo")" "$before" "the target's mounts during the run"
  stop
  equal "$(cat "/proc/$TARGET/mountinfo")" "$before" "the target's mounts after the run"
}
it "the target's mounts are the same before, during and after" scratch_is_private

chrooted() {
  make_root
  mkdir "$ROOT/jail"
  cp "$ROOT/pause" "$ROOT/jail/pause"
  echo inner >"$ROOT/jail/marker"
  make_container --unshare mnt --root "$ROOT" --chroot /jail -- /pause
  run_shim --container "$ID" -- "$PROBES/probe-$1" report
  equal "$STATUS" 0 "exit code"
  equal "$(reported root_id)" "$(id_of "$ROOT/jail")" "its root directory"
}
it "a target that is chrooted within its mount namespace: the workload has the target's root (static)" chrooted static
variant "a target that is chrooted within its mount namespace: the workload has the target's root (dynamic)" chrooted dynamic
