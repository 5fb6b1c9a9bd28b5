/** The door of hooks: whose token it is says whose hooks they are, and nothing else is open to it. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import type { HookReport } from '#agent-ports.ts';
import { SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve, TOKEN } from './serve.ts';

let served: Served;
let reports: HookReport[];
let withdrawn: string[];
beforeEach(async () => {
  served = await serve();
  [reports, withdrawn] = [[], []];
  served.node.hooks.set('skep_hook_x', {
    agent: parsedOpId(`${SELF}-9`),
    report: async (report) => {
      reports.push(report);
      return report.request === null ? undefined : { behavior: 'allow' };
    },
    withdraw: (request) => void withdrawn.push(request),
  });
});
afterEach(() => served.close());

async function call(path: string, body: unknown, token = 'skep_hook_x'): Promise<{ status: number; body: unknown }> {
  const response = await fetch(new URL(path, served.http.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

it('takes what a tool tells, whatever else it says, and brings a decision', async () => {
  const hook = { hook_event_name: 'PermissionRequest', tool_name: 'Bash', tool_input: { command: 'ls' }, effort: {} };
  expect(await call('/api/hooks', { hook })).toEqual({ status: 200, body: { decision: null } });
  expect(await call('/api/hooks', { hook, request: 'hook.1' })).toEqual({
    status: 200,
    body: { decision: { behavior: 'allow' } },
  });
  expect(reports[0]).toMatchObject({
    event: 'PermissionRequest',
    tool: 'Bash',
    input: { command: 'ls' },
    prompt: null,
  });
  expect(await call('/api/hooks', { request: 'hook.1', withdrawn: true })).toMatchObject({ status: 200 });
  expect(withdrawn).toEqual(['hook.1']);
});

it('refuses everybody else, and a hook everything else', async () => {
  const hook = { hook_event_name: 'Stop' };
  expect(await call('/api/hooks', { hook }, TOKEN)).toMatchObject({ status: 403 });
  expect(await call('/api/hooks', { hook }, 'skep_hook_y')).toMatchObject({ status: 401 });
  expect(await call('/api/hooks', { hook: { hook_event_name: '' } })).toMatchObject({ status: 400 });
  expect(await call('/api/swarm/tasks', { title: 'x' })).toMatchObject({ status: 403 });
  expect(await call('/api/tools/tasks_list', {})).toMatchObject({ status: 403 });
  expect(reports).toEqual([]);
});
