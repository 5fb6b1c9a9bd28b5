/** A fake node on a socket in a directory of its own, and a world that stands there. */
import { join } from 'node:path';
import { FakeNode } from './fake-node.ts';
import type { TestWorld, WorldOptions } from './test-world.ts';
import { place, testWorld } from './test-world.ts';

export type Rig = { node: FakeNode; world: TestWorld; cwd: string };

export class Rigs {
  private readonly closers: (() => unknown)[] = [];

  /** A node that knows no agents, nodes and projects, at the usual port. */
  async make(o: WorldOptions = {}): Promise<Rig> {
    const { path: cwd, remove } = place();
    this.closers.push(remove);
    const node = new FakeNode()
      .on('GET /api/swarm/agents', [])
      .on('GET /api/swarm/nodes', [])
      .on('GET /api/swarm/projects', []);
    this.closers.push(() => node.close());
    await node.listenSocket(join(cwd, 'data'), 7101);
    return { node, world: testWorld({ cwd, home: cwd, ...o }), cwd };
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0).toReversed()) await close();
  }
}
