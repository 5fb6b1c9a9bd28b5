import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet } from './worker-rig.ts';

const fleets: Fleet[] = [];
afterEach(async () => {
  for (const fleet of fleets.splice(0)) await fleet.remove();
});
function fleet(): Fleet {
  const made = Fleet.withFake();
  fleets.push(made);
  return made;
}

const user = (content: string, more: object = {}): object => ({ type: 'user', content, ...more });

describe('a worker', () => {
  it('shakes hands, begins a thread, and makes a turn of each message; by hand, too', async () => {
    const here = fleet();
    here.start();
    const outbox = here.outbox();
    expect(await outbox.until('the start', () => true)).toMatchObject({
      type: 'start',
      job_id: '7',
      node_id: 0,
      hostname: 'n1',
    });
    await outbox.event('thread_started');
    execFileSync('sh', ['-c', `echo '{"type":"user","content":"say hello"}' >> ${here.inbox('7_00')}`], {
      timeout: 60_000,
    });
    here.tell('7_00', user('say again', { injection_id: 'i-2' }));
    await outbox.event('assistant', ({ content }) => content === 'hello');
    const again = await outbox.event('assistant', ({ content }) => content === 'again');
    expect(again).toMatchObject({ injection_id: 'i-2', payload: { final_answer: true } });
    const last = await outbox.until(
      'the end of the second turn',
      (one) => one.type === 'acknowledged' && one.inbox.offset > 41,
    );
    expect(last).toMatchObject({ inbox: { offset: readFileSync(here.inbox('7_00')).length } });
    expect(outbox.events('assistant_delta').map(({ payload }) => payload['content'])).toEqual([
      'hello',
      '\n',
      'again',
      '\n',
    ]);
    expect(outbox.events('usage').at(-1)?.payload).toMatchObject({
      total_tokens: 20,
      last_total_tokens: 10,
      cached_input_tokens: 4,
    });
    expect(outbox.events('thread_started')).toHaveLength(1);
    // The raw protocol is there as well, as codeswarm has it.
    const raw = outbox.seen.flatMap((one) => (one.type === 'codex_rpc' ? [one.payload['method']] : []));
    expect(raw).toContain('item/agentMessage/delta');
    expect(outbox.seen.some((one) => one.type === 'codex_stderr' && one.line === 'fake codex is up')).toBe(true);
  });

  it('asks, and is answered by the number of the request or the name of the call; a late answer is told', async () => {
    const here = fleet();
    here.start();
    const outbox = here.outbox();
    here.tell('7_00', user('ask'));
    expect((await outbox.event('exec_approval_required')).payload).toMatchObject({
      call_id: 'call-1',
      command: 'rm -rf build',
    });
    const byNumber = { type: 'rpc_response', rpc_id: 0, result: { decision: 'accept' } };
    here.tell('7_00', { type: 'control', payload: byNumber });
    await outbox.event('assistant', ({ content }) => content === 'answered: accept');
    here.tell('7_00', { type: 'control', payload: byNumber });
    await outbox.until('the late one', (one) => one.type === 'worker_error' && one.error.includes('nobody asks'));
    here.tell('7_00', user('ask'));
    await outbox.event('exec_approval_required');
    const byName = { method: 'exec/approvalResponse', params: { call_id: 'call-1', approved: false } };
    here.tell('7_00', { type: 'control', payload: byName });
    await outbox.event('assistant', ({ content }) => content === 'answered: decline');
  });

  it('queues what comes during a turn, gives words that steer to it, and interrupts it', async () => {
    const here = fleet();
    here.start();
    const outbox = here.outbox();
    here.tell('7_00', user('hold'));
    await outbox.event('thread_status', ({ status }) => JSON.stringify(status).includes('running'));
    here.tell('7_00', user('and hurry', { steer: true }));
    await outbox.event('assistant', ({ content }) => content === 'steered: and hurry');
    await outbox.event('turn_complete');
    here.tell('7_00', user('hold'));
    here.tell('7_00', user('say next'));
    await outbox.event('thread_status', ({ status }) => JSON.stringify(status).includes('running'));
    here.tell('7_00', { type: 'control', payload: { method: 'turn/interrupt' } });
    await outbox.event('turn_complete', ({ status }) => status === 'interrupted');
    await outbox.event('assistant', ({ content }) => content === 'next');
    expect(outbox.events('turn_started')).toHaveLength(3);
  });

  it('passes over what is no record, and says so', async () => {
    const here = fleet();
    here.start();
    const outbox = here.outbox();
    await outbox.event('thread_started');
    appendFileSync(here.inbox('7_00'), 'no json\n{"type":"dance"}\n');
    here.tell('7_00', user('say still here'));
    await outbox.event('assistant', ({ content }) => content === 'still here');
    const errors = outbox.seen.flatMap((one) => (one.type === 'worker_error' ? [one.error] : []));
    expect(errors).toEqual(['the inbox at 8: not_json', 'the inbox at 25: no record that a worker knows']);
  });

  it('ends at a shutdown with code 0 and nothing left, and the next one of that name goes on', async () => {
    const here = fleet();
    const first = here.start();
    const outbox = here.outbox();
    const { payload } = await outbox.event('thread_started');
    here.tell('7_00', { type: 'shutdown' });
    expect(await first.ended()).toBe(0);
    expect(await outbox.until('the end', (one) => one.type === 'complete')).toMatchObject({ reason: 'shutdown' });
    here.start();
    here.tell('7_00', user('say more'));
    await outbox.event('assistant', ({ content }) => content === 'more');
    const threads = outbox.seen.filter((one) => one.type === 'codex_rpc' && one.payload['id'] === 'thread');
    expect(threads.at(-1)).toMatchObject({ payload: { result: { thread: { id: payload['thread_id'] } } } });
  });

  it('gives again, with the mark, what the one before had taken and not done when it was killed', async () => {
    const here = fleet();
    const first = here.start();
    const outbox = here.outbox();
    here.tell('7_00', user('say done', { injection_id: 'i-1' }));
    await outbox.until('done', (one) => one.type === 'acknowledged');
    here.tell('7_00', user('hold', { injection_id: 'i-2' }));
    here.tell('7_00', user('say last', { injection_id: 'i-3' }));
    await outbox.until('taken', (one) => one.type === 'taken' && one.injection_id === 'i-2');
    await first.kill();
    const before = outbox.seen.length;
    here.start();
    await outbox.until(
      'taken again',
      (one) => one.type === 'taken' && one.injection_id === 'i-2' && one.redelivered === true,
    );
    here.tell('7_00', { type: 'control', payload: { method: 'turn/interrupt' } });
    await outbox.event('assistant', ({ content }) => content === 'last');
    const taken = outbox.seen
      .slice(before)
      .flatMap((one) => (one.type === 'taken' ? [[one.injection_id, one.redelivered]] : []));
    expect(taken).toEqual([
      ['i-2', true],
      ['i-3', undefined],
    ]);
  });

  it('takes a record that comes twice once, also where it was started anew in between', async () => {
    const here = fleet();
    const first = here.start();
    const outbox = here.outbox();
    const named = (content: string, name: string): object => user(content, { injection_id: name, append_id: name });
    here.tell('7_00', named('say one', 'a-1'));
    here.tell('7_00', named('say one', 'a-1'));
    here.tell('7_00', named('say two', 'a-2'));
    await outbox.until('the second', (one) => one.type === 'taken' && one.injection_id === 'a-2');
    await outbox.until('its end', (one) => one.type === 'acknowledged');
    await first.kill();
    here.tell('7_00', named('say one', 'a-1'));
    here.tell('7_00', named('say two', 'a-2'));
    here.tell('7_00', named('say three', 'a-3'));
    here.start();
    here.tell('7_00', named('say three', 'a-3'));
    here.tell('7_00', named('say four', 'a-4'));
    await outbox.event('assistant', ({ content }) => content === 'four');
    const taken = outbox.seen.flatMap((one) =>
      one.type === 'taken' ? [[one.injection_id, one.redelivered === true]] : [],
    );
    expect(taken).toEqual(['a-1', 'a-2', 'a-3', 'a-4'].map((name) => [name, false]));
  });

  it('does nothing again of what one before it has carried out, though it reads the record again', async () => {
    const here = fleet();
    const first = here.start();
    const outbox = here.outbox();
    // While it is in a turn nothing is acknowledged: who comes next reads all of it again.
    here.tell('7_00', user('hold'));
    await outbox.until('taken', (one) => one.type === 'taken');
    const note = (text: string): [string, ...string[]] => ['sh', '-c', `echo ${text} >> notes`];
    const common = { cwd: here.base, env: {} };
    here.tell('7_00', { type: 'proc_start', proc: 'p-1.1', argv: note('proc'), ...common });
    here.tell('7_00', { type: 'exec', exec: 'e-1', argv: note('exec'), timeout_ms: 60_000, ...common });
    await outbox.until('the exit', (one) => one.type === 'proc_exit');
    if (!outbox.seen.some((one) => one.type === 'exec_done'))
      await outbox.until('the command', (one) => one.type === 'exec_done');
    await first.kill();
    here.start();
    here.tell('7_00', { type: 'proc_ask', proc: 'p-1.1' });
    here.tell('7_00', { type: 'proc_ask', proc: 'p-2.1' });
    here.tell('7_00', { type: 'proc_start', proc: 'p-2.1', argv: note('late'), ...common });
    here.tell('7_00', { type: 'exec', exec: 'e-2', argv: ['cat', 'notes'], timeout_ms: 60_000, ...common });
    const done = await outbox.until('the last', (one) => one.type === 'exec_done' && one.exec === 'e-2');
    expect(done).toMatchObject({ stdout: expect.stringMatching(/^(?:proc\nexec|exec\nproc)\n$/) });
    // Of what was never asked for, whoever waits hears that it is lost; of the other one it has heard.
    const exits = outbox.seen.flatMap((one) => (one.type === 'proc_exit' ? [[one.proc, one.error]] : []));
    expect(exits).toEqual([
      ['p-1.1', null],
      ['p-2.1', 'holder_lost'],
    ]);
  });

  it('ends when another one has its name, and is late from then on', async () => {
    const here = fleet();
    const late = here.start();
    const outbox = here.outbox();
    await outbox.event('thread_started');
    late.signal('SIGSTOP');
    // Processes of a worker lie on its own machine: the other one has another place.
    const elsewhere = join(here.base, 'elsewhere');
    mkdirSync(elsewhere);
    here.start({ TMPDIR: elsewhere });
    await outbox.until('the next one', (one) => one.type === 'start' && one.restart === 1);
    await outbox.event('thread_status');
    late.signal('SIGCONT');
    here.tell('7_00', user('say hello', { injection_id: 'i-1' }));
    expect(await late.ended()).toBe(0);
    await outbox.until('its end', (one) => one.type === 'complete' && one.reason === 'superseded');
    const taken = outbox.seen.flatMap((one) => (one.type === 'taken' ? [one.restart] : []));
    expect(taken).not.toContain(0);
  });

  it('starts an agent that dies five times, gives it the message again, and then gives up', async () => {
    const here = fleet();
    const worker = here.start();
    const outbox = here.outbox();
    here.tell('7_00', user('die'));
    expect(await worker.ended()).toBe(1);
    await outbox.until('the end', (one) => one.type === 'complete' && one.reason === 'gave_up');
    const taken = outbox.seen.flatMap((one) => (one.type === 'taken' ? [one.redelivered === true] : []));
    expect(taken).toEqual([false, true, true, true, true, true]);
    expect(outbox.seen.some((one) => one.type === 'acknowledged')).toBe(false);
  });

  it('leaves a commit, a bundle and notes when it is told that its time is over', async () => {
    const here = fleet();
    const worker = here.start();
    const outbox = here.outbox();
    await outbox.event('thread_started');
    const cwd = join(here.base, 'runs/7/agent_00');
    execFileSync('git', ['init', '-q'], { cwd, timeout: 60_000 });
    writeFileSync(join(cwd, 'half.txt'), 'half done\n');
    here.tell('7_00', user('hold'));
    await outbox.until('taken', (one) => one.type === 'taken');
    worker.signal('SIGUSR2');
    expect(await worker.ended()).toBe(0);
    await outbox.until('the end', (one) => one.type === 'complete' && one.reason === 'walltime');
    const notes: unknown = JSON.parse(readFileSync(join(here.base, 'runs/7/checkpoint_00/notes.json'), 'utf8'));
    const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd, encoding: 'utf8', timeout: 60_000 }).trim();
    expect(notes).toMatchObject({
      reason: 'walltime',
      unfinished: ['hold'],
      head,
      thread: expect.stringMatching(/^thread-/),
    });
    const heads = execFileSync('git', ['bundle', 'list-heads', join(here.base, 'runs/7/checkpoint_00/work.bundle')], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(heads).toContain(head);
    expect(outbox.seen.some((one) => one.type === 'acknowledged')).toBe(false);
  });
});
