#!/usr/bin/env bash
# The toolbox that comes through stdin: received in pieces, by whoever; verified before it is opened; all there or not at all.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/toolbox.XXXXXX")
make_distroless
HOLD=("$PROBES/probe-static" hold)
BOX=$T
FILES=$BOX/files
mkdir -p "$FILES/usr/bin" "$FILES/lib/x"
cp "$PROBES/probe-dynamic" "$FILES/usr/bin/probe"
head -c 150000 /dev/urandom >"$FILES/lib/libnoise++.so.1"
: >"$FILES/lib/x/empty_file-0"
head -c 2000000 /dev/zero >"$FILES/lib/zeros"
chmod 755 "$FILES/usr/bin/probe"
chmod 644 "$FILES"/lib/*.* "$FILES/lib/zeros" "$FILES/lib/x/empty_file-0"

# archive FILE PATH...: a ustar archive of these files of $FILES, as a toolbox has it.
archive() { tar -C "$FILES" --format=ustar --owner=root:0 --group=root:0 -cf "$1" "${@:2}"; }
archive "$BOX/good.tar" usr/bin/probe lib/libnoise++.so.1 lib/x/empty_file-0 lib/zeros
gzip -9 -n -c "$BOX/good.tar" >"$BOX/good.tar.gz"

# offer ARCHIVE GZ: the line that announces GZ, which unpacks to ARCHIVE, in OFFER; its chunks are $T/chunks, SIZE bytes in all.
offer() {
  local sum
  sum=$(sha256sum <"$2")
  SIZE=$(stat -c %s "$2")
  OFFER="tools net $SIZE ${sum%% *} $(stat -c %s "$1")"
  CHUNK=12276
  chunks_of "$2" 0 >"$T/chunks"
}
# chunks_of FILE OFFSET: the lines of what comes from there on.
chunks_of() { tail -c "+$(($2 + 1))" "$1" | base64 -w $((CHUNK / 3 * 4)) | awk -v at="$2" -v step="$CHUNK" '{print "chunk " at " " $0; at += step}'; }
send() { cat "${1:-$T/chunks}" >&"$SHIM_IN"; }

# What the last `tools` event says.
tools() { field tools "$1"; }
tools_say() { seen tools && [[ $LAST == *"$1"* ]]; }
tools_or_over() { tools_say "$1" || gone "$SHIM"; }
await_tools() { # TEXT
  poll 30000 tools_or_over "$1" || fail "no tools event with $1 within 30 s"
  tools_say "$1" || fail "the shim ended without a tools event with $1"
}
ready() { await_tools '"ready":true'; }
got() { await_tools "\"offset\":$1,"; }
await_problem() { await_tools '"problem":'; }

# The lease is none of what most of these are about, and a slow machine needs its time.
LEASE_MS=600000
start_toolbox() { # OPTION...
  offer "$BOX/good.tar" "$BOX/good.tar.gz"
  start_shim --container "$ID" --lease-ms "$LEASE_MS" "$@" -- "${HOLD[@]}"
  await resolved
}
# INSIDE is the root of the toolbox's file system, which is attached nowhere: only the shim's descriptor leads there. (Its other tmpfs, the scratch, has mode 0700.)
find_inside() {
  local fd
  while IFS= read -r fd; do
    [[ $(readlink "$fd") == / && $(stat -f -c %T "$fd/") == tmpfs ]] && INSIDE=$fd/ && return
  done < <(stat -L -c '%F %a %n' "/proc/$SHIM/fd"/* 2>/dev/null | sed -n 's/^directory 755 //p')
  return 1
}
holds_nothing() {
  ! find_inside || fail "a file system of the toolbox is there: $(ls -R "$INSIDE")"
  ! ls -l "/proc/$SHIM/fd" | grep nsexec-toolbox || fail "what has been received is still there"
}
# all_there: file by file, as the archive has it.
all_there() {
  find_inside || fail "no file system of the toolbox"
  diff -r "$FILES" "$INSIDE" || fail "its files are others"
  equal "$(cd "$INSIDE" && find . -printf '%M %u %g %p\n' | sort)" "$(cd "$FILES" && find . -printf '%M root root %p\n' | sort)" "modes and owners"
  ! ls -l "/proc/$SHIM/fd" | grep nsexec-toolbox || fail "what has been received is still there"
}
no_start() { # WHY
  say start
  finish
  refused orders
  matches "$(field error .message)" "$1" "message"
}
can_start() {
  say start
  await active
  stop
  ended_by stopped
  reverted
}

whole() {
  umask 077
  chmod 755 "$FILES" "$FILES"/*/ "$FILES"/*/*/
  start_toolbox
  say "$OFFER"
  got 0
  equal "$(tools .ready)" false "ready"
  send
  ready
  equal "$(tools .offset)" "$SIZE" "offset"
  equal "$(tools .bytes)" "$SIZE" "bytes"
  equal "$(tools .name)" net "name"
  matches "$OFFER" " $(tools .sha256) " "sha256"
  equal "$(tools 'has("problem")')" false "a problem"
  all_there
  say "$OFFER"
  ready
  can_start
}
it "received, verified, unpacked as the archive has it, with root's own modes; then the run begins" whole

