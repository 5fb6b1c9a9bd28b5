/**
 * The conversation of one agent that is woken by messages: a turn is begun with what came, followed to its end, and closed. What is under way is in the
 * book before it starts, so each step may be done again by a node that was killed.
 */
import { randomBytes } from 'node:crypto';
import type { OpId } from '#core/brand.ts';
import { parsedOpId } from '#core/brand.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import type { Messaging } from '#core/message/messaging.ts';
import type { AgentTurn as TurnRow, Wake } from '#core/schema/agent-turn.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import type { AgentDriver, AgentSession, TurnCommands } from '#agent-ports.ts';
import { messageOf } from '#runtime/refusal.ts';
import type { OpStore, Runtime } from '#ports.ts';
import type { AgentStand, TurnBook } from '#store/turn-book.ts';
import type { AgentHome } from '../agent-homes.ts';
import type { Approvals } from '../approvals.ts';
import type { AgentStates } from '../agent-states.ts';
import type { CrashWatch } from '../crash-watch.ts';
import type { UsageLedger } from '../usage-ledger.ts';
import type { AttemptTranscript } from '../transcript.ts';
import { isRefusal } from '../remote.ts';
import type { TurnDesk, TurnEnd } from './agent-turn.ts';
import { AgentTurn } from './agent-turn.ts';
import type { Letters } from './letters.ts';
import { notesPath, readNotes } from './notes.ts';
import { afterTurn, standAfter } from './policy.ts';
import { reply } from './replies.ts';
import { TURN_PREFIX } from './turn-bearer.ts';
import type { TurnBearers } from './turn-bearer.ts';
import { endedRow, rowOf } from './turn-row.ts';
import { turnFolder, turnSpec } from './turn-spec.ts';
import type { Letter } from './wake-prompt.ts';
import { answeredByWords, checkpointPrompt, ECHO, isAnswerable, wakePrompt } from './wake-prompt.ts';

const CLOSE_GRACE_MS = 5_000;
const ECHO_MAX_CHARS = 4_096;

export type ConversationDesk = Omit<TurnDesk, 'states' | 'ledger' | 'approvals'> & {
  states: Pick<AgentStates, 'stands' | 'holds' | 'turnBegins'>;
  ledger: Pick<UsageLedger, 'used' | 'turnOver'>;
  approvals: Pick<Approvals, 'ask' | 'turnOver'>;
  crashes: Pick<CrashWatch, 'of' | 'whyGivenUp'>;
  store: Pick<OpStore, 'get' | 'list'>;
  messages: Messaging;
  letters: Letters;
  book: TurnBook;
  bearers: TurnBearers;
  stateDir: string;
  driverOf: (agent: LiveAgent) => AgentDriver | undefined;
  runtimeOf: (agent: LiveAgent) => Runtime;
  homeOf: (agent: LiveAgent) => AgentHome | undefined;
  transcriptOf: (agent: LiveAgent) => AttemptTranscript;
  patienceMs: number;
  whenOpen: () => Promise<void>;
  nowMs: () => number;
  log: (line: string) => void;
};

type Opened = { session: AgentSession; forget: () => Promise<void> };

export class Conversation {
  readonly #id: OpId;
  readonly #desk: ConversationDesk;
  /** Aborted when the node stops: what is under way goes on without it. */
  readonly #detached: AbortSignal;
  readonly #commands: TurnCommands;
  #stand: AgentStand;
  #turn: AgentTurn | undefined;
  /** The turn that was begun in this life of the node. */
  #begun: number | undefined;

  constructor(agent: OpId, o: { desk: ConversationDesk; detached: AbortSignal; commands: TurnCommands }) {
    this.#id = agent;
    this.#desk = o.desk;
    this.#detached = o.detached;
    this.#commands = o.commands;
    this.#stand = o.desk.book.stand(agent);
  }

  get turn(): AgentTurn | undefined {
    return this.#turn;
  }

  get stand(): AgentStand {
    return this.#stand;
  }

