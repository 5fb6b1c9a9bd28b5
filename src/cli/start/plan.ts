/** The three nodes of `skep start`: the seed's demo swarm, with its ports. */
import { join } from 'node:path';
import { SETTINGS } from '../settings.ts';

export type NodePlan = {
  name: string;
  role: 'emperor' | 'worker';
  httpPort: number;
  p2pPort: number;
  discoveryPort: number;
  /** Command line of `skep` for it. */
  argv: readonly string[];
  logFile: string;
};

const NAMES = ['emperor', 'worker-1', 'worker-2'] as const;

/** Highest base whose ports all exist. */
export const PORT_BASE_MAX = 65_535 - 20;

/**
 * 9090 to 9092 for HTTP, 7101 to 7103 for the mesh, 6101 for discovery. With a base of one's own: base, base + 10 and base + 20, so that several
 * swarms fit on one machine.
 */
function portsOf(base: number | undefined): { http: number; p2p: number; discovery: number } {
  if (base !== undefined) return { http: base, p2p: base + 10, discovery: base + 20 };
  const fallback = (name: 'httpPort' | 'p2pPort' | 'discoveryPort'): number => Number(SETTINGS[name].fallback);
  return { http: fallback('httpPort'), p2p: fallback('p2pPort'), discovery: fallback('discoveryPort') };
}

export function planNodes({ dataDir, portBase }: { dataDir: string; portBase: number | undefined }): NodePlan[] {
  const ports = portsOf(portBase);
  return NAMES.map((name, at) => {
    const role = at === 0 ? 'emperor' : 'worker';
    const node = { httpPort: ports.http + at, p2pPort: ports.p2p + at, discoveryPort: ports.discovery };
    const options = {
      'http-port': node.httpPort,
      'p2p-port': node.p2pPort,
      'discovery-port': node.discoveryPort,
      seeds: at === 0 ? '' : `127.0.0.1:${ports.p2p}`,
      'data-dir': dataDir,
      role,
      name,
      'shell-agents': role === 'worker' ? 1 : 0,
    };
    const argv = Object.entries(options).map(([flag, value]) => `--${flag}=${value}`);
    return {
      name,
      role,
      ...node,
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
