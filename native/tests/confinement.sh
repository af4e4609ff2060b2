#!/usr/bin/env bash
# The target's image and processes are hostile: nothing of theirs is executed by ours, and what confines them confines the workload.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

# make_image: a root with libraries wherever a program of glibc looks for some, all of them the target's. LOADED is what it writes when one is loaded.
make_image() {
  local directory name
  make_root
  LOADED=$ROOT/data/loaded
  mkdir -p "$ROOT/etc"
  printf '%s: evil files\n' passwd group shadow hosts services protocols networks netgroup initgroups >"$ROOT/etc/nsswitch.conf"
  echo "root:x:0:0::/:/bin/false" >"$ROOT/etc/passwd"
  for directory in lib usr/lib lib64 usr/lib64 "lib/$(uname -m)-linux-gnu" "usr/lib/$(uname -m)-linux-gnu"; do
    mkdir -p "$ROOT/$directory/gconv"
    for name in libnss_evil.so.2 libnss_files.so.2 libnss_dns.so.2 libgcc_s.so.1 gconv/EVIL.so; do cp "$PROBES/evil.so" "$ROOT/$directory/$name"; done
    printf 'module EVIL// INTERNAL EVIL 1\nmodule INTERNAL EVIL// EVIL 1\n' >"$ROOT/$directory/gconv/gconv-modules"
  done
}
nothing_loaded() { ! [[ -e $LOADED ]] || fail "code of the target's was loaded: $(cat "$LOADED")"; }
NOBODY=(--uid 1000 --gid 1000 --caps 0:0:0:0 --bounding "$DOCKER_CAPS" --no-new-privs)

image_is_hostile() {
  make_image
  # As a program would that goes on there without our remedies.
  chroot "$ROOT" true 2>/dev/null || true
  mkdir -p "$ROOT/bin"
  cp "$PROBES/loader" "$ROOT/bin/loader"
  local library
  for library in $(ldd "$PROBES/loader" | grep -o '/[^ ]*'); do mkdir -p "$ROOT${library%/*}" && cp "$library" "$ROOT$library"; done
  chroot "$ROOT" /bin/loader /lib/libnss_evil.so.2 >"$T/said" 2>&1 || true
  grep -q "^loaded into" "$LOADED" || fail "the image's own libraries are not loaded by a program in it: $(cat "$T/said")"
}
it "the fixture: a program in the hostile image loads the image's libraries" image_is_hostile

not_loaded() { # RUN_AS
  make_image
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc "${NOBODY[@]}" -- /pause
  run_shim --container "$ID" --as "$1" -- "$PROBES/loader" /lib/libnss_evil.so.2
  nothing_loaded
  equal "$STATUS" 0 "exit code: $(cat "$T/err")"
  has_line done || fail "it did not come to its end"
  matches "$(reported library)" "failed to map|cannot|denied" "dlopen"
  reverted
}
it "no code of the target's is loaded into the workload: NSS, gconv, dlopen, libgcc_s, execve (--as target)" not_loaded target
it "no code of the target's is loaded into the workload: NSS, gconv, dlopen, libgcc_s, execve (--as root)" not_loaded root

stress_not_loaded() { # RUN_AS
  need stress-ng
  make_image
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" --proc "${NOBODY[@]}" -- /pause
  run_shim --container "$ID" --as "$1" -- stress-ng --cpu 1 --vm 1 --vm-bytes 8M --timeout 1
  nothing_loaded
  equal "$STATUS" 0 "exit code: $(tail -n 5 "$T/err")"
  reverted
}
it "stress-ng loads no code of the target's, and does its work (--as target)" stress_not_loaded target
it "stress-ng loads no code of the target's, and does its work (--as root)" stress_not_loaded root

# --- the target's seccomp filter

