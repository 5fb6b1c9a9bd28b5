/** Deals of the market as a person reads them. */
import type { ProposalJson, RatingJson, SkillJson } from '../../../src/door/json/proposal.ts';
import type { FileJson } from '../../../src/door/json/file.ts';
import { api } from './api.ts';

export type Deal = ProposalJson;
export type Party = Deal['payer'];
export type Rating = RatingJson;
export type Skill = SkillJson;
export type HandedFile = FileJson;

export const dealPath = (id: string): string => `api/market/proposals/${encodeURIComponent(id)}`;

/** `5 USD`; empty where nothing was offered. */
export const amountText = ({ amount, currency }: Pick<Deal, 'amount' | 'currency'>): string =>
  amount === null ? '' : `${amount.toLocaleString('en')} ${currency ?? ''}`.trim();

/** Which of the two people are: whoever of them looks speaks for all. */
export function sideOf({ payer, worker }: Deal): 'payer' | 'worker' | undefined {
  if (payer.id === '@operator') return 'payer';
  return worker?.id === '@operator' ? 'worker' : undefined;
}

/** What showed that it was done, in words, and the task that it is about. */
export function evidenceOf({ evidence }: Deal): { text: string; task: string | undefined } | undefined {
  if (evidence === null) return undefined;
  const text = (name: string): string => (typeof evidence[name] === 'string' ? evidence[name] : '');
  const task = text('task') === '' ? undefined : text('task');
  switch (evidence['kind']) {
    case 'payer':
      return { text: 'the payer says so', task };
    case 'merged':
      return { text: `merged as ${text('commit').slice(0, 12)}`, task };
    case 'check':
      return { text: 'a check of it passed', task };
    case 'task':
      return { text: 'the offered task is completed', task };
    default:
      return { text: text('kind'), task };
  }
}

export type Move = { name: string; before: number; after: number; text: string };

/** What a receipt moved, of the payer first, as the node tells it. */
export const movesOf = ({ payer, worker, rating_changes: changes }: Deal): Move[] =>
  changes.map(({ id, before, rating: after }, at) => {
    const name = (at === 0 ? payer : worker)?.name ?? id;
    const by = after - before;
    return { name, before, after, text: `${by < 0 ? '−' : '+'}${Math.abs(by)}` };
  });

/** `patch`; empty where the name has no ending. */
export const endingOf = (name: string): string => /[^.]\.([^.\s]{1,12})$/.exec(name)?.[1]?.toLowerCase() ?? '';

/** As the node lets a file be at most: a node that never says which piece is the last is not asked for ever. */
const FILE_MAX_BYTES = 50 * 1024 * 1024;

/** All of it, asked for in pieces. Without a type that a browser would show: it is kept, never opened. */
export async function bytesOf({ id }: HandedFile): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let offset = 0; offset <= FILE_MAX_BYTES;) {
    const path = `api/files/${encodeURIComponent(id)}/content?offset=${offset}`;
    const piece = await api<{ data: string; last: boolean }>('GET', path);
    const bytes = Uint8Array.from(atob(piece.data), (letter) => letter.charCodeAt(0));
    pieces.push(bytes);
    offset += bytes.length;
    if (piece.last || bytes.length === 0) return new Blob(pieces, { type: 'application/octet-stream' });
  }
  throw new Error('it is longer than a file may be');
}
