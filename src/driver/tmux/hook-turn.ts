/** What hooks tell of one turn, in the words of the seam to drivers. Pure. */
import type { TurnFailure } from '#agent-ports.ts';
import { RESULT_MARK } from '../last-words.ts';
import type { HookTold } from './agent-hooks.ts';

export type HookStop = Extract<HookTold, { kind: 'stopped' }>;

/** So much of a prompt is compared: a tool may shorten what was pasted, or wrap it. */
const COMPARED_CHARS = 40;

/** What a turn that a person has stopped is said to have failed for, by a tool that tells of it. */
export const INTERRUPTED = 'interrupted';

const FAILURES: Readonly<Record<string, TurnFailure>> = {
  rate_limit: 'rate_limited',
  authentication_failed: 'login',
};

/** Whether what was submitted is what was typed, and not something of a person's. */
export function isPrompt(submitted: string, typed: string): boolean {
  const plain = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
  const begin = plain(typed).slice(0, COMPARED_CHARS);
  return begin !== '' && plain(submitted).includes(begin);
}

/** How a turn ended that its tool says is over. `otherwise`: what stands for the words of an agent that said none. */
export function endOf(
  { failure, message }: HookStop,
  otherwise: () => string,
): { outcome: 'completed' | 'failed' | 'interrupted'; text: string; failure?: TurnFailure } {
  if (failure === INTERRUPTED) return { outcome: 'interrupted', text: '' };
  if (failure === undefined) return { outcome: 'completed', text: resultIn(message) ?? otherwise() };
  const text = message.trim() === '' ? failure : message.trim();
  return { outcome: 'failed', text, failure: FAILURES[failure] ?? 'model' };
}

/** What stands behind the last mark, else all of it; undefined where nothing was said. */
export function resultIn(message: string): string | undefined {
  const marked = message.split('\n').findLast((line) => line.trimStart().startsWith(RESULT_MARK));
  const text = marked === undefined ? message : marked.trimStart().slice(RESULT_MARK.length);
  return text.trim() === '' ? undefined : text.trim();
}
