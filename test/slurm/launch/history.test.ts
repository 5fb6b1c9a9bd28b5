import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jobsIn } from '#slurm/launch/history.ts';

/** A number as Slurm writes it from 23.02 on. */
const given = (number: number): object => ({ set: true, infinite: false, number });
const NOT_GIVEN = { set: false, infinite: false, number: 0 };

const fields = { name: 'skep-slurm', nodes: 'n[1-2]', comment: 'skep:ab' };
const wanted = { job: '4711', name: 'skep-slurm', user: 'ada', nodes: 2, where: 'n[1-2]', comment: 'skep:ab' };

/** Cut to what is read; a field more is passed over. The first as squeue 22.05.8 printed it, the others as 21.08 to 24.11 word the same. */
const SAMPLES: readonly { of: string; job: object; state: string; exitCode: string }[] = [
  {
    of: 'squeue --json, 22.05 (v0.0.38)',
    job: {
      ...fields,
      job_id: 4711,
      job_state: 'RUNNING',
      user_name: 'ada',
      node_count: 2,
      exit_code: 0,
      cores_per_socket: null,
    },
    state: 'RUNNING',
    exitCode: '0:0',
  },
  {
    of: 'squeue and scontrol --json, 23.11 (v0.0.40)',
    job: {
      ...fields,
      job_id: 4711,
      job_state: ['TIMEOUT'],
      user_name: 'ada',
      node_count: given(2),
      exit_code: { status: ['SIGNALED'], return_code: given(0), signal: { id: given(15), name: 'Terminated' } },
    },
    state: 'TIMEOUT',
    exitCode: '0:15',
  },
  {
    of: 'sacct --json, 21.08 and 22.05 (dbv0.0.37, dbv0.0.38)',
    job: {
      ...fields,
      job_id: 4711,
      user: 'ada',
      allocation_nodes: 2,
      state: { current: 'FAILED', reason: 'NonZeroExitCode' },
      exit_code: { status: 'ERROR', return_code: 1 },
      comment: { administrator: null, job: 'skep:ab', system: null },
    },
    state: 'FAILED',
    exitCode: '1:0',
  },
  {
    of: 'sacct --json, 23.11 to 24.11 (v0.0.40 to v0.0.42)',
    job: {
      ...fields,
      job_id: 4711,
      user: 'ada',
      allocation_nodes: 2,
      state: { current: ['NODE_FAIL'], reason: 'None' },
      exit_code: { status: ['SUCCESS'], return_code: given(0), signal: { id: NOT_GIVEN, name: '' } },
      comment: { administrator: '', job: 'skep:ab', system: '' },
    },
    state: 'NODE_FAIL',
    exitCode: '0:0',
  },
];

/**
 * Whole answers in `samples/`. Those of 22.05 were recorded from a real one, with other names. The others have the fields and the shapes that newer Slurm
 * prints by its data parser plug-ins, as public recordings of them show, with values of our own: squeue of 23.02.6 (v0.0.39) in a queue viewer's
 * fixture, of 23.11.1 (v0.0.40) in DiamondLightSource/python-zocalo, tests/util/test_slurm.py; slurmdbd's jobs of 24.05.4 (v0.0.40) and 25.05.3 (v0.0.42)
 * in sites' handbooks of their REST interface. None of these was run here.
 */
const ANSWERS = [
  { file: 'squeue-22.05', state: 'RUNNING', exitCode: '0:0' },
  // It ended with code 3: the JSON of 22.05 does not say so.
  { file: 'sacct-22.05', state: 'FAILED', exitCode: '0:0' },
  { file: 'squeue-23.02', state: 'RUNNING', exitCode: '0:0' },
  { file: 'squeue-23.11', state: 'RUNNING', exitCode: '0:0' },
  { file: 'sacct-24.05', state: 'TIMEOUT', exitCode: '0:0' },
  { file: 'sacct-25.05', state: 'CANCELLED', exitCode: '0:15' },
];

describe('a whole answer', () => {
  it.each(ANSWERS)('is read: $file', ({ file, state, exitCode }) => {
    const text = readFileSync(new URL(`samples/${file}.json`, import.meta.url), 'utf8');
    expect(jobsIn(text)).toEqual([{ ...wanted, comment: 'skep:00112233aabbccdd', state, exitCode }]);
  });
});

describe('jobs in JSON', () => {
  it.each(SAMPLES)('are read from $of', ({ job, state, exitCode }) => {
    expect(jobsIn(JSON.stringify({ meta: {}, errors: [], jobs: [job] }))).toEqual([{ ...wanted, state, exitCode }]);
  });

  it('are none in what is no answer, and a job that is none hides no other', () => {
    expect(jobsIn('Slurm accounting storage is disabled')).toEqual([]);
    expect(jobsIn('{"jobs":7}')).toEqual([]);
    expect(jobsIn(JSON.stringify({ jobs: [{ name: 'x' }, SAMPLES[0]?.job] }))).toHaveLength(1);
  });
});
