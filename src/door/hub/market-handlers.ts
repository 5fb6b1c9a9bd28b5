/** Who may say the frames of files, skills and deals, and what follows. */
import type { Handler } from './handler.ts';
import { member } from './handler.ts';
import * as market from './market.ts';
import { MARKET_FRAMES } from './market-frames.ts';
import * as talk from './talk.ts';

export const MARKET_HANDLERS: Record<keyof typeof MARKET_FRAMES, Handler> = {
  REGISTER_SKILLS: member(MARKET_FRAMES.REGISTER_SKILLS, market.registerSkills),
  SEARCH_SKILLS: member(MARKET_FRAMES.SEARCH_SKILLS, market.search),
  PROPOSAL: member(MARKET_FRAMES.PROPOSAL, market.propose),
  ACCEPT: member(MARKET_FRAMES.ACCEPT, market.accept),
  REJECT: member(MARKET_FRAMES.REJECT, market.reject),
  COMPLETE: member(MARKET_FRAMES.COMPLETE, market.complete),
  DISPUTE: member(MARKET_FRAMES.DISPUTE, market.dispute),
  LIST_PROPOSALS: member(MARKET_FRAMES.LIST_PROPOSALS, market.listProposals),
  LIST_RATINGS: member(MARKET_FRAMES.LIST_RATINGS, market.listRatings),
  FILE_CHUNK: member(MARKET_FRAMES.FILE_CHUNK, talk.fileChunk),
};
