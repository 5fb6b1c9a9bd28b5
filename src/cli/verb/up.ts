/** `skep up`: this machine's own node. */
import { findSettings } from '../find-settings.ts';
import { nodeOptions } from '../node-options.ts';
import { stateDir } from '../places.ts';
import { runNode } from '../run-node.ts';
import type { Leaf } from '../verb.ts';

export const up: Leaf = {
  name: 'up',
  summary: 'run this machine’s node as its configuration file says',
  about:
    'The file is $XDG_CONFIG_HOME/skep/config.toml (~/.config/skep/config.toml); without one the defaults hold.\n' +
    'Its table [node] has a key for each option below, with underscores: http_port = 9090.\n' +
    'Flags win over the environment (SKEP_HTTP_PORT), the environment over the file.',
  options: [
    { flags: '--join <code>', about: 'join the swarm of this code (skep join-code); - takes it from standard input' },
    ...nodeOptions({ dataDir: '$XDG_STATE_HOME/skep, that is ~/.local/state/skep' }),
    { flags: '--config <file>', about: 'another configuration file' },
    { flags: '--stop-agents-on-exit', about: 'stop agents at work when the node stops; without it they go on' },
  ],
  examples: [
    ['skep up', 'the node of this machine'],
    ['skep up --join CODE --bind 192.0.2.7', 'join the swarm of another machine, over the network'],
  ],
  run: async (given, world) => {
    const question = { usesFile: true, fallbacks: { dataDir: stateDir(world) } };
    const { values, configPath, configFound } = await findSettings(given, world, question);
    const said = configFound
      ? `Configuration: ${configPath}`
      : `No configuration file at ${configPath}: using defaults`;
    world.err.write(`${said}\n`);
    const typed = given.text('join');
    const join = typed === '-' ? (await world.in.readAll()).trim() : typed;
    return runNode({ settings: values, join, stopAgents: given.flag('stopAgentsOnExit'), json: given.json }, world);
  },
};
