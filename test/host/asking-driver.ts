/**
 * An agent that asks: its prompt is a JSON list of requests, its turn completes when all are answered; whatever it is told after that, it has nothing
 * more to do. It outlives
 * the node as a real one does under the holder: whoever attaches to it is asked again what is still open.
 */
import type {
  AgentDriver,
  AgentEvent,
  AgentSession,
  PermissionAnswer,
  PermissionRequest,
  SessionSpec,
} from '#agent-ports.ts';
import type { ProcId } from '#core/brand.ts';
import { EventStream } from '#driver/event-stream.ts';

type Ended = Extract<AgentEvent, { kind: 'turn_ended' }>;

class AskingAgent {
  requests: readonly PermissionRequest[] = [];
  readonly answers = new Map<string, PermissionAnswer>();
  private events = new EventStream();
  private ended: Ended | undefined;
  private turns = 0;

  prompt(text: string, cwd: string): void {
    if (this.ended !== undefined) return this.end('completed');
    const asked: Partial<PermissionRequest>[] = JSON.parse(text);
    this.requests = asked.map((one, at) => ({
      request: `toolu_${at}`,
      kind: 'command',
      tool: 'Bash',
      title: one.detail ?? '',
      detail: '',
      cwd,
      paths: [],
      ...one,
    }));
    this.tell();
  }

  /** As somebody who attaches hears it. */
  follow(): AsyncIterable<AgentEvent> {
    this.events = new EventStream();
    this.tell();
    return this.events;
  }

  answer(request: string, answer: PermissionAnswer): void {
    if (this.answers.has(request)) throw new Error(`${request} was answered twice`);
    this.answers.set(request, answer);
    if (this.answers.size < this.requests.length) return;
    this.stand('running');
    this.end('completed');
  }

  withdraw(request: string): void {
    this.events.push({ kind: 'permission_closed', request });
  }

  end(outcome: Ended['outcome']): void {
    this.turns += 1;
    this.ended = { kind: 'turn_ended', turn: String(this.turns), outcome, text: '', exit: undefined };
    this.events.push(this.ended);
  }

  private stand(state: 'waiting' | 'running'): void {
    this.events.push({ kind: 'state', state, source: 'protocol', exact: true, evidence: 'as the test says' });
  }

  private tell(): void {
    this.stand('waiting');
    for (const request of this.requests)
      if (!this.answers.has(request.request)) this.events.push({ kind: 'permission', request });
    if (this.ended !== undefined) this.events.push(this.ended);
  }
}

export class AskingDriver implements AgentDriver {
  readonly tool: string;
  private readonly agents = new Map<ProcId, AskingAgent>();

  /** An agent is taken in only where its tool is a program that is there. */
  constructor(tool = 'true') {
    this.tool = tool;
  }

  open(spec: SessionSpec): Promise<AgentSession> {
    const agent = new AskingAgent();
    this.agents.set(spec.procId, agent);
    return Promise.resolve(sessionOf(agent, spec));
  }

  attach(spec: SessionSpec): Promise<AgentSession | undefined> {
    const agent = this.agents.get(spec.procId);
    return Promise.resolve(agent === undefined ? undefined : sessionOf(agent, spec));
  }

  /** The one that was started last. */
  agent(): AskingAgent {
    const agent = [...this.agents.values()].at(-1);
    if (agent === undefined) throw new Error('no agent was started');
    return agent;
  }
}

const sessionOf = (agent: AskingAgent, { cwd }: SessionSpec): AgentSession => ({
  events: agent.follow(),
  prompt: async (text) => {
    agent.prompt(text, cwd);
    return '1';
  },
  steer: () => Promise.resolve(),
  interrupt: async () => agent.end('interrupted'),
  answer: async (request, answer) => agent.answer(request, answer),
  close: () => Promise.resolve(),
});
