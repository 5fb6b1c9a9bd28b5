/** What every driver keeps, whatever the tool. Run by test/driver; a driver brings prompts that make its agent behave in known ways. */
import { tmpdir } from 'node:os';
import { parsedOpId } from '#core/brand.ts';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentDriver, AgentEvent, AgentSession, SessionSpec } from '#agent-ports.ts';
import type { Runtime } from '#ports.ts';
import { freshId, soon, type RuntimeHome } from './runtime.ts';

/** What to say to the agent so that a turn … */
export type DriverScenes = {
  /** … completes, with this result. */
  completed: { prompt: string; text: string };
  failed: { prompt: string };
  /** … prints a line that is `ready`, and then goes on for ever. */
  endless: { prompt: string };
  /** … prints a line that is `ready`, and completes with this result as soon as `release` was called. */
  waiting: { prompt: string; text: string; release: () => void };
};

export type DriverHome = {
  driver: AgentDriver;
  runtimes: RuntimeHome;
  scenes: DriverScenes;
  env: Readonly<Record<string, string>>;
};

const HOUR_MS = 3_600_000;

/** What a session needs beside its place: nothing is offered to the agent, and nothing resumed. */
export const PLAIN = {
  agent: parsedOpId(`${'a'.repeat(32)}-1`),
  turnLimitMs: HOUR_MS,
  resume: null,
  instructions: '',
  servers: [],
  writable: [],
} satisfies Partial<SessionSpec>;

type Ended = Extract<AgentEvent, { kind: 'turn_ended' }>;
type Start = () => Promise<{
  home: DriverHome;
  runtime: Runtime;
  spec: SessionSpec;
  session: AgentSession;
  events: Events;
}>;

/** The events of a session, in the order in which they came. */
export class Events {
  readonly seen: AgentEvent[] = [];
  readonly #iterator: AsyncIterator<AgentEvent>;

  constructor(session: AgentSession) {
    this.#iterator = session.events[Symbol.asyncIterator]();
  }

  /** Reads up to the first event that fits. */
  until(what: string, fits: (event: AgentEvent) => boolean): Promise<AgentEvent> {
    return soon(what, this.#until(what, fits));
  }

  async #until(what: string, fits: (event: AgentEvent) => boolean): Promise<AgentEvent> {
    for (;;) {
      const next = await this.#iterator.next();
      if (next.done === true) throw new Error(`the events ended before: ${what}`);
      this.seen.push(next.value);
      if (fits(next.value)) return next.value;
    }
  }

  async ended(): Promise<Ended> {
    const event = await this.until('turn_ended', (one) => one.kind === 'turn_ended');
    if (event.kind !== 'turn_ended') throw new Error('unreachable');
    return event;
  }

  async ready(): Promise<void> {
    await this.until('the line ready', (one) => one.kind === 'delta' && one.text === 'ready\n');
  }

