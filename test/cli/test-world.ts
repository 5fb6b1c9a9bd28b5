/** A world for verbs without a process: streams that keep what was written, an environment of its own, Ctrl-C by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExitCode } from '#cli/exit.ts';
import { runCommand } from '#cli/program.ts';
import type { Interrupt, Output, World } from '#cli/world.ts';

type Streams = { isTerminal?: boolean; columns?: number; colours?: boolean };

export type TestWorld = World & {
  readonly said: { out: string; err: string };
  interrupt(why?: Interrupt): void;
  /** Resolves as soon as standard output or error holds the text. */
  until(text: string): Promise<void>;
};

export type WorldOptions = {
  env?: Record<string, string>;
  cwd?: string;
  home?: string;
  stdin?: string;
  answer?: string;
  streams?: Streams;
  nowMs?: number;
  loadHost?: World['loadHost'];
};

export function testWorld(o: WorldOptions = {}): TestWorld {
  const said = { out: '', err: '' };
  const listeners = new Set<(why: Interrupt) => void>();
  const waiting = new Set<() => void>();
  const output = (name: 'out' | 'err'): Output => ({
    write: (text) => {
      said[name] += text;
      for (const check of waiting) check();
    },
    isTerminal: o.streams?.isTerminal ?? false,
    colours: o.streams?.colours ?? false,
    columns: o.streams?.columns,
  });
  return {
    said,
    out: output('out'),
    err: output('err'),
    in: {
      isTerminal: o.streams?.isTerminal ?? false,
      readAll: async () => o.stdin ?? '',
      ask: async (question) => {
        said.out += question;
        return o.answer;
      },
    },
    env: o.env ?? {},
    cwd: o.cwd ?? '/nowhere',
    home: o.home ?? '/nowhere',
    version: '9.9.9',
    now: () => o.nowMs ?? Date.UTC(2026, 10, 20, 12, 0, 0),
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    supervisor: undefined,
    loadHost: o.loadHost ?? (() => Promise.reject(new Error('no host in this test'))),
    interrupt: (why = 'SIGINT') => {
      for (const listener of listeners) listener(why);
    },
    until: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!`${said.out}${said.err}`.includes(text)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}

export const skep = (world: World, ...argv: string[]): Promise<ExitCode> => runCommand(argv, { world });

/** A directory of its own; remove it with what is returned. */
export function place(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'skep-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
