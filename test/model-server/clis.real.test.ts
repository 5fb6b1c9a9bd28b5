// Needs: npm, 1.2 GB of disk for the agent CLIs
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelServer, Served } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome } from '../agent-clis.ts';

const KEY = 'stub-key';
const WITHIN_MS = 300_000;

let server: ModelServer;
let home: AgentHome;
const served: Served[] = [];
beforeAll(async () => {
  server = await startModelServer({ port: 0, key: KEY, onServed: (one) => served.push(one) });
  home = new AgentHome({ url: server.url, key: KEY });
}, WITHIN_MS);
afterAll(async () => {
  home.remove();
  await server.close();
});
beforeEach(() => void served.splice(0));

async function run(argv: readonly [string, ...string[]]): Promise<{ code: number | null; out: string }> {
  const child = spawn(argv[0], argv.slice(1), { cwd: home.project, env: home.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (out += piece.toString()));
  const [code] = await once(child, 'close');
  return { code, out };
}
const claude = (prompt: string) => run(['claude', '-p', '--permission-mode', 'bypassPermissions', prompt]);
// An argument with spaces reaches the model in quotes: the prompt comes on standard input.
const opencode = (prompt: string) => run(['sh', '-c', 'printf %s "$1" | opencode run --auto', 'sh', prompt]);
const gemini = (prompt: string) => run(['gemini', '--yolo', '-p', prompt]);
const codex = (prompt: string) => run(['codex', 'exec', '--json', prompt]);
const commits = (): string[] => home.git('log', '--format=%s').trim().split('\n');

const EDIT = (name: string): string =>
  `Work. <<stub [{"preText":"let me","bash":"echo x >> f && git add -A && git commit -qm ${name}"},{"text":"committed by ${name}"}]>>`;

describe.each([
  { name: 'claude', ask: claude, dialect: 'anthropic' },
  { name: 'codex', ask: codex, dialect: 'responses' },
  { name: 'opencode', ask: opencode, dialect: 'chat' },
  { name: 'gemini', ask: gemini, dialect: 'gemini' },
])('the real $name', { timeout: WITHIN_MS }, ({ name, ask, dialect }) => {
  it('edits, commits and says so, as scripted', async () => {
    const { code, out } = await ask(EDIT(name));
    expect(out).toContain(`committed by ${name}`);
    expect(code).toBe(0);
    expect(commits()[0]).toBe(name);
    expect(served.filter(({ step }) => step >= 0).map((one) => [one.dialect, one.step, one.status])).toEqual([
      [dialect, 0, 200],
      [dialect, 1, 200],
    ]);
    expect(served.filter(({ status }) => status === 404)).toEqual([]);
  });

  it('takes an error for one', async () => {
    const { code, out } = await ask(`<<stub [{"status":400,"message":"scripted refusal of ${name}"}]>>`);
    expect(out).toContain(`scripted refusal of ${name}`);
    expect(code).not.toBe(0);
  });
});

it('the real claude goes on after an overload that passes', { timeout: WITHIN_MS }, async () => {
  const { out } = await claude('<<stub [{"status":529,"times":1,"then":{"text":"recovered at last"}}]>>');
  expect(out).toContain('recovered at last');
  expect(served.map(({ status }) => status)).toEqual([529, 200]);
});
