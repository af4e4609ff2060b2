# shellcheck shell=bash
# The cluster in a virtual machine: facts and decisions. Sourced after lib.sh, packages.sh, cache.sh, artifacts.sh.
vm_state=$(state_of vm)

# vm_options [--cgroup v1|v2]: leaves $cgroup
vm_options() {
  cgroup=v2
  while (( $# )); do
    case $1 in
      --cgroup) cgroup=${2:-}; shift 2 || shift ;;
      --cgroup=*) cgroup=${1#*=}; shift ;;
      *) die "unknown option $1: only --cgroup v1 or --cgroup v2 is known" ;;
    esac
  done
  [[ $cgroup == v1 || $cgroup == v2 ]] || die "--cgroup takes v1 or v2, not '$cgroup'"
}

# vm_healthy [--cgroup …]: runs, answers, and, where the option is given, has that cgroup version
vm_healthy() {
  recorded_alive "$vm_state/pid/qemu" >/dev/null || return 1
  if (( $# )); then vm_options "$@"; [[ $(cat "$vm_state/cgroup" 2>/dev/null) == "$cgroup" ]] || return 1; fi
  [[ $(kubectl_on vm get nodes -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}' 2>/dev/null) == True ]]
}

# vm_renice: a machine that was started in the background comes to the front with whoever needs it now
vm_renice() {
  local pid; pid=$(recorded_alive "$vm_state/pid/qemu") || return 0
  # a priority is a thread's, and its session's (see daemon); a thread that ends meanwhile needs none
  { nice >"/proc/$pid/autogroup"; } 2>/dev/null || true
  (cd "/proc/$pid/task" && renice -n "$(nice)" -p *) >/dev/null 2>&1 || true
}

vm_can() {
  local why=""
  if (( EUID != 0 )); then why="root (it makes a disk image with its file owners)"
  elif ! is_bookworm; then why="Debian bookworm with apt, where the virtual machine's system and Kubernetes' source come from"
  elif [[ $(dpkg --print-architecture) != amd64 ]]; then why="an amd64 machine"
  elif (( $(awk '/MemAvailable/ {print $2}' /proc/meminfo) < 4500000 )) && ! [[ -e $vm_state ]]; then why="4.5 GB of free memory"
  fi
  [[ ! $why ]] || { echo "vm: not possible here: it needs $why"; return 1; }
  if ! { : <>/dev/kvm; } 2>/dev/null; then echo "vm: possible accel=tcg: by emulation, slow (there is no usable /dev/kvm)"
  elif ! command -v qemu-system-x86_64 >/dev/null; then echo "vm: possible accel=unknown: whether KVM works is seen once QEMU is there (cluster install)"
  elif [[ $(vm_accel) == kvm ]]; then echo "vm: possible accel=kvm: with KVM, fast"
  else echo "vm: possible accel=tcg: by emulation, slow (/dev/kvm is there, but a guest does not boot with it)"
  fi
}

# vm_accel: kvm when a kernel really gets to its init with it, else tcg. /dev/kvm may be there and no guest boot (nested virtualisation).
# Remembered until this machine boots again.
vm_accel() {
  local remembered boot
  { : <>/dev/kvm; } 2>/dev/null || { echo tcg; return; }
  need_kernel
  remembered=$cache/kvm-tried boot=$(</proc/sys/kernel/random/boot_id)
  if [[ $(head -n 1 "$remembered" 2>/dev/null) != "$boot ${kernel##*/}" ]]; then
    local console; console=$(mktemp)
    timeout -k 1 15 qemu-system-x86_64 -accel kvm -cpu host -m 256 -display none -monitor none -no-reboot -kernel "$kernel/vmlinuz" \
      -append 'console=ttyS0 panic=-1' -nic none -serial "file:$console" >/dev/null 2>&1 </dev/null || true
    # without a root file system the kernel's last word is that it cannot mount one: so far it must come
    if grep -q 'Unable to mount root fs' "$console"; then echo "$boot ${kernel##*/}"$'\n'kvm; else echo "$boot ${kernel##*/}"$'\n'tcg; fi >"$remembered"
    rm -f "$console"
  fi
  tail -n 1 "$remembered"
}

vm_start() {
  local accel began
  vm_options "$@"
  install_packages vm
  need_vm_image
  accel=$(vm_accel) began=$SECONDS
  if [[ $accel == kvm ]]; then
    say "booting the virtual machine with KVM, cgroup $cgroup (usually 15-30 s)"
    "$here/vm-boot" "$vm_image" "$vm_state" "$cgroup" kvm
  else
    need_vm_saved "$cgroup"
    say "resuming the virtual machine, emulated, cgroup $cgroup (usually 3-10 s; its first pod is slow)"
    "$here/vm-boot" "$vm_image" "$vm_state" "$cgroup" tcg "$vm_saved"
  fi
  say "vm is up after $((SECONDS - began)) s"
}
