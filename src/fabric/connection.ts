/**
 * One TLS connection to one peer, from the first byte to the last: handshake, frames, pings, goodbye. Whether a peer that proved itself becomes
 * a link is its owner's decision (roster.ts).
 */
import type { NodeId } from '#core/brand.ts';
import type { Frame, Goodbye, Hello } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { endChannel, readChannel } from './channel.ts';
import type { ConnectionOptions, ConnectionState, Ending } from './connection-options.ts';
import type { Decoded } from './framing.ts';
import { encodeFrame, FrameDecoder } from './framing.ts';
import type { Channel } from './hello.ts';
import { goodbye, helloOf, isRefusal, refusalOf } from './hello.ts';
import { Outbox } from './outbox.ts';
import { PeerRate } from './peer-rate.ts';
import { noTraffic } from './settings.ts';

const FLOOD = 'More frames than a node can take in came for too long: something repeats itself on your node.';

export class Connection {
  readonly address: string;
  readonly outbound: boolean;
  /** When it became a link: on the wall clock, and on the one that never jumps. */
  sinceMs = 0;
  linkedAtMs = 0;
  /** From `greeted` on. */
  hello: Hello | undefined;
  roundTripMs: number | undefined;
  readonly traffic = noTraffic();
  /** Pings asked in a row without hearing anything meanwhile. */
  unheardPings = 0;
  #state: ConnectionState = 'opening';
  readonly #options: ConnectionOptions;
  readonly #decoder = new FrameDecoder();
  readonly #outbox: Outbox;
  readonly #deadline: NodeJS.Timeout;
  #channel: Channel | undefined;
  readonly #rate: PeerRate;
  #held = false;
  /** Runs while nothing is read because too much was. */
  #slowing: NodeJS.Timeout | undefined;
  #framesRead = 0;
  #waiting: Frame | undefined;
  #ping: { timestamp: number; sentMs: number; answered: (() => void) | undefined } | undefined;
  #trouble: string | undefined;

