# shellcheck shell=bash
# Writes into $STATE all that the node's programs read: certificates, kubeconfigs, configuration. Sourced by node-start.

write_certificates() {
  cd "$STATE/pki"
  local san=DNS:$NODE; [[ $NODE =~ ^[0-9.]+$ ]] && san=IP:$NODE
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt -subj /CN=kubectl-chaos-test -days 3650 2>/dev/null
  openssl ecparam -genkey -name prime256v1 -noout -out sa.key; openssl ec -in sa.key -pubout -out sa.pub 2>/dev/null
  certificate apiserver /CN=kube-apiserver "IP:127.0.0.1,IP:10.96.0.1,IP:$ADVERTISE,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default.svc"
  certificate etcd /CN=etcd "IP:127.0.0.1,DNS:localhost"
  certificate admin /O=system:masters/CN=admin DNS:admin
  certificate controller-manager /CN=system:kube-controller-manager DNS:controller-manager
  certificate scheduler /CN=system:kube-scheduler DNS:scheduler
  certificate node "/O=system:nodes/CN=system:node:$NODE" "$san,IP:127.0.0.1,IP:$ADVERTISE"
  chmod 600 -- *.key
}

certificate() { # NAME SUBJECT SUBJECT_ALT_NAMES
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" -extfile <(echo "subjectAltName=$3") 2>/dev/null
}

# write_kubeconfig USER FILE: certificates inside, so the file can be carried to another machine; readable by its owner alone
write_kubeconfig() {
  cd "$STATE/pki"
  (umask 077; cat >"$2.new") <<X2
apiVersion: v1
kind: Config
clusters: [{name: chaos-test, cluster: {server: "https://127.0.0.1:$API_PORT", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}}]
contexts: [{name: chaos-test, context: {cluster: chaos-test, user: $1}}]
current-context: chaos-test
X2
  mv "$2.new" "$2"
}

# Pods have an address of each family. Not the bridge plugin's gateway: it would make a router of the machine, which thereby
# loses an IPv6 default route that it has by router advertisement; pods of one node need none.
write_network() {
  cat >"$STATE/net.d/10-bridge.conflist" <<X2
{"cniVersion": "0.3.1", "name": "chaos-test", "plugins": [
  {"type": "loopback"},
  {"type": "tuning", "sysctl": {"net.ipv6.conf.default.accept_dad": "0"}},
  {"type": "bridge", "bridge": "$BRIDGE",
   "ipam": {"type": "host-local", "ranges": [[$(range "$POD_SUBNET" "${POD_SUBNET%.*}.%d")], [$(range "$POD_SUBNET6" "${POD_SUBNET6%/*}%x")]], "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]}}]}
X2
}

# range SUBNET FORMAT: the addresses of this node's pods in it, from POD_FIRST (2) to POD_LAST (199): on one bridge each node has some of its own
range() {
  # shellcheck disable=SC2059  # a format it is
  printf '{"subnet": "%s", "rangeStart": "%s", "rangeEnd": "%s"}' "$1" "$(printf "$2" "${POD_FIRST:-2}")" "$(printf "$2" "${POD_LAST:-199}")"
}

# make_bridge: with the first address of each subnet, by which the kubelet's probes reach the pods
make_bridge() {
  ip link add "$BRIDGE" address 0a:58:0a:f4:00:01 type bridge      # one that stays: else it is the lowest of its ports', and changes with them
  echo 0 >"/proc/sys/net/ipv6/conf/$BRIDGE/disable_ipv6"
  echo 0 >"/proc/sys/net/ipv6/conf/$BRIDGE/accept_dad"
  ip address add "${POD_SUBNET%.*}.1/${POD_SUBNET#*/}" dev "$BRIDGE"
  ip address add "${POD_SUBNET6%/*}1/${POD_SUBNET6#*/}" dev "$BRIDGE" nodad
  ip link set "$BRIDGE" up
}

write_containerd() {
  cat >"$STATE/containerd.toml" <<X2
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "$socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "$STATE/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.6"
  restrict_oom_score_adj = true       # this machine may lack CAP_SYS_RESOURCE
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/net.d"
X2
}

write_kubelet() {
  cat >"$STATE/kubelet.yaml" <<X2
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
address: $BIND
port: $KUBELET_PORT
healthzPort: 0
tlsCertFile: $STATE/pki/node.crt
tlsPrivateKeyFile: $STATE/pki/node.key
failSwapOn: false
cgroupDriver: cgroupfs
makeIPTablesUtilChains: false         # no service is routed here, and the machine keeps its rules as they are
volumePluginDir: $STATE/volume-plugins
${CGROUP_ROOT:+cgroupRoot: $CGROUP_ROOT}
kubeAPIQPS: 100                       # the default of 5 a second makes pods wait for their status
kubeAPIBurst: 200
eventRecordQPS: 0
nodeStatusUpdateFrequency: $STATUS_PERIOD
nodeStatusReportFrequency: 5m         # of an unchanged status: as it is by default
featureGates: {IPv6DualStack: true}
clusterDNS: [10.96.0.10]              # nobody is there; without one every pod gets a warning event
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
imageGCHighThresholdPercent: 100
X2
}
