/**
 * What hubs of one mesh tell one another in passing. A signal that is lost costs a glimpse: a presence that is shown a while too long, a claim that
 * two believe to have. Whatever must not be lost is an op.
 */
import { z } from 'zod';
import type { Hub } from './hub.ts';

/** Presences of others that are remembered; the one that said something least lately is forgotten, and shown as online. */
const PRESENCES_MAX = 20_000;
/** Told to a hub that just came. */
const TOLD_MAX = 2_000;

const id = z.string().max(65);
const name = z.string().max(64);
const fields = z.record(z.string(), z.unknown());

const signalSchema = z.discriminatedUnion('kind', [
  /** A hub that just came asks what it missed. */
  z.object({ kind: z.literal('who') }),
  z.object({
    kind: z.literal('presence'),
    agent_id: id,
    name,
    presence: z.string().max(16),
    status_text: z.string().max(100).nullable(),
  }),
  z.object({ kind: z.literal('typing'), from: id, from_name: name, channel: z.string().max(32) }),
  z.object({ kind: z.literal('renamed'), agent_id: id, old: name, nick: name }),
  z.object({ kind: z.literal('kick'), agent_id: id, reason: z.string().max(200) }),
  /** For one session, at whichever hub it is. */
  z.object({
    kind: z.literal('frame'),
    to: id,
    type: z.enum(['MSG', 'VERIFY_REQUEST', 'VERIFY_SUCCESS', 'VERIFY_FAILED', 'FILE_CHUNK']),
    fields,
  }),
  z.object({
    kind: z.literal('proof'),
    by: id,
    request_id: z.string().max(64),
    nonce: z.string().max(128),
    sig: z.string().max(200),
  }),
  z.object({
    kind: z.literal('claim'),
    msg_id: z.string().max(64),
    channel: z.string().max(32),
    holder: id,
    holder_name: name,
    started_at: z.number(),
  }),
]);
export type Signal = z.output<typeof signalSchema>;
type Listener = (signal: Signal) => void;

export type Presence = { presence: string; statusText: string | null };

export class Far {
  private readonly hub: Hub;
  private readonly presences = new Map<string, Presence>();
  private readonly stop: () => void;
  private readonly listeners: Listener[] = [];

  constructor(hub: Hub) {
    this.hub = hub;
    this.stop = hub.door.node.onSignal((_from, text) => this.hear(text));
    this.say({ kind: 'who' });
  }

  close(): void {
    this.stop();
  }

  /** Also hears what other hubs tell of claims and proofs, as long as the hub is open. */
  listen(listener: Listener): void {
    this.listeners.push(listener);
  }

  say(signal: Signal): boolean {
    return this.hub.door.node.signal(() => JSON.stringify(signal));
  }

  presenceOf(agent: string): Presence {
    const here = this.hub.session(agent)?.member;
    return here ?? this.presences.get(agent) ?? { presence: 'online', statusText: null };
  }

  /** What another hub tells, or an agent of this node. */
  hear(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return;
    }
    // A newer hub may tell what this one does not know.
    const signal = signalSchema.safeParse(json).data;
    if (signal !== undefined) this.carryOut(signal);
  }

  private carryOut(signal: Signal): void {
    const { hub } = this;
    switch (signal.kind) {
      case 'who':
        return this.tellPresences();
      case 'presence': {
        const { kind: _kind, ...told } = signal;
        this.remember(told.agent_id, { presence: told.presence, statusText: told.status_text });
        return hub.toCompany(told.agent_id, 'PRESENCE_CHANGED', told);
      }
      case 'typing': {
        const { kind: _kind, ...told } = signal;
        return hub.toChannel(told.channel, { type: 'TYPING', fields: told, but: told.from });
      }
      case 'renamed':
        return hub.renamed(signal.agent_id, signal);
      case 'kick':
        return void hub.expel(signal.agent_id, 'KICKED', signal.reason);
      case 'frame':
        hub.session(signal.to)?.send(signal.type, signal.fields);
        return this.pass(signal);
      case 'claim':
      case 'proof':
        return this.pass(signal);
    }
  }

  private pass(signal: Signal): void {
    for (const listener of this.listeners) listener(signal);
  }

  /** Of those here who said something of themselves. */
  private tellPresences(): void {
    const told = [...this.hub.sessions].flatMap(({ member }) => member ?? []);
    for (const { id: agent_id, name: own, presence, statusText } of told
      .filter((one) => one.presence !== 'online' || one.statusText !== null)
      .slice(0, TOLD_MAX))
      this.say({ kind: 'presence', agent_id, name: own, presence, status_text: statusText });
  }

  private remember(agent: string, presence: Presence): void {
    this.presences.delete(agent);
    this.presences.set(agent, presence);
    const [oldest] = this.presences.keys();
    if (this.presences.size > PRESENCES_MAX && oldest !== undefined) this.presences.delete(oldest);
  }
}