  constructor(options: ConnectionOptions) {
    const { socket, side, address, timing, counters } = options;
    this.#options = options;
    this.address = address;
    this.outbound = side === 'client';
    this.#rate = new PeerRate(options.rates, performance.now());
    this.#outbox = new Outbox({
      write: (bytes, framesCount, done) => {
        counters.writes += 1;
        counters.framesOut += framesCount;
        counters.bytesOut += bytes.length;
        this.traffic.framesOut += framesCount;
        this.traffic.bytesOut += bytes.length;
        socket.write(bytes, () => done());
      },
      drained: () => this.#withPeer((peer) => options.owner.drained(peer)),
      queueMaxBytes: options.queueMaxBytes,
    });
    this.#deadline = setTimeout(() => this.destroy(`no handshake within ${timing.handshakeMs} ms`), timing.handshakeMs);
    if (options.connectMs !== undefined) this.#limitConnect(options.connectMs);
    socket.setNoDelay(true);
    socket.once(side === 'client' ? 'secureConnect' : 'secure', () => this.#greet());
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => {
      this.#trouble = error.message;
    });
    socket.once('close', () => {
      this.#end({ by: 'peer', goodbye: undefined, reason: this.#trouble ?? 'the connection was closed' });
      options.owner.gone();
    });
  }

  /** The id that belongs to the peer's key; from `greeting` on. */
  get peer(): NodeId | undefined {
    return this.#channel?.peer;
  }
  get state(): ConnectionState {
    return this.#state;
  }

  /** Makes this the link to its peer; frames flow from now on. */
  link(): void {
    this.#state = 'linked';
    this.sinceMs = Date.now();
    this.linkedAtMs = performance.now();
    clearTimeout(this.#deadline);
  }

  /** Stops reading until {@link release}, for a decision that takes time. */
  hold(): void {
    this.#held = true;
    this.#options.socket.pause();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    if (this.#slowing === undefined) this.#options.socket.resume();
    this.#pump();
  }

  /** Queues an encoded frame. */
  send(bytes: Buffer): boolean {
    if (this.#state !== 'linked') return false;
    const result = this.#outbox.push(bytes);
    if (result === 'overflow') {
      this.#options.counters.overflows += 1;
      this.traffic.overflows += 1;
    }
    return result === 'queued';
  }

  /** Asks for a sign of life; `answered` is called when it comes. */
  ping(answered?: () => void): void {
    this.unheardPings += 1;
    const { node } = this.#options.self();
    // Seconds, as in the seed. One ping is open at a time: a newer one takes over who is waiting.
    this.#ping = {
      timestamp: Date.now() / 1000,
      sentMs: performance.now(),
      answered: answered ?? this.#ping?.answered,
    };
    this.send(encodeFrame({ type: FRAME.ping, node_id: node, timestamp: this.#ping.timestamp }));
  }

  /** Says goodbye after all that is queued, then closes. */
  close(why: Goodbye): void {
    if (this.#state === 'ended') return;
    const { socket, timing } = this.#options;
    const secured = this.#state !== 'opening';
    const rest = this.#outbox.close();
    this.#end({ by: 'here', goodbye: why, reason: `${why.code}: ${why.message}` });
    if (secured) endChannel(socket, Buffer.concat([rest, encodeFrame(why)]), timing.lingerMs);
    else socket.destroy();
  }

  /** Closes without a word: the peer is gone, or has not earned one. */
  destroy(reason: string): void {
    this.#end({ by: 'here', goodbye: undefined, reason });
    this.#options.socket.destroy();
  }

  #end(ending: Ending): void {
    if (this.#state === 'ended') return;
    const before = this.#state;
    this.#state = 'ended';
    clearTimeout(this.#deadline);
    clearTimeout(this.#slowing);
    this.#outbox.close();
    const { counters } = this.#options;
    if (ending.goodbye !== undefined) counters.refused += isRefusal(ending.goodbye) ? 1 : 0;
    else if (before !== 'linked') counters.failedHandshakes += 1;
    this.#options.owner.ended(ending, before === 'linked');
  }

  #limitConnect(connectMs: number): void {
    const { socket } = this.#options;
    const timer = setTimeout(() => this.destroy(`not accepted within ${Math.round(connectMs)} ms`), connectMs);
    socket.once('connect', () => clearTimeout(timer));
    socket.once('close', () => clearTimeout(timer));
  }

  #greet(): void {
    const { socket, side, self } = this.#options;
    const channel = readChannel(socket, side === 'client' ? 'server' : 'client');
    if (typeof channel === 'string') return this.destroy(channel);
    this.#channel = channel;
    this.#state = 'greeting';
    socket.write(encodeFrame(helloOf(self(), channel)));
  }

  #read(chunk: Buffer): void {
    if (this.#state === 'ended') return;
    this.#options.counters.bytesIn += chunk.length;
    this.traffic.bytesIn += chunk.length;
    this.unheardPings = 0;
    this.#decoder.push(chunk);
    const before = this.#framesRead;
    this.#pump();
    this.#limit({ frames: this.#framesRead - before, bytes: chunk.length });
  }

  /** Strangers are limited by what a handshake is; a linked peer by how much this node can do for it. */
  #limit(read: { frames: number; bytes: number }): void {
    const pauseMs = this.#rate.took(read, performance.now());
    if (this.#state !== 'linked' || pauseMs === 0) return;
    const { counters, socket } = this.#options;
    if (pauseMs === 'flood') {
      counters.floods += 1;
      return this.close(goodbye('bad_frame', FLOOD));
    }
    counters.slowed += 1;
    socket.pause();
    clearTimeout(this.#slowing);
    this.#slowing = setTimeout(() => {
      this.#slowing = undefined;
      if (!this.#held) socket.resume();
    }, pauseMs);
  }

  #pump(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#receive(waiting);
    while (this.#state !== 'ended' && !this.#held) {
      const decoded = this.#decoder.next();
      if (decoded === undefined) return;
      this.#take(decoded);
    }
  }

  #take(decoded: Decoded): void {
    const { counters } = this.#options;
    counters.framesIn += 1;
    this.traffic.framesIn += 1;
    this.#framesRead += 1;
    if (decoded.kind === 'frame') return this.#receive(decoded.frame);
    if (decoded.kind === 'unknown' && this.#state !== 'greeting') {
      counters.unknownFrames += 1;
      return;
    }
    this.#badFrame(decoded.kind === 'bad' ? decoded.problem : `type ${decoded.type} came before HELLO`);
  }

  #badFrame(problem: string): void {
    this.#options.counters.badFrames += 1;
    this.close(goodbye('bad_frame', problem.slice(0, 400)));
  }

  #receive(frame: Frame): void {
    if (frame.type === FRAME.goodbye) return this.#partingOf(frame);
    if (this.#state === 'greeting') {
      return frame.type === FRAME.hello ? this.#judge(frame) : this.#badFrame(`type ${frame.type} came before HELLO`);
    }
    if (frame.type === FRAME.hello) return this.#badFrame('a second HELLO');
    if (this.#state === 'greeted') {
      this.#withPeer((peer) => this.#options.owner.spoke(peer));
      if (this.#held) this.#waiting = frame;
    }
    if (this.#state !== 'linked') return;
    if (frame.type === FRAME.ping)
      this.send(encodeFrame({ ...frame, type: FRAME.pong, node_id: this.#options.self().node }));
    else if (frame.type === FRAME.pong) this.#answered(frame.timestamp);
    else this.#withPeer((peer) => this.#options.owner.frame(peer, frame));
  }

  #judge(hello: Hello): void {
    const channel = this.#channel;
    if (channel === undefined) return;
    const refusal = refusalOf(this.#options.self(), channel, hello);
    if (refusal !== undefined) return this.close(refusal);
    this.hello = hello;
    this.#state = 'greeted';
    this.#decoder.trust();
    this.#options.owner.greeted(channel.peer);
  }

  #answered(timestamp: number): void {
    if (this.#ping?.timestamp !== timestamp) return;
    const { sentMs, answered } = this.#ping;
    this.roundTripMs = performance.now() - sentMs;
    this.#ping = undefined;
    answered?.();
  }

  #partingOf(why: Goodbye): void {
    this.#end({ by: 'peer', goodbye: why, reason: `${why.code}: ${why.message}` });
    endChannel(this.#options.socket, Buffer.alloc(0), this.#options.timing.lingerMs);
  }

  #withPeer(act: (peer: NodeId) => void): void {
    if (this.#channel !== undefined) act(this.#channel.peer);
  }
}
