/**
 * What skep would be without group commit: the same validation, op, chain, signature, store and views, but each request is a transaction and
 * an fsync of its own, one after another.
 */
import { join } from 'node:path';
import { userPrincipal } from '../../src/core/brand.ts';
import { buildOp, EMPTY_HEAD, signOp } from '../../src/core/chain.ts';
import type { BodyOf } from '../../src/core/schema/body.ts';
import { loadIdentity, nodeCrypto } from '../../src/fabric/identity.ts';
import { SqliteStore } from '../../src/store/sqlite.ts';
import { inputOf } from '../load/window.ts';
import type { TaskInput } from './task-input.ts';
import { serveTasks } from './task-input.ts';

const { dir } = inputOf<{ dir: string }>();
const identity = loadIdentity(dir);
const { node } = identity;
const crypto = nodeCrypto(identity);
const store = await SqliteStore.open(join(dir, 'skep.db'));
let head = EMPTY_HEAD;
let lamport = 0;

const bodyOf = (input: TaskInput): BodyOf<'task.created'> => ({
  type: 'task.created',
  title: input.title,
  description: input.description ?? '',
  context: input.context ?? '',
  priority: input.priority ?? 0,
  requiredCapabilities: [...new Set(input.required_capabilities ?? [])],
  project: null,
  projectPath: null,
  base: null,
  createdBy: input.created_by ?? node,
  dependsOn: [],
  attemptsMax: 3,
  timeLimitSeconds: null,
  voters: [node],
  claims: 'decided',
  alias: null,
  supersedes: null,
});

async function create(input: TaskInput): Promise<object> {
  lamport += 1;
  const draft = { entity: undefined, by: userPrincipal('bench'), body: bodyOf(input) };
  const op = buildOp({ draft, node, head, lamport, wallMs: Date.now(), crypto });
  if (op === 'tooLarge') throw new Error('the task is too large for an op');
  head = { seq: op.header.seq, hash: op.hash };
  await store.commit({ ops: [signOp(op, crypto)], rows: [] });
  const row = store.get('task', op.header.entity);
  return { id: op.header.entity, status: 'pending', ...row?.created };
}

let last: Promise<object> = Promise.resolve({});

await serveTasks((input) => {
  last = last.then(() => create(input));
  return last;
});
