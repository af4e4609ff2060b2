#!/usr/bin/env bash
# The binaries themselves: size, memory, arm64, the same bits from any folder.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

# README, "Size", has what makes it large.
small() { at_most "$(stat -c %s "$1")" 262144 "bytes of $1"; }
small_here() { not_sanitized; small "$NSEXEC"; [[ $(ldd "$NSEXEC" 2>&1 || true) != *'=>'* ]] || fail "not static"; }
it "at most 256 KiB, static" small_here
small_arm64() { not_sanitized; [[ -e ${NSEXEC_ARM64:-} ]] || skip "no arm64 binary: NSEXEC_ARM64 names none"; small "$NSEXEC_ARM64"; }
it "at most 256 KiB for arm64" small_arm64
runs_arm64() {
  not_sanitized
  [[ -e ${NSEXEC_ARM64:-} ]] || skip "no arm64 binary: NSEXEC_ARM64 names none"
  need qemu-aarch64-static
  equal "$(qemu-aarch64-static "$NSEXEC_ARM64" --version)" "$("$NSEXEC" --version)" "version"
}
it "arm64 runs (emulated): --version" runs_arm64

reproducible() {
  not_sanitized
  need make
  [[ -e $TESTS/../Makefile ]] || skip "no sources here"
  need musl-gcc
  make -s -C "$TESTS/.." amd64 >/dev/null
  mkdir -p "$T/another/and-deeper"
  (cd "$TESTS/.." && tar -c --exclude=./build --exclude=./tests .) | tar -x -C "$T/another/and-deeper"
  make -s -C "$T/another/and-deeper" amd64 >/dev/null
  cmp "$TESTS/../build/nsexec-amd64" "$T/another/and-deeper/build/nsexec-amd64"
  ! grep -qaF "$T" "$T/another/and-deeper/build/nsexec-amd64" || fail "a path of the build is in the binary"
}
it "reproducible: two builds in different folders are the same, bit by bit" reproducible

resident() {
  not_sanitized
  make_distroless
  begin --container "$ID" --sample-ms 100 -- "$PROBES/probe-dynamic" hold
  soon 3000 "ten samples" ten_samples
  local pid
  for pid in "$SHIM" $(descendants "$SHIM"); do
    [[ $pid != "$WORKLOAD" ]] || continue
    at_most "$(status_of "$pid" VmRSS | tr -dc 0-9)" 1024 "kB resident of $(cat "/proc/$pid/comm")"
  done
  stop
}
ten_samples() { (($(count_events sample) >= 10)); }
it "resident at most 1 MiB each while active" resident

one_thread() {
  not_sanitized
  make_distroless
  begin --container "$ID" -- "$PROBES/probe-static" hold
  equal "$(status_of "$SHIM" Threads)" 1 "threads"
  stop
}
it "L6, L11: the shim has one thread" one_thread
