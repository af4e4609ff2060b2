#!/usr/bin/env bash
# The workload `fill`: how much it takes, of what, how it ends, and that all of it comes back. First by itself, then as a workload in a target.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/disk-fixtures.sh"

USER=(setpriv --reuid 1000 --regid 1000 --clear-groups)
AS=()
# In DISK, in its folder WITHIN.
start_fill() {
  [[ ${DISK:-} == "$RUN_TMP"/* ]] || fail "no disk of our own"
  (cd "$DISK/${WITHIN:-}" && exec "${AS[@]}" "$NSEXEC" fill "$@") >"$T/out" 2>"$T/err" {IDLE}>&- &
  FILL=$!
  at_end end_process "$FILL"
}
said_or_over() { [[ -s $T/out ]] || gone "$FILL"; }
# fill_up ARG...: until it is done; SAID is its last line, and the numbers are those of then. BEFORE is what there was.
fill_up() {
  BEFORE=$(space)
  start_fill "$@"
  soon 20000 "filled" said_or_over
  ! gone "$FILL" || fail "it ended: $(cat "$T/err")"
  [[ ! -s $T/err ]] || fail "it said: $(cat "$T/err")"
  SAID=$(tail -n 1 "$T/out")
  read_space
}
# The end that nothing can be done against. The space is back, to the block.
kill_and_look() {
  kill -KILL "$FILL"
  wait "$FILL" || true
  space_again "$BEFORE"
}
# refuses TEXT ARG...: it ends with 1, a line that has TEXT, and nothing changed.
refuses() {
  BEFORE=$(space)
  start_fill "${@:2}"
  local status=0
  soon 20000 "ended" gone "$FILL"
  wait "$FILL" || status=$?
  equal "$status" 1 "exit code"
  equal "$(wc -l <"$T/err")" 1 "lines on stderr"
  grep -qF -- "$1" "$T/err" || fail "stderr does not say <$1>: $(cat "$T/err")"
  [[ ! -s $T/out ]] || fail "it says that it has done something: $(cat "$T/out")"
  space_again "$BEFORE"
}

# full_by PERCENT AVAILABLE: so much of what is used and available is used, and not a block more. The file's own tree may take a few.
full_by() {
  local used=$((BLOCKS - FREE)) all=$((BLOCKS - FREE + $2))
  at_least $((used * 100)) $(($1 * all)) "hundredths of blocks in use"
  at_most $(((used - 8) * 100)) $(($1 * all)) "hundredths of blocks in use"
}
RESERVED=(ext4 64 -m 10)
percent_of_user() {
  make_disk "${RESERVED[@]}"
  AS=("$@")
  fill_up --percent 80 --leave 0
  full_by 80 "$AVAILABLE"
  matches "$SAID" "^filled [0-9.]+ MiB by fallocate: [0-9.]+ MiB are left$" "its line"
  kill_and_look
}
percent_of_root() {
  make_disk "${RESERVED[@]}"
  AS=("$@")
  fill_up --percent 95 --leave 0
  full_by 95 "$FREE"
  at_most "$AVAILABLE" 0 "blocks available to users"
  kill_and_look
}
it "--percent is of what a user may use: root's reserve does not count" percent_of_user "${USER[@]}"
variant "--percent, uid 0 of a user namespace that is not root outside: nor does it" percent_of_user "${USER[@]}" unshare -Ur
it "--percent, root: the reserve counts" percent_of_root
variant "--percent, root of a container, without CAP_SYS_RESOURCE: ext4 goes by the uid" percent_of_root setpriv --bounding-set=-sys_resource --inh-caps=-all

percent_on() {
  make_disk "$@"
  AS=("${USER[@]}")
  fill_up --percent 62.5 --leave 0
  at_least $(((BLOCKS - FREE) * 1000)) $((625 * (BLOCKS - FREE + AVAILABLE))) "thousandths of blocks in use"
  at_most $(((BLOCKS - FREE - 300) * 1000)) $((625 * (BLOCKS - FREE + AVAILABLE))) "thousandths of blocks in use"
  kill_and_look
}
it "--percent on xfs; killed, all of it is back" percent_on xfs 320
variant "--percent on btrfs; killed, all of it is back" percent_on btrfs 160

to_the_brim() {
  make_disk "${RESERVED[@]}"
  AS=("$@")
  fill_up --percent 100 --leave 0
  at_most $((AVAILABLE * BLOCK)) 65536 "bytes available"
  ! "${USER[@]}" fallocate -l 131072 "$DISK/more" 2>"$T/more" || fail "there was room for more"
  ! "$@" fallocate -l 131072 "$DISK/more" 2>"$T/more" || fail "there was room for more, for itself"
  grep -q "No space left" "$T/more" || fail "$(cat "$T/more")"
  rm "$DISK/more"
  kill_and_look
}
it "--percent 100 --leave 0 is until nothing more is to be had" to_the_brim "${USER[@]}"
variant "--percent 100 --leave 0, root: the same, the reserve included" to_the_brim env

bytes() {
  make_disk ext4 64
  fill_up --bytes 30000000 --leave 0
  local took=$(($(cut -d ' ' -f 2 <<<"$BEFORE") - FREE))
  at_least $((took * BLOCK)) 30000000 "bytes taken"
  at_most $((took * BLOCK)) $((30000000 + 8 * BLOCK)) "bytes taken"
  equal "$SAID" "filled 29 MiB by fallocate: $(((FREE * BLOCK + 524288) / 1048576)) MiB are left" "its line"
  [[ -z $(find "$DISK" -mindepth 1 -not -name lost+found) ]] || fail "it has a name: $(ls -A "$DISK")"
  kill_and_look
}
it "--bytes: so many more, without a name" bytes

leaves() {
  make_disk ext4 64
  AS=("${USER[@]}")
  fill_up "$@" --leave 10485760
  at_least $((AVAILABLE * BLOCK)) 10485760 "bytes available"
  at_most $((AVAILABLE * BLOCK)) $((10485760 + 16 * BLOCK)) "bytes available"
  matches "$SAID" "^filled [0-9]+ MiB of [0-9]+ MiB by fallocate: 10 MiB are left$" "its line"
  kill_and_look
}
it "--leave stays free, whatever percentage is asked for" leaves --percent 100

no_room() {
  make_disk ext4 64
  AS=("${USER[@]}")
  refuses "$@"
}
it "less room than --bytes asks for" no_room "are free" --bytes 100000000 --leave 0
variant "less room than --bytes asks for above --leave" no_room "10 MiB stay free" --bytes 45000000 --leave 10485760
leaves_by_default() {
  make_disk ext4 "$1"
  AS=("${USER[@]}")
  fill_up --percent 100
  local left=$((AVAILABLE * BLOCK))
  at_least "$left" "$2" "bytes available"
  at_most "$left" $(($2 + 64 * BLOCK)) "bytes available"
  kill_and_look
}
small_leaves() {
  make_disk ext4 64
  read_space
  local twentieth=$(((BLOCKS - FREE + AVAILABLE) * BLOCK / 20))
  leaves_by_default 64 "$twentieth"
}
it "--leave is 64 MiB where nothing is said" leaves_by_default 1536 67108864
variant "--leave is a twentieth of a small file system where nothing is said" small_leaves
full_already() {
  make_disk ext4 64
  fallocate -l 30000000 "$DISK/others"
  refuses "that full already" --percent 40 --leave 0
}
it "as full as is asked for already" full_already
not_ours() { make_disk ext4 64; chmod 755 "$DISK"; AS=("${USER[@]}"); refuses "Permission denied" --percent 50 --leave 0; }
it "a directory that the user may not write" not_ours
read_only() { make_disk ext4 64; mount -o remount,ro "$DISK"; refuses "Read-only file system" --percent 50 --leave 0; }
it "a read-only file system" read_only

# Block maps instead of extents: ext4 refuses fallocate for these.
written() {
  make_disk ext4 64 -O ^extents,^64bit
  fill_up --bytes 40000000 --leave 0
  matches "$SAID" "^filled 38 MiB by written blocks, since fallocate is not supported: [0-9]+ MiB are left$" "its line"
  at_least $((($(cut -d ' ' -f 2 <<<"$BEFORE") - FREE) * BLOCK)) 40000000 "bytes taken"
  kill_and_look
}
it "written blocks where fallocate is not supported" written
incompressible() {
  make_disk ext4 64 -O ^extents,^64bit
  fill_up --bytes 8000000 --leave 0
  at_least "$(gzip -c "/proc/$FILL/fd/$(nameless_of "$FILL")" | wc -c)" 7900000 "bytes when compressed"
}
nameless_of() { find "/proc/$1/fd" -lname '*(deleted)' -printf '%f\n' | head -n 1; }
it "written blocks cannot be compressed away" incompressible
written_by_name() {
  make_fuse --size 33554432
  fill_up --percent 50 --leave 0
  matches "$SAID" "^filled 16 MiB by written blocks" "its line"
  [[ -z $(ls -A "$DISK") ]] || fail "it has a name: $(ls -A "$DISK")"
  kill_and_look
}
it "a file system without files that have no name (FUSE): unlinked at once" written_by_name

small_files() {
  make_disk ext4 64
  AS=(prlimit --fsize=3000001)
  fill_up --bytes 30000000 --leave 0
  at_least "$(find "/proc/$FILL/fd" -lname '*(deleted)' | wc -l)" 10 "files"
  at_least $((($(cut -d ' ' -f 2 <<<"$BEFORE") - FREE) * BLOCK)) 30000000 "bytes taken"
  kill_and_look
}
it "a limit on the size of files: several of them" small_files

in_memory() {
  make_memory_disk 32
  fill_up --percent 100 --leave 4194304
  equal $((FREE * BLOCK)) 4194304 "bytes free"
  kill_and_look
}
it "tmpfs" in_memory

# Others take what is left while it is at work: it is stopped between two of its chunks meanwhile.
has_begun() { read_space; ((FREE < ${BEFORE_FREE:-0} - 8000)) || gone "$FILL"; }
# early: stopped, at work still, and with less than 100 MiB of the 240.
early() {
  ! [[ -s $T/out ]] || return 1
  read_space
  ((AVAILABLE * BLOCK >= 150 << 20))
}
# overtaken KEPT_MIB ARG...: KEPT_MIB are left by the others.
overtaken() {
  make_disk ext4 256 -O ^extents,^64bit
  local attempt
  for attempt in {1..10}; do
    read_space
    BEFORE=$(space) BEFORE_FREE=$FREE
    AS=("${USER[@]}")
    start_fill "${@:2}"
    poll 5000 has_begun || fail "it does not begin"
    kill -STOP "$FILL"
    soon 5000 "it is stopped" stopped_or_gone
    ! early || break
    end_process "$FILL"
    wait "$FILL" || true
    ((attempt < 10)) || fail "never caught early at its work"
    space_again "$BEFORE"
  done
  dd if=/dev/zero of="$DISK/others" bs=1M count=$((AVAILABLE * BLOCK / 1048576 - $1)) status=none
  kill -CONT "$FILL"
  soon 10000 "filled" said_or_over
}
overtaken_some() {
  overtaken 18 "$@"
  ! gone "$FILL" || fail "it ended: $(cat "$T/err")"
  read_space
  at_least $((AVAILABLE * BLOCK)) 20971520 "bytes available"
  matches "$(cat "$T/out")" "^filled [0-9.]+ MiB of [0-9]+ MiB by written" "its line"
  rm "$DISK/others"
  kill_and_look
}
overtaken_all() {
  overtaken 1 "$@"
  soon 5000 "it ends" gone "$FILL"
  local status=0
  wait "$FILL" || status=$?
  equal "$status" 1 "exit code"
  grep -q "others took what was free" "$T/err" || fail "stderr: $(cat "$T/err")"
  rm "$DISK/others"
  space_again "$BEFORE"
}
stopped_or_gone() { [[ $(process_state "$FILL") == T ]] || gone "$FILL"; }
it "others take what was free meanwhile: it gives back what is to stay free (--bytes)" overtaken_some --bytes 188743680 --leave 20971520
variant "others take what was free meanwhile: it gives back what is to stay free (--percent)" overtaken_some --percent 95 --leave 20971520
it "others take all that was free meanwhile: it has nothing, and says so" overtaken_all --percent 95 --leave 125829120

quota() {
  make_fuse --size 33554432 --quota 8388608
  refuses "took 8 MiB of 19 MiB, and no more although 24 MiB are free" --bytes 20000000 --leave 0
  grep -q "uota exceeded" "$T/err" || fail "stderr does not name the quota: $(cat "$T/err")"
}
it "a quota ends it, with its name" quota

inodes() {
  make_disk ext4 64
  local whole
  whole=$(space)
  mkdir "$DISK/ours"
  WITHIN=ours
  fill_up --inodes 1000 --leave 0
  equal $(($(cut -d ' ' -f 5 <<<"$BEFORE") - INODES_FREE)) 1000 "inodes taken"
  equal "$SAID" "made 1000 files: $INODES_FREE inodes are left" "its line"
  kill -KILL "$FILL"
  rm -r "$DISK/ours"
  space_again "$whole"
}
it "--inodes: so many files" inodes
inodes_percent() {
  make_disk ext4 64 -N 2048
  fill_up --inodes-percent "$1" --leave 0
  at_least $(((INODES - INODES_FREE) * 100)) $(($1 * INODES)) "hundredths of inodes in use"
  at_most $(((INODES - INODES_FREE - 1) * 100)) $(($1 * INODES - 1)) "hundredths of inodes in use"
}
it "--inodes-percent: until so many are in use" inodes_percent 90
variant "--inodes-percent 100: until there is none" inodes_percent 100
inodes_on_xfs() {
  make_disk xfs 320
  fill_up --inodes 5000 --leave 0
  equal "$(find "$DISK" -type f | wc -l)" 5000 "files"
}
it "--inodes where they are made as they are needed (xfs)" inodes_on_xfs
inodes_leave() {
  make_disk xfs 320
  read_space
  local status=0
  start_fill --inodes-percent 100 --leave $((AVAILABLE * BLOCK - 8388608))
  soon 20000 "ended" gone "$FILL"
  wait "$FILL" || status=$?
  equal "$status" 1 "exit code"
  grep -q "stay free" "$T/err" || fail "stderr: $(cat "$T/err")"
}
it "--inodes where they are made of the space: --leave stays free" inodes_leave
too_many_inodes() { make_disk ext4 64 -N 2048; refuses "inodes are asked for" --inodes 3000 --leave 0; }
it "fewer inodes than are asked for" too_many_inodes
no_inodes() { make_disk btrfs 160; refuses "does not count its inodes" --inodes-percent 50 --leave 0; }
it "a file system without a number of inodes (btrfs)" no_inodes
both() {
  make_disk ext4 64 -N 2048
  AS=("${USER[@]}")
  fill_up --percent 100 --inodes 500 --leave 0
  matches "$(cat "$T/out")" "^made 500 files: [0-9]+ inodes are left"$'\n'"filled [0-9]+ MiB" "its lines"
  at_most $((AVAILABLE * BLOCK)) 65536 "bytes available"
}
it "inodes and space at once: the last file has its name before the last block is gone" both

by_term() {
  make_disk ext4 64
  fill_up --percent 50 --leave 0
  kill "$FILL"
  local status=0
  wait "$FILL" || status=$?
  equal "$status" 143 "exit code"
  space_again "$BEFORE"
}
it "TERM ends it" by_term

make_memory_disk 8
usage() {
  local status=0
  start_fill "${@:2}"
  soon 5000 "ended" gone "$FILL"
  wait "$FILL" || status=$?
  equal "$status" 125 "exit code"
  equal "$(wc -l <"$T/err")" 1 "lines on stderr"
  grep -qF -- "$1" "$T/err" || fail "stderr does not name <$1>: $(cat "$T/err")"
}
wrong() { it "usage: $1" usage "${@:2}"; }
wrong "no amount" "needs an amount"
wrong "only what is to stay" "needs an amount" --leave 1
wrong "bytes and percent" "exclude" --bytes 1 --percent 1
wrong "inodes and percent of them" "exclude" --inodes 1 --inodes-percent 1
wrong "no bytes at all" "--bytes" --bytes 0
wrong "bytes with a unit" "--bytes" --bytes 1Mi
wrong "less than no bytes" "--bytes" --bytes -1
wrong "more bytes than there are" "--bytes" --bytes 1152921504606846977
wrong "no value" "--bytes needs a value" --bytes
wrong "an empty value" "--leave" --leave=
wrong "percent with its sign" "--percent" --percent 95%
wrong "no percent at all" "--percent" --percent 0.0
wrong "more than a hundred percent" "--percent" --percent 100.000001
wrong "seven decimals" "--percent" --percent 1.0000001
wrong "a point and nothing behind it" "--percent" --percent 1.
wrong "a point and nothing before it" "--percent" --percent .5
wrong "two points" "--percent" --percent 1.2.3
wrong "an unknown option" "--frobnicate" --frobnicate 1
wrong "an argument" "argument" 95

# From here on as a workload. A sanitizer's runtime wants a /proc and to be loaded first: what is run is the plain build then.
FILLER=$NSEXEC
[[ ${SANITIZED:-0} == 0 ]] || FILLER=$(dirname "${NSEXEC_ARM64:-}")/nsexec-amd64
inside() {
  [[ -x $FILLER ]] || na "no plain build beside the sanitizer's"
  make_root
  make_container --unshare "$ALL_NAMESPACES" --root "$ROOT" "$@" -- /pause
}
in_scratch() {
  inside --uid 65532 --gid 65532 --caps 0:0:0:0 --read-only
  begin --container "$ID" --scratch-bytes 16777216 -- "$FILLER" fill --percent 50 --leave 0
  soon 5000 "it says what it did" grep -q "^filled 8 MiB by fallocate: 8 MiB are left$" "$T/err"
  stop
  ended_by stopped
  reverted
}
it "in a target without /proc and /dev, as its user" in_scratch
fails_inside() {
  inside
  run_shim --container "$ID" --scratch-bytes 1048576 -- "$FILLER" fill --bytes 2097152 --leave 0
  equal "$STATUS" 1 "exit code"
  ended_by exited
  grep -q "^nsexec: fill: 2 MiB are asked for, 1 MiB are free" "$T/err" || fail "stderr: $(cat "$T/err")"
  reverted
}
it "in a target: its failure is the workload's" fails_inside
# The disk is the target's root, and with it the workload's working directory.
reserve_inside() {
  (((0x$(status_of $$ CapPrm) & 0x$2) == 0x$2)) || na "we have no CAP_SYS_RESOURCE to give"
  make_disk "${RESERVED[@]}"
  mkdir "$DISK/proc"
  cp "$PROBES/pause" "$DISK/pause"
  [[ -x $FILLER ]] || na "no plain build beside the sanitizer's"
  make_container --unshare "$ALL_NAMESPACES" --root "$DISK" --proc --uid 65532 --gid 65532 --caps "$2:$2:$2:$2" -- /pause
  BEFORE=$(space)
  begin --container "$ID" --scratch-bytes 0 -- "$FILLER" fill --percent 95 --leave 0
  soon 5000 "it says what it did" grep -q "^filled" "$T/err"
  read_space
  full_by 95 "${!1}"
  stop
  reverted
  space_again "$BEFORE"
}
it "in a target with CAP_SYS_RESOURCE: root's reserve counts" reserve_inside FREE 1000000
it "in a target without it: it does not" reserve_inside AVAILABLE 0

# As it is meant: in a directory of its own, in a volume that only the target has.
NAME=.kubectl-chaos-fill
in_volume() {
  inside --proc --volume "$DISK:data" "${@:1:$#-1}"
  BEFORE=$(space)
  read -ra amount <<<"${*: -1}"
  start_shim --container "$ID" --path /data --directory "$NAME" --sample-ms 100 -- "$FILLER" fill "${amount[@]}" --leave 0
  say start
}
SUCH_USER=(--uid 65532 --gid 65532 --caps 0:0:0:0 --read-only)
soon_filled() { soon 20000 "it says what it did" grep -qE "^(filled|made)" "$T/err"; }
gone_again() { space_again "$BEFORE"; [[ ! -e $DISK/$NAME ]] || fail "the directory is there still: $(ls -A "$DISK/$NAME" | head)"; }
fills_a_volume() {
  make_disk "${RESERVED[@]}"
  in_volume "${SUCH_USER[@]}" "--percent 80"
  soon_filled
  read_space
  full_by 80 "$AVAILABLE"
  [[ -d $DISK/$NAME && -z $(ls -A "$DISK/$NAME") ]] || fail "its directory is not there, or not empty: $(ls -lA "$DISK" "$DISK/$NAME")"
  soon 5000 "a path event tells it" tells_available $((AVAILABLE * BLOCK))
  stop
  ended_by stopped
  reverted
  gone_again
  # The probe has a file of one block as long as the shim lives.
  at_least "$(field path .available_bytes)" "$(($(cut -d ' ' -f 3 <<<"$BEFORE") * BLOCK - 4096))" "bytes available, in the last path event"
}
tells_available() { (($(field path .available_bytes) <= $1 + 65536)); }
it "a volume of a target, as its user; stopped, it is as before, to the block" fills_a_volume
fails_in_volume() {
  make_disk ext4 64
  in_volume "${SUCH_USER[@]}" "--bytes 100000000"
  finish
  equal "$STATUS" 1 "exit code"
  ended_by exited
  reverted
  gone_again
}
it "a volume with less room than asked for: the directory goes too" fails_in_volume
inodes_of_volume() {
  make_disk ext4 64 -N 20480
  in_volume "${SUCH_USER[@]}" "--inodes-percent 95"
  soon_filled
  read_space
  at_most "$INODES_FREE" 1100 "inodes free"
  stop
  reverted
  gone_again
}
it "a volume's inodes: the files go with the directory" inodes_of_volume
killed() {
  make_disk ext4 64
  in_volume "${SUCH_USER[@]}" "--percent 90"
  soon_filled
  case $1 in
    shim) kill -KILL "$SHIM" ;;
    fill) kill -KILL "$(field active .pid)" ;;
    target) kill -KILL "$TARGET" ;;
  esac
  soon 10000 "the shim is gone" gone "$SHIM"
  soon 10000 "the directory is gone" test ! -e "$DISK/$NAME"
  gone_again
}
it "the shim is killed: its guardian removes the directory, the space comes back by itself" killed shim
it "the workload is killed: all is as before" killed fill
it "the target is killed: all is as before" killed target
everyone_killed() {
  make_disk ext4 64
  in_volume "${SUCH_USER[@]}" "--percent 90"
  soon_filled
  guardian_now || fail "no guardian"
  kill -STOP "$SHIM"
  kill -KILL "$GUARDIAN" "$SHIM"
  rmdir_soon "$DISK/$NAME"
  gone_again
}
rmdir_soon() { soon 5000 "the directory is empty" rmdir "$1"; }
it "shim and guardian are killed at once: an empty directory is all that is left" everyone_killed
server_killed() {
  make_fuse --size 33554432
  in_volume "${SUCH_USER[@]}" "--percent 50"
  soon_filled
  guardian_now || fail "no guardian"
  at_end end_guardian "$GUARDIAN"
  kill -KILL "$FUSE"
  say stop
  finish 15000
  equal "$STATUS" 125 "exit code"
  equal "$(field error .code)" undo "error code"
  matches "$(field error '.message + .state')" "/data/$NAME.*" "what could not be removed"
  target_is_alone
}
it "the server of the volume is killed: the error names the directory that could not be removed" server_killed
