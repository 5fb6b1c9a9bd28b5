/** What linked nodes tell each other about the mesh itself: that they live, and where further nodes are. */
import type { NodeId } from '#core/brand.ts';
import type { Peers } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Address } from './address.ts';
import { formatAddress, isHostOfOneMachine, parseAddress } from './address.ts';
import type { Connection } from './connection.ts';
import { encodeFrame } from './framing.ts';
import { dialAddressOf, hostOf } from './link-info.ts';
import type { MeshTiming } from './settings.ts';

/** As many as the frame's schema takes. */
const PEERS_MAX = 256;

export type PulseOptions = {
  self: NodeId;
  timing: MeshTiming;
  links: () => readonly [NodeId, Connection][];
  /** A node is said to be there. */
  learn: (address: Address, node: NodeId) => void;
};

export class Pulse {
  readonly #options: PulseOptions;
  #timers: NodeJS.Timeout[] = [];

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Begins with the first link: a node without links does nothing. Idempotent. */
  start(): void {
    if (this.#timers.length > 0) return;
    const { pingMs, peersMs } = this.#options.timing;
    this.#timers = [setInterval(() => this.#beat(), pingMs), setInterval(() => this.#tellAll(), peersMs)];
    for (const timer of this.#timers) timer.unref();
  }

  /** Idempotent. */
  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
  }

  /** Tells a new peer of the others and the others of it at once: whichever of them can dial the other need not wait for the next exchange. */
  welcome(node: NodeId, newcomer: Connection): void {
    const others = this.#options.links().filter(([other]) => other !== node);
    tell([newcomer], peersFrame(others));
    tell(
      others.map(([, connection]) => connection),
      peersFrame([[node, newcomer]]),
    );
  }

  /** Takes in what a peer tells: not our own address, and a loopback address only from a peer on this machine. */
  heard(frame: Peers, from: Pick<Connection, 'address'>): void {
    const near = isHostOfOneMachine(hostOf(from));
    for (const { host, port, node_id: node } of frame.peers) {
      if (node === this.#options.self || (isHostOfOneMachine(host) && !near)) continue;
      const address = parseAddress(formatAddress({ host, port }));
      if (!('refused' in address)) this.#options.learn(address, node);
    }
  }

  /** Silence is counted in pings and not by the clock: after a pause of this process what the peer said meanwhile still lies unread. */
  #beat(): void {
    const { pingMs, silentMs } = this.#options.timing;
    for (const [, connection] of this.#options.links()) {
      if (connection.unheardPings * pingMs >= silentMs) connection.destroy(`silent for ${silentMs} ms`);
      else connection.ping();
    }
  }

  #tellAll(): void {
    const links = this.#options.links();
    tell(
      links.map(([, connection]) => connection),
      peersFrame(links),
    );
  }
}

function tell(connections: readonly Connection[], frame: Peers | undefined): void {
  if (frame === undefined) return;
  const bytes = encodeFrame(frame);
  for (const connection of connections) connection.send(bytes);
}

/** Those of the nodes that can be dialled, undefined when there are none. A zone in an address means something on this machine only. */
function peersFrame(links: readonly (readonly [NodeId, Connection])[]): Peers | undefined {
  const peers = links.flatMap(([node, connection]) => {
    const address = dialAddressOf(connection);
    return address === undefined || address.host.includes('%') ? [] : [{ ...address, node_id: node }];
  });
  return peers.length === 0 ? undefined : { type: FRAME.peers, peers: peers.slice(0, PEERS_MAX) };
}
