import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, WorkerProcess } from '../worker-rig.ts';
import { Site } from './rig.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
function site(): Site {
  const made = new Site();
  closers.push(() => made.remove());
  return made;
}

/** A worker of job 7 with the stand-in for Codex. */
function worker(here: Site): WorkerProcess {
  Fleet.installFake(here.base);
  const made = new WorkerProcess(here.base, { TMPDIR: here.base });
  closers.push(() => made.kill());
  return made;
}

/** The first line of each kind, in the order of their names, without what differs from run to run. */
function golden(lines: readonly string[], root: string): string[] {
  const first = new Map<string, string>();
  for (const line of lines) {
    const { event, command, type }: { event?: string; command?: string; type?: string } = JSON.parse(line);
    const kind = event ?? command ?? type ?? '';
    if (!first.has(kind)) first.set(kind, plain(line.replaceAll(root, '/scratch')));
  }
  return [...first].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

const plain = (line: string): string =>
  line
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '2026-01-01T00:00:00.000Z')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '00000000-0000-4000-8000-000000000000')
    .replaceAll(/"token":"[0-9a-f]{64}"/g, '"token":"<the token>"')
    .replaceAll(/(thread|turn)-\d+/g, '$1-1')
    .replaceAll(/(?<="turn_id":)"[^"]*"/g, '"turn-1"')
    .replaceAll(/"pid":\d+/g, '"pid":1');

