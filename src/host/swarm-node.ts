/** The node as its doors see it: parses nothing, authorises nothing; appends, calls, and shows committed views. */
import type { AgentScreen, AgentTyped, AgentWanted } from '#core/agent-terminal.ts';
import type { Boxing } from '#core/boxing.ts';
import type { OpId, Principal } from '#core/brand.ts';
import type { ApprovalAnswer } from '#core/approval/answer.ts';
import type { Glimpse } from '#core/glimpse.ts';
import type { Filing } from '#core/file/filing.ts';
import type { Trading } from '#core/market/trading.ts';
import type { Messaging } from '#core/message/messaging.ts';
import type { NodeCore } from '#core/node.ts';
import type { Draft } from '#core/op.ts';
import { BLOB_ABOVE_BYTES } from '#core/schema/ids.ts';
import type { LongText } from '#core/schema/ids.ts';
import type { Refusal } from '#core/refusal.ts';
import type { Signals } from '#core/signals.ts';
import type { Transcripts } from '#core/transcript.ts';
import type { Arrival, BlobStore, LinkInfo, NodeInfo, OpStore, SwarmNode, Transport } from '#ports.ts';
import { refusal } from '#core/refusal.ts';
import type { TurnLoop } from '#turn-loop.ts';
import type { AgentControl } from './agent-control.ts';
import type { AgentScreens } from './agent-screens.ts';
import type { Approvals } from './approvals.ts';
import type { Backups } from './backup.ts';
import type { BlobTransfer } from './blob-transfer.ts';
import { Files } from './files.ts';
import type { Glimpses } from './glimpses.ts';
import type { Opening } from './opening.ts';
import type { Outputs } from './outputs.ts';
import { headOf } from './text-head.ts';
import type { TerminalAgents } from './terminal-agents.ts';
import type { ToolDesk } from './tool-desk.ts';
import type { DeliveredWork } from './work.ts';

export type SwarmNodeParts = {
  info: NodeInfo;
  core: NodeCore;
  loop: TurnLoop;
  clock: () => { nowMs: number; wallMs: number };
  store: OpStore;
  blobs: BlobStore;
  transfer: BlobTransfer;
  transport: Transport;
  glimpses: Glimpses;
  outputs: Outputs;
  transcripts: Transcripts;
  work: DeliveredWork;
  backups: Backups;
  opening: Opening;
  messages: Messaging;
  market: Trading;
  terminals: TerminalAgents;
  control: AgentControl;
  screens: AgentScreens;
  toolDesk: ToolDesk;
  approvals: Approvals;
  boxing: Boxing;
  tools: readonly string[];
  joinCode: () => string;
};

export class HostedNode implements SwarmNode {
  readonly info: NodeInfo;
  readonly messages: Messaging;
  readonly market: Trading;
  readonly files: Filing;
  readonly store: OpStore;
  readonly boxing: Boxing;
  private readonly parts: SwarmNodeParts;
  private readonly arrivalListeners = new Set<(arrivals: readonly Arrival[]) => void>();
  private readonly presenceListeners = new Set<() => void>();
  private readonly ownOps = new WeakMap<readonly Arrival[], ReadonlyMap<number, Arrival>>();

  constructor(parts: SwarmNodeParts) {
    this.parts = parts;
    this.info = parts.info;
    this.store = parts.store;
    this.boxing = parts.boxing;
    this.messages = parts.messages;
    this.market = parts.market;
    this.files = new Files({ ...parts, links: this.links });
  }

