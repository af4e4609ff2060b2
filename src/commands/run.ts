import { ExitCode } from '../errors.ts';
import { withDoctor } from '../experiment/doctor-hint.ts';
import { protectedContextsVariable } from '../experiment/protection.ts';
import { Tidying } from '../experiment/tidying.ts';
import type { Request } from '../requests.ts';
import { confirmation } from './confirm.ts';
import type { CommandPorts } from './ports.ts';
import { reporting } from './reporting.ts';
import { settle } from './tidying.ts';

/** A fault: carries it out, or with `--dry-run` shows what would be. Resolves to the exit code; rejects with ChaosError. */
export async function run(request: Request, ports: CommandPorts): Promise<number> {
  try {
    return await carryOut(request, ports);
  } catch (error) {
    throw withDoctor(error, request.run);
  }
}

function carryOut(request: Request, ports: CommandPorts): Promise<number> {
  return reporting(request.run, ports, request.run.dryRun !== undefined, async (reporter) => {
    const startedAt = ports.clock.now();
    const cluster = await ports.connect(request.run.connection);
    const tidying = new Tidying(cluster, ports.clock, request.run.cleanup && request.run.dryRun === undefined);
    try {
      const ask = confirmation(ports, request.run.output === 'human');
      const around = {
        ...ports,
        ...{ cluster, reporter, startedAt, tidying },
        protectedContexts: ports.env[protectedContextsVariable],
        ...(ask ? { confirm: () => ask('Run the experiment all the same? [y/N] ') } : {}),
      };
      if (request.run.dryRun) {
        const [
          { prepare, rehearseRequest },
          { agentsOf },
          { rehearsal, rehearsedRequest, renderPlan, whereObjectsAre },
        ] = await Promise.all([
          import('../experiment/prepare.ts'),
          import('../experiment/assembly.ts'),
          import('../terminal/dry-run.ts'),
        ]);
        const plans = await prepare(request, around);
        const agents = agentsOf(plans);
        if (request.run.dryRun === 'server') {
          const answers = new Set<string>();
          for (const agent of agents) answers.add(rehearsal(await cluster.rehearse(agent)));
          for (const plan of plans) if (await rehearseRequest(plan, cluster)) answers.add(rehearsedRequest);
          for (const answer of answers) ports.stderr.write(answer);
        }
        ports.stdout.write(renderPlan(plans, cluster.render(agents), request.run.output));
        if (request.run.output === 'human' && agents.length > 0) ports.stderr.write(whereObjectsAre);
        return ExitCode.effective;
      }
      const { runExperiment } = await import('../experiment/run.ts');
      return (await runExperiment(request, around)).exitCode;
    } finally {
      await settle(tidying, request.run.verbose, ports);
      cluster.close();
    }
  });
}
