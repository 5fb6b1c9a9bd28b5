/**
 * The holder: owns the standard input and output of a node's agents, so that they outlive the node. It knows processes and nothing else; what an
 * agent says, and whether it is well, is for the node to judge.
 */
import { timingSafeEqual } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { ProcId } from '#core/brand.ts';
import type { Exit, ProcSpec } from '#ports.ts';
import { HeldProc } from './held-proc.ts';
import { endRemains } from './ladder.ts';
import { legalProcId, markOf, procDirectory } from './layout.ts';
import { OutboxWriter, readExit } from './outbox.ts';
import { ProcTable } from './proc-table.ts';
import { codeOf, messageOf } from './refusal.ts';
import { toHolderOf, WIRE_VERSION, WireSocket, type Answer, type FromHolder, type ToHolder } from './wire.ts';

/** Doorbells that a node has not read. Above it they are not worth keeping: one ring for all of them does as well. */
const UNREAD_MAX_BYTES = 256 * 1024;

/** Whoever connects says hello at once. */
const HELLO_LIMIT_MS = 5_000;

/** For the children of a holder that died: their pipes are gone, so they have nobody to talk to. */
const LOST_GRACE_MS = 2_000;

/** One node, a few tools and tests: more connections are a mistake. */
export const CONNECTIONS_MAX = 64;

export type HolderOptions = {
  /** The real path of the runtime's directory. */
  directory: string;
  token: string;
  nowMs: () => number;
  /** How long it stays without a process and without a node, before it calls `idle`. */
  idleMs: number;
  /** Nothing is left to do: the process should end. Called once. */
  idle: () => void;
};

type Node = { wire: WireSocket; behind: boolean };

export class Holder {
  readonly #o: HolderOptions;
  readonly #table = new ProcTable();
  readonly #procs = new Map<string, HeldProc>();
  /** Processes of an earlier holder that are being ended. */
  readonly #lost = new Set<string>();
  /** Exits that the disk refused: they live as long as this holder. */
  readonly #unwritten = new Map<string, Exit>();
  readonly #nodes = new Set<Node>();
  readonly #grown = new Set<string>();
  #idleTimer: NodeJS.Timeout | undefined;
  #stopping = false;
  readonly #stopped: (() => void)[] = [];

  constructor(o: HolderOptions) {
    this.#o = o;
  }

