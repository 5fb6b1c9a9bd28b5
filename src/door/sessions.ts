/** Ways in for browsers: one-time codes that become cookie sessions. In memory only: a restart logs everybody out. */
import { hash, randomBytes } from 'node:crypto';
import type { Caller } from '#core/policy.ts';

/** How long a code may lie in a terminal before it is used. */
export const LOGIN_CODE_LIFE_MS = 10 * 60_000;
/** Codes that wait to be used; the oldest goes first. */
const CODES_MAX = 256;
/** A session ends a week after its login, whether used or not. */
export const SESSION_LIFE_MS = 7 * 24 * 3_600_000;
/** Browsers logged in at once; the oldest goes first. */
const SESSIONS_MAX = 256;

type Held = { caller: Caller; untilMs: number };

export class Sessions {
  private readonly now: () => number;
  /** By the SHA-256 of code or cookie, so that neither lies in memory, and a look-up's time tells nothing about them. */
  private readonly codes = new Map<string, Held>();
  private readonly sessions = new Map<string, Held>();

  constructor(now: () => number) {
    this.now = now;
  }

  /** A code that logs in once, as `caller`. */
  createCode(caller: Caller): { code: string; untilMs: number } {
    return this.hold(this.codes, { caller, lifeMs: LOGIN_CODE_LIFE_MS, max: CODES_MAX });
  }

  /** Uses a code up. The value of the cookie, or undefined for a code that is unknown, used or too old. */
  login(code: string): string | undefined {
    const key = keyOf(code);
    const held = this.codes.get(key);
    this.codes.delete(key);
    if (held === undefined || held.untilMs <= this.now()) return undefined;
    return this.hold(this.sessions, { caller: held.caller, lifeMs: SESSION_LIFE_MS, max: SESSIONS_MAX }).code;
  }

  /** Who a cookie speaks for. */
  caller(cookie: string): Caller | undefined {
    const held = this.sessions.get(keyOf(cookie));
    return held === undefined || held.untilMs <= this.now() ? undefined : held.caller;
  }

  /** Ends all sessions and codes of a principal: its token was taken back. */
  forget(principal: string): void {
    for (const held of [this.codes, this.sessions]) {
      for (const [key, { caller }] of held) if (caller.principal === principal) held.delete(key);
    }
  }

  private hold(
    where: Map<string, Held>,
    o: { caller: Caller; lifeMs: number; max: number },
  ): { code: string; untilMs: number } {
    const code = randomBytes(24).toString('base64url');
    const untilMs = this.now() + o.lifeMs;
    const [oldest] = where.keys();
    if (oldest !== undefined && where.size >= o.max) where.delete(oldest);
    where.set(keyOf(code), { caller: o.caller, untilMs });
    return { code, untilMs };
  }
}

const keyOf = (secret: string): string => hash('sha256', secret);
