/**
 * lin-kv over the slot register. Each node is home of one register: a chain of optimistic tasks (its segments), whose attempts nobody works and whose
 * ends their voters decide one after the other; the result of such an end is a list of commands. A key belongs to one register, by rendezvous hash.
 * 1. The node that a client asked calls the register's home. 2. Home proposes all that waits as the next end. 3. Its decision comes to every node as an
 * op; the asked one carries it out and answers. Where home is silent the asked node proposes itself: what is decided twice is carried out once.
 */
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { Clock, NodeCore } from '#core/node.ts';
import type { Op } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { BodyOf, EndValue } from '#core/schema/body.ts';
import type { CallFrame } from '#core/schema/frame.ts';
import { parseJson } from '#core/schema/header.ts';
import type { TaskRow } from '#core/view/task.ts';
import type { Command, Outcome } from './fold.ts';
import { commandSchema, KeyValues } from './fold.ts';

/** Attempts of a task: the most that the schema allows. */
const SEGMENT_SLOTS = 20;
/** Segments that home makes beforehand, so that a register goes on for a while without it. */
const SEGMENTS_AHEAD = 3;
/** Home has so long to get a command decided before the asked node proposes it itself. Some rounds of votes on slow links. */
const HOME_MS = 2_000;
/** After this nobody waits for an answer any more. */
const GIVE_UP_MS = 10_000;
/** Commands decided by one end: with values of some bytes far below the limit of an op. */
const BATCH_MAX = 64;
/** Commands that wait at one register: beyond it they are refused. */
const WAITING_MAX = 10_000;
const METHOD = 'maelstrom.command';

export type KvOptions = {
  /** Maelstrom's names of all nodes, and of this one. */
  names: readonly string[];
  self: string;
  node: NodeId;
  core: Pick<NodeCore, 'append' | 'attemptEnded' | 'call' | 'reply' | 'votersForNewTask'>;
  sha256: (text: string) => string;
  task: (id: OpId) => TaskRow | undefined;
  clock: () => Clock;
  later: (delayMs: number, run: () => void) => void;
  kick: () => void;
};

/** `at`: how many ends of it were carried out. `proposed`: that one was proposed from here. `made`: segments that home wrote. */
type Register = {
  name: string;
  segments: OpId[];
  made: number;
  at: number;
  proposed: number;
  state: KeyValues;
  waiting: Map<string, Command>;
};

type Done = (outcome: Outcome | 'unavailable') => void;

export class Kv {
  private readonly options: KvOptions;
  private readonly registers: ReadonlyMap<string, Register>;
  private readonly nodes = new Map<string, NodeId>();
  private readonly names = new Map<NodeId, string>();
  private readonly bySegment = new Map<OpId, Register>();
  private readonly asked = new Map<string, Done>();
  private next = 0;

  constructor(options: KvOptions) {
    this.options = options;
    const fresh = (name: string): Register => ({
      name,
      segments: [],
      made: 0,
      at: 0,
      proposed: -1,
      state: new KeyValues(),
      waiting: new Map(),
    });
    this.registers = new Map(options.names.map((name) => [name, fresh(name)]));
  }

  /** `done` runs at most once: where the answer comes too late for anybody it does not. `unavailable`: nothing happened and nothing will. */
  ask(command: Command, done: Done): void {
    const register = this.registerOf(command.key);
    const home = register === undefined ? undefined : this.nodes.get(register.name);
    if (register === undefined || register.segments.length === 0 || home === undefined) return done('unavailable');
    this.asked.set(command.id, done);
    this.options.later(GIVE_UP_MS, () => this.forget(register, command));
    if (home === this.options.node) return void this.enqueue(register, command);
    this.options.core.call(
      {
        to: home,
        method: METHOD,
        params: command,
        deadlineMs: HOME_MS,
        done: (answer) => {
          if (!answer.ok && this.asked.has(command.id)) this.enqueue(register, command);
        },
      },
      this.options.clock(),
    );
    this.options.later(HOME_MS, () => {
      if (this.asked.has(command.id)) this.enqueue(register, command);
    });
    this.options.kick();
  }

  commandId(): string {
    return `${this.options.self}.${(this.next += 1)}`;
  }

  /** A call of another node: this one is home of the key. */
  serve(call: CallFrame): void {
    const command = commandSchema.safeParse(call.params);
    const register = command.success ? this.registerOf(command.data.key) : undefined;
    const taken = command.success && register !== undefined && this.enqueue(register, command.data);
    const answer = taken
      ? ({ ok: true, result: null } as const)
      : ({ ok: false, code: 'refused', message: `${call.method} was not taken` } as const);
    this.options.core.reply(call, answer, this.options.clock());
    this.options.kick();
  }

