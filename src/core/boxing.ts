/** Boxes of a node's agents, as its doors see them: what an operator may ask, and what is answered. */
import type { OpId, Principal } from './brand.ts';
import type { Refusal } from './refusal.ts';
import type { BoxKind, BoxLimits, BoxMount } from './schema/box-body.ts';

/** What may be said of a box when it is declared anew: what is left out stays. */
export type BoxChange = {
  runtime?: BoxKind | undefined;
  image?: string | null | undefined;
  mounts?: BoxMount[] | undefined;
  limits?: BoxLimits | undefined;
  secretNames?: string[] | undefined;
  egress?: string[] | undefined;
};

/** `runtime` left out: a sandbox where it works, else the first kind that does. */
export type BoxWanted = BoxChange & { name: string; tool: string; capabilities: string[]; turns?: 'on' | 'echo' };

/**
 * `running`: it takes tasks. `stopped`: it was killed, and takes none until it is rebuilt. `broken`: what it needs is not there, or its program was given up; `why` says what.
 * `destroyed`: only its folder is left, to be revived by `spawn` or purged.
 */
export type BoxState = 'running' | 'stopped' | 'broken' | 'destroyed';

export type BoxStanding = {
  name: string;
  agent: OpId | null;
  tool: string | null;
  state: BoxState;
  /** What is wrong, and what to do about it. */
  why: string | null;
  wayOut: string | null;
  runtime: BoxKind | null;
  image: string | null;
  mounts: readonly BoxMount[];
  limits: BoxLimits | null;
  /** Limits that this system does not hold, with the reason. */
  unheld: readonly { limit: keyof BoxLimits; reason: string }[];
  secretNames: readonly string[];
  /** `host:port`, each a place that it may reach. */
  egress: readonly string[];
  /** The folder that is its home, on this machine. */
  home: string;
};

/** Of each kind, whether boxes of it can be made on this node. */
export type BoxKindStanding = {
  kind: BoxKind;
  works: boolean;
  version: string | null;
  why: string | null;
  wayOut: string | null;
};

/** The command that opens a box for a person at a terminal of the node's machine. */
export type BoxLogin = { argv: readonly string[]; env: Readonly<Record<string, string>> };

/** Boxes of this node. A refusal has changed nothing. */
export interface Boxing {
  list(): Promise<BoxStanding[]>;
  kinds(): Promise<BoxKindStanding[]>;
  /** Registers an agent in a box of its own; a folder that an earlier one of the name left is its home again. */
  spawn(wanted: BoxWanted, by: Principal): Promise<BoxStanding | Refusal>;
  /** Ends what it is at; it takes nothing until it is rebuilt. */
  kill(name: string, by: Principal): Promise<BoxStanding | Refusal>;
  /** Makes what runs equal to what is declared, with `change` declared first. Done again, it does nothing. */
  rebuild(name: string, change: BoxChange, by: Principal): Promise<BoxStanding | Refusal>;
  /** Ends it and withdraws its agent. Its folder stays unless `purge`, also that of one destroyed earlier. */
  destroy(name: string, o: { purge: boolean; by: Principal }): Promise<{ name: string; purged: boolean } | Refusal>;
  login(name: string): Promise<BoxLogin | Refusal>;
  /** Opens the host's socket of hyperhive, now and at each start from now on. */
  serve(): Promise<{ socket: string } | Refusal>;
}

/** What a node hands to its doors. */
export interface Boxed {
  readonly boxing: Boxing;
}

/** A file or folder of the machine that a process in a box sees, at the same path. */
export type Seen = { path: string; writable: boolean };
