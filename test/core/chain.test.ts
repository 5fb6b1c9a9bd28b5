/** The texts of ops and the rules of a chain. What is checked here is final: these bytes stand in logs for years. */
import { describe, expect, it } from 'vitest';
import { hashOf, nodeIdOf, opIdOf, userPrincipal } from '#core/brand.ts';
import { buildOp, EMPTY_HEAD, FIRST_PREV, isChain, readOp, signedText, signOp } from '#core/chain.ts';
import type { Draft, Op } from '#core/op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS, createsEntity, FRAME_MAX_BYTES, OP_MAX_BYTES } from '#core/op.ts';
import { frameOf } from '#core/op-frame.ts';
import { simCrypto } from '#sim/crypto.ts';
import { postBody, Writer } from './writer.ts';

const crypto = simCrypto(0);
const node = nodeIdOf('0123456789abcdef0123456789abcdef');
const draft: Draft = { entity: undefined, by: userPrincipal('ada'), body: postBody('hé') };

function built(o: { body?: Draft['body']; seq?: number } = {}): Op {
  const head = o.seq === undefined ? EMPTY_HEAD : { seq: o.seq - 1, hash: hashOf('a'.repeat(64)) };
  const op = buildOp({ draft: { ...draft, body: o.body ?? draft.body }, node, head, lamport: 7, wallMs: 12, crypto });
  if (op === 'tooLarge') throw new Error('too large');
  return op;
}

