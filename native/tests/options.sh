#!/usr/bin/env bash
# Usage errors: one line on stderr that names the option, an error event, exit 125. And both spellings of what is right.
. "$(dirname "$0")/libtest.sh"
. "$TESTS/fixtures.sh"
. "$TESTS/shim.sh"

T=$(mktemp -d "$RUN_TMP/options.XXXXXX")
make_distroless
RUN=(run --container "$ID")
PROGRAM=(-- "$PROBES/probe-static" exit 0)

usage() { # NAME_IN_MESSAGE ARG...
  local status=0 errors events
  timeout 5 "$NSEXEC" "${@:2}" >"$T/out" 2>"$T/err" </dev/null || status=$?
  mapfile -t errors <"$T/err"
  mapfile -t events <"$T/out"
  equal "$status" 125 "exit code"
  equal "${#errors[@]}" 1 "lines on stderr"
  [[ ${errors[0]} == *"$1"* ]] || fail "stderr does not name $1: ${errors[0]}"
  equal "$(field error .code) $(field error .state)" "usage unchanged" "error"
  equal "${#events[@]}" 1 "events"
}
# The parser of options has unit tests with the sanitizers.
wrong() { variant "usage: $1" usage "${@:2}"; }

wrong "no command" "command"
wrong "unknown command" "frobnicate" frobnicate
wrong "unknown option" "--frobnicate" "${RUN[@]}" --frobnicate 1 "${PROGRAM[@]}"
wrong "an abbreviated option is unknown" "--contain" run --contain "$ID" "${PROGRAM[@]}"
wrong "neither container nor pid" "--container" run "${PROGRAM[@]}"
wrong "both container and pid" "--pid" "${RUN[@]}" --pid 2 "${PROGRAM[@]}"
wrong "no program" "PROGRAM" "${RUN[@]}"
wrong "no program after --" "PROGRAM" "${RUN[@]}" --
wrong "a word before --" "stray" "${RUN[@]}" stray "${PROGRAM[@]}"
wrong "a program for inspect" "--" inspect --container "$ID" "${PROGRAM[@]}"
wrong "an option without its value" "--duration-ms" "${RUN[@]}" --duration-ms

HOLD=(hold --container "$ID")
wrong "hold without a tool" "--tool" "${HOLD[@]}"
wrong "hold with a program" "--" "${HOLD[@]}" --tool ip "${PROGRAM[@]}"
wrong "hold with an empty tool" "--tool" "${HOLD[@]}" --tool=
wrong "hold with nine tools" "--tool" "${HOLD[@]}" --tool={1,2,3,4,5,6,7,8,9}
wrong "run with a tool" "--tool" "${RUN[@]}" --tool ip "${PROGRAM[@]}"
wrong "inspect with a duration" "--duration-ms" inspect --container "$ID" --duration-ms 5
for option in --grace-ms=0 --oom-score-adj=0 --scratch-bytes=0 --env=A=b; do
  wrong "hold with ${option%%=*}" "${option%%=*}" "${HOLD[@]}" --tool ip "$option"
done

DATA=(--path /data)
wrong "a path that is not absolute" "--path" "${RUN[@]}" --path data "${PROGRAM[@]}"
wrong "an empty path" "--path" "${RUN[@]}" --path= "${PROGRAM[@]}"
wrong "a path of 4096 bytes" "--path" "${RUN[@]}" --path "/$(printf 'x%.0s' {1..4095})" "${PROGRAM[@]}"
wrong "inspect with a path" "--path" inspect --container "$ID" "${DATA[@]}"
wrong "hold with a directory" "--directory" "${HOLD[@]}" --tool ip "${DATA[@]}" --directory .kubectl-chaos-a
for name in "" .kubectl-chaos- chaos .kubectl-chaos-A .kubectl-chaos-a/../b "$(printf '.kubectl-chaos-%050d' 0)"; do
  wrong "--directory ${name:0:24}" "--directory" "${RUN[@]}" "${DATA[@]}" "--directory=$name" "${PROGRAM[@]}"
done
for value in "" write write= write=1 write=4097 write=4096/8192 write=67112960 write=4096,write=4096 read=4096, sync=4096; do
  wrong "--probe ${value:-of nothing}" "--probe" "${RUN[@]}" "${DATA[@]}" "--probe=$value" "${PROGRAM[@]}"
done
for option in --directory=.kubectl-chaos-a --probe=write=4096 --probe-ms=100; do
  wrong "${option%%=*} without --path" "--path" "${RUN[@]}" "$option" "${PROGRAM[@]}"
done