# As another client attaches: stdin has ended in the middle of a line, and somebody else writes.
cut_everywhere() {
  local i at=0
  start_toolbox
  say "$OFFER"
  got 0
  for i in 1 2 3 4 5 6 7 8 9; do
    head -c $(($(stat -c %s "$T/chunks") * 11 / 100)) <(chunks_of "$BOX/good.tar.gz" "$at") >&"$SHIM_IN"
    hang_up
    exec {SHIM_IN}>"$T/in"
    say "" beat "$OFFER"
    soon 10000 "an answer to client $((i + 1))" answered_client $((i + 1))
    at_least "$(tools .offset)" $((at + 1)) "offset after client $i"
    at=$(tools .offset)
    equal "$(tools .ready)" false "ready"
  done
  chunks_of "$BOX/good.tar.gz" "$at" | send /dev/stdin
  ready
  all_there
  can_start
}
# Each beats first: what is said of the offset behind that many `resolved` counts all that came before.
answered_client() { awk -v n="$1" '/"event":"resolved"/ {seen++} /"event":"tools"/ && seen >= n {found = 1} END {exit !found}' "$T/out"; }
it "a stream that is cut at every tenth is taken up by another client where it broke" cut_everywhere

offsets() {
  start_toolbox
  say "$OFFER"
  got 0
  local first second
  { read -r first; read -r second; } <"$T/chunks"
  say "$second"
  soon 10000 "an answer to a chunk that comes too early" events_at_least tools 2
  equal "$(tools .offset)" 0 "offset"
  say "$first" "$first" "$second"
  got $((2 * CHUNK))
  say "chunk $((2 * CHUNK)) AAA" "chunk $((2 * CHUNK)) AAAA=AAA" "chunk x AAAA" "chunk $((2 * CHUNK)) " "chunk"
  soon 10000 "five warnings" events_at_least warning 5
  equal "$(tools .offset)" $((2 * CHUNK)) "offset"
  chunks_of "$BOX/good.tar.gz" $((2 * CHUNK)) | send /dev/stdin
  ready
  all_there
  can_start
}
events_at_least() { (($(count_events "$1") >= $2)); }
it "a chunk of another offset, or that is none, is answered with the offset and changes nothing" offsets

another_sum() {
  start_toolbox
  say "$OFFER"
  send <(head -n 5 "$T/chunks")
  got $((5 * CHUNK))
  archive "$T/other.tar" lib/zeros
  gzip -n -c "$T/other.tar" >"$T/other.tar.gz"
  offer "$T/other.tar" "$T/other.tar.gz"
  say "$OFFER"
  got 0
  send
  ready
  find_inside
  equal "$(cd "$INSIDE" && find . -type f)" ./lib/zeros "files"
  # And anew after that one was ready, too.
  offer "$BOX/good.tar" "$BOX/good.tar.gz"
  say "$OFFER"
  got 0
  holds_nothing
  send
  ready
  all_there
  can_start
}
it "another sum starts anew" another_sum

start_early() {
  start_toolbox
  say "$OFFER"
  send <(head -n 3 "$T/chunks")
  no_start "before the toolbox was ready"
  target_is_alone
}
it "start before it is whole is refused, nothing changed" start_early

start_while_unpacking() {
  start_toolbox
  say "$OFFER"
  send <(cat "$T/chunks"; echo start)
  finish
  refused orders
}
variant "start while it is unpacked is refused" start_while_unpacking

bad_offer() {
  start_toolbox
  say tools "tools net 1 abc 1" "${OFFER/ net / Net }" "$OFFER 1" "$OFFER " "tools net 67108865 ${OFFER##*" $SIZE "}" "${OFFER% *} 268435457"
  soon 10000 "a warning for each" events_at_least warning 7
  no_start "could not be taken"
}
it "an announcement that cannot be taken forbids start" bad_offer

too_late() {
  start_toolbox
  say start
  await active
  say "$OFFER" "chunk 0 AAAA"
  soon 10000 "two warnings" events_at_least warning 2
  stop
  ended_by stopped
  reverted
}
variant "what comes after start is a warning and nothing else" too_late

stopped_receiving() {
  start_toolbox
  say "$OFFER"
  send <(head -n 7 "$T/chunks")
  got $((7 * CHUNK))
  stop
  refused not-started
  target_is_alone
}
it "stop in the middle of it ends, nothing changed" stopped_receiving

