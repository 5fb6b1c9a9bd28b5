/** Which agent may work which task, and when the tasks it depends on let it. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { agentPrincipal, opIdOf } from '#core/brand.ts';
import type { EndValue } from '#core/schema/body.ts';
import { dependencies, fits } from '#core/task/fit.ts';
import type { TaskCreated } from '#core/view/task.ts';
import { simNodeId } from '#sim/crypto.ts';
import { Machine } from '../machine.ts';
import { ended, granted } from '../register/values.ts';
import { present } from '../writer.ts';

async function withTask(o: Parameters<Machine['task']>[0] = {}) {
  const machine = new Machine(0);
  await machine.register();
  const task = await machine.task(o);
  return { machine, task, created: present(machine.row(task).created) };
}

describe('an agent fits', () => {
  const fitsTask = async (
    agent: Parameters<Machine['agent']>[0],
    o: Partial<TaskCreated>,
    allowed = false,
  ): Promise<boolean> => {
    const { machine, created } = await withTask();
    const row = present(machine.store.get('agent', await machine.agent(agent)));
    return fits(row, { created: { ...created, ...o }, allowed });
  };

  it('when it has every capability the task wants, and may have more', async () => {
    const tool = 'claude';
    expect(await fitsTask({ tool, capabilities: ['a', 'b', 'c'] }, { requiredCapabilities: ['a', 'c'] })).toBe(true);
    expect(await fitsTask({ tool, capabilities: ['a'] }, { requiredCapabilities: ['a', 'c'] })).toBe(false);
    expect(await fitsTask({ tool, capabilities: [] }, { requiredCapabilities: [] })).toBe(true);
  });

  it('as a shell only where the task asks for a shell', async () => {
    expect(await fitsTask({ capabilities: ['shell'] }, { requiredCapabilities: ['shell'] })).toBe(true);
    expect(await fitsTask({ capabilities: ['shell', 'x'] }, { requiredCapabilities: [] })).toBe(false);
    expect(await fitsTask({ capabilities: ['x'] }, { requiredCapabilities: ['x'] })).toBe(false);
    expect(await fitsTask({ tool: 'claude', capabilities: ['shell'] }, { requiredCapabilities: ['shell'] })).toBe(true);
  });

  it('never when a person goes on with a conversation in it', async () => {
    const opens = { agent: opIdOf(simNodeId(1), 2), task: opIdOf(simNodeId(1), 3), attempt: 1 };
    expect(await fitsTask({ tool: 'claude --resume x', opens }, { requiredCapabilities: [] })).toBe(false);
    expect(await fitsTask({ tool: 'claude --resume x' }, { requiredCapabilities: [] })).toBe(true);
  });

  it('never where an agent made the task, until an operator allowed it', async () => {
    const by = agentPrincipal(opIdOf(simNodeId(1), 3));
    const shell = { by, requiredCapabilities: ['shell'] };
    expect(await fitsTask({ capabilities: ['shell'] }, shell)).toBe(false);
    expect(await fitsTask({ capabilities: ['shell'] }, shell, true)).toBe(true);
  });

  it('in a box only where the task came out of one, whoever allowed it', async () => {
    const { machine, created } = await withTask();
    const by = agentPrincipal(opIdOf(simNodeId(1), 3));
    const task = { allowed: true, created: { ...created, by, fromBox: 'sandbox' as const } };
    const agent = await machine.agent({ tool: 'claude' });
    const boxed = present(machine.store.get('agent', agent));
    expect(fits(boxed, task)).toBe(false);
    const limits = { memoryBytes: null, cpus: null, processes: null };
    const what = { runtime: 'container', image: 'agent:1', mounts: [], limits, secretNames: [] } as const;
    await machine.append([
      { entity: agent, by: created.by, body: { ...what, type: 'box.declared', agent, mounts: [], secretNames: [] } },
    ]);
    const row = present(machine.store.get('agent', agent));
    expect(row.box).toMatchObject({ runtime: 'container', image: 'agent:1' });
    expect(fits(row, task)).toBe(true);
    expect(fits(row, { ...task, allowed: false })).toBe(false);
  });

  it('in a box from the op on that gives it one, also when it has nothing to do', async () => {
    const { machine, created } = await withTask({ fromBox: 'sandbox' });
    const agent = await machine.agent();
    expect(machine.started()).toEqual([]);
    const limits = { memoryBytes: null, cpus: null, processes: null };
    const box = { runtime: 'sandbox' as const, image: null, mounts: [], limits, secretNames: [] };
    await machine.append([{ entity: agent, by: created.by, body: { type: 'box.declared', agent, ...box } }]);
    expect(machine.started()).toHaveLength(1);
  });

  it('never once it is deregistered, or while only its end is known', async () => {
    const { machine, created } = await withTask();
    const agent = await machine.agent();
    const by = created.by;
    await machine.append([{ entity: agent, by, body: { type: 'agent.deregistered' } }]);
    expect(fits(present(machine.store.get('agent', agent)), { created, allowed: false })).toBe(false);
    const said = {
      pause: undefined,
      budget: undefined,
      box: undefined,
      recipients: undefined,
      outsiders: undefined,
      status: undefined,
    };
    const gone = { id: agent, registered: undefined, deregistered: false, ...said };
    expect(fits(gone, { created, allowed: true })).toBe(false);
  });
});

describe('dependencies', () => {
  async function after(...ends: (EndValue['kind'] | 'open' | 'unknown')[]) {
    const { machine, task, created } = await withTask({ attemptsMax: 1 });
    const ids = [];
    for (const kind of ends) {
      const id = kind === 'unknown' ? opIdOf(simNodeId(7), 7) : await machine.task({ attemptsMax: 1 });
      ids.push(id);
      if (kind === 'unknown' || kind === 'open') continue;
      const by = created.by;
      await machine.append([
        { entity: id, by, body: { type: 'task.granted', slot: 1, value: granted(1) } },
        { entity: id, by, body: { type: 'task.ended', slot: 2, value: ended(kind) } },
      ]);
    }
    return { machine, task, ids, state: dependencies(machine.store, { ...created, dependsOn: ids }) };
  }

  it.each([
    ['met', []],
    ['met', ['completed', 'completed']],
    ['waiting', ['completed', 'open']],
    ['waiting', ['unknown']],
    ['broken', ['failed']],
    ['broken', ['open', 'cancelled']],
    ['broken', ['lost', 'unknown']],
  ] as const)('are %s after %j', async (state, ends) => {
    expect((await after(...ends)).state).toBe(state);
  });

  it('accept a task that supersedes one that ended otherwise, and one that supersedes that', async () => {
    const { machine, ids } = await after('failed');
    const failed = present(ids[0]);
    const dependent = { ...present(machine.row(failed).created), dependsOn: [failed] };
    const { by } = dependent;
    const end = (id: OpId, kind: EndValue['kind']) =>
      machine.append([
        { entity: id, by, body: { type: 'task.granted', slot: 1, value: granted(1) } },
        { entity: id, by, body: { type: 'task.ended', slot: 2, value: ended(kind) } },
      ]);
    const heir = await machine.task({ supersedes: failed, attemptsMax: 1 });
    expect(dependencies(machine.store, dependent)).toBe('waiting');
    const next = await machine.task({ supersedes: heir, attemptsMax: 1 });
    await end(heir, 'failed');
    expect(dependencies(machine.store, dependent)).toBe('waiting');
    await end(next, 'completed');
    expect(dependencies(machine.store, dependent)).toBe('met');
  });
});
