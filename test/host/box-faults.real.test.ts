// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root
/** Kills on real boxes of each kind, in the middle of an agent's turn: what may go on does so, what was lost is told, nothing runs twice. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { markOf } from '#runtime/layout.ts';
import { HOLDER_VARIABLE } from '#runtime/proc-table.ts';
import { stateDirOf } from '#socket-path.ts';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';
import { TEST_MS } from './box-stage.ts';
import { NodeProcess } from './process.ts';
import type { Json } from './swarm.ts';
import { asJson, freePort } from './swarm.ts';

/** Between two looks at what no event tells of, and how often at most: two minutes, which only a hang takes. */
const LOOK_MS = 100;
const LOOKS_MAX = 1_200;

const directories: string[] = [];
const nodes: NodeProcess[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) {
    if (!node.isUp) await node.start();
    await node.stop();
  }
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
}, TEST_MS);

async function until<T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await wait(LOOK_MS);
  }
  throw new Error(`waited in vain for ${what}`);
}

class Place {
  readonly gate: string;
  readonly node: NodeProcess;

  private constructor(node: NodeProcess, gate: string) {
    this.node = node;
    this.gate = gate;
  }

  /** A node with an agent `alice` in a box of that kind, which shares the folder `/gate` with this test. */
  static async open(runtime: (typeof BOX_KINDS)[number]): Promise<Place> {
    const image = imageOf(runtime);
    const dir = mkdtempSync(join(tmpdir(), 'skep-fault-'));
    directories.push(dir);
    const gate = join(dir, 'gate');
    mkdirSync(gate);
    const ports = { httpPort: await freePort(), p2pPort: await freePort() };
    const node = new NodeProcess({ name: 'n', dataDir: join(dir, 'data'), ...ports, seeds: '', shellAgents: 0 });
    nodes.push(node);
    await node.start();
    const place = new Place(node, gate);
    const mounts = [{ from: gate, at: '/gate', writable: true }];
    await place.post('/api/boxes', { name: 'alice', tool: 'shell', capabilities: ['alice'], runtime, image, mounts });
    return place;
  }

  async post(path: string, body: Json): Promise<Json> {
    const answer = await this.node.request('POST', path, body);
    if (answer.status >= 400) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return asJson(answer.body);
  }

  async script(text: string): Promise<string> {
    const task = { title: 'a script', description: text, required_capabilities: ['shell', 'alice'], attempts_max: 1 };
    return String((await this.post('/api/swarm/tasks', task))['id']);
  }

  ended(id: string): Promise<Json> {
    return until(`the end of ${id}`, async () => {
      const task = asJson(await this.node.get(`/api/swarm/tasks/${id}`));
      return ['completed', 'failed', 'cancelled'].includes(String(task['status'])) ? task : undefined;
    });
  }

  there(name: string): Promise<true> {
    return until(name, () => (existsSync(join(this.gate, name)) ? true : undefined));
  }

  /** The box and all in it: what carries the mark of this node's holder. */
  processes(): number[] {
    const directory = join(stateDirOf(this.node.options.dataDir, this.node.options.p2pPort), 'runtime');
    const mark = `\0${HOLDER_VARIABLE}=${markOf(realpathSync(directory), '').holder}\0`;
    return readdirSync('/proc')
      .filter((pid) => /^[0-9]+$/.test(pid) && `\0${environmentOf(pid)}`.includes(mark))
      .map(Number);
  }
}

/** Empty for a process that has ended meanwhile. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return '';
  }
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went with one that was killed before it.
  }
}

const WAITS = 'echo begun >> /gate/begun; until [ -e /gate/go ]; do sleep 0.1; done; cat /gate/begun';

describe.each(BOX_KINDS)('an agent in a %s, in the middle of its turn', { timeout: TEST_MS }, (runtime) => {
  it('goes on while its node is killed, twice, and ends once', async () => {
    const place = await Place.open(runtime);
    const task = await place.script(WAITS);
    await place.there('begun');
    await place.node.kill();
    await place.node.start();
    await place.node.kill();
    await place.node.start();
    writeFileSync(join(place.gate, 'go'), '');
    expect(await place.ended(task)).toMatchObject({ error: null, status: 'completed', attempt: 1, result: 'begun' });
  });

  it('is told as failed when it is killed with its box, leaves nothing, and takes the next task', async () => {
    const place = await Place.open(runtime);
    const task = await place.script(WAITS);
    await place.there('begun');
    const all = place.processes();
    expect(all.length).toBeGreaterThan(1);
    all.forEach(killed);
    expect(await place.ended(task)).toMatchObject({ status: 'failed', attempt: 1 });
    await until('the end of all that was in the box', () => (place.processes().length === 0 ? true : undefined));
    expect(await place.ended(await place.script('echo again'))).toMatchObject({
      status: 'completed',
      result: 'again',
    });
  });

  it('is lost with the holder, which leaves nothing of it, and takes the next task', async () => {
    const place = await Place.open(runtime);
    const task = await place.script(WAITS);
    await place.there('begun');
    expect(place.processes().length).toBeGreaterThan(1);
    expect(place.node.killHolder()).toBe(true);
    const ended = await place.ended(task);
    expect(['failed', 'lost']).toContain(ended['status']);
    await until('the end of all that was in the box', () => (place.processes().length === 0 ? true : undefined));
    expect(await place.ended(await place.script('echo again'))).toMatchObject({
      status: 'completed',
      result: 'again',
    });
  });
});
