/** What the parts of a node make of ops that are on disk now: decisions follow from committed rows alone. */
import type { BootCheck } from './boot-check.ts';
import type { NodeId } from './brand.ts';
import type { Forks } from './fork.ts';
import type { Mail } from './message/mail.ts';
import type { Op } from './op.ts';
import { createsEntity } from './op.ts';
import type { OwnAgents } from './own-agents.ts';
import type { Tasks } from './task/tasks.ts';
import type { Turn } from './turn.ts';

type Parts = {
  self: NodeId;
  tasks: Tasks;
  forks: Forks;
  ownAgents: OwnAgents;
  bootCheck: BootCheck;
  mailing: Mail;
};

/** True when what presence says of this node's agents has changed. */
export function followUp({ ops, truncate }: Pick<Turn, 'ops' | 'truncate'>, parts: Parts): boolean {
  const { self, tasks, forks, ownAgents, bootCheck, mailing } = parts;
  const touched = new Set(ops.flatMap(({ header, body }) => (body.type.startsWith('task.') ? header.entity : [])));
  tasks.onRows(touched);
  if (truncate.length > 0) tasks.onTruncated();
  let agentsChanged = false;
  for (const op of ops) {
    const { body } = op;
    if (isOfAgent(body.type)) {
      agentsChanged = true;
      if (op.header.node === self && isNewInTerminal(op)) ownAgents.see({ agent: op.header.entity, state: 'starting' });
      tasks.onAgent(op.header.entity);
    }
    if (body.type === 'project.registered' || body.type === 'cap.set') tasks.seek();
    if (body.type.startsWith('node.')) bootCheck.look();
    if (body.type === 'log.forked' || body.type === 'node.revoked' || body.type === 'node.retired')
      forks.cut(body.node);
  }
  for (const task of touched) tasks.onTask(task);
  mailing.onCommitted(ops);
  return (agentsChanged || touched.size > 0) && ownAgents.changed(tasks);
}

/** Its box is a field of the agent, too: what it may take hangs on it. */
const isOfAgent = (type: string): boolean => type.startsWith('agent.') || type === 'box.declared';

/** Nothing is given to it before the shell has seen its prompt. */
const isNewInTerminal = (op: Op): boolean =>
  createsEntity(op) && op.body.type === 'agent.registered' && op.body.tmuxSessionId !== null;
