// Needs: sshd and ssh (openssh-server, openssh-client), sshfs, fusermount3 (fuse3); root, to mount
/** Mailboxes on file systems that are not as good as a local one: what another machine wrote is seen late, and a disk is full. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { MailboxFollower } from '#runtime/shared-mailbox/follower.ts';
import { inboxRecord } from '#slurm/record.ts';
import { SshLab } from '../cli/ssh-lab.ts';
import { Site, type Told } from './router/rig.ts';
import { Fleet } from './worker-rig.ts';

const TEST_MS = 240_000;
/** How long sshfs and the kernel take what they know of a file for true. */
const STALE_SECONDS = 3;

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
}, TEST_MS);

const run = (program: string, ...args: string[]): string =>
  execFileSync('/usr/bin/env', [program, ...args], { encoding: 'utf8', timeout: 60_000 });

function fleet(made = Fleet.withFake()): Fleet {
  ends.push(() => made.remove());
  return made;
}

/** With the stand-in for Codex as `codex`: what links out of it cannot be run below sshfs. */
function binDirectory(): string {
  const bin = mkdtempSync(join(tmpdir(), 'sk-bin-'));
  symlinkSync(fileURLToPath(new URL('fake-codex.mjs', import.meta.url)), join(bin, 'codex'));
  ends.push(() => rmSync(bin, { recursive: true, force: true }));
  return bin;
}

