/** The seam between a node and the boxes of its agents. One contract suite, `test/contract/box.ts`, for every kind of box. */
import type { NodeId } from '#core/brand.ts';
import type { BoxKind, BoxLimits, BoxMount } from '#core/schema/box-body.ts';
import type { Runtime } from './ports.ts';

/** What a box gives, whatever runs in it. Paths are absolute, and of this machine unless it says otherwise. */
export type BoxSpec = {
  /** `h-<name of the agent>`: the box's host name, and its name wherever the system lists boxes. */
  name: string;
  /** The node whose box it is: on a machine with several, none takes away what is another's. */
  node: NodeId;
  /** The box's own folder, see {@link BoxPaths}: it outlives every process of the box. */
  directory: string;
  /** What the box is made of: an image of Podman or Docker, a root folder of nspawn; null for a sandbox, which shows this machine's programs. */
  image: string | null;
  /** Shown at `/run/hive`, to be read and to connect to: the folder of the sockets of this one agent. */
  socketDir: string;
  mounts: readonly BoxMount[];
  /** Shown as `/run/secrets/<name>`: never in an argument, an environment, an op or a log. */
  secrets: readonly { name: string; file: string }[];
  limits: BoxLimits;
};

/** Where everything lies inside of a box. */
export const IN_BOX = {
  home: '/home/agent',
  sockets: '/run/hive',
  secrets: '/run/secrets',
  path: '/usr/local/bin:/usr/bin:/bin',
  /** Where its node listens for what goes on to a model, and the port of the box's own loopback that leads there. */
  relaySocket: '/run/hive/relay.sock',
  relayPort: 8790,
} as const;

/** Whether boxes of a kind can be made here; if not, why, and what a person can do about it. */
export type BoxProbe = { works: true; version: string } | { works: false; reason: string; wayOut: string };

/** A limit that the system does not hold here, and why. */
export type UnheldLimit = { limit: keyof BoxLimits; reason: string };

/**
 * One kind of box. A process in a box is a process of the runtime beneath: its lines, its exit, the ladder of its kill and its life beyond the node's
 * are those of {@link Runtime}. What the box adds, for a program that wishes its host ill:
 *
 * - It sees the programs of the box read-only; its home (`/home/agent`, kept from one process to the next), the sockets of its agent, what its
 *   declaration mounts and what its process works on; a `/tmp` of its own; and no other file of this machine.
 * - It has no network but its own loopback, and no process, no shared memory and no host name of this machine.
 * - It has no capability, gains none, and is not root inside.
 * - It ends with all its processes when its first one does, and with the holder.
 *
 * What is refused: a box whose image, secret or mount is not there ({@link BoxProbe} of `check`), before anything is started.
 */
export interface Boxes {
  readonly kind: BoxKind;
  probe(): Promise<BoxProbe>;
  /** Looks whether a process could be started in this box now. */
  check(spec: BoxSpec): Promise<BoxProbe>;
  /** The same runtime from inside: `start` and `exec` run in the box, everything else is the runtime's beneath. */
  runtime(spec: BoxSpec, beneath: Runtime): Runtime;
  /** A command that opens the box for a person at a terminal, with the network of this machine. */
  login(
    spec: BoxSpec,
    argv: readonly [string, ...string[]],
  ): { argv: readonly [string, ...string[]]; env: Record<string, string> };
  /** Limits of the spec that this system does not hold. */
  unheld(spec: BoxSpec): readonly UnheldLimit[];
  /** Takes away what is left of boxes of this node whose starter was killed: the system keeps it, and nobody holds it. Gives how many. */
  sweep(node: NodeId): Promise<number>;
  /** Takes away what the system itself keeps for a box in which nothing runs any more; its folder stays. Idempotent. */
  drop(spec: BoxSpec): Promise<void>;
}
