/** Opens what a node is made of, in the order in which it depends on one another; whatever fails, what was opened before is closed again. */
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AcpDriver } from '#driver/acp/driver.ts';
import { ClaudeDriver } from '#driver/claude/driver.ts';
import { CodexDriver } from '#driver/codex/driver.ts';
import { OpenCodeDriver } from '#driver/opencode/driver.ts';
import { ShellDriver } from '#driver/shell.ts';
import { loadIdentity } from '#fabric/identity.ts';
import type { NodeIdentity } from '#fabric/identity.ts';
import type { BlobStore, NodeInfo, OpStore } from '#ports.ts';
import { LocalRuntime } from '#runtime/local.ts';
import { FileBlobStore } from '#store/blobs.ts';
import { SEAL_AFTER_OPS } from './sealing.ts';
import { SqliteStore } from '#store/sqlite.ts';
import { TranscriptFile } from '#store/transcripts.ts';
import { TurnBook } from '#store/turn-book.ts';
import { Workspaces } from '#workspace/workspaces.ts';
import type { NodeOptions } from '../host-options.ts';
import { stateDirOf } from '../socket-path.ts';
import { Drivers } from './drivers.ts';
import { freeBytes } from './free-memory.ts';
import { Memory } from './memory.ts';
import { isRefusal } from './remote.ts';
import { adoptSecret, clusterSecret, readJoinCode } from './secrets.ts';

/** Closed in reverse order; one that fails does not keep the others open. */
export class Closers {
  private readonly list: (() => Promise<void> | void)[] = [];

  add(close: () => Promise<void> | void): void {
    this.list.push(close);
  }

  async closeAll(onError: (error: unknown) => void): Promise<void> {
    for (let close = this.list.pop(); close !== undefined; close = this.list.pop()) {
      try {
        await close();
      } catch (error) {
        onError(error);
      }
    }
  }
}

export type Parts = {
  info: Omit<NodeInfo, 'httpPort' | 'p2pPort'>;
  stateDir: string;
  identity: NodeIdentity;
  secret: string;
  seeds: string[];
  store: OpStore & Pick<SqliteStore, 'snapshot'>;
  blobs: BlobStore;
  runtime: LocalRuntime;
  drivers: Drivers;
  memory: Memory;
  workspaces: Workspaces;
  transcripts: TranscriptFile;
  turnBook: TurnBook;
};

const packageVersion = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const json: { version?: unknown } = JSON.parse(text);
  return typeof json.version === 'string' ? json.version : '0.0.0';
};

/** Throws an `Error` that says what to do; nothing stays open then. */
export async function openParts(o: NodeOptions, closers: Closers): Promise<Parts> {
  mkdirSync(o.dataDir, { recursive: true, mode: 0o700 });
  const joined = o.join === undefined ? undefined : readJoinCode(o.join);
  if (joined !== undefined) adoptSecret(o.dataDir, joined.secret);
  const secret = clusterSecret(o.dataDir, process.env);
  const stateDir = stateDirOf(o.dataDir, o.p2pPort);
  const identity = loadIdentity(stateDir);
  const store = await SqliteStore.open(join(stateDir, 'skep.db'), {
    // The turn loop has gathered a whole turn: another wait would only halve the size of each transaction.
    commitWhen: (run) => run(),
    onProgress: ({ view, done, total }) => o.log(`folding ${view} anew: ${done} of ${total} ops`),
  });
  closers.add(() => store.close());
  const name = o.name ?? hostname();
  const workspaces = await Workspaces.open({
    stateDir,
    identity: { name: `skep ${name}`, email: `skep@${hostname()}` },
    environment: process.env,
    // A wall needs no repository; where git is missing, this node takes no work of projects.
    onUnusableGit: o.front === 'wall' ? (why) => o.log(`${why.message}: no work of projects here`) : undefined,
  });
  if (isRefusal(workspaces)) throw new Error(`${workspaces.message} (expected ${workspaces.expected})`);
  closers.add(() => workspaces.close());
  const transcripts = new TranscriptFile({ path: join(stateDir, 'transcripts.db'), log: o.log });
  closers.add(() => transcripts.close());
  const turnBook = new TurnBook(join(stateDir, 'turns.db'));
  closers.add(() => turnBook.close());
  const runtime = new LocalRuntime({ directory: join(stateDir, 'runtime') });
  closers.add(() => runtime.close());
  const version = packageVersion();
  const drivers = [
    new ShellDriver({ scriptDirectory: join(stateDir, 'scripts'), nowMs: Date.now }),
    new ClaudeDriver({ directory: join(stateDir, 'agents'), nowMs: Date.now }),
    new CodexDriver({ version: version, nowMs: Date.now }),
    new AcpDriver({ tool: 'gemini', command: ['gemini', '--acp'], version, nowMs: Date.now }),
    new OpenCodeDriver({ directory: join(stateDir, 'opencode'), nowMs: Date.now }),
  ];
  const memory = new Memory({
    residentBytes: (isPicked) => runtime.residentBytes(isPicked),
    freeBytes: o.freeBytes ?? freeBytes,
  });
  return {
    info: {
      self: identity.node,
      name,
      role: o.role,
      version,
      startedMs: Date.now(),
      dataDir: o.dataDir,
      sealAfter: o.sealAfter ?? SEAL_AFTER_OPS,
    },
    stateDir,
    identity,
    secret,
    seeds: [...o.seeds, ...(joined?.addresses ?? [])],
    store,
    blobs: await FileBlobStore.open(join(stateDir, 'blobs')),
    runtime,
    memory,
    drivers: new Drivers([...drivers, ...(o.drivers ?? [])], { version, nowMs: Date.now }),
    workspaces,
    transcripts,
    turnBook,
  };
}
