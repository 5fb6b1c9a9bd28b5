/** The three nodes of `skep start`: the seed's demo swarm, with its ports. */
import { join } from 'node:path';
import { SETTINGS } from '../settings.ts';

export type NodePlan = {
  name: string;
  role: 'emperor' | 'worker';
  httpPort: number;
  p2pPort: number;
  discoveryPort: number;
  /** Where agents from outside meet; one of the three nodes has it. */
  hubPort: number | undefined;
  /** Command line of `skep` for it. */
  argv: readonly string[];
  logFile: string;
};

/** As AgentChat has it. */
export const HUB_PORT = 6667;

const NAMES = ['emperor', 'worker-1', 'worker-2'] as const;

/** Highest base whose ports all exist. */
export const PORT_BASE_MAX = 65_535 - 30;

/**
 * 9090 to 9092 for HTTP, 7101 to 7103 for the mesh, 6101 for discovery, 6667 for the hub. With a base of one's own: base, base + 10, base + 20 and
 * base + 30, so that several swarms fit on one machine.
 */
function portsOf(base: number | undefined): { http: number; p2p: number; discovery: number; hub: number } {
  if (base !== undefined) return { http: base, p2p: base + 10, discovery: base + 20, hub: base + 30 };
  const fallback = (name: 'httpPort' | 'p2pPort' | 'discoveryPort'): number => Number(SETTINGS[name].fallback);
  return { http: fallback('httpPort'), p2p: fallback('p2pPort'), discovery: fallback('discoveryPort'), hub: HUB_PORT };
}

export function planNodes({ dataDir, portBase }: { dataDir: string; portBase: number | undefined }): NodePlan[] {
  const ports = portsOf(portBase);
  return NAMES.map((name, at) => {
    const role = at === 0 ? 'emperor' : 'worker';
    const node = { httpPort: ports.http + at, p2pPort: ports.p2p + at, discoveryPort: ports.discovery };
    const hubPort = at === 0 ? ports.hub : undefined;
    const options = {
      'http-port': node.httpPort,
      'p2p-port': node.p2pPort,
      'discovery-port': node.discoveryPort,
      seeds: at === 0 ? '' : `127.0.0.1:${ports.p2p}`,
      'data-dir': dataDir,
      role,
      name,
      'shell-agents': role === 'worker' ? 1 : 0,
      ...(hubPort === undefined ? {} : { 'hub-port': hubPort }),
    };
    const argv = Object.entries(options).map(([flag, value]) => `--${flag}=${value}`);
    return {
      name,
      role,
      ...node,
      hubPort,
      // One machine, one set of agent CLIs: the first worker has them.
      argv: ['swarm', ...argv, '--stop-agents-on-exit', ...(at === 1 ? ['--offer-agents'] : [])],
      logFile: logOf(dataDir, name),
    };
  });
}

/** Where a node's log is kept, under the supervisor. */
export const logOf = (dataDir: string, name: string): string => join(dataDir, 'logs', `${name}.log`);

/** What the children get of the environment: settings of another node must not leak into these three. */
export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const settings = new Set([...Object.values(SETTINGS).map((setting) => setting.env), 'SKEP_CONFIG']);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !settings.has(name)));
}
