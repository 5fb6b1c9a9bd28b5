/** Rules by which agents' requests are decided without a person. */
import type { OpId, Principal } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { createsEntity, stampOf } from '../op.ts';
import type { BodyOf } from '../schema/body.ts';
import type { ViewSpec } from './view.ts';

export type RuleAdded = Omit<BodyOf<'rule.added'>, 'type'> & { by: Principal; stamp: Stamp; wallMs: number };

export type RuleRow = { id: OpId; added: RuleAdded | undefined; removed: boolean };

export type LiveRule = RuleRow & { added: RuleAdded; removed: false };

export const isLiveRule = (row: RuleRow | undefined): row is LiveRule =>
  row !== undefined && row.added !== undefined && !row.removed;

function fold(row: RuleRow | undefined, op: KnownOp): RuleRow {
  const { body, header } = op;
  const known: RuleRow = row ?? { id: header.entity, added: undefined, removed: false };
  if (body.type === 'rule.removed') return { ...known, removed: true };
  if (body.type !== 'rule.added' || !createsEntity(op)) return known;
  const { type: _type, ...fields } = body;
  return { ...known, added: { ...fields, by: header.by, stamp: stampOf(op), wallMs: header.wallMs } };
}

export const ruleView: ViewSpec<RuleRow> = {
  name: 'rule',
  version: 1,
  types: ['rule.added', 'rule.removed'],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['live', 'created'],
  columns: (row) => ({ live: isLiveRule(row) ? 1 : 0, created: row.added?.stamp.lamport ?? null }),
  indexes: [['live', 'created']],
  sparse: [],
};
