/** What an agent needs of its machine: guessed at first, then as measured; and what is spoken for already. */
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import { nodeIdOf, opIdOf } from '#core/brand.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { TakenAgent } from '#core/world.ts';
import { Memory } from '#host/memory.ts';

const MIB = 1024 * 1024;
const NODE: NodeId = nodeIdOf('a'.repeat(32));

const agentOf = (tool: string, o: { seq?: number; terminal?: boolean } = {}): LiveAgent => ({
  id: opIdOf(NODE, o.seq ?? 1),
  deregistered: false,
  recipients: undefined,
  outsiders: undefined,
  status: undefined,
  pause: undefined,
  budget: undefined,
  box: undefined,
  registered: {
    node: NODE,
    name: tool,
    tool,
    capabilities: [],
    projectPath: null,
    tmuxSessionId: o.terminal === true ? 'x' : null,
    sessionOwned: false,
    maxConcurrentTasks: 1,
    account: null,
    home: 'person',
    opens: null,
    stamp: { lamport: 1, node: NODE, seq: 1 },
    wallMs: 0,
  },
});

const at = (tool: string, attempt: number | undefined): TakenAgent => ({
  agent: agentOf(tool, { seq: 10 + (attempt ?? 0) }),
  work: attempt === undefined ? undefined : { task: opIdOf(NODE, 5), attempt },
});

/** `procs`: what runs, with its size in MiB. */
function machine(o: { free: number | undefined; procs?: Record<string, number> }) {
  const free = { mib: o.free };
  let looks = 0;
  const memory = new Memory({
    freeBytes: () => (free.mib === undefined ? undefined : free.mib * MIB),
    residentBytes: (isPicked) => {
      looks += 1;
      const found = Object.entries(o.procs ?? {}).filter(([id]) => isPicked(id));
      return found.reduce((sum, [, size]) => sum + size * MIB, 0);
    },
  });
  return { memory, free, looks: () => looks };
}

describe('memory', () => {
  it('is enough or it is not, by a first guess for each tool', () => {
    const { memory, free } = machine({ free: 229 });
    expect(memory.lacksFor(agentOf('claude'), [])).toBe('claude takes about 230 MiB of memory, and 229 MiB are free');
    expect(memory.lacksFor(agentOf('codex'), [])).toBeUndefined();
    expect(memory.lacksFor(agentOf('acp something'), [])).toMatch(/about 300 MiB/);
    free.mib = 230;
    expect(memory.lacksFor(agentOf('claude'), [])).toBeUndefined();
  });

  it('is no matter for scripts, for what sits in a terminal, and where nobody knows it', () => {
    const { memory } = machine({ free: 1 });
    expect(memory.lacksFor(agentOf('shell'), [])).toBeUndefined();
    expect(memory.lacksFor(agentOf('claude', { terminal: true }), [])).toBeUndefined();
    expect(machine({ free: undefined }).memory.lacksFor(agentOf('claude'), [])).toBeUndefined();
  });

  it('is spoken for by agents that have claimed or just begun, until they have taken it', () => {
    const procs: Record<string, number> = {};
    const { memory, looks } = machine({ free: 500, procs });
    const taken = [at('claude', undefined), at('claude', 2)];
    expect(memory.lacksFor(agentOf('claude'), taken)).toBe(
      'claude takes about 230 MiB of memory, and 500 MiB are free, of which agents that have begun will take 460 MiB',
    );
    procs[`${opIdOf(NODE, 5)}.2`] = 100;
    procs[`${opIdOf(NODE, 5)}.2-p2`] = 120;
    procs[`${opIdOf(NODE, 5)}.20`] = 900;
    expect(memory.lacksFor(agentOf('claude'), taken)).toBeUndefined();
    expect(looks()).toBeGreaterThan(0);
  });

  it('is not looked for among the processes where there is plenty', () => {
    const { memory, looks } = machine({ free: 16_000 });
    expect(memory.lacksFor(agentOf('claude'), [at('claude', 1), at('codex', 2)])).toBeUndefined();
    expect(looks()).toBe(0);
  });

  it('is what the largest of the last five took, once it was measured', () => {
    const procs: Record<string, number> = {};
    const { memory } = machine({ free: 400, procs });
    const work = { task: opIdOf(NODE, 5), attempt: 1 };
    const measure = (mib: number): void => {
      procs[`${work.task}.1`] = mib;
      memory.measure(agentOf('claude'), work);
    };
    measure(0);
    expect(memory.needsBytes('claude')).toBe(230 * MIB);
    measure(700);
    expect(memory.lacksFor(agentOf('claude'), [])).toMatch(/about 700 MiB/);
    for (const mib of [200, 210, 220, 205, 201]) measure(mib);
    expect(memory.needsBytes('claude')).toBe(220 * MIB);
    memory.measure(agentOf('shell'), work);
    expect(memory.needsBytes('shell')).toBe(300 * MIB);
  });

  it('of a tool with one server for all is that server’s for the first, and little for each further one', () => {
    const procs: Record<string, number> = {};
    const { memory } = machine({ free: 300, procs });
    expect(memory.lacksFor(agentOf('opencode'), [])).toMatch(/about 700 MiB/);
    procs['opencode-0123'] = 700;
    expect(memory.lacksFor(agentOf('opencode'), [at('opencode', 1)])).toBeUndefined();
  });
});
