/**
 * One Maelstrom node: the whole core of a skep node with a store in memory, its links carried by Maelstrom's network. `broadcast` and `add` append an
 * op and answer when it is committed; `read` reads what has arrived; lin-kv asks the slot register (`kv.ts`). Time, randomness and messages are
 * arguments: the same class runs behind stdin and stdout, and in virtual time.
 */
import type { NodeId } from '#core/brand.ts';
import { nodePrincipal, userPrincipal } from '#core/brand.ts';
import type { Crypto } from '#core/crypto.ts';
import type { Clock } from '#core/node.ts';
import { NodeCore } from '#core/node.ts';
import { parseJson } from '#core/schema/header.ts';
import type { Action } from '#core/turn.ts';
import type { Arrival } from '#ports.ts';
import { MemoryStore } from '#store/memory.ts';
import { TurnLoop } from '#turn-loop.ts';
import type { Command, Outcome } from './fold.ts';
import { GrowingSet } from './fold.ts';
import { Kv } from './kv.ts';
import { Links } from './links.ts';
import type { Answer, Envelope, Request } from './message.ts';
import { ERROR, errorAnswer, framesSchema, helloSchema, requestSchema } from './message.ts';

/** The text of a post. */
const CONTENT_MAX = 1_000;
/** No task is worked here; a lease is never asked for. */
const LEASE_MS = 120_000;
/** Links are what {@link MaelstromSettings} says, however many nodes there are. */
const FULL_LINKS_MAX = 1_000_000;

export type MaelstromSettings = {
  /** Frames to one peer gather for so long; 0: for one turn of the event loop, as the product does. */
  corkMs: number;
  /** `all`: with every node, as the product up to 64. `star`: all through the node that is named first. */
  links: 'all' | 'star';
};

export type MaelstromOptions = {
  settings: MaelstromSettings;
  /** The key of the node of this name. */
  identity: (name: string) => { node: NodeId; publicKey: string; crypto: Crypto };
  clock: () => Clock;
  random: () => number;
  later: (delayMs: number, run: () => void) => void;
  soon: (run: () => void) => void;
  send: (message: Envelope) => void;
  /** Something is wrong; for people. */
  say: (text: string) => void;
  /** Told of each value that a `read` shows from now on. */
  visible?: (value: unknown) => void;
};

type Running = { name: string; core: NodeCore; loop: TurnLoop; links: Links; kv: Kv };

export class MaelstromNode {
  private readonly options: MaelstromOptions;
  private readonly set = new GrowingSet();
  private running: Running | undefined;
  /** Told a topology, it takes part in the broadcast workload: its reads answer `messages`. */
  private isBroadcast = false;
  private wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(options: MaelstromOptions) {
    this.options = options;
  }

  /** A message for this node. What is no request and no message of a peer is answered with an error, or dropped where nobody asked. */
  receive({ src, body }: Envelope): void {
    const { running } = this;
    if (body.type === 'skep_hello') {
      const hello = helloSchema.safeParse(body);
      if (hello.success) running?.links.onHello(src, hello.data);
      return;
    }
    if (body.type === 'skep_frames') {
      const frames = framesSchema.safeParse(body);
      if (frames.success) running?.links.onFrames(src, frames.data);
      return;
    }
    if (body.in_reply_to !== undefined) return;
    const request = requestSchema.safeParse(body);
    const reply = (answer: Answer): void => this.reply(src, body.msg_id, answer);
    if (request.success) this.serve(request.data, reply);
    else if (isKnown(body.type)) reply(errorAnswer(ERROR.malformedRequest, request.error.message));
    else reply(errorAnswer(ERROR.notSupported, `${body.type} is not one of init, ${KNOWN.join(', ')}`));
  }

  private serve(request: Request, reply: (answer: Answer) => void): void {
    const { running } = this;
    if (request.type === 'init') {
      if (running === undefined) this.open(request.node_id, request.node_ids);
      return reply({ type: 'init_ok' });
    }
    if (running === undefined) return reply(errorAnswer(ERROR.temporarilyUnavailable, 'no init yet'));
    switch (request.type) {
      case 'echo':
        return reply({ type: 'echo_ok', echo: request.echo });
      case 'topology':
        this.isBroadcast = true;
        return reply({ type: 'topology_ok' });
      case 'broadcast':
        return void this.append(running, request.message, { ok: 'broadcast_ok', reply });
      case 'add':
        return void this.append(running, request.element, { ok: 'add_ok', reply });
      case 'read':
        if (request.key !== undefined)
          return this.command(running, { kind: 'read', id: running.kv.commandId(), key: request.key }, reply);
        return reply({ type: 'read_ok', [this.isBroadcast ? 'messages' : 'value']: this.set.values() });
      case 'write': {
        const { key, value } = request;
        return this.command(running, { kind: 'write', id: running.kv.commandId(), key, value }, reply);
      }
      case 'cas': {
        const { key, from, to, create_if_not_exists: create = false } = request;
        return this.command(running, { kind: 'cas', id: running.kv.commandId(), key, from, to, create }, reply);
      }
    }
  }

