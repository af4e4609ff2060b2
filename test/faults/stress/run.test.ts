import { describe, expect } from 'vitest';
import { experiment } from '../../experiment/scenario.ts';
import { settle } from '../../fakes/clock.ts';
import { MiB, requestFor, target } from '../../fakes/samples.ts';

const GiB = 1_024 * MiB;
const half = requestFor({ memory: { percent: 50 } });
/** The API objects say 128 MiB of the container's own, the cgroups say 64 MiB of the pod's. */
const podLimit = {
  memoryLimitBytes: 64 * MiB,
  memoryLimitLevel: 1,
  memoryRoomBytes: 60 * MiB,
  memoryCurrentBytes: 4 * MiB,
};
const workload = `workload stress-ng --timeout 65s --cache-level 1 --vm 1 --vm-bytes ${32 * MiB} --vm-keep --vm-hang 0 --vm-method zero-one`;

describe('a percentage of memory', () => {
  experiment(
    'is of the limit that the cgroups enforce, told before the start, and judged by that',
    async (s) => {
      s.counters = podLimit;
      await s.activate();
      expect(s.sent).toEqual(['beat', 'beat', workload, 'start']);
      expect(s.reporter.of('announced').map(({ lines }) => lines)).toEqual([
        ["memory   32Mi, 50% of the pod's limit, 64Mi"],
      ]);
      s.counters = { ...podLimit, memoryCurrentBytes: 37 * MiB };
      await s.pass(10_000);
      await s.finish();
      const { exitCode, verdict } = await s.outcome();
      expect(exitCode).toBe(0);
      expect(verdict?.proofs[0]?.sentence).toBe(
        "Asked for 32Mi of memory (50% of the pod's limit, 64Mi): it grew by 33Mi to 37Mi",
      );
      expect(verdict?.document).toMatchObject({ memory: { bytes: 32 * MiB, basis: "50% of the pod's limit, 64Mi" } });
    },
    half,
  );

  experiment(
    'is said to the shim once more with start, when both may have been lost with their stream',
    async (s) => {
      s.counters = podLimit;
      await s.launch();
      await s.attach();
      s.answers.delete('beat');
      await s.pass(200);
      // The shim says that it waits, and what follows from that reaches it no more.
      s.answerBeat(s.cluster.attachment);
      s.cluster.attachment.silent = true;
      await settle();
      s.answers.add('beat');
      s.cluster.attachment.drop('the stream ended');
      await s.pass(1_000);
      expect(s.cluster.attachments).toHaveLength(2);
      expect(s.stream?.sent.slice(-2)).toEqual([workload, 'start']);
      await s.finish();
      await s.outcome();
    },
    half,
  );

  experiment(
    'of a container without a limit is refused beyond what the node has free',
    async (s) => {
      s.counters = { memoryLimitBytes: -1, nodeMemoryTotalBytes: 64 * GiB, nodeMemoryAvailableBytes: 32 * GiB };
      await s.unbegun();
      await expect(s.outcome()).rejects.toMatchObject({
        code: 'target-unsuitable',
        message:
          "container app has no memory limit, and the node would be short of memory: 32Gi of memory (50% of the node's memory, 64Gi, since no limit holds) asked for, but 32Gi of the node's 64Gi are available, of which 6.4Gi are left to the other pods",
        hint: 'Ask for at most --memory 26145Mi, or use --allow-node-memory if other pods may be evicted or killed.',
      });
    },
    half,
  );

  experiment(
    'beyond that is let through with a warning where the user allows it',
    async (s) => {
      s.counters = { memoryLimitBytes: -1, nodeMemoryTotalBytes: 64 * GiB, nodeMemoryAvailableBytes: 32 * GiB };
      await s.activate();
      expect(s.reporter.of('warning').map(({ message }) => message)).toEqual([
        expect.stringContaining('the node will be short of memory'),
      ]);
      await s.finish();
      await s.outcome();
    },
    requestFor({ memory: { percent: 50 }, allowNodeMemory: true }),
  );
});

describe('busy CPUs', () => {
  experiment(
    'are judged by what the node has, and not by what of it may be requested',
    async (s) => {
      s.cluster.target = target({ nodeCores: 2, nodeAllocatableCores: 0.94 });
      s.counters = { cpuQuotaUs: -1 };
      await s.activate();
      s.cores = 1.98;
      await s.pass(10_000);
      await s.finish();
      expect((await s.outcome()).verdict?.proofs[0]?.sentence).toBe(
        'Asked for 4 busy CPUs; the node has 2.00: it used 1.98 (99%)',
      );
    },
    requestFor({ cpu: { workers: 4, loadPercent: 100 } }),
  );

  experiment(
    "are judged by the pod's limit, which is called so",
    async (s) => {
      s.counters = { cpuLevel: 1 };
      await s.activate();
      await s.pass(10_000);
      await s.finish();
      expect((await s.outcome()).verdict?.proofs[0]?.sentence).toBe(
        'Asked for 2 busy CPUs; the pod may use 1.00: it used 0.99 (99%)',
      );
    },
    requestFor({ cpu: { workers: 2, loadPercent: 100 } }),
  );
});

experiment(
  'a size is held as it was planned',
  async (s) => {
    await s.activate();
    expect(s.sent).toEqual(['beat', 'beat', 'start']);
    await s.finish();
    await s.outcome();
  },
  requestFor({ memory: { bytes: 32 * MiB } }),
);

experiment(
  'arguments of the user that are too many to go with a percentage are refused',
  async (s) => {
    await s.unbegun();
    await expect(s.outcome()).rejects.toMatchObject({ hint: 'Use fewer arguments, or a size: --memory 64Mi.' });
  },
  requestFor({ memory: { percent: 50 }, stressNgArgs: Array.from({ length: 60 }, () => '--vm') }),
);
