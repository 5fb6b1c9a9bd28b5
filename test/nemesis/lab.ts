/**
 * Hosts on a switch, for real processes: network namespaces joined by a bridge in one more namespace. A namespace lives as long as the one small
 * process that holds it, and that one ends when this process does: nothing has a name, nothing stays behind. Needs root, iproute2 and nftables.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One command of ip or nft takes milliseconds, on a machine that has time for it. */
const COMMAND_WITHIN_MS = 60_000;
/** A killed process is gone from its namespace at once, unless the kernel holds it. */
const EMPTY_LOOKS_MAX = 200;
const EMPTY_LOOK_MS = 25;

/** Becomes the program that it is told, found on PATH. */
export const ENV = '/usr/bin/env';

/** Runs once in a namespace that is thrown away: what the lab needs of the kernel. `fwd` and `drop` are keywords, `flt` is none. */
const TRIAL = [
  'ip link add br0 type bridge',
  'ip link add p1 type veth peer name eth0',
  'ip link set p1 master br0',
  'nft add table bridge lab',
  "nft 'add chain bridge lab flt { type filter hook forward priority 0; }'",
  "nft 'add rule bridge lab flt numgen random mod 100 < 30 counter drop'",
  'mount -t tmpfs -o size=64k tmpfs /mnt',
].join(' && ');

/** Why there can be no lab on this machine, in one line; undefined when there can. */
export function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    execFileSync(ENV, ['unshare', '--net', '--mount', '--', 'sh', '-c', TRIAL], {
      timeout: COMMAND_WITHIN_MS,
      stdio: 'pipe',
    });
    return undefined;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    return `no network namespaces here: ${said.trim().split('\n')[0] || String(error)}`;
  }
}

/** Which hosts a rule speaks of, by number from 1. */
export type Rule =
  /** Nothing passes between the two groups, in either direction. */
  | { kind: 'partition'; left: readonly number[]; right: readonly number[] }
  /** Nothing passes from some to the others; the way back is open. */
  | { kind: 'oneWay'; from: readonly number[]; to: readonly number[] }
  /** So many of 100 frames from and to the host are lost. */
  | { kind: 'loss'; host: number; percent: number };

export class Host {
  readonly number: number;
  readonly address: string;
  /** The process that holds the namespaces. */
  readonly anchor: ChildProcess;
  readonly #pid: number;
  readonly #network: string;

  constructor(number: number, anchor: ChildProcess, pid: number) {
    this.number = number;
    this.address = `10.77.0.${number}`;
    this.anchor = anchor;
    this.#pid = pid;
    this.#network = readlinkSync(`/proc/${pid}/ns/net`);
  }

  /** The command line that runs `argv` on this host, in its own network and its own mounts; nsenter becomes that program, so its pid is the program's. */
  enter(argv: readonly string[]): [program: string, args: string[]] {
    const ns = `/proc/${this.#pid}/ns`;
    return ['nsenter', [`--net=${ns}/net`, `--mount=${ns}/mnt`, '--', ...argv]];
  }

  run(argv: readonly string[], input = ''): Promise<string> {
    return run(...this.enter(argv), input);
  }

  /** Starts a program that runs until the host ends. */
  spawn(argv: readonly string[]): void {
    spawn(...this.enter(argv), { stdio: 'ignore' });
  }

  /** A path as this host sees it, for this process. */
  outside(path: string): string {
    return `/proc/${this.#pid}/root${path}`;
  }

  /** All processes on this host but the one that holds it. */
  pids(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid !== this.#pid && networkOf(pid) === this.#network);
  }

  /** As if the machine lost power: every process on it is killed. Resolves when all are gone. */
  async killAll(): Promise<void> {
    for (let look = 0; look < EMPTY_LOOKS_MAX; look++) {
      const pids = this.pids().filter((pid) => !isZombie(pid));
      if (pids.length === 0) return;
      for (const pid of pids) signal(pid, 'SIGKILL');
      // These are no children of ours: the kernel tells nobody of their end.
      await new Promise((resolve) => setTimeout(resolve, EMPTY_LOOK_MS));
    }
    throw new Error(`processes on host ${this.number} do not end`);
  }
}

export class Lab {
  readonly hosts: readonly Host[];
  readonly #switch: Host;
  readonly #rules = new Map<string, Rule>();
  /** Frames dropped until the last change, by the name of the rule. */
  readonly #droppedBefore = new Map<string, number>();
  #changing: Promise<void> = Promise.resolve();

  private constructor(hosts: readonly Host[], switchHost: Host) {
    this.hosts = hosts;
    this.#switch = switchHost;
  }

  /**
   * `retries`: net.ipv4.tcp_retries2 of each host, undefined for the kernel's own. With 5 a silent TCP connection ends after some 14 s, with the
   * kernel's 15 after a quarter of an hour.
   */
  static async open(o: { hosts: number; retries: (host: number) => number | undefined }): Promise<Lab> {
    const opened: Host[] = [];
    try {
      for (let number = 0; number <= o.hosts; number++) opened.push(await openHost(number));
      const [switchHost, ...hosts] = opened;
      if (switchHost === undefined) throw new Error('no host was opened');
      const lab = new Lab(hosts, switchHost);
      await lab.#wire(o.retries);
      return lab;
    } catch (error) {
      for (const host of opened) host.anchor.kill('SIGKILL');
      throw error;
    }
  }

