import { describe, expect, it } from 'vitest';
import { rulingOf } from '#core/approval/rules.ts';
import { nodeIdOf, parsedOpId, userPrincipal } from '#core/brand.ts';
import type { LiveRule } from '#core/view/rule.ts';
import type { Approval } from '../../../web/src/model/frame.ts';
import type { RuleDraft } from '../../../web/src/model/suggest.ts';
import { suggestedRules } from '../../../web/src/model/suggest.ts';

const AGENT = parsedOpId(`${'b'.repeat(32)}-2`);

const asked = (o: Partial<Approval>): Approval => ({
  id: 'a-1',
  state: 'open',
  kind: 'command',
  tool: 'Bash',
  title: '',
  detail: '',
  truncated: false,
  cwd: '/work/3.1',
  paths: [],
  why: '',
  task_id: 't',
  task_title: null,
  attempt: 1,
  agent_id: AGENT,
  agent_name: 'claude-1',
  node_id: 'n',
  node_name: 'n',
  decided_by: null,
  decided_at: null,
  note: null,
  rule_id: null,
  proposal_id: null,
  lamport_ts: 1,
  created_at: '2026-02-12T10:00:00Z',
  ...o,
});

const held = (draft: RuleDraft, at: number): LiveRule => {
  const orNull = (glob: string): string | null => (glob === '' ? null : glob);
  const { tool, command, path, agent } = draft;
  const globs = { tool: orNull(tool), command: orNull(command), path: orNull(path), agent: orNull(agent) };
  const stamp = { lamport: at, node: nodeIdOf('a'.repeat(32)) };
  const row = { id: parsedOpId(`${'a'.repeat(32)}-${at + 1}`) };
  return Object.assign(Object.create(null), row, {
    added: { effect: 'allow', ...globs, note: '', by: userPrincipal('ann'), stamp, wallMs: 0 },
  });
};

/** What the suggested rules say to a request. */
const rules = (o: Partial<Approval>, later: Partial<Approval> = {}): string => {
  const one = asked(o);
  const next = { ...one, ...later };
  const { kind, tool, detail, paths } = next;
  const agent = { id: AGENT, name: next.agent_name };
  const place = { cwd: next.cwd ?? '/', paths, inside: false };
  return rulingOf({ kind, tool, detail, agent, ...place }, suggestedRules(one).map(held)).effect;
};

describe('the rules that are suggested for a request', () => {
  it('allow exactly what was asked, of this agent alone', () => {
    expect(suggestedRules(asked({ detail: 'npm  ci' }))).toEqual([
      { tool: '', command: 'npm ci', path: '', agent: 'claude-1' },
    ]);
    expect(rules({ detail: 'npm ci' })).toBe('allow');
    expect(rules({ detail: 'npm ci' }, { detail: 'npm ci --force' })).toBe('ask');
    expect(rules({ detail: 'npm ci' }, { agent_name: 'other' })).toBe('ask');
  });

  it('are one for each part of a compound command', () => {
    expect(suggestedRules(asked({ detail: 'npm ci && npm test; npm ci' })).map(({ command }) => command)).toEqual([
      'npm ci',
      'npm test',
    ]);
    expect(rules({ detail: 'npm ci && npm test' })).toBe('allow');
    expect(rules({ detail: 'npm ci && npm test' }, { detail: 'npm ci && npm publish' })).toBe('ask');
  });

  it('mean a path in the folder of the attempt from there, so that they are good for the next attempt', () => {
    const edit = { kind: 'edit', tool: 'Edit', paths: ['/work/3.1/.envrc', '/etc/hosts'] } as const;
    expect(suggestedRules(asked({ ...edit, paths: [...edit.paths] })).map(({ path }) => path)).toEqual([
      '.envrc',
      '/etc/hosts',
    ]);
    expect(rules({ ...edit, paths: ['/work/3.1/.envrc'] }, { cwd: '/work/4.1', paths: ['/work/4.1/.envrc'] })).toBe(
      'allow',
    );
  });

  it('name the tool where there is nothing else to name', () => {
    expect(rules({ kind: 'tool', tool: 'mcp__files__read' })).toBe('allow');
  });

  it.each([
    ['a question', { kind: 'question', detail: 'Which port?' }],
    ['a command that cannot be taken apart', { detail: 'rm $(cat list)' }],
    ['a pattern that would be too long', { detail: `echo ${'x'.repeat(300)}` }],
    ['what is only known by its beginning', { detail: 'make', truncated: true }],
    ['an edit of nobody knows what', { kind: 'edit', tool: 'Edit' }],
    ['a command of many parts', { detail: 'a; b; c; d; e; f' }],
  ] as const)('are none for %s', (_what, o) => {
    expect(suggestedRules(asked(o))).toEqual([]);
  });
});
