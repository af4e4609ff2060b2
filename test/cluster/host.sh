# shellcheck shell=bash
# The facts about the cluster on this very machine that its steps share. Sourced after lib.sh.
# shellcheck disable=SC2034
host_state=$(state_of host)
host_marker=kubectl-chaos-test:host       # the source of a mount in the cluster's mount namespace, by which its processes are told
host_bridge=cni-chaos0
host_subnet=10.244.0.0/24
host_subnet6=fd00:10:244::/64
# Fixed paths of kubelet, containerd and CNI. In the cluster's own mount namespace each is a directory of its state; on the
# machine there has to be an empty one to mount on, which down removes when up made it.
host_private=(/var/lib/kubelet /var/lib/cni /var/log/pods /var/log/containers /run/containerd /run/netns)
# What the kubelet changes for the whole machine; put back by down.
host_sysctls=(vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes)
host_daemons=(etcd apiserver containerd controller-manager scheduler kubelet)
# Of a further node: the group of its cgroups, one for all hierarchies.
worker_group=chaos-node-

host_healthy() {
  local daemon
  for daemon in "${host_daemons[@]}"; do recorded_alive "$host_state/pid/$daemon" >/dev/null || return 1; done
  [[ $(kubectl_on host get nodes -o 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}' 2>/dev/null) =~ ^True(\ True)*$ ]]
}

pod_cgroups() { find /sys/fs/cgroup -depth -type d \( -path '*/kubepods*' -o -name "$worker_group*" \) 2>/dev/null; }

# processes_that_see MARK...: one of these is among their mounts. No pid is trusted, and nothing that runs in the machine's own mount namespace can be meant.
processes_that_see() {
  local directory namespace own first mark; local -a words=()
  for mark in "$@"; do words+=(-e "$mark"); done
  own=$(readlink /proc/self/ns/mnt) first=$(readlink /proc/1/ns/mnt 2>/dev/null || true)
  for directory in /proc/[0-9]*; do
    namespace=$(readlink "$directory/ns/mnt" 2>/dev/null) || continue
    [[ $namespace == "$own" || $namespace == "$first" ]] && continue
    grep -qsF "${words[@]}" "$directory/mountinfo" && echo "${directory#/proc/}"
  done
  return 0
}

# kill_processes_that_see MARK...: 0 when there was none
kill_processes_that_see() {
  local pids; mapfile -t pids < <(processes_that_see "$@")
  (( ${#pids[@]} )) || return 0
  kill -KILL "${pids[@]}" 2>/dev/null || true
  return 1
}

host_start() {
  install_packages host
  need_kubernetes; need_images
  local began=$SECONDS
  say "starting a single-node cluster on this machine (usually 10-20 s); its files are in $host_state"
  # its programs' output goes to files there: what node-start says on failure comes through
  "$here/host-up" "$kubernetes" "$images"
  say "host is up after $((SECONDS - began)) s"
}

# host_can: says on one line why not, or that it can
host_can() {
  local why=""
  if (( EUID != 0 )); then why="root (it starts a kubelet on this machine)"
  elif ! is_bookworm; then why="Debian bookworm with apt, where Kubernetes' source package and containerd come from"
  elif ! unshare --mount --net sh -c 'command -v ip >/dev/null || exit 0; ip link add name probe0 type bridge && ip link add name probe1 type veth peer name probe2' 2>/dev/null; then why="the right to make mount and network namespaces, bridges and veth devices (a privileged container or a real machine)"
  elif ! grep -qw overlay /proc/filesystems && ! modprobe overlay 2>/dev/null; then why="a kernel with overlayfs"
  elif (( $(awk '/MemAvailable/ {print $2}' /proc/meminfo) < 1500000 )) && ! [[ -e $host_state ]]; then why="1.5 GB of free memory"
  fi
  [[ ! $why ]] || { echo "host: not possible here: it needs $why"; return 1; }
  echo "host: possible"
}
