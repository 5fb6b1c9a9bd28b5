/** What `skep start` says when all is up: where to look, and lines to paste. */
import { join, relative } from 'node:path';
import type { NodePlan } from './plan.ts';

export type Welcome = {
  nodes: readonly NodePlan[];
  dataDir: string;
  repository: string;
  loginLink: string;
  /** Found on PATH, without an agent here. */
  agentClis: readonly string[];
  pausedAgents: readonly string[];
  /** SKEP_TOKEN rules here, in place of the file in the data directory. */
  tokenFromEnvironment: boolean;
  /** How the user calls this program, and from where. */
  program: string;
  cwd: string;
};

/** In single quotes where a shell would read more into it than stands there. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** The task of the curl line: it edits and commits, as agents do. */
const TASK = {
  title: 'Greet',
  description: 'echo "Hello from $(hostname)" >> greeting.txt && git add greeting.txt && git commit -m Greet',
  project: 'demo',
  required_capabilities: ['shell'],
};

/** Lines that each work by themselves when pasted into a shell in this directory. */
export function linesToPaste(o: Welcome): { post: string; look: string; wait: string; diff: string } {
  const [emperor, worker] = o.nodes;
  const token = o.tokenFromEnvironment ? '$SKEP_TOKEN' : `$(cat ${quoted(join(o.dataDir, 'token'))})`;
  const authorization = `-H "Authorization: Bearer ${token}"`;
  const tasks = (node: NodePlan | undefined): string => `http://127.0.0.1:${node?.httpPort ?? 0}/api/swarm/tasks`;
  const skep = `${o.program} task`;
  return {
    post:
      `curl -sS -X POST ${tasks(emperor)} \\\n  ${authorization} -H 'Content-Type: application/json' \\\n` +
      `  -d '${JSON.stringify(TASK)}'`,
    look: `curl -sS ${authorization} ${tasks(worker)}`,
    wait: `${skep} output last --follow${whichNode(o)}`,
    diff: `${skep} diff last${whichNode(o)}`,
  };
}

/** Nothing where `skep` finds these nodes by itself. */
function whichNode(o: Welcome): string {
  const port = o.nodes[0]?.p2pPort;
  const dir = relative(o.cwd, o.dataDir) === 'data' ? '' : ` --data-dir ${quoted(o.dataDir)}`;
  return `${dir}${port === 7101 ? '' : ` --p2p-port ${port}`}`;
}

export function welcomeText(o: Welcome): string {
  const paste = linesToPaste(o);
  const nodes = o.nodes.map((node) => `${node.name.padEnd(9)} http://127.0.0.1:${node.httpPort}  mesh ${node.p2pPort}`);
  const hub = `ws://127.0.0.1:${o.nodes[0]?.hubPort ?? 0}`;
  const found =
    o.agentClis.length === 0 ? [] : [`${o.agentClis.join(', ')}: found; ${o.program} agent add makes agents of them`];
  const first = o.pausedAgents[0];
  const paused =
    first === undefined
      ? []
      : [
          `${o.pausedAgents.join(', ')}: paused, so that nothing costs money by itself;`,
          `${o.program} agent resume ${first}${whichNode(o)} lets it take tasks`,
        ];
  const clis = [...paused, ...found];
  return `
skep is up: one emperor, two workers with an agent for scripts each. Ctrl-C stops all of it.

  page      ${o.loginLink}
            (logs one browser in, once; for another: ${o.program} open${whichNode(o)})
  nodes     ${nodes.join('\n            ')}
  hub       ${hub}, where agents from outside meet: docs/agentchat.md
  project   demo, the git repository ${o.repository}
  data      ${o.dataDir} (logs in ${join(o.dataDir, 'logs')})
  agents    ${clis.length === 0 ? 'none of the well-known ones is on PATH' : clis.join('\n            ')}

Post a task. An agent on one of the workers does it, in a worktree of its own, and commits:

${paste.post}

Look at it from another node, and wait for its end:

${paste.look}
${paste.wait}

See what it changed. The commit is here, even when that worker is gone:

${paste.diff}
`;
}
