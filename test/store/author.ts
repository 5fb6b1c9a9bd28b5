/** Makes ops as a node would, for the tests of stores: chained and numbered, with a clock that the test may set. */
import { createHash } from 'node:crypto';
import type { NodeId, OpId, Principal } from '#core/brand.ts';
import { hashOf, nodeIdOf, nodePrincipal } from '#core/brand.ts';
import type { ChainHead } from '#core/chain.ts';
import { buildOp, EMPTY_HEAD } from '#core/chain.ts';
import type { Crypto } from '#core/crypto.ts';
import type { Op } from '#core/op.ts';
import type { Body, BodyOf, UnknownBody } from '#core/schema/body.ts';

const sha256 = (text: string) => hashOf(createHash('sha256').update(text).digest('hex'));

/** Hashes are real, signatures are not: a store looks at no signature. */
export const testCrypto: Crypto = {
  sha256,
  byteLength: (text) => Buffer.byteLength(text),
  sign: (text) => `signed ${sha256(text)}`,
  verify: ({ text, sig }) => sig === `signed ${sha256(text)}`,
  nodeIdOfKey: (publicKey) => nodeIdOf(sha256(publicKey).slice(0, 32)),
};

export class Author {
  readonly node: NodeId;
  head: ChainHead = EMPTY_HEAD;
  lamport = 0;

  constructor(name: string) {
    this.node = nodeIdOf(sha256(name).slice(0, 32));
  }

  /** The next op. Without `entity` it creates its own; without `lamport` the clock goes one on; without `by` it is the node's own word. */
  next(body: Body, o: { entity?: OpId; lamport?: number; by?: Principal; wallMs?: number } = {}): Op {
    this.lamport = o.lamport ?? this.lamport + 1;
    const op = buildOp({
      draft: { entity: o.entity, by: o.by ?? nodePrincipal(this.node), body },
      node: this.node,
      head: this.head,
      lamport: this.lamport,
      wallMs: o.wallMs ?? 1_700_000_000_000 + this.lamport,
      crypto: testCrypto,
    });
    if (op === 'tooLarge') throw new Error('the test made an op that is too large');
    this.head = { seq: op.header.seq, hash: op.hash };
    return op;
  }

  /** An op of a type that this version does not know. */
  nextUnknown(typeName: string): Op {
    const known = this.next(postBody('stands in'));
    const bodyText = JSON.stringify({ type: typeName, what: 'a newer node wrote this' });
    const header = { ...known.header, bodyHash: sha256(bodyText) };
    const headerText = JSON.stringify(header);
    const body: UnknownBody = { type: 'unknown', typeName };
    const op: Op = { header, headerText, body, bodyText, hash: sha256(headerText), sig: undefined };
    this.head = { seq: header.seq, hash: op.hash };
    return op;
  }
}

export const postBody = (content: string): Body => ({ type: 'post.created', content, author: 'tester' });

export const messageBody = (text: string, channel = '#general'): Body => ({
  type: 'message.sent',
  channel,
  text,
  kind: 'text',
  replyTo: null,
  thread: null,
  hops: 0,
  source: null,
  dueMs: null,
});

export const taskBody = (o: { voters: NodeId[] } & Partial<BodyOf<'task.created'>>): Body => ({
  type: 'task.created',
  title: 'a task',
  description: 'what is to be done',
  context: '',
  priority: 0,
  requiredCapabilities: ['shell'],
  project: null,
  projectPath: null,
  base: null,
  createdBy: 'tester',
  dependsOn: [],
  attemptsMax: 3,
  timeLimitSeconds: null,
  claims: 'decided',
  alias: null,
  supersedes: null,
  ...o,
});
