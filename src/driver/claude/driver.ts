/** Claude Code by its structured protocol: `claude -p` with stream-json on both sides, one process for many turns. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionSpec, ToolServer } from '#agent-ports.ts';
import { LineDriver } from '../line/driver.ts';
import { isToBeCopied, type LineTool } from '../line/open.ts';
import type { LineLimits } from '../line/tool-process.ts';
import { ClaudeDialect } from './dialect.ts';

/** `default`: whoever drives it is asked, whatever the person's own mode is; without the vendor's service, mode `auto` would stop at a dialog. */
const PROTOCOL =
  '-p --verbose --input-format stream-json --output-format stream-json --include-partial-messages --replay-user-messages ' +
  '--permission-prompt-tool stdio --permission-mode default';

export type ClaudeDriverOptions = {
  /** Where it is told of tool servers, one file a session, removed when the session closes. Made with mode 0700. */
  directory: string;
  /** Wall clock: a turn's limit goes on while this node is down. */
  nowMs: () => number;
  limits?: LineLimits;
};

export class ClaudeDriver extends LineDriver {
  readonly tool = 'claude';
  readonly #o: ClaudeDriverOptions;

  constructor(o: ClaudeDriverOptions) {
    super();
    this.#o = o;
  }

  protected lineTool(spec: SessionSpec): LineTool {
    const { cwd, instructions, servers } = spec;
    return {
      ...this.#o,
      tool: this.tool,
      dialect: () => new ClaudeDialect({ cwd }),
      command: (conversation) => [
        'claude',
        ...PROTOCOL.split(' '),
        ...(conversation === null ? ['--session-id', randomUUID()] : ['--resume', conversation]),
        ...(isToBeCopied(spec, conversation) ? ['--fork-session'] : []),
        ...(instructions === '' ? [] : ['--append-system-prompt', instructions]),
        ...(servers.length === 0 ? [] : this.#offer(spec)),
      ],
      files: servers.length === 0 ? [] : [this.#serversPath(spec)],
      closed: () => rmSync(this.#serversPath(spec), { force: true }),
    };
  }

  /** Beside the person's own servers. A call of what skep itself offers needs no permission; their environment may hold a token: it is in no argument. */
  #offer(spec: SessionSpec): string[] {
    mkdirSync(this.#o.directory, { recursive: true, mode: 0o700 });
    const path = this.#serversPath(spec);
    const mcpServers = Object.fromEntries(spec.servers.map((server) => [server.name, serverOf(server)]));
    writeFileSync(path, JSON.stringify({ mcpServers }), { mode: 0o600 });
    return ['--mcp-config', path, '--allowedTools', spec.servers.map(({ name }) => `mcp__${name}`).join(',')];
  }

  #serversPath(spec: SessionSpec): string {
    return join(this.#o.directory, `${spec.procId}.mcp.json`);
  }
}

const serverOf = ({ command: [command, ...args], env }: ToolServer): object => ({ type: 'stdio', command, args, env });
