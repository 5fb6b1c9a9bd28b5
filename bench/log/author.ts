/** Authors of made-up logs: their ops are chained, numbered and signed as a node's are. */
import type { OpId, Principal } from '../../src/core/brand.ts';
import { nodePrincipal } from '../../src/core/brand.ts';
import type { ChainHead } from '../../src/core/chain.ts';
import { buildOp, EMPTY_HEAD, signOp } from '../../src/core/chain.ts';
import type { Op } from '../../src/core/op.ts';
import { opId } from '../../src/core/op.ts';
import type { Body, BodyOf } from '../../src/core/schema/body.ts';
import type { NodeIdentity } from '../../src/fabric/identity.ts';
import { nodeCrypto } from '../../src/fabric/identity.ts';

/** The Lamport clock that all authors of one log share. */
export type LamportClock = { now: number };

export class Author {
  readonly node: NodeIdentity['node'];
  private readonly identity: NodeIdentity;
  private readonly crypto: ReturnType<typeof nodeCrypto>;
  private readonly clock: LamportClock;
  private head: ChainHead = EMPTY_HEAD;

  constructor(identity: NodeIdentity, clock: LamportClock) {
    this.node = identity.node;
    this.identity = identity;
    this.crypto = nodeCrypto(identity);
    this.clock = clock;
  }

  /** The next op, unsigned. Without `entity` it creates its own. */
  next(body: Body, entity?: OpId, o: { by?: Principal; wallMs?: number } = {}): Op {
    this.clock.now += 1;
    const op = buildOp({
      draft: { entity, by: o.by ?? nodePrincipal(this.node), body },
      node: this.node,
      head: this.head,
      lamport: this.clock.now,
      wallMs: o.wallMs ?? 1_750_000_000_000 + this.clock.now,
      crypto: this.crypto,
    });
    if (op === 'tooLarge') throw new Error('a made-up op is too large');
    this.head = { seq: op.header.seq, hash: op.hash };
    return op;
  }

  /** What every log begins with: it carries the key. */
  registers(name: string): Op {
    const { publicKey } = this.identity;
    return this.next({ type: 'node.registered', publicKey, name, addresses: [], version: '0.0.0' });
  }

  /** Ops as one batch of this author: the last one signed. */
  signed(ops: readonly Op[]): Op[] {
    return ops.map((op, at) => (at === ops.length - 1 ? signOp(op, this.crypto) : op));
  }
}

export const postBody = (content: string): Body => ({ type: 'post.created', content, author: 'bench' });

export function taskBody(author: Author, o: { title: string; priority: number }): BodyOf<'task.created'> {
  return {
    type: 'task.created',
    title: o.title,
    description:
      'The parser refuses trailing commas in lists. Accept them, add a test for lists and maps, run the suite.',
    context: 'src/parser.ts, test/parser.test.ts',
    priority: o.priority,
    requiredCapabilities: ['nobody-has-this'],
    project: null,
    projectPath: null,
    base: null,
    createdBy: 'bench',
    dependsOn: [],
    attemptsMax: 3,
    timeLimitSeconds: null,
    voters: [author.node],
    claims: 'decided',
    alias: null,
    supersedes: null,
  };
}

/** What follows a task's creation until it is completed: four ops. */
export function* lifeOf(author: Author, task: OpId): Generator<Op> {
  const agent = task;
  const claim = author.next({ type: 'task.claimed', slot: 1, agent }, task);
  yield claim;
  const grant = { kind: 'granted', attempt: 1, claim: opId(claim), node: author.node, agent } as const;
  yield author.next({ type: 'task.granted', slot: 1, value: grant }, task);
  yield author.next({ type: 'task.started', slot: 1 }, task);
  const end = {
    kind: 'completed',
    attempt: 1,
    reason: null,
    result: 'All 214 tests pass.',
    error: null,
    work: null,
    by: null,
  } as const;
  yield author.next({ type: 'task.ended', slot: 2, value: end }, task);
}
