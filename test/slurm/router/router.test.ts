import { existsSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, OutboxReader, WorkerProcess } from '../worker-rig.ts';
import { Site, type Client, type Told } from './rig.ts';

const sites: Site[] = [];
afterEach(async () => {
  for (const one of sites.splice(0)) await one.remove();
});
function site(): Site {
  const made = new Site();
  sites.push(made);
  return made;
}

const delta = (content: number | string, node = 0): object => ({
  type: 'worker_event',
  job_id: '7',
  node_id: node,
  event: 'assistant_delta',
  payload: { content: String(content) },
});
/** Nobody has waited for it yet, or it went between two looks. */
function isDead(pid: number): boolean {
  try {
    return /^State:\s[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return true;
  }
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => String(from + at));

describe('a router', () => {
  it('tells what stands in all outboxes and what comes, in order, with its place', async () => {
    const here = site();
    here.write('7_00', { type: 'start', job_id: '7', node_id: 0, hostname: 'n1', timestamp: 1 }, delta('a'));
    const { events } = await here.serve();
    await events.event('assistant_delta', ({ content }) => content === 'a');
    here.write('7_00', delta('b'), delta('c'));
    here.write('8_01', { ...delta('x', 1), job_id: '8' });
    await events.event('assistant_delta', ({ content }) => content === 'x');
    await events.event('assistant_delta', ({ content }) => content === 'c');
    const [start] = events.seen;
    expect(start).toMatchObject({
      event: 'worker_started',
      data: { swarm_id: 'slurm-7', job_id: '7', node_id: 0, hostname: 'n1' },
    });
    const own = events.seen.filter(({ data }) => data['job_id'] === '7').map(({ data }) => data['content']);
    expect(own).toEqual([undefined, 'a', 'b', 'c']);
    const other = events.seen.find(({ data }) => data['job_id'] === '8');
    expect(other?.data).toMatchObject({ swarm_id: 'slurm-8', node_id: 1, at: { mailbox: '8_01' } });
  });

  it('passes over what is no record and waits for the end of a torn line', async () => {
    const here = site();
    here.write('7_00', 'no json\n', { type: 'dance' }, JSON.stringify(delta('whole')).slice(0, 30));
    const { events } = await here.serve();
    await events.event('debug', ({ message }) => String(message).includes('no router knows'));
    expect(events.seen.map(({ data }) => data['message'])).toEqual([
      'no record: not_json',
      'a record that no router knows',
    ]);
    here.write('7_00', `${JSON.stringify(delta('whole')).slice(30)}\n`, delta('next'));
    await events.event('assistant_delta', ({ content }) => content === 'next');
    expect(events.deltas()).toEqual(['whole', 'next']);
  });

  it('marks what a worker writes after another one has its name, and lets it ask for nothing', async () => {
    const here = site();
    const from = (restart: number): object => ({ job_id: '7', node_id: 0, restart });
    const start = (restart: number): object => ({ type: 'start', ...from(restart), hostname: 'n1' });
    const asks = (restart: number, approval: string): object => ({
      type: 'worker_event',
      ...from(restart),
      event: 'exec_approval_required',
      payload: { approval_id: approval, call_id: approval, command: 'rm -rf build' },
    });
    here.write('7_00', start(0), start(1), { ...delta('late'), restart: 0 }, asks(0, 'old'), asks(1, 'new'));
    const first = here.spawn();
    await first.events.event('exec_approval_required', ({ approval_id: id }) => id === 'new');
    await first.kill();
    here.write('7_00', { ...delta('later'), restart: 0 }, { ...delta('now'), restart: 1 });
    const second = here.spawn();
    await second.events.event('assistant_delta', ({ content }) => content === 'now');
    const told = [...first.events.seen, ...second.events.seen].filter(({ data }) => data['late'] === true);
    const late = new Set(told.map(({ event, data }) => data['content'] ?? event));
    expect(late).toEqual(new Set(['late', 'exec_approval_required', 'later']));
    const list = await here.client(await second.port()).ask('approvals_list', {}, 'approvals_list');
    expect(list.data['approvals']).toMatchObject([{ approval_id: 'new' }]);
  });

  it('follows an outbox that is moved aside', async () => {
    const here = site();
    here.write('7_00', delta(0));
    const { events } = await here.serve();
    await events.event('assistant_delta');
    here.write('7_00', delta(1));
    await rename(here.outbox('7_00'), here.outbox('7_00.1'));
    here.write('7_00', delta(2));
    await events.event('assistant_delta', ({ content }) => content === '2');
    expect(events.deltas()).toEqual(['0', '1', '2']);
  });

  it('goes on where it was after it was killed: what may have been told bears the mark, and nothing is lost', async () => {
    const here = site();
    here.write('7_00', ...numbers(0, 2_000).map((one) => delta(one)));
    const first = here.spawn();
    await first.events.event('assistant_delta', ({ content }) => content === '300');
    await first.kill();
    const before = first.events.deltas();
    here.write('7_00', ...numbers(2_000, 2_010).map((one) => delta(one)));
    const second = here.spawn();
    await second.events.event('assistant_delta', ({ content }) => content === '2009');
    const after = second.events.deltas();
    expect(before).toEqual(numbers(0, before.length));
    const told = new Set([...before, ...after.map((one) => one.replace('*', ''))]);
    expect([...told]).toEqual(numbers(0, 2_010));
    const again = after.filter((one) => before.includes(one.replace('*', '')));
    expect(again.every((one) => one.endsWith('*'))).toBe(true);
    expect(after.slice(-10)).toEqual(numbers(2_000, 2_010));
    await second.kill();
    const third = here.spawn();
    here.write('7_00', delta('end'));
    await third.events.event('assistant_delta', ({ content }) => String(content).startsWith('end'));
    expect(third.events.deltas()).toEqual(['end']);
  });

  it('leaves nothing where the file system is: its far end ends with it, also when it is killed', async () => {
    const here = site();
    const router = here.spawn();
    await router.says('connected');
    const ends = here.childrenOf(router.child.pid);
    expect(ends).toHaveLength(1);
    await router.kill();
    const living = (): number[] => ends.filter((pid) => existsSync(`/proc/${pid}`) && !isDead(pid));
    await expect.poll(living).toEqual([]);
  });

  it('loses and repeats nothing when its connection is cut in the midst, either way', async () => {
    const here = site();
    const router = here.spawn();
    const port = await router.port();
    await router.says('connected');
    const client = here.client(port);
    await client.ask('swarm_launch', { nodes: 1 }, 'swarm_launched');
    const delivered: Promise<unknown>[] = [];
    for (let cut = 0; cut < 3; cut += 1) {
      here.write('7_00', ...numbers(cut * 1_000, (cut + 1) * 1_000).map((one) => delta(one)));
      for (const one of numbers(cut * 20, (cut + 1) * 20)) {
        delivered.push(client.ask('inject', { swarm_id: 'slurm-7', nodes: 0, content: one }, 'inject_delivered'));
      }
      await router.events.event('assistant_delta', ({ content }) => content === String(cut * 1_000 + 10));
      for (const child of here.childrenOf(router.child.pid)) process.kill(child, 'SIGKILL');
    }
    await Promise.all(delivered);
    await router.events.event('assistant_delta', ({ content }) => content === '2999');
    expect(router.events.deltas()).toEqual(numbers(0, 3_000));
    const names = here.inbox('7_00').map((one) => one['append_id']);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(here.inbox('7_00').map((one) => one['content']))).toEqual(new Set(numbers(0, 60)));
    // It bit.
    expect(router.said.filter((line) => line.startsWith('not connected')).length).toBeGreaterThan(0);
  });

  it('a word that is said again, as its router was killed before it answered, is taken once', async () => {
    const here = site();
    Fleet.installFake(here.base);
    const worker = new WorkerProcess(here.base, { TMPDIR: here.base });
    const outbox = new OutboxReader(here.outbox('7_00'), false);
    try {
      const words = numbers(0, 20);
      const first = here.spawn();
      const client = here.client(await first.port());
      await client.ask('swarm_launch', { nodes: 1 }, 'swarm_launched');
      const say = (to: Client): Promise<Told>[] =>
        words.map((one) => {
          const payload = { swarm_id: 'slurm-7', nodes: 0, content: `say ${one}`, injection_id: `w-${one}` };
          return to.ask('inject', payload, 'inject_delivered', 'inject_failed');
        });
      const answers = Promise.allSettled(say(client));
      await client.events.event('inject_delivered');
      await first.kill();
      await answers;
      const second = here.client(await here.spawn().port());
      const told = await Promise.all(say(second));
      expect(told.map(({ event }) => event)).toEqual(words.map(() => 'inject_delivered'));
      await second.ask('inject', { swarm_id: 'slurm-7', nodes: 0, content: 'say end' }, 'inject_delivered');
      await outbox.event('assistant', ({ content }) => content === 'end');
      const taken = outbox.seen.flatMap((one) =>
        one.type === 'taken' && one.injection_id?.startsWith('w-') === true ? [one.injection_id] : [],
      );
      expect(taken.toSorted()).toEqual(words.map((one) => `w-${one}`).toSorted());
    } finally {
      await outbox.close();
      await worker.kill();
    }
  });
});