# Enough that a beat comes in between, wherever this runs: it takes hundreds of steps.
make_long() {
  [[ -e $BOX/long.tar.gz ]] || {
    head -c 60000000 /dev/zero >"$FILES/long"
    archive "$BOX/long.tar" long
    gzip -1 -n -c "$BOX/long.tar" >"$BOX/long.tar.gz"
    rm "$FILES/long"
  }
  offer "$BOX/long.tar" "$BOX/long.tar.gz"
}
heard_unpacking() {
  start_toolbox
  make_long
  say "$OFFER"
  send <(cat "$T/chunks"; printf 'beat\n')
  ready
  equal "$(jq -r '.event + (if .ready then "!" else "" end)' "$T/out" | grep -e resolved -e 'tools!' | tr '\n' ' ')" "resolved resolved tools! " "a beat is answered before it is unpacked"
  can_start
}
it "a beat is heard while it is unpacked" heard_unpacking

stopped_unpacking() {
  start_toolbox
  make_long
  say "$OFFER"
  send <(cat "$T/chunks"; printf 'stop\n')
  finish
  refused not-started
  ! grep -q '"ready":true' "$T/out" || fail "it was unpacked all the same"
}
it "stop is heard while it is unpacked" stopped_unpacking

lease_in_between() {
  LEASE_MS=1000
  start_toolbox
  say "$OFFER"
  send <(head -n 7 "$T/chunks")
  finish
  refused not-started
  target_is_alone
}
it "a lease that runs out in the middle of it ends, nothing changed" lease_in_between

lease_renewed() {
  local line n=0
  LEASE_MS=4000
  start_toolbox
  say "$OFFER"
  while read -r line && ((++n <= 9)); do
    say "$line"
    ! within 600 gone "$SHIM" || fail "it ended although a chunk came"
  done <"$T/chunks"
  stop
  refused not-started
}
it "each chunk renews the lease" lease_renewed

# The duration is over long before the last of it: between two lines it never is.
without_lease() {
  local line n=0 since
  LEASE_MS=0
  start_toolbox --duration-ms 8000
  since=$(now_ms)
  say "$OFFER"
  while read -r line; do
    say "$line"
    ((++n > 9)) || ! within 1000 gone "$SHIM" || fail "it ended although a chunk came"
  done <"$T/chunks"
  at_least $(($(now_ms) - since)) 8000 "milliseconds that it took to send"
  ready
  can_start
}
it "without a lease the wait for start is none of the duration's while it comes" without_lease

given_up_without_lease() {
  LEASE_MS=0
  start_toolbox --duration-ms 1500
  say "$OFFER"
  send <(head -n 7 "$T/chunks")
  finish
  refused not-started
  target_is_alone
}
it "without a lease the wait for start ends when no more of it comes" given_up_without_lease

