import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { OutputTail } from '#host/output.ts';

it('shows lines without what moves a cursor, and the newest of them', () => {
  const tail = new OutputTail();
  expect(tail.add('\u001b[31mred\u001b[0m \u001b]0;title\u0007and\tplain\r')).toBe('red and\tplain');
  for (let n = 1; n <= 3_000; n++) tail.add(`line ${n}`);
  tail.add(' ');
  expect(tail.newest(2)).toBe('line 3000\n ');
  expect(tail.newest(10_000).split('\n')).toHaveLength(500);
  expect(tail.last()).toBe('line 3000');
  expect(tail.total()).toBe(3_002);
});

it('puts together what streams, line by line', () => {
  const tail = new OutputTail();
  expect(tail.stream('let')).toBe('let');
  expect(tail.stream(' me\u001b[1m see\nsec')).toBe(' me see\nsec');
  expect(tail.newest(9)).toBe('let me see\nsec');
  expect(tail.stream('ond\n')).toBe('ond\n');
  expect(tail.stream('\nfourth\n')).toBe('\nfourth\n');
  expect(tail.add('· a tool')).toBe('· a tool');
  tail.stream('fifth');
  expect(tail.newest(9)).toBe('let me see\nsecond\n\nfourth\n· a tool\nfifth');
  tail.add('· another');
  expect(tail.newest(2)).toBe('fifth\n· another');
});

it('puts together the same, whether it is read from the beginning or asked for and then followed', () => {
  const steps: ((tail: OutputTail) => string)[] = [
    (tail) => tail.stream('41 passed\n'),
    (tail) => tail.stream('42 pas'),
    (tail) => tail.stream('sed'),
    (tail) => tail.addBelow('· a tool'),
    (tail) => tail.stream('reading src/\n'),
    (tail) => tail.addBelow('· another'),
  ];
  const whole = '41 passed\n42 passed\n· a tool\nreading src/\n· another\n';
  for (let asked = 0; asked <= steps.length; asked++) {
    const tail = new OutputTail();
    for (const step of steps.slice(0, asked)) step(tail);
    const held = tail.newestBefore(9);
    expect(
      held +
        steps
          .slice(asked)
          .map((step) => step(tail))
          .join(''),
    ).toBe(whole);
  }
});

it('keeps the beginning of long lines, and none of the rest', () => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  const tail = new OutputTail();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 500; n++) tail.add(Buffer.alloc(500_000, 120).toString());
  if (typeof collect === 'function') collect();
  const keptBytes = process.memoryUsage().heapUsed - before;
  expect(tail.newest(1)).toHaveLength(2_000);
  expect(keptBytes).toBeLessThan(50_000_000);
});
