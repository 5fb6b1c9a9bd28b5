/** Every setting in one table: its place in the file, its flag and variable, its meaning, its default and its shape. */
import { hostname } from 'node:os';
import { z } from 'zod';

const wholeUpTo = (max: number, expected: string) =>
  z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], { error: expected })
    .refine((value) => Number.isInteger(value) && value >= 0 && value <= max, { error: expected });

/** `tool=2`; what is no number is none. The tool of an ACP agent may hold `=`. */
function pair(text: string): [string, number] {
  const at = text.lastIndexOf('=');
  const max = text.slice(at + 1).trim();
  return [text.slice(0, at).trim(), /^\d+$/.test(max) && at > 0 ? Number(max) : Number.NaN];
}

const port = wholeUpTo(65_535, 'a port, 0 to 65535');
const DOLLARS = 'a sum in US dollars above 0';
const dollars = z
  .union(
    [
      z.number(),
      z
        .string()
        .regex(/^\d+(\.\d+)?$/)
        .transform(Number),
    ],
    { error: DOLLARS },
  )
  .refine((value) => value > 0 && value <= 1_000_000, { error: DOLLARS });
const PAIRS = 'tools with their numbers, claude=2,codex=1';
/** In the file also a table, `{ claude = 2 }`. */
const numbersOf = z
  .union(
    [z.record(z.string(), z.number()), z.string().transform((list) => Object.fromEntries(list.split(',').map(pair)))],
    { error: PAIRS },
  )
  .refine((all) => Object.values(all).every((max) => Number.isInteger(max) && max >= 0 && max <= 1_000), {
    error: PAIRS,
  });
const words = (expected: string): z.ZodString => z.string({ error: expected }).min(1, { error: expected });

/** `host:port`, where host is a name, an IPv4 address or `[IPv6]`. */
const ADDRESS = /^(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9._-]+):([1-9]\d{0,4})$/;
const ADDRESSES = 'addresses host:port, separated by commas';
const addresses = z
  .union([z.array(z.string()), z.string().transform((list) => list.split(','))], { error: ADDRESSES })
  .transform((list) => list.map((address) => address.trim()).filter((address) => address !== ''))
  .refine((list) => list.every((address) => ADDRESS.test(address)), { error: ADDRESSES });

const NAME = 'a name of 1 to 64 characters';

export const settingsSchema = z.object({
  httpPort: port,
  p2pPort: port,
  discoveryPort: port,
  seeds: addresses,
  dataDir: words('a directory'),
  role: z.enum(['emperor', 'worker'], { error: 'emperor or worker' }),
  bind: words('an address').optional(),
  httpBind: words('an address'),
  tlsCert: words('a file').optional(),
  tlsKey: words('a file').optional(),
  behindProxy: words('a host name').optional(),
  hubPort: port,
  hubBind: words('an address'),
  hubKeys: z.enum(['known', 'any'], { error: 'known or any' }),
  hubPace: wholeUpTo(1_000, 'messages a second, 0 to 1000'),
  name: words(NAME).max(64, { error: NAME }).optional(),
  ssh: words('a destination of ssh, user@host').optional(),
  shellAgents: wholeUpTo(64, 'a number, 0 to 64'),
  askTimeout: wholeUpTo(604_800, 'seconds, 0 to 604800'),
  budgetUsdDay: dollars.optional(),
  maxAgents: wholeUpTo(1_000, 'a number, 0 to 1000').optional(),
  maxAgentsOf: numbersOf.optional(),
  messagesPerMinute: wholeUpTo(1_000_000, 'a number, 1 to 1000000').pipe(z.number().min(1)).optional(),
  containerEngine: z.enum(['podman', 'docker'], { error: 'podman or docker' }).optional(),
  slurm: words('a file').optional(),
  sealAfter: wholeUpTo(1_000_000_000, 'a number of ops, 0 for no sealing'),
  url: z.url({ protocol: /^https?$/, error: 'a URL, http://… or https://…' }).optional(),
  tokenFile: words('a file').optional(),
});

export type Settings = z.output<typeof settingsSchema>;
export type SettingName = keyof Settings;

/** Its table in the TOML file: `node` says what this machine's node is, `client` whom the other verbs ask. */
export type Section = 'node' | 'client';

