import { join } from 'node:path';
import { stateDirOf } from '#socket-path.ts';
import { startNode } from '#host.ts';
import { parsedOpId } from '#core/brand.ts';
import { TurnBook } from '#store/turn-book.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandStage } from './command-stage.ts';

const TEST_MS = 180_000;
/** Until a file of that name is there. */
const until = (name: string): string => `until [ -e ${name} ]; do sleep 0.05; done`;

let on: CommandStage;
beforeEach(async () => {
  on = await CommandStage.open();
}, TEST_MS);
afterEach(() => on.turns.close(), TEST_MS);

describe('a command that outlives its turn', { timeout: TEST_MS }, () => {
  it('wakes its agent when it ends, with how and the last of what it printed', async () => {
    await on.bob();
    const said = await on.start(`${until('go')}; echo TOKEN=abcd1234; echo made it; exit 3`, { title: 'the build' });
    expect(said).toContain('Command 1 runs, at most 3600 s');
    await on.turns.ended('bob', 1);
    expect(await on.running()).toMatchObject([{ n: 1, title: 'the build', state: 'running' }]);
    on.touch('go');
    const [event] = await on.events(1);
    expect(event).toContain('Your command 1 (the build) ended with exit code 3');
    expect(event).toContain('\nTOKEN=[masked]\nmade it');
    expect((await on.turns.ended('bob', 2))[1]).toMatchObject({ wake: 'event', state: 'completed' });
    expect(on.turns.driver.prompts[1]).toContain(' from system, of command 1]\n> Your command 1');
    expect(await on.running()).toEqual([]);
    expect((await on.call({ tool: 'command_list', args: {} }))[0]).toContain('\\"state\\":\\"exited\\",\\"code\\":3');
  });

  it('goes on over restarts of its node, and is told once, also where it ended meanwhile', async () => {
    await on.bob();
    await on.start(`${until('go')}; echo one`);
    await on.turns.node.restart();
    expect(await on.running()).toMatchObject([{ n: 1 }]);
    on.touch('go');
    expect(await on.events(1)).toHaveLength(1);
    await on.start(`${until('on')}; echo two; touch over`);
    const { node } = on.turns;
    await node.running.close();
    on.touch('on');
    await on.appears('over');
    node.running = await startNode(node.options);
    expect((await on.events(2))[1]).toContain('\ntwo');
    await node.restart();
    expect(await on.events(2)).toHaveLength(2);
  });

  it('is told as lost, once, where its process is gone', async () => {
    await on.bob();
    await on.start(until('never'));
    const { node } = on.turns;
    await node.running.stopHolder();
    node.running = await startNode(node.options);
    expect((await on.events(1))[0]).toContain('is lost');
    await on.turns.ended('bob', 2);
    await node.restart();
    expect(await on.events(1)).toHaveLength(1);
  });

  it('is not told again by a node that was killed before it noted that it told it', async () => {
    await on.bob();
    await on.start('true');
    await on.events(1);
    const { node } = on.turns;
    const { dataDir, p2pPort } = node.options;
    const id = parsedOpId(String((await on.turns.turns('bob'))['agent_id']));
    await on.turns.ended('bob', 2);
    await node.running.close();
    const path = join(stateDirOf(dataDir, p2pPort), 'turns.db');
    const before = new TurnBook(path);
    const [kept] = before.commands(id, 1);
    if (kept === undefined) throw new Error('no command is in the book');
    before.writeCommand(id, { ...kept, isTold: false });
    expect(before.openCommands()).toHaveLength(1);
    before.close();
    // The book is open to one at a time: it is read between two lives of the node.
    await on.until(async () => {
      node.running = await startNode(node.options);
      await on.call({ tool: 'command_list', args: {} });
      await node.running.close();
      const book = new TurnBook(path);
      const open = book.openCommands().length;
      book.close();
      return open === 0 ? true : undefined;
    });
    node.running = await startNode(node.options);
    expect(await on.events(1)).toHaveLength(1);
  });

  it('is ended by its agent, by its limit of time, and with its agent', async () => {
    await on.bob();
    const bob = String((await on.turns.turns('bob'))['agent_id']);
    await on.start(until('never'));
    const [said] = await on.call({ tool: 'command_stop', args: { n: 1 } });
    expect(said).toContain('Command 1 was stopped.');
    await on.start(until('never'), { time_limit_s: 1 });
    const events = await on.events(2);
    expect(events[0]).toContain('was stopped');
    expect(events[1]).toContain('was ended after its time limit of 1 s');
    expect((await on.call({ tool: 'command_stop', args: { n: 1 } }))[0]).toContain('not_found');
    await on.start(`trap 'touch over; exit' TERM; touch there; ${until('never')}`);
    await on.appears('there');
    expect((await on.turns.node.request('DELETE', `/api/swarm/agents/${bob}`)).status).toBe(200);
    await on.appears('over');
  });

  it('is refused above the bound, where it is denied, and to whom nothing would wake', async () => {
    await on.bob();
    const start = { tool: 'command_start', args: { command: until('never') } };
    const answers = await on.call(start, start, start, start, start);
    expect(answers.map((one) => one.includes('too_many'))).toEqual([false, false, false, false, true]);
    await on.turns.node.post('/api/rules', { effect: 'deny', command: 'touch *', note: 'leave that' });
    await on.call({ tool: 'command_stop', args: { n: 4 } });
    expect(await on.start('touch denied')).toContain('leave that');
    expect(await on.running()).toMatchObject([{ n: 3 }, { n: 2 }, { n: 1 }]);
    const answer = await on.turns.node.request('POST', '/api/tools/command_start', { command: 'true' });
    expect(answer).toMatchObject({ status: 501, body: { code: 'not_supported' } });
  });
});
