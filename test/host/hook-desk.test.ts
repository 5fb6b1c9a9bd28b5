/** How OpenCode in a terminal is told of its plugin: beside what its variable says already, and without the secret. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import { HookDesk } from '#host/hook-desk.ts';

const AGENT = parsedOpId('00000000000000aa-1');

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'skep-hooks-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const spec = (tool: string) => ({ id: AGENT, name: 'one', tool, session: 's', owned: true, cwd: '/', isOnce: false });

it('names the plugin behind those that are there, with the file of the secret', () => {
  const desk = new HookDesk({ stateDir, patienceMs: 1_000 });
  const given = { OPENCODE_CONFIG_CONTENT: '{"model":"m","plugin":["mine"]}', OTHER: 'x' };
  const made = desk.environmentFor(spec('opencode --session ses_1'), given);
  const secret = join(stateDir, 'hooks', `${AGENT}.json`);
  expect(JSON.parse(made['OPENCODE_CONFIG_CONTENT'] ?? '')).toEqual({
    model: 'm',
    plugin: ['mine', [expect.stringMatching(/^file:.*\/bin\/opencode-plugin\.mjs$/), { secret, holds: true }]],
  });
  expect(made['OTHER']).toBe('x');
  expect(statSync(secret).mode & 0o777).toBe(0o600);
  const { token } = JSON.parse(readFileSync(secret, 'utf8'));
  expect(desk.agentOf(String(token))).toBe(AGENT);
  expect(made['OPENCODE_CONFIG_CONTENT']).not.toContain(String(token));
});

it('leaves alone what it does not understand, and every other tool', () => {
  const desk = new HookDesk({ stateDir, patienceMs: 0 });
  for (const odd of ['{', '[]', '{"plugin":1}']) {
    const given = { OPENCODE_CONFIG_CONTENT: odd };
    expect(desk.environmentFor(spec('opencode'), given)).toEqual(given);
  }
  expect(desk.environmentFor(spec('claude'), {})).toEqual({});
});
