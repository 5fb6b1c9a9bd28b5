/** A node as doors see it, over the store in memory: real ops, real folds, and knobs for all that the doors only pass on. */
import { createHash, randomBytes } from 'node:crypto';
import type { AgentPlace, AgentScreen, AgentWanted } from '#core/agent-terminal.ts';
import type { BootStanding } from '#core/boot-check.ts';
import type { Hash, NodeId, OpId, Principal } from '#core/brand.ts';
import { hashOf, nodeIdOf, nodePrincipal } from '#core/brand.ts';
import { buildOp, EMPTY_HEAD, signOp } from '#core/chain.ts';
import type { Crypto } from '#core/crypto.ts';
import type { Draft, Op } from '#core/op.ts';
import type { EndValue } from '#core/schema/body.ts';
import type { MemberState } from '#core/schema/frame.ts';
import type { LongText } from '#core/schema/ids.ts';
import { BLOB_ABOVE_BYTES } from '#core/schema/ids.ts';
import type { Refusal } from '#core/refusal.ts';
import type { AttemptBearer, HookBearer } from '#agent-ports.ts';
import type { Tally } from '#core/tally.ts';
import type { Glimpse } from '#core/glimpse.ts';
import type { Arrival, LinkInfo, NodeInfo, OpStore, Presence, SwarmNode } from '#ports.ts';
import { refusal } from '#core/refusal.ts';
import { MemoryStore } from '#store/memory.ts';
import { fakeBoxing } from './fake-boxing.ts';
import { fakeMail } from './fake-mail.ts';
import { FakeSignals } from './fake-signals.ts';
import { fakeFiles, fakeMarket } from './fake-market.ts';

export const SELF = nodeIdOf('a'.repeat(32));
export const OTHER = nodeIdOf('b'.repeat(32));

export const sha256 = (text: string): Hash => hashOf(createHash('sha256').update(text).digest('hex'));

export const crypto: Crypto = {
  sha256,
  byteLength: (text) => Buffer.byteLength(text),
  sign: () => 'sig',
  verify: () => true,
  nodeIdOfKey: (key) => nodeIdOf(sha256(key).slice(0, 32)),
};

type Knobs = Partial<
  Pick<
    SwarmNode,
    | 'cancelTask'
    | 'taskOutput'
    | 'taskDiff'
    | 'taskFetch'
    | 'checkOrigin'
    | 'taskMerge'
    | 'agentOutput'
    | 'agentSend'
    | 'agentInterrupt'
    | 'agentSteer'
    | 'agentRestart'
    | 'agentScreen'
    | 'agentType'
    | 'agentExplain'
    | 'agentAttach'
    | 'agentPlace'
    | 'backup'
    | 'approvalAnswer'
  >
> & { appendRefusal?: Refusal; tools?: string[] };

export class FakeNode extends FakeSignals implements SwarmNode {
  readonly info: NodeInfo;
  readonly store: OpStore = new MemoryStore({ crypto });
  readonly knobs: Knobs = {};
  readonly boxing = fakeBoxing;
  readonly messages = fakeMail(this);
  readonly market = fakeMarket(this);
  readonly files = fakeFiles();
  readonly presences = new Map<NodeId, Presence>();
  linked: LinkInfo[] = [];
  readonly tally = new Map<NodeId, Tally>();
  bootStanding: BootStanding = { state: 'passed', answered: 0, needed: 1, awaited: [] };
  /** By their secrets. */
  readonly bearers = new Map<string, AttemptBearer | Refusal>();
  readonly hooks = new Map<string, HookBearer>();
  readonly members = new Map<NodeId, MemberState>();
  readonly glimpses = new Map<OpId, Glimpse>();
  /** Wall time of what is appended; tests set it. */
  wallMs = Date.UTC(2026, 1, 12, 10, 0, 0);
  private readonly blobs = new Map<Hash, string>();
  private readonly arrivalListeners = new Set<(arrivals: readonly Arrival[]) => void>();
  private readonly presenceListeners = new Set<() => void>();
  readonly screenWatchers = new Set<(agent: OpId, screen: AgentScreen) => void>();
  private readonly watchers = new Map<string, Set<(glimpse: Glimpse) => void>>();
  private readonly logs = new Map<NodeId, { seq: number; hash: Hash }>();
  private lamport = 0;

  constructor(info: Partial<NodeInfo> = {}) {
    super(info.self ?? SELF);
    this.info = {
      self: SELF,
      name: 'hive',
      role: 'emperor',
      version: '0.1.0',
      startedMs: this.wallMs,
      httpPort: 9090,
      p2pPort: 7101,
      dataDir: '/data',
      sealAfter: 1_000,
      ...info,
    };
  }

  now = (): number => this.wallMs;