  /** Ends what an earlier holder left behind, and writes `holder_lost` as its exit. Returns at once; nodes hear of each. */
  begin(): void {
    const forgotten = join(this.#o.directory, 'forgotten');
    for (const name of readdirSync(forgotten)) rmSync(join(forgotten, name), { recursive: true, force: true });
    for (const name of readdirSync(join(this.#o.directory, 'procs'))) {
      const id = legalProcId(name);
      if (id !== undefined && readExit(procDirectory(this.#o.directory, id)) === undefined) void this.#endLost(id);
    }
    this.#watchIdle();
  }

  /** A connection. It becomes a node with a right hello, and is closed otherwise. */
  accept(socket: Socket): void {
    const limit = setTimeout(() => socket.destroy(), HELLO_LIMIT_MS);
    let node: Node | undefined;
    const wire = new WireSocket(socket, {
      take: (value) => {
        const message = toHolderOf(value);
        if (message === undefined) return false;
        if (node !== undefined) return this.#take(node, message);
        if (message.t !== 'hello' || !sameText(message.token, this.#o.token)) return false;
        clearTimeout(limit);
        node = { wire, behind: false };
        this.#welcome(node);
        return true;
      },
      closed: () => {
        clearTimeout(limit);
        if (node !== undefined) this.#nodes.delete(node);
        this.#watchIdle();
      },
    });
  }

  /** Ends every process by the ladder, starts none any more, and calls `idle`. Resolves when all have ended. */
  stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    for (const proc of this.#procs.values()) proc.kill(graceMs, 'holder_stopped');
    return new Promise((resolve) => {
      this.#stopped.push(resolve);
      this.#watchIdle();
    });
  }

  #welcome(node: Node): void {
    this.#nodes.add(node);
    this.#watchIdle();
    node.wire.socket.on('drain', () => {
      if (node.behind) node.wire.send({ t: 'outbox' });
      node.behind = false;
    });
    node.wire.send({ t: 'welcome', version: WIRE_VERSION, pid: process.pid });
  }

  #take(node: Node, message: ToHolder): boolean {
    switch (message.t) {
      case 'hello':
        return false;
      case 'inbox':
        this.#procs.get(message.id)?.ring();
        return true;
      case 'start':
        void this.#start(message.spec).then((answer) => node.wire.send({ ...answer, request: message.request }));
        return true;
      case 'ask':
        node.wire.send({ ...this.#stateOf(message.id), request: message.request });
        return true;
      case 'kill':
        this.#procs.get(message.id)?.kill(message.graceMs);
        node.wire.send({ ...this.#stateOf(message.id), request: message.request });
        return true;
      case 'list':
        node.wire.send({ t: 'answer', request: message.request, ids: [...this.#procs.keys(), ...this.#lost] });
        return true;
      case 'stop':
        void this.stop(message.graceMs).then(() => node.wire.send({ t: 'answer', request: message.request }));
        return true;
    }
  }

  async #start(spec: ProcSpec): Promise<Answer> {
    if (this.#stopping) return refused('holder_unavailable', 'The holder is being stopped.');
    try {
      const proc = new HeldProc({
        directory: this.#o.directory,
        spec,
        table: this.#table,
        nowMs: this.#o.nowMs,
        grown: () => this.#ring(spec.id),
        ended: (exit, written) => this.#ended(spec.id, exit, written),
      });
      this.#procs.set(spec.id, proc);
      this.#watchIdle();
      await proc.started();
      return this.#stateOf(spec.id);
    } catch (error) {
      return refused(codeOf(error) ?? 'start_failed', messageOf(error));
    }
  }

  #stateOf(text: string): Answer {
    const answer: Answer = { t: 'answer', request: 0 };
    const id = legalProcId(text);
    if (id === undefined) return refused('bad_spec', `Not the id of a process: ${text}`);
    if (this.#procs.has(id) || this.#lost.has(id)) return { ...answer, running: true };
    try {
      const exit = readExit(procDirectory(this.#o.directory, id)) ?? this.#unwritten.get(id);
      if (exit !== undefined) return { ...answer, running: false, exit };
    } catch (error) {
      return refused(codeOf(error) ?? 'unreadable', messageOf(error));
    }
    // A directory without an exit that nobody runs: its start failed half way.
    void this.#endLost(id);
    return { ...answer, running: true };
  }

  async #endLost(id: ProcId): Promise<void> {
    this.#lost.add(id);
    this.#watchIdle();
    const remains = { mark: markOf(this.#o.directory, id), session: undefined };
    const { found, left } = await endRemains(remains, { table: this.#table, graceMs: LOST_GRACE_MS });
    if (left > 0) process.stderr.write(`${id}: ${left} of ${found} processes could not be ended\n`);
    const exit = { code: null, signal: null, error: 'holder_lost' };
    let written = false;
    try {
      written = new OutboxWriter(procDirectory(this.#o.directory, id), 0).exit(exit);
    } catch (error) {
      process.stderr.write(`${id}: its end cannot be written down: ${messageOf(error)}\n`);
    }
    this.#lost.delete(id);
    this.#ended(id, exit, written);
  }

  #ended(id: string, exit: Exit, written: boolean): void {
    this.#procs.delete(id);
    if (!written) this.#unwritten.set(id, exit);
    this.#tell({ t: 'ended', id, exit });
    this.#watchIdle();
  }

  /** Rings once for all that grew in this turn of the event loop. */
  #ring(id: string): void {
    if (this.#grown.size === 0) {
      setImmediate(() => {
        const ids = [...this.#grown];
        this.#grown.clear();
        this.#tell({ t: 'outbox', ids });
      });
    }
    this.#grown.add(id);
  }

  #tell(message: FromHolder): void {
    for (const node of this.#nodes) {
      if (node.behind && message.t === 'outbox') continue;
      node.wire.send(message);
      if (node.wire.socket.writableLength > UNREAD_MAX_BYTES) node.behind = true;
    }
  }

  #watchIdle(): void {
    clearTimeout(this.#idleTimer);
    if (this.#procs.size > 0 || this.#lost.size > 0) return;
    for (const resolve of this.#stopped.splice(0)) resolve();
    if (this.#stopping) setImmediate(this.#o.idle);
    else if (this.#nodes.size === 0) this.#idleTimer = setTimeout(this.#o.idle, this.#o.idleMs);
  }
}

function refused(code: string, message: string): Answer {
  return { t: 'answer', request: 0, refused: { code, message } };
}

function sameText(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)];
  return one.length === other.length && timingSafeEqual(one, other);
}
