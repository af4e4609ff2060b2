#!/usr/bin/env bash
# The image that the shim is started in means harm: nothing of it is opened, and its environment counts for nothing. What runs comes as a toolbox.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"
. "$TESTS/toolbox-fixtures.sh"

T=$(mktemp -d "$RUN_TMP/image.XXXXXX")
LAYER=$T/layer
BOX=$T/box
LOADER=$(ldd "$PROBES/probe-dynamic" | awk '$1 ~ /^\/.*\/ld-/ {print $1}')
LIBRARIES=$(dirname "$(ldd "$PROBES/probe-dynamic" | awk '/libc\.so/ {print $3}')")
NET_BOX=$T/net-box
mkdir "$BOX" "$NET_BOX"
make_toolbox "$BOX" "$PROBES/probe-dynamic"
make_toolbox "$NET_BOX" tc ip nft

# Where a program, a library or a file of settings is looked for there is a program that is none of ours, a FIFO, a device, a link, or text of the attacker's.
make_layer() {
  local path
  mkdir -p "$LAYER"/{proc,sys,dev,chaos,trap,root,bin,usr/{bin,sbin,lib/tc,local/bin,local/sbin,share/iproute2,lib/gconv},etc/{iproute2,ld.so.conf.d},var/lib} "$LAYER${LOADER%/*}" "$LAYER$LIBRARIES" "$LAYER/lib64"
  : >"$LAYER/chaos/nsexec"
  echo precious >"$LAYER/precious"
  cp "$PROBES/evil.so" "$LAYER/evil.so"
  echo /evil.so >"$LAYER/etc/ld.so.preload"
  head -c 4096 /dev/urandom >"$LAYER/etc/ld.so.cache"
  echo 'hosts: evil' >"$LAYER/etc/nsswitch.conf"
  for path in etc/{passwd,hosts,resolv.conf,protocols,services,localtime,connlabel.conf} etc/iproute2/{group,rt_realms,rt_protos} usr/lib/tc/normal.dist usr/lib/tc/q_netem.so "${LIBRARIES#/}"/libm.so.6; do mkfifo "$LAYER/$path"; done
  for path in bin/{sh,tc,ip,nft,stress-ng,probe-dynamic} usr/bin/ip usr/sbin/{tc,nft} usr/local/sbin/tc trap/{tc,ip,nft,probe-dynamic} "${LOADER#/}"; do cp "$PROBES/pause" "$LAYER/$path"; done
  for path in libc.so.6 libmnl.so.0 libgcc_s.so.1 libcap.so.2; do cp "$PROBES/evil.so" "$LAYER$LIBRARIES/$path"; done
  mknod "$LAYER/lib64/libc.so.6" c 1 7
  ln -s / "$LAYER/usr/share/locale"
  ln -s ../../trap "$LAYER/usr/lib/locale"
  ln -s /proc/1/root "$LAYER/trap/up"
  ln -s . "$LAYER/etc/alternatives"
}
make_layer

# in_image OPTION...: what is started through WRAP runs in that image; $T/opens has what is opened of it. With the sanitizers it runs in this machine's own root, since it is dynamic then.
in_image() {
  ((${SANITIZED:-0} == 0)) || return 0
  : >"$T/last-words"
  mkdir "$T/image"
  cat >"$T/enter" <<END
mount -t tmpfs -o mode=755 image '$T/image' && cp -a '$LAYER/.' '$T/image/' && exec '$PROBES/image' $* '$T/image' '$T/opens' '$T/last-words' "\$@"
END
  WRAP=(unshare -m --propagation private sh "$T/enter")
}
nothing_opened() {
  ((${SANITIZED:-0} == 0)) || return 0
  soon 30000 "all that was opened is written down" grep -qx end "$T/opens"
  ! grep -v '^end$' "$T/opens" || fail "that was opened of the image"
}

