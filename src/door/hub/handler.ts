/** What carries out one frame: who may say it, and what follows. */
import type { z } from 'zod';
import type { At } from './channels.ts';
import type { Claims } from './claims.ts';
import type { Refused } from './frames.ts';
import { bad, isRefused, parseFrame } from './frames.ts';
import type { Hub } from './hub.ts';
import type { Proofs } from './proof.ts';
import type { Session } from './session.ts';

export type Place = { session: Session; hub: Hub; proofs: Proofs; claims: Claims };
/** At once, where nothing has to be waited for. */
export type Answer = Promise<Refused | undefined> | Refused | undefined;
export type Handler = (json: unknown, place: Place) => Answer;

/** For anybody who is connected. */
export const anyone =
  <T extends object>(schema: z.ZodType<T>, run: (frame: T, place: Place) => Answer): Handler =>
  (json, place) => {
    const frame = parseFrame(schema, json);
    return isRefused(frame) ? frame : run(frame, place);
  };

/** For those who are logged in. */
export const member = <T extends object>(schema: z.ZodType<T>, run: (frame: T, at: At & Place) => Answer): Handler =>
  anyone(schema, (frame, place) => {
    const who = place.session.member;
    return who === undefined ? bad('AUTH_REQUIRED', 'Must IDENTIFY first') : run(frame, { ...place, member: who });
  });
