/** A data directory that was copied, key and all: neither copy does harm, both are told why, and the rest of the swarm goes on. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { SHELL, stateOf } from './backups.ts';
import { follow } from './follow.ts';
import type { Member } from './swarm.ts';
import { freePort, TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
beforeEach(() => {
  swarm = new TestSwarm();
});
afterEach(() => swarm.close());

/** A member that keeps what its node logs. */
async function add(o: Parameters<TestSwarm['add']>[0] = {}): Promise<{ member: Member; log: string[] }> {
  const log: string[] = [];
  return { member: await swarm.add({ ...o, log: (line) => log.push(line) }), log };
}

/** Copies the stopped node's data directory and starts the copy on a port of its own, as somebody might who wants a second node. */
async function startCopy(of: Member): Promise<{ member: Member; log: string[] }> {
  const [p2pPort, dataDir] = [await freePort(), join(swarm.dir, 'copy')];
  cpSync(of.options.dataDir, dataDir, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  cpSync(join(dataDir, String(of.options.p2pPort)), stateDirOf(dataDir, p2pPort), { recursive: true });
  return add({ ...of.options, dataDir, p2pPort, httpPort: await freePort() });
}

async function works(member: Member): Promise<void> {
  const created = await member.post('/api/swarm/tasks', { ...SHELL, title: 'Go on', description: 'echo well' });
  expect(await member.ended(String(created['id']))).toMatchObject({ status: 'completed', result: 'well' });
}

describe('a copied data directory', () => {
  it('that runs beside the original: both are refused, the third node goes on', async () => {
    const third = await add({ shellAgents: 1 });
    const one = await add();
    await swarm.linked();
    const { self } = one.member.running.info;
    await one.member.running.close();
    const two = await startCopy(one.member);
    expect(two.member.running.info.self).toBe(self);
    await third.member.until(async () =>
      (await third.member.get('/api/swarm/status'))['links'] === 1 ? true : undefined,
    );
    // The original comes back while the copy is linked.
    await one.member.restart();
    await third.member.until(async () => {
      const told = [one, two].filter(({ log }) => log.some((line) => /refused by .*runs twice at once/.test(line)));
      return told.length === 2 ? true : undefined;
    });
    expect(third.log.filter((line) => line.includes('runs twice at once'))).not.toEqual([]);
    for (const { log } of [one, two])
      expect(log.join('\n')).toMatch(/its data directory was copied\. Stop one of the two/);
    expect(await third.member.get('/api/swarm/status')).toMatchObject({ links: 0 });
    await works(third.member);
  });

  it('whose copies ran one after the other: the log counts up to where they part, and both stop', async () => {
    const third = await add({ shellAgents: 1 });
    // It writes on alone, below, and need not wait long for that.
    const one = await add({ aloneAfterMs: 100 });
    await swarm.linked();
    const { self } = one.member.running.info;
    await one.member.running.close();
    // The copy writes on, the third node sees it; then it is stopped.
    const copy = await startCopy(one.member);
    await third.member.until(async () =>
      (await third.member.get('/api/swarm/status'))['links'] === 1 ? true : undefined,
    );
    await copy.member.post('/api/swarm/tasks', { title: 'By the copy' });
    await third.member.until(async () => {
      const tasks = await third.member.list('/api/swarm/tasks');
      return tasks.some((task) => task['title'] === 'By the copy') ? true : undefined;
    });
    await copy.member.running.close();
    // Alone, the original writes on where it stood, and more of it. Then they meet.
    await third.member.running.close();
    await one.member.restart();
    for (let n = 0; n < 10; n++) await one.member.post('/api/swarm/tasks', { title: 'By the original' });
    await third.member.restart();
    const stopped = await one.member.running.closed;
    expect(stopped?.message).toMatch(
      /continued elsewhere from number \d+ on: its data directory was copied, or brought/,
    );
    expect(third.log.join('\n')).toMatch(new RegExp(`ALARM node ${self} signed two histories`));
    // The copy learns of it at its next start and stops, too.
    await copy.member.restart();
    expect((await copy.member.running.closed)?.message).toMatch(/start this node with a new data directory/);
    const nodes = await third.member.list('/api/swarm/nodes');
    expect(nodes.find((node) => node['id'] === self)).toMatchObject({ forked: true });
    await works(third.member);
    expect(stateOf(copy.member)).not.toBe(stateOf(one.member));
  });
});

describe('a data directory that is put back as it was some time ago', () => {
  it('stops its node before it wrote anything, and says what to run; the others go on', async () => {
    const home = await add();
    const second = await add({ shellAgents: 1 });
    const third = await add();
    await swarm.linked();
    const before = join(swarm.dir, 'before');
    const stateDir = stateDirOf(third.member.options.dataDir, third.member.options.p2pPort);
    await third.member.running.close();
    cpSync(stateDir, before, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    await third.member.restart();
    await swarm.linked();
    // It votes on this one, and appends nothing by that: its log alone would not tell.
    await works(home.member);
    await third.member.running.close();
    rmSync(stateDir, { recursive: true });
    cpSync(before, stateDir, { recursive: true });
    await third.member.restart();
    expect((await third.member.running.closed)?.message).toMatch(
      /older than what the swarm knows of it: node \w+ knows of \d+ votes, proposals and starts of it, here are \d+[^]*skep restore BACKUP/,
    );
    await works(home.member);
    expect(await second.member.get('/api/swarm/status')).toMatchObject({ links: 1 });
  });

  it('tells those who follow it, as its last word', async () => {
    const home = await add();
    const third = await add();
    await swarm.linked();
    const stateDir = stateDirOf(third.member.options.dataDir, third.member.options.p2pPort);
    const before = join(swarm.dir, 'before');
    await third.member.running.close();
    cpSync(stateDir, before, { recursive: true, filter: (path) => !path.endsWith('.sock') });
    await third.member.restart();
    await swarm.linked();
    await third.member.post('/api/posts', { content: 'is forgotten' });
    await home.member.until(async () => ((await home.member.list('/api/posts')).length === 1 ? true : undefined));
    // Nobody is there to tell it when it starts, so that somebody may follow it.
    await home.member.running.close();
    await third.member.running.close();
    rmSync(stateDir, { recursive: true });
    cpSync(before, stateDir, { recursive: true });
    await third.member.restart();
    const follower = await follow(third.member);
    await home.member.restart();
    expect(await follower.closed).toEqual({ code: 4001, reason: expect.stringMatching(/went back in time/) });
  });

  it('is no hindrance while it is up to date: every node of a swarm that was stopped starts again and works', async () => {
    const home = await add({ shellAgents: 1 });
    await add();
    await add();
    await swarm.linked();
    await works(home.member);
    for (const member of swarm.members) await member.running.close();
    await Promise.all(swarm.members.map((member) => member.restart()));
    await works(home.member);
    expect(await home.member.get('/api/swarm/status')).toMatchObject({ boot_check: { state: 'passed' } });
  });
});
