/** A task that begins with a copy of the conversation of another one. */
import type { BodyOf } from '#core/schema/body.ts';
import { SHELL } from '#core/task/fit.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import { holderOf, taskChain } from '#core/view/chain.ts';
import type { Door } from '../door.ts';
import type { KnownTask } from '../json/task.ts';
import type { DoorRefusal } from '../refusal.ts';
import { refused } from '../refusal.ts';

export type Fork = NonNullable<BodyOf<'task.created'>['fork']>;

/** The last attempt of that task. Whether a tool by ACP can copy a conversation is known at the start of the attempt. */
export function forkOf(task: KnownTask, door: Door): Fork | DoorRefusal {
  const { attempt } = taskChain(task);
  const grant = holderOf(task, attempt);
  if (grant === undefined)
    return refused('no_work', 'fork: no agent has worked on that task yet', { expected: 'a task with an attempt' });
  const agent = door.node.store.get('agent', grant.value.agent);
  if (!isLive(agent)) return refused('no_work', 'fork: the agent that had the conversation was withdrawn');
  const why = whyNot(agent);
  if (why === undefined) return { agent: agent.id, task: task.id, attempt };
  return refused('not_supported', `fork: ${why}`, {
    expected: 'a task of an agent that is driven by a protocol which copies conversations',
    got: agent.registered.tool,
  });
}

function whyNot({ registered: { name, tool, tmuxSessionId } }: LiveAgent): string | undefined {
  if (tmuxSessionId !== null) return `${name} lives in a terminal, in one conversation`;
  if (tool === SHELL) return 'a script has no conversation';
  if (/^acp\s+opencode\b/.test(tool))
    return 'opencode acp copies a conversation only in its own folder, and a task has one of its own; opencode by its own protocol moves it';
  return tool === 'gemini' ? 'gemini cannot copy a conversation: it offers no session/fork' : undefined;
}
