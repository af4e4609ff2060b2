# shellcheck shell=bash
# What the clusters are made of, each from the cache or made now. Sourced after lib.sh, packages.sh, cache.sh.

# need_kubernetes: its path in $kubernetes
need_kubernetes() {
  local key
  key=$(versions kubernetes-client golang-go | key_of "$here/build-kubernetes")
  [[ -d $cache/kubernetes-$key ]] || install_packages build
  cached kubernetes "$key" "Kubernetes from Debian's source package, a real API server and kubelet; usually 3-6 minutes, once" "$here/build-kubernetes"
  kubernetes=$entry
}

tools_version() { sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$project/package.json" 2>/dev/null | head -n 1 | grep . || echo 0.1.0; }

# need_images: its path in $images
need_images() {
  local key tools; mapfile -t tools < <(tools_packages)
  # all that the images hold: a security update of any listed package makes new ones
  key=$( { tools_version; versions "${tools[@]}" "${image_packages[@]}" libc6; } | key_of "$here"/{images,oci-image,image-sources/*} "$project/native/tools-packages.txt")
  [[ -d $cache/images-$key ]] || install_packages image
  cached images "$key" "the tools image and the target images; usually 20-60 s, once" "$here/images" "$(tools_version)"
  # shellcheck disable=SC2034
  images=$entry
}

tools_packages() { sed 's/#.*//' "$project/native/tools-packages.txt" | xargs -n 1; }
