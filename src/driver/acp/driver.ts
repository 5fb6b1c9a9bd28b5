/** Any tool that speaks the Agent Client Protocol on its standard input and output. */
import type { SessionSpec } from '#agent-ports.ts';
import { LineDriver } from '../line/driver.ts';
import { isToBeCopied, type LineTool } from '../line/open.ts';
import type { LineLimits } from '../line/tool-process.ts';
import { AcpDialect } from './dialect.ts';

export type AcpDriverOptions = {
  /** What the agent is registered as. */
  tool: string;
  command: readonly [string, ...string[]];
  /** What skep calls itself. */
  version: string;
  /** Wall clock: a turn's limit goes on while this node is down. */
  nowMs: () => number;
  limits?: LineLimits;
};

export class AcpDriver extends LineDriver {
  readonly tool: string;
  readonly #o: AcpDriverOptions;

  constructor(o: AcpDriverOptions) {
    super();
    this.tool = o.tool;
    this.#o = o;
  }

  protected lineTool(spec: SessionSpec): LineTool {
    const { cwd, instructions, servers } = spec;
    const { version, command } = this.#o;
    return {
      ...this.#o,
      dialect: (resume) =>
        new AcpDialect({ cwd, version, instructions, servers, resume, isFork: isToBeCopied(spec, resume) }),
      command: () => command,
      closed: () => {},
    };
  }
}
