import { expect, it } from 'vitest';
import { terminalEnvironment } from '#host/terminal-environment.ts';

it('passes on what is the user’s, and nothing of skep, of another terminal or of a CI', () => {
  const env = {
    PATH: '/bin',
    LANG: 'en_GB.UTF-8',
    CIRCLE: 'kept',
    SKEP_TOKEN: 'x',
    CLAUDECODE: '1',
    TERM: 'dumb',
    CI: 'true',
    CI_JOB_ID: '7',
    CONTINUOUS_INTEGRATION: '1',
    EMPTY: undefined,
  };
  expect(terminalEnvironment(env, { name: 'ann' })).toEqual({
    PATH: '/bin',
    LANG: 'en_GB.UTF-8',
    CIRCLE: 'kept',
    SKEP_AGENT: 'ann',
  });
});

it('names a character set where the user has none', () => {
  expect(terminalEnvironment({ LC_ALL: '' }, undefined)).toEqual({ LC_ALL: '', LANG: 'C.UTF-8' });
});