  /** Reads to the end of the stream. */
  async rest(): Promise<AgentEvent[]> {
    const rest: AgentEvent[] = [];
    for (;;) {
      const next = await soon('the end of the events', this.#iterator.next());
      if (next.done === true) return rest;
      this.seen.push(next.value);
      rest.push(next.value);
    }
  }

  of(kind: AgentEvent['kind']): AgentEvent[] {
    return this.seen.filter((event) => event.kind === kind);
  }
}

export function driverContract(name: string, makeHome: () => Promise<DriverHome>): void {
  const open: { runtime: Runtime; home: DriverHome }[] = [];
  afterEach(async () => {
    for (const { runtime, home } of open.splice(0)) {
      await runtime.close();
      await home.runtimes.remove();
    }
  });
  const start: Start = async () => {
    const home = await makeHome();
    const runtime = home.runtimes.open();
    open.push({ home, runtime });
    const spec: SessionSpec = { ...PLAIN, procId: freshId(), cwd: tmpdir(), env: home.env };
    const session = await home.driver.open(spec, runtime);
    return { home, runtime, spec, session, events: new Events(session) };
  };

  describe(`driver: ${name}`, () => {
    turnContract(start);
    endContract(start);
    attachContract(start);
  });
}

function turnContract(start: Start): void {
  it('tells a turn from its start to its one end', async () => {
    const { home, session, events } = await start();
    const turn = await session.prompt(home.scenes.completed.prompt);
    const ended = await events.ended();
    expect(ended).toMatchObject({ turn, outcome: 'completed', text: home.scenes.completed.text });
    expect(events.of('turn_started')).toEqual([{ kind: 'turn_started', turn }]);
    const idle = await events.until('idle', (event) => event.kind === 'state' && event.state === 'idle');
    expect(idle).toMatchObject({ exact: true });
    await session.close(1000);
    const rest = await events.rest();
    expect(rest.at(-1)).toMatchObject({ kind: 'exited' });
    expect(events.of('turn_ended')).toHaveLength(1);
  });

  it('says which turn failed, and takes the next', async () => {
    const { home, session, events } = await start();
    const first = await session.prompt(home.scenes.failed.prompt);
    expect(await events.ended()).toMatchObject({ turn: first, outcome: 'failed' });
    const second = await session.prompt(home.scenes.completed.prompt);
    expect(second).not.toBe(first);
    expect(await events.ended()).toMatchObject({ turn: second, outcome: 'completed' });
    await session.close(1000);
  });

  it('does one turn at a time', async () => {
    const { home, session, events } = await start();
    const first = session.prompt(home.scenes.endless.prompt);
    await expect(session.prompt(home.scenes.completed.prompt)).rejects.toMatchObject({ code: 'turn_running' });
    await first;
    await events.ready();
    await expect(session.prompt(home.scenes.completed.prompt)).rejects.toMatchObject({ code: 'turn_running' });
    await session.close(100);
  });

  it('takes words during a turn, or refuses them as not supported', async () => {
    const { home, session, events } = await start();
    await session.prompt(home.scenes.endless.prompt);
    await events.ready();
    const refused = await session.steer('hurry').then(
      () => undefined,
      (error: unknown) => error,
    );
    expect([undefined, 'not_supported']).toContain(
      refused instanceof Error && 'code' in refused ? refused.code : refused,
    );
    await session.interrupt();
    expect(await events.ended()).toMatchObject({ outcome: 'interrupted' });
    await session.close(100);
  });
}

function endContract(start: Start): void {
  it('interrupts a turn, and nothing when there is none', async () => {
    const { home, session, events } = await start();
    await session.interrupt();
    const turn = await session.prompt(home.scenes.endless.prompt);
    await events.ready();
    await soon('the interrupts', Promise.all([session.interrupt(), session.interrupt()]));
    expect(await events.ended()).toMatchObject({ turn, outcome: 'interrupted' });
    await session.interrupt();
    await session.prompt(home.scenes.completed.prompt);
    expect(await events.ended()).toMatchObject({ outcome: 'completed' });
    await session.close(100);
  });

  it('ends a turn at its limit', async () => {
    const { home, runtime, spec } = await start();
    const session = await home.driver.open({ ...spec, procId: freshId(), turnLimitMs: 300 }, runtime);
    const events = new Events(session);
    await session.prompt(home.scenes.endless.prompt);
    expect(await events.ended()).toMatchObject({ outcome: 'timed_out' });
    await session.close(100);
  });

  it('ends the running turn when it is closed, closes twice, and takes nothing more', async () => {
    const { home, session, events } = await start();
    await session.prompt(home.scenes.endless.prompt);
    await events.ready();
    await soon('both closes', Promise.all([session.close(100), session.close(100)]));
    const rest = await events.rest();
    expect(rest.filter((event) => event.kind === 'turn_ended')).toMatchObject([{ outcome: 'interrupted' }]);
    expect(rest.at(-1)).toMatchObject({ kind: 'exited' });
    await expect(session.prompt('anything')).rejects.toMatchObject({ code: 'session_closed' });
  });

  it('closes also when nobody reads its events', async () => {
    const { home, session, events } = await start();
    await session.prompt(home.scenes.endless.prompt);
    await soon('the close', session.close(100));
    expect((await events.rest()).at(-1)).toMatchObject({ kind: 'exited' });
  });
}

function attachContract(start: Start): void {
  it('finds nothing where there was no turn', async () => {
    const { home, runtime, spec } = await start();
    expect(await home.driver.attach(spec, runtime)).toBeUndefined();
  });

  it('goes on with a turn after a restart of the node, from its beginning to its one end', async () => {
    const { home, runtime, spec, session, events } = await start();
    const turn = await session.prompt(home.scenes.waiting.prompt);
    await events.ready();
    await runtime.close();
    const rest = await events.rest();
    expect(rest.filter((event) => event.kind === 'turn_ended' || event.kind === 'exited')).toEqual([]);

    const again = home.runtimes.open();
    const later = await home.driver.attach(spec, again);
    if (later === undefined) throw new Error('the session is not found');
    const laterEvents = new Events(later);
    await laterEvents.ready();
    expect(laterEvents.of('turn_started')).toEqual([{ kind: 'turn_started', turn }]);
    await expect(later.prompt('anything')).rejects.toMatchObject({ code: 'turn_running' });
    home.scenes.waiting.release();
    expect(await laterEvents.ended()).toMatchObject({ turn, outcome: 'completed', text: home.scenes.waiting.text });
    await later.prompt(home.scenes.completed.prompt);
    expect(await laterEvents.ended()).toMatchObject({ outcome: 'completed' });
    await later.close(100);
    await again.close();
  });

  it('tells of a turn that ended while the node was down, the newest one only', async () => {
    const { home, runtime, spec, session, events } = await start();
    await session.prompt(home.scenes.failed.prompt);
    await events.ended();
    const turn = await session.prompt(home.scenes.waiting.prompt);
    await events.ready();
    await runtime.close();
    home.scenes.waiting.release();

    const again = home.runtimes.open();
    const later = await home.driver.attach(spec, again);
    if (later === undefined) throw new Error('the session is not found');
    const laterEvents = new Events(later);
    expect(await laterEvents.ended()).toMatchObject({ turn, outcome: 'completed' });
    await later.close(100);
    expect(laterEvents.of('turn_started')).toHaveLength(1);
    await again.close();
  });

  it('interrupts a turn that it attached to', async () => {
    const { home, runtime, spec, session, events } = await start();
    await session.prompt(home.scenes.endless.prompt);
    await events.ready();
    await runtime.close();
    const again = home.runtimes.open();
    const later = await home.driver.attach(spec, again);
    if (later === undefined) throw new Error('the session is not found');
    const laterEvents = new Events(later);
    await laterEvents.ready();
    await soon('the interrupt', later.interrupt());
    expect(await laterEvents.ended()).toMatchObject({ outcome: 'interrupted' });
    await later.close(100);
    await again.close();
  });
}
