/** What an agent said of its task, over restarts of its node at the worst moments. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import type { AgentEvent, PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import { REMINDER } from '#host/agent-words.ts';
import { CompletionRecords } from '#host/completion-record.ts';
import { Completion } from '#host/completion.ts';

const NEVER = new AbortController().signal;
const ended = (turn: string): Extract<AgentEvent, { kind: 'turn_ended' }> => ({
  kind: 'turn_ended',
  turn,
  outcome: 'completed',
  text: '',
  exit: undefined,
});

describe('a completion', () => {
  let directory: string;
  let asked: PermissionRequest[];
  let answer: PermissionAnswer | undefined;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skep-said-'));
    asked = [];
    answer = { behavior: 'allow', message: 'Blue.' };
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** As a node that was just started has it. */
  async function open(): Promise<Completion> {
    const records = new CompletionRecords(directory);
    return new Completion({
      isOwed: true,
      agent: parsedOpId('a-1'),
      task: parsedOpId('a-2'),
      attempt: 1,
      record: await records.open('a-2.1'),
      save: (record) => records.save('a-2.1', record),
      ask: async (request) => {
        asked.push(request);
        return answer;
      },
    });
  }

  it('reminds again when the node stopped before the agent had the reminder, and never afterwards', async () => {
    expect(await (await open()).after(ended('1'), NEVER)).toEqual({ kind: 'prompt', text: REMINDER });
    const again = await open();
    expect(await again.after(ended('1'), NEVER)).toEqual({ kind: 'prompt', text: REMINDER });
    await again.prompted('1');
    const last = await open();
    expect(await last.after(ended('1'), NEVER)).toEqual({ kind: 'seen' });
    expect(await last.after(ended('2'), NEVER)).toEqual({ kind: 'over' });
  });

  it('asks people under the same name after a restart, and passes their answer on once', async () => {
    await (await open()).ask('Blue or red?\nI see no third.');
    const first = await (await open()).after(ended('1'), NEVER);
    expect(first).toMatchObject({ kind: 'prompt', text: expect.stringMatching(/"Blue or red\?":\n\nBlue\.$/) });
    const again = await open();
    expect(await again.after(ended('1'), NEVER)).toEqual(first);
    expect(asked.map(({ request, kind }) => `${kind} ${request}`)).toEqual(['question task_needs_input.1']);
    await again.prompted('1');
    expect(again.said).toBeNull();
  });

  it('is over where nobody answers, and the agent may still complete it', async () => {
    answer = { behavior: 'deny', message: 'Nobody was there.' };
    const completion = await open();
    await completion.ask('Blue?');
    expect(await completion.after(ended('1'), NEVER)).toEqual({ kind: 'over' });
    expect(completion.said).toEqual({ kind: 'unanswered', text: 'Blue?\n\nNobody was there.' });
    await completion.complete('Took blue.');
    expect((await open()).said).toEqual({ kind: 'completed', text: 'Took blue.' });
  });

  it('keeps the first word when two are said at once', async () => {
    const completion = await open();
    const answers = await Promise.all([completion.complete('a'), completion.complete('b'), completion.fail('c')]);
    expect(answers.map((text) => text.startsWith('Noted'))).toEqual([true, false, false]);
    expect((await open()).said).toEqual({ kind: 'completed', text: 'a' });
  });

  it('lets an agent ask and make tasks up to a bound', async () => {
    const completion = await open();
    for (let turn = 1; turn <= 20; turn += 1) {
      expect(await completion.ask(`${turn}?`)).toMatch(/put to people/);
      expect(await completion.ask('Another?')).toMatch(/is open/);
      await completion.after(ended(`${turn}`), NEVER);
      await completion.prompted(`${turn}`);
    }
    expect(await completion.ask('Once more?')).toMatch(/limit/);
    const made = Array.from({ length: 60 }, () => completion.mayCreateTask());
    expect(made.filter(Boolean)).toHaveLength(50);
  });

  it('has another secret when its file was damaged', async () => {
    const records = new CompletionRecords(directory);
    const { token } = await records.open('a-2.1');
    await writeFile(join(directory, 'a-2.1.json'), '{"token":');
    expect((await records.open('a-2.1')).token).not.toBe(token);
    await records.remove('a-2.1');
    await records.remove('a-2.1');
  });
});
