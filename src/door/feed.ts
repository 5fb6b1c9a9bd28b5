/**
 * What happens, as a stream: a snapshot, then one event for each op that arrives here, then glimpses of what is not in the log. An event is
 * built and turned into text once, however many clients there are; without clients nothing is built and nothing is listened to.
 */
import type { OpId } from '#core/brand.ts';
import type { Glimpse } from '#core/glimpse.ts';
import type { Door } from './door.ts';
import {
  arrivalEvents,
  glimpseEvent,
  outputEvent,
  presenceEvent,
  presenceOf,
  screenEvent,
  snapshotEvent,
  standsAlike,
} from './feed-events.ts';
import type { Frame } from './frames.ts';
import { refused } from './refusal.ts';
import type { DoorRefusal } from './refusal.ts';

/** One event. `n` is its place in this node's order of arrival; undefined for what is not in the log. */
export type FeedEvent = {
  name: string;
  n: number | undefined;
  /** Built for the first client that asks, as {@link FeedEvent.frames}. */
  json: () => string;
  /** The same for a WebSocket; missing where none carries it. */
  frames?: () => readonly Frame[];
};

/** Events that leave together. */
export class Batch {
  readonly events: readonly FeedEvent[];
  private readonly node: string;
  private text: string | undefined;
  private frameTexts: readonly string[] | undefined;

  constructor(node: string, events: readonly FeedEvent[]) {
    this.node = node;
    this.events = events;
  }

  /** As server-sent events. Built for the first client that asks. */
  sse(): string {
    this.text ??= this.events
      .map(
        ({ name, n, json }) => `${n === undefined ? '' : `id: ${this.node}:${n}\n`}event: ${name}\ndata: ${json()}\n\n`,
      )
      .join('');
    return this.text;
  }

  /** As messages of a WebSocket. Built for the first client that asks. */
  frames(): readonly string[] {
    this.frameTexts ??= this.events.flatMap((event) => (event.frames?.() ?? []).map((frame) => JSON.stringify(frame)));
    return this.frameTexts;
  }
}

/** A client of the feed. */
export type Sink = {
  /** Takes a batch, in order. A client that cannot keep up is dropped by its door: it comes back and resumes. */
  deliver(batch: Batch): void;
  /** The feed ends: the node stops. Called at most once. */
  end(): void;
};

export type FeedRequest = {
  /** Goes on after this arrival of this node; undefined for a snapshot. */
  after: number | undefined;
  /** Also what the agent of this task prints. */
  task: OpId | undefined;
  /** Also what the terminal of this agent shows, each time it shows something else. */
  agent?: OpId | undefined;
};

type Client = { sink: Sink; /** The last arrival it was told of. */ n: number; unwatch: () => void };

/** Arrivals told again to a client that resumes; one further behind gets a snapshot, which is shorter by then. */
const REPLAY_MAX = 1_000;
/** Clients at once, over all doors: each may hold megabytes in its queue. */
export const CLIENTS_MAX = 256;
/** Presence is told at most so often: a swarm that starts changes it many times a second. */
const PRESENCE_GAP_MS = 250;
/** The first change after a silence is told so soon: what changes at once goes together. */
const PRESENCE_SOON_MS = 5;
/** Silence for so long makes an agent offline without any event, so it is looked at again in between. */
const PRESENCE_LOOK_MS = 15_000;

export class Feed {
  private readonly door: () => Door;
  private readonly clients = new Set<Client>();
  private stops: (() => void)[] = [];
  private presenceTimer: NodeJS.Timeout | undefined;
  private presenceTold: ReadonlyMap<string, string> = new Map();
  private presenceToldMs = -Infinity;
  private closed = false;

  /** The door is asked for when the first client comes, since both know each other. */
  constructor(door: () => Door) {
    this.door = door;
  }

  /** Clients that follow now. */
  readers(): number {
    return this.clients.size;
  }
  /** Why nobody more may come in right now; undefined when there is room. */
  refusal(): DoorRefusal | undefined {
    if (this.closed) return refused('stopping', 'this node is stopping');
    if (this.clients.size < CLIENTS_MAX) return undefined;
    const expected = 'one of them to leave';
    return refused('too_many', `${CLIENTS_MAX} clients follow the events already`, { expected });
  }

