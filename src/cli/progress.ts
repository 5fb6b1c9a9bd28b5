/** How far something long is, on standard error: one line that changes at a terminal, a line a step elsewhere. */
import type { World } from './world.ts';

export class ProgressLine {
  private readonly world: World;
  private shown = '';

  constructor(world: World) {
    this.world = world;
  }

  /** `done` of `total` of a step; told at a terminal each time its percentage changes, elsewhere at its end. */
  show(step: string, o: { done: number; total: number }): void {
    const { err } = this.world;
    const isOver = o.done >= o.total;
    const percent = o.total === 0 ? 100 : Math.floor((o.done / o.total) * 100);
    const line = isOver ? `${step}: done` : `${step}: ${percent} %`;
    if (line === this.shown || (!err.isTerminal && !isOver)) return;
    this.shown = line;
    err.write(err.isTerminal ? `\r${line}\u001b[K${isOver ? '\n' : ''}` : `${line}\n`);
  }

  /** Ends a line that stands half way. */
  close(): void {
    if (this.world.err.isTerminal && this.shown !== '' && !this.shown.endsWith('done')) this.world.err.write('\n');
  }
}
