/**
 * Answers kept by `Idempotency-Key`, so that a client that got no answer may ask again.
 *
 * What is promised: while this node runs, the newest {@link KEYS_MAX} keys give the first answer again, also while it is still being made, and
 * a key that comes back with another body is a `conflict`. Refusals are not kept. After a restart only a created task is still found
 * (routes/task-create.ts keeps the key with the task).
 */
import { hash } from 'node:crypto';
import type { DoorRefusal } from './refusal.ts';
import { isRefusal, refused } from './refusal.ts';
import type { Answer } from './route.ts';

/** Some minutes of a busy client. */
const KEYS_MAX = 2_000;
/** Larger answers are not kept: all of them together must stay small. */
const ANSWER_MAX_CHARS = 16 * 1024;

type Kept = { fingerprint: string; answer: Promise<Answer | DoorRefusal> };

export class Idempotency {
  private readonly kept = new Map<string, Kept>();

  /** Handles once for each `scope` (caller, route and key); `input` is what was asked. */
  async once(scope: string, input: string, handle: () => Promise<Answer | DoorRefusal>): Promise<Answer | DoorRefusal> {
    const fingerprint = hash('sha256', input);
    const known = this.kept.get(scope);
    if (known !== undefined) return known.fingerprint === fingerprint ? known.answer : reused();
    const entry: Kept = { fingerprint, answer: handle() };
    this.kept.set(scope, entry);
    const [oldest] = this.kept.keys();
    if (oldest !== undefined && this.kept.size > KEYS_MAX) this.kept.delete(oldest);
    let worth = false;
    try {
      const answer = await entry.answer;
      worth = isWorthKeeping(answer);
      return answer;
    } finally {
      if (!worth && this.kept.get(scope) === entry) this.kept.delete(scope);
    }
  }
}

export const reused = (): DoorRefusal =>
  refused('conflict', 'this Idempotency-Key was used for another request', {
    expected: 'the body that first came with the key, or a new key',
    got: 'another body',
  });

const isWorthKeeping = (answer: Answer | DoorRefusal): boolean =>
  !isRefusal(answer) && answer.kind === 'json' && JSON.stringify(answer.body).length <= ANSWER_MAX_CHARS;
