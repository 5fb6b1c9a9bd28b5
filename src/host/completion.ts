/**
 * How an attempt stands by the agent's own word. A turn that ends is not a task that is done: done is what the agent says by `task_complete`.
 * What it said is on disk before it is answered, beside the secret by which its calls are known.
 */
import type { OpId } from '#core/brand.ts';
import type { AgentEvent, AttemptBearer, PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import { REMINDER } from './agent-words.ts';
import type { CompletionRecord, Said } from './completion-record.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

/** What follows on the end of a turn: a further one with this text, nothing (its end was answered before the node restarted), or the attempt's end. */
export type AfterTurn = { kind: 'prompt'; text: string } | { kind: 'seen' } | { kind: 'over' };

export type CompletionOptions = {
  agent: OpId;
  task: OpId;
  attempt: number;
  record: CompletionRecord;
  /** Whether the agent has to say how its task stands: it is reminded, and an end without a word is told as unconfirmed. */
  isOwed: boolean;
  /** Puts it on disk. */
  save: (record: CompletionRecord) => Promise<void>;
  /** Asks people; undefined when `closed` was aborted first. */
  ask: (request: PermissionRequest, closed: AbortSignal) => Promise<PermissionAnswer | undefined>;
};

/** Questions of one attempt: an agent that asks more has not understood its task. */
const QUESTIONS_MAX = 20;
/** Tasks that one attempt may make: enough to split a large one, too few for a loop to flood the swarm. */
const TASKS_MAX = 50;
/** A question's beginning, for lists. */
const TITLE_MAX_CHARS = 120;

export class Completion implements AttemptBearer {
  readonly agent: OpId;
  readonly task: OpId;
  readonly attempt: number;
  /** Told of each `task_progress`. */
  onProgress: (text: string) => void = () => {};
  readonly #o: CompletionOptions;
  #record: CompletionRecord;
  #changing: Promise<unknown> = Promise.resolve();
  #isOver = false;
  #tasksMade = 0;

  constructor(o: CompletionOptions) {
    this.#o = o;
    this.agent = o.agent;
    this.task = o.task;
    this.attempt = o.attempt;
    this.#record = o.record;
  }

  get said(): Said | null {
    return this.#record.said;
  }

  /** The attempt has ended: its tools are closed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isOwed(): boolean {
    return this.#o.isOwed;
  }

  close(): void {
    this.#isOver = true;
  }

  complete(summary: string): Promise<string> {
    return this.#change((record) => {
      const held = record.said?.kind;
      if (held === 'completed')
        return { answer: 'This task is complete already; the first summary stands. End your turn.' };
      if (held === 'failed') return { answer: 'You said already that this task failed; that stands. End your turn.' };
      const said: Said = { kind: 'completed', text: summary };
      return { record: { ...record, said }, answer: 'Noted: the task is complete. End your turn now.' };
    });
  }

  fail(reason: string): Promise<string> {
    return this.#change((record) => {
      const held = record.said?.kind;
      if (held === 'failed') return { answer: 'You said so already. End your turn.' };
      if (held === 'completed') return { answer: 'This task is complete already; that stands. End your turn.' };
      const said: Said = { kind: 'failed', text: reason };
      return { record: { ...record, said }, answer: 'Noted: this attempt failed. End your turn now.' };
    });
  }

  ask(question: string): Promise<string> {
    return this.#change((record) => {
      const held = record.said?.kind;
      if (held === 'completed' || held === 'failed')
        return { answer: 'This task is over; nobody will answer. End your turn.' };
      if (held === 'asks')
        return { answer: 'Your question before this one is open. End your turn; its answer is your next message.' };
      if (record.asked >= QUESTIONS_MAX) return { answer: TOO_MANY_QUESTIONS };
      const said: Said = { kind: 'asks', text: question };
      const answer = 'Your question is put to people. End your turn now; the answer is your next message.';
      return { record: { ...record, said, asked: record.asked + 1 }, answer };
    });
  }

  progress(text: string): string {
    this.onProgress(text);
    return 'Noted.';
  }

  mayCreateTask(): boolean {
    if (this.#tasksMade >= TASKS_MAX) return false;
    this.#tasksMade += 1;
    return true;
  }

  /** Waits for people where the agent asked them something; `closed` ends that. */
  async after({ turn, outcome }: TurnEnded, closed: AbortSignal): Promise<AfterTurn> {
    if (this.#record.turns.includes(turn)) return { kind: 'seen' };
    // The node stopped before it knew that the agent has this text: better twice than never.
    if (this.#record.next?.turn === turn) return { kind: 'prompt', text: this.#record.next.text };
    if (outcome !== 'completed') return { kind: 'over' };
    const { said } = this;
    if (said?.kind === 'asks') return this.#answered({ turn, question: said.text }, closed);
    if (said !== null || this.#record.reminded || !this.isOwed) return { kind: 'over' };
    return this.#prompt(turn, REMINDER, { reminded: true });
  }

  /** The text that followed on that turn is with the agent: also after a restart it is not said again. */
  prompted(turn: string): Promise<void> {
    return this.#change((record) => ({
      record: { ...record, next: null, turns: [...record.turns, turn] },
      answer: undefined,
    }));
  }

  async #answered(o: { turn: string; question: string }, closed: AbortSignal): Promise<AfterTurn> {
    const answer = await this.#o.ask(requestOf(o.question, this.#record.asked), closed);
    if (answer === undefined) return { kind: 'over' };
    if (answer.behavior === 'allow') {
      const text = `The answer to your question "${titleOf(o.question)}":\n\n${answer.message}`;
      return this.#prompt(o.turn, text, { said: null });
    }
    const said: Said = { kind: 'unanswered', text: `${o.question}\n\n${answer.message}` };
    return this.#change((record) => ({ record: { ...record, said }, answer: { kind: 'over' } }));
  }

  #prompt(turn: string, text: string, more: Partial<CompletionRecord>): Promise<AfterTurn> {
    return this.#change((record) => ({
      record: { ...record, ...more, next: { turn, text } },
      answer: { kind: 'prompt', text },
    }));
  }

  /** One change after the other, each on disk before it counts. Without a record nothing is changed. */
  #change<T>(edit: (record: CompletionRecord) => { record?: CompletionRecord; answer: T }): Promise<T> {
    const changed = this.#changing.then(async () => {
      const { record, answer } = edit(this.#record);
      if (record === undefined) return answer;
      await this.#o.save(record);
      this.#record = record;
      return answer;
    });
    this.#changing = changed.catch(() => {});
    return changed;
  }
}

const TOO_MANY_QUESTIONS = `This attempt has asked ${QUESTIONS_MAX} questions, which is the limit. Decide yourself, or call task_failed.`;

const titleOf = (question: string): string => {
  const line = question.trim().split('\n', 1)[0] ?? '';
  return line.length <= TITLE_MAX_CHARS ? line : `${line.slice(0, TITLE_MAX_CHARS - 1)}…`;
};

/** The same question has the same name after a restart. */
const requestOf = (question: string, count: number): PermissionRequest => ({
  request: `task_needs_input.${count}`,
  kind: 'question',
  tool: 'task_needs_input',
  title: titleOf(question),
  detail: question,
  cwd: null,
  paths: [],
});
