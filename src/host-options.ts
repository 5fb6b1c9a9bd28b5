/** What starts a node, and what a started node is to whoever started it: the seam between `src/cli` and `src/host.ts`. */
import type { AgentDriver } from '#agent-ports.ts';
import type { NodeInfo } from '#ports.ts';

export type NodeOptions = {
  /** Token and cluster secret lie here, the node's own state in `<dataDir>/<p2pPort>/`. Made when it is not there. */
  dataDir: string;
  httpPort: number;
  p2pPort: number;
  /** UDP port on which nodes find one another, shared by those of one machine; 0 for seeds alone. */
  discoveryPort: number;
  /** `host:port` of the mesh at which other nodes may be found. */
  seeds: readonly string[];
  role: 'emperor' | 'worker';
  /** Addresses the mesh listens on, with commas between; undefined for loopback only; `none` for a node that only dials. */
  bind: string | undefined;
  /** Address HTTP listens on. Beyond loopback it needs TLS or `behindProxy`, else the node refuses to start. */
  httpBind: string;
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
  /** Host name under which a proxy in front serves this node; it also passes the Host check. */
  behindProxy?: string | undefined;
  /** Port of the hub; undefined or 0 for none. */
  hubPort?: number | undefined;
  /** Address the hub listens on; loopback without it. Beyond that it needs TLS or `behindProxy`. */
  hubBind?: string | undefined;
  /** `any`: whoever comes to the hub is let in, with any key or none; without it only known and invited keys. */
  hubKeys?: 'known' | 'any' | undefined;
  /** Messages that one connection to the hub may send in a second, and six times as many frames; 1 without it, 0 for any pace. */
  hubPace?: number | undefined;
  /** Of rivals for a task that was made here the agent with the best rating gets it, not the lowest claim. */
  preferRated?: boolean | undefined;
  /** How old a deal of the market is at the least when its payer completes it; a minute without it, as in AgentChat. For tests. */
  dealMinAgeMs?: number | undefined;
  /** What people call this node; undefined for the machine's name. */
  name?: string | undefined;
  /** This node sees to it that it has this many agents of the tool `shell`. Those of an earlier start count: none is registered twice. */
  shellAgents?: number | undefined;
  /** Agent CLIs that are on PATH, and that this node has a driver for, are registered as paused agents: each once, not again after it was withdrawn. */
  offerAgents?: boolean | undefined;
  /**
   * A grantee silent for so long may be called lost by a voter; two minutes without it. All nodes of a swarm should have the same: a voter with a
   * shorter one gives up first. Up to the heartbeat of 15 s, healthy grantees are called lost.
   */
  leaseMs?: number | undefined;
  /** How long a started node waits for its peers before it goes on with the tasks that it alone decides; 30 s without it. For tests. */
  aloneAfterMs?: number | undefined;
  /** How people reach this machine by ssh, `user@host`: told to whoever asks to attach to an agent of this node. */
  ssh?: string | undefined;
  /** How long an agent waits for a person before it is denied what it asks; 30 minutes without it, 0 asks nobody. */
  askTimeoutMs?: number | undefined;
  /** Drivers beside this node's own. For tests. */
  drivers?: readonly AgentDriver[] | undefined;
  /** Newest ops that are not sealed; 50,000 without it, 0 for no sealing at all. */
  sealAfter?: number | undefined;
  /** What agents of this node may cost a day (UTC), in US dollars; without it as much as it is. */
  budgetUsdDay?: number | undefined;
  /** At most so many attempts run on this node at once; without it as many as it has agents. Checked before each claim. */
  maxAgents?: number | undefined;
  /** The same for each tool. */
  maxAgentsOf?: Readonly<Record<string, number>> | undefined;
  /** What one agent of this node may write to one reader in a minute, and who comes from outside, too; 120 without it. */
  messagesPerMinute?: number | undefined;
  /** What runs containers here; without it Podman, unless only Docker is on PATH. */
  containerEngine?: 'podman' | 'docker' | undefined;
  /** Memory in bytes that is free now, undefined where nobody knows; without it as the machine and its control groups say. For tests. */
  freeBytes?: (() => number | undefined) | undefined;
  /** Members above which this node keeps links to a few neighbours only; 64 without it. */
  fullLinksMax?: number | undefined;
  /** A code of `skep join-code`: its secret is kept in the data directory, its addresses are learnt as seeds. */
  join?: string | undefined;
  /** `wall`: the page of this node is the graffiti wall. */
  front?: 'wall' | undefined;
  /** The launcher's configuration of a Slurm cluster whose allocations are to be agents of this node. */
  slurm?: string | undefined;
  /** Says nothing but warnings. */
  quiet?: boolean | undefined;
  /** One line of the node's log, without its newline. */
  log: (line: string) => void;
};

export type RunningNode = {
  readonly info: NodeInfo;
  /** Address of the page, `http://127.0.0.1:9090`. */
  readonly httpUrl: string;
  /** Stops the node. Its agents go on under the holder, and the next start finds them again. Idempotent, bounded. */
  close(): Promise<void>;
  /** Stops the node and then all that would go on without it: agents at work, and the holder. Idempotent, bounded. */
  stopHolder(): Promise<void>;
  /** Resolves once when the node has stopped: with the reason when it stopped by itself (a failed disk), else undefined. */
  readonly closed: Promise<Error | undefined>;
};

/** The one function that makes a node of real parts. Throws an `Error` whose message says what to do when it cannot start. */
export type StartNode = (options: NodeOptions) => Promise<RunningNode>;
