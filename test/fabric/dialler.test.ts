import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { ADDRESSES_MAX, DIALS_MAX } from '#fabric/settings.ts';
import { NODE, OTHER, address, text, unknown, watched } from './watched-dialler.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('an address', () => {
  it('is dialled at once, but not before the start', () => {
    const { dialler, dials } = watched();
    dialler.learn(address(1), { seed: true, node: undefined });
    expect(dials).toEqual([]);
    dialler.start();
    dialler.learn(address(2), unknown);
    dialler.learn(address(2), unknown);
    expect(dials).toEqual([text(1), text(2)]);
  });

  it('is dialled again after waits below a bound that doubles from 0.25 to 5 s', () => {
    const { dialler, dials, fail } = watched();
    dialler.start();
    dialler.learn(address(1), unknown);
    const bounds = [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000];
    for (const [at, boundMs] of bounds.entries()) {
      fail(1);
      vi.advanceTimersByTime(boundMs - 2);
      expect(dials).toHaveLength(at + 1);
      vi.advanceTimersByTime(2);
      expect(dials).toHaveLength(at + 2);
    }
  });

  it('waits anywhere below the bound', () => {
    const { dialler, dials, fail } = watched(() => 0.5);
    dialler.start();
    dialler.learn(address(1), unknown);
    fail(1);
    vi.advanceTimersByTime(124);
    expect(dials).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(dials).toHaveLength(2);
  });

  it('is left alone while its node is linked, by whichever address, and dialled when the link is gone', () => {
    const { dialler, dials, links, fail } = watched();
    dialler.start();
    dialler.learn(address(1), unknown);
    dialler.learn(address(2), { seed: false, node: NODE });
    fail(2);
    dialler.reached(text(1), NODE);
    links.add(NODE);
    dialler.linked(NODE, { address: text(1), dialled: true });
    dialler.learn(address(3), { seed: false, node: NODE });
    vi.advanceTimersByTime(60_000);
    expect(dials).toEqual([text(1), text(2)]);
    links.delete(NODE);
    dialler.unlinked(NODE, { livedMs: 60_000, roundTripMs: 1 });
    vi.advanceTimersByTime(250);
    expect(dials.toSorted()).toEqual([text(1), text(1), text(2), text(2), text(3)]);
  });

  it('whose links never hold is dialled ever more slowly; one that held starts anew', () => {
    const { dialler, dials, links } = watched();
    dialler.start();
    dialler.learn(address(1), unknown);
    const relink = (livedMs: number): void => {
      links.add(NODE);
      dialler.reached(text(1), NODE);
      dialler.linked(NODE, { address: text(1), dialled: true });
      links.delete(NODE);
      dialler.unlinked(NODE, { livedMs, roundTripMs: 1 });
    };
    for (const [at, boundMs] of [250, 500, 1_000].entries()) {
      relink(10);
      vi.advanceTimersByTime(boundMs - 2);
      expect(dials).toHaveLength(at + 1);
      vi.advanceTimersByTime(2);
      expect(dials).toHaveLength(at + 2);
    }
    relink(5_000);
    vi.advanceTimersByTime(250);
    expect(dials).toHaveLength(5);
  });

  it('of this node itself is never dialled again', () => {
    const { dialler, dials } = watched();
    dialler.start();
    dialler.learn(address(1), unknown);
    dialler.failed(text(1), { failure: 'self', never: true });
    dialler.learn(address(1), { seed: false, node: OTHER });
    vi.advanceTimersByTime(600_000);
    expect(dials).toEqual([text(1)]);
  });

  it('moves to another node when that one is said to be there', () => {
    const { dialler, dials, links } = watched();
    dialler.start();
    links.add(NODE);
    dialler.learn(address(1), { seed: false, node: NODE });
    expect(dials).toEqual([]);
    dialler.learn(address(1), { seed: false, node: OTHER });
    expect(dials).toEqual([text(1)]);
  });

  it('is not dialled after the close', () => {
    const { dialler, dials, fail } = watched();
    dialler.start();
    dialler.learn(address(1), unknown);
    fail(1);
    dialler.close();
    dialler.close();
    dialler.learn(address(2), unknown);
    fail(1);
    vi.advanceTimersByTime(600_000);
    expect(dials).toEqual([text(1)]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a lost peer', () => {
  /** Linked at the address of port 1 and known at that of port 2, it is lost after a minute. */
  function lost(o: { roundTripMs?: number; others?: number; random?: () => number } = {}) {
    const all = watched(o.random);
    const { dialler, dials, links, connectMs } = all;
    dialler.start();
    dialler.learn(address(1), unknown);
    links.add(NODE);
    dialler.reached(text(1), NODE);
    dialler.linked(NODE, { address: text(1), dialled: true });
    dialler.learn(address(2), { seed: false, node: NODE });
    for (let at = 0; at < (o.others ?? 0); at += 1) {
      const node = nodeIdOf(at.toString(16).padStart(32, 'a'));
      links.add(node);
      dialler.learn(address(100 + at), { seed: false, node });
    }
    vi.advanceTimersByTime(60_000);
    links.delete(NODE);
    dials.splice(0);
    connectMs.splice(0);
    dialler.unlinked(NODE, { livedMs: 60_000, roundTripMs: o.roundTripMs ?? 1 });
    return { ...all, at1: () => dials.filter((one) => one === text(1)).length };
  }

  /** Lets each dial under way fail after 400 ms, for that long. */
  function failing({ dials, fail }: ReturnType<typeof lost>, forMs: number): void {
    let seen = 0;
    for (let passedMs = 0; passedMs < forMs; passedMs += 100) {
      vi.advanceTimersByTime(100);
      const due = dials.slice(seen);
      seen = dials.length;
      for (const one of due) setTimeout(() => fail(Number(one.split(':')[1])), 400);
    }
  }

  it('is dialled where its link was, at most once a second, and each dial must be accepted within 400 ms', () => {
    const peer = lost({ random: () => 0 });
    failing(peer, 20_000);
    expect(peer.at1()).toBeGreaterThanOrEqual(19);
    expect(peer.at1()).toBeLessThanOrEqual(21);
    const limits = peer.dials.map((one, at) => [one, peer.connectMs[at]]);
    expect(new Set(limits.map(String))).toEqual(new Set([`${text(1)},400`, `${text(2)},`]));
  });

  it('far away gets four of its round trips', () => {
    const peer = lost({ roundTripMs: 300 });
    failing(peer, 1_000);
    expect(peer.connectMs).toContain(1_200);
  });

  it('is dialled like any other after ten minutes, and in a swarm of 64 nodes', () => {
    const old = lost();
    failing(old, 600_000);
    const before = old.at1();
    failing(old, 60_000);
    expect(old.at1() - before).toBeLessThan(20);
    const large = lost({ others: 64 });
    failing(large, 20_000);
    expect(large.at1()).toBeLessThan(12);
    expect(large.connectMs).not.toContain(400);
  });

  it('that came back is lost anew', () => {
    const peer = lost();
    failing(peer, 5_000);
    peer.links.add(NODE);
    peer.dialler.linked(NODE, { address: text(2), dialled: false });
    peer.links.delete(NODE);
    peer.dialler.unlinked(NODE, { livedMs: 60_000, roundTripMs: 1 });
    peer.connectMs.splice(0);
    peer.dials.splice(0);
    vi.advanceTimersByTime(2_000);
    const eager = peer.dials.filter((_one, at) => peer.connectMs[at] === 400);
    expect(new Set(eager)).toEqual(new Set([text(2)]));
  });
});

describe('many addresses', () => {
  it('are dialled a few at a time', () => {
    const { dialler, dials, fail } = watched();
    dialler.start();
    for (let port = 1; port <= 100; port += 1) dialler.learn(address(port), unknown);
    expect(dials).toHaveLength(DIALS_MAX);
    fail(1);
    expect(dials).toHaveLength(DIALS_MAX + 1);
  });

  it('that all are dead make a bounded number of dials', () => {
    const { dialler, dials, fail } = watched(Math.random);
    dialler.start();
    for (let port = 1; port <= ADDRESSES_MAX; port += 1) dialler.learn(address(port), unknown);
    let seen = 0;
    const failAll = (): void => {
      while (seen < dials.length) fail(Number(dials[seen++]?.split(':')[1]));
    };
    failAll();
    for (let second = 0; second < 150; second += 1) {
      vi.advanceTimersByTime(1_000);
      failAll();
    }
    const settled = dials.length;
    for (let second = 0; second < 150; second += 1) {
      vi.advanceTimersByTime(1_000);
      failAll();
    }
    expect((dials.length - settled) / 150).toBeLessThan(60);
  });

  it('give way to new ones, those that failed most first, but never seeds', () => {
    const { dialler, fail } = watched();
    dialler.start();
    dialler.learn(address(1), { seed: true, node: undefined });
    fail(1);
    for (let port = 2; port <= ADDRESSES_MAX; port += 1) {
      dialler.learn(address(port), unknown);
      fail(port);
    }
    vi.advanceTimersByTime(250);
    fail(7);
    fail(1);
    dialler.learn({ host: '192.0.2.2', port: 1 }, unknown);
    const known = dialler.addresses().map((each) => each.address);
    expect(known).toHaveLength(ADDRESSES_MAX);
    expect(known).not.toContain(text(7));
    expect(known).toContain(text(1));
    expect(known).toContain('192.0.2.2:1');
  });
});
