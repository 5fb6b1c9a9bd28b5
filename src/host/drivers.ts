/** How this node drives which tool. */
import type { AgentDriver } from '#agent-ports.ts';
import { AcpDriver } from '#driver/acp/driver.ts';

/** An agent whose tool is `acp COMMAND LINE` is driven by the Agent Client Protocol, which that command is to speak. */
const ACP = /^acp\s+(\S.*)$/;

export class Drivers {
  readonly #byTool: ReadonlyMap<string, AgentDriver>;
  readonly #o: { version: string; nowMs: () => number };

  constructor(list: readonly AgentDriver[], o: { version: string; nowMs: () => number }) {
    this.#byTool = new Map(list.map((driver) => [driver.tool, driver]));
    this.#o = o;
  }

  get(tool: string): AgentDriver | undefined {
    const command = ACP.exec(tool)?.[1];
    if (command === undefined) return this.#byTool.get(tool);
    const [program = '', ...args] = command.trim().split(/\s+/);
    return new AcpDriver({ ...this.#o, tool, command: [program, ...args] });
  }

  /** Those with a driver of their own. */
  tools(): string[] {
    return [...this.#byTool.keys()];
  }
}

/** The command line that an agent of this tool runs. */
export const commandOf = (tool: string): string => ACP.exec(tool)?.[1] ?? tool;
