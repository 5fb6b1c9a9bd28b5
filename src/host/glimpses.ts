/**
 * Glimpses of work in progress: made where an attempt runs, sent only to nodes that have a watcher, lost when nobody looks. Interest lapses
 * after 30 s and is renewed every 10 s while somebody listens here.
 */
import type { NodeId, OpId } from '#core/brand.ts';
import type { AgentScreen } from '#core/agent-terminal.ts';
import type { AgentScreenFrame, Frame, TaskUpdate, Watch } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Glimpse } from '#core/glimpse.ts';
import { SIGNAL_MAX_CHARS } from '#core/signals.ts';
import type { Transport } from '#ports.ts';

/** Whoever has a hub watches this. */
const HUB = 'hub';
const RENEW_MS = 10_000;
const LAPSE_MS = 30_000;
/** Glimpses of one attempt are so far apart, at least: a person reads no faster. */
const APART_MS = 125;
/** The first after a silence leaves so soon: what an agent says in one breath goes together. */
const SOON_MS = 5;
/** Output of one glimpse; what an agent printed beyond it is in the output itself. */
const OUTPUT_MAX_CHARS = 32_768;
/** As many as the frame takes: one more would be a malformed frame, and end every link. Who watches more tasks sees the progress of all. */
const TOPICS_MAX = 256;
/** Tasks whose last glimpse is remembered. */
const REMEMBERED_MAX = 2_000;

type Listener = (glimpse: Glimpse) => void;
type SignalListener = (from: NodeId, text: string) => void;
type ScreenListener = (screen: AgentScreen) => void;
type Pending = Glimpse & { timer: NodeJS.Timeout };

export class Glimpses {
  private readonly send: (to: readonly NodeId[], frame: Frame) => void;
  private readonly links: () => readonly NodeId[];
  private readonly listeners = new Map<string, Set<Listener>>();
  private readonly screenListeners = new Map<OpId, Set<ScreenListener>>();
  private readonly signalListeners = new Map<typeof HUB, Set<SignalListener>>();
  private readonly interest = new Map<NodeId, { topics: ReadonlySet<string>; untilMs: number }>();
  private readonly last = new Map<OpId, Glimpse>();
  private readonly pending = new Map<OpId, Pending>();
  /** Before then no further glimpse of the task leaves. */
  private readonly notBefore = new Map<OpId, number>();
  private renewal: NodeJS.Timeout | undefined;

  constructor(transport: Pick<Transport, 'send' | 'links'>) {
    this.send = (to, frame) => void transport.send(to, frame);
    this.links = () => transport.links().map((link) => link.node);
  }

  lastOf(task: OpId): Glimpse | undefined {
    return this.last.get(task);
  }

  /** Listens to all tasks (`*`: progress) or to one (with output) until the returned function is called. */
  watch(topic: '*' | OpId, listener: Listener): () => void {
    return this.listen(this.listeners, topic, listener);
  }

  /** Listens to the terminal of an agent until the returned function is called. */
  watchScreen(agent: OpId, listener: ScreenListener): () => void {
    return this.listen(this.screenListeners, agent, listener);
  }

  /** Listens to what hubs of other nodes tell in passing. */
  onSignal(listener: SignalListener): () => void {
    return this.listen(this.signalListeners, HUB, listener);
  }

  signal(say: () => string): boolean {
    const watchers = this.watching(HUB);
    if (watchers.length === 0) return true;
    const text = say();
    if (text.length > SIGNAL_MAX_CHARS) return false;
    this.send(watchers, { type: FRAME.signal, text });
    return true;
  }

