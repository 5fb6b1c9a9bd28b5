import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { OpenGrants } from '#door/grants.ts';
import { FakeNode, OTHER, SELF } from './fake-node.ts';
import { taskCreated } from './task-body.ts';

/** A node with tasks, and the grants as somebody knows them who asks now and then. */
async function tasks(count: number): Promise<{ node: FakeNode; grants: OpenGrants; ids: OpId[] }> {
  const node = new FakeNode();
  await node.register(SELF, 'hive');
  const grants = new OpenGrants(node.store);
  node.onArrivals((arrivals) => grants.changed(arrivals));
  const made = await node.append(
    Array.from({ length: count }, () => ({ entity: undefined, by: userPrincipal('x'), body: taskCreated() })),
  );
  if ('refused' in made) throw new Error(made.message);
  return { node, grants, ids: made.map(({ op }) => parsedOpId(op.header.entity)) };
}

const AGENT = parsedOpId(`${OTHER}-7`);

describe('open grants', () => {
  it('are those from before somebody asked, and those that came and went since', async () => {
    const { node, grants, ids } = await tasks(2);
    const [first = AGENT, second = AGENT] = ids;
    await node.start(first, AGENT, OTHER);
    expect(grants.taskOf(AGENT)).toBe(first);
    await node.start(second, AGENT, OTHER);
    await node.end(first, {});
    expect(grants.taskOf(AGENT)).toBe(second);
    await node.end(second, {});
    expect(grants.taskOf(AGENT)).toBeUndefined();
  });

  it('are found anew after more changes than are kept, and when told to look again', async () => {
    const { node, grants, ids } = await tasks(1_100);
    const [first = AGENT] = ids;
    expect(grants.taskOf(AGENT)).toBeUndefined();
    const by = userPrincipal('x');
    await node.commit(
      SELF,
      ids.map((entity) => ({ entity, by, body: { type: 'task.allowed' as const } })),
    );
    await node.start(first, AGENT, OTHER);
    expect(grants.taskOf(AGENT)).toBe(first);
    // What was committed but not told of: no listener heard it.
    grants.forget();
    await node.end(first, {});
    expect(grants.taskOf(AGENT)).toBeUndefined();
  });
});