filters_of() { status_of "$1" Seccomp_filters; }
copied() { # OPTION...: those of the target
  make_container --unshare mnt,pid,ipc,uts,net "$@" --seccomp
  start_shim --container "$ID" -- "$PROBES/probe-static" hold
  await resolved
  ! seen warning || fail "warned: $LAST"
  say start
  await active
  WORKLOAD=$(jq -r .pid <<<"$LAST")
  equal "$(filters_of "$WORKLOAD")" 2 "filters of the workload: the target's and ours"
  stop
  reverted
  # It does what the target's does.
  run_shim --container "$ID" --as root -- "$PROBES/probe-static" unshare
  equal "$(reported unshare)" "Operation not permitted" "unshare in the workload"
  at_least "$(filters_of "$TARGET")" 1 "the target's own"
  equal "$(process_state "$TARGET")" S "the target goes on"
}
it "the target's seccomp filter is the workload's (root, without no_new_privs)" copied "${DOCKER_ROOT[@]}"
it "the target's seccomp filter is the workload's (non-root, no_new_privs)" copied "${NOBODY[@]}"
it "the target's seccomp filter is the workload's (a user namespace)" copied --unshare "user,$ALL_NAMESPACES" --uid-map 0:100000:65536 --gid-map 0:100000:65536 --uid 0 --gid 0

without_filter() {
  make_container --unshare mnt,pid "${DOCKER_ROOT[@]}"
  begin --container "$ID" -- "$PROBES/probe-dynamic" hold
  equal "$(filters_of "$WORKLOAD")" 1 "filters of the workload: ours"
  stop
  run_shim --container "$ID" -- "$PROBES/probe-static" unshare
  matches "$(reported unshare)" "Success" "unshare in a workload whose target has no filter"
}
it "a target without a filter gives none to the workload" without_filter

first_only() {
  make_container --unshare mnt,pid "${NOBODY[@]}" --seccomp --seccomp
  equal "$(filters_of "$TARGET")" 2 "filters of the target"
  begin --container "$ID" -- "$PROBES/probe-static" hold
  equal "$(filters_of "$WORKLOAD")" 2 "filters of the workload: the runtime's and ours"
  stop
}
it "of several filters it is the first, the runtime's, and not what the program has put over itself" first_only

killing_filter() {
  make_container --unshare mnt,pid "${DOCKER_ROOT[@]}" --seccomp-kill
  run_shim --container "$ID" -- "$PROBES/probe-static" hold
  equal "$STATUS" 125 "exit code"
  equal "$(field error .code)" confinement "error"
  equal "$(field error .state)" reverted "state"
  target_is_alone
}
it "a filter that kills what the workload needs to begin: said, and nothing stays" killing_filter

traced_target() { # OPTION...
  make_container --unshare mnt,pid "${DOCKER_ROOT[@]}" --seccomp
  strace -o /dev/null -p "$TARGET" >/dev/null 2>"$T/tracer" &
  at_end end_process $!
  soon 3000 "it is traced" is_traced
  run_shim --container "$ID" "$@" -- "$PROBES/probe-static" exit 3
}
is_traced() { [[ $(status_of "$TARGET" TracerPid) != 0 ]]; }
warned_of() {
  need strace
  traced_target
  equal "$STATUS" 3 "exit code"
  equal "$(field warning .code)" confinement "warning"
  matches "$(field warning .message)" "seccomp" "what is missing"
  # Before the start, so that whoever reads it can leave it at that.
  equal "$(jq -r .event "$T/out" | head -n 2 | xargs)" "warning resolved" "the first events"
}
it "what cannot be taken over is warned of before the start" warned_of
strict() {
  need strace
  traced_target --strict
  refused confinement
  matches "$(field error .message)" "seccomp" "what is missing"
}
it "--strict refuses instead" strict

frozen_target() {
  v1_only
  make_container --unshare mnt,pid "${DOCKER_ROOT[@]}" --seccomp
  local state
  state=$(cgroup_of freezer "$ID")/freezer.state
  echo FROZEN >"$state"
  at_end sh -c "echo THAWED >'$state'"
  "$NSEXEC" run --container "$ID" -- "$PROBES/probe-static" exit 3 >"$T/out" 2>&1 </dev/null || true
  echo THAWED >"$state"
  soon 2000 "the target goes on, and nobody traces it" not_stopped
}
not_stopped() { ! is_traced && [[ $(process_state "$TARGET") == S ]]; }
it "a target that does not stop in time is let go all the same" frozen_target

changed_credentials() {
  make_container --unshare mnt,pid -- "$PROBES/probe-static" lay-down "$T/go"
  start_shim --container "$ID" -- "$PROBES/probe-static" hold
  await resolved
  : >"$T/go"
  soon 3000 "the target has laid its capabilities down" has_no_capabilities
  say start
  finish
  refused credentials
}
has_no_capabilities() { [[ $(status_of "$TARGET" CapEff) =~ ^0+$ ]]; }
it "a target that has changed its credentials since it was looked at is refused" changed_credentials
