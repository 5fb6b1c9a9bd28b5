/** The failure detector: how soon it notices, whom it must not accuse, and how it is contradicted. Times are virtual. */
import { describe, expect, it } from 'vitest';
import { present } from './writer.ts';
import { DetectorRig } from './detector-rig.ts';

/** Half of what serf's LAN profile needs from the loss of a node to its "failed". */
const NOTICED_MS = 3_200;
const seeds = Array.from({ length: 25 }, (_, index) => index + 1);
const max = (values: readonly number[]): number => Math.max(...values);

/** A swarm that has run for a while. */
async function quiet(o: ConstructorParameters<typeof DetectorRig>[0]): Promise<DetectorRig> {
  const rig = new DetectorRig(o);
  await rig.run(8_000 + rig.random.between(0, 3_000));
  rig.sightings.length = 0;
  return rig;
}

describe('a node that is stopped without a word', () => {
  it.each([2, 3, 5, 20])('among %i is suspect and then dead everywhere in half of serf’s time', async (nodes) => {
    for (const seed of seeds) {
      const rig = await quiet({ seed, nodes });
      const sinceMs = rig.time.nowMs;
      rig.at(0).stop();
      await rig.run(6_000);
      const [suspect, dead] = [rig.seenAfter(0, 'suspect', sinceMs), rig.seenAfter(0, 'dead', sinceMs)];
      expect([suspect.length, dead.length]).toEqual([nodes - 1, nodes - 1]);
      expect(max(dead)).toBeLessThan(NOTICED_MS);
      expect(max(suspect)).toBeLessThan(max(dead));
      expect(rig.sightings.filter((one) => one.node !== 0)).toEqual([]);
    }
  });

  it('among 64 too, of which each is seldom asked, as the round trips of links are known', async () => {
    const worst = async (roundTripMs: number | undefined): Promise<number> => {
      const rig = await quiet({ seed: 8, nodes: 64, ...(roundTripMs === undefined ? {} : { roundTripMs }) });
      const sinceMs = rig.time.nowMs;
      rig.at(0).stop();
      await rig.run(6_000);
      expect(rig.seenAfter(0, 'dead', sinceMs)).toHaveLength(63);
      return max(rig.seenAfter(0, 'dead', sinceMs));
    };
    expect(await worst(2)).toBeLessThan(NOTICED_MS - 400);
    expect(await worst(undefined)).toBeGreaterThan(await worst(2));
  });

  it('is alive again everywhere once it goes on, and accuses nobody for what it did not hear', async () => {
    for (const seed of seeds) {
      const rig = await quiet({ seed, nodes: 5 });
      rig.at(0).stop();
      await rig.run(1_600);
      const before = rig.sightings.length;
      rig.at(0).go();
      await rig.run(5_000);
      expect(rig.sightings.filter((one) => one.at === 0 || one.node !== 0)).toEqual([]);
      expect(rig.sightings.slice(before).filter((one) => one.state !== 'alive')).toEqual([]);
      for (const peer of rig.stations.slice(1)) expect(peer.detector.shown(rig.at(0).id)).toBe('alive');
    }
  });
});

