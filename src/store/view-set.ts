/** All views of a store: folding into them, reading them, and the digest over them. */
import { canonicalJson } from '#core/canonical.ts';
import type { KnownOp, Op } from '#core/op.ts';
import { isKnown } from '#core/op.ts';
import type { BodyType } from '#core/schema/body.ts';
import type { Query, ViewName, ViewSpec } from '#core/view/view.ts';
import type { RowOf, Specs } from '#core/view/views.ts';
import type { OpSource, RowTable } from './row-folder.ts';
import { RowFolder } from './row-folder.ts';

/** One view's rows, with the read side. */
export interface ViewTable<Row> extends RowTable<Row> {
  list(query: Query): Row[];
  count(where: NonNullable<Query['where']>): number;
  /** All rows, by key. */
  rows(): Iterable<readonly [key: string, row: Row]>;
}

export type ViewTables = { [N in keyof RowOf]: ViewTable<RowOf[N]> };

type Folders = { [N in keyof RowOf]: RowFolder<RowOf[N]> };

const foldersOf = (tables: ViewTables): Folders => ({
  node: new RowFolder(tables.node),
  agent: new RowFolder(tables.agent),
  project: new RowFolder(tables.project),
  task: new RowFolder(tables.task),
  post: new RowFolder(tables.post),
  approval: new RowFolder(tables.approval),
  rule: new RowFolder(tables.rule),
  cap: new RowFolder(tables.cap),
  usage: new RowFolder(tables.usage),
  message: new RowFolder(tables.message),
  channel: new RowFolder(tables.channel),
  member: new RowFolder(tables.member),
  identity: new RowFolder(tables.identity),
  invite: new RowFolder(tables.invite),
  cursor: new RowFolder(tables.cursor),
  skill: new RowFolder(tables.skill),
  proposal: new RowFolder(tables.proposal),
  merge: new RowFolder(tables.merge),
  file: new RowFolder(tables.file),
});

type Folder = Pick<RowFolder<never>, 'fold' | 'retract' | 'write' | 'forget'>;

export const viewTables = (specs: Specs, make: <Row>(spec: ViewSpec<Row>) => ViewTable<Row>): ViewTables => ({
  node: make(specs.node),
  agent: make(specs.agent),
  project: make(specs.project),
  task: make(specs.task),
  post: make(specs.post),
  approval: make(specs.approval),
  rule: make(specs.rule),
  cap: make(specs.cap),
  usage: make(specs.usage),
  message: make(specs.message),
  channel: make(specs.channel),
  member: make(specs.member),
  identity: make(specs.identity),
  invite: make(specs.invite),
  cursor: make(specs.cursor),
  skill: make(specs.skill),
  proposal: make(specs.proposal),
  merge: make(specs.merge),
  file: make(specs.file),
});

/** In the order in which their rows enter the digest. */
const NAMES: readonly ViewName[] = [
  'agent',
  'node',
  'post',
  'project',
  'task',
  'approval',
  'rule',
  'usage',
  'cap',
  'message',
  'channel',
  'member',
  'identity',
  'invite',
  'cursor',
  'skill',
  'proposal',
  'merge',
  'file',
];

export class ViewSet {
  private readonly tables: ViewTables;
  private readonly all: Folders;
  private readonly folders: readonly Folder[];
  private readonly byType = new Map<BodyType, Folder[]>();

  /** `only`: fold into these views alone. */
  constructor(tables: ViewTables, only: readonly ViewName[] = NAMES) {
    this.tables = tables;
    this.all = foldersOf(tables);
    this.folders = only.map((name) => this.folder(name));
  }

  /** Into rows held in memory until {@link write}. */
  fold(op: Op): void {
    if (!isKnown(op)) return;
    for (const folder of this.byType.get(op.body.type) ?? []) folder.fold(op);
  }

  retract(voided: readonly Op[], source: OpSource): void {
    const known: KnownOp[] = voided.filter(isKnown);
    for (const folder of this.folders) folder.retract(known, source);
  }

  write(): void {
    for (const folder of this.folders) folder.write();
  }

  /** What was written last has not been committed. */
  forget(): void {
    for (const folder of this.folders) folder.forget();
  }

  get<N extends keyof RowOf>(view: N, key: string): RowOf[N] | undefined {
    return this.all[view].read(key);
  }

  list<N extends keyof RowOf>(view: N, query: Query): RowOf[N][] {
    return this.tables[view].list(query);
  }

  count(view: keyof RowOf, where: NonNullable<Query['where']>): number {
    return this.tables[view].count(where);
  }

  /** One line a row, in one order on every node. */
  *digestLines(): Generator<string> {
    for (const name of NAMES) {
      for (const [key, row] of this.tables[name].rows()) yield `${name} ${key} ${canonicalJson(row)}\n`;
    }
  }

  private folder(name: ViewName): Folder {
    const folder = this.all[name];
    for (const type of this.tables[name].spec.types) this.byType.set(type, [...(this.byType.get(type) ?? []), folder]);
    return folder;
  }
}
