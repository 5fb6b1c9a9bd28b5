/** What drivers of tools that speak lines have in common: the tool is started by the first prompt, and found again after a restart of the node. */
import type { AgentDriver, AgentSession, SessionSpec } from '#agent-ports.ts';
import type { Runtime } from '#ports.ts';
import { attachLineSession, openLineSession, type LineTool } from './open.ts';

export abstract class LineDriver implements AgentDriver {
  abstract readonly tool: string;

  /** Nothing is started before the first prompt. */
  async open(spec: SessionSpec, runtime: Runtime): Promise<AgentSession> {
    return openLineSession(this.lineTool(spec), { spec, runtime });
  }

  attach(spec: SessionSpec, runtime: Runtime): Promise<AgentSession | undefined> {
    return attachLineSession(this.lineTool(spec), { spec, runtime });
  }

  /** The tool as this session wants it. */
  protected abstract lineTool(spec: SessionSpec): LineTool;
}