  standings(): ReadonlyMap<NodeId, MemberState> {
    return new Map([...this.linked.map(({ node }) => [node, 'alive'] as const), ...this.members]);
  }

  async append(drafts: readonly Draft[]): Promise<readonly Arrival[] | Refusal> {
    if (this.knobs.appendRefusal !== undefined) return this.knobs.appendRefusal;
    return this.commit(this.info.self, drafts);
  }

  /** Ops of any node, as if they had come over the mesh. */
  async commit(node: NodeId, drafts: readonly Draft[]): Promise<readonly Arrival[]> {
    const ops = drafts.map((draft) => this.build(node, draft));
    const arrivals = await this.store.commit({ ops, rows: [] });
    for (const listener of this.arrivalListeners) listener(arrivals);
    return arrivals;
  }

  private build(node: NodeId, draft: Draft): Op {
    const head = this.logs.get(node) ?? EMPTY_HEAD;
    this.lamport += 1;
    const op = buildOp({ draft, node, head, lamport: this.lamport, wallMs: this.wallMs, crypto });
    if (op === 'tooLarge') throw new Error('the test wrote an op that is too large');
    this.logs.set(node, { seq: op.header.seq, hash: op.hash });
    return signOp(op, crypto);
  }

  async register(node: NodeId, name: string): Promise<void> {
    const body = {
      type: 'node.registered' as const,
      publicKey: 'key',
      name,
      addresses: [`${name}:7101`],
      version: '0.1.0',
    };
    await this.commit(node, [{ entity: undefined, by: nodePrincipal(node), body }]);
  }

  /** Takes a task through grant and start on behalf of an agent. */
  async start(task: OpId, agent: OpId, node: NodeId = SELF): Promise<void> {
    const by = nodePrincipal(node);
    const [claim] = await this.commit(node, [{ entity: task, by, body: { type: 'task.claimed', slot: 1, agent } }]);
    if (claim === undefined) throw new Error('no claim');
    const value = { kind: 'granted' as const, attempt: 1, claim: agent, node, agent };
    await this.commit(SELF, [
      { entity: task, by: nodePrincipal(SELF), body: { type: 'task.granted', slot: 1, value } },
    ]);
    await this.commit(node, [{ entity: task, by, body: { type: 'task.started', slot: 1 } }]);
  }

  async end(task: OpId, value: Partial<EndValue>, slot = 2): Promise<void> {
    const whole: EndValue = {
      kind: 'completed',
      attempt: 1,
      reason: null,
      result: null,
      error: null,
      work: null,
      by: null,
      ...value,
    };
    await this.commit(SELF, [
      { entity: task, by: nodePrincipal(SELF), body: { type: 'task.ended', slot, value: whole } },
    ]);
  }

  async stash(text: string): Promise<LongText> {
    if (Buffer.byteLength(text) <= BLOB_ABOVE_BYTES) return text;
    const blob = sha256(text);
    this.blobs.set(blob, text);
    return { blob, sizeBytes: Buffer.byteLength(text), head: text.slice(0, 2048) };
  }

  async unstash(text: LongText): Promise<string> {
    return typeof text === 'string' ? text : (this.blobs.get(text.blob) ?? `${text.head} … (the rest is away)`);
  }

  standing = (): BootStanding => this.bootStanding;

  votersForNewTask(): NodeId[] {
    return [this.info.self];
  }

  async cancelTask(task: OpId, by: Principal): Promise<'cancelled' | Refusal> {
    if (this.knobs.cancelTask !== undefined) return this.knobs.cancelTask(task, by);
    if (Object.keys(this.store.get('task', task)?.ends ?? {}).length > 0) return refusal('conflict', 'over');
    await this.end(task, { kind: 'cancelled', attempt: 0, reason: 'cancelled', by }, 1);
    return 'cancelled';
  }

