/** How far a client has read each channel, in a file: for each node of the mesh the highest number of a message that it was given. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const schema = z.record(z.string(), z.record(z.string(), z.number()));
const ID = /^([0-9a-f]{32})-([1-9][0-9]{0,15})$/;

export class ReadCursor {
  private readonly path: string | undefined;
  private readonly channels: Record<string, Record<string, number>>;

  /** Without a path it is forgotten with the process. */
  constructor(path: string | undefined) {
    this.path = path;
    this.channels = path !== undefined && existsSync(path) ? schema.parse(JSON.parse(readFileSync(path, 'utf8'))) : {};
  }

  /** What JOIN takes as `after`; undefined for a channel of which nothing was read. */
  after(channel: string): string | undefined {
    const nodes = Object.entries(this.channels[channel] ?? {});
    return nodes.length === 0 ? undefined : nodes.map(([node, seq]) => `${node}-${seq}`).join(',');
  }

  /** False: it was read before. Ids of other servers are no numbers, and always new. */
  take(channel: string, id: string): boolean {
    const [, node, text] = ID.exec(id) ?? [];
    if (node === undefined || text === undefined) return true;
    const held = (this.channels[channel] ??= {});
    const seq = Number(text);
    if ((held[node] ?? 0) >= seq) return false;
    held[node] = seq;
    return true;
  }

  /** On disk as a whole, or as it was. */
  save(): void {
    if (this.path === undefined) return;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const next = `${this.path}.${process.pid}`;
    writeFileSync(next, JSON.stringify(this.channels), { mode: 0o600 });
    renameSync(next, this.path);
  }
}
