import type { BodyOf } from '#core/schema/body.ts';
import { SELF } from './fake-node.ts';

/** A task that asks for nothing, decided by the fake node itself. */
export const taskCreated = (): BodyOf<'task.created'> => ({
  type: 'task.created',
  title: 'one of many',
  description: '',
  context: '',
  priority: 0,
  requiredCapabilities: [],
  project: null,
  projectPath: null,
  base: null,
  createdBy: 'x',
  dependsOn: [],
  attemptsMax: 3,
  timeLimitSeconds: null,
  voters: [SELF],
  claims: 'decided',
  alias: null,
  supersedes: null,
});
