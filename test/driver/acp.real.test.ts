// Needs: npm, 1.2 GB of disk for the agent CLIs
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentEvent, AgentSession } from '#agent-ports.ts';
import { AcpDriver } from '#driver/acp/driver.ts';
import { ProtocolRig, script } from './protocol-rig.ts';

/** Agents that speak it, and what each calls a command that fails for good. */
const AGENTS: readonly { tool: string; command: readonly [string, ...string[]] }[] = [
  { tool: 'gemini', command: ['gemini', '--acp'] },
  { tool: 'acp opencode acp', command: ['opencode', 'acp'] },
];

describe.each(AGENTS)('the real $command by ACP', { timeout: 120_000 }, ({ tool, command }) => {
  let rig: ProtocolRig;
  beforeAll(async () => {
    // A busy machine takes longer to start them than the driver waits where nobody says otherwise.
    const limits = { startMs: 60_000 };
    rig = await ProtocolRig.start(() => new AcpDriver({ tool, command, version: '0.0.0', nowMs: Date.now, limits }));
    // OpenCode asks for nothing unless it is told to.
    Object.assign(rig.home.env, { OPENCODE_PERMISSION: JSON.stringify({ bash: 'ask' }) });
    const { session } = await rig.open();
    await session.prompt('Hello.');
    for await (const event of session.events) if (event.kind === 'turn_ended') break;
    await session.close(1000);
  }, 300_000);
  afterAll(() => rig.close(), 60_000);
  /** What a session tells, waited for as long as the test may take. */
  class Told {
    readonly seen: AgentEvent[] = [];
    readonly #iterator: AsyncIterator<AgentEvent>;

    constructor(session: AgentSession) {
      this.#iterator = session.events[Symbol.asyncIterator]();
    }

    async until<Kind extends AgentEvent['kind']>(
      kind: Kind,
      fits: (event: Extract<AgentEvent, { kind: Kind }>) => boolean = () => true,
    ): Promise<Extract<AgentEvent, { kind: Kind }>> {
      for (;;) {
        const next = await this.#iterator.next();
        if (next.done === true) throw new Error(`the events ended before: ${kind}`);
        this.seen.push(next.value);
        const event = next.value;
        if (isOf(event, kind) && fits(event)) return event;
      }
    }
  }
  const subjects = (): string[] => rig.home.git('log', '--format=%s').trim().split('\n');

  it('asks before a command, does it, and takes a second turn', async () => {
    const { session } = await rig.open();
    const told = new Told(session);
    await session.prompt(
      `Work. ${script({ preText: 'let me', bash: 'echo x >> f && git add -A && git commit -qm acp' }, { text: 'committed' })}`,
    );
    const { request } = await told.until('permission');
    expect(request.title).toBe('echo x >> f && git add -A && git commit -qm acp');
    await session.answer(request.request, { behavior: 'allow', message: '' });
    expect(await told.until('turn_ended')).toMatchObject({ outcome: 'completed', text: 'committed' });
    expect(subjects()[0]).toBe('acp');
    const words = told.seen.map((one) => (one.kind === 'delta' ? one.text : '')).join('');
    expect(words).toContain('let me');
    expect(told.seen.findLast((one) => one.kind === 'tool')).toMatchObject({ state: 'completed' });
    await session.prompt(script({ text: 'second turn' }));
    expect(await told.until('turn_ended')).toMatchObject({ outcome: 'completed', text: 'second turn' });
    expect(told.seen.filter((one) => one.kind === 'session')).toHaveLength(1);
    await session.close(1000);
  });

  it('goes on after a restart of its node, ends a turn that is interrupted, and takes the next', async () => {
    const first = await rig.open();
    await first.session.prompt(script({ text: 'word '.repeat(400), chunks: 400, delayMs: 100 }));
    await new Told(first.session).until('delta');
    const { session } = await rig.restart(first);
    const told = new Told(session);
    await told.until('delta');
    await session.interrupt();
    expect(await told.until('turn_ended')).toMatchObject({ outcome: 'interrupted' });
    await session.prompt(script({ text: 'and on' }));
    expect(await told.until('turn_ended')).toMatchObject({ outcome: 'completed', text: 'and on' });
    await session.close(1000);
  });

  it('says why a turn failed', async () => {
    const { session } = await rig.open();
    const told = new Told(session);
    await session.prompt(script({ status: 400, message: 'scripted refusal' }));
    // OpenCode leaves such a prompt without an answer for ever: it ends by its limit, or by an interrupt.
    const isSilent = command[0] === 'opencode';
    if (isSilent) await session.interrupt();
    expect(await told.until('turn_ended')).toMatchObject({ outcome: isSilent ? 'interrupted' : 'failed' });
    await session.close(1000);
  });
});

function isOf<Kind extends AgentEvent['kind']>(
  event: AgentEvent,
  kind: Kind,
): event is Extract<AgentEvent, { kind: Kind }> {
  return event.kind === kind;
}