  private open(name: string, names: readonly string[]): void {
    const { clock, later, random, settings } = this.options;
    const { node, publicKey, crypto } = this.options.identity(name);
    const store = new MemoryStore({ crypto, commitWhen: (run) => this.options.soon(run) });
    const coreSettings = {
      votersMax: 5,
      fullLinksMax: FULL_LINKS_MAX,
      leaseMs: LEASE_MS,
      hasPath: () => false,
      hasProject: () => false,
    };
    const heads = store.heads();
    const core = new NodeCore({ self: node, store, heads, lamport: 0, crypto, settings: coreSettings, random });
    const loop = new TurnLoop({
      core,
      store,
      clock,
      soon: this.options.soon,
      send: ({ to, frame }) => links.send(to, frame),
      act: (action) => this.act(action),
      arrived: (arrivals) => this.arrived(arrivals),
      failed: (error) => this.options.say(`the node has failed: ${String(error)}`),
      rested: () => this.wake(),
    });
    const kick = (): void => this.kick();
    const sha256 = (text: string): string => crypto.sha256(text);
    const task: ConstructorParameters<typeof Kv>[0]['task'] = (id) => store.get('task', id);
    const kv = new Kv({ names, self: name, node, core, sha256, task, clock, later, kick });
    const links = this.linksOf({ node, name, names, core, settings });
    this.running = { name, core, loop, links, kv };
    core.boot(clock());
    const body = { type: 'node.registered' as const, publicKey, name, addresses: [], version: 'maelstrom' };
    core.append([{ entity: undefined, by: nodePrincipal(node), body }], clock());
    kick();
    links.open();
  }

  private linksOf(o: {
    node: NodeId;
    name: string;
    names: readonly string[];
    core: NodeCore;
    settings: MaelstromSettings;
  }): Links {
    const { core, name, names } = o;
    const { clock, later, random } = this.options;
    const hub = names.slice(0, 1);
    const wanted = o.settings.links === 'all' || hub.includes(name) ? names : hub;
    const then = (run: () => void): void => {
      run();
      this.kick();
    };
    return new Links({
      node: o.node,
      peers: wanted.filter((peer) => peer !== name),
      corkMs: o.settings.corkMs,
      random,
      nowMs: () => clock().nowMs,
      later,
      send: (dest, body) => this.options.send({ src: name, dest, body }),
      on: {
        up: (node) =>
          then(() => {
            core.linkUp({ node, roundTripMs: undefined }, clock());
            this.running?.kv.extend();
          }),
        down: (node) => then(() => core.linkDown(node, clock())),
        frame: (from, frame) => then(() => core.frame(from, frame, clock())),
        lost: (node) => then(() => core.drained(node, clock())),
      },
    });
  }

  /** Answers once it is on disk, were there one: as the product does. */
  private async append(running: Running, value: unknown, o: { ok: string; reply: (answer: Answer) => void }) {
    const content = JSON.stringify(value);
    if (content.length > CONTENT_MAX)
      return o.reply(errorAnswer(ERROR.malformedRequest, `a value has at most ${CONTENT_MAX} characters of JSON`));
    const body = { type: 'post.created' as const, content, author: 'maelstrom' };
    const ops = running.core.append(
      [{ entity: undefined, by: userPrincipal('maelstrom'), body }],
      this.options.clock(),
    );
    if (typeof ops === 'string') return o.reply(errorAnswer(ERROR.temporarilyUnavailable, ops));
    this.wake();
    try {
      await running.loop.settled();
      o.reply({ type: o.ok });
    } catch (error) {
      // Whether it is stored is not known, so nobody is answered.
      this.options.say(`a value was not committed: ${String(error)}`);
    }
  }

  private command(running: Running, command: Command, reply: (answer: Answer) => void): void {
    running.kv.ask(command, (outcome) =>
      reply(
        outcome === 'unavailable'
          ? errorAnswer(ERROR.temporarilyUnavailable, 'the register of this key is not there yet')
          : answerOf(command, outcome),
      ),
    );
  }

  private arrived(arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals) {
      if (op.body.type !== 'post.created') continue;
      const value = parseJson(op.body.content);
      this.set.add(value);
      this.options.visible?.(value);
    }
    this.running?.kv.onOps(arrivals.map(({ op }) => op));
  }

  private act(action: Action): void {
    if (action.kind === 'unlink') this.running?.links.unlink(action.node);
    else if (action.kind === 'serve') this.running?.kv.serve(action.call);
    else if (action.kind === 'alarm') this.options.say(action.text);
  }

  private reply(dest: string, to: number | undefined, answer: Answer): void {
    if (to !== undefined)
      this.options.send({ src: this.running?.name ?? '', dest, body: { ...answer, in_reply_to: to } });
  }

  private kick(): void {
    this.running?.loop.kick();
    this.wake();
  }

  /** One timer at the core's next deadline; an earlier one that was set before finds nothing to do. */
  private wake(): void {
    const { core } = this.running ?? {};
    const { nowMs } = this.options.clock();
    const nextMs = core?.nextWakeMs();
    if (core === undefined || nextMs === undefined || (nextMs >= this.wakeAtMs && this.wakeAtMs > nowMs)) return;
    this.wakeAtMs = nextMs;
    this.options.later(Math.max(0, nextMs - nowMs), () => {
      this.wakeAtMs = Number.POSITIVE_INFINITY;
      core.tick(this.options.clock());
      this.kick();
    });
  }
}

const KNOWN = ['echo', 'topology', 'broadcast', 'add', 'read', 'write', 'cas'];
const isKnown = (type: string): boolean => type === 'init' || KNOWN.includes(type);

function answerOf(command: Command, outcome: Outcome): Answer {
  switch (outcome.kind) {
    case 'done':
      return { type: `${command.kind}_ok` };
    case 'value':
      return { type: 'read_ok', value: outcome.value };
    case 'missing':
      return errorAnswer(ERROR.keyDoesNotExist, 'the key does not exist');
    case 'differs':
      return errorAnswer(ERROR.preconditionFailed, 'the value is another one');
  }
}
