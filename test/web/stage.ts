/** A swarm as a person may find it in the middle of a day: three real nodes, scripts at work, some of it done, some of it in need of somebody. */
import type { Json, Member } from '../host/swarm.ts';
import { TestSwarm } from '../host/swarm.ts';
import { AskingDriver } from '../host/asking-driver.ts';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const SHELL = { required_capabilities: ['shell'] };

/** Prints a line now and then until it is stopped. */
const LONG = (lines: readonly string[]): string =>
  `for n in $(seq 1 500); do\n${lines.map((line) => `  echo "${line}"; sleep 1`).join('\n')}\ndone`;

export type Stage = { swarm: TestSwarm; home: Member; worker: Member; other: Member; tasks: Record<string, string> };

/** Something that is called as Claude Code is, so that a scripted agent may bear its name. */
function claudeOnPath(directory: string): string {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'claude'), '#!/bin/sh\n');
  chmodSync(join(bin, 'claude'), 0o755);
  process.env['PATH'] = `${bin}${delimiter}${process.env['PATH'] ?? ''}`;
  return 'claude';
}

/** What the scripted agent asks, each in its turn of one attempt. */
const ASKED = [
  {
    tool: 'Bash',
    title: 'npm ci && npm run migrate',
    detail: 'npm ci && npm run migrate -- --env staging',
  },
  {
    kind: 'edit',
    tool: 'Edit',
    title: 'Edit /etc/nginx/conf.d/shop.conf',
    detail: '/etc/nginx/conf.d/shop.conf\n-  client_max_body_size 1m;\n+  client_max_body_size 20m;',
    paths: ['/etc/nginx/conf.d/shop.conf'],
  },
  { kind: 'question', tool: 'task_needs_input', title: 'May uploads stay public?', detail: 'May uploads stay public?' },
];

/** Rejects when a task does not come to where it belongs. */
export async function setStage(): Promise<Stage> {
  const swarm = new TestSwarm();
  const home = await swarm.add({ name: 'hive' });
  const worker = await swarm.add({ name: 'meadow' });
  const other = await swarm.add({ name: 'orchard', drivers: [new AskingDriver(claudeOnPath(swarm.dir))] });
  await swarm.linked();
  const project = swarm.repository('garden');
  await home.post('/api/swarm/projects', { name: 'garden', origin: project, base: 'main' });
  for (const name of ['clover', 'heather']) await worker.post('/api/swarm/agents', { name, tool: 'shell' });
  await other.post('/api/swarm/agents', { name: 'linden', tool: 'shell', capabilities: ['php'] });
  const asker = { name: 'foxglove', tool: 'claude', drive: 'protocol', capabilities: ['deploy'] };
  await other.post('/api/swarm/agents', asker);
  const create = (body: Json): Promise<Json> => home.post('/api/swarm/tasks', { ...SHELL, ...body });
  const done = await create({
    title: 'Write down how the sign-in works',
    project: 'garden',
    description:
      "mkdir -p docs && printf '# Sign-in\\n\\nA code, once.\\n' > docs/sign-in.md && echo 'wrote docs/sign-in.md'",
  });
  const failed = await create({
    title: 'Run the integration tests',
    attempts_max: 1,
    description: "echo 'tests/checkout_test.php: 3 assertions failed' >&2; exit 3",
  });
  await home.ended(String(done['id']));
  await home.ended(String(failed['id']));
  const running = await create({
    title: 'Move the checkout to the new payment API',
    priority: 5,
    project: 'garden',
    description: LONG([
      'reading src/checkout.php',
      'rewriting the call to charge()',
      'running the unit tests: 42 passed',
    ]),
  });
  const second = await create({
    title: 'Translate the error messages',
    description: LONG(['de.json: 118 of 240', 'fr.json: 97 of 240']),
  });
  const third = await create({
    title: 'Measure the start-up time',
    description: LONG(['cold start 812 ms', 'warm start 96 ms']),
  });
  const stuck = await create({ title: 'Draw the new icons', required_capabilities: ['design'] });
  await create({ title: 'Release 2.4', depends_on: [running['id'], second['id']] });
  const cancelled = await create({ title: 'Try the other queue', priority: -1 });
  await home.request('POST', `/api/swarm/tasks/${String(cancelled['id'])}/cancel`);
  // Each has an agent of the stage, before anybody registers more.
  for (const task of [running, second, third])
    await home.until(async () =>
      (await home.task(String(task['id'])))['status'] === 'in_progress' ? true : undefined,
    );
  const asking = await create({
    title: 'Let customers upload larger pictures',
    description: JSON.stringify(ASKED),
    required_capabilities: ['deploy'],
  });
  await home.until(async () =>
    (await home.list('/api/approvals?state=open')).length === ASKED.length ? true : undefined,
  );
  await home.post('/api/caps', { kind: 'tool', name: 'shell', max: 8 });
  await home.post('/api/caps', { kind: 'node', name: 'orchard', max: 2 });
  const ids = { asking, done, failed, running, second, stuck };
  const tasks = Object.fromEntries(Object.entries(ids).map(([name, task]) => [name, String(task['id'])]));
  return { swarm, home, worker, other, tasks };
}