control() {
  in_image
  # Whoever names an image trusts it: then its programs are what runs.
  begin --container "$ID" -- probe-dynamic
  stop
  ended_by stopped
  soon 30000 "all that was opened is written down" grep -qx end "$T/opens"
  grep -q '^open /bin/probe-dynamic by nsexec' "$T/opens" || fail "what is opened of the image is not seen: $(<"$T/opens")"
}
runs() {
  in_image
  start_shim --container "$ID" --lease-ms 120000 --toolbox "$@" -- probe-dynamic report one
  await resolved
  send_toolbox "$BOX"
  say start
  finish 20000
  equal "$STATUS" 0 "exit code"
  equal "$(reported arg)" one "argument"
  equal "$(reported root_id)" "$(id_of "$ROOT")" "its root directory is the target's"
  equal "$(sed -n 's/^env=//p' "$T/err" | sort | tr '\n' '|')" "HOME=/|PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin|" "environment"
  reverted
  ((${SANITIZED:-0})) || diff <(grep -e '"event":"ended"' -e '"event":"reverted"' "$T/out") "$T/last-words" || fail "the termination log does not hold the last words"
  nothing_opened
}
make_distroless
variant "what is opened of it is seen, here where its own program is asked for" control
it "a workload comes from the toolbox, and is loaded there; nothing of the image is opened" runs
it "nor for one in a directory of the target's, that is measured" runs --path /data --directory .kubectl-chaos-image --sample-ms 100

stress_ng() {
  need stress-ng
  mkdir "$T/box" && make_toolbox "$T/box" stress-ng
  in_image
  start_shim --container "$ID" --lease-ms 120000 --toolbox --duration-ms 60000 --sample-ms 100 -- stress-ng --quiet --oomable --cpu 2 --vm 1 --vm-bytes 8M --hdd 1 --hdd-bytes 1M --timeout 120
  await resolved
  send_toolbox "$T/box"
  say start
  await active 30000
  soon 30000 "its workers use the target's CPU" burnt 300000
  stop
  ended_by stopped
  reverted
  nothing_opened
}
burnt() { seen sample && (($(jq .cpu_usage_us <<<"$LAST") >= $1)); }
it "so does stress-ng with its dozen libraries, that loads CPU, memory and disk" stress_ng

start_net() { # OPTION...
  make_container --unshare mnt,pid,net,uts
  make_network
  network >"$T/network" 2>&1
  in_image
  start_nsexec hold --container "$ID" --lease-ms 120000 --toolbox --tool tc --tool ip --tool nft --duration-ms 60000 "$@"
  await resolved
}
asks() {
  local id
  start_net
  order ask early ip -j link
  send_toolbox "$NET_BOX"
  order ask links ip -j -d link
  order ask qdiscs tc -j qdisc show
  order_with $'list tables\n' ask tables nft -j -f -
  order fresh trial "${QDISC[@]/t0/lo}"
  order connect open 10.9.0.1 9
  for id in early links qdiscs tables trial; do
    answer "$id" .exit_code 20000
    equal "$ANSWER" 0 "exit code of $id: $LAST"
  done
  answer early
  matches "$ANSWER" '"t0"' "its links"
  say stop
  finish
  untouched
  nothing_opened
}
acts() {
  start_net
  send_toolbox "$NET_BOX"
  undo_all
  apply_all
  order compare rules nft list ruleset
  order count bytes tc -s -j qdisc show dev t0
  say start
  await active 30000
  matches "$(in_target tc qdisc show dev t0)" tbf "qdisc"
  matches "$(in_target nft list tables)" chaos "table"
  stop
  ended_by stopped
  equal "$(field reverted '.differs | length')" 0 "differs"
  untouched
  nothing_opened
}
it "tc, ip and nft of the toolbox ask and try; what is asked before they have come waits for them" asks
it "they act in the target's network, and all is undone; nothing of the image is opened" acts

limits() {
  in_image
  start_nsexec hold --container "$ID" --path /data --duration-ms 60000
  await resolved
  say start
  await active
  stop
  ended_by stopped
  nothing_opened
}
it "nor by a state that needs no program" limits
fills() {
  in_image
  begin --container "$ID" --path /data --directory .kubectl-chaos-image --duration-ms 60000 -- /chaos/nsexec fill --bytes 4096
  soon 10000 "it has filled" grep -q '^filled' "$T/err"
  stop
  ended_by stopped
  reverted
  nothing_opened
}
variant "nor by the shim's own workload" fills
facts() {
  in_image
  start_nsexec inspect --container "$ID"
  finish
  equal "$STATUS" 0 "exit code"
  nothing_opened
}
it "nor by inspect" facts
sweeps() {
  in_image
  start_nsexec sweep
  finish 60000
  seen swept || fail "it has not swept: $(cat "$T/out" "$T/err")"
  nothing_opened
}
it "nor by sweep" sweeps