  async append(drafts: readonly Draft[]): Promise<readonly Arrival[] | Refusal> {
    const { core, loop, clock, opening } = this.parts;
    let ops = core.append(drafts, clock());
    if (ops === 'comparing') {
      const refused = await opening.refusal();
      if (refused !== undefined) return refused;
      ops = core.append(drafts, clock());
    }
    if (ops === 'comparing') return refusal('starting', 'this node has just started');
    if (ops === 'tooLarge')
      return refusal('too_large', 'the fact is larger than 64 KiB', { expected: 'at most 64 KiB' });
    try {
      const own = this.ownOf(await loop.settled());
      return ops.flatMap((op) => own.get(op.header.seq) ?? []);
    } catch (error) {
      return refusal('stopping', `nothing was acknowledged: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** This node's ops of one turn by number, made once for all callers of that turn. */
  private ownOf(arrivals: readonly Arrival[]): ReadonlyMap<number, Arrival> {
    const held = this.ownOps.get(arrivals);
    if (held !== undefined) return held;
    const own = arrivals.filter(({ op }) => op.header.node === this.info.self);
    const made = new Map(own.map((arrival) => [arrival.op.header.seq, arrival]));
    this.ownOps.set(arrivals, made);
    return made;
  }

  async stash(text: string): Promise<LongText> {
    if (Buffer.byteLength(text) <= BLOB_ABOVE_BYTES) return text;
    const { hash, sizeBytes } = await this.parts.blobs.put(Buffer.from(text));
    return { blob: hash, sizeBytes, head: headOf(text) };
  }

  async unstash(text: LongText): Promise<string> {
    if (typeof text === 'string') return text;
    const { blobs, transfer, transport } = this.parts;
    const missing = await transfer.ensure(
      text.blob,
      transport.links().map((link) => link.node),
    );
    const bytes =
      missing === undefined ? await blobs.read(text.blob, { offset: 0, maxBytes: text.sizeBytes }) : undefined;
    if (bytes !== undefined) return Buffer.from(bytes).toString();
    return `${text.head}\n[… ${text.sizeBytes} bytes in all; no node that holds the rest can be reached]`;
  }

  standing() {
    return this.parts.core.standing();
  }

  votersForNewTask() {
    return this.parts.core.votersForNewTask();
  }

  async cancelTask(task: OpId, by: Principal): Promise<'cancelled' | Refusal> {
    const { core, loop, clock, store, opening } = this.parts;
    const refused = await opening.refusal();
    if (refused !== undefined) return refused;
    const home = store.get('task', task)?.created?.home;
    return new Promise((resolve) => {
      core.cancelTask(
        {
          task,
          by,
          done: (outcome) => {
            if (outcome === 'cancelled') resolve('cancelled');
            else if (outcome === 'over')
              resolve(refusal('conflict', 'Cannot cancel task (not found or already terminal)'));
            else
              resolve(
                refusal(
                  'home_unreachable',
                  `the task's home ${home?.slice(0, 8)} cannot be reached; try again when it is back`,
                ),
              );
          },
        },
        clock(),
      );
      loop.kick();
    });
  }

  taskOutput(task: OpId, lines: number) {
    return this.parts.outputs.ofTask(task, lines);
  }

  taskDiff(task: OpId, format: 'patch' | 'stat' | 'name-status') {
    return this.parts.work.diff(task, format);
  }

  checkOrigin(origin: string) {
    return this.parts.work.checkOrigin(origin);
  }

  taskFetch(task: OpId, repository: string) {
    return this.parts.work.fetch(task, repository);
  }

  taskMerge(task: OpId, by: Principal, into: string | null) {
    return this.parts.work.merge(task, by, into);
  }

  agentOutput(agent: OpId, lines: number) {
    return this.parts.outputs.ofAgent(agent, lines);
  }

  taskTranscript: Transcripts['taskTranscript'] = (of, range) => this.parts.transcripts.taskTranscript(of, range);
  agentTranscript: Transcripts['agentTranscript'] = (of, range) => this.parts.transcripts.agentTranscript(of, range);
  agentTurns: Transcripts['agentTurns'] = (of, limit) => this.parts.transcripts.agentTurns(of, limit);

  openConversation: Transcripts['openConversation'] = (of, how) => this.parts.transcripts.openConversation(of, how);

  agentSend(agent: OpId, text: string) {
    return this.parts.terminals.send(agent, text);
  }

  agentInterrupt(agent: OpId) {
    return this.parts.control.interrupt(agent);
  }

  agentSteer(agent: OpId, text: string) {
    return this.parts.control.steer(agent, text);
  }

  agentRestart(agent: OpId) {
    return this.parts.control.restart(agent);
  }

  agentScreen = (agent: OpId) => this.parts.screens.look(agent);
  agentType = (agent: OpId, typed: AgentTyped) => this.parts.screens.type(agent, typed);

  agentExplain(agent: OpId) {
    return this.parts.terminals.explain(agent);
  }

  agentAttach(agent: OpId) {
    return this.parts.terminals.attach(agent);
  }

  agentPlace(wanted: AgentWanted) {
    return this.parts.terminals.place(wanted);
  }

  approvalAnswer(answer: ApprovalAnswer) {
    return this.parts.approvals.answer(answer);
  }

  tools(): readonly string[] {
    return this.parts.tools;
  }

  presence() {
    const { core } = this.parts;
    // The core's clock is monotonic; people and doors count from 1970.
    const offsetMs = Date.now() - performance.now();
    return new Map(
      [...core.presences()].map(([node, one]) => [node, { ...one, heardMs: Math.round(one.heardMs + offsetMs) }]),
    );
  }

  standings = () => this.parts.core.standings();
  tallies = () => this.parts.core.tallies();

  links = (): readonly LinkInfo[] => this.parts.transport.links();

  glimpse(task: OpId): Glimpse | undefined {
    return this.parts.glimpses.lastOf(task);
  }

  onArrivals(listener: (arrivals: readonly Arrival[]) => void): () => void {
    this.arrivalListeners.add(listener);
    return () => this.arrivalListeners.delete(listener);
  }

  onPresence(listener: () => void): () => void {
    this.presenceListeners.add(listener);
    return () => this.presenceListeners.delete(listener);
  }

  watch(topic: '*' | OpId, listener: (glimpse: Glimpse) => void): () => void {
    return this.parts.glimpses.watch(topic, listener);
  }

  watchScreen(agent: OpId, listener: (screen: AgentScreen) => void): () => void {
    return this.parts.glimpses.watchScreen(agent, listener);
  }

  signal: Signals['signal'] = (text) => this.parts.glimpses.signal(text);
  onSignal: Signals['onSignal'] = (listener) => this.parts.glimpses.onSignal(listener);

  attemptBearer(token: string) {
    return this.parts.toolDesk.bearer(token);
  }

  hookBearer(token: string) {
    return this.parts.terminals.hookBearer(token);
  }

  joinCode = (): string => this.parts.joinCode();

  backup(target: string) {
    return this.parts.backups.plan(target);
  }

  // ------------------------------------------------------------ for the host

  arrived(arrivals: readonly Arrival[]): void {
    for (const listener of this.arrivalListeners) listener(arrivals);
  }

  presenceChanged(): void {
    for (const listener of this.presenceListeners) listener();
  }
}
