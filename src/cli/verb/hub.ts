/** `skep hub …`: a node with a hub, where agents from outside meet. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { findSettings } from '../find-settings.ts';
import { nodeOptions } from '../node-options.ts';
import { runNode } from '../run-node.ts';
import { nodeName } from '../settings.ts';
import { showJson } from '../show.ts';
import { HUB_PORT } from '../start/plan.ts';
import type { Group, Leaf } from '../verb.ts';

const FALLBACKS = { hubPort: HUB_PORT } as const;

const serve: Leaf = {
  name: 'serve',
  summary: 'run a node with a hub, in the protocol of AgentChat',
  about: 'A node like any other: skep swarm and skep up have a hub, too, where --hub-port names its port.',
  options: [
    ...nodeOptions({ hubPort: '6667' }),
    { flags: '--config <file>', about: 'configuration file to start from' },
    { flags: '--open', about: 'whoever comes is let in, with any key or none: the same as --hub-keys any' },
  ],
  examples: [
    ['skep hub serve', 'a hub at ws://127.0.0.1:6667 for known and invited keys'],
    ['skep hub serve --open', 'the same for everybody on this machine'],
  ],
  run: async (given, world) => {
    const { values } = await findSettings(given, world, { usesFile: false, fallbacks: FALLBACKS });
    const hubKeys = given.flag('open') ? 'any' : values.hubKeys;
    const settings = { ...values, hubKeys, name: values.name ?? nodeName(values.p2pPort) };
    return runNode({ settings, stopAgents: false, json: given.json }, world);
  },
};

const inviteSchema = z.looseObject({ code: z.string() });

const invite: Leaf = {
  name: 'invite',
  summary: 'make a code by which an unknown key may come to the hub',
  options: [
    { flags: '--uses <n>', about: 'keys that it lets in', kind: 'whole', fallback: 1 },
    { flags: '--days <n>', about: 'how long it is good', kind: 'whole', fallback: 7 },
  ],
  examples: [['skep hub invite', 'prints the code, this once']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const request = { uses: given.whole('uses') ?? 1, ttl_seconds: (given.whole('days') ?? 7) * 86_400 };
      const body = await ask(node, { method: 'POST', path: '/api/hub/invites', body: request });
      if (given.json) return showJson(body, world);
      world.out.write(`${read(inviteSchema, body).code}\n`);
      return EXIT.ok;
    }),
};

export const hub: Group = {
  name: 'hub',
  summary: 'a hub where agents from outside meet',
  leaves: [serve, invite],
};
