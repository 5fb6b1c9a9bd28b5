/** What may happen to the lab: each fault begins, lasts for a while, and is undone. One seed draws one sequence of them. */
import { z } from 'zod';
import type { Random } from '#sim/random.ts';
import { canSlowDisks } from './disk.ts';
import type { LabSwarm } from './lab-swarm.ts';
import type { Rule } from './lab.ts';
import { isStopped } from './lab.ts';
import type { LabNode } from './node.ts';
import { canSkewClocks } from './node.ts';

/** A fault that has begun. `bit`, asked just before it is undone: it was felt. */
export type Fault = { what: string; lastsMs: number; bit: () => Promise<boolean>; undo: () => Promise<void> };

type Maker = () => Promise<Fault | undefined>;

/** A wait of the disk that everybody notices: a vote has given up its round by then. */
const FSYNC_MS = 1_000;
/** Beyond the lease of the storms, so that somebody else is given the work. */
const LONG_MS = 35_000;
const CLOCKS = ['+3600s', '-3600s', '+90000s', '-90000s', '+30s', '-30s'];

export class Faults {
  readonly #swarm: LabSwarm;
  readonly #random: Random;
  /** Nodes whose process has a fault already: two at once say nothing about either. */
  readonly #taken = new Set<LabNode>();
  /** Their disk is full: they may end by themselves. */
  readonly #mayDie = new Set<LabNode>();
  readonly #makers: ReadonlyMap<string, Maker>;
  #deck: string[] = [];
  #rules = 0;