  /** The host of that number, from 1. */
  host(number: number): Host {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new Error(`there is no host ${number}`);
    return host;
  }

  /** Adds a rule under a name, or takes it away. All rules change in one step. */
  setRule(name: string, rule: Rule | undefined): Promise<void> {
    this.#changing = this.#changing.then(async () => {
      for (const [one, frames] of await this.#counted())
        this.#droppedBefore.set(one, (this.#droppedBefore.get(one) ?? 0) + frames);
      if (rule === undefined) this.#rules.delete(name);
      else this.#rules.set(name, rule);
      const lines = [...this.#rules.values()].flatMap(rulesOf).map((line) => `add rule bridge lab flt ${line}`);
      await this.#switch.run(['nft', '-f', '-'], ['flush chain bridge lab flt', ...lines].join('\n'));
    });
    return this.#changing;
  }

  /** Frames that the rule of that name, or all together, have dropped since the beginning: a cut that drops nothing tests nothing. */
  async dropped(name?: string): Promise<number> {
    await this.#changing;
    const all = [...this.#droppedBefore, ...(await this.#counted())];
    return all.filter(([one]) => name === undefined || one === name).reduce((sum, [, frames]) => sum + frames, 0);
  }

  /** Ends everything that runs on the hosts, and the hosts. Idempotent. */
  async close(): Promise<void> {
    for (const host of this.hosts) await host.killAll();
    for (const { anchor } of [...this.hosts, this.#switch]) {
      if (anchor.exitCode !== null || anchor.signalCode !== null) continue;
      const ended = once(anchor, 'exit');
      anchor.kill('SIGKILL');
      await ended;
    }
  }

  async #wire(retries: (host: number) => number | undefined): Promise<void> {
    const bridge = this.#switch;
    await bridge.run(['sh', '-ec', 'ip link set lo up; ip link add br0 type bridge; ip link set br0 up']);
    for (const host of this.hosts) {
      const { number, address } = host;
      const pid = String(host.anchor.pid);
      await bridge.run(['ip', 'link', 'add', `p${number}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid]);
      await bridge.run(['ip', 'link', 'set', `p${number}`, 'master', 'br0', 'up']);
      const tcp = retries(number);
      const limit = tcp === undefined ? '' : `; echo ${tcp} >/proc/sys/net/ipv4/tcp_retries2`;
      const up = `ip link set lo up; ip addr add ${address}/24 brd + dev eth0; ip link set eth0 up${limit}`;
      await host.run(['sh', '-ec', up]);
    }
    const chain = 'add table bridge lab\nadd chain bridge lab flt { type filter hook forward priority 0; }\n';
    await bridge.run(['nft', '-f', '-'], chain);
  }

  /** What the counters say now: one of each line, and the lines stand in the order of the rules. */
  async #counted(): Promise<[name: string, frames: number][]> {
    const listed = await this.#switch.run(['nft', 'list', 'chain', 'bridge', 'lab', 'flt']);
    const counters = [...listed.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
    return [...this.#rules].flatMap(([name, rule]) =>
      rulesOf(rule).map((): [string, number] => [name, counters.shift() ?? 0]),
    );
  }
}

async function openHost(number: number): Promise<Host> {
  // It waits for the end of its input, which comes also when this process is killed.
  const anchor = spawn(ENV, ['unshare', '--net', '--mount', '--', 'sh', '-c', 'echo ready; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const heard = await Promise.race([
    once(anchor.stdout, 'data').then(() => true),
    once(anchor, 'exit').then(() => false),
  ]);
  if (!heard || anchor.pid === undefined) throw new Error(`host ${number} could not be made`);
  return new Host(number, anchor, anchor.pid);
}

const ports = (hosts: readonly number[]): string => `{ ${hosts.map((host) => `"p${host}"`).join(', ')} }`;

function rulesOf(rule: Rule): string[] {
  switch (rule.kind) {
    case 'partition': {
      const [left, right] = [ports(rule.left), ports(rule.right)];
      return [`iifname ${left} oifname ${right} counter drop`, `iifname ${right} oifname ${left} counter drop`];
    }
    case 'oneWay':
      return [`iifname ${ports(rule.from)} oifname ${ports(rule.to)} counter drop`];
    case 'loss': {
      const some = `numgen random mod 100 < ${rule.percent} counter drop`;
      return [`iifname "p${rule.host}" ${some}`, `oifname "p${rule.host}" ${some}`];
    }
  }
}

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { timeout: COMMAND_WITHIN_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${[program, ...args].join(' ')}: ${stderr.trim() || error.message}`));
    });
    // A command that reads nothing may have ended already; whether it did what it should, its exit code says.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Sends a signal; false when there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function networkOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    // Ended since the listing.
    return undefined;
  }
}

/** The process is there and does not run, as after SIGSTOP. */
export const isStopped = (pid: number | undefined): boolean => pid !== undefined && stateOf(pid) === 'T';

const isZombie = (pid: number): boolean => (stateOf(pid) ?? 'Z') === 'Z';

/** `R`, `S`, `T`, `Z` …; undefined when there is no such process. */
function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\)/s, '').trim()[0];
  } catch {
    return undefined;
  }
}
