/** Who may say the frames of files, skills and deals, and what follows. */
import type { Handler } from './handler.ts';
import { member } from './handler.ts';
import { MARKET_FRAMES } from './market-frames.ts';
import * as talk from './talk.ts';

export const MARKET_HANDLERS: Record<keyof typeof MARKET_FRAMES, Handler> = {
  FILE_CHUNK: member(MARKET_FRAMES.FILE_CHUNK, talk.fileChunk),
};
