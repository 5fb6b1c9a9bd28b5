/** The verbs and where each one lives. Listed here so that `skep --help` loads none of them. */
import type { Verb } from './verb.ts';

/** `group` is the heading under which `skep --help` shows it. */
type Entry = { name: string; group: string; summary: string; load: () => Promise<Verb> };

export const VERBS: readonly Entry[] = [
  {
    name: 'start',
    group: 'Run nodes:',
    summary: 'try it: one emperor and two workers on this machine',
    load: async () => (await import('./verb/start.ts')).start,
  },
  {
    name: 'up',
    group: 'Run nodes:',
    summary: 'run this machine’s node as its configuration file says',
    load: async () => (await import('./verb/up.ts')).up,
  },
  {
    name: 'swarm',
    group: 'Run nodes:',
    summary: 'run a node as the command line says',
    load: async () => (await import('./verb/swarm.ts')).swarm,
  },
  {
    name: 'hub',
    group: 'Run nodes:',
    summary: 'run a node with a hub for agents from outside; invite them',
    load: async () => (await import('./verb/hub.ts')).hub,
  },
  {
    name: 'demo',
    group: 'Run nodes:',
    summary: 'run a node whose page is the graffiti wall',
    load: async () => (await import('./verb/demo.ts')).demo,
  },
  {
    name: 'run',
    group: 'Work:',
    summary: 'give the swarm a task, follow it, look at the change, merge it',
    load: async () => (await import('./verb/run.ts')).run,
  },
  {
    name: 'task',
    group: 'Work:',
    summary: 'list, show, create and cancel tasks; their output, diff and merge',
    load: async () => (await import('./verb/task.ts')).task,
  },
  {
    name: 'agent',
    group: 'Work:',
    summary: 'list, add and remove agents; talk to them',
    load: async () => (await import('./verb/agent.ts')).agent,
  },
  {
    name: 'hive',
    group: 'Work:',
    summary: 'agents in boxes: spawn, kill, rebuild, list, destroy, log in',
    load: async () => (await import('./verb/hive.ts')).hive,
  },
  {
    name: 'approvals',
    group: 'Work:',
    summary: 'what agents ask before they go on',
    load: async () => (await import('./verb/approvals.ts')).approvals,
  },
  {
    name: 'approve',
    group: 'Work:',
    summary: 'allow what agents ask',
    load: async () => (await import('./verb/approve.ts')).approve,
  },
  {
    name: 'deny',
    group: 'Work:',
    summary: 'deny what agents ask',
    load: async () => (await import('./verb/approve.ts')).deny,
  },
  {
    name: 'rule',
    group: 'Work:',
    summary: 'what agents may do without asking, and what they are denied',
    load: async () => (await import('./verb/rule.ts')).rule,
  },
  {
    name: 'cap',
    group: 'Work:',
    summary: 'how many attempts of a node, a tool or an account run at once',
    load: async () => (await import('./verb/cap.ts')).cap,
  },
  {
    name: 'project',
    group: 'Work:',
    summary: 'list, add and remove repositories that tasks work in',
    load: async () => (await import('./verb/project.ts')).project,
  },
  {
    name: 'mcp',
    group: 'Work:',
    summary: 'the tools of skep for agents that speak MCP',
    load: async () => (await import('./verb/mcp.ts')).mcp,
  },
  {
    name: 'status',
    group: 'Look:',
    summary: 'one look at the swarm',
    load: async () => (await import('./verb/status.ts')).status,
  },
  {
    name: 'usage',
    group: 'Look:',
    summary: 'what agents used, and what it cost',
    load: async () => (await import('./verb/usage.ts')).usage,
  },
  {
    name: 'peers',
    group: 'Look:',
    summary: 'the nodes of the swarm as this one sees them',
    load: async () => (await import('./verb/peers.ts')).peers,
  },
  {
    name: 'node',
    group: 'Look:',
    summary: 'list the nodes of the swarm, and take one out of it',
    load: async () => (await import('./verb/node.ts')).node,
  },
  {
    name: 'events',
    group: 'Look:',
    summary: 'what happens, line by line',
    load: async () => (await import('./verb/events.ts')).events,
  },
  {
    name: 'message',
    group: 'Look:',
    summary: 'messages between people and agents',
    load: async () => (await import('./verb/message.ts')).message,
  },
  {
    name: 'file',
    group: 'Work:',
    summary: 'files between people and agents',
    load: async () => (await import('./verb/file.ts')).file,
  },
  {
    name: 'market',
    group: 'Work:',
    summary: 'skills, proposals, deals and ratings',
    load: async () => (await import('./verb/market.ts')).market,
  },
  {
    name: 'agent-harness',
    group: 'Run nodes:',
    summary: 'speak as an agent, at its socket; run one that prints its answers',
    load: async () => (await import('./verb/agent-harness.ts')).agentHarness,
  },
  {
    name: 'explain',
    group: 'Look:',
    summary: 'why an agent is said to be idle, running, waiting …',
    load: async () => (await import('./verb/explain.ts')).explain,
  },
  {
    name: 'open',
    group: 'Let others in:',
    summary: 'a link that logs a browser in, once',
    load: async () => (await import('./verb/open.ts')).openPage,
  },
  {
    name: 'token',
    group: 'Let others in:',
    summary: 'list, create and revoke tokens for HTTP',
    load: async () => (await import('./verb/token.ts')).token,
  },
  {
    name: 'join-code',
    group: 'Let others in:',
    summary: 'the code by which another machine joins this swarm',
    load: async () => (await import('./verb/join-code.ts')).joinCode,
  },
  {
    name: 'backup',
    group: 'Run nodes:',
    summary: 'copy all that a node holds, while it goes on',
    load: async () => (await import('./verb/backup.ts')).backup,
  },
  {
    name: 'restore',
    group: 'Run nodes:',
    summary: 'make a new node of a backup',
    load: async () => (await import('./verb/restore.ts')).restore,
  },
  {
    name: 'slurm',
    group: 'Run nodes:',
    summary: 'a Slurm allocation as a fleet of agents',
    load: async () => (await import('./verb/slurm.ts')).slurm,
  },
  {
    name: 'doctor',
    group: 'Run nodes:',
    summary: 'check this machine and say what to do',
    load: async () => (await import('./verb/doctor.ts')).doctor,
  },
  {
    name: 'model-server',
    group: 'Try:',
    summary: 'a scripted model on loopback, to try agents without an account',
    load: async () => (await import('./verb/model-server.ts')).modelServer,
  },
  {
    name: 'detect',
    group: 'Build programs:',
    summary: 'what an application needs: built-ins, packages, add-ons, environment',
    load: async () => (await import('./verb/detect.ts')).detect,
  },
  {
    name: 'compile',
    group: 'Build programs:',
    summary: 'make one executable of an application',
    load: async () => (await import('./verb/compile.ts')).compile,
  },
];
