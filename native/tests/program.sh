#!/usr/bin/env bash
# What is executed, and how: static and dynamic programs in a root that has neither a shell nor a library.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/program.XXXXXX")
make_distroless

version() {
  matches "$("$NSEXEC" --version)" '^nsexec [0-9]+\.[0-9]+\.[0-9]+'
}
it "--version names the program and its version" version

runs() {
  run_shim --container "$ID" -- "$1" report one
  equal "$STATUS" 0 "exit code"
  equal "$(reported arg)" one "argument"
  equal "$(reported root_id)" "$(id_of "$ROOT")" "its root directory is the target's"
  reverted
}
naive_fails() {
  local out
  ! out=$(nsenter --target "$TARGET" --mount --root "$PROBES/$1" exit 0 2>&1) || fail "a plain join found the program: the target is no test of L7"
  matches "$out" "No such file or directory"
}
l7() {
  naive_fails "probe-$1"
  [[ ! -e $ROOT/bin && ! -e $ROOT/lib && ! -e $ROOT/usr ]] || fail "the target's root is not bare"
  runs "$PROBES/probe-$1"
}
it "L7: a static program runs in a root without a shell, where a plain join does not find it" l7 static
it "L7: a dynamic program runs in a root without its loader and libraries, where a plain join does not find it" l7 dynamic

stress_ng() {
  need stress-ng
  make_distroless --read-only --uid 65532 --gid 65532 --caps 0:0:0:0 --bounding "$DOCKER_CAPS" --no-new-privs
  [[ $(ldd "$(command -v stress-ng)" | wc -l) -gt 5 ]] || skip "stress-ng is not the dynamic one"
  begin --container "$ID" --duration-ms 20000 --sample-ms 100 --grace-ms 3000 -- stress-ng --quiet --oomable --cpu 2 --vm 1 --vm-bytes 8M --hdd 1 --hdd-bytes 1M --timeout 60
  soon 10000 "its workers use the target's CPU" burnt 300000
  stop
  ended_by stopped
  equal "$(field ended .forced)" false "forced"
  reverted
}
burnt() { seen sample && (($(jq .cpu_usage_us <<<"$LAST") >= $1)); }
it "L7: stress-ng with its dozen libraries loads CPU, memory and disk in a read-only root without any, as a non-root user" stress_ng

by_name() {
  # In a mount namespace of its own, where /usr/local/sbin, the first of them, has the probe; what the environment says leads to another of the same name.
  mkdir "$T/path" "$T/usual"
  cp "$PROBES/pause" "$T/path/probe-static"
  cp "$PROBES/probe-static" "$T/usual/"
  # shellcheck disable=SC2016
  WRAP=(unshare -m --propagation private sh -c 'mount --bind "$0" /usr/local/sbin && exec "$@"' "$T/usual" env "PATH=$T/path:$PATH")
  run_shim --container "$ID" -- probe-static exit 3
  equal "$STATUS" 3 "exit code"
}
it "a name without a slash is looked for in the usual directories, wherever PATH leads" by_name

arguments() {
  local odd=('' ' ' 'a  b' '$HOME `id` $(id)' "it's \"quoted\"" '--duration-ms' '*' 'häß✓' '\n' '%s')
  run_shim --container "$ID" -- "$PROBES/probe-$1" report "${odd[@]}"
  sed -n 's/^arg=//p' "$T/err" >"$T/args"
  printf '%s\n' "${odd[@]}" | diff - "$T/args" || fail "arguments changed on the way"
}
it "arguments reach a static program unchanged" arguments static
variant "arguments reach a dynamic program unchanged" arguments dynamic

many_arguments() {
  local many
  mapfile -t many < <(seq 1 2000)
  run_shim --container "$ID" -- "$PROBES/probe-dynamic" report "${many[@]}"
  equal "$(grep -c ^arg= "$T/err")" 2000 "arguments"
}
it "two thousand arguments reach the program" many_arguments

