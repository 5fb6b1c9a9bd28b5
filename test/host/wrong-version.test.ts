/** An agent whose CLI is too old for skep: a script in the place of the CLI, a real node, holder and driver. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm | undefined;
const path = process.env['PATH'] ?? '';
afterEach(async () => {
  process.env['PATH'] = path;
  await swarm?.close();
});

/** Puts the script first on the PATH; it notes each of its starts. */
function installed(dir: string, o: { name: string; version: string; says: string }): { starts: () => string[] } {
  const [bin, log] = [join(dir, 'bin'), join(dir, 'starts')];
  mkdirSync(bin);
  const script = [
    '#!/bin/sh',
    `echo "$1" >> ${log}`,
    `[ "$1" = --version ] && { echo "${o.version}"; exit 0; }`,
    `echo "${o.says}" >&2`,
    'echo "Usage: see --help" >&2',
    'exit 1',
  ];
  writeFileSync(join(bin, o.name), `${script.join('\n')}\n`, { mode: 0o755 });
  process.env['PATH'] = `${bin}:${path}`;
  return { starts: () => readFileSync(log, 'utf8').trim().split('\n') };
}

it.each([
  { name: 'claude', version: '0.2.9 (Claude Code)', says: "error: unknown option '--input-format'", first: '-p' },
  {
    name: 'codex',
    version: 'codex-cli 0.20.0',
    says: "error: unexpected argument '--listen' found",
    first: 'app-server',
  },
])('fails its attempt with the reason, and starts $name once', async ({ name, version, says, first }) => {
  swarm = new TestSwarm();
  const cli = installed(swarm.dir, { name, version, says });
  const node = await swarm.add();
  const agent = await node.post('/api/swarm/agents', { name: 'old', tool: name, drive: 'protocol' });
  const made = await node.post('/api/swarm/tasks', { title: 'Do it', attempts_max: 1 });
  const task = await node.until(async () => {
    const one = await node.get(`/api/swarm/tasks/${String(made['id'])}`);
    return one['status'] === 'failed' ? one : undefined;
  });
  expect(task).toMatchObject({ reason: 'setup_failed', error: expect.stringContaining(`It said: ${says}`) });
  expect(task['error']).toContain(`${name} ended at its start (exit code 1)`);
  expect(task['error']).toContain(`its version here is ${version}, and skep was tested with `);
  expect(cli.starts()).toEqual([first, '--version']);
  const explained = await node.get(`/api/swarm/agents/${String(agent['id'])}/explain`);
  expect(explained).toMatchObject({ state: 'error', exact: true, rule: task['error'] });
});
