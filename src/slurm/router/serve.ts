/** The router's process: events as lines on its output, and the door for those who drive it. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '#runtime/refusal.ts';
import type { LaunchConfig } from '../launch/config.ts';
import { Jobs } from '../launch/jobs.ts';
import { Login } from '../launch/login.ts';
import type { CommandTools } from './command.ts';
import { carryOut } from './commands.ts';
import { RouterDoor } from './door.ts';
import type { FleetEvent } from './event.ts';
import { eventLine } from './line.ts';
import { Router } from './router.ts';
import { Swarms } from './swarms.ts';

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
  const providers = [new Jobs(o.config, new Login(o.config, o.env))];
  const swarms = new Swarms({ router, providers, nowMs: o.nowMs });
  const watches = new Watches(router);
  const tools: CommandTools = {
    router,
    swarms,
    nowMs: o.nowMs,
    until: (isIt, limitMs) => watches.until(isIt, limitMs),
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
