import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Git, saidBy } from '#workspace/git.ts';
import { Turns } from '#workspace/turns.ts';
import { Lab, good, refused } from './lab.ts';

describe('a call of git', () => {
  let lab: Lab;
  let git: Git;
  beforeEach(() => {
    lab = new Lab();
    git = new Git({ ...lab.environment, SECRET: 'x', GIT_DIR: '/nowhere', GIT_AUTHOR_NAME: 'Eve' });
  });
  afterEach(async () => {
    await git.close();
    await lab.close();
  });

  const shell = (script: string) => ['-c', `alias.sh=!${script}`, 'sh'];

  it('tells what git answered, whether it liked it or not', async () => {
    expect(await git.run(['version'], { cwd: lab.top })).toMatchObject({ ok: true, ended: 'exited', exitCode: 0 });
    const refusal = await git.run(['rev-parse', 'HEAD'], { cwd: lab.top });
    expect(refusal).toMatchObject({ ok: false, ended: 'exited', exitCode: 128 });
    expect(saidBy(refusal)).toContain('not a git repository');
  });

  it('sees only what it needs of the environment, and asks nobody', async () => {
    const { out } = await git.run(shell('env'), { cwd: lab.top });
    const names = out.split('\n').map((line) => line.split('=')[0]);
    expect(names).not.toContain('SECRET');
    expect(names).not.toContain('GIT_AUTHOR_NAME');
    expect(names).toEqual(expect.arrayContaining(['HOME', 'GIT_CONFIG_GLOBAL', 'LC_ALL', 'GIT_TERMINAL_PROMPT']));
    const terminal = await git.run(shell('tty </dev/tty'), { cwd: lab.top });
    expect(terminal.ok).toBe(false);
  });

  it('is ended at its time, with its children', async () => {
    const late = await git.run(shell('sleep 600'), { cwd: lab.top, timeoutMs: 50 });
    expect(late).toMatchObject({ ok: false, ended: 'timed_out' });
    expect(saidBy(late)).toBe('git did not end in time');
  });

  it('is ended at its limit of output, of which the beginning is kept', async () => {
    const loud = await git.run(shell('yes'), { cwd: lab.top, outputMaxBytes: 10 });
    expect(loud).toMatchObject({ ok: false, ended: 'overflowed', out: 'y\ny\ny\ny\ny' });
  });

  it('is ended when the node stops, and no other begins', async () => {
    const running = git.run(shell('sleep 600'), { cwd: lab.top });
    await git.close();
    await git.close();
    expect((await running).ended).toBe('stopped');
    expect((await git.run(['version'], { cwd: lab.top })).ended).toBe('stopped');
  });

  it('that cannot start says why', async () => {
    const without = await new Git({ PATH: lab.path('none') }).run(['version'], { cwd: lab.top });
    expect(without).toMatchObject({ ok: false, ended: 'not_started' });
    expect((await git.run(['version'], { cwd: lab.path('none') })).ended).toBe('not_started');
  });

  it('repeats no credentials', async () => {
    const failed = await git.run(shell('echo fatal: https://ada:secret@example.org/x >&2; false'), { cwd: lab.top });
    expect(saidBy(failed)).toBe('fatal: https://***@example.org/x');
  });
});

describe('turns', () => {
  it('are taken one after another a key, also after a failure', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const first = Promise.withResolvers<undefined>();
    const note = (name: string) => async () => {
      order.push(name);
      if (name === 'a1') await first.promise;
      if (name === 'a2') throw new Error('bad');
      return { name };
    };
    const all = Promise.allSettled([
      turns.take('a', note('a1')),
      turns.take('a', note('a2')),
      turns.take('a', note('a3')),
      turns.take('b', note('b1')),
    ]);
    good(await turns.take('b', note('b2')));
    expect(order).toEqual(['a1', 'b1', 'b2']);
    first.resolve(undefined);
    expect((await all).map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(order).toEqual(['a1', 'b1', 'b2', 'a2', 'a3']);
  });

  it('are refused when too many wait', async () => {
    const turns = new Turns();
    const first = Promise.withResolvers<object>();
    const waiting = Array.from({ length: 1000 }, () => turns.take('a', () => first.promise));
    expect(refused(await turns.take('a', async () => ({}))).code).toBe('busy');
    first.resolve({});
    await Promise.all(waiting);
    expect(await turns.take('a', async () => ({ done: true }))).toEqual({ done: true });
  });
});
