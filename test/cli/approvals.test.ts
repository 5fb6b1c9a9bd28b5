import { afterEach, describe, expect, it } from 'vitest';
import { Rigs } from './rig.ts';
import { skep } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());

const node = 'b'.repeat(32);
const approval = {
  id: `${node}-7`,
  state: 'open',
  tool: 'Bash',
  title: 'npm ci\u001b[2J',
  detail: 'npm ci && \u001b[31mnpm test',
  why: 'no rule allows it',
  cwd: '/work',
  task_id: `${node}-3`,
  task_title: 'Add tests',
  agent_name: 'claude-1',
  node_name: 'hive',
  decided_by: null,
  note: null,
  created_at: null,
};

describe('skep approvals, approve, deny', () => {
  it('shows what waits, and the whole of one, without anybody’s escapes', async () => {
    const { node: fake, world } = await rigs.make();
    fake.on('GET /api/approvals', [approval]).on('GET /api/approvals/bbbbbbbb-7', approval);
    expect(await skep(world, 'approvals')).toBe(0);
    expect(world.said.out).toContain('bbbbbbbb-7');
    expect(world.said.out).toContain('Bash: npm ci');
    expect(fake.seen.at(-1)?.query).toEqual({ state: 'open', limit: '100' });
    expect(await skep(world, 'approvals', 'bbbbbbbb-7')).toBe(0);
    expect(world.said.out).toContain('npm ci && npm test');
    expect(world.said.out).not.toContain('\u001b');
  });

  it('answers one, and is told who was first', async () => {
    const { node: fake, world } = await rigs.make();
    fake.on('POST /api/approvals/bbbbbbbb-7', { ...approval, state: 'denied', decided_by: 'user:ann' });
    expect(await skep(world, 'deny', 'bbbbbbbb-7', '--note', 'not now')).toBe(0);
    expect(fake.seen.at(-1)?.body).toEqual({ decision: 'deny', note: 'not now' });
    const refusal = { error: 'it was denied already, by user:ann', code: 'conflict', expected: null, got: 'denied' };
    fake.on('POST /api/approvals/bbbbbbbb-7', refusal, 409);
    expect(await skep(world, 'approve', 'bbbbbbbb-7')).toBe(3);
    expect(world.said.err).toContain('it was denied already, by user:ann');
  });

  it('answers several, and says of each what became of it', async () => {
    const { node: fake, world } = await rigs.make();
    const results = [
      { id: 'bbbbbbbb-7', approval: { ...approval, state: 'allowed' }, refusal: null },
      { id: 'bbbbbbbb-8', approval: null, refusal: { error: 'Approval not found' } },
    ];
    fake.on('POST /api/approvals', { results });
    expect(await skep(world, 'approve', 'bbbbbbbb-7', 'bbbbbbbb-8')).toBe(3);
    expect(fake.seen.at(-1)?.body).toEqual({ ids: ['bbbbbbbb-7', 'bbbbbbbb-8'], decision: 'allow', note: null });
    expect(world.said.out).toContain('bbbbbbbb-7 allowed: npm ci');
    expect(world.said.err).toContain('bbbbbbbb-8: Approval not found');
  });
});

describe('skep rule', () => {
  it('adds, lists and removes', async () => {
    const { node: fake, world } = await rigs.make();
    const rule = { id: `${node}-9`, effect: 'allow', tool: null, command: 'npm *', path: null, agent: null, note: '' };
    fake.on('POST /api/rules', rule, 201).on('GET /api/rules', [rule]).on('DELETE /api/rules/bbbbbbbb-9', {});
    expect(await skep(world, 'rule', 'add', 'allow', '--command', 'npm *')).toBe(0);
    expect(fake.seen.at(-1)?.body).toEqual({
      effect: 'allow',
      tool: null,
      command: 'npm *',
      path: null,
      agent: null,
      note: null,
    });
    expect(await skep(world, 'rule', 'list')).toBe(0);
    expect(await skep(world, 'rule', 'remove', 'bbbbbbbb-9')).toBe(0);
    expect(world.said.out).toContain('bbbbbbbb-9 allow: command npm *');
    expect(world.said.out).toContain('Removed.');
  });
});
