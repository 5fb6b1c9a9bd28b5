import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { skep, testWorld } from './test-world.ts';

const PROGRAM = expect.stringMatching(/\/bin\/skep$/);

describe('skep mcp install', () => {
  let home: string;
  let env: Record<string, string>;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'skep-install-'));
    env = { PATH: `${home}:${process.env['PATH'] ?? ''}` };
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const world = () => testWorld({ env, home, cwd: home });

  /** A client whose own command writes down what it was told. */
  async function client(name: string, exit = 0): Promise<() => Promise<string[]>> {
    const told = join(home, 'told');
    await writeFile(join(home, name), `#!/bin/sh\necho "$*" >> ${told}\necho no >&2\nexit ${exit}\n`);
    await chmod(join(home, name), 0o755);
    return async () => (await readFile(told, 'utf8')).trim().split('\n');
  }

  it('has Claude Code and Codex register it themselves, in place of an older one', async () => {
    const claude = await client('claude');
    expect(await skep(world(), 'mcp', 'install', '--client', 'claude')).toBe(0);
    expect(await claude()).toEqual([
      'mcp remove --scope user skep',
      expect.stringMatching(/^mcp add --scope user skep -- \/.*\/bin\/skep mcp$/),
    ]);
    const codex = await client('codex');
    const which = ['--url', 'https://hive.example', '--token-file', 'token'];
    expect(await skep(world(), 'mcp', 'install', '--client', 'codex', ...which)).toBe(0);
    const last = (await codex()).at(-1);
    expect(last).toMatch(new RegExp(`skep mcp --url https://hive.example --token-file ${home}/token$`));
  });

  it('says what the client said, and what to do', async () => {
    await client('claude', 1);
    const given = world();
    expect(await skep(given, 'mcp', 'install', '--client', 'claude')).toBe(1);
    expect(given.said.err).toMatch(
      /claude did not take it: no\n.*register it by hand: claude mcp add --scope user skep/s,
    );
    expect(await skep(world(), 'mcp', 'install')).toBe(2);
  });

  it('adds itself to what OpenCode has, and names the node of this folder', async () => {
    const file = join(home, '.config', 'opencode', 'opencode.json');
    await mkdir(join(home, '.config', 'opencode'), { recursive: true });
    await mkdir(join(home, 'data'));
    await writeFile(file, '{"model":"x","mcp":{"other":{"type":"local","command":["o"]}}}');
    expect(await skep(world(), 'mcp', 'install', '--client', 'opencode')).toBe(0);
    const config = z.looseObject({}).parse(JSON.parse(await readFile(file, 'utf8')));
    expect(config).toEqual({
      model: 'x',
      mcp: {
        other: { type: 'local', command: ['o'] },
        skep: { type: 'local', command: [PROGRAM, 'mcp', '--data-dir', join(home, 'data')], enabled: true },
      },
    });
  });

  it('leaves a configuration alone that it cannot read, or whose comments it would lose', async () => {
    const directory = join(home, '.config', 'opencode');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'opencode.json'), '{"mcp":');
    expect(await skep(world(), 'mcp', 'install', '--client', 'opencode')).toBe(1);
    expect(await readFile(join(directory, 'opencode.json'), 'utf8')).toBe('{"mcp":');
    await writeFile(join(directory, 'opencode.jsonc'), '{}');
    expect(await skep(world(), 'mcp', 'install', '--client', 'opencode')).toBe(1);
  });
});
