import { formatCidr } from '../../ip.ts';
import { firstLine, joinWords } from '../../text.ts';
import { formatDuration } from '../../units.ts';
import { describeConsequence, describeProbe, type ProbeAtRisk } from '../common/probes.ts';
import { affectsProbe, showsSender } from './probes.ts';
import type { Rules } from './rules.ts';
import { type Heard, isOfNode, listenId, nameOf } from './sources.ts';
import type { Answer, Listening, ProbeSource } from './types.ts';

/** What is known of where the probes come from, for what the user is told of them. */
export interface ProbeKnowledge {
  sources: readonly ProbeSource[];
  /** Whether the node's addresses are among them. */
  isNodeKnown: boolean;
  /** Undefined: nobody has listened, or could. */
  heard: readonly Heard[] | undefined;
  listening: Listening | undefined;
  answers: ReadonlyMap<string, Answer>;
}

/** What the kubelet will do about probes that fail, or may; where it is not known who sends a probe, that is said. */
export function probeWarnings(
  atRisk: readonly ProbeAtRisk[],
  rules: readonly Rules[],
  known: ProbeKnowledge,
): string[] {
  return atRisk.flatMap((each) => warningOf(each, rules, known) ?? []);
}

function warningOf(each: ProbeAtRisk, rules: readonly Rules[], known: ProbeKnowledge): string | undefined {
  const { sources, isNodeKnown, heard = [], listening, answers } = known;
  const { port } = each.probe;
  const affected = (source: ProbeSource) => affectsProbe(rules, port, source.cidr);
  const kubelet = sources.filter(({ kubeProbe }) => kubeProbe.length > 0);
  const [text, consequence] = [describeProbe(each.probe), describeConsequence(each)];
  if (kubelet.length > 0) {
    const from = kubelet.filter(affected);
    if (from.length > 0) return `${text} comes from ${joinWords(from.map(nameOf))}, which is affected: ${consequence}`;
    // Any pod can call itself the kubelet; then the kubelet itself may not have been heard.
    if (kubelet.some(isOfNode)) return undefined;
    const claim = `${joinWords(kubelet.map(nameOf))} calls itself the kubelet, but is not known to be the node's`;
    return `${text}: ${claim}; if it comes from another address that is affected, ${consequence}`;
  }
  const named = sources.filter(affected);
  if (named.length > 0) {
    return `${text} may come from ${joinWords(named.map(nameOf))}, which is affected: if it does, ${consequence}`;
  }
  // A request of the kubelet's would have shown itself: another connection from the node says nothing of it.
  const isMet = !showsSender(each.probe) && sources.some(({ connected }) => connected.includes(port));
  const hasListened = listening !== undefined && answers.has(listenId);
  if (isMet || (isNodeKnown && !hasListened)) return undefined;
  const others = heard.filter((other) => other.port === port).map(({ cidr }) => formatCidr(cidr));
  const why = hasListened ? whoWasSeen(listening, answers, others, port) : "the node's addresses are not known";
  return `${text}: ${why}; if it comes from an address that is affected, ${consequence}`;
}

function whoWasSeen(
  { ms }: Listening,
  answers: ReadonlyMap<string, Answer>,
  others: readonly string[],
  port: number,
): string {
  const answer = answers.get(listenId);
  if (answer?.exitCode !== 0)
    return `who sends it could not be seen (${firstLine(answer?.stderr) || 'no reason given'})`;
  if (others.length === 0) return `who sends it was not seen within ${formatDuration(ms)}`;
  const more = others.length > 3 ? ` and ${others.length - 3} more` : '';
  return `who sends it is not certain (port ${port} was connected to from ${others.slice(0, 3).join(', ')}${more})`;
}
