/** Real nodes, one of which is taken out: links closed with the reason, never made again, and it stops; who learns late agrees. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
beforeEach(() => {
  swarm = new TestSwarm();
});
afterEach(() => swarm.close());

describe('a node that is revoked', () => {
  it('is told why and stops; the others go on without it, also one that was away', async () => {
    const log: string[] = [];
    const [one, late, out] = [await swarm.add(), await swarm.add(), await swarm.add({ log: (line) => log.push(line) })];
    await swarm.linked();
    const { self } = out.running.info;
    await late.running.close();
    const answer = await one.post(`/api/swarm/nodes/${self.slice(0, 12)}/revoke`, {});
    expect(answer).toMatchObject({ id: self, status: 'revoked' });
    const stopped = await out.running.closed;
    expect(String(stopped)).toMatch(/was revoked by an operator/);
    await late.restart();
    await late.until(async () => {
      const rows = await late.list('/api/swarm/nodes');
      return rows.some((row) => row['id'] === self && row['status'] === 'revoked') ? true : undefined;
    });
    await expect(out.restart()).rejects.toThrow(/was revoked by an operator/);
    expect((await one.list('/api/swarm/agents')).filter((row) => row['node_id'] === self)).toEqual([]);
  });

  it('and was away meanwhile is refused when it comes back', async () => {
    const log: string[] = [];
    const [one, out] = [await swarm.add(), await swarm.add({ log: (line) => log.push(line) })];
    await swarm.linked();
    const { self } = out.running.info;
    await out.running.close();
    await one.post(`/api/swarm/nodes/${self}/retire`, {});
    await out.restart();
    await one.until(() =>
      Promise.resolve(log.some((line) => /refused by .*was retired by an operator/.test(line)) ? true : undefined),
    );
    expect((await one.get('/api/swarm/status'))['links']).toBe(0);
  });
});
