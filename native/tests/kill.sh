#!/usr/bin/env bash
# `signal` of `hold`: who gets it, who does not, and what is told of them.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"
. "$TESTS/hold-fixtures.sh"

# In a pid namespace of its own the target is its first process.
OWN=(--unshare mnt,pid --proc)
# obstinate: a target that takes TERM and stays; obedient: one that ends by it; deaf: one that has no handler.
obstinate() { make_container "${OWN[@]}" -- /bin/bash -c 'trap ":" TERM; while :; do sleep 0.05; done'; handles_term; }
obedient() { make_container "${OWN[@]}" -- /bin/bash -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'; handles_term; }
deaf() { make_container "${OWN[@]}" -- /bin/sleep 600; }
has_handler() { ((0x$(awk '/^SigCgt/ {print $2}' "/proc/$TARGET/status") & 0x4000)); }
handles_term() { soon 3000 "it has a handler" has_handler; }

# inside NAME COMMAND...: one more process of the container, its parent outside. INSIDE is its pid.
inside() {
  "$PROBES/target" "${CGROUP_ARGS[@]}" -- "${@:2}" >"$T/$1" </dev/null || fail "no process: $*"
  INSIDE=$(grep -m1 -xE '[0-9]+' "$T/$1")
  at_end end_process "$INSIDE"
}
start_killer() {
  start_nsexec hold --container "$ID" --termination-log "$T/termlog" --target-may-end --duration-ms 60000 "$@"
  await resolved
}
begin_killer() {
  start_killer "$@"
  say start
  await active
}
# send CONTAINER SIGNAL MILLISECONDS [PATTERN]: SAID is what is told, CODE the exit code of the answer.
SENT=0
send() {
  SENT=$((SENT + 1))
  order signal "s$SENT" "$@"
  answer "s$SENT" .stdout 20000
  SAID=$ANSWER
  CODE=$(value .exit_code "$LAST")
}
told() { grep -qE "^$1\$" <<<"$SAID" || fail "not told: <$1>, but: $SAID"; }
untold() { ! grep -qE "^$1\$" <<<"$SAID" || fail "told: <$1>: $SAID"; }
lives() { ! gone "$1" || fail "process $1 has ended"; }
over() {
  say stop
  finish
  equal "$STATUS" 0 "exit code"
  equal "$(field reverted .left)" 0 "left"
  ended_by stopped
}

by_handler() {
  obedient
  begin_killer
  send "$ID" 15 5000
  equal "$CODE" 0 "exit code"
  told "ended bash"
  told 1
  gone "$TARGET" || fail "it is still there"
  over
}
it "the first process ends by its handler, and the run goes on without it" by_handler

by_kill() {
  deaf
  begin_killer
  send "$ID" 9 5000
  told "ended sleep"
  over
}
it "KILL ends a first process that has no handler" by_kill

without_handler() {
  deaf
  begin_killer
  send "$ID" 15 300
  told "there sleep"
  lives "$TARGET"
  ((0x$(sed -n 's/^SigCgt:\t//p' <<<"$SAID") & 0x4000)) && fail "it is told to have a handler"
  over
}
it "TERM to a first process without a handler is dropped, and told by its sets and that it is still there" without_handler

shared_namespace() {
  make_container -- /bin/sleep 600
  begin_killer
  send "$ID" 15 5000
  told "ended sleep"
  untold 1
  over
}
it "in a pid namespace that is not its own it is ended by the same" shared_namespace

stubborn() {
  obstinate
  begin_killer
  local since
  since=$(now_ms)
  send "$ID" 15 700
  told "there bash"
  at_least $(($(now_ms) - since)) 700 "waited"
  ((0x$(sed -n 's/^SigCgt:\t//p' <<<"$SAID") & 0x4000)) || fail "its handler is not told: $SAID"
  lives "$TARGET"
  over
}
it "one that has a handler and stays is told to be there still, after the time given" stubborn

only_looked_at() {
  obedient
  start_killer
  send "$ID" 0 0
  told "there bash"
  lives "$TARGET"
  sleep_ms 300
  lives "$TARGET"
  say stop
  finish
  equal "$(field error .code)" not-started "error"
}
sleep_ms() { poll "$1" false || true; }
it "signal 0 looks, before \`start\` as well, and sends nothing" only_looked_at

by_name() {
  make_container
  inside one /bin/bash -c 'exec -a "worker: 1" sleep 600'
  local worker=$INSIDE
  inside two /bin/sleep 600
  local other=$INSIDE
  local id=$ID args=("${CGROUP_ARGS[@]}")
  make_cgroup "$(new_id)"
  inside three /bin/bash -c 'exec -a "worker: 1" sleep 600'
  local foreign=$INSIDE
  ID=$id CGROUP_ARGS=("${args[@]}")
  begin_killer
  send "$ID" 9 5000 "worker: *"
  equal "$(grep -c '^ended' <<<"$SAID")" 1 "processes"
  gone "$worker" || fail "the worker is still there"
  lives "$other"
  lives "$foreign"
  lives "$TARGET"
  send "$ID" 9 0 "nobody-is-called-so"
  equal "$SAID" "" "of nobody"
  equal "$CODE" 0 "exit code"
  over
}
it "a pattern means processes of this container alone, and no others of it" by_name

renamed() {
  make_container
  inside one /bin/bash -c 'printf worker >/proc/self/comm; while :; do read -rt 0.1 <> <(:) || :; done'
  local liar=$INSIDE
  soon 3000 "it has another name" grep -q worker "/proc/$liar/comm"
  begin_killer
  send "$ID" 9 5000 worker
  told "ended worker"
  over
}
it "one that calls itself so is hit: it is in the container" renamed

hostile_name() {
  make_container
  "$PROBES/target" "${CGROUP_ARGS[@]}" --comm $'x\nNSpid:\t1' >"$T/liar" || fail "no process"
  at_end end_process "$(<"$T/liar")"
  begin_killer
  send "$ID" 0 0 "x*"
  equal "$(grep -cE '^[0-9]+$' <<<"$SAID")" 1 "lines that tell of a pid"
  told 'there x\?NSpid:\?1'
  over
}
it "a name cannot tell of a process that is not there" hostile_name

moved_away() {
  make_container
  inside one /bin/sleep 600
  local mover=$INSIDE h
  make_cgroup "outside-$SRANDOM"
  for h in "${HIERARCHIES[@]}"; do echo "$mover" >"$h$CGROUP/cgroup.procs"; done
  begin_killer
  send "$ID" 9 500 "*"
  lives "$mover"
  over
}
it "one that has left the container's cgroup is not ours to signal" moved_away

zombie() {
  make_container
  # Its child has ended, and it does not wait for it.
  inside one /bin/bash -c 'sleep 0.01 & exec sleep 600'
  soon 3000 "there is a zombie" zombie_of "$INSIDE"
  begin_killer
  send "$ID" 0 0 sleep
  equal "$(grep -c ' sleep$' <<<"$SAID")" 1 "those that can be signalled"
  over
}
zombie_of() { grep -q ' Z ' /proc/"$(cat "/proc/$1/task/$1/children" | tr -d ' ')"/stat 2>/dev/null; }
it "a zombie is none" zombie

# A chain of processes of which each starts the next one and ends.
forker() {
  make_container
  inside one /bin/bash -c 'f() { sleep 0.002; f & }; f; wait'
  begin_killer
  send "$ID" 9 2000 "*"
  if [[ $CODE == 0 ]]; then
    soon 3000 "nobody is left" no_members "$ID"
  else
    equal "$CODE" 1 "not all, and told so"
  fi
  at_least "$(grep -c '^ended' <<<"$SAID")" 2 "hit"
  over
}
it "of those that fork faster than we look either all are reached, or it is told that they were not" forker

next_container() {
  deaf
  begin_killer
  send "$ID" 9 5000
  told "ended sleep"
  send "$ID" 9 100
  equal "$CODE:$SAID" "2:no-container" "of the one that has ended"
  local former=$ID
  obedient
  send "$ID" 15 5000
  equal "$CODE" 0 "exit code"
  told "ended bash"
  differ "$ID" "$former"
  over
}
it "each order looks its container up anew: one shim is enough for a container that is started again and again" next_container

by_pid() {
  deaf
  start_nsexec hold --pid "$TARGET" --termination-log "$T/termlog" --target-may-end
  await resolved
  say start
  await active
  send "$ID" 9 5000
  told "ended sleep"
  over
}
it "a run that began with a process goes on with the container that is named" by_pid

wrong_words() {
  deaf
  begin_killer
  local words
  for words in "x 0" "32 0" "-1 0" "9 x" "9 60001" "99999999999999999999 0"; do
    # shellcheck disable=SC2086
    send "$ID" $words
    equal "$CODE" 2 "exit code of $words"
  done
  send "../$ID" 9 0
  equal "$CODE:$SAID" "2:no-container" "of no id"
  say "signal s$((SENT + 1)) $ID 9"
  soon 3000 "a warning" seen warning
  lives "$TARGET"
  say clear
  over
}
it "a word that is none of README's sends nothing" wrong_words

# The workload of another experiment in the same container.
of_an_experiment() {
  make_container
  start_shim --container "$ID" --termination-log "$T/other-log" -- "$PROBES/probe-static" hold
  local other=$SHIM
  say start
  await active
  mv "$T/out" "$T/other-out"
  begin_killer
  send "$ID" 9 2000 "*"
  equal "$(grep -c '^ended' <<<"$SAID")" 1 "hit: the target alone: $SAID"
  untold ".*nsexec.*"
  over
  end_shim "$other"
}
it "processes of ours are never hit" of_an_experiment

# One of the target's own whose program is called as a shim's.
impostor() {
  make_container
  inside impostors "$PROBES/probe-static" family impostor
  soon 3000 "there is one" impostor_there
  begin_killer
  send "$ID" 9 2000 impostor
  equal "$CODE" 0 "exit code"
  equal "$(grep -c '^ended' <<<"$SAID")" 1 "hit: $SAID"
  gone "$IMPOSTOR" || fail "it has not ended"
  over
}
impostor_there() {
  local pid
  while read -r pid; do
    IMPOSTOR=$pid
    [[ $(readlink "/proc/$pid/exe") != "/memfd:nsexec (deleted)" ]] || return 0
  done <"${CGROUP_ARGS[1]}/cgroup.procs"
  return 1
}
it "who is called as a shim and is the target's own is hit" impostor

headless() {
  make_container
  inside family "$PROBES/probe-static" family headless
  soon 3000 "it has come" grep -q '^family of 1' "$T/family"
  begin_killer
  send "$ID" 9 0 headless
  equal "$CODE" 1 "exit code: not all were reached"
  over
}
it "one whose first thread has exited is said not to be reached" headless

before_start() {
  deaf
  start_killer
  kill -KILL "$TARGET"
  finish
  equal "$(field error .code)" target-gone "error"
}
it "before \`start\` the target's end ends the run" before_start

lease_lost() {
  deaf
  begin_killer --lease-ms 1000
  finish 5000
  ended_by lease
  lives "$TARGET"
}
it "a lost lease ends it, and nothing is left to undo" lease_lost