# In a cgroup of its own: what a file system that nobody sees any more keeps is charged to it.
killed() {
  local place i
  make_cgroup "receiver-$SRANDOM"
  place=${CGROUP##*/}
  # shellcheck disable=SC2016
  WRAP=(bash -c 'for h in $1; do echo $$ >"$h/cgroup.procs"; done; shift; exec "$@"' _ "${HIERARCHIES[*]/%//$CGROUP_TOP/$place}")
  for i in 1 2 3; do
    start_toolbox
    make_long
    say "$OFFER"
    send
    soon 30000 "some of it is there" find_inside
    read -rt "0.0$((i * 2))" -u "$IDLE" || true
    kill -KILL "$SHIM"
    finish
    soon 10000 "its memory is given back" empty_memory "$place"
  done
}
empty_memory() { (($(awk '$1 == "shmem" {print $2}' "$(cgroup_of memory "$1")/memory.stat") < 100000)); }
it "a shim that is killed while it unpacks leaves nothing" killed

corrupt() {
  start_toolbox
  say "$OFFER"
  # One byte of the eleventh chunk.
  awk 'NR == 11 {c = substr($3, 1000, 1); $3 = substr($3, 1, 999) (c == "A" ? "B" : "A") substr($3, 1001)} {print}' "$T/chunks" >"$T/corrupt"
  send "$T/corrupt"
  await_problem
  matches "$(tools .problem)" "SHA-256" "problem"
  equal "$(tools .offset)" 0 "offset"
  equal "$(tools .ready)" false "ready"
  holds_nothing
  # It can come once more.
  say "$OFFER"
  await_tools '"ready":false}'
  send
  ready
  all_there
  can_start
}
it "a corrupt byte is found before anything is opened, and it can come once more" corrupt

corrupt_start() {
  start_toolbox
  say "${OFFER/ net / stress }"
  awk 'NR == 2 {$3 = substr($3, 1, 10) (substr($3, 11, 1) == "A" ? "B" : "A") substr($3, 12)} {print}' "$T/chunks" >"$T/corrupt"
  send "$T/corrupt"
  await_problem
  no_start "SHA-256"
}
variant "start after a corrupt byte is refused" corrupt_start

# broken ARCHIVE GZ WHY: announced as it is, and of no use.
broken() {
  offer "$1" "$2"
  say "$OFFER"
  send
  await_tools "$(cut -d ' ' -f 4 <<<"$OFFER")\",\"bytes\":$SIZE,\"offset\":0,\"ready\":false,\"problem\""
  matches "$(tools .problem)" "$3" "problem"
  equal "$(tools .offset),$(tools .ready)" 0,false "offset, ready"
  holds_nothing
}
truncated() {
  start_toolbox
  local size
  size=$(stat -c %s "$BOX/good.tar.gz")
  head -c $((size * 2 / 3)) "$BOX/good.tar.gz" >"$T/short.gz"
  broken "$BOX/good.tar" "$T/short.gz" "end early"
  head -c $((size - 3)) "$BOX/good.tar.gz" >"$T/short.gz"
  broken "$BOX/good.tar" "$T/short.gz" "trailer ends early"
  head -c 5 "$BOX/good.tar.gz" >"$T/short.gz"
  broken "$BOX/good.tar" "$T/short.gz" "header ends early"
  { cat "$BOX/good.tar.gz"; echo; } >"$T/long.gz"
  broken "$BOX/good.tar" "$T/long.gz" "more behind its end"
  cat "$BOX/good.tar.gz" "$BOX/good.tar.gz" >"$T/twice.gz"
  broken "$BOX/good.tar" "$T/twice.gz" "more behind its end"
  no_start "more behind its end"
}
length_lies() {
  start_toolbox
  head -c 1000000 "$BOX/good.tar" >"$T/less.tar"
  broken "$T/less.tar" "$BOX/good.tar.gz" "has not the 1000000 bytes"
  { cat "$BOX/good.tar"; head -c 512 /dev/zero; } >"$T/more.tar"
  broken "$T/more.tar" "$BOX/good.tar.gz" "has not the"
  gzip -n -c "$T/less.tar" >"$T/less.gz"
  broken "$T/less.tar" "$T/less.gz" "archive ends early"
  no_start "archive ends early"
}
# other_archive WHY TAR-ARGUMENT...
other_archive() {
  tar --owner=root:0 --group=root:0 -C "$T/odd" -cf "$T/odd.tar" "${@:2}"
  gzip -n -c "$T/odd.tar" >"$T/odd.gz"
  broken "$T/odd.tar" "$T/odd.gz" "$1"
}
other_archives() {
  start_toolbox
  mkdir -p "$T/odd/directory"
  echo x >"$T/odd/file"
  chmod 644 "$T/odd/file"
  ln -s /etc/passwd "$T/odd/symlink"
  ln "$T/odd/file" "$T/odd/link"
  mkfifo "$T/odd/fifo"
  echo x >"$T/odd/setuid"
  chmod 4755 "$T/odd/setuid"
  echo x >"$T/odd/another"
  chmod 755 "$T/odd/another"
  local taken="no regular file, or has a name"
  other_archive "no ustar header" file
  other_archive "$taken" --format=ustar directory
  other_archive "$taken" --format=ustar symlink
  other_archive "$taken" --format=ustar file link
  other_archive "$taken" --format=ustar fifo
  other_archive "has a mode other" --format=ustar setuid
  other_archive "$taken" --format=ustar -P --transform 's,^,/,' file
  other_archive "$taken" --format=ustar -P --transform 's,^,../,' file
  other_archive "$taken" --format=ustar -P --transform 's,^,a/../../,' file
  other_archive "$taken" --format=ustar --transform 's,^,./,' file
  other_archive "$taken" --format=ustar --transform 's,$, of,' file
  other_archive "File exists" --format=ustar --transform 's,another,file,' file another
  other_archive "Not a directory" --format=ustar --transform 's,another,file/below,' file another
  no_start "Not a directory"
}
it "one that is cut off, or has more behind it, is of no use" truncated
it "one that unpacks to less or more than announced is of no use" length_lies
it "an archive of anything but plain files of good names is of no use" other_archives

held() {
  . "$TESTS/hold-fixtures.sh"
  make_another
  start_hold --lease-ms "$LEASE_MS"
  offer "$BOX/good.tar" "$BOX/good.tar.gz"
  say "$OFFER"
  send <(head -n 4 "$T/chunks")
  order ask early tc qdisc show dev lo
  answer early .exit_code
  equal "$ANSWER" 0 "exit code of what is asked in between"
  chunks_of "$BOX/good.tar.gz" $((4 * CHUNK)) | send /dev/stdin
  ready
  all_there
  say start
  await active
  stop_hold
}
it "hold takes it as well, and answers in between" held
