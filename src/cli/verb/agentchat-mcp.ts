/** `skep agentchat-mcp`: the tool server by which an agent outside of the swarm joins a hub. */
import { OutsideTools } from '../chat/outside-tools.ts';
import { cursorOf, PLACE_OPTIONS, placeOf } from '../chat/place.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import type { Leaf } from '../verb.ts';

export const agentchatMcp: Leaf = {
  name: 'agentchat-mcp',
  summary: 'the tools of AgentChat for an agent outside of the swarm, by MCP',
  about:
    'Speaks MCP on standard input and output, and AgentChat’s protocol to a hub. agentchat_listen blocks until a message comes, for an hour at most\n' +
    '(--listen-max where the agent’s tools may run for less); nothing wakes an agent but a message.',
  options: [
    ...PLACE_OPTIONS,
    { flags: '--cursor <file>', about: 'keep there how far it came' },
    { flags: '--listen-max <seconds>', about: 'how long a call may block', kind: 'whole', fallback: 3_600 },
  ],
  examples: [
    ['claude mcp add agentchat -- skep agentchat-mcp --hub wss://hub.example:6667', 'adds it to Claude Code'],
    ['skep agentchat-mcp --invite CODE', 'what such a client runs, the first time with a code of skep hub invite'],
  ],
  run: async (given, world) => {
    const place = placeOf(given, world);
    const { serveTools, ownText: textOf } = await import('#door/mcp/server.ts');
    const tools = new OutsideTools({ place, cursor: cursorOf(place, world, given.text('cursor')), textOf });
    const waitMaxS = given.whole('listenMax') ?? 3_600;
    await serveTools({
      version: world.version,
      outside: tools.names,
      call: async (tool, args) => {
        try {
          return {
            text: await tools.call(tool, tool === 'message_listen' ? bounded(args, waitMaxS) : args),
            isError: false,
          };
        } catch (error) {
          const hints = error instanceof CommandFailure ? error.hints : [];
          const message = error instanceof Error ? error.message : String(error);
          return { text: [message, ...hints].join('\n'), isError: true };
        }
      },
    });
    tools.close();
    return EXIT.ok;
  },
};

function bounded(args: unknown, maxS: number): unknown {
  const given: unknown = typeof args === 'object' && args !== null ? Reflect.get(args, 'wait_seconds') : undefined;
  return { wait_seconds: Math.min(typeof given === 'number' ? given : maxS, maxS) };
}