wrong "sweep with a target" "--container" sweep --container "$ID"
wrong "sweep with a duration" "--duration-ms" sweep --duration-ms 5
wrong "sweep with a word" "stray" sweep stray
wrong "--any-signal for sweep" "--any-signal" sweep --any-signal
wrong "--remove with a value" "--remove" sweep --remove=yes
wrong "--toolbox for inspect" "--toolbox" inspect --pid 1 --toolbox
wrong "--toolbox for sweep" "--toolbox" sweep --toolbox
wrong "--allow-host-network for run" "--allow-host-network" "${RUN[@]}" --allow-host-network "${PROGRAM[@]}"
wrong "--remove for run" "--remove" "${RUN[@]}" --remove "${PROGRAM[@]}"

# NAME LOW HIGH: below, above, and what is no number at all.
out_of_range() {
  local value
  for value in $(($2 - 1)) $(($3 + 1)) "" x 1x 0x10 1.5 "1 " " 1" +1 1e3 99999999999999999999999 18446744073709551617 4294967297000000; do
    usage "$1" "${RUN[@]}" "$1=$value" "${PROGRAM[@]}"
  done
}
variant "usage: --duration-ms out of 1 … 30 days, or no number" out_of_range --duration-ms 1 2592000000
variant "usage: --grace-ms out of 0 … 600000, or no number" out_of_range --grace-ms 0 600000
variant "usage: --sample-ms out of 100 … 60000, or no number" out_of_range --sample-ms 100 60000
path_out_of_range() {
  local RUN=("${RUN[@]}" "${DATA[@]}")
  out_of_range "$@"
}
variant "usage: --probe-ms out of 100 … 60000, or no number" path_out_of_range --probe-ms 100 60000
variant "usage: --scratch-bytes out of 0 … 1 GiB, or no number" out_of_range --scratch-bytes 0 1073741824
variant "usage: --oom-score-adj out of -1000 … 1000, or no number" out_of_range --oom-score-adj -1000 1000
variant "usage: --lease-ms above 3600000, or no number" out_of_range --lease-ms 0 3600000
lease_gap() { usage --lease-ms "${RUN[@]}" --lease-ms "$1" "${PROGRAM[@]}"; }
variant "usage: --lease-ms 1 is neither 0 nor at least 1000" lease_gap 1
variant "usage: --lease-ms 999 is neither 0 nor at least 1000" lease_gap 999
pids() {
  local value
  for value in 0 -1 4194305 x ""; do usage --pid run "--pid=$value" "${PROGRAM[@]}"; done
}
variant "usage: --pid out of 1 … 4194304, or no number" pids
ids() {
  local value
  for value in "" short 12345678901 "../../../../../etc" "0123456789ab/cdef" "0123456789abcdef*" "0123456789 abcdef" "containerd://0123456789abcdef" "$(printf 'a%.0s' {1..129})"; do
    usage --container run "--container=$value" "${PROGRAM[@]}"
  done
}
variant "usage: --container that is no container id" ids
wrong "--as neither target nor root" "--as" "${RUN[@]}" --as nobody "${PROGRAM[@]}"
wrong "--need an unknown controller" "--need" "${RUN[@]}" --need cpu,frobnicate "${PROGRAM[@]}"
wrong "--need an empty name" "--need" "${RUN[@]}" --need name= "${PROGRAM[@]}"
wrong "--need an empty item" "--need" "${RUN[@]}" --need cpu,,memory "${PROGRAM[@]}"
wrong "--env without =" "--env" "${RUN[@]}" --env NAME "${PROGRAM[@]}"
wrong "--env without a name" "--env" "${RUN[@]}" --env =value "${PROGRAM[@]}"

both_spellings() {
  run_shim --container="$ID" --duration-ms=5000 --lease-ms 1000 --grace-ms=10 --sample-ms 100 --as=target --oom-score-adj=500 --scratch-bytes 65536 --env=A=b -- "$PROBES/probe-static" report
  equal "$STATUS" 0 "exit code"
  equal "$(reported oom_score_adj)" 500 "oom_score_adj"
}
it "--option VALUE and --option=VALUE are both read" both_spellings

options_of_the_program() {
  run_shim --container "$ID" -- "$PROBES/probe-static" report --container x -- --pid=1
  equal "$(sed -n 's/^arg=//p' "$T/err" | tr '\n' ' ')" "--container x -- --pid=1 " "arguments"
}
it "what follows -- is the program's, options too" options_of_the_program

extremes() {
  start_shim --container "$ID" --duration-ms 2592000000 --lease-ms 3600000 --grace-ms 600000 --sample-ms 60000 -- "$PROBES/probe-static" hold
  say start
  await active
  stop
  ended_by stopped
}
it "the largest values are taken and do not overflow a clock" extremes
