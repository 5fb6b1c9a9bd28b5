/** Projects: where the code of a task comes from and goes back to. */
import type { NodeId, OpId } from '../brand.ts';
import type { KnownOp, Stamp } from '../op.ts';
import { createsEntity, stampOf } from '../op.ts';
import type { ViewSpec } from './view.ts';

export type ProjectRow = {
  id: OpId;
  registered:
    | {
        /** The node that registered it: where a path origin lies, and where merges of such a project happen. */
        node: NodeId;
        name: string;
        origin: string;
        base: string | null;
        setup: string | null;
        stamp: Stamp;
        wallMs: number;
      }
    | undefined;
  removed: boolean;
};

export type LiveProject = ProjectRow & { registered: NonNullable<ProjectRow['registered']>; removed: false };

export const isLiveProject = (row: ProjectRow | undefined): row is LiveProject =>
  row !== undefined && row.registered !== undefined && !row.removed;

function fold(row: ProjectRow | undefined, op: KnownOp): ProjectRow {
  const known: ProjectRow = row ?? { id: op.header.entity, registered: undefined, removed: false };
  const { body } = op;
  if (body.type === 'project.removed') return { ...known, removed: true };
  if (body.type !== 'project.registered' || !createsEntity(op)) return known;
  return {
    ...known,
    registered: {
      node: op.header.node,
      name: body.name,
      origin: body.origin,
      base: body.base,
      setup: body.setup,
      stamp: stampOf(op),
      wallMs: op.header.wallMs,
    },
  };
}

export const projectView: ViewSpec<ProjectRow> = {
  name: 'project',
  version: 1,
  types: ['project.registered', 'project.removed'],
  key: (op) => op.header.entity,
  fold,
  columnNames: ['live', 'name', 'created'],
  columns: (row) => ({
    live: isLiveProject(row) ? 1 : 0,
    name: row.registered?.name ?? null,
    created: row.registered?.stamp.lamport ?? null,
  }),
  indexes: [['live', 'name']],
  sparse: [],
};
