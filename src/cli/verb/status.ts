/** `skep status`: one look at the swarm. */
import { z } from 'zod';
import { agentSchema, nodeSchema, read, statusSchema } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortNode } from '../short-id.ts';
import { showJson } from '../show.ts';
import { pairs } from '../table.ts';
import { counted, duration, printableLine, size } from '../text.ts';
import type { Leaf } from '../verb.ts';

export const status: Leaf = {
  name: 'status',
  summary: 'one look at the swarm',
  examples: [
    ['skep status', 'node, tasks and agents in a few lines'],
    ['skep status --p2p-port 7102', 'as another node of this machine sees it'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/swarm/status' });
      if (given.json) return showJson(body, world);
      const [own, nodes, agents] = [
        read(statusSchema, body),
        read(z.array(nodeSchema), await ask(node, { method: 'GET', path: '/api/swarm/nodes' })),
        read(z.array(agentSchema), await ask(node, { method: 'GET', path: '/api/swarm/agents' })),
      ];
      const forked = nodes.filter((each) => each.forked).map((each) => each.name);
      const lines: [string, string][] = [
        [
          'node',
          `${printableLine(own.name)} ${shortNode(own.node_id)} (${own.role}), up ${duration(own.uptime * 1000)}, skep ${own.version}`,
        ],
        ['ports', own.http_port === undefined ? '' : `http ${own.http_port}, mesh ${own.p2p_port ?? ''}`],
        [
          'nodes',
          `${countsText(
            nodes.map((each) => (each.status === 'self' ? 'alive' : each.status)),
            'node',
          )}; ${own.links} linked`,
        ],
        [
          'agents',
          countsText(
            agents.map((agent) => agent.status),
            'agent',
          ),
        ],
        ['tasks', tasksText(own.tasks)],
        ['log', logText(own.log)],
        ['waits', waitsText(own.boot_check)],
        ['alarm', forked.length === 0 ? '' : `the log of ${forked.map(printableLine).join(', ')} has two histories`],
      ];
      world.out.write(pairs(lines, world.out));
      return EXIT.ok;
    }),
};

/** How much the node holds, and how much of that is sealed. An older node does not say. */
export function logText(log: z.output<typeof statusSchema>['log']): string {
  if (log === undefined) return '';
  const when = log.seal_after === 0 ? 'sealing is off' : `those beyond the newest ${log.seal_after} are sealed`;
  return `${counted(log.ops, 'op')}, ${log.sealed} sealed (${when}); ${size(log.size_bytes)} on disk`;
}

/** What a node that has just started waits for before it decides anything; nothing once its peers have answered. */
function waitsText(check: z.output<typeof statusSchema>['boot_check']): string {
  if (check === undefined || check.state === 'passed') return '';
  const names = check.waits_for.map(printableLine).join(', ');
  const asked = `${check.answered} of the ${check.needed} nodes it needs told what they know of it; not yet: ${names}`;
  return check.state === 'alone' ? `${asked}. Until then it decides only what depends on it alone` : asked;
}

/** `3 agents: 2 idle, 1 busy`. */
function countsText(statuses: readonly string[], noun: string): string {
  const counts = new Map<string, number>();
  for (const one of statuses) counts.set(one, (counts.get(one) ?? 0) + 1);
  const parts = [...counts].map(([name, count]) => `${count} ${name}`);
  return `${counted(statuses.length, noun)}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

function tasksText(tasks: Readonly<Record<string, number>>): string {
  const parts = Object.entries(tasks).filter(([name, count]) => name !== 'total' && count > 0);
  const total = counted(tasks['total'] ?? 0, 'task');
  return parts.length === 0 ? total : `${total}: ${parts.map(([name, count]) => `${count} ${name}`).join(', ')}`;
}