  /** Committed ops, in order of arrival. */
  onOps(ops: readonly Op[]): void {
    const touched = new Set<Register>();
    for (const op of ops) {
      const { body, header } = op;
      if (body.type === 'node.registered') {
        this.nodes.set(body.name, header.node);
        this.names.set(header.node, body.name);
      } else if (body.type === 'task.created') this.onSegment(op, body.title);
      else if (body.type === 'task.ended') {
        const register = this.bySegment.get(header.entity);
        if (register !== undefined) touched.add(register);
      }
    }
    for (const register of touched) {
      this.carryOut(register);
      this.look(register);
    }
    this.extend();
  }

  /** Home writes segments ahead of need, as soon as it knows enough voters. */
  extend(): void {
    const own = this.registers.get(this.options.self);
    if (own === undefined) return;
    const { core, names, node, clock, kick } = this.options;
    const wanted = Math.floor(own.at / SEGMENT_SLOTS) + SEGMENTS_AHEAD;
    const voters = own.made < wanted ? core.votersForNewTask() : [];
    if (voters.length < (names.length >= 5 ? 5 : names.length >= 3 ? 3 : 1)) return;
    for (; own.made < wanted; own.made += 1) {
      const body = segmentBody({ title: segmentTitle(own.made), createdBy: own.name, voters });
      core.append([{ entity: undefined, by: nodePrincipal(node), body }], clock());
    }
    kick();
  }

  private registerOf(key: unknown): Register | undefined {
    const text = canonicalJson(key);
    const { names, sha256 } = this.options;
    const ranked = names.map((name) => ({ name, weight: sha256(`${text} ${name}`) }));
    const [first] = ranked.toSorted((a, b) => (a.weight < b.weight ? -1 : 1));
    return first === undefined ? undefined : this.registers.get(first.name);
  }

  private onSegment(op: Op, title: string): void {
    const name = this.names.get(op.header.node);
    const register = name === undefined ? undefined : this.registers.get(name);
    if (register === undefined || title !== segmentTitle(register.segments.length)) return;
    register.segments.push(opId(op));
    this.bySegment.set(opId(op), register);
    this.look(register);
  }

  /** False, and nothing changed, where too many wait. */
  private enqueue(register: Register, command: Command): boolean {
    if (register.waiting.size >= WAITING_MAX) return false;
    if (!register.state.hasSeen(command)) register.waiting.set(command.id, command);
    this.look(register);
    return true;
  }

  /** Proposes what waits, unless that is under way. What loses against another proposal is proposed again for the next end. */
  private look(register: Register): void {
    const { waiting, at, segments } = register;
    const task = segments[Math.floor(at / SEGMENT_SLOTS)];
    if (waiting.size === 0 || register.proposed === at || task === undefined) return;
    register.proposed = at;
    const attempt = (at % SEGMENT_SLOTS) + 1;
    const commands = [...waiting.values()].slice(0, BATCH_MAX);
    this.options.core.attemptEnded({ task, attempt, value: endOf(attempt, commands) }, this.options.clock());
    this.options.kick();
  }

  private carryOut(register: Register): void {
    for (;;) {
      const task = register.segments[Math.floor(register.at / SEGMENT_SLOTS)];
      const slot = ((register.at % SEGMENT_SLOTS) + 1) * 2;
      const end = task === undefined ? undefined : this.options.task(task)?.ends[slot];
      if (end === undefined) return;
      register.at += 1;
      for (const command of commandsOf(end.value)) {
        const outcome = register.state.apply(command);
        register.waiting.delete(command.id);
        const done = this.asked.get(command.id);
        this.asked.delete(command.id);
        if (outcome !== undefined) done?.(outcome);
      }
    }
  }

  private forget(register: Register, command: Command): void {
    if (this.asked.delete(command.id)) register.waiting.delete(command.id);
  }
}

const segmentTitle = (index: number): string => `register ${index}`;

const segmentBody = (o: Pick<BodyOf<'task.created'>, 'title' | 'createdBy' | 'voters'>): BodyOf<'task.created'> => ({
  type: 'task.created',
  ...o,
  description: '',
  context: '',
  priority: 0,
  requiredCapabilities: ['maelstrom'],
  project: null,
  projectPath: null,
  base: null,
  dependsOn: [],
  attemptsMax: SEGMENT_SLOTS,
  timeLimitSeconds: null,
  claims: 'optimistic',
  alias: null,
  supersedes: null,
});

const endOf = (attempt: number, commands: readonly Command[]): EndValue => ({
  kind: 'released',
  attempt,
  reason: null,
  result: JSON.stringify(commands),
  error: null,
  work: null,
  by: null,
});

function commandsOf(value: EndValue): Command[] {
  const text = typeof value.result === 'string' ? value.result : '[]';
  const parsed = z.array(commandSchema).safeParse(parseJson(text));
  return parsed.success ? parsed.data : [];
}