  /** Begins a turn with what came, and resolves when it is closed, or goes on without this node. */
  async wake(handed: readonly Handed[]): Promise<void> {
    const { letters, messages } = this.#desk;
    const told = letters.of(handed);
    const [first] = told;
    if (first === undefined) return;
    const agent = this.#mustLive();
    const folder = turnFolder(agent, this.#desk.stateDir);
    const isNew = this.#stand.session === null;
    const notes = isNew ? { path: notesPath(folder), text: await readNotes(folder) } : undefined;
    const prompt = wakePrompt({ letters: told, waiting: messages.counts(this.#id).waiting, notes });
    const row = this.#begin(first.kind, told);
    const end = await this.#carryOut(agent, row, (turn, session) => turn.run(session, prompt, this.#detached));
    if (end !== undefined) await this.#settle(row, end, told);
  }

  /** Its conversation is nearly full: notes are written, and another begins with the next message. */
  async checkpoint(): Promise<void> {
    const agent = this.#mustLive();
    const prompt = checkpointPrompt(notesPath(turnFolder(agent, this.#desk.stateDir)));
    const row = this.#begin('checkpoint', []);
    const end = await this.#carryOut(agent, row, (turn, session) => turn.run(session, prompt, this.#detached));
    if (end !== undefined) await this.#settle(row, end, []);
  }

  /** A turn that ran when this node stopped: it is followed to its end, or it is lost. */
  async resume({ n }: NonNullable<AgentStand['underWay']>): Promise<void> {
    const { book, letters } = this.#desk;
    const row = book.turns(this.#id, 1)[0];
    if (row?.n !== n || row.state !== 'running') return this.#put({ ...this.#stand, underWay: null });
    const told = letters.ofIds(row.messages.map(parsedOpId));
    const end = await this.#carryOut(this.#mustLive(), row, (turn, session) => turn.follow(session, this.#detached));
    if (end !== undefined) await this.#settle(row, end, told);
  }

  /** On disk before anything starts. */
  #begin(wake: Wake, told: readonly Letter[]): TurnRow {
    const n = this.#desk.book.lastNumber(this.#id) + 1;
    const token = `${TURN_PREFIX}${randomBytes(32).toString('base64url')}`;
    const { conversation, session } = this.#stand;
    const row = rowOf({ n, wake, told, conversation, nowMs: this.#desk.nowMs() });
    this.#put({ ...this.#stand, parked: null, underWay: { n, token, resume: session } }, row);
    return row;
  }

  /** Undefined: the node stops, and the turn goes on. */
  async #carryOut(
    agent: LiveAgent,
    row: TurnRow,
    run: (turn: AgentTurn, session: AgentSession) => Promise<TurnEnd | undefined>,
  ): Promise<TurnEnd | undefined> {
    const { underWay } = this.#stand;
    if (underWay === null) throw new Error('a turn is carried out that was not begun');
    const { bearers, states, log } = this.#desk;
    const turn = new AgentTurn({
      agent,
      n: row.n,
      cwd: turnFolder(agent, this.#desk.stateDir),
      desk: this.#desk,
      transcript: this.#desk.transcriptOf(agent),
      began: (session) => this.#put({ ...this.#stand, session }),
    });
    this.#turn = turn;
    bearers.admit(underWay.token, this.#id, this.#commands);
    this.#desk.crashes.of(this.#id).started();
    states.turnBegins(this.#id, `woken by ${row.wake === 'checkpoint' ? 'a full conversation' : `a ${row.wake}`}`);
    let found: Opened | undefined;
    try {
      found = await this.#open(agent, underWay);
      if (found === undefined) return turn.end('lost', 'its process was gone when its node came back', 'agent_gone');
      const end = await run(turn, found.session);
      if (end !== undefined) await found.forget();
      return end;
    } catch (error) {
      if (this.#detached.aborted) return undefined;
      log(`turn ${row.n} of ${agent.registered.name}: ${messageOf(error)}`);
      await found?.forget().catch(() => {});
      return turn.end('failed', messageOf(error), 'start_failed');
    } finally {
      bearers.dismiss(underWay.token);
      states.stands(this.#id, undefined);
      this.#turn = undefined;
    }
  }

  /** Of a turn that was just begun a new one, else the one that runs; undefined where that is gone. */
  async #open(
    agent: LiveAgent,
    { n, token, resume }: NonNullable<AgentStand['underWay']>,
  ): Promise<Opened | undefined> {
    const { driverOf, runtimeOf, homeOf, stateDir, patienceMs } = this.#desk;
    const driver = driverOf(agent);
    if (driver === undefined) throw new Error(`this node has no driver for ${agent.registered.tool}`);
    const runtime = runtimeOf(agent);
    const spec = turnSpec({ agent, stateDir, n, token, resume, home: homeOf(agent), patienceMs });
    const session = this.#begun === n ? await driver.open(spec, runtime) : await driver.attach(spec, runtime);
    if (session === undefined) return undefined;
    const forget = async (): Promise<void> => {
      await session.close(CLOSE_GRACE_MS);
      await runtime.forget(spec.procId);
    };
    return { session, forget };
  }

  /** Answers go out and are on disk, then the messages are closed, then the row is written: whatever comes between is done again. */
  async #settle(row: TurnRow, end: TurnEnd, told: readonly Letter[]): Promise<void> {
    const { messages, nowMs, ledger, approvals, crashes } = this.#desk;
    const isEcho = this.#live()?.registered.turns === 'echo' && end.outcome !== 'completed' && end.stop === undefined;
    const resumed = this.#stand.underWay?.resume !== null;
    const { outcome, text, failure, exit } = end;
    const died =
      outcome === 'lost' ? undefined : { kind: 'turn_ended' as const, turn: String(row.n), outcome, text, exit };
    const diedMs =
      died === undefined
        ? undefined
        : crashes.of(this.#id).ended({ ...died, ...(failure === undefined ? {} : { failure }) });
    const after = afterTurn(end, { failures: this.#stand.failures, resumed, diedMs });
    await ledger.turnOver({ task: this.#id, attempt: 1 }, this.#spentBy(row));
    await approvals.turnOver(this.#id);
    if (end.outcome === 'completed') await this.#answer(row, told, end.text);
    else if (isEcho) for (const letter of told.filter(isAnswerable)) await this.#reply(row, letter, echoOf(letter));
    if (after.mail === 'acknowledged' || isEcho) await this.#acknowledge(row.messages.map(parsedOpId));
    else await messages.requeue({ agent: this.#id, messages: undefined, isBlameless: after.mail === 'blameless' });
    const stand = standAfter(this.#stand, end, {
      after: isEcho ? { ...after, parked: null } : after,
      isCheckpoint: row.wake === 'checkpoint',
      nowMs: nowMs(),
    });
    this.#put(stand, endedRow(row, end, nowMs()));
  }

  #spentBy({ n, started_at }: TurnRow) {
    const timeMs = Math.max(0, this.#desk.nowMs() - Date.parse(started_at));
    return { name: String(n), timeMs, agent: this.#id };
  }

  async #answer(row: TurnRow, told: readonly Letter[], words: string): Promise<void> {
    const only = answeredByWords(told);
    if (only !== undefined) await this.#reply(row, only, words.trim());
  }

  async #reply({ started_at }: TurnRow, letter: Letter, text: string): Promise<void> {
    const sinceMs = Date.parse(started_at);
    await reply({ ...this.#desk, agent: this.#id, sinceMs }, letter.id, text);
  }

  /** Those that it read itself are handled, too. */
  async #acknowledge(ids: readonly OpId[]): Promise<void> {
    const { messages } = this.#desk;
    for (const some of ids.length === 0 ? [undefined] : [ids, undefined]) {
      const done = await messages.acknowledge({ agent: this.#id, messages: some });
      if (isRefusal(done)) throw new Error(done.message);
    }
  }

  #put(stand: AgentStand, row?: TurnRow): void {
    this.#desk.book.write(this.#id, stand, row);
    this.#stand = stand;
    if (row?.state === 'running') this.#begun = row.n;
  }

  #live(): LiveAgent | undefined {
    const row = this.#desk.store.get('agent', this.#id);
    return isLive(row) ? row : undefined;
  }

  #mustLive(): LiveAgent {
    const agent = this.#live();
    if (agent === undefined) throw new Error('it was withdrawn');
    return agent;
  }
}

const echoOf = ({ text }: Letter): string => `${ECHO}${text.slice(0, ECHO_MAX_CHARS)}`;
