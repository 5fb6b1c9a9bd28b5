/** What a verb is: plain data and one function. `program.ts` makes commander's commands of it, so that a verb never sees commander. */
import type { ExitCode } from './exit.ts';
import type { Given } from './given.ts';
import type { World } from './world.ts';

export type VerbOption = {
  /** As commander writes it: `--lines <n>`, `--json`. */
  flags: string;
  about: string;
  /** `whole` wants a number ≥ 0, `integer` also a negative one; `list` may be given several times. */
  kind?: 'text' | 'whole' | 'integer' | 'list';
  choices?: readonly string[];
  fallback?: string | number;
  hidden?: boolean;
};

export type Leaf = {
  name: string;
  summary: string;
  /** Paragraphs shown by `--help` under the usage, beside the summary. */
  about?: string;
  /** As commander writes them: `<id>`, `[origin]`, `<id...>`; with what they are. */
  args?: readonly (readonly [syntax: string, about: string])[];
  options?: readonly VerbOption[];
  /** A command line and what it does; at least one. */
  examples: readonly (readonly [command: string, what: string])[];
  /** It asks a node: gets the options by which that node is found. */
  asksNode?: boolean;
  run(given: Given, world: World): Promise<ExitCode>;
};

/** A noun with verbs of its own: `skep task list`. */
export type Group = {
  name: string;
  summary: string;
  leaves: readonly Verb[];
  /** What the noun does by itself, where it does anything. */
  alone?: Leaf;
};

export type Verb = Leaf | Group;

/** Finds the node to ask; the same for every verb that asks one. */
export const NODE_OPTIONS: readonly VerbOption[] = [
  { flags: '--data-dir <dir>', about: 'data directory of the node to ask (./data, then the XDG state directory)' },
  { flags: '--p2p-port <port>', about: 'which node of that directory (the one that runs there)' },
  { flags: '--url <url>', about: 'ask a node over HTTP instead, with the token of SKEP_TOKEN or --token-file' },
  { flags: '--token-file <file>', about: 'file that holds the token for --url' },
  { flags: '--config <file>', about: 'configuration file ($XDG_CONFIG_HOME/skep/config.toml)' },
];
