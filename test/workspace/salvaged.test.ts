import { cpSync, existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refs } from '#workspace/layout.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import { FIRST, Lab, PROJECT, SECOND, TASK, good } from './lab.ts';

let lab: Lab;
let node: Workspaces;
let origin: string;
beforeEach(async () => {
  lab = new Lab();
  node = await lab.node('node');
  origin = lab.repository('origin');
});
afterEach(() => lab.close());

async function bundles(of: Workspaces, folder: string): Promise<string[]> {
  const files = [];
  for (const name of await of.repositories())
    files.push(...good(await of.bundleSalvaged({ name, folder: lab.path(folder) })));
  return files;
}

/** A node whose state directory holds these bundles and nothing else, as after a restore. */
async function restored(folder: string, name: string): Promise<Workspaces> {
  cpSync(lab.path(folder), lab.path(name, 'salvaged'), { recursive: true });
  return lab.node(name);
}

describe('salvaged work in a backup', () => {
  beforeEach(async () => {
    const place = await lab.worktree(node, origin);
    lab.write(place.cwd, { left: 'uncommitted' });
    good(await node.salvageAndRemove(place));
  });

  const shown = (state: string): string =>
    lab.git(lab.path(state, 'projects', `${PROJECT}.git`), 'show', `${refs.salvage(FIRST)}:left`);

  it('leaves as a bundle without what the origin holds, and comes back once the project is cloned', async () => {
    expect(await bundles(node, 'out')).toEqual([`${PROJECT}.bundle`]);
    expect(lab.git(lab.path('origin'), 'bundle', 'verify', lab.path('out', `${PROJECT}.bundle`))).toMatch(
      /requires this/,
    );
    const other = await restored('out', 'other');
    await lab.ensure(other, origin);
    expect(shown('other')).toBe('uncommitted');
    expect(readdirSync(lab.path('other', 'salvaged'))).toEqual([]);
    // The next fetch finds nothing more to take.
    await lab.ensure(other, origin);
  });

  it('is in a backup of the restored node, too, before its project is cloned again', async () => {
    await bundles(node, 'out');
    const other = await restored('out', 'other');
    expect(await bundles(other, 'again')).toEqual([`${PROJECT}.bundle`]);
    const third = await restored('again', 'third');
    await lab.ensure(third, origin);
    expect(shown('third')).toBe('uncommitted');
  });

  it('waits where the clone lacks what it builds on', async () => {
    await bundles(node, 'out');
    lab.git(origin, 'checkout', '--quiet', '--orphan', 'fresh');
    lab.commit(origin, { b: 'b' });
    lab.git(origin, 'branch', '--delete', '--force', 'main');
    lab.git(origin, 'reflog', 'expire', '--expire=now', '--all');
    lab.git(origin, 'gc', '--quiet', '--prune=now');
    const other = await restored('out', 'other');
    await lab.ensure(other, origin, 'fresh');
    expect(readdirSync(lab.path('other', 'salvaged'))).toEqual([`${PROJECT}.bundle`]);
    // And a backup made now holds what waits, beside what is there.
    const place = good(
      await other.prepare({ ...SECOND, source: { kind: 'project', id: PROJECT, base: 'fresh' } }),
    ).prepared;
    lab.write(place.cwd, { more: 'x' });
    good(await other.salvageAndRemove(place));
    expect(await bundles(other, 'again')).toEqual([`${PROJECT}.bundle`, `${PROJECT}.1.bundle`]);
  });
});

describe('other refs', () => {
  it('stay out of it: the origin or a blob holds them', async () => {
    await lab.delivered(node, origin, { id: FIRST, files: { done: 'x' } });
    expect(await bundles(node, 'out')).toEqual([]);
    expect(await node.repositories()).toEqual([PROJECT]);
  });
});

describe('a scratch folder', () => {
  it('comes back at the next start', async () => {
    const { prepared } = good(await node.prepare({ task: TASK, attempt: 1, source: { kind: 'scratch' } }));
    lab.write(prepared.cwd, { note: 'kept' });
    good(await node.salvageAndRemove(prepared));
    expect(await bundles(node, 'out')).toEqual(['loose.bundle']);
    await restored('out', 'other');
    expect(lab.git(lab.path('other', 'projects', 'loose.git'), 'show', `${refs.salvage(FIRST)}:note`)).toBe('kept');
    expect(existsSync(lab.path('other', 'salvaged', 'loose.bundle'))).toBe(false);
  });
});
