/** What all doors of a node share: who may come in, what was answered before, and the one feed of events. */
import type { SwarmNode } from '#ports.ts';
import type { Farewell } from './farewell.ts';
import { farewellOf, STOPPING } from './farewell.ts';
import { Feed } from './feed.ts';
import { Idempotency } from './idempotency.ts';
import { Roster } from './roster.ts';
import { Sessions } from './sessions.ts';
import type { Tokens } from './tokens.ts';
import type { Webhooks } from './webhook/webhooks.ts';

export type Front = 'swarm' | 'wall';

/** What tools need of a hub: it hears what passes by, and knows who answers what. */
export type OpenHub = {
  hear(text: string): void;
  holderOf(message: string): string | undefined;
  /** What one who is in a channel says of itself, by its id at the hub; `name` where it is connected here. */
  shownOf(id: string): { name: string | undefined; presence: string; statusText: string | null };
};

export type Door = {
  readonly node: SwarmNode;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  readonly idempotency: Idempotency;
  readonly roster: Roster;
  readonly feed: Feed;
  /** Names and aliases that a request is about to take, so that two requests of one moment do not both get them. */
  readonly taking: Set<string>;
  /** Where people find the page, once HTTP listens: `http://127.0.0.1:9090/`. */
  readonly site: { url: string | undefined };
  /** What `/` shows to somebody who is logged in. */
  readonly front: Front;
  /** The hub of this node, while it has one. */
  readonly hub: { open: OpenHub | undefined };
  /** Those of this node's channels, while it runs. */
  readonly webhooks: { open: Webhooks | undefined };
  /** What the last word to those who follow will be. */
  readonly farewell: { says: Farewell };
  /** Milliseconds since 1970. */
  now(): number;
  /** A bug or a failing disk met while answering `where`; the caller has been told nothing of it. */
  onFault(error: unknown, where: string): void;
  /** Ends the streams. Idempotent. */
  close(): void;
};

export function openDoor(o: {
  node: SwarmNode;
  tokens: Tokens;
  now: () => number;
  onFault: (error: unknown, where: string) => void;
  front?: Front | undefined;
  /** What stopped the node, before the door is closed for it. */
  stopped?: Promise<Error | undefined>;
}): Door {
  const roster = new Roster(o.node, o.now);
  const door: Door = {
    ...o,
    front: o.front ?? 'swarm',
    roster,
    sessions: new Sessions(o.now),
    idempotency: new Idempotency(),
    feed: new Feed(() => door),
    taking: new Set(),
    site: { url: undefined },
    hub: { open: undefined },
    webhooks: { open: undefined },
    farewell: { says: STOPPING },
    close: () => {
      door.feed.close();
      roster.close();
    },
  };
  void o.stopped?.then((error) => (door.farewell.says = farewellOf(error)));
  return door;
}