  private listen<T extends string, L>(all: Map<T, Set<L>>, topic: T, listener: L): () => void {
    const listeners = all.get(topic) ?? new Set();
    listeners.add(listener);
    all.set(topic, listeners);
    this.sayInterest(this.links());
    this.renewal ??= setInterval(() => this.sayInterest(this.links()), RENEW_MS).unref();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) all.delete(topic);
      if (this.topics().length > 0) return;
      clearInterval(this.renewal);
      this.renewal = undefined;
      // Nobody looks any more: the others need not wait for it to lapse.
      this.tell(this.links(), []);
    };
  }

  /** A node that was just linked learns at once what is watched here. */
  onLinkUp(node: NodeId): void {
    this.sayInterest([node]);
  }

  /** A frame that only watchers care for. */
  onFrame(from: NodeId, frame: Frame): void {
    if (frame.type === FRAME.taskUpdate) this.onUpdate(frame);
    if (frame.type === FRAME.watch) this.onWatch(from, frame);
    if (frame.type === FRAME.signal)
      for (const listener of this.signalListeners.get(HUB) ?? []) listener(from, frame.text);
    if (frame.type === FRAME.agentScreen) this.deliverScreen(frame.agent_id, screenOf(frame));
  }

  private onWatch(from: NodeId, frame: Watch): void {
    this.interest.set(from, { topics: new Set(frame.topics), untilMs: performance.now() + LAPSE_MS });
  }

  private onUpdate(frame: TaskUpdate): void {
    this.deliver({
      task: frame.task_id,
      agent: frame.agent_id,
      attempt: frame.attempt,
      status: frame.status,
      progress: frame.progress,
      output: frame.output,
      transcript: frame.transcript,
    });
  }

  /** What an attempt of this node just did. It leaves at once after a silence, else {@link APART_MS} after the one before; in between, output adds up. */
  make(glimpse: Glimpse): void {
    const held = this.pending.get(glimpse.task);
    if (held !== undefined) {
      const output = ((held.output ?? '') + (glimpse.output ?? '')).slice(-OUTPUT_MAX_CHARS);
      Object.assign(held, glimpse, { output: output === '' ? undefined : output });
      return;
    }
    const waitMs = Math.max((this.notBefore.get(glimpse.task) ?? 0) - performance.now(), SOON_MS);
    const timer = setTimeout(() => this.flush(glimpse.task), waitMs).unref();
    this.pending.set(glimpse.task, { ...glimpse, timer });
  }

  /** Whether anybody looks at the terminal of this agent, here or elsewhere. */
  isWatched(agent: OpId): boolean {
    return this.screenListeners.has(agent) || this.watching(agent).length > 0;
  }

  /** What the terminal of an agent of this node shows now, for whoever looks. */
  show(agent: OpId, screen: AgentScreen): void {
    this.deliverScreen(agent, screen);
    const { text, columns, rows, cursor } = screen;
    const place: [number, number] | null = cursor === null ? null : [cursor[0], cursor[1]];
    const frame = { type: FRAME.agentScreen, agent_id: agent, text, columns, rows, cursor: place };
    const watchers = this.watching(agent);
    if (watchers.length > 0) this.send(watchers, frame);
  }

  private deliverScreen(agent: OpId, screen: AgentScreen): void {
    for (const listener of this.screenListeners.get(agent) ?? []) listener(screen);
  }

  /** The attempt ended: what is pending leaves now. */
  flush(task: OpId): void {
    const held = this.pending.get(task);
    if (held === undefined) return;
    this.pending.delete(task);
    this.notBefore.set(task, performance.now() + APART_MS);
    const { timer, ...glimpse } = held;
    clearTimeout(timer);
    this.deliver(glimpse);
    const watchers = this.watchersOf(task);
    if (watchers.progress.length > 0) this.send(watchers.progress, frameOf({ ...glimpse, output: undefined }));
    if (watchers.output.length > 0) this.send(watchers.output, frameOf(glimpse));
  }

  forget(task: OpId): void {
    this.last.delete(task);
    this.notBefore.delete(task);
  }

  close(): void {
    clearInterval(this.renewal);
    for (const { timer } of this.pending.values()) clearTimeout(timer);
    this.pending.clear();
    this.listeners.clear();
    this.screenListeners.clear();
    this.signalListeners.clear();
  }

  private watchersOf(task: OpId): { progress: NodeId[]; output: NodeId[] } {
    const output = this.watching(task);
    return { progress: this.watching('*').filter((node) => !output.includes(node)), output };
  }

  /** Other nodes that said so lately. */
  private watching(topic: string): NodeId[] {
    if (this.interest.size === 0) return [];
    const now = performance.now();
    for (const [node, one] of this.interest) if (one.untilMs <= now) this.interest.delete(node);
    return [...this.interest].flatMap(([node, one]) => (one.topics.has(topic) ? [node] : []));
  }

  private topics(): string[] {
    return [...this.listeners.keys(), ...this.screenListeners.keys(), ...this.signalListeners.keys()];
  }

  private deliver(glimpse: Glimpse): void {
    this.last.delete(glimpse.task);
    this.last.set(glimpse.task, { ...glimpse, output: undefined });
    if (this.last.size > REMEMBERED_MAX) for (const [oldest] of this.last.entries().take(1)) this.last.delete(oldest);
    for (const listener of this.listeners.get(glimpse.task) ?? []) listener(glimpse);
    for (const listener of this.listeners.get('*') ?? []) listener({ ...glimpse, output: undefined });
  }

  private sayInterest(to: readonly NodeId[]): void {
    const topics = this.topics();
    if (topics.length === 0) return;
    const all = topics.length > TOPICS_MAX ? new Set(['*', ...topics]) : topics;
    this.tell(to, [...all].slice(0, TOPICS_MAX));
  }

  private tell(to: readonly NodeId[], topics: string[]): void {
    if (to.length > 0) this.send(to, { type: FRAME.watch, topics });
  }
}

const screenOf = ({ text, columns, rows, cursor }: AgentScreenFrame): AgentScreen => ({ text, columns, rows, cursor });

const frameOf = (glimpse: Glimpse): TaskUpdate => ({
  type: FRAME.taskUpdate,
  task_id: glimpse.task,
  agent_id: glimpse.agent,
  attempt: glimpse.attempt,
  status: glimpse.status,
  progress: glimpse.progress,
  ...(glimpse.output === undefined ? {} : { output: glimpse.output }),
  ...(glimpse.transcript === undefined ? {} : { transcript: glimpse.transcript }),
});
