/** What the toolbox is made of: two parts, of Debian's packages, for two architectures. */
export const architectures = ['amd64', 'arm64'] as const;
export type Architecture = (typeof architectures)[number];

/** `net` for the faults of the network; `stress` for those that load CPU, memory and disks. */
export const partNames = ['net', 'stress'] as const;
export type PartName = (typeof partNames)[number];

/** As Debian's packages and compilers name it. */
export const triplets: Readonly<Record<Architecture, string>> = {
  amd64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};

export interface Part {
  /** Debian packages that hold the programs and files; those of the libraries follow. */
  readonly packages: readonly string[];
  /** Names of programs: each becomes `bin/NAME`. */
  readonly programs: readonly string[];
  /** Directories, relative to `/`, whose files the programs read; they keep their paths. `TRIPLET` stands for the architecture's. */
  readonly directories: readonly string[];
  /**
   * Libraries that no program of the part calls for a fault, and what needs them. Each is left out with all that only it needs; a stub
   * of ours takes its place, without which the loader would refuse the program.
   */
  readonly leftOut: Readonly<Record<string, string>>;
}

const gpu = "stress-ng's gpu stressor";

export const parts: Readonly<Record<PartName, Part>> = {
  net: {
    packages: ['iproute2', 'nftables'],
    programs: ['ip', 'nft', 'tc'],
    // The tables of netem's distributions, and the names of routing tables, protocols and scopes.
    directories: ['usr/lib/TRIPLET/tc', 'usr/share/iproute2'],
    leftOut: {
      'libbpf.so.1': 'a BPF program',
      'libelf.so.1': 'a BPF program',
      'libselinux.so.1': "a process's SELinux label",
      'libbsd.so.0': "nft's interactive mode",
      'libtinfo.so.6': "nft's interactive mode",
    },
  },
  stress: {
    packages: ['stress-ng'],
    programs: ['stress-ng'],
    directories: [],
    // Of the libraries by far the largest, each for one stressor. Two of these cannot work in a container: they need a GPU, or load kernel modules.
    leftOut: {
      'libEGL.so.1': gpu,
      'libGLESv2.so.2': gpu,
      'libgbm.so.1': gpu,
      'libkmod.so.2': "stress-ng's module stressor",
      'libIPSec_MB.so.2': "stress-ng's ipsec-mb stressor",
    },
  },
};
