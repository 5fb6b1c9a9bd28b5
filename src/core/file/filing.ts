/** The bytes of files at a node, by their hash: what is known is not sent again, and what was cut off goes on where it stopped. */
import type { Hash, NodeId } from '../brand.ts';
import type { Refusal } from '../refusal.ts';

/** As in AgentChat. */
export const FILE_MAX_BYTES = 50 * 1024 * 1024;
/** Of one piece. */
export const PIECE_MAX_BYTES = 1024 * 1024;

/** How much of it is here: the sender goes on from `offset`. */
export type Filed = { offset: number; isWhole: boolean };

export interface Filing {
  /** Resolves when the piece is on disk. One at a wrong offset changes nothing and is told the right one; a whole that has another hash is thrown away. */
  piece(o: { sha256: Hash; sizeBytes: number; offset: number; data: Uint8Array }): Promise<Filed | Refusal>;
  /** All of it at once. */
  put(data: Uint8Array): Promise<{ sha256: Hash; sizeBytes: number } | Refusal>;
  /** Its size, where all of it is here. */
  sizeBytes(sha256: Hash): Promise<number | undefined>;
  /** A piece from `offset`; the whole is fetched from that node, or a linked one, first. */
  read(o: { sha256: Hash; from: NodeId; offset: number; maxBytes: number }): Promise<Uint8Array | Refusal>;
}
