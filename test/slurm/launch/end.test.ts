import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endOf, hasEnded, leftOf, waitOf, type Left } from '#slurm/launch/end.ts';
import { Login } from '#slurm/launch/login.ts';
import { temporaryDirectories } from '../../runtime/temporary.ts';

const makeDirectory = temporaryDirectories();
const login = new Login({ ssh: { login_alias: null } }, { PATH: process.env['PATH'] });

const left = (o: Partial<Left> = {}): Left => ({
  workers: 2,
  reasons: [],
  checkpoints: 2,
  isOutOfMemory: false,
  ...o,
});
const ended = (state: string, o: Partial<Left> = {}, exitCode = '0:0'): { why: string; next: string } =>
  endOf({ job: '7', state, exitCode, nodes: 2, where: 'n[1-2]' }, left(o));

describe('the end of an allocation', () => {
  it('is told apart where Slurm has one word: workers that were told to end, and those whose walltime was near', () => {
    expect(ended('COMPLETED', { reasons: ['shutdown', 'shutdown'] })).toEqual({
      why: 'every worker ended as it was told',
      next: '',
    });
    expect(ended('COMPLETED', { reasons: ['walltime', 'shutdown'], checkpoints: 1 })).toEqual({
      why: 'its walltime was near: 1 of 2 workers stopped for it; 1 of 2 workers left a checkpoint',
      next: 'skep slurm launch --continue 7 --nodes 2 goes on with its agents',
    });
    expect(ended('FAILED', { isOutOfMemory: true }, '1:0')).toEqual(ended('OUT_OF_MEMORY', {}, '1:0'));
  });

  it('says to launch again where no worker had begun, or nobody could look', () => {
    expect(ended('NODE_FAIL', { workers: 0 })).toEqual({
      why: 'a node of it failed (it had n[1-2])',
      next: 'launch it again; Slurm leaves a node out until it is up again',
    });
    const unseen = endOf({ job: '7', state: 'CANCELLED', exitCode: '0:15', nodes: 2, where: '' }, undefined);
    expect(unseen).toEqual({ why: 'somebody cancelled it; exit code 0:15', next: 'launch it again' });
  });

  it('is none while it runs, and of a word that is not Slurm’s', () => {
    for (const state of ['RUNNING', 'PENDING', 'toString']) {
      expect(hasEnded(state)).toBe(false);
      expect(ended(state)).toEqual({ why: '', next: '' });
    }
  });
});

describe('what workers left', () => {
  it('is counted from outboxes, checkpoints and the words of the batch script; torn lines and other jobs are none', async () => {
    const base = makeDirectory();
    const write = (path: string, text: string): void => {
      mkdirSync(dirname(join(base, path)), { recursive: true });
      writeFileSync(join(base, path), text);
    };
    const end = (reason: string): string =>
      `${JSON.stringify({ type: 'complete', job_id: '7', node_id: 0, timestamp: 1, reason })}\n`;
    expect(await leftOf(login, base, '7')).toEqual({ workers: 0, reasons: [], checkpoints: 0, isOutOfMemory: false });
    write('mailbox/outbox/7_00.1.jsonl', end('terminated'));
    write('mailbox/outbox/7_00.jsonl', `${end('terminated')}{"type":"start"}\n${end('walltime')}`);
    write('mailbox/outbox/7_01.jsonl', end('gave_up').slice(0, 30));
    write('mailbox/outbox/77_00.jsonl', end('shutdown'));
    write('runs/7/checkpoint_00/notes.json', '{}');
    write('skep_7.err', 'slurmstepd-n1: error: Detected 1 oom-kill event(s) in StepId=7.0.\n');
    const found = await leftOf(login, base, '7');
    expect(found).toMatchObject({ workers: 2, checkpoints: 1, isOutOfMemory: true });
    expect(found?.reasons).toContain('walltime');
    expect(found?.reasons).not.toContain('gave_up');
    expect(found?.reasons).not.toContain('shutdown');
  });
});

describe('the reason why a job waits', () => {
  it('is told with its meaning where that is known, and as it is otherwise', () => {
    expect(waitOf('None')).toBe('');
    expect(waitOf('Resources')).toBe('Resources: no such nodes are free yet');
    expect(waitOf('AssocGrpCPUMinutesLimit')).toContain(': the account has spent what it was granted');
    expect(waitOf('AssocMaxJobsLimit')).toBe('AssocMaxJobsLimit: a limit of the account is reached');
    expect(waitOf('Licenses')).toBe('Licenses');
  });
});
