import type { OxlintConfig, OxlintOverride } from 'oxlint';

/** What one room may import beside itself, and what its people should do when they want more. */
interface Room {
  readonly files: string[];
  readonly may: readonly string[];
  readonly instead: string;
  /** Rooms whose types (but not values) may be imported. */
  readonly mayType?: readonly string[];
  /** The one file of another room that may be imported. */
  readonly mayFile?: { readonly room: string; readonly file: string };
  /** When given, the only package that may be imported; '' for none at all, node's own included. */
  readonly onlyPackage?: string;
}

const adapter =
  'Adapters know only core, ports and themselves: put the shared idea into src/core, the seam into src/ports.ts, and let src/host.ts join the two.';

/** The table of rooms; docs/architecture.md tells the reasons. Only src/host.ts and src/host/ import everything. */
const rooms: Record<string, Room> = {
  core: {
    files: ['src/core/**'],
    may: ['core'],
    onlyPackage: 'zod',
    instead:
      'The core is pure: it imports only core and zod. Take time, random bytes, hashes and I/O as arguments, or return an action that the shell carries out.',
  },
  ports: {
    files: ['src/ports.ts', 'src/agent-ports.ts', 'src/box-ports.ts'],
    may: ['core', 'ports'],
    onlyPackage: '',
    instead: 'Ports are interfaces over the types of src/core; an implementation lives in its own room.',
  },
  store: { files: ['src/store/**'], may: ['core', 'ports', 'store'], instead: adapter },
  fabric: { files: ['src/fabric/**'], may: ['core', 'ports', 'fabric'], instead: adapter },
  runtime: { files: ['src/runtime/**'], may: ['core', 'ports', 'runtime'], instead: adapter },
  driver: { files: ['src/driver/**'], may: ['core', 'ports', 'driver'], instead: adapter },
  workspace: { files: ['src/workspace/**'], may: ['core', 'ports', 'workspace'], instead: adapter },
  door: { files: ['src/door/**'], may: ['core', 'ports', 'door'], instead: adapter },
  sim: {
    files: ['src/sim/**'],
    // The memory store is the simulator's disk: no Node API, and crashes are among its verbs.
    may: ['core', 'ports', 'maelstrom', 'sim'],
    mayFile: { room: 'store', file: '#store/memory.ts' },
    instead:
      'The simulator runs the real core in its own world: write a small simulated disk, network or agent in src/sim.',
  },
  maelstrom: {
    files: ['src/maelstrom/**'],
    may: ['core', 'ports', 'fabric', 'store', 'maelstrom'],
    instead: 'A node for Maelstrom is the core behind its messages: what it lacks belongs into src/core.',
  },
  slurm: {
    files: ['src/slurm/**'],
    may: ['core', 'ports', 'runtime', 'driver', 'slurm'],
    instead:
      'A worker runs on a compute node, without a node of the swarm: it is a driver over a runtime, told by a mailbox. What both need belongs into those rooms.',
  },
  'model-server': {
    files: ['src/model-server/**'],
    may: ['model-server'],
    instead: 'The scripted model stands outside of the swarm: agents know it as they know any model.',
  },
  compile: {
    files: ['src/compile/**'],
    may: ['compile'],
    instead: 'The compiler knows nothing of nodes: what it needs of the command line comes as an argument.',
  },
  cli: {
    files: ['src/cli/**'],
    may: ['cli', 'host', 'compile', 'model-server', 'slurm'],
    mayType: ['core'],
    // The program between an agent and its node speaks MCP on the one side and the node's socket on the other.
    mayFile: { room: 'door', file: '#door/mcp/server.ts' },
    instead:
      'A verb speaks HTTP or the admin socket and holds no logic: move the logic behind a route, or start a node through #host.ts. Types of the core are welcome (`import type`).',
  },
};

/** The page runs in a browser and is bundled: of the node it sees only shapes. */
const web: Room = {
  files: ['web/src/**'],
  may: [],
  mayType: ['core', 'door'],
  instead:
    'The page runs in a browser: it may know the shapes of core and door (`import type`), and asks the node for everything else.',
};

const names = [...Object.keys(rooms), 'host', 'wall', 'compile'];

/** Matches a room both as `#store/x.ts` and as `../store/x.ts`; a noun of one's own may well be called `./store.ts`. */
const entrance = (list: readonly string[]): string => {
  const doors = list.map((name) =>
    name === 'ports' ? '((agent|box)-)?ports\\.ts$' : name === 'host' ? 'host(/|\\.ts$)' : `${name}/`,
  );
  return `^(#|(\\.\\./)+)(${doors.join('|')})`;
};

/** Matches every package but the one, letter by letter: the linter's regular expressions know no lookahead. */
const packageOtherThan = (name: string): string => {
  const letters = Array.from(name, (letter, at) => `${name.slice(0, at)}([^${at === 0 ? '#.' : ''}${letter}]|$)`);
  return `^(${[...letters, `${name}[^${name === '' ? '#.' : '/'}]`].join('|')})`;
};

function wall(name: string, room: Room): OxlintOverride {
  const types = room.mayType ?? [];
  const closed = names.filter(
    (other) => !room.may.includes(other) && !types.includes(other) && other !== room.mayFile?.room,
  );
  const message = `${name} may not import this. ${room.instead}`;
  const patterns: { regex?: string; group?: string[]; message: string; allowTypeImports?: boolean }[] = [
    { regex: entrance(closed), message },
  ];
  if (types.length > 0) patterns.push({ regex: entrance(types), message, allowTypeImports: true });
  if (room.mayFile !== undefined) {
    patterns.push({ group: [`#${room.mayFile.room}/**`, `!${room.mayFile.file}`], message });
  }
  if (room.onlyPackage !== undefined) patterns.push({ regex: packageOtherThan(room.onlyPackage), message });
  return { files: room.files, rules: { 'eslint/no-restricted-imports': ['error', { patterns }] } };
}

const config: OxlintConfig = {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
  options: { typeAware: true, reportUnusedDisableDirectives: 'error' },
  categories: { correctness: 'error' },
  ignorePatterns: ['node_modules', 'dist', 'coverage', 'data'],
  rules: {
    'eslint/max-lines': ['error', { max: 300 }],
    'eslint/max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    'eslint/no-empty': 'error',
    'eslint/no-var': 'error',
    'eslint/prefer-const': 'error',
    'eslint/eqeqeq': 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'oxc/no-barrel-file': ['error', { threshold: 0 }],
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
    'typescript/consistent-type-imports': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/return-await': ['error', 'in-try-catch'],
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
    ],
    'vitest/no-focused-tests': 'error',
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'assert*', 'fc.assert'] }],
  },
  overrides: [
    ...Object.entries(rooms).map(([name, room]) => wall(name, room)),
    wall('web', web),
    { files: ['src/**'], rules: { 'eslint/no-console': 'error' } },
    { files: ['src/cli/**'], rules: { 'eslint/no-console': 'off' } },
    // The one place where plain strings and numbers become branded ones.
    { files: ['src/core/brand.ts'], rules: { 'typescript/consistent-type-assertions': 'off' } },
    // A `describe` is one long function by nature; each test inside it is short.
    { files: ['test/**'], rules: { 'eslint/max-lines-per-function': 'off' } },
    { files: ['*.config.ts', 'test/totals-reporter.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
};

export default config;
