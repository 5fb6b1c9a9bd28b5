/** Several machines on one table: the test links them, loses what it likes, and moves the clock. One order of events, no randomness. */
import type { NodeId, OpId } from '#core/brand.ts';
import type { Frame } from '#core/schema/frame.ts';
import type { MachineOptions } from './machine.ts';
import { Machine } from './machine.ts';
import { present } from './writer.ts';

/** Rounds of delivery after which a table that never comes to rest is a bug. */
const ROUNDS_MAX = 2_000;
/** Deadlines of one advance: machines that are linked have some each half second. */
const DEADLINES_MAX = 50_000;

export type Letter = { from: Machine; to: Machine; frame: Frame };

export class Table {
  readonly machines: Machine[] = [];
  /** False: this frame is lost on its way. */
  passes: (letter: Letter) => boolean = () => true;
  /** All frames that arrived, oldest first. */
  readonly delivered: Letter[] = [];
  private readonly links = new Set<string>();

  /** Machines `0 … count-1`, each with its first op on disk, not linked. */
  static async of(count: number, options: MachineOptions = {}): Promise<Table> {
    const table = new Table();
    for (let index = 0; index < count; index++) {
      const machine = new Machine(index, options);
      await machine.register();
      machine.takeSent();
      table.machines.push(machine);
    }
    return table;
  }

  /** All linked with all, and quiet. */
  static async linked(count: number, options: MachineOptions = {}): Promise<Table> {
    const table = await Table.of(count, options);
    for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) await table.link(a, b);
    await table.settle();
    return table;
  }

  at(index: number): Machine {
    return present(this.machines[index], `machine ${index}`);
  }

  find(id: NodeId): Machine {
    return present(
      this.machines.find((machine) => machine.id === id),
      `a machine ${id}`,
    );
  }

  isLinked(a: NodeId, b: NodeId): boolean {
    return this.links.has(pair(a, b));
  }

  async link(a: number, b: number, roundTripMs?: number): Promise<void> {
    const [one, other] = [this.at(a), this.at(b)];
    this.links.add(pair(one.id, other.id));
    await one.linkUp(other.id, roundTripMs);
    await other.linkUp(one.id, roundTripMs);
  }

  async unlink(a: number, b: number): Promise<void> {
    const [one, other] = [this.at(a), this.at(b)];
    this.links.delete(pair(one.id, other.id));
    await one.linkDown(other.id);
    await other.linkDown(one.id);
  }

  /** SIGKILL and a new start; its links are down and stay so until the test links them. */
  async restart(index: number, options: MachineOptions = {}): Promise<Machine> {
    const old = this.at(index);
    const machine = old.restart(options);
    this.machines[index] = machine;
    for (const other of this.machines) {
      if (other === machine || !this.isLinked(other.id, machine.id)) continue;
      this.links.delete(pair(other.id, machine.id));
      await other.linkDown(machine.id);
    }
    await machine.run();
    return machine;
  }

  /** Delivers one round of frames; false when there were none. */
  async deliver(): Promise<boolean> {
    const letters = this.machines.flatMap((from) =>
      from.takeSent().map(({ to, frame }) => ({ from, to: this.find(to), frame })),
    );
    for (const letter of letters) {
      if (!this.isLinked(letter.from.id, letter.to.id) || !this.passes(letter)) continue;
      this.delivered.push(letter);
      await letter.to.receive(letter.from.id, letter.frame);
    }
    return letters.length > 0;
  }

  /** Delivers until all is quiet; the clock stands still. */
  async settle(): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) if (!(await this.deliver())) return;
    throw new Error(`still talking after ${ROUNDS_MAX} rounds`);
  }

  /** Moves the clock from deadline to deadline, delivering all that follows from each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs() + ms;
    await this.settle();
    for (let step = 0; ; step++) {
      if (step > DEADLINES_MAX) throw new Error(`more than ${DEADLINES_MAX} deadlines in ${ms} ms`);
      const wakes = this.machines.flatMap((machine) => machine.core.nextWakeMs() ?? []);
      const nextMs = Math.min(endMs, ...wakes);
      for (const machine of this.machines) machine.nowMs = Math.max(machine.nowMs, nextMs);
      for (const machine of this.machines) {
        const wakeMs = machine.core.nextWakeMs();
        if (wakeMs !== undefined && wakeMs <= machine.nowMs) await machine.tick();
      }
      await this.settle();
      if (nextMs >= endMs && this.machines.every((one) => (one.core.nextWakeMs() ?? Infinity) > endMs)) return;
    }
  }

  nowMs(): number {
    return Math.max(...this.machines.map((machine) => machine.nowMs));
  }

  /** `node/attempt` of every start at any machine, oldest first per machine. */
  starts(task: OpId): { node: number; attempt: number }[] {
    return this.machines.flatMap((machine) =>
      machine.actions.flatMap((action) =>
        action.kind === 'start' && action.task === task ? [{ node: machine.index, attempt: action.attempt }] : [],
      ),
    );
  }

  alarms(): string[] {
    return this.machines.flatMap((machine) => machine.alarms());
  }
}

const pair = (a: NodeId, b: NodeId): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
