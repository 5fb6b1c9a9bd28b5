/** What a verb sees of the world outside: streams, environment, signals. Tests bring their own; `main.ts` brings the real one. */
import type { StartNode } from '#host-options.ts';

export type Output = {
  write(text: string): void;
  /** A person looks at it. */
  readonly isTerminal: boolean;
  readonly colours: boolean;
  /** Width of the terminal; undefined where lines may be as long as they like. */
  readonly columns: number | undefined;
};

export type Input = {
  readonly isTerminal: boolean;
  /** All of standard input as text. */
  readAll(): Promise<string>;
  /** Shows the question and resolves with the line typed; undefined when the input ended. */
  ask(question: string): Promise<string | undefined>;
};

/** The supervisor that started this node as one of its children, as `skep start` does. */
export type Supervisor = {
  ready(node: { httpUrl: string }): void;
  /** The supervisor is gone; its nodes stop then. */
  onGone(listener: () => void): void;
};

export type World = {
  readonly out: Output;
  readonly err: Output;
  readonly in: Input;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** Of this program. */
  readonly version: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back at Ctrl-C, at SIGTERM or SIGHUP, and when the reader of the output went away. The returned function stops it. */
  onInterrupt(listener: (why: Interrupt) => void): () => void;
  readonly supervisor: Supervisor | undefined;
  /** Loads the composition root only where a node is started: it weighs more than all the client verbs. */
  loadHost(): Promise<StartNode>;
};

export type Interrupt = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'output_closed';