describe('a node that is there', () => {
  it('is not accused on machines where every process waits up to 0.7 seconds for a processor', async () => {
    for (const seed of seeds.slice(0, 10)) {
      const rig = await quiet({ seed, nodes: 5 });
      rig.starve({ everyMs: 150, forMaxMs: 700, untilMs: rig.time.nowMs + 60_000 });
      await rig.run(65_000);
      expect(rig.sightings).toEqual([]);
    }
  });

  it.each([
    ['one way', (from: number, to: number) => !(from === 0 && to === 1)],
    ['both ways', (from: number, to: number) => from + to !== 1],
  ])('is not accused for a link that is cut %s, and that link is given up', async (_, passes) => {
    for (const seed of seeds) {
      const rig = await quiet({ seed, nodes: 4 });
      rig.passes = passes;
      await rig.run(20_000);
      expect(rig.sightings).toEqual([]);
      expect(rig.at(0).world.links.has(rig.at(1).id)).toBe(false);
    }
  });

  it('is not asked where it never spoke of membership: an older version does not know the question', async () => {
    const rig = new DetectorRig({ seed: 1, nodes: 2, linked: () => false });
    rig.passes = () => false;
    rig.link(0, 1);
    await rig.run(30_000);
    expect(rig.sightings.filter((one) => one.at === 0)).toEqual([{ at: 0, node: 1, state: 'alive', ms: 0 }]);
  });

  it('contradicts a wrong word about it by a higher incarnation, which all take', async () => {
    const rig = await quiet({ seed: 3, nodes: 5 });
    const [liar, victim] = [rig.at(1), rig.at(0)];
    rig.passes = (from, to) => from !== 0 || to !== 1;
    rig.unlink(0, 1);
    liar.detector.onFrame(rig.at(2).id, {
      type: 0x27,
      id: 0,
      from: rig.at(2).id,
      to: liar.id,
      incarnation: 0,
      news: [{ node: victim.id, state: 'dead', incarnation: 0 }],
    });
    expect(liar.detector.shown(victim.id)).toBe('dead');
    rig.passes = () => true;
    rig.link(0, 1);
    await rig.run(2_000);
    for (const peer of rig.stations.slice(1)) expect(peer.detector.shown(victim.id)).toBe('alive');
  });

  it('is not called dead by who is linked with it, when others who were cut off from it come back and say so', async () => {
    const half = (index: number): boolean => index < 2;
    for (const seed of seeds.slice(0, 10)) {
      const rig = await quiet({ seed, nodes: 5 });
      rig.passes = (from, to) => half(from) === half(to);
      await rig.run(10_000);
      expect(rig.seenAfter(4, 'dead', 0)).toHaveLength(2);
      rig.passes = () => true;
      rig.sightings.length = 0;
      rig.link(0, 2);
      await rig.run(2_000);
      const wrong = rig.sightings.filter((one) => one.state === 'dead' && half(one.at) === half(one.node));
      expect(wrong).toEqual([]);
      const doubted = [0, 1, 2, 3, 4].filter(
        (at) => rig.at(half(at) ? 0 : 2).detector.shown(rig.at(at).id) === 'suspect',
      );
      expect(doubted).toEqual([]);
    }
  });

  it('that comes and goes is held back for a while before it is trusted again', async () => {
    const rig = await quiet({ seed: 5, nodes: 3 });
    const shown = (): unknown => rig.at(1).detector.shown(rig.at(0).id);
    for (let round = 0; round < 6; round++) {
      for (const other of [1, 2]) rig.unlink(0, other);
      await rig.run(2_000);
      for (const other of [1, 2]) rig.link(0, other);
      await rig.run(500);
    }
    expect(shown()).toBe('suspect');
    await rig.run(30_000);
    expect(shown()).toBe('alive');
  });
});

describe('a node that goes', () => {
  it('is suspect at once when every link to it is closed, and dead soon', async () => {
    const rig = await quiet({ seed: 7, nodes: 5 });
    const sinceMs = rig.time.nowMs;
    for (const other of [1, 2, 3, 4]) rig.unlink(0, other);
    await rig.run(3_000);
    expect(max(rig.seenAfter(0, 'suspect', sinceMs))).toBeLessThan(300);
    expect(rig.seenAfter(0, 'dead', sinceMs)).toHaveLength(4);
  });

  it('on purpose says so, and is shown as left, not as dead', async () => {
    const rig = await quiet({ seed: 9, nodes: 4 });
    for (const { to, frame } of rig.at(0).detector.leaving()) rig.send(rig.at(0), [to], frame);
    await rig.run(100);
    for (const other of [1, 2, 3]) rig.unlink(0, other);
    await rig.run(10_000);
    const seen = rig.sightings.filter((one) => one.node === 0 && one.at !== 0).map((one) => one.state);
    expect(seen).toEqual(['left', 'left', 'left']);
    rig.link(0, 1);
    await rig.run(1_000);
    expect(rig.at(1).detector.shown(rig.at(0).id)).toBe('alive');
  });
});

describe('news', () => {
  it('reaches nodes that are linked with neither, riding on the questions of others', async () => {
    // A ring in which each is linked with the two next on either side.
    const nodes = 24;
    const near = (a: number, b: number): boolean =>
      [1, 2].includes((b - a + nodes) % nodes) || [1, 2].includes((a - b + nodes) % nodes);
    const rig = await quiet({ seed: 11, nodes, linked: near });
    rig.at(0).stop();
    await rig.run(20_000);
    const far = present(rig.at(12).detector.shown(rig.at(0).id), 'news of a far node');
    expect(far).toBe('dead');
    expect(rig.sightings.filter((one) => one.node !== 0 && one.state !== 'alive')).toEqual([]);
  });
});
