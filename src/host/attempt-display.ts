/** What is seen of an attempt from outside: glimpses for whoever watches, the tail of its output, and its transcript. */
import { masked } from '#core/approval/mask.ts';
import type { AgentEvent } from '#agent-ports.ts';
import type { AttemptPlan, AttemptTools } from './attempt-plan.ts';
import { OutputTail } from './output.ts';
import type { AttemptTranscript } from './transcript.ts';
import { transcriptOf } from './transcripts.ts';

export class AttemptDisplay {
  readonly output = new OutputTail();
  readonly transcript: AttemptTranscript | undefined;
  readonly #plan: AttemptPlan;
  readonly #tools: Pick<AttemptTools, 'glimpses' | 'desk'>;
  /** What its driver last saw of it. */
  #seen: string = 'running';

  constructor(plan: AttemptPlan, tools: Pick<AttemptTools, 'glimpses' | 'desk' | 'transcripts'>) {
    this.#plan = plan;
    this.#tools = tools;
    this.transcript = transcriptOf(plan, tools.transcripts);
  }

  /** An event of the session. */
  heard(event: AgentEvent): void {
    const isNews = this.transcript?.on(event) === true;
    if (event.kind === 'context') this.#tools.desk.holds(this.#plan.agent.id, event);
    if (!this.show(event) && isNews) this.say(this.#seen, this.output.last());
  }

  /** False where nothing is shown of it. */
  show(event: AgentEvent): boolean {
    if (event.kind === 'delta' && event.stream !== 'thought') {
      const shown = this.output.stream(event.text);
      this.say(this.#seen, this.output.last(), shown);
      return true;
    }
    if (event.kind === 'screen') {
      this.output.show(event.text);
      this.say(this.#seen, event.progress);
      return true;
    }
    if (event.kind === 'tool' && event.state === 'running') {
      // The end of the output becomes the error of an attempt that fails, which is an op.
      const shown = this.output.addBelow(`· ${masked(event.title)}`);
      this.say(this.#seen, shown.trim().slice(2), shown);
      return true;
    }
    if (event.kind !== 'state') return false;
    this.#seen = event.state;
    this.#tools.desk.stands(this.#plan.agent.id, event);
    this.say(this.#seen, this.output.last());
    return true;
  }

  /** A line of skep's own in the output. */
  tell(line: string): void {
    this.say(this.#seen, line, this.output.addBelow(`· ${line}`));
  }

  say(status: string, progress: string | null, output?: string): void {
    const { task, attempt, agent } = this.#plan;
    const transcript = this.transcript?.change;
    this.#tools.glimpses.make({ task, agent: agent.id, attempt, status, progress, output, transcript });
  }
}
