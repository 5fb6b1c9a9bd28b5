/** The hooks of one agent in a terminal: its state by them, and what it asks by one that waits for an answer. */
import type { HookReport, PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import type { Asked } from '../claude/messages.ts';
import { decisionOf, permissionOf } from '../claude/permission.ts';
import { permissionSchema } from '../opencode/api.ts';
import { permissionOf as openCodePermissionOf } from '../opencode/translate.ts';
import { HookState } from './hook-state.ts';
import type { Tool } from './tool.ts';

/** Dialogs that are open at once; a tool shows one after the other. */
const QUESTIONS_MAX = 32;

/** What a hook told, for whoever drives the agent. `isBehind`: another turn was under way. `isLast`: no prompt waits for its turn. */
export type HookTold =
  | { kind: 'prompted'; prompt: string; session: string | null; isBehind: boolean }
  | { kind: 'stopped'; session: string | null; isLast: boolean; failure: string | undefined; message: string }
  | { kind: 'asked'; request: PermissionRequest }
  | { kind: 'closed'; request: string }
  | { kind: 'moved' };

type Question = {
  asked: Asked;
  request: PermissionRequest;
  resolve: (decision: Readonly<Record<string, unknown>> | undefined) => void;
};

export class AgentHooks {
  readonly state: HookState;
  readonly #dialect: Tool['hooks'];
  readonly #onTold: (told: HookTold) => void;
  readonly #questions = new Map<string, Question>();

  constructor(dialect: Tool['hooks'], onTold: (told: HookTold) => void) {
    this.#dialect = dialect;
    this.state = new HookState({ endsAll: dialect === 'opencode' });
    this.#onTold = onTold;
  }

  /** What is open now: whoever comes to drive the agent asks people for it. */
  open(): PermissionRequest[] {
    return [...this.#questions.values()].map(({ request }) => request);
  }

  /** Resolves at once for what only tells, and with the decision for what asks; undefined when it is answered in the terminal. */
  async report(report: HookReport): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { event, tool, input, session } = report;
    const isLast = this.state.report(report);
    if (event === 'PermissionRequest' && report.request !== null) return this.#ask(report, report.request);
    if (event === 'PermissionAnswered') this.#close((one) => one.request.request === report.request);
    if (event === 'PostToolUse' || event === 'PostToolUseFailure') this.#close((one) => isFor(one, tool, input));
    if (ENDS_QUESTIONS.has(event)) this.#close(() => true);
    else if (this.#questions.size > 0) this.state.report({ ...report, event: 'PermissionRequest' });
    if (event === 'UserPromptSubmit') {
      const { prompt } = report;
      this.#onTold({ kind: 'prompted', prompt: prompt ?? '', session, isBehind: this.state.waiting > 0 });
    } else if (event === 'Stop' || event === 'StopFailure') {
      const failure = event === 'Stop' ? undefined : (report.error ?? 'unknown');
      this.#onTold({ kind: 'stopped', session, isLast, failure, message: report.message ?? '' });
    } else this.#onTold({ kind: 'moved' });
    return undefined;
  }

  /** The dialog was closed in the terminal: a person said no, or stopped the agent. Neither fires a hook. */
  withdraw(request: string): void {
    if (!this.#questions.has(request)) return;
    this.#close((one) => one.request.request === request);
    this.state.forget();
    this.#onTold({ kind: 'moved' });
  }

  /** Of a request that is open; any other is left alone. */
  answer(request: string, answer: PermissionAnswer): void {
    const question = this.#questions.get(request);
    if (question === undefined) return;
    this.#questions.delete(request);
    question.resolve(this.#dialect === 'opencode' ? { ...answer } : { ...decisionOf(question.asked, answer) });
    if (this.#questions.size === 0) this.state.goesOn(`what it asked was answered: ${answer.behavior}`);
    this.#onTold({ kind: 'moved' });
  }

  /** The screen took over: whatever was asked is answered, in a way that fires no hook. */
  contradicted(): void {
    this.#close(() => true);
  }

  #ask(report: HookReport, name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    // The same question of a hook whose node went away in between.
    this.#questions.get(name)?.resolve(undefined);
    if (this.#questions.size >= QUESTIONS_MAX) return Promise.resolve(undefined);
    const asked: Asked = {
      type: 'control_request',
      request_id: name,
      request: { subtype: 'can_use_tool', tool_name: report.tool ?? 'unknown', input: { ...report.input } },
    };
    const request = this.#requestOf(asked, report);
    return new Promise((resolve) => {
      this.#questions.set(name, { asked, request, resolve });
      this.#onTold({ kind: 'asked', request });
    });
  }

  #requestOf(asked: Asked, { session, tool, input, cwd }: HookReport): PermissionRequest {
    if (this.#dialect !== 'opencode') return permissionOf(asked, cwd ?? '/');
    const said = { id: asked.request_id, sessionID: session ?? '', permission: tool ?? 'unknown' };
    return openCodePermissionOf(permissionSchema.parse({ ...input, ...said }), cwd ?? '/');
  }

  #close(isOver: (question: Question) => boolean): void {
    for (const [name, question] of this.#questions) {
      if (!isOver(question)) continue;
      this.#questions.delete(name);
      question.resolve(undefined);
      this.#onTold({ kind: 'closed', request: name });
    }
  }
}

/** With these a tool has no dialog open any more. */
const ENDS_QUESTIONS: ReadonlySet<string> = new Set([
  'UserPromptSubmit',
  'Stop',
  'StopFailure',
  'SessionStart',
  'SessionEnd',
]);

const isFor = ({ asked: { request } }: Question, tool: string | null, input: HookReport['input']): boolean =>
  request.tool_name === tool && JSON.stringify(request.input) === JSON.stringify(input);