it(
  'a worker that sees the shared directory as it was seconds ago loses nothing and repeats nothing',
  async () => {
    const here = fleet(new Fleet());
    const lab = await SshLab.open();
    ends.push(() => lab.close());
    const there = mkdtempSync(join(tmpdir(), 'sk-fs-'));
    ends.push(() => rmSync(there, { recursive: true, force: true }));
    const stale = ['dcache_stat_timeout', 'dcache_dir_timeout', 'dcache_link_timeout', 'entry_timeout', 'attr_timeout'];
    const options = ['cache=yes', `ssh_command=ssh -F ${lab.config}`, ...stale.map((one) => `${one}=${STALE_SECONDS}`)];
    run('sshfs', `there:${here.base}`, there, ...options.flatMap((option) => ['-o', option]));
    ends.push(() => void run('fusermount3', '-u', '-z', there));

    // The knob bites: a file that grew there is as short as before here.
    const probe = (directory: string): number => statSync(join(directory, 'probe')).size;
    writeFileSync(join(here.base, 'probe'), '1');
    expect(probe(there)).toBe(1);
    writeFileSync(join(here.base, 'probe'), '22');
    expect(probe(there)).toBe(1);

    const env = { PATH: `${binDirectory()}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
    const worker = here.start(env, there);
    const outbox = here.outbox();
    await outbox.event('thread_started');
    for (let at = 0; at < 5; at += 1) {
      here.tell('7_00', { type: 'user', content: `say ${at}`, injection_id: `i-${at}` });
      await outbox.event('assistant', ({ content }) => content === String(at));
    }
    await worker.kill();
    here.start(env, there);
    here.tell('7_00', { type: 'user', content: 'say last', injection_id: 'i-last' });
    await outbox.event('assistant', ({ content }) => content === 'last');
    const taken = outbox.seen.flatMap((one) => (one.type === 'taken' ? [one.injection_id] : []));
    // What was acknowledged by the killed one is not given again.
    expect(taken).toEqual(['i-0', 'i-1', 'i-2', 'i-3', 'i-4', 'i-last']);
    expect(new Set(outbox.events('thread_started').map(({ payload }) => payload['thread_id'])).size).toBe(1);
  },
  TEST_MS,
);

/** Fills the disk below; the returned function makes room again. */
function filled(directory: string): () => void {
  const ballast = join(directory, 'ballast');
  expect(() => writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024))).toThrow('ENOSPC');
  return () => rmSync(ballast);
}

it(
  'what an agent of the swarm prints waits while the disk is full: every line comes, in order',
  async () => {
    const here = fleet();
    const mailbox = join(here.base, 'mailbox');
    mkdirSync(mailbox);
    run('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mailbox);
    ends.push(() => void run('umount', '-l', mailbox));
    const worker = here.start();
    const outbox = here.outbox('7_00', { mayTear: true });
    await outbox.event('thread_started');
    const go = join(here.base, 'go');
    const long = 'x'.repeat(1_000);
    const script = `until [ -e ${go} ]; do sleep 0.1; done; seq 500 | sed 's/$/ ${long}/'; touch ${go}.done`;
    const proc = { type: 'proc_start', proc: 'p-1.1', argv: ['sh', '-c', script], cwd: here.base, env: {} };
    here.tell('7_00', proc);
    await outbox.until('the start', (one) => one.type === 'proc_started');
    const empty = filled(mailbox);
    writeFileSync(go, '');
    // It has printed all of it: the worker has met what it cannot write down.
    await here.appears('go.done');
    empty();
    await outbox.until('the exit', (one) => one.type === 'proc_exit');
    const told = outbox.seen.flatMap((one) => (one.type === 'proc_output' ? [one] : []));
    expect(told.map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
    expect(told.map(({ text }) => text)).toEqual(Array.from({ length: 500 }, (_, at) => `${at + 1} ${long}`));

    // A worker whose time is over waits for no room.
    const again = `until [ -e ${go}.again ]; do sleep 0.1; done; seq 500 | sed 's/$/ ${long}/'; touch ${go}.printed; sleep 600`;
    here.tell('7_00', { ...proc, proc: 'p-2.1', argv: ['sh', '-c', again] });
    await outbox.until('the second start', (one) => one.type === 'proc_started');
    filled(mailbox);
    writeFileSync(`${go}.again`, '');
    await here.appears('go.printed');
    worker.signal('SIGTERM');
    expect(await worker.ended()).toBe(0);
  },
  TEST_MS,
);

it(
  'an inbox on a disk that is full: the router says so and goes on, and nothing half-written is taken',
  async () => {
    const site = new Site();
    ends.push(() => site.remove());
    const inbox = join(site.base, 'mailbox/inbox');
    run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', inbox);
    ends.push(() => void run('umount', '-l', inbox));
    const { served } = await site.serve();
    const client = site.client(served.port ?? 0);
    await client.ask('swarm_launch', { nodes: 1 }, 'swarm_launched');
    const inject = (content: string): Promise<Told> =>
      client.ask('inject', { swarm_id: 'slurm-7', nodes: 0, content }, 'inject_delivered', 'inject_failed');
    expect((await inject('before')).event).toBe('inject_delivered');
    const empty = filled(inbox);
    const refused = await inject('z'.repeat(10_000));
    expect([refused.event, JSON.stringify(refused.data)]).toEqual(['inject_failed', expect.stringContaining('ENOSPC')]);
    empty();
    expect((await inject('after')).event).toBe('inject_delivered');
    const follower = new MailboxFollower(join(inbox, '7_00.jsonl'), { pollMs: () => 0 });
    follower.finish();
    const contents: unknown[] = [];
    for await (const line of follower.lines()) {
      const record = line.kind === 'record' ? inboxRecord.parse(line.value) : undefined;
      contents.push(record?.type === 'user' ? record.content : line.kind);
    }
    expect(contents.filter((one) => one !== 'fault')).toEqual(['before', 'after']);
  },
  TEST_MS,
);

it(
  'a mailbox on a disk that is full: the agent is given nothing that is not noted, and goes on when there is room',
  async () => {
    const here = fleet();
    const mailbox = join(here.base, 'mailbox');
    mkdirSync(mailbox);
    run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', mailbox);
    ends.push(() => void run('umount', '-l', mailbox));
    here.start();
    const outbox = here.outbox('7_00', { mayTear: true });
    here.tell('7_00', { type: 'user', content: 'say first', injection_id: 'i-1' });
    await outbox.event('assistant', ({ content }) => content === 'first');
    await outbox.until('the end of the turn', (one) => one.type === 'acknowledged');
    const ballast = join(mailbox, 'ballast');
    expect(() => writeFileSync(ballast, Buffer.alloc(512 * 1024))).toThrow('ENOSPC');
    // In the room that is left of the inbox's own page.
    here.tell('7_00', { type: 'user', content: `say ${'x'.repeat(300)}`, injection_id: 'i-2' });
    // A worker looks every second, and beats elsewhere every five: it has met the message by the second beat.
    const beat = (): number => statSync(join(here.base, 'runs/7/heartbeat_00.json')).mtimeMs;
    for (let beats = 0; beats < 2; beats += 1) {
      const before = beat();
      await expect.poll(beat).toBeGreaterThan(before);
    }
    rmSync(ballast);
    here.tell('7_00', { type: 'user', content: 'say after', injection_id: 'i-3' });
    await outbox.event('assistant', ({ content }) => content === 'after');
    const taken = outbox.seen.flatMap((one) => (one.type === 'taken' ? [one.injection_id] : []));
    expect(taken).toEqual(['i-1', 'i-2', 'i-3']);
    const isAnswered = outbox.events('assistant').some(({ injection_id: id }) => id === 'i-2');
    const isCounted = outbox.seen.some((one) => one.type === 'worker_error' && one.error.includes('are not kept'));
    expect(isAnswered || isCounted).toBe(true);
  },
  TEST_MS,
);
