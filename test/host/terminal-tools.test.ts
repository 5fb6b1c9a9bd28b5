/** By which secret an agent in a terminal is known, and for which attempt its calls count. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import { toolOf } from '#driver/tmux/tool.ts';
import { TerminalTools } from '#host/terminal-tools.ts';
import { ToolDesk } from '#host/tool-desk.ts';

const [ANN, BOB] = [parsedOpId('00000000000000aa-1'), parsedOpId('00000000000000aa-2')];

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'skep-tools-'));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const agent = (id: typeof ANN, tool: string) => ({
  spec: { id, name: 'one', tool, session: 's', owned: true, cwd: '/', isOnce: false },
  tool: toolOf(tool),
});

const fileOf = (id: string): string => join(stateDir, 'tools', `${id}.json`);
const tokenIn = (id: string): string => String(JSON.parse(readFileSync(fileOf(id), 'utf8')).token);

describe('the tools of an agent in a terminal', () => {
  it('are offered to the tools that take them, with the secret in a file and in no argument', () => {
    const tools = new TerminalTools({ stateDir });
    for (const name of ['claude', 'codex']) {
      const given = tools.argumentsFor(agent(ANN, name)).join(' ');
      expect(given).toContain(fileOf(ANN));
      expect(given).not.toContain(tokenIn(ANN));
    }
    expect(statSync(fileOf(ANN)).mode & 0o777).toBe(0o600);
    expect(tools.argumentsFor(agent(BOB, 'bash'))).toEqual([]);
    expect([tools.has(ANN), tools.has(BOB)]).toEqual([true, false]);
  });

  it('are offered to OpenCode beside what its variable says already, unless that is not understood', () => {
    const tools = new TerminalTools({ stateDir });
    const { spec } = agent(ANN, 'opencode --session ses_1');
    const given =
      tools.environmentFor(spec, '{"model":"m","mcp":{"mine":{"type":"remote"}}}')['OPENCODE_CONFIG_CONTENT'] ?? '';
    expect(JSON.parse(given)).toMatchObject({
      model: 'm',
      mcp: { mine: { type: 'remote' }, skep: { type: 'local', environment: { SKEP_MCP_SECRET: fileOf(ANN) } } },
    });
    expect(given).not.toContain(tokenIn(ANN));
    expect(tools.has(ANN)).toBe(true);
    expect(Object.keys(tools.environmentFor(spec, undefined))).toEqual(['OPENCODE_CONFIG_CONTENT']);
    for (const odd of ['{', '[]', '{"mcp":1}']) expect(tools.environmentFor(spec, odd)).toEqual({});
    expect(tools.environmentFor(agent(BOB, 'claude').spec, undefined)).toEqual({});
  });

  it('are known by the same secret after a restart of the node and of the program, until the agent is withdrawn', () => {
    new TerminalTools({ stateDir }).argumentsFor(agent(ANN, 'claude'));
    const token = tokenIn(ANN);
    const tools = new TerminalTools({ stateDir });
    expect(tools.agentOf(token)).toBeUndefined();
    tools.know(ANN);
    expect(tools.agentOf(token)).toBe(ANN);
    tools.argumentsFor(agent(ANN, 'claude'));
    expect(tokenIn(ANN)).toBe(token);
    tools.forget(ANN);
    expect(tools.agentOf(token)).toBeUndefined();
    expect(() => statSync(fileOf(ANN))).toThrow('ENOENT');
  });
});

describe('a call with the secret of such an agent', () => {
  it('is refused with what to do where the agent is at no task, and where nobody has that secret', () => {
    const desk = new ToolDesk({ stateDir, ask: async () => undefined });
    desk.terminal.argumentsFor(agent(ANN, 'claude'));
    expect(desk.bearer(tokenIn(ANN))).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('at no task'),
    });
    expect(desk.bearer(`skep_tools_${'x'.repeat(43)}`)).toMatchObject({ code: 'fenced' });
  });
});
