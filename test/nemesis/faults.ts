/** What may happen to the lab: each fault begins, lasts for a while, and is undone. One seed draws one sequence of them. */
import type { Random } from '#sim/random.ts';
import type { LabSwarm } from './lab-swarm.ts';
import type { Rule } from './lab.ts';
import type { LabNode } from './node.ts';
import { canSkewClocks, canSlowDisks } from './node.ts';

/** A fault that has begun. */
export type Fault = { what: string; lastsMs: number; undo: () => Promise<void> };

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
    return { what, lastsMs: this.#random.between(2_000, 15_000), undo: () => lab.setRule(name, undefined) };
  }

  #kill(): Promise<Fault | undefined> {
    return this.#onNode(
      { lastsMs: this.#shortMs() },
      (node) => node.kill(),
      (node) => node.start(),
    );
  }

  #crash(): Promise<Fault | undefined> {
    return this.#onNode(
      { lastsMs: this.#shortMs() },
      (node) => node.crash(),
      (node) => node.start(),
    );
  }

  #restart(): Promise<Fault | undefined> {
    return this.#onNode(
      { lastsMs: 0 },
      (node) => node.stop(),
      (node) => node.start(),
    );
  }

  #pause(): Promise<Fault | undefined> {
    const lastsMs = this.#random.chance(0.25) ? LONG_MS : this.#shortMs();
    return this.#onNode(
      { lastsMs },
      async (node) => node.pause(),
      async (node) => node.resume(),
    );
  }

  #killHolder(): Promise<Fault | undefined> {
    return this.#onNode({ lastsMs: 0, among: hasHolder }, async (node) => node.signalHolder('SIGKILL'));
  }

  #pauseHolder(): Promise<Fault | undefined> {
    const lastsMs = this.#random.chance(0.25) ? LONG_MS : this.#shortMs();
    return this.#onNode(
      { lastsMs, among: hasHolder },
      async (node) => node.signalHolder('SIGSTOP'),
      async (node) => node.signalHolder('SIGCONT'),
    );
  }

  #fillDisk(): Promise<Fault | undefined> {
    return this.#onNode(
      { lastsMs: this.#shortMs(), among: (node) => node.hasDisk },
      async (node) => {
        this.#mayDie.add(node);
        await node.fillDisk();
      },
      async (node) => {
        node.freeDisk();
        // A node whose disk is full stops by itself, or has not noticed. One that is about to must not be taken for dead of something else.
        await node.kill();
        this.#mayDie.delete(node);
        await node.start();
      },
    );
  }

  #slowDisk(): Promise<Fault | undefined> {
    return this.#onNode(
      { lastsMs: this.#shortMs() },
      async (node) => node.slowDisk(FSYNC_MS),
      (node) => node.quickenDisk(),
    );
  }

  #clock(): Promise<Fault | undefined> {
    const offset = this.#random.pick(CLOCKS) ?? '+0';
    return this.#onNode(
      { lastsMs: this.#shortMs(), among: (node) => node.hasClock, what: offset },
      async (node) => node.setClock(offset),
      async (node) => node.setClock('+0'),
    );
  }

  /** Does it to a node that runs and has no other fault. */
  async #onNode(
    o: { lastsMs: number; among?: (node: LabNode) => boolean; what?: string },
    act: (node: LabNode) => Promise<unknown>,
    undo: (node: LabNode) => Promise<unknown> = async () => undefined,
  ): Promise<Fault | undefined> {
    const free = this.#swarm.nodes.filter((one) => one.isUp && !this.#taken.has(one) && (o.among?.(one) ?? true));
    const node = this.#random.pick(free);
    if (node === undefined) return undefined;
    this.#taken.add(node);
    await act(node);
    const undone = async (): Promise<void> => {
      await undo(node);
      this.#taken.delete(node);
    };
    return {
      what: [node.name, o.what].filter((word) => word !== undefined).join(' '),
      lastsMs: o.lastsMs,
      undo: undone,
    };
  }

  #shortMs(): number {
    return this.#random.between(500, 10_000);
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const ranked = items.map((item) => ({ item, rank: this.#random.unit() }));
    return ranked.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item);
  }
}

const hasHolder = (node: LabNode): boolean => node.holderPid() !== undefined;
