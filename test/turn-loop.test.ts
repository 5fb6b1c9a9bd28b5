/** The order in which a turn is carried out, and that whoever waits for one is answered exactly once. */
import { describe, expect, it } from 'vitest';
import { nodePrincipal } from '#core/brand.ts';
import { NodeCore } from '#core/node.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Arrival } from '#ports.ts';
import { simCrypto, simNodeId } from '#sim/crypto.ts';
import { MemoryStore } from '#store/memory.ts';
import { TurnLoop } from '#turn-loop.ts';
import { postBody, Writer } from './core/writer.ts';

const clock = () => ({ nowMs: 1_000, wallMs: 1_000 });

/** A loop whose disk writes when the test says so; `said` tells what happened, in order. */
function setUp(o: { settle?: () => void } = {}) {
  const said: string[] = [];
  const disk: { run: () => void; fail: (cause: Error) => void }[] = [];
  const crypto = simCrypto(0);
  const store = new MemoryStore({ crypto, commitWhen: (run, fail) => void disk.push({ run, fail }) });
  const core = new NodeCore({
    self: simNodeId(0),
    store,
    heads: store.heads(),
    lamport: 0,
    crypto,
    settings: { votersMax: 1, fullLinksMax: 64, leaseMs: 120_000, hasPath: () => true, hasProject: () => true },
    random: () => 0.5,
  });
  const settle = core.settle.bind(core);
  core.settle = (turn, now) => {
    said.push('settled');
    o.settle?.();
    settle(turn, now);
  };
  const failures: unknown[] = [];
  const loop = new TurnLoop({
    core,
    store,
    clock,
    soon: (run) => run(),
    send: ({ frame }) => void said.push(`sent ${'op' in frame ? 'op' : frame.type}`),
    act: (action) => void said.push(action.kind),
    arrived: (arrivals) => void said.push(`arrived ${arrivals.map(({ op }) => op.body.type).join(' ')}`),
    rested: () => void said.push('rested'),
    failed: (error) => void failures.push(error),
  });
  const post = (content: string): Promise<readonly Arrival[]> => {
    core.append([{ entity: undefined, by: nodePrincipal(simNodeId(0)), body: postBody(content) }], clock());
    return loop.settled();
  };
  core.boot(clock());
  return { core, loop, store, said, disk, failures, post };
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 20; n++) await Promise.resolve();
};

/** What a promise came to by now. */
function watch(promise: Promise<unknown>): { state: string } {
  const seen = { state: 'open' };
  promise.then(
    () => (seen.state = 'resolved'),
    (error: unknown) => (seen.state = `rejected: ${String(error)}`),
  );
  return seen;
}

describe('a turn', () => {
  it('relays, writes, settles, sends, tells what arrived, acts: in this order', async () => {
    const { core, loop, said, disk } = setUp();
    const [near, far] = [new Writer(1), new Writer(2)];
    core.linkUp({ node: near.node, roundTripMs: 1 }, clock());
    core.linkUp({ node: far.node, roundTripMs: 1 }, clock());
    loop.kick();
    await turns();
    disk.shift()?.run();
    await turns();
    said.length = 0;
    core.frame(near.node, near.frame([near.hello()]), clock());
    core.append([{ entity: undefined, by: nodePrincipal(simNodeId(0)), body: postBody('mine') }], clock());
    core.frame(
      near.node,
      {
        type: FRAME.call,
        id: 'c',
        from: near.node,
        to: simNodeId(0),
        method: 'unknown',
        lamport: 1,
        deadline_ms: 1_000,
        params: null,
      },
      clock(),
    );
    loop.kick();
    await turns();
    expect(said).toEqual(['sent op']);
    disk.shift()?.run();
    await turns();
    expect(said).toEqual(['sent op', 'settled', 'sent op', 'arrived node.registered post.created', 'serve', 'rested']);
  });

  it('without anything to write does not touch the disk', async () => {
    const { core, loop, said, disk } = setUp();
    core.frame(new Writer(1).node, { type: FRAME.heads, digest: '0'.repeat(32) }, clock());
    loop.kick();
    await turns();
    expect(disk).toEqual([]);
    expect(said).toEqual(['settled', `sent ${FRAME.heads}`, 'checked', 'rested']);
  });

  it('takes in all that came while the one before was at the disk, as one write', async () => {
    const { disk, post, store } = setUp();
    const answers = ['a', 'b', 'c'].map((content) => watch(post(content)));
    await turns();
    expect(disk).toHaveLength(1);
    disk.shift()?.run();
    await turns();
    expect(answers.map((answer) => answer.state)).toEqual(['resolved', 'open', 'open']);
    expect(store.count('post', {})).toBe(1);
    disk.shift()?.run();
    await turns();
    expect(answers.map((answer) => answer.state)).toEqual(['resolved', 'resolved', 'resolved']);
    expect(disk).toEqual([]);
  });
});

describe('whoever waits', () => {
  it('with nothing to do is answered at once', async () => {
    const { loop } = setUp();
    await expect(loop.settled()).resolves.toEqual([]);
  });

  it('for a commit that fails is told so, nothing is sent, and the loop is over', async () => {
    const { disk, post, said, failures, loop } = setUp();
    const first = watch(post('a'));
    const second = watch(post('b'));
    disk.shift()?.fail(new Error('disk full'));
    await turns();
    expect(first.state).toMatch(/rejected.*disk full/);
    expect(second.state).toMatch(/^rejected/);
    expect(said).toEqual(['rested']);
    expect(failures).toHaveLength(1);
    expect(watch(loop.settled()).state).toBe('open');
    await expect(loop.settled()).rejects.toThrow('the node has stopped');
  });

  it('for a turn at the disk when the loop stops hears that it was stored; later ones are told that it stopped', async () => {
    const { disk, post, loop, said, failures } = setUp();
    const first = watch(post('a'));
    const second = watch(post('b'));
    loop.stop();
    loop.stop();
    await turns();
    expect([first.state, second.state]).toEqual(['open', 'rejected: Error: the node is stopping']);
    disk.shift()?.run();
    await turns();
    expect(first.state).toBe('resolved');
    expect(said).toEqual(['rested']);
    expect(failures).toEqual([]);
  });

  it('for a turn that the core cannot settle is told so, and nothing of it is sent', async () => {
    const { disk, post, said, failures } = setUp({
      settle: () => {
        throw new Error('two truths');
      },
    });
    const answer = watch(post('a'));
    disk.shift()?.run();
    await turns();
    expect(answer.state).toBe('rejected: Error: two truths');
    expect(said).toEqual(['settled', 'rested']);
    expect(failures).toHaveLength(1);
  });
});
