# shellcheck shell=bash
# Part of `run`: what the whole run leaves behind is a test of its own, and what a killed run left is cleaned by the next one.

test_cgroups() { find /sys/fs/cgroup -type d -name "${1:-nsexec-test-*}" 2>/dev/null | sort; }

# Removes the tree of cgroups at $1, after killing what is in it.
remove_tree() {
  local dir pids
  pids=$(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u)
  # shellcheck disable=SC2086
  [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
  find "$1" -depth -type d 2>/dev/null | while read -r dir; do
    for _ in {1..50}; do rmdir "$dir" 2>/dev/null && break || read -rt 0.02 <> <(:) || true; done
  done
}
# The kernel drops a hierarchy at an unmount that finds it without children, and a removed child goes some time after its rmdir.
drop_hierarchy() { # MOUNT_POINT
  local attempt wait
  for attempt in {1..10}; do
    # It goes some time after the unmount; mounted again before that, a new one of the name is made.
    for wait in {1..20}; do
      grep -q ':name=chaosmirror:' /proc/self/cgroup || return 0
      ((attempt + wait == 2)) || read -rt 0.02 <> <(:) || true
    done
    mount -t cgroup -o none,name=chaosmirror none "$1"
    find "$1" -mindepth 1 -depth -type d -exec rmdir {} + 2>/dev/null || true
    umount "$1"
  done
  echo "the hierarchy name=chaosmirror is still there"
}
# Cgroups named for a run whose process does not exist any more.
sweep_older() {
  local dir
  drop_hierarchy "$RUN_TMP"
  while read -r dir; do
    [[ -z $dir || -e /proc/${dir##*-} ]] || { echo "# removing what an earlier run left: $dir"; remove_tree "$dir"; }
  done < <(test_cgroups)
}
# Mounts, those of other runs left out, and the hierarchies that every process is in.
machine() {
  sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo | awk -v ours="$RUN_TMP/" '!/\/nsexec-test-/ || index($0, ours)'
  cut -d: -f2 /proc/self/cgroup
}
# All that runs below the reaper, this shell and its own short-lived children left out.
strays() { tr ' ' '\n' <"/proc/$PPID/task/$PPID/children" | grep -vx -e $$ -e '' || true; }

# Loop devices of files of ours.
loops() { losetup -nO NAME,BACK-FILE 2>/dev/null | grep -F "$RUN_TMP/" || true; }
no_loops() { [[ -z $(loops) ]]; }
no_strays() { [[ -z $(strays) ]]; }
# await_all CHECK: until it holds, for two seconds at most.
await_all() {
  local i
  for ((i = 0; i < 100 * ${PATIENCE:-1}; i++)); do "$1" && break || read -rt 0.02 <> <(:) || true; done
}

remember_before() { machine >"$RUN_TMP/machine"; }
check_residue() {
  local left pid
  # Who was killed just now may be on its way out, with what it uses.
  await_all no_strays
  left=$(
    test_cgroups "nsexec-test-$RUN_ID" | while read -r dir; do find "$dir" -mindepth 1 -type d; done
    machine | diff "$RUN_TMP/machine" - | grep '^[<>]' || true
    # The last user of one may have been killed just now.
    await_all no_loops
    loops
    for pid in $(strays); do echo "process $pid: $(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline")"; done
  )
  if [[ -z $left ]]; then
    echo "ok - residue: no cgroup, hierarchy, mount, loop device or process is left by the whole run"
    echo passed >>"$RESULTS"
  else
    echo "not ok - residue: no cgroup, hierarchy, mount, loop device or process is left by the whole run"
    sed 's/^/#   /' <<<"$left"
    echo failed >>"$RESULTS"
  fi
}
clean_all() {
  local dir
  for dir in $(test_cgroups "nsexec-test-$RUN_ID"); do remove_tree "$dir"; done
  # Deepest first. Lazily: nothing below may be deleted through a mount that is still there.
  awk -v top="$RUN_TMP/" 'index($5, top) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r dir; do umount -l "$dir" || return 0; done
  rm -rf --one-file-system "$RUN_TMP"
}
