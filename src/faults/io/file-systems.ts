/** What the names of file systems tell, as mountinfo has them. */

const memory: readonly string[] = ['tmpfs', 'ramfs', 'hugetlbfs'];

const pseudo: readonly string[] = [
  ...['proc', 'sysfs', 'devtmpfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'securityfs', 'debugfs', 'tracefs'],
  ...['configfs', 'bpf', 'pstore', 'efivarfs', 'fusectl', 'binfmt_misc', 'autofs', 'nsfs', 'rpc_pipefs', 'selinuxfs'],
];

/** Files in it are memory of whoever writes them. */
export function isMemory(type: string): boolean {
  return memory.includes(type);
}

/** It keeps no files. */
export function isPseudo(type: string): boolean {
  return pseudo.includes(type);
}
