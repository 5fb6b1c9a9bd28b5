import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NODE, OTHER, address, text, watched } from './watched-dialler.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a node that moved', () => {
  it('is looked for where it says it is, and no more where it said before', () => {
    const { dialler, dials, fail } = watched();
    dialler.start();
    for (const port of [1, 2]) dialler.learn(address(port), { seed: false, node: NODE });
    dialler.placed(NODE, [address(1), address(2)]);
    dialler.learn(address(3), { seed: false, node: NODE });
    dialler.placed(NODE, [address(2), address(3)]);
    expect(dialler.addresses().map((one) => one.address)).toEqual([text(2), text(3)]);
    // Its dial to the old place was under way, and ends as it will.
    fail(1);
    dials.length = 0;
    vi.advanceTimersByTime(60_000);
    expect(dials).toEqual([]);
    fail(2);
    vi.advanceTimersByTime(5_000);
    expect(dials).toEqual([text(2)]);
  });

  it('keeps the place where its link stands, one that the operator named, and one that was found otherwise', () => {
    const { dialler, links } = watched();
    dialler.start();
    dialler.learn(address(1), { seed: true, node: NODE });
    for (const port of [2, 3]) dialler.learn(address(port), { seed: false, node: NODE });
    dialler.learn(address(4), { seed: false, node: OTHER });
    dialler.placed(NODE, [address(1), address(2)]);
    dialler.placed(OTHER, [address(4)]);
    links.add(NODE);
    dialler.linked(NODE, { address: text(2), dialled: true });
    dialler.placed(NODE, [address(9)]);
    expect(dialler.addresses().map((one) => one.address)).toEqual([text(1), text(2), text(3), text(4)]);
    // Once the link is elsewhere, what it said long ago is of no use.
    dialler.learn(address(9), { seed: false, node: NODE });
    dialler.linked(NODE, { address: text(9), dialled: true });
    dialler.placed(NODE, [address(9)]);
    expect(dialler.addresses().map((one) => one.address)).toEqual([text(1), text(3), text(4), text(9)]);
  });
});