environment() {
  AGENT_SECRET=1 KUBERNETES_SERVICE_HOST=10.0.0.1 run_shim --container "$ID" --env A=1 --env=B='x y=z' --env C= -- "$PROBES/probe-$1" report
  equal "$(sed -n 's/^env=//p' "$T/err" | grep -v ^PATH= | sort | tr '\n' '|')" "A=1|B=x y=z|C=|HOME=/|" "environment"
  matches "$(sed -n 's/^env=PATH=//p' "$T/err")" "/bin" "PATH"
}
it "the environment of a static program is PATH, HOME and --env, nothing of the agent's" environment static
it "the environment of a dynamic program has no LD_PRELOAD and nothing else of ours" environment dynamic

stdin_is_empty() {
  start_shim --container "$ID" --duration-ms 20000 -- "$PROBES/probe-dynamic" hold
  say start
  await active
  said reported
  local zero ours
  zero=$(sed -n 's/^fd=0 [0-9]* \([^ ]*\).*/\1/p' "$T/err")
  ours=$(id_of "$T/in")
  differ "$zero" "$ours" "the workload's stdin"
  differ "$zero" "" "the workload's descriptor 0"
  stop
  ended_by stopped
}
it "the workload does not share the shim's stdin: it could swallow a stop" stdin_is_empty

output() {
  run_shim --container "$ID" -- "$PROBES/probe-$1" report
  grep -q '^uid=' "$T/err" || fail "the workload's stdout is not on the shim's stderr"
  ! grep -q '^uid=' "$T/out" || fail "the workload's output is among the events"
  jq -es 'all(has("event") and has("at_ms"))' "$T/out" >/dev/null || fail "stdout has more than events"
}
it "a static program's output goes to the shim's stderr, and events alone to stdout" output static
variant "a dynamic program's output goes to the shim's stderr, and events alone to stdout" output dynamic

cannot() { # CODE PROGRAM
  run_shim --container "$ID" -- "$2"
  equal "$STATUS" "$1" "exit code"
  reverted_or_unchanged
}
reverted_or_unchanged() {
  equal "$(field error .code)" exec "error code"
  matches "$(field error .state)" '^(unchanged|reverted)$' "state"
  target_is_alone
}
prepare_programs() {
  printf 'not a program' >"$T/text" && chmod 755 "$T/text"
  printf '#!/nonexistent/interpreter\n' >"$T/script" && chmod 755 "$T/script"
  cp "$PROBES/probe-static" "$T/not-executable" && chmod 644 "$T/not-executable"
  head -c 100 "$PROBES/probe-static" >"$T/truncated" && chmod 755 "$T/truncated"
  # e_machine, at offset 18: 0x1234 is nobody's.
  cp "$PROBES/pause" "$T/foreign" && printf '\x34\x12' | dd of="$T/foreign" bs=1 seek=18 conv=notrunc status=none
  mkdir "$T/folder"
  : >"$T/empty" && chmod 755 "$T/empty"
}
PROGRAMS=$T
prepare_programs
it "exit code 127: no such program" cannot 127 /no/such/program
it "exit code 127: no such name on PATH" cannot 127 no-such-program-anywhere
it "exit code 126: a file that is not executable" cannot 126 "$PROGRAMS/not-executable"
variant "exit code 126: a folder" cannot 126 "$PROGRAMS/folder"
it "exit code 126: a text that is no program" cannot 126 "$PROGRAMS/text"
variant "exit code 126: a script whose interpreter is not there" cannot 126 "$PROGRAMS/script"
variant "exit code 126: an ELF file cut off" cannot 126 "$PROGRAMS/truncated"
variant "exit code 126: an ELF file of another architecture" cannot 126 "$PROGRAMS/foreign"
variant "exit code 126: an empty file" cannot 126 "$PROGRAMS/empty"

own_group() { # LINKAGE
  make_distroless
  begin --container "$ID" -- "$PROBES/probe-$1" hold
  local words
  words=$(<"/proc/$WORKLOAD/stat") && read -ra words <<<"${words##*) }"
  # Fields 5 and 6 of stat(5), counted behind the name.
  equal "${words[2]}" "$WORKLOAD" "process group"
  equal "${words[3]}" "$WORKLOAD" "session"
  stop
}
it "the workload leads a process group and a session of its own, as a program that signals its group expects (static)" own_group static
variant "the workload leads a process group and a session of its own, as a program that signals its group expects (dynamic)" own_group dynamic
