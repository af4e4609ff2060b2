# shellcheck shell=bash
# Starting and speaking to the machine's QEMU. Sourced after lib.sh.

# start_qemu IMAGE DIR CGROUP ACCEL FROM FORMAT PORT [ARG...]: writes only into DIR (pid/qemu, log/qemu.log, console.log, system.qcow2, data.qcow2);
# the disks it starts from, never written to, are FROM/{system,data}.FORMAT. Machine and arguments are the same at every start, as resuming requires.
start_qemu() {
  local image=$1 dir=$2 cgroup=$3 accel=$4 from=$5 format=$6 port=$7 cpu clock disk; shift 7
  mkdir -p "$dir"/{pid,log}; : >"$dir/console.log"; : >"$dir/clock.out"
  mkfifo "$dir/monitor.in" "$dir/clock.in"
  for disk in system data; do qemu-img create -q -f qcow2 -b "$from/$disk.$format" -F "$format" "$dir/$disk.qcow2"; done
  # The emulated processors have one time stamp counter, but the kernel's test of that fails, since it takes too long: without a word it reads the
  # HPET instead, a device, at every look at the clock, by a system call and under QEMU's one lock. With the counter alone it sets more timers,
  # each by a device as well: hence a tick of 4 ms for all of them. Measured: up after 111 s instead of 137, and 160 s of CPU instead of 204.
  case $accel in tcg) accel=tcg,thread=multi,tb-size=512 cpu=max clock='tsc=reliable clocksource=tsc highres=off' ;; kvm) cpu=host clock='' ;; esac
  # the monitor reads from a fifo that QEMU itself holds open for writing too, so that it never sees an end
  setsid "$here/daemon" "$dir/pid/qemu" "$dir/log/qemu.log" bash -c 'exec "$@" <>"$0"' "$dir/monitor.in" \
    qemu-system-x86_64 -accel $accel -cpu $cpu -smp 2 -m 4096 -display none -no-reboot -monitor stdio \
    -kernel "$image/vmlinuz" -initrd "$image/initrd" -append "console=ttyS0 panic=-1 mitigations=off cgroup=$cgroup${clock:+ $clock}" \
    -drive file="$dir/system.qcow2",format=qcow2,if=virtio,cache=unsafe \
    -drive file="$dir/data.qcow2",format=qcow2,if=virtio,cache=unsafe \
    -nic user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:"$port"-:6443 \
    -serial file:"$dir/console.log" -serial pipe:"$dir/clock" "$@" &
  wait_until 30 test -e "$dir/pid/qemu"
}

# background_patience: how many times as long everything may take, in the background of other work
background_patience() { if (( $(nice) == 0 )); then echo 1; else echo 4; fi; }

monitor() { echo "$2" >"$1/monitor.in"; }      # DIR COMMAND: the answer is in log/qemu.log
set_clock() { date +%s.%N >"$1/clock.in"; }    # DIR
qemu_lives() { recorded_alive "$1/pid/qemu" >/dev/null; }

# write_vm_kubeconfig SOURCE PORT FILE: SOURCE is what the machine itself says, where its API server's port is 6443
write_vm_kubeconfig() {
  (umask 077; sed "s#https://127.0.0.1:6443#https://127.0.0.1:$2#" "$1" >"$3.new"); mv "$3.new" "$3"
}

# wait_for_boot DIR SECONDS: until the console has the kubeconfig; leaves it in DIR/guest.conf
wait_for_boot() {
  local limit=$((SECONDS + $2))
  until grep -q -e KUBECONFIG-END "$1/console.log"; do
    grep -q CLUSTER-FAILED "$1/console.log" && { tail -n 20 "$1/console.log" >&2; return 1; }
    qemu_lives "$1" || { say "QEMU ended: $(tail -n 3 "$1/log/qemu.log")"; return 1; }
    (( SECONDS < limit )) || { tail -n 20 "$1/console.log" >&2; say "no cluster after $2 s; the end of the console is above"; return 1; }
    sleep 0.5
  done
  (umask 077; tr -d '\r' <"$1/console.log" | sed -n '/KUBECONFIG-BEGIN/,/KUBECONFIG-END/p' | sed -n 2p | base64 -d >"$1/guest.conf")
}
