/** One node of Maelstrom by itself, and links over a network that loses: what it answers, and to what. */
import { describe, expect, test } from 'vitest';
import { MaelstromLab } from '#sim/maelstrom/lab.ts';
import type { Answer } from '#maelstrom/message.ts';

const KNOBS = { latencyMs: 10, latency: 'constant', settings: { corkMs: 0, links: 'all' }, seed: 1 } as const;

async function lab(nodes: number): Promise<{
  lab: MaelstromLab;
  ask: (node: string, body: { type: string; [field: string]: unknown }) => Promise<Answer | undefined>;
}> {
  const made = new MaelstromLab({ ...KNOBS, nodes });
  made.start({ topology: false });
  await made.run(2_000);
  const ask = async (node: string, body: { type: string; [field: string]: unknown }): Promise<Answer | undefined> => {
    const answers: Answer[] = [];
    made.request(node, body, (answer) => void answers.push(answer));
    await made.run(made.time.nowMs + 1_000);
    return answers[0];
  };
  return { lab: made, ask };
}

describe('a node', () => {
  test('echoes', async () => {
    const { ask } = await lab(1);
    expect(await ask('n0', { type: 'echo', echo: { a: [1, 'b'] } })).toMatchObject({
      type: 'echo_ok',
      echo: { a: [1, 'b'] },
    });
  });

  test('reads `value` of g-set, and `messages` once it was told a topology', async () => {
    const { ask } = await lab(2);
    expect(await ask('n0', { type: 'add', element: 5 })).toMatchObject({ type: 'add_ok' });
    expect(await ask('n1', { type: 'read' })).toMatchObject({ type: 'read_ok', value: [5] });
    expect(await ask('n1', { type: 'topology', topology: { n1: ['n0'] } })).toMatchObject({ type: 'topology_ok' });
    expect(await ask('n1', { type: 'read' })).toMatchObject({ type: 'read_ok', messages: [5] });
  });

  test('keeps the value of a key, and tells why it refuses', async () => {
    const { ask } = await lab(3);
    expect(await ask('n0', { type: 'read', key: 1 })).toMatchObject({ type: 'error', code: 20 });
    expect(await ask('n1', { type: 'cas', key: 1, from: 0, to: 4 })).toMatchObject({ type: 'error', code: 20 });
    expect(await ask('n1', { type: 'write', key: 1, value: 3 })).toMatchObject({ type: 'write_ok' });
    expect(await ask('n2', { type: 'cas', key: 1, from: 2, to: 4 })).toMatchObject({ type: 'error', code: 22 });
    expect(await ask('n2', { type: 'cas', key: 1, from: 3, to: 4 })).toMatchObject({ type: 'cas_ok' });
    expect(await ask('n0', { type: 'read', key: 1 })).toMatchObject({ type: 'read_ok', value: 4 });
    expect(await ask('n0', { type: 'read', key: '1' })).toMatchObject({ type: 'error', code: 20 });
    const made = { type: 'cas', key: 'new', from: 0, to: 9, create_if_not_exists: true };
    expect(await ask('n0', made)).toMatchObject({ type: 'cas_ok' });
    expect(await ask('n1', { type: 'read', key: 'new' })).toMatchObject({ type: 'read_ok', value: 9 });
  });

  test('goes on past the attempts of one task', async () => {
    const { ask } = await lab(3);
    for (let value = 0; value < 50; value++)
      expect(await ask(`n${value % 3}`, { type: 'write', key: 'k', value })).toMatchObject({ type: 'write_ok' });
    expect(await ask('n0', { type: 'read', key: 'k' })).toMatchObject({ value: 49 });
  });

  test.each([
    [{ type: 'dance' }, 10],
    [{ type: 'write', key: 1 }, 12],
    [{ type: 'add', element: 'x'.repeat(2_000) }, 12],
  ])('refuses %o', async (body, code) => {
    const { ask, lab: made } = await lab(1);
    expect(await ask('n0', body)).toMatchObject({ type: 'error', code });
    expect(await ask('n0', { type: 'read' })).toMatchObject({ value: [] });
    expect(made.problems).toEqual([]);
  });

  test('answers nobody who does not ask, and reads no garbage of peers', async () => {
    const { lab: made, ask } = await lab(2);
    const before = made.messages;
    const garbage = [
      { type: 'skep_frames', life: 'nobody', n: 1, frames: [{ type: 2 }] },
      { type: 'skep_frames', frames: 5 },
      { type: 'skep_hello' },
      { type: 'echo', in_reply_to: 7 },
    ];
    for (const body of garbage) expect(await ask('n0', body)).toBeUndefined();
    expect(made.messages - before).toBeLessThan(100);
    expect(made.problems).toEqual([]);
  });
});

describe('a link', () => {
  test('finds out that messages were lost, without waiting for the next comparison of heads', async () => {
    const { lab: made, ask } = await lab(2);
    // Shorter than what makes the detector give the link up.
    made.cut((from) => from === 'n0');
    await ask('n0', { type: 'add', element: 1 });
    made.heal();
    await made.run(made.time.nowMs + 5_000);
    expect(await ask('n1', { type: 'read' })).toMatchObject({ value: [1] });
    expect(made.dropped).toBeGreaterThan(0);
  });

  test('is made anew after a partition that outlives it', async () => {
    const { lab: made, ask } = await lab(3);
    made.cut((from, to) => (from === 'n0') !== (to === 'n0'));
    await ask('n0', { type: 'add', element: 1 });
    await ask('n1', { type: 'add', element: 2 });
    await made.run(made.time.nowMs + 60_000);
    expect(await ask('n2', { type: 'read' })).toMatchObject({ value: [2] });
    made.heal();
    await made.run(made.time.nowMs + 3_000);
    for (const node of ['n0', 'n1', 'n2']) {
      const read = await ask(node, { type: 'read' });
      expect(new Set(Array.isArray(read?.['value']) ? read['value'] : [])).toEqual(new Set([1, 2]));
    }
  });
});
