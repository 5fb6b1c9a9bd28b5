import { z } from 'zod';

/** A turn that was asked for, so that a restarted node knows of it. */
export const sessionRecordSchema = z.object({ session: z.string(), turn: z.string(), prompt: z.string() });
export type SessionRecord = z.output<typeof sessionRecordSchema>;
