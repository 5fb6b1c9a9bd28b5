/** The frame by which hubs tell one another something in passing. */
import { z } from 'zod';
import { SIGNAL_MAX_CHARS } from '../signals.ts';

export const SIGNAL_FRAME = 0x29;

/** From hub to hub, to nodes that watch `hub`: a JSON text that only hubs read. */
export const signalSchema = z.object({ type: z.literal(SIGNAL_FRAME), text: z.string().max(SIGNAL_MAX_CHARS) });
export type SignalFrame = z.output<typeof signalSchema>;
