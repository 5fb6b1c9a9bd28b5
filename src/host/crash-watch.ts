/**
 * The programs of this node's agents, where they end by themselves: how often in a row, when one may be started again, and when it is given up. One
 * account an agent, across its attempts: a program that dies in each of them is in a loop, too. An agent that was given up takes no work until somebody
 * says that it is mended, also after a restart of the node.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import { OPERATOR_CHANNEL } from '#core/message/address.ts';
import type { Draft } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import type { AgentEvent } from '#agent-ports.ts';
import type { Arrival, OpStore } from '#ports.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

/** The first wait; each further one is twice as long. */
const WAIT_FIRST_MS = 5_000;
const WAIT_MAX_MS = 300_000;
/** A program that was up for so long counts as sound again. */
const SOUND_MS = 300_000;
/** After so many deaths in a row, each before it was sound, it is given up: it would die of the same again. */
const DEATHS_MAX = 10;
/** It does not know its arguments or its settings: the next start would end the same way. */
const EXIT_USAGE = 2;
/** It ended with its holder, or with its allocation: no fault of its own. */
const IS_OVER = /^(?:holder|allocation)_/;

const fileSchema = z.record(opIdSchema, z.string());

export type CrashWatchOptions = {
  /** Where those that were given up are kept. */
  path: string;
  nowMs: () => number;
  /** An agent takes work again, or none any more, and why. */
  changed: (agent: OpId, why: string | undefined) => void;
  log: (line: string) => void;
};

export class CrashWatch {
  readonly #o: CrashWatchOptions;
  readonly #accounts = new Map<OpId, Crashes>();
  readonly #givenUp: Map<OpId, string>;

  constructor(o: CrashWatchOptions) {
    this.#o = o;
    this.#givenUp = readGivenUp(o);
  }

  /** The account of one agent. */
  of(agent: OpId): Crashes {
    const held = this.#accounts.get(agent);
    if (held !== undefined) return held;
    const made = new Crashes({ nowMs: this.#o.nowMs, giveUp: (why) => this.#giveUp(agent, why) });
    this.#accounts.set(agent, made);
    return made;
  }

  /** Why it was given up; undefined where it was not. */
  whyGivenUp(agent: OpId): string | undefined {
    return this.#givenUp.get(agent);
  }

  /** Somebody mended it, or it is withdrawn: it begins anew. Nothing where there is nothing. */
  forgive(agent: OpId): void {
    this.#accounts.delete(agent);
    if (!this.#givenUp.delete(agent)) return;
    this.#keep();
    this.#o.changed(agent, undefined);
  }

  #giveUp(agent: OpId, why: string): void {
    this.#givenUp.set(agent, why);
    this.#keep();
    this.#o.changed(agent, why);
  }

  #keep(): void {
    const { path, log } = this.#o;
    try {
      writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(this.#givenUp)), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      // It holds while this node runs; the next one finds out again.
      log(`which agents were given up is not on disk: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

export class Crashes {
  readonly #nowMs: () => number;
  readonly #giveUp: (why: string) => void;
  #upSinceMs: number;
  #deaths = 0;

  constructor(o: { nowMs: () => number; giveUp: (why: string) => void }) {
    this.#nowMs = o.nowMs;
    this.#giveUp = o.giveUp;
    this.#upSinceMs = o.nowMs();
  }

  /** It is started now. */
  started(): void {
    this.#upSinceMs = this.#nowMs();
  }

  /**
   * A turn of it ended. How long to wait before its program is started again within that turn's task; undefined where it is not: it did not end by
   * itself, it did not even start, or it is given up. Called once for each turn.
   */
  ended({ outcome, failure, exit, text }: TurnEnded): number | undefined {
    if (outcome === 'completed') this.#deaths = 0;
    const isDead = failure === 'agent_gone' || failure === 'start_failed';
    if (outcome !== 'failed' || !isDead || IS_OVER.test(exit?.error ?? '')) return undefined;
    if (exit?.code === EXIT_USAGE)
      return this.#over(`exit code ${EXIT_USAGE}, as of wrong arguments or settings`, text);
    if (this.#nowMs() - this.#upSinceMs >= SOUND_MS) this.#deaths = 0;
    this.#deaths += 1;
    if (this.#deaths > DEATHS_MAX)
      return this.#over(`${this.#deaths} times in a row within ${SOUND_MS / 60_000} minutes of its start`, text);
    return failure === 'start_failed' ? undefined : Math.min(WAIT_FIRST_MS * 2 ** (this.#deaths - 1), WAIT_MAX_MS);
  }

  #over(how: string, text: string): undefined {
    this.#deaths = 0;
    const [first = ''] = text.split('\n');
    this.#giveUp(`its program ended by itself: ${how}${first === '' ? '' : `; the last time: ${first.slice(0, 300)}`}`);
  }
}

/** The watch of a node: `setState` looks again whether the agent takes work. */
export function crashWatchOf(o: Telling & { stateDir: string; setState: (agent: OpId) => void }): CrashWatch {
  return new CrashWatch({
    path: join(o.stateDir, 'given-up.json'),
    nowMs: Date.now,
    changed: (agent, why) => {
      o.setState(agent);
      if (why !== undefined) tellPeople({ agent, why }, o);
    },
    log: o.log,
  });
}

type Telling = {
  self: NodeId;
  store: Pick<OpStore, 'get'>;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
  log: (line: string) => void;
};

/** A message to the people: it stays when the node that saw it is gone. */
function tellPeople({ agent, why }: { agent: OpId; why: string }, { self, store, append, log }: Telling): void {
  const text = `${store.get('agent', agent)?.registered?.name ?? agent} is given up, and takes no work: ${why}`;
  const rest = { replyTo: null, thread: null, hops: 0, source: 'crash watch', dueMs: null };
  const body = { type: 'message.sent' as const, channel: OPERATOR_CHANNEL, kind: 'event' as const, text, ...rest };
  log(text);
  append([{ entity: undefined, by: nodePrincipal(self), body }]).then(
    (written) => {
      if ('refused' in written) log(`and no message of it was stored: ${written.message}`);
    },
    (error: unknown) => log(`and no message of it was stored: ${String(error)}`),
  );
}

/** What was not written whole, or not by us, counts for nothing. */
function readGivenUp({ path, log }: CrashWatchOptions): Map<OpId, string> {
  try {
    return new Map(
      Object.entries(fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))).map(([id, why]) => [
        opIdSchema.parse(id),
        why,
      ]),
    );
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      log(`${path} is left aside: ${String(error)}`);
    return new Map();
  }
}