  constructor(swarm: LabSwarm, random: Random) {
    this.#swarm = swarm;
    this.#random = random;
    const disks = canSlowDisks() ? [['slow fsync', () => this.#slowDisk()] as const] : [];
    const clocks = canSkewClocks() ? [['clock', () => this.#clock()] as const] : [];
    this.#makers = new Map<string, Maker>([
      ['partition', () => this.#partition()],
      ['isolation', () => this.#isolation()],
      ['one-way cut', () => this.#oneWay()],
      ['mute node', () => this.#mute()],
      ['loss', () => this.#loss()],
      ['node killed', () => this.#kill()],
      ['machine crash', () => this.#crash()],
      ['node restarted', () => this.#restart()],
      ['node paused', () => this.#pause()],
      ['holder killed', () => this.#killHolder()],
      ['holder paused', () => this.#pauseHolder()],
      ['disk full', () => this.#fillDisk()],
      ...disks,
      ...clocks,
    ]);
  }

  /** Names of all faults that can be had on this machine. */
  get kinds(): string[] {
    return [...this.#makers.keys()];
  }

  /** Why some faults cannot be had here, in words. */
  get missing(): string[] {
    return [
      ...(canSlowDisks() ? [] : ['slow fsync: strace is not installed']),
      ...(canSkewClocks() ? [] : ['clock: libfaketime is not installed']),
    ];
  }

  mayDie(node: LabNode): boolean {
    return this.#mayDie.has(node);
  }

  /** The next fault of the deck; all kinds come up before any comes again. Undefined when it finds nothing to bite now. */
  async begin(): Promise<{ kind: string; fault: Fault } | undefined> {
    if (this.#deck.length === 0) this.#deck = this.#shuffled(this.kinds);
    const kind = this.#deck.pop() ?? '';
    const fault = await this.#makers.get(kind)?.();
    // It comes up again later: nobody could be hit just now.
    if (fault === undefined) this.#deck.unshift(kind);
    return fault === undefined ? undefined : { kind, fault };
  }

  #partition(): Promise<Fault> {
    const hosts = this.#shuffled(this.#swarm.lab.hosts.map(({ number }) => number));
    const left = hosts.slice(0, this.#random.between(2, hosts.length - 2));
    const right = hosts.filter((host) => !left.includes(host));
    return this.#rule(`${left.join(' ')} | ${right.join(' ')}`, { kind: 'partition', left, right });
  }

  #isolation(): Promise<Fault> {
    const { left, right } = this.#oneAndOthers();
    return this.#rule(`${left.join()} alone`, { kind: 'partition', left, right });
  }

  #oneWay(): Promise<Fault> {
    const [from = 1, to = 2] = this.#shuffled(this.#swarm.nodes.map(({ host }) => host.number));
    return this.#rule(`${from} to ${to}`, { kind: 'oneWay', from: [from], to: [to] });
  }

  /** It hears everybody and is heard by nobody. */
  #mute(): Promise<Fault> {
    const { left, right } = this.#oneAndOthers();
    return this.#rule(`${left.join()} to all`, { kind: 'oneWay', from: left, to: right });
  }

  #loss(): Promise<Fault> {
    const host = this.#random.pick(this.#swarm.nodes)?.host.number ?? 1;
    return this.#rule(`30 % at ${host}`, { kind: 'loss', host, percent: 30 });
  }

  #oneAndOthers(): { left: number[]; right: number[] } {
    const one = this.#random.pick(this.#swarm.nodes)?.host.number ?? 1;
    const hosts = this.#swarm.lab.hosts.map(({ number }) => number);
    return { left: [one], right: hosts.filter((host) => host !== one) };
  }

  async #rule(what: string, rule: Rule): Promise<Fault> {
    const { lab } = this.#swarm;
    const name = `rule ${(this.#rules += 1)}`;
    await lab.setRule(name, rule);
    return {
      what,
      lastsMs: this.#random.between(2_000, 15_000),
      bit: async () => (await lab.dropped(name)) > 0,
      undo: () => lab.setRule(name, undefined),
    };
  }

  #kill(): Promise<Fault | undefined> {
    return this.#onNode({
      lastsMs: this.#shortMs(),
      act: (node) => node.kill(),
      bit: async (node) => !node.isUp,
      undo: (node) => node.start(),
    });
  }

  #crash(): Promise<Fault | undefined> {
    return this.#onNode({
      lastsMs: this.#shortMs(),
      act: (node) => node.crash(),
      bit: async (node) => !node.isUp && node.host.pids().length === 0,
      undo: (node) => node.start(),
    });
  }

  #restart(): Promise<Fault | undefined> {
    return this.#onNode({
      lastsMs: 0,
      act: (node) => node.stop(),
      bit: async (node) => !node.isUp && !node.hasWork(),
      undo: (node) => node.start(),
    });
  }

  #pause(): Promise<Fault | undefined> {
    return this.#onNode({
      lastsMs: this.#random.chance(0.25) ? LONG_MS : this.#shortMs(),
      act: async (node) => node.pause(),
      bit: async (node) => isStopped(node.pid),
      undo: async (node) => node.resume(),
    });
  }

  #killHolder(): Promise<Fault | undefined> {
    let killed = false;
    return this.#onNode({
      lastsMs: 0,
      among: hasHolder,
      act: async (node) => {
        killed = node.signalHolder('SIGKILL');
      },
      bit: async () => killed,
      undo: async () => undefined,
    });
  }

  #pauseHolder(): Promise<Fault | undefined> {
    return this.#onNode({
      lastsMs: this.#random.chance(0.25) ? LONG_MS : this.#shortMs(),
      among: hasHolder,
      act: async (node) => node.signalHolder('SIGSTOP'),
      bit: async (node) => isStopped(node.holderPid()),
      undo: async (node) => node.signalHolder('SIGCONT'),
    });
  }

  #fillDisk(): Promise<Fault | undefined> {
    return this.#onNode({
      lastsMs: this.#shortMs(),
      among: (node) => node.hasDisk,
      act: async (node) => {
        this.#mayDie.add(node);
        await node.disk.fill();
      },
      bit: async (node) => node.disk.isFull(),
      undo: async (node) => {
        node.disk.free();
        // A node whose disk is full stops by itself, or has not noticed. One that is about to must not be taken for dead of something else.
        await node.kill();
        this.#mayDie.delete(node);
        await node.start();
      },
    });
  }

  #slowDisk(): Promise<Fault | undefined> {
    return this.#onNode({
      lastsMs: this.#shortMs(),
      act: async (node) => node.slowDisk(FSYNC_MS),
      bit: async (node) => node.disk.slowedSyncs() > 0,
      undo: (node) => node.disk.quicken(),
    });
  }

  #clock(): Promise<Fault | undefined> {
    const offset = this.#random.pick(CLOCKS) ?? '+0';
    let before: Uptime | undefined;
    return this.#onNode({
      lastsMs: this.#shortMs(),
      among: (node) => node.hasClock,
      what: offset,
      act: async (node) => {
        before = await uptimeOf(node);
        node.setClock(offset);
      },
      bit: async (node) => hasJumped(before, await uptimeOf(node)),
      undo: async (node) => node.setClock('+0'),
    });
  }

  /** Does it to a node that runs and has no other fault. */
  async #onNode(o: {
    lastsMs: number;
    among?: (node: LabNode) => boolean;
    what?: string;
    act: (node: LabNode) => Promise<unknown>;
    bit: (node: LabNode) => Promise<boolean>;
    undo: (node: LabNode) => Promise<unknown>;
  }): Promise<Fault | undefined> {
    const free = this.#swarm.nodes.filter((one) => one.isUp && !this.#taken.has(one) && (o.among?.(one) ?? true));
    const node = this.#random.pick(free);
    if (node === undefined) return undefined;
    this.#taken.add(node);
    await o.act(node);
    const undo = async (): Promise<void> => {
      await o.undo(node);
      this.#taken.delete(node);
    };
    const what = [node.name, o.what].filter((word) => word !== undefined).join(' ');
    return { what, lastsMs: o.lastsMs, bit: () => o.bit(node), undo };
  }

  #shortMs(): number {
    return this.#random.between(500, 10_000);
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const ranked = items.map((item) => ({ item, rank: this.#random.unit() }));
    return ranked.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item);
  }
}

/** What a node says of its own age, by its wall clock, and when it said so. */
type Uptime = { seconds: number; atMs: number };

/** More than any answer takes, and less than any jump. */
const JUMP_MIN_SECONDS = 10;

async function uptimeOf(node: LabNode): Promise<Uptime | undefined> {
  try {
    const { uptime } = z.object({ uptime: z.number() }).parse(await node.get('/api/swarm/status'));
    return { seconds: uptime, atMs: performance.now() };
  } catch {
    // It does not answer just now.
    return undefined;
  }
}

function hasJumped(before: Uptime | undefined, after: Uptime | undefined): boolean {
  if (before === undefined || after === undefined) return false;
  const passed = (after.atMs - before.atMs) / 1000;
  return Math.abs(after.seconds - before.seconds - passed) > JUMP_MIN_SECONDS;
}

const hasHolder = (node: LabNode): boolean => node.holderPid() !== undefined;
