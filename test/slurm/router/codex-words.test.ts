/**
 * Mailboxes of codeswarm's own worker: its records, with the raw protocol of Codex as that program words it, and what the router tells of them.
 * `golden/codeswarm-0.104.jsonl`: a Codex of the seed's time, which says most things in two dialects. `golden/codeswarm-items.jsonl`: a newer one.
 */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { codexWords, type Dialects } from '#slurm/router/codex-words.ts';
import { eventsOf } from '#slurm/router/event.ts';
import type { FarLine } from '#slurm/router/wire.ts';
import { Site } from './rig.ts';

const golden = (name: string): string[] =>
  readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n');

/** As one line a record: the event's name, and its data without the place. */
function told(lines: readonly string[], dialects: Dialects = {}): string[] {
  return lines.flatMap((text, at) => {
    const record: unknown = JSON.parse(text);
    const line: FarLine = { t: 'line', mailbox: '7_01', position: { inode: '1', offset: at }, record };
    return eventsOf(line, { redelivered: false, isLate: false, dialects }).map(({ event, data }) => {
      const { swarm_id: swarm, job_id: job, node_id: node, ...rest } = data;
      expect([swarm, job, node]).toEqual(['slurm-7', '7', 1]);
      return `${event} ${JSON.stringify(rest)}`;
    });
  });
}

describe('the mailbox of codeswarm’s own worker', () => {
  it('is told once, of a Codex that says everything twice', () => {
    expect(told(golden('codeswarm-0.104.jsonl'))).toEqual(golden('codeswarm-0.104.told.txt'));
  });

  it('is told, of a Codex that says everything once', () => {
    expect(told(golden('codeswarm-items.jsonl'))).toEqual(golden('codeswarm-items.told.txt'));
  });

  it('is told alike wherever a router that keeps what it knows was killed', () => {
    const lines = golden('codeswarm-0.104.jsonl');
    for (let at = 0; at < lines.length; at += 1) {
      const dialects: Dialects = {};
      const before = told(lines.slice(0, at), dialects);
      const kept: Dialects = JSON.parse(JSON.stringify(dialects));
      expect([...before, ...told(lines.slice(at), kept)]).toEqual(golden('codeswarm-0.104.told.txt'));
    }
  });

  it('has nothing to tell of what is no message of Codex', () => {
    for (const payload of [
      undefined,
      7,
      {},
      { method: 7 },
      { method: 'item/completed' },
      { method: 'codex/event/x' },
    ]) {
      expect(codexWords(payload, {})).toEqual([]);
    }
    expect(codexWords({ method: 'item/completed', params: { item: { type: 'agentMessage' } } }, {})).toEqual([]);
    expect(codexWords({ method: 'turn/started', params: { turn: 'x' } }, {})).toEqual([]);
  });
});

describe('a router', () => {
  const sites: Site[] = [];
  afterEach(async () => {
    for (const one of sites.splice(0)) await one.remove();
  });

  it('tells of such a mailbox, and keeps what its agent asks until that is resolved', async () => {
    const here = new Site();
    sites.push(here);
    const { served, events } = await here.serve();
    const client = here.client(served.port ?? 0);
    const lines = golden('codeswarm-items.jsonl').map((line) => `${line}\n`);
    const asks = lines.findIndex((line) => line.includes('requestApproval'));
    here.write('7_01', ...lines.slice(0, asks + 1));
    await events.event('exec_approval_required');
    const asked = { approval_id: 'rpc 0', call_id: 'call-9', command: 'rm -rf build', job_id: '7', node_id: 1 };
    const open = await client.ask('approvals_list', {}, 'approvals_list');
    expect(open.data['approvals']).toMatchObject([{ ...asked, injection_id: 'i-1' }]);
    here.write('7_01', ...lines.slice(asks + 1));
    await events.event('turn_complete', ({ status }) => status === 'failed');
    expect((await client.ask('approvals_list', {}, 'approvals_list')).data['approvals']).toEqual([]);
  });
});
