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