export type Setting = {
  section: Section;
  /** Its key in the file: `http_port`. */
  key: string;
  /** As commander writes it: `--http-port <port>`. */
  flags: string;
  /** `SKEP_HTTP_PORT`. */
  env: string;
  about: string;
  fallback: string | number | undefined;
};

/** Flag and variable follow from the key, so that knowing one is knowing all three. */
const setting =
  (section: Section) =>
  (key: string, value: string, about: string, fallback?: string | number): Setting => ({
    section,
    key,
    flags: `--${key.replaceAll('_', '-')} <${value}>`,
    env: `SKEP_${key.toUpperCase()}`,
    about,
    fallback,
  });
const node = setting('node');
const client = setting('client');

export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  httpPort: node('http_port', 'port', 'port of the page and the HTTP interface', 9090),
  p2pPort: node('p2p_port', 'port', 'port of the mesh', 7101),
  discoveryPort: node('discovery_port', 'port', 'UDP port on which nodes find one another; 0 for seeds alone', 6101),
  seeds: node('seeds', 'addresses', 'nodes to link to first: host:port,host:port', ''),
  dataDir: node('data_dir', 'dir', 'where all that this node keeps is kept', './data'),
  role: node('role', 'role', 'emperor or worker: shown only, every node can do everything', 'emperor'),
  bind: node('bind', 'address', 'address of the mesh, to let other machines in; none to dial only (this machine only)'),
  httpBind: node('http_bind', 'address', 'address of HTTP; others need TLS or --behind-proxy', '127.0.0.1'),
  tlsCert: node('tls_cert', 'file', 'certificate for HTTPS (PEM)'),
  tlsKey: node('tls_key', 'file', 'the key of that certificate (PEM)'),
  behindProxy: node('behind_proxy', 'host', 'host name under which a proxy with TLS serves this node'),
  hubPort: node('hub_port', 'port', 'port of the hub where agents from outside meet; 0 for no hub', 0),
  hubBind: node('hub_bind', 'address', 'address of the hub; others need TLS or --behind-proxy', '127.0.0.1'),
  hubKeys: node(
    'hub_keys',
    'who',
    'who may come to the hub: known keys and invited ones, or any, also without',
    'known',
  ),
  hubPace: node('hub_pace', 'n', 'messages a second of one connection to the hub; 0 for any pace', 1),
  name: node('name', 'name', 'what people call this node (the machine’s name)'),
  ssh: node('ssh', 'user@host', 'how people reach this machine by ssh, for skep agent attach'),
  shellAgents: node('shell_agents', 'n', 'agents that run scripts, kept registered on this node', 0),
  askTimeout: node(
    'ask_timeout',
    'seconds',
    'how long an agent waits for a person before it is denied; 0 asks nobody',
    1800,
  ),
  budgetUsdDay: node(
    'budget_usd_day',
    'usd',
    'what agents of this node may cost a day, as far as it is known (no limit)',
  ),
  maxAgents: node('max_agents', 'n', 'attempts that run on this node at once (as many as it has agents)'),
  maxAgentsOf: node('max_agents_of', 'list', 'the same for each tool: claude=2,codex=1 (no limit)'),
  messagesPerMinute: node('messages_per_minute', 'n', 'messages of one agent to one reader in a minute (120)'),
  containerEngine: node('container_engine', 'engine', 'podman or docker (podman, unless only docker is there)'),
  slurm: node('slurm', 'file', 'configuration of a Slurm cluster whose allocations are agents of this node'),
  sealAfter: node(
    'seal_after',
    'ops',
    'newest ops that are kept as they came; older ones are sealed, 0 for none',
    50_000,
  ),
  url: client('url', 'url', 'ask this node over HTTP instead of the one on this machine'),
  tokenFile: client('token_file', 'file', 'file that holds the token for it'),
};

const isSetting = (name: string): name is SettingName => name in SETTINGS;

export const SETTING_NAMES: readonly SettingName[] = Object.keys(SETTINGS).filter(isSetting);

/** A name has 64 characters at most, and a port five. */
const HOSTNAME_CHARS = 58;

/** Several nodes on one machine must not all bear its name; undefined, for the machine's own, at the usual port. */
export const nodeName = (p2pPort: number): string | undefined =>
  p2pPort === Number(SETTINGS.p2pPort.fallback) ? undefined : `${hostname().slice(0, HOSTNAME_CHARS)}-${p2pPort}`;
