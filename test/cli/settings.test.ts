import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findSettings } from '#cli/find-settings.ts';
import { Given } from '#cli/given.ts';
import { SETTING_NAMES, SETTINGS } from '#cli/settings.ts';
import type { WorldOptions } from './test-world.ts';
import { place, testWorld } from './test-world.ts';

const { path: home, remove } = place();
afterAll(remove);

const configDir = join(home, '.config', 'skep');
mkdirSync(configDir, { recursive: true });
const write = (text: string): void => writeFileSync(join(configDir, 'config.toml'), text);

const find = (flags: Record<string, unknown>, env: Record<string, string> = {}, o: WorldOptions = {}) =>
  findSettings(new Given([], flags), testWorld({ home, cwd: '/work-place', env, ...o }), { usesFile: true });

describe('settings', () => {
  it('come from flags before the environment before the file before the defaults', async () => {
    write('[node]\nhttp_port = 1001\np2p_port = 1002\nname = "file"\n');
    const found = await find({ httpPort: '3001' }, { SKEP_HTTP_PORT: '2001', SKEP_P2P_PORT: '2002' });
    expect(found.values).toMatchObject({ httpPort: 3001, p2pPort: 2002, name: 'file', discoveryPort: 6101 });
    expect([
      found.sourceOf('httpPort'),
      found.sourceOf('p2pPort'),
      found.sourceOf('name'),
      found.sourceOf('role'),
    ]).toEqual(['flag', 'environment', 'file', 'default']);
  });

  it('have the defaults of the seed', async () => {
    write('');
    expect((await find({})).values).toMatchObject({
      httpPort: 9090,
      p2pPort: 7101,
      discoveryPort: 6101,
      seeds: [],
      dataDir: '/work-place/data',
      role: 'emperor',
      httpBind: '127.0.0.1',
      shellAgents: 0,
    });
  });

  it('take an empty variable for one that is not set, and an empty flag for what it is', async () => {
    write('[node]\nseeds = ["a:1"]\n');
    expect((await find({}, { SKEP_SEEDS: '' })).values.seeds).toEqual(['a:1']);
    expect((await find({ seeds: '' })).values.seeds).toEqual([]);
  });

  it('read lists from text and from TOML', async () => {
    write('[node]\nseeds = ["10.0.0.1:7101", "[::1]:7102"]\n');
    expect((await find({})).values.seeds).toEqual(['10.0.0.1:7101', '[::1]:7102']);
    expect((await find({ seeds: 'a.example:1, b:2' })).values.seeds).toEqual(['a.example:1', 'b:2']);
  });

  it('read a number for each tool from text and from TOML, and refuse what is none', async () => {
    write('[node]\nmax_agents = 4\nmax_agents_of = { claude = 2, codex = 0 }\n');
    expect((await find({})).values).toMatchObject({ maxAgents: 4, maxAgentsOf: { claude: 2, codex: 0 } });
    const typed = { maxAgentsOf: 'claude=1, acp x --y=z=3' };
    expect((await find(typed)).values.maxAgentsOf).toEqual({ claude: 1, 'acp x --y=z': 3 });
    for (const wrong of ['claude', 'claude=', '=2', 'claude=-1', 'claude=1001'])
      await expect(find({ maxAgentsOf: wrong })).rejects.toThrow(/claude=2,codex=1/);
  });

  it('mean paths of the file from where the file is, ~ as the home, others from where one stands', async () => {
    write('[node]\ndata_dir = "state"\ntls_key = "~/key.pem"\n');
    expect((await find({})).values).toMatchObject({ dataDir: join(configDir, 'state'), tlsKey: join(home, 'key.pem') });
    expect((await find({ dataDir: 'here' })).values.dataDir).toBe('/work-place/here');
  });

  it('refuse a key that nobody knows, with line and likeliest key', async () => {
    write('[node]\nname = "x"\n\nhttp_prot = 1\n');
    await expect(find({})).rejects.toMatchObject({
      code: 2,
      message: expect.stringMatching(/config\.toml, line 4: unknown key node\.http_prot$/),
      hints: ['did you mean http_port in [node]?'],
    });
  });

  it('refuse a key outside its table, and a table that nobody knows', async () => {
    write('http_port = 1\n');
    await expect(find({})).rejects.toMatchObject({
      message: expect.stringMatching(/line 1: unknown key http_port$/),
      hints: ['did you mean http_port in [node]?'],
    });
    write('[nod]\nname = "x"\n');
    await expect(find({})).rejects.toMatchObject({ hints: ['did you mean [node]?'] });
  });

  it('refuse what is no TOML, with its place', async () => {
    write('[node]\nname = \n');
    await expect(find({})).rejects.toMatchObject({
      code: 2,
      message: expect.stringMatching(/config\.toml, line 2, column \d+/),
    });
  });

  it('say where a wrong value stands: flag, variable or line', async () => {
    write('');
    await expect(find({ httpPort: '70000' })).rejects.toMatchObject({
      message: '--http-port: expected a port, 0 to 65535, got "70000"',
    });
    await expect(find({}, { SKEP_ROLE: 'king' })).rejects.toMatchObject({
      message: 'SKEP_ROLE: expected emperor or worker, got "king"',
    });
    write('[node]\np2p_port = "many"\n');
    await expect(find({})).rejects.toMatchObject({
      message: expect.stringMatching(/line 2: p2p_port: expected a port.*got "many"$/),
    });
    write('');
    await expect(find({ seeds: 'nonsense' })).rejects.toMatchObject({
      code: 2,
      message: expect.stringContaining('--seeds'),
    });
  });

  it('name a file that was asked for and is not there; pass over the default one', async () => {
    await expect(find({ config: 'gone.toml' })).rejects.toMatchObject({
      code: 2,
      message: expect.stringContaining('/work-place/gone.toml'),
    });
    const none = await find({}, {}, { home: join(home, 'other') });
    expect(none).toMatchObject({ configFound: false, configPath: join(home, 'other', '.config/skep/config.toml') });
  });

  it('follow XDG_CONFIG_HOME where it is absolute', async () => {
    write('');
    const found = await find({}, { XDG_CONFIG_HOME: '/xdg' });
    expect(found.configPath).toBe('/xdg/skep/config.toml');
    expect((await find({}, { XDG_CONFIG_HOME: 'relative' })).configPath).toBe(join(configDir, 'config.toml'));
  });

  it('have one flag and one variable each, made from the key', () => {
    expect(new Set(SETTING_NAMES.map((name) => SETTINGS[name].env)).size).toBe(SETTING_NAMES.length);
    expect(SETTINGS.behindProxy).toMatchObject({
      key: 'behind_proxy',
      flags: '--behind-proxy <host>',
      env: 'SKEP_BEHIND_PROXY',
    });
  });
});
