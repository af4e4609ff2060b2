# shellcheck shell=bash
# Things that take long to make are made once. Sourced after lib.sh.
#   $cache/NAME-KEY            whole, or not there: built in a directory beside it and renamed
#   $cache/.building-NAME-KEY  its making; what a killed run left of it, sweep_cache removes
# KEY is a hash of everything that went in, so a changed script or package makes a new entry.

# key_of FILE...: of those files' content and of standard input
key_of() { { cat; cat "$@"; } | sha256sum | cut -c1-16; }

# sweep_cache: removes what killed runs left, and ends a virtual machine that ran in it (recorded in run/pid)
sweep_cache() {
  local building name lock pidfile
  for building in "$cache"/.building-*; do
    [[ -d $building ]] || continue
    name=${building##*/.building-}; name=${name%-*}
    exec {lock}>"$cache/.lock-$name"
    if flock -n "$lock"; then       # nobody is at it
      for pidfile in "$building"/run/pid/*; do [[ -e $pidfile ]] && kill_recorded "$pidfile"; done
      rm -rf --one-file-system "$building"
    fi
    exec {lock}>&-
  done
}

# cached NAME KEY WHAT BUILDER ARG...: leaves the entry's path in $entry. BUILDER gets a directory to fill as its last argument.
cached() {
  local name=$1 key=$2 what=$3 log; shift 3
  entry=$cache/$name-$key
  [[ -d $entry ]] && { touch "$entry"; return; }
  mkdir -p "$cache/log"
  # a descriptor of its own: the state's lock (9) is held at the same time
  local lock; exec {lock}>"$cache/.lock-$name"
  until flock -n "$lock"; do say "waiting for another run that makes $name"; flock -w 10 "$lock" && break; done
  if [[ ! -d $entry ]]; then
    local building=$cache/.building-$name-$key; rm -rf --one-file-system "$building"; mkdir "$building"
    log=$cache/log/$name.log; : >"$log"
    # in a mount namespace of its own: what a build mounts goes with it, however it ends
    say "making $name, kept in $entry: $what"
    long_step "making $name" "$log" unshare --mount --propagation private "$@" "$building"
    mv "$building" "$entry"
    # the three latest stay, for work trees side by side
    local old; for old in $(find "$cache" -maxdepth 1 -name "$name-????????????????" -printf '%T@ %p\n' | sort -rn | awk 'NR > 3 {print $2}'); do rm -rf "$old"; done
  fi
  exec {lock}>&-
}
