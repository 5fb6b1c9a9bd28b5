/** What each speaker says that it can do: one row a speaker, the newest word counts. */
import type { KnownOp } from '../op.ts';
import { stampOf } from '../op.ts';
import type { Skill } from '../schema/market-body.ts';
import type { Stamped } from './newest.ts';
import { newest } from './newest.ts';
import type { ViewSpec } from './view.ts';

/** `id`: the speaker. */
export type SkillRow = { id: string; skills: Stamped<readonly Skill[]> | undefined };

function fold(row: SkillRow | undefined, op: KnownOp): SkillRow {
  const { body, header } = op;
  const known: SkillRow = row ?? { id: header.by, skills: undefined };
  if (body.type !== 'skills.registered') return known;
  const next = { value: body.skills, stamp: stampOf(op), wallMs: header.wallMs };
  return { ...known, skills: newest(known.skills, next) };
}

export const skillView: ViewSpec<SkillRow> = {
  name: 'skill',
  version: 1,
  types: ['skills.registered'],
  key: (op) => op.header.by,
  fold,
  columnNames: [],
  columns: () => ({}),
  indexes: [],
  sparse: [],
};
