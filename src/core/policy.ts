/**
 * Who may do what: one table, checked once, at the door of entry. Other nodes check chains, signatures and limits instead, so a node's key is
 * as good as an operator's for what nodes ask of one another.
 */
import type { Principal } from './brand.ts';

/**
 * `viewer` reads; `operator` also changes things and reads secrets; `node` is another member of the swarm; `agent` is one in an attempt, and has
 * the tools that are offered to agents and nothing else; `hook` is what an agent's tool runs to tell of itself, and can only do that.
 */
export type Role = 'operator' | 'viewer' | 'node' | 'agent' | 'hook';

/** Who stands at a door, as the door itself found out. Undefined where a caller is expected means: nobody in particular. */
export type Caller = { principal: Principal; role: Role };

type Standing = Role | 'anyone';

const ANYONE: readonly Standing[] = ['anyone', 'viewer', 'operator', 'node'];
const READERS: readonly Standing[] = ['viewer', 'operator', 'node'];
const ACTORS: readonly Standing[] = ['operator', 'node'];
const TOOL_USERS: readonly Standing[] = ['agent', 'operator'];
const HOOKS: readonly Standing[] = ['hook'];
/** What would hand a key on, touches files outside the swarm, or says what agents may do, needs a person. */
const OPERATORS: readonly Standing[] = ['operator'];

const TABLE = {
  'page.open': ANYONE,
  'login.use': ANYONE,
  'health.read': ANYONE,
  'status.read': READERS,
  'task.read': READERS,
  'task.create': ACTORS,
  'task.cancel': ACTORS,
  'task.allow': OPERATORS,
  'task.merge': ACTORS,
  'task.fetch': OPERATORS,
  'task.open': ACTORS,
  'agent.read': READERS,
  'agent.register': ACTORS,
  'agent.deregister': ACTORS,
  'agent.pause': ACTORS,
  'agent.budget': OPERATORS,
  'agent.send': ACTORS,
  'box.read': READERS,
  'box.declare': OPERATORS,
  'box.stop': OPERATORS,
  'box.destroy': OPERATORS,
  'box.enter': OPERATORS,
  'agent.interrupt': ACTORS,
  'agent.restart': ACTORS,
  'tool.call': TOOL_USERS,
  'hook.report': HOOKS,
  'agent.restrict': OPERATORS,
  // What is said where anybody may come in; the route shows viewers nothing else.
  'channel.read': READERS,
  'channel.manage': OPERATORS,
  // A message to one reader is shown to who wrote it, to that reader, and to operators.
  'message.read': OPERATORS,
  'message.send': OPERATORS,
  'message.answer': OPERATORS,
  'hub.invite': OPERATORS,
  'webhook.read': OPERATORS,
  'webhook.manage': OPERATORS,
  // Whoever posts has no token, but a secret of that one webhook; the route asks for its signature.
  'webhook.post': ANYONE,
  'market.read': READERS,
  'market.act': OPERATORS,
  'file.read': READERS,
  'file.offer': OPERATORS,
  'file.take': OPERATORS,
  'project.read': READERS,
  'project.register': ACTORS,
  'project.remove': ACTORS,
  'node.read': READERS,
  'node.revoke': OPERATORS,
  'node.retire': OPERATORS,
  'event.read': READERS,
  'post.read': READERS,
  'post.create': ACTORS,
  'approval.read': READERS,
  'approval.decide': OPERATORS,
  'rule.read': READERS,
  'rule.add': OPERATORS,
  'rule.remove': OPERATORS,
  'cap.read': READERS,
  'cap.set': OPERATORS,
  'token.read': OPERATORS,
  'token.create': OPERATORS,
  'token.remove': OPERATORS,
  'login.create': OPERATORS,
  'joinCode.read': OPERATORS,
  'backup.create': OPERATORS,
} satisfies Record<string, readonly Standing[]>;

export type Action = keyof typeof TABLE;

/** True when the caller may do this. Depends on nothing but its two arguments. */
export function allowed(caller: Caller | undefined, action: Action): boolean {
  return TABLE[action].includes(caller?.role ?? 'anyone');
}

/** The least a person needs for an action, for documents and messages. */
export function accessOf(action: Action): 'public' | 'viewer' | 'operator' {
  const row = TABLE[action];
  if (row.includes('anyone')) return 'public';
  return row.includes('viewer') ? 'viewer' : 'operator';
}
