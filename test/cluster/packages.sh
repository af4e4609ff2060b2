# shellcheck shell=bash
# The Debian packages that each part needs, and their installation. Sourced after lib.sh.

base_packages=(ca-certificates procps util-linux iproute2)
# shellcheck disable=SC2034
build_packages=(golang-go rsync jq make gcc libc6-dev dpkg-dev)
image_packages=(mmdebstrap busybox-static jq gcc libc6-dev)
host_packages=("${base_packages[@]}" e2fsprogs etcd-server containerd runc containernetworking-plugins openssl curl jq)
vm_packages=("${base_packages[@]}" qemu-system-x86 qemu-utils e2fsprogs xfsprogs fdisk cpio kmod busybox-static mmdebstrap)

is_bookworm() {
  # shellcheck disable=SC1091
  command -v apt-get >/dev/null && [[ $(. /etc/os-release 2>/dev/null; echo "${ID:-} ${VERSION_CODENAME:-}") == "debian bookworm" ]]
}

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
  [[ $(versions "$@" | wc -l) == "$#" && $(debian_sources) ]] && return
  say "refreshing apt's package lists"
  apt-get -qq -o DPkg::Lock::Timeout=300 update >&2
}

# The packages of etcd and containerd start services, which are not wanted: a policy says no as long as this process lives.
service_policy=/usr/sbin/policy-rc.d
forbid_services() {
  allow_services
  [[ ! -e $service_policy ]] || return 0      # the machine has a policy of its own
  printf '#!/bin/sh\n# of kubectl-chaos, for one installation\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' "$$" >"$service_policy.new"
  chmod 755 "$service_policy.new"; mv "$service_policy.new" "$service_policy"
  trap allow_services EXIT
}
allow_services() { if grep -qs 'of kubectl-chaos' "$service_policy"; then rm -f "$service_policy"; fi; }

install_packages() { # PART...
  local missing; mapfile -t missing < <(missing_packages "$@")
  (( ${#missing[@]} )) || return 0
  refresh_package_lists "${missing[@]}"
  (( EUID == 0 )) || die "these Debian packages are missing and need root to be installed: ${missing[*]}"
  say "installing the Debian packages that are missing (usually 10-40 s): ${missing[*]}"
  mkdir -p "$cache/log"
  forbid_services
  # a run killed in the middle of an installation leaves this to do
  [[ ! $(ls /var/lib/dpkg/updates) ]] || long_step "finishing an interrupted installation" "$cache/log/install.log" env DEBIAN_FRONTEND=noninteractive dpkg --configure -a
  long_step "installing packages" "$cache/log/install.log" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}"
  allow_services
}

# versions PACKAGE...: the candidate of each that apt knows, one a line ("PACKAGE VERSION"); goes into cache keys
versions() { LC_ALL=C apt-cache policy "$@" | awk '/^[^ ]/ {name = $1; sub(/:$/, "", name)} $1 == "Candidate:" && $2 != "(none)" {print name, $2}'; }

# debian_sources: sources.list lines of the machine's own Debian archive; other archives it may use are none of ours
debian_sources() {
  apt-get indextargets --format 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Identifier: Packages' 'Origin: Debian' 2>/dev/null | sort -u
}
