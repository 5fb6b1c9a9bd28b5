/** Listens to channels of a hub, over restarts of either side: what was said is given once, in order, after the cursor. */
import { setTimeout as wait } from 'node:timers/promises';
import { CommandFailure, EXIT } from '../exit.ts';
import type { ReadCursor } from './cursor.ts';
import type { HubFrame, HubPlace } from './hub-client.ts';
import { HubClient } from './hub-client.ts';

/** As AgentChat's clients: so often, with growing pauses. A connection that held begins anew. */
const [TRIES_MAX, FIRST_MS, LONGEST_MS] = [10, 1_000, 60_000];

export class Listener {
  client: HubClient | undefined;
  private readonly o: {
    place: HubPlace;
    cursor: ReadCursor;
    onMessage: (message: HubFrame) => void;
    onNews?: (frame: HubFrame) => void;
  };
  readonly channels: Set<string>;
  private readonly ending = new AbortController();

  constructor(o: Listener['o'] & { channels: readonly string[] }) {
    this.o = o;
    this.channels = new Set(o.channels);
  }

  /** Connects, and joins its channels. Rejects when that is refused, or nobody answers. */
  async connect(): Promise<HubClient> {
    const { place, cursor } = this.o;
    const after = cursor.after('@');
    const client = await HubClient.connect({ ...place, ...(after === undefined ? {} : { after }) }, (frame) =>
      this.hear(frame),
    );
    this.client = client;
    for (const channel of this.channels) await this.join(channel);
    return client;
  }

  async join(channel: string): Promise<HubFrame | undefined> {
    this.channels.add(channel);
    const after = this.o.cursor.after(channel);
    const isJoined = (frame: HubFrame): boolean => frame.type === 'JOINED' && frame['channel'] === channel;
    return this.client?.ask({ type: 'JOIN', channel, after }, isJoined);
  }

  /** Comes back whenever the connection ends, until it is closed or sent away. Gives why it ended. */
  async run(): Promise<string> {
    for (;;) {
      const why = (await this.client?.closed) ?? 'not connected';
      if (this.ending.signal.aborted) return why;
      if (this.client?.dismissed !== undefined) return this.client.dismissed;
      await this.comeBack(why);
    }
  }

  close(): void {
    this.ending.abort();
    this.client?.close();
  }

  private async comeBack(why: string): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const pauseMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** tries) * (0.8 + Math.random() * 0.4);
      await wait(tries === 0 ? 0 : pauseMs, undefined, { signal: this.ending.signal }).catch(() => undefined);
      if (this.ending.signal.aborted) return;
      try {
        await this.connect();
        return;
      } catch (error) {
        if (error instanceof CommandFailure && error.code === EXIT.refused) throw error;
      }
    }
    throw new CommandFailure(EXIT.unreachable, `the hub is gone: ${why}`);
  }

  private hear(frame: HubFrame): void {
    // What comes after the end is not taken: the next listener gets it.
    if (this.ending.signal.aborted) return;
    if (frame.type !== 'MSG') return this.o.onNews?.(frame);
    const { cursor, onMessage } = this.o;
    const { to, msg_id: id } = frame;
    // Messages to this client alone are one stream, whoever wrote them.
    const stream = typeof to === 'string' && to.startsWith('#') ? to : '@';
    if (typeof id === 'string' && !cursor.take(stream, id)) return;
    onMessage(frame);
    cursor.save();
  }
}
