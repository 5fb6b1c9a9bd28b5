/** The ops that a storm begins with. */
import type { NodeId, OpId } from '#core/brand.ts';
import type { BodyOf } from '#core/schema/body.ts';
import { simPublicKey } from './crypto.ts';

export const nodeBody = (index: number): BodyOf<'node.registered'> => ({
  type: 'node.registered',
  publicKey: simPublicKey(index),
  name: `node-${index}`,
  addresses: [],
  version: 'sim',
});

export const agentBody = (name: string): BodyOf<'agent.registered'> => ({
  type: 'agent.registered',
  name,
  tool: 'shell',
  capabilities: ['shell'],
  projectPath: null,
  tmuxSessionId: null,
  maxConcurrentTasks: 1,
});

export type TaskShape = {
  title: string;
  home: NodeId;
  voters: NodeId[];
  priority: number;
  dependsOn: OpId[];
  alias: string | null;
  claims: BodyOf<'task.created'>['claims'];
};

export const taskBody = (
  o: Partial<TaskShape> & Pick<TaskShape, 'title' | 'home' | 'voters'>,
): BodyOf<'task.created'> => ({
  type: 'task.created',
  title: o.title,
  description: 'true',
  context: '',
  priority: o.priority ?? 0,
  requiredCapabilities: ['shell'],
  project: null,
  projectPath: null,
  base: null,
  createdBy: o.home,
  dependsOn: o.dependsOn ?? [],
  attemptsMax: 3,
  timeLimitSeconds: null,
  voters: o.voters,
  claims: o.claims ?? 'decided',
  alias: o.alias ?? null,
  supersedes: null,
});