  /**
   * Adds a client: the snapshot, or what it missed, is delivered before this returns. The function takes it out again, without `end`. Ends the
   * sink at once when the feed is closed.
   */
  open(request: FeedRequest, sink: Sink): () => void {
    if (this.closed) {
      sink.end();
      return () => undefined;
    }
    if (this.clients.size === 0) this.listen();
    const client: Client = {
      sink,
      n: this.door().node.store.lastArrival(),
      unwatch: this.watch(request, sink),
    };
    this.clients.add(client);
    sink.deliver(this.beginning(request.after));
    return () => this.drop(client);
  }

  /** Ends all streams. Idempotent. */
  close(): void {
    this.closed = true;
    for (const client of this.clients) {
      this.drop(client);
      client.sink.end();
    }
  }

  private drop(client: Client): void {
    if (!this.clients.delete(client)) return;
    client.unwatch();
    if (this.clients.size === 0) this.unlisten();
  }

  private batch(events: readonly FeedEvent[]): Batch {
    return new Batch(this.door().node.info.self, events);
  }

  private beginning(after: number | undefined): Batch {
    const door = this.door();
    const last = door.node.store.lastArrival();
    const known = after !== undefined && after <= last && last - after <= REPLAY_MAX;
    if (!known) return this.batch([snapshotEvent(door)]);
    const missed = door.node.store.arrivals({ after, limit: REPLAY_MAX });
    // Even with nothing missed, something is said: the client learns that it is connected.
    return this.batch([...arrivalEvents(missed, door), presenceEvent(presenceOf(door))]);
  }

  private listen(): void {
    const door = this.door();
    const { node } = door;
    const look = setInterval(() => this.tellPresence(), PRESENCE_LOOK_MS);
    look.unref();
    this.presenceTold = presenceOf(door).standings;
    this.stops = [
      node.onArrivals((arrivals) => {
        const from = arrivals[0]?.n ?? 0;
        const whole = this.batch(arrivalEvents(arrivals, door));
        for (const client of this.clients) this.tellArrivals(client, { whole, from, to: arrivals.at(-1)?.n ?? 0 });
      }),
      node.onPresence(() => this.presenceChanged()),
      node.watch('*', (glimpse) => this.broadcast([glimpseEvent(glimpse)])),
      () => clearInterval(look),
    ];
  }

  private unlisten(): void {
    for (const stop of this.stops) stop();
    this.stops = [];
    clearTimeout(this.presenceTimer);
    this.presenceTimer = undefined;
  }

  /** A client that came between the commit and its announcement has some of these in its snapshot already. */
  private tellArrivals(client: Client, o: { whole: Batch; from: number; to: number }): void {
    const { whole, from, to } = o;
    if (client.n >= to) return;
    const n = client.n;
    client.n = to;
    const batch = n < from ? whole : this.batch(whole.events.filter((event) => (event.n ?? 0) > n));
    client.sink.deliver(batch);
  }

  private broadcast(events: readonly FeedEvent[]): void {
    const batch = this.batch(events);
    for (const client of this.clients) client.sink.deliver(batch);
  }

  private presenceChanged(): void {
    if (this.presenceTimer !== undefined) return;
    const waitMs = Math.max(this.presenceToldMs + PRESENCE_GAP_MS - performance.now(), PRESENCE_SOON_MS);
    this.presenceTimer = setTimeout(() => {
      this.presenceTimer = undefined;
      this.tellPresence();
    }, waitMs);
    this.presenceTimer.unref();
  }

  /** Tells only what a reader would see change. */
  private tellPresence(): void {
    const now = presenceOf(this.door());
    const told = this.presenceTold;
    if (standsAlike(now, told)) return;
    this.presenceTold = now.standings;
    this.presenceToldMs = performance.now();
    this.broadcast([presenceEvent(now, told)]);
  }

  private watch({ task, agent }: FeedRequest, sink: Sink): () => void {
    const { node } = this.door();
    const stops: (() => void)[] = [];
    if (task !== undefined)
      stops.push(
        node.watch(task, (glimpse: Glimpse) => {
          if (glimpse.output !== undefined || glimpse.transcript !== undefined)
            sink.deliver(this.batch([outputEvent(glimpse)]));
        }),
      );
    if (agent !== undefined)
      stops.push(node.watchScreen(agent, (screen) => sink.deliver(this.batch([screenEvent(agent, screen)]))));
    return () => {
      for (const stop of stops) stop();
    };
  }
}
