import { expect, it } from 'vitest';
import { approvalOf } from '#driver/codex/approval.ts';

const asked = (params: Record<string, unknown>): { kind: string; detail: string } | undefined => {
  const request = { id: 1, method: 'item/commandExecution/requestApproval', params };
  return approvalOf(request, { cwd: '/work', changes: () => [] })?.permission;
};
const wrapped = (script: string): string => `/bin/bash -lc '${script}'`;

it.each([
  ['git status && ls', 'git status && ls'],
  ['touch z', 'touch z'],
])('shows the command inside of its shell: %s', (script, action) => {
  const params = { itemId: 'call_1', command: wrapped(script), commandActions: [{ type: 'unknown', command: action }] };
  expect(asked(params)).toMatchObject({ kind: 'command', detail: script });
});

it.each([
  ['an action that leaves something out', wrapped('cat list | xargs rm -rf'), ['cat list']],
  ['an action that stands elsewhere', wrapped('ls; cat list'), ['cat list']],
  ['several actions', wrapped('cat a; cat b'), ['cat a', 'cat b']],
  ['no action', wrapped('cat a'), []],
  ['an action in another program', "/usr/bin/env -S bash -lc 'cat a'", ['cat a']],
  ['an action that is expanded once more', '/bin/bash -lc "cat $X"', ['cat $X']],
])('shows all of it for %s', (_what, command, actions) => {
  const commandActions = actions.map((one) => ({ type: 'read', command: one }));
  expect(asked({ itemId: 'call_1', command, commandActions })).toMatchObject({ kind: 'command', detail: command });
});
