import { describe, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import { RelayDesk } from '#host/relay-desk.ts';
import type { RelayDeskOptions } from '#host/relay-desk.ts';

const AGENT = parsedOpId(`${'a'.repeat(32)}-2`);

function desk(o: Partial<RelayDeskOptions> = {}): { desk: RelayDesk; lines: string[] } {
  const lines: string[] = [];
  const made = new RelayDesk({
    store: { get: () => undefined },
    services: { upstream: () => ({ url: 'http://127.0.0.1:1', headers: {} }) },
    attempts: { ofAgent: () => undefined },
    budgets: { spending: () => ({ kind: 'fine' }), spendingOf: () => ({ kind: 'fine' }) },
    log: (line) => lines.push(line),
    now: () => Date.UTC(2026, 0, 2),
    ...o,
  });
  return { desk: made, lines };
}

const relayed = { method: 'POST', path: '/v1/messages', status: 200, sentBytes: 7, receivedBytes: 11, tookMs: 3 };

describe('what a relay is told by its node', () => {
  it('is a line of the log for each request', () => {
    const { desk: made, lines } = desk();
    made.of(AGENT).told(relayed);
    made.of(AGENT).told({ ...relayed, status: 0 });
    expect(lines).toEqual([
      `${AGENT} asked through its relay: POST /v1/messages: 200, 7 bytes out, 11 in, 3 ms`,
      `${AGENT} asked through its relay: POST /v1/messages: gone before the answer, 7 bytes out, 11 in, 3 ms`,
    ]);
  });

  it('says of each way out where it led and when, or why it did not', () => {
    const { desk: made, lines } = desk();
    const out = { ...relayed, method: 'CONNECT', path: 'example.org:443' };
    made.of(AGENT).told({ ...out, address: '93.184.215.14' });
    made.of(AGENT).told({ ...out, status: 403, refused: 'this box may not reach example.org:443' });
    expect(lines).toEqual([
      `${AGENT} asked through its relay: CONNECT example.org:443 (93.184.215.14): 200, 7 bytes out, 11 in, 3 ms, ended 2026-01-02T00:00:00.000Z`,
      `${AGENT} asked through its relay: CONNECT example.org:443: 403 refused: this box may not reach example.org:443, 7 bytes out, 11 in, 3 ms, ended 2026-01-02T00:00:00.000Z`,
    ]);
  });

  it('keeps what a box chose to ask on one short line', () => {
    const { desk: made, lines } = desk();
    made.of(AGENT).told({ ...relayed, path: `/\u001b[2J\n${'x'.repeat(5_000)}` });
    expect(lines[0]).not.toMatch(/[^ -~]/);
    expect(lines[0]?.length).toBeLessThan(300);
  });

  it('lets an agent that was withdrawn ask nothing', () => {
    expect(desk().desk.of(AGENT).overBudget()).toBe('this agent was withdrawn');
    expect(desk().desk.of(AGENT).egress()).toEqual([]);
  });
});
