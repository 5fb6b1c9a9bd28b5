/** The router's process: events as lines on its output, and the door for those who drive it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '#runtime/refusal.ts';
import type { LaunchConfig } from '../launch/config.ts';
import { Jobs } from '../launch/jobs.ts';
import { archive } from '../launch/keep.ts';
import { Login } from '../launch/login.ts';
import type { CommandTools } from './command.ts';
import { carryOut } from './commands.ts';
import { RouterDoor } from './door.ts';
import type { FleetEvent } from './event.ts';
import { eventLine } from './line.ts';
import { Router } from './router.ts';
import { Swarms } from './swarms.ts';

/** What is carried to this machine is held in memory once: as much as the bundle of a task may have. */
const ARCHIVE_MAX_BYTES = 256 * 1024 * 1024;

export type ServeOptions = {
  config: LaunchConfig;
  env: Readonly<Record<string, string | undefined>>;
  /** What it keeps over its own death, and its token. */
  directory: string;
  /** Undefined: no door. */
  port: number | undefined;
  nowMs: () => number;
  /** Lines with their ends; resolves when they are out of this process. */
  print: (text: string) => Promise<void>;
  log: (line: string) => void;
};

export type ServedRouter = { readonly port: number | undefined; readonly tokenFile: string; close(): Promise<void> };

/** Rejects where its directory or the port cannot be had. */
export async function serveRouter(o: ServeOptions): Promise<ServedRouter> {
  mkdirSync(o.directory, { recursive: true, mode: 0o700 });
  const tokenFile = join(o.directory, 'token');
  const token = tokenIn(tokenFile);
  const router = new Router({
    config: o.config,
    env: o.env,
    stateFile: join(o.directory, 'router.json'),
    nowMs: o.nowMs,
    changed: (why) => o.log(why === undefined ? 'connected' : `not connected: ${why}`),
  });
  router.onEvents((events) => {
    const nowMs = o.nowMs();
    const lines = events.map(({ event, data, mailbox, position, redelivered }) => {
      const whole = { ...data, at: { mailbox, ...position }, ...(redelivered ? { redelivered } : {}) };
      return `${eventLine(event, whole, nowMs)}\n`;
    });
    return o.print(lines.join(''));
  });
  const login = new Login(o.config, o.env);
  const provider = new Jobs(o.config, login);
  const providers = [provider];
  const swarms = new Swarms({ router, providers, nowMs: o.nowMs });
  const watches = new Watches(router);
  const tools: CommandTools = {
    router,
    swarms,
    nowMs: o.nowMs,
    until: (isIt, limitMs) => watches.until(isIt, limitMs),
    download: async (job) => {
      const path = await archive({ provider, config: o.config, login, job });
      const content = await router.near.read(`archive/${job}.tar.gz`, ARCHIVE_MAX_BYTES).catch((cause: unknown) => {
        throw new Error(`${String(cause)}; it stands at ${path} on the cluster`, { cause });
      });
      return kept(join(o.directory, 'archives'), `${job}.tar.gz`, content);
    },
  };
  const door =
    o.port === undefined
      ? undefined
      : await RouterDoor.open({
          port: o.port,
          token,
          nowMs: o.nowMs,
          carryOut: (command, answer) => carryOut(command, tools, answer),
        });
  if (door !== undefined) router.onEvents((events) => door.tell(events));
  router.start();
  const close = async (): Promise<void> => {
    watches.close();
    await door?.close();
    await router.close();
  };
  return { port: door?.port, tokenFile, close };
}

/** Whole, or not at all. */
function kept(directory: string, name: string, content: Buffer): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, name);
  writeFileSync(`${path}.new`, content, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
  return path;
}

/** Made once; only its owner reads it. */
function tokenIn(path: string): string {
  try {
    writeFileSync(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return readFileSync(path, 'utf8').trim();
}

/** Those who wait for one event. */
class Watches {
  readonly #router: Router;
  readonly #open = new Set<() => void>();

  constructor(router: Router) {
    this.#router = router;
  }

  until(isIt: (event: FleetEvent) => boolean, limitMs: number): Promise<FleetEvent | undefined> {
    return new Promise((resolve) => {
      const end = (found: FleetEvent | undefined): void => {
        clearTimeout(timer);
        off();
        this.#open.delete(give);
        resolve(found);
      };
      const give = (): void => end(undefined);
      const timer = setTimeout(give, limitMs);
      const off = this.#router.onEvents((events) => {
        const found = events.find(isIt);
        if (found !== undefined) end(found);
      });
      this.#open.add(give);
    });
  }

  close(): void {
    for (const give of this.#open) give();
  }
}