const lineOf = (kind: 'events' | 'commands'): string[] =>
  readFileSync(new URL(`golden/${kind}.jsonl`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

describe('codeswarm.router.v1', () => {
  it('launches, injects, shows, asks, is answered, and terminates: each command has one last answer', async () => {
    const here = site();
    const { served } = await here.serve();
    const client = here.client(served.port ?? 0);
    const launched = await client.ask(
      'swarm_launch',
      { nodes: 1, system_prompt: 'say ready', agents_md_content: 'Be brief.', alias: 'blue' },
      'swarm_launched',
    );
    expect(launched).toMatchObject({
      event: 'swarm_launched',
      data: { swarm_id: 'slurm-7', job_id: '7', node_count: 1 },
    });
    worker(here);
    await client.events.event('assistant', ({ content }) => content === 'ready');
    expect(readFileSync(`${here.base}/runs/7/agent_00/AGENTS.md`, 'utf8')).toBe('Be brief.');
    const told = await client.ask(
      'inject',
      { swarm_id: 'blue', nodes: 'all', content: 'say hello' },
      'inject_delivered',
    );
    const { injection_id: injection } = told.data;
    const said = await client.events.event('assistant', ({ content }) => content === 'hello');
    expect(said.data).toMatchObject({ injection_id: injection, job_id: '7', node_id: 0, final_answer: true });
    await client.ask('inject', { swarm_id: 'slurm-7', nodes: [0], content: 'ask' }, 'inject_delivered');
    await client.events.event('exec_approval_required');
    const open = await client.ask('approvals_list', {}, 'approvals_list');
    expect(open.data).toMatchObject({
      approvals: [{ call_id: 'call-1', job_id: '7', node_id: 0, command: 'rm -rf build' }],
    });
    const asked = { job_id: '7', call_id: 'call-1', approved: true, decision: 'accept' };
    const resolved = await client.ask('approve_execution', asked, 'exec_approval_resolved');
    expect(resolved.data).toMatchObject({ approved: true, idempotent: false });
    await client.events.event('assistant', ({ content }) => content === 'answered: accept');
    const again = await client.ask('approve_execution', { ...asked, approved: false }, 'exec_approval_resolved');
    expect(again.data).toMatchObject({ approved: true, idempotent: true });
    expect((await client.ask('approvals_list', {}, 'approvals_list')).data['approvals']).toEqual([]);
    await client.events.event(
      'turn_complete',
      () => client.events.seen.filter(({ event }) => event === 'turn_complete').length === 3,
    );
    const listed = await client.ask('swarm_list', {}, 'swarm_list');
    expect(listed.data['swarms']).toMatchObject({
      'slurm-7': { status: 'running', system_prompt: 'say ready', alias: 'blue' },
    });
    const over = await client.ask('swarm_terminate', { swarm_id: 'blue' }, 'swarm_terminated');
    expect(over).toMatchObject({ event: 'swarm_terminated', data: { swarm_id: 'slurm-7' } });
    const stages = client.events.seen.flatMap(({ event, data }) =>
      event === 'swarm_terminate_progress' ? [data['stage']] : [],
    );
    await client.ask('providers_list', {}, 'providers_list');
    expect(stages).toEqual(['quiescent', 'provider_terminate', 'completed']);
    expect((await client.ask('swarm_status', { swarm_id: 'blue' }, 'swarm_status')).data['status']).toBe('terminated');
    const late = await client.ask('inject', { swarm_id: 'blue', nodes: 'all', content: 'x' }, 'inject_delivered');
    expect(late).toMatchObject({ event: 'command_rejected', data: { reason: 'swarm slurm-7 is terminated' } });
    expect(golden(client.lines, here.root)).toEqual(lineOf('events'));
    expect(golden(client.sent, here.root)).toEqual(lineOf('commands'));
  });

  it('refuses by name what it does not know, and what is no command', async () => {
    const here = site();
    const { served } = await here.serve();
    const client = here.client(served.port ?? 0);
    const reason = async (command: string, payload: object): Promise<unknown> =>
      (await client.ask(command, payload, 'never')).data['reason'];
    expect(await reason('enqueue_inject', {})).toBe('unsupported');
    expect(await reason('toString', {})).toBe('unsupported');
    expect(await reason('inject', { swarm_id: 'nobody', nodes: 0, content: 'x' })).toBe('unknown swarm_id: nobody');
    here.command(
      'scontrol',
      '[ "$2" = job ] || exec echo "PartitionName=main Default=YES State=UP TotalNodes=9"; echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1',
    );
    expect(await reason('inject', { swarm_id: 'slurm-99', nodes: 0, content: 'x' })).toBe('unknown swarm_id: slurm-99');
    expect(await reason('inject', { swarm_id: 'nobody', nodes: 'some', content: 'x' })).toMatch(/^payload\.nodes/);
    expect(await reason('approve_execution', { job_id: '7', call_id: 'c', approved: true })).toBe('nobody asks this');
    expect(await reason('swarm_terminate', { swarm_id: 'nobody' })).toBe('unknown swarm_id: nobody');
    expect(await reason('swarm_launch', { nodes: 0 })).toMatch(/^payload\.nodes/);
    expect(await reason('swarm_launch', { nodes: 1, provider: 'aws' })).toBe('unknown provider: aws');
    expect(await reason('swarm_launch', { nodes: 1, provider_params: { partition: 'a b' } })).toContain('--partition');
    here.command('sbatch', 'echo "sbatch: error: invalid partition specified: nowhere" >&2; exit 1');
    expect(await reason('swarm_launch', { nodes: 1 })).toContain('invalid partition specified: nowhere');
    expect((await client.ask('swarm_status', { swarm_id: 'nobody' }, 'swarm_status')).data).toMatchObject({
      error: 'unknown swarm_id',
    });
    // Nothing was half-launched, and nobody was told anything.
    expect(existsSync(join(here.root, 'script'))).toBe(false);
    expect(readdirSync(join(here.base, 'mailbox/inbox'))).toEqual([]);
    client.say('no json\n');
    await client.events.event('command_rejected', (data) => data['reason'] === 'expected a JSON object a line');
    client.say({ type: 'command', command: 'inject', request_id: 'mine' });
    const wrong = await client.events.event('command_rejected', (data) => data['request_id'] === 'mine');
    expect(wrong.data['reason']).toMatch(/^no command of codeswarm.router.v1: protocol/);
  });

  it('hangs up on whoever has no token, the wrong one, or a line without an end; the others go on', async () => {
    const here = site();
    const { served } = await here.serve();
    const port = served.port ?? 0;
    const good = here.client(port);
    const said = async (text: string | object): Promise<unknown> => {
      const client = here.client(port, 'nothing');
      client.say(text);
      await client.closed;
      return client.events.seen.map(({ data }) => data['reason']);
    };
    const first = ['the first line is to be {"type":"auth","token":…}'];
    expect(
      await said({ protocol: 'codeswarm.router.v1', type: 'command', command: 'swarm_list', request_id: 'r' }),
    ).toEqual(first);
    expect(await said('GET / HTTP/1.1\r\n\r\n')).toEqual(first);
    expect(await said({ type: 'auth', token: 'wrong' })).toEqual(['that is not the token of this router']);
    expect(await said('x'.repeat(5 * 1024 * 1024))).toEqual(['a line has at most 4194304 bytes']);
    // Half a line is no line, however long it waits; then its other half comes.
    const half = here.client(port, 'nothing');
    half.say(`{"type":"auth","tok`);
    half.say(`en":"${here.token}"}\n`);
    expect((await half.ask('providers_list', {}, 'providers_list')).data['providers']).toMatchObject([{ id: 'slurm' }]);
    const listed = await good.ask('swarm_list', {}, 'swarm_list');
    expect(listed.data['swarms']).toEqual({});
  });

  it('asks Slurm for an allocation once a conversation: a worker that answers runs', async () => {
    const here = site();
    const { served } = await here.serve();
    const client = here.client(served.port ?? 0);
    const inject = (content: string): ReturnType<typeof client.ask> =>
      client.ask('inject', { swarm_id: 'slurm-7', nodes: 'all', content }, 'inject_delivered');
    await client.ask('swarm_launch', { nodes: 1 }, 'swarm_launched');
    worker(here);
    await inject('say one');
    await client.events.event('assistant', ({ content }) => content === 'one');
    here.command('squeue', 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1');
    expect((await inject('say two')).event).toBe('inject_delivered');
    await client.events.event('assistant', ({ content }) => content === 'two');
    here.write('7_00', { type: 'complete', job_id: '7', node_id: 0 });
    await client.events.event('thread_status', ({ reason }) => reason === null);
    expect(await inject('say three')).toMatchObject({
      event: 'command_rejected',
      data: { reason: expect.stringContaining('Unable to contact slurm controller') },
    });
    expect(here.inbox('7_00').map((one) => one['content'])).toEqual(['say one', 'say two']);
  });

  it('brings all that an allocation left, where that is wanted of its end, and says where it cannot', async () => {
    const here = site();
    const { served } = await here.serve();
    const client = here.client(served.port ?? 0);
    await client.ask('swarm_launch', { nodes: 1 }, 'swarm_launched');
    here.write('7_00', { type: 'complete', job_id: '7', node_id: 0 });
    const params = { swarm_id: 'slurm-7', terminate_params: { download_workspaces_on_shutdown: true } };
    await client.ask('swarm_terminate', params, 'swarm_terminated');
    const names = client.events.seen.map(({ event }) => event);
    expect(names.indexOf('workspace_archive_ready')).toBeLessThan(names.indexOf('swarm_terminated'));
    const ready = await client.events.event('workspace_archive_ready');
    const path = join(here.root, 'state/archives/7.tar.gz');
    expect(ready.data).toMatchObject({
      swarm_id: 'slurm-7',
      job_id: '7',
      archive_path: path,
      archive_name: '7.tar.gz',
    });
    const kept = execFileSync('tar', ['-tzf', path], { encoding: 'utf8', timeout: 60_000 });
    expect(kept).toContain('mailbox/outbox/7_00.jsonl');
    // Another one, of which nothing is there.
    await client.ask('swarm_launch', { nodes: 1 }, 'swarm_launched');
    rmSync(join(here.base, 'archive'), { recursive: true });
    await client.ask('swarm_terminate', params, 'swarm_terminated');
    const failed = await client.events.event('workspace_archive_failed');
    expect(failed.data).toMatchObject({ job_id: '7', reason: expect.stringContaining('nothing of job 7 is there') });
  });

  it('answers each command of a flood, once', async () => {
    const here = site();
    const { served } = await here.serve();
    const client = here.client(served.port ?? 0);
    const names = Array.from({ length: 5_000 }, () => client.send('approvals_list'));
    await client.events.until('the last', ({ data }) => data['request_id'] === names.at(-1));
    const answers = client.events.seen.map(({ data }) => data['request_id']);
    expect(new Set(answers)).toEqual(new Set(names));
    expect(answers).toHaveLength(names.length);
  });
});