describe('the texts of an op', () => {
  it('are these bytes, in this order of fields', () => {
    const op = built();
    expect(op.bodyText).toBe('{"type":"post.created","content":"hé","author":"writer"}');
    expect(op.headerText).toBe(
      `{"node":"${node}","seq":1,"lamport":7,"entity":"${node}-1","prev":"${'0'.repeat(64)}",` +
        `"bodyHash":"${crypto.sha256(op.bodyText)}","wallMs":12,"by":"user:ada"}`,
    );
    expect(op.hash).toBe(crypto.sha256(op.headerText));
    expect(op.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('name the op that creates an entity after itself, and keep an entity that is given', () => {
    expect(createsEntity(built())).toBe(true);
    const about = buildOp({
      draft: { ...draft, entity: opIdOf(node, 1) },
      node,
      head: { seq: 1, hash: FIRST_PREV },
      lamport: 8,
      wallMs: 0,
      crypto,
    });
    expect(about).toMatchObject({ header: { seq: 2, entity: `${node}-1` } });
  });

  it('are signed in a context of their own', () => {
    const op = built();
    expect(signedText(op.hash)).toBe(`skep op chain 1\n${op.hash}`);
    const signed = signOp(op, crypto);
    expect(signed).toEqual({ ...op, sig: crypto.sign(`skep op chain 1\n${op.hash}`) });
    expect(op.sig).toBeUndefined();
  });

  it('hold at most 64 KiB together, counted in UTF-8, and nothing is used up by one that is larger', () => {
    const spare =
      OP_MAX_BYTES -
      crypto.byteLength(built({ body: postBody('') }).headerText + built({ body: postBody('') }).bodyText);
    const fits = built({ body: postBody('x'.repeat(spare)) });
    expect(crypto.byteLength(fits.headerText) + crypto.byteLength(fits.bodyText)).toBe(OP_MAX_BYTES);
    expect(readOp([fits.headerText, fits.bodyText], crypto)?.hash).toBe(fits.hash);
    for (const content of ['x'.repeat(spare + 1), 'é'.repeat(Math.ceil((spare + 1) / 2))]) {
      const body = postBody(content);
      expect(buildOp({ draft: { ...draft, body }, node, head: EMPTY_HEAD, lamport: 7, wallMs: 12, crypto })).toBe(
        'tooLarge',
      );
    }
  });

  it('of a full batch fit a frame even where every byte needs an escape', () => {
    const worst = '"'.repeat(BATCH_MAX_BYTES / BATCH_MAX_OPS / 2);
    const op = signOp(built({ body: postBody(worst) }), crypto);
    const bytes = crypto.byteLength(op.headerText) + crypto.byteLength(op.bodyText);
    const ops = Array.from({ length: Math.floor(BATCH_MAX_BYTES / bytes) }, () => op);
    expect(Buffer.byteLength(JSON.stringify(frameOf(ops, { more: true })))).toBeLessThanOrEqual(FRAME_MAX_BYTES);
  });
});

describe('reading an op', () => {
  const op = built();
  const read = (header: string, body: string) => readOp([header, body], crypto);
  const withField = (name: string, value: unknown): string =>
    JSON.stringify({ ...JSON.parse(op.headerText), [name]: value });

  it('gives back what was built, from nothing but the two texts', () => {
    expect(read(op.headerText, op.bodyText)).toEqual(op);
  });

  it.each([
    ['node', 'ABCDEF'],
    ['node', node.toUpperCase()],
    ['seq', 0],
    ['seq', 1.5],
    ['seq', 2 ** 53],
    ['seq', '1'],
    ['lamport', 0],
    ['lamport', -1],
    ['lamport', null],
    ['entity', 'x-1'],
    ['entity', `${node}-0`],
    ['entity', `${node}-01`],
    ['prev', 'short'],
    ['prev', 'A'.repeat(64)],
    ['bodyHash', 'b'.repeat(64)],
    ['wallMs', -1],
    ['wallMs', '12'],
    ['by', 'root'],
    ['by', 'user:'],
    ['by', 'user:a b'],
  ])('refuses a header whose %s is %j', (name, value) => {
    expect(read(withField(name, value), op.bodyText)).toBeUndefined();
  });

  it.each(['node', 'seq', 'lamport', 'entity', 'prev', 'bodyHash', 'wallMs', 'by'])(
    'refuses a header without %s',
    (name) => {
      expect(read(withField(name, undefined), op.bodyText)).toBeUndefined();
    },
  );

  it('refuses the body of another op, a changed one, and one that only says the same', () => {
    const other = built({ body: postBody('another') });
    expect(read(op.headerText, other.bodyText)).toBeUndefined();
    expect(read(op.headerText, op.bodyText.replace('hé', 'he'))).toBeUndefined();
    expect(read(op.headerText, ` ${op.bodyText}`)).toBeUndefined();
  });

  it.each([
    '',
    '{',
    '[]',
    'null',
    '1',
    '"x"',
    '{"type":1}',
    '{"type":""}',
    '{"typ":"post.created"}',
    `{"type":"${'t'.repeat(65)}"}`,
  ])('refuses the body %j', (bodyText) => {
    expect(read(withField('bodyHash', crypto.sha256(bodyText)), bodyText)).toBeUndefined();
  });

  it('refuses texts above 64 KiB', () => {
    const bodyText = JSON.stringify({ type: 'newer.thing', pad: 'x'.repeat(OP_MAX_BYTES) });
    expect(read(withField('bodyHash', crypto.sha256(bodyText)), bodyText)).toBeUndefined();
  });

  it('keeps unknown types and unknown fields, texts byte for byte, and folds nothing of them', () => {
    const bodyText = '{"type":"newer.thing",  "deep":{"a":[1,2]}}';
    const headerText = withField('bodyHash', crypto.sha256(bodyText)).replace('{', '{"newer":true, ');
    const found = read(headerText, bodyText);
    expect(found).toMatchObject({ headerText, bodyText, body: { type: 'unknown', typeName: 'newer.thing' } });
    expect(found?.hash).toBe(crypto.sha256(headerText));
  });

  it('takes a known type in a shape of a newer version as unknown', () => {
    const bodyText = '{"type":"post.created","content":{"rich":"text"}}';
    expect(read(withField('bodyHash', crypto.sha256(bodyText)), bodyText)?.body).toEqual({
      type: 'unknown',
      typeName: 'post.created',
    });
  });
});

describe('a chain', () => {
  const writer = new Writer(3);
  const ops = [writer.hello(), ...writer.posts(4)];

  it('is consecutive, of one author, each naming the hash of the one before', () => {
    expect(isChain(ops)).toBe(true);
    expect(isChain(ops.slice(2))).toBe(true);
    expect(ops[0]?.header.prev).toBe(FIRST_PREV);
  });

  it('is none with a hole, a repetition, another order, a wrong prev or another author', () => {
    const [first, second, third] = ops;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no ops');
    const other = new Writer(4);
    const stranger = [other.hello(), ...other.posts(1)];
    expect(isChain([first, third])).toBe(false);
    expect(isChain([first, first])).toBe(false);
    expect(isChain([second, first])).toBe(false);
    expect(isChain([first, { ...second, header: { ...second.header, prev: third.hash } }])).toBe(false);
    expect(isChain([first, ...stranger.slice(1)])).toBe(false);
  });

  it('begins with 64 zeros', () => {
    const headless = buildOp({
      draft,
      node,
      head: { seq: 0, hash: hashOf('1'.repeat(64)) },
      lamport: 1,
      wallMs: 0,
      crypto,
    });
    expect(headless === 'tooLarge' ? undefined : isChain([headless])).toBe(false);
  });
});