# What the runtime has not mounted is not taken from the image.
refuses() { # WITHOUT TEXT
  in_image --without "$1"
  start_shim --container "$ID" --lease-ms 120000 --toolbox -- probe-dynamic report
  finish
  refused internal
  matches "$(field error .message)" "$2" "message"
  nothing_opened
}
variant "a /proc of its own is refused" refuses proc '`/proc` is not the kernel'
variant "a /sys of its own is refused" refuses sys '`/sys` is not the kernel'
variant "a FIFO where /dev/null is expected is refused, and not opened" refuses null '/dev/null'
log_of_the_image() {
  in_image --without log
  start_nsexec inspect --container "$(new_id)"
  finish
  equal "$(field error .code)" no-container "error code"
  nothing_opened
}
variant "where the kubelet has mounted no termination log, a link there leads nowhere" log_of_the_image

missing() { # COMMAND...
  in_image
  start_nsexec "$@"
  await resolved
  send_toolbox "$BOX"
  finish
  equal "$STATUS" 127 "exit code"
  equal "$(field error .code)" exec "error code"
  matches "$(field error .message)" 'not found in the toolbox' "message"
  equal "$(field error .state)" unchanged "state"
  nothing_opened
}
it "exit code 127: a program that the toolbox has not, though the image has it (run)" missing run --container "$ID" --lease-ms 120000 --toolbox -- stress-ng --cpu 1
it "exit code 127: a program that the toolbox has not, though the image has it (hold)" missing hold --container "$ID" --lease-ms 120000 --toolbox --tool tc --tool sh
it "exit code 127: a path is none of a toolbox's names" missing run --container "$ID" --lease-ms 120000 --toolbox -- /bin/stress-ng
none_came() {
  start_nsexec "$@"
  say start
  finish
  refused orders
  matches "$(field error .message)" 'the tools are not there' "message"
}
it "start before the toolbox is refused (run)" none_came run --container "$ID" --lease-ms 120000 --toolbox -- probe-dynamic report
it "start before the toolbox is refused (hold)" none_came hold --container "$ID" --lease-ms 120000 --toolbox --tool tc

# What the target can see of it.
unseen() {
  make_distroless "${DOCKER_ROOT[@]}"
  start_shim --container "$ID" --lease-ms 120000 --toolbox -- probe-dynamic hold
  await resolved
  send_toolbox "$BOX"
  mounts "$TARGET" >"$T/mounts"
  say start
  await active
  said reported
  WORKLOAD=$(field active .pid)
  mounts "$TARGET" | diff "$T/mounts" - || fail "the target's mounts have changed"
  mounts "$WORKLOAD" | diff <(mounts "$TARGET") - || fail "the workload's mounts are others"
  equal "$(id_of "/proc/$WORKLOAD/root")" "$(id_of "$ROOT")" "the workload's root"
  equal "$(readlink "/proc/$WORKLOAD/exe")" "/memfd:probe-dynamic (deleted)" "its program"
  # Its libraries are mapped from a file system to which no path of anybody's leads; nothing keeps that after the run.
  local device
  device=$(awk '$6 == "/lib/libc.so.6" {print $4; exit}' "/proc/$WORKLOAD/maps")
  matches "$device" '^00:' "the device of its libc"
  ! devices | grep -qx "$((16#${device%:*})):$((16#${device#*:}))" || fail "the toolbox is mounted where somebody can see it"
  [[ ! -e $ROOT/lib ]] || fail "the target has a /lib"
  no_descriptor_of_toolbox
  stop
  reverted
}
mounts() { cut -d' ' -f3- "/proc/$1/mountinfo"; }
# The devices of all mounts of all mount namespaces that a process is in.
devices() { cat /proc/[0-9]*/mountinfo 2>/dev/null | awk '{print $3}' | sort -u; }
no_descriptor_of_toolbox() {
  local pid fd
  for pid in $(descendants "$SHIM"); do
    for fd in "/proc/$pid/fd/"*; do
      [[ ! -e $fd/bin/probe-dynamic ]] || fail "process $pid holds the toolbox"
      [[ $(readlink "$fd") != mnt:* || $(readlink "$fd") == "$(readlink "/proc/$TARGET/ns/mnt")" ]] || fail "process $pid holds a mount namespace"
    done
  done
}
it "the target sees nothing of a toolbox: no mount, no root, no descriptor; its libraries have no path" unseen
