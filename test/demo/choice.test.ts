import { describe, expect, it } from 'vitest';
import { choose, type Possible, parseArguments, type Sandbox } from './choice.ts';

const kind = { context: 'kind-dev', maker: 'kind' } as const;
const none = { yes: false, sandbox: undefined };

/** What is possible here; whoever is asked without need fails the test. */
function machine(answers: Partial<Record<Sandbox, Possible>>) {
  return (sandbox: Sandbox): Possible => {
    const answer = answers[sandbox];
    if (!answer) throw new Error(`${sandbox} was asked`);
    return answer;
  };
}
const yes = { possible: true, why: '' };
const no = (why: string) => ({ possible: false, why });

describe('where the demo runs', () => {
  it('on this machine where that is possible, without a look at what a virtual machine would be', () => {
    expect(choose(none, [], machine({ host: yes })).on).toBe('host');
  });

  it.each([
    ['vm: possible accel=kvm: with KVM, fast', '30 seconds later'],
    ['vm: possible accel=tcg: by emulation, slow', 'about 20 minutes'],
    ['vm: possible accel=unknown: whether KVM works is seen once QEMU is there', '20 without'],
  ])('in a virtual machine where nothing else is possible, and says how long it takes: %s', (why, said) => {
    const choice = choose(none, [], machine({ host: no('host: no'), vm: { possible: true, why } }));
    expect(choice).toMatchObject({ on: 'vm', why: expect.stringContaining(said) });
  });

  it('nowhere, with both reasons', () => {
    const choice = choose(none, [], machine({ host: no('host: needs root'), vm: no('vm: needs memory') }));
    expect(choice).toEqual({ on: 'nothing', why: '  host: needs root\n  vm: needs memory' });
  });

  it('on a cluster of the user only with --yes', () => {
    expect(choose({ ...none, yes: true }, [kind], machine({}))).toMatchObject({ on: 'own', cluster: kind });
    expect(choose(none, [kind], machine({ host: yes }))).toMatchObject({
      on: 'host',
      hint: expect.stringMatching(/--yes.*kind-dev/),
    });
  });

  it('--yes without such a cluster changes nothing, and that is said', () => {
    expect(choose({ ...none, yes: true }, [], machine({ host: yes }))).toMatchObject({
      on: 'host',
      hint: expect.stringMatching(/no kind, .* is running/),
    });
    expect(choose(none, [], machine({ host: yes }))).not.toHaveProperty('hint');
    expect(choose({ yes: true, sandbox: 'host' }, [], machine({ host: yes }))).not.toHaveProperty('hint');
  });

  it('in the sandbox that is asked for, whatever else there is', () => {
    const vm = { possible: true, why: 'vm: possible accel=kvm: with KVM, fast' };
    expect(choose({ yes: true, sandbox: 'vm' }, [kind], machine({ vm })).on).toBe('vm');
    expect(choose({ yes: true, sandbox: 'host' }, [kind], machine({ host: no('host: no') })).on).toBe('nothing');
  });
});

describe('its arguments', () => {
  it('are read in any order', () => {
    expect(parseArguments([])).toEqual({ yes: false, sandbox: undefined });
    expect(parseArguments(['vm', '--yes'])).toEqual({ yes: true, sandbox: 'vm' });
  });

  it.each([[['--no']], [['host', 'vm']], [['kind']]])('are refused: %j', (words) => {
    expect(() => parseArguments(words)).toThrow('usage: npm run demo');
  });
});
