# shellcheck shell=bash
# The Debian packages that each part needs, and their installation. Sourced after lib.sh.

base_packages=(ca-certificates procps util-linux iproute2)
# shellcheck disable=SC2034
build_packages=(golang-go rsync jq make gcc libc6-dev dpkg-dev)
image_packages=(mmdebstrap busybox-static jq gcc libc6-dev)
host_packages=("${base_packages[@]}" etcd-server containerd runc containernetworking-plugins openssl)
vm_packages=("${base_packages[@]}" qemu-system-x86 qemu-utils e2fsprogs cpio kmod busybox-static mmdebstrap)

# packages_for PART...: of every part named, with kubectl unless the machine has one of its own
packages_for() {
  local part list
  for part in "$@"; do declare -n list=${part}_packages; printf '%s\n' "${list[@]}"; done
  command -v kubectl >/dev/null || echo kubernetes-client
}

missing_packages() {
  local package
  for package in $(packages_for "$@" | sort -u); do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

# refresh_package_lists: when apt does not know a package we use (a fresh machine), or not where it comes from
refresh_package_lists() {
  [[ $(versions "$@" | wc -l) == $# && $(debian_sources) ]] && return
  say "refreshing apt's package lists"
  apt-get -qq -o DPkg::Lock::Timeout=300 update >&2
}

install_packages() { # PART...
  local missing; mapfile -t missing < <(missing_packages "$@")
  (( ${#missing[@]} )) || return 0
  refresh_package_lists "${missing[@]}"
  (( EUID == 0 )) || die "these Debian packages are missing and need root to be installed: ${missing[*]}"
  say "installing the Debian packages that are missing (usually 10-40 s): ${missing[*]}"
  local policy=/usr/sbin/policy-rc.d
  # etcd and containerd would start services of their own; ours is told no by a policy that means nothing once we are gone
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' "$$" >"$policy.new" && chmod 755 "$policy.new" && mv "$policy.new" "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  mkdir -p "$cache"
  long_step "installing packages" "$cache/install.log" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}"
  if [[ -e $policy ]] && grep -q "^kill -0 $$ " "$policy"; then rm -f "$policy"; trap - EXIT; fi
}

# versions PACKAGE...: the candidate of each that apt knows, one a line ("PACKAGE VERSION"); goes into cache keys
versions() { LC_ALL=C apt-cache policy "$@" | awk '/^[^ ]/ {name = $1; sub(/:$/, "", name)} $1 == "Candidate:" && $2 != "(none)" {print name, $2}'; }

# debian_sources: sources.list lines of the machine's own Debian archive; other archives it may use are none of ours
debian_sources() {
  apt-get indextargets --format 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Identifier: Packages' 'Origin: Debian' 2>/dev/null | sort -u
}
