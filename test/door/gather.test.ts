import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Gather } from '#door/gather.ts';

/** Counts what would be a system call each. */
class Connection {
  corked = 0;
  waiting: string[] = [];
  left: string[][] = [];
  cork(): void {
    this.corked += 1;
  }
  uncork(): void {
    this.corked -= 1;
    if (this.corked === 0 && this.waiting.length > 0) this.left.push(this.waiting.splice(0));
  }
  write(text: string): void {
    if (this.corked > 0) this.waiting.push(text);
    else this.left.push([text]);
  }
}

describe('Gather', () => {
  let connection: Connection;
  let gather: Gather;
  const write = (text: string): void => {
    connection.write(text);
    gather.written();
  };
  beforeEach(() => {
    vi.useFakeTimers();
    connection = new Connection();
    gather = new Gather(connection);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('lets the first leave at once, and what comes soon after it together', () => {
    write('a');
    expect(connection.left).toEqual([['a']]);
    write('b');
    write('c');
    vi.advanceTimersByTime(33);
    expect(connection.left).toEqual([['a'], ['b', 'c']]);
  });

  it('goes on while there is something to write, and has no timer when there is not', () => {
    write('a');
    write('b');
    vi.advanceTimersByTime(33);
    write('c');
    vi.advanceTimersByTime(32);
    expect(connection.left).toEqual([['a'], ['b']]);
    vi.advanceTimersByTime(1);
    expect(connection.left).toEqual([['a'], ['b'], ['c']]);
    vi.advanceTimersByTime(33);
    expect({ timers: vi.getTimerCount(), corked: connection.corked }).toEqual({ timers: 0, corked: 0 });
    write('d');
    expect(connection.left.at(-1)).toEqual(['d']);
  });

  it('lets all of it leave when it is told to, twice without harm', () => {
    write('a');
    write('b');
    gather.flush();
    gather.flush();
    expect(connection.left).toEqual([['a'], ['b']]);
    expect({ timers: vi.getTimerCount(), corked: connection.corked }).toEqual({ timers: 0, corked: 0 });
  });
});
