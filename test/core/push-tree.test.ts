/** Ops along trees: who is pushed to, who is only told, and how a tree that broke is mended. */
import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import { Push } from '#core/push.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { SpreadKnobs } from '#sim/spread/spread.ts';
import { Spread } from '#sim/spread/spread.ts';

const KNOBS: SpreadKnobs = {
  nodes: 60,
  authors: 6,
  opsPerAuthor: 20,
  lossProbability: 0,
  hopMs: 20,
  fullLinksMax: 3,
  seed: 1,
  deadShare: 0,
};

const run = (knobs: Partial<SpreadKnobs>, push?: (...args: ConstructorParameters<typeof Push>) => Push) =>
  new Spread(
    { ...KNOBS, ...knobs },
    { sha256: (text) => hash('sha256', text), ...(push === undefined ? {} : { push }) },
  ).run();

describe('an op', () => {
  it('comes once to each node where nothing is lost, and to all of them', async () => {
    const { coverage, payloads, nodes, ops } = await run({});
    expect(coverage).toBe(1);
    expect(payloads / (nodes * ops)).toBeLessThanOrEqual(1.1);
  });

  it.each([0.01, 0.05])('comes to all also where a share of %d of all frames is lost', async (lossProbability) => {
    const { coverage, payloads, nodes, ops } = await run({ lossProbability });
    expect(coverage).toBe(1);
    expect(payloads / (nodes * ops)).toBeLessThanOrEqual(1.5);
  });

  it('comes to all that live after a third of the nodes went down at once', async () => {
    const { coverage, linksAverage } = await run({ deadShare: 1 / 3 });
    expect(coverage).toBe(1);
    expect(linksAverage).toBeGreaterThan(4);
  });

  it('comes to all while many are written at once by all', async () => {
    const { coverage, payloads, nodes, ops } = await run({ nodes: 30, authors: 30, opsPerAuthor: 30 });
    expect(coverage).toBe(1);
    expect(payloads / (nodes * ops)).toBeLessThanOrEqual(1.1);
  });
});

/** Broken ones: each must show in what is checked above. */
describe('a push', () => {
  it('that never grafts loses ops', async () => {
    class NoGraft extends Push {
      override onGraftTimer(): void {}
    }
    expect((await run({ lossProbability: 0.05 }, (...args) => new NoGraft(...args))).coverage).toBeLessThan(1);
  });

  it('that tells nobody what it has loses ops', async () => {
    class Silent extends Push {
      override onHaveTimer(): void {}
    }
    expect((await run({ lossProbability: 0.05 }, (...args) => new Silent(...args))).coverage).toBeLessThan(1);
  });

  it('that does not stop on PRUNE floods', async () => {
    class Flood extends Push {
      override onPrune(): void {}
    }
    const { payloads, nodes, ops } = await run({}, (...args) => new Flood(...args));
    expect(payloads / (nodes * ops)).toBeGreaterThan(1.5);
  });

  it('that prunes at both ends of a link lets the trees fall apart', async () => {
    class BothEnds extends Push {
      private readonly all: (author: NodeId) => void;

      constructor(...args: ConstructorParameters<typeof Push>) {
        super(...args);
        const [world] = args;
        this.all = (author) => world.send([...world.links], { type: FRAME.prune, authors: [author] });
      }

      /** Not only the later link is told to stop, but also the one that was first. */
      override onRepeated(...[from, author]: Parameters<Push['onRepeated']>): void {
        super.onRepeated(from, author);
        this.all(author);
      }
    }
    const whole = await run({});
    const broken = await run({}, (...args) => new BothEnds(...args));
    expect(broken.rounds.at(-1) ?? 0).toBeGreaterThan(2 * (whole.rounds.at(-1) ?? 0));
  });
});
