import { describe, expect, it } from 'vitest';
import { agentPrincipal, nodeIdOf, nodePrincipal, opIdOf, userPrincipal } from '#core/brand.ts';
import type { Action, Caller } from '#core/policy.ts';
import { accessOf, allowed } from '#core/policy.ts';

const operator: Caller = { principal: userPrincipal('operator'), role: 'operator' };
const viewer: Caller = { principal: userPrincipal('eyes'), role: 'viewer' };
const node: Caller = { principal: nodePrincipal(nodeIdOf('a'.repeat(32))), role: 'node' };

/** Each row: what may a stranger, a viewer, another node, an operator? */
const rows: [Action, boolean, boolean, boolean, boolean][] = [
  ['page.open', true, true, true, true],
  ['login.use', true, true, true, true],
  ['health.read', true, true, true, true],
  ['status.read', false, true, true, true],
  ['task.read', false, true, true, true],
  ['agent.read', false, true, true, true],
  ['project.read', false, true, true, true],
  ['node.read', false, true, true, true],
  ['event.read', false, true, true, true],
  ['approval.read', false, true, true, true],
  ['rule.read', false, true, true, true],
  ['post.read', false, true, true, true],
  ['task.create', false, false, true, true],
  ['task.cancel', false, false, true, true],
  ['task.merge', false, false, true, true],
  ['agent.register', false, false, true, true],
  ['agent.deregister', false, false, true, true],
  ['agent.pause', false, false, true, true],
  ['agent.send', false, false, true, true],
  ['agent.interrupt', false, false, true, true],
  ['agent.restart', false, false, true, true],
  ['project.register', false, false, true, true],
  ['project.remove', false, false, true, true],
  ['post.create', false, false, true, true],
  ['box.read', false, true, true, true],
  ['box.declare', false, false, false, true],
  ['box.stop', false, false, false, true],
  ['box.destroy', false, false, false, true],
  ['box.enter', false, false, false, true],
  ['task.allow', false, false, false, true],
  ['tool.call', false, false, false, true],
  ['hook.report', false, false, false, false],
  ['task.fetch', false, false, false, true],
  ['approval.decide', false, false, false, true],
  ['message.read', false, false, false, true],
  ['message.send', false, false, false, true],
  ['message.answer', false, false, false, true],
  ['agent.restrict', false, false, false, true],
  ['agent.budget', false, false, false, true],
  ['cap.read', false, true, true, true],
  ['cap.set', false, false, false, true],
  ['rule.add', false, false, false, true],
  ['rule.remove', false, false, false, true],
  ['token.read', false, false, false, true],
  ['token.create', false, false, false, true],
  ['token.remove', false, false, false, true],
  ['login.create', false, false, false, true],
  ['joinCode.read', false, false, false, true],
  ['backup.create', false, false, false, true],
  ['channel.manage', false, false, false, true],
  ['webhook.read', false, false, false, true],
  ['webhook.manage', false, false, false, true],
  ['webhook.post', true, true, true, true],
];

describe('policy', () => {
  it.each(rows)(
    '%s: stranger %s, viewer %s, node %s, operator %s',
    (action, byStranger, byViewer, byNode, byOperator) => {
      expect([undefined, viewer, node, operator].map((caller) => allowed(caller, action))).toEqual([
        byStranger,
        byViewer,
        byNode,
        byOperator,
      ]);
    },
  );

  it('lets an agent call its tools and do nothing else', () => {
    const agent: Caller = { principal: agentPrincipal(opIdOf('a'.repeat(32), 3)), role: 'agent' };
    const may = rows.map(([action]) => action).filter((action) => allowed(agent, action));
    expect(may.filter((action) => !allowed(undefined, action))).toEqual(['tool.call']);
  });

  it('lets a hook tell of its agent and do nothing else', () => {
    const hook: Caller = { principal: agentPrincipal(opIdOf('a'.repeat(32), 3)), role: 'hook' };
    const may = rows.map(([action]) => action).filter((action) => allowed(hook, action));
    expect(may).toEqual(['hook.report']);
  });

  it('names the least that an action needs', () => {
    expect([accessOf('health.read'), accessOf('task.read'), accessOf('task.create')]).toEqual([
      'public',
      'viewer',
      'operator',
    ]);
  });
});