  taskOutput: SwarmNode['taskOutput'] = async (task, lines) =>
    this.knobs.taskOutput?.(task, lines) ?? refusal('not_found', 'no output yet');
  taskDiff: SwarmNode['taskDiff'] = async (task, format) =>
    this.knobs.taskDiff?.(task, format) ?? refusal('no_work', 'nothing was delivered');
  taskFetch: SwarmNode['taskFetch'] = async (task, repository) =>
    this.knobs.taskFetch?.(task, repository) ?? refusal('no_work', 'nothing was delivered');
  checkOrigin: SwarmNode['checkOrigin'] = async (origin) => this.knobs.checkOrigin?.(origin);
  taskMerge: SwarmNode['taskMerge'] = async (task, by, into) =>
    this.knobs.taskMerge?.(task, by, into) ?? refusal('no_work', 'nothing was delivered');
  agentOutput: SwarmNode['agentOutput'] = async (agent, lines) =>
    this.knobs.agentOutput?.(agent, lines) ?? { status: 'idle', output: '' };
  agentSend: SwarmNode['agentSend'] = async (agent, text) => this.knobs.agentSend?.(agent, text) ?? { sent: true };
  agentInterrupt: SwarmNode['agentInterrupt'] = async (agent) => this.knobs.agentInterrupt?.(agent) ?? { done: true };
  agentSteer: SwarmNode['agentSteer'] = async (agent, text) => this.knobs.agentSteer?.(agent, text) ?? { done: true };
  agentRestart: SwarmNode['agentRestart'] = async (agent) => this.knobs.agentRestart?.(agent) ?? { done: true };
  taskTranscript: SwarmNode['taskTranscript'] = async () => refusal('no_work', 'no transcript is kept of it');
  openConversation: SwarmNode['openConversation'] = async () => refusal('no_work', 'its tool named no conversation');
  agentTranscript: SwarmNode['agentTranscript'] = async () => refusal('no_work', 'no transcript is kept of it');
  agentTurns: SwarmNode['agentTurns'] = async () => refusal('conflict', 'this agent takes tasks');
  agentScreen: SwarmNode['agentScreen'] = async (agent) =>
    this.knobs.agentScreen?.(agent) ?? refusal('not_supported', 'this agent has no terminal');
  agentType: SwarmNode['agentType'] = async (agent, typed) => this.knobs.agentType?.(agent, typed) ?? { typed: true };
  watchScreen: SwarmNode['watchScreen'] = (agent, listener) => {
    const one = (about: OpId, screen: AgentScreen): void => (about === agent ? listener(screen) : undefined);
    this.screenWatchers.add(one);
    return () => this.screenWatchers.delete(one);
  };
  agentExplain: SwarmNode['agentExplain'] = async (agent) =>
    this.knobs.agentExplain?.(agent) ?? refusal('not_found', 'Agent not found');
  agentAttach: SwarmNode['agentAttach'] = async (agent) =>
    this.knobs.agentAttach?.(agent) ?? refusal('not_supported', 'this agent has no terminal');
  agentPlace: SwarmNode['agentPlace'] = async (wanted) => this.knobs.agentPlace?.(wanted) ?? this.placeOf(wanted);

  /** Without terminals: whatever has no driver is refused. */
  private placeOf({ tool, tmuxSessionId }: AgentWanted): AgentPlace | Refusal {
    if (this.tools().includes(tool)) return { tmuxSessionId, sessionOwned: false };
    return refusal('driver_unavailable', `this node cannot run ${tool}`, {
      expected: this.tools().join(' | '),
      got: tool,
    });
  }

  approvalAnswer: SwarmNode['approvalAnswer'] = async (answer) =>
    this.knobs.approvalAnswer?.(answer) ?? refusal('home_unreachable', 'its node is away');

  tools(): readonly string[] {
    return this.knobs.tools ?? ['shell'];
  }

  presence = (): ReadonlyMap<NodeId, Presence> => this.presences;

  /** What a node says of itself now. */
  say(node: NodeId, agents: Presence['agents'], o: { heardMs?: number; links?: NodeId[] } = {}): void {
    this.presences.set(node, { node, heardMs: o.heardMs ?? this.wallMs, links: o.links ?? [], agents });
    for (const listener of this.presenceListeners) listener();
  }

  tallies = (): ReadonlyMap<NodeId, Tally> => this.tally;

  links(): readonly LinkInfo[] {
    return this.linked;
  }

  glimpse(task: OpId): Glimpse | undefined {
    return this.glimpses.get(task);
  }

  show(glimpse: Glimpse): void {
    this.glimpses.set(glimpse.task, glimpse);
    for (const topic of ['*', glimpse.task]) for (const listener of this.watchers.get(topic) ?? []) listener(glimpse);
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
    const held = this.watchers.get(topic) ?? new Set();
    this.watchers.set(topic, held.add(listener));
    return () => held.delete(listener);
  }

  /** How many listen: nobody may while there are no clients. */
  listeners(): { arrivals: number; presence: number; watchers: number } {
    const watchers = [...this.watchers.values()].reduce((sum, held) => sum + held.size, 0);
    return { arrivals: this.arrivalListeners.size, presence: this.presenceListeners.size, watchers };
  }

  backup: SwarmNode['backup'] = async (target) =>
    this.knobs.backup?.(target) ?? refusal('conflict', 'there is something already');

  attemptBearer: SwarmNode['attemptBearer'] = (token) => this.bearers.get(token);
  hookBearer: SwarmNode['hookBearer'] = (token) => this.hooks.get(token);

  joinCode(): string {
    return `skep-join-${randomBytes(4).toString('hex')}`;
  }
}
