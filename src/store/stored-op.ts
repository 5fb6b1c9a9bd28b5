/** An op as it comes from the file: its texts at once, its header and body parsed when somebody looks. Forwarding needs only the texts. */
import { hashOf } from '#core/brand.ts';
import type { Header, Op } from '#core/op.ts';
import type { Body, UnknownBody } from '#core/schema/body.ts';
import { parseBody, parseHeader } from '#core/schema/header.ts';
import type { SqlRow } from './cells.ts';
import { nullableTextCell, textCell } from './cells.ts';
import { StoreError } from './errors.ts';

/** Columns that {@link storedOp} reads. */
export const OP_COLUMNS = 'hash, header, body, sig';

export const storedOp = (row: SqlRow): Op =>
  opOfTexts({
    headerText: textCell(row, 'header'),
    bodyText: textCell(row, 'body'),
    hash: hashOf(textCell(row, 'hash')),
    sig: nullableTextCell(row, 'sig'),
  });

/** The getters belong to the object itself, so that a copy by spreading has all fields. `known`: the header is read already. */
export function opOfTexts(texts: Pick<Op, 'headerText' | 'bodyText' | 'hash' | 'sig'>, known?: Header): Op {
  const { headerText, bodyText } = texts;
  let header = known;
  let body: Body | UnknownBody | undefined;
  return {
    ...texts,
    get header() {
      return (header ??= orDamaged(parseHeader(headerText), headerText));
    },
    get body() {
      return (body ??= orDamaged(parseBody(bodyText), bodyText));
    },
  };
}

function orDamaged<T>(parsed: T | undefined, text: string): T {
  if (parsed !== undefined) return parsed;
  throw new StoreError('store_damaged', `This was stored as part of an op and cannot be read: ${text.slice(0, 200)}`);
}
