/** Fields that frames of several topics share. */
import { z } from 'zod';

/** One frame, and so one content. */
export const FRAME_MAX_BYTES = 2 * 1024 * 1024;

export const agent = z.string().regex(/^@[A-Za-z0-9-]{1,64}$/, 'Invalid agent id (must start with @)');
