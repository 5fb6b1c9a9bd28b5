/** `skep swarm`: a node as the command line says. */
import { findSettings } from '../find-settings.ts';
import { nodeOptions } from '../node-options.ts';
import { runNode } from '../run-node.ts';
import { nodeName } from '../settings.ts';
import type { Leaf } from '../verb.ts';

export const swarm: Leaf = {
  name: 'swarm',
  summary: 'run a node as the command line says',
  about:
    'Each option may also come from the environment: SKEP_HTTP_PORT for --http-port, and so on.\n' +
    'A configuration file is read only where --config names one; skep up reads the one of this machine.',
  options: [
    ...nodeOptions(),
    { flags: '--config <file>', about: 'configuration file to start from' },
    { flags: '--stop-agents-on-exit', about: 'stop agents at work when the node stops; without it they go on' },
    { flags: '--prefer-rated', about: 'of rivals for a task the best rated gets it: skep market ratings' },
    { flags: '--offer-agents', about: 'register agent CLIs that are on PATH, paused: skep agent resume' },
    // For tests: the right lease follows from the heartbeat, and a wrong one makes work done twice.
    { flags: '--lease-seconds <n>', about: 'silence after which an attempt may be lost', kind: 'whole', hidden: true },
  ],
  examples: [
    ['skep swarm --http-port=9090 --p2p-port=7101 --role=emperor', 'the first node of a swarm'],
    [
      'skep swarm --http-port=9091 --p2p-port=7102 --role=worker --seeds=127.0.0.1:7101 --shell-agents 1',
      'a second one beside it, with an agent that runs scripts',
    ],
  ],
  run: async (given, world) => {
    const { values } = await findSettings(given, world, { usesFile: false });
    const { json } = given;
    const leaseSeconds = given.whole('leaseSeconds');
    const settings = { ...values, name: values.name ?? nodeName(values.p2pPort) };
    const [stopAgents, offerAgents] = [given.flag('stopAgentsOnExit'), given.flag('offerAgents')];
    const preferRated = given.flag('preferRated');
    return runNode({ settings, stopAgents, offerAgents, preferRated, leaseSeconds, json }, world);
  },
};
