/**
 * Logs that count up to a number only: they part into two histories under two signatures, of which the proof becomes an op, or an operator took
 * their node out of the swarm.
 */
import type { NodeId } from './brand.ts';
import { nodePrincipal } from './brand.ts';
import type { Admitted } from './log.ts';
import type { Op } from './op.ts';
import { BATCH_MAX_BYTES, BATCH_MAX_OPS } from './op.ts';
import type { Excluded, NodeRow } from './view/node.ts';
import { cutAt } from './view/node.ts';
import type { World } from './world.ts';

/** A longer proof is cut to the headers where the histories part and the signed ones: an op holds 64 KiB, and quotes inside quotes grow. */
const PROOF_MAX_CHARS = 24_000;

/** Nodes of one log that are looked through. */
const NODES_MAX = 10_000;

export class Forks {
  private readonly world: World;

  constructor(world: World) {
    this.world = world;
  }

  /** Two histories of one log were seen. Until the proof is on disk nothing more is taken in beyond it, or proven again. */
  found({ author, seq, theirs }: Extract<Admitted, { kind: 'fork' }>): void {
    const { world } = this;
    if (author === world.self) return world.afterWrite(() => stopForked(author, seq));
    // A node that may not append yet sees it again when heads are compared.
    if (!world.mayAppend()) return;
    const held = world.store.opsOf(author, { from: seq, maxOps: BATCH_MAX_OPS, maxBytes: BATCH_MAX_BYTES });
    world.alarm(`node ${author} signed two histories: its log counts up to ${seq - 1}`);
    const proof = proofOf(held, theirs);
    const body = { type: 'log.forked' as const, node: author, seq, proof };
    world.append([{ entity: undefined, by: nodePrincipal(world.self), body }]);
    world.log.markForked(author, seq);
  }

  /** At boot: what is cut stays so, and a crash may have come in between. */
  boot(): void {
    for (const { id } of this.world.store.list('node', { limit: NODES_MAX })) this.cut(id);
    this.refresh();
  }

  /**
   * A proof, or an operator's word that a node is out, is on disk: takes the log out from there. Safe to call again. What is taken out may itself
   * have been such a word, so who is out is read anew once it is gone.
   */
  cut(author: NodeId): void {
    const { store, log, turn, self } = this.world;
    const row = store.get('node', author);
    const seq = row === undefined ? undefined : cutAt(row);
    if (row === undefined || seq === undefined) return;
    if (author === self) stop(row, seq);
    log.cut(author, seq);
    if (row.excluded !== undefined) turn.actions.push({ kind: 'excluded', node: author });
    const beyond = store.opsOf(author, { from: seq, maxOps: 1, maxBytes: 0 });
    if (beyond.length > 0) turn.truncate.push({ node: author, seq });
    this.world.afterWrite(() => this.refresh());
  }

  private refresh(): void {
    const rows = this.world.store.list('node', { limit: NODES_MAX });
    this.world.excluded = new Set(rows.flatMap((row) => (row.excluded === undefined ? [] : [row.id])));
  }
}

function stop(row: NodeRow, seq: number): never {
  if (row.excluded === undefined) return stopForked(row.id, seq);
  throw new Error(excludedText(row.id, row.excluded));
}

/** What such a node is told, and tells whoever runs it. */
export const excludedText = (node: NodeId, { how, lastSeq }: Excluded): string =>
  `node ${node} was ${how} by an operator: what it wrote after number ${lastSeq} counts nowhere, and nobody links with it. To come back, its machine ` +
  `needs a new node: "skep up --data-dir NEW --join CODE", with a code of "skep join-code".`;

/** Two nodes write this node's log. Whatever this one added would count nowhere, so it must not go on. */
function stopForked(self: NodeId, seq: number): never {
  throw new Error(
    `the log of this node (${self}) was continued elsewhere from number ${seq} on: its data directory was copied, or brought back from a ` +
      `backup. Stop the other copy if there is one, and start this node with a new data directory.`,
  );
}

/** JSON of both histories from the op where they part. */
function proofOf(held: readonly Op[], theirs: readonly Op[]): string {
  const whole = JSON.stringify({ held: chainTo(held), theirs: chainTo(theirs) });
  if (whole.length <= PROOF_MAX_CHARS) return whole;
  const cut = JSON.stringify({ held: endsOf(held), theirs: endsOf(theirs), cut: true });
  return cut.length <= PROOF_MAX_CHARS ? cut : '{"cut":true}';
}

type SignedHeaders = { headers: string[]; sig: string | null };

function chainTo(ops: readonly Op[]): SignedHeaders {
  const end = ops.findIndex((op) => op.sig !== undefined);
  const signed = end < 0 ? ops : ops.slice(0, end + 1);
  return { headers: signed.map((op) => op.headerText), sig: signed.at(-1)?.sig ?? null };
}

function endsOf(ops: readonly Op[]): SignedHeaders {
  const { headers, sig } = chainTo(ops);
  return { headers: [headers[0], headers.at(-1)].filter((text) => text !== undefined), sig };
}
