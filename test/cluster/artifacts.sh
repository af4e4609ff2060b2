# shellcheck shell=bash
# What the clusters are made of, each from the cache or made now. Sourced after lib.sh, packages.sh, cache.sh.

# need_kubernetes: its path in $kubernetes
need_kubernetes() {
  local key
  key=$(versions kubernetes-client golang-go golang-github-modern-go-reflect2-dev | key_of "$here/build-kubernetes")
  [[ -d $cache/kubernetes-$key ]] || install_packages build
  cached kubernetes "$key" "Kubernetes from Debian's source package, a real API server and kubelet; usually 3-6 minutes, once" nice -n 5 "$here/build-kubernetes"
  kubernetes=$entry
}

tools_version() { sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$project/package.json" 2>/dev/null | head -n 1 | grep . || echo 0.1.0; }

# need_images: its path in $images
need_images() {
  local key tools; mapfile -t tools < <(tools_packages)
  # all that the images hold: a security update of any listed package makes new ones
  key=$( { tools_version; versions "${tools[@]}" "${image_packages[@]}" libc6; } | key_of "$here"/{images,oci-image,image-sources/*} "$project/native/"{tools-packages.txt,tests/probes/fuse.c})
  [[ -d $cache/images-$key ]] || install_packages image
  cached images "$key" "the tools image and the target images; usually 20-60 s, once" "$here/images" "$(tools_version)"
  # shellcheck disable=SC2034
  images=$entry
}

tools_packages() { sed 's/#.*//' "$project/native/tools-packages.txt" | xargs -n 1; }

# need_kernel: Debian's cloud kernel (with netem, tbf, ifb) for the VM and to try KVM with; its path in $kernel
need_kernel() {
  local package; package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/ {print $2; exit}')
  cached kernel "$(versions "$package" | key_of)" "the virtual machine's kernel; usually 5-10 s, once" "$here/vm-kernel" "$package"
  kernel=$entry
}

vm_system_packages=(containerd runc etcd-server containernetworking-plugins curl jq iproute2 nftables kmod openssl procps iputils-ping util-linux)
vm_node_files=(process.sh daemon node-config.sh node-start vm-init)     # what of this folder runs in the VM

# need_vm_image: disk, kernel and initrd; its path in $vm_image
need_vm_image() {
  local key
  need_kubernetes; need_images; need_kernel
  key=$( { echo "$kubernetes $images $kernel"; versions "${vm_system_packages[@]}" busybox-static; } | key_of "$here/vm-image" "${vm_node_files[@]/#/$here/}")
  cached vm-image "$key" "the virtual machine's disk; usually 60-120 s, once" \
    env KUBERNETES="$kubernetes" IMAGES="$images" KERNEL="$kernel" "$here/vm-image" "${vm_node_files[*]}" "${vm_system_packages[*]}"
  vm_image=$entry
}

# need_vm_saved CGROUP: the emulated machine's memory and disk as they are once the cluster is up, so that later starts resume
# instead of booting; its path in $vm_saved
need_vm_saved() {
  local key
  key=$( { echo "$vm_image $1"; versions qemu-system-x86; qemu-system-x86_64 --version; } | key_of "$here"/vm-{boot,save,qemu.sh})
  # Saved long ago it does not come to itself: measured after two hours, its controllers see no change any more once its clock has jumped.
  [[ -n $(find "$cache/vm-saved-$1-$key/memory" -mmin -10 2>/dev/null) ]] || rm -rf "$cache/vm-saved-$1-$key"
  cached "vm-saved-$1" "$key" "the emulated machine, booted once and saved with its cluster up (cgroup $1); usually 100-250 s" "$here/vm-save" "$vm_image" "$1"
  # shellcheck disable=SC2034
  vm_saved=$entry
}
